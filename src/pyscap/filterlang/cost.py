"""What a comparison costs, so that the cheap ones come first.

In:  typed conditions. Out: `cost()`, `order()`. Next: `lower.py` emits in that order,
`explain.py` tells it.

Order does not change what a filter accepts: a comparison has no effect beyond its answer, save for
the fields in `_STATEFUL`, which count or measure from the last time they were read; conditions
with one of those stay as they were written.
"""

from __future__ import annotations

from functools import cache

from pyscap.filterlang import typed
from pyscap.model.specs import FieldSpec

_STATEFUL = ("util.cnt", "evt.deltatime", "evt.deltatime.s", "evt.deltatime.ns")

_HEADER = (
    "evt.num", "evt.cpu", "evt.dir", "evt.type", "evt.type.is", "evt.rawtime", "evt.category",
    "evt.is_io", "evt.is_io_read", "evt.is_io_write", "evt.is_wait", "evt.count", "thread.tid",
    "syscall.type", "evt.source", "evt.is_async",
)  # fmt: skip
_PARAM = ("evt.rawres", "evt.res", "evt.failed", "evt.rawarg", "evt.buffer", "evt.buflen", "fd.num")
_RENDERED = ("evt.args", "evt.arg", "evt.info", "evt.time", "evt.datetime", "evt.time.iso8601")
_WALKS = ("proc.sname", "proc.loginshellid", "proc.fdopencount", "proc.fdusage", "fd.types")

_OPERATORS = {"contains": 2, "icontains": 4, "glob": 4, "iglob": 4, "regex": 6, "pmatch": 4}
_CALL = 4
"""A function allocates its result."""


@cache
def _field_cost(spec: FieldSpec) -> int:
    """From 1, the event's header, to 20, texts that are made anew."""
    if spec.name in _HEADER:
        return 1
    if spec.name in _PARAM:
        return 2
    if spec.name.startswith(_RENDERED) or spec.name.startswith("fdlist."):
        return 20
    if (
        spec.multi == "any"
        or spec.name in _WALKS
        or spec.name.startswith(("fs.path", "evt.abspath"))
    ):
        return 10
    return 4


def _operand_cost(operand: typed.Operand) -> int:
    calls = _CALL if isinstance(operand, typed.Apply) else 0
    if isinstance(operand, typed.Apply):
        return calls + sum(map(_operand_cost, operand.args))
    if isinstance(operand, typed.Use):
        return _field_cost(operand.ref.spec)
    return 0


def cost(condition: typed.Condition) -> int:
    """Relative cost of a condition, in units of reading the event's header.

    Args:
        condition: Any condition.

    Returns:
        1 or more; the sum of its comparisons.
    """
    if isinstance(condition, typed.Negation):
        return cost(condition.part)
    if isinstance(condition, typed.All | typed.Any):
        return sum(map(cost, condition.parts))
    right = condition.right
    dynamic = _operand_cost(right) if isinstance(right, typed.Use | typed.Apply) else 0
    return _operand_cost(condition.left) + dynamic + _OPERATORS.get(condition.operator, 1)


def _stateful(condition: typed.Condition) -> bool:
    if isinstance(condition, typed.Negation):
        return _stateful(condition.part)
    if isinstance(condition, typed.All | typed.Any):
        return any(map(_stateful, condition.parts))
    return any(ref.spec.name in _STATEFUL for ref in typed.fields_of(condition))


def order(parts: tuple[typed.Condition, ...]) -> tuple[typed.Condition, ...]:
    """The parts of an `and` or `or` as they are evaluated: the cheapest first.

    Args:
        parts: As written.

    Returns:
        The same parts; equally costly ones keep their order.
    """
    if any(map(_stateful, parts)):
        return parts
    return tuple(sorted(parts, key=cost))
