"""The engine takes every pattern that the language takes."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyscap._engine import Session
from pyscap.filterlang.regex import RegexError, translate
from pyscap.plan import Plan

PIECES = st.sampled_from(
    [
        *"ab()[]{}|*+?.^$-:,09&~#\u00e9\udcff",
        "\\",
        "[:alpha:]",
        "[[:space:]]",
        "{2,3}",
        "\\x41",
        "[^",
    ]
)
PATTERNS = st.lists(PIECES, max_size=14).map("".join)
PLAN = json.loads(Plan().to_json())


def takes(patterns: list[str]) -> None:
    """The engine loads a program with these patterns, or says which is wrong."""
    check = {"op": "check", "lhs": [{"const": {"text": ""}}], "cmp": "regex", "quant": None}
    ops = [{**check, "rhs": {"const": {"text": pattern}}} for pattern in patterns]
    Session(json.dumps({**PLAN, "filter": {"ops": ops, "event_codes": None}}))


def placed(error: RegexError, pattern: str) -> None:
    assert 0 <= error.offset <= len(pattern)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(st.lists(PATTERNS, min_size=20, max_size=60))
def test_what_is_translated_is_taken(patterns: list[str]) -> None:
    good = []
    for pattern in patterns:
        try:
            good.append(translate(pattern))
        except RegexError as error:
            placed(error, pattern)
    takes(good)


def test_the_largest_patterns_are_taken() -> None:
    takes(
        [translate("(.{100}){99}"), translate("[^a]{1000}" * 9), translate("(" * 100 + ")" * 100)]
    )
