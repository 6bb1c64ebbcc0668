"""What an event can do to the state: the closed set of verbs and what each is told.

In:  nothing. Out: `VERBS`. Next: `state/transitions.py` says which event does what; the engine
runs the verbs (`crates/engine/src/state/verbs`), and a test compares both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["num", "str", "raw"]
"""What an input wants of its parameter: a number, a string, or bytes with their own structure."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb."""

    name: str
    summary: str
    inputs: dict[str, Kind]
    """Inputs by name; each is fed by one parameter of the event, or by none."""
    consts: tuple[str, ...] = ()
    """Constants by name; 0 when a transition does not give them."""


_SIZES: dict[str, Kind] = {"vm_size": "num", "vm_rss": "num", "vm_swap": "num"}
_FAULTS: dict[str, Kind] = {"pgft_maj": "num", "pgft_min": "num"}

VERBS: tuple[Verb, ...] = (
    Verb(
        "clone",
        "A thread or process was made: seen by the caller (result: the child) or the child (0).",
        {
            **{"res": "num", "exe": "str", "args": "raw", "pid": "num", "ptid": "num"},
            **{"fdlimit": "num", **_FAULTS, **_SIZES, "comm": "str", "cgroups": "raw"},
            **{"flags": "num", "uid": "num", "gid": "num", "vtid": "num", "vpid": "num"},
            "pidns_start": "num",
        },
        ("is_vfork",),
    ),
    Verb(
        "exec",
        "The process became another program; its other threads and marked descriptors are gone.",
        {
            **{"res": "num", "exe": "str", "args": "raw", "pid": "num", "ptid": "num"},
            **{"fdlimit": "num", **_FAULTS, **_SIZES, "comm": "str", "cgroups": "raw"},
            **{"env": "raw", "tty": "num", "vpgid": "num", "loginuid": "num"},
            **{"exe_flags": "num", "cap_inheritable": "num", "cap_permitted": "num"},
            **{"cap_effective": "num", "exe_ino": "num", "exe_ctime": "num", "exe_mtime": "num"},
            **{"uid": "num", "exepath": "str", "pgid": "num", "gid": "num", "cwd": "str"},
        },
    ),
    Verb("exit", "The thread ends; it leaves before the next event.", {"reaper": "num"}),
    Verb(
        "control_process",
        "prctl: the thread takes another name, or its process adopts orphans.",
        {"res": "num", "option": "num", "text": "str", "number": "num"},
    ),
    Verb(
        "remember_enter",
        "An enter event is kept for its exit, whose values the program could have changed.",
        {"name": "str", "dirfd": "num", "flags": "num", "addr": "raw"},
    ),
    Verb("set_session", "The thread leads a session of its own.", {"res": "num"}),
    Verb("set_ids", "Another effective user or group.", {"res": "num", "uid": "num", "gid": "num"}),
    Verb(
        "set_capabilities",
        "Other capabilities.",
        {"res": "num", "inheritable": "num", "permitted": "num", "effective": "num"},
    ),
    Verb(
        "enter_namespaces",
        "In a new user namespace the thread has every capability.",
        {"res": "num", "flags": "num"},
    ),
    Verb(
        "limit_descriptors",
        "Another limit of open descriptors.",
        {"res": "num", "limit": "num", "resource": "num", "pid": "num"},
    ),
    Verb(
        "change_directory",
        "The process works in another directory, given by path or descriptor.",
        {"res": "num", "path": "str", "fd": "num"},
    ),
    Verb("change_root", "Another root directory.", {"res": "num", "path": "str"}),
    Verb("count_memory", "Sizes of the memory after the call.", {**_SIZES}),
    Verb("switch_out", "The thread leaves the processor.", {**_FAULTS, **_SIZES}),
    Verb(
        "open_file",
        "A file or directory was opened.",
        {
            **{"fd": "num", "name": "str", "dirfd": "num", "flags": "num", "dev": "num"},
            **{"ino": "num", "layer": "num"},
        },
        ("enter", "relative_to_descriptor"),
    ),
    Verb(
        "close",
        "A descriptor was closed; it leaves before the next event.",
        {"res": "num", "fd": "num"},
    ),
    Verb(
        "close_range",
        "A run of descriptors was closed or marked.",
        {"res": "num", "first": "num", "last": "num", "flags": "num"},
    ),
    Verb(
        "duplicate",
        "A descriptor has a second number.",
        {"res": "num", "old": "num", "flags": "num"},
    ),
    Verb(
        "control_descriptor",
        "fcntl: a descriptor has a second number or is marked.",
        {"res": "num", "fd": "num", "command": "num", "number": "num"},
    ),
    Verb(
        "make_descriptor",
        "A descriptor of the kind that the transition names.",
        {"fd": "num", "flags": "num", "name": "str", "ino": "num"},
        ("kind", "cloexec_bits"),
    ),
    Verb(
        "make_pipe",
        "Both ends of a pipe.",
        {"res": "num", "first": "num", "second": "num", "ino": "num", "flags": "num"},
    ),
    Verb("make_pidfd", "A handle on a process.", {"fd": "num", "pid": "num", "flags": "num"}),
    Verb(
        "take_descriptor",
        "A copy of another process's descriptor.",
        {"fd": "num", "pidfd": "num", "target": "num"},
    ),
    Verb(
        "make_socket",
        "A socket without name or role.",
        {"fd": "num", "domain": "num", "kind": "num", "proto": "num", "flags": "num"},
    ),
    Verb(
        "make_socket_pair",
        "Two unix sockets that are each other's peer.",
        {
            **{"res": "num", "first": "num", "second": "num", "source": "num", "peer": "num"},
            "kind": "num",
        },
    ),
    Verb("bind", "A socket has an address.", {"res": "num", "addr": "raw", "fd": "num"}),
    Verb(
        "connect",
        "A socket has a peer, or asks for one.",
        {"res": "num", "tuple": "raw", "fd": "num", "addr": "raw"},
    ),
    Verb("accept", "A connection was taken.", {"fd": "num", "tuple": "raw", "flags": "num"}),
    Verb(
        "transfer",
        "Data passed through a descriptor; the event may tell the ends of the socket.",
        {"res": "num", "fd": "num", "tuple": "raw"},
        ("is_send",),
    ),
    Verb(
        "add_user",
        "A user became known.",
        {
            **{"uid": "num", "gid": "num", "name": "str", "home": "str", "shell": "str"},
            "container": "str",
        },
    ),
    Verb(
        "remove_user",
        "A user is gone.",
        {
            **{"uid": "num", "gid": "num", "name": "str", "home": "str", "shell": "str"},
            "container": "str",
        },
    ),
    Verb("add_group", "A group became known.", {"gid": "num", "name": "str", "container": "str"}),
    Verb("remove_group", "A group is gone.", {"gid": "num", "name": "str", "container": "str"}),
    Verb(
        "describe_container",
        "A container became known.",
        {"name": "str", "json": "str", "data": "raw"},
    ),
)

VERB_NAMED = {verb.name: verb for verb in VERBS}
"""Verbs by name."""
