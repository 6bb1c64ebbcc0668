"""Every filter of the table is decided as listed, or differs for a stated reason."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.parser import parse

from .cases import Case, read_cases, read_known

CASES = read_cases()
KNOWN = read_known()


def check_error(error: FilterError) -> None:
    assert error.message
    assert 0 <= error.span.start <= error.span.end <= len(error.text)
    assert error.render().count("\n") >= 2


def decide(text: str) -> str:
    try:
        compile_filter(text)
    except FilterError as error:
        check_error(error)
        return "invalid"
    return "valid"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_filter_is_decided_as_listed(case: Case) -> None:
    known = KNOWN.get(case.text, {})
    assert decide(case.text) == known.get("ours", case.expected), known.get("reason", case.note)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_tree_reads_back(case: Case) -> None:
    try:
        tree = parse(case.text)
    except FilterError:
        return
    assert parse(str(tree)) == tree


def test_every_known_difference_is_one() -> None:
    expected = {case.text: case for case in CASES}
    unused = [
        text
        for text, row in KNOWN.items()
        if text not in expected
        or (row.get("ours") == expected[text].expected and "events" not in row)
        or ("events" in row and row["events"] == expected[text].events)
    ]
    assert unused == []
    assert all(row["reason"] for row in KNOWN.values())
