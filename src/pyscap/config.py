"""Profiles and saved filters: the user's configuration.

In:  `config.toml` in the user's configuration directory. Out: `Config`. Next: `program` applies a
profile to the request and gives the saved filters to the filter language.

    [filters]
    web = "fd.port in (80, 443)"

    [profiles.web]
    columns = ["evt.time", "proc.name:12", "fd.name"]
    filter = "@web"
    timetype = "r"
    color = "always"
    theme = "night"

    [templates]
    short = "%evt.time %proc.name %evt.type"

    [themes.night]
    base = "default"

    [[themes.night.rules]]
    name = "slow"
    filter = "evt.latency > 10000000"
    style = "bold yellow"

`theme = "night"` at the head of the file makes it the theme of all runs.

Nothing is read from the current directory. Keys that are not known are errors: a mistyped key
would otherwise change nothing and say nothing.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyscap.errors import UsageError, printable
from pyscap.folders import config_path
from pyscap.output.presets import ALIASES, PRESETS
from pyscap.output.theme import THEMES, Rule, Theme, codes

if TYPE_CHECKING:
    from pyscap.filterlang.macros import Macros
    from pyscap.request import Request

MAX_BYTES = 1 << 20
"""A configuration longer than this is a mistake."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_COLUMN = re.compile(r"([^:]+)(?::([1-9]\d{0,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Profile:
    """Values for options that the command line does not give."""

    print: str | None = None
    """A template or the name of one; `columns` are another way to write it."""
    timetype: str | None = None
    filter: str | None = None
    """Joined to the filter of the command line by `and`."""
    color: str | None = None
    theme: str | None = None
    resolve_ports: bool = False
    verbose: bool = False
    json: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says."""

    path: Path
    """Where it is, or would be."""
    filters: dict[str, str] = field(default_factory=dict)
    """Saved filters by name; `@name` in a filter stands for one."""
    profiles: dict[str, Profile] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    """Templates by name, for `-p`."""
    themes: dict[str, Theme] = field(default_factory=dict)
    """Themes by name, for `--theme`."""
    theme: str | None = None
    """The theme of runs that name none."""

    def profile(self, name: str) -> Profile:
        """The profile `name`.

        Raises:
            UsageError: there is none.
        """
        if name not in self.profiles:
            known = ", ".join(sorted(self.profiles)) or "none"
            msg = f"no profile {name!r}"
            raise UsageError(msg, f"profiles of {self.path}: {known}")
        return self.profiles[name]


def load(path: Path | None = None) -> Config:
    """Read the configuration.

    Args:
        path: The file; None for the user's own.

    Returns:
        Its content; an empty one when there is no file.

    Raises:
        UsageError: the file is no TOML, or says something that is not known.
        OSError: it cannot be read.
    """
    path = path or config_path()
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Config(path)
    if len(text) > MAX_BYTES:
        raise mistake(path, f"it is longer than {MAX_BYTES} bytes")
    return read(path, text)


def read(path: Path, text: bytes) -> Config:
    """The configuration that `text` says; `path` is for messages."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise mistake(path, str(error)) from None
    known(path, "the file", tables, {"filters", "profiles", "templates", "themes", "theme"})
    profiles = table(path, tables, "profiles", dict)
    themes = table(path, tables, "themes", dict)
    return Config(
        path,
        filters=table(path, tables, "filters", str),
        profiles={name: read_profile(path, name, rows) for name, rows in profiles.items()},
        templates=table(path, tables, "templates", str),
        themes={name: read_theme(path, name, rows) for name, rows in themes.items()},
        theme=text_or_none(path, "the file", tables, "theme"),
    )


def read_theme(path: Path, name: str, rows: dict[str, Any]) -> Theme:
    """One table of `[themes]`: its own rules come before those of its base."""
    where = f"theme {name}"
    known(path, where, rows, {"base", "doc", "fields", "rules"})
    base = text_or_none(path, where, rows, "base")
    if base is not None and base not in THEMES:
        raise mistake(path, f"{where}: base is none of {', '.join(THEMES)}")
    below = THEMES[base] if base else Theme("")
    fields, entries = rows.get("fields", {}), rows.get("rules", [])
    if not isinstance(fields, dict) or not isinstance(entries, list):
        raise mistake(path, f"{where}: fields are a table, rules a list of tables")
    for key, style in fields.items():
        check_style(path, f"{where}: {key}", style)
    own = tuple(read_rule(path, where, entry) for entry in entries)
    doc = text_or_none(path, where, rows, "doc") or "of the configuration"
    return Theme(doc, (*own, *below.rules), {**below.fields, **fields})


def read_rule(path: Path, where: str, entry: object) -> Rule:
    """One table of the rules of a theme."""
    keys = ("name", "filter", "style")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
        raise mistake(path, f"{where}: a rule has a name, a filter and a style")
    known(path, where, entry, set(keys))
    check_style(path, f"{where}, rule {entry['name']}", entry["style"])
    return Rule(**entry)


def check_style(path: Path, where: str, style: object) -> None:
    """Refuse what is no Rich style."""
    from rich.errors import StyleSyntaxError

    try:
        codes(str(style))
    except StyleSyntaxError as error:
        raise mistake(path, f"{where}: {style!r} is no style such as 'bold red'") from error


def text_or_none(path: Path, where: str, rows: dict[str, Any], key: str) -> str | None:
    """A text of a table, if it has one of that name."""
    value = rows.get(key)
    if value is not None and not isinstance(value, str):
        raise mistake(path, f"{where}: {key} is no text")
    return value


def read_profile(path: Path, name: str, rows: dict[str, Any]) -> Profile:
    """One table of `[profiles]`."""
    kinds = {"filter": str, "print": str, "timetype": str, "color": str, "theme": str}
    flags = dict.fromkeys(("resolve_ports", "verbose", "json"), bool)
    known(path, f"profile {name}", rows, {*kinds, *flags, "columns"})
    for key, kind in {**kinds, **flags}.items():
        if not isinstance(rows.get(key, kind()), kind):
            raise mistake(path, f"profile {name}: {key} is no {_KIND_NAMES[kind]}")
    values = dict(rows)
    if "columns" in values:
        if "print" in values:
            raise mistake(path, f"profile {name}: columns and print exclude each other")
        values["print"] = columns(path, name, values.pop("columns"))
    return Profile(**values)


_KIND_NAMES = {str: "text", bool: "true or false", dict: "table"}


def columns(path: Path, name: str, entries: object) -> str:
    """The template of a list of columns: field names, each with an optional `:WIDTH`."""
    if not isinstance(entries, list) or not entries:
        raise mistake(path, f"profile {name}: columns are a list of field names")
    parts = []
    for entry in entries:
        found = _COLUMN.fullmatch(entry) if isinstance(entry, str) else None
        if found is None:
            raise mistake(
                path, f"profile {name}: {entry!r} is no column; write FIELD or FIELD:WIDTH"
            )
        parts.append(f"%{found[2] or ''}{found[1]}")
    return f"*{' '.join(parts)}"


def table(path: Path, tables: dict[str, Any], name: str, kind: type) -> dict[str, Any]:
    """One table of the file, each of its values of `kind`, each of its names a name."""
    rows = tables.get(name, {})
    if not isinstance(rows, dict):
        raise mistake(path, f"{name} is no table")
    for key, value in rows.items():
        if not _NAME.fullmatch(key):
            raise mistake(
                path, f"{name}: {key!r} is no name: letters, digits and _, a letter first"
            )
        if not isinstance(value, kind):
            raise mistake(path, f"{name}: {key} is no {_KIND_NAMES[kind]}")
    return rows


def known(path: Path, where: str, rows: dict[str, Any], keys: set[str]) -> None:
    """Refuse keys that nothing reads."""
    for key in rows.keys() - keys:
        raise mistake(path, f"{where}: {key!r} is not known; known: {', '.join(sorted(keys))}")


def mistake(path: Path, cause: str) -> UsageError:
    """An error of the configuration."""
    return UsageError(f"{path}: {cause}", "correct the file; `man pyscap` describes it")


def apply(request: Request, profile: Profile) -> Request:
    """The request with the values of a profile where the command line gives none."""
    given = {
        key: getattr(profile, key)
        for key in ("print", "timetype", "color", "theme", "resolve_ports", "verbose", "json")
        if getattr(profile, key) and not getattr(request, key)
    }
    if request.strace or request.details:
        given.pop("print", None)
    return replace(request, words=with_filter(request.words, profile.filter), **given)


def with_filter(words: tuple[str, ...], saved: str | None) -> tuple[str, ...]:
    """The words of a filter, and those of a profile's filter, as one filter."""
    if not saved:
        return words
    return (f"({saved})", "and", "(", *words, ")") if words else (saved,)


def with_template(request: Request) -> Request:
    """The request with the template of the configuration that `-p` names, if it names one.

    A name alone shows nothing of an event, so it cannot be meant as a template.
    """
    name = request.print
    if name is None or not _NAME.fullmatch(name) or name in PRESETS or name in ALIASES:
        return request
    templates = load().templates
    if name not in templates:
        names = ", ".join([*PRESETS, *templates])
        sys.stderr.write(f"warning: -p {name} shows no field; templates with names are {names}\n")
    return replace(request, print=templates.get(name, name))


def add_filters(macros: Macros) -> None:
    """Give `macros` the saved filters, as conditions that a filter may name."""
    for name, saved in load().filters.items():
        macros.add_macro(f"@{name}", saved)


@click.command(help="List the profiles, saved filters, templates and themes of the configuration.")
def command() -> None:
    """Print what the configuration holds, and where it is."""
    config = load()
    click.echo(f"{config.path}{'' if config.path.exists() else ' (there is no such file)'}")
    for line in contents(config):
        click.echo(printable(line))


def contents(config: Config) -> list[str]:
    """Profiles, filters and templates, a line each, under their headings."""
    lines = []
    for heading, rows in (
        ("profiles (--profile NAME)", {n: described(p) for n, p in config.profiles.items()}),
        ("filters (@NAME in a filter)", config.filters),
        ("templates (-p NAME)", config.templates),
        ("themes (--theme NAME)", {n: t.summary for n, t in config.themes.items()}),
    ):
        lines += (
            ["", heading, *(f"  {name:<12} {text}" for name, text in rows.items())] if rows else []
        )
    return lines


def described(profile: Profile) -> str:
    """What a profile sets, in the words of the file."""
    values = {name: getattr(profile, name) for name in Profile.__slots__}
    return ", ".join(f"{name}={value}" for name, value in values.items() if value)
