"""Plays of descriptors: events in, facts of the descriptor tables out."""

from __future__ import annotations

from typing import Any

import builders as b
import pytest
from playbook import facts, run

from pyscap.plan import Options

TID, OTHER = 100, 101
CLOEXEC, DIRECTORY, UPPER = 1 << 12, 1 << 10, 1 << 15
GONE = {"fd.name": "", "fd.typechar": "o"}


def cat(tid: int = TID, **fields: Any) -> b.Thread:
    fds = [
        b.fd(3, name="/etc/x", open_flags=1, dev=7),
        b.fd(8, "directory", name="/opt"),
        b.fd(9, "pipe", name="pipe:[5]"),
    ]
    return b.thread(tid, "cat", cwd="/home/u/", fds=fds, **fields)


def check(events: list[b.Event], fd: int, wanted: dict[str, Any], **where: Any) -> None:
    where = {"threads": [cat()], "tid": TID, **where}
    assert facts(events, list(wanted), fd=fd, **where) == wanted


def opened(fd: int = 4, name: str | bytes | None = "a", **values: Any) -> b.Event:
    return b.openat(**{"fd": fd, "dirfd": -100, "name": name, "tid": TID, **values})


def execed() -> b.Event:
    return b.execve(res=0, exe="ls", comm="ls", pid=TID, ptid=1, tid=TID)


# --- open -----------------------------------------------------------------------------------

OPENS = [
    (b.open(fd=4, name="/a//b/../c", dev=1, ino=2, tid=TID), "/a/c", "f"),
    (b.open(fd=4, name="a", tid=TID), "/home/u/a", "f"),
    (b.open(fd=4, name="a", flags=DIRECTORY, tid=TID), "/home/u/a", "d"),
    (b.open(fd=4, name=None, tid=TID), "/home/u/<NA>", "f"),
    (b.open(fd=4, name="/" + "a" * 1100, tid=TID), "/DIR_TOO_LONG/FILENAME_TOO_LONG", "f"),
    (b.creat(fd=4, name="a", tid=TID), "/home/u/a", "f"),
    (opened(), "/home/u/a", "f"),
    (opened(dirfd=8), "/opt/a", "f"),
    (opened(dirfd=8, name="/abs"), "/abs", "f"),
    (opened(dirfd=77), "<UNKNOWN>a", "f"),
    (opened(dirfd=None), "a", "f"),
    (opened(name=".", flags=DIRECTORY), "/home/u", "d"),
    (b.openat2(fd=4, dirfd=8, name="../a", tid=TID), "/a", "f"),
    (b.open_by_handle_at(fd=4, mountfd=3, path="/by/handle", tid=TID), "/by/handle", "f"),
]


@pytest.mark.parametrize(("event", "name", "char"), OPENS, ids=lambda v: "")
def test_an_opened_file_has_its_absolute_path(event: b.Event, name: str, char: str) -> None:
    check([event], 4, {"fd.name": name, "fd.typechar": char})


def test_an_opened_file_has_device_inode_and_layer() -> None:
    event = opened(flags=UPPER, dev=(8 << 8) | 1, ino=12)
    wanted = {"fd.dev.major": 8, "fd.dev.minor": 1, "fd.ino": 12, "fd.is_upper_layer": True}
    check([event], 4, wanted)
    creat = b.creat(fd=4, name="a", creat_flags=2, tid=TID)
    check([creat], 4, {"fd.is_lower_layer": True, "fd.is_upper_layer": False})


def test_the_path_as_given_is_kept() -> None:
    check([opened(name="..//a")], 4, {"fd.nameraw": "../a", "fd.name": "/home/a"})


def test_a_failed_open_makes_nothing() -> None:
    check([opened(fd=-2)], 4, GONE)


def test_a_reused_number_is_another_file() -> None:
    check([opened(name="/a"), opened(name="/b")], 4, {"fd.name": "/b"})


def test_the_values_of_the_enter_event_win() -> None:
    enter = b.event("openat", ">", dirfd=8, name="asked", flags=DIRECTORY, mode=0, tid=TID)
    events = [enter, opened(name="changed", flags=UPPER)]
    check(events, 4, {"fd.name": "/opt/asked", "fd.typechar": "d", "fd.is_upper_layer": True})


