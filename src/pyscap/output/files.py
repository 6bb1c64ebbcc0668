"""`pyscap info` and `pyscap merge`: whole capture files, described and joined.

In:  the command line. Out: standard output, or a new file; an exit code. Next: `format.info` and
`format.merge` do the work.
"""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from pyscap.errors import ExitCode, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.format.info import CaptureInfo, SectionInfo

NS_PER_S = 1_000_000_000
SHOWN_TYPES = 20
"""Event types listed in text; JSON has all."""


@click.command(help="Say what a capture file is: its host, time, events, losses and damage.")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def info(file: str, as_json: bool) -> int:
    """Describe a capture; `-` is standard input.

    Returns:
        0, or the exit code of damaged inputs when it is one.
    """
    from pyscap.format.info import capture_info

    found = capture_info(file)
    if as_json:
        click.echo(json.dumps(as_data(found), indent=1))
    else:
        for line in info_lines(found):
            click.echo(printable(line))
    return ExitCode.INPUT if found.damaged or found.damage else ExitCode.OK


def as_data(found: CaptureInfo) -> dict[str, Any]:
    """Everything that is known of a capture, with what follows from it."""
    return {**asdict(found), "duration_ns": found.duration_ns, "dropped": found.dropped}


def info_lines(found: CaptureInfo) -> Iterator[str]:
    """A capture in lines of name and value."""
    yield row("file", found.path)
    if found.size_bytes is not None:
        yield row("size", f"{found.size_bytes} bytes, compression {found.compression}")
    for section in found.sections:
        yield from section_lines(section)
    yield row("start", moment(found.start_ns))
    yield row("end", moment(found.end_ns))
    if found.duration_ns is not None:
        yield row("duration", f"{found.duration_ns / NS_PER_S:.9f} s")
    yield row("events", f"{found.events}, of them {found.state_only} for the state alone")
    yield row("processes", str(found.processes))
    yield row("packets", str(found.packets))
    yield row("dropped", "not said" if found.dropped is None else str(found.dropped))
    for summary in found.summaries:
        yield row("written by", json.dumps(summary, ensure_ascii=True))
    if found.unknown:
        yield row("unknown", f"{found.unknown} events of types that this pyscap does not know")
    for spot in found.damage:
        yield row("damage", f"at byte {spot.offset}: {spot.what}")
    yield "events by type:"
    for name, count in list(found.by_type.items())[:SHOWN_TYPES]:
        yield f"  {count:>10}  {name}"
    if len(found.by_type) > SHOWN_TYPES:
        yield f"  and {len(found.by_type) - SHOWN_TYPES} more types"


def section_lines(section: SectionInfo) -> Iterator[str]:
    """One section of the file."""
    host = section.hostname or "not said"
    memory_mb = section.memory_bytes >> 20
    yield row("host", f"{host}, {section.num_cpus} processors, {memory_mb} MB")
    yield row("format", f"section header {section.version}")
    for name, text in section.options:
        yield row(name, text)
    yield row(
        "tables",
        f"{section.listed_processes} processes, {section.listed_threads} threads, "
        f"{section.listed_fds} descriptors",
    )


def row(name: str, value: str) -> str:
    """A line of a name and a value."""
    return f"{name:<12}{value}"


def moment(ts_ns: int | None) -> str:
    """A time in UTC; a dash when there is none."""
    if ts_ns is None:
        return "-"
    whole = datetime.fromtimestamp(ts_ns // NS_PER_S, tz=timezone.utc)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{ts_ns % NS_PER_S:09d} UTC"


@click.command(help="Join captures, and packet captures in pcapng, into one file by time.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-w", "--write", "output", required=True, metavar="FILE", help="the new file")
@click.option("-z", "--compress", is_flag=True, help="compress it with gzip")
@click.option("--overwrite", is_flag=True, help="replace a file that exists")
def merge(files: tuple[str, ...], output: str, compress: bool, overwrite: bool) -> int:
    """Write all events and packets of `files` to `output`.

    Returns:
        0; a signal ends the file early, and whole.
    """
    from pyscap.format.merge import merge as join
    from pyscap.session import Stop, catching_signals

    stop = Stop()
    with catching_signals(stop):
        join(files, output, gzip=compress, overwrite=overwrite, is_stopped=stop.is_due)
    return ExitCode.INTERRUPTED if stop.signal == signal.SIGINT else ExitCode.OK
