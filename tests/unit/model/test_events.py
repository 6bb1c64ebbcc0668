"""The event table agrees with itself and with what the format fixes."""

from __future__ import annotations

import pytest

from pyscap.model.events import EVENTS, VARIANTS
from pyscap.model.params import PARAM_TYPES
from pyscap.model.symbols.tables import SYMBOLS

TYPES = {row.name for row in PARAM_TYPES} | {"BOOL"}


@pytest.mark.parametrize(
    ("code", "direction", "name", "first"),
    [
        (0, ">", "syscall", "ID"),
        (1, "<", "syscall", "ID"),
        (5, "<", "close", "res"),
        (7, "<", "read", "res"),
        (307, "<", "openat", "fd"),
        (293, "<", "execve", "res"),
    ],
)
def test_codes_are_those_of_the_format(code, direction, name, first):
    spec = EVENTS[code]
    assert (spec.code, spec.direction, spec.name) == (code, direction, name)
    assert spec.params[0].name == first


def test_codes_are_positions():
    assert [spec.code for spec in EVENTS] == list(range(len(EVENTS)))
    assert len({spec.const for spec in EVENTS}) == len(EVENTS)


def test_even_codes_are_entries_and_odd_ones_exits():
    for spec in EVENTS:
        assert spec.direction == "><"[spec.code % 2], spec
        assert spec.const.endswith(("_E", "_X")[spec.code % 2]), spec


def test_parameters_have_types_and_symbols_that_exist():
    rows = [row for spec in EVENTS for row in spec.params]
    rows += [row for members in VARIANTS.values() for row in members]
    for row in rows:
        assert row.type in TYPES, row
        assert row.symbols is None or row.symbols in SYMBOLS, row
        assert (row.type == "DYN") == (row.variants is not None), row
        assert row.variants is None or row.variants in VARIANTS, row


def test_positions_lie_in_the_event():
    for spec in EVENTS:
        count = len(spec.params)
        assert spec.fd_param is None or spec.params[spec.fd_param].type in ("FD", "FD32"), spec
        assert all(p.dirfd is None or p.dirfd < count for p in spec.params), spec
        assert all(n is None or n <= count for n in spec.older.values()), spec


def test_names_of_parameters_are_looked_up():
    assert EVENTS[7].param_index("data") == 1
    with pytest.raises(ValueError, match=r"event 7 \(read\) has no parameter 'nothing'"):
        EVENTS[7].param_index("nothing")
