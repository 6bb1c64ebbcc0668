"""Which event codes a filter can accept, so that the others never reach it.

In:  typed conditions, the event table. Out: `event_codes()`, `native_calls()`. Next: the program
carries the codes; the probe attaches only what they need; `explain.py` names them.

Of every condition two sets are known: the codes for which it can be true, and those for which it
can be false. Both err on the side of more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache

from pyscap.filterlang import typed
from pyscap.model.events import EVENTS
from pyscap.model.fields import FieldRef
from pyscap.model.specs import EventSpec
from pyscap.model.syscalls import PPM_SC

Codes = frozenset[int]

_EXIT_WITHOUT_EVENT = 1
"""Code of the exit of calls that have no event of their own."""

_FIRST_CALL = 1 << 16
"""In the sets, the exit of such a call also stands as this and the call's number in `PPM_SC`."""

_CALLS: Codes = frozenset(range(_FIRST_CALL, _FIRST_CALL + len(PPM_SC)))

ALL: Codes = frozenset(spec.code for spec in EVENTS) | _CALLS
"""Every event code, and every call."""

NONE: Codes = frozenset()


def _codes(test: Callable[[EventSpec], bool]) -> Codes:
    codes = frozenset(spec.code for spec in EVENTS if test(spec))
    return codes | _CALLS if _EXIT_WITHOUT_EVENT in codes else codes


def _flagged(*flags: str) -> Codes:
    return _codes(lambda spec: not set(flags).isdisjoint(spec.flags.split("|")))


def _with_type(*types: str) -> Codes:
    return _codes(lambda spec: any(param.type in types for param in spec.params))


_GENERIC = _codes(lambda spec: spec.name == "syscall")
"""Calls without an event of their own: the name is a parameter."""

_ASYNC = _codes(lambda spec: spec.name == "asyncevent")
"""Injected events: the name is a parameter."""

_DYNAMIC_NAME = _GENERIC - _CALLS | _ASYNC
_SYSCALLS = _codes(lambda spec: spec.categories.startswith("SYSCALL"))
_EXITS = _codes(lambda spec: spec.direction == "<")
_IO = _flagged("READS_FROM_FD", "WRITES_TO_FD") | _SYSCALLS & _codes(
    lambda spec: any(param.name == "data" for param in spec.params)
)
_ABOUT_DATA = _codes(lambda spec: "IO_" in spec.categories)
_PATHS = _with_type("FSPATH", "FSRELPATH")
_PATHS_OR_NAMES = _PATHS | _codes(lambda spec: spec.name in ("fchmod", "fchown", "quotactl"))
_DESCRIPTORS = _flagged("USES_FD", "CREATES_FD", "DESTROYS_FD") | _with_type("FD")
_OPENS = _codes(
    lambda spec: spec.name in ("open", "openat", "openat2", "open_by_handle_at", "creat")
)
_DYNAMIC_CATEGORY = _GENERIC | _ABOUT_DATA
"""Calls whose category is that of the descriptor or of the native call."""

_HOLDERS: tuple[tuple[tuple[str, ...], Codes], ...] = (
    (("evt.res", "evt.rawres", "evt.failed", "evt.count.error", "evt.count.exit"), _EXITS),
    (("evt.buflen",), _ABOUT_DATA & _EXITS),
    (("evt.buffer", "evt.io_dir"), _IO),
    (("evt.abspath",), _PATHS),
    (("fs.path.",), _PATHS_OR_NAMES),
    (("evt.asynctype",), _codes(lambda spec: spec.categories.startswith("METAEVENT"))),
    (("fd.types",), ALL),
    (("fd.",), _DESCRIPTORS),
    (("fdlist.",), _with_type("FDLIST")),
    (("syscall.type",), _SYSCALLS),
)
"""Beginnings of field names, and the codes whose events can have a value; first match counts."""

_TRUE_ONLY: dict[str, Codes] = {
    "evt.is_io": _IO,
    "evt.is_io_read": _IO,
    "evt.is_io_write": _IO,
    "evt.is_syslog": _IO,
    "evt.is_wait": _flagged("WAITS"),
    "evt.is_open_read": _OPENS,
    "evt.is_open_write": _OPENS,
    "evt.is_open_exec": _OPENS,
    "evt.is_open_create": _OPENS,
}
"""Truths that can hold for some events only."""


def event_codes(condition: typed.Condition) -> tuple[int, ...] | None:
    """The codes of the events that a filter can accept.

    Args:
        condition: The typed filter.

    Returns:
        The codes in order, or None when events of any code can match.
    """
    codes = _sides(condition)[0] - _CALLS
    return None if codes == ALL - _CALLS else tuple(sorted(codes))


def native_calls(condition: typed.Condition) -> tuple[int, ...] | None:
    """The calls without an event of their own whose exits a filter can accept.

    Args:
        condition: The typed filter.

    Returns:
        Their numbers in `PPM_SC` in order, or None when any call can match.
    """
    calls = _sides(condition)[0] & _CALLS
    return None if calls == _CALLS else tuple(sorted(call - _FIRST_CALL for call in calls))


def event_names(codes: Iterable[int]) -> tuple[str, ...]:
    """The event types of some codes, without those that no current capture holds.

    Args:
        codes: Event codes.

    Returns:
        Names in alphabetical order.
    """
    rows = (EVENTS[code] for code in codes)
    return tuple(sorted({row.name for row in rows if "UNUSED" not in row.flags.split("|")}))


