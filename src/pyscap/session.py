"""The program on one page: source -> engine -> sink.

In:  a plan and where its events come from. Out: lines or a file, written by the engine, and the
counts. Next: `cli` prints the closing line.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pyscap._engine import EngineError, Session
from pyscap.errors import InputError, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from pyscap.plan import Plan
    from pyscap.progress import ReadProgress

SLICE_MS = 200
"""How long the engine works before signals and limits are looked at again."""

Stats = dict[str, "int | tuple[int, str] | list[str] | None"]
"""The engine's counts by name."""


class LiveProbe(Protocol):
    """What a capture needs of the probe."""

    def add_rings(self, engine: Session) -> None:
        """Hand the ring buffers to the engine."""

    def detach(self) -> None:
        """Produce no more events; what is in the rings stays readable."""


class Stop:
    """Whether the run is asked to end: by a signal, by time, or by the caller."""

    def __init__(self, seconds: float | None = None) -> None:
        """Count `seconds` of wall-clock time from now; None for no limit."""
        self.asked = False
        self.signal: int | None = None
        """The signal that asked, for the exit code."""
        self.on_look: Callable[[], None] = lambda: None
        """Called between two slices of work."""
        self.watch: Callable[[Session], None] = lambda engine: None
        """Called with the engine after each slice of its work."""
        self.deadline = None if seconds is None else time.monotonic() + seconds

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Remember the first signal; a second one ends the program as usual."""
        del frame
        self.asked, self.signal = True, number
        signal.signal(number, signal.SIG_DFL)

    def also_watch(self, watch: Callable[[Session], None]) -> None:
        """Call `watch` too, after what watches already."""
        before = self.watch

        def both(engine: Session) -> None:
            before(engine)
            watch(engine)

        self.watch = both

    def is_due(self) -> bool:
        """Whether it is time to end."""
        late = self.deadline is not None and time.monotonic() >= self.deadline
        return self.asked or late

    def slice_ms(self) -> int:
        """How long the engine may work until the next look."""
        if self.deadline is None:
            return SLICE_MS
        left = int((self.deadline - time.monotonic()) * 1000)
        return max(1, min(SLICE_MS, left))


@contextmanager
def catching_signals(stop: Stop) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP ask for a clean end while this lasts."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop.on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_files(
    engine: Session, names: Sequence[str], stop: Stop, progress: ReadProgress | None = None
) -> None:
    """Run `engine` over savefiles, one after the other; `-` is standard input.

    Args:
        engine: A plan at work.
        names: Files, in order.
        stop: When to end before the end.
        progress: Shows how far each file has been read.

    Raises:
        OSError: a file cannot be opened.
        InputError: a file is no capture, is cut or damaged; what was complete is out.
        EngineError: the output failed.
    """
    for name in names:
        with named(name), open_input(name) as fd, following(fd, stop, progress):
            engine.add_fd(fd)
            drive(engine, stop)


@contextmanager
def following(fd: int, stop: Stop, progress: ReadProgress | None) -> Iterator[None]:
    """Let `progress` look at the position of `fd` between two slices of work."""
    if progress is None:
        yield
        return
    stop.on_look = progress.look
    progress.start(fd)
    try:
        yield
    finally:
        progress.end()


def capture(
    plan: Plan,
    probe: LiveProbe,
    snapshot: Callable[[], bytes],
    stop: Stop,
    on_ready: Callable[[], None] = lambda: None,
    summary: Callable[[Stats], str | None] = lambda _: None,
    look_after: Callable[[Session], None] = lambda _: None,
) -> Stats:
    """Run `plan` over live events until `stop` is due.

    The probe is attached already, so nothing that happens while the snapshot is taken is lost:
    those events wait in the rings and are applied after it.

    Args:
        plan: what to do with the events.
        probe: attached, with its rings filling.
        snapshot: makes the metadata blocks of the system as it is now.
        stop: when to end.
        on_ready: called once, when the first event can be seen.
        summary: makes of the counts what a capture file says of itself at its end.
        look_after: called with the engine between two slices of work, to tell it more.

    Raises:
        EngineError: the output failed; what was complete is out.
    """
    engine = Session(plan.to_json())
    engine.add_bytes(snapshot())
    probe.add_rings(engine)
    on_ready()
    on_look = stop.on_look

    def look() -> None:
        on_look()
        look_after(engine)

    stop.on_look = look
    drive(engine, stop)
    probe.detach()
    engine.stop()
    rest = Stop()
    rest.watch = stop.watch
    stats = drive(engine, rest)
    engine.finish(summary(stats))
    return stats


def drive(engine: Session, stop: Stop) -> Stats:
    """Run `engine` until it is done, `stop` is due or a signal asks for the end."""
    with catching_signals(stop):
        for _ in slices(engine, stop):
            pass
    return engine.stats()


def slices(engine: Session, stop: Stop) -> Iterator[None]:
    """Run `engine` until it is done or `stop` is due; yields after each slice of its work."""
    done = False
    while not done and not stop.is_due():
        try:
            done = engine.run(stop.slice_ms()) == "done"
        finally:  # also before an error: what was complete is shown
            stop.on_look()
            stop.watch(engine)
        yield


@contextmanager
def open_input(name: str) -> Iterator[int]:
    """The descriptor of a savefile, or of standard input for `-`."""
    if name == "-":
        yield sys.stdin.fileno()
        return
    with Path(name).open("rb") as file:
        yield file.fileno()


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put the name of an input in front of what is wrong with it."""
    try:
        yield
    except EngineError as error:
        known = explain(error)
        if not isinstance(known, InputError):
            raise
        shown = "standard input" if name == "-" else os.fsdecode(name)
        msg = f"{shown}: {known.cause}"
        raise InputError(msg, known.hint) from error
