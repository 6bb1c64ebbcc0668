"""Numbers of classic tracepoints, from tracefs, which need not be mounted.

In:  names such as `syscalls/sys_exit_execve`. Out: their numbers. Next: `probe/loader.py`.
Where no tracefs is mounted, an own mount is made that nobody else sees and that ends with us.
Source: fsopen(2), fsmount(2), Documentation/trace/events.rst.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

MOUNTED = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432
CONFIG_CREATE = 6
CLOEXEC = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Tracefs:
    """An open tracefs; a context manager."""

    def __init__(self, mounted: tuple[Path, ...] = MOUNTED) -> None:
        """Open the mounted one, else a private one; `fd` is -1 when there is none."""
        self.fd = next((fd for fd in map(_open_folder, mounted) if fd >= 0), -1)
        if self.fd < 0:
            self.fd = _mount_privately()

    def __enter__(self) -> Tracefs:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; a private mount is gone then."""
        if self.fd >= 0:
            os.close(self.fd)

    def event_id(self, name: str) -> int | None:
        """Number of the tracepoint `group/event`; None when it does not exist."""
        if self.fd < 0:
            return None
        with contextlib.suppress(OSError, ValueError):
            fd = os.open(f"events/{name}/id", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self.fd)
            with os.fdopen(fd) as file:
                return int(file.read())
        return None


def _open_folder(path: Path) -> int:
    """A descriptor of a tracefs mount; -1 when nothing is mounted there, or looking is refused."""
    try:
        (path / "events").lstat()
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return -1


def _call(number: int, *args: int | bytes | None) -> int:
    words = [a if isinstance(a, bytes) else ctypes.c_void_p(a) for a in args]
    return int(_libc.syscall(ctypes.c_long(number), *words))


def _mount_privately() -> int:
    """A tracefs that is mounted nowhere; -1 when that is refused."""
    context = _call(FSOPEN, b"tracefs", CLOEXEC)
    if context < 0:
        return -1
    try:
        if _call(FSCONFIG, context, CONFIG_CREATE, None, None, 0) < 0:
            return -1
        return _call(FSMOUNT, context, CLOEXEC, 0)
    finally:
        os.close(context)
