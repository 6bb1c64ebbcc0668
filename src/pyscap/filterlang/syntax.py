"""Sentences for what the parser did not understand.

In:  the text and the parser's error (a place, and what could have stood there). Out:
`FilterError`. Next: back to `parser.py`, which raises it.

The sets of terminals that Lark expects tell in which place of the grammar it stopped; each place
has one function here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lark import UnexpectedCharacters, UnexpectedToken

from pyscap.filterlang.errors import FilterError, Span
from pyscap.filterlang.values import without_unit
from pyscap.model.fields import nearest

OPERATORS = (
    "=", "!=", "<", "<=", ">", ">=", "contains", "icontains", "bcontains", "startswith",
    "bstartswith", "endswith", "glob", "iglob", "regex", "in", "intersects", "pmatch", "exists",
)  # fmt: skip
"""Every operator, in the order of the documentation."""

_NEAR = {
    "~": "regex",
    "=~": "regex",
    "~=": "regex",
    "like": "contains",
    "match": "regex",
    "matches": "regex",
    "has": "contains",
    "is": "=",
    "eq": "=",
    "ne": "!=",
    "<>": "!=",
    "gt": ">",
    "lt": "<",
    "ge": ">=",
    "le": "<=",
    "between": ">=",
}
"""Operators of other languages."""

_JOINERS = {"&&": "and", "||": "or", "&": "and", "|": "or", "!": "not"}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*|[^\sA-Za-z0-9_()\"']+|\S")
_LONE_WORD = re.compile(
    r"(?:^|\(|(?<![A-Za-z0-9_.])(?:and|or|not)\s)\s*([A-Za-z][A-Za-z0-9_]*)\s*$"
)
_VAL_OPEN = re.compile(r"(?<![A-Za-z0-9_])val\(\s*[A-Za-z0-9_.]+(?:\[[^\]]*\])?\s*$")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_NUMBER_END = re.compile(r"[0-9.]+$")
_BLANKS = " \t\r\n\b"
_UNTERMINATED = "the quoted text is not closed"


def syntax_error(text: str, error: UnexpectedToken | UnexpectedCharacters) -> FilterError:
    """Say what is wrong where the parser stopped.

    Args:
        text: The whole filter.
        error: What Lark raised.

    Returns:
        The error to raise, with place, expectation and suggestion.
    """
    if isinstance(error, UnexpectedToken):
        at_end = error.token.type == "$END"
        start = len(text) if at_end else (error.token.start_pos or 0)
        allowed = frozenset(error.accepts or error.expected)
    else:
        start, allowed = error.pos_in_stream, frozenset(error.allowed or ())
    return _place(allowed)(text, start)


def _place(allowed: frozenset[str]) -> Callable[[str, int], FilterError]:
    """The function for the place of the grammar that allows these terminals."""
    for terminals, function in _PLACES:
        if terminals <= allowed:
            return function
    return _joiner


def _word(text: str, start: int) -> str:
    found = _WORD.match(text, start)
    return found.group() if found else ""


def _error(
    text: str,
    start: int,
    message: str,
    *,
    expected: tuple[str, ...] = (),
    suggestion: str | None = None,
) -> FilterError:
    span = Span(start, start + len(_word(text, start)))
    return FilterError(message, text, span, expected=expected, suggestion=suggestion)


def _condition(text: str, start: int) -> FilterError:
    """Where a condition begins."""
    word = _word(text, start)
    expected = ("a field", "a function", "not", "(")
    if not word:
        last = re.search(r"\b(and|or|not)\s*$", text[:start])
        where = f" after {last.group(1)}" if last else ""
        return _error(text, start, f"a condition is missing{where}", expected=expected)
    if word == ")":
        return _error(text, start, "there is no condition between ( and )", expected=expected)
    if word[0] == "!":
        return _error(text, start, "negation is written as a word", suggestion="not")
    if word[0] in "\"'" or word[0].isdigit():
        msg = "a constant cannot stand left of an operator"
        return _error(text, start, msg, expected=expected)
    return _error(text, start, f"a condition cannot begin with {word}", expected=expected)


def _operator(text: str, start: int) -> FilterError:
    """After a field or function."""
    word = _word(text, start)
    if word[:1] == "[":
        return _bracket(text, start)
    if word == "not":
        msg = "not stands before the field: not FIELD in (...)"
        return _error(text, start, msg)
    if word in ("anyof", "allof", "oneof"):
        return _error(text, start, f"{word} comes after an operator", suggestion=f"= {word}")
    near = _NEAR.get(word) or next(iter(nearest(word, OPERATORS)), None)
    if word in OPERATORS:
        return _error(text, start, f"a blank must follow {word}", suggestion=f"{word} ...")
    if not word or word in ("and", "or", ")"):
        msg = "a comparison is missing after the field"
        hint = "exists tests for a value, = true for a truth"
        return _error(text, start, f"{msg} ({hint})", expected=OPERATORS)
    msg = f"there is no operator {word}"
    return _error(text, start, msg, expected=OPERATORS, suggestion=near)


def _bracket(text: str, start: int) -> FilterError:
    close = text.find("]", start)
    span = Span(start, close + 1 if close > 0 else len(text))
    msg = "an argument in brackets is a word without blanks, or a quoted text without ]"
    if close < 0:
        msg = "the bracket is not closed"
    return FilterError(msg, text, span, expected=("[0]", "[NAME]", '["A NAME"]'))


def _value(text: str, start: int) -> FilterError:
    """After `=` and the operators that are words."""
    word = _word(text, start)
    expected = ("a value", "val(FIELD)", "a function")
    if word[:1] in ("'", '"'):
        return FilterError(_UNTERMINATED, text, Span(start, len(text)))
    if not word or word == ")":
        return _error(text, start, "a value is missing after the operator", expected=expected)
    if word == "(":
        msg = "a list needs in, or anyof, allof or oneof before it"
        return _error(text, start, msg, suggestion="in (...)")
    msg = f"a value cannot begin with {word[0]}; put it between quotes"
    return _error(text, start, msg, expected=expected)


def _number(text: str, start: int) -> FilterError:
    """After `<`, `<=`, `>` and `>=`."""
    expected = ("a number", "val(FIELD)", "a function")
    msg = "ordering needs a number"
    if not _word(text, start):
        msg = "a number is missing after the operator"
    return _error(text, start, msg, expected=expected)


def _list(text: str, start: int) -> FilterError:
    """After `in`, `intersects`, `pmatch` and the quantifiers."""
    word = _word(text, start)
    expected = ("a list (...)", "the name of a list", "val(FIELD)", "a function")
    msg = "a list stands between parentheses"
    suggestion = f"({word})" if word and word[0] not in "(\"'=" else None
    return _error(text, start, msg, expected=expected, suggestion=suggestion)


def _list_item(text: str, start: int) -> FilterError:
    """Where a list wants its next value."""
    word = _word(text, start)
    if word[:1] in ("'", '"'):
        return FilterError(_UNTERMINATED, text, Span(start, len(text)))
    if word == "(":
        return _error(text, start, "a list cannot stand in a list", expected=("a value",))
    if not word:
        return _error(text, start, "the list is not closed", expected=("a value", ")"))
    return _error(text, start, "a value is missing in the list", expected=("a value",))


def _list_comma(text: str, start: int) -> FilterError:
    """After a value of a list."""
    word = _word(text, start)
    if not word:
        return _error(text, start, "the list is not closed", expected=(",", ")"))
    if word == "(":
        msg = "a list holds constants only; functions and val() stand alone after the operator"
        return _error(text, start, msg, expected=(",", ")"))
    msg = "a comma must stand between the values of a list; values with blanks need quotes"
    return _error(text, start, msg, expected=(",", ")"))


def _joiner(text: str, start: int) -> FilterError:
    """After a complete condition."""
    word = _word(text, start)
    if lone := _LONE_WORD.search(text, 0, start):
        return _lone_word(text, start, lone)
    if not word:
        return _error(text, start, "a closing parenthesis is missing", expected=(")", "and", "or"))
    if word == ")":
        return _error(text, start, "a closing parenthesis too many", expected=("and", "or"))
    if word in ("and", "or"):
        return _dangling(text, start, word)
    near = _JOINERS.get(word) or (word.lower() if word.lower() in ("and", "or") else None)
    if near:
        return _error(text, start, f"conditions are joined by {near}, not {word}", suggestion=near)
    if start and text[start - 1] not in _BLANKS + ")":
        return _glued(text, start, word)
    if _FIELD.match(text, start) or word == "not":
        msg = f"and or or is missing before {word}; values with blanks need quotes"
        return _error(text, start, msg, suggestion=f"and {word}")
    msg = f"{word} is left over; values with blanks need quotes"
    return _error(text, start, msg, expected=("and", "or"))


def _glued(text: str, start: int, word: str) -> FilterError:
    """Directly after a value: a character that it cannot have."""
    number = _NUMBER_END.search(text, 0, start)
    if number and word.isalpha():
        meant = without_unit(number.group() + word)
        span = Span(number.start(), start + len(word))
        msg = f"{number.group()}{word} is no number: units are not part of the language"
        return FilterError(msg, text, span, suggestion=meant)
    if word[0] in "=,\"'(":
        msg = f"a value with {word[0]} in it must stand between quotes"
        return _error(text, start, msg, suggestion='"..."')
    return _error(text, start, f"{word} cannot follow directly", expected=("and", "or"))


def _dangling(text: str, start: int, word: str) -> FilterError:
    end = start + len(word)
    if not text[end:].strip(_BLANKS):
        return _error(text, start, f"a condition is missing after {word}")
    return _error(text, start, f"a blank or a parenthesis must follow {word}")


def _lone_word(text: str, start: int, lone: re.Match[str]) -> FilterError:
    """After a word that would be the name of a macro."""
    word = lone.group(1)
    span = Span(lone.start(1), lone.end(1))
    if word in ("and", "or"):
        msg = f"a condition is missing before {word}"
        return FilterError(msg, text, span, expected=("a field", "a function", "not", "("))
    if word.lower() == "not":
        return FilterError("not is written in small letters", text, span, suggestion="not")
    if text[start : start + 1] == "(":
        msg = f"no blank can stand between {word} and ("
        return FilterError(msg, text, Span(span.start, start + 1), suggestion=f"{word}(")
    msg = f"{word} is not the name of a field: those have a dot, as in proc.name"
    return FilterError(msg, text, span)


def _argument(text: str, start: int) -> FilterError:
    """Where a function wants an argument."""
    word = _word(text, start)
    expected = ("a field", "a function", "a quoted text", "a number", "a list (...)")
    if word[:1] in ("'", '"'):
        return FilterError(_UNTERMINATED, text, Span(start, len(text)))
    if word == ")":
        return _error(text, start, "the function needs an argument", expected=expected)
    if not word:
        return _error(text, start, "the function is not closed", expected=expected)
    msg = f"{word} cannot be an argument; a text stands between quotes"
    return _error(text, start, msg, expected=expected)


def _argument_comma(text: str, start: int) -> FilterError:
    """After an argument of a function."""
    if not _word(text, start):
        return _error(text, start, "the function is not closed", expected=(",", ")"))
    msg = "a comma or ) must follow the argument of a function"
    return _error(text, start, msg, expected=(",", ")"))


def _val_field(text: str, start: int) -> FilterError:
    """Inside val()."""
    return _error(text, start, "val() takes a field", expected=("a field",))


def _closing(text: str, start: int) -> FilterError:
    """Where only a parenthesis can close: after the field of val(), and after a condition."""
    if _VAL_OPEN.search(text, 0, start):
        return _error(text, start, "val() takes one field and is closed by )", expected=(")",))
    return _joiner(text, start)


_PLACES: tuple[tuple[frozenset[str], Callable[[str, int], FilterError]], ...] = (
    (frozenset({"IDENT", "FIELD"}), _condition),
    (frozenset({"EXISTS"}), _operator),
    (frozenset({"BARE", "FUNC_OPEN"}), _value),
    (frozenset({"NUMBER", "VAL_OPEN"}), _number),
    (frozenset({"IDENT", "LPAR"}), _list),
    (frozenset({"BARE"}), _list_item),
    (frozenset({"_AND"}), _joiner),
    (frozenset({"QUOTED", "FIELD"}), _argument),
    (frozenset({"COMMA", "CALL_INDEX"}), _argument_comma),
    (frozenset({"COMMA"}), _list_comma),
    (frozenset({"FIELD"}), _val_field),
    (frozenset({"RPAR"}), _closing),
)
"""Terminals that tell a place of the grammar apart, most telling first."""
