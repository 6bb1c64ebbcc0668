"""What the program does with a request: read or capture, then say how it went.

In:  a request. Out: an exit code; messages and counts on standard error. Next: `plan` says what
the engine is told, `session` runs it.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyscap import progress
from pyscap._engine import Session
from pyscap.errors import FILTER_HINT, ExitCode, InputError, UsageError, printable
from pyscap.plancache import plan_text
from pyscap.session import Stop, read_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyscap.filterlang.compile import CompiledFilter
    from pyscap.filterlang.macros import Macros
    from pyscap.output.detail import Printer
    from pyscap.plan import FieldList, Options, Plan
    from pyscap.request import Request
    from pyscap.session import Stats


Watch = Callable[["Session"], None]
"""Is called with the engine after each slice of its work."""


def watch_nothing(engine: Session) -> None:
    """The watch of whoever waits for the end."""


def run(
    request: Request,
    beside: Callable[[FieldList], dict[str, Any]] | None = None,
    watch: Watch = watch_nothing,
) -> int:
    """Read or capture, as the request says.

    Args:
        request: What the user asked for.
        beside: Makes the row of a further sink, which gets the events too.
        watch: Called with the engine after each slice of its work.

    Returns:
        The exit code.

    Raises:
        OSError: a file cannot be opened.
        PyscapError: an input is no capture, is cut or damaged; what was complete is out.
    """
    request = with_profile(request)
    if request.check_filter or request.explain_filter:
        return tell_filter(request)
    if request.details and request.write is None:
        from pyscap.output.detail import Printer

        return tell_details(request, Printer(request))
    if request.write is None and not request.is_live and beside is None:
        text = plan_text(request, lambda: make_plan(request).to_json())
        return run_files(text, request.read, request, Stop())
    plan, wanted = planned(request)
    if beside is not None:
        plan = plan.with_output(beside(plan.fields))
    if request.write is not None and not request.is_live:
        return export(plan, request, watching(watch))
    return execute(request, plan, wanted, watch)


def watching(watch: Watch) -> Stop:
    """What ends a run of files, and meanwhile lets `watch` look."""
    stop = Stop()
    stop.watch = watch
    return stop


def tell_details(request: Request, printer: Printer) -> int:
    """Show everything about each chosen event."""
    plan, compiled = planned(request)
    return execute(request, plan, compiled, printer.watch)


def execute(
    request: Request,
    plan: Plan,
    compiled: CompiledFilter | None,
    watch: Watch = watch_nothing,
) -> int:
    """Run a plan over the files of a request, or over this machine.

    Args:
        request: Where the events come from.
        plan: What to do with them.
        compiled: The plan's filter.
        watch: Called with the engine after each slice of its work.

    Returns:
        The exit code.
    """
    if request.is_live:
        return run_live(request, plan, compiled, watch)
    return run_files(plan.to_json(), request.read, request, watching(watch))


def run_files(plan: str, names: Sequence[str], request: Request, stop: Stop) -> int:
    """Run a plan over files and complete its output, also when an input is cut.

    Returns:
        The exit code.
    """
    engine = Session(plan)
    try:
        read_files(engine, names, stop, progress.wanted(request))
    finally:
        engine.finish(final_summary(engine, request))
        say_counts(engine.stats(), request)
    return conclude(engine.stats(), stop, request)


def run_live(
    request: Request,
    plan: Plan,
    compiled: CompiledFilter | None,
    watch: Watch,
) -> int:
    """Capture, with what the kernel can decide of the filter decided there."""
    from pyscap import live
    from pyscap.filterlang.push import push
    from pyscap.probe.pushdown import NOTHING_PUSHED

    pushed = NOTHING_PUSHED
    if compiled is not None and not request.no_pushdown:
        pushed = push(compiled, shown_fields(request, plan))
    return live.run(request, plan, pushed, watch)


def shown_fields(request: Request, plan: Plan) -> list[str] | None:
    """Names of the fields that a run looks at; None when more than fields of events is wanted."""
    if request.write is not None or plan.output["kind"] not in ("text", "json"):
        return None
    return [str(entry["name"]) for entry in plan.fields.entries]


def tell_filter(request: Request) -> int:
    """Check the request's filter; print what it does and which part of it runs where if asked."""
    from pyscap.filterlang.explain import explain
    from pyscap.filterlang.push import explain_push, push
    from pyscap.plan import FieldList

    fields = FieldList()
    compiled = make_filter(request, fields)
    if compiled is None:
        msg = "there is no filter to explain" if request.explain_filter else "there is no filter"
        raise UsageError(msg, "give a filter, in quotes")
    wanted = either(compiled, make_trigger(request, FieldList())) or compiled
    if not request.explain_filter:
        return ExitCode.OK
    pushed = push(wanted, shown_fields(request, join_plan(request, fields, compiled)))
    sys.stdout.write(f"{printable(explain(compiled))}\n\n{explain_push(pushed)}\n")
    return ExitCode.OK


