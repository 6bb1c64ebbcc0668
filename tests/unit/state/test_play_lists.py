"""Plays of users, groups, sections and what stands at the head of a capture."""

from __future__ import annotations

from typing import Any

import builders as b
from playbook import facts, run

from pyscap.plan import Options

TID = 100


def check(events: list[b.Event], wanted: dict[str, Any], **where: Any) -> None:
    where = {"threads": [b.thread(TID, "cat", uid=5, gid=6)], "tid": TID, **where}
    assert facts(events, list(wanted), **where) == wanted


def useradded(**values: Any) -> b.Event:
    usual = {"uid": 5, "gid": 6, "name": "eve", "home": "/home/eve", "shell": "/bin/sh"}
    return b.event("useradded", ">", **{**usual, "tid": -1, **values})


def groupadded(**values: Any) -> b.Event:
    return b.event("groupadded", ">", **{"gid": 6, "name": "staff", "tid": -1, **values})


EVE = {"user.name": "eve", "user.homedir": "/home/eve", "user.shell": "/bin/sh"}
NOBODY = {"user.name": "<NA>", "group.name": "<NA>"}


def test_users_and_groups_are_added() -> None:
    check([useradded(), groupadded()], {**EVE, "group.name": "staff"})


def test_users_and_groups_are_removed() -> None:
    events = [
        useradded(),
        groupadded(),
        b.event("userdeleted", ">", uid=5, tid=-1),
        b.event("groupdeleted", ">", gid=6, tid=-1),
    ]
    check(events, NOBODY)


def test_users_of_the_list_are_known_and_those_of_the_reading_machine_are_not() -> None:
    check([], {"user.name": "eve"}, users=[b.user(5, "eve")])
    check([], NOBODY)


def test_users_of_a_container_are_not_the_hosts() -> None:
    check([useradded(container_id="0123456789ab")], NOBODY)


def test_entries_of_network_directories_are_no_users() -> None:
    check([useradded(name="+eve"), groupadded(name="-staff")], NOBODY)


def test_what_tells_the_initial_state_is_not_shown() -> None:
    threads = [b.thread(TID, "cat")]
    head = [useradded(), groupadded()]
    events = [*head, b.close(res=0, fd=3, tid=TID), *head]
    rows = run(b.capture(threads, events), ["evt.num", "evt.type"])
    assert [(row["evt.num"], row["evt.type"]) for row in rows] == [
        (3, "close"),
        (4, "useradded"),
        (5, "groupadded"),
    ]


def test_a_section_begins_with_nothing() -> None:
    first = b.capture([b.thread(TID, "cat")], [b.close(res=0, fd=3, tid=TID)])
    second = b.capture([], [b.close(res=0, fd=3, tid=TID)])
    rows = run(first + second, ["proc.name"])
    assert [row["proc.name"] for row in rows] == ["cat", "<NA>"]


def test_events_for_the_state_alone_are_not_shown() -> None:
    hidden = b.openat(fd=3, dirfd=-100, name="/a", tid=TID, block_flags=1)
    events = [hidden, b.read(res=1, fd=3, tid=TID)]
    rows = run(b.capture([b.thread(TID, "cat")], events), ["evt.num", "fd.name"])
    assert rows == [{"evt.num": 2, "fd.name": "/a"}]


def test_events_of_nobody_have_no_thread() -> None:
    threads = [b.thread(TID, "cat")]
    events = [b.close(res=0, fd=3, tid=TID), useradded(tid=TID)]
    assert run(b.capture(threads, events), ["proc.name"])[-1] == {"proc.name": None}


def test_the_number_of_threads_is_bounded() -> None:
    events = [b.close(res=0, fd=3, tid=tid) for tid in range(1000, 1100)]
    last = b.close(res=0, fd=3, tid=TID)
    capture = b.capture([b.thread(TID, "cat")], [*events, last])
    rows = run(capture, ["proc.name"], Options(max_threads=10))
    assert rows[-1] == {"proc.name": "<NA>"}
