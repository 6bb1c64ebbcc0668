"""The part of a filter that the kernel can decide while it captures.

In:  a compiled filter. Out: `push()`: the `Pushdown` for the probe; `explain_push()` in words.
Next: `pyscap.live` hands it to the probe. The engine still runs the whole filter, so that the
result is the same with and without; what is pushed only spares events that could not pass.

Pushed are the event codes, and what an outermost `and` demands of the calling process and of the
result, where the kernel knows it as well as the engine does.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pyscap.filterlang import typed
from pyscap.model.events import EVENTS
from pyscap.probe.pushdown import NOTHING_PUSHED, Pushdown
from pyscap.state.transitions import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pyscap.filterlang.compile import CompiledFilter

Values = frozenset[int | str]
Demands = dict[str, Values]
"""Sets of `Pushdown` by name: an event that passes is in each of them."""

PUSHED: dict[str, str] = {
    "evt.type": "calls",
    "proc.pid": "pids",
    "proc.tree": "trees",
    "proc.name": "comms",
    "thread.tid": "tids",
    "user.uid": "uids",
}
"""Fields that the kernel can compare, and the set of `Pushdown` that does."""

HOST = "host"
"""What the id and name of a container are where there is none."""
CONTAINER_FIELDS = frozenset({"container.id", "container.name"})
ANY_CONTAINER: Values = frozenset()
"""As the set of containers. Names are not resolved: another container can get the name later."""
OK = {"SUCCESS"}
"""`evt.res` of the calls that did not fail."""
SUCCEEDED: Values = frozenset({0})

MOST = 1024
"""Values pushed at most; a longer list is left to the engine."""

COUNTING_VERBS = frozenset({"count_memory", "switch_out"})
"""Verbs that only refresh counters, which the next exec or clone of the thread brings anyway."""

EXEC_TYPES = frozenset({"execve", "execveat"})
TOLD_BY_EXEC = (
    *("evt.", "user.", "group.", "container.", "thread.tid", "thread.nametid", "proc.tree"),
    *("proc.name", "proc.exe", "proc.args", "proc.cmd", "proc.cwd", "proc.env", "proc.tty"),
    *("proc.pid", "proc.vpid", "proc.ppid", "proc.pname", "proc.pexe", "proc.pcmdline"),
    *("proc.aname", "proc.aexe", "proc.aargs", "proc.acmdline", "proc.apid", "proc.is_exe"),
)
"""Beginnings of fields that depend on no call but the ones that start, rename and end processes,
when they are asked for as a program is started: its event tells them anew."""


def push(compiled: CompiledFilter, shown: Iterable[str] | None = None) -> Pushdown:
    """What of a filter the kernel can decide.

    Args:
        compiled: The filter.
        shown: Names of all fields that are looked at; None when that is not known, as with a
            file, whose fields are asked for later.

    Returns:
        Sets that every event which can pass is in; `state` names the events that arrive whatever
        the sets say, because fields of later events depend on them.
    """
    demands = _demands(compiled.condition)
    events = None if compiled.event_codes is None else frozenset(compiled.event_codes)
    if not demands and events is None:
        return NOTHING_PUSHED
    calls = _texts(demands.get("calls"))
    return Pushdown(
        events=events,
        state=state_codes(),
        calls=calls,
        pids=_numbers(demands.get("pids")),
        tids=_numbers(demands.get("tids")),
        uids=_numbers(demands.get("uids")),
        comms=_texts(demands.get("comms")),
        trees=_numbers(demands.get("trees")),
        containers=_texts(demands.get("containers")),
        succeeded="succeeded" in demands,
        state_by_calls=calls is None or not calls <= EXEC_TYPES or not _told_by_exec(shown),
    )


def _told_by_exec(shown: Iterable[str] | None) -> bool:
    return shown is not None and all(name.startswith(TOLD_BY_EXEC) for name in shown)


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


def _demands(condition: typed.Condition) -> Demands:
    """Sets that hold whenever `condition` does."""
    if isinstance(condition, typed.Comparison):
        return _demand(condition)
    found: Demands = {}
    if isinstance(condition, typed.All):
        for part in map(_demands, condition.parts):
            both = {name: _meet(name, found[name], part[name]) for name in found.keys() & part}
            found |= part | both
    elif isinstance(condition, typed.Any):
        first, *rest = map(_demands, condition.parts)
        found = first
        for part in rest:
            found = {name: _join(name, found[name], part[name]) for name in found.keys() & part}
    return found


def _meet(name: str, left: Values, right: Values) -> Values:
    if name == "containers" and not (left and right):
        return left | right
    return left & right


def _join(name: str, left: Values, right: Values) -> Values:
    if name == "containers" and not (left and right):
        return ANY_CONTAINER
    return left | right


def _demand(comparison: typed.Comparison) -> Demands:
    if not isinstance(comparison.left, typed.Use):
        return {}
    name, values = comparison.left.ref.spec.name, _constants(comparison)
    if name in CONTAINER_FIELDS:
        return _container_demand(comparison, name, values)
    if _wants_success(comparison, name):
        return {"succeeded": SUCCEEDED}
    return {PUSHED[name]: values} if values is not None and name in PUSHED else {}


def _container_demand(comparison: typed.Comparison, name: str, values: Values | None) -> Demands:
    if values is not None and HOST not in values:
        return {"containers": values if name == "container.id" else ANY_CONTAINER}
    right = comparison.right
    is_host = isinstance(right, typed.Const) and right.value == HOST
    return {"containers": ANY_CONTAINER} if comparison.operator == "!=" and is_host else {}


def _wants_success(comparison: typed.Comparison, name: str) -> bool:
    """Whether a comparison holds for no call that failed."""
    right = comparison.right
    least = right.value if isinstance(right, typed.Const) and not comparison.quantifier else None
    if name == "evt.failed":
        return (comparison.operator, least) in (("=", False), ("!=", True))
    if name == "evt.rawres" and isinstance(least, int) and comparison.operator in (">", ">="):
        return least >= 0
    values = _constants(comparison) or ()
    return bool(values) and (name == "evt.rawres" or (name == "evt.res" and set(values) == OK))


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
        ("processes with all their descendants", pushed.trees),
        ("threads", pushed.tids),
        ("names of threads", pushed.comms),
        ("effective users", pushed.uids),
    ):
        if values is not None:
            lines.append(f"{words}: {_listed(values)}")
    if pushed.containers is not None:
        ids = _listed(pushed.containers) or "any"
        lines.append(f"containers: {ids}; of groups that are there when the capture starts")
    if pushed.succeeded:
        lines.append("results: calls that did not fail")
    if not lines:
        return "In the kernel: nothing. In pyscap: the whole filter."
    head = "In the kernel, an event is kept when it is one of\n"
    names_of = "processes and descriptors" if pushed.state_by_calls else "processes"
    rest = (
        f"\nand so are events that names of {names_of} depend on."
        "\nIn pyscap: the whole filter, on what is kept."
    )
    return head + "\n".join(f"  {line}" for line in lines) + rest


def _listed(values: Collection[int | str]) -> str:
    return ", ".join(map(str, sorted(values, key=lambda value: (str(type(value)), value))))


SHOWN = 24
"""Event types named in full; of more, the number is told."""
