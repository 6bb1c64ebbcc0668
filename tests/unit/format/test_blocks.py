"""Entries and blocks as bytes, laid down by hand after the format's specification."""

from __future__ import annotations

import struct

import pytest
from construct import ConstructError, StreamError

from pyscap.format import blocks
from pyscap.format.blocks import BLOCK, FD, INTERFACE, MACHINE, PROCESS, SECTION_HEADER_BODY, USER


def text(value: bytes) -> bytes:
    return struct.pack("<H", len(value)) + value


def process(tail: bytes = b"") -> bytes:
    """An entry of version 9 with a tail of any length."""
    body = struct.pack("<QQQqq", 7, 7, 1, 7, 7)  # tid, pid, ptid, sid, vpgid
    body += text(b"cat") + text(b"/bin/cat") + text(b"/usr/bin/cat") + text(b"-n\0") + text(b"/")
    body += struct.pack("<q6I2Q", 1024, 0, 1000, 100, 3000, 2000, 0, 3, 40)
    body += text(b"A=1\0") + struct.pack("<qq", 2, 1) + text(b"=/x\0") + text(b"/") + tail
    return struct.pack("<I", 4 + len(body)) + body


FULL_TAIL = struct.pack(
    "<QIIBQQQBQQQBBq", 5, 34816, 1000, 1, 1, 2, 3, 0, 99, 11, 12, 0, 1, 7
)  # fmt: skip


def test_a_process_entry_of_today():
    row = PROCESS.parse(process(FULL_TAIL), version=9)
    assert (row.tid, row.ptid, row.comm, row.args, row.cwd) == (7, 1, b"cat", b"-n\0", b"/")
    assert (row.uid, row.gid, row.vmsize_kb, row.pfmajor, row.pfminor) == (1000, 100, 3000, 3, 40)
    assert (row.vtid, row.vpid, row.cgroups, row.root) == (2, 1, b"=/x\0", b"/")
    assert (row.pidns_init_start_ns, row.tty, row.loginuid) == (5, 34816, 1000)
    assert (row.cap_effective, row.exe_ino, row.exe_lower_layer, row.pgid) == (3, 99, 1, 7)
    assert len(FULL_TAIL) == 76


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"", {"loginuid": 0xFFFFFFFF, "tty": 0, "pgid": -1}),
        (struct.pack("<I", 5), {"loginuid": 5, "tty": 0, "exe_writable": 0}),
        # 29 bytes: a file of before libs 0.10, without namespace and terminal.
        (
            struct.pack("<IB3Q", 5, 1, 1, 2, 3),
            {"loginuid": 5, "exe_writable": 1, "cap_effective": 3},
        ),
        (FULL_TAIL[:30], {"pidns_init_start_ns": 5, "tty": 34816, "loginuid": 1000}),
        (FULL_TAIL[:-1], {"exe_lower_layer": 1, "pgid": -1}),
        (FULL_TAIL + b"what is to come", {"pgid": 7}),
    ],
)
def test_a_tail_is_taken_as_far_as_it_goes(tail, expected):
    row = PROCESS.parse(process(tail), version=9)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("size", [0, 3, 4, 40, len(process()) - 1])
def test_an_entry_that_is_cut_is_refused(size):
    with pytest.raises(ConstructError):
        PROCESS.parse(process()[:size], version=9)


