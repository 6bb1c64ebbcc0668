"""A filter in words.

In:  `CompiledFilter`. Out: `explain()`. Next: `--explain` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyscap.filterlang import typed
from pyscap.filterlang.ast import Check, Right, Val, Values
from pyscap.filterlang.compile import CompiledFilter
from pyscap.filterlang.cost import cost, order
from pyscap.filterlang.narrow import event_names

_SHOWN = 12
"""Values and event types told in full; of more, the rest is counted."""

_WORDS = {
    "=": "is",
    "!=": "is there and is not",
    "<": "is less than",
    "<=": "is at most",
    ">": "is greater than",
    ">=": "is at least",
    "contains": "contains",
    "icontains": "contains, in any case,",
    "bcontains": "contains the bytes",
    "startswith": "starts with",
    "bstartswith": "starts with the bytes",
    "endswith": "ends with",
    "glob": "matches the pattern",
    "iglob": "matches, in any case, the pattern",
    "regex": "matches as a whole the expression",
    "in": "is one of",
    "intersects": "is one of",
    "pmatch": "is or lies below one of",
    "exists": "has a value",
}
_QUANTIFIERS = {"anyof": "at least one of", "allof": "every one of", "oneof": "exactly one of"}


def explain(compiled: CompiledFilter) -> str:
    """Tell what a filter does.

    Args:
        compiled: The filter.

    Returns:
        Lines: the conditions as an indented outline, the event types that can match, and the
        comparisons in the order of evaluation with their relative cost.
    """
    lines = ["Accepts an event when", *_outline(compiled.condition, 1), "", *_events(compiled)]
    return "\n".join([*lines, "", *_order(compiled.condition)])


def _outline(condition: typed.Condition, level: int) -> Iterator[str]:
    indent = "  " * level
    if isinstance(condition, typed.Comparison):
        yield f"{indent}{sentence(condition)}"
    elif isinstance(condition, typed.Negation):
        yield f"{indent}it is not so that"
        yield from _outline(condition.part, level + 1)
    else:
        yield f"{indent}{'all' if isinstance(condition, typed.All) else 'any'} of these hold:"
        for part in condition.parts:
            yield from _outline(part, level + 1)


def sentence(comparison: typed.Comparison) -> str:
    """One comparison in words.

    Args:
        comparison: Any comparison.

    Returns:
        A sentence without a full stop.
    """
    check = comparison.source
    subject = _subject(comparison)
    words = _predicate(comparison, check)
    right = "" if check.right is None else f" {_right(check.right)}"
    quantifier = _QUANTIFIERS.get(comparison.quantifier or "")
    return f"{subject} {words}{f' {quantifier}' if quantifier else ''}{right}"


def _subject(comparison: typed.Comparison) -> str:
    left = comparison.left
    if isinstance(left, typed.Use) and left.ref.matches_any:
        return f"{left.ref.name} of some ancestor"
    if isinstance(left, typed.Use) and left.ref.spec.multi == "ends":
        ends = "both ends" if comparison.operator == "!=" else "either end"
        return f"{left.ref.name} of {ends}"
    return str(comparison.source.left)


def _predicate(comparison: typed.Comparison, check: Check) -> str:
    if comparison.left.type.is_list and check.operator == "in":
        return "has no other items than"
    if comparison.left.type.is_list and check.operator == "intersects":
        return "has one of the items"
    if comparison.left.type.family == "net" and check.operator in ("=", "!=", "in"):
        return {"=": "lies in", "!=": "is there and not in", "in": "lies in one of"}[check.operator]
    if isinstance(check.right, Val) and check.operator == "in":
        return "is"
    return _WORDS[check.operator]


def _right(right: Right) -> str:
    if isinstance(right, Val):
        return f"the event's {right.field}"
    if not isinstance(right, Values):
        return str(right)
    shown = ", ".join(map(str, right.items[:_SHOWN]))
    more = len(right.items) - _SHOWN
    return f"({shown}, and {more} more)" if more > 0 else f"({shown})"


def _events(compiled: CompiledFilter) -> Iterator[str]:
    if compiled.event_codes is None:
        yield "Event types that can match: all"
        return
    names = event_names(compiled.event_codes)
    if not names:
        yield "Event types that can match: none"
        return
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    tail = f", and {more} more" if more > 0 else ""
    yield f"Event types that can match ({len(names)}): {shown}{tail}"


def _order(condition: typed.Condition) -> Iterator[str]:
    yield "Evaluated in this order, until the answer is known (relative cost):"
    for number, comparison in enumerate(_evaluated(condition), 1):
        yield f"  {number:>2}. [{cost(comparison):>2}] {comparison.source}"


def _evaluated(condition: typed.Condition) -> Iterator[typed.Comparison]:
    if isinstance(condition, typed.Comparison):
        yield condition
    elif isinstance(condition, typed.Negation):
        yield from _evaluated(condition.part)
    else:
        for part in order(condition.parts):
            yield from _evaluated(part)
