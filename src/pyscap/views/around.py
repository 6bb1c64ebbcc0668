"""The events around those that a filter chooses: what led to them and what followed.

In:  a request whose words are a number of milliseconds and a filter. Out: lines, as without a view.
The files are read twice: once for the times of the chosen events, once for what lies around them.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pyscap.errors import UsageError

if TYPE_CHECKING:
    from pyscap.request import Request
    from pyscap.views.collect import Rows
    from pyscap.views.specs import View

MAX_MATCHES = 500
"""Most events whose surroundings are shown: each is a part of a filter."""


def run(view: View, request: Request) -> int:
    """Show what lies around the events that the filter chooses.

    Returns:
        The exit code.

    Raises:
        UsageError: the input cannot be read twice, or there is no filter.
    """
    from pyscap.program import run as run_lines
    from pyscap.program import with_profile
    from pyscap.views.build import choose

    if request.is_live or "-" in request.read:
        msg = "around reads its input twice, which only files allow"
        raise UsageError(msg, "capture to a file first: -w FILE, then -r FILE")
    chosen = choose(view, request.words)
    choosing = with_profile(replace(request, words=chosen.words))
    if not choosing.words:
        msg = "around needs a filter: the events around which to look"
        raise UsageError(msg, "`pyscap top around 10 evt.type=execve -r FILE`")
    times = times_of(choosing)
    if not times:
        sys.stderr.write("note: no event was chosen, so there is nothing around one\n")
        return 0
    if len(times) > MAX_MATCHES:
        sys.stderr.write(f"note: only the first {MAX_MATCHES} of {len(times)} events are shown\n")
    range_ms = max(1, int(chosen.values["range_ns"]) // 1_000_000)
    return run_lines(replace(request, chisel=None, words=(surroundings(times, range_ms),)))


def times_of(request: Request) -> list[int]:
    """The times of the events that the filter chooses, ns since the epoch."""
    from pyscap.plan import FieldList
    from pyscap.program import execute, make_filter, make_options
    from pyscap.views import build
    from pyscap.views.collect import Collector
    from pyscap.views.specs import View, key

    times: list[int] = []

    def note(rows: Rows) -> None:
        times.extend(row[0] for row in rows.cells)

    view = View("around", "list", "", "", (key("Time", "evt.rawtime"),))
    own = make_filter(request, FieldList())
    text = own.text if own else ""
    plan, compiled = build.make_plan(build.Chosen(view, {}, ()), text, None, make_options(request))
    collector = Collector(view, note)
    execute(request, plan, compiled, collector.watch)
    collector.finish()
    return times


def surroundings(times: list[int], range_ms: int) -> str:
    """The filter of what lies around `times`."""
    return " or ".join(f"evt.around[{t}]={range_ms}" for t in times[:MAX_MATCHES])
