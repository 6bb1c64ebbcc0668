"""Rich's console, with broken pipes left to the program.

In:  what Rich draws. Out: standard output. Imported when something is drawn, since Rich takes long.
"""

from __future__ import annotations

import errno
import os
from typing import NoReturn

import rich.console


class Console(rich.console.Console):
    """A console whose reader may go away; Rich alone would end the program with exit code 1."""

    def on_broken_pipe(self) -> NoReturn:
        """Let the program end as after any other broken pipe."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
