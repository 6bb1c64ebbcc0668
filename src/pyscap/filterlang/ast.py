"""The syntax tree of a filter.

In:  built by `parser.py`. Out: `Node` and its parts; `str(node)` is a filter that reads back to
the same tree. Next: `macros.py` resolves names, then `check.py` gives every part its type.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyscap.filterlang.errors import Span

_NOWHERE = Span()

_ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_SPECIAL = re.compile(r'[\\"\x00-\x1f\x7f\udc80-\udcff]')


def quote(text: str) -> str:
    """`text` between double quotes, as the language escapes it.

    Args:
        text: Any text; bytes that are not UTF-8 as lone surrogates U+DC80 to U+DCFF.

    Returns:
        A quoted text that reads back to `text`.
    """
    return f'"{_SPECIAL.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    char = found.group()
    return _ESCAPES.get(char) or f"\\x{ord(char) & 0xFF:02x}"


@dataclass(frozen=True, slots=True)
class Text:
    """A constant, as text; its field decides what it means."""

    value: str
    """The text without quotes and escapes."""
    quoted: bool = True
    """Whether it stood between quotes; only bare words can name a list."""
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The constant as it is written."""
        return quote(self.value) if self.quoted else self.value


@dataclass(frozen=True, slots=True)
class Number:
    """A number where the language wants one: after `<` and in function arguments."""

    spelling: str
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The number as it is written."""
        return self.spelling


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its argument, as it is written."""

    text: str
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The field as it is written."""
        return self.text


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values as an argument of a function."""

    items: tuple[Argument, ...]
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The list as it is written, its values unwritten."""
        return ("(", *_between(", ", self.items), ")")

    def __str__(self) -> str:
        """The list as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of fields and constants."""

    name: str
    arguments: tuple[Argument, ...]
    index: str | None = None
    """The bracket argument of `getopt()[c]`, as written."""
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The call as it is written, its arguments unwritten."""
        index = "" if self.index is None else f"[{self.index}]"
        return (f"{self.name}(", *_between(", ", self.arguments), f"){index}")

    def __str__(self) -> str:
        """The call as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class Val:
    """`val(FIELD)`: another field on the right side."""

    field: Field
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The right side as it is written."""
        return f"val({self.field})"


@dataclass(frozen=True, slots=True)
class Values:
    """A list on the right side."""

    items: tuple[Text, ...]
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The list as it is written, its values unwritten."""
        return ("(", *_between(", ", self.items), ")")

    def __str__(self) -> str:
        """The list as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class ListName:
    """The name of a list in place of a list."""

    name: str
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison."""

    left: Field | Call
    operator: str
    """As in the language; `==` is `=`."""
    right: Right | None = None
    """Nothing for `exists`."""
    quantifier: str | None = None
    """oneof, anyof or allof."""
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)
    operator_span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The comparison as it is written, its sides unwritten."""
        words = (self.left, self.operator, self.quantifier, self.right)
        return _between(" ", tuple(word for word in words if word is not None))

    def __str__(self) -> str:
        """The comparison as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class Macro:
    """The name of a condition."""

    name: str
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is not; never directly around another `Not`."""

    part: Node
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The negation as it is written, its part unwritten."""
        return ("not ", *_inner(self.part))

    def __str__(self) -> str:
        """The negation as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class And:
    """True when all parts are, tested left to right."""

    parts: tuple[Node, ...]
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The conjunction as it is written, its parts unwritten."""
        inner = [piece for part in self.parts for piece in (" and ", *_inner(part))]
        return tuple(inner[1:])

    def __str__(self) -> str:
        """The conjunction as it is written."""
        return write(self)


@dataclass(frozen=True, slots=True)
class Or:
    """True when one part is, tested left to right."""

    parts: tuple[Node, ...]
    span: Span = dataclasses.field(default=_NOWHERE, compare=False, repr=False)

    def pieces(self) -> Pieces:
        """The disjunction as it is written, its parts unwritten."""
        plain = [(part,) if isinstance(part, And) else _inner(part) for part in self.parts]
        inner = [piece for part in plain for piece in (" or ", *part)]
        return tuple(inner[1:])

    def __str__(self) -> str:
        """The disjunction as it is written."""
        return write(self)


Argument = Text | Number | Field | Call | Array
"""What can be given to a function."""

Right = Text | Number | Val | Call | Values | ListName
"""What can stand right of an operator."""

Node = Check | Macro | Not | And | Or
"""A condition."""


Pieces = tuple[object, ...]
"""Texts, and parts that are still to be written."""


def write(part: object) -> str:
    """A part of a tree as text.

    Args:
        part: Any node; depth is no limit, since nothing here recurses.

    Returns:
        Text that reads back to the same node.
    """
    out: list[str] = []
    waiting: list[object] = [part]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Array | Call | Values | Check | Not | And | Or):
            waiting.extend(reversed(item.pieces()))
        else:
            out.append(str(item))
    return "".join(out)


def _between(separator: str, items: Pieces) -> Pieces:
    return tuple(piece for item in items for piece in (separator, item))[1:]


def _inner(part: Node) -> Pieces:
    """A part between parentheses where it would otherwise be taken apart."""
    return ("(", part, ")") if isinstance(part, And | Or) else (part,)


def checks(node: Node) -> Iterator[Check]:
    """Every comparison of a tree, left to right.

    Args:
        node: The tree.

    Yields:
        Its comparisons.
    """
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Check):
            yield part
        elif isinstance(part, Not):
            waiting.append(part.part)
        elif isinstance(part, And | Or):
            waiting.extend(reversed(part.parts))


def depth(node: Node) -> int:
    """How many conditions stand inside one another, at most.

    Args:
        node: The tree.

    Returns:
        1 for a single comparison.
    """
    deepest = 0
    waiting = [(node, 1)]
    while waiting:
        part, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(part, Not):
            waiting.append((part.part, level + 1))
        elif isinstance(part, And | Or):
            waiting.extend((inner, level + 1) for inner in part.parts)
    return deepest
