"""A flight recorder of this machine: what programs did before something happened is in the file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PYSCAP = str(Path(sys.executable).with_name("pyscap"))
LINE = "*%proc.name %evt.type %fd.name %fs.path.name"

WORKLOAD = r"""
import ctypes, os, sys, time
where = sys.argv[1]
before = os.open(f"{where}/opened-before", os.O_CREAT | os.O_WRONLY)
ctypes.CDLL(None).prctl(15, b"suspect", 0, 0, 0)
for n in range(3000):
    os.write(before, b"x" * 2000)
    if n % 1000 == 0:
        time.sleep(0.3)
    if n == 2500:
        child = os.fork()
        if child == 0:
            os.open(f"{where}/of-child", os.O_CREAT | os.O_WRONLY)
            os._exit(0)
        os.waitpid(child, 0)
os.unlink(f"{where}/opened-before")
os.mkdir(f"{where}/after")
"""


def lines(name, *words):
    """Lines of a capture; `words` are a filter."""
    command = [PYSCAP, "-r", str(name), "-p", LINE, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.parametrize("words", [[], ["evt.type=write"]])
def test_past_of_a_trigger_is_in_the_file_with_names(tmp_path, words):
    out = tmp_path / "out.scap"
    trigger = f"evt.type in (unlink, unlinkat) and fs.path.name startswith {tmp_path}"
    recorder = [PYSCAP, "--flight-recorder", "30s,4MB", "--trigger", trigger, "-w", str(out)]
    # It sees no more than the last thousands of writes, all after the descriptor was opened.
    command = [*recorder, "-s", "2000", *words, "--", sys.executable, "-c", WORKLOAD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert f"written to {out}, triggered by event" in done.stderr
    assert "memory was too small for 30 s" in done.stderr
    shown = lines(out)
    gone = f"{tmp_path}/opened-before"
    assert shown[-1].startswith("suspect unlink")
    assert shown[-1].endswith(gone)
    writes = [line for line in shown if " write " in line]
    assert 500 < len(writes) < 2000
    assert {line.split()[0] for line in writes} == {"suspect"}
    assert {line.split()[2] for line in writes} == {gone}
    assert any("of-child" in line for line in shown) == (not words)


def test_signal_writes_what_is_there_and_recording_goes_on(tmp_path):
    out = tmp_path / "out.scap"
    reading, writing = os.pipe()
    mine = f"evt.type=mkdir and evt.arg.path startswith {tmp_path}"
    command = [PYSCAP, "--flight-recorder", "60s", "-w", str(out), "--ready-fd", str(writing), mine]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.PIPE, text=True) as child:
        os.close(writing)
        assert os.read(reading, 10) == b"ready\n"
        os.close(reading)
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            time.sleep(0.5)  # until it has looked at its rings
            child.send_signal(signal.SIGUSR1)
            assert "asked by SIGUSR1" in child.stderr.readline()
        (tmp_path / "three").mkdir()
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
    assert child.returncode == 0
    assert "written" not in rest
    assert "3 recorded" in rest
    for name, file in (("one", out), ("two", tmp_path / "out.scap.1")):
        (line,) = lines(file, "evt.type=mkdir")
        assert line.endswith(f"{tmp_path}/{name}")
    assert not (tmp_path / "out.scap.2").exists()
