"""The captures that tests of the command read, built from the declarations.

In:  a directory. Out: files in it, the same in every run.
"""

import gzip
from pathlib import Path

import builders as b

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


def write_captures(path: Path) -> None:
    """Write every capture into the directory `path`."""
    data = small()
    (path / "small.scap").write_bytes(data)
    (path / "small.scap.gz").write_bytes(gzip.compress(data, mtime=0))
    (path / "hostile.scap").write_bytes(hostile())
    (path / "cut.scap").write_bytes(data[:-20])
    (path / "empty.scap").write_bytes(b"")
    (path / "text.scap").write_bytes(b"this is not a capture\n")
