"""POSIX patterns in the engine's notation."""

from __future__ import annotations

import pytest

from pyscap.filterlang.regex import MAX_GROUPS, RegexError, is_literal, translate


@pytest.mark.parametrize(
    ("pattern", "ours"),
    [
        ("cu.l", "cu.l"),
        ("^c(u|v)rl$", "^c(?:u|v)rl$"),
        ("[[:alpha:]_]+", "[[:alpha:]_]+"),
        ("[]a-z]", "[\\x5Da-z]"),
        ("[^]]", "[^\\x5D]"),
        ("[a&&b[]", "[a\\x26\\x26b\\x5B]"),
        ("[a-]", "[a\\x2D]"),
        ("a{2,3}", "a{2,3}"),
        ("a{,3}", "a\\{\\x2C3\\x7D".replace("\\x2C", ",")),
        ("\\.so", "\\x2Eso"),
        ("\\x41\\t", "A\\t"),
        ("\u00e9", "\u00e9"),
        ("\udcff", "(?-u:\\xFF)"),
        ("", ""),
    ],
)
def test_translate(pattern: str, ours: str) -> None:
    assert translate(pattern) == ours


@pytest.mark.parametrize(
    ("pattern", "offset"),
    [
        ("c[u", 1),
        ("\\w", 0),
        ("a\\", 1),
        ("(?i)a", 0),
        ("a**", 2),
        ("a+?", 2),
        ("*a", 0),
        ("a|*", 2),
        ("(a", 0),
        ("a)", 1),
        ("[z-a]", 1),
        ("[[:no:]]", 1),
        ("a{1001}", 1),
        ("a{3,2}", 1),
        ("(a{1000}){1000}", 9),
        ("[\udcff]", 1),
    ],
)
def test_translate_refuses(pattern: str, offset: int) -> None:
    with pytest.raises(RegexError) as caught:
        translate(pattern)
    assert caught.value.offset == offset


def test_groups_are_bounded() -> None:
    translate("(" * MAX_GROUPS + ")" * MAX_GROUPS)
    with pytest.raises(RegexError, match="deeper than"):
        translate("(" * 100_000)


@pytest.mark.parametrize(("pattern", "answer"), [("curl", True), ("cu.l", False), ("a|b", False)])
def test_is_literal(pattern: str, answer: bool) -> None:
    assert is_literal(pattern) is answer


def test_shorthands_are_understood_where_they_are_wanted():
    assert (
        translate(r"a\s*=(\S+)", captures=True, shorthands=True) == "a[[:space:]]*=([^[:space:]]+)"
    )
    with pytest.raises(RegexError):
        translate(r"[\s]", shorthands=True)
    with pytest.raises(RegexError):
        translate(r"\q", shorthands=True)
