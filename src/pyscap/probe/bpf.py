"""The bpf(2) calls that a capture needs: maps, programs, raw tracepoints.

In:  numbers and bytes. Out: descriptors. Next: `probe/loader.py`.
Loading goes through the system call, not through bcc: a stored program starts without a compiler.
Source: bpf(2), include/uapi/linux/bpf.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import platform
import struct

from pyscap.probe.errors import ProbeDenied, ProbeError

SYSCALL_NUMBER = {"x86_64": 321, "aarch64": 280}
NO_CALL = -1
"""On other machines: the kernel answers that there is no such call."""
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_DELETE, MAP_NEXT_KEY, PROG_LOAD = range(6)
PROG_TEST_RUN = 10
OBJ_GET_INFO_BY_FD = 15
RAW_TRACEPOINT_OPEN = 17

MAP_HASH, MAP_ARRAY, MAP_PROG_ARRAY = 1, 2, 3
MAP_PERCPU_ARRAY, MAP_LRU_HASH, MAP_ARRAY_OF_MAPS, MAP_RINGBUF = 6, 9, 12, 27

PROG_TRACEPOINT, PROG_RAW_TRACEPOINT, PROG_TRACING = 5, 17, 26
ATTACH_TRACE_RAW_TP = 23

HELPER_CURRENT_PID_TGID = 14

LOG_SIZE = 1 << 24

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class BpfError(OSError):
    """A bpf(2) call failed."""


def _bpf(command: int, attr: bytes) -> int:
    """One bpf(2) call.

    Raises:
        BpfError: it failed; `errno` says how.
    """
    return _bpf_buffer(command, ctypes.create_string_buffer(attr, max(len(attr), 128)))


def _bpf_buffer(command: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    """One bpf(2) call that may write its answer into its arguments."""
    number = SYSCALL_NUMBER.get(platform.machine(), NO_CALL)
    result = _libc.syscall(
        ctypes.c_long(number), ctypes.c_long(command), buffer, ctypes.c_long(len(buffer))
    )
    if result < 0:
        code = ctypes.get_errno()
        raise BpfError(code, os.strerror(code))
    return int(result)


def map_create(
    kind: int, key_size: int, value_size: int, entries: int, *, flags: int = 0, inner: int = 0
) -> int:
    """Make a map; `inner` is a template for maps of maps."""
    return _bpf(MAP_CREATE, struct.pack("<6I", kind, key_size, value_size, entries, flags, inner))


def _address(buffer: ctypes.Array[ctypes.c_char]) -> int:
    return ctypes.addressof(buffer)


def map_update(fd: int, key: bytes, value: bytes) -> None:
    """Set one entry."""
    k, v = (
        ctypes.create_string_buffer(key, len(key)),
        ctypes.create_string_buffer(value, len(value)),
    )
    _bpf(MAP_UPDATE, struct.pack("<I4xQQQ", fd, _address(k), _address(v), 0))


def map_lookup(fd: int, key: bytes, size: int) -> bytes:
    """Read one entry of `size` bytes (of all CPUs for a per-CPU map)."""
    k, v = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(size)
    _bpf(MAP_LOOKUP, struct.pack("<I4xQQQ", fd, _address(k), _address(v), 0))
    return v.raw


def map_info(fd: int) -> tuple[int, int, int, int, int]:
    """Kind, key size, value size, entries and flags of a map."""
    info = ctypes.create_string_buffer(128)
    _bpf(OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", fd, len(info), _address(info)))
    kind, _number, key_size, value_size, entries, flags = struct.unpack_from("<6I", info.raw)
    return kind, key_size, value_size, entries, flags


def prog_load(
    name: str, code: bytes, *, kind: int = PROG_RAW_TRACEPOINT, attach: int = 0, btf_id: int = 0
) -> int:
    """Load one program.

    Args:
        name: shown by the kernel's tools; cut to 15 characters.
        code: instructions with this process's map descriptors in them.
        kind: program type.
        attach: expected attach type.
        btf_id: type of the tracepoint, for typed programs.

    Raises:
        BpfError: refused; call `prog_log` for the verifier's reasons.
    """
    return _prog_load(name, code, kind, attach, btf_id, None)


def prog_log(
    name: str, code: bytes, *, kind: int = PROG_RAW_TRACEPOINT, attach: int = 0, btf_id: int = 0
) -> str:
    """The verifier's log for a program that was refused."""
    log = ctypes.create_string_buffer(LOG_SIZE)
    with contextlib.suppress(BpfError):
        os.close(_prog_load(name, code, kind, attach, btf_id, log))
    return log.value.decode("utf-8", "replace")


