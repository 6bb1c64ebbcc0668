"""Which event does what to threads, descriptors, users and containers.

In:  `state/verbs.py`, `model/events.py`. Out: `TRANSITIONS`, `rows()`, `unseen()`. Next:
`pyscap.plan`, then the engine's `state`.
A row names the event code, the verb, and for each input of the verb the parameter that feeds it,
by name. An input called like its parameter is written as the name alone.
Source: scap format specification, event semantics 2, 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyscap.model.events import EVENTS
from pyscap.model.fd_types import FD_NUMBER
from pyscap.state.verbs import VERB_NAMED

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Transition:
    """When an event with `code` comes, do `verb`."""

    code: int
    verb: str
    params: dict[str, str]
    """Parameter names by input."""
    consts: dict[str, int] = field(default_factory=dict)

    def seen_by(self) -> frozenset[str] | None:
        """The fields that show what it does; None when more depends on it."""
        if self.verb == "transfer":  # data alone makes a connection; ends make names, too
            return None if "tuple" in self.params else frozenset({"fd.connected"})
        return MEMORY_FIELDS if self.verb in MEMORY_VERBS else None


MEMORY_VERBS = frozenset({"count_memory", "switch_out"})
"""Verbs that keep the counters of memory and nothing else."""

MEMORY_FIELDS = frozenset(
    {
        *("proc.vmsize", "proc.vmrss", "proc.vmswap"),
        *("thread.vmsize", "thread.vmrss", "thread.vmsize.b", "thread.vmrss.b"),
        *("thread.pfmajor", "thread.pfminor"),
    }
)
"""Fields that show the counters of memory."""


def on(code: int, verb: str, *same: str, **inputs: str | int) -> Transition:
    """One row.

    Args:
        code: Event code.
        verb: Name of a verb.
        same: Inputs that are called like their parameters.
        inputs: Other inputs with the names of their parameters; numbers are constants.

    Returns:
        The row, not yet checked against the tables.
    """
    params = dict.fromkeys(same, "") | {k: v for k, v in inputs.items() if isinstance(v, str)}
    consts = {k: v for k, v in inputs.items() if isinstance(v, int)}
    return Transition(code, verb, {k: v or k for k, v in params.items()}, consts)


_SIZES = ("vm_size", "vm_rss", "vm_swap")
_PROCESS = ("res", "exe", "args", "pid", "ptid", "fdlimit", "pgft_maj", "pgft_min", *_SIZES)
_PROCESS_NAMES = ("comm", "cgroups", "uid", "gid")
_CAPS = ("cap_inheritable", "cap_permitted", "cap_effective")


def clone(code: int, is_vfork: int = 0) -> Transition:
    """A row of the clone family; the child's own number is the header's."""
    named = (*_PROCESS, *_PROCESS_NAMES, "flags", "vtid", "vpid")
    return on(code, "clone", *named, pidns_start="pidns_init_start_ts", is_vfork=is_vfork)


def exec_(code: int) -> Transition:
    """A row of the exec family; the working directory in it is empty in captures of others."""
    return on(
        code,
        "exec",
        "cwd",
        *(*_PROCESS, *_PROCESS_NAMES, "env", "tty", "vpgid", "loginuid", "pgid", *_CAPS, "exe_ino"),
        exe_flags="flags",
        exe_ctime="exe_ino_ctime",
        exe_mtime="exe_ino_mtime",
        exepath="trusted_exepath",
    )


def make(code: int, kind: str, fd: str, *same: str, **inputs: str | int) -> Transition:
    """A row that makes a descriptor of `kind`, a short name of `model.fd_types`."""
    return on(code, "make_descriptor", *same, fd=fd, kind=FD_NUMBER[kind], **inputs)


def transfer(code: int, fd: str = "fd", *same: str, is_send: int = 0) -> Transition:
    """A row of the read and write families."""
    return on(code, "transfer", "res", *same, fd=fd, is_send=is_send)


O_CLOEXEC = 1 << 12
"""Close-on-exec among the open flags in the format's numbering."""
FIRST_BIT = 1
"""Close-on-exec among the flags of epoll_create1 and memfd_create."""

