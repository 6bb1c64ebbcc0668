"""Write `src/pyscap/model/{events,conversions,syscalls}.py` and `model/symbols/tables.py` from the specification.

In:  a folder with `events.json`, `flags.json`, `syscalls.json`.
Out: Python declarations; they, not the JSON, are the one source the program uses.
Run once per schema: `python tools/generate_model.py SPEC_DIR`; then `make fmt`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "src" / "pyscap" / "model"
Json = dict[str, Any]


def strip(prefix: str, names: list[str]) -> str:
    """Join constant names without their common prefix, as the declarations spell them."""
    return "|".join(name.removeprefix(prefix) for name in names)


def param_row(param: Json) -> str:
    """One `param(...)` call; defaults (decimal, no table) are left out."""
    words = [repr(param["name"]), repr(param["type"].removeprefix("PT_"))]
    form = param["format"].removeprefix("PF_")
    if (param["name"], param["type"]) == ("timeout", "PT_INT64"):
        form = "C_INT"  # a C int whose 32 bits stand in 64
    if form != "DEC":
        words.append(f"form={form!r}")
    if param["flag_table"]:
        words.append(f"symbols={param['flag_table']!r}")
    if param["dynamic"]:
        words.append(f"variants={param['dynamic']!r}")
    if param.get("dirfd_param") is not None:
        words.append(f"dirfd={param['dirfd_param']}")
    return f"param({', '.join(words)})"


def older_counts(event: Json) -> dict[str, int | None]:
    """Parameter counts of older schemas where they differ; None where the code is absent."""
    counts: dict[str, int | None] = {}
    for schema, change in event["since"].items():
        if change.get("absent"):
            counts[schema] = None
        elif "nparams" in change:
            counts[schema] = change["nparams"]
    return counts


def event_row(event: Json) -> str:
    """One `event(...)` call of the table."""
    arrow = ">" if event["direction"] == "enter" else "<"
    head = [
        str(event["code"]),
        repr(event["const"].removeprefix("PPME_")),
        repr(event["name"]),
        repr(arrow),
        repr(strip("EC_", event["categories"])),
        repr(strip("EF_", event["flags"])),
    ]
    rows = [param_row(param) for param in event["params"]]
    tail = []
    if event.get("fd_param") is not None:
        tail.append(f"fd_param={event['fd_param']}")
    if older_counts(event):
        tail.append(f"older={older_counts(event)!r}")
    return f"    event({', '.join(head + rows + tail)}),"


def variant_rows(variants: Json) -> list[str]:
    """The dynamic (typed union) tables."""
    rows = []
    for name, members in variants.items():
        inner = ", ".join(param_row({"name": "", "dynamic": None, **member}) for member in members)
        rows.append(f"    {name!r}: ({inner},),")
    return rows


EVENTS_HEAD = '''"""Every event code of the format, in order: what each parameter is called and how it is encoded.

In:  nothing. Out: `EVENTS`, `VARIANTS`. Next: `pyscap.plan` hands them to the engine.
Source: event table of the scap format, schema 4.5.1; `older` gives the parameter counts of
earlier schemas where they differ (None: the code did not exist).
"""

from __future__ import annotations

from pyscap.model.specs import EventSpec, ParamSpec, event, param

'''


def write_events(spec: Json) -> None:
    lines = [EVENTS_HEAD, "EVENTS: tuple[EventSpec, ...] = ("]
    lines += [event_row(event) for event in spec["events"]]
    lines += [")", '"""All event codes; the position is the code."""', ""]
    lines += ["VARIANTS: dict[str, tuple[ParamSpec, ...]] = {"]
    lines += variant_rows(spec["dynamic_variants"])
    lines += [
        "}",
        '"""Members of the typed unions, by the index that the first byte of the value carries."""',
    ]
    (OUT / "events.py").write_text("\n".join(lines) + "\n")


def fill_word(fill: Json) -> str:
    """The short spelling of one fill, see `model/conversions.py`."""
    source = fill["src"]
    if source == "old":
        return f"P{fill['param']}"
    if source == "enter":
        return f"E{fill['param']}{'e' if fill.get('if_missing') == 'empty' else 'd'}"
    return {"default": "D", "empty": "-", "callback": "CB"}[source]


CONVERSIONS_HEAD = '''"""How events of older schemas become events of the current one.

