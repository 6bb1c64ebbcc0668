"""Plays of threads and processes: events in, facts of the thread table out."""

from __future__ import annotations

from typing import Any

import builders as b
import pytest
from playbook import facts, run

from pyscap.plan import Options

SECOND = 1_000_000_000
SHELL, CHILD, OTHER = 100, 101, 102
CLONE_NEWPID, CLONE_PARENT, CLONE_THREAD, CLONE_VFORK = 1 << 6, 1 << 8, 1 << 13, 1 << 27
CLONE_NEWUSER, CHILD_IN_PIDNS = 1 << 20, 1 << 29
NOT_THERE = {"proc.pid": -1, "proc.name": "<NA>"}


def shell(**fields: Any) -> b.Thread:
    usual = {
        "cwd": "/home/u/",
        "exepath": "/usr/bin/bash",
        "env": ["HOME=/home/u"],
        "cgroups": ["cpu=/user"],
        "sid": 90,
        "vpgid": 91,
        "pgid": 92,
        "loginuid": 1000,
        "uid": 1000,
        "gid": 1000,
        "tty": 34817,
    }
    return b.thread(SHELL, "bash", ptid=1, fds=[b.fd(3, name="/etc/x")], **{**usual, **fields})


def init(**fields: Any) -> b.Thread:
    return b.thread(1, "init", **fields)


def spawned(tid: int = SHELL, child: int = CHILD, **values: Any) -> b.Event:
    """A clone seen by its caller."""
    usual = {
        **{"exe": "bash", "comm": "bash", "args": ["-l"], "pid": tid, "ptid": 1, "tid_": tid},
        **{"vtid": tid, "vpid": tid, "uid": 1000, "gid": 1000, "fdlimit": 512},
        "cgroups": ["cpu=/user"],
    }
    return b.clone(res=child, tid=tid, **{**usual, **values})


def born(tid: int = CHILD, **values: Any) -> b.Event:
    """A clone seen by the child."""
    usual = {
        **{"exe": "bash", "comm": "bash", "args": [], "pid": tid, "ptid": SHELL, "tid_": tid},
        **{"vtid": tid, "vpid": tid, "uid": 1000, "gid": 1000},
    }
    return b.clone(res=0, tid=tid, **{**usual, **values})


def execed(tid: int = CHILD, **values: Any) -> b.Event:
    usual = {
        **{"res": 0, "exe": "cat", "comm": "cat", "args": ["/etc/x"], "pid": tid, "ptid": SHELL},
        **{"tid_": tid, "trusted_exepath": "/usr/bin/cat", "env": ["A=1"], "pgid": 92},
    }
    return b.execve(tid=tid, **{**usual, **values})


def exited(tid: int = CHILD, reaper: int = 0, **values: Any) -> b.Event:
    return b.event("procexit", ">", reaper_tid=reaper, tid=tid, **values)


def check(events: list[b.Event], tid: int, wanted: dict[str, Any], **where: Any) -> None:
    where.setdefault("threads", [init(), shell()])
    assert facts(events, list(wanted), tid=tid, **where) == wanted


# --- clone ----------------------------------------------------------------------------------


def test_a_process_made_by_its_caller_inherits_from_it() -> None:
    wanted = {
        **{"proc.pid": CHILD, "proc.ppid": SHELL, "proc.pname": "bash", "proc.name": "bash"},
        **{"proc.cwd": "/home/u/", "proc.args": "-l", "proc.env[HOME]": "/home/u"},
        **{"proc.exepath": "/usr/bin/bash", "proc.sid": 90, "proc.vpgid": 91, "proc.pgid": 92},
        **{"user.uid": 1000, "group.gid": 1000, "user.loginuid": 1000, "proc.tty": 34817},
        **{"proc.nthreads": 1, "thread.vtid": CHILD, "proc.vpid": CHILD, "proc.fdlimit": 512},
        **{"fd.name": "/etc/x", "thread.cgroups": "cpu=/user"},
    }
    check([spawned()], CHILD, wanted, fd=3)


def test_a_process_has_a_copy_of_the_descriptors() -> None:
    events = [spawned(), b.close(res=0, fd=3, tid=SHELL)]
    check(events, CHILD, {"fd.name": "/etc/x"}, fd=3)
    check(events, SHELL, {"fd.name": ""}, fd=3)


def test_a_process_that_shares_descriptors_gets_a_copy_too() -> None:
    events = [spawned(flags=1), b.close(res=0, fd=3, tid=SHELL)]
    check(events, CHILD, {"fd.name": "/etc/x"}, fd=3)


