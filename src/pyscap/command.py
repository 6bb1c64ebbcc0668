"""The program after `--`: made before the capture, let go when it runs.

In:  its words. Out: `HeldCommand`, whose process exists and waits; its exit code. Next: `live`
captures its process tree.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

from pyscap.errors import UsageError
from pyscap.session import Stop

if TYPE_CHECKING:
    from types import FrameType, TracebackType

CANNOT_RUN = 127
"""Exit code of a child whose program cannot be run, as shells have it."""

SLICE_MS = 20
"""How long the engine works between two looks at the command."""


class HeldCommand:
    """A child process that begins to run `words` when it is released.

    It is forked early, while this process is small, and has a process number before anything of
    it happens: a capture of its tree misses nothing.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        """Make the process.

        Raises:
            UsageError: there is no such program.
        """
        self.words = words
        self.program = find_program(words[0])
        self.status: int | None = None
        """How it ended, as `os.waitpid` says; None while it runs."""
        sys.stdout.flush()
        sys.stderr.flush()
        gate_in, self._gate = os.pipe()
        self._failure, failure_out = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            os.close(self._failure)
            self._become(gate_in, failure_out)
        os.close(gate_in)
        os.close(failure_out)

    def _become(self, gate: int, failure: int) -> None:
        """In the child: wait, then be the program; report when that is not possible.

        Between the release and the program is nothing but the end of the read: the less of this
        process stands in the capture, the better.
        """
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            if os.read(gate, 1):
                os.execv(self.program, self.words)  # noqa: S606 - what the user typed
        except OSError as error:
            os.write(failure, str(error.errno).encode())
        finally:
            os._exit(CANNOT_RUN)

    def release(self) -> None:
        """Let it run; returns when it is the program.

        Raises:
            UsageError: the program cannot be run.
        """
        os.write(self._gate, b"x")
        number = os.read(self._failure, 16)
        if number:
            self.wait()
            raise cannot_run(self.words[0], os.strerror(int(number)))

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def wait(self) -> int:
        """Wait for its end.

        Returns:
            Its exit code, or 128 plus the number of the signal that ended it.
        """
        if self.status is None:
            _, self.status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(self.status)
        return code if code >= 0 else 128 - code

    def __enter__(self) -> HeldCommand:
        """The command."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the gate: a process that was never released ends."""
        os.close(self._gate)
        os.close(self._failure)
        if error is not None and self.status is None:
            self.wait()


def find_program(name: str) -> str:
    """The file of a program, as a shell finds it.

    Raises:
        UsageError: there is none.
    """
    found = shutil.which(name)
    if found is None:
        raise cannot_run(name, "there is no such program")
    return found


def cannot_run(name: str, why: str) -> UsageError:
    """The error of a command that does not begin."""
    return UsageError(f"cannot run {name}: {why}", "look at what stands after --")


class CommandStop(Stop):
    """Ends a capture when its command has ended.

    Ctrl-C reaches the command as well, being in the same group: it decides what that means.
    """

    def __init__(self, command: HeldCommand, seconds: float | None) -> None:
        """Watch `command`, for `seconds` at most; None for no limit."""
        super().__init__(seconds)
        self.command = command

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Hand a signal on; Ctrl-C came to the command by itself."""
        if self.command.has_ended():
            super().on_signal(number, frame)
        elif number != signal.SIGINT:
            os.kill(self.command.pid, number)

    def is_due(self) -> bool:
        """Whether the command has ended, or the time is up."""
        return self.command.has_ended() or super().is_due()

    def slice_ms(self) -> int:
        """A short time, so that the end is seen soon."""
        return min(SLICE_MS, super().slice_ms())
