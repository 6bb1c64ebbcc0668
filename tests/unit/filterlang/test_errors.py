"""Lines, columns and carets."""

from __future__ import annotations

import pytest

from pyscap.filterlang.errors import FilterError, FilterWarning, Span, point, position


@pytest.mark.parametrize(
    ("offset", "place"), [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (4, (3, 1)), (6, (3, 3))]
)
def test_position_counts_cr_and_lf(offset: int, place: tuple[int, int]) -> None:
    assert position("ab\n\rcd", offset) == place


def test_point_puts_carets_under_the_span() -> None:
    assert point("a and\nfoo bar", Span(10, 13)) == "  foo bar\n      ^^^"


def test_point_has_one_caret_for_a_place_without_width() -> None:
    assert point("abc", Span(3, 3)) == "  abc\n     ^"


def test_point_cuts_long_lines() -> None:
    line, carets = point("x" * 500 + "ERR" + "y" * 500, Span(500, 503)).split("\n")
    assert len(line) <= 74
    assert line[carets.index("^") : carets.index("^") + 3] == "ERR"


def test_point_shows_no_control_characters() -> None:
    shown = point("a\x1b[2J\u202eb", Span(0, 1))
    assert shown.isascii()
    assert "\x1b" not in shown


def test_render_tells_everything() -> None:
    error = FilterError(
        "wrong", "proc.name @", Span(10, 11), expected=("=", "exists"), suggestion="="
    )
    assert error.render() == (
        "filter, line 1, column 11: wrong\n  proc.name @\n            ^\n"
        "expected: '=', exists\ndid you mean: ="
    )


def test_within_finds_the_place_again() -> None:
    error = FilterError("wrong", span=Span(3, 4), suggestion="x").within("a\n\nb")
    assert (error.line, error.column, error.suggestion) == (3, 1, "x")


def test_a_warning_is_rendered_alike() -> None:
    warning = FilterWarning("never true", "a", Span(0, 1))
    assert warning.render() == "filter, line 1, column 1: warning: never true\n  a\n  ^"
