"""Graphs: from filters to points, and points to files."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from io import BytesIO

import pytest
from captures import START, web

from pyscap._engine import Session
from pyscap.filterlang.errors import FilterError
from pyscap.plan import Options
from pyscap.views import plot
from pyscap.views.graph import ASCII, fitted, panel
from pyscap.views.images import FORMATS
from pyscap.views.series import MEASURES, Series, make_plan, series_of

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


SERIES = Series(START, MS, ("a<b", "c"), ((1, None, 5000), (0, 3, 2)), MEASURES["bytes"])


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_markup_is_whole_and_names_are_escaped(suffix):
    data = FORMATS[suffix](SERIES).decode()
    assert "a&lt;b" in data
    assert "a<b" not in data
    if suffix == ".svg":
        root = ElementTree.fromstring(data)
        curves = [
            e for e in root.iter() if e.tag.endswith("polyline") and "1.5" in e.attrib.values()
        ]
        assert len(curves) == 3  # the first is broken where it has no value


def test_a_png_has_the_size_of_the_chart_and_its_colours():
    image = pytest.importorskip("PIL.Image").open(BytesIO(FORMATS[".png"](SERIES)))
    assert image.size == (plot.WIDTH, plot.height_of(SERIES))
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert (255, 255, 255) in colours
    assert any(r < 80 and b > 140 for r, g, b in colours)
    assert any(r > 180 and g < 80 for r, g, b in colours)


@pytest.mark.parametrize(
    ("most", "step"), [(0.4, 1), (9, 2), (101, 50), (5000, 1024), (3_000_000, 1 << 20)]
)
def test_lines_across_are_round(most, step):
    unit = "bytes" if step >= 1024 else "count"
    measure = replace(MEASURES["events"], unit=unit)
    assert plot.value_step(Series(0, 1, ("",), ((most,),), measure)) == step


def test_a_plot_is_as_high_as_its_greatest_value_says():
    series = Series(START, MS, ("x",), ((0, 1, 6),), MEASURES["events"])
    lines = panel(series, "x", [0, 1, 6], 2, ASCII)
    assert lines[1:] == ["         6 |  |", "         0 | .|"]


def test_more_points_than_columns_are_joined():
    assert fitted((1, 5, None, None, 2, 3), 3, "sum") == [5, None, 3]
    assert fitted((2, 4), 1, "avg") == [3]


def test_without_events_there_is_no_series():
    text = json.dumps({"widths": [1], "rows": []})
    assert series_of(text, [""], MEASURES["events"]) is None
