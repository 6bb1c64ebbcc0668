"""`pyscap top`, `pyscap stat` and `-c`: a view of a file or of this machine.

In:  the command line. Out: an exit code; the view on standard output, notes on standard error.
Next: `build` makes the plan, `collect` runs it, `screen` shows the rows.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from pyscap.cli import click_option
from pyscap.completion import view_words
from pyscap.errors import ExitCode, UsageError
from pyscap.options import OPTIONS
from pyscap.views.catalogue import GROUPS, VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap.filterlang.compile import CompiledFilter
    from pyscap.plan import Options, Plan
    from pyscap.request import Request
    from pyscap.views.build import Chosen
    from pyscap.views.collect import Rows
    from pyscap.views.specs import View

SHARED = (
    *("read", "snaplen", "buffer-size", "include-self", "numevents", "duration", "macros"),
    *("profile", "json", "color", "verbose", "resolve-ports", "redact"),
)
"""Options of the main command that views have too."""

DATA_SNAPLEN = 2000
"""Bytes of each read and write that views of data capture, unless the user says it.

Source: observed: sysdig 0.41.4, its chisels that show data.
"""

LIST_WORDS = ("l", "list")
"""What `-c` takes as a wish for a list of the views."""

NOTES = {
    "latency": "this capture holds no durations, so there is nothing to show; "
    "a capture made with --latency has them",
    "switch": "this capture holds no scheduler events, so there is nothing to show; "
    "a capture of evt.type=switch has them",
    "container": "no process of this capture runs in a container",
}
"""What is missing when a view that needs it stays empty."""


RUNNING = ("table", "heat", "http")
"""Kinds of views that are shown every second while a capture runs: by `-c`, and by `pyscap top` on
a terminal."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a view is to be shown."""

    rows: int | None = None
    """How many rows; 0 for all, None as the view declares."""
    by: str | None = None
    """Title of the column to order by; None as the view declares."""
    interval_s: float | None = None
    """Seconds between two showings; None for one at the end."""
    cumulative: bool = False
    """Every showing covers everything so far."""
    at: str = ""
    """Of state views: the event at which the state is looked at; nothing for the end."""


def shared_options(names: tuple[str, ...] = SHARED) -> list[click.Parameter]:
    """The Click options of the main command that a subcommand has too."""
    return [click_option(spec) for spec in OPTIONS if spec.name in names]


