"""Where each parameter of each event comes from: what the kernel program is generated from.

In:  nothing. Out: `ROWS` (event code to parameter sources), `KINDS`. Next: `probe/generate.py`.
One row an event, one `Source` a parameter, in the parameter layout of event schema 4.1.0.
The operands are expressions of the kernel program: `RET` is the result of the call, `A0` to `A5`
its arguments, `TASK` the task the event is about. `docs/howto-add-a-syscall.md` shows the way.
Source: man pages of section 2, event table of the scap format.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """One writer call of the kernel program."""

    writer: str
    """Name of the C function `put_*` that writes it."""
    operands: tuple[str, ...]
    """Its operands behind scratch memory, position and parameter number."""
    params: int = 1
    """How many parameters it writes."""
    width: int | None = None
    """Bytes it always writes; None when the length varies."""


RET = "RET"
A0, A1, A2, A3, A4, A5 = (f"A{n}" for n in range(6))
OK = "(RET >= 0)"


def u8(value: str) -> Source:
    """One byte."""
    return Source("put_8", (value,), width=1)


def u16(value: str) -> Source:
    """Two bytes."""
    return Source("put_16", (value,), width=2)


def u32(value: str) -> Source:
    """Four bytes."""
    return Source("put_32", (value,), width=4)


def u64(value: str) -> Source:
    """Eight bytes."""
    return Source("put_64", (value,), width=8)


def i64(value: str) -> Source:
    """A signed 32-bit argument, such as a descriptor or a process number, in eight bytes."""
    return u64(f"(s64)(s32){value}")


def path(pointer: str) -> Source:
    """A string of the caller."""
    return Source("put_user_string", (pointer,))


def data(pointer: str, length: str, snap: str) -> Source:
    """Bytes of the caller: at most `length` and at most the snaplen `snap`."""
    return Source("put_user_bytes", (pointer, length, snap))


def vector(pointer: str, count: str, length: str, snap: str) -> Source:
    """Bytes of a `struct iovec` array."""
    return Source("put_vector_bytes", (pointer, count, length, snap))


def as_flags(table: str, value: str) -> str:
    """An expression: a native value in the format's values."""
    return f"translate_{table}({value})"


def open_flags(value: str, opened: str) -> Source:
    """Open flags, with what only the opened file knows."""
    return u32(f"({as_flags('open', value)} | fd_open_extra({opened}))")


def tuple_of(fd: str, when: str, *, inbound: bool, address: str = "0", size: str = "0") -> Source:
    """Both ends of a socket; `address` names the other end where the socket has none."""
    return Source("put_tuple", (when, fd, "INBOUND" if inbound else "OUTBOUND", address, size))


def user32(pointer: str, when: str = OK) -> str:
    """An expression: 32 bits of the caller, 0 when the call failed."""
    return f"({when} ? uread32({pointer}) : 0)"


def user64(pointer: str, when: str = OK) -> str:
    """An expression: 64 bits of the caller, 0 when the call failed or there is no pointer."""
    return f"({when} && {pointer} ? uread64({pointer}) : 0)"


RES = u64(RET)
EMPTY = Source("put_empty", ())
SENT = "(RET > 0 ? (s64)RET : (s64)(u32)A2)"
FD_SNAP = "snaplen_of(A0)"
NET_SNAP = "snaplen(SNAP_NET)"
OTHER_SNAP = "snaplen(SNAP_OTHER)"
MEMORY = (
    u32("mm_size_kb(mm_now(TASK))"),
    u32("mm_rss_kb(mm_now(TASK))"),
    u32("mm_swap_kb(mm_now(TASK))"),
)


