"""Capture files on their way out: how they are opened, what they hold besides the events.

In:  the name of a file and what is to be written. Out: an open descriptor, the engine's output
row, the section options and the summary. Next: `program` runs the engine over it.
Source: ADR 0009 (state inside events), ADR 0010 (exports), ADR 0011 (accounting).
"""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyscap import _engine, rotation
from pyscap.errors import OutputError
from pyscap.format.encode import (
    OPTION_APPLICATION,
    OPTION_COMMENT,
    OPTION_HARDWARE,
    OPTION_OS,
)
from pyscap.recorder import FlightRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyscap.plan import Plan
    from pyscap.request import Request
    from pyscap.session import Stop

Row = dict[str, Any]

_SUFFIXES = {".gz": "gzip", ".zst": "zstd"}
_COMMENT_MAX = 4096
"""Longest comment of a section header, in bytes; a filter may be long."""


def compression(name: str, *, gzip: bool) -> str:
    """How a file of that name is compressed: `none`, `gzip` or `zstd`."""
    return "gzip" if gzip else _SUFFIXES.get(Path(name).suffix, "none")


@contextmanager
def output_file(name: str, *, overwrite: bool = False) -> Iterator[int]:
    """The descriptor of a new capture file, or of standard output for `-`.

    A file is readable for its owner alone. Links are not followed, and a file that exists is
    left alone unless `overwrite`; devices and pipes are written to.

    DIFFERENCE(sysdig 0.41.4): there a file is replaced, with the rights that the umask gives.

    Raises:
        OutputError: the file exists, is a link, or cannot be made.
    """
    if name == "-":
        yield sys.stdout.fileno()
        return
    fd = _open(name, overwrite=overwrite)
    try:
        yield fd
    except BaseException:
        _remove_empty(name, fd)
        raise
    finally:
        os.close(fd)


def _remove_empty(name: str, fd: int) -> None:
    """Leave nothing behind of a run that failed before its first block."""
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and not found.st_size:
        Path(name).unlink(missing_ok=True)


@contextmanager
def output_files(request: Request, stop: Stop) -> Iterator[tuple[int, Row | None]]:
    """The descriptor of a request's output, and when the next file begins, if there are several.

    While this lasts, `stop` gives the engine its next files.

    Raises:
        OutputError: a file exists, is a link, or cannot be made.
    """
    name = request.write or "-"
    if not rotation.is_wanted(request) or name == "-":
        with output_file(name, overwrite=request.overwrite) as fd:
            yield fd, None
        return
    files = rotation.Rotation(request, stop, partial(_open, overwrite=request.overwrite))
    stop.also_watch(files.look)
    try:
        yield files.fd, files.limits()
    finally:
        files.close()


