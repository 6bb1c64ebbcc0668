"""Joins every declaration into one versioned plan for the engine.

In:  the tables of `model/`, the transitions of `state/`, the layouts of `format/`, and what this
run asks for (fields, filter, output, options).
Out: `Plan`, pure data, and its JSON text. Next: `pyscap._engine.Session`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pyscap.format.layout_rows import LAYOUTS
from pyscap.format.versions import METADATA_BLOCKS
from pyscap.model.calls import CALL_SYMBOLS, SOCKET_TYPES, argument_positions
from pyscap.model.containers import CGROUP_PATTERNS, RUNTIMES
from pyscap.model.conversions import CONVERSIONS
from pyscap.model.events import EVENTS, VARIANTS
from pyscap.model.fd_types import FD_TYPES
from pyscap.model.symbols.capabilities import CAPABILITIES
from pyscap.model.symbols.errno import ERRNO
from pyscap.model.symbols.signals import SIGNALS
from pyscap.model.symbols.tables import SYMBOLS
from pyscap.model.syscalls import AARCH64, PPM_SC, X86_64
from pyscap.state.transitions import rows as transitions
from pyscap.state.transitions import unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyscap.model.fields import FieldRef
    from pyscap.model.specs import EventSpec, ParamSpec

VERSION = (1, 0)
"""Major and minor; the engine refuses another major."""


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of a run that more than one stage of the engine looks at."""

    enter: bool = False
    """Show enter events of older files as they were written."""
    internal: bool = False
    """Show internal events (drop, procinfo)."""
    live: bool = False
    """Unknown threads may be looked up in `/proc`."""
    zone: Sequence[tuple[int, int]] = ()
    """When each offset of local time from UTC begins, and the offset, in seconds; none is UTC."""
    services: Sequence[tuple[int, bool, str]] = ()
    """Names of ports, when they are wanted: port, whether it is one of UDP, name."""
    hosts: Sequence[tuple[str, list[str]]] = ()
    """Names of addresses, when they are wanted: address, and its names, the one to show first."""
    max_events: int | None = None
    """Stop after this many chosen events, 1 or more."""
    max_event_ns: int | None = None
    """Stop when event time passes the first event's by this many nanoseconds."""
    max_threads: int | None = None
    """Greatest number of threads kept; None for the engine's own bound."""
    max_fds: int | None = None
    """Greatest number of descriptors kept per process; None for the engine's own bound."""


