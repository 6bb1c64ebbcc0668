"""Plans of earlier runs, so that a command typed again starts without compiling it again.

In:  a request and the function that makes its plan. Out: the plan's JSON text. Next: the engine,
which checks it like any plan. Source: ADR 0020.

A plan depends on the request, on this program and on the surroundings named in `surroundings()`;
all of them are in the name of its file. A cache that cannot be trusted or written is not used.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyscap.folders import cache_folder, config_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap.request import Request

MOST = 64
"""Plans kept; a plan has about 300 kB."""

VARIABLES = ("TZ", "NO_COLOR", "TERM", "COLORTERM", "LC_ALL", "LANG")
"""Environment that can change a plan."""


SYSTEM_FILES = ("/etc/localtime", "/etc/services", "/etc/hosts")
"""The local zone, the names of ports, and those of hosts."""


def plan_text(request: Request, make: Callable[[], str]) -> str:
    """The plan of `request`, from the cache or from `make`.

    Args:
        request: a request to read files.
        make: compiles the plan; its errors pass, and it may print warnings.

    Returns:
        The JSON text of the plan.
    """
    folder = None if depends_on_more(request) else cache_folder("plans")
    if folder is None:
        return make()
    file = folder / f"{key(request)}.json"
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text("utf-8")
    text, warned = watched(make)
    if not warned:
        with suppress(OSError):
            store(file, text)
    return text


def depends_on_more(request: Request) -> bool:
    """Whether the plan depends on a file of macros, or on what a name server says."""
    asks = request.resolve_ports and any("ip.name" in word for word in request.words)
    return bool(request.macros or asks)


def key(request: Request) -> str:
    """A name for everything that the plan depends on."""
    parts = [repr(replace(request, read=())), *surroundings(), *program_state()]
    return hashlib.blake2b(
        "\0".join(parts).encode(errors="surrogateescape"), digest_size=16
    ).hexdigest()


def surroundings() -> list[str]:
    """What besides the command line can change a plan."""
    values = [f"{name}={os.environ.get(name)}" for name in VARIABLES]
    files = (*SYSTEM_FILES, config_path())
    return [*values, *(age(file) for file in files), str(sys.stdout.isatty())]


def age(name: str | Path) -> str:
    """When a file was last changed; nothing when it is not there."""
    with suppress(OSError):
        return str(os.stat(name).st_mtime_ns)  # noqa: PTH116 - pathlib takes three times as long
    return ""


def program_state() -> list[str]:
    """Size and time of every file of this package: another version makes other plans."""
    rows = []
    folders = [os.path.dirname(__file__)]  # noqa: PTH120 - pathlib takes three times as long
    while folders:
        for entry in os.scandir(folders.pop()):
            if entry.name.endswith((".py", ".so", ".lark")):
                info = entry.stat()
                rows.append(f"{entry.path}:{info.st_size}:{info.st_mtime_ns}")
            elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                folders.append(entry.path)
    return sorted(rows)


def watched(make: Callable[[], str]) -> tuple[str, bool]:
    """What `make` returns, and whether it wrote a warning."""
    before = sys.stderr
    tee = Tee(before)
    sys.stderr = tee
    try:
        return make(), tee.used
    finally:
        sys.stderr = before


class Tee:
    """Passes on what is written, and remembers that something was."""

    def __init__(self, stream: object) -> None:
        """Write to `stream`."""
        self.stream, self.used = stream, False

    def write(self, text: str) -> int:
        """Pass `text` on."""
        self.used = True
        return self.stream.write(text)  # type: ignore[attr-defined, no-any-return]

    def __getattr__(self, name: str) -> object:
        """Everything else is the stream's."""
        return getattr(self.stream, name)


def store(file: Path, text: str) -> None:
    """Write a plan; older ones beyond the bound go."""
    temporary = file.with_suffix(f".{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(fd, "w", encoding="utf-8") as out:  # noqa: PTH123 - it is open already
        out.write(text)
    temporary.rename(file)
    plans = sorted(file.parent.glob("*.json"), key=lambda p: p.stat().st_mtime_ns)
    for old in plans[:-MOST]:
        old.unlink()