@pytest.mark.parametrize("length", [0, 3, 4, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_refused(length):
    with pytest.raises(ConstructError):
        PROCESS.parse(struct.pack("<I", length) + bytes(64), version=9)


def test_the_oldest_process_entry_has_no_length_and_few_fields():
    data = struct.pack("<QQQ", 7, 7, 1) + text(b"cat") + text(b"cat") + text(b"") + text(b"/")
    row = PROCESS.parse(data + struct.pack("<qIII", 1024, 0, 5, 6), version=1)
    assert (row.tid, row.comm, row.fdlimit, row.uid, row.gid) == (7, b"cat", 1024, 5, 6)
    assert (row.sid, row.exepath, row.vtid, row.env, row.pgid) == (-1, b"", -1, b"", -1)


def test_what_is_not_given_is_written_as_its_absence():
    row = PROCESS.parse(PROCESS.build({"tid": 1}, version=9), version=9)
    assert (row.sid, row.comm, row.loginuid, row.pgid) == (-1, b"", 0xFFFFFFFF, -1)


@pytest.mark.parametrize(("name", "most"), [("comm", 1024), ("exepath", 1024), ("env", 4096)])
def test_long_texts_are_cut(name, most):
    row = PROCESS.parse(PROCESS.build({name: b"x" * 9000}, version=9), version=9)
    assert row[name] == b"x" * most


@pytest.mark.parametrize(
    ("given", "read"),
    [(b"h", b"h"), (b"", b""), (b"h" * 300, b"h" * 127), (b"a\0b", b"a")],
)
def test_the_host_name_has_128_bytes_with_a_nul(given, read):
    data = MACHINE.build({"num_cpus": 2, "hostname": given}, version=1)
    assert len(data) == 180
    assert data[20:148].rstrip(b"\0") == given[:127]
    assert MACHINE.parse(data, version=1).hostname == read


FD_HEAD = struct.pack("<qQB", 3, 99, 16)


def sized(body: bytes) -> bytes:
    return struct.pack("<I", 4 + len(body)) + body


def test_a_file_and_its_device_since_version_2():
    body = FD_HEAD + struct.pack("<I", 4097) + text(b"/x")
    row = FD.parse(sized(body + struct.pack("<I", 8)), version=2)
    assert (row.fd, row.ino, row.payload.open_flags) == (3, 99, 4097)
    assert (row.payload.name, row.payload.dev) == (b"/x", 8)
    assert FD.parse(sized(body), version=2).payload.dev == 0
    assert FD.parse(body, version=1).payload.dev == 0


def test_both_ends_of_a_connection():
    ends = bytes((10, 0, 0, 1)) + bytes((10, 0, 0, 2)) + struct.pack("<HHB", 41000, 80, 2)
    payload = FD.parse(sized(struct.pack("<qQB", 3, 0, 3) + ends), version=2).payload
    assert (payload.sip, payload.dip) == (b"\n\0\0\1", b"\n\0\0\2")
    assert (payload.sport, payload.dport, payload.l4) == (41000, 80, 2)


@pytest.mark.parametrize("kind", [0, 22, 255])
def test_a_descriptor_of_a_kind_that_is_to_come_is_skipped(kind):
    data = sized(struct.pack("<qQB", 3, 0, kind) + b"anything")
    assert FD.parse(data + b"next", version=2).payload == b"anything"


def test_an_interface_has_the_length_of_its_name_before_its_addresses():
    body = struct.pack("<HH", 1, 4) + b"\n\0\0\1" + b"\xff\0\0\0" + b"\n\xff\xff\xff"
    body += struct.pack("<Q", 10**9) + b"eth0"
    data = struct.pack("<I", len(body)) + body  # this length does not count itself
    payload = INTERFACE.parse(data, version=2).payload
    assert (payload.addr, payload.netmask, payload.linkspeed) == (b"\n\0\0\1", b"\xff\0\0\0", 10**9)
    assert payload.name == b"eth0"
    with pytest.raises(StreamError):
        INTERFACE.parse(struct.pack("<HH", 1, 60000) + bytes(40), version=1)


def test_users_and_groups():
    user = struct.pack("<BII", 0, 5, 6) + text(b"root") + text(b"/root") + text(b"/bin/sh")
    row = USER.parse(sized(user), version=2).payload
    assert (row.uid, row.gid, row.name, row.shell) == (5, 6, b"root", b"/bin/sh")
    group = USER.parse(struct.pack("<BI", 1, 9) + text(b"staff"), version=1).payload
    assert (group.gid, group.name) == (9, b"staff")


@pytest.mark.parametrize(("body", "padding"), [(b"", 0), (b"abcd", 0), (b"abcde", 3)])
def test_blocks_count_whole_words_and_say_their_length_twice(body, padding):
    size = 12 + len(body) + padding
    data = struct.pack("<II", 0x215, size) + body + bytes(padding) + struct.pack("<I", size)
    row = BLOCK.parse(data)
    assert (row.type, row.total_length, row.trailer) == (0x215, size, size)
    assert row.body == body + bytes(padding)


@pytest.mark.parametrize("length", [0, 11, 13, 0xFFFFFFFF])
def test_a_block_of_an_impossible_length_is_refused(length):
    with pytest.raises(ConstructError):
        BLOCK.parse(struct.pack("<II", 0x215, length) + bytes(4))


def test_a_section_header():
    options = struct.pack("<HH", 4, 6) + b"pyscap" + bytes(2) + bytes(4)
    data = bytes.fromhex("4d3c2b1a01000200") + b"\xff" * 8
    row = SECTION_HEADER_BODY.parse(data + options)
    assert (row.major, row.minor) == (1, 2)
    assert [(o.code, o.value) for o in row.options] == [(4, b"pyscap"), (0, b"")]
    assert SECTION_HEADER_BODY.parse(data).options == []
    with pytest.raises(ConstructError):
        SECTION_HEADER_BODY.parse(bytes.fromhex("1a2b3c4d00010002") + b"\xff" * 8)


def test_heads_of_events():
    plain = struct.pack("<HQqIH", 3, 10**18, -1, 26, 217)
    row = blocks.EVENT_V1.parse(plain, flagged=False)
    assert (row.cpu, row.flags, row.ts_ns, row.tid, row.code) == (3, None, 10**18, -1, 217)
    flagged = struct.pack("<HIQqIHI", 3, 1, 10**18, 5, 26, 217, 2)
    row = blocks.EVENT_V2.parse(flagged, flagged=True)
    assert (row.flags, row.tid, row.len, row.code, row.nparams) == (1, 5, 26, 217, 2)
