"""From inputs to the engine, and when a run ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from captures import small

from pyscap import session
from pyscap._engine import EngineError, Session
from pyscap.errors import InputError
from pyscap.plan import Plan
from pyscap.session import (
    SLICE_MS,
    Stop,
    capture,
    catching_signals,
    drive,
    named,
    read_files,
    slices,
)


class Engine:
    """Does a number of slices of work, or fails, and notes what it is told."""

    def __init__(self, slices_of_work: int = 1, error: Exception | None = None) -> None:
        self.left = slices_of_work
        self.error = error
        self.told: list[object] = []

    def run(self, slice_ms: int) -> str:
        self.told.append(slice_ms)
        self.left -= 1
        if self.left == 0 and self.error:
            raise self.error
        return "done" if self.left <= 0 else "more"

    def add_bytes(self, data: bytes) -> None:
        self.told.append(data)

    def stop(self) -> None:
        self.told.append("stop")
        self.left = 2

    def finish(self, summary: str | None) -> None:
        self.told.append(("finish", summary))

    def stats(self):
        return {"events": len(self.told)}


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(session.time, "monotonic", lambda: now[0])
    return now


def test_all_that_watch_are_called_in_their_order():
    stop, seen = Stop(), []
    for name in ("first", "second"):
        stop.also_watch(lambda engine, name=name: seen.append((name, engine)))
    stop.watch("engine")
    assert seen == [("first", "engine"), ("second", "engine")]


def test_a_run_without_a_limit_ends_when_it_is_asked_to(clock):
    stop = Stop()
    clock[0] = 1e12
    assert not stop.is_due()
    assert stop.slice_ms() == SLICE_MS
    stop.asked = True
    assert stop.is_due()


@pytest.mark.parametrize(
    ("seconds", "passed", "due", "slice_ms"),
    [(10, 0, False, 200), (10, 9.95, False, 50), (10, 9.9999, False, 1), (10, 10, True, 1),
     (0, 0, True, 1), (0.001, 1e9, True, 1), (-5, 0, True, 1)],
)  # fmt: skip
def test_a_limit_of_time_is_kept_to_the_slice(clock, seconds, passed, due, slice_ms):
    stop = Stop(seconds)
    clock[0] += passed
    assert stop.is_due() is due
    assert slice_ms - 1 <= stop.slice_ms() <= slice_ms


def test_the_first_signal_asks_and_the_handlers_come_back():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    stop = Stop()
    with catching_signals(stop):
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.is_due()
        assert stop.signal == signal.SIGHUP
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL  # the second one ends us
        assert signal.getsignal(signal.SIGINT) == stop.on_signal
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_handlers_come_back_after_an_error():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(EngineError):
        drive(Engine(1, EngineError("io", "full", 28)), Stop())
    assert signal.getsignal(signal.SIGINT) == before


def test_each_slice_is_looked_at_also_the_one_that_fails():
    looks: list[str] = []
    stop = Stop()
    stop.on_look = lambda: looks.append("look")
    stop.watch = lambda engine: looks.append("watch")
    with pytest.raises(EngineError):
        list(slices(Engine(2, EngineError("damaged", "x", 5)), stop))
    assert looks == ["look", "watch"] * 2


def test_a_run_that_is_asked_to_end_does_no_further_slice():
    engine, stop = Engine(100), Stop()
    stop.on_look = lambda: setattr(stop, "asked", len(engine.told) >= 3)
    assert drive(engine, stop) == {"events": 3}
    stop.asked = True
    assert list(slices(Engine(), stop)) == []


class Probe:
    """Notes its place in the order of things."""

    def __init__(self, told: list[object]) -> None:
        self.told = told

    def add_rings(self, engine) -> None:
        self.told.append("rings")

    def detach(self) -> None:
        self.told.append("detach")


def test_a_capture_takes_the_snapshot_first_and_the_rest_of_the_rings_last(monkeypatch):
    engine = Engine(2)
    told = engine.told
    monkeypatch.setattr(session, "Session", lambda plan: told.append("plan") or engine)
    stats = capture(
        Plan(),
        Probe(told),
        lambda: told.append("snapshot") or b"state",
        Stop(),
        on_ready=lambda: told.append("ready"),
        summary=lambda stats: f"{stats['events']}",
        look_after=lambda engine: told.append("look"),
    )
    work = [SLICE_MS, "look"] * 2
    rest = [SLICE_MS] * 2
    order = ["plan", "snapshot", b"state", "rings", "ready", *work, "detach", "stop", *rest]
    assert told == [*order, ("finish", str(len(order)))]
    assert stats == {"events": len(order)}


def test_what_the_rings_hold_is_taken_though_the_time_is_up(monkeypatch):
    engine = Engine(50)
    monkeypatch.setattr(session, "Session", lambda plan: engine)
    watched: list[object] = []
    stop = Stop(0)
    stop.watch = watched.append
    capture(Plan(), Probe(engine.told), lambda: b"", stop)
    assert engine.told == [b"", "rings", "detach", "stop", SLICE_MS, SLICE_MS, ("finish", None)]
    assert watched == [engine] * 2


def write(path, data: bytes) -> str:
    path.write_bytes(data)
    return os.fspath(path)


def read(*names: str, progress=None):
    engine = Session(Plan().to_json())
    try:
        read_files(engine, names, Stop(), progress)
    finally:
        read.events = engine.stats()["events"]
    return read.events


def test_files_are_read_one_after_the_other(tmp_path):
    name = write(tmp_path / "a.scap", small())
    assert read(name) == 8
    assert read(name, name) == 16
    assert read() == 0


def test_standard_input_is_a_dash(tmp_path, monkeypatch):
    with Path(write(tmp_path / "a.scap", small())).open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert read("-") == 8


@pytest.mark.parametrize(
    ("data", "cause"), [(b"no capture at all", "capture"), (small()[:-3], "cut|short|ends")]
)
def test_what_is_wrong_is_told_with_the_name_of_the_file(tmp_path, data, cause):
    good = write(tmp_path / "good.scap", small())
    bad = write(tmp_path / "bad.scap", data)
    with pytest.raises(InputError, match=cause) as caught:
        read(good, bad)
    assert caught.value.cause.startswith(f"{bad}: ")
    assert caught.value.hint
    assert read.events >= 8


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read(os.fspath(tmp_path / "none"))
    assert caught.value.filename == os.fspath(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "shown"), [("-", "standard input: "), ("a\udcff", "a\udcff: "), ("x y", "x y: ")]
)
def test_inputs_are_named_as_users_know_them(name, shown):
    error = EngineError("truncated", "cut short at byte 5", 5)
    with pytest.raises(InputError) as caught, named(name):
        raise error
    assert caught.value.cause == f"{shown}cut short at byte 5"


@pytest.mark.parametrize(
    "error", [EngineError("io", "writing: no space", 28), EngineError("internal", "x", None)]
)
def test_a_failing_output_is_no_fault_of_the_input(error):
    with pytest.raises(EngineError) as caught, named("x"):
        raise error
    assert caught.value is error


class Progress:
    """Notes when it is asked to look."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start(self, fd: int) -> None:
        os.fstat(fd)
        self.seen.append("start")

    def look(self) -> None:
        self.seen.append("look")

    def end(self) -> None:
        self.seen.append("end")


def test_progress_follows_each_file_also_to_a_bad_end(tmp_path):
    good = write(tmp_path / "good.scap", small())
    progress = Progress()
    with pytest.raises(InputError):
        read(good, write(tmp_path / "bad.scap", b"x" * 100), progress=progress)
    assert progress.seen[0] == "start"
    assert progress.seen[-1] == "end"
    assert progress.seen.count("start") == progress.seen.count("end") == 2
    assert "look" in progress.seen
