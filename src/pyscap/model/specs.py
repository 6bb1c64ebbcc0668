"""The shapes of the declared tables and the words they are written with.

In:  nothing. Out: `EventSpec`, `ParamSpec`, `FieldSpec` and the row functions.
Next: `model/events.py`, `model/catalogue.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_OLDER: Mapping[str, int | None] = MappingProxyType({})


class ParamSpec(NamedTuple):
    """One parameter slot of an event."""

    name: str
    """User-facing name, as in `evt.arg.NAME`."""
    type: str
    """Wire type without its prefix, a key of `model.params.PARAM_TYPES`."""
    form: str = "DEC"
    """Print format: DEC, HEX, OCT, ID, DIR, 10_PADDED_DEC, NA, or C_INT for an int of the call
    whose 32 bits stand in 64: -1 is written as 4294967295."""
    symbols: str | None = None
    """Flag table in `model.symbols.tables.SYMBOLS`."""
    variants: str | None = None
    """Typed union table in `model.events.VARIANTS`."""
    dirfd: int | None = None
    """For relative paths: position of the parameter that holds the directory descriptor."""


class EventSpec(NamedTuple):
    """One event code."""

    code: int
    const: str
    """The format's own name of the code, without its prefix."""
    name: str
    """User-facing event type, as in `evt.type`."""
    direction: str
    """`>` for enter and kernel events, `<` for exit events."""
    categories: str
    """Category names joined by `|`; the last is the functional one."""
    flags: str
    """Property names joined by `|`, or nothing."""
    params: tuple[ParamSpec, ...] = ()
    fd_param: int | None = None
    """Position of the descriptor the event works on."""
    older: Mapping[str, int | None] = NO_OLDER
    """Parameter count in older schemas where it differs; None: absent there."""

    def param_index(self, name: str) -> int:
        """Position of the parameter called `name`; raises ValueError when there is none."""
        for index, row in enumerate(self.params):
            if row.name == name:
                return index
        msg = f"event {self.code} ({self.name}) has no parameter {name!r}"
        raise ValueError(msg)


param = ParamSpec
"""One parameter row."""


def event(
    code: int,
    const: str,
    name: str,
    direction: str,
    categories: str,
    flags: str,
    *params: ParamSpec,
    fd_param: int | None = None,
    older: Mapping[str, int | None] = NO_OLDER,
) -> EventSpec:
    """One event row."""
    return EventSpec(code, const, name, direction, categories, flags, params, fd_param, older)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of the filter language and of output templates."""

    name: str
    """User-facing name without its argument, e.g. `proc.name`."""
    type: str
    """Value type: CHARBUF, BYTEBUF, [U]INT8..64, BOOL, DOUBLE, RELTIME, ABSTIME, PORT, IPADDR,
    IPNET, or DYNAMIC (that of the selected event parameter)."""
    description: str
    form: str = ""
    """Print form: TEXT, BYTES, BOOL, FLOAT, ADDR, DEC, ID (decimal identifier), DEC9 (nine digits,
    zero-padded), HEX, DIR or PARAM (that of the event parameter)."""
    is_list: bool = False
    """True when one value is a list of texts."""
    arg: str | None = None
    """Kinds of argument joined by `|`: index (`[0]`), key (`[HOME]`), name (`.fd`)."""
    arg_required: bool = False
    multi: str | None = None
    """How several values of one event are matched: `ends` (both ends of a connection: `!=` wants
    neither equal), `names` (all names of one address: `!=` wants none equal), `any` (ancestors,
    without argument: one is enough, also for `!=`)."""
    flags: str = ""
    """Property words joined by `|`: filter_only, print_only, table_only, deprecated,
    no_transformer, no_field_comparison."""
    gone: str | None = None
    """What the field belonged to that no longer exists: it is declared but cannot be used."""
    since: str = ""
    """First of the compared releases that knows the field."""

    @property
    def arg_kinds(self) -> tuple[str, ...]:
        """Kinds of argument the field takes; empty when it takes none."""
        return tuple(self.arg.split("|")) if self.arg else ()

    def has(self, flag: str) -> bool:
        """Whether `flag` is one of the property words."""
        return flag in self.flags.split("|")


_FORMS = {
    "CHARBUF": "TEXT",
    "BYTEBUF": "BYTES",
    "BOOL": "BOOL",
    "DOUBLE": "FLOAT",
    "IPADDR": "ADDR",
    "IPNET": "ADDR",
    "DYNAMIC": "PARAM",
}
"""The print form of a type, unless the row says otherwise; DEC for the rest."""


def field_row(
    name: str,
    type: str,
    description: str,
    *,
    form: str | None = None,
    is_list: bool = False,
    arg: str | None = None,
    arg_required: bool = False,
    multi: str | None = None,
    flags: str = "",
    gone: str | None = None,
    since: str = "0.29",
) -> FieldSpec:
    """One field row."""
    form = form or _FORMS.get(type, "DEC")
    return FieldSpec(
        name, type, description, form, is_list, arg, arg_required, multi, flags, gone, since
    )
