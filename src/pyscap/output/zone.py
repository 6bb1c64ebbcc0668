"""The local time zone as a table, so that the engine knows the offset of an event's day.

In:  the zone of this process (`TZ`, else the system's). Out: `local_zone()`. Next: the plan's
options carry it to the engine.

DIFFERENCE(sysdig 0.41.4): there, the offset in force today is used for every event.
"""

from __future__ import annotations

import time

FIRST_S = 0
"""Captures older than the epoch do not exist."""
LAST_S = 4_102_444_800
"""2100-01-01; later times have the last offset."""

_STEP_S = 14 * 86_400
"""Looks at the zone are so far apart: no zone changes its offset twice in that time, but for a
few decrees before 1980."""


def offset(epoch_s: int) -> int:
    """Seconds that local time is ahead of UTC at `epoch_s`."""
    return time.localtime(epoch_s).tm_gmtoff


def local_zone() -> list[tuple[int, int]]:
    """When each offset of the local zone begins.

    Returns:
        `(start, offset)` in seconds, ascending, of `FIRST_S` to `LAST_S`; empty for UTC.
    """
    rows = [(FIRST_S, offset(FIRST_S))]
    for end in range(FIRST_S + _STEP_S, LAST_S, _STEP_S):
        if offset(end) != rows[-1][1]:
            rows.append((_change(end - _STEP_S, end), offset(end)))
    return [] if rows == [(FIRST_S, 0)] else rows


def _change(low: int, high: int) -> int:
    """The second at which the offset changes between `low` and `high`."""
    old = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(middle) == old:
            low = middle
        else:
            high = middle
    return high