@click.command(params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=click.IntRange(0), metavar="N", help="rows to show, 0 for all")
@click.option("--by", metavar="COLUMN", help="order by another column")
@click.option("--interval", type=float, metavar="SECONDS", help="show the rows every so often")
@click.option("--cumulative", is_flag=True, help="each showing covers everything so far")
@click.option("--at", default="", metavar="FILTER", help="state as of the first such event")
@click.argument("words", nargs=-1, metavar="[VIEW] [ARGUMENTS] [FILTER]", shell_complete=view_words)
def top(words: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Show a view: what is busiest, slowest, open, failing.

    Without a view, `procs` is shown; `pyscap top list` lists the views.
    """
    from pyscap.request import make_request

    asked = Asked(*(values.pop(name) for name in ("rows", "by", "interval", "cumulative", "at")))
    name, rest = split_name(words)
    if name in LIST_WORDS:
        return list_views()
    request = make_request(values, rest, command_words())
    if asked.interval_s is None and sys.stdout.isatty() and not request.json:
        asked = replace(asked, interval_s=running_interval(name, request))
    return show(name, request, asked)


def split_name(words: tuple[str, ...]) -> tuple[str, list[str]]:
    """The view that is asked for and the words behind it; a filter alone is about `procs`."""
    if words and (words[0] in VIEWS or words[0] in LIST_WORDS or is_name(words[0])):
        return words[0], list(words[1:])
    return "procs", list(words)


def is_name(word: str) -> bool:
    """Whether a word looks like the name of a view more than like a filter."""
    return word.replace("_", "").isalnum()


@click.command(params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("words", nargs=-1, metavar="[FILTER]")
def stat(words: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Count events: calls, errors and time of each event type."""
    from pyscap.request import make_request

    return show("summary", make_request(values, list(words), command_words()), Asked())


def command_words() -> list[str]:
    """The command after `--`, which `cli` has put aside."""
    words: list[str] = click.get_current_context().meta.get("command", [])
    return words


def with_data(request: Request) -> Request:
    """The request of a capture whose data is wanted, with enough of it captured."""
    if not request.is_live or request.snaplen is not None:
        return request
    return replace(request, snaplen={"": DATA_SNAPLEN})


def run_chisel(request: Request) -> int:
    """Show the view of `-c`."""
    name, _, rest = str(request.chisel).partition(" ")
    if name in LIST_WORDS:
        return list_views()
    if rest:
        request = replace(request, words=(rest, *request.words))
    return show(name, request, Asked(interval_s=running_interval(name, request)))


def running_interval(name: str, request: Request) -> float | None:
    """Seconds between two showings of a view while a capture runs; None for one at the end."""
    return 1.0 if request.is_live and find(name).kind in RUNNING else None


def describe_chisel(request: Request) -> int:
    """Describe the view of `-i`."""
    from pyscap.views.build import shown_name, usage

    view = find(str(request.chisel_info))
    out = [view.name, "", view.title, "", view.doc, "", f"Usage: pyscap top {usage(view)}"]
    out += [f"  {shown_name(arg)}: {arg.doc}" for arg in view.args]
    if view.filter:
        out.append(f"Filter: {view.filter}")
    click.echo("\n".join(out))
    return ExitCode.OK


def list_views() -> int:
    """List the views by group."""
    width = max(map(len, VIEWS)) + 2
    for title, views in GROUPS.items():
        click.echo(f"\n{title}")
        for view in views:
            click.echo(f"  {view.name:<{width}}{view.title}")
    return ExitCode.OK


def find(name: str) -> View:
    """The view called `name`, with or without the suffix of a script.

    Raises:
        UsageError: there is none.
    """
    view = VIEWS.get(name.removesuffix(".lua"))
    if view is None:
        near = get_close_matches(name, VIEWS, n=1)
        hint = f"did you mean {near[0]}?" if near else "`pyscap top list` lists the views"
        msg = f"there is no view called {name}"
        raise UsageError(msg, hint)
    return view


def show(name: str, request: Request, asked: Asked) -> int:
    """Show a view of the files of a request, or of this machine.

    Returns:
        The exit code.
    """
    from pyscap.program import execute, make_options, with_profile
    from pyscap.views.build import choose
    from pyscap.views.collect import Collector

    view = find(name)
    if view.kind == "around":
        from pyscap.views.around import run as run_around

        return run_around(view, request)
    chosen = choose(looked(view, asked), request.words)
    request = with_profile(replace(request, words=chosen.words))
    if view.kind in ("stream", "http"):
        request = with_data(request)
    if view.over and request.is_live and not (asked.at or asked.interval_s or limited(request)):
        request = replace(request, duration=0)
    if request.json and chosen.view.kind == "stream":
        chosen = replace(chosen, view=as_events(chosen.view))
    plan, compiled = make_plan(chosen, request, asked, make_options(request))
    with make_screen(chosen.view, request, asked) as display:
        cumulative = asked.cumulative and chosen.view.kind == "table"
        collector = Collector(chosen.view, display, asked.interval_s, cumulative=cumulative)
        try:
            code = execute(request, plan, compiled, collector.watch)
        finally:
            collector.finish()
    say_notes(chosen.view, collector)
    return code


def limited(request: Request) -> bool:
    """Whether the request says when a capture ends; the state is shown then, else at once."""
    return bool(request.duration or request.numevents or request.command)


def run_with_summary(request: Request) -> int:
    """What the request asks for, and after it the table of `-S`.

    DIFFERENCE(sysdig 0.41.4): only the events that the filter chose are counted.
    """
    from pyscap.program import run
    from pyscap.views.build import choose, output_row
    from pyscap.views.collect import Collector
    from pyscap.views.screen import Screen
    from pyscap.views.streams import Look

    view = choose(VIEWS["summary"], ()).view
    collector = Collector(view, Screen(view, as_json=request.json).show)
    try:
        return run(request, lambda fields: output_row(view, fields, Look()), collector.watch)
    finally:
        collector.finish()


def looked(view: View, asked: Asked) -> View:
    """The view with another number of rows, or another order."""
    if asked.rows is not None:
        view = replace(view, limit=asked.rows)
    if asked.by is not None:
        titles = {column.title.lower(): column.title for column in view.columns}
        view = replace(view, order=titles.get(asked.by.lower(), asked.by))
    return view


def make_plan(
    chosen: Chosen, request: Request, asked: Asked, options: Options
) -> tuple[Plan, CompiledFilter | None]:
    """The plan of a view; when the state at an event is asked for, reading ends there."""
    from pyscap.output.theme import is_coloured
    from pyscap.plan import FieldList
    from pyscap.program import make_filter, saved_filters
    from pyscap.views import build
    from pyscap.views.streams import Look

    if asked.at:
        request, options = replace(request, words=(asked.at,)), replace(options, max_events=1)
    own = make_filter(request, FieldList())
    text = own.text if own else ""
    data = Look(
        form=request.wanted_mode or chosen.view.form,
        coloured=is_coloured(request.color, sys.stdout),
        unbuffered=request.is_live or request.unbuffered,
    )
    macros = saved_filters(request, text + chosen.values.get("filter", ""))
    plan, compiled = build.make_plan(chosen, text, macros, options, data)
    return completed(plan, request), compiled


def completed(plan: Plan, request: Request) -> Plan:
    """The plan of a view with what a request says of names and of what must not be seen."""
    from pyscap.filterlang.hosts import with_hosts
    from pyscap.privacy import redact_row

    hidden = redact_row(request)
    plan = replace(plan, names_users=not request.exclude_users, redact=hidden)
    return with_hosts(plan, wanted=request.resolve_ports)


def as_events(view: View) -> View:
    """A stream as a list of its calls, for JSON."""
    from pyscap.views.streams import EVENT_COLUMNS

    return replace(view, kind="list", columns=EVENT_COLUMNS)


def make_screen(
    view: View, request: Request, asked: Asked
) -> AbstractContextManager[Callable[[Rows], None]]:
    """Where rows go: a table that is drawn over on a terminal, lines elsewhere."""
    from pyscap.output.theme import is_coloured
    from pyscap.views.screen import Screen, live_table

    coloured = is_coloured(request.color, sys.stdout)
    screen = Screen(view, as_json=request.json, coloured=coloured)
    grouped = view.kind == "table" and not request.json
    if grouped and asked.interval_s is not None and sys.stdout.isatty():
        return live_table(screen)
    return nullcontext(screen.show)


def say_notes(view: View, collector: Any) -> None:  # noqa: ANN401 - avoids an import at start
    """Say on standard error what the rows do not."""
    if collector.engine is None:
        return
    stats = collector.engine.stats()
    missing = {
        "latency": not stats["measured"],
        "switch": not collector.shown_rows,
        "container": not collector.shown_rows,
    }
    if missing.get(view.needs):
        sys.stderr.write(f"note: {NOTES[view.needs]}\n")
    elif collector.rest_keys:
        rows = "row" if collector.rest_keys == 1 else "rows"
        sys.stderr.write(f"note: {collector.rest_keys} more {rows}; --rows 0 shows all\n")
