"""A directory with captures, and the command in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from captures import write_captures

COMMAND = Path(sys.executable).with_name("pyscap")


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A directory with the captures of `captures.py`, which no test changes."""
    path = tmp_path_factory.mktemp("place")
    write_captures(path)
    return path


@pytest.fixture
def env(place):
    """What the command sees of its surroundings: always the same."""
    return {
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "HOME": str(place),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "XDG_CONFIG_HOME": str(place / "config"),
    }


@pytest.fixture
def shell(place, env):
    """Runs a line of bash in the place; standard output and error are text, apart."""

    def run(line, **options):
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )

    return run
