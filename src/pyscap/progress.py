"""How far a file has been read, on standard error.

In:  the descriptor of the file, whose position the engine moves. Out: a bar, on a terminal only.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from pyscap.request import Request

PATIENCE_S = 1.0
"""A read that is over before this gets no bar that nobody asked for."""


class ReadProgress:
    """A bar for each file in turn."""

    def __init__(self, *, patience_s: float) -> None:
        """Begin to show after `patience_s`."""
        self.patience_s = patience_s
        self.fd = -1
        self.size = 0
        self.begin = 0.0
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def start(self, fd: int) -> None:
        """A file is being read; pipes have no end that could be known."""
        info = os.fstat(fd)
        self.fd = fd if stat.S_ISREG(info.st_mode) and info.st_size else -1
        self.size, self.begin = info.st_size, time.monotonic()

    def look(self) -> None:
        """Move the bar to where the file has been read."""
        if self.fd < 0 or time.monotonic() - self.begin < self.patience_s:
            return
        if self.bar is None:
            self.show()
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=os.lseek(self.fd, 0, os.SEEK_CUR))

    def show(self) -> None:
        """Draw the bar, which goes away when it is done."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

        columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("read", total=self.size)
        self.bar.start()

    def end(self) -> None:
        """The file is done."""
        if self.bar is not None:
            self.bar.stop()
        self.fd, self.bar, self.task = -1, None, None


def wanted(request: Request) -> ReadProgress | None:
    """The bar that a request gets: on a terminal, and where it does not stand between lines.

    DIFFERENCE(sysdig 0.41.4): `-P` writes into pipes and files as well there.
    """
    if not sys.stderr.isatty():
        return None
    if request.progress:
        return ReadProgress(patience_s=0.0)
    has_lines = not (request.quiet or request.write) and sys.stdout.isatty()
    return None if has_lines else ReadProgress(patience_s=PATIENCE_S)
