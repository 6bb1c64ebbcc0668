"""What a filter means, slowly: the oracle that tests hold the engine against.

In:  typed conditions, and a function that gives the values of one event. Out: `accepts()`.
Next: nothing; no run of the program comes here.

Every rule is written the plain way, on Python's own types, and shares no code with the engine or
with `lower.py`. Texts are `str` with lone surrogates for bytes that are not UTF-8.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from pyscap.filterlang import typed
from pyscap.model.fields import FieldRef

Single = str | bytes | int | float | bool | IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Ends:
    """The values of both ends of a connection."""

    values: tuple[Single, ...]


@dataclass(frozen=True, slots=True)
class Ancestors:
    """The values of all ancestors of a process."""

    values: tuple[Single, ...]


Value = Single | Ends | Ancestors | list[Single]
Get = Callable[[FieldRef], "Value | None"]


def accepts(condition: typed.Condition, get: Get) -> bool:
    """Whether a filter accepts an event.

    Args:
        condition: The typed filter.
        get: The value of a field for the event; None where it is missing.

    Returns:
        The answer.
    """
    if isinstance(condition, typed.Negation):
        return not accepts(condition.part, get)
    if isinstance(condition, typed.All):
        return all(accepts(part, get) for part in condition.parts)
    if isinstance(condition, typed.Any):
        return any(accepts(part, get) for part in condition.parts)
    left = _evaluate(condition.left, get)
    if left is None:
        return False
    return _compare(condition, left, get)


def _compare(comparison: typed.Comparison, left: Value, get: Get) -> bool:
    operator, right = comparison.operator, comparison.right
    if operator == "exists":  # a socket that is not connected has zeros, which are no value
        return not isinstance(left, Ends) or any(int(value) for value in left.values)
    if isinstance(right, typed.Use | typed.Apply):
        other = _evaluate(right, get)
        return other is not None and _relate(operator, left, other)
    if isinstance(right, typed.Const):
        return _relate(operator, left, _constant(right))
    elements = [_constant(item) for item in right or ()]
    if comparison.quantifier is None:
        return _in_list(operator, left, elements)
    holding = [_relate(operator, left, element) for element in elements]
    if comparison.quantifier == "oneof":
        return sum(holding) == 1
    return bool(holding) and (all if comparison.quantifier == "allof" else any)(holding)


def _in_list(operator: str, left: Value, elements: Sequence[object]) -> bool:
    if operator == "pmatch":
        return any(_below(str(value), str(path)) for value in _values(left) for path in elements)
    found = [any(_same(value, element) for element in elements) for value in _values(left)]
    return all(found) if operator == "in" and isinstance(left, list) else any(found)


def _values(value: Value) -> Sequence[Single]:
    if isinstance(value, Ends | Ancestors):
        return value.values
    return value if isinstance(value, list) else (value,)


def _relate(operator: str, left: Value, right: object) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return _in_list(operator, left, right)
    if operator == "!=" and isinstance(left, Ends):
        return bool(left.values) and not any(_same(value, right) for value in left.values)
    return any(_single(operator, value, right) for value in _values(left))


def _single(operator: str, left: Single, right: object) -> bool:
    if operator in ("=", "in", "intersects"):
        return _same(left, right)
    if operator == "!=":
        return not _same(left, right)
    return _OPERATORS[operator](left, right)


def _same(left: Single, right: object) -> bool:
    if isinstance(right, _Network):
        return right.has(left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return _octets(left) == _octets(right)


def _octets(value: object) -> object:
    """Texts and byte buffers as bytes, so that one compares with the other."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _fold(value: object) -> bytes:
    return bytes(_octets(value)).lower()  # type: ignore[call-overload,no-any-return]


def _raw(value: object) -> bytes:
    return bytes(_octets(value))  # type: ignore[call-overload,no-any-return]


_OPERATORS: dict[str, Callable[[Single, object], bool]] = {
    "<": lambda a, b: _octets(a) < _octets(b),  # type: ignore[operator]
    "<=": lambda a, b: _octets(a) <= _octets(b),  # type: ignore[operator]
    ">": lambda a, b: _octets(a) > _octets(b),  # type: ignore[operator]
    ">=": lambda a, b: _octets(a) >= _octets(b),  # type: ignore[operator]
    "contains": lambda a, b: _raw(b) in _raw(a),
    "bcontains": lambda a, b: _raw(b) in _raw(a),
    "icontains": lambda a, b: _fold(b) in _fold(a),
    "startswith": lambda a, b: _raw(a).startswith(_raw(b)),
    "bstartswith": lambda a, b: _raw(a).startswith(_raw(b)),
    "endswith": lambda a, b: _raw(a).endswith(_raw(b)),
    "glob": lambda a, b: glob(str(b), str(a)),
    "iglob": lambda a, b: glob(_lower(str(b)), _lower(str(a))),
    "regex": lambda a, b: _regex(str(b)).fullmatch(str(a)) is not None,
}


def _lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


