"""A capture of this machine: what the request means for the probe, and how the capture ends.

In:  a request and its plan. Out: an exit code; counts on standard error. Next: `session.capture`.
Nothing here is imported, and so neither is bcc, before a capture starts.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyscap.errors import CaptureError, DropError, ExitCode
from pyscap.probe.loader import DEFAULT_RING_BYTES, DEFAULT_SNAPLEN, Probe, ProbeConfig
from pyscap.probe.procfs import snapshot
from pyscap.probe.pushdown import NOTHING_PUSHED, Pushdown
from pyscap.session import Stop, capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.plan import Plan
    from pyscap.probe.loader import Counters
    from pyscap.request import Request
    from pyscap.session import Stats

NS_PER_S = 1_000_000_000


def run(request: Request, plan: Plan, pushdown: Pushdown = NOTHING_PUSHED) -> int:
    """Capture until a signal, a limit, or the end of the request's command.

    Returns:
        The exit code; with a command, that of the command.

    Raises:
        CaptureError: the capture cannot start.
        DropError: events were lost and the request wants to fail then.
        EngineError: the output failed.
    """
    with held_back(request.command) as child:
        stop = Stop(request.duration / NS_PER_S if request.duration else None)
        config = probe_config(request, pushdown, child)
        with Probe(config) as probe:
            for warning in probe.warnings:
                sys.stderr.write(f"pyscap: {warning}\n")
            stats = capture(
                plan,
                probe,
                lambda: snapshot(skip_pid=None if request.include_self else os.getpid()),
                Ending(stop, child),
                lambda: begin(request, child),
            )
            counters = probe.counters()
    say_end(request, stats, counters)
    if child is not None:
        return child.exit_code()
    if request.fail_on_drop and counters.dropped:
        msg = f"{counters.dropped} events were lost"
        raise DropError(msg, "use a larger ring buffer (--buffer-size) or a narrower filter")
    return ExitCode.OK


def probe_config(request: Request, pushdown: Pushdown, child: Child | None) -> ProbeConfig:
    """What the probe is told for a request."""
    lengths = dict(request.snaplen or {})
    snaplen = lengths.pop("", DEFAULT_SNAPLEN)
    roots = {pid for pid in (request.follow, child.pid if child else None) if pid is not None}
    if roots:
        pushdown = replace(pushdown, trees=frozenset(roots) | (pushdown.trees or frozenset()))
    return ProbeConfig(
        snaplen=snaplen,
        snaplen_by_kind=lengths,
        ring_bytes=request.buffer_size or DEFAULT_RING_BYTES,
        self_pid=0 if request.include_self else None,
        pushdown=pushdown,
        page_faults=request.page_faults,
        durations=request.latency,
    )


@dataclass(slots=True)
class Child:
    """The command of `pyscap -- COMMAND`, stopped before its exec until it is let go."""

    pid: int
    gate: int
    """Writing a byte here lets it go."""
    status: int | None = None

    def let_go(self) -> None:
        """Let the command begin."""
        os.write(self.gate, b"g")

    def has_ended(self) -> bool:
        """Whether the command has exited."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def exit_code(self) -> int:
        """The command's own exit code; 128 and the signal when one ended it, as shells have it."""
        if self.status is None:
            return ExitCode.OK
        code = os.waitstatus_to_exitcode(self.status)
        return code if code >= 0 else 128 - code


@contextmanager
def held_back(command: tuple[str, ...]) -> Iterator[Child | None]:
    """Fork the command and hold it before its exec; None without a command."""
    if not command:
        yield None
        return
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        become(command, read_end, write_end)
    os.close(read_end)
    child = Child(pid, write_end)
    try:
        yield child
    finally:
        os.close(write_end)
        if not child.has_ended():
            os.kill(pid, signal.SIGTERM)
            _, child.status = os.waitpid(pid, 0)


def become(command: tuple[str, ...], read_end: int, write_end: int) -> None:
    """In the child: wait for the gate to open, then be the command. Never returns."""
    try:
        os.close(write_end)
        if os.read(read_end, 1):
            os.execvp(command[0], command)  # noqa: S606 - running it is what was asked for
    except OSError as error:
        os.write(2, f"pyscap: {command[0]}: {os.strerror(error.errno or 0)}\n".encode())
    finally:
        os._exit(NOT_RUN)


NOT_RUN = 127
"""Exit code of a command that could not be run, as shells have it."""


class Ending(Stop):
    """Ends with the command, or when the other reasons say so."""

    def __init__(self, stop: Stop, child: Child | None) -> None:
        """Take over the limit of `stop`."""
        super().__init__()
        self.deadline, self.child = stop.deadline, child

    def is_due(self) -> bool:
        """Whether it is time to end."""
        return super().is_due() or (self.child is not None and self.child.has_ended())


def begin(request: Request, child: Child | None) -> None:
    """Say that the first event can be seen now."""
    if request.ready_fd is not None:
        try:
            os.write(request.ready_fd, b"ready\n")
        except OSError as error:
            msg = f"--ready-fd {request.ready_fd}: {error.strerror}"
            raise CaptureError(msg, "give the number of an open descriptor") from error
    if child is not None:
        child.let_go()


def say_end(request: Request, stats: Stats, counters: Counters) -> None:
    """The closing line: what was captured, and what was lost and why."""
    if request.write is None and not (counters.dropped or request.verbose):
        return
    where = "" if request.write in (None, "-") else f" to {request.write}"
    lost = {
        "ring full": counters.dropped_ring_full,
        "too big": counters.dropped_too_big,
        "no scratch memory": counters.dropped_scratch,
        "no program": counters.dropped_no_program,
    }
    reasons = ", ".join(f"{n} {why}" for why, n in lost.items() if n)
    detail = f" ({reasons})" if reasons else ""
    sys.stderr.write(
        f"pyscap: {stats['chosen']} events captured{where}, {counters.dropped} dropped{detail}\n"
    )
