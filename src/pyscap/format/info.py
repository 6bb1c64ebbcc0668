"""What a capture file is: capinfos for system calls.

In:  the name of a file. Out: `CaptureInfo`, plain data. Next: `program` prints it as text or JSON.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyscap._engine import EngineError, Session
from pyscap.format.encode import (
    OPTION_APPLICATION,
    OPTION_COMMENT,
    OPTION_HARDWARE,
    OPTION_OS,
)
from pyscap.model.events import EVENTS
from pyscap.plan import Options, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

_SLICE_MS = 1000
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}
_OPTION_NAMES = {
    OPTION_COMMENT: "comment",
    OPTION_HARDWARE: "hardware",
    OPTION_OS: "os",
    OPTION_APPLICATION: "application",
}


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """One section: a capture of its own within the file."""

    version: str
    """Version of the section header, as `1.2`; the block types say more."""
    hostname: str
    """Name of the captured machine; empty when the file does not say."""
    num_cpus: int
    memory_bytes: int
    boot_ts_ns: int
    """Time of boot since the epoch; 0 when the file does not say."""
    listed_processes: int
    """Processes that ran when the capture began."""
    listed_threads: int
    listed_fds: int
    options: tuple[tuple[str, str], ...]
    """What the header says of its making: comment, hardware, os, application."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A spot that could not be read."""

    offset: int
    """In the uncompressed stream, bytes."""
    what: str


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """Facts of a capture file."""

    path: str
    size_bytes: int | None
    """Size as stored; None for a pipe."""
    compression: str
    """`none`, `gzip` or `zstd`."""
    sections: tuple[SectionInfo, ...]
    start_ns: int | None
    """Time of the first event since the epoch; None without events."""
    end_ns: int | None
    """Time of the last event in the file."""
    events: int
    """Event blocks, enter events of old files as well."""
    by_type: dict[str, int] = field(default_factory=dict)
    """Events by type, the most frequent first; an unknown one is shown by its number."""
    state_only: int = 0
    """Events that are there for the state alone."""
    processes: int = 0
    """Processes that made events."""
    packets: int = 0
    """Packet blocks."""
    unknown: int = 0
    """Events with a code that this pyscap does not know."""
    damaged: int = 0
    """Spots that could not be read."""
    damage: tuple[Damage, ...] = ()
    """The first of them, and what ended the reading."""
    summaries: tuple[Any, ...] = ()
    """What the writers said at the end: events captured and dropped by reason, filter, kernel."""
    blocks: dict[str, int] = field(default_factory=dict)
    """Blocks by type number."""

    @property
    def duration_ns(self) -> int | None:
        """From the first event to the last."""
        if self.start_ns is None or self.end_ns is None:
            return None
        return self.end_ns - self.start_ns

    @property
    def dropped(self) -> int | None:
        """Events that the capture lost; None when the file does not say."""
        counts = [
            sum(v for k, v in s.items() if k.startswith("dropped") and isinstance(v, int))
            for s in self.summaries
            if isinstance(s, dict) and any(k.startswith("dropped") for k in s)
        ]
        return sum(counts) if counts else None


def capture_info(path: str) -> CaptureInfo:
    """Read a whole capture and say what it is; `-` is standard input.

    A file that is cut or damaged is told as far as it can be read, with the place in `damage`.

    Raises:
        OSError: the file cannot be opened.
        EngineError: it is no capture.
    """
    plan = Plan(output={"kind": "inspect"}, options=Options(internal=True))
    engine = Session(plan.to_json())
    if path == "-":
        engine.add_fd(sys.stdin.fileno())
        return _info(path, None, "none", engine)
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        magic = os.pread(file.fileno(), 2, 0) if size else b""
        engine.add_fd(file.fileno())
        return _info(path, size, _MAGIC.get(magic, "none"), engine)


def _info(path: str, size: int | None, compression: str, engine: Session) -> CaptureInfo:
    ended = _drain(engine)
    stats: Mapping[str, Any] = engine.stats()
    found = json.loads(engine.result() or "{}")
    spots = [Damage(offset, what) for offset, what in stats["spots"]]
    by_type: dict[str, int] = {}
    for code, count in found["codes"]:
        name = EVENTS[code].name if code < len(EVENTS) else f"[{code}]"
        by_type[name] = by_type.get(name, 0) + count
    return CaptureInfo(
        path=path,
        size_bytes=size,
        compression=compression,
        sections=tuple(_section(row) for row in found["sections"]),
        start_ns=stats["first_ns"],
        end_ns=stats["last_ns"] if stats["first_ns"] is not None else None,
        events=stats["events"],
        by_type=dict(sorted(by_type.items(), key=lambda item: -item[1])),
        state_only=found["state_only"],
        processes=found["processes"],
        packets=stats["packets"],
        unknown=stats["unknown"],
        damaged=stats["damaged"] + len(ended),
        damage=(*spots, *ended),
        summaries=tuple(_parsed(text) for text in stats["summaries"]),
        blocks={f"{kind:#x}": count for kind, count in found["blocks"]},
    )


def _drain(engine: Session) -> list[Damage]:
    """Read to the end; what ends it early is told, unless the file is no capture at all."""
    try:
        while engine.run(_SLICE_MS) != "done":
            pass
    except EngineError as error:
        kind, text, offset = error.args
        if kind not in ("truncated", "damaged"):
            raise
        return [Damage(offset or 0, text)]
    return []


def _section(row: Mapping[str, Any]) -> SectionInfo:
    options = tuple((_OPTION_NAMES.get(c, str(c)), text) for c, text in row["options"])
    same = ("hostname", "num_cpus", "memory_bytes", "boot_ts_ns")
    listed = ("listed_processes", "listed_threads", "listed_fds")
    return SectionInfo(
        version=f"{row['major']}.{row['minor']}",
        options=options,
        **{name: row[name] for name in (*same, *listed)},
    )


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
