"""From the text of a filter to its tree.

In:  text, and `filter.lark`, the grammar. Out: `ast.Node`, or `FilterError` with the place.
Next: `macros.py`, then `check.py`.

The grammar is compiled when the first filter of a run is read (20 ms; not worth a generated
file beside it).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from pyscap.filterlang.ast import (
    And,
    Argument,
    Array,
    Call,
    Check,
    Field,
    ListName,
    Macro,
    Node,
    Not,
    Number,
    Or,
    Right,
    Text,
    Val,
    Values,
)
from pyscap.filterlang.errors import FilterError, Span
from pyscap.filterlang.syntax import syntax_error

MAX_DEPTH = 128
"""Parentheses, `not(` and calls inside one another.

Everything after the parser walks the tree by recursion; this keeps it well inside Python's own
limit. DIFFERENCE(libs 0.25-dev): 18 there; sysdig 0.41.4 crashes at 10 000.
"""

MAX_CHARS = 16 * 2**20
"""Length of a filter with its macros; a list of a million names fits."""

_PAREN = re.compile(r'"(?:\\[\s\S]|[^"\\])*"|\'(?:\\[\s\S]|[^\'\\])*\'|[()]')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[\s\S])")
_CONTROL = {"b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", "/": b"/"}


@cache
def _grammar() -> Lark:
    path = Path(__file__).with_name("filter.lark")
    return Lark(
        path.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=False,
        transformer=_Builder(),
    )


def parse(text: str) -> Node:
    """Read a filter.

    Args:
        text: The filter; bytes that are not UTF-8 as lone surrogates (`surrogateescape`).

    Returns:
        Its tree, every part with its place.

    Raises:
        FilterError: The text is not a filter, is too long or too deeply nested.

    Source: filter language of sysdig 0.41.4 and libs 0.25-dev.
    """
    if len(text) > MAX_CHARS:
        msg = f"the filter is longer than {MAX_CHARS} characters"
        raise FilterError(msg)
    _check_depth(text)
    try:
        return cast("Node", _grammar().parse(text))
    except (UnexpectedToken, UnexpectedCharacters) as error:
        raise syntax_error(text, error) from None
    except FilterError as error:
        raise error.within(text) from None


def _check_depth(text: str) -> None:
    """Refuse a filter whose parentheses nest too deeply, before it is read."""
    depth = 0
    for found in _PAREN.finditer(text):
        depth += {"(": 1, ")": -1}.get(found.group(), 0)
        if depth > MAX_DEPTH:
            msg = f"parentheses nest deeper than {MAX_DEPTH} levels"
            raise FilterError(msg, text, Span(found.start(), found.end()))


def unquote(text: str, offset: int = 0) -> str:
    r"""The text that a quoted constant stands for.

    Args:
        text: The constant with its quotes.
        offset: Its place in the filter, for errors.

    Returns:
        Its characters; bytes given by `\\xHH` that are not UTF-8 as lone surrogates.

    Raises:
        FilterError: An escape that the language does not know.

    Source: filter language of libs 0.25-dev (`\\xHH` since then; `\\` and a blank is a `\\`).
    """
    if "\\" not in text:
        return text[1:-1]

    def replace(found: re.Match[str]) -> str:
        word = found.group(1)
        data = _CONTROL.get(word)
        if len(word) == 3:
            data = bytes([int(word[1:], 16)])
        elif word == text[0]:
            data = word.encode()
        elif word in " \t\r\n\b":
            data = b"\\"
        if data is None:
            raise _bad_escape(word, text[0], offset + found.start())
        return data.decode("latin-1").translate(_TO_SURROGATE)

    value = _ESCAPE.sub(replace, text[1:-1])
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


_TO_SURROGATE = {byte: 0xDC00 + byte for byte in range(0x80, 0x100)}


def _bad_escape(word: str, quote: str, start: int) -> FilterError:
    span = Span(start + 1, start + 3)
    if word == "x":
        return FilterError("\\x needs two hexadecimal digits", span=span)
    if word in "\"'":
        msg = f"\\{word} can stand only between {word} and {word}"
        return FilterError(msg, span=span, suggestion=word)
    msg = f"\\{word} is not an escape; write \\\\{word} for a backslash and {word}"
    expected = ("\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", f"\\{quote}", "\\xHH")
    return FilterError(msg, span=span, expected=expected)


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


def _over(first: Span, last: Span) -> Span:
    return Span(first.start, last.end)


class _Builder(Transformer[Token, Node]):
    """Makes a node of each rule of the grammar, bottom up, while it is parsed."""

    def start(self, items: list[Node]) -> Node:
        return items[0]

    def group(self, items: list[Token | Node]) -> Node:
        return cast("Node", items[1])

    def or_expr(self, items: list[Node]) -> Node:
        return Or(tuple(items), _over(items[0].span, items[-1].span))

    def and_expr(self, items: list[Node]) -> Node:
        return And(tuple(items), _over(items[0].span, items[-1].span))

    def not_expr(self, items: list[Token | Node]) -> Node:
        part = cast("Node", items[-1])
        if len(items) % 2 == 1:
            return part
        if isinstance(part, Not):
            return part.part
        return Not(part, _over(_span(cast("Token", items[0])), part.span))

    def exists(self, items: list[Field | Token]) -> Check:
        left, operator = cast("Field | Call", items[0]), cast("Token", items[1])
        span = _span(operator)
        return Check(left, "exists", span=_over(left.span, span), operator_span=span)

    def compare(self, items: list[Field | Token | Right]) -> Check:
        return self._check(items[0], items[1], items[2], None)

    def quantified(self, items: list[Field | Token | Right]) -> Check:
        return self._check(items[0], items[1], items[3], str(items[2]))

    def _check(
        self, left: object, operator: object, right: object, quantifier: str | None
    ) -> Check:
        lhs, token, rhs = cast("Field | Call", left), cast("Token", operator), cast("Right", right)
        word = {"==": "="}.get(token, str(token))
        span = _over(lhs.span, rhs.span)
        return Check(lhs, word, rhs, quantifier, span=span, operator_span=_span(token))

    def macro(self, items: list[Token]) -> Macro:
        return Macro(str(items[0]), _span(items[0]))

    def val(self, items: list[Token | Field]) -> Val:
        first, last = cast("Token", items[0]), cast("Token", items[2])
        return Val(cast("Field", items[1]), _over(_span(first), _span(last)))

    def field(self, items: list[Token]) -> Field:
        return Field(str(items[0]), _span(items[0]))

    def call(self, items: list[Token | Argument]) -> Call:
        first, last = cast("Token", items[0]), cast("Token", items[-1])
        index = str(last)[2:-1] if last.type == "CALL_INDEX" else None
        arguments = cast("tuple[Argument, ...]", tuple(items[1:-1]))
        return Call(str(first)[:-1], arguments, index, _over(_span(first), _span(last)))

    def array(self, items: list[Token | Argument]) -> Array:
        first, last = cast("Token", items[0]), cast("Token", items[-1])
        inner = cast("tuple[Argument, ...]", tuple(items[1:-1]))
        return Array(inner, _over(_span(first), _span(last)))

    def values(self, items: list[Token | Text]) -> Values:
        first, last = cast("Token", items[0]), cast("Token", items[-1])
        inner = cast("tuple[Text, ...]", tuple(items[1:-1]))
        return Values(inner, _over(_span(first), _span(last)))

    def list_name(self, items: list[Token]) -> ListName:
        return ListName(str(items[0]), _span(items[0]))

    def quoted(self, items: list[Token]) -> Text:
        span = _span(items[0])
        return Text(unquote(str(items[0]), span.start), quoted=True, span=span)

    def bare(self, items: list[Token]) -> Text:
        return Text(str(items[0]), quoted=False, span=_span(items[0]))

    def number(self, items: list[Token]) -> Number:
        return Number(str(items[0]), _span(items[0]))