def test_an_enter_event_is_not_shown() -> None:
    enter = b.event("openat", ">", dirfd=8, name="asked", flags=0, mode=0, tid=TID)
    assert [r["evt.dir"] for r in run(b.capture([cat()], [enter, opened()]), ["evt.dir"])] == ["<"]


def test_an_enter_event_counts_for_the_next_event_of_its_thread_only() -> None:
    enter = b.event("openat", ">", dirfd=8, name="asked", flags=0, mode=0, tid=TID)
    events = [enter, b.chdir(res=-2, tid=TID), opened()]
    check(events, 4, {"fd.name": "/home/u/a"})
    events = [enter, b.chdir(res=0, path="/", tid=OTHER), opened()]
    check(events, 4, {"fd.name": "/opt/asked"}, threads=[cat(), cat(OTHER)])


def test_an_enter_event_of_another_call_counts_for_nothing() -> None:
    enter = b.event("creat", ">", name="asked", mode=0, tid=TID)
    check([enter, opened()], 4, {"fd.name": "/home/u/a"})


# --- close ----------------------------------------------------------------------------------


def test_the_close_itself_still_sees_the_file() -> None:
    close = b.close(res=0, fd=3, tid=TID)
    rows = run(b.capture([cat()], [close]), ["fd.name", "proc.fdopencount"])
    assert rows == [{"fd.name": "/etc/x", "proc.fdopencount": 3}]
    check([close], 3, {**GONE, "proc.fdopencount": 2})


@pytest.mark.parametrize("res", [-9, -4])
def test_a_failed_close_closes_nothing(res: int) -> None:
    check([b.close(res=res, fd=3, tid=TID)], 3, {"fd.name": "/etc/x"})


def test_a_range_is_closed() -> None:
    event = b.close_range(res=0, first=3, last=8, tid=TID)
    for fd in (3, 8):
        check([event], fd, GONE)
    check([event], 9, {"fd.name": "pipe:[5]"})
    check([b.close_range(res=-22, first=3, last=8, tid=TID)], 3, {"fd.name": "/etc/x"})


def test_a_range_is_marked_to_be_closed_at_exec() -> None:
    event = b.close_range(res=0, first=3, last=0xFFFFFFFF, flags=4, tid=TID)
    check([event], 3, {"fd.name": "/etc/x"})
    check([event, execed()], 3, GONE)


# --- duplicates -----------------------------------------------------------------------------

DUPS = [
    b.dup(res=5, oldfd=3, tid=TID),
    b.dup2(res=5, oldfd=3, newfd=5, tid=TID),
    b.dup3(res=5, oldfd=3, newfd=5, flags=0, tid=TID),
    b.fcntl(res=5, fd=3, cmd=1, arg=0, tid=TID),
]
MARKED_DUPS = [
    b.dup3(res=5, oldfd=3, newfd=5, flags=CLOEXEC, tid=TID),
    b.fcntl(res=5, fd=3, cmd=26, arg=0, tid=TID),
]


@pytest.mark.parametrize("event", DUPS + MARKED_DUPS)
def test_a_duplicate_is_the_same_file(event: b.Event) -> None:
    check([event], 5, {"fd.name": "/etc/x", "fd.typechar": "f"})
    check([event, b.close(res=0, fd=3, tid=TID)], 5, {"fd.name": "/etc/x"})


def test_the_event_of_a_duplicate_is_about_the_new_number() -> None:
    assert run(b.capture([cat()], [DUPS[1]]), ["fd.num"]) == [{"fd.num": 5}]


@pytest.mark.parametrize("event", DUPS)
def test_a_duplicate_stays_open_at_exec(event: b.Event) -> None:
    marked = opened(fd=3, name="/etc/x", flags=CLOEXEC)
    check([marked, event, execed()], 5, {"fd.name": "/etc/x"})


@pytest.mark.parametrize("event", MARKED_DUPS)
def test_a_marked_duplicate_is_closed_at_exec(event: b.Event) -> None:
    check([event, execed()], 5, GONE)


def test_a_duplicate_takes_the_place_of_another_file() -> None:
    check([b.dup2(res=9, oldfd=3, newfd=9, tid=TID)], 9, {"fd.name": "/etc/x"})


def test_a_duplicate_of_an_unknown_descriptor_is_unknown() -> None:
    check([b.dup(res=5, oldfd=77, tid=TID)], 5, GONE)
    check([b.dup(res=-9, oldfd=3, tid=TID)], 5, GONE)


