"""Text to tree: shapes, spans, escapes, bounds."""

from __future__ import annotations

import time

import pytest

from pyscap.filterlang.ast import (
    And,
    Array,
    Call,
    Check,
    Field,
    ListName,
    Macro,
    Not,
    Number,
    Or,
    Text,
    Val,
    Values,
    checks,
    depth,
)
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.parser import MAX_CHARS, MAX_DEPTH, parse, unquote


def bare(text: str) -> Text:
    return Text(text, quoted=False)


NAME = Field("proc.name")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("proc.name=curl", Check(NAME, "=", bare("curl"))),
        ("proc.name == 'a b'", Check(NAME, "=", Text("a b"))),
        ("proc.name exists", Check(NAME, "exists")),
        ("proc.name in (a, 'b')", Check(NAME, "in", Values((bare("a"), Text("b"))))),
        ("proc.name in shells", Check(NAME, "in", ListName("shells"))),
        ("proc.name = anyof (a)", Check(NAME, "=", Values((bare("a"),)), "anyof")),
        ("proc.name = anyof", Check(NAME, "=", bare("anyof"))),
        ("proc.name <= -5", Check(NAME, "<=", Number("-5"))),
        ("proc.name=>5", Check(NAME, "=", bare(">5"))),
        ("proc.name = val( proc.pname )", Check(NAME, "=", Val(Field("proc.pname")))),
        ("proc.aname[1] = a", Check(Field("proc.aname[1]"), "=", bare("a"))),
        ('proc.env["A B"] exists', Check(Field('proc.env["A B"]'), "exists")),
        ("tolower(proc.name) = a", Check(Call("tolower", (NAME,)), "=", bare("a"))),
        (
            'getopt(("a", 5), "x")[x] = y',
            Check(
                Call("getopt", (Array((Text("a"), Number("5"))), Text("x")), "x"), "=", bare("y")
            ),
        ),
        ("shells", Macro("shells")),
        ("not shells", Not(Macro("shells"))),
        ("not not shells", Macro("shells")),
        ("not(not(shells))", Macro("shells")),
        ("a and b or c", Or((And((Macro("a"), Macro("b"))), Macro("c")))),
        ("a and (b or c)", And((Macro("a"), Or((Macro("b"), Macro("c")))))),
        ("(a and b) and c", And((And((Macro("a"), Macro("b"))), Macro("c")))),
        ("a and(b)", And((Macro("a"), Macro("b")))),
    ],
)
def test_parse_makes_the_tree(text: str, tree: object) -> None:
    found = parse(text)
    assert found == tree
    assert parse(str(found)) == tree


def test_spans_are_where_the_parts_stand() -> None:
    text = " proc.name =  curl and\nnot fd.name in (a, b)"
    tree = parse(text)
    first, second = checks(tree)
    assert text[tree.span.start : tree.span.end] == text.strip()
    assert text[first.span.start : first.span.end] == "proc.name =  curl"
    assert text[first.operator_span.start : first.operator_span.end] == "="
    assert second.right is not None
    assert text[second.right.span.start : second.right.span.end] == "(a, b)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\\\"', "a\\"),
        ("'it\\'s'", "it's"),
        ('"\\x41\\n\\/"', "A\n/"),
        ('"\\xc3\\xa9"', "\u00e9"),
        ('"\\xff"', "\udcff"),
        ('"a\\ b"', "a\\b"),
        ("''", ""),
    ],
)
def test_unquote_resolves_escapes(text: str, value: str) -> None:
    assert unquote(text) == value


@pytest.mark.parametrize("text", ['"\\q"', "'\\\"'", '"\\x1"', '"\\0"'])
def test_unquote_refuses_other_escapes(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        unquote(text, 10)
    assert caught.value.span.start == 11


def test_nesting_is_bounded() -> None:
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == Macro("a")
    with pytest.raises(FilterError, match="deeper than 128 levels"):
        parse("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(FilterError, match="deeper than 128 levels"):
        parse("(" * 1_000_000)


def test_parentheses_in_texts_do_not_nest() -> None:
    text = "(" * 500
    assert parse(f'proc.name = "{text}"') == Check(NAME, "=", Text(text))


@pytest.mark.slow
def test_long_chains_are_flat() -> None:
    assert depth(parse(" and ".join(["a"] * 20_000))) == 2
    assert parse("not " * 20_001 + "a") == Not(Macro("a"))


@pytest.mark.slow
def test_a_list_of_100_000_values_takes_seconds_at_most() -> None:
    start = time.monotonic()
    (check,) = checks(parse(f"proc.pid in ({','.join(map(str, range(100_000)))})"))
    assert isinstance(check.right, Values)
    assert len(check.right.items) == 100_000
    assert time.monotonic() - start < 20


def test_length_is_bounded() -> None:
    with pytest.raises(FilterError, match="longer than"):
        parse("a" * (MAX_CHARS + 1))
