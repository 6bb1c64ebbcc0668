r"""Regular expressions of the filter language, in the notation of the engine.

In:  a POSIX extended pattern, as a user wrote it. Out: the same language in the engine's
notation, or `RegexError` with the place. Next: `check.py` puts it into the program.

The language is that of RE2 in POSIX mode: no `\\w`, no `(?i)`, no lazy quantifiers; bracket
classes such as `[[:alpha:]]`. A pattern must match the whole value, so that leftmost-longest and
leftmost-first choose alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_REPEAT = 1000
"""Greatest number in `{m,n}`. Source: RE2."""

MAX_SIZE = 10_000
"""Atoms of a pattern when its repeats are written out; bounds the engine's automaton to some MB."""

MAX_GROUPS = 100
"""Groups inside one another."""

_CLASSES = {
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
    "lower", "print", "punct", "space", "upper", "word", "xdigit",
}  # fmt: skip
_SIMPLE_ESCAPES = "afnrtv"
_PERL = {"d": "[0-9]", "w": "[[:alnum:]_]", "s": "[[:space:]]", "D": "[^0-9]", "W": "[^[:alnum:]_]",
         "S": "[^[:space:]]"}  # fmt: skip
_COUNTED = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_META = re.compile(r"[\\.*+?()|{}\[\]^$]")


