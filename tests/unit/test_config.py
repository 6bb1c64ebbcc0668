"""Profiles and saved filters of the configuration file."""

from pathlib import Path

import pytest

from pyscap import config
from pyscap.config import Profile, apply, load, read
from pyscap.errors import UsageError
from pyscap.output.theme import THEMES, Rule
from pyscap.request import Request


def parsed(text):
    return read(Path("config.toml"), text.encode())


def test_missing_file_is_an_empty_configuration(tmp_path):
    assert load(tmp_path / "none" / "config.toml").profiles == {}


def test_file_is_read(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        '[filters]\nweb = "fd.port=80"\n'
        '[profiles.web]\ncolumns = ["evt.time", "proc.name:12"]\nfilter = "@web"\n'
    )
    found = load(path)
    assert found.filters == {"web": "fd.port=80"}
    assert found.profile("web") == Profile(print="*%evt.time %12proc.name", filter="@web")


def test_unknown_profile_names_the_known_ones():
    with pytest.raises(UsageError) as caught:
        parsed("[profiles.a]\n[profiles.b]\n").profile("c")
    assert caught.value.cause == "no profile 'c'"
    assert caught.value.hint == "profiles of config.toml: a, b"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x", "config.toml: "),
        ("filter = 1", "'filter' is not known; known: filters"),
        ("filters = 1", "filters is no table"),
        ("theme = 1", "the file: theme is no text"),
        ("[themes]\na = 1", "themes: a is no table"),
        ("[themes.a]\ncolour = 'x'", "theme a: 'colour' is not known; known: base, doc"),
        ("[themes.a]\nbase = 'x'", "theme a: base is none of default, stripes, plain"),
        ("[themes.a]\nfields = 1", "theme a: fields are a table, rules a list of tables"),
        ("[themes.a]\nfields = {x = 'purpel'}", "theme a: x: 'purpel' is no style"),
        ("[themes.a]\nrules = ['x']", "theme a: a rule has a name, a filter and a style"),
        (
            "[[themes.a.rules]]\nname='n'\nfilter='f'\nstyle='purpel'",
            "theme a, rule n: 'purpel' is no style such as 'bold red'",
        ),
        ("[filters]\na = 1", "filters: a is no text"),
        ('[filters]\n"a b" = ""', "'a b' is no name"),
        ("[profiles]\na = 1", "profiles: a is no table"),
        ("[profiles.a]\ncolour = 'x'", "profile a: 'colour' is not known"),
        ("[profiles.a]\njson = 'x'", "profile a: json is no true or false"),
        ("[profiles.a]\ncolumns = []", "columns are a list"),
        ("[profiles.a]\ncolumns = [1]", "1 is no column"),
        ("[profiles.a]\ncolumns = ['x:0']", "'x:0' is no column"),
        ("[profiles.a]\ncolumns = ['x']\nprint = 'y'", "columns and print exclude"),
    ],
)
def test_mistakes_are_named(text, cause):
    with pytest.raises(UsageError, match=cause):
        parsed(text)


def test_too_long_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "MAX_BYTES", 10)
    path = tmp_path / "config.toml"
    path.write_text("[filters]\n\n")
    with pytest.raises(UsageError, match="longer than 10 bytes"):
        load(path)


def test_command_line_wins_over_a_profile():
    profile = Profile(print="a", timetype="r", json=True)
    changed = apply(Request(timetype="a"), profile)
    assert (changed.print, changed.timetype, changed.json) == ("a", "a", True)


def test_filters_of_profile_and_command_line_are_joined():
    profile = Profile(filter="a=1 or b=2")
    assert apply(Request(), profile).filter_text == "a=1 or b=2"
    joined = apply(Request(words=("c=3", "or", "d=4")), profile).filter_text
    assert joined == "(a=1 or b=2) and ( c=3 or d=4 )"


def test_own_formats_win_over_a_profiles_template():
    assert apply(Request(strace=True), Profile(print="a")).print is None


def test_own_rules_come_before_those_of_the_base():
    base = THEMES["default"]
    found = parsed(
        "[themes.a]\nbase = 'default'\nfields = {'proc.name' = 'bold'}\n"
        "[[themes.a.rules]]\nname = 'n'\nfilter = 'f'\nstyle = 'red'\n"
    ).themes["a"]
    assert found.rules == (Rule("n", "f", "red"), *base.rules)
    assert found.fields == {**base.fields, "proc.name": "bold"}


def test_a_profile_names_a_theme():
    profile = parsed("[profiles.a]\ntheme = 'plain'").profile("a")
    assert apply(Request(), profile).theme == "plain"
    assert apply(Request(theme="stripes"), profile).theme == "stripes"
