"""Views and lines of this machine: they show, go on and end as they should."""

import os
import re
import subprocess
import sys
from pathlib import Path

PYSCAP = Path(sys.executable).with_name("pyscap")
WORK = "for n in 1 2 3 4 5 6 7 8; do cat /etc/hostname > /dev/null; sleep 0.2; done"


def run(*words, command=()):
    """Standard output and error of the command; a view that does not end is a failure."""
    argv = [PYSCAP, *words, *(["--", "sh", "-c", *command] if command else [])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines(), done.stderr


def test_the_state_is_shown_at_once():
    own = str(os.getpid())
    lines, _ = run("-c", "ps", f"thread.tid={own}")
    assert lines[0].split()[:3] == ["TID", "PID", "PPID"]
    assert [line.split()[:2] for line in lines[2:]] == [[own, own]]


def test_the_state_of_a_capture_with_an_end_is_that_of_its_end():
    lines, _ = run("top", "lsof", "-M", "1", "-j", f"proc.pid={os.getpid()}")
    assert lines
    assert all(line.startswith("{") for line in lines)


def test_a_spectrogram_has_each_time_once():
    shown, _ = run("-c", "spectrogram", command=[WORK])
    lines = [line for line in shown if re.match(r"\d\d:\d\d:", line)]
    times = [line.split()[0] for line in lines]
    assert len(times) > 2
    assert times == sorted(set(times))
    assert shown[0].split()[0] == "|256ns"


def test_a_flame_graph_has_the_stacks_of_the_command_with_their_times():
    lines, _ = run("-c", "flame", command=[WORK])
    stacks = dict(line.rsplit(" ", 1) for line in lines if line.rpartition(" ")[2].isdigit())
    waited = [int(ns) for stack, ns in stacks.items() if stack.endswith(";sleep;clock_nanosleep")]
    assert len(waited) == 1
    assert waited[0] > 8 * 0.19e9


def test_a_capture_with_something_to_hide_ends_and_hides_it():
    lines, _ = run("--redact", "hid(den)", "proc.name=cat", command=["cat /hidden; exit 0"])
    shown = [line for line in lines if " openat " in line and "ENOENT" in line]
    assert any("/hid*****" in line for line in shown)
    assert not any("hidden" in line for line in lines)


def test_a_filter_takes_nothing_of_processes_beside_the_command():
    noise = subprocess.Popen(["sh", "-c", "while :; do cat /beside 2> /dev/null; done"])
    try:
        work = "for n in 1 2 3; do cat /missing 2> /dev/null; sleep 0.2; done; true"
        lines, _ = run("-p", "%evt.arg.name", "evt.failed=true", command=[work])
    finally:
        noise.kill()
        noise.wait()
    assert lines.count("/missing") == 3
    assert "/beside" not in lines


def test_a_table_is_shown_every_second_and_at_the_end():
    lines, _ = run("-c", "topscalls", "proc.name=cat", command=[WORK])
    heads = [line for line in lines if line.split() == ["Calls", "Syscall"]]
    assert len(heads) >= 2