def test_a_thread_shares_descriptors_directory_and_process() -> None:
    events = [
        spawned(flags=CLONE_THREAD),
        b.chdir(res=0, path="/tmp", tid=CHILD),
        b.openat(fd=4, dirfd=-100, name="a", tid=CHILD),
    ]
    wanted = {"proc.pid": SHELL, "proc.ppid": 1, "proc.nthreads": 2, "thread.ismain": False}
    check(events, CHILD, wanted)
    check(events, SHELL, {"proc.cwd": "/tmp/", "fd.name": "/tmp/a"}, fd=4)


@pytest.mark.parametrize(
    "flags", [CHILD_IN_PIDNS, CLONE_NEWPID, CLONE_PARENT, CLONE_VFORK], ids=hex
)
def test_a_child_that_tells_of_itself_is_not_made_by_its_caller(flags: int) -> None:
    check([spawned(flags=flags)], CHILD, NOT_THERE)


def test_a_vforked_child_tells_of_itself() -> None:
    values = {"res": CHILD, "pid": SHELL, "ptid": 1, "vtid": SHELL, "vpid": SHELL, "tid": SHELL}
    check([b.vfork(**values)], CHILD, NOT_THERE)


def test_a_caller_in_a_pid_namespace_leaves_the_child_to_itself() -> None:
    where = {"threads": [init(), shell(vtid=7, vpid=7)]}
    check([spawned()], CHILD, NOT_THERE, **where)


def test_a_failed_clone_makes_nothing() -> None:
    check([spawned(child=-11)], CHILD, NOT_THERE)


def test_a_child_seen_before_its_caller_stays_as_it_told() -> None:
    events = [born(comm="early"), spawned(comm="late")]
    check(events, CHILD, {"proc.name": "early", "proc.ppid": SHELL, "proc.cwd": "/home/u/"})


def test_a_child_after_its_caller_is_passed_over() -> None:
    check([spawned(comm="first"), born(comm="second")], CHILD, {"proc.name": "first"})


def test_a_child_long_after_a_caller_of_that_number_is_another() -> None:
    late = b.START_NS + 3 * SECOND
    events = [spawned(comm="first"), born(comm="second", ts_ns=late)]
    check(events, CHILD, {"proc.name": "second"})


def test_a_reused_number_is_a_new_process() -> None:
    events = [
        spawned(),
        b.openat(fd=9, dirfd=-100, name="/old", tid=CHILD),
        spawned(comm="new"),
    ]
    check(events, CHILD, {"proc.name": "new", "fd.name": "", "proc.nthreads": 1}, fd=9)


def test_a_child_that_left_a_moment_ago_is_not_made_again() -> None:
    events = [born(), exited(), spawned()]
    check(events, CHILD, NOT_THERE)
    events = [born(), exited(), spawned(ts_ns=b.START_NS + 3 * SECOND)]
    check(events, CHILD, {"proc.pid": CHILD})


def test_a_thread_seen_first_makes_its_process_known() -> None:
    thread = born(OTHER, pid=500, flags=CLONE_THREAD, comm="pool", vpid=500)
    check([thread], OTHER, {"proc.pid": 500, "proc.nthreads": 2, "proc.name": "pool"})
    check([thread], 500, {"proc.pid": 500, "proc.name": "pool"})


def test_a_caller_that_was_not_known_is_known_from_then_on() -> None:
    event = spawned(tid=700, child=701, comm="lost", ptid=SHELL)
    check([event], 700, {"proc.name": "lost", "proc.pid": 700, "proc.ppid": SHELL})
    check([event], 701, {"proc.ppid": 700, "proc.pname": "lost"})


def test_a_child_of_an_unknown_parent_has_none() -> None:
    check([born(ptid=4000)], CHILD, {"proc.ppid": None, "proc.pname": None})


def test_a_child_in_a_pid_namespace_starts_with_it() -> None:
    boot = b.START_NS - 10**12
    events = [born(vtid=1, vpid=1, pidns_init_start_ts=5, flags=CHILD_IN_PIDNS)]
    check(events, CHILD, {"proc.pidns_init_start_ts": boot + 5, "proc.vpid": 1})


# --- exec -----------------------------------------------------------------------------------


