"""Addresses of the network interfaces, asked from the kernel.

In:  nothing. Out: rows of the interface list. Next: `procfs`.
Source: rtnetlink(7): RTM_GETADDR.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from struct import Struct
from typing import Any

_NLMSG = Struct("=IHHII")
_IFADDR = Struct("=BBBBI")
_RTATTR = Struct("=HH")
_RTM_GETADDR, _NLMSG_ERROR, _NLMSG_DONE = 22, 2, 3
_DUMP_REQUEST = 0x301
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_TYPES = {socket.AF_INET: 1, socket.AF_INET6: 2}
_ANSWER_BYTES = 1 << 16

Row = dict[str, Any]


def interfaces() -> list[Row]:
    """One row for each address of each interface; none where the kernel refuses to say."""
    rows: list[Row] = []
    with suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.settimeout(1)
        size = _NLMSG.size + _IFADDR.size
        link.send(_NLMSG.pack(size, _RTM_GETADDR, _DUMP_REQUEST, 1, 0) + bytes(_IFADDR.size))
        while True:
            for kind, body in _messages(link.recv(_ANSWER_BYTES)):
                if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                    return rows
                rows += _row(body)
    return rows


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    while len(answer) >= _NLMSG.size:
        length, kind, *_ = _NLMSG.unpack_from(answer)
        yield kind, answer[_NLMSG.size : length]
        answer = answer[max(_NLMSG.size, -(-length // 4) * 4) :]


def _row(body: bytes) -> list[Row]:
    family, prefix, _, _, index = _IFADDR.unpack_from(body)
    attributes = dict(_attributes(body[_IFADDR.size :]))
    addr = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS))
    if family not in _TYPES or addr is None:
        return []
    bits = 8 * len(addr)
    mask = ((1 << bits) - (1 << (bits - prefix))).to_bytes(len(addr), "big")
    name = b""
    with suppress(OSError):
        name = os.fsencode(socket.if_indextoname(index))
    bcast = attributes.get(_IFA_BROADCAST, bytes(len(addr)))
    ends = {"addr": addr, "netmask": mask, "bcast": bcast}
    return [{"type": _TYPES[family], "name": name, "linkspeed": 0, **ends}]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _RTATTR.size:
        length, kind = _RTATTR.unpack_from(data)
        yield kind, data[_RTATTR.size : length]
        data = data[max(_RTATTR.size, -(-length // 4) * 4) :]
