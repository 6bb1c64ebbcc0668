r"""Templates of output lines: text with `%field`.

In:  the text of `-p`. Out: `Template`, its pieces. Next: `lines`, which writes them into the plan.

    template = ["*"] { literal | "%%" | "%" [width] (field | function) }

The longest known field that the text begins with is taken, the rest is literal. A leading `*`
prints lines in which a field has no value. `\n`, `\t`, `\e` and `\\` are translated; another
backslash pair stays as it is.
Source: observed: sysdig 0.41.4, option `-p`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyscap.model.fields import FieldError, match_prefix

if TYPE_CHECKING:
    from pyscap.model.fields import FieldRef

MAX_WIDTH = 4096
"""Widest column: more is a mistake, and costs memory on every line."""

ESCAPES = {"n": "\n", "t": "\t", "e": "\x1b", "\\": "\\"}
"""What the character after a backslash stands for."""

_WIDTH = re.compile(r"-?\d+")
_CALL = re.compile(r"([a-z][a-z0-9_]*)\(")


class TemplateError(ValueError):
    """A template that cannot be used: where, and what would be right."""

    def __init__(
        self, message: str, text: str, position: int, suggestion: str | None = None
    ) -> None:
        """Keep the place.

        Args:
            message: One sentence, without a full stop.
            text: The whole template.
            position: Character of the template, from 0.
            suggestion: What to write instead, when there is a good guess.
        """
        super().__init__(message)
        self.message = message
        self.text = text
        self.position = position
        self.suggestion = suggestion

    def __str__(self) -> str:
        """The message with its place, on one line."""
        return f"template, character {self.position + 1}: {self.message}"

    def render(self) -> str:
        """The message, the place with a caret, and what to write.

        Returns:
            Several lines without a final line feed, plain text.
        """
        from pyscap.filterlang.errors import Span, point

        lines = [str(self), point(self.text, Span(self.position, self.position + 1))]
        if self.suggestion:
            lines.append(f"did you mean: {self.suggestion}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field's value."""

    ref: FieldRef
    width: int | None = None
    """Exactly so many characters; None for as many as the value has."""

    @property
    def key(self) -> str:
        """What the value is called in JSON."""
        return self.ref.name


@dataclass(frozen=True, slots=True)
class Call:
    """A function of fields, in the notation of the filter language."""

    text: str
    width: int | None = None

    @property
    def key(self) -> str:
        """What the value is called in JSON."""
        return self.text


Piece = Literal | Field | Call
"""A part of a line."""


@dataclass(frozen=True, slots=True)
class Template:
    """A line, piece by piece."""

    pieces: tuple[Piece, ...]
    star: bool
    """Whether lines in which a field has no value are printed."""


def parse(text: str) -> Template:
    """Read a template.

    Args:
        text: As typed after `-p`.

    Returns:
        Its pieces; neighbouring literal text is one piece.

    Raises:
        TemplateError: A field or function that does not exist or cannot be shown, a `%` or a
            backslash with nothing after it, a width that is negative or too large.
    """
    star = text.startswith("*")
    pieces: list[Piece] = []
    at = int(star)
    while at < len(text):
        piece, at = _piece(text, at)
        if isinstance(piece, Literal) and pieces and isinstance(pieces[-1], Literal):
            piece = Literal(pieces.pop().text + piece.text)  # type: ignore[union-attr]
        pieces.append(piece)
    return Template(tuple(pieces), star)


def _piece(text: str, at: int) -> tuple[Piece, int]:
    """The piece at `at`, and where the next one begins."""
    if text[at] == "\\":
        return _escape(text, at)
    if text[at] != "%":
        end = next((i for i in range(at, len(text)) if text[i] in "%\\"), len(text))
        return Literal(text[at:end]), end
    if text.startswith("%%", at):
        # DIFFERENCE(sysdig 0.41.4): there, a percent sign cannot be written.
        return Literal("%"), at + 2
    return _value(text, at)


def _escape(text: str, at: int) -> tuple[Piece, int]:
    if at + 1 == len(text):
        # DIFFERENCE(sysdig 0.41.4): exits there without any message.
        msg = "nothing follows the backslash"
        raise TemplateError(msg, text, at, "\\\\ for a backslash")
    return Literal(ESCAPES.get(text[at + 1], text[at : at + 2])), at + 2


def _value(text: str, at: int) -> tuple[Piece, int]:
    """A field or function, with the width before it."""
    start = at + 1
    width = None
    found = _WIDTH.match(text, start)
    if found:
        width = _checked_width(found.group(), text, start)
        start = found.end()
    if start == len(text):
        msg = "no field follows the percent sign"
        raise TemplateError(msg, text, at, "%% for a percent sign")
    call = _CALL.match(text, start)
    if call:
        end = _end_of_call(text, call.end())
        return Call(_checked_call(text[start:end], text, start), width), end
    ref, taken = _field(text, start)
    return Field(ref, width), start + taken


def _checked_width(digits: str, text: str, at: int) -> int:
    if digits.startswith("-") or len(digits) > len(str(MAX_WIDTH)) or int(digits) > MAX_WIDTH:
        msg = f"a width is a number from 0 to {MAX_WIDTH}, not {digits}"
        raise TemplateError(msg, text, at)
    return int(digits)


def _field(text: str, at: int) -> tuple[FieldRef, int]:
    try:
        ref, taken = match_prefix(text[at:])
    except FieldError as error:
        suggestion = f"%{error.suggestion}" if error.suggestion else None
        raise TemplateError(error.message, text, at, suggestion) from None
    # DIFFERENCE(libs 0.25-dev): fields of several values are shown as a list, not as absent.
    return ref, taken


def _end_of_call(text: str, at: int) -> int:
    """One past the end of a call whose open parenthesis is before `at`."""
    depth, quote, start = 1, "", at
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return _end_of_index(text, at + 1)
        at += 1
    msg = "the function is not closed"
    raise TemplateError(msg, text, start - 1)


def _end_of_index(text: str, at: int) -> int:
    """One past a `[c]` that selects an option of `getopt()`."""
    found = re.compile(r"\[[^\[\]\s]*\]").match(text, at)
    return found.end() if found else at


def _checked_call(call: str, text: str, at: int) -> str:
    """The call, when it is one of the filter language."""
    from pyscap.filterlang.compile import compile_filter
    from pyscap.filterlang.errors import FilterError

    try:
        compile_filter(f"{call} exists")
    except FilterError as error:
        place = at + min(error.span.start, len(call) - 1)
        raise TemplateError(error.message, text, place, error.suggestion) from None
    return call
