"""The flight recorder: when what is in memory becomes a file, and what is said of it.

In:  a request with `--flight-recorder`; the engine that keeps the events and knows when it has
seen the trigger. Out: descriptors for its files, their summaries, lines on standard error. Next:
the engine writes each file with the state as it was at its first event. Source: ADR 0022.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyscap.errors import OutputError, printable
from pyscap.rotation import NS_PER_S, exists, free_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from pyscap._engine import Session
    from pyscap.request import Request
    from pyscap.session import Stop

Row = dict[str, Any]

DEFAULT_BYTES = 256_000_000
"""Memory of a recorder that is bounded by time alone."""

QUIET_NS = 10 * NS_PER_S
"""After a file the next one waits so long, or as long as the recorder goes back if that is less.

A trigger often matches many times in a row. The events in between go into the next file: all
files of a run together have no hole, unless memory was too small, and no event twice.
"""


class FlightRecorder:
    """The files of one run, in order."""

    def __init__(
        self,
        request: Request,
        stop: Stop,
        open_file: Callable[[str], int],
        summary: Callable[[Session, Row], str],
    ) -> None:
        """Make no file yet, and begin to listen to SIGUSR1.

        Args:
            request: Says the name, the bounds and how many files.
            stop: Is asked to end the run when `-W` has its files.
            open_file: Makes a file and gives its descriptor.
            summary: Makes of the engine's counts and what is known of a file the text that the
                file says of itself.

        Raises:
            OutputError: There is no place for files.
        """
        self.request, self.stop, self.open_file, self.summary = request, stop, open_file, summary
        self.base = request.write or ""
        self.max_ns, self.max_bytes = bounds(request)
        self.made: list[str] = []
        self.engine: Session | None = None
        self.asked = False
        """SIGUSR1 came."""
        folder = Path(self.base).parent
        if not os.access(folder, os.W_OK | os.X_OK):
            msg = f"{folder}: no file can be made there"
            raise OutputError(msg, "write to a place where you may")
        self.before = signal.signal(signal.SIGUSR1, self.on_signal)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Remember that a file is wanted."""
        del number, frame
        self.asked = True

    def row(self, file: Row, filter_program: Row | None, trigger: Row | None) -> Row:
        """The engine's output row."""
        return {
            "kind": "recorder",
            "max_ns": self.max_ns,
            "max_bytes": self.max_bytes,
            "quiet_ns": QUIET_NS if self.max_ns is None else min(QUIET_NS, self.max_ns),
            "limit": self.request.limit,
            "filter": filter_program,
            "trigger": trigger,
            "file": {key: value for key, value in file.items() if key != "kind"},
        }

    def look(self, engine: Session) -> None:
        """Write a file when it is time to."""
        self.engine = engine
        if (self.asked or engine.is_full()) and not self.is_at_limit():
            self.write(engine)

    def is_at_limit(self) -> bool:
        """Whether `-W` wants no more files."""
        return self.request.limit is not None and len(self.made) >= self.request.limit

    def write(self, engine: Session) -> None:
        """Write what is in memory to the next file."""
        self.asked = False
        found = json.loads(engine.result() or "{}")
        if not found["kept"]:
            sys.stderr.write("pyscap: nothing is recorded yet, no file was written\n")
            return
        name = self.name((found["trigger_ns"] or found["last_ns"]) / NS_PER_S)
        self.engine = None  # after an error nothing more is written
        fd = self.open_file(name)
        try:
            engine.next_file(fd, self.summary(engine, self.facts(found)))
        finally:
            os.close(fd)
        self.engine = engine
        self.made.append(name)
        sys.stderr.write(f"pyscap: {printable(written(name, found, self.max_ns))}\n")
        self.stop.asked |= self.is_at_limit()

    def name(self, epoch_s: float) -> str:
        """The name of the next file: `-w`, a date and time filled in where it has a `%`.

        A name that this run has used, or that exists, gets a number behind it.
        """
        made = time.strftime(self.base, time.localtime(epoch_s)) if "%" in self.base else self.base
        keeps = not self.request.overwrite
        return free_name(made, lambda name: name in self.made or (keeps and exists(name)))

    def facts(self, found: Row) -> Row:
        """What a file says of its making, under `recorder` in its summary."""
        return {
            "trigger": self.request.trigger if found["trigger_ns"] is not None else "SIGUSR1",
            "trigger_ns": found["trigger_ns"] or found["last_ns"],
            "bound_ns": self.max_ns,
            "bound_bytes": self.max_bytes,
            "first_ns": found["first_ns"],
            "kept": found["kept"],
            "let_go": found["let_go"],
            "cut_by_bytes": found["crowded_out"] if self.max_ns else None,
        }

    def close(self) -> None:
        """Write what waited for the quiet time to end, and say so when there was nothing at all."""
        signal.signal(signal.SIGUSR1, self.before)
        engine = self.engine
        if engine is not None and json.loads(engine.result() or "{}")["trigger_ns"] is not None:
            self.write(engine)
        if engine is not None and not self.made:
            sys.stderr.write("pyscap: nothing triggered, no file was written\n")


def bounds(request: Request) -> tuple[int | None, int]:
    """Nanoseconds and bytes that a request's recorder keeps at most."""
    max_ns, max_bytes = request.flight_recorder or (None, None)
    return max_ns, max_bytes or DEFAULT_BYTES


def written(name: str, found: Row, max_ns: int | None) -> str:
    """One line about a file.

    Args:
        name: The file.
        found: What the engine said of it.
        max_ns: How far it should go back.
    """
    number = found["trigger_num"]
    why = "asked by SIGUSR1" if number is None else f"triggered by event {number}"
    span_s = max(0, found["last_ns"] - found["first_ns"]) / NS_PER_S
    line = f"{found['kept']} events of {span_s:.3f} s written to {name}, {why}"
    if max_ns is not None and found["crowded_out"]:
        line += f"; memory was too small for {max_ns / NS_PER_S:g} s"
    if found["bare"]:
        line += "; the processes of the start had no room"
    return line
