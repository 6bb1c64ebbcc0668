"""Where the user's files are.

In:  the environment. Out: `config_path()`, `cache_folder()`. Next: `config` and `plancache`.
Source: XDG base directory specification.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def config_path() -> Path:
    """Where the configuration is: `$XDG_CONFIG_HOME/pyscap/config.toml`."""
    return base("XDG_CONFIG_HOME", "~/.config") / "pyscap" / "config.toml"


def cache_folder(name: str) -> Path | None:
    """A folder of the cache, made when needed; None unless it is the user's own, closed to others.

    Args:
        name: what is kept there.
    """
    folder = base("XDG_CACHE_HOME", "~/.cache") / "pyscap" / name
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.lstat()
        is_own = info.st_uid == os.geteuid() and not info.st_mode & 0o022
        if is_own and stat.S_ISDIR(info.st_mode):
            return folder
    return None


def base(variable: str, default: str) -> Path:
    """The folder that the variable names; a relative path in it is not used."""
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else Path(default).expanduser()
