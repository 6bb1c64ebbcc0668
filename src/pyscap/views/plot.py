"""A chart on a canvas: axes, grid, curves, legend, drawn the same on every kind of file.

In:  a `Series`. Out: calls of a `Canvas`: `svg.py` and `png.py` have one each. Next: `graph`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pyscap.views.units import FORMATS, TIME_STEPS

if TYPE_CHECKING:
    from pyscap.views.series import Series

WIDTH, HEIGHT = 1000, 420
"""Size of an image, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 84, 20, 44, 44
"""Room around the plot, in pixels."""

LINES_ACROSS = 5
"""Least number of values marked; at most twice as many are."""

MARKS = 10
"""Greatest number of times marked."""

LEGEND_LINE = 18
"""Height of a line of the legend, in pixels."""

INK, GRID = "#333333", "#dddddd"
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2")
"""Colours of the curves, in turn; apart also for the colour-blind when there are few."""

Point = tuple[float, float]


class Canvas(Protocol):
    """Something to draw on; pixels from the upper left corner."""

    def line(self, points: list[Point], colour: str, width: float) -> None:
        """Join the points."""

    def area(self, points: list[Point], colour: str) -> None:
        """Fill the polygon, lightly."""

    def text(self, at: Point, text: str, anchor: str, colour: str = INK) -> None:
        """Write; `anchor` is the end of the text that lies at the point: start, middle, end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the plot lies and what it covers."""

    top: float
    bottom: float
    most: float
    """Value of the upper edge."""
    count: int
    """Intervals along the lower edge."""

    def x(self, interval: float) -> float:
        """Pixel of an interval's beginning."""
        return LEFT + (WIDTH - LEFT - RIGHT) * interval / max(1, self.count)

    def y(self, value: float) -> float:
        """Pixel of a value."""
        return self.bottom - (self.bottom - self.top) * value / self.most


def height_of(series: Series) -> int:
    """Height of the image: the legend needs a line for each curve but the first."""
    return HEIGHT + LEGEND_LINE * max(0, len(series.names) - 1)


def draw(series: Series, canvas: Canvas) -> None:
    """Draw the whole chart."""
    top = TOP + LEGEND_LINE * max(0, len(series.names) - 1)
    count = len(series.values[0])
    step = value_step(series)
    most = max((v for values in series.values for v in values if v is not None), default=0)
    upper = step * max(1, math.ceil(most / step))
    frame = Frame(top, height_of(series) - BOTTOM, upper, count)
    draw_values(series, frame, canvas)
    draw_times(series, frame, canvas)
    for n, (name, values) in enumerate(zip(series.names, series.values, strict=True)):
        colour = COLOURS[n % len(COLOURS)]
        draw_curve(values, frame, canvas, colour, filled=len(series.names) == 1)
        canvas.text((LEFT, 20 + n * LEGEND_LINE), legend(series, name), "start", colour)


def legend(series: Series, name: str) -> str:
    """What a curve is."""
    interval = FORMATS["time"](series.width_ns, 0)
    return f"{series.measure.title} in {interval}: {name or 'all events'}"


def round_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten; 1 at least."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def value_step(series: Series) -> float:
    """From one line across to the next: a round number, of bytes in units of 1024."""
    most = max((v for values in series.values for v in values if v is not None), default=0)
    unit = 1.0
    while series.measure.unit == "bytes" and most / LINES_ACROSS >= 512 * unit:
        unit *= 1024
    return round_up(most / LINES_ACROSS / unit) * unit


def draw_values(series: Series, frame: Frame, canvas: Canvas) -> None:
    """Lines across, with the values that they stand for."""
    step = value_step(series)
    for part in range(round(frame.most / step) + 1):
        value = step * part
        y = frame.y(value)
        canvas.line([(LEFT, y), (WIDTH - RIGHT, y)], INK if part == 0 else GRID, 1)
        canvas.text((LEFT - 8, y + 4), label(series, value), "end")


def label(series: Series, value: float) -> str:
    """A value of the axis, short."""
    if series.measure.unit == "count":
        return f"{value:g}" if value < 1e6 else f"{value / 1e6:g}M"
    if series.measure.unit == "time":
        return short_time(value)
    return FORMATS[series.measure.unit](value, 0)


def short_time(ns: float) -> str:
    """A time of the axis: `200ms`, `0`."""
    if not ns:
        return "0"
    step, unit = next((step, unit) for step, unit in TIME_STEPS if ns >= step)
    return f"{ns / step:g}{unit}"


def draw_times(series: Series, frame: Frame, canvas: Canvas) -> None:
    """Marks along the lower edge, seconds since the first interval, and when that was."""
    span_ns = frame.count * series.width_ns
    step_ns = round_up(span_ns / MARKS)
    for n in range(int(span_ns / step_ns) + 1):
        x = frame.x(n * step_ns / series.width_ns)
        canvas.line([(x, frame.bottom), (x, frame.bottom + 5)], INK, 1)
        canvas.text((x, frame.bottom + 18), short_time(n * step_ns), "middle")
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(series.start_ns // 10**9))
    fraction = f"{series.start_ns % 10**9:09}"[:6]
    text = f"since {began}.{fraction}"
    canvas.text((WIDTH - RIGHT, frame.bottom + 36), text, "end")


def draw_curve(
    values: tuple[float | None, ...], frame: Frame, canvas: Canvas, colour: str, *, filled: bool
) -> None:
    """A curve in steps, broken where there is no value."""
    for first, run in runs(values):
        points = [
            (frame.x(first + n + side), frame.y(value))
            for n, value in enumerate(run)
            for side in (0, 1)
        ]
        if filled:
            low = [(points[-1][0], frame.bottom), (points[0][0], frame.bottom)]
            canvas.area(points + low, colour)
        canvas.line(points, colour, 1.5)


def runs(values: tuple[float | None, ...]) -> list[tuple[int, list[float]]]:
    """Stretches of intervals that have values: position of the first, values."""
    found: list[tuple[int, list[float]]] = []
    for at, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][0] + len(found[-1][1]) == at:
            found[-1][1].append(value)
        else:
            found.append((at, [value]))
    return found
