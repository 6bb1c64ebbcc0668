"""The bytes of bpf(2) calls are where include/uapi/linux/bpf.h has them."""

from __future__ import annotations

import ctypes
import errno
import os
import struct

import pytest

from pyscap.probe import bpf
from pyscap.probe.errors import ProbeDenied, ProbeError


class Kernel:
    """Notes system calls, and answers them."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []
        self.attr = b""
        self.text = b""
        self.result = 9
        self.error = 0
        self.write = lambda buffer: None

    def syscall(self, number, *args) -> int:
        buffer = next(arg for arg in args if isinstance(arg, ctypes.Array))
        self.attr = buffer.raw
        self.calls.append((number.value, *(a.value for a in args if a is not buffer)))
        self.write(buffer)
        ctypes.set_errno(self.error)
        return -1 if self.error else self.result

    def word(self, at: int) -> int:
        return struct.unpack_from("<I", self.attr, at)[0]

    def behind(self, at: int, size: int) -> bytes:
        """What the pointer at `at` points to."""
        return ctypes.string_at(struct.unpack_from("<Q", self.attr, at)[0], size)


@pytest.fixture
def kernel(monkeypatch):
    made = Kernel()
    monkeypatch.setattr(bpf, "_libc", made)
    monkeypatch.setattr(bpf.platform, "machine", lambda: "x86_64")
    return made


def test_a_map_is_made(kernel):
    assert bpf.map_create(27, 4, 8, 1 << 20, flags=64, inner=5) == 9
    assert kernel.calls == [(321, 0, 128)]
    assert [kernel.word(4 * n) for n in range(6)] == [27, 4, 8, 1 << 20, 64, 5]
    assert not any(kernel.attr[24:])


def test_the_call_has_another_number_on_arm(kernel, monkeypatch):
    monkeypatch.setattr(bpf.platform, "machine", lambda: "aarch64")
    bpf.map_create(1, 4, 4, 1)
    assert kernel.calls[0][0] == 280


def test_entries_are_passed_by_address(kernel):
    seen = []
    kernel.write = lambda _: seen.append((kernel.behind(8, 4), kernel.behind(16, 8)))
    bpf.map_update(7, b"key1", b"a\0value!")
    assert seen == [(b"key1", b"a\0value!")]
    assert (kernel.word(0), kernel.calls[0][1]) == (7, 2)
    assert not any(kernel.attr[24:])


def test_entries_are_read_whole_with_their_nuls(kernel):
    def fill(_) -> None:
        ctypes.memmove(struct.unpack_from("<Q", kernel.attr, 16)[0], b"\1\0\2\0", 4)

    kernel.write = fill
    assert bpf.map_lookup(7, b"k", 6) == b"\1\0\2\0\0\0"


def test_information_of_a_map_is_in_the_order_of_its_structure(kernel):
    info = struct.pack("<6I", 12, 77, 4, 8, 100, 1)  # type, id, key, value, entries, flags

    def fill(_) -> None:
        ctypes.memmove(struct.unpack_from("<Q", kernel.attr, 8)[0], info, len(info))

    kernel.write = fill
    assert bpf.map_info(3) == (12, 4, 8, 100, 1)
    assert (kernel.word(0), kernel.word(4), kernel.calls[0][1]) == (3, 128, 15)


def test_a_program_is_loaded(kernel):
    code = b"\xb7" + bytes(7) + b"\x95" + bytes(7)
    seen = []
    kernel.write = lambda _: seen.append((kernel.behind(8, 16), kernel.behind(16, 13)))
    assert bpf.prog_load("a_name_that_is_too_long", code, kind=26, attach=23, btf_id=4711) == 9
    assert seen == [(code, b"Dual MIT/GPL\0")]
    assert (kernel.word(0), kernel.word(4)) == (26, 2)
    assert kernel.word(24) == 0  # log_level
    assert kernel.attr[48:64] == b"a_name_that_is_\0"
    assert (kernel.word(68), kernel.word(108)) == (23, 4711)


def test_the_log_is_asked_for_and_may_hold_any_bytes(kernel, monkeypatch):
    monkeypatch.setattr(bpf, "LOG_SIZE", 64)
    kernel.error = errno.EACCES

    def fill(_) -> None:
        ctypes.memmove(struct.unpack_from("<Q", kernel.attr, 32)[0], b"R1 \xff bad\0", 9)

    kernel.write = fill
    assert bpf.prog_log("p", bytes(8)) == "R1 \ufffd bad"
    assert (kernel.word(24), kernel.word(28)) == (1, 64)


def test_a_log_of_a_program_that_is_taken_leaves_nothing_open(kernel):
    kernel.result, far = os.pipe()
    assert bpf.prog_log("p", bytes(8)) == ""
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(kernel.result)
    os.close(far)


def test_tracepoints_have_a_name_or_none(kernel):
    names = []
    kernel.write = lambda _: names.append(kernel.behind(0, 10))
    bpf.raw_tracepoint_open(5, "sys_enter")
    assert names == [b"sys_enter\0"]
    assert (kernel.word(8), kernel.calls[0][1]) == (5, 17)
    kernel.write = lambda _: None
    bpf.raw_tracepoint_open(6, None)
    assert (kernel.attr[:8], kernel.word(8)) == (bytes(8), 6)


def test_a_failed_call_has_its_error(kernel):
    kernel.error = errno.E2BIG
    with pytest.raises(bpf.BpfError) as caught:
        bpf.map_create(1, 4, 4, 1)
    assert caught.value.errno == errno.E2BIG


def test_classic_tracepoints_are_opened_on_every_processor(kernel, monkeypatch):
    asked = []
    monkeypatch.setattr(bpf.fcntl, "ioctl", lambda *args: asked.append(args))
    assert bpf.tracepoint_open(5, 318) == 9
    assert kernel.calls == [(298, -1, 0, -1, 8)]
    assert (kernel.word(0), kernel.word(4), kernel.word(8), kernel.word(16)) == (2, 112, 318, 1)
    assert asked == [(9, 0x40042408, 5), (9, 0x2400, 0)]


def test_a_tracepoint_that_takes_no_program_is_closed(kernel, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EEXIST, "File exists")

    kernel.result, far = os.pipe()
    monkeypatch.setattr(bpf.fcntl, "ioctl", refuse)
    with pytest.raises(bpf.BpfError, match="File exists"):
        bpf.tracepoint_open(5, 318)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(kernel.result)
    os.close(far)


def test_a_program_run_once_returns_its_32_bits_and_is_closed(kernel):
    kernel.result, far = os.pipe()
    kernel.write = lambda buffer: ctypes.memmove(
        ctypes.addressof(buffer) + 4, b"\xff\xff\xff\xfe", 4
    )
    assert bpf.run_once("x", bytes(8)) == 0xFEFFFFFF
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(kernel.result)
    os.close(far)


@pytest.mark.parametrize(
    ("number", "kind", "hint"),
    [
        (errno.EPERM, ProbeDenied, "CAP_BPF"),
        (errno.EACCES, ProbeDenied, "CAP_BPF"),
        (errno.ENOSYS, ProbeError, "pyscap doctor"),
        (errno.ENOMEM, ProbeError, "pyscap doctor"),
    ],
)
def test_refusals_are_told_apart(number, kind, hint):
    known = bpf.denied(OSError(number, os.strerror(number)), "make a map")
    assert type(known) is kind
    assert os.strerror(number) in known.cause
    assert "make a map" in known.cause
    assert hint in known.hint


def test_a_processor_whose_call_numbers_are_not_known_has_no_such_call(monkeypatch):
    monkeypatch.setattr(bpf.platform, "machine", lambda: "riscv64")
    with pytest.raises(bpf.BpfError) as caught:
        bpf.map_create(2, 4, 4, 1)
    assert caught.value.errno == errno.ENOSYS
