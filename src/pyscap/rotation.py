"""Several files instead of one: names, numbers, and which old files go.

In:  a request with `-C`, `-G` or `-e`; the engine that says when a file is full. Out: descriptors
for its next files. Next: the engine begins each with the state as it then is, so that every file
can be read alone.

Nothing that this run did not write is ever removed or replaced, unless `--overwrite` says so.
"""

from __future__ import annotations

import os
import re
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap._engine import Session
    from pyscap.request import Request
    from pyscap.session import Stop

NS_PER_S = 1_000_000_000


def is_wanted(request: Request) -> bool:
    """Whether a request asks for more than one file."""
    return bool(request.file_size or request.seconds or request.event_limit)


class Rotation:
    """The files of one run, in order."""

    def __init__(self, request: Request, stop: Stop, open_file: Callable[[str], int]) -> None:
        """Begin with the first file.

        Args:
            request: Says the name, the limits and what is kept.
            stop: Is asked to end the run when `-G` has made all its files.
            open_file: Makes a file and gives its descriptor.
        """
        self.request, self.stop, self.open_file = request, stop, open_file
        self.base = request.write or ""
        self.number = 0 if request.overwrite else next_number(self.base)
        self.made: list[Path] = []
        """Files that are still there, oldest first."""
        self.count = 0
        self.fd = self.open_next(time.time())

    def limits(self) -> dict[str, Any]:
        """When a file is full, as the engine's `RotateRow`."""
        return {
            "max_bytes": self.request.file_size,
            "max_events": self.request.event_limit,
            "max_ns": self.request.seconds,
        }

    def open_next(self, epoch_s: float) -> int:
        """Make the next file."""
        path = self.name(epoch_s)
        fd = self.open_file(path)
        self.made.append(Path(path))
        self.count += 1
        return fd

    def name(self, epoch_s: float) -> str:
        """The name of the next file: a pattern filled in, or the name with a number.

        Source: observed: sysdig 0.41.4; a name that exists gets a number behind it here.
        """
        if self.request.seconds and "%" in self.base:
            made = time.strftime(self.base, time.localtime(epoch_s))
            return made if self.request.overwrite else free_name(made, exists)
        self.number += 1
        return f"{self.base}{self.number - 1}"

    def look(self, engine: Session) -> None:
        """Give the engine its next file when the current one is full."""
        if not engine.is_full():
            return
        fd, last_ns = self.fd, engine.stats()["last_ns"]
        if self.is_last():
            self.stop.asked = True
            self.fd = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        else:
            ended_s = last_ns / NS_PER_S if isinstance(last_ns, int) else time.time()
            self.fd = self.open_next(ended_s)
        engine.next_file(self.fd)
        os.close(fd)
        self.remove_old()

    def is_last(self) -> bool:
        """Whether `-W` says that this was the last file of `-G`."""
        by_time = self.request.seconds and not (self.request.file_size or self.request.event_limit)
        return bool(by_time and self.request.limit and self.count >= self.request.limit)

    def remove_old(self) -> None:
        """Remove files of this run that `-W` or `--keep` no longer wants."""
        while len(self.made) > 1 and self.is_too_much():
            self.made.pop(0).unlink(missing_ok=True)

    def is_too_much(self) -> bool:
        """Whether the oldest file has to go."""
        if self.request.limit and len(self.made) > self.request.limit:
            return True
        if self.request.keep is None:
            return False
        kind, amount = self.request.keep
        found = [path.stat() for path in self.made if path.exists()]
        if kind == "bytes":
            return sum(info.st_size for info in found) > amount
        return bool(found) and time.time() - found[0].st_mtime > amount / NS_PER_S

    def close(self) -> None:
        """Close the last file."""
        os.close(self.fd)


def exists(name: str) -> bool:
    """Whether there is something of that name, a dangling link too."""
    return os.path.lexists(name)


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """`name`, with the first number behind it that makes it free when it is taken."""
    if not is_taken(name):
        return name
    return next(made for n in count(1) if not is_taken(made := f"{name}.{n}"))


def next_number(base: str) -> int:
    """The number after the highest that files called `base` and a number have."""
    path = Path(base)
    pattern = re.compile(re.escape(path.name) + r"(\d{1,9})", re.ASCII)
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return 0
    found = [int(match[1]) for name in names if (match := pattern.fullmatch(name))]
    return max(found, default=-1) + 1
