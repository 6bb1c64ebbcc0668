"""What the builders build is read by the engine as it was meant."""

from __future__ import annotations

import builders as b
import pytest

from pyscap._engine import Session
from pyscap.plan import Plan


def counts(data: bytes) -> dict:
    session = Session(Plan().to_json())
    session.add_bytes(data)
    while session.run(1000) != "done":
        pass
    return session.stats()


def test_an_event_has_its_parameters_in_table_order():
    ev = b.openat(fd=4, name="/x", flags="O_RDONLY|O_CLOEXEC", tid=5)
    assert ev.tid == 5
    assert ev.params[0] == (4).to_bytes(8, "little")
    assert ev.params[2] == b"/x\0"
    assert ev.params[3] == (1 | 4096).to_bytes(4, "little")


def test_a_capture_reads_back_complete():
    data = b.capture(
        threads=[b.thread(5, "cat", fds=[b.fd(3, name="/etc/passwd")])],
        events=[b.openat(fd=4, name="/x", tid=5), b.read(res=-11, fd=4, tid=5)],
        users=[b.user(0, "root"), b.group(0, "root")],
        interfaces=[b.interface("lo", "127.0.0.1", "255.0.0.0")],
    )
    stats = counts(data)
    assert (stats["events"], stats["damaged"], stats["sections"]) == (2, 0, 1)


def test_addresses_are_encoded_as_the_kernel_stores_them():
    spec = b.newest("connect").params[1]
    tuple_ = b.encode(spec, "10.0.0.5:1234->10.0.0.6:80")
    assert tuple_ == b"\x02\x0a\0\0\5" + b"\xd2\4" + b"\x0a\0\0\6" + b"\x50\0"
    assert len(b.encode(spec, "::1:5->::2:6")) == 37
    assert b.encode(spec, "1a->2b /run/x")[17:] == b"/run/x\0"


def test_a_misspelt_parameter_is_refused():
    with pytest.raises(TypeError, match="nane"):
        b.openat(nane="/x")


def test_an_unknown_event_is_no_function():
    with pytest.raises(AttributeError):
        _ = b.no_such_event


@pytest.mark.parametrize("process", range(1, 10))
def test_every_version_of_the_lists_is_read_without_damage(process):
    old = min(process, 2)
    version = b.Versions(process=process, fd=old, interface=old, user=old, event=old)
    data = b.capture(
        threads=[b.thread(5, "cat", fds=[b.fd(3, name="/x"), b.fd(4, "ipv4", src="1.2.3.4:5")])],
        events=[b.openat(fd=4, name="/x", tid=5)],
        users=[b.user(0, "root"), b.group(0, "root")],
        interfaces=[b.interface("eth0", "10.0.0.5", "255.0.0.0"), b.interface("lo", "::1", "::")],
        version=version,
    )
    stats = counts(data)
    assert (stats["events"], stats["damaged"]) == (1, 0), stats
