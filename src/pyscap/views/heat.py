"""A heat map: time downwards, a magnitude to the right, counts as colours.

In:  rows of (count, time, magnitude), both in ns and the least of their groups, once or again and
again. Out: lines for a terminal. Next: `screen`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyscap.views.collect import log2_start
from pyscap.views.units import format_clock, format_time

if TYPE_CHECKING:
    from pyscap.views.collect import Rows
    from pyscap.views.specs import View

SHADES = " .:-=+*#%@"
"""Characters for counts, none to most, where there is no colour."""

COLOURS = (16, 22, 28, 34, 40, 46, 226, 220, 214, 208, 202, 196)
"""Colours of the 256 for counts, none to most: green, yellow, red."""

LABEL_EVERY = 10
"""Characters from one label of the scale to the next, enough for the longest."""

SCALE_NS = (1 << 8, 1 << 34)
"""Ends of the scale, 256 ns and 17 s, the same in all maps; what lies beyond is in the last
columns. A map is 66 characters wide."""

SCALE_EVERY = 40
"""Lines between two showings of the scale."""


def log2_position(number: int, steps: int) -> int:
    """The group of `Column.log2` that a number is in."""
    octave = number.bit_length() - 1
    return octave * steps + (((number - (1 << octave)) * steps) >> octave)


class HeatMap:
    """Lines of a map that may go on: a line is shown once its time is over."""

    def __init__(self, view: View, *, coloured: bool) -> None:
        """Begin with the scale still to be shown."""
        self.steps = view.columns[2].log2
        self.coloured = coloured
        self.first, self.last = (log2_position(ns, self.steps) for ns in SCALE_NS)
        self.open: dict[int, dict[int, int]] = {}
        """Counts by time in nanoseconds and column, of lines that are not shown yet."""
        self.most = 0
        self.shown = 0

    def lines(self, rows: Rows) -> list[str]:
        """The lines that are complete now; below a scale, which is shown again now and then."""
        for number, when, took in rows.cells:
            counts = self.open.setdefault(when, {})
            column = min(max(log2_position(took, self.steps), self.first), self.last)
            counts[column] = counts.get(column, 0) + number
            self.most = max(self.most, counts[column])
        out = []
        for when in sorted(self.open)[: None if rows.is_last else -1]:
            if self.shown % SCALE_EVERY == 0:
                out.append(self.scale())
            out.append(self.line(when, self.open.pop(when)))
            self.shown += 1
        return out

    def line(self, when: int, counts: dict[int, int]) -> str:
        """The line of one time."""
        columns = range(self.first, self.last + 1)
        cells = "".join(
            shade(counts.get(at, 0), self.most, coloured=self.coloured) for at in columns
        )
        text = f"{format_clock(when)} {cells}"
        return f"{text}\x1b[0m" if self.coloured else text.rstrip()

    def scale(self) -> str:
        """The line above: where each magnitude begins."""
        line = " " * len(format_clock(0)) + " "
        start = len(line)
        for at in range(self.first, self.last + 1, LABEL_EVERY):
            label = format_time(log2_start(at, self.steps))
            line = line.ljust(start + at - self.first) + f"|{label}"
        return line


def shade(number: int, most: int, *, coloured: bool) -> str:
    """One cell: the logarithm of the count decides, so that few are seen beside many."""
    palette = COLOURS if coloured else SHADES
    top = len(palette) - 1
    level = 0
    if number:
        level = max(1, round(top * number.bit_length() / max(1, most.bit_length())))
    return f"\x1b[48;5;{COLOURS[level]}m " if coloured else SHADES[level]
