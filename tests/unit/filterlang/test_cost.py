"""What comes first."""

from __future__ import annotations

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.cost import cost, order
from pyscap.filterlang.typed import All, Comparison


def parts(text: str) -> list[str]:
    condition = compile_filter(text).condition
    assert isinstance(condition, All)
    found = order(condition.parts)
    return [str(part.source) if isinstance(part, Comparison) else "group" for part in found]


def test_the_header_comes_before_texts_that_are_made() -> None:
    assert parts("evt.args contains a and proc.name = b and evt.type = open") == [
        "evt.type = open",
        "proc.name = b",
        "evt.args contains a",
    ]


def test_equals_keep_their_order() -> None:
    assert parts("proc.name = b and proc.exe = a") == ["proc.name = b", "proc.exe = a"]


def test_a_field_that_counts_keeps_everything_in_place() -> None:
    text = "evt.args contains a and util.cnt > 1"
    assert parts(text) == text.split(" and ")


def test_functions_and_groups_cost_their_parts() -> None:
    plain = cost(compile_filter("proc.name = a").condition)
    assert cost(compile_filter("tolower(proc.name) = a").condition) > plain
    assert cost(compile_filter("not proc.name = a").condition) == plain
    assert cost(compile_filter("proc.name = a or proc.name = b").condition) == 2 * plain
