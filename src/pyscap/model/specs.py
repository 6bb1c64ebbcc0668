"""The shapes of the declared tables and the two words they are written with.

In:  nothing. Out: `EventSpec`, `ParamSpec`, `event()`, `param()`. Next: `model/events.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One parameter slot of an event."""

    name: str
    """User-facing name, as in `evt.arg.NAME`."""
    type: str
    """Wire type without its prefix, a key of `model.params.PARAM_TYPES`."""
    form: str = "DEC"
    """Print format: DEC, HEX, OCT, ID, DIR, 10_PADDED_DEC or NA."""
    symbols: str | None = None
    """Flag table in `model.symbols.tables.SYMBOLS`."""
    variants: str | None = None
    """Typed union table in `model.events.VARIANTS`."""
    dirfd: int | None = None
    """For relative paths: position of the parameter that holds the directory descriptor."""


@dataclass(frozen=True, slots=True)
class EventSpec:
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
    older: dict[str, int | None] = field(default_factory=dict)
    """Parameter count in older schemas where it differs; None: absent there."""

    def param_index(self, name: str) -> int:
        """Position of the parameter called `name`; raises ValueError when there is none."""
        for index, row in enumerate(self.params):
            if row.name == name:
                return index
        msg = f"event {self.code} ({self.name}) has no parameter {name!r}"
        raise ValueError(msg)


def param(  # noqa: PLR0913 - one word per column of the table
    name: str,
    type: str,  # noqa: A002 - the column's name in the format
    form: str = "DEC",
    symbols: str | None = None,
    variants: str | None = None,
    dirfd: int | None = None,
) -> ParamSpec:
    """One parameter row."""
    return ParamSpec(name, type, form, symbols, variants, dirfd)


def event(  # noqa: PLR0913 - one word per column of the table
    code: int,
    const: str,
    name: str,
    direction: str,
    categories: str,
    flags: str,
    *params: ParamSpec,
    fd_param: int | None = None,
    older: dict[str, int | None] | None = None,
) -> EventSpec:
    """One event row."""
    return EventSpec(code, const, name, direction, categories, flags, params, fd_param, older or {})
