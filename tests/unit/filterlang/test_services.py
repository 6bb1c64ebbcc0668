"""Ports by name."""

from __future__ import annotations

import socket

import pytest

from pyscap.filterlang.services import WELL_KNOWN, service_port


def test_the_system_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getservbyname", lambda name: 12345)
    assert service_port("http") == 12345


def test_without_a_database_the_well_known_names_are_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> int:
        raise OSError(name)

    monkeypatch.setattr(socket, "getservbyname", absent)
    assert service_port("http") == 80
    assert service_port("nosuch") is None


def test_names_that_no_database_can_hold_are_unknown() -> None:
    assert service_port("a\0b") is None
    assert service_port("\udcff") is None
    assert all(0 < port < 65536 for port in WELL_KNOWN.values())
