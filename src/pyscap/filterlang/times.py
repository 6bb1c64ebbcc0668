"""When the events that a filter accepts can have happened, so that the others are not looked into.

In:  typed conditions. Out: `time_span()`. Next: the program carries it; the engine passes over
events outside of it by their headers.
"""

from __future__ import annotations

from pyscap.filterlang import typed

Span = tuple[int, int]
"""First and last time, ns since the epoch, both included; an empty one begins after its end."""

ALWAYS: Span = (0, (1 << 64) - 1)
"""Every time that an event can have."""

NEVER: Span = (1, 0)

FIELD = "evt.rawtime"
"""The field whose comparisons are understood."""


def time_span(condition: typed.Condition) -> Span | None:
    """The span of time outside of which `condition` is false, None when there is no such."""
    span = _span(condition)
    return None if span == ALWAYS else span


def _span(condition: typed.Condition) -> Span:
    if isinstance(condition, typed.Comparison):
        return _comparison(condition)
    if isinstance(condition, typed.Negation):
        return ALWAYS
    spans = [_span(part) for part in condition.parts]
    if isinstance(condition, typed.All):
        return max(first for first, _ in spans), min(last for _, last in spans)
    spans = [span for span in spans if span[0] <= span[1]] or [NEVER]
    return min(first for first, _ in spans), max(last for _, last in spans)


def _comparison(comparison: typed.Comparison) -> Span:
    left, right = comparison.left, comparison.right
    is_time = isinstance(left, typed.Use) and left.ref.spec.name == FIELD
    if not is_time or not isinstance(right, typed.Const) or comparison.quantifier is not None:
        return ALWAYS
    value = right.value
    if not isinstance(value, int):
        return ALWAYS
    first, last = ALWAYS
    spans = {
        "=": (value, value),
        "<": (first, value - 1),
        "<=": (first, value),
        ">": (value + 1, last),
        ">=": (value, last),
    }
    span = spans.get(comparison.operator, ALWAYS)
    return NEVER if span[1] < 0 else span