class FieldList:
    """The fields that a filter and an output use; each is listed once and known by position."""

    def __init__(self) -> None:
        """Begin with no field."""
        self.entries: list[dict[str, object]] = []

    def add(self, ref: FieldRef) -> int:
        """Position of `ref` in the list, which gets it when it is new."""
        entry = ref.entry()
        if entry not in self.entries:
            self.entries.append(entry)
        return self.entries.index(entry)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run of the engine is told."""

    fields: FieldList = field(default_factory=FieldList)
    filter: dict[str, Any] | None = None
    """The op program of `filterlang.lower`, or None for every event."""
    output: dict[str, Any] = field(default_factory=lambda: {"kind": "none"})
    """The sink and its settings."""
    walk: dict[str, Any] | None = None
    """`{"over": "processes" | "threads" | "fds", "filter": program | None}`: the output gets the
    state instead of the chosen events, whenever `Session.walk()` asks for it."""
    options: Options = Options()
    names_users: bool = True
    """Whether lists and events of users and groups give them names."""
    redact: dict[str, Any] | None = None
    """What must not be seen, as `privacy.redact_row` says; None when there is nothing."""
    trigger: dict[str, Any] | None = None
    """The op program that a flight recorder waits for; the output row takes it to the engine."""

    def with_output(self, row: dict[str, Any]) -> Plan:
        """The plan with one more sink."""
        if self.output["kind"] == "none":
            return replace(self, output=row)
        return replace(self, output={"kind": "tee", "sinks": [self.output, row]})

    def to_json(self) -> str:
        """The plan as the engine reads it."""
        run = {
            "fields": self.fields.entries,
            "filter": self.filter,
            "output": self.output,
            "walk": self.walk,
            "redact": self.redact,
            "unseen": self.unseen_events(),
            "options": {name: getattr(self.options, name) for name in Options.__slots__},
        }
        declared = declared_json(self.names_users)
        return f'{{"version":{json.dumps(VERSION)},{declared},{json.dumps(run)[1:]}'

    def unseen_events(self) -> list[int]:
        """Codes of the events whose transitions need not be followed, since no field shows them.

        Only of outputs that are made of fields it is known what they look at.
        """
        if self.output["kind"] not in FIELD_OUTPUTS or self.walk is not None:
            return []
        return unseen([str(entry["name"]) for entry in self.fields.entries])


FIELD_OUTPUTS = frozenset({"none", "text", "json", "table"})
"""Outputs that look at nothing but fields."""


@cache
def declared_json(names_users: bool = True) -> str:
    """The declared part, the same in every run: `"tables":…,"transitions":…,"layouts":…`."""
    tables = {
        "events": [event_row(spec) for spec in EVENTS],
        "variants": {name: [param_row(p) for p in rows] for name, rows in VARIANTS.items()},
        "conversions": CONVERSIONS,
        "symbols": {
            **SYMBOLS,
            "errno": ERRNO,
            "signals": SIGNALS,
            "capabilities": CAPABILITIES,
            "socket_types": SOCKET_TYPES,
        },
        "ppm_sc": PPM_SC,
        "natives": {
            "x86_64": [(call.nr, call.name) for call in X86_64],
            "aarch64": [(call.nr, call.name) for call in AARCH64],
        },
        "fd_types": [(row.number, row.char, row.name) for row in FD_TYPES],
        "containers": {"runtimes": RUNTIMES, "patterns": CGROUP_PATTERNS},
    }
    declared: dict[str, Any] = {
        "tables": tables,
        "transitions": transitions(),
        "layouts": layouts(),
    }
    if not names_users:
        declared = without_users(declared)
    return json.dumps(declared)[1:-1]


def without_users(declared: dict[str, Any]) -> dict[str, Any]:
    """The declarations without what gives users and groups their names."""
    blocks = [block for block in METADATA_BLOCKS if block.record != "user"]
    rows = [row for row in declared["transitions"] if row["verb"] not in USER_VERBS]
    return declared | {
        "transitions": rows,
        "layouts": declared["layouts"] | {"blocks": blocks},
    }


USER_VERBS = frozenset({"add_user", "remove_user", "add_group", "remove_group"})
"""Verbs that keep the tables of users and groups."""


def layouts() -> dict[str, Any]:
    """The metadata blocks as the engine reads them; what only writing needs is left out."""
    rows = {
        name: [
            {"name": r.name, "wire": r.wire, "since": r.since, "tail": r.tail, "default": r.default}
            for r in record
        ]
        for name, record in LAYOUTS.items()
    }
    return {"blocks": METADATA_BLOCKS, "records": rows}


def event_row(spec: EventSpec) -> dict[str, Any]:
    """An event as the engine reads it; what only Python looks at is left out."""
    return {
        "name": spec.name,
        "direction": spec.direction,
        "categories": spec.categories,
        "flags": spec.flags,
        "params": [param_row(row, CALL_SYMBOLS.get((spec.name, row.name))) for row in spec.params],
        "fd_param": spec.fd_param,
        "call": argument_positions(spec),
    }


def param_row(spec: ParamSpec, call_symbols: str | None = None) -> dict[str, Any]:
    """A parameter as the engine reads it; `call_symbols` are for a call as strace writes it."""
    return {
        "name": spec.name,
        "type": spec.type,
        "form": spec.form,
        "symbols": spec.symbols or call_symbols,
        "variants": spec.variants,
        "dirfd": spec.dirfd,
    }