def task_head(exe_args: Source, cwd: Source = EMPTY) -> tuple[Source, ...]:
    """Parameters 1 to 14 of the events that make or replace a process."""
    return (
        exe_args,
        i64("kread32(TASK, O_TASK_PID)"),
        i64("kread32(TASK, O_TASK_TGID)"),
        i64("kread32(kread64(TASK, O_TASK_REAL_PARENT), O_TASK_PID)"),
        cwd,
        u64("task_fdlimit(TASK)"),
        u64("kread64(TASK, O_TASK_MAJ_FLT)"),
        u64("kread64(TASK, O_TASK_MIN_FLT)"),
        *MEMORY,
        Source("put_comm", ("TASK",)),
        Source("put_cgroups", ("TASK",)),
    )


EXE_ARGS = Source("put_exe_args", ("TASK",), params=2)


def clone_row(result: Source, flags: str, pidns_start: str) -> tuple[Source, ...]:
    """The event of either side of a task's creation."""
    return (
        result,
        *task_head(EXE_ARGS),
        u32(flags),
        u32("kread32(task_cred(TASK), O_CRED_EUID)"),
        u32("kread32(task_cred(TASK), O_CRED_EGID)"),
        u64("task_vtid(TASK)"),
        u64("task_vpid(TASK)"),
        u64(pidns_start),
    )


CLONE_CALLER = clone_row(
    RES,
    f"{as_flags('clone_flags', 'clone_call_flags(s->nr, A0)')} | child_in_namespace(TASK)",
    "0",
)


def exec_row(exe_args: Source, env: Source, *tail: Source) -> tuple[Source, ...]:
    """The event of a process that runs, or fails to run, another program."""
    return (
        RES,
        *task_head(exe_args, Source("put_directory", ("TASK",))),
        env,
        u32("task_tty(TASK)"),
        u64("task_vpgid(TASK)"),
        u32("task_loginuid(TASK)"),
        u32("exe_flags(TASK)"),
        *(u64(f"cap_known(kread64(task_cred(TASK), O_CRED_CAP_{kind}))") for kind in CAPABILITIES),
        u64("kread64(file_inode(exe_file(TASK)), O_INODE_INO)"),
        u64("inode_ctime_ns(file_inode(exe_file(TASK)))"),
        u64("inode_mtime_ns(file_inode(exe_file(TASK)))"),
        u32("kread32(task_cred(TASK), O_CRED_EUID)"),
        Source("put_file_path", ("exe_file(TASK)",)),
        u64("task_pgid(TASK)"),
        u32("kread32(task_cred(TASK), O_CRED_EGID)"),
        *tail,
    )


CAPABILITIES = ("INHERITABLE", "PERMITTED", "EFFECTIVE")


def argv_at(pointer: str) -> Source:
    """The argument strings of a call that failed."""
    return Source("put_argv", (pointer,), params=2)


def limits(pointer: str, when: str) -> tuple[Source, Source]:
    """The two halves of a `struct rlimit`."""
    return u64(user64(pointer, when)), u64(user64(f"({pointer} + 8)", f"{when} && {pointer}"))


def sem_operation(n: int) -> tuple[Source, Source, Source]:
    """One `struct sembuf` of semop; zeros beyond the last."""
    at, when = f"A1 + {6 * n}", f"(A2 > {n})"
    return (
        u16(user32(at, when)),
        u16(user32(f"{at} + 2", when)),
        u16(as_flags("semop_flags", f"(u16){user32(f'{at} + 4', when)}")),
    )


def ids(*values: str) -> tuple[Source, ...]:
    """User or group numbers."""
    return tuple(u32(value) for value in values)


def mapped(*tail: Source) -> tuple[Source, ...]:
    """Result, memory figures, and what the call was given."""
    return (RES, *MEMORY, *tail)


PIPE_FD = "({when} ? (s64)(s32)uread32({at}) : -1)"


def pair(pointer: str) -> tuple[Source, Source]:
    """Two descriptors that the call returned through a pointer; -1 when it failed."""
    return (
        u64(PIPE_FD.format(when=OK, at=pointer)),
        u64(PIPE_FD.format(when=OK, at=f"{pointer} + 4")),
    )


