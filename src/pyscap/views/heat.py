"""A heat map: time downwards, a magnitude to the right, counts as colours.

In:  rows of (count, time group, magnitude group). Out: lines for a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def log2_start(position: int, steps: int) -> int:
    """The first number of a group of `Column.log2`, as the engine numbers them."""
    octave, part = divmod(position, steps)
    return (1 << octave) + -(-(part << octave) // steps)


def heat_lines(view: View, rows: Rows, *, coloured: bool) -> list[str]:
    """The rows as lines, below a scale."""
    if not rows.cells:
        return []
    steps = view.columns[2].log2
    first, last = (f(row[2] for row in rows.cells) for f in (min, max))
    most = max(row[0] for row in rows.cells)
    by_time: dict[int, dict[int, int]] = {}
    for number, when, at in rows.cells:
        by_time.setdefault(when, {})[at] = number
    lines = [scale(first, last, steps)]
    for when in sorted(by_time):
        label = format_clock(when * (rows.width_ns or 1))
        cells = "".join(
            shade(by_time[when].get(at, 0), most, coloured=coloured)
            for at in range(first, last + 1)
        )
        lines.append(f"{label} {cells}\x1b[0m" if coloured else f"{label} {cells}".rstrip())
    return lines


def scale(first: int, last: int, steps: int) -> str:
    """The line above: where each magnitude begins."""
    line = " " * len(format_clock(0)) + " "
    start = len(line)
    for at in range(first, last + 1, LABEL_EVERY):
        line = line.ljust(start + at - first) + "|" + format_time(log2_start(at, steps))
    return line


def shade(number: int, most: int, *, coloured: bool) -> str:
    """One cell: the logarithm of the count decides, so that few are seen beside many."""
    palette = COLOURS if coloured else SHADES
    top = len(palette) - 1
    level = 0
    if number:
        level = max(1, round(top * number.bit_length() / max(1, most.bit_length())))
    return f"\x1b[48;5;{COLOURS[level]}m " if coloured else SHADES[level]
