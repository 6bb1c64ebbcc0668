"""Charts as calls of a canvas."""

from __future__ import annotations

from dataclasses import replace

import pytest
from captures import START
from hypothesis import given
from hypothesis import strategies as st

from pyscap.views import plot
from pyscap.views.series import MEASURES, Series

MS = 1_000_000


class Canvas:
    """Notes what is drawn."""

    def __init__(self) -> None:
        self.lines: list[tuple[list[plot.Point], str, float]] = []
        self.areas: list[list[plot.Point]] = []
        self.texts: list[tuple[plot.Point, str, str, str]] = []

    def line(self, points, colour, width) -> None:
        self.lines.append((points, colour, width))

    def area(self, points, colour) -> None:
        self.areas.append(points)

    def text(self, at, text, anchor, colour=plot.INK) -> None:
        self.texts.append((at, text, anchor, colour))


def series(*values, value="events", width_ns=MS):
    return Series(START, width_ns, ("",) * len(values), values, MEASURES[value])


def drawn(made: Series) -> Canvas:
    canvas = Canvas()
    plot.draw(made, canvas)
    return canvas


@pytest.mark.parametrize(
    ("most", "step"),
    [(0, 1), (0.4, 1), (5, 1), (9, 2), (101, 50), (5000, 1024), (3_000_000, 1 << 20)],
)
def test_lines_across_are_round(most, step):
    unit = "bytes" if step >= 1024 else "count"
    measure = replace(MEASURES["events"], unit=unit)
    assert plot.value_step(Series(0, 1, ("",), ((most,),), measure)) == step


@given(st.floats(0, 1e30, allow_nan=False))
def test_rounded_numbers_are_the_next_of_one_two_and_five(value):
    found = plot.round_up(value)
    assert found >= max(1, value * (1 - 1e-12))
    assert found <= max(1, 2.5 * value)
    assert f"{found:e}"[0] in "125"


@given(st.lists(st.none() | st.integers(0, 1 << 60), min_size=1, max_size=30))
def test_everything_lies_on_the_image(values):
    made = series(tuple(values), value="bytes")
    canvas = drawn(made)
    points = [p for line, _, _ in canvas.lines for p in line] + [at for at, *_ in canvas.texts]
    for x, y in points:
        assert 0 <= x <= plot.WIDTH + 1e-6
        assert 0 <= y <= plot.height_of(made)


def test_a_curve_is_broken_where_there_is_no_value():
    canvas = drawn(series((1, None, 3, 3)))
    curves = [points for points, colour, _ in canvas.lines if colour == plot.COLOURS[0]]
    assert [len(points) for points in curves] == [2, 4]
    assert len(canvas.areas) == 2
    left, right = curves[0]
    assert (left[0], right[0]) == (84, 84 + 896 / 4)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((), []),
        ((None, None), []),
        ((0,), [(0, [0])]),
        ((1, 2, None, 0, None), [(0, [1, 2]), (3, [0])]),
        ((None, 5), [(1, [5])]),
    ],
)
def test_stretches_that_have_values(values, found):
    assert plot.runs(values) == found


def test_curves_are_in_the_legend_in_their_colours_and_only_one_is_filled():
    made = series(*[(n,) for n in range(9)])
    canvas = drawn(made)
    legend = [colour for _, text, anchor, colour in canvas.texts if anchor == "start"]
    assert legend == [*plot.COLOURS, plot.COLOURS[0]]
    assert canvas.areas == []
    assert plot.height_of(made) == plot.HEIGHT + 8 * 18


def test_axes_say_values_and_times():
    canvas = drawn(series((0, 4, 8, 10), width_ns=500 * MS))
    values = [text for _, text, anchor, _ in canvas.texts if anchor == "end"]
    assert values[:-1] == ["0", "2", "4", "6", "8", "10"]
    assert values[-1].startswith("since 2023-11-1")
    assert values[-1].endswith(":20.000000")
    times = [text for _, text, anchor, _ in canvas.texts if anchor == "middle"]
    assert times == [
        "0",
        "200ms",
        "400ms",
        "600ms",
        "800ms",
        "1s",
        "1.2s",
        "1.4s",
        "1.6s",
        "1.8s",
        "2s",
    ]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "count", "0"),
        (999_999, "count", "999999"),
        (2_500_000, "count", "2.5M"),
        (0, "time", "0"),
        (200_000_000, "time", "200ms"),
        (5, "time", "5ns"),
        (2048, "bytes", "2.00KB"),
    ],
)
def test_values_of_the_axis_are_short(value, unit, text):
    measure = replace(MEASURES["events"], unit=unit)
    assert plot.label(Series(0, 1, ("",), ((1,),), measure), value) == text