class RegexError(ValueError):
    """A pattern that is not one, and where."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        """Keep place and suggestion apart.

        Args:
            message: One sentence, without a full stop.
            offset: Place in the pattern, from 0.
            suggestion: What to write instead, when there is a good guess.
        """
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.suggestion = suggestion


def is_literal(pattern: str) -> bool:
    """Whether `pattern` matches only itself."""
    return _META.search(pattern) is None


def translate(pattern: str, *, captures: bool = False, shorthands: bool = False) -> str:
    r"""Check a pattern and put it into the engine's notation.

    Args:
        pattern: A POSIX extended regular expression.
        captures: Whether it will be asked what each group matched.
        shorthands: Whether `\d`, `\s`, `\w` and their opposites are understood outside brackets.

    Returns:
        A pattern of the same language for a Rust regular expression engine.

    Raises:
        RegexError: Not a pattern, or one that grows beyond `MAX_SIZE` atoms.

    Source: RE2 syntax, POSIX mode, as compiled by libs 0.25-dev.
    """
    return _Translator(pattern, "(" if captures else "(?:", _PERL if shorthands else {}).run()


@dataclass(slots=True)
class _Level:
    """What is known of the group being read."""

    start: int
    """Place of its parenthesis."""
    size: int = 0
    """Atoms so far, the last apart."""
    last: int = 0
    """Atoms of what a quantifier would repeat; 0 when there is nothing to repeat."""


class _Translator:
    """One pass over a pattern."""

    def __init__(self, pattern: str, group: str, shorthands: dict[str, str]) -> None:
        self.pattern = pattern
        self.group = group
        self.shorthands = shorthands
        self.at = 0
        self.out: list[str] = []
        self.levels = [_Level(0)]
        self.repeated = False

    def run(self) -> str:
        while self.at < len(self.pattern):
            self._step(self.pattern[self.at])
        if len(self.levels) > 1:
            msg = "the group is not closed"
            raise RegexError(msg, self.levels[-1].start, None)
        self._bound(self.levels[0])
        return "".join(self.out)

    def _step(self, char: str) -> None:
        if char in "*+?{":
            self._quantifier(char)
            return
        self.repeated = False
        if char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            self._emit("|", 1, atoms=None)
        elif char in "^$":
            self._emit(char, 1, atoms=1)
        elif char == "[":
            self._bracket()
        elif char == "\\":
            self._escape()
        elif char == ".":
            self._emit(".", 1)
        else:
            self._emit(_literal(char), 1)

    def _emit(self, text: str, taken: int, atoms: int | None = 1) -> None:
        """Add one atom (or, with None, something that cannot be repeated)."""
        level = self.levels[-1]
        level.size += level.last
        level.last = atoms or 0
        self.out.append(text)
        self.at += taken

    def _open(self) -> None:
        if self.pattern.startswith("(?", self.at):
            msg = "(? is not part of POSIX patterns"
            hint = "iglob or tolower()" if self.pattern.startswith("(?i", self.at) else None
            raise RegexError(msg, self.at, hint)
        if len(self.levels) > MAX_GROUPS:
            msg = f"groups nest deeper than {MAX_GROUPS}"
            raise RegexError(msg, self.at)
        self._emit(self.group, 1, atoms=None)
        self.levels.append(_Level(self.at - 1))

    def _close(self) -> None:
        if len(self.levels) == 1:
            msg = "there is no group to close"
            raise RegexError(msg, self.at, "\\)")
        inner = self.levels.pop()
        self._emit(")", 1, atoms=max(1, inner.size + inner.last))

    def _quantifier(self, char: str) -> None:
        counted = _COUNTED.match(self.pattern, self.at) if char == "{" else None
        if char == "{" and counted is None:
            self.repeated = False
            self._emit("\\{", 1)
            return
        if self.repeated:
            msg = "a quantifier cannot follow a quantifier (POSIX patterns are never lazy)"
            raise RegexError(msg, self.at)
        level = self.levels[-1]
        if level.last == 0:
            msg = f"there is nothing before {char} to repeat"
            raise RegexError(msg, self.at, f"\\{char}")
        text = counted.group() if counted else char
        if counted:
            level.last *= max(1, self._count(counted))
            self._bound(level)
        self.out.append(text)
        self.at += len(text)
        self.repeated = True

    def _count(self, counted: re.Match[str]) -> int:
        low = int(counted.group(1))
        high = int(counted.group(3) or low)
        if max(low, high) > MAX_REPEAT:
            msg = f"a repeat is at most {MAX_REPEAT}"
            raise RegexError(msg, self.at)
        if high < low:
            msg = "the repeat ends before it begins"
            raise RegexError(msg, self.at)
        return high

    def _bound(self, level: _Level) -> None:
        if level.size + level.last > MAX_SIZE:
            msg = f"the pattern grows beyond {MAX_SIZE} characters when its repeats are written out"
            raise RegexError(msg, min(self.at, len(self.pattern)))

    def _escape(self) -> None:
        known = self.shorthands.get(self.pattern[self.at + 1 : self.at + 2])
        text, taken = (known, 2) if known else self._escaped(self.at)
        self._emit(text, taken)

    def _escaped(self, at: int) -> tuple[str, int]:
        """An escape, and how long it is."""
        if at + 1 >= len(self.pattern):
            msg = "a backslash stands at the end"
            raise RegexError(msg, at, "\\\\")
        char = self.pattern[at + 1]
        if char in _SIMPLE_ESCAPES:
            return f"\\{char}", 2
        if not char.isalnum() and char.isascii():
            return _literal(char), 2
        found = re.compile(r"x([0-9a-fA-F]{2})").match(self.pattern, at + 1)
        if found:
            return _literal(chr(int(found.group(1), 16))), 4
        msg = f"\\{char} is not part of POSIX patterns"
        raise RegexError(msg, at, _PERL.get(char))

    def _bracket(self) -> None:
        start = self.at
        at = start + 1
        out = "["
        if self.pattern.startswith("^", at):
            out, at = "[^", at + 1
        first = at
        while at < len(self.pattern) and (self.pattern[at] != "]" or at == first):
            text, taken = self._bracket_item(at)
            out += text
            at += taken
        if at >= len(self.pattern):
            msg = "the bracket is not closed"
            raise RegexError(msg, start, "\\[")
        self._emit(out + "]", at + 1 - start)

    def _bracket_item(self, at: int) -> tuple[str, int]:
        """A class, a range or a character inside brackets, and how long it is."""
        if self.pattern.startswith("[:", at):
            return self._class(at)
        low, taken = self._bracket_char(at)
        end = at + taken
        if self.pattern.startswith("-", end) and self.pattern[end + 1 : end + 2] not in ("]", ""):
            high, more = self._bracket_char(end + 1)
            if ord(high) < ord(low):
                msg = "the range ends before it begins"
                raise RegexError(msg, at)
            return f"{_literal(low)}-{_literal(high)}", taken + 1 + more
        return _literal(low), taken

    def _bracket_char(self, at: int) -> tuple[str, int]:
        char = self.pattern[at]
        if "\udc80" <= char <= "\udcff":
            msg = "a byte that is not UTF-8 cannot stand in brackets"
            raise RegexError(msg, at)
        if char != "\\":
            return char, 1
        text, taken = self._escaped(at)
        named = {"\\a": "\a", "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\v": "\v"}
        return named.get(text) or _plain(text), taken

    def _class(self, at: int) -> tuple[str, int]:
        end = self.pattern.find(":]", at)
        name = self.pattern[at + 2 : end].removeprefix("^") if end > 0 else ""
        if name not in _CLASSES:
            msg = f"there is no character class [:{name}:]"
            raise RegexError(msg, at, "[:alnum:]")
        return self.pattern[at : end + 2], end + 2 - at


def _literal(char: str) -> str:
    """A character as a literal of the engine's notation, inside and outside brackets."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"(?-u:\\x{code & 0xFF:02X})"
    if char.isalnum() or code > 0x7F or char in "_ ,;:=!@/%'\"<>`":
        return char
    return f"\\x{code:02X}"


def _plain(literal: str) -> str:
    """The character that `_literal` wrote."""
    if literal.startswith("\\x"):
        return chr(int(literal[2:], 16))
    return literal
