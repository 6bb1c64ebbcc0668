"""The engine accepts the events that the slow reference accepts, for random filters."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import captures
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyscap._engine import Session
from pyscap.filterlang.ast import (
    And,
    Array,
    Call,
    Check,
    Field,
    Node,
    Not,
    Number,
    Or,
    Text,
    Val,
    Values,
)
from pyscap.filterlang.check import type_of
from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.reference import Ancestors, Ends, Value, accepts
from pyscap.model.fields import FieldRef, resolve
from pyscap.plan import FieldList, Options, Plan

NAMES = (
    "evt.num", "evt.type", "evt.dir", "evt.cpu", "evt.failed", "evt.rawres", "evt.res",
    "evt.arg.res", "evt.rawarg.res", "evt.is_io", "proc.name", "proc.pid", "proc.cmdline",
    "proc.aname", "proc.aname[1]", "proc.apid", "proc.fdusage", "user.uid", "fd.num", "fd.name",
    "fd.type", "fd.types", "fd.ip", "fd.port", "fd.net", "fd.sip", "fd.snet", "fd.sport",
    "evt.arg.name", "evt.arg[0]", "fs.path.name",
)  # fmt: skip
REFS = {name: resolve(name) for name in NAMES}
TEXTS = [name for name, ref in REFS.items() if type_of(ref).family == "text"]
SINGLE_TEXTS = [
    name for name in TEXTS if not REFS[name].spec.is_list and REFS[name].spec.multi is None
]
NUMBERS = [name for name, ref in REFS.items() if type_of(ref).family in ("int", "uint")]


def run(capture: bytes, fields: FieldList, wanted: list[int], program: object) -> list[list[Any]]:
    output = {"kind": "rows", "fields": wanted, "max_rows": 100_000}
    plan = json.loads(Plan(fields, None, output=output, options=Options(internal=True)).to_json())
    session = Session(json.dumps({**plan, "filter": program}))
    session.add_bytes(capture)
    while session.run(1000) == "more":
        pass
    rows: list[list[Any]] = json.loads(session.result() or "{}")["rows"]
    return rows


def value_of(ref: FieldRef, found: Any) -> Value | None:
    if found is None:
        return None
    if type_of(ref).family in ("ip", "net"):
        found = (
            [ip_address(item) for item in found] if isinstance(found, list) else ip_address(found)
        )
    if not isinstance(found, list) or ref.spec.is_list:
        return found  # type: ignore[no-any-return]
    return Ends(tuple(found)) if ref.spec.multi == "ends" else Ancestors(tuple(found))


SMALL = captures.small()


@cache
def events(data: bytes) -> list[dict[FieldRef, Value | None]]:
    """Every event of the capture with the values of all fields."""
    fields = FieldList()
    wanted = [
        fields.add(replace(ref, each=True) if ref.has_several else ref) for ref in REFS.values()
    ]
    rows = run(data, fields, wanted, None)
    refs = list(REFS.values())
    return [
        {ref: value_of(ref, found) for ref, found in zip(refs, row, strict=True)} for row in rows
    ]


@cache
def pool(name: str) -> list[str]:
    """Values of a field in the capture, as they are written in a filter."""
    found = set()
    for event in events(SMALL):
        value = event[REFS[name]]
        several = value.values if isinstance(value, Ends | Ancestors) else value
        for item in several if isinstance(several, list | tuple) else [several]:
            if item is not None:
                found.add(
                    {True: "true", False: "false"}.get(item, str(item))
                    if isinstance(item, bool)
                    else str(item)
                )
    return sorted(found)


def constants(name: str) -> st.SearchStrategy[str]:
    family = type_of(REFS[name]).family
    other = {
        "text": st.text("abc/<>*.", max_size=4),
        "bool": st.sampled_from(["true", "false"]),
        "double": st.sampled_from(["0", "12.5"]),
        "ip": st.sampled_from(["10.0.0.5", "::1", "0.0.0.0"]),
        "net": st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "::/1", "10.0.0.5/32"]),
        "port": st.sampled_from(["443", "http", "0"]),
    }.get(family, st.integers(0, 110).map(str))
    seen = [text for text in pool(name) if family != "net"]
    return st.sampled_from(seen) | other if seen else other


def part(text: str) -> st.SearchStrategy[str]:
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    return ends.map(lambda pair: text[pair[0] : pair[1]])


def patterns(name: str) -> st.SearchStrategy[str]:
    holes = st.lists(st.sampled_from(["*", "?", "[a-z]", "[!b]", ""]), min_size=1, max_size=2)
    return st.builds(
        lambda text, hole: hole[0].join([text[:2], text[-2:]]) + hole[-1], constants(name), holes
    )


REGEXES = st.sampled_from([".*", "[[:alpha:]]+", "c(a|u).*", "/.*/.*", "b?ash|cat", "[^/]*", ""])


@st.composite
def checks(draw: st.DrawFn) -> Check:
    name = draw(st.sampled_from(NAMES))
    field, family = Field(name), type_of(REFS[name]).family
    some = st.lists(constants(name).map(Text), max_size=3).map(tuple).map(Values)
    kind = draw(st.integers(0, 7))
    quant = draw(st.sampled_from(["oneof", "anyof", "allof"]))
    if kind == 0:
        return Check(field, "exists")
    if kind == 1 or REFS[name].spec.is_list:
        return Check(field, draw(st.sampled_from(["in", "intersects"])), draw(some))
    if kind == 2:
        return Check(field, draw(st.sampled_from(["=", "!="])), draw(some), quant)
    if family == "text" and kind == 3:
        operator = draw(st.sampled_from(["contains", "icontains", "startswith", "endswith"]))
        return Check(field, operator, Text(draw(constants(name).flatmap(part))))
    if family == "text" and kind == 4:
        operator = draw(st.sampled_from(["glob", "iglob", "regex"]))
        return Check(
            field, operator, Text(draw(REGEXES if operator == "regex" else patterns(name)))
        )
    if family == "text" and kind == 5:
        return Check(field, "pmatch", draw(some))
    if kind == 6 and family in ("int", "uint", "port", "text"):
        operator = draw(st.sampled_from(["<", "<=", ">", ">="]))
        return Check(field, operator, Number(str(draw(st.integers(0, 500)))))
    return Check(field, draw(st.sampled_from(["=", "!="])), Text(draw(constants(name))))


@st.composite
def calls(draw: st.DrawFn) -> Check:
    text = Field(draw(st.sampled_from(SINGLE_TEXTS)))
    other = Field(draw(st.sampled_from(SINGLE_TEXTS)))
    number = Field(draw(st.sampled_from(NUMBERS[:3])))
    call = draw(
        st.sampled_from(
            [
                Call("tolower", (text,)),
                Call("toupper", (text,)),
                Call("basename", (text,)),
                Call("concat", (text, Text("-"), other)),
                Call("join", (Text(","), Array((text, other, number)))),
                Call("b64", (text,)),
            ]
        )
    )
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return Check(Call("len", (call,)), "<", Number(str(draw(st.integers(0, 30)))))
    if kind == 1:
        return Check(call, draw(st.sampled_from(["=", "!=", "startswith"])), Val(other))
    if kind == 2:
        return Check(text, draw(st.sampled_from(["=", "!=", "contains", "glob"])), call)
    return Check(call, "contains", Text(draw(constants(other.text).flatmap(part))))


def groups(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


def compared(tree: Node, data: bytes) -> bool:
    """Hold the engine against the reference; False when the tree is no valid filter."""
    fields = FieldList()
    text = str(tree)
    try:
        compiled = compile_filter(text, fields=fields)
    except FilterError:
        return False
    number = fields.add(REFS["evt.num"])
    found = [row[0] for row in run(data, fields, [number], compiled.program)]
    expected = [
        event[REFS["evt.num"]]
        for event in events(data)
        if accepts(compiled.condition, event.__getitem__)
    ]
    assert found == expected, text
    return True


FILTERS = st.recursive(st.deferred(checks) | st.deferred(calls), groups, max_leaves=5)


@pytest.mark.timeout(900)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(FILTERS)
def test_engine_and_reference_agree(tree: Node) -> None:
    compared(tree, SMALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(tree=FILTERS)
def test_engine_and_reference_agree_on_real_events(curl_google: Path, tree: Node) -> None:
    compared(tree, curl_google.read_bytes())
