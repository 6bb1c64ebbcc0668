"""The op program, and that the engine knows its words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pyscap._engine import EngineError, Session, vocabulary
from pyscap.filterlang import lower
from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.plan import FieldList, Plan

from .cases import read_cases


def ops_of(text: str) -> list[dict[str, Any]]:
    ops: list[dict[str, Any]] = compile_filter(text).program["ops"]
    return ops


def check(field: int, cmp: str, rhs: object, quant: str | None = None) -> dict[str, Any]:
    return {"op": "check", "lhs": [{"field": field}], "cmp": cmp, "rhs": rhs, "quant": quant}


def test_the_engine_knows_the_declared_words() -> None:
    words = vocabulary()
    assert set(words["filter.cmp"]) == set(lower.COMPARISONS.values())
    assert set(words["filter.quant"]) == set(lower.QUANTIFIERS)
    assert set(words["filter.fn"]) == set(lower.CALLS)


def signature(program: dict[str, Any]) -> str:
    """What a program is made of: its words, without names and values."""
    text = json.dumps(program)
    words = re.findall(r'"(?:op|cmp|fn|quant)": "\w+"|"(?:set|expr|array|text|[iuf]64|net)":', text)
    return " ".join(sorted(set(words)))


@pytest.mark.slow
def test_the_engine_takes_every_kind_of_program() -> None:
    plan = json.loads(Plan().to_json())
    known = set(vocabulary()["fields"])
    seen: set[str] = set()
    for case in read_cases():
        fields = FieldList()
        try:
            program = compile_filter(case.text, fields=fields).program
        except FilterError:
            continue
        used = {str(entry["name"]) for entry in fields.entries}
        if signature(program) not in seen and used <= known:
            seen.add(signature(program))
            Session(json.dumps({**plan, "filter": program, "fields": fields.entries}))
    assert len(seen) > 60


@pytest.mark.parametrize("word", ["like", "bcontains", ""])
def test_the_engine_refuses_other_words(word: str) -> None:
    plan = json.loads(Plan().to_json())
    ops = [{"op": "check", "lhs": [], "cmp": word, "rhs": None, "quant": None}]
    with pytest.raises(EngineError):
        Session(json.dumps({**plan, "filter": {"ops": ops, "event_codes": None}}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("proc.name = curl", {"text": "curl"}),
        ('proc.name = "a\\xff"', {"raw": "Yf8="}),
        ("proc.pid = -1", {"i64": -1}),
        ("proc.pid = 0x10", {"i64": 16}),
        ("evt.num = 5", {"u64": 5}),
        ("user.uid = -1", {"u64": 4294967295}),
        ("proc.fdusage = 5.5", {"f64": 5.5}),
        ("evt.failed = true", {"bool": True}),
        ("fd.sip = 2001:db8:0::1", {"ip": "2001:db8::1"}),
        ("fd.net = 10.1.2.3/8", {"net": "10.1.2.3/8"}),
        ("fd.port = http", {"u64": 80}),
        ('fd.port = ""', {"u64": 0}),
        ("evt.buffer = GET", {"bytes": "R0VU"}),
    ],
)
def test_constants_have_the_type_of_the_field(text: str, value: dict[str, object]) -> None:
    assert ops_of(text) == [check(0, "ne" if "!=" in text else "eq", {"const": value})]


def test_byte_operators_become_those_of_texts() -> None:
    assert ops_of("evt.buffer bcontains 474554") == [
        check(0, "contains", {"const": {"bytes": "R0VU"}})
    ]


def test_and_jumps_to_its_end_when_false() -> None:
    first, jump, second = ops_of("proc.name = a and fd.name = b")
    assert (first["lhs"], second["lhs"]) == ([{"field": 0}], [{"field": 1}])
    assert jump == {"op": "jump_if_false", "to": 3}


def test_not_turns_a_group_over() -> None:
    ops = ops_of("not (proc.name = a or proc.name = b)")
    assert [op["op"] for op in ops] == ["check", "jump_if_true", "check", "not"]
    assert ops[1]["to"] == 3


def test_cheap_comparisons_come_first() -> None:
    ops = ops_of("evt.arg.name contains x and evt.type = open")
    assert ops[0]["cmp"] == "eq"


def test_order_is_kept_where_a_field_counts() -> None:
    ops = ops_of("evt.arg.name contains x and util.cnt > 5")
    assert ops[0]["cmp"] == "contains"


def test_anyof_of_equals_is_a_set() -> None:
    assert ops_of("proc.name = anyof (a, b)") == ops_of("proc.name in (a, b)")
    assert ops_of("proc.name != anyof (a)")[0]["quant"] == "anyof"


def test_in_wants_all_of_a_list_and_one_of_other_fields() -> None:
    assert ops_of("fd.types in (file)")[0]["cmp"] == "in"
    assert ops_of("fd.ip in (1.2.3.4)")[0]["cmp"] == "intersects"
    assert ops_of("proc.aname in (a)")[0]["cmp"] == "intersects"


def test_functions_are_steps_in_postfix_order() -> None:
    (op,) = ops_of('join("-", (tolower(proc.name), 0x6)) = x')
    assert op["lhs"] == [
        {"const": {"text": "-"}},
        {"field": 0},
        {"call": {"fn": "tolower", "args": 1, "index": None}},
        {"const": {"text": "0x6"}},
        {"array": 2},
        {"call": {"fn": "join", "args": 2, "index": None}},
    ]


def test_getopt_carries_its_option() -> None:
    (op,) = ops_of('getopt(("-t", "v"), "t:")[t] = v')
    assert op["lhs"][-1] == {"call": {"fn": "getopt", "args": 2, "index": "t"}}


def test_around_is_a_range_of_times() -> None:
    low, jump, high = ops_of("evt.around[5000000] = 1")
    assert low == check(0, "ge", {"const": {"u64": 4000000}})
    assert jump == {"op": "jump_if_false", "to": 3}
    assert high == check(0, "le", {"const": {"u64": 6000000}})


def test_a_field_is_listed_once() -> None:
    compiled = compile_filter("proc.name = a or proc.name = b or proc.name = val(proc.pname)")
    assert [ref.name for ref in compiled.fields] == ["proc.name", "proc.pname"]


def test_ancestors_are_wanted_one_by_one() -> None:
    fields = FieldList()
    compile_filter("proc.aname = a and proc.aname[1] = b", fields=fields)
    assert sorted(str(entry["form"]) for entry in fields.entries) == ["EACH", "TEXT"]
