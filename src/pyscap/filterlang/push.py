"""The part of a filter that the kernel can decide while it captures.

In:  a compiled filter. Out: `push()`: the `Pushdown` for the probe; `explain_push()` in words.
Next: `pyscap.live` hands it to the probe. The engine still runs the whole filter, so that the
result is the same with and without; what is pushed only spares events that could not pass.

Pushed are the event codes, and the parts of an outermost `and` that compare a number which the
kernel knows as well as the engine does: process, thread, effective user.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pyscap.filterlang import typed
from pyscap.model.events import EVENTS
from pyscap.probe.pushdown import NOTHING_PUSHED, Pushdown
from pyscap.state.transitions import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.filterlang.compile import CompiledFilter

PUSHED: dict[str, str] = {
    "evt.type": "calls",
    "proc.pid": "pids",
    "thread.tid": "tids",
    "user.uid": "uids",
}
"""Fields that the kernel can compare, and the set of `Pushdown` that does."""

MOST = 1024
"""Values pushed at most; a longer list is left to the engine."""

COUNTING_VERBS = frozenset({"count_memory", "switch_out"})
"""Verbs that only refresh counters, which the next exec or clone of the thread brings anyway."""


def push(compiled: CompiledFilter) -> Pushdown:
    """What of a filter the kernel can decide.

    Args:
        compiled: The filter.

    Returns:
        Sets that every event which can pass is in; `state` names the events that arrive whatever
        the sets say, because fields of later events depend on them.
    """
    sets: dict[str, frozenset[int | str]] = {}
    for name, values in _equalities(compiled.condition):
        sets[name] = sets[name] & values if name in sets else values
    events = None if compiled.event_codes is None else frozenset(compiled.event_codes)
    if not sets and events is None:
        return NOTHING_PUSHED
    return Pushdown(
        events=events,
        state=state_codes(),
        calls=_texts(sets.get("calls")),
        pids=_numbers(sets.get("pids")),
        tids=_numbers(sets.get("tids")),
        uids=_numbers(sets.get("uids")),
    )


def _numbers(values: frozenset[int | str] | None) -> frozenset[int] | None:
    return None if values is None else frozenset(v for v in values if isinstance(v, int))


def _texts(values: frozenset[int | str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(v for v in values if isinstance(v, str))


@cache
def state_codes() -> frozenset[int]:
    """Events that the state depends on: those that name things, not those that only count.

    Plain reads and writes do no more than mark a socket as used, and are left out.
    """
    return frozenset(
        row.code
        for row in TRANSITIONS
        if row.verb not in COUNTING_VERBS
        and not (row.verb == "transfer" and not _has_tuple(row.code))
    )


def _has_tuple(code: int) -> bool:
    return any(param.type == "SOCKTUPLE" for param in EVENTS[code].params)


def _equalities(condition: typed.Condition) -> Iterator[tuple[str, frozenset[int | str]]]:
    """Sets that hold whenever `condition` does."""
    if isinstance(condition, typed.All):
        for part in condition.parts:
            yield from _equalities(part)
    elif isinstance(condition, typed.Comparison):
        left, values = condition.left, _constants(condition)
        if isinstance(left, typed.Use) and values is not None:
            name = PUSHED.get(left.ref.spec.name)
            if name:
                yield name, values


def _constants(comparison: typed.Comparison) -> frozenset[int | str] | None:
    """The constants one of which the left side must equal; None when it is no such comparison."""
    right = comparison.right
    if comparison.quantifier not in (None, "anyof", "oneof"):
        return None
    if comparison.operator not in ("=", "in", "intersects"):
        return None
    items = right if isinstance(right, tuple) else (right,)
    if not items or len(items) > MOST:
        return None
    values = [item.value for item in items if isinstance(item, typed.Const)]
    known = frozenset(v for v in values if isinstance(v, str) or (isinstance(v, int) and v >= 0))
    return known if len(values) == len(items) and known == frozenset(values) else None


def explain_push(pushed: Pushdown) -> str:
    """Tell which part of a filter runs where."""
    lines = []
    if pushed.events is not None:
        names = sorted(pushed.calls or {EVENTS[code].name for code in pushed.events})
        shown = ", ".join(names) if len(names) <= SHOWN else f"{len(names)} of all types"
        lines.append(f"event types: {shown}")
    for words, values in (
        ("processes", pushed.pids),
        ("threads", pushed.tids),
        ("effective users", pushed.uids),
    ):
        if values is not None:
            lines.append(f"{words}: {', '.join(map(str, sorted(values)))}")
    if not lines:
        return "In the kernel: nothing. In pyscap: the whole filter."
    head = "In the kernel, an event is kept when it is one of\n"
    rest = (
        "\nand so are events that names of processes and descriptors depend on."
        "\nIn pyscap: the whole filter, on what is kept."
    )
    return head + "\n".join(f"  {line}" for line in lines) + rest


SHOWN = 24
"""Event types named in full; of more, the number is told."""
