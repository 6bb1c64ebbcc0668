"""What a filter is allowed to say but probably does not mean.

In:  typed conditions. Out: `FilterWarning`s. Next: the command prints them and goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from pyscap.filterlang import regex, typed
from pyscap.filterlang.ast import Text, Values
from pyscap.filterlang.check import names_event, param_type
from pyscap.filterlang.errors import FilterWarning, Span
from pyscap.filterlang.functions import FUNCTIONS
from pyscap.model.fd_types import FD_TYPES
from pyscap.model.fields import EVENT_NAMES, FIELDS, nearest
from pyscap.model.symbols.errno import ERRNO
from pyscap.model.syscalls import PPM_SC

COMM_BYTES = 15
"""Longest command name that the kernel keeps. Source: TASK_COMM_LEN, linux/sched.h."""

_COMM_FIELDS = (
    "proc.name",
    "proc.pname",
    "proc.aname",
    "proc.sname",
    "proc.vpgid.name",
    "proc.pgid.name",
)
_PREFIXES = ("=", "in", "intersects", "startswith", "endswith", "contains", "icontains")

_FD_TYPES = (*dict.fromkeys(row.name for row in FD_TYPES if row.name), "<NA>")
_CATEGORIES = (
    "file", "net", "IPC", "ipc", "memory", "process", "sleep", "system", "signal", "user", "time",
    "processing", "wait", "scheduler", "internal", "syscall", "tracepoint", "plugin", "meta",
    "other", "unknown",
)  # fmt: skip

ENUMERATIONS: dict[str, tuple[str, ...]] = {
    "evt.dir": ("<", ">"),
    "evt.io_dir": ("read", "write"),
    "evt.category": _CATEGORIES,
    "evt.res": ("SUCCESS", *(name for name, _ in ERRNO)),
    "fd.type": _FD_TYPES,
    "fd.types": _FD_TYPES,
    "fd.typechar": tuple(dict.fromkeys(row.char for row in FD_TYPES)),
    "fd.l4proto": ("tcp", "udp", "icmp", "raw", "<NA>"),
    "fd.sockfamily": ("ip", "unix"),
    "syscall.type": PPM_SC,
    "evt.source": ("syscall",),
}
"""Fields with a known set of values."""

_SHOWN_VALUES = 24
"""Longest list of values that a warning tells in full."""


MAX_WARNINGS = 20
"""Enough to see what is wrong; a list of 100 000 names would give as many."""


def warnings_of(condition: typed.Condition, text: str) -> Iterator[FilterWarning]:
    """Look for comparisons that can never be true, and for other surprises.

    Args:
        condition: The typed filter.
        text: The filter's text.

    Returns:
        Warnings in the order of the text, `MAX_WARNINGS` at most.
    """
    findings = (
        FilterWarning(message, text, span)
        for comparison in _comparisons(condition)
        for rule in _RULES
        for message, span in rule(comparison)
    )
    return islice(findings, MAX_WARNINGS)


def _comparisons(condition: typed.Condition) -> Iterator[typed.Comparison]:
    if isinstance(condition, typed.Comparison):
        yield condition
    elif isinstance(condition, typed.Negation):
        yield from _comparisons(condition.part)
    else:
        for part in condition.parts:
            yield from _comparisons(part)


Finding = tuple[str, Span]


def _field(comparison: typed.Comparison) -> str:
    left = comparison.left
    return left.ref.spec.name if isinstance(left, typed.Use) else ""


def _values(comparison: typed.Comparison) -> list[Text]:
    """The constants of the right side as they were written."""
    right = comparison.source.right
    if isinstance(right, Values):
        return list(right.items)
    return [right] if isinstance(right, Text) else []


def _long_names(comparison: typed.Comparison) -> Iterator[Finding]:
    if _field(comparison) not in _COMM_FIELDS or comparison.operator not in _PREFIXES:
        return
    for value in _values(comparison):
        size = len(value.value.encode("utf-8", "surrogateescape"))
        if size > COMM_BYTES:
            cut = value.value.encode("utf-8", "surrogateescape")[:COMM_BYTES].decode(
                "utf-8", "ignore"
            )
            yield (
                f"never true: the kernel keeps {COMM_BYTES} bytes of a command name, this has "
                f"{size}; {cut} would match, or use proc.exepath",
                value.span,
            )


def _unknown_values(comparison: typed.Comparison) -> Iterator[Finding]:
    known = ENUMERATIONS.get(_field(comparison))
    if known is None or comparison.operator not in ("=", "in", "intersects"):
        return
    for value in _values(comparison):
        if value.value in known:
            continue
        near = nearest(value.value, known, 3)
        shown = known if len(known) <= _SHOWN_VALUES else tuple(near)
        hint = f"; its values are {' '.join(shown)}" if shown else ""
        msg = f"never true: {_field(comparison)} is never {value.value!r}{hint}"
        yield msg, value.span


def _event_names(comparison: typed.Comparison) -> Iterator[Finding]:
    test = _NAME_TESTS.get(comparison.operator)
    left = comparison.left
    if test is None or not isinstance(left, typed.Use) or not names_event(left):
        return
    for value in _values(comparison):
        if not any(test(name, value.value) for name in EVENT_NAMES):
            msg = f"never true: no event name {comparison.operator} {value.value!r}"
            yield msg, value.span


_NAME_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda name, part: part in name,
    "icontains": lambda name, part: part.lower() in name,
    "startswith": lambda name, part: name.startswith(part),
    "endswith": lambda name, part: name.endswith(part),
}


def _looks_like_code(comparison: typed.Comparison) -> Iterator[Finding]:
    for value in _values(comparison):
        if value.value in FIELDS:
            yield f"this is the text {value.value}; the field is val({value.value})", value.span
        elif re.match(rf"(?:{'|'.join(FUNCTIONS)}|val)\(.*\)$", value.value):
            yield "this is a text; without quotes it would be a function", value.span


def _empty_list(comparison: typed.Comparison) -> Iterator[Finding]:
    right = comparison.source.right
    if not isinstance(right, Values) or right.items:
        return
    if comparison.operator == "in" and comparison.left.type.is_list:
        yield "true only where the list of the left side is empty", right.span
    else:
        yield "never true: the list is empty", right.span


def _text_order(comparison: typed.Comparison) -> Iterator[Finding]:
    if comparison.left.type.family != "text" or comparison.operator not in ("<", "<=", ">", ">="):
        return
    hint = ""
    left = comparison.left
    if isinstance(left, typed.Use) and left.ref.spec.name == "evt.arg" and left.ref.kind == "name":
        hint = f"; numbers are compared by evt.rawarg.{left.ref.argument}"
    yield f"texts are ordered byte by byte, so 10 comes before 9{hint}", comparison.source.span


def _shown_descriptor(comparison: typed.Comparison) -> Iterator[Finding]:
    """`evt.arg.fd = 3` compares with `<f>/etc/passwd`."""
    left = comparison.left
    if not isinstance(left, typed.Use) or left.ref.spec.name != "evt.arg":
        return
    name = str(left.ref.argument)
    if left.ref.kind != "name" or param_type(name).name != "FD":
        return
    for value in _values(comparison):
        if value.value.isdigit() and comparison.operator in ("=", "in"):
            what = "fd.num" if name == "fd" else f"evt.rawarg.{name}"
            yield f"evt.arg.{name} is a text such as <f>/etc/passwd; use {what}", value.span


def _plain_regex(comparison: typed.Comparison) -> Iterator[Finding]:
    if comparison.operator != "regex":
        return
    for value in _values(comparison):
        if value.value and regex.is_literal(value.value):
            msg = "regex matches the whole value, so that this is =; for a part use contains"
            yield msg, value.span


_RULES: tuple[Callable[[typed.Comparison], Iterator[Finding]], ...] = (
    _long_names,
    _unknown_values,
    _event_names,
    _looks_like_code,
    _empty_list,
    _text_order,
    _shown_descriptor,
    _plain_regex,
)
