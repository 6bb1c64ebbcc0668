"""Rows of a view on a terminal, in a pipe, or as JSON.

In:  `collect.Rows` and their view. Out: text on standard output, notes on standard error.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyscap.views.heat import HeatMap
from pyscap.views.units import json_name, json_value, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyscap.views.collect import Rows
    from pyscap.views.specs import Column, View

NUMBERS = ("count", "bytes", "kib", "time", "percent", "rate")
"""Units of columns that are set flush right."""

WIDTHS = {"proc.name": 15, "proc.pid": 7, "evt.type": 10, "evt.latency": 9, "proc.duration": 9}
"""Least widths of columns of lists, since later rows may need more than the first ones."""

MAX_WIDTH = 48
"""Greatest width that the first rows of a list give a column."""

MAX_DEPTH = 16
"""Deepest indentation of a tree."""


def is_measured(column: Column, place: int, rows: Rows) -> bool:
    """Whether a column is worth showing: computed ones are when a row has a value."""
    return column.is_key or not rows.cells or any(row[place] is not None for row in rows.cells)


def table_lines(view: View, rows: Rows, *, coloured: bool = False) -> list[str]:
    """A table as aligned text: a header, a rule, the rows."""
    places = [n for n, column in enumerate(view.columns) if is_measured(column, n, rows)]
    columns = [view.columns[n] for n in places]
    body = [[shown(view.columns[n], row[n], rows.span_ns) for n in places] for row in rows.cells]
    head = [column.title for column in columns]
    widths = [max(map(len, cells)) for cells in zip(head, *body, strict=True)]
    lines = [aligned(columns, widths, cells) for cells in (head, *body)]
    lines.insert(1, "-" * max(map(len, lines)))
    if coloured:
        lines[0] = f"\x1b[1m{lines[0]}\x1b[0m"
    return lines


def aligned(columns: list[Column], widths: list[int], cells: list[str]) -> str:
    """One line: numbers flush right, the rest flush left."""
    parts = [
        cell.rjust(width) if column.unit in NUMBERS else cell.ljust(width)
        for column, width, cell in zip(columns, widths, cells, strict=True)
    ]
    return "  ".join(parts).rstrip()


def json_lines(view: View, rows: Rows) -> list[str]:
    """One object a row."""
    names = [json_name(column) for column in view.columns]
    return [
        json.dumps(
            {
                name: json_value(column, cell, rows.span_ns)
                for name, column, cell in zip(names, view.columns, row, strict=True)
            },
            ensure_ascii=False,
        )
        for row in rows.cells
    ]


def folded_lines(view: View, rows: Rows) -> list[str]:
    """Stacks as flame graph programs read them: `a;b;c 123`."""
    timed = is_measured(view.columns[0], 0, rows)
    lines = []
    for row in rows.cells:
        value = row[0] if timed else row[1]
        if value:
            frames = (str(cell) for cell in row[2:] if cell is not None)
            stack = ";".join(shown(view.columns[2], f, 0).replace(";", ":") for f in frames)
            lines.append(f"{stack} {value}")
    return sorted(lines)


class Lister:
    """Shows rows of a list as they come; the widths of its columns are those of the first rows."""

    def __init__(self, view: View) -> None:
        """Begin with the header still to be shown."""
        self.view = view
        self.depths: dict[Any, int] = {}
        self.widths: list[int] = []
        hidden = [n for n, c in enumerate(view.columns) if c.title in view.tree]
        self.places = [n for n in range(len(view.columns)) if n not in hidden]
        self.ids = [n for title in view.tree for n in hidden if view.columns[n].title == title]

    def lines(self, rows: Rows) -> list[str]:
        """The rows as text, below the header when they are the first."""
        body = [
            [shown(column, value, 0) for column, value in zip(self.view.columns, row, strict=True)]
            for row in rows.cells
        ]
        out = []
        if body and not self.widths:
            self.widths = self.first_widths(body)
            out.append(self.line([c.title for c in self.view.columns]))
            out.append("-" * len(out[0]))
        for row, cells in zip(rows.cells, body, strict=True):
            out.append("    " * self.depth(row) + self.line(cells))
        return out

    def first_widths(self, body: list[list[str]]) -> list[int]:
        """Widths that the first rows need, within bounds."""
        widths = []
        for n, column in enumerate(self.view.columns):
            widest = max(len(column.title), *(len(cells[n]) for cells in body))
            widths.append(min(MAX_WIDTH, max(WIDTHS.get(column.field, 0), widest)))
        return widths

    def depth(self, row: list[Any]) -> int:
        """How deep a row lies in its tree; the first of a branch lies at its root."""
        if not self.ids:
            return 0
        own, parent = (row[n] for n in self.ids)
        if own not in self.depths:
            self.depths[own] = self.depths[parent] + 1 if parent in self.depths else 0
        return min(self.depths[own], MAX_DEPTH)

    def line(self, cells: list[str]) -> str:
        """One line; the last cell takes what it needs."""
        parts = [
            cells[n].rjust(self.widths[n])
            if self.view.columns[n].unit in NUMBERS
            else cells[n].ljust(self.widths[n])
            for n in self.places[:-1]
        ]
        return "  ".join([*parts, cells[self.places[-1]]]).rstrip()


class Screen:
    """Where a view's rows are shown."""

    def __init__(self, view: View, *, as_json: bool = False, coloured: bool = False) -> None:
        """Prepare.

        Args:
            view: The view.
            as_json: One object a row.
            coloured: The user wants colours.
        """
        self.view = view
        self.as_json = as_json
        self.coloured = coloured
        self.lister = Lister(view)
        if view.kind == "heat":
            self.heat = HeatMap(view, coloured=coloured)

    def lines(self, rows: Rows) -> list[str]:
        """The rows as lines; none when the view needs what the capture does not hold."""
        if self.as_json and self.view.kind != "stream":
            return json_lines(self.view, rows)
        if self.view.kind == "folded":
            return folded_lines(self.view, rows)
        if self.view.kind == "heat":
            return self.heat.lines(rows)
        if self.view.needs and not rows.cells:
            return []
        if self.view.kind == "stream":
            return []
        if self.view.kind == "list" or (self.view.kind == "http" and not self.view.order):
            return self.lister.lines(rows)
        return table_lines(self.view, rows, coloured=self.coloured)

    def show(self, rows: Rows) -> None:
        """Print the rows."""
        lines = self.lines(rows)
        if lines:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()


@contextmanager
def live_table(screen: Screen) -> Iterator[Callable[[Rows], None]]:
    """A table that is drawn over, on a terminal."""
    from rich.live import Live
    from rich.text import Text

    from pyscap.output.console import Console

    console = Console(no_color=not screen.coloured)

    def draw(rows: Rows) -> None:
        lines = screen.lines(rows)[: max(3, console.height - 1)]
        live.update(Text.from_ansi("\n".join(lines), no_wrap=True), refresh=True)

    with Live(console=console, auto_refresh=False) as live:
        yield draw
