"""Runs the engine in tests: over bytes, to counts, lines, results or a new capture."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from pyscap._engine import EngineError, Session
from pyscap.filterlang.compile import compile_filter
from pyscap.format import save
from pyscap.plan import FieldList, Options, Plan

DEFAULT_OPTIONS = Options(zone=())


def drive(engine: Session, data: bytes) -> None:
    engine.add_bytes(data)
    while engine.run(1000) != "done":
        pass


def counts(data: bytes) -> dict[str, Any]:
    """The engine's counts; an error that ends the reading stands under `error`."""
    engine = Session(Plan().to_json())
    error = None
    try:
        drive(engine, data)
    except EngineError as raised:
        error = raised.args
    return {**engine.stats(), "error": error}


def with_filter(text: str | None) -> Plan:
    fields = FieldList()
    program = compile_filter(text, fields=fields).program if text else None
    return Plan(fields, program, options=DEFAULT_OPTIONS)


def lines(data: bytes, text: str | None = None, template: str | None = None) -> list[str]:
    """What the command prints of the events, without their numbers."""
    from dataclasses import replace

    from pyscap.output.lines import output_row
    from pyscap.request import Request

    plan = with_filter(text)
    with tempfile.TemporaryFile() as out:
        row = output_row(Request(read=("-",), print=template), plan.fields)
        engine = Session(replace(plan, output={**row, "fd": out.fileno()}).to_json())
        drive(engine, data)
        engine.finish()
        out.seek(0)
        return [line.partition(" ")[2] for line in out.read().decode().splitlines()]


def rewritten(data: bytes, text: str | None = None, **more: Any) -> bytes:
    """The capture that `-w` makes of `data` with a filter."""
    from dataclasses import replace

    plan = with_filter(text)
    others: Any = "copy"
    if text:
        others = save.needed(plan, lambda engine: drive(engine, data))
    with tempfile.TemporaryFile() as out:
        row = save.output_row(out.fileno(), compression="none", others=others) | more
        engine = Session(replace(plan, output=row).to_json())
        drive(engine, data)
        engine.finish(save.summary(engine.stats(), text or ""))
        out.seek(0)
        return out.read()


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    """Type and whole bytes of each block."""
    found = []
    while data:
        size = int.from_bytes(data[4:8], "little")
        found.append((int.from_bytes(data[:4], "little"), data[:size]))
        data = data[size:]
    return found


def only_events(data: bytes) -> bytes:
    """What mergecap 4.6 leaves of a capture: a new section header and the event blocks."""
    from pyscap.format.encode import section_header
    from pyscap.format.versions import EVENT_BLOCKS

    kinds = {row.number for row in EVENT_BLOCKS}
    return section_header() + b"".join(raw for kind, raw in blocks(data) if kind in kinds)


def summaries(data: bytes) -> list[Any]:
    return [json.loads(text) for text in counts(data)["summaries"]]


def mode(path: str) -> int:
    return Path(path).stat().st_mode & 0o777