def final_summary(engine: Session, request: Request) -> str | None:
    """What a capture file says of itself at its end; None where none is written."""
    if request.write is None:
        return None
    from pyscap.format.save import summary

    return summary(engine.stats(), request.filter_text)


def export(plan: Plan, request: Request, stop: Stop) -> int:
    """Write the chosen events of files to a new file, with what they depend on.

    Returns:
        The exit code.
    """
    from pyscap.format import save

    twice = plan.filter and not request.no_fatfile and request.flight_recorder is None
    with save.readable_twice(request.read) if twice else nullcontext(request.read) as names:
        others = save.needed(plan, lambda engine: survey(engine, names, stop)) if twice else None
        options = save.section_options(request.filter_text) if plan.filter else ()
        with save.saved(plan, request, stop, others=others, options=options) as plan:
            return run_files(plan.to_json(), names, request, stop)


def survey(engine: Session, names: Sequence[str], stop: Stop) -> None:
    """A first reading; what is wrong with the inputs is told by the second."""
    with suppress(InputError):
        read_files(engine, names, stop)


def dump_plan(request: Request) -> int:
    """Print the plan of a request."""
    sys.stdout.write(make_plan(with_profile(request)).to_json() + "\n")
    return ExitCode.OK


def with_profile(request: Request) -> Request:
    """The request with what its profile adds."""
    if request.profile is None and request.print is None:
        return request
    from pyscap import config

    if request.profile is not None:
        request = config.apply(request, config.load().profile(request.profile))
    return config.with_template(request)


def make_plan(request: Request) -> Plan:
    """What the engine is to do for a request."""
    return planned(request)[0]


def planned(request: Request) -> tuple[Plan, CompiledFilter | None]:
    """What the engine is to do for a request, and a filter that takes all that it looks for."""
    from pyscap.plan import FieldList

    fields = FieldList()
    compiled, trigger = make_filter(request, fields), make_trigger(request, fields)
    plan = join_plan(request, fields, compiled)
    plan = replace(plan, trigger=trigger.program if trigger else None)
    return plan, either(compiled, trigger)


def join_plan(request: Request, fields: FieldList, compiled: CompiledFilter | None) -> Plan:
    """The plan of a request whose filter is compiled."""
    from pyscap.filterlang.hosts import with_hosts
    from pyscap.output.lines import output_row
    from pyscap.plan import Plan
    from pyscap.privacy import redact_row

    plan = Plan(
        fields,
        compiled.program if compiled else None,
        output_row(request, fields),
        redact=redact_row(request),
        options=make_options(request),
        names_users=not request.exclude_users,
    )
    return with_hosts(plan, wanted=request.resolve_ports)


def make_options(request: Request) -> Options:
    """The choices of a request that more than one stage of the engine looks at."""
    from pyscap.filterlang.services import port_names
    from pyscap.output.zone import local_zone
    from pyscap.plan import Options

    return Options(
        enter=request.enter,
        internal=request.debug,
        live=request.is_live,
        zone=() if request.timetype == "utc" else local_zone(),
        services=port_names() if request.resolve_ports else (),
        max_events=request.numevents,
        max_event_ns=request.duration,
    )


def make_filter(request: Request, fields: FieldList) -> CompiledFilter | None:
    """The request's filter, whose warnings are said; None without a filter."""
    if not request.words:
        return suppressing("", request, fields)
    from pyscap.filterlang.compile import compile_filter, join_words
    from pyscap.filterlang.errors import FilterError
    from pyscap.plan import FieldList

    text, was_split = join_words(request.words)
    own = FieldList() if request.suppress_comm else fields
    try:
        compiled = compile_filter(text, saved_filters(request, text), own)
    except FilterError as error:
        if was_split:
            raise UsageError(error.render(), SHELL_HINT) from error
        raise
    for warning in compiled.warnings:
        sys.stderr.write(f"{printable(warning.render())}\n")
    return suppressing(text, request, fields) or compiled


