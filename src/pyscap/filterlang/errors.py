"""What is wrong with a filter, where, and what would be right.

In:  made by `parser.py`, `macros.py` and `check.py`. Out: `FilterError`, `FilterWarning`.
Next: the command prints `render()`.
"""

from __future__ import annotations

from dataclasses import dataclass

_WINDOW = 72
"""Characters of a long line shown around the caret, so that it stays on one screen line."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the filter's text, in characters."""

    start: int = 0
    """First character, from 0."""
    end: int = 0
    """One past the last character."""


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character.

    Args:
        text: The whole filter.
        offset: Position of the character, from 0.

    Returns:
        Line and column, both from 1. CR and LF each begin a new line.

    Source: observed: sysdig 0.41.4.
    """
    before = text[:offset].replace("\r", "\n")
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def point(text: str, span: Span) -> str:
    """The line of `span` and, below it, a caret under each of its characters.

    Args:
        text: The whole filter.
        span: What to point at; an empty one gets a single caret.

    Returns:
        Two lines. Characters that would move the caret are shown as `?`.
    """
    line, column = position(text, span.start)
    shown = text.replace("\r", "\n").split("\n")[line - 1]
    width = max(1, min(span.end, span.start + len(shown) - column + 1) - span.start)
    cut = max(0, column - 1 - _WINDOW // 2)
    shown = "".join(char if char.isprintable() else "?" for char in shown)
    room = shown[cut : cut + _WINDOW]
    carets = "^" * min(width, max(1, len(room) - (column - 1 - cut)))
    return f"  {room}\n  {' ' * (column - 1 - cut)}{carets}"


def _shown(word: str) -> str:
    """A word, or a sign between quotes, so that it is told from the commas around it."""
    return word if len(word) > 1 or word.isalnum() else f"'{word}'"


class FilterError(Exception):
    """A filter that cannot be compiled."""

    def __init__(
        self,
        message: str,
        text: str = "",
        span: Span | None = None,
        *,
        expected: tuple[str, ...] = (),
        suggestion: str | None = None,
    ) -> None:
        """Find line and column of the place.

        Args:
            message: One sentence, without a full stop.
            text: The whole filter.
            span: The place in it.
            expected: What could stand there.
            suggestion: What to write instead, when there is a good guess.
        """
        super().__init__(message)
        self.message = message
        self.text = text
        self.span = span or Span()
        self.expected = expected
        self.suggestion = suggestion
        self.line, self.column = position(text, self.span.start)

    def within(self, text: str) -> FilterError:
        """The same error, told which text it is about.

        Args:
            text: The whole filter.

        Returns:
            A new error with line and column.
        """
        return FilterError(
            self.message, text, self.span, expected=self.expected, suggestion=self.suggestion
        )

    def __str__(self) -> str:
        """The message with its place, on one line."""
        return f"filter, line {self.line}, column {self.column}: {self.message}"

    def render(self) -> str:
        """The message, the place with a caret, what was expected, and what to write.

        Returns:
            Several lines without a final line feed, plain text.
        """
        lines = [str(self), point(self.text, self.span)]
        if self.expected:
            lines.append(f"expected: {', '.join(map(_shown, self.expected))}")
        if self.suggestion:
            lines.append(f"did you mean: {self.suggestion}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class FilterWarning:
    """A filter that compiles but probably does not say what was meant."""

    message: str
    text: str
    span: Span

    def render(self) -> str:
        """The message and the place with a caret, as several lines."""
        line, column = position(self.text, self.span.start)
        place = f"filter, line {line}, column {column}"
        return f"{place}: warning: {self.message}\n{point(self.text, self.span)}"
