"""`pyscap follow`: what went through a descriptor or a connection, in both directions.

In:  the name of a descriptor, or a filter. Out: the data, on standard output or in a file.
"""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pyscap.views.build import Chosen, quoted
from pyscap.views.build import make_plan as view_plan
from pyscap.views.commands import (
    as_events,
    command_words,
    completed,
    shared_options,
    with_data,
)
from pyscap.views.specs import View
from pyscap.views.streams import STDOUT, Look
from pyscap.views.units import format_bytes

if TYPE_CHECKING:
    from pyscap.views.collect import Collector

SIDES = {
    "both": "evt.is_io=true",
    "read": "evt.is_io_read=true",
    "write": "evt.is_io_write=true",
}
"""Directions and the filters that choose them."""

FORMS = {"text": "text", "hex": "hex_ascii", "raw": "raw"}
"""How data can be shown, and the word for it in `streams.FORMS`."""

FOLLOW = View(
    "follow",
    "stream",
    "What went through a descriptor or a connection",
    "The data of every read and write, with a line where direction or process change.",
    filter="evt.rawres>0",
    header="------ {Read|Write} {evt.rawres}B {from|to} {fd.name} ({proc.name} {proc.pid})",
    headers="turn",
)

_CONDITION = re.compile(
    r"^\s*(not\s+|\(\s*)*[a-z0-9_]+\.[a-z0-9_.]+(\[[^\]]*\])?(\s*[=!<>]|\s+[a-z])"
)


def condition(text: str) -> str:
    """The filter that `--fd` means: a number, a name, or a filter itself."""
    if text.isdecimal():
        return f"fd.num={text}"
    if not text.startswith("/") and _CONDITION.match(text):
        return text
    return f"fd.name={quoted(text)}"


@click.command(params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--fd", "name", metavar="NAME|FILTER", help="descriptor: its name, number, a filter")
@click.option("--form", type=click.Choice(list(FORMS)), help="how data is shown (text)")
@click.option("--side", type=click.Choice(list(SIDES)), default="both", help="one direction only")
@click.option("--to", metavar="FILE", help="write the data to a file, raw unless --form says else")
@click.option("--overwrite", is_flag=True, help="replace the file when it exists")
@click.argument("words", nargs=-1, metavar="[FILTER]")
def follow(words: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Print the data that went through a descriptor or a connection."""
    from pyscap.output.theme import is_coloured
    from pyscap.plan import FieldList
    from pyscap.program import execute, make_filter, make_options, saved_filters, with_profile
    from pyscap.request import make_request
    from pyscap.views.collect import Collector
    from pyscap.views.screen import Screen

    name, form, side, to, overwrite = (
        values.pop(key) for key in ("name", "form", "side", "to", "overwrite")
    )
    request = with_data(with_profile(make_request(values, list(words), command_words())))
    own = make_filter(request, FieldList())
    text = own.text if own else ""
    form = form or ("raw" if to else "text")
    if form == "raw" and to is None and sys.stdout.isatty():
        form = "text"  # nothing from a capture steers a terminal
    view = replace(
        FOLLOW,
        filter=" and ".join(f"({part})" for part in wanted(name, side)),
        headers="none" if form == "raw" else FOLLOW.headers,
    )
    if request.json:
        view = as_events(view)
    coloured = form != "raw" and not to and is_coloured(request.color, sys.stdout)
    with opened(to, overwrite=overwrite) as fd:
        look = Look(FORMS[form], coloured=coloured, fd=fd, gaps=form != "raw")
        macros = saved_filters(request, text)
        chosen = Chosen(view, {}, ())
        plan, compiled = view_plan(chosen, text, macros, make_options(request), look)
        plan = completed(plan, request)
        collector = Collector(view, Screen(view, as_json=request.json).show)
        code = execute(request, plan, compiled, collector.watch)
        collector.finish()
    say_gaps(collector)
    return code


def wanted(name: str | None, side: str) -> list[str]:
    """The conditions of a stream."""
    own = [condition(name)] if name else []
    return [FOLLOW.filter, SIDES[side], *own]


def opened(to: str | None, *, overwrite: bool) -> Any:  # noqa: ANN401 - a context of a descriptor
    """Where data goes: a new file, or standard output."""
    if to is None:
        return nullcontext(STDOUT)
    from pyscap.format.save import output_file

    return output_file(to, overwrite=overwrite)


def say_gaps(collector: Collector) -> None:
    """Say how much of the data is not there, or that there is none."""
    if not collector.calls:
        sys.stderr.write("note: nothing was read from it or written to it\n")
    if collector.missing:
        sys.stderr.write(
            f"note: {format_bytes(collector.missing)} of the data were not captured; "
            "a capture with a larger -s has them\n"
        )
