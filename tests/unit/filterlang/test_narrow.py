"""The events that a filter can accept."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.narrow import event_names, native_calls
from pyscap.model.events import EVENTS
from pyscap.model.syscalls import PPM_SC

GENERIC = {"syscall", "asyncevent"}


def names(text: str) -> set[str] | None:
    codes = compile_filter(text).event_codes
    return None if codes is None else set(event_names(codes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evt.type = open", {"open"}),
        ("evt.type in (open, openat)", {"open", "openat"}),
        ("evt.type = open and proc.name = a", {"open"}),
        ("evt.type startswith openat", {"openat", "openat2"}),
        ("evt.type glob open[!_]*", {"openat", "openat2"}),
        ("evt.type = anyof (open, close)", {"open", "close"}),
        ("evt.type.is.open = 1", {"open"}),
        ("evt.type = open or evt.type = close", {"open", "close"}),
        ("not (evt.type != open and evt.type != close)", {"open", "close"}),
    ],
)
def test_names_narrow(text: str, expected: set[str]) -> None:
    found = names(text)
    assert found is not None
    assert expected <= found
    assert found - expected <= GENERIC | {"NA"}


def test_a_call_without_an_event_of_its_own_is_generic() -> None:
    found = names("evt.type = sysinfo")
    assert found is not None
    assert found <= GENERIC


@pytest.mark.parametrize(
    "text",
    [
        "proc.name = a",
        "evt.type = open or proc.name = a",
        "not evt.type exists",
        "not fd.name = a",
        "evt.type regex op.*",
        "fd.types exists",
    ],
)
def test_what_any_event_can_satisfy_is_not_narrowed(text: str) -> None:
    assert names(text) is None


def test_fields_of_some_events_narrow() -> None:
    params = names("evt.arg.tuple exists")
    assert params is not None
    assert {"connect", "accept"} <= params
    assert "open" not in params
    io = names("evt.buffer contains GET")
    assert io is not None
    assert {"read", "sendto"} <= io
    assert "openat" not in io


def test_lengths_are_of_calls_about_data_and_paths_of_those_on_descriptors_too() -> None:
    lengths, paths = names("evt.buflen > 1"), names("fs.path.name = a")
    assert lengths is not None
    assert {"read", "dup2", "fcntl"} <= lengths
    assert paths is not None
    assert {"openat", "fchmod", "fchown"} <= paths


def test_direction_narrows() -> None:
    codes = compile_filter("evt.dir = >").event_codes
    assert codes is not None
    assert {EVENTS[code].direction for code in codes} == {">"}


def test_contradictions_match_no_event() -> None:
    assert compile_filter("evt.dir = > and evt.rawres < 0").event_codes == ()


def test_a_pattern_with_a_backslash_says_nothing() -> None:
    assert names('evt.type glob "op\\\\*"') is None
    assert names('not evt.type glob "op\\\\*"') is None


def calls(text: str) -> set[str] | None:
    found = native_calls(compile_filter(text).condition)
    return None if found is None else {PPM_SC[number] for number in found}


def test_calls_without_an_event_of_their_own_are_known_by_name() -> None:
    assert calls("evt.type = sysinfo and proc.name = a") == {"sysinfo"}
    assert calls("evt.type in (sysinfo, open)") == {"sysinfo", "open"}
    assert calls("evt.dir = > or evt.type startswith sysi") == {"sysinfo"}
    everything = calls("evt.type != sysinfo")
    assert everything is not None
    assert everything == set(PPM_SC) - {"sysinfo"}


def test_calls_can_be_any_where_their_name_is_not_asked_for() -> None:
    for text in ("proc.name = a", "evt.category = file", "evt.type exists"):
        assert calls(text) is None, text
    assert calls("fd.name = a") == set()
