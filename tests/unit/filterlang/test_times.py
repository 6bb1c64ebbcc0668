"""When the events that a filter accepts can have happened."""

import pytest

from pyscap.filterlang.compile import compile_filter

LAST = (1 << 64) - 1


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("evt.rawtime = 7", (7, 7)),
        ("evt.rawtime < 7", (0, 6)),
        ("evt.rawtime <= 7", (0, 7)),
        ("evt.rawtime > 7", (8, LAST)),
        ("evt.rawtime >= 7 and evt.rawtime < 9 and proc.name = a", (7, 8)),
        ("(evt.rawtime = 7 or evt.rawtime = 20) and evt.rawtime <= 30", (7, 20)),
        ("evt.rawtime = 7 or (evt.rawtime > 9 and evt.rawtime < 5)", (7, 7)),
        ("evt.rawtime = 7 or proc.name = a", None),
        ("not evt.rawtime < 7", None),
        ("evt.rawtime != 7", None),
        ("evt.rawtime in (7, 9)", None),
        ("proc.name = a", None),
    ],
)
def test_the_span_is_what_the_comparisons_leave(text: str, span: tuple[int, int] | None) -> None:
    assert compile_filter(text).program["span_ns"] == span


def test_a_contradiction_leaves_no_time() -> None:
    for text in ("evt.rawtime < 0", "evt.rawtime > 9 and evt.rawtime < 5"):
        first, last = compile_filter(text).program["span_ns"]
        assert first > last
