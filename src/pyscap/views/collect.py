"""Runs a view's plan and gives out its rows.

In:  a plan and a request (files, or this machine). Out: `Rows`, after every interval or at the
end. Next: `screen` shows them.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap._engine import Session
    from pyscap.session import Stats
    from pyscap.views.specs import View

Cell = Any
"""A value of a row: a number, a text, a truth, None, or a list of those."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a view has to show."""

    cells: list[list[Cell]]
    """Values, row by row, in the order of the view's columns."""
    span_ns: int = 0
    """Event time that they cover."""
    events: int = 0
    """Events, or things of the state, that they come from."""
    rest: list[Cell] = field(default_factory=list)
    """Values of the rows that are not among them, summed up; empty cells for keys."""
    rest_keys: int = 0
    """How many rows those are."""
    seen: dict[str, int] = field(default_factory=dict)
    """How many events had each value, by column title."""
    missing: int = 0
    """Of streams: bytes that were moved but not captured."""
    is_last: bool = False
    """Nothing follows."""


def rows_of(view: View, text: str, span_ns: int) -> Rows:
    """The engine's result for a view.

    Args:
        view: The view that it is for.
        text: JSON of `Session.result()`.
        span_ns: Event time that it covers.
    """
    result = json.loads(text)
    if "calls" in result:
        return Rows([], span_ns, result["calls"], missing=result["missing"])
    if "rest" not in result:
        return Rows(result["rows"], span_ns, len(result["rows"]))
    order = display_order(view)
    read = cell_reader(view, result["widths"])
    values = [column for column in view.columns if column.agg]
    blank: list[Cell] = [None] * (len(view.columns) - len(values))
    return Rows(
        [in_order(read(row), order) for row in result["rows"]],
        span_ns,
        result["events"],
        in_order([*blank, *result["rest"]["values"]], order),
        result["rest"]["keys"],
        dict(zip((column.title for column in values), result["seen"], strict=True)),
    )


def cell_reader(view: View, widths: list[int | None]) -> Callable[[list[Cell]], list[Cell]]:
    """What makes the first value of a group of the group's number, in a row of the engine.

    Args:
        view: The view of the rows.
        widths: Of each key, how many values a group has; None for keys without such groups.
    """
    keys = [column for column in view.columns if not column.agg]
    steps = [column.log2 for column in keys]

    def read(row: list[Cell]) -> list[Cell]:
        cells = list(row)
        for place, (width, step) in enumerate(zip(widths, steps, strict=True)):
            if width is not None:
                cells[place] *= width
            elif step:
                cells[place] = log2_start(cells[place], step)
        return cells

    return read if any(steps) or any(widths) else list


def log2_start(position: int, steps: int) -> int:
    """The first number of a group of `Column.log2`, as the engine numbers them."""
    octave, part = divmod(position, steps)
    return (1 << octave) + -(-(part << octave) // steps)


def display_order(view: View) -> list[int]:
    """For each column of the view, its place in the engine's rows: keys first, then values."""
    keys = [column for column in view.columns if not column.agg]
    engine = [*keys, *(column for column in view.columns if column.agg)]
    return [engine.index(column) for column in view.columns]


def in_order(row: list[Cell], order: list[int]) -> list[Cell]:
    """A row of the engine in the order of the columns; a single quantile stands for itself."""
    cells = [row[place] for place in order]
    return [cell[0] if isinstance(cell, list) and len(cell) == 1 else cell for cell in cells]


class Collector:
    """Takes a view's rows out of a running engine."""

    def __init__(
        self,
        view: View,
        show: Callable[[Rows], None],
        interval_s: float | None = None,
        *,
        cumulative: bool = False,
    ) -> None:
        """Prepare.

        Args:
            view: The view whose plan runs.
            show: Gets the rows; for lists as they come, for tables after every interval.
            interval_s: Wall-clock seconds between two showings; None for one at the end.
            cumulative: Rows cover everything so far, not the last interval.
        """
        self.view = view
        self.show = show
        self.interval_s = interval_s
        self.cumulative = cumulative
        self.engine: Session | None = None
        self.next_s = None if interval_s is None else time.monotonic() + interval_s
        self.since_ns = 0
        self.shown_rows = 0
        """Rows shown so far."""
        self.rest_keys = 0
        """Rows that the last showing left out."""
        self.calls = 0
        """Events that rows shown so far come from."""
        self.missing = 0
        """Bytes of streams that were not captured."""

    def watch(self, engine: Session) -> None:
        """Look at the engine between two slices of its work."""
        self.engine = engine
        if self.view.kind in ("list", "http") and not self.is_grouped():
            self.take()
        elif self.view.kind == "stream":
            return
        elif self.next_s is not None and time.monotonic() >= self.next_s:
            self.next_s = time.monotonic() + (self.interval_s or 0)
            self.take(reset=not self.cumulative)

    def is_grouped(self) -> bool:
        """Whether events are grouped."""
        return any(column.agg for column in self.view.columns)

    def finish(self) -> None:
        """Show what is left."""
        self.take(is_last=True)

    def take(self, *, reset: bool = False, is_last: bool = False) -> None:
        """Show what the engine has collected."""
        if self.engine is None:
            return
        if self.view.over:
            self.engine.walk()
        text = self.engine.result(reset)
        if text is not None:
            rows = rows_of(self.view, text, self.span_ns(self.engine.stats(), reset=reset))
            self.shown_rows += len(rows.cells)
            self.calls += rows.events
            self.rest_keys = rows.rest_keys
            self.missing = rows.missing
            self.show(replace(rows, is_last=is_last))

    def span_ns(self, stats: Stats, *, reset: bool) -> int:
        """Event time since the first event, or since the rows began anew."""
        first, last = stats["first_ns"], stats["last_ns"]
        if not isinstance(first, int) or not isinstance(last, int):
            return 0
        begin = max(first, self.since_ns)
        if reset:
            self.since_ns = last
        return max(0, last - begin)
