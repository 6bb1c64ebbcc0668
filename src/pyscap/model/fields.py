"""Find a field by the name a user typed, with its argument.

In:  `model/catalogue.py` (the rows), `model/events.py` (parameter and event names).
Out: `FIELDS`, `resolve()`, `match_prefix()`, `EVENT_PARAM_NAMES`, `EVENT_NAMES`. Next:
`filterlang/check.py`, `output/template.py`, and `pyscap.plan`, whose `fields` list takes
`FieldRef.entry()`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from pyscap.model.catalogue import CATALOGUE, CLASSES
from pyscap.model.events import EVENTS
from pyscap.model.specs import FieldSpec
from pyscap.model.syscalls import PPM_SC

__all__ = [
    "CATALOGUE",
    "CLASSES",
    "EVENT_NAMES",
    "EVENT_PARAM_NAMES",
    "FIELDS",
    "FieldError",
    "FieldRef",
    "FieldSpec",
    "class_of",
    "match_prefix",
    "nearest",
    "resolve",
    "suggest",
]

FIELDS: dict[str, FieldSpec] = {row.name: row for rows in CATALOGUE.values() for row in rows}
"""Every field by name, in listing order."""

EVENT_PARAM_NAMES: frozenset[str] = frozenset(row.name for spec in EVENTS for row in spec.params)
"""Names that may follow `evt.arg.` and `evt.rawarg.`."""

EVENT_NAMES: frozenset[str] = frozenset(
    {spec.name for spec in EVENTS if "UNUSED" not in spec.flags.split("|")} | set(PPM_SC)
)
"""Every value that `evt.type` can have by declaration: events and system calls.

Source: event table and system call codes of the scap format, schema 4.5.1.
"""

_MAX_INDEX = 2**31 - 1
"""Indices beyond a signed 32-bit number select nothing that can exist."""

_LONGEST = 60
"""Characters of an unknown name that a message repeats."""

_NAME_ARGUMENTS: dict[str, frozenset[str]] = {
    "evt.arg": EVENT_PARAM_NAMES,
    "evt.rawarg": EVENT_PARAM_NAMES,
    "evt.type.is": EVENT_NAMES,
    "evt.abspath": frozenset({"src", "dst"}),
}
"""Fields whose dot argument is one of a declared set; the others take any word."""

_DOTTED_KEYS = frozenset({"container.label", "k8s.pod.label"})
"""Fields whose key may also be written after a dot.

Source: observed: sysdig 0.29.3.
"""

_WORD = re.compile(r"[A-Za-z0-9_]+")
_CGROUP = re.compile(r"[A-Za-z_]+")
_KEY = re.compile(r"[A-Za-z0-9_./-]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+")
_BRACKET = re.compile(r"\[(?:\"([^\"\]]*)\"|'([^'\]]*)'|([^\s\x08\"'\[\]]+))\]")


class FieldError(ValueError):
    """A name that is no usable field, with what would be right instead."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        """Keep the suggestion apart from the message.

        Args:
            message: One sentence, without a full stop.
            suggestion: What to write instead, when there is a good guess.
        """
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field together with its argument: what the engine extracts."""

    spec: FieldSpec
    kind: str | None = None
    """Kind of the argument: index, key or name; None without one."""
    argument: int | str | None = None
    """The index as a number, the key or name as text; None without one."""
    each: bool = False
    """Whether a field of several values is wanted as a list, for a filter to compare each."""

    @property
    def name(self) -> str:
        """The name as a user writes it, e.g. `proc.aname[1]` or `evt.arg.fd`."""
        if self.kind is None:
            return self.spec.name
        if self.kind == "name":
            return f"{self.spec.name}.{self.argument}"
        return f"{self.spec.name}[{_quote(str(self.argument))}]"

    @property
    def matches_any(self) -> bool:
        """Whether a comparison looks at several values and is content with one (ancestors)."""
        return self.spec.multi == "any" and self.kind is None

    @property
    def has_several(self) -> bool:
        """Whether the field has several values: ancestors, both ends of a connection, names."""
        return self.matches_any or self.spec.multi in ("ends", "names")

    def entry(self) -> dict[str, object]:
        """This field as an entry of the plan's `fields` list.

        Returns:
            `{"name": ..., "arg": None | {"index": n} | {"key": text} | {"name": text},
            "form": ...}`. The form is `EACH` for a list of values to compare one by one.
        """
        arg = None if self.kind is None else {self.kind: self.argument}
        return {"name": self.spec.name, "arg": arg, "form": "EACH" if self.each else self.spec.form}


