"""A capture of this machine: the probe, the snapshot, the counts at its end.

In:  a request and its plan. Out: events to the plan's output, an exit code; counts and warnings on
standard error. Next: `probe.loader` captures, `session.capture` drives the engine, `command` runs
what stands after `--`.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from pyscap.errors import CaptureError, DropError, ExitCode, UsageError
from pyscap.probe.pushdown import NOTHING_PUSHED, Pushdown
from pyscap.session import Stop, capture

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap._engine import Session
    from pyscap.command import HeldCommand
    from pyscap.plan import Plan
    from pyscap.probe.loader import Counters, Probe, ProbeConfig
    from pyscap.request import Request
    from pyscap.session import Stats

SWITCH_CODES = frozenset({152})
"""Events that `--switches` adds; a filter that can only mean them adds them too."""
PAGE_FAULT_CODES = frozenset({290})
"""Events that `--page-faults` adds."""

WARN_EVERY_S = 1.0
"""At most one warning about lost events in this time."""


def run(
    request: Request,
    plan: Plan,
    pushdown: Pushdown = NOTHING_PUSHED,
    watch: Callable[[Session], None] = lambda engine: None,
) -> int:
    """Capture until a limit, a signal or the end of the command.

    Args:
        request: what the user asked for.
        plan: what the engine does with the events.
        pushdown: what the kernel decides.
        watch: called with the engine after each slice of its work.

    Returns:
        The exit code: that of the command when there is one.

    Raises:
        CaptureError: capturing is not possible here.
        UsageError: the command cannot be run.
        DropError: events were lost, and the request makes that an error.
    """
    if platform.system() != "Linux":
        msg = f"{platform.system()} has no system calls that pyscap could capture"
        raise CaptureError(msg, "-r FILE reads a capture; reading works here")
    if not request.command:
        stop = Stop(seconds(request))
        stop.watch = watch
        return capture_until(request, plan, pushdown, stop)
    from pyscap.command import CommandStop, HeldCommand

    with HeldCommand(request.command) as command:
        stop = CommandStop(command, seconds(request))
        stop.watch = watch
        code = capture_until(request, plan, pushdown, stop, command)
        return command.wait() if code == ExitCode.OK else code


def capture_until(
    request: Request,
    plan: Plan,
    pushdown: Pushdown,
    stop: Stop,
    command: HeldCommand | None = None,
) -> int:
    """One capture, with its counts said at the end."""
    from pyscap.format import save
    from pyscap.probe.containers import ContainerWatch
    from pyscap.probe.loader import Probe
    from pyscap.probe.procfs import snapshot
    from pyscap.program import say_unshown

    def on_ready() -> None:
        say_ready(request)
        if command is not None:
            command.release()

    def facts() -> dict[str, object]:
        return capture_facts(request, probe.counters())

    def summary(stats: Stats) -> str:
        return save.summary(stats, request.filter_text, **facts())

    config = probe_config(request, plan, pushdown, command)
    options = save.section_options(request.filter_text, live=True)
    with (
        save.saved(plan, request, stop, facts=facts) as plan,
        ContainerWatch() as containers,
        Probe(config) as probe,
    ):
        for warning in (*probe.warnings, *(probe.notes if request.verbose else ())):
            sys.stderr.write(f"pyscap: {warning}\n")
        stop.on_look = DropWatch(probe).look
        skip = None if request.include_self else os.getpid()

        def look() -> bytes:
            return snapshot(options, skip_pid=skip) + containers.running()

        stats = capture(plan, probe, look, stop, on_ready, summary, containers.look)
        counters = probe.counters()
    say_unshown(stats, request)
    sys.stderr.write(closing_line(stats, counters, request))
    if counters.dropped and request.fail_on_drop:
        msg = f"{counters.dropped} events were lost"
        raise DropError(msg, DROP_HINT)
    return ExitCode.OK


def capture_facts(request: Request, counters: Counters) -> dict[str, object]:
    """What a file says of the capture: the kernel's counts and what was asked for."""
    host = os.uname()
    return {
        "kernel": f"{host.sysname} {host.release} {host.machine}",
        "snaplen": request.snaplen,
        **{field.name: getattr(counters, field.name) for field in fields(counters)},
    }


def seconds(request: Request) -> float | None:
    """`-M` in seconds."""
    return None if request.duration is None else request.duration / 1e9