PIPE = (RES, *pair(A0), u64(f"({OK} ? fd_inode_number(uread32(A0)) : 0)"))
PAIR_SOCK = "sock_of(uread32(A3))"
ACCEPTED = (
    i64(RET),
    tuple_of(RET, OK, inbound=True),
    u8("queue_percent(A0)"),
    u32("queue_length(A0)"),
    u32("queue_max(A0)"),
)
CONNECTED = "(RET == 0 || RET == -115)"

ROWS: dict[int, tuple[Source, ...]] = {
    # ---- any call without an event of its own
    1: (u16("s->ppm_sc"), u16("s->nr")),
    # ---- files
    3: (
        i64(RET),
        path(A0),
        open_flags(A1, RET),
        u32("open_mode(A1, A2)"),
        u32("fd_device(RET)"),
        u64("fd_inode_number(RET)"),
    ),
    5: (RES, i64(A0)),
    7: (RES, data(A1, RET, FD_SNAP), i64(A0), u32(A2)),
    9: (RES, data(A1, SENT, FD_SNAP), i64(A0), u32(A2)),
    59: (
        i64(RET),
        path(A0),
        u32("(A1 & 07777)"),
        u32("fd_device(RET)"),
        u64("fd_inode_number(RET)"),
        u16("fd_layer(RET)"),
    ),
    67: (RES, path(A0)),
    69: (RES, path(A0)),
    71: (RES, i64(A0)),
    87: (RES, i64(A0), u64(A1), u8(A2)),
    93: (RES, path(f"({OK} ? A0 : 0)")),
    95: (RES, path(A0)),
    97: (RES, i64(A0)),
    113: (RES, data(A1, RET, FD_SNAP), i64(A0), u32(A2), u64(A3)),
    115: (RES, data(A1, SENT, FD_SNAP), i64(A0), u32(A2), u64(A3)),
    117: (RES, u32("(RET > 0 ? RET : 0)"), vector(A1, A2, RET, FD_SNAP), i64(A0)),
    119: (
        RES,
        vector(A1, A2, "(RET > 0 ? (s64)RET : DATA_MAX)", FD_SNAP),
        i64(A0),
        u32("vector_total(s, A1, A2)"),
    ),
    121: (RES, u32("(RET > 0 ? RET : 0)"), vector(A1, A2, RET, FD_SNAP), i64(A0), u64(A3)),
    123: (
        RES,
        vector(A1, A2, "(RET > 0 ? (s64)RET : DATA_MAX)", FD_SNAP),
        i64(A0),
        u32("vector_total(s, A1, A2)"),
        u64(A3),
    ),
    151: (u64(RET), i64(A0), u8(as_flags("fcntl_command", A1))),
    171: (RES, i64(A0), u64("(u32)A1"), u64(A2)),
    175: (RES, path(A0), path(A1)),
    177: (RES, i64(A0), path(A1), i64(A2), path(A3)),
    179: (RES, path(A0), path(A1)),
    181: (RES, path(A0), i64(A1), path(A2)),
    237: (RES, i64(A0)),
    239: (RES, i64(A0)),
    243: (RES, i64(A0), u32(A1)),
    257: (
        RES,
        path(A0),
        path(A1),
        path(A2),
        u32("((A3 & 0xffff0000) == 0xc0ed0000 ? A3 & 0xffff : A3)"),
    ),
    265: (RES, path(A0), u32(A1)),
    267: (RES, path(A0)),
    277: (RES, path(A0), u32(A1)),
    279: (RES, path(A0)),
    301: (RES, path(A0)),
    303: (RES, i64(A0), path(A1), u32(as_flags("unlinkat_flags", A2))),
    305: (RES, i64(A0), path(A1), u32(A2)),
    307: (
        i64(RET),
        i64(A0),
        path(A1),
        open_flags(A2, RET),
        u32("open_mode(A2, A3)"),
        u32("fd_device(RET)"),
        u64("fd_inode_number(RET)"),
    ),
    309: (RES, path(A0), path(A1)),
    311: (RES, i64(A0), path(A1), i64(A2), path(A3), u32(as_flags("linkat_flags", A4))),
    313: (RES, i64(A0), path(A1), u32("(A2 & 07777)")),
    315: (RES, path(A0), u32("(A1 & 07777)")),
    317: (RES, i64(A0), u32("(A1 & 07777)")),
    319: (RES, i64(A0), path(A1), i64(A2), path(A3), u32(A4)),
    327: (
        i64(RET),
        i64(A0),
        path(A1),
        open_flags("uread64(A2)", RET),
        u32("open_mode(uread64(A2), uread64(A2 + 8))"),
        u32(as_flags("resolve_flags", "uread64(A2 + 16)")),
        u32("fd_device(RET)"),
        u64("fd_inode_number(RET)"),
    ),
    337: (
        i64(RET),
        i64(A0),
        open_flags(A2, RET),
        Source("put_file_path", ("file_of(task_now(), RET)",)),
        u32("fd_device(RET)"),
        u64("fd_inode_number(RET)"),
    ),
    363: (RES, i64(A0), i64(A1)),
    365: (RES, i64(A0), i64(A1), u32(as_flags("descriptor_flags", A2))),
    367: (RES, i64(A0)),
    379: (RES, path(A0), u32(A1), u32(A2)),
    381: (RES, path(A0), u32(A1), u32(A2)),
    383: (RES, i64(A0), u32(A1), u32(A2)),
    385: (RES, i64(A0), path(A1), u32(A2), u32(A3), u32(as_flags("fchownat_flags", A4))),
    387: (RES, path(A0)),
    391: (RES, path(A0), u32(A1)),
    415: (RES, path(A0), u32(A1), u32(A2)),
    417: (RES, i64(A0), path(A1), u32(A2), u32(A3)),
    419: (RES, i64(A0), path(A1), u32(as_flags("newfstatat_flags", A3))),
    # ---- copies between descriptors
    167: (RES, i64(A0), i64(A2), u64(A4), u32(A5)),
    # DIFFERENCE(libs 0.25-dev): an offset behind a pointer is its value after the call, there it is
    # the pointer for copy_file_range.
    189: (RES, u64(user64(A2, "1")), i64(A0), i64(A1), u64(A3)),
    333: (RES, i64(A2), u64(user64(A3, "1")), i64(A0), u64(user64(A1, "1")), u64(A4)),
    # ---- descriptors of other kinds
    61: PIPE,
    393: (*PIPE, u32(as_flags("descriptor_flags", A1))),
    63: (u64(RET), u64("(u32)A0"), u32("0")),
    397: (u64(RET), u16(as_flags("descriptor_flags", A1)), u64("(u32)A0")),
    # DIFFERENCE(libs 0.25-dev): the real signal mask, not 0.
    127: (u64(RET), i64(A0), u32(user32(A1, "1")), u8("0")),
    399: (u64(RET), u16(as_flags("descriptor_flags", A3)), i64(A0), u32(user32(A1, "1"))),
    # DIFFERENCE(libs 0.25-dev): the flags that fit, not 0.
    137: (u64(RET), u8(A0), u8(as_flags("descriptor_flags", A1))),
    139: (u64(RET), u8("0")),
    395: (u64(RET), u16(as_flags("descriptor_flags", A0))),
    321: (RES, u32(as_flags("descriptor_flags", A0))),
    369: (u64(RET), u32(A0)),
    375: (RES, u32(A0)),
    377: (RES, u32(as_flags("epoll_create1_flags", A0))),
    405: (u64(RET), path(A0), u32("(A1 & 7)")),
    407: (u64(RET), i64(A0), i64(A1), u32(A2)),
    409: (u64(RET), i64(A0), u32(as_flags("pidfd_open_flags", A1))),
    # ---- waiting
    65: (RES, u64(A0), u16("(A1 & 0x1ff)"), u64("(u32)A2")),
    79: (RES, i64(A2)),
    81: (RES, Source("put_poll_fds", (A0, A1)), i64(A2)),
    83: (RES,),
    135: (RES, u64("timespec_ns(s, A0)")),
    255: (
        RES,
        Source("put_poll_fds", (A0, A1)),
        u64("(A2 ? timespec_ns(s, A2) : -1ULL)"),
        u32("(A3 ? uread32(A3) : 0)"),
    ),
    # ---- sockets
    19: (u64(RET), u32(A0), u32(A1), u32(A2)),
    21: (RES, Source("put_user_sockaddr", (A1, A2)), i64(A0)),
    23: (
        RES,
        tuple_of(A0, CONNECTED, inbound=False, address=A1, size=A2),
        i64(A0),
        Source("put_user_sockaddr", (A1, A2)),
    ),
    25: (RES, i64(A0), u32(A1)),
    31: (
        RES,
        data(A1, SENT, NET_SNAP),
        i64(A0),
        u32(A2),
        tuple_of(A0, "1", inbound=False, address=A4, size=A5),
    ),
    35: (
        RES,
        data(A1, RET, NET_SNAP),
        tuple_of(A0, OK, inbound=True, address=A4, size="(A5 ? uread32(A5) : 0)"),
        i64(A0),
        u32(A2),
    ),
    37: (RES, i64(A0), u8(A1)),
    39: (),
    41: (),
    43: (
        RES,
        *pair(A3),
        u64(f"({OK} ? {PAIR_SOCK} : 0)"),
        u64(f"({OK} ? kread64({PAIR_SOCK}, O_UNIX_PEER) : 0)"),
        u32(A0),
        u32(A1),
        u32(A2),
    ),
    45: (
        RES,
        i64(A0),
        u8(as_flags("sockopt_level", A1)),
        u8(f"((u32)A1 == LEVEL_SOCKET ? {as_flags('sockopt_name', A2)} : 0)"),
        Source("put_option_value", ("1", A1, A2, A3, A4)),
        u32(A4),
    ),
    47: (
        RES,
        i64(A0),
        u8(as_flags("sockopt_level", A1)),
        u8(f"((u32)A1 == LEVEL_SOCKET ? {as_flags('sockopt_name', A2)} : 0)"),
        Source("put_option_value", (OK, A1, A2, A3, user32(A4))),
        u32(user32(A4)),
    ),
    49: (
        RES,
        Source("put_message_bytes", (A1, "(RET > 0 ? (s64)RET : DATA_MAX)", NET_SNAP)),
        i64(A0),
        u32("message_total(s, A1)"),
        Source("put_message_tuple", ("1", A0, "OUTBOUND", A1)),
    ),
    53: (
        RES,
        u32("(RET > 0 ? RET : 0)"),
        Source("put_message_bytes", (A1, RET, NET_SNAP)),
        Source("put_message_tuple", (OK, A0, "INBOUND", A1)),
        Source("put_message_control", (OK, A1, NET_SNAP)),
        i64(A0),
    ),
    247: ACCEPTED,
    389: (*ACCEPTED, u32(as_flags("descriptor_flags", A3))),
    # ---- memory
    159: (u64(RET), *MEMORY, u64(A0)),
    161: mapped(
        u64(A0),
        u64(A1),
        u32(as_flags("mmap_prot", A2)),
        u32(as_flags("mmap_flags", A3)),
        i64(A4),
        u64(A5),
    ),
    165: mapped(u64(A0), u64(A1)),
    329: (RES, u64(A0), u64(A1), u32(as_flags("mmap_prot", A2))),
    345: (RES, u64(A0), u64(A1)),
    347: (RES, u64(A0), u64(A1)),
    349: (RES, u32(A0)),
    351: (RES,),
    371: (RES, u64(A0), u64(A1), u32(A2)),
    421: (RES, i64(A0), vector(A1, A2, RET, OTHER_SNAP)),
    423: (RES, i64(A0), vector(A1, A2, RET, OTHER_SNAP)),
    # ---- processes
    223: CLONE_CALLER,
    225: CLONE_CALLER,
    227: CLONE_CALLER,
    335: CLONE_CALLER,
    129: (RES, i64(A0), u8(A1)),
    131: (RES, i64(A0), u8(A1)),
    133: (RES, i64(A0), i64(A1), u8(A2)),
    141: (RES, *limits(A1, OK), u8(as_flags("rlimit_resource", A0))),
    143: (RES, *limits(A1, "1"), u8(as_flags("rlimit_resource", A0))),
    145: (RES, *limits(A2, "1"), *limits(A3, OK), i64(A0), u8(as_flags("rlimit_resource", A1))),
    169: (
        RES,
        Source("put_ptrace_address", (A2,)),
        Source("put_ptrace_data", (A0, A3)),
        u16(as_flags("ptrace_request", A0)),
        i64(A1),
    ),
    241: (RES, i64(A0), u32(as_flags("clone_flags", A1))),
    275: (RES,),
    285: (RES, u32(as_flags("clone_flags", A0))),
    295: (RES, i64(A0), i64(A1)),
    299: (RES, u64("(u32)A0"), u64("(u32)A1")),
    353: (
        RES,
        *(u64(f"cap_known(kread64(task_cred(TASK), O_CRED_CAP_{kind}))") for kind in CAPABILITIES),
    ),
    401: (RES, u32(A0), Source("put_prctl_string", (A0, A1)), u64("prctl_number(A0, A1)")),
    # ---- users and groups
    193: (RES, *ids(A0, A1, A2)),
    195: (RES, *ids(A0, A1, A2)),
    199: (RES, *ids(A0)),
    201: (RES, *ids(A0)),
    203: ids(RET),
    205: ids(RET),
    207: ids(RET),
    209: ids(RET),
    211: (RES, *ids(user32(A0), user32(A1), user32(A2))),
    213: (RES, *ids(user32(A0), user32(A1), user32(A2))),
    427: (RES, *ids(A0, A1)),
    429: (RES, *ids(A0, A1)),
    # ---- System V semaphores
    251: (RES, u32(A2), *sem_operation(0), *sem_operation(1), u32(A0)),
    253: (
        RES,
        u32(A0),
        u32(A1),
        u16(as_flags("semctl_command", A2)),
        u32("((A2 & 0xff) == 16 ? A3 : 0)"),
    ),
    263: (RES, u32(A0), u32(A1), u32(as_flags("semget_flags", A2))),
    # ---- the system
    191: (
        RES,
        Source("put_quota", (), params=13),
        *(
            u16(as_flags("quotactl_command", "((u32)A0 >> 8)")),
            u8(as_flags("quotactl_type", A0)),
            u32(A2),
            u8("((u32)A0 >> 8 == 0x800002 ? translate_quota_format(A2) : 1)"),
        ),
    ),
    339: (
        RES,
        u32(A0),
        u32("uread32(A1)"),
        u32("uread32(A1 + 4)"),
        u32(as_flags("io_uring_setup_flags", "uread32(A1 + 8)")),
        u32("uread32(A1 + 12)"),
        u32("uread32(A1 + 16)"),
        u32(as_flags("io_uring_features", "uread32(A1 + 20)")),
    ),
    341: (
        RES,
        i64(A0),
        u32(A1),
        u32(A2),
        u32(as_flags("io_uring_enter_flags", A3)),
        u32("(A4 && !(A3 & 8) ? uread32(A4) : 0)"),
    ),
    343: (RES, i64(A0), u16(A1), u64(A2), u32(A3)),
    373: (
        RES,
        i64(A0),
        u32(A1),
        path(A2),
        data("((u32)A1 == 2 ? A3 : 0)", "((u32)A1 == 2 ? (s64)(s32)A4 : 0)", OTHER_SNAP),
        path("((u32)A1 == 1 || (u32)A1 == 3 || (u32)A1 == 4 ? A3 : 0)"),
        u32(A4),
    ),
    411: (RES, data(A0, A1, OTHER_SNAP), u64(A1), path(A2)),
    413: (RES, i64(A0), path(A1), u32(A2)),
    425: (RES, path(A0), u32(as_flags("delete_module_flags", A1))),
    # ---- programs: these rows are calls that failed, success comes from a tracepoint
    293: exec_row(argv_at(A1), Source("put_envp", (A2,)), path(A0)),
    331: exec_row(argv_at(A2), Source("put_envp", (A3,))),
}
"""Parameter sources by exit event code. A call whose event has no row is written as event 1."""