def test_an_exec_replaces_the_program() -> None:
    exec_event = execed(
        **{"cgroups": ["cpu=/new"], "tty": 5, "vpgid": 6, "loginuid": 7, "uid": 8, "gid": 9},
        **{"flags": 0b1111, "exe_ino": 10, "cap_effective": 1, "fdlimit": 11, "pgid": 12},
        **{"vm_size": 13, "vm_rss": 14, "vm_swap": 15},
    )
    wanted = {
        **{"proc.name": "cat", "proc.exe": "cat", "proc.exepath": "/usr/bin/cat"},
        **{"proc.args": "/etc/x", "proc.env": "A=1", "proc.tty": 5, "proc.vpgid": 6},
        **{"user.loginuid": 7, "user.uid": 8, "group.gid": 9, "proc.exe_ino": 10},
        **{"proc.is_exe_writable": True, "proc.is_exe_upper_layer": True},
        **{"proc.is_exe_from_memfd": True, "proc.is_exe_lower_layer": True},
        **{"thread.cap_effective": "CAP_CHOWN", "proc.fdlimit": 11, "proc.pgid": 12},
        **{"proc.vmsize": 13, "proc.vmrss": 14, "proc.vmswap": 15, "thread.cgroups": "cpu=/new"},
        "proc.cwd": "/home/u/",
    }
    check([spawned(), exec_event], CHILD, wanted)


def test_an_exec_of_a_live_capture_tells_where_the_process_works() -> None:
    live = Options(live=True)
    check([spawned(), execed(cwd="/srv")], CHILD, {"proc.cwd": "/srv/"}, options=live)
    check([spawned(), execed(cwd="srv")], CHILD, {"proc.cwd": "/home/u/"}, options=live)
    check([spawned(), execed(cwd="/srv")], CHILD, {"proc.cwd": "/home/u/"})


def test_a_failed_exec_changes_nothing() -> None:
    check([spawned(), execed(res=-2)], CHILD, {"proc.name": "bash"})


def test_what_an_exec_does_not_tell_stays() -> None:
    none = dict.fromkeys(("uid", "gid", "tty", "loginuid", "vpgid", "fdlimit", "cgroups", "env"))
    wanted = {"user.uid": 1000, "proc.tty": 34817, "proc.vpgid": 91, "proc.env[HOME]": "/home/u"}
    check([spawned(), execed(**none)], CHILD, wanted)


def test_an_exec_without_a_name_is_called_by_its_first_argument() -> None:
    check([spawned(), execed(comm=None)], CHILD, {"proc.name": "cat"})


def test_an_exec_makes_an_unknown_thread_known() -> None:
    event = execed(700, pid=700, ptid=SHELL)
    wanted = {"proc.pid": 700, "proc.ppid": SHELL, "thread.vtid": 700, "proc.nthreads": 1}
    check([event], 700, wanted)


def test_an_exec_closes_what_was_marked() -> None:
    events = [
        spawned(),
        b.openat(fd=4, dirfd=-100, name="/kept", tid=CHILD),
        b.openat(fd=5, dirfd=-100, name="/closed", flags="O_CLOEXEC", tid=CHILD),
        execed(),
    ]
    check(events, CHILD, {"fd.name": "/kept"}, fd=4)
    check(events, CHILD, {"fd.name": ""}, fd=5)


def test_an_exec_ends_the_other_threads() -> None:
    events = [spawned(flags=CLONE_THREAD), execed(SHELL, ptid=1)]
    check(events, SHELL, {"proc.nthreads": 1, "proc.name": "cat"})
    check(events, CHILD, NOT_THERE)


def test_an_exec_revives_a_leader_that_had_left() -> None:
    events = [spawned(flags=CLONE_THREAD), exited(SHELL), execed(SHELL, ptid=1)]
    check(events, SHELL, {"proc.nthreads": 1, "proc.name": "cat", "proc.pid": SHELL})


@pytest.mark.parametrize(
    ("enter", "wanted"),
    [
        (b.event("execve", ">", filename="cat", tid=CHILD), "/home/u/cat"),
        (b.event("execve", ">", filename="/bin/../bin/cat", tid=CHILD), "/bin/cat"),
        (b.event("execveat", ">", dirfd=8, pathname="cat", flags=0, tid=CHILD), "/opt/cat"),
        (b.event("execveat", ">", dirfd=8, pathname="", flags=1, tid=CHILD), "/opt"),
    ],
)
def test_older_files_name_the_program_on_entry(enter: b.Event, wanted: str) -> None:
    events = [
        spawned(),
        b.openat(fd=8, dirfd=-100, name="/opt", flags="O_DIRECTORY", tid=CHILD),
        enter,
        execed(trusted_exepath=None),
    ]
    check(events, CHILD, {"proc.exepath": wanted})