In:  nothing. Out: `CONVERSIONS`. Next: `pyscap.plan`, then the engine's `convert`.
A row is (code, parameter count, action, new code or -1, fills). Actions: `store` keeps an enter
event for its exit and shows nothing, `pass` delivers it as it is, `store_and_pass` does both,
`add` appends the fills, `change` makes an event of the new code from the fills alone.
Fills: `Pn` own parameter n; `Ed`/`Ee` with a number, as `E1d`: parameter 1 of the stored enter
event, or the type's zero (`d`) or nothing (`e`) when none is stored; `D` the type's zero;
`-` nothing; `CB` computed.
Source: conversion table of the scap format, schema 4.5.1.
"""

from __future__ import annotations

from typing import NamedTuple


class Conversion(NamedTuple):
    """One row: what to do with (code, count)."""

    code: int
    nparams: int
    action: str
    to_code: int
    fills: str


C = Conversion

'''


def write_conversions(spec: Json) -> None:
    names = {"add_params": "add", "change_type": "change"}
    lines = [CONVERSIONS_HEAD, "CONVERSIONS: tuple[Conversion, ...] = ("]
    for event in spec["events"]:
        for row in event.get("conversions", []):
            action = names.get(row["action"], row["action"])
            fills = " ".join(fill_word(fill) for fill in row.get("fill", []))
            to_code = row.get("to_code", -1)
            lines.append(
                f"    C({event['code']}, {row['from_nparams']}, {action!r}, {to_code}, {fills!r}),"
            )
    lines += [")", '"""Rows in code order."""']
    (OUT / "conversions.py").write_text("\n".join(lines) + "\n")


SYMBOLS_HEAD = '''"""Flag and enumeration names, by table.

In:  nothing. Out: `SYMBOLS`. Next: `pyscap.plan`; parameters name their table in `model/events.py`.
The order of a table is the order in which names are printed. The values are those the events
carry, which are mostly not the kernel's.
Source: flag tables of the scap format, schema 4.5.1.
"""

from __future__ import annotations

'''


def write_symbols(spec: Json) -> None:
    lines = [SYMBOLS_HEAD, "SYMBOLS: dict[str, tuple[tuple[str, int], ...]] = {"]
    for name, table in spec["tables"].items():
        rows = ", ".join(f"({symbol!r}, {value})" for symbol, value in table["values"])
        lines.append(f"    {name!r}: ({rows},),")
    lines += ["}", '"""Tables by name, rows in printing order."""']
    (OUT / "symbols" / "tables.py").write_text("\n".join(lines) + "\n")


SYSCALLS_HEAD = '''"""System calls: native numbers of x86_64 and aarch64, the format's own codes, and their events.

In:  nothing. Out: `SYSCALLS`, `PPM_SC`, `IA32_TO_X86_64`. Next: `pyscap.plan` for
names, `pyscap.probe` for dispatch.
Source: syscall tables of Linux and the scap format, schema 4.5.1.
"""

from __future__ import annotations

from typing import NamedTuple


class SyscallSpec(NamedTuple):
    """One native system call."""

    nr: int
    """Native number on its architecture."""
    name: str
    ppm_sc: int
    """The format's code; 0 when it has none."""
    exit_code: int
    """Event written at exit; 1 (generic) when the call has no event of its own."""
    flags: str
    """Property names without their prefix, joined by `|`."""


S = SyscallSpec

'''


def syscall_rows(rows: list[Json]) -> list[str]:
    return [
        f"    S({r['nr']}, {r['name']!r}, {r['ppm_sc']}, {r['exit'] if not r['generic'] else 1}, "
        f"{strip('UF_', r['flags'])!r}),"
        for r in rows
    ]


def write_syscalls(spec: Json) -> None:
    lines = [
        SYSCALLS_HEAD,
        "X86_64: tuple[SyscallSpec, ...] = (",
        *syscall_rows(spec["x86_64"]),
        ")",
    ]
    lines += ["", "AARCH64: tuple[SyscallSpec, ...] = (", *syscall_rows(spec["aarch64"]), ")", ""]
    lines += ["PPM_SC: tuple[str, ...] = ("]
    lines += [f"    {row['name']!r}," for row in spec["ppm_sc"]]
    lines += [")", '"""Names by the format\'s own code."""', ""]
    lines += ["IA32_TO_X86_64: dict[int, int] = {"]
    lines += [f"    {row['ia32_nr']}: {row['x86_64_nr']}," for row in spec["ia32_to_x86_64"]]
    lines += ["}", '"""Native numbers of 32-bit callers and the 64-bit call that does the same."""']
    (OUT / "syscalls.py").write_text("\n".join(lines) + "\n")


def main(folder: Path) -> None:
    events = json.loads((folder / "events.json").read_text())
    write_events(events)
    write_conversions(events)
    write_symbols(json.loads((folder / "flags.json").read_text()))
    write_syscalls(json.loads((folder / "syscalls.json").read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
