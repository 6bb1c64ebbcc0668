"""Types: what is refused, and what the parts become."""

from __future__ import annotations

import pytest

from pyscap.filterlang.check import OPERATORS, Checker, type_of
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.functions import FUNCTIONS
from pyscap.filterlang.parser import parse
from pyscap.filterlang.syntax import OPERATORS as WRITTEN
from pyscap.filterlang.typed import Apply, Comparison, Condition
from pyscap.model.fields import FIELDS, resolve


def typed(text: str) -> Condition:
    return Checker(text).condition(parse(text))


def test_every_written_operator_belongs_to_a_family() -> None:
    assert {op for ops in OPERATORS.values() for op in ops} | {"exists"} == set(WRITTEN)


@pytest.mark.parametrize("name", [row.name for row in FIELDS.values() if row.type != "DYNAMIC"])
def test_every_field_has_a_family(name: str) -> None:
    row = FIELDS[name]
    if row.gone is None and not row.arg_required:
        assert type_of(resolve(name)).family in OPERATORS


@pytest.mark.parametrize(
    ("name", "family", "bits"),
    [
        ("evt.cpu", "int", 16),
        ("user.uid", "uint", 32),
        ("proc.pid", "int", 64),
        ("fd.port", "port", 16),
        ("fd.types", "text", 64),
        ("evt.rawarg.res", "int", 64),
        ("evt.rawarg.mode", "uint", 32),
        ("evt.rawarg.name", "text", 64),
        ("evt.rawarg.data", "opaque", 64),
        ("evt.rawarg.addr", "opaque", 64),
    ],
)
def test_type_of_a_field(name: str, family: str, bits: int) -> None:
    found = type_of(resolve(name))
    assert (found.family, found.bits) == (family, bits)


@pytest.mark.parametrize(
    ("text", "name", "is_list"),
    [
        ("len(proc.name) = 1", "UINT64", False),
        ("b64(evt.buffer) = a", "BYTEBUF", False),
        ("b64(proc.name) = a", "CHARBUF", False),
        ('getopt(fd.types, "a") in (a)', "CHARBUF", True),
        ('getopt(fd.types, "a")[a] = b', "CHARBUF", False),
    ],
)
def test_type_of_a_function(text: str, name: str, is_list: bool) -> None:
    condition = typed(text)
    assert isinstance(condition, Comparison)
    assert isinstance(condition.left, Apply)
    assert (condition.left.type.name, condition.left.type.is_list) == (name, is_list)


def test_every_function_can_be_called() -> None:
    samples = {"join": '",", fd.types', "concat": '"a", "b"', "getopt": 'fd.types, "a"'}
    for name in FUNCTIONS:
        typed(f"{name}({samples.get(name, 'proc.name')}) exists")


@pytest.mark.parametrize(
    ("text", "start", "message", "suggestion"),
    [
        ("proc.nmae = a", 0, "there is no field called proc.nmae", "proc.name"),
        ("evt.type = opnat", 11, "there is no event called 'opnat'", "openat"),
        ("tolower(evt.type) = opne", 20, "there is no event called 'opne'", "open"),
        ("shells", 0, "shells is neither a comparison nor the name of a macro", "proc.name=shells"),
        ("proc.name in shells", 13, "shells is not the name of a list", "(shells)"),
        ("evt.failed > 0", 11, "> cannot be applied to evt.failed, which is a truth", None),
        ("fd.types = file", 9, "= cannot be applied to fd.types, which is a list of texts", None),
        ("evt.rawarg.data = a", 16, "evt.rawarg.data cannot be compared; exists tests for it, evt.arg.data is its text", None),
        ("evt.around[5] > 1", 14, "> cannot be applied to evt.around[5], which is a unsigned number", None),
        ("foo(proc.name) = a", 0, "there is no function foo()", None),
        ("tolwer(proc.name) = a", 0, "there is no function tolwer()", "tolower"),
        ("val(proc.name) = a", 0, "val() can only stand right of an operator", None),
        ("concat(proc.name) = a", 0, "concat() takes at least 2 arguments, not 1", None),
        ("len(proc.name, proc.name) = 1", 0, "len() takes 1 argument, not 2", None),
        ("tolower(proc.pid) = a", 8, "tolower() takes a text here, not a signed number", None),
        ("len(proc.aname) = 1", 4, "proc.aname cannot be given to a function", None),
        ('join(",", getopt(fd.types, "a")) = b', 10, "join() cannot take what getopt() yields", None),
        ("len(proc.name)[a] = 1", 0, "only getopt() takes an argument in brackets", None),
        ("proc.pid = val(proc.name)", 11, "both sides must have the same type: left is INT64, right is CHARBUF", None),
        ("proc.name regex val(proc.name)", 16, "regex takes constants only", None),
        ("fd.ip = val(fd.sip)", 0, "fd.ip cannot be compared with a field or function", None),
        ("fd.sip = val(fd.ip)", 9, "fd.ip cannot be compared with a field or function", None),
        ('proc.name = "a\\x00"', 12, "proc.name cannot hold a NUL byte", None),
        ('concat("\\x00", "a") = a', 7, "a text cannot hold a NUL byte", None),
        ('proc.name regex "a(b"', 18, "the group is not closed", None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    text: str, start: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(FilterError) as caught:
        typed(text)
    assert (caught.value.message, caught.value.suggestion) == (message, suggestion)
    assert caught.value.span.start == start