def probe_config(
    request: Request,
    plan: Plan,
    pushdown: Pushdown = NOTHING_PUSHED,
    command: HeldCommand | None = None,
) -> ProbeConfig:
    """What the kernel side is to do."""
    from pyscap.probe.loader import DEFAULT_RING_BYTES, DEFAULT_SNAPLEN, ProbeConfig

    lengths = snaplens(request)
    wanted = [program["event_codes"] for program in (plan.filter, plan.trigger) if program]
    codes = [code for codes in wanted for code in codes or ()]
    root = request.follow if command is None else command.pid
    if root is not None:
        pushdown = replace(pushdown, trees=frozenset({root}), only_trees=True)
    return ProbeConfig(
        snaplen=lengths.get("", DEFAULT_SNAPLEN),
        snaplen_by_kind={kind: length for kind, length in lengths.items() if kind},
        ring_bytes=request.buffer_size or DEFAULT_RING_BYTES,
        self_pid=0 if request.include_self else None,
        pushdown=pushdown,
        switches=request.switches or names_any(codes, SWITCH_CODES),
        page_faults=request.page_faults or names_any(codes, PAGE_FAULT_CODES),
        durations=request.latency or needs_durations(request, plan),
    )


def snaplens(request: Request) -> dict[str, int]:
    """Bytes kept by kind; what is not to be seen is not captured in the first place."""
    lengths = dict(request.snaplen or {})
    if request.no_buffers:
        lengths = {"": 0, **({"exec": lengths["exec"]} if "exec" in lengths else {})}
    if request.no_env:
        lengths["exec"] = 0
    return lengths


def names_any(codes: list[int], wanted: frozenset[int]) -> bool:
    """Whether filters that choose by event type choose one of `wanted`."""
    return not wanted.isdisjoint(codes)


def needs_durations(request: Request, plan: Plan) -> bool:
    """Whether something that is shown depends on how long calls take."""
    used = (str(entry["name"]) for entry in plan.fields.entries)
    return request.timetype == "d" or any(name.startswith("evt.latency") for name in used)


def say_ready(request: Request) -> None:
    """Tell whoever waits that the first event can be seen."""
    if request.write is not None and sys.stderr.isatty():
        doing = f"capturing to {request.write}"
        if request.flight_recorder:
            doing = "recording in memory; SIGUSR1 writes it to a file"
        sys.stderr.write(f"{doing}; Ctrl-C ends it\n")
    if request.ready_fd is not None:
        try:
            os.write(request.ready_fd, b"ready\n")
            os.close(request.ready_fd)
        except OSError as error:
            msg = f"--ready-fd {request.ready_fd}: {error.strerror}"
            raise UsageError(msg, "the descriptor must be open for writing") from error


class DropWatch:
    """Warns while events are being lost, now and then."""

    def __init__(self, probe: Probe) -> None:
        """Begin with nothing lost."""
        self.probe = probe
        self.dropped = 0
        self.next_look = time.monotonic() + WARN_EVERY_S

    def look(self) -> None:
        """Look at the counters when it is time to."""
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + WARN_EVERY_S
        dropped = self.probe.counters().dropped
        if dropped > self.dropped:
            new = dropped - self.dropped
            sys.stderr.write(f"pyscap: {new} events lost in the last second\n")
        self.dropped = dropped


DROP_HINT = "a larger --buffer-size or a narrower filter loses less"

DROP_REASONS = (
    ("dropped_ring_full", "the buffer was full"),
    ("dropped_too_big", "too large for the file format"),
    ("dropped_scratch", "the CPU's memory was in use"),
    ("dropped_no_program", "no program for the event"),
)
"""Counters of losses, and what each means."""


def closing_line(stats: Stats, counters: Counters, request: Request) -> str:
    """The counts of a capture, and what to do when events were lost."""
    done = "shown" if request.write is None else f"written to {request.write}"
    done = "recorded" if request.flight_recorder else done
    line = f"{stats['events']} events captured, {stats['chosen']} {done}, {counters.dropped} lost"
    if not counters.dropped:
        return f"{line}\n"
    reasons = ((getattr(counters, name), text) for name, text in DROP_REASONS)
    why = ", ".join(f"{text}: {count}" for count, text in reasons if count)
    return f"{line} ({why})\nhint: {DROP_HINT}\n"
