"""The captures that tests of the command read, built from the declarations.

In:  a directory. Out: files in it, the same in every run.
"""

import gzip
import json
import struct
from dataclasses import replace
from pathlib import Path

import builders as b

from pyscap.format.versions import OPTION_CUSTOM, OPTION_OWNER, OwnOption

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
"""2023-11-14 22:13:20 UTC."""


def small():
    """A shell that starts cat, which reads a file and fails to open another."""
    at = iter(range(START, START + SECOND, 1_000_037)).__next__
    shell, cat = 100, 101
    events = [
        b.openat(
            fd=3, dirfd=-100, name="/etc/passwd", flags="O_RDONLY|O_CLOEXEC", tid=cat, ts_ns=at()
        ),
        b.read(res=12, data=b"root:x:0:0:\n", fd=3, size=4096, tid=cat, ts_ns=at(), cpu=1),
        b.write(res=12, data=b"root:x:0:0:\n", fd=1, size=12, tid=cat, ts_ns=at(), cpu=1),
        b.close(res=0, fd=3, tid=cat, ts_ns=at()),
        b.openat(fd=-2, dirfd=-100, name="/nope", flags="O_RDONLY", tid=cat, ts_ns=at()),
        b.connect(
            res=0,
            tuple="10.0.0.5:41000->10.0.0.6:443",
            fd=4,
            addr="10.0.0.6:443",
            tid=shell,
            ts_ns=at(),
        ),
        b.kill(res=0, pid=cat, sig=15, tid=shell, ts_ns=at()),
        b.event(
            "procexit",
            ">",
            status=15,
            ret=0,
            sig=15,
            core=0,
            reaper_tid=shell,
            tid=cat,
            ts_ns=at(),
        ),
    ]
    return b.capture(
        threads=[
            b.thread(
                shell,
                "bash",
                fds=[b.fd(1, name="/dev/pts/0"), b.fd(4, "ipv4", src="0.0.0.0:0", dst="0.0.0.0:0")],
            ),
            b.thread(cat, "cat", ptid=shell, uid=1000, gid=1000, fds=[b.fd(1, name="/dev/pts/0")]),
        ],
        events=events,
        users=[b.user(1000, "alice"), b.group(1000, "staff")],
    )


def hostile():
    """Names and data that would steer a terminal or break a line."""
    name = "/tmp/\x1b[2J\u202egpj.exe\n\x07"
    events = [
        b.openat(fd=3, dirfd=-100, name=name, flags="O_RDONLY", tid=7, ts_ns=START),
        b.openat(fd=3, dirfd=-100, name=b"/\xff\xfe\x9b", flags="O_RDONLY", tid=7, ts_ns=START + 1),
        b.write(res=4, data=bytes(range(256)), fd=3, size=4, tid=7, ts_ns=START + 2),
    ]
    return b.capture(threads=[b.thread(7, "a\x1b]0;b\x07")], events=events)


def timed(ev, ns):
    """The event, with how long its call took."""
    value = struct.pack("<IIQ", OPTION_OWNER, OwnOption.DURATION, ns)
    option = struct.pack("<HH", OPTION_CUSTOM, len(value)) + value
    return replace(ev, options=option + bytes(4))


