"""What of a filter goes down to the kernel, and what must not."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.push import TOLD_BY_EXEC, explain_push, push, state_codes
from pyscap.model.events import EVENTS
from pyscap.model.fields import FIELDS
from pyscap.probe.pushdown import NOTHING_PUSHED


def names(codes: frozenset[int] | None) -> set[str]:
    assert codes is not None
    return {EVENTS[code].name for code in codes}


def test_event_type_is_pushed_by_code_and_name() -> None:
    pushed = push(compile_filter("evt.type in (execve, mprotect)"))
    assert "execve" in names(pushed.events)
    assert pushed.calls == {"execve", "mprotect"}
    assert "read" not in names(pushed.events)


@pytest.mark.parametrize(
    ("text", "attribute", "values"),
    [
        ("proc.pid = 7", "pids", {7}),
        ("proc.pid in (7, 8) and proc.pid in (8, 9)", "pids", {8}),
        ("thread.tid = 5 and proc.name = x", "tids", {5}),
        ("user.uid = 0", "uids", {0}),
        ("proc.pid = 7 or proc.pid = 8", "pids", {7, 8}),
        ("proc.pid = 7 or (proc.pid = 8 and proc.name = x)", "pids", {7, 8}),
        ("proc.name in (nginx, a-name-of-many-bytes)", "comms", {"nginx", "a-name-of-many-bytes"}),
        ("proc.tree = 7 and evt.failed = false", "trees", {7}),
        ("container.id = 0123456789ab", "containers", {"0123456789ab"}),
        ("container.name = web and container.id != host", "containers", set()),
        ("container.name = web and container.id = 0123456789ab", "containers", {"0123456789ab"}),
        ("container.name = web or container.id = 0123456789ab", "containers", set()),
    ],
)
def test_equalities_of_an_outermost_and_are_pushed(
    text: str, attribute: str, values: set[int]
) -> None:
    assert getattr(push(compile_filter(text)), attribute) == values


@pytest.mark.parametrize(
    "text",
    [
        "proc.pid = 7 or thread.tid = 8",
        "not proc.pid = 7",
        "proc.pid != 7",
        "proc.pid > 7",
        "proc.pid = val(thread.tid)",
        "proc.name startswith nginx",
        "container.id = host",
        "container.name in (host, web)",
        "proc.pid = -1",
    ],
)
def test_what_the_kernel_cannot_prove_is_not_pushed(text: str) -> None:
    pushed = push(compile_filter(text))
    assert pushed == NOTHING_PUSHED


@pytest.mark.parametrize(
    ("text", "pushed"),
    [
        ("evt.failed = false", True),
        ("evt.failed != true", True),
        ("evt.res = SUCCESS", True),
        ("evt.rawres >= 0", True),
        ("evt.rawres in (0, 3)", True),
        ("evt.rawres > 5 or evt.res = SUCCESS", True),
        ("evt.failed = true", False),
        ("not evt.failed = true", False),
        ("evt.res in (SUCCESS, ENOENT)", False),
        ("evt.res = ENOENT", False),
        ("evt.rawres > -5", False),
        ("evt.rawres <= 0", False),
        ("evt.rawres = -2", False),
        ("evt.res = SUCCESS or proc.pid = 1", False),
    ],
)
def test_success_is_pushed_when_no_failed_call_can_pass(text: str, pushed: bool) -> None:
    assert push(compile_filter(text)).succeeded == pushed


def test_programs_that_start_need_no_other_call() -> None:
    shown = ["evt.num", "evt.type", "evt.args", "proc.name", "proc.pname", "container.name"]
    executed = compile_filter("evt.type = execve and evt.failed = false")
    assert not push(executed, shown).state_by_calls
    assert push(executed).state_by_calls
    assert push(executed, [*shown, "proc.sname"]).state_by_calls
    assert push(compile_filter("evt.type in (execve, openat)"), shown).state_by_calls
    assert push(compile_filter("proc.name = x"), shown).state_by_calls


def test_the_beginnings_of_fields_told_by_exec_are_beginnings_of_fields() -> None:
    for beginning in TOLD_BY_EXEC:
        assert any(name.startswith(beginning) for name in FIELDS)


def test_a_filter_that_proves_nothing_pushes_nothing() -> None:
    assert push(compile_filter("proc.exe = nginx")) == NOTHING_PUSHED


def test_state_keeps_what_names_and_leaves_what_counts() -> None:
    kept = names(state_codes())
    assert {"clone", "execve", "openat", "close", "connect", "sendto", "chdir"} <= kept
    assert kept.isdisjoint({"read", "write", "mmap", "brk", "switch"})


def test_explanation_names_the_sets() -> None:
    text = explain_push(push(compile_filter("evt.type = openat and proc.pid = 7")))
    assert "event types: openat" in text
    assert "processes: 7" in text
    assert "and so are events that names of processes and descriptors depend on" in text
    text = explain_push(push(compile_filter("proc.name in (a, b) and evt.res = SUCCESS")))
    assert "names of threads: a, b" in text
    assert "results: calls that did not fail" in text
    text = explain_push(push(compile_filter("proc.tree = 7 and container.id != host")))
    assert "processes with all their descendants: 7" in text
    assert "containers: any; of groups that are there when the capture starts" in text
    text = explain_push(push(compile_filter("evt.type = execve"), ["evt.num"]))
    assert "and so are events that names of processes depend on" in text
    assert explain_push(NOTHING_PUSHED).startswith("In the kernel: nothing")