class Each(NamedTuple):
    """A call that is written as one event a message."""

    base: str
    """The array of the caller."""
    size: int
    """Bytes of one `struct mmsghdr`."""
    most: int
    """Events written at most."""


MESSAGE = "MESSAGE"
MESSAGE_LENGTH = "MESSAGE_LENGTH"

ROWS |= {
    51: (
        u64(MESSAGE_LENGTH),
        i64(A0),
        u32(f"({OK} ? {MESSAGE_LENGTH} : 0)"),
        Source("put_message_bytes", (MESSAGE, f"({OK} ? (s64){MESSAGE_LENGTH} : 0)", NET_SNAP)),
        Source("put_message_tuple", ("1", A0, "OUTBOUND", MESSAGE)),
    ),
    55: (
        u64(MESSAGE_LENGTH),
        i64(A0),
        u32(f"({OK} ? {MESSAGE_LENGTH} : 0)"),
        Source("put_message_bytes", (MESSAGE, f"({OK} ? (s64){MESSAGE_LENGTH} : 0)", NET_SNAP)),
        Source("put_message_tuple", (OK, A0, "INBOUND", MESSAGE)),
        Source("put_message_control", (OK, MESSAGE, NET_SNAP)),
    ),
}

EACH: dict[int, Each] = {51: Each(A1, 64, 30), 55: Each(A1, 64, 30)}
"""Events that are written once a message."""

