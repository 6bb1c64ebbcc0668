"""The output of a request as the engine is told it."""

from __future__ import annotations

import pytest

from pyscap._engine import Session
from pyscap.output.lines import output_row
from pyscap.output.template import TemplateError
from pyscap.plan import FieldList, Plan
from pyscap.request import Request


@pytest.fixture(autouse=True)
def no_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def row(**options):
    fields = FieldList()
    made = output_row(Request(read=("x",), **options), fields)
    Session(Plan(fields, output=made).to_json())  # the engine takes it
    return made, [entry["name"] for entry in fields.entries]


@pytest.mark.parametrize(
    "options", [{"quiet": True}, {"write": "x"}, {"quiet": True, "json": True}]
)
def test_quiet_runs_and_those_that_write_a_file_print_nothing(options):
    assert row(**options) == ({"kind": "none"}, [])


def test_a_template_becomes_pieces_over_fields_of_the_plan():
    made, fields = row(print="*%5evt.num: %proc.name %evt.num")
    assert fields == ["evt.num", "proc.name"]
    assert made["segments"] == [
        {"value": {"of": {"field": 0}, "width": 5}},
        {"lit": ": "},
        {"value": {"of": {"field": 1}, "width": None}},
        {"lit": " "},
        {"value": {"of": {"field": 0}, "width": None}},
    ]
    assert (made["kind"], made["star"], made["fd"], made["looks"]) == ("text", True, 1, [])


def test_the_default_is_that_of_sysdig():
    _, fields = row()
    assert fields[:4] == ["evt.num", "evt.outputtime", "evt.cpu", "proc.name"]
    assert row(print="default") == row()
    assert row(strace=True) == row(print="strace")


def test_functions_are_expressions():
    made, fields = row(print="%toupper(proc.name)")
    assert fields == ["proc.name"]
    assert "expr" in made["segments"][0]["value"]["of"]


@pytest.mark.parametrize(
    ("timetype", "style"),
    [(None, "clock"), ("a", "epoch"), ("r", "relative"), ("d", "duration"), ("D", "delta")],
)
def test_times_have_the_engine_s_words(timetype, style):
    assert row(timetype=timetype)[0]["time"] == style


@pytest.mark.parametrize(
    ("options", "buffer", "cut"),
    [
        ({}, "dots", 80),
        ({"verbose": True}, "dots", None),
        ({"print_ascii": True}, "ascii", None),
        ({"print_hex": True}, "hex", None),
        ({"print_hex_ascii": True}, "hexascii", None),
        ({"print_base64": True}, "base64", None),
    ],
)
def test_buffers_are_cut_as_in_sysdig(options, buffer, cut):
    made, _ = row(**options)
    assert (made["buffer"], made["cut"]) == (buffer, cut)


def test_objects_have_the_fields_of_the_template_in_bytewise_order():
    made, fields = row(json=True, print="%proc.name é %evt.num %proc.name %evt.arg.fd")
    keys = [entry["key"] for entry in made["keys"]]
    assert keys == sorted(keys, key=str.encode) == ["evt.arg.fd", "evt.num", "proc.name"]
    assert [fields[entry["of"]["field"]] for entry in made["keys"]][1:] == ["evt.num", "proc.name"]
    assert made["kind"] == "json"


def test_details_are_a_form_of_their_own():
    made, fields = row(details=True)
    assert made["kind"] not in ("none", "json")
    assert "evt.num" in fields


THEME = """
[themes.own]
fields = { "fd.name" = "bold" }
[[themes.own.rules]]
name = "first"
filter = "evt.num = 1"
style = "red"
"""


def test_colours_are_codes_around_pieces_and_lines_of_rules(tmp_path, monkeypatch):
    (tmp_path / "pyscap").mkdir()
    (tmp_path / "pyscap" / "config.toml").write_text(THEME)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLORTERM", "")
    made, fields = row(color="always", theme="own", print="%proc.name %fd.name")
    assert fields == ["proc.name", "fd.name", "evt.num"]
    name, fd = ({"value": {"of": {"field": n}, "width": None}} for n in (0, 1))
    reset = {"lit": "\x1b[0m"}
    assert written(made["segments"]) == [name, {"lit": " "}, {"lit": "\x1b[1m"}, fd, reset]
    (look,) = made["looks"]
    assert written(look["segments"]) == [
        {"lit": "\x1b[31m"},
        name,
        {"lit": " "},
        {"lit": "\x1b[1;31m"},
        fd,
        {"lit": "\x1b[0m\x1b[31m"},
        reset,
    ]


def written(segments):
    """The segments that print something."""
    return [piece for piece in segments if piece != {"lit": ""}]


def test_a_template_with_a_mistake_is_refused():
    with pytest.raises(TemplateError, match=r"no field called proc\.nmae"):
        row(print="%proc.nmae")


def test_an_empty_template_is_an_empty_line():
    assert row(print="*")[0]["segments"] == []
