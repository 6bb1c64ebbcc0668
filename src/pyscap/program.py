"""What the program does with a request: read or capture, then say how it went.

In:  a request. Out: an exit code; messages and counts on standard error. Next: `plan` says what
the engine is told, `session` runs it.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from pyscap.errors import CaptureError, ExitCode, InputError
from pyscap.output.lines import output_row
from pyscap.output.zone import local_zone
from pyscap.plan import FieldList, Options, Plan
from pyscap.session import Stop, read_files

if TYPE_CHECKING:
    from pyscap.request import Request
    from pyscap.session import Stats


def run(request: Request) -> int:
    """Read or capture, as the request says.

    Returns:
        The exit code.

    Raises:
        OSError: a file cannot be opened.
        PyscapError: an input is no capture, is cut or damaged; what was complete is out.
    """
    plan = make_plan(request)
    if request.is_live:
        msg = "capturing is not part of this build"
        raise CaptureError(msg, "-r FILE reads a capture")
    stop = Stop()
    return conclude(read_files(plan, request.read, stop), stop, request)


def dump_plan(request: Request) -> int:
    """Print the plan of a request."""
    sys.stdout.write(make_plan(request).to_json() + "\n")
    return ExitCode.OK


def make_plan(request: Request) -> Plan:
    """What the engine is to do for a request."""
    options = Options(
        internal=request.debug,
        live=request.is_live,
        zone=() if request.timetype == "utc" else local_zone(),
        max_events=request.numevents,
        max_event_ns=request.duration,
    )
    fields = FieldList()
    return Plan(fields=fields, output=output_row(request, fields), options=options)


def conclude(stats: Stats, stop: Stop, request: Request) -> int:
    """Say on standard error what must be known about a run that came to its end.

    Returns:
        The exit code.
    """
    if request.verbose:
        sys.stderr.write(f"{stats['events']} events read, {stats['chosen']} chosen\n")
    damage = stats["first_damage"]
    if isinstance(damage, tuple):
        msg = f"{stats['damaged']} damaged events, the first at byte {damage[0]}: {damage[1]}"
        raise InputError(msg, "all other events were processed")
    if stop.signal == signal.SIGINT and not request.is_live:
        return ExitCode.INTERRUPTED
    return ExitCode.OK