THREADS: tuple[Transition, ...] = (
    clone(223),
    clone(225),
    clone(227, is_vfork=1),
    clone(335),
    exec_(293),
    exec_(331),
    on(186, "exit", reaper="reaper_tid"),
    on(401, "control_process", "res", "option", text="arg2_str", number="arg2_int"),
    on(275, "set_session", "res"),
    on(199, "set_ids", "res", "uid"),
    on(201, "set_ids", "res", "gid"),
    on(193, "set_ids", "res", uid="euid"),
    on(427, "set_ids", "res", uid="euid"),
    on(195, "set_ids", "res", gid="egid"),
    on(429, "set_ids", "res", gid="egid"),
    on(
        353,
        "set_capabilities",
        "res",
        inheritable="cap_inheritable",
        permitted="cap_permitted",
        effective="cap_effective",
    ),
    on(285, "enter_namespaces", "res", "flags"),
    on(241, "enter_namespaces", "res", flags="nstype"),
    on(143, "limit_descriptors", "res", "resource", limit="cur"),
    on(141, "limit_descriptors", "res", "resource", limit="cur"),
    on(145, "limit_descriptors", "res", "resource", "pid", limit="newcur"),
    on(95, "change_directory", "res", "path"),
    on(93, "change_directory", "res", "path"),
    on(97, "change_directory", "res", "fd"),
    on(267, "change_root", "res", "path"),
    on(159, "count_memory", *_SIZES),
    on(161, "count_memory", *_SIZES),
    on(163, "count_memory", *_SIZES),
    on(165, "count_memory", *_SIZES),
    on(152, "switch_out", "pgft_maj", "pgft_min", *_SIZES),
)
"""Threads, processes, directories, ids and counters."""

ENTERS: tuple[Transition, ...] = (
    on(2, "remember_enter", "name", "flags"),
    on(58, "remember_enter", "name"),
    on(306, "remember_enter", "name", "dirfd", "flags"),
    on(326, "remember_enter", "name", "dirfd", "flags"),
    on(22, "remember_enter", "addr"),
    on(292, "remember_enter", name="filename"),
    on(330, "remember_enter", "dirfd", "flags", name="pathname"),
)
"""Enter events whose values count more than those of their exits; they are not shown."""

FILES: tuple[Transition, ...] = (
    on(3, "open_file", "fd", "name", "flags", "dev", "ino", enter=2),
    on(59, "open_file", "fd", "name", "dev", "ino", layer="creat_flags", enter=58),
    on(
        307,
        "open_file",
        *("fd", "name", "dirfd", "flags", "dev", "ino"),
        enter=306,
        relative_to_descriptor=1,
    ),
    on(
        327,
        "open_file",
        *("fd", "name", "dirfd", "flags", "dev", "ino"),
        enter=326,
        relative_to_descriptor=1,
    ),
    on(337, "open_file", "fd", "flags", "dev", "ino", name="path"),
    on(5, "close", "res", "fd"),
    on(451, "close_range", "res", "first", "last", "flags"),
    on(367, "duplicate", "res", old="oldfd"),
    on(363, "duplicate", "res", old="oldfd"),
    on(365, "duplicate", "res", "flags", old="oldfd"),
    on(151, "control_descriptor", "res", "fd", command="cmd", number="arg"),
)
"""Descriptors of files, and what is the same for all descriptors."""