def make_trigger(request: Request, fields: FieldList) -> CompiledFilter | None:
    """What the request's flight recorder waits for; None when there is nothing."""
    if request.trigger is None:
        return None
    from pyscap.filterlang.compile import compile_filter
    from pyscap.filterlang.errors import FilterError

    try:
        trigger = compile_filter(request.trigger, saved_filters(request, request.trigger), fields)
    except FilterError as error:
        msg = f"--trigger: {error.render()}"
        raise UsageError(msg, FILTER_HINT) from error
    for warning in trigger.warnings:
        sys.stderr.write(f"--trigger: {printable(warning.render())}\n")
    return trigger


def either(
    compiled: CompiledFilter | None, trigger: CompiledFilter | None
) -> CompiledFilter | None:
    """What a capture must see: what the filter chooses and what is waited for; None for all."""
    if compiled is None or trigger is None:
        return compiled
    from pyscap.filterlang.typed import Any as AnyOf

    codes = None
    if compiled.event_codes is not None and trigger.event_codes is not None:
        codes = tuple(sorted({*compiled.event_codes, *trigger.event_codes}))
    condition = AnyOf((compiled.condition, trigger.condition))
    return replace(compiled, condition=condition, event_codes=codes)


def suppressing(text: str, request: Request, fields: FieldList) -> CompiledFilter | None:
    """The filter `text` without the processes of `-U`; None when there are none."""
    if not request.suppress_comm:
        return None
    from pyscap.filterlang.ast import quote
    from pyscap.filterlang.compile import compile_filter

    names = ", ".join(quote(name) for name in request.suppress_comm)
    condition = f"not proc.name in ({names})"
    whole = f"({text}) and {condition}" if text else condition
    return compile_filter(whole, saved_filters(request, text), fields)


SHELL_HINT = "put the whole filter in quotes: the shell took some of its own"


def saved_filters(request: Request, text: str) -> Macros:
    """What a filter may name: the macros of a file, and the filters of the configuration."""
    from pyscap.filterlang.macros import Macros, load

    macros = load(request.macros) if request.macros else Macros()
    if "@" in text:
        from pyscap import config

        config.add_filters(macros)
    return macros


def say_unshown(stats: Stats, request: Request) -> None:
    """Say that events were left out for want of a value, when nothing else was shown."""
    count = stats["unshown"]
    if count and (request.verbose or not stats["chosen"]):
        have = "event has" if count == 1 else "events have"
        sys.stderr.write(
            f"note: {count} {have} no value for a field of the template; {STAR_HINT}\n"
        )


STAR_HINT = "a * at its beginning shows them, as in -p '*%proc.name %fd.name'"


def say_counts(stats: Stats, request: Request) -> None:
    """The counts of a run on standard error, when they are wanted."""
    say_unshown(stats, request)
    if request.verbose:
        sys.stderr.write(f"{stats['events']} events read, {stats['chosen']} chosen\n")
        summaries = stats.get("summaries")
        for text in summaries if isinstance(summaries, list) else ():
            sys.stderr.write(f"{printable(accounted(text))}\n")


def accounted(summary: str) -> str:
    """What a capture file says of its own making, in a line."""
    try:
        told = json.loads(summary)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return f"the file says of itself: {summary}"
    lost = {k: v for k, v in told.items() if k.startswith("dropped") and v}
    reasons = ", ".join(f"{name}: {count}" for name, count in lost.items())
    made = " ".join(str(told[k]) for k in ("program", "kernel") if k in told)
    return f"captured by {made}: {told.get('events')} events, lost: {reasons or 'none'}"


def conclude(stats: Stats, stop: Stop, request: Request) -> int:
    """How a run went that came to its end.

    Returns:
        The exit code.
    """
    damage = stats["first_damage"]
    if isinstance(damage, tuple):
        msg = f"{stats['damaged']} damaged events, the first at byte {damage[0]}: {damage[1]}"
        raise InputError(msg, "all other events were processed")
    if stop.signal == signal.SIGINT and not request.is_live:
        return ExitCode.INTERRUPTED
    return ExitCode.OK
