"""Numbers of views as people read them.

In:  a cell and its column. Out: text. Next: `screen`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyscap.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap.views.specs import Column

TIME_STEPS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
"""Nanoseconds of each unit of time, greatest first."""


def format_bytes(value: float) -> str:
    """`832B`, `11.31KB`: units of 1024, as sysdig writes them."""
    if value < 1024:
        return f"{value:.0f}B"
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 1024:
            return f"{value:.2f}{unit}"
    return f"{value / 1024:.2f}PB"


def format_time(ns: float) -> str:
    """`1.50ms`: the greatest unit of which there is one."""
    for step, unit in TIME_STEPS:
        if ns >= step:
            return f"{ns:.0f}ns" if step == 1 else f"{ns / step:.2f}{unit}"
    return f"{ns:.0f}ns"


def format_clock(ns: int) -> str:
    """Local time of day, to the millisecond."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{rest // 1_000_000:03}"


def share(value: float, span_ns: int) -> float:
    """Percent of the time that rows cover."""
    return 100 * value / span_ns if span_ns else 0.0


FORMATS: dict[str, Callable[[Any, int], str]] = {
    "text": lambda value, _: str(value),
    "count": lambda value, _: str(value),
    "bytes": lambda value, _: format_bytes(value),
    "kib": lambda value, _: format_bytes(value * 1024),
    "time": lambda value, _: format_time(value),
    "datetime": lambda value, _: format_clock(value),
    "percent": lambda value, span_ns: f"{share(value, span_ns):.2f}%",
    "rate": lambda value, span_ns: f"{value * 1e9 / span_ns if span_ns else 0:.1f}/s",
}
"""How each unit is written: cell and event time of the rows -> text."""


def shown(column: Column, cell: Any, span_ns: int) -> str:  # noqa: ANN401 - any JSON value
    """A cell as text, fit for a terminal."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        return printable(cell).replace("\n", "\\n").replace("\t", "\\t")
    return FORMATS[column.unit](cell, span_ns)


SUFFIXES = {
    "time": "_ns",
    "datetime": "_ns",
    "percent": "_percent",
    "kib": "_kib",
    "rate": "_per_s",
}
"""What the JSON name of a computed value says of its unit."""


def json_name(column: Column) -> str:
    """The name of a column in JSON: its field, or its title with the unit."""
    if column.is_key and "." in column.field:
        return column.field
    if not column.title:
        return column.field
    return column.title.lower().rstrip("%").replace(" ", "_") + SUFFIXES.get(column.unit, "")


def json_value(column: Column, cell: Any, span_ns: int) -> Any:  # noqa: ANN401 - any JSON value
    """A cell for JSON: as it is, but for what stands in relation to time."""
    if cell is None or column.unit not in ("percent", "rate"):
        return cell
    value = share(cell, span_ns) if column.unit == "percent" else cell * 1e9 / max(1, span_ns)
    return round(value, 3)
