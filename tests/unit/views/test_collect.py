"""Rows out of an engine's results, and when they are shown."""

from __future__ import annotations

import json

import pytest

from pyscap.views import collect
from pyscap.views.catalogue import VIEWS
from pyscap.views.collect import Collector, Rows, rows_of


class Engine:
    """Gives results, and notes what it is asked for."""

    def __init__(self, *results: str | None) -> None:
        self.results = iter(results)
        self.asked: list[object] = []
        self.first_ns: int | None = 100
        self.last_ns: int | None = 400

    def result(self, reset: bool = False) -> str | None:
        self.asked.append(reset)
        return next(self.results)

    def walk(self) -> None:
        self.asked.append("walk")

    def stats(self):
        return {"first_ns": self.first_ns, "last_ns": self.last_ns}


LIST = '{"rows": [[1], [2]]}'
TABLE = json.dumps(
    {
        "rows": [["cat", 7, 1, 2, 3, 4, [5]]],
        "rest": {"keys": 2, "values": [1, 2, 3, 4, 5]},
        "events": 9,
        "seen": [9, 0, 0, 0, 0],
        "widths": [None, None],
    }
)


def test_the_engine_s_order_is_turned_into_the_columns():
    rows = rows_of(VIEWS["procs"], TABLE, 0)
    assert rows.cells == [[1, 2, 3, 4, 5, "cat", 7]]
    assert (rows.rest_keys, rows.rest) == (2, [1, 2, 3, 4, 5, None, None])
    assert rows.events == 9
    assert rows.seen == {"Events": 9, "Errors": 0, "File": 0, "Net": 0, "Time": 0}


def test_a_list_is_as_the_engine_has_it():
    rows = rows_of(VIEWS["spy_users"], LIST, 5)
    assert (rows.cells, rows.events, rows.span_ns) == ([[1], [2]], 2, 5)


def test_a_stream_has_counts_alone():
    rows = rows_of(VIEWS["echo_fds"], '{"bytes": 10, "calls": 3, "missing": 4}', 0)
    assert (rows.cells, rows.events, rows.missing) == ([], 3, 4)


def test_an_empty_table_has_no_rows():
    text = json.dumps(
        {"rows": [], "rest": {"keys": 0, "values": [0] * 5}, "events": 0, "seen": [0] * 5,
         "widths": [None, None]}
    )  # fmt: skip
    assert rows_of(VIEWS["procs"], text, 0).cells == []


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(collect.time, "monotonic", lambda: now[0])
    return now


def test_a_list_is_shown_as_it_comes(clock):
    shown: list[Rows] = []
    collector = Collector(VIEWS["spy_users"], shown.append)
    engine = Engine(LIST, LIST, '{"rows": []}')
    collector.watch(engine)
    collector.watch(engine)
    collector.finish()
    assert [len(rows.cells) for rows in shown] == [2, 2, 0]
    assert [rows.is_last for rows in shown] == [False, False, True]
    assert collector.shown_rows == 4


def test_a_table_without_an_interval_is_shown_once(clock):
    shown: list[Rows] = []
    collector = Collector(VIEWS["procs"], shown.append)
    engine = Engine(TABLE)
    for clock[0] in (1, 100):
        collector.watch(engine)
    assert shown == []
    collector.finish()
    assert [rows.span_ns for rows in shown] == [300]
    assert (collector.rest_keys, engine.asked) == (2, [False])


@pytest.mark.parametrize(("cumulative", "spans"), [(False, [300, 500]), (True, [300, 800])])
def test_a_table_is_shown_after_each_interval(clock, cumulative, spans):
    shown: list[Rows] = []
    collector = Collector(VIEWS["procs"], shown.append, 2.0, cumulative=cumulative)
    engine = Engine(TABLE, TABLE, TABLE)
    for clock[0], engine.last_ns in ((1.9, 300), (2.0, 400), (3.9, 700), (4.0, 900)):
        collector.watch(engine)
    assert [rows.span_ns for rows in shown] == spans
    assert engine.asked == [not cumulative] * 2


def test_the_state_is_walked_before_it_is_shown():
    engine = Engine(LIST)
    collector = Collector(VIEWS["lsof"], lambda rows: None)
    collector.engine = engine
    collector.finish()
    assert engine.asked == ["walk", False]


def test_an_engine_that_never_ran_or_has_no_result_shows_nothing():
    shown: list[Rows] = []
    collector = Collector(VIEWS["procs"], shown.append)
    collector.finish()
    collector.engine = Engine(None)
    collector.finish()
    assert shown == []


@pytest.mark.parametrize(("first", "last"), [(None, None), (400, 100), (5, None)])
def test_no_time_is_covered_without_events_or_when_clocks_go_back(first, last):
    engine = Engine(TABLE)
    engine.first_ns, engine.last_ns = first, last
    shown: list[Rows] = []
    collector = Collector(VIEWS["procs"], shown.append)
    collector.engine = engine
    collector.finish()
    assert shown[0].span_ns == 0
