"""Runs a play: events in, facts of the tables out.

In:  threads of the process list and events of `builders`. Out: field values as JSON has them.
Facts are looked at through a probe: a read that fails, which changes nothing.
"""

from __future__ import annotations

import json
from typing import Any

import builders as b

from pyscap._engine import Session
from pyscap.model.fields import resolve
from pyscap.plan import FieldList, Options, Plan

PROBE_RES = -4


def probe(tid: int, fd: int | None) -> b.Event:
    """An event that shows thread `tid` and descriptor `fd` and changes neither."""
    return b.read(res=PROBE_RES, fd=fd, tid=tid)


USUAL = Options()


def run(capture: bytes, names: list[str], options: Options = USUAL) -> list[dict[str, Any]]:
    """One dict of field values for every event that is shown."""
    fields = FieldList()
    positions = [fields.add(resolve(name)) for name in names]
    output = {"kind": "rows", "fields": positions, "max_rows": 1_000_000}
    session = Session(Plan(fields=fields, output=output, options=options).to_json())
    session.add_bytes(capture)
    while session.run(1000) != "done":
        pass
    rows = json.loads(session.result() or "")["rows"]
    return [dict(zip(names, row, strict=True)) for row in rows]


def facts(
    events: list[b.Event],
    names: list[str],
    *,
    threads: list[b.Thread] = (),
    tid: int,
    fd: int | None = None,
    options: Options = USUAL,
    **metadata: Any,
) -> dict[str, Any]:
    """The values of the fields `names` after the events, for a thread and its descriptor."""
    capture = b.capture(list(threads), [*events, probe(tid, fd)], **metadata)
    return run(capture, names, options)[-1]
