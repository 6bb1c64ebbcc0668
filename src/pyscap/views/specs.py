"""The shapes that views are declared with.

In:  nothing. Out: `View`, `Column`, `Arg` and the row functions. Next: `catalogue` declares the
views, `build` makes a plan of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["text", "count", "bytes", "kib", "time", "datetime", "percent", "rate"]
"""How a value is shown: times are nanoseconds, kib are KiB, percents are nanoseconds of one
processor in relation to the time that the rows cover, rates are numbers in relation to it."""

Kind = Literal["table", "list", "state", "stream", "http", "heat", "folded", "around"]
"""How a view works.

table: events are grouped by its keys; list: events as rows; state: processes, threads or
descriptors as rows, once; stream: the data that calls read and write; http: requests with their
responses, listed or grouped; heat: counts over time and a magnitude; folded: stacks with a number;
around: the lines of what lies near.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view."""

    title: str
    """What stands above it."""
    field: str = ""
    """Field that it shows or is computed from; `{name}` stands for an argument of the view. Several
    fields apart by blanks for `distinct`; nothing for a plain count of events."""
    agg: str = ""
    """How the values of one row become one (count, sum, min, max, avg, first, last, distinct,
    quantiles); nothing for a key, and for every column of a list."""
    unit: Unit = "text"
    required: bool = False
    """Events without it, or with 0 of it, make no row."""
    optional: bool = True
    """Of a key: events without it make a row, with an empty value."""
    quantile: float = 0.5
    """Of `quantiles`: which one, from 0 to 1."""
    log2: int = 0
    """Of a key: its values are grouped in so many equal steps of each power of two."""
    width_ns: int = 0
    """Of a key: its values are grouped by so many nanoseconds, or a multiple by a power of two."""

    @property
    def is_key(self) -> bool:
        """Whether events are grouped by it."""
        return not self.agg


def key(title: str, field: str, unit: Unit = "text", *, optional: bool = False) -> Column:
    """A column that events are grouped by, or that a list shows."""
    return Column(title, field, unit=unit, optional=optional)


def count(title: str, field: str = "", *, required: bool = False) -> Column:
    """How many events have `field`, or how many there are."""
    return Column(title, field, "count", "count", required)


def total(title: str, field: str, unit: Unit = "count", *, required: bool = False) -> Column:
    """The sum of a field."""
    return Column(title, field, "sum", unit, required)


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of a view, in the order of the command line."""

    name: str
    kind: Literal["ms", "field", "ip", "port", "count", "choice", "path", "text", "filter"]
    """ms: milliseconds, fractions too, as nanoseconds; field: name of a field; filter: the rest of
    the words, about the rows of a state view; the others are what they say."""
    doc: str
    """One line, a lower-case phrase."""
    default: str | None = None
    """What it is when it is not given; None: it must be given."""
    choices: tuple[str, ...] = ()
    """Of a choice: the words, in capitals."""


@dataclass(frozen=True, slots=True)
class View:
    """One view: what others call a chisel."""

    name: str
    kind: Kind
    title: str
    """One line, for lists: a phrase without a full stop."""
    doc: str
    """What it shows and how to read it, sentences."""
    columns: tuple[Column, ...] = ()
    filter: str = ""
    """The events it looks at; `{name}` stands for an argument. Nothing for all."""
    args: tuple[Arg, ...] = ()
    order: str = ""
    """Title of the column that rows are ordered by, greatest first; nothing: by key, or as they
    come."""
    limit: int = 10
    """How many rows are shown; 0 for all."""
    over: Literal["", "processes", "threads", "fds"] = ""
    """Of state views: what makes a row."""
    needs: Literal["", "latency", "switch", "container"] = ""
    """What a capture must hold for rows to appear: durations, scheduler events, containers."""
    header: str = ""
    """Of stream views: the line above the data of a call; `{name}` stands for a field,
    `{Read|Write}` for a word that depends on the direction."""
    headers: Literal["each", "turn", "none"] = "each"
    """Of stream views: a header above every call's data, or where the direction or the descriptor
    changes, or none."""
    form: str = "text"
    """Of stream views: how data is shown unless the user says it, a key of `streams.FORMS`."""
    tree: tuple[str, str] = ("", "")
    """Of lists: titles of the columns with a row's number and its parent's; the first text is
    indented by how deep the row lies."""

    def column(self, title: str) -> Column:
        """The column called `title`; raises KeyError."""
        for row in self.columns:
            if row.title == title:
                return row
        raise KeyError(title)
