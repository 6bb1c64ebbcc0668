"""The events that the engine accepts are as many as the table says, or differ for a reason."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pyscap._engine import Session
from pyscap.filterlang.compile import compile_filter
from pyscap.plan import FieldList, Options, Plan

from .cases import Case, read_cases, read_known

pytestmark = pytest.mark.slow

KNOWN = read_known()
COUNTED = [
    case
    for case in read_cases()
    if case.events is not None and KNOWN.get(case.text, {}).get("ours") != "invalid"
]


@cache
def base_plan() -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(Plan(options=Options(internal=True)).to_json())
    return plan


def count(capture: Path, text: str, *, narrowed: bool = True) -> int:
    fields = FieldList()
    program = compile_filter(text, fields=fields).program
    if not narrowed:
        program = {**program, "event_codes": None, "calls": None}
    session = Session(json.dumps({**base_plan(), "filter": program, "fields": fields.entries}))
    session.add_bytes(capture.read_bytes())
    while session.run(1000) != "done":
        pass
    chosen = session.stats()["chosen"]
    assert isinstance(chosen, int)
    return chosen


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.text)
def test_as_many_events_match_as_listed(case: Case, curl_google: Path) -> None:
    known = KNOWN.get(case.text, {})
    expected = known.get("events", case.events)
    assert count(curl_google, case.text) == expected, known.get("reason", case.note)


@pytest.mark.parametrize("case", COUNTED[::7], ids=lambda case: case.text)
def test_event_codes_leave_out_nothing_that_matches(case: Case, curl_google: Path) -> None:
    assert count(curl_google, case.text) == count(curl_google, case.text, narrowed=False)