_BRACKET = re.compile(r"([!^]?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)


def glob(pattern: str, text: str) -> bool:
    """Whether a shell pattern matches a whole text.

    Args:
        pattern: With `*`, `?`, `[abc]`, `[!abc]` and backslashes.
        text: Any text.

    Returns:
        The answer.

    Source: fnmatch(3) without flags.
    """
    out, rest = "", pattern
    while rest:
        char, rest = rest[0], rest[1:]
        bracket = (
            re.match(r"([!^]?)(\]?(?:\\.|[^\]\\])*)\]", rest, re.DOTALL) if char == "[" else None
        )
        if char == "*":
            out += ".*"
        elif char == "?":
            out += "."
        elif bracket:
            inside = re.sub(r"([\[&~|])", r"\\\1", bracket.group(2).replace("]", "\\]", 1))
            out += f"[{'^' if bracket.group(1) else ''}{inside}]"
            rest = rest[bracket.end() :]
        elif char == "\\" and rest:
            out, rest = out + re.escape(rest[0]), rest[1:]
        else:
            out += re.escape(char)
    return re.fullmatch(out, text, re.DOTALL) is not None


_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "space": " \\t\\n\\r\\f\\v",
    "punct": "!-/:-@\\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": "0-9A-Za-z_",
}


def _regex(pattern: str) -> re.Pattern[str]:
    """A pattern in the engine's notation for Python's engine."""
    return re.compile(re.sub(r"\[:(\w+):\]", lambda found: _POSIX[found.group(1)], pattern))


def _below(value: str, path: str) -> bool:
    """Whether a path is another one or below it, component by component."""
    parts = [part for part in path.split("/") if part]
    have = [part for part in value.split("/") if part]
    if len(have) < len(parts):
        return False
    return all(
        glob(part, own) if set(part) & set("*?[") else part == own
        for part, own in zip(parts, have, strict=False)
    )


@dataclass(frozen=True, slots=True)
class _Network:
    text: str

    def has(self, value: object) -> bool:
        net = ip_network(self.text, strict=False)
        return isinstance(value, IPv4Address | IPv6Address) and value in net


def _constant(const: typed.Const) -> object:
    if const.kind == "net":
        return _Network(str(const.value))
    return ip_address(str(const.value)) if const.kind == "ip" else const.value


def _evaluate(operand: typed.Operand, get: Get) -> Value | None:
    if isinstance(operand, typed.Use):
        return get(operand.ref)
    if isinstance(operand, typed.Const):
        return operand.value
    if isinstance(operand, typed.Items):
        items = [_evaluate(item, get) for item in operand.items]
        return None if None in items else [item for item in items if not isinstance(item, _MULTI)]
    args = [_evaluate(arg, get) for arg in operand.args]
    if any(arg is None for arg in args):
        return None
    return _FUNCTIONS[operand.function](operand, args)


_MULTI = (Ends, Ancestors, list, type(None))


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _b64(_call: typed.Apply, args: list[Value | None]) -> Value | None:
    data = _raw(args[0])
    try:
        out = base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(out).rstrip(b"=") != data.rstrip(b"="):
        return None  # bits after the last byte
    return out if isinstance(args[0], bytes) else out.decode("utf-8", "surrogateescape")


def _len(_call: typed.Apply, args: list[Value | None]) -> Value | None:
    return len(args[0]) if isinstance(args[0], list) else len(_raw(args[0]))


def _join(_call: typed.Apply, args: list[Value | None]) -> Value | None:
    items = args[1]
    return str(args[0]).join(map(_text_of, items if isinstance(items, list) else ()))


def _getopt(call: typed.Apply, args: list[Value | None]) -> Value | None:
    words = [str(word) for word in args[0]] if isinstance(args[0], list) else []
    found = list(_options(words, str(args[1])))
    if call.index is None:
        flat: list[Single] = []
        for letter, value in found:
            flat += [letter] if value is None else [letter, value]
        return flat
    values = [value or "" for letter, value in found if letter == call.index]
    return values[-1] if values else None


def _options(words: list[str], spec: str) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    while words and words[0].startswith("-") and words[0] not in ("-", "--"):
        word, words = words[0], words[1:]
        letters = "" if word.startswith("--") else word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == ":" or letter not in spec:
                found.append(("?", None))
            elif not spec[spec.index(letter) + 1 :].startswith(":"):
                found.append((letter, None))
            else:
                if not letters:
                    letters, words = (words[0] if words else ""), words[1:]
                found.append((letter, letters))
                letters = ""
    return found


_FUNCTIONS: dict[str, Callable[[typed.Apply, list[Value | None]], Value | None]] = {
    "tolower": lambda _, args: _lower(str(args[0])),
    "toupper": lambda _, args: "".join(c.upper() if c.isascii() else c for c in str(args[0])),
    "basename": lambda _, args: str(args[0]).rpartition("/")[2],
    "concat": lambda _, args: "".join(map(str, args)),
    "b64": _b64,
    "len": _len,
    "join": _join,
    "getopt": _getopt,
}