def _quote(text: str) -> str:
    """A bracket argument, quoted when it would not read back bare."""
    if _BRACKET.fullmatch(f"[{text}]") and text[:1] not in "\"'":
        return text
    return f"'{text}'" if '"' in text else f'"{text}"'


def class_of(name: str) -> str:
    """The class that lists the field called `name` (a key of `CLASSES`)."""
    return _classes()[name]


@cache
def _classes() -> dict[str, str]:
    return {row.name: title for title, rows in CATALOGUE.items() for row in rows}


def suggest(name: str) -> str | None:
    """The declared field whose name is nearest to `name`, if one is near."""
    found = nearest(name, [row.name for row in FIELDS.values() if row.gone is None])
    return found[0] if found else None


def nearest(word: str, choices: Iterable[str], count: int = 1) -> list[str]:
    """The choices that look most like a word.

    Args:
        word: What a user wrote; longer than any name, it is near to none.
        choices: Names.
        count: Greatest number of them.

    Returns:
        Names, the nearest first; none when nothing is near.
    """
    return get_close_matches(word, list(choices), n=count) if len(word) <= _LONGEST else []


def resolve(text: str) -> FieldRef:
    """Find the field that `text` names as a whole.

    Args:
        text: A name with its argument, e.g. `proc.name`, `evt.arg.fd`, `proc.env["A B"]`.

    Returns:
        The field and its argument. `proc.aname[-1]` is `proc.aname`.

    Raises:
        FieldError: No field is called so, its argument is missing or of the wrong kind, or the
            field belongs to something that is gone.

    Source: filter language of sysdig 0.41.4, longest known name first.
    """
    head, _, _ = text.partition("[")
    spec = _longest(head)
    if spec is None:
        raise _unknown(head)
    rest = text[len(spec.name) :]
    if rest and rest[0] not in ".[":
        raise _unknown(head)
    ref = _with_argument(spec, rest, whole=text)
    if spec.gone:
        msg = f"{spec.name} belongs to {spec.gone}"
        raise FieldError(msg)
    return ref


def match_prefix(text: str) -> tuple[FieldRef, int]:
    """Find the longest field that `text` begins with; the rest is literal text.

    Args:
        text: What follows the `%` of an output template.

    Returns:
        The field with its argument, and the number of characters it took.

    Raises:
        FieldError: `text` begins with no field, or with one whose argument is wrong.

    Source: observed: sysdig 0.41.4, the longest known name that prefixes the text is taken.
    """
    spec = next((FIELDS[name] for name in _by_length() if text.startswith(name)), None)
    if spec is None:
        found = _NAME.match(text)
        raise _unknown(found.group() if found else text[:40])
    taken = len(spec.name) + _argument_length(spec, text[len(spec.name) :])
    return resolve(text[:taken]), taken


@cache
def _by_length() -> tuple[str, ...]:
    return tuple(sorted(FIELDS, key=len, reverse=True))


def _longest(head: str) -> FieldSpec | None:
    """The longest field that is `head` or a dotted prefix of it."""
    parts = head.split(".")
    for count in range(len(parts), 0, -1):
        spec = FIELDS.get(".".join(parts[:count]))
        if spec is not None:
            return spec
    return None


def _unknown(name: str) -> FieldError:
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    return FieldError(f"there is no field called {shown}", suggest(name))