def _prog_load(
    name: str,
    code: bytes,
    kind: int,
    attach: int,
    btf_id: int,
    log: ctypes.Array[ctypes.c_char] | None,
) -> int:
    insns = ctypes.create_string_buffer(code, len(code))
    license_text = ctypes.create_string_buffer(b"Dual MIT/GPL")
    attr = struct.pack(
        "<IIQQIIQII16sIIIIQIIQII",
        kind,
        len(code) // 8,
        _address(insns),
        _address(license_text),
        1 if log else 0,
        len(log) if log else 0,
        _address(log) if log else 0,
        0,
        0,
        name.encode()[:15],
        0,
        attach,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        btf_id,
    )
    return _bpf(PROG_LOAD, attr)


def raw_tracepoint_open(program: int, name: str | None) -> int:
    """Start a program at a raw tracepoint; typed programs know theirs and take no name."""
    text = ctypes.create_string_buffer(name.encode()) if name else None
    return _bpf(RAW_TRACEPOINT_OPEN, struct.pack("<QI4x", _address(text) if text else 0, program))


PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
PERF_TYPE_TRACEPOINT = 2
PERF_ATTR_SIZE = 112
PERF_FLAG_FD_CLOEXEC = 8
PERF_IOC_ENABLE, PERF_IOC_SET_BPF = 0x2400, 0x40042408


def tracepoint_open(program: int, event_id: int) -> int:
    """Start a program at a classic tracepoint, on all processors.

    Source: perf_event_open(2).
    """
    attr = struct.pack("<IIQQQQ", PERF_TYPE_TRACEPOINT, PERF_ATTR_SIZE, event_id, 1, 0, 0)
    buffer = ctypes.create_string_buffer(attr, PERF_ATTR_SIZE)
    number = PERF_EVENT_OPEN[platform.machine()]
    every_task, first_cpu, no_group = (ctypes.c_long(value) for value in (-1, 0, -1))
    flags = ctypes.c_long(PERF_FLAG_FD_CLOEXEC)
    fd = int(_libc.syscall(ctypes.c_long(number), buffer, every_task, first_cpu, no_group, flags))
    if fd < 0:
        code = ctypes.get_errno()
        raise BpfError(code, os.strerror(code))
    try:
        fcntl.ioctl(fd, PERF_IOC_SET_BPF, program)
        fcntl.ioctl(fd, PERF_IOC_ENABLE, 0)
    except OSError as error:
        os.close(fd)
        raise BpfError(error.errno, error.strerror) from error
    return fd


def _instruction(opcode: int, registers: int = 0, number: int = 0) -> bytes:
    return struct.pack("<BBhi", opcode, registers, 0, number)


def host_pid() -> int:
    """This process's number on the host, which a pid namespace hides from `os.getpid`.

    A program that asks the kernel is run once, in this process.

    Raises:
        BpfError: the kernel is older than 5.10, or refuses.
    """
    pid_of_caller = (
        _instruction(0x85, number=HELPER_CURRENT_PID_TGID),
        _instruction(0x77, number=32),  # r0 >>= 32: the number of the thread group
        _instruction(0x95),
    )
    return run_once("host_pid", b"".join(pid_of_caller))


def run_once(name: str, code: bytes) -> int:
    """Run a raw tracepoint program in this process; what it returned, 32 bits.

    Raises:
        BpfError: the kernel is older than 5.10, or refuses.
    """
    program = prog_load(name, code)
    try:
        buffer = ctypes.create_string_buffer(struct.pack("<I", program), 128)
        _bpf_buffer(PROG_TEST_RUN, buffer)
        return int.from_bytes(buffer.raw[4:8], "little")
    finally:
        os.close(program)


def try_loading() -> None:
    """Load a minimal program and forget it.

    Raises:
        BpfError: this process may not load programs, or the kernel has none.
    """
    os.close(prog_load("try", _instruction(0xB7) + _instruction(0x95)))


def denied(error: OSError, what: str) -> ProbeError:
    """The user's sentence for a refused bpf(2) call."""
    if error.errno in (1, 13):
        return ProbeDenied(
            f"the kernel refuses to {what}: {error.strerror}",
            "run as root, or with the capabilities CAP_BPF and CAP_PERFMON",
        )
    return ProbeError(
        f"cannot {what}: {error.strerror}", "run `pyscap doctor` to see what is missing"
    )
