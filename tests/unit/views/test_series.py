"""Graphs: from filters to points."""

import json

import pytest
from captures import START, web

from pyscap._engine import Session
from pyscap.filterlang.errors import FilterError
from pyscap.plan import Options
from pyscap.views.series import MEASURES, make_plan, series_of

MS = 1_000_000


def graph(filters, value, interval_ns=None):
    plan, _ = make_plan(filters, MEASURES[value], interval_ns, None, Options())
    engine = Session(plan.to_json())
    engine.add_bytes(web())
    while engine.run(100) != "done":
        pass
    return series_of(engine.result(), filters or [""], MEASURES[value])


def test_events_are_counted_in_their_interval():
    series = graph([], "events", 100 * MS)
    assert (series.start_ns, series.width_ns) == (START, 100 * MS)
    assert series.values == ((2, 2, 2, 2, 2, 2, 2),)


def test_each_filter_has_a_curve_over_the_same_time():
    series = graph(["evt.type=openat", "evt.failed=true"], "events", 100 * MS)
    assert series.values == ((0, 1, 0, 0, 1, 0, 0), (0, 0, 0, 0, 1, 0, 0))


def test_bytes_are_what_calls_moved():
    series = graph(["proc.name=httpd and fd.type=ipv4"], "bytes", 1000 * MS)
    assert series.values == ((164,),)


def test_latency_is_absent_where_nothing_was_measured():
    series = graph(["fd.num=3"], "latency-max", 50 * MS)
    assert series.values[0][0] == 20_000
    assert series.values[0][1] is None
    assert max(v for v in series.values[0] if v is not None) == 160 * MS


def test_an_interval_is_chosen_so_that_the_capture_fits():
    series = graph([], "events")
    assert len(series.values[0]) <= 300
    assert str(series.width_ns).rstrip("0") in ("1", "2")
    assert sum(series.values[0]) == 14


def test_a_mistake_is_found_in_its_filter():
    with pytest.raises(FilterError) as caught:
        graph(["evt.type=openat", "nofield=1"], "events")
    assert caught.value.text == "nofield=1"


def test_without_events_there_is_no_series():
    text = json.dumps({"widths": [1], "rows": []})
    assert series_of(text, [""], MEASURES["events"]) is None
