import io

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.model.fields import resolve
from pyscap.output import theme


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("when", "stream", "no_color", "expected"),
    [
        (None, Terminal(), "", True),
        (None, io.StringIO(), "", False),
        ("auto", Terminal(), "1", False),
        ("always", io.StringIO(), "1", True),
        ("force", io.StringIO(), "", True),
        ("never", Terminal(), "", False),
        ("false", Terminal(), "", False),
        ("true", Terminal(), "", True),
    ],
)
def test_colours_are_for_terminals(monkeypatch, when, stream, no_color, expected):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    assert theme.is_coloured(when, stream) is expected


def test_a_terminal_without_colours_gets_none(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not theme.is_coloured(None, Terminal())
    assert theme.is_coloured("always", Terminal())


@pytest.mark.parametrize("name", theme.FILTERS)
def test_filters_of_the_rules_mean_what_they_say(name):
    compiled = compile_filter(theme.FILTERS[name])
    assert compiled.warnings == ()


@pytest.mark.parametrize("name", theme.THEMES)
def test_styles_are_styles_and_rules_have_filters(name):
    found = theme.THEMES[name]
    styles = [*found.fields.values(), *(rule.style for rule in found.rules)]
    assert all(theme.codes(style).startswith("\x1b[") for style in styles)
    order = [rule.name for rule in found.rules]
    assert order == [key for key in theme.FILTERS if key in order]
    assert all(resolve(key).name == key for key in found.fields)


def test_a_rule_without_filter_is_a_mistake():
    assert theme.rules(failed="red") == (theme.Rule("failed", theme.FILTERS["failed"], "red"),)
    assert theme.rules(net_read="red")[0].name == "net read"


@pytest.mark.parametrize(
    ("environment", "style", "code"),
    [
        ({"COLORTERM": "truecolor"}, "#ff0000", "\x1b[38;2;255;0;0m"),
        ({"TERM": "xterm-256color", "COLORTERM": ""}, "#ff0100", "\x1b[38;5;196m"),
        ({"TERM": "linux", "COLORTERM": ""}, "#ff0200", "\x1b[31m"),
    ],
)
def test_colours_are_those_that_the_terminal_has(monkeypatch, environment, style, code):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert theme.codes(style) == code


def test_colours_of_a_later_style_win_and_attributes_stay(monkeypatch):
    monkeypatch.setenv("COLORTERM", "")
    monkeypatch.setenv("TERM", "xterm")
    assert theme.codes("bold green", "red on blue") == "\x1b[1;31;44m"
    assert theme.codes("") == ""
