"""What the fast writer writes is what the declarations say."""

from __future__ import annotations

import pytest

from pyscap.format import blocks, encode
from pyscap.format.layout_rows import LAYOUTS
from pyscap.format.versions import newest

THREAD = {
    "tid": 7,
    "pid": 7,
    "ptid": 1,
    "sid": -1,
    "comm": b"cat",
    "exe": b"/bin/cat",
    "args": b"-n\0x\0",
    "env": b"A=1\0",
    "loginuid": 1000,
    "tty": 34816,
    "exe_ino": 1 << 40,
    "pgid": 7,
}


def declared(record: str, value: dict) -> bytes:
    return blocks.RECORDS[record].build(value, version=newest(record).version)


def test_process_entry_is_as_declared_and_has_the_complete_tail():
    written = encode.entry("process", THREAD)
    full = {row.name: row.default for row in LAYOUTS["process"] if row.tail is not None} | THREAD
    assert written == declared("process", {"sid": None, **full})
    assert len(written) - encode_head_len() == 76


def encode_head_len() -> int:
    no_tail = {k: v for k, v in THREAD.items() if k not in ("loginuid", "tty", "exe_ino", "pgid")}
    return len(declared("process", no_tail))


@pytest.mark.parametrize("kind", sorted(blocks.FD_PAYLOADS))
def test_fd_entry_is_as_declared(kind):
    value = {"fd": 3, "ino": 99, "type": kind, "name": b"/x", "open_flags": 4097, "dev": 8}
    value |= {"sport": 1, "dport": 2, "l4": 2, "source": 5, "destination": 6}
    if kind in (3, 4, 5, 6):
        size = 4 if kind in (3, 5) else 16
        value |= {"sip": b"\1" * size, "dip": b"\2" * size}
    assert encode.entry("fd", value) == declared("fd", {**value, "payload": value})


@pytest.mark.parametrize("kind", sorted(blocks.INTERFACE_PAYLOADS))
def test_interface_entry_is_as_declared(kind):
    size = 4 if kind in (1, 3) else 16
    value = {"type": kind, "name": b"eth0", "addr": b"\1" * size, "linkspeed": 7}
    value |= {"netmask": b"\xff" * size, "bcast": b"\3" * size}
    assert encode.entry("interface", value) == declared("interface", {**value, "payload": value})


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_user_entry_is_as_declared(kind):
    value = {"type": kind, "uid": 5, "gid": 6, "name": b"n", "homedir": b"/h", "shell": b"/s"}
    assert encode.entry("user", value) == declared("user", {**value, "payload": value})


def test_long_texts_are_cut_to_what_readers_take():
    written = encode.entry("process", {"comm": b"x" * 5000, "args": b"y" * 5000})
    parsed = blocks.PROCESS.parse(written, version=9)
    assert len(parsed.comm) == blocks.NAME_MAX
    assert len(parsed.args) == blocks.LIST_MAX


def test_machine_block_is_192_bytes():
    written = encode.metadata("machine", [{"num_cpus": 2, "hostname": b"h" * 300}])
    assert len(written) == 192
    assert blocks.MACHINE.parse(written[8:-4], version=1).hostname == b"h" * 127


def test_section_header_without_options_is_28_bytes():
    assert len(encode.section_header()) == 28


def test_section_header_options_are_read_back():
    written = encode.section_header([(encode.OPTION_APPLICATION, "pyscap"), (1, "é")])
    head = blocks.BLOCK.parse(written)
    options = blocks.SECTION_HEADER_BODY.parse(head.body).options
    assert [(o.code, o.value) for o in options] == [(4, b"pyscap"), (1, "é".encode()), (0, b"")]
    assert head.total_length == head.trailer == len(written)


def test_a_long_process_list_becomes_several_blocks(monkeypatch):
    monkeypatch.setattr(encode, "_LIST_BYTES", 100)
    written = encode.process_list([THREAD, {**THREAD, "tid": 8}])
    first = blocks.BLOCK.parse(written)
    second = blocks.BLOCK.parse(written[first.total_length :])
    assert (first.type, second.type) == (0x215, 0x215)
    assert blocks.PROCESS.parse(second.body, version=9).tid == 8
