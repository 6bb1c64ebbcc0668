"""The lists of fields and events: `-l`, `-L` and `--list-markdown`.

In:  the catalogue and the event table; words that choose among them. Out: text on standard
output, styled by Rich on a terminal. Next: nothing, the program ends.
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

from pyscap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyscap.model.specs import EventSpec, FieldSpec
    from pyscap.request import Request

WIDTH = 120
"""Columns of the list of fields. Source: observed: sysdig 0.41.4."""
NAME_WIDTH = 30
RULE = "-" * 31

Line = list[tuple[str, str]]
"""Pieces of a line: text, and its style on a terminal."""

GENERIC = "syscall"
"""The event of calls that have only a number; each of those calls is listed instead."""

_HIDDEN = frozenset({"table_only", "deprecated"})
_NOT_NOW = frozenset({"UNUSED", "OLD_VERSION"})


def list_fields(request: Request) -> int:
    """Print the fields that match the words, class by class."""
    emit(field_lines(chosen_fields(request), with_types=request.verbose), request.color)
    return ExitCode.OK


def list_markdown(request: Request) -> int:
    """Print the fields that match the words as Markdown tables."""
    sys.stdout.writelines(f"{line}\n" for line in markdown_lines(chosen_fields(request)))
    return ExitCode.OK


def list_events(request: Request) -> int:
    """Print the event types that match the words, with their parameters."""
    from pyscap.model.events import EVENTS
    from pyscap.model.syscalls import PPM_SC

    rows = list(event_lines(EVENTS, PPM_SC))
    found = [row for row in rows if matches(row[1][0], request.words)]
    if not found:
        raise no_match(request.words, of="event type")
    emit(found, request.color)
    return ExitCode.OK


def chosen_fields(request: Request) -> dict[str, list[FieldSpec]]:
    """Fields that can be used and whose name matches, by class.

    Raises:
        UsageError: there is none.
    """
    from pyscap.model.fields import CATALOGUE

    found = {
        name: [row for row in rows if is_listed(row) and matches(row.name, request.words)]
        for name, rows in CATALOGUE.items()
    }
    found = {name: rows for name, rows in found.items() if rows}
    if not found:
        raise no_match(request.words, of="field")
    return found


def is_listed(spec: FieldSpec) -> bool:
    """Whether a field is for people: not one of tables, nor gone."""
    return spec.gone is None and not _HIDDEN & set(spec.flags.split("|"))


def matches(name: str, words: tuple[str, ...]) -> bool:
    """Whether `name` contains one of the words, or there are none."""
    return not words or any(word.lower() in name.lower() for word in words)


def no_match(words: tuple[str, ...], *, of: str) -> UsageError:
    """The error for words that choose nothing."""
    msg = f"no {of} has {' or '.join(words)} in its name"
    return UsageError(msg, "without words everything is listed")


def field_lines(classes: dict[str, list[FieldSpec]], *, with_types: bool) -> Iterator[Line]:
    """The list of fields.

    Source: layout observed: sysdig 0.41.4.
    """
    from pyscap.model.fields import CLASSES

    for name, rows in classes.items():
        yield [(RULE, "dim")]
        yield [(f"{'Field Class:':<{NAME_WIDTH}} ", ""), (name, "bold")]
        yield [(f"{'Description:':<{NAME_WIDTH}} ", ""), (CLASSES[name], "")]
        yield [(f"{'Event Sources:':<{NAME_WIDTH}} ", ""), ("syscall", "")]
        yield []
        for spec in rows:
            yield from one_field(spec, with_types=with_types)
        yield []


def one_field(spec: FieldSpec, *, with_types: bool) -> Iterator[Line]:
    """One field with its wrapped description."""
    text = " ".join([*tags(spec, with_types=with_types), spec.description])
    first, *rest = textwrap.wrap(text, WIDTH - NAME_WIDTH - 1)
    if len(spec.name) >= NAME_WIDTH:
        yield [(spec.name, "green")]
        yield [(" " * (NAME_WIDTH + 1) + first, "")]
    else:
        yield [(f"{spec.name:<{NAME_WIDTH}} ", "green"), (first, "")]
    for line in rest:
        yield [(" " * (NAME_WIDTH + 1) + line, "")]


def tags(spec: FieldSpec, *, with_types: bool) -> Iterator[str]:
    """What stands in parentheses before the description."""
    if with_types:
        yield f"(Type: {type_name(spec)})"
    if spec.arg:
        yield "(ARG_REQUIRED)" if spec.arg_required else "(ARG_ALLOWED)"
    if spec.has("filter_only"):
        yield "(FILTER ONLY)"
    if spec.has("print_only"):
        yield "(PRINT ONLY)"


def type_name(spec: FieldSpec) -> str:
    """The type as lists show it."""
    return f"LIST({spec.type})" if spec.is_list else spec.type


def markdown_lines(classes: dict[str, list[FieldSpec]]) -> Iterator[str]:
    """The list of fields as a Markdown document: a heading and a table for each class."""
    from pyscap.model.fields import CLASSES

    for name, rows in classes.items():
        yield from (f"## {name}", "", CLASSES[name], "")
        yield "Name | Type | Description"
        yield ":----|:-----|:-----------"
        for spec in rows:
            text = spec.description.replace("|", "\\|")
            yield f"`{spec.name}` | {type_name(spec)} | {text}"
        yield ""


def event_lines(events: Iterable[EventSpec], calls: Iterable[str]) -> Iterator[Line]:
    """Event types that current captures hold, then the calls that have only a number.

    Source: layout observed: sysdig 0.41.4.
    """
    named = {GENERIC, "unknown"}
    for spec in events:
        if spec.name != GENERIC and not _NOT_NOW & set(spec.flags.split("|")):
            named.add(spec.name)
            params = ", ".join(f"{p.type} {p.name}" for p in spec.params)
            yield [(f"{spec.direction} ", "dim"), (spec.name, "bold"), (f"({params})", "")]
    for name in sorted(set(calls) - named):
        yield [("< ", "dim"), (name, "bold"), ("(SYSCALLID ID, UINT16 nativeID)", "")]


def emit(lines: Iterable[Line], color: str | None) -> None:
    """Print lines, with their styles on a terminal or when colours are asked for."""
    from pyscap.output.theme import is_coloured

    if not is_coloured(color, sys.stdout):
        sys.stdout.writelines("".join(text for text, _ in line) + "\n" for line in lines)
        return
    from rich.text import Text

    from pyscap.output.console import Console

    console = Console(highlight=False, soft_wrap=True, force_terminal=True)
    for line in lines:
        console.print(Text.assemble(*line))
