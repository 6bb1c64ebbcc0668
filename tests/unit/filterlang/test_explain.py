"""A filter in words."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.explain import explain, sentence
from pyscap.filterlang.typed import Comparison


def test_explain_tells_outline_events_and_order() -> None:
    text = "not (fd.name contains lib or proc.aname = bash) and evt.type in (open, openat)"
    assert explain(compile_filter(text)) == (
        "Accepts an event when\n"
        "  all of these hold:\n"
        "    it is not so that\n"
        "      any of these hold:\n"
        "        fd.name contains lib\n"
        "        proc.aname of some ancestor is bash\n"
        "    evt.type is one of (open, openat)\n"
        "\n"
        "Event types that can match (4): asyncevent, open, openat, syscall\n"
        "\n"
        "Evaluated in this order, until the answer is known (relative cost):\n"
        "   1. [ 2] evt.type in (open, openat)\n"
        "   2. [ 6] fd.name contains lib\n"
        "   3. [11] proc.aname = bash"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fd.ip != 1.2.3.4", "fd.ip of both ends is there and is not 1.2.3.4"),
        ("fd.net in (10.0.0.0/8)", "fd.net of either end lies in one of (10.0.0.0/8)"),
        ("proc.name = val(proc.pname)", "proc.name is the event's proc.pname"),
        ("proc.name in val(proc.pname)", "proc.name is the event's proc.pname"),
        ("fd.types in (file)", "fd.types has no other items than (file)"),
        ("fd.types intersects (file)", "fd.types has one of the items (file)"),
        ("fd.name contains allof (a, b)", "fd.name contains every one of (a, b)"),
        ("fd.name exists", "fd.name has a value"),
        ("evt.num <= 5", "evt.num is at most 5"),
    ],
)
def test_a_comparison_is_a_sentence(text: str, words: str) -> None:
    condition = compile_filter(text).condition
    assert isinstance(condition, Comparison)
    assert sentence(condition) == words


def test_long_lists_are_cut() -> None:
    values = ", ".join(map(str, range(100)))
    assert "11, and 88 more)" in explain(compile_filter(f"proc.pid in ({values})"))


def test_all_and_no_events() -> None:
    assert "can match: all" in explain(compile_filter("proc.name = a"))
    assert "can match: none" in explain(compile_filter("evt.dir = > and evt.rawres < 0"))