def test_a_descriptor_is_marked_and_unmarked() -> None:
    mark = b.fcntl(res=0, fd=3, cmd=3, arg=1, tid=TID)
    unmark = b.fcntl(res=0, fd=3, cmd=3, arg=0, tid=TID)
    check([mark, execed()], 3, GONE)
    check([mark, unmark, execed()], 3, {"fd.name": "/etc/x"})


# --- descriptors without a file -------------------------------------------------------------

MADE = [
    (b.eventfd(res=4, initval=1, tid=TID), "e", ""),
    (b.eventfd2(res=4, initval=1, tid=TID), "e", ""),
    (b.epoll_create(res=4, tid=TID), "l", ""),
    (b.epoll_create1(res=4, tid=TID), "l", ""),
    (b.timerfd_create(res=4, tid=TID), "t", ""),
    (b.signalfd(res=4, tid=TID), "s", ""),
    (b.signalfd4(res=4, tid=TID), "s", ""),
    (b.inotify_init(res=4, tid=TID), "i", ""),
    (b.inotify_init1(res=4, tid=TID), "i", ""),
    (b.memfd_create(fd=4, name="mfd", tid=TID), "m", "mfd"),
    (b.userfaultfd(res=4, tid=TID), "u", ""),
    (b.io_uring_setup(res=4, tid=TID), "r", ""),
    (b.bpf(fd=4, tid=TID), "b", ""),
    (b.pidfd_open(fd=4, pid=TID, tid=TID), "P", f"/proc/{TID}"),
]


@pytest.mark.parametrize(("event", "char", "name"), MADE, ids=lambda v: "")
def test_a_descriptor_without_a_file_has_its_kind(event: b.Event, char: str, name: str) -> None:
    check([event], 4, {"fd.typechar": char, "fd.name": name})


@pytest.mark.parametrize(
    "event",
    [
        b.memfd_create(fd=-22, name="mfd", tid=TID),
        b.bpf(fd=-1, tid=TID),
        b.epoll_create1(res=-24, tid=TID),
        b.pidfd_open(fd=-3, pid=TID, tid=TID),
        b.pipe(res=-24, fd1=4, fd2=5, tid=TID),
    ],
)
def test_a_call_that_fails_makes_no_descriptor(event: b.Event) -> None:
    check([event], 4, {"proc.fdopencount": 3})


@pytest.mark.parametrize(
    "event",
    [
        b.eventfd2(res=4, flags=CLOEXEC, tid=TID),
        b.epoll_create1(res=4, flags=1, tid=TID),
        b.signalfd4(res=4, flags=CLOEXEC, tid=TID),
        b.inotify_init1(res=4, flags=CLOEXEC, tid=TID),
        b.memfd_create(fd=4, name="m", flags=1, tid=TID),
        b.pipe2(res=0, fd1=4, fd2=5, flags=CLOEXEC, tid=TID),
        b.pidfd_open(fd=4, pid=TID, tid=TID),
        b.socket(fd=4, domain=2, type=1, flags=CLOEXEC, tid=TID),
    ],
)
def test_marked_descriptors_are_closed_at_exec(event: b.Event) -> None:
    check([event, execed()], 4, GONE)


def test_both_ends_of_a_pipe_are_there() -> None:
    event = b.pipe(res=0, fd1=4, fd2=5, ino=77, tid=TID)
    for fd in (4, 5):
        check([event], fd, {"fd.typechar": "p", "fd.name": "", "fd.ino": 77})


def test_a_descriptor_taken_from_another_process_is_a_copy() -> None:
    other = b.thread(OTHER, "nginx", fds=[b.fd(6, name="/var/log/n")])
    events = [
        b.pidfd_open(fd=4, pid=OTHER, tid=TID),
        b.pidfd_getfd(fd=5, pid_fd=4, target_fd=6, tid=TID),
    ]
    check(events, 5, {"fd.name": "/var/log/n"}, threads=[cat(), other])
    check([*events, execed()], 5, GONE, threads=[cat(), other])
    check([b.pidfd_getfd(fd=5, pid_fd=3, target_fd=6, tid=TID)], 5, GONE)


def test_no_process_has_more_descriptors_than_the_bound() -> None:
    events = [opened(fd=n, name=f"/{n}") for n in range(10, 30)]
    capture = b.capture([cat()], events)
    rows = run(capture, ["proc.fdopencount"], Options(max_fds=8))
    assert rows[-1] == {"proc.fdopencount": 8}
