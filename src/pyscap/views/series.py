"""Events over time: what a graph shows, as a plan and as points.

In:  filters, a value, an interval. Out: the plan's `output`, and `Series` of what the engine
gives back. Next: `graph` draws them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyscap.filterlang.compile import compile_filter
from pyscap.model.fields import resolve
from pyscap.plan import FieldList, Plan
from pyscap.views.build import key_row, value_row
from pyscap.views.specs import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyscap.filterlang.compile import CompiledFilter
    from pyscap.filterlang.macros import Macros
    from pyscap.plan import Options
    from pyscap.views.specs import Unit

Json = dict[str, Any]

FINEST_NS = 1_000
"""Interval that a graph without one begins with; it grows until the capture fits."""

POINTS = 300
"""Most points of a graph without an interval."""

MAX_POINTS = 100_000
"""Most points of a graph with one; beyond it the interval grows."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured in each interval."""

    title: str
    agg: str
    field: str
    unit: Unit
    condition: str = ""
    """Filter of the events that have it."""
    quantile: float = 0.5


MEASURES: dict[str, Measure] = {
    "events": Measure("events", "count", "", "count"),
    "bytes": Measure(
        "bytes read and written", "sum", "evt.rawres", "bytes", "evt.is_io=true and evt.rawres>0"
    ),
    "errors": Measure("failed calls", "count", "", "count", "evt.failed=true"),
    "latency": Measure("mean latency", "avg", "evt.latency", "time"),
    "latency-max": Measure("greatest latency", "max", "evt.latency", "time"),
    "latency-p99": Measure(
        "latency, 99th percentile", "quantiles", "evt.latency", "time", "", 0.99
    ),
}
"""Everything that a graph can show, by the word of `--value`."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time, one list for each filter."""

    start_ns: int
    """Where the first interval begins, ns since the epoch."""
    width_ns: int
    names: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    """For each name, the value of each interval; None where there is none."""
    measure: Measure


def make_plan(
    filters: Sequence[str],
    measure: Measure,
    interval_ns: int | None,
    macros: Macros | None,
    options: Options,
) -> tuple[Plan, CompiledFilter | None]:
    """The plan of a graph.

    A single filter is the plan's own, so that a capture can decide it early; several are
    conditions of their values.

    Raises:
        FilterError: a filter is wrong.
    """
    fields = FieldList()
    compiled = None
    conditions = list(filters)
    if len(filters) == 1:
        compiled = compile_filter(filters[0], macros, fields)
        conditions = [""]
    span = POINTS if interval_ns is None else MAX_POINTS
    axis = Column("Time", "evt.rawtime", optional=False, width_ns=interval_ns or FINEST_NS)
    row = key_row(axis, lambda name: fields.add(resolve(name)))
    row["bucket"]["width"]["span"] = span
    output = {
        "kind": "table",
        "keys": [row],
        "values": [curve(text, measure, macros, fields) for text in conditions or [""]],
        "max_keys": 2 * MAX_POINTS,
        "limit": None,
        "order": None,
    }
    program = compiled.program if compiled else None
    return Plan(fields, program, output, options=options), compiled


def curve(text: str, measure: Measure, macros: Macros | None, fields: FieldList) -> Json:
    """One value of the engine's table: the measure, of the events of a filter."""
    if text:
        compile_filter(text, macros)
    both = " and ".join(f"({part})" for part in (text, measure.condition) if part)
    program = compile_filter(both, macros, fields).program if both else None
    column = Column(
        measure.title, measure.field, measure.agg, measure.unit, quantile=measure.quantile
    )
    return value_row(column, lambda name: fields.add(resolve(name)), program)


def series_of(text: str, names: Sequence[str], measure: Measure) -> Series | None:
    """The points of the engine's result; None when no event was chosen.

    Args:
        text: JSON of `Session.result()`.
        names: The filters.
        measure: What was measured.
    """
    result = json.loads(text)
    width = result["widths"][0]
    rows = {row[0]: [flat(cell) for cell in row[1:]] for row in result["rows"]}
    if not rows:
        return None
    first, last = min(rows), max(rows)
    empty = 0 if measure.agg in ("count", "sum") else None
    columns = [
        tuple(or_empty(rows.get(at), n, empty) for at in range(first, last + 1))
        for n in range(len(names))
    ]
    return Series(first * width, width, tuple(names), tuple(columns), measure)


def or_empty(row: list[Any] | None, place: int, empty: int | None) -> Any:  # noqa: ANN401
    """A value of an interval, which may have none."""
    value = None if row is None else row[place]
    return empty if value is None else value


def flat(cell: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A single quantile stands for itself."""
    return cell[0] if isinstance(cell, list) else cell
