"""Rows as text and as JSON."""

import json
from dataclasses import replace

import pytest

from pyscap.views.catalogue import VIEWS
from pyscap.views.collect import Rows, log2_start, rows_of
from pyscap.views.heat import HeatMap, log2_position
from pyscap.views.screen import Lister, Screen
from pyscap.views.units import format_bytes, format_time


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0B"), (832, "832B"), (1024, "1.00KB"), (11581, "11.31KB"), (5 << 40, "5.00TB")],
)
def test_bytes_are_written_as_in_sysdig(value, text):
    assert format_bytes(value) == text


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0ns"), (999, "999ns"), (1500, "1.50us"), (2_000_000_000, "2.00s")]
)
def test_times_have_the_greatest_unit(ns, text):
    assert format_time(ns) == text


def test_a_table_is_aligned_and_hides_what_was_not_measured():
    view = VIEWS["procs"]
    rows = Rows([[20, 3, 1024, None, None, "cat", 7], [5, 0, None, None, None, "ls", 10042]])
    assert Screen(view).lines(rows) == [
        "Events  Errors    File  Process    PID",
        "--------------------------------------",
        "    20       3  1.00KB  cat          7",
        "     5       0          ls       10042",
    ]


def test_json_keeps_numbers_and_names_units():
    view = VIEWS["procs"]
    rows = Rows([[20, 3, 1024, None, 5, 'c"\n', 7]])
    (line,) = Screen(view, as_json=True).lines(rows)
    assert json.loads(line) == {
        "events": 20,
        "errors": 3,
        "file": 1024,
        "net": None,
        "time_ns": 5,
        "proc.name": 'c"\n',
        "proc.pid": 7,
    }


def test_nothing_in_a_row_steers_a_terminal():
    rows = Rows([[1, "a\x1b[2J\n\u202eb"]])
    view = replace(VIEWS["topfiles_bytes"])
    text = "\n".join(Screen(view).lines(rows))
    assert text.isascii()
    assert "\x1b" not in text
    assert text.count("\n") == 2


def test_percent_is_of_the_time_that_rows_cover():
    rows = Rows([[250, "cat", 7]], span_ns=1000)
    assert "25.00%" in Screen(VIEWS["topprocs_cpu"]).lines(rows)[2]
    (line,) = Screen(VIEWS["topprocs_cpu"], as_json=True).lines(rows)
    assert json.loads(line)["cpu_percent"] == 25.0


def test_a_view_without_what_it_needs_prints_no_empty_table():
    assert Screen(VIEWS["topfiles_time"]).lines(Rows([])) == []
    assert Screen(VIEWS["topfiles_bytes"]).lines(Rows([])) == ["Bytes  Filename", "-" * 15]


def test_commands_are_indented_by_descent():
    lister = Lister(VIEWS["spy_users"])
    rows = [
        [24158, "10:00:00", "root", None, "sh run", 20, 9],
        [24158, "10:00:01", "root", None, "ls", 21, 20],
        [24158, "10:00:02", "root", None, "cat", 22, 9],
    ]
    lines = lister.lines(Rows(rows))[2:]
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 4, 0]
    assert "20" not in lines[0].split()


def test_stacks_are_folded_with_time_or_number():
    ancestors = [None] * 10
    rows = [[100, 2, *ancestors, "init", "a;b", "cat", "read"]]
    assert Screen(VIEWS["flame"]).lines(Rows(rows)) == ["init;a:b;cat;read 100"]
    rows[0][0] = None
    assert Screen(VIEWS["flame"]).lines(Rows(rows)) == ["init;a:b;cat;read 2"]


def heat(cells, *, is_last=True):
    return Rows(cells, is_last=is_last)


def test_a_heat_map_has_a_line_for_each_time_below_a_scale():
    map_ = HeatMap(VIEWS["spectrogram"], coloured=False)
    scale, first, second = map_.lines(heat([[1, 4, 1024], [1000, 4, 2048], [3, 6, 1536]]))
    assert scale.split() == ["|256ns", "|8.19us", "|262.14us", "|8.39ms", "|268.44ms", "|8.59s"]
    assert first[13:] == "    . @"
    assert second[13:].strip() in ".:-="


def test_a_heat_map_goes_on_and_shows_a_line_when_its_time_is_over():
    map_ = HeatMap(VIEWS["spectrogram"], coloured=False)
    assert map_.lines(heat([[1, 4, 1024]], is_last=False)) == []
    lines = map_.lines(heat([[1, 4, 1024], [9, 5, 1536]], is_last=False))
    assert len(lines) == 2
    assert lines[1][13:] == "    ="
    (line,) = map_.lines(heat([]))
    assert line[13:] == "     @"


def test_what_lies_beyond_the_scale_is_in_its_last_columns():
    map_ = HeatMap(VIEWS["spectrogram"], coloured=False)
    _, line = map_.lines(heat([[1, 4, 1], [1, 4, 3], [1, 4, 2**63]]))
    assert line[13:] == f"@{' ' * 51}="


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_groups_begin_where_the_engine_s_do(steps):
    for position in range(3 * steps, 40 * steps):
        start = log2_start(position, steps)
        assert log2_position(start, steps) == position
        assert log2_position(start - 1, steps) == position - 1


def test_groups_of_numbers_are_shown_by_their_first():
    text = json.dumps(
        {
            "rows": [[3, 20, 7]],
            "rest": {"keys": 0, "values": [0]},
            "events": 7,
            "seen": [7],
            "widths": [500_000_000, None],
        }
    )
    assert rows_of(VIEWS["spectrogram"], text, 0).cells == [[7, 1_500_000_000, 1024]]


def test_the_engine_s_order_is_turned_into_the_columns():
    text = json.dumps(
        {
            "rows": [["cat", 7, 1, 2, 3, 4, [5]]],
            "rest": {"keys": 2, "values": [1, 2, 3, 4, 5]},
            "events": 9,
            "seen": [9, 0, 0, 0, 0],
            "widths": [None, None],
        }
    )
    rows = rows_of(VIEWS["procs"], text, 0)
    assert rows.cells == [[1, 2, 3, 4, 5, "cat", 7]]
    assert (rows.rest_keys, rows.rest) == (2, [1, 2, 3, 4, 5, None, None])
