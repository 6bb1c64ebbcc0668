"""Which theme a run has, and what becomes of its rules."""

import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest

from pyscap import cli, config
from pyscap.errors import UsageError
from pyscap.output import theme, themes
from pyscap.plan import FieldList
from pyscap.request import Request

CONFIG = """
theme = "night"

[filters]
slow = "evt.latency > 10"

[themes.night]
fields = { "fd.name" = "underline" }

[[themes.night.rules]]
name = "slow"
filter = "@slow and evt.type = open"
style = "bold"
"""


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "pyscap" / "config.toml"
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


def test_no_colours_no_theme():
    assert themes.wanted_theme(Request(color="never")) is None
    assert themes.wanted_theme(Request(color="never", theme="plain")) is None


def test_the_name_that_was_given_wins_over_the_configuration(path):
    assert themes.wanted_theme(Request(color="always", theme="plain")) is theme.THEMES["plain"]
    assert themes.wanted_theme(Request(color="always")) == config.load().themes["night"]
    path.unlink()
    assert themes.wanted_theme(Request(color="always")) is theme.THEMES["default"]


def test_an_unknown_name_is_an_error_without_colours_too():
    with pytest.raises(UsageError) as caught:
        themes.wanted_theme(Request(color="never", theme="x"))
    assert caught.value.cause == "no theme 'x'"
    assert caught.value.hint.startswith("there are default, stripes, plain, night;")


def test_rules_are_programs_over_the_fields_of_the_plan():
    fields = FieldList()
    rules = list(themes.compiled_rules(config.load().themes["night"], fields))
    assert [style for _, style in rules] == ["bold"]
    assert rules[0][0]["event_codes"]
    assert [entry["name"] for entry in fields.entries] == ["evt.type", "evt.latency"]


def test_a_wrong_filter_is_told_with_its_rule_and_place(path):
    path.write_text(CONFIG.replace("evt.type", "evt.typ"))
    with pytest.raises(UsageError, match=r"the filter of rule 'slow': .*evt\.typ"):
        list(themes.compiled_rules(config.load().themes["night"], FieldList()))


@pytest.mark.parametrize("name", ["default", "stripes", "plain", "night"])
def test_a_shown_theme_can_be_read_again(name, path, capsys):
    shown = themes.find(name, config.load())
    assert cli.run(["themes", name]) == 0
    text = capsys.readouterr().out
    path.write_text(f'[filters]\nslow = "evt.latency > 10"\n{text}')
    assert config.load().themes[name] == shown


def test_texts_are_quoted_as_toml_wants():
    for text in ('"', "\\", "\x7f", "\u202e", "\x1b[2J", "\U0001f600", "é"):
        quoted = themes.quoted(text)
        assert tomllib.loads(f"x = {quoted}")["x"] == text
        assert quoted.isprintable()


def test_list_marks_the_theme_in_use(capsys):
    assert cli.run(["themes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["default", "stripes", "plain", "*"]
