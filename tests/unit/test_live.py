"""What a request means for the kernel side, and what is said about a capture."""

import os

import pytest

from pyscap import live
from pyscap.errors import CaptureError, UsageError
from pyscap.plan import Plan
from pyscap.probe.loader import Counters
from pyscap.program import make_plan
from pyscap.request import Request


def configured(*words, **options):
    request = Request(words=words, **options)
    return live.probe_config(request, make_plan(request))


def test_defaults_are_those_of_the_probe():
    config = configured()
    assert (config.snaplen, config.snaplen_by_kind, config.self_pid) == (80, {}, None)
    assert not any((config.switches, config.page_faults, config.durations))
    assert config.pushdown.trees is None


def test_snaplen_may_differ_by_kind():
    config = configured(snaplen={"": 16, "net": 4096})
    assert (config.snaplen, config.snaplen_by_kind) == (16, {"net": 4096})


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ((), {"latency": True}),
        ((), {"timetype": "d"}),
        ((), {"print": "%evt.latency"}),
        (("evt.latency>1000",), {}),
    ],
)
def test_durations_are_measured_when_something_needs_them(words, options):
    assert configured(*words, **options).durations


def test_filter_for_rare_events_turns_them_on():
    assert configured("evt.type=switch").switches
    assert configured("evt.type=page_fault").page_faults
    assert not configured("evt.type=open").switches
    assert configured(switches=True).switches


def test_process_to_follow_is_the_root_of_the_tree():
    assert configured(follow=77).pushdown.trees == {77}


def test_include_self_leaves_nobody_out():
    assert configured(include_self=True).self_pid == 0


def test_ready_line_is_written_once_and_closed():
    reading, writing = os.pipe()
    live.say_ready(Request(ready_fd=writing))
    assert os.read(reading, 100) == b"ready\n"
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_ready_descriptor_must_be_open():
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(UsageError, match=f"--ready-fd {writing}: Bad file descriptor"):
        live.say_ready(Request(ready_fd=writing))


def test_closing_line_says_why_events_were_lost():
    stats = {"events": 10, "chosen": 4}
    none = live.closing_line(stats, Counters(delivered=10), Request())
    assert none == "10 events captured, 4 shown, 0 lost\n"
    lost = live.closing_line(
        stats, Counters(dropped_ring_full=5, dropped_too_big=2), Request(write="x")
    )
    assert lost.splitlines() == [
        "10 events captured, 4 written to x, 7 lost (the buffer was full: 5, "
        "too large for the file format: 2)",
        f"hint: {live.DROP_HINT}",
    ]


class FakeProbe:
    def __init__(self):
        self.lost = 0

    def counters(self):
        return Counters(dropped_ring_full=self.lost)


def test_losses_are_warned_about_now_and_then(capsys, monkeypatch):
    clock = iter(range(100)).__next__
    monkeypatch.setattr("pyscap.live.time.monotonic", clock)
    probe = FakeProbe()
    watch = live.DropWatch(probe)
    watch.look()
    probe.lost = 7
    watch.look()
    watch.look()
    assert capsys.readouterr().err == "pyscap: 7 events lost in the last second\n"


def test_other_systems_are_told_that_reading_works(monkeypatch):
    monkeypatch.setattr("pyscap.live.platform.system", lambda: "Darwin")
    with pytest.raises(CaptureError, match="Darwin has no system calls") as caught:
        live.run(Request(), Plan())
    assert "reading works here" in caught.value.hint


def test_what_is_not_to_be_seen_is_not_captured():
    assert configured(no_env=True).snaplen_by_kind == {"exec": 0}
    config = configured(no_buffers=True, snaplen={"": 100, "net": 5, "exec": 7})
    assert (config.snaplen, config.snaplen_by_kind) == (0, {"exec": 7})
