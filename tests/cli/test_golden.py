"""Every transcript of golden/ prints what it says.

`make golden` writes what the commands print now into the transcripts: look at the difference
before it is committed. Simple commands run in this process, those with pipes in a shell.
"""

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from transcript import read, write

from pyscap import cli

HERE = Path(__file__).parent
TRANSCRIPTS = sorted((HERE / "golden").glob("*.txt"))
REWRITE = bool(os.environ.get("PYSCAP_REWRITE_GOLDEN"))
SHELL_SIGNS = "|<>;&$`*"


@pytest.fixture
def inside(place, env, monkeypatch, capfdbinary):
    """Runs a command without a shell, in this process."""

    def run(line):
        monkeypatch.chdir(place)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        code = cli.run(shlex.split(line)[1:])
        out, err = (text.decode(errors="backslashreplace") for text in capfdbinary.readouterr())
        return out, err, code

    return run


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path, inside, shell):
    steps, seen = read(path), []
    for step in steps:
        words = shlex.split(step.command)
        if words[0] != "pyscap" or any(sign in step.command for sign in SHELL_SIGNS):
            done = shell(step.command)
            out, err, code = done.stdout, done.stderr, done.returncode
        else:
            out, err, code = inside(step.command)
        seen.append(replace(step, out=out, err=err, code=code))
        if not REWRITE:
            assert str(seen[-1]) == str(step)
    if REWRITE:
        write(path, seen)


def test_there_are_transcripts():
    assert len(TRANSCRIPTS) > 3
