"""Events for Python programs: `import pyscap`.

In:  captures, a filter, names of fields. Out: an `Event` for each event that the filter chooses.
Next: the caller. The engine decodes, keeps the state and filters; Python sees what was chosen, in
batches.

    for event in pyscap.open("trace.scap", filter="evt.type = openat", fields=["proc.name"]):
        print(event["proc.name"])
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from pyscap._engine import EngineError, Session
from pyscap.filterlang.compile import compile_filter
from pyscap.model.fields import resolve
from pyscap.plan import FieldList, Plan
from pyscap.session import Stop, named, open_input, slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Event = dict[str, Any]
"""A chosen event: values by the names of the fields, in their order.

Numbers are int or float, truths bool, lists list, everything else str, in which bytes that are not
UTF-8 are escaped (`\\xff`). None stands for a field that the event does not have.
"""

DEFAULT_FIELDS = (
    "evt.num",
    "evt.rawtime",
    "evt.cpu",
    "proc.name",
    "thread.tid",
    "evt.type",
    "evt.args",
)
"""What an event holds when nobody chose: the columns of a line, time as ns since the epoch."""

BATCH = 1000
"""Events that wait in the engine at most."""


def open(
    *files: str | os.PathLike[str],
    filter: str = "",
    fields: Sequence[str] = DEFAULT_FIELDS,
) -> Iterator[Event]:
    """The events of captures, one capture after the other.

    Args:
        files: Names of captures, plain or compressed; `-` is standard input.
        filter: Which events; empty for all.
        fields: What to know of each, as `pyscap -l` lists them.

    Yields:
        Chosen events in their order.

    Raises:
        FilterError: The filter is wrong.
        FieldError: There is no such field.
        OSError: A file cannot be opened.
        InputError: A file is no capture, is cut or damaged; what was complete came before.
    """
    plan = make_plan(filter, fields).to_json()
    return read(plan, [os.fspath(file) for file in files], fields)


def make_plan(text: str, names: Sequence[str]) -> Plan:
    """The plan that collects the fields `names` of the events that the filter `text` chooses."""
    fields = FieldList()
    compiled = compile_filter(text, fields=fields) if text else None
    places = [fields.add(resolve(name)) for name in names]
    return Plan(
        fields,
        compiled.program if compiled else None,
        {"kind": "rows", "fields": places, "max_rows": BATCH},
    )


def read(plan: str, files: Sequence[str], names: Sequence[str]) -> Iterator[Event]:
    """Run `plan` over `files`; see `open`."""
    engine = Session(plan)
    for file in files:
        with named(file), open_input(file) as fd:
            engine.add_fd(fd)
            try:
                for _ in slices(engine, Stop()):
                    yield from taken(engine, names)
            except EngineError:
                yield from taken(engine, names)
                raise


def taken(engine: Session, names: Sequence[str]) -> list[Event]:
    """The events that wait in the engine; they wait no longer."""
    rows = json.loads(engine.result(reset=True) or '{"rows": []}')["rows"]
    return [dict(zip(names, row, strict=True)) for row in rows]
