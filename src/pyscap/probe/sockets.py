"""Sockets by inode, as the kernel lists them for a network namespace.

In:  `/proc/PID/net/*`. Out: `SocketTables`, which gives the descriptor row of an inode.
Next: `procfs`.
Source: proc(5) and Documentation/networking/proc_net_tcp.rst: addresses are printed as 32-bit
words of the host's byte order, ports as numbers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

FD_IPV4, FD_IPV6, FD_IPV4_SERVER, FD_IPV6_SERVER = 3, 4, 5, 6
FD_UNIX, FD_UNSUPPORTED, FD_NETLINK = 8, 10, 15
L4_TCP, L4_UDP, L4_ICMP, L4_RAW = 2, 3, 4, 5

Row = dict[str, Any]
"""Fields of a descriptor list entry, as `format.blocks` names them."""


class _Table(NamedTuple):
    """One file of `/proc/PID/net`."""

    name: str
    l4: int


IP_TABLES = (
    _Table("tcp", L4_TCP),
    _Table("tcp6", L4_TCP),
    _Table("udp", L4_UDP),
    _Table("udp6", L4_UDP),
    _Table("icmp", L4_ICMP),
    _Table("icmp6", L4_ICMP),
    _Table("raw", L4_RAW),
    _Table("raw6", L4_RAW),
)
_LOCAL, _REMOTE, _IP_INODE = 1, 2, 9
_NETLINK_INODE = 9
_UNIX_LINE = re.compile(rb"(\w+): (?:\w+ +){5}(\d+)(?: (.*))?", re.DOTALL)
"""Kernel address, inode and path, which may hold any byte."""


class SocketTables:
    """The sockets of every network namespace met, each read once, when first asked for."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        """Begin with nothing read; `read` gives a file below `/proc`, empty when it is gone."""
        self._read = read
        self._namespaces: dict[int, dict[int, Row]] = {}

    def find(self, pid: str, namespace: int, inode: int) -> Row | None:
        """The row of a socket, without number and inode; None when the kernel does not list it.

        Args:
            pid: a process that lives in `namespace`.
            namespace: inode of its network namespace.
            inode: of the socket.
        """
        rows = self._namespaces.get(namespace)
        if rows is None:
            rows = dict(self._load(pid))
            if self._read(f"{pid}/net/netlink"):  # else the process is gone, and lists are missing
                self._namespaces[namespace] = rows
        return rows.get(inode)

    def _load(self, pid: str) -> Iterator[tuple[int, Row]]:
        """All sockets by inode; paths come first, since a line feed in one may forge a line."""
        yield from _parsed(self._lines(pid, "unix"), _unix_row)
        for table in IP_TABLES:
            yield from _parsed(self._lines(pid, table.name), partial(_ip_row, table.l4))
        yield from _parsed(self._lines(pid, "netlink"), _netlink_row)

    def _lines(self, pid: str, name: str) -> list[bytes]:
        """The lines of a list, without its heading."""
        return self._read(f"{pid}/net/{name}").split(b"\n")[1:]


def _parsed(
    lines: list[bytes], parse: Callable[[bytes], tuple[int, Row]]
) -> Iterator[tuple[int, Row]]:
    """Inode and row of each line; what is no such line is left out."""
    for line in lines:
        with suppress(ValueError, IndexError):
            yield parse(line)


def _ip_row(l4: int, line: bytes) -> tuple[int, Row]:
    """A socket without a remote end is shown as bound; whether it listens, no list says."""
    words = line.split()
    inode, local, remote = int(words[_IP_INODE]), _end(words[_LOCAL]), _end(words[_REMOTE])
    is_v6 = len(local[0]) == 16
    if not any(remote[0]) and not remote[1]:
        kind = FD_IPV6_SERVER if is_v6 else FD_IPV4_SERVER
        return inode, {"type": kind, "dip": local[0], "dport": local[1], "l4": l4}
    kind = FD_IPV6 if is_v6 else FD_IPV4
    ends = {"sip": local[0], "sport": local[1], "dip": remote[0], "dport": remote[1]}
    return inode, {"type": kind, "l4": l4, **ends}


def _unix_row(line: bytes) -> tuple[int, Row]:
    found = _UNIX_LINE.fullmatch(line)
    if found is None:
        msg = "no line of a Unix socket"
        raise ValueError(msg)
    pointer, inode, path = found.groups(b"")
    row = {"type": FD_UNIX, "source": int(pointer, 16), "destination": 0, "name": path}
    return int(inode), row


def _netlink_row(line: bytes) -> tuple[int, Row]:
    return int(line.split()[_NETLINK_INODE]), {"type": FD_NETLINK, "name": b""}


def _end(text: bytes) -> tuple[bytes, int]:
    """Address in network order and port of `0100007F:0050`."""
    host, _, port = text.decode().partition(":")
    packed = bytes.fromhex(host)
    if sys.byteorder == "little":
        packed = b"".join(packed[i : i + 4][::-1] for i in range(0, len(packed), 4))
    return packed, int(port, 16)
