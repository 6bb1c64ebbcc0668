"""The flight recorder: what is in its files, when they come, how they are called."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import chain
from pathlib import Path

import builders as b
import pytest

from pyscap import recorder
from pyscap.cli import run
from pyscap.format.info import capture_info
from pyscap.request import Request
from pyscap.session import Stop

CAPTURES = Path(__file__).parents[1] / "differential" / "captures"
GENERATE = Path(__file__).parents[2] / "bench" / "generate.py"
PEER = shlex.split(os.environ.get("PYSCAP_PEER") or shutil.which("sysdig") or "")
PYSCAP = str(Path(sys.executable).with_name("pyscap"))
SECOND = 1_000_000_000
TRIGGER = "evt.type=unlink"
LINE = "%evt.rawtime.s %evt.type %fd.name %proc.name %proc.args %user.name"


def unlink(n, name="/gone"):
    return b.unlink(res=0, path=name, tid=8, ts_ns=n * SECOND)


def reads(*seconds):
    return [b.read(res=500, data=bytes(500), fd=3, tid=7, ts_ns=n * SECOND) for n in seconds]


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes a capture of events, whose first opens a file; the tests are where it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")

    def write(events, name="in.scap"):
        opened = b.openat(fd=3, name="/opened", tid=7, ts_ns=SECOND)
        threads = [b.thread(7, "cat", args="a\0b\0", uid=5), b.thread(8, "rm")]
        users = [b.user(5, "eve")]
        data = b.capture(threads=threads, events=[opened, *events], users=users)
        (tmp_path / name).write_bytes(data)
        return name

    return write


def record(name, *options, bound="3s", out="out"):
    return run(["-r", name, "--flight-recorder", bound, "-w", out, *options])


def lines(capfd, name, template=LINE):
    capfd.readouterr()
    assert run(["-r", str(name), "-p", f"*{template}"]) == 0
    return capfd.readouterr().out.splitlines()


def files(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out"))


def told(name):
    return capture_info(str(name)).summaries[0]["recorder"]


def test_file_has_what_was_before_the_trigger_with_names(make, tmp_path, capfd):
    name = make([*reads(2, 3, 4, 5), unlink(6), *reads(7, 8)])
    assert record(name, "--trigger", TRIGGER) == 0
    shown = "pyscap: 4 events of 3.000 s written to out, triggered by event 6\n"
    assert capfd.readouterr().err == shown
    assert files(tmp_path) == ["out"]
    assert lines(capfd, "out") == [
        *(f"{n} read /opened cat a b eve" for n in (3, 4, 5)),
        "6 unlink <NA> rm  root",
    ]
    assert told("out") == {
        "trigger": TRIGGER,
        "trigger_ns": 6 * SECOND,
        "bound_ns": 3 * SECOND,
        "bound_bytes": recorder.DEFAULT_BYTES,
        "first_ns": 3 * SECOND,
        "kept": 4,
        "let_go": 2,
        "cut_by_bytes": False,
    }


def test_filter_says_what_is_recorded_and_trigger_is_there_whatever_it_says(make, capfd):
    name = make([*reads(2, 3), b.write(res=1, data=b"x", fd=3, tid=7, ts_ns=4 * SECOND), unlink(5)])
    record(name, "--trigger", TRIGGER, "evt.type=write", bound="60s")
    types = [line.split()[:3] for line in lines(capfd, "out")]
    assert types == [["4", "write", "/opened"], ["5", "unlink", "<NA>"]]


def test_without_what_the_state_needs_if_that_is_wanted(make, capfd):
    name = make([*reads(2), unlink(3)])
    record(name, "--trigger", TRIGGER, "--no-fatfile", "evt.type=read")
    assert capture_info("out").state_only == 0
    record(name, "--trigger", TRIGGER, "evt.type=read", out="out.fat")
    assert capture_info("out.fat").state_only == 1


def test_bursts_make_few_files_and_no_event_is_written_twice(make, tmp_path, capfd):
    events = [unlink(n, f"/{n}") for n in range(2, 40)]
    record(make(events), "--trigger", TRIGGER, bound="60s")
    assert files(tmp_path) == ["out", "out.1", "out.2", "out.3", "out.4"]
    seen = [lines(capfd, name, "%evt.rawtime.s") for name in files(tmp_path)]
    assert [len(part) for part in seen] == [2, 10, 10, 10, 7]
    assert list(chain(*seen)) == [str(n) for n in range(1, 40)]


def test_trigger_after_the_quiet_time_is_written_at_once(make, tmp_path, capfd):
    record(make([unlink(2), *reads(*range(3, 9)), unlink(9), *reads(10)]), "--trigger", TRIGGER)
    assert files(tmp_path) == ["out", "out.1"]
    assert [line.split()[0] for line in lines(capfd, "out.1")] == ["6", "7", "8", "9"]


def test_files_that_exist_stay_and_names_can_have_the_time(make, tmp_path):
    (tmp_path / "out").write_text("mine")
    name = make([unlink(2), unlink(30)])
    record(name, "--trigger", TRIGGER)
    assert files(tmp_path) == ["out", "out.1", "out.2"]
    assert (tmp_path / "out").read_text() == "mine"
    record(name, "--trigger", TRIGGER, "--overwrite")
    assert capture_info("out").events == 2
    record(name, "--trigger", TRIGGER, out="out-%S")
    assert set(files(tmp_path)) > {"out-02", "out-30"}


def test_the_run_ends_after_so_many_files(make, tmp_path):
    record(make([unlink(2), unlink(30), unlink(60)]), "--trigger", TRIGGER, "-W", "2")
    assert files(tmp_path) == ["out", "out.1"]


def test_nothing_is_written_when_nothing_triggers(make, tmp_path, capfd):
    assert record(make(reads(2, 3)), "--trigger", TRIGGER) == 0
    assert capfd.readouterr().err == "pyscap: nothing triggered, no file was written\n"
    assert files(tmp_path) == []


def test_memory_that_is_too_small_is_told(make, capfd):
    data = bytes(60_000)
    events = [b.read(res=60_000, data=data, fd=3, tid=7, ts_ns=2 * SECOND + n) for n in range(150)]
    record(make([*events, unlink(3)]), "--trigger", TRIGGER, bound="60s,4MB")
    assert "; memory was too small for 60 s" in capfd.readouterr().err
    kept = told("out")["kept"]
    assert 40 < kept < 4_000_000 / 60_000
    assert told("out")["let_go"] == 152 - kept
    assert told("out")["cut_by_bytes"]
    assert set(lines(capfd, "out", "%fd.name")) == {"/opened", "<NA>"}


def test_state_at_the_head_is_that_of_the_oldest_event(make, capfd):
    """A process that renames itself and a descriptor that is closed have their old names."""
    big = bytes(60_000)
    old = [b.read(res=60_000, data=big, fd=3, tid=7, ts_ns=2 * SECOND + n) for n in range(100)]
    late = [
        b.close(res=0, fd=3, tid=7, ts_ns=3 * SECOND),
        b.openat(fd=3, name="/other", tid=7, ts_ns=3 * SECOND + 1),
        *reads(4),
        unlink(5),
    ]
    record(make([*old, *late]), "--trigger", TRIGGER, bound="4MB")
    assert told("out")["let_go"] > 0
    shown = [line.split()[1:4] for line in lines(capfd, "out")]
    assert shown[0] == ["read", "/opened", "cat"]
    assert shown[-2:] == [["read", "/other", "cat"], ["unlink", "<NA>", "rm"]]


def test_files_one_after_the_other_are_captures_of_their_own(make, capfd):
    make([*reads(2)], "first.scap")
    make([*reads(3), unlink(4)], "second.scap")
    options = ["--flight-recorder", "60s", "--trigger", TRIGGER, "-w", "out"]
    assert run(["-r", "first.scap", "-r", "second.scap", *options]) == 0
    assert len(lines(capfd, "out")) == 5


class Engine:
    """An engine with something to write."""

    def __init__(self, kept=3):
        self.kept, self.summaries = kept, []

    def is_full(self):
        return False

    def stats(self):
        return {}

    def result(self):
        found = {"trigger_num": None, "trigger_ns": None, "kept": self.kept, "let_go": 0}
        found |= {"first_ns": SECOND, "last_ns": 2 * SECOND, "crowded_out": False, "bare": True}
        return json.dumps(found)

    def next_file(self, fd, summary):
        os.write(fd, b"x")
        self.summaries.append(json.loads(summary))


@pytest.fixture
def recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = Request(write="out", flight_recorder=(None, 10_000_000))
    flags = os.O_CREAT | os.O_WRONLY
    made = recorder.FlightRecorder(
        request, Stop(), lambda name: os.open(name, flags), lambda _, found: json.dumps(found)
    )
    yield made
    made.close()


def test_signal_writes_a_file_at_the_next_look(recording, tmp_path, capsys):
    engine = Engine()
    recording.look(engine)
    assert files(tmp_path) == []
    os.kill(os.getpid(), signal.SIGUSR1)
    recording.look(engine)
    recording.look(engine)
    assert files(tmp_path) == ["out"]
    assert engine.summaries[0]["trigger"] == "SIGUSR1"
    shown = "3 events of 1.000 s written to out, asked by SIGUSR1"
    assert shown in capsys.readouterr().err


def test_signal_without_events_writes_nothing(recording, tmp_path, capsys):
    os.kill(os.getpid(), signal.SIGUSR1)
    recording.look(Engine(kept=0))
    assert files(tmp_path) == []
    assert "nothing is recorded yet" in capsys.readouterr().err


def test_signal_has_its_old_meaning_afterwards(recording):
    before = recording.before
    recording.close()
    assert signal.getsignal(signal.SIGUSR1) == before


def test_missing_folder_is_told_before_anything_is_recorded(make, capfd):
    assert record(make([unlink(2)]), "--trigger", TRIGGER, out="absent/out") == 4
    assert capfd.readouterr().err.startswith("pyscap: absent: no file can be made there\n")


def plain_lines(name, *words):
    """Lines of a capture without event numbers."""
    command = [PYSCAP, "-r", str(name), "-p", "*%evt.time %proc.name %evt.type %evt.args", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["mix-schema-4.1.scap.gz", "curl_google.scap"])
@pytest.mark.parametrize("bound", ["60s", "500us"])
def test_lines_of_the_file_are_those_of_the_original(tmp_path, source, bound):
    whole = plain_lines(CAPTURES / source)
    number = len(whole) * 3 // 4
    words = ["--flight-recorder", bound, "--trigger", f"evt.num={number}", "-W", "1"]
    assert run(["-r", str(CAPTURES / source), *words, "-w", str(tmp_path / "out")]) == 0
    kept = plain_lines(tmp_path / "out")
    at = whole.index(kept[-1]) + 1
    assert kept == whole[at - len(kept) : at]
    assert len(kept) == told(tmp_path / "out")["kept"]
    assert (len(kept) == at) == (bound == "60s")


@pytest.mark.peer
@pytest.mark.skipif(not PEER, reason="needs sysdig on the path, or its command in PYSCAP_PEER")
@pytest.mark.parametrize("source", ["mix-schema-4.1.scap.gz", "curl_google.scap"])
def test_sysdig_prints_of_the_file_what_it_prints_of_the_original(tmp_path, source):
    shutil.copy(CAPTURES / source, tmp_path / "whole")
    words = ["--flight-recorder", "50ms", "--trigger", "evt.num=400", "-W", "1"]
    assert run(["-r", str(tmp_path / "whole"), *words, "-w", str(tmp_path / "out")]) == 0

    def theirs(name):
        command = [*PEER, "-r", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return [line.split(" ", 1)[1] for line in done.stdout.splitlines()]

    whole, kept = theirs("whole"), theirs("out")
    assert len(kept) == told(tmp_path / "out")["kept"]
    at = whole.index(kept[-1]) + 1
    assert kept == whole[at - len(kept) : at]


MOST_RSS = "import os, sys; _, status, use = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], \
sys.argv[1:]), 0); print(status, use.ru_maxrss)"


def most_memory(*words):
    """The most memory that a run of the command had, in bytes."""
    command = [sys.executable, "-c", MOST_RSS, PYSCAP, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    status, kilobytes = map(int, done.stdout.split())
    assert status == 0
    return kilobytes << 10


@pytest.mark.slow
def test_memory_stays_bounded_over_two_million_events(tmp_path):
    big = tmp_path / "big.scap"
    source = CAPTURES / "shell-schema-4.1.scap.gz"
    subprocess.run([sys.executable, GENERATE, source, "2000000", big], check=True, timeout=100)
    usual = most_memory("-r", str(big), "-q")
    options = ["--flight-recorder", "1h,32MB", "--trigger", "evt.num=1990000", "-w"]
    most = most_memory("-r", str(big), *options, str(tmp_path / "out"))
    assert most < usual + 32_000_000 + 16_000_000
    assert 15_000_000 < (tmp_path / "out").stat().st_size < 34_000_000
