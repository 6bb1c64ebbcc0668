"""Numbers as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscap.views.specs import Column
from pyscap.views.units import (
    FORMATS,
    format_bytes,
    format_clock,
    format_time,
    json_name,
    json_value,
    shown,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0B"),
        (832, "832B"),
        (1023, "1023B"),
        (1024, "1.00KB"),
        (11581, "11.31KB"),
        (5 << 40, "5.00TB"),
        (3 << 50, "3.00PB"),
        (1 << 64, "16384.00PB"),
    ],
)
def test_bytes_are_written_as_in_sysdig(value, text):
    assert format_bytes(value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ns"),
        (0.4, "0ns"),
        (999, "999ns"),
        (1000, "1.00us"),
        (1500, "1.50us"),
        (2_000_000, "2.00ms"),
        (2_000_000_000, "2.00s"),
        (1 << 63, "9223372036.85s"),
        (-5, "-5ns"),
    ],
)
def test_times_have_the_greatest_unit(ns, text):
    assert format_time(ns) == text


@given(st.integers(0, 1 << 62))
def test_a_time_is_read_back_to_three_digits(ns):
    number, unit = re.fullmatch(r"([0-9.]+)(ns|us|ms|s)", format_time(ns)).groups()
    factor = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[unit]
    assert float(number) * factor == pytest.approx(ns, rel=0.005)


def test_the_clock_has_milliseconds(monkeypatch):
    assert format_clock(1_700_000_000_999_999_999).endswith(":20.999")
    assert re.fullmatch(r"\d\d:\d\d:00\.000", format_clock(0))


@pytest.mark.parametrize(
    ("unit", "value", "span_ns", "text"),
    [
        ("count", 1 << 64, 0, "18446744073709551616"),
        ("kib", 2048, 0, "2.00MB"),
        ("percent", 1, 3, "33.33%"),
        ("percent", 5, 0, "0.00%"),
        ("rate", 3, 2_000_000_000, "1.5/s"),
        ("rate", 3, 0, "0.0/s"),
    ],
)
def test_every_unit_has_its_form(unit, value, span_ns, text):
    assert FORMATS[unit](value, span_ns) == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J\x9b\u202e\x00", "\\x1b[2J\\x9b\\u202e\\x00"),
        (["a\x1b", "b"], "['a\\x1b', 'b']"),
        (7, "7"),
    ],
)
def test_cells_are_fit_for_a_terminal(cell, text):
    assert shown(Column("x", "proc.name"), cell, 0) == text


@given(st.text())
def test_no_text_steers_a_terminal_or_breaks_a_line(text):
    assert shown(Column("x"), text, 0).isprintable()


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (Column("Process", "proc.name"), "proc.name"),
        (Column("Calls", "", "count", "count"), "calls"),
        (Column("Mean time", "evt.latency", "avg", "time"), "mean_time_ns"),
        (Column("CPU%", "x", "sum", "percent"), "cpu_percent"),
        (Column("VM", "proc.vmsize", "last", "kib"), "vm_kib"),
        (Column("", "ts"), "ts"),
        (Column("Code", "code"), "code"),
    ],
)
def test_names_in_json_say_the_unit(column, name):
    assert json_name(column) == name


@pytest.mark.parametrize(
    ("unit", "cell", "span_ns", "value"),
    [
        ("percent", 1, 3, 33.333),
        ("percent", None, 3, None),
        ("rate", 1, 3_000_000_000, 0.333),
        ("rate", 0, 0, 0.0),
        ("time", 5, 3, 5),
        ("text", ["a"], 0, ["a"]),
    ],
)
def test_values_in_json_are_as_they_are_but_for_shares(unit, cell, span_ns, value):
    assert json_value(Column("x", unit=unit), cell, span_ns) == value
