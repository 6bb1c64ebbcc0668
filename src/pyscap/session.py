"""The program on one page: source -> engine -> sink.

In:  a plan and where its events come from. Out: lines or a file, written by the engine, and the
counts. Next: `cli` prints the closing line.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyscap._engine import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.plan import Plan

SLICE_MS = 200
"""How long the engine works before signals are looked at again."""

Stats = dict[str, "int | tuple[int, str] | None"]


def read_files(plan: Plan, names: list[str]) -> Stats:
    """Run `plan` over savefiles, one after the other; `-` is standard input.

    Returns:
        The engine's counts.

    Raises:
        OSError: a file cannot be opened.
        EngineError: a file is no capture, is cut or damaged; what was complete is out.
    """
    engine = Session(plan.to_json())
    for name in names:
        with open_input(name) as fd:
            engine.add_fd(fd)
    return drive(engine)


def drive(engine: Session) -> Stats:
    """Run `engine` to its end, in slices, so that Ctrl-C is seen between them."""
    while engine.run(SLICE_MS) != "done":
        pass
    return engine.stats()


@contextmanager
def open_input(name: str) -> Iterator[int]:
    """The descriptor of a savefile, or of standard input for `-`."""
    if name == "-":
        yield sys.stdin.fileno()
        return
    with Path(name).open("rb") as file:
        yield file.fileno()
