"""What can go wrong, as one cause, one thing to do and one exit code.

In:  exceptions of every part. Out: `PyscapError` with its exit code. Next: `cli` prints it.
Nothing here imports another part of pyscap: the parts' own exceptions are known by name, so that
an error costs no import and a part that cannot be imported can still be explained.
"""

from __future__ import annotations

import errno
import os
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ExitCode(IntEnum):
    """The exit codes of the command; `EXIT_CODES` says them in words."""

    OK = 0
    USAGE = 1
    INPUT = 2
    CAPTURE = 3
    OUTPUT = 4
    DROPS = 5
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_CODES: tuple[tuple[ExitCode, str], ...] = (
    (
        ExitCode.OK,
        "Success. A capture that was ended by Ctrl-C, SIGTERM or SIGHUP, and an output pipe whose "
        "reader went away, are success too.",
    ),
    (ExitCode.USAGE, "A mistake in an option, a filter, a template or the configuration."),
    (
        ExitCode.INPUT,
        "An input is missing, is no capture, is cut short or is damaged. Everything complete "
        "before the damage was processed.",
    ),
    (
        ExitCode.CAPTURE,
        "This machine or this user cannot capture: not Linux, no right to, no BPF, no BCC, or the "
        "kernel refused the program. `pyscap doctor` says which.",
    ),
    (ExitCode.OUTPUT, "The output cannot be written: no space, no right to, a file that exists."),
    (ExitCode.DROPS, "Events were lost and `--fail-on-drop` was given."),
    (ExitCode.INTERNAL, "A mistake in pyscap itself. `PYSCAP_DEBUG=1` shows where."),
    (ExitCode.INTERRUPTED, "Ctrl-C while reading."),
)
"""Every exit code with its meaning, for the man page.

With `-- COMMAND` the exit code is the command's own once it has run: its status, or 128 plus the
number of the signal that ended it.
"""

REPORT = "this is a mistake in pyscap; run again with PYSCAP_DEBUG=1 and report what it prints"


class PyscapError(Exception):
    """An error for the user: what happened, and what to do."""

    exit_code = ExitCode.INTERNAL
    """What the command exits with."""

    def __init__(self, cause: str, hint: str = "") -> None:
        """Keep both sentences.

        Args:
            cause: What happened, one line; a filter adds its caret below.
            hint: What to do, one line, or nothing.
        """
        super().__init__(cause)
        self.cause = cause
        self.hint = hint


class UsageError(PyscapError):
    """The user asked for something that cannot be."""

    exit_code = ExitCode.USAGE


class InputError(PyscapError):
    """An input cannot be read, or not to its end."""

    exit_code = ExitCode.INPUT


class CaptureError(PyscapError):
    """Capturing is not possible here."""

    exit_code = ExitCode.CAPTURE


class OutputError(PyscapError):
    """The output cannot be written."""

    exit_code = ExitCode.OUTPUT


class DropError(PyscapError):
    """Events were lost, and the user wants that to be an error."""

    exit_code = ExitCode.DROPS


def printable(text: str) -> str:
    """`text` with everything that could steer a terminal written as an escape.

    Names in messages come from files and other people's processes. Line feeds and tabs stay:
    messages use them.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def explain(error: BaseException) -> PyscapError | None:
    """The user's view of any exception.

    Returns:
        What to print and exit with; None when nothing here knows it, which is a mistake of ours.
    """
    if isinstance(error, PyscapError):
        return error
    for base in type(error).__mro__:
        explainer = _EXPLAINERS.get(f"{base.__module__}.{base.__qualname__}")
        if explainer is not None:
            return explainer(error)
    return None


def is_broken_pipe(error: BaseException) -> bool:
    """Whether `error` says that the reader of our output has gone away."""
    if isinstance(error, BrokenPipeError):
        return True
    args = error.args
    return type(error).__name__ == "EngineError" and args[:1] == ("io",) and args[2] == errno.EPIPE


FILTER_HINT = "`pyscap -l` lists the fields, `man pyscap` shows the syntax"


def _explain_filter(error: BaseException) -> PyscapError:
    render: Callable[[], str] = getattr(error, "render", error.__str__)
    return UsageError(render(), FILTER_HINT)


def _explain_macros(error: BaseException) -> PyscapError:
    return UsageError(str(error), "a macro file has the notation of Falco's rules")


def _explain_template(error: BaseException) -> PyscapError:
    render: Callable[[], str] = getattr(error, "render", error.__str__)
    return UsageError(render(), "`pyscap -l` lists the fields a template can show")


def _explain_engine(error: BaseException) -> PyscapError | None:
    kind, text, number = error.args
    if kind == "io":
        return _explain_io(text, number)
    if kind in _ENGINE_HINTS:
        return InputError(text, _ENGINE_HINTS[kind])
    return None


_ENGINE_HINTS = {
    "not_a_capture": "pyscap reads captures of pyscap, sysdig, Falco and Stratoshark; "
    "`file NAME` says what it is",
    "truncated": "everything complete before that was processed; "
    "`pyscap -r FILE -w NEW` makes a whole file of it",
    "damaged": "everything complete before that was processed; "
    "`pyscap -r FILE -w NEW` saves it to a new file",
}


def _explain_os(error: BaseException) -> PyscapError:
    name = getattr(error, "filename", None)
    number = getattr(error, "errno", None)
    text = getattr(error, "strerror", None) or str(error)
    cause = f"{os.fsdecode(name)}: {text}" if isinstance(name, (str, bytes)) else text
    return _explain_io(cause, number)


def _explain_io(cause: str, number: int | None) -> PyscapError:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EPIPE):
        return OutputError(cause, "what was written until then is complete; free space or use -w")
    if number == errno.EBADF:
        return OutputError(cause, "standard output must be open; >/dev/null throws it away")
    return InputError(cause, _OS_HINTS.get(number or 0, ""))


_OS_HINTS = {
    errno.ENOENT: "look at the name; `pyscap -r FILE` reads a capture, `-` is standard input",
    errno.EACCES: "read it as a user who may, or ask its owner",
    errno.EISDIR: "give the capture files in it: `-r FILE` can be repeated",
}

_EXPLAINERS: dict[str, Callable[[BaseException], PyscapError | None]] = {
    "pyscap.filterlang.errors.FilterError": _explain_filter,
    "pyscap.filterlang.macros.MacroError": _explain_macros,
    "pyscap.output.template.TemplateError": _explain_template,
    "pyscap._engine.EngineError": _explain_engine,
    "_engine.EngineError": _explain_engine,
    "builtins.OSError": _explain_os,
}
"""Exceptions of other parts, by the name of their class or of a base of it."""
