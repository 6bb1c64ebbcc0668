"""From typed conditions to the op program of the engine.

In:  `typed.Condition` and the plan's list of fields. Out: the program, pure data. Next: the
plan carries it to the engine's `filter/`, which checks and runs it.

A program is a list of ops over one truth register: `check` sets it, `not` turns it over, and the
jumps, always forward, skip what cannot change the answer. Operands are steps in postfix order, so
that neither side recurses. `cmp`, `fn` and the kinds of values are the words below; the engine
refuses others, and a test compares the two sets.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any as Json

from pyscap.filterlang import typed
from pyscap.filterlang.cost import order
from pyscap.filterlang.functions import FUNCTIONS
from pyscap.model.fields import FIELDS, FieldRef

COMPARISONS: dict[str, str] = {
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "contains": "contains",
    "icontains": "icontains",
    "bcontains": "contains",
    "startswith": "startswith",
    "bstartswith": "startswith",
    "endswith": "endswith",
    "glob": "glob",
    "iglob": "iglob",
    "regex": "regex",
    "in": "in",
    "intersects": "intersects",
    "pmatch": "pmatch",
    "exists": "exists",
}
"""Operators of the language and their words in a program."""

OPS = ("check", "not", "jump_if_false", "jump_if_true")
KINDS = ("text", "raw", "bytes", "i64", "u64", "f64", "bool", "ip", "net")
QUANTIFIERS = ("oneof", "anyof", "allof")
CALLS = tuple(FUNCTIONS)

Index = Callable[[FieldRef], int]


def lower(condition: typed.Condition, index: Index) -> list[dict[str, Json]]:
    """Make the ops of a condition.

    Args:
        condition: The typed filter.
        index: Gives the position of a field in the plan's list, adding it when it is new.

    Returns:
        The ops; the truth register after the last one is the answer.
    """
    ops: list[dict[str, Json]] = []
    _emit(condition, index, ops)
    return ops


def _emit(condition: typed.Condition, index: Index, ops: list[dict[str, Json]]) -> None:
    if isinstance(condition, typed.Comparison):
        if _around(condition):
            _emit_around(condition, index, ops)
        else:
            ops.append(_check(condition, index))
    elif isinstance(condition, typed.Negation):
        _emit(condition.part, index, ops)
        ops.append({"op": "not"})
    else:
        jump = "jump_if_false" if isinstance(condition, typed.All) else "jump_if_true"
        first, *rest = order(condition.parts)
        _emit(first, index, ops)
        jumps: list[dict[str, Json]] = [{"op": jump} for _ in rest]
        for op, part in zip(jumps, rest, strict=True):
            ops.append(op)
            _emit(part, index, ops)
        for op in jumps:
            op["to"] = len(ops)


def _around(comparison: typed.Comparison) -> bool:
    left = comparison.left
    return isinstance(left, typed.Use) and left.ref.spec.name == "evt.around"


def _emit_around(comparison: typed.Comparison, index: Index, ops: list[dict[str, Json]]) -> None:
    """`evt.around[T]=D` is `evt.rawtime` within D milliseconds of T."""
    left, right = comparison.left, comparison.right
    if not isinstance(left, typed.Use) or not isinstance(right, typed.Const):
        raise TypeError(comparison)
    middle, reach = int(left.ref.argument or 0), int(right.value) * 1_000_000
    time = [{"field": index(FieldRef(FIELDS["evt.rawtime"]))}]
    low, high = max(0, middle - reach), min(2**64 - 1, middle + reach)
    bounds = [
        {"op": "check", "lhs": time, "cmp": word, "rhs": {"const": {"u64": bound}}, "quant": None}
        for word, bound in (("ge", low), ("le", high))
    ]
    ops += [bounds[0], {"op": "jump_if_false", "to": len(ops) + 3}, bounds[1]]


def _check(comparison: typed.Comparison, index: Index) -> dict[str, Json]:
    operator, quantifier = comparison.operator, comparison.quantifier
    if operator == "=" and quantifier == "anyof":
        operator, quantifier = "in", None  # the same, by a hash instead of a loop
    left = comparison.left
    if operator == "in" and not left.type.is_list:
        operator = "intersects"  # one value of several is enough, save for lists
    return {
        "op": "check",
        "lhs": _steps(left, index),
        "cmp": COMPARISONS[operator],
        "rhs": _right(comparison.right, index),
        "quant": quantifier,
    }


def _right(right: object, index: Index) -> dict[str, Json] | None:
    if right is None:
        return None
    if isinstance(right, typed.Const):
        return {"const": _value(right)}
    if isinstance(right, tuple):
        return {"set": [_value(item) for item in right]}
    if isinstance(right, typed.Use | typed.Apply):
        return {"expr": _steps(right, index)}
    raise TypeError(right)


def _steps(operand: typed.Operand, index: Index) -> list[dict[str, Json]]:
    """An operand in postfix order, for a machine with a stack."""
    if isinstance(operand, typed.Const):
        return [{"const": _value(operand)}]
    if isinstance(operand, typed.Use):
        ref = operand.ref
        return [{"field": index(replace(ref, each=True) if ref.has_several else ref)}]
    inner = operand.items if isinstance(operand, typed.Items) else operand.args
    steps = [step for item in inner for step in _steps(item, index)]
    if isinstance(operand, typed.Items):
        return [*steps, {"array": len(inner)}]
    call = {"fn": operand.function, "args": len(inner), "index": operand.index}
    return [*steps, {"call": call}]


def _value(const: typed.Const) -> dict[str, Json]:
    """A constant on the wire; text that is not UTF-8 travels as base64."""
    value = const.value
    if isinstance(value, bytes):
        return {"bytes": b64encode(value).decode()}
    if isinstance(value, str) and const.kind == "text":
        try:
            value.encode()
        except UnicodeEncodeError:
            return {"raw": b64encode(value.encode("utf-8", "surrogateescape")).decode()}
    return {const.kind: value}