def _sides(condition: typed.Condition) -> tuple[Codes, Codes]:
    """Codes for which a condition can be true, and for which it can be false."""
    if isinstance(condition, typed.Comparison):
        return _comparison(condition)
    if isinstance(condition, typed.Negation):
        true, false = _sides(condition.part)
        return false, true
    sides = [_sides(part) for part in condition.parts]
    trues, falses = [side[0] for side in sides], [side[1] for side in sides]
    if isinstance(condition, typed.Any):
        return NONE.union(*trues), ALL.intersection(*falses)
    return ALL.intersection(*trues), NONE.union(*falses)


def _comparison(comparison: typed.Comparison) -> tuple[Codes, Codes]:
    """The sides of a comparison: what its fields allow, and what its constants say."""
    holders = [_holders(ref) for ref in typed.fields_of(comparison)]
    possible = ALL.intersection(*holders)
    true, false = _static(comparison)
    return true & possible, false | (ALL - possible)


@cache
def _holders(ref: FieldRef) -> Codes:
    """Codes whose events can have a value for a field."""
    if ref.spec.name in ("evt.arg", "evt.rawarg"):
        return _parameter_holders(ref)
    for beginnings, codes in _HOLDERS:
        if ref.spec.name.startswith(beginnings):
            return codes
    return ALL


def _parameter_holders(ref: FieldRef) -> Codes:
    argument = ref.argument
    if isinstance(argument, int):
        return _codes(lambda spec: 0 <= argument < len(spec.params))
    return _codes(lambda spec: any(param.name == argument for param in spec.params))


def _static(comparison: typed.Comparison) -> tuple[Codes, Codes]:
    """What can be said from the code alone, where the left side depends on nothing else."""
    left = comparison.left
    if not isinstance(left, typed.Use):
        return ALL, ALL
    name = left.ref.spec.name
    if name in _TRUE_ONLY and _wants_true(comparison):
        return _TRUE_ONLY[name], ALL
    value = _VALUES.get(name)
    test = _test(comparison)
    if value is None or test is None:
        return ALL, ALL
    known = {spec.code: value(spec, left.ref) for spec in (*EVENTS, *_call_specs())}
    true = frozenset(code for code, val in known.items() if val is None or test(val))
    false = frozenset(code for code, val in known.items() if val is None or not test(val))
    return true, false


@cache
def _call_specs() -> tuple[EventSpec, ...]:
    """The exits of calls without an event of their own as events with the names of the calls."""
    spec = EVENTS[_EXIT_WITHOUT_EVENT]
    calls = zip(sorted(_CALLS), PPM_SC, strict=True)
    return tuple(spec._replace(code=code, name=name) for code, name in calls)


def _wants_true(comparison: typed.Comparison) -> bool:
    right = comparison.right
    truth = isinstance(right, typed.Const) and right.value is (comparison.operator == "=")
    return truth and comparison.operator in ("=", "!=") and comparison.quantifier is None


def _name(spec: EventSpec, _ref: FieldRef) -> str | None:
    return None if spec.code in _DYNAMIC_NAME else spec.name


def _is_name(spec: EventSpec, ref: FieldRef) -> str | None:
    if spec.code in _DYNAMIC_NAME:
        return None
    return "1" if spec.name == ref.argument else "0"


def _direction(spec: EventSpec, _ref: FieldRef) -> str | None:
    return spec.direction


def _category(spec: EventSpec, _ref: FieldRef) -> str | None:
    source, _, name = spec.categories.partition("|")
    if source != "SYSCALL" or name == "IPC" or spec.code in _DYNAMIC_CATEGORY:
        return None  # `IPC` is spelled in two ways, and what is no call has names of its own
    return name.lower()


_VALUES: dict[str, Callable[[EventSpec, FieldRef], str | None]] = {
    "evt.type": _name,
    "syscall.type": _name,
    "evt.type.is": _is_name,
    "evt.dir": _direction,
    "evt.category": _category,
}
"""Fields that the code decides; None from the function where it does not."""


def _test(comparison: typed.Comparison) -> Callable[[str], bool] | None:
    """The comparison as a function of the left side's text, where it is simple enough."""
    right, operator = comparison.right, comparison.operator
    if operator in ("in", "intersects") and isinstance(right, tuple):
        values = frozenset(map(_spelling, right))
        return values.__contains__
    single = _SINGLE.get(operator)
    if single is None:
        return None
    if isinstance(right, typed.Const):
        value = _spelling(right)
        return None if "\\" in value else lambda text: single(text, value)
    if isinstance(right, tuple) and comparison.quantifier in ("anyof", "allof"):
        every = all if comparison.quantifier == "allof" else any
        items = tuple(map(_spelling, right))
        if not any("\\" in item for item in items):
            return lambda text: bool(items) and every(single(text, item) for item in items)
    return None


def _spelling(const: typed.Const) -> str:
    return str(const.value)


_SINGLE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda text, value: text == value,
    "!=": lambda text, value: text != value,
    "contains": lambda text, value: value in text,
    "startswith": lambda text, value: text.startswith(value),
    "endswith": lambda text, value: text.endswith(value),
    "glob": fnmatchcase,
}
"""Operators that are certain here; of patterns with a backslash nothing is said."""