def test_the_path_of_a_deleted_program_is_its_path() -> None:
    path = "/tmp/gone (deleted)"
    check([execed(trusted_exepath=path)], CHILD, {"proc.exepath": "/tmp/gone"})


# --- exit -----------------------------------------------------------------------------------


def test_the_exit_itself_still_sees_the_process() -> None:
    rows = run(b.capture([init(), shell()], [spawned(), exited()]), ["evt.type", "proc.name"])
    assert rows[-1] == {"evt.type": "procexit", "proc.name": "bash"}
    check([spawned(), exited()], CHILD, NOT_THERE)


def test_orphans_go_to_the_reaper_that_the_exit_names() -> None:
    events = [spawned(), spawned(CHILD, OTHER, ptid=SHELL), exited(reaper=SHELL)]
    check(events, OTHER, {"proc.ppid": SHELL})


def test_orphans_go_to_another_thread_of_the_process_first() -> None:
    events = [
        spawned(flags=CLONE_THREAD),
        spawned(CHILD, OTHER, pid=SHELL),
        exited(CHILD),
    ]
    check(events, OTHER, {"proc.ppid": SHELL})


def test_orphans_go_to_init_when_nobody_is_nearer() -> None:
    check([spawned(), exited(SHELL)], CHILD, {"proc.ppid": 1, "proc.pname": "init"})


def test_orphans_go_to_the_subreaper() -> None:
    events = [
        b.prctl(res=0, option=36, arg2_int=1, arg2_str=None, tid=SHELL),
        spawned(),
        spawned(CHILD, OTHER, ptid=SHELL),
        exited(CHILD),
    ]
    check(events, OTHER, {"proc.ppid": SHELL})


def test_orphans_without_any_reaper_have_no_parent() -> None:
    where = {"threads": [shell()]}
    check([spawned(), exited(SHELL)], CHILD, {"proc.ppid": None}, **where)


def test_a_leader_stays_until_its_last_thread_is_gone() -> None:
    events = [spawned(flags=CLONE_THREAD), exited(SHELL)]
    check(events, CHILD, {"proc.pid": SHELL, "proc.nthreads": 1, "fd.name": "/etc/x"}, fd=3)
    check([*events, exited(CHILD)], SHELL, NOT_THERE)


def test_the_exit_of_an_unknown_thread_is_nothing() -> None:
    rows = run(b.capture([init()], [exited(4000)]), ["proc.name"])
    assert rows == [{"proc.name": None}]


# --- unknown threads ------------------------------------------------------------------------


def test_an_unknown_thread_is_known_by_its_number_alone() -> None:
    wanted = {
        **{"proc.pid": -1, "proc.name": "<NA>", "proc.exe": "<NA>", "proc.cwd": "./"},
        **{"user.uid": 4294967295, "thread.tid": 4000, "proc.ppid": None},
    }
    check([], 4000, wanted)


def test_an_unknown_thread_has_descriptors_of_its_own() -> None:
    events = [b.openat(fd=3, dirfd=-100, name="/a", tid=4000)]
    check(events, 4000, {"fd.name": "/a"}, fd=3)


# --- what a thread changes of itself --------------------------------------------------------