def _open(name: str, *, overwrite: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    flags |= os.O_TRUNC if overwrite or _is_special(name) else os.O_EXCL
    try:
        return os.open(name, flags, 0o600)
    except OSError as error:
        raise _refused(name, error) from error


def _is_special(name: str) -> bool:
    try:
        mode = Path(name).lstat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _refused(name: str, error: OSError) -> OutputError:
    if error.errno == errno.EEXIST:
        return OutputError(f"{name}: the file exists", "--overwrite replaces it")
    if error.errno == errno.ELOOP:
        return OutputError(f"{name}: it is a symbolic link", "name the file that it points to")
    return OutputError(f"{name}: {error.strerror}", "write to a place where you may")


def output_row(
    fd: int | None,
    *,
    compression: str,
    others: str | Row,
    options: Sequence[tuple[int, str]] = (),
    rotate: Row | None = None,
) -> Row:
    """The engine's output row of a capture file.

    Args:
        fd: where to write; None for files that are made later.
        compression: `none`, `gzip` or `zstd`.
        others: what is written of events that are not chosen: `copy` (everything, as nothing is
            filtered), `drop` (nothing), `state` (those that change the state) or the row of
            `needed`.
        options: code and text of options added to the section headers.
        rotate: when the next file begins, as `output_files` says; None for one file.
    """
    return {
        "kind": "savefile",
        "fd": -1 if fd is None else fd,
        "compression": compression,
        "others": others,
        "carry_state": True,
        "hold_last": fd is None or stat.S_ISREG(os.fstat(fd).st_mode),
        "section_options": list(options),
        "rotate": rotate,
    }


def section_options(filter_text: str = "", *, live: bool = False) -> list[tuple[int, str]]:
    """What a section header says: the program, the filter, and of a live capture the host.

    Source:
        pcapng, section header block: shb_hardware, shb_os, shb_userappl; libs of 2025-03 and
        later skip them, Wireshark shows them.
    """
    options = [(OPTION_APPLICATION, f"pyscap {_engine.__version__}")]
    if live:
        host = os.uname()
        options.append((OPTION_HARDWARE, host.machine))
        options.append((OPTION_OS, f"{host.sysname} {host.release}"))
    if filter_text:
        cut = filter_text.encode()[:_COMMENT_MAX].decode(errors="ignore")
        options.append((OPTION_COMMENT, f"filter: {cut}"))
    return options


@contextmanager
def saved(
    plan: Plan,
    request: Request,
    stop: Stop,
    *,
    others: str | Row | None = None,
    options: Sequence[tuple[int, str]] = (),
    facts: Callable[[], Row] = dict,
) -> Iterator[Plan]:
    """The plan of a request with its file, or its files, as output, if it has one.

    Args:
        plan: What is to be written.
        request: Says where.
        stop: Gives the engine its next files while this lasts.
        others: What is written of events that are not chosen, as in `output_row`; None for what
            can be known of them without reading twice.
        options: Options of the section headers.
        facts: More to be said of the capture in the summaries of a flight recorder.

    Raises:
        OutputError: a file exists, is a link, or cannot be made.
    """
    if request.write is None:
        yield plan
        return
    row = partial(
        output_row,
        compression=compression(request.write, gzip=request.compress),
        others=others or unchosen(plan, request),
        options=options,
    )
    if request.flight_recorder is None:
        with output_files(request, stop) as (fd, rotate):
            yield plan.with_output(row(fd, rotate=rotate))
        return

    def say(engine: _engine.Session, found: Row) -> str:
        return summary(engine.stats(), request.filter_text, recorder=found, **facts())

    open_file = partial(_open, overwrite=request.overwrite)
    recorder = FlightRecorder(request, stop, open_file, say)
    stop.also_watch(recorder.look)
    try:
        sink = recorder.row(row(None), plan.filter, plan.trigger)
        yield replace(plan, filter=None).with_output(sink)
    finally:
        recorder.close()


def unchosen(plan: Plan, request: Request) -> str:
    """What is written of events that are not chosen when they are not looked at twice.

    Everything that changes the state is kept, marked as hidden.
    """
    if not plan.filter:
        return "copy"
    return "drop" if request.no_fatfile else "state"


def summary(stats: Mapping[str, Any], filter_text: str = "", **more: object) -> str:
    """The accounting that travels in the last event of a file, as JSON text.

    Args:
        stats: the engine's counts.
        filter_text: filter of the run, if any.
        more: further facts of a live capture: `dropped` (count by reason), `snaplen`, `kernel`.

    Returns:
        The text; what earlier writers said of the events stands under `before`.
    """
    facts: Row = {
        "program": f"pyscap {_engine.__version__}",
        "python": platform.python_version(),
        "events": stats["events"],
        "chosen": stats["chosen"],
        "filter": filter_text or None,
        **more,
        "before": [_parsed(text) for text in stats["summaries"]] or None,
    }
    return json.dumps({key: value for key, value in facts.items() if value is not None})


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def needed(plan: Plan, read: Callable[[_engine.Session], None]) -> Row:
    """What an export must hold besides the chosen events, found by reading once before.

    Args:
        plan: the plan of the export; its output does not matter.
        read: runs an engine over the inputs; damage is left to the reading that follows.
    """
    engine = _engine.Session(replace(plan, output={"kind": "survey"}).to_json())
    read(engine)
    result = engine.result()
    return {"needed": json.loads(result) if result else {}}


@contextmanager
def readable_twice(names: Sequence[str]) -> Iterator[list[str]]:
    """Names of inputs that can be read twice: pipes are copied to a file that goes away again."""
    copies: list[str] = []
    try:
        yield [_copied(name, copies) if _is_pipe(name) else name for name in names]
    finally:
        for copy in copies:
            Path(copy).unlink()


def _is_pipe(name: str) -> bool:
    mode = os.fstat(sys.stdin.fileno()).st_mode if name == "-" else Path(name).stat().st_mode
    return not stat.S_ISREG(mode)


def _copied(name: str, copies: list[str]) -> str:
    with tempfile.NamedTemporaryFile(prefix="pyscap-", suffix=".scap", delete=False) as copy:
        copies.append(copy.name)
        if name == "-":
            shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            with Path(name).open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        return copy.name
