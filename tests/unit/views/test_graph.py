"""Plots on the terminal."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from captures import START
from hypothesis import given
from hypothesis import strategies as st

from pyscap.errors import OutputError, UsageError
from pyscap.views import graph
from pyscap.views.graph import (
    ASCII,
    BLOCKS,
    clock,
    fitted,
    image_maker,
    interval_ns,
    panel,
    print_json,
    print_plot,
    time_axis,
)
from pyscap.views.series import MEASURES, Series

MS = 1_000_000


def series(*values, names=None, value="events"):
    return Series(START, MS, names or tuple("abcdef"[: len(values)]), values, MEASURES[value])


def test_a_plot_is_as_high_as_its_greatest_value_says():
    lines = panel(series((0, 1, 6)), "x", [0, 1, 6], 2, ASCII)
    assert lines[0].strip() == "events in 1.00ms: x"
    assert lines[1:] == ["         6 |  |", "         0 | .|"]


def test_the_smallest_value_that_is_not_nothing_is_seen():
    lines = panel(series((1, 10**12)), "x", [1, 10**12], 3, BLOCKS)
    assert [line.partition("|")[2] for line in lines[1:]] == [" █", " █", "▁█"]


@pytest.mark.parametrize("values", [[None], [0], [0, None, 0], []])
def test_a_plot_of_nothing_is_empty(values):
    lines = panel(series(tuple(values)), "", values, 3, ASCII)
    assert len(lines) == 4
    assert {line.partition("|")[2] for line in lines[1:]} == {""}
    assert lines[0].endswith(": all events")


def test_names_of_filters_do_not_steer_the_terminal():
    assert panel(series((1,)), "proc.name=\x1b[2J", [1], 3, ASCII)[0].endswith("=\\x1b[2J")


def test_more_points_than_columns_are_joined():
    assert fitted((1, 5, None, None, 2, 3), 3, "sum") == [5, None, 3]
    assert fitted((2, 4), 1, "avg") == [3]


@pytest.mark.parametrize("width", [0, 1, 2, 3])
def test_the_narrowest_plots(width):
    assert len(fitted((1, 2, 3), width, "max")) == width


@given(st.lists(st.none() | st.integers(0, 1 << 62), max_size=60), st.integers(1, 30))
def test_no_greatest_value_is_lost_when_points_are_joined(values, width):
    joined = fitted(tuple(values), width, "max")
    assert len(joined) == min(width, len(values))
    assert max(filter(None, joined), default=0) == max(filter(None, values), default=0)


def test_the_axis_says_when_the_first_and_the_last_interval_begin():
    made = Series(START, 1500 * MS, ("",), ((0, 1, 2),), MEASURES["events"])
    first, last = time_axis(made, 40).split()
    assert first.endswith(":20")
    assert last.endswith(":23")
    assert len(time_axis(made, 40)) == 12 + 40
    assert len(time_axis(made, 1).split()) == 2


@pytest.mark.parametrize(
    ("ns", "end"), [(0, ":00"), (1, ":00.000000"), (1_500_000_000, ":01.500000")]
)
def test_the_clock_has_a_fraction_where_there_is_one(ns, end):
    assert clock(ns).endswith(end)


@pytest.mark.parametrize(("text", "ns"), [(None, None), ("100ms", 100 * MS), ("2", 2000 * MS)])
def test_intervals(text, ns):
    assert interval_ns(text) == ns


@pytest.mark.parametrize("text", ["", "0", "0ms", "-1", "x", "1e9", "nan"])
def test_intervals_that_are_none(text):
    with pytest.raises(UsageError, match=r"^--interval") as caught:
        interval_ns(text)
    assert "100ms" in caught.value.hint


def test_an_image_is_made_by_its_suffix():
    assert image_maker(None) is None
    assert image_maker("X.SVG") is image_maker("y.svg")
    with pytest.raises(UsageError, match=r"x\.gif: graphs are written as \.svg, \.html, \.png"):
        image_maker("x.gif")


def test_no_image_is_replaced_unasked(tmp_path):
    path = tmp_path / "a.svg"
    graph.save(b"one", path, overwrite=False)
    with pytest.raises(OutputError):
        graph.save(b"two", path, overwrite=False)
    assert path.read_bytes() == b"one"
    graph.save(b"2", path, overwrite=True)
    assert path.read_bytes() == b"2"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_output():
    with pytest.raises(OutputError, match="No space left"):
        graph.save(b"x" * 100_000, Path("/dev/full"), overwrite=True)


def test_json_has_an_object_for_each_interval(capsys):
    print_json(series((1, None), (0, 2), names=("", "é\x1b")))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"time_ns": START, "interval_ns": MS, "values": {"all": 1, "é\x1b": 0}},
        {"time_ns": START + MS, "interval_ns": MS, "values": {"all": None, "é\x1b": 2}},
    ]


@pytest.mark.parametrize(("encoding", "top"), [("utf-8", "█"), ("ascii", "|")])
def test_a_plot_uses_what_the_terminal_can_show(monkeypatch, encoding, top):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding, write_through=True))
    monkeypatch.setenv("COLUMNS", "40")
    print_plot(series((4,) * 500, (1,) * 500))
    lines = out.getvalue().decode(encoding).splitlines()
    assert len(lines) == 2 * (1 + 6) + 1
    assert lines[1] == f"         4 |{top * 27}"
    assert max(map(len, lines[1:7])) == 39


def test_an_empty_plot_says_why():
    assert "no event was chosen" in graph.why_empty(None)
    assert "--latency" in graph.why_empty(series((None,)))
