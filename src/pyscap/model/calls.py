"""Which parameters of an event are the arguments of its call, in the order of the call.

In:  the event table. Out: `argument_positions()`. Next: `pyscap.plan`, for the field `evt.call`.
Events list their parameters in the order in which they were added to the format, with much that
is no argument of the call.
Source: man pages of section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyscap.model.specs import EventSpec

SIGNATURES: dict[str, str] = {
    "accept": "tuple",
    "accept4": "tuple flags",
    "bind": "fd addr",
    "brk": "addr",
    "clone": "flags",
    "clone3": "flags",
    "connect": "fd addr",
    "epoll_wait": "maxevents",
    "eventfd2": "initval flags",
    "execve": "exe args env",
    "execveat": "exe args env flags",
    "fork": "",
    "getrlimit": "resource cur max",
    "io_uring_setup": "entries flags",
    "mknod": "path mode dev",
    "mknodat": "dirfd path mode dev",
    "mmap": "addr length prot flags fd offset",
    "mmap2": "addr length prot flags fd pgoffset",
    "mount": "dev dir type flags",
    "munmap": "addr length",
    "open_by_handle_at": "mountfd path flags",
    "prlimit": "pid resource newcur newmax oldcur oldmax",
    "pread": "fd data size pos",
    "preadv": "fd data pos",
    "ptrace": "request pid addr data",
    "pwrite": "fd data size pos",
    "pwritev": "fd data size pos",
    "quotactl": "cmd type special id",
    "read": "fd data size",
    "readv": "fd data",
    "recv": "fd data size",
    "recvfrom": "fd data size tuple",
    "recvmmsg": "fd data",
    "recvmsg": "fd data msgcontrol",
    "semop": "semid nsops",
    "send": "fd data size",
    "sendfile": "out_fd in_fd offset size",
    "sendmmsg": "fd data",
    "sendmsg": "fd data",
    "sendto": "fd data size tuple",
    "setrlimit": "resource cur max",
    "signalfd4": "fd mask flags",
    "socket": "domain type proto",
    "socketpair": "domain type proto fd1 fd2",
    "vfork": "",
    "write": "fd data size",
    "writev": "fd data",
}
"""Call -> its arguments, where they are not simply the parameters after the result."""

SOCKET_TYPES: list[tuple[str, int]] = [
    ("SOCK_NONBLOCK", 0o4000),
    ("SOCK_CLOEXEC", 0o2000000),
    ("SOCK_PACKET", 10),
    ("SOCK_DCCP", 6),
    ("SOCK_SEQPACKET", 5),
    ("SOCK_RDM", 4),
    ("SOCK_RAW", 3),
    ("SOCK_DGRAM", 2),
    ("SOCK_STREAM", 1),
]
"""Types of sockets and the flags that travel with them. Source: socket(2), Linux x86 and Arm."""

CALL_SYMBOLS: dict[tuple[str, str], str] = {
    ("socket", "type"): "socket_types",
    ("socketpair", "type"): "socket_types",
}
"""Call and argument -> name of the flags in it, where the event table has a plain number."""

NOT_ARGUMENTS = frozenset({"dev", "ino", "creat_flags"})
"""Parameters of other calls that are no arguments: what the kernel found out on the way."""


def argument_positions(spec: EventSpec) -> list[int]:
    """Positions of the parameters that are arguments, in the order of the call.

    Args:
        spec: An event.

    Returns:
        Empty for a call without arguments; for other events than calls, every position.
    """
    if "SYSCALL" not in spec.categories.split("|"):
        return list(range(len(spec.params)))
    if spec.direction == "<" and spec.name in SIGNATURES:
        positions = {row.name: at for at, row in enumerate(spec.params)}
        wanted = SIGNATURES[spec.name].split()
        return [positions[name] for name in wanted if name in positions]
    first = 1 if spec.direction == "<" else 0
    return [
        at for at, row in enumerate(spec.params) if at >= first and row.name not in NOT_ARGUMENTS
    ]