def web():
    """A server that answers two requests of curl; durations; a scheduler event on each CPU.

    curl (200, a child of bash 100) asks twice over one connection; the server (300) reads a file
    slowly, and fails to open another.
    """
    at = iter(range(START, START + 60 * SECOND, 50_000_000)).__next__
    ask = b"GET /%b HTTP/1.1\r\nHost: example.com\r\n\r\n"
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    bad = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    curl, server = 200, 300

    def io(name, fd, data, tid, ns, more=0):
        size = len(data) + more
        call = getattr(b, name)(res=size, data=data, fd=fd, size=4096, tid=tid, ts_ns=at())
        return timed(call, ns)

    def opened(fd, name, tid, ns):
        call = b.openat(fd=fd, dirfd=-100, name=name, flags="O_RDONLY", tid=tid, ts_ns=at())
        return timed(call, ns)

    events = [
        io("write", 3, ask % b"a", curl, 20_000),
        io("read", 5, ask % b"a", server, 1_500_000),
        opened(6, "/srv/a", server, 9_000),
        io("read", 6, b"hello", server, 12_000_000),
        b.event("switch", ">", next=server, tid=curl, cpu=1, ts_ns=at()),
        io("write", 5, good, server, 30_000),
        io("read", 3, good, curl, 160_000_000),
        io("write", 3, ask % b"b", curl, 21_000),
        io("read", 5, ask % b"b", server, 900_000),
        opened(-2, "/srv/b", server, 4_000),
        io("write", 5, bad, server, 25_000),
        b.event("switch", ">", next=curl, tid=server, cpu=1, ts_ns=at()),
        io("read", 3, bad, curl, 70_000_000, more=1000),
        io("write", 1, b"hello\n\x1b[2J", curl, 8_000),
    ]
    ends = {"src": "10.0.0.5:41000", "dst": "10.0.0.6:80"}
    return b.capture(
        threads=[
            b.thread(100, "bash", vmsize_kb=9000, vmrss_kb=4000),
            b.thread(
                curl,
                "curl",
                ptid=100,
                args=["http://example.com/a"],
                fds=[b.fd(1, name="/dev/pts/0"), b.fd(3, "ipv4", **ends, l4=2)],
            ),
            b.thread(server, "httpd", fds=[b.fd(5, "ipv4", **ends, l4=2)]),
        ],
        events=events,
        users=[b.user(0, "root")],
    )


def containers():
    """Two containers, one of which the runtime named, and a process of the machine itself."""
    web, job = "1" * 64, "2" * 64
    named = {
        "id": web[:12],
        "full_id": web,
        "type": 0,
        "name": "web-\x1b[2J1",
        "image": "registry.test/shop/nginx:1.27",
        "labels": {"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop"},
    }
    at = iter(range(START, START + SECOND, 1_000_000)).__next__

    def opened(tid):
        return b.openat(fd=3, dirfd=-100, name="/x", flags="O_RDONLY", tid=tid, ts_ns=at())

    return b.capture(
        threads=[
            b.thread(10, "nginx", cgroups=[f"=/system.slice/docker-{web}.scope"]),
            b.thread(11, "nginx", ptid=10, cgroups=[f"=/system.slice/docker-{web}.scope"]),
            b.thread(20, "job", cgroups=[f"=/machine.slice/libpod-{job}.scope"]),
            b.thread(30, "sshd", cgroups=["=/system.slice/ssh.service"]),
        ],
        events=[
            b.event("container", ">", json=json.dumps({"container": named}), tid=-1, ts_ns=at()),
            *(opened(tid) for tid in (10, 11, 20, 30)),
            b.write(res=5, data=b"hello", fd=3, size=5, tid=20, ts_ns=at()),
            b.openat(fd=-2, dirfd=-100, name="/y", flags="O_RDONLY", tid=10, ts_ns=at()),
        ],
    )


CONFIG = """
[filters]
failed = "evt.failed = true"

[templates]
short = "%evt.num %evt.type"

[profiles.files]
columns = ["evt.num:4", "fd.name"]
filter = "evt.type in (openat, read, write)"
theme = "night"

[themes.night]
doc = "what cat does"

[themes.night.fields]
"evt.type" = "underline"

[[themes.night.rules]]
name = "cat"
filter = "proc.name = cat"
style = "bold"
"""


def write_captures(path: Path) -> None:
    """Write every capture into the directory `path`."""
    data = small()
    (path / "small.scap").write_bytes(data)
    (path / "small.scap.gz").write_bytes(gzip.compress(data, mtime=0))
    (path / "web.scap").write_bytes(web())
    (path / "containers.scap").write_bytes(containers())
    (path / "hostile.scap").write_bytes(hostile())
    (path / "cut.scap").write_bytes(data[:-20])
    (path / "config" / "pyscap").mkdir(parents=True)
    (path / "config" / "pyscap" / "config.toml").write_text(CONFIG)
    (path / "empty.scap").write_bytes(b"")
    (path / "text.scap").write_bytes(b"this is not a capture\n")
