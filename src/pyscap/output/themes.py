"""The themes there are: those of the program and those of the configuration.

In:  a request, the configuration. Out: `wanted_theme()`, `compiled_rules()`, the command
`pyscap themes`. Next: `lines`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pyscap.completion import theme_words
from pyscap.errors import ExitCode, UsageError, printable
from pyscap.output.theme import DEFAULT, RESET, THEMES, Rule, Theme, codes, is_coloured

if TYPE_CHECKING:
    from pyscap.config import Config
    from pyscap.filterlang.macros import Macros
    from pyscap.plan import FieldList
    from pyscap.request import Request


def wanted_theme(request: Request) -> Theme | None:
    """How the lines of a request are coloured; None for not at all.

    Raises:
        UsageError: there is no theme of the name that was asked for.
    """
    coloured = is_coloured(request.color, sys.stdout)
    if not coloured and request.theme is None:
        return None
    from pyscap import config

    found = config.load()
    theme = find(request.theme or found.theme or DEFAULT, found)
    return theme if coloured else None


def find(name: str, config: Config) -> Theme:
    """The theme called `name`; one of the configuration comes before one of the program.

    Raises:
        UsageError: there is none.
    """
    known = {**THEMES, **config.themes}
    if name not in known:
        msg = f"no theme {name!r}"
        raise UsageError(msg, f"there are {', '.join(known)}; `pyscap themes` describes them")
    return known[name]


def compiled_rules(theme: Theme, fields: FieldList) -> Iterator[tuple[dict[str, Any], str]]:
    """The program and the style of each rule of a theme.

    Raises:
        UsageError: the filter of a rule is wrong.
    """
    from pyscap import config
    from pyscap.filterlang.macros import Macros

    macros = Macros()
    config.add_filters(macros)
    for rule in theme.rules:
        yield compiled(rule, macros, fields), rule.style


def compiled(rule: Rule, macros: Macros, fields: FieldList) -> dict[str, Any]:
    """The program of a rule."""
    from pyscap.filterlang.compile import compile_filter
    from pyscap.filterlang.errors import FilterError
    from pyscap.folders import config_path

    try:
        return compile_filter(rule.filter, macros, fields).program
    except FilterError as error:
        msg = f"{config_path()}: the filter of rule {rule.name!r}: {error.render()}"
        raise UsageError(msg, "correct the file; `pyscap themes NAME` shows a theme") from error


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, shell_complete=theme_words)
def command(name: str | None) -> int:
    """List the themes, or show the rules of one as they stand in a configuration."""
    from pyscap import config

    found = config.load()
    if name is not None:
        for line in as_toml(name, find(name, found), coloured=is_coloured(None, sys.stdout)):
            click.echo(line, color=True)
        return ExitCode.OK
    used = found.theme or DEFAULT
    for each, theme in {**THEMES, **found.themes}.items():
        mark = "*" if each == used else " "
        click.echo(printable(f"{mark} {each:<12} {theme.summary}"))
    return ExitCode.OK


def as_toml(name: str, theme: Theme, *, coloured: bool) -> Iterator[str]:
    """A theme as tables of a configuration; the name of each rule in its style when `coloured`."""

    def shown(key: str, text: str, style: str = "") -> str:
        begin = codes(style) if coloured else ""
        return f"{key} = {begin}{quoted(text)}{RESET if begin else ''}"

    yield f"[themes.{name}]"
    yield shown("doc", theme.doc)
    yield f"[themes.{name}.fields]"
    for key, style in theme.fields.items():
        yield shown(quoted(key), style, style)
    for rule in theme.rules:
        yield ""
        yield f"[[themes.{name}.rules]]"
        yield shown("name", rule.name, rule.style)
        yield shown("filter", rule.filter)
        yield shown("style", rule.style)


def quoted(text: str) -> str:
    """A text of TOML: as in JSON, but for a character that only TOML wants escaped."""
    return printable(json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f"))
