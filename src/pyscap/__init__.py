"""Capture and view Linux system calls.

In:  nothing. Out: `open()` and `Event`, loaded when they are used, so that the command starts fast.
Next: `api`; the command is in `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyscap.api import Event, open

__all__ = ["Event", "open"]


def __getattr__(name: str) -> object:
    """What the package offers, from where it is defined."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from pyscap import api

    return getattr(api, name)
