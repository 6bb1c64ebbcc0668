"""One call from text to program."""

from __future__ import annotations

import json
import time

import pytest

from pyscap.filterlang.compile import compile_filter, join_words
from pyscap.model.fields import resolve
from pyscap.plan import FieldList


def test_a_program_refers_to_the_list_of_the_plan() -> None:
    fields = FieldList()
    fields.add(resolve("evt.num"))
    compiled = compile_filter("proc.name = a and evt.num > 5", fields=fields)
    used = {step["field"] for op in compiled.program["ops"] if "lhs" in op for step in op["lhs"]}
    assert used == {0, 1}
    assert [ref.name for ref in compiled.fields] == ["evt.num", "proc.name"]


def test_a_program_is_pure_data() -> None:
    program = compile_filter("fd.ip in (1.2.3.4) and evt.type = open").program
    assert json.loads(json.dumps(program)) == program


def test_a_filter_that_nests_to_the_limit_compiles() -> None:
    text = "not(evt.num = 1 or " * 127 + "proc.name = a" + ")" * 127
    assert compile_filter(text).ast == compile_filter(str(compile_filter(text).ast)).ast


@pytest.mark.slow
def test_a_list_of_100_000_values_compiles() -> None:
    start = time.monotonic()
    names = ", ".join(f"name{number}" for number in range(100_000))
    ops = compile_filter(f"proc.name in ({names})").program["ops"]
    assert len(ops[0]["rhs"]["set"]) == 100_000
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("words", "text", "split"),
    [
        (["proc.name=a"], "proc.name=a", False),
        (["proc.name", "=", "a"], "proc.name = a", False),
        (["proc.name", "=", "a b"], "proc.name = a b", True),
        (["proc.name", "=", ""], "proc.name = ", True),
        (["proc.name = 'a b'"], "proc.name = 'a b'", False),
    ],
)
def test_join_words_sees_what_the_shell_took(words: list[str], text: str, split: bool) -> None:
    assert join_words(words) == (text, split)
