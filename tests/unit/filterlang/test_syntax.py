"""What is said about text that is not a filter."""

from __future__ import annotations

import pytest

from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.parser import parse


@pytest.mark.parametrize(
    ("text", "column", "message", "suggestion"),
    [
        ("", 1, "a condition is missing", None),
        ("()", 2, "there is no condition between ( and )", None),
        ("!proc.name=a", 1, "negation is written as a word", "not"),
        ("1 = 1", 1, "a constant cannot stand left of an operator", None),
        ("proc.name=a and", 13, "a condition is missing after and", None),
        ("and proc.name=a", 1, "a condition is missing before and", None),
        ("proc.name=a && a", 13, "conditions are joined by and, not &&", "and"),
        ("proc.name=a OR a", 13, "conditions are joined by or, not OR", "or"),
        ("proc.name=a orb", 13, "orb is left over; values with blanks need quotes", None),
        ("NOT proc.name=a", 1, "not is written in small letters", "not"),
        ("proc .name=a", 1, "proc is not the name of a field: those have a dot, as in proc.name", None),
        ("tolower (proc.name)=a", 1, "no blank can stand between tolower and (", "tolower("),
        ("proc.name like a", 11, "there is no operator like", "contains"),
        ("proc.name conatins a", 11, "there is no operator conatins", "contains"),
        ("proc.name <> a", 12, "ordering needs a number", None),
        ("proc.name not in (a)", 11, "not stands before the field: not FIELD in (...)", None),
        ("proc.name anyof (a)", 11, "anyof comes after an operator", "= anyof"),
        ('proc.name contains"a"', 11, "a blank must follow contains", "contains ..."),
        ("proc.name", 10, "a comparison is missing after the field (exists tests for a value, = true for a truth)", None),
        ("proc.name =", 12, "a value is missing after the operator", None),
        ("proc.name = (a)", 13, "a list needs in, or anyof, allof or oneof before it", "in (...)"),
        ('proc.name = "a', 13, "the quoted text is not closed", None),
        ("proc.name = =a", 13, "a value cannot begin with =; put it between quotes", None),
        ("proc.name = a=b", 14, "a value with = in it must stand between quotes", '"..."'),
        ("proc.name = a b", 15, "b is left over; values with blanks need quotes", None),
        ("proc.name = a fd.num = 3", 15, "and or or is missing before fd.num; values with blanks need quotes", "and fd.num"),
        ("proc.pid > a", 12, "ordering needs a number", None),
        ("evt.reltime < 1.5s", 15, "1.5s is no number: units are not part of the language", "1500000000"),
        ("proc.name in 'a'", 14, "a list stands between parentheses", None),
        ("proc.name in (a b)", 17, "a comma must stand between the values of a list; values with blanks need quotes", None),
        ("proc.name in (a,)", 17, "a value is missing in the list", None),
        ("proc.name in (a", 16, "the list is not closed", None),
        ("proc.name in (val(proc.pname))", 18, "a list holds constants only; functions and val() stand alone after the operator", None),
        ("(proc.name=a", 13, "a closing parenthesis is missing", None),
        ("proc.name=a)", 12, "a closing parenthesis too many", None),
        ("proc.aname[1 = a", 11, "the bracket is not closed", None),
        ("proc.aname[ 1] = a", 11, "an argument in brackets is a word without blanks, or a quoted text without ]", None),
        ("tolower() = a", 9, "the function needs an argument", None),
        ("tolower(abc) = a", 9, "abc cannot be an argument; a text stands between quotes", None),
        ("tolower(proc.name = a", 19, "a comma or ) must follow the argument of a function", None),
        ("proc.name = val(tolower(proc.name))", 17, "val() takes a field", None),
        ("proc.name = val(proc.name", 26, "val() takes one field and is closed by )", None),
    ],
)  # fmt: skip
def test_the_message_says_what_is_wrong_and_where(
    text: str, column: int, message: str, suggestion: str | None
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert (error.line, error.column, error.message) == (1, column, message)
    assert error.suggestion == suggestion
