"""The field catalogue and the ways to name a field."""

from __future__ import annotations

import pytest

from pyscap._engine import vocabulary
from pyscap.model.fields import (
    CATALOGUE,
    CLASSES,
    EVENT_NAMES,
    EVENT_PARAM_NAMES,
    FIELDS,
    FieldError,
    class_of,
    match_prefix,
    resolve,
    suggest,
)

TYPES = {"CHARBUF", "BYTEBUF", "BOOL", "DOUBLE", "RELTIME", "ABSTIME", "PORT", "IPADDR", "IPNET"}
TYPES |= {"UINT32", "UINT64", "INT16", "INT32", "INT64", "DYNAMIC"}
FLAGS = {"filter_only", "print_only", "table_only", "deprecated"}
FLAGS |= {"no_transformer", "no_field_comparison"}


def test_catalogue_declares_every_field_once() -> None:
    rows = [row.name for fields in CATALOGUE.values() for row in fields]
    assert len(rows) == len(set(rows)) == len(FIELDS) == 366
    assert list(CATALOGUE) == list(CLASSES)


@pytest.mark.parametrize("name", FIELDS)
def test_row_uses_declared_words(name: str) -> None:
    row = FIELDS[name]
    assert row.type in TYPES
    assert set(filter(None, row.flags.split("|"))) <= FLAGS
    assert set(row.arg_kinds) <= {"index", "key", "name"}
    assert row.arg_kinds or not row.arg_required
    assert row.description.endswith(".")
    assert row.multi in (None, "ends", "names", "any")
    assert row.since in ("0.29", "0.41", "libs 0.25", "plugin", "pyscap")


def test_no_field_of_a_dead_orchestrator_is_declared() -> None:
    assert not [name for name in FIELDS if name.startswith(("mesos.", "marathon."))]


@pytest.mark.parametrize(
    ("text", "name", "entry"),
    [
        ("proc.name", "proc.name", {"name": "proc.name", "arg": None}),
        ("proc.aname[1]", "proc.aname[1]", {"name": "proc.aname", "arg": {"index": 1}}),
        ("proc.aname['1']", "proc.aname[1]", {"name": "proc.aname", "arg": {"index": 1}}),
        ("proc.aname[-1]", "proc.aname", {"name": "proc.aname", "arg": None}),
        ('proc.env["A B"]', 'proc.env["A B"]', {"name": "proc.env", "arg": {"key": "A B"}}),
        ("proc.env['A\"B']", "proc.env['A\"B']", {"name": "proc.env", "arg": {"key": 'A"B'}}),
        ("proc.aenv[2]", "proc.aenv[2]", {"name": "proc.aenv", "arg": {"index": 2}}),
        ("evt.arg.fd", "evt.arg.fd", {"name": "evt.arg", "arg": {"name": "fd"}}),
        ("evt.arg[0]", "evt.arg[0]", {"name": "evt.arg", "arg": {"index": 0}}),
        ("evt.type.is.open", "evt.type.is.open", {"name": "evt.type.is", "arg": {"name": "open"}}),
        ("evt.time.s", "evt.time.s", {"name": "evt.time.s", "arg": None}),
        (
            "container.label.a",
            "container.label[a]",
            {"name": "container.label", "arg": {"key": "a"}},
        ),
        (
            "evt.around[1480527348514632619]",
            "evt.around[1480527348514632619]",
            {"name": "evt.around", "arg": {"index": 1480527348514632619}},
        ),
    ],
)
def test_resolve_finds_field_and_argument(text: str, name: str, entry: dict[str, object]) -> None:
    ref = resolve(text)
    assert ref.name == name
    assert ref.entry() == {**entry, "form": ref.spec.form}
    assert resolve(ref.name) == ref


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("proc.nmae", "there is no field called proc.nmae", "proc.name"),
        ("proc.names", "there is no field called proc.names", "proc.name"),
        ("proc.name[1]", "proc.name takes no argument", "proc.name"),
        ("evt.arg", "evt.arg needs an argument", "evt.arg.res"),
        ("evt.arg.falgs", "there is no event parameter called falgs", "evt.arg.flags"),
        (
            "evt.rawarg[0]",
            "evt.rawarg takes its argument after a dot, not in brackets",
            "evt.rawarg.res",
        ),
        ("evt.type.is.opne", "there is no event called opne", "evt.type.is.open"),
        ("evt.abspath.foo", "evt.abspath takes src or dst, not foo", None),
        ("proc.aname[x]", "the argument of proc.aname is a number, not 'x'", "proc.aname[0]"),
        (
            "thread.cgroup[cpu]",
            "thread.cgroup takes its argument after a dot, not in brackets",
            "thread.cgroup.NAME",
        ),
        (
            "span.id",
            "span.id belongs to user-defined tracing spans, which no current kernel driver records",
            None,
        ),
        ("proc.args[99999999999999]", "the index of proc.args is out of range", None),
    ],
)
def test_resolve_refuses_with_a_cause(text: str, message: str, suggestion: str | None) -> None:
    with pytest.raises(FieldError) as caught:
        resolve(text)
    assert caught.value.message == message
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "name", "taken"),
    [
        ("proc.name)", "proc.name", 9),
        ("proc.nameless", "proc.name", 9),
        ("evt.time.s ", "evt.time.s", 10),
        ("evt.timely", "evt.time", 8),
        ("evt.arg.fdx", "evt.arg.fd", 10),
        ("proc.aname[2]:", "proc.aname[2]", 13),
        ("proc.name[2]", "proc.name", 9),
        ("thread.cgroup.cpu_acct/", "thread.cgroup.cpu_acct", 22),
    ],
)
def test_match_prefix_takes_the_longest_field(text: str, name: str, taken: int) -> None:
    ref, length = match_prefix(text)
    assert (ref.name, length) == (name, taken)


def test_match_prefix_refuses_what_begins_with_no_field() -> None:
    with pytest.raises(FieldError, match=r"there is no field called proc\.nmae"):
        match_prefix("proc.nmae)")


def test_names_come_from_the_event_table() -> None:
    assert {"fd", "name", "res", "tuple"} <= EVENT_PARAM_NAMES
    assert {"openat", "switch", "getuid", "procexit", "container"} <= EVENT_NAMES
    assert "<NA>" not in EVENT_NAMES


def test_suggest_offers_only_usable_fields() -> None:
    assert suggest("proc.cmdlin") == "proc.cmdline"
    assert suggest("k8smeta.svc.name") != "k8smeta.svc.name"
    assert suggest("zzz") is None


def test_the_engine_computes_only_declared_fields() -> None:
    assert set(vocabulary()["fields"]) <= set(FIELDS)


def test_the_engine_computes_every_usable_field() -> None:
    usable = {row.name for row in FIELDS.values() if row.gone is None}
    lowered = {"evt.around"}
    missing = usable - lowered - set(vocabulary()["fields"])
    assert missing == set()


def test_class_of_knows_the_listing_class() -> None:
    assert class_of("thread.tid") == "process"
    assert class_of("fs.path.name") == "fs.path"
