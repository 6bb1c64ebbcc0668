"""The part of a filter that the kernel can decide: sets, all of which an event must be in.

In:  the lowered filter. Out: `Pushdown`. Next: `probe/loader.py` compiles the tests that are used
and fills their sets. None means: no condition on this.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pushdown:
    """Conditions on events, joined by and."""

    events: frozenset[int] | None = None
    """Exit event codes that are wanted; others are only delivered when `state` has them."""
    calls: frozenset[str] | None = None
    """Names of the wanted events; of the calls without an event of their own, only these."""
    state: frozenset[int] = frozenset()
    """Event codes that the state needs: delivered whatever the other conditions say."""
    state_by_calls: bool = True
    """Calls are watched for the state's sake; else it lives on the tracepoints of processes."""
    pids: frozenset[int] | None = None
    """Process numbers (of the whole thread group) in the pid namespace of the capture."""
    tids: frozenset[int] | None = None
    """Thread numbers, as the host numbers them."""
    uids: frozenset[int] | None = None
    """Effective user numbers, as the host numbers them."""
    comms: frozenset[str] | None = None
    """Names of the calling thread; the kernel keeps their first 15 bytes."""
    trees: frozenset[int] | None = None
    """Processes that count with all their present and future descendants."""
    only_trees: bool = False
    """Nothing of other processes is captured, not even for the state."""
    succeeded: bool = False
    """Only calls that did not fail; executed programs are then seen without watching any call."""
    containers: frozenset[str] | None = None
    """Short ids of containers; when empty, every container counts, but the host does not."""


NOTHING_PUSHED = Pushdown()
"""Everything is delivered."""
