"""What of a filter goes down to the kernel, and what must not."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.push import explain_push, push, state_codes
from pyscap.model.events import EVENTS
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
    ],
)
def test_equalities_of_an_outermost_and_are_pushed(
    text: str, attribute: str, values: set[int]
) -> None:
    assert getattr(push(compile_filter(text)), attribute) == values


@pytest.mark.parametrize(
    "text",
    [
        "proc.pid = 7 or proc.pid = 8",
        "not proc.pid = 7",
        "proc.pid != 7",
        "proc.pid > 7",
        "proc.pid = val(thread.tid)",
        "proc.name = nginx",
        "proc.pid = -1",
    ],
)
def test_what_the_kernel_cannot_prove_is_not_pushed(text: str) -> None:
    pushed = push(compile_filter(text))
    assert (pushed.pids, pushed.tids, pushed.uids) == (None, None, None)


def test_a_filter_that_proves_nothing_pushes_nothing() -> None:
    assert push(compile_filter("proc.name = nginx")) == NOTHING_PUSHED


def test_state_keeps_what_names_and_leaves_what_counts() -> None:
    kept = names(state_codes())
    assert {"clone", "execve", "openat", "close", "connect", "sendto", "chdir"} <= kept
    assert kept.isdisjoint({"read", "write", "mmap", "brk", "switch"})


def test_explanation_names_the_sets() -> None:
    text = explain_push(push(compile_filter("evt.type = openat and proc.pid = 7")))
    assert "event types: openat" in text
    assert "processes: 7" in text
    assert explain_push(NOTHING_PUSHED).startswith("In the kernel: nothing")
