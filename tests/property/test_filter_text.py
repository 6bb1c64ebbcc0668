"""Any tree written as text reads back to the same tree; any text ends in a tree or an error."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyscap.filterlang.ast import (
    And,
    Argument,
    Array,
    Call,
    Check,
    Field,
    ListName,
    Macro,
    Node,
    Not,
    Number,
    Or,
    Right,
    Text,
    Val,
    Values,
)
from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.parser import parse

KEYWORDS = {"and", "or", "not", "oneof", "anyof", "allof"}
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda word: word not in KEYWORDS
)
BARE = st.text(
    st.characters(exclude_characters=" \t\r\n\b()\"'=,", exclude_categories=["Cs"]), min_size=1
).filter(lambda text: text not in KEYWORDS and not text[0].isspace())
QUOTED = st.text(st.characters(exclude_categories=["Cs"])) | st.binary(max_size=8).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)
TEXTS = st.builds(Text, QUOTED, st.just(True)) | st.builds(Text, BARE, st.just(False))
NUMBERS = st.builds(Number, st.from_regex(r"[+-]?[0-9]{1,6}|0x[0-9a-f]{1,6}", fullmatch=True))
ARGUMENTS_OF_FIELDS = st.from_regex(r"[A-Za-z0-9_./-]{1,8}", fullmatch=True)
NAMES = st.sampled_from(["proc.name", "evt.type", "fd.ip", "evt.arg.res", "proc.aname", "a.b_c.d"])
FIELD_NODES = st.builds(Field, NAMES) | st.builds(
    lambda name, arg: Field(f"{name}[{arg}]"), NAMES, ARGUMENTS_OF_FIELDS
)


def calls(inner: st.SearchStrategy[Argument]) -> st.SearchStrategy[Argument]:
    arguments = st.lists(inner, min_size=1, max_size=3).map(tuple)
    index = st.none() | ARGUMENTS_OF_FIELDS
    arrays = st.lists(inner.filter(lambda item: not isinstance(item, Array)), max_size=3).map(tuple)
    names = WORDS.filter(lambda word: word != "val")
    return st.builds(Call, names, arguments, index) | st.builds(Array, arrays)


LEAVES: st.SearchStrategy[Argument] = FIELD_NODES | NUMBERS | st.builds(Text, QUOTED, st.just(True))
_ARGUMENTS = st.recursive(LEAVES, calls, max_leaves=6)


@st.composite
def called(draw: st.DrawFn) -> Call:
    """A call; a function of its own, since written out in full its strategy fills pages."""
    arguments = tuple(draw(st.lists(_ARGUMENTS, min_size=1, max_size=2)))
    return Call(draw(WORDS.filter(lambda word: word != "val")), arguments)


CALLS = called()
LEFT = FIELD_NODES | CALLS
OTHERS = st.builds(Val, FIELD_NODES) | CALLS
LISTS = st.builds(Values, st.lists(TEXTS, max_size=4).map(tuple)) | st.builds(ListName, WORDS)
FINDING = ("=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex")


def check(left: object, operator: str, right: Right | None, quant: str | None = None) -> Check:
    return Check(left, operator, right, quant)  # type: ignore[arg-type]


_CHECKS = (
    st.builds(check, LEFT, st.just("exists"), st.none())
    | st.builds(check, LEFT, st.sampled_from(FINDING), TEXTS | OTHERS)
    | st.builds(check, LEFT, st.sampled_from(["<", "<=", ">", ">="]), NUMBERS | OTHERS)
    | st.builds(check, LEFT, st.sampled_from(["in", "intersects", "pmatch"]), LISTS | OTHERS)
    | st.builds(
        check, LEFT, st.sampled_from(FINDING), LISTS, st.sampled_from(["oneof", "anyof", "allof"])
    )
)


@st.composite
def check_nodes(draw: st.DrawFn) -> Check:
    """A comparison; see `called`."""
    return draw(_CHECKS)


def groups(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    negated = inner.filter(lambda node: not isinstance(node, Not))
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, negated)


NODES = st.recursive(check_nodes() | st.builds(Macro, WORDS), groups, max_leaves=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NODES)
def test_a_tree_reads_back(tree: Node) -> None:
    assert parse(str(tree)) == tree


WORDS_OF_FILTERS = "proc.name fd.ip evt.type = in ( ) , and or not curl 'a' exists val( tolower("
PIECES = st.sampled_from([*WORDS_OF_FILTERS.split(), "5", "<", "anyof", '"', "[1]", " ", "\\", "x"])


def told(error: FilterError) -> None:
    assert error.render()
    assert error.line >= 1


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_compiles_or_says_why(text: str) -> None:
    try:
        compiled = compile_filter(text)
    except FilterError as error:
        told(error)
    else:
        assert compile_filter(str(compiled.ast)).program == compiled.program
