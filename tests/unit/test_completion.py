"""The shells' completion answers from the option registry."""

import os
import shutil
import subprocess
import sys

import pytest

from pyscap.completion import SHELLS, script


def complete(*words):
    """What bash offers for the last of `words`."""
    env = {
        **os.environ,
        "_PYSCAP_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("pyscap", *words)),
        "COMP_CWORD": str(len(words)),
    }
    code = "import sys; from pyscap.cli import run; sys.exit(run([]))"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_options_are_offered():
    assert complete("--snap") == ["--snaplen"]


def test_choices_are_offered_after_their_option():
    assert complete("-t", "") == ["h", "a", "r", "d", "D", "iso", "utc"]


def test_files_are_offered_after_file_options():
    code = "import sys; from pyscap.cli import run; sys.exit(run([]))"
    env = {
        **os.environ,
        "_PYSCAP_COMPLETE": "bash_complete",
        "COMP_WORDS": "pyscap -r x",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout == "file,x\n"


def test_commands_are_offered_first():
    assert "completion" in complete("comp")
    assert complete("completion", "b") == ["bash"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("-c", "topprocs_n"), ["topprocs_net"]),
        (("-i", "lsc"), ["lscontainers"]),
        (("top", "scallsl"), ["scallslower"]),
        (("top", "procs", "fd.rip.n"), ["fd.rip.name"]),
        (("--theme", "str"), ["stripes"]),
        (("themes", "pl"), ["plain"]),
        (("-r", "x", "evt.typ"), ["evt.type", "evt.type.is"]),
        (("evt.num=1", "fd.sip"), ["fd.sip", "fd.sip.name"]),
        (("--profile", "w"), ["web"]),
    ],
)
def test_names_are_offered_where_they_are_known(words, offered, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pyscap").mkdir()
    (tmp_path / "pyscap" / "config.toml").write_text("[profiles.web]\n[profiles.other]\n")
    assert complete(*words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_are_accepted_by_their_shell(shell):
    text = script(shell)
    assert "_PYSCAP_COMPLETE" in text
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