SELF = [
    (b.setuid(res=0, uid=5, tid=SHELL), {"user.uid": 5}),
    (b.setuid(res=-1, uid=5, tid=SHELL), {"user.uid": 1000}),
    (b.setgid(res=0, gid=5, tid=SHELL), {"group.gid": 5}),
    (b.setresuid(res=0, ruid=4, euid=5, suid=6, tid=SHELL), {"user.uid": 5}),
    (b.setresuid(res=0, ruid=4, euid=-1, suid=6, tid=SHELL), {"user.uid": 1000}),
    (b.setreuid(res=0, ruid=4, euid=5, tid=SHELL), {"user.uid": 5}),
    (b.setresgid(res=0, rgid=4, egid=5, sgid=6, tid=SHELL), {"group.gid": 5}),
    (b.setregid(res=0, rgid=4, egid=-1, tid=SHELL), {"group.gid": 1000}),
    (
        b.capset(res=0, cap_inheritable=1, cap_permitted=2, cap_effective=4, tid=SHELL),
        {
            "thread.cap_inheritable": "CAP_CHOWN",
            "thread.cap_permitted": "CAP_DAC_OVERRIDE",
            "thread.cap_effective": "CAP_DAC_READ_SEARCH",
        },
    ),
    (b.setsid(res=SHELL, tid=SHELL), {"proc.sid": SHELL}),
    (b.setpgid(res=0, pid=0, pgid=5, tid=SHELL), {"proc.pgid": 92, "proc.vpgid": 91}),
    (b.prctl(res=0, option=15, arg2_str="worker", tid=SHELL), {"proc.name": "worker"}),
    (b.prctl(res=0, option=15, arg2_str="x" * 40, tid=SHELL), {"proc.name": "x" * 15}),
    (b.prctl(res=-1, option=15, arg2_str="worker", tid=SHELL), {"proc.name": "bash"}),
    (b.setrlimit(res=0, cur=77, max=99, resource=7, tid=SHELL), {"proc.fdlimit": 77}),
    (b.setrlimit(res=0, cur=-1, max=99, resource=7, tid=SHELL), {"proc.fdlimit": 1024}),
    (b.setrlimit(res=0, cur=77, max=99, resource=3, tid=SHELL), {"proc.fdlimit": 1024}),
    (b.getrlimit(res=0, cur=77, max=99, resource=7, tid=SHELL), {"proc.fdlimit": 77}),
    (b.prlimit(res=0, newcur=77, pid=0, resource=7, tid=SHELL), {"proc.fdlimit": 77}),
    (b.prlimit(res=0, newcur=77, pid=SHELL, resource=7, tid=1), {"proc.fdlimit": 77}),
    (b.chdir(res=0, path="../v/./w/", tid=SHELL), {"proc.cwd": "/home/v/w/"}),
    (b.chdir(res=-2, path="/nope", tid=SHELL), {"proc.cwd": "/home/u/"}),
    (b.getcwd(res=5, path="/moved", tid=SHELL), {"proc.cwd": "/moved/"}),
    (b.fchdir(res=0, fd=3, tid=SHELL), {"proc.cwd": "/etc/x/"}),
    (b.fchdir(res=0, fd=44, tid=SHELL), {"proc.cwd": "/home/u/"}),
    (b.chroot(res=0, path="/jail", tid=SHELL), {"proc.cwd": "/home/u/"}),
    (
        b.brk(res=0, vm_size=7, vm_rss=8, vm_swap=9, tid=SHELL),
        {"proc.vmsize": 7, "proc.vmrss": 8, "proc.vmswap": 9},
    ),
    (b.mmap(res=-12, vm_size=7, tid=SHELL), {"proc.vmsize": 7}),
    (b.munmap(res=0, vm_size=7, tid=SHELL), {"proc.vmsize": 7}),
    (
        b.event("switch", ">", next=1, pgft_maj=3, pgft_min=4, vm_size=5, tid=SHELL),
        {"thread.pfmajor": 3, "thread.pfminor": 4, "proc.vmsize": 5},
    ),
]


@pytest.mark.parametrize(("event", "wanted"), SELF, ids=lambda v: "")
def test_what_a_thread_changes_of_itself(event: b.Event, wanted: dict[str, Any]) -> None:
    check([event], SHELL, wanted)


@pytest.mark.parametrize(
    "event",
    [
        b.unshare(res=0, flags=CLONE_NEWUSER, tid=SHELL),
        b.setns(res=0, fd=3, nstype=CLONE_NEWUSER, tid=SHELL),
    ],
)
def test_a_new_user_namespace_gives_every_capability(event: b.Event) -> None:
    got = facts([event], ["thread.cap_effective"], threads=[shell()], tid=SHELL)
    assert len(got["thread.cap_effective"].split()) == 41


def test_other_namespaces_give_none() -> None:
    check([b.unshare(res=0, flags=1 << 5, tid=SHELL)], SHELL, {"thread.cap_effective": ""})


def test_a_switch_of_an_unknown_thread_makes_none() -> None:
    rows = run(
        b.capture([init()], [b.event("switch", ">", next=1, tid=4000)]), ["proc.name", "proc.pid"]
    )
    assert rows == [{"proc.name": None, "proc.pid": None}]


def test_threads_of_the_list_come_in_any_order() -> None:
    threads = [shell(), init(), b.thread(5, "worker", pid=SHELL, ptid=1)]
    check([], SHELL, {"proc.ppid": 1, "proc.nthreads": 2}, threads=threads)
    check([], 5, {"proc.pid": SHELL, "proc.cwd": "/home/u/"}, threads=threads)


def test_a_loop_of_parents_ends() -> None:
    threads = [b.thread(10, "a", ptid=20), b.thread(20, "b", ptid=10)]
    check([exited(10)], 20, {"proc.ppid": None}, threads=threads)
