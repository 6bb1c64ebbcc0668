"""Descriptor kinds are numbered as in the format's descriptor lists."""

from __future__ import annotations

import pytest

from pyscap.format.blocks import FD_PAYLOADS
from pyscap.model.fd_types import FD_NUMBER, FD_TYPES, L4_PROTOCOLS


@pytest.mark.parametrize(
    ("const", "number", "char", "name"),
    [
        ("directory", 2, "d", "directory"),
        ("ipv4_socket", 3, "4", "ipv4"),
        ("ipv6_server", 6, "6", "ipv6"),
        ("pipe", 7, "p", "pipe"),
        ("unix", 8, "u", "unix"),
        ("eventpoll", 12, "l", "eventpoll"),
        ("file_v2", 16, "f", "file"),
        ("pidfd", 21, "P", "pidfd"),
    ],
)
def test_numbers_characters_and_names(const, number, char, name):
    (row,) = (row for row in FD_TYPES if row.const == const)
    assert (row.number, row.char, row.name) == (number, char, name)
    assert FD_NUMBER[const] == number


def test_every_kind_that_is_written_has_a_payload():
    assert [row.number for row in FD_TYPES] == list(range(-1, 22))
    assert {row.number for row in FD_TYPES if row.number > 0} == set(FD_PAYLOADS)
    assert all(len(row.char) == 1 for row in FD_TYPES)


def test_transports():
    assert [(row.number, row.name) for row in L4_PROTOCOLS][2:] == [
        (2, "tcp"),
        (3, "udp"),
        (4, "icmp"),
        (5, "raw"),
    ]