OTHERS: tuple[Transition, ...] = (
    on(61, "make_pipe", "res", "ino", first="fd1", second="fd2"),
    on(393, "make_pipe", "res", "ino", "flags", first="fd1", second="fd2"),
    make(63, "event", "res", "flags"),
    make(397, "event", "res", "flags", cloexec_bits=O_CLOEXEC),
    make(375, "eventpoll", "res"),
    make(377, "eventpoll", "res", "flags", cloexec_bits=FIRST_BIT),
    make(137, "timerfd", "res", "flags"),
    make(127, "signalfd", "res", "flags"),
    make(399, "signalfd", "res", "flags", cloexec_bits=O_CLOEXEC),
    make(139, "inotify", "res", "flags"),
    make(395, "inotify", "res", "flags", cloexec_bits=O_CLOEXEC),
    make(405, "memfd", "fd", "name", "flags", cloexec_bits=FIRST_BIT),
    make(321, "userfaultfd", "res", "flags", cloexec_bits=O_CLOEXEC),
    make(339, "io_uring", "res"),
    make(369, "bpf", "fd"),
    on(409, "make_pidfd", "fd", "pid", "flags"),
    on(407, "take_descriptor", "fd", pidfd="pid_fd", target="target_fd"),
)
"""Descriptors without a file."""

SOCKETS: tuple[Transition, ...] = (
    on(19, "make_socket", "fd", "domain", "proto", "flags", kind="type"),
    on(
        43,
        "make_socket_pair",
        *("res", "source", "peer"),
        first="fd1",
        second="fd2",
        kind="type",
    ),
    on(21, "bind", "res", "addr", "fd"),
    on(23, "connect", "res", "tuple", "fd", "addr"),
    on(247, "accept", "fd", "tuple"),
    on(389, "accept", "fd", "tuple", "flags"),
    transfer(31, "fd", "tuple", is_send=1),
    transfer(49, "fd", "tuple", is_send=1),
    transfer(29, "fd", "tuple", is_send=1),
    transfer(51, "fd", "tuple", is_send=1),
    transfer(35, "fd", "tuple"),
    transfer(53, "fd", "tuple"),
    transfer(33, "fd", "tuple"),
    transfer(55, "fd", "tuple"),
    *(transfer(code) for code in (7, 113, 117, 121)),
    *(transfer(code, is_send=1) for code in (9, 115, 119, 123)),
)
"""Sockets, and data through any descriptor."""

LISTS: tuple[Transition, ...] = (
    on(354, "add_user", "uid", "gid", "name", "home", "shell", container="container_id"),
    on(356, "remove_user", "uid", container="container_id"),
    on(358, "add_group", "gid", "name", container="container_id"),
    on(360, "remove_group", "gid", container="container_id"),
    on(324, "describe_container", "json"),
    on(402, "describe_container", "name", "data"),
)
"""Users, groups and containers."""

TRANSITIONS = THREADS + ENTERS + FILES + OTHERS + SOCKETS + LISTS
"""Every row, at most one an event code."""


def row(transition: Transition) -> dict[str, object]:
    """A row as the engine reads it: parameter names become positions.

    Raises:
        ValueError: If the event has no such parameter, or the verb no such input.
    """
    verb = VERB_NAMED[transition.verb]
    unknown = [name for name in transition.params if name not in verb.inputs]
    unknown += [name for name in transition.consts if name not in verb.consts]
    if unknown:
        msg = f"transition of event {transition.code}: {verb.name} has no input {unknown[0]!r}"
        raise ValueError(msg)
    spec = EVENTS[transition.code]
    params = {name: spec.param_index(param) for name, param in transition.params.items()}
    return {
        "event": transition.code,
        "verb": transition.verb,
        "params": params,
        "consts": transition.consts,
    }


def rows() -> list[dict[str, object]]:
    """Every row as the engine reads it."""
    return [row(transition) for transition in TRANSITIONS]


def unseen(fields: Collection[str]) -> list[int]:
    """Codes of the events whose transitions nobody sees who looks at `fields` alone."""
    used = frozenset(fields)
    seen_by = {transition.code: transition.seen_by() for transition in TRANSITIONS}
    return [code for code, seen in seen_by.items() if seen is not None and seen.isdisjoint(used)]
