"""Names for conditions and lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.macros import MacroError, Macros, load

FILE = """
- required_engine_version: 0.31.0
- list: shells
  items: [bash, zsh]
- list: programs
  items: [shells, "a b", 5, true]
- macro: in_shell
  condition: proc.name in (shells)
- macro: opened
  condition: >
    evt.type in (open, openat)
    or evt.type = creat
- rule: ignored
  condition: nonsense here
"""


def write(path: Path, text: str) -> str:
    (path / "macros.yaml").write_text(text)
    return str(path / "macros.yaml")


def test_a_file_defines_macros_and_lists(tmp_path: Path) -> None:
    macros = load(write(tmp_path, FILE))
    node = compile_filter("in_shell and opened and proc.pname in (programs, x)", macros).ast
    assert str(node) == (
        'proc.name in ("bash", "zsh") and (evt.type in (open, openat) or evt.type = creat) and '
        'proc.pname in ("bash", "zsh", "a b", "5", "true", x)'
    )


def test_a_list_can_stand_alone_and_be_quoted_away(tmp_path: Path) -> None:
    macros = load(write(tmp_path, FILE))
    assert str(compile_filter("proc.name in shells", macros).ast) == 'proc.name in ("bash", "zsh")'
    assert str(compile_filter("proc.name in ('shells')", macros).ast) == 'proc.name in ("shells")'


def test_a_macro_is_a_condition_not_a_text(tmp_path: Path) -> None:
    macros = load(write(tmp_path, FILE))
    assert str(compile_filter("not opened", macros).ast).startswith("not (")
    macros.add_macro("negated", "not proc.name = a")
    assert str(compile_filter("not negated", macros).ast) == "proc.name = a"


def test_only_what_was_defined_before_is_known() -> None:
    macros = Macros()
    macros.add_macro("one", "two or proc.name = a")
    macros.add_macro("two", "proc.name = b")
    with pytest.raises(FilterError, match="two is neither"):
        compile_filter("one", macros)


def test_errors_after_expansion_point_at_the_name() -> None:
    macros = Macros()
    macros.add_macro("bad", "proc.nmae = a")
    with pytest.raises(FilterError) as caught:
        compile_filter("evt.num > 5 and bad", macros)
    assert caught.value.column == 17


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b", "a macro file is a list"),
        ("- macro: [", "line 1: not YAML"),
        ("- macro: a-b\n  condition: x", "the name of a macro is"),
        ("- macro: a", "macro a needs a condition"),
        ("- macro: a\n  condition: proc.name =", "macro a: filter, line 1, column 12"),
        ("- list: a\n  items: b", "list a needs items"),
        ("- list: a\n  items: [[b]]", "list a needs items"),
        ("- list: a\n  items: [b]\n  append: true", "append and override are not supported"),
        ("- !!python/object:os.system {}", "not YAML"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MacroError) as caught:
        load(write(tmp_path, text))
    assert message in str(caught.value)
    assert "macros.yaml" in str(caught.value)


def test_an_empty_file_defines_nothing(tmp_path: Path) -> None:
    assert load(write(tmp_path, "")) == Macros()


def grow(step: str, levels: int) -> None:
    """Define macros that use the one before."""
    macros = Macros()
    macros.add_macro("m0", "proc.name = a or proc.name = b")
    for level in range(1, levels):
        macros.add_macro(f"m{level}", step.format(f"m{level - 1}"))


@pytest.mark.slow
def test_growth_is_bounded() -> None:
    with pytest.raises(FilterError, match="larger than"):
        grow("{0} or {0}", 40)


@pytest.mark.slow
def test_depth_is_bounded() -> None:
    with pytest.raises(FilterError, match="nest deeper"):
        grow("not({0} and evt.num = 1)", 400)
