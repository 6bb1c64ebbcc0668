"""A filter whose parts all have their type.

In:  made by `check.py`. Out: `Condition` and its parts. Next: `lower.py` makes the program,
`narrow.py` the event codes, `explain.py` the words.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyscap.filterlang.ast import Check
from pyscap.model.fields import FieldRef


@dataclass(frozen=True, slots=True)
class Type:
    """What a field or function yields."""

    name: str
    """Type of the catalogue, e.g. `INT64`."""
    family: str
    """text, bytes, int, uint, port, bool, double, ip, net, or opaque (only `exists`)."""
    bits: int = 64
    """Width of a number."""
    is_list: bool = False

    def __str__(self) -> str:
        """The type in words."""
        words = {"int": "signed number", "uint": "unsigned number", "ip": "address"}
        words |= {"net": "network", "bytes": "byte buffer", "bool": "truth", "double": "number"}
        name = words.get(self.family, self.family)
        return f"list of {name}s" if self.is_list else name


@dataclass(frozen=True, slots=True)
class Const:
    """A constant of a decided type."""

    kind: str
    """text, bytes, i64, u64, f64, bool, ip or net: the key on the wire."""
    value: str | bytes | int | float | bool
    """Text with lone surrogates for bytes that are not UTF-8; addresses in canonical text."""


@dataclass(frozen=True, slots=True)
class Use:
    """A field that is read."""

    ref: FieldRef
    type: Type


@dataclass(frozen=True, slots=True)
class Apply:
    """A function that is called."""

    function: str
    args: tuple[Operand, ...]
    type: Type
    index: str | None = None
    """The option that `getopt()[c]` selects."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of operands, as an argument."""

    items: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of decided types."""

    left: Use | Apply
    operator: str
    right: Const | tuple[Const, ...] | Use | Apply | None
    quantifier: str | None
    source: Check
    """What the user wrote."""


@dataclass(frozen=True, slots=True)
class Negation:
    """True when its part is not."""

    part: Condition


@dataclass(frozen=True, slots=True)
class All:
    """True when all parts are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """True when one part is."""

    parts: tuple[Condition, ...]


Operand = Use | Apply | Const | Items
"""What a function takes."""

Condition = Comparison | Negation | All | Any
"""A filter."""


def uses(operand: Operand) -> list[FieldRef]:
    """The fields that an operand reads, in order."""
    if isinstance(operand, Use):
        return [operand.ref]
    if isinstance(operand, Apply):
        return [ref for arg in operand.args for ref in uses(arg)]
    if isinstance(operand, Items):
        return [ref for item in operand.items for ref in uses(item)]
    return []


def fields_of(comparison: Comparison) -> list[FieldRef]:
    """The fields that a comparison reads, left side first."""
    right = comparison.right
    return uses(comparison.left) + (uses(right) if isinstance(right, Use | Apply) else [])
