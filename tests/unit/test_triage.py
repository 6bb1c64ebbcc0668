"""Events that are passed over by their headers leave the same output, counts and state behind."""

import io
import json
import os
from pathlib import Path
from typing import Any

import builders as b
import pytest

from pyscap._engine import EngineError, Session
from pyscap.filterlang.compile import compile_filter
from pyscap.model.fields import resolve
from pyscap.plan import FieldList, Options, Plan

CAPTURES = Path(__file__).parents[1] / "differential" / "captures"

FOREVER_NS = 1 << 62
"""A limit of event time that nothing reaches: with one, every event is looked at whole."""

COLUMNS = ("evt.num", "evt.reltime", "proc.name", "evt.args", "proc.nthreads", "fd.name")


def run(capture: bytes, text: str, options: Options, columns: tuple[str, ...]) -> tuple[str, Any]:
    """Lines and counts of a filtered run."""
    fields = FieldList()
    program = compile_filter(text, fields=fields).program
    segments: list[dict[str, Any]] = []
    for name in columns:
        segments.append({"value": {"of": {"field": fields.add(resolve(name))}}})
        segments.append({"lit": "|"})
    with os.fdopen(os.memfd_create("lines"), "rb") as out:
        output = {
            **{"kind": "text", "fd": out.fileno(), "segments": segments},
            **{"star": True, "escape": True},
        }
        session = Session(Plan(fields, program, output, options=options).to_json())
        session.add_bytes(capture)
        while session.run(1000) != "done":
            pass
        session.finish()
        out.seek(0, io.SEEK_SET)
        return out.read().decode(), session.stats()


def same(capture: bytes, text: str, columns: tuple[str, ...] = COLUMNS) -> tuple[str, Any]:
    quick = run(capture, text, Options(), columns)
    assert quick == run(capture, text, Options(max_event_ns=FOREVER_NS), columns)
    return quick


@pytest.mark.parametrize("name", ["mix-schema-4.1.scap.gz", "curl_google.scap"])
@pytest.mark.parametrize(
    "text",
    [
        "evt.type = execve",
        "evt.type = openat and proc.name = cat",
        "evt.type in (connect, procexit)",
        "evt.type = close and fd.type = file",
        "evt.type = getpid",
        "evt.rawtime >= 1795381958444200862 and evt.rawtime < 1795381958500000000",
        "evt.rawtime > 1534527348514670468 and evt.rawtime < 1534527348600000000",
    ],
)
def test_nothing_else_changes(name: str, text: str):
    lines, stats = same((CAPTURES / name).read_bytes(), text)
    assert stats["events"] > stats["chosen"] == lines.count("\n")


def test_an_event_that_is_passed_over_makes_its_thread():
    capture = b.capture(
        threads=[b.thread(5, "cat")],
        events=[b.lseek(tid=7), b.lseek(tid=9), b.lseek(tid=7), b.kill(res=0, pid=7, tid=5)],
    )
    lines, stats = same(capture, "evt.type = kill")
    assert "pid=7(<NA>)" in lines
    assert (stats["events"], stats["chosen"]) == (4, 1)


def test_damage_durations_and_hidden_events_are_counted_as_ever():
    events = [
        b.lseek(tid=5, block_flags=1),
        b.lseek(tid=5),
        b.close(res=0, fd=3, tid=5),
        b.kill(res=0, pid=5, tid=5),
    ]
    capture = bytearray(b.capture(threads=[b.thread(5, "cat")], events=events))
    same(bytes(capture), "evt.type = kill")
    for at in range(len(capture) - 300, len(capture) - 8, 7):
        broken = capture.copy()
        broken[at] ^= 0x5A
        assert_same_end(bytes(broken), "evt.type = kill")


def assert_same_end(capture: bytes, text: str) -> None:
    """Both ways end alike, also where the capture cannot be read to its end."""
    ends = []
    for options in (Options(), Options(max_event_ns=FOREVER_NS)):
        try:
            ends.append(run(capture, text, options, COLUMNS))
        except EngineError as error:
            ends.append(("failed", error.args))
    assert ends[0] == ends[1]


def test_counters_that_a_field_shows_are_kept():
    capture = b.capture(
        threads=[b.thread(5, "cat", vm_rss=1)],
        events=[b.brk(res=0, vm_size=70, vm_rss=60, tid=5), b.kill(res=0, pid=5, tid=5)],
    )
    for columns in (("proc.vmrss",), ("evt.num",)):
        lines, _ = same(capture, "evt.type = kill", columns)
        assert lines == ("60|\n" if columns == ("proc.vmrss",) else "2|\n")


def test_a_call_without_an_event_of_its_own_is_told_by_its_number():
    capture = (CAPTURES / "shell-schema-4.1.scap.gz").read_bytes()
    program = compile_filter("evt.type = getrandom").program
    assert program["calls"] is not None
    _, stats = same(capture, "evt.type in (getrandom, set_robust_list)")
    assert stats["chosen"] > 0


def test_the_plan_says_what_nobody_sees():
    fields = FieldList()
    plan = json.loads(Plan(fields, output={"kind": "json"}).to_json())
    assert {7, 159} <= set(plan["unseen"])
    fields.add(resolve("fd.connected"))
    fields.add(resolve("thread.vmrss"))
    plan = json.loads(Plan(fields, output={"kind": "json"}).to_json())
    assert plan["unseen"] == []
    assert json.loads(Plan(output={"kind": "savefile"}).to_json())["unseen"] == []