def _argument_length(spec: FieldSpec, rest: str) -> int:
    """How much of the text after a template field is its argument."""
    found = _BRACKET.match(rest) if spec.arg else None
    if found:
        return found.end()
    if not rest.startswith(".") or not _takes_dot(spec):
        return 0
    choices = _NAME_ARGUMENTS.get(spec.name)
    if choices is None:
        pattern = _KEY if spec.name in _DOTTED_KEYS else _CGROUP
        found = pattern.match(rest, 1)
        return found.end() if found else 0
    names = [name for name in choices if rest.startswith(name, 1)]
    return 1 + len(max(names, key=len)) if names else 0


def _takes_dot(spec: FieldSpec) -> bool:
    return "name" in spec.arg_kinds or spec.name in _DOTTED_KEYS


def _with_argument(spec: FieldSpec, rest: str, whole: str) -> FieldRef:
    """Read the argument in `rest`, which is empty, `.NAME` or `[ARG]`."""
    if not rest:
        if spec.arg_required:
            raise _missing(spec)
        return FieldRef(spec)
    if rest[0] == ".":
        return _dotted(spec, rest[1:], whole)
    found = _BRACKET.fullmatch(rest)
    if not spec.arg:
        msg = f"{spec.name} takes no argument"
        raise FieldError(msg, spec.name)
    if found is None:
        msg = f"the argument of {spec.name} is not closed or holds what it cannot"
        raise FieldError(msg, _usage(spec))
    return _bracketed(spec, next(group for group in found.groups() if group is not None))


def _usage(spec: FieldSpec) -> str:
    """How the field is written with its argument, for a message."""
    if spec.name in ("evt.arg", "evt.rawarg"):
        return f"{spec.name}.res"
    if spec.name == "evt.type.is":
        return "evt.type.is.openat"
    if "name" in spec.arg_kinds:
        return f"{spec.name}.NAME"
    return f"{spec.name}[{'0' if 'index' in spec.arg_kinds else 'NAME'}]"


def _missing(spec: FieldSpec) -> FieldError:
    return FieldError(f"{spec.name} needs an argument", _usage(spec))


def _dotted(spec: FieldSpec, name: str, whole: str) -> FieldRef:
    """A dot argument: the whole rest of the name."""
    if not _takes_dot(spec):
        raise _unknown(whole.partition("[")[0])
    if "[" in name:
        msg = f"{spec.name} takes one argument"
        raise FieldError(msg, _usage(spec))
    if spec.name in _DOTTED_KEYS:
        return FieldRef(spec, "key", name)
    choices = _NAME_ARGUMENTS.get(spec.name)
    if choices is None:
        if not _CGROUP.fullmatch(name):
            msg = f"the name after {spec.name}. holds letters and underscores only"
            raise FieldError(msg)
    elif name not in choices:
        raise _bad_name(spec, name, choices)
    return FieldRef(spec, "name", name)


def _bad_name(spec: FieldSpec, name: str, choices: frozenset[str]) -> FieldError:
    what = "event" if spec.name == "evt.type.is" else "event parameter"
    near = nearest(name, sorted(choices))
    msg = f"there is no {what} called {name}"
    if spec.name == "evt.abspath":
        msg = f"{spec.name} takes src or dst, not {name}"
    return FieldError(msg, f"{spec.name}.{near[0]}" if near else None)


def _bracketed(spec: FieldSpec, text: str) -> FieldRef:
    """A bracket argument: an index where the field takes one and the text is a number."""
    kinds = spec.arg_kinds
    if "index" in kinds and re.fullmatch(r"-?[0-9]+", text):
        return _indexed(spec, int(text))
    if "key" in kinds:
        return FieldRef(spec, "key", text)
    if "index" in kinds:
        msg = f"the argument of {spec.name} is a number, not {text!r}"
        raise FieldError(msg, _usage(spec))
    msg = f"{spec.name} takes its argument after a dot, not in brackets"
    raise FieldError(msg, _usage(spec))


def _indexed(spec: FieldSpec, index: int) -> FieldRef:
    if index == -1 and spec.multi == "any":
        return FieldRef(spec)
    limit = 2**64 - 1 if spec.name == "evt.around" else _MAX_INDEX
    if not -_MAX_INDEX <= index <= limit:
        msg = f"the index of {spec.name} is out of range"
        raise FieldError(msg)
    return FieldRef(spec, "index", index)