CHILD = clone_row(
    u64("0"),
    as_flags("clone_flags", "flags"),
    "task_pidns_start(TASK)",
)
"""The new task's side of clone, fork, vfork and clone3, from sched_process_fork."""

EXECUTED = exec_row(
    EXE_ARGS,
    Source("put_env", ("TASK",)),
    Source("put_kernel_string", ("kread64(BPRM, O_BPRM_FILENAME)",)),
)
"""A program that was started, from sched_process_exec."""

EXITED = (
    u64("exit_status(TASK)"),
    u64("(exit_status(TASK) >> 8 & 0xff)"),
    u8("(exit_status(TASK) & 0x7f)"),
    u8("(exit_status(TASK) >> 7 & 1)"),
    u64("reaper_tid(TASK)"),
)
"""The end of a thread, from sched_process_exit."""

SWITCHED = (
    i64("kread32(NEXT, O_TASK_PID)"),
    u64("kread64(TASK, O_TASK_MAJ_FLT)"),
    u64("kread64(TASK, O_TASK_MIN_FLT)"),
    *MEMORY,
)
"""Another task gets the processor, from sched_switch."""

SIGNALED = (
    u64("signal_sender(INFO)"),
    u64("tid_now()"),
    u8("SIGNAL"),
)
"""A signal reaches a task, from signal_deliver."""

FAULTED = (
    u64("ADDRESS"),
    u64("kread64(REGS, O_REGS_IP)"),
    u32("fault_error(ERROR)"),
)
"""A page fault, from page_fault_user and page_fault_kernel."""
