"""Kinds of descriptors: number in the format, character and name as users see them.

In:  nothing. Out: `FD_TYPES`, `FD_NUMBER`. Next: `pyscap.plan`, `state/transitions.py`.
Source: descriptor types of the scap format, schema 4.5.1.
"""

from __future__ import annotations

from typing import NamedTuple


class FdType(NamedTuple):
    """One kind of descriptor."""

    number: int
    """Number in descriptor lists; negative ones are never written."""
    char: str
    """First character in `3(<f>/etc/passwd)` and value of `fd.typechar`."""
    name: str | None
    """Value of `fd.type`; None where there is none."""
    const: str
    """Short name for transitions."""


F = FdType

FD_TYPES: tuple[FdType, ...] = (
    F(-1, "?", None, "uninitialized"),
    F(0, "o", None, "unknown"),
    F(1, "f", "file", "file"),
    F(2, "d", "directory", "directory"),
    F(3, "4", "ipv4", "ipv4_socket"),
    F(4, "6", "ipv6", "ipv6_socket"),
    F(5, "4", "ipv4", "ipv4_server"),
    F(6, "6", "ipv6", "ipv6_server"),
    F(7, "p", "pipe", "pipe"),
    F(8, "u", "unix", "unix"),
    F(9, "e", "event", "event"),
    F(10, "X", None, "unsupported"),
    F(11, "s", "signalfd", "signalfd"),
    F(12, "l", "eventpoll", "eventpoll"),
    F(13, "i", "inotify", "inotify"),
    F(14, "t", "timerfd", "timerfd"),
    F(15, "n", "netlink", "netlink"),
    F(16, "f", "file", "file_v2"),
    F(17, "b", "bpf", "bpf"),
    F(18, "u", "userfaultfd", "userfaultfd"),
    F(19, "r", "io_uring", "io_uring"),
    F(20, "m", "memfd", "memfd"),
    F(21, "P", "pidfd", "pidfd"),
)

FD_NUMBER = {row.const: row.number for row in FD_TYPES}
"""Format number by short name."""


class L4Protocol(NamedTuple):
    """Transport of an IP socket."""

    number: int
    char: str
    """Second character in `5(<4t>10.0.0.5:1234->10.0.0.6:80)`; empty for none."""
    name: str | None
    """Value of `fd.l4proto`."""


L4_PROTOCOLS: tuple[L4Protocol, ...] = (
    L4Protocol(0, "", None),
    L4Protocol(1, "", None),
    L4Protocol(2, "t", "tcp"),
    L4Protocol(3, "u", "udp"),
    L4Protocol(4, "i", "icmp"),
    L4Protocol(5, "r", "raw"),
)
