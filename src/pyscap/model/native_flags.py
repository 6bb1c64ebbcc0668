"""How native flag values become the format's: one declared table a kind of flag.

In:  nothing. Out: `BITS` (bit by bit), `VALUES` (value by value). Next: `probe/generate.py` makes a
C function for each; the values are those of `model/symbols/tables.py`.
Source: uapi headers of Linux (asm-generic unless said), flag tables of the scap format.
"""

from __future__ import annotations

from typing import NamedTuple


class Bits(NamedTuple):
    """Flags that are independent bits."""

    rows: tuple[tuple[int, int], ...]
    """(native bits, the format's bit); a row counts when all its native bits are set."""
    keep: int = 0
    """Native bits that mean the same in the format and are copied."""


class Values(NamedTuple):
    """An enumeration."""

    rows: tuple[tuple[int, int], ...]
    """(native value, the format's value)."""
    default: int | None = None
    """The format's value for any other; None: the native value as it is."""
    mask: int = 0xFFFFFFFF
    """Native bits that are looked at."""


_DESCRIPTOR = ((0o4000, 64), (0o2000000, 4096))  # O_NONBLOCK, O_CLOEXEC

_OPEN_COMMON = (
    (0o100, 4),  # O_CREAT
    (0o2000, 8),  # O_APPEND
    (0o10000, 16),  # O_DSYNC
    (0o200, 32),  # O_EXCL
    (0o4010000, 128),  # O_SYNC
    (0o1000, 256),  # O_TRUNC
    (0o20000000, 8192),  # the bit of O_TMPFILE
    *_DESCRIPTOR,
)

OPEN_FLAGS_BY_ARCH: dict[str, Bits] = {
    "x86_64": Bits((*_OPEN_COMMON, (0o40000, 512), (0o200000, 1024), (0o100000, 2048))),
    "aarch64": Bits((*_OPEN_COMMON, (0o200000, 512), (0o40000, 1024), (0o400000, 2048))),
}
"""O_DIRECT, O_DIRECTORY and O_LARGEFILE differ between architectures."""

BITS: dict[str, Bits] = {
    "descriptor_flags": Bits((*_DESCRIPTOR, (0o40000, 512))),
    "clone_flags": Bits(
        (
            (0x400, 1),  # CLONE_FILES
            (0x200, 2),  # CLONE_FS
            (0x80000000, 4),  # CLONE_IO
            (0x08000000, 8),  # CLONE_NEWIPC
            (0x40000000, 16),  # CLONE_NEWNET
            (0x20000, 32),  # CLONE_NEWNS
            (0x20000000, 64),  # CLONE_NEWPID
            (0x04000000, 128),  # CLONE_NEWUTS
            (0x8000, 256),  # CLONE_PARENT
            (0x100000, 512),  # CLONE_PARENT_SETTID
            (0x2000, 1024),  # CLONE_PTRACE
            (0x800, 2048),  # CLONE_SIGHAND
            (0x40000, 4096),  # CLONE_SYSVSEM
            (0x10000, 8192),  # CLONE_THREAD
            (0x800000, 16384),  # CLONE_UNTRACED
            (0x100, 32768),  # CLONE_VM
            (0x10000000, 1 << 20),  # CLONE_NEWUSER
            (0x200000, 1 << 23),  # CLONE_CHILD_CLEARTID
            (0x1000000, 1 << 24),  # CLONE_CHILD_SETTID
            (0x80000, 1 << 25),  # CLONE_SETTLS
            (0x4000, 1 << 27),  # CLONE_VFORK
            (0x02000000, 1 << 28),  # CLONE_NEWCGROUP
        )
    ),
    "mmap_prot": Bits(((0x01000000, 16), (0x02000000, 32)), keep=0xF),
    "mmap_flags": Bits(
        (
            (0x10, 4),  # MAP_FIXED
            (0x20, 8),  # MAP_ANONYMOUS
            (0x40, 16),  # MAP_32BIT
            (0x4000, 64),  # MAP_NORESERVE
            (0x8000, 128),  # MAP_POPULATE
            (0x10000, 256),  # MAP_NONBLOCK
            (0x100, 512),  # MAP_GROWSDOWN
            (0x800, 1024),  # MAP_DENYWRITE
            (0x1000, 2048),  # MAP_EXECUTABLE
            (0x2000, 16384),  # MAP_LOCKED
        ),
        keep=3,  # MAP_SHARED, MAP_PRIVATE
    ),
    "poll_events": Bits(
        (
            (0x2000, 8),  # POLLRDHUP
            (0x08, 16),  # POLLERR
            (0x10, 32),  # POLLHUP
            (0x20, 64),  # POLLNVAL
            (0x40, 128),  # POLLRDNORM
            (0x80, 256),  # POLLRDBAND
            (0x100, 512),  # POLLWRNORM
            (0x200, 1024),  # POLLWRBAND
        ),
        keep=7,  # POLLIN, POLLPRI, POLLOUT
    ),
    "semop_flags": Bits(((0o4000, 1), (0x1000, 2))),
    "semget_flags": Bits(((0o1000, 8192), (0o2000, 16384)), keep=0o777),
    "fchownat_flags": Bits(((0x100, 1024),), keep=0x1000),
    "newfstatat_flags": Bits((), keep=0x1900),
    "linkat_flags": Bits((), keep=0x1400),
    "unlinkat_flags": Bits((), keep=0x200),
    "resolve_flags": Bits(((1, 16), (2, 4), (4, 8), (8, 1), (16, 2)), keep=32),
    "io_uring_setup_flags": Bits(((4, 8), (8, 16), (16, 32), (32, 64), (64, 128)), keep=3),
    "io_uring_features": Bits((), keep=0x7FF),
    "io_uring_enter_flags": Bits((), keep=0xF),
    "epoll_create1_flags": Bits(((0o2000000, 1),)),
    "pidfd_open_flags": Bits(((0o4000, 1),)),
    "delete_module_flags": Bits(((0o4000, 2), (0o1000, 1))),
    "page_fault_error": Bits(((1, 1), (2, 4), (4, 16), (8, 64), (16, 128))),
}

VALUES: dict[str, Values] = {
    "open_access": Values(((0, 1), (1, 2), (2, 3)), default=0, mask=3),
    "fcntl_command": Values(
        (
            (0, 1),  # F_DUPFD
            (1, 2),  # F_GETFD
            (2, 3),  # F_SETFD
            (3, 4),  # F_GETFL
            (4, 5),  # F_SETFL
            (5, 6),  # F_GETLK
            (6, 8),  # F_SETLK
            (7, 9),  # F_SETLKW
            (8, 10),  # F_SETOWN
            (9, 12),  # F_GETOWN
            (10, 13),  # F_SETSIG
            (11, 15),  # F_GETSIG
            (12, 17),  # F_GETLK64
            (13, 18),  # F_SETLK64
            (14, 19),  # F_SETLKW64
            (15, 21),  # F_SETOWN_EX
            (16, 22),  # F_GETOWN_EX
            (36, 30),  # F_OFD_GETLK
            (37, 31),  # F_OFD_SETLK
            (38, 32),  # F_OFD_SETLKW
            (1024, 23),  # F_SETLEASE
            (1025, 24),  # F_GETLEASE
            (1026, 27),  # F_NOTIFY
            (1029, 25),  # F_CANCELLK
            (1030, 26),  # F_DUPFD_CLOEXEC
            (1031, 28),  # F_SETPIPE_SZ
            (1032, 29),  # F_GETPIPE_SZ
        ),
        default=0,
    ),
    "sockopt_level": Values(((1, 1), (6, 2)), default=0),
    "sockopt_name": Values(((57, 53), (55, 52), (59, 51), (51, 0), (52, 0), (53, 0), (56, 0))),
    "rlimit_resource": Values(tuple((n, n) for n in range(16)), default=255),
    "semctl_command": Values(
        (
            (2, 1),  # IPC_STAT
            (1, 2),  # IPC_SET
            (0, 4),  # IPC_RMID
            (3, 8),  # IPC_INFO
            (19, 16),  # SEM_INFO
            (18, 32),  # SEM_STAT
            (13, 64),  # GETALL
            (14, 128),  # GETNCNT
            (11, 256),  # GETPID
            (12, 512),  # GETVAL
            (15, 1024),  # GETZCNT
            (17, 2048),  # SETALL
            (16, 4096),  # SETVAL
        ),
        default=0,
        mask=0xFF,
    ),
    "quotactl_command": Values(
        (
            (0x800001, 128),  # Q_SYNC
            (0x800002, 1),  # Q_QUOTAON
            (0x800003, 2),  # Q_QUOTAOFF
            (0x800004, 4),  # Q_GETFMT
            (0x800005, 8),  # Q_GETINFO
            (0x800006, 16),  # Q_SETINFO
            (0x800007, 32),  # Q_GETQUOTA
            (0x800008, 64),  # Q_SETQUOTA
            (0x5801, 256),  # Q_XQUOTAON
            (0x5802, 512),  # Q_XQUOTAOFF
            (0x5803, 1024),  # Q_XGETQUOTA
            (0x5804, 2048),  # Q_XSETQLIM
            (0x5805, 4096),  # Q_XGETQSTAT
            (0x5806, 8192),  # Q_XQUOTARM
            (0x5807, 16384),  # Q_XQUOTASYNC
        ),
        default=0,
    ),
    "quotactl_type": Values(((0, 1), (1, 2)), default=0, mask=0xFF),
    "quota_format": Values(((1, 2), (2, 4), (4, 8)), default=1),
    "ptrace_request": Values(
        (
            (0, 1),  # PTRACE_TRACEME
            (1, 2),  # PTRACE_PEEKTEXT
            (2, 3),  # PTRACE_PEEKDATA
            (3, 4),  # PTRACE_PEEKUSR
            (4, 5),  # PTRACE_POKETEXT
            (5, 6),  # PTRACE_POKEDATA
            (6, 7),  # PTRACE_POKEUSR
            (7, 8),  # PTRACE_CONT
            (8, 9),  # PTRACE_KILL
            (9, 10),  # PTRACE_SINGLESTEP
            (12, 26),  # PTRACE_GETREGS
            (13, 27),  # PTRACE_SETREGS
            (14, 28),  # PTRACE_GETFPREGS
            (15, 29),  # PTRACE_SETFPREGS
            (16, 11),  # PTRACE_ATTACH
            (17, 12),  # PTRACE_DETACH
            (18, 30),  # PTRACE_GETFPXREGS
            (19, 31),  # PTRACE_SETFPXREGS
            (21, 32),  # PTRACE_OLDSETOPTIONS
            (24, 13),  # PTRACE_SYSCALL
            (25, 33),  # PTRACE_GET_THREAD_AREA
            (26, 34),  # PTRACE_SET_THREAD_AREA
            (30, 35),  # PTRACE_ARCH_PRCTL
            (31, 36),  # PTRACE_SYSEMU
            (32, 37),  # PTRACE_SYSEMU_SINGLESTEP
            (33, 38),  # PTRACE_SINGLEBLOCK
            (0x4200, 14),  # PTRACE_SETOPTIONS
            (0x4201, 15),  # PTRACE_GETEVENTMSG
            (0x4202, 16),  # PTRACE_GETSIGINFO
            (0x4203, 17),  # PTRACE_SETSIGINFO
            (0x4204, 18),  # PTRACE_GETREGSET
            (0x4205, 19),  # PTRACE_SETREGSET
            (0x4206, 20),  # PTRACE_SEIZE
            (0x4207, 21),  # PTRACE_INTERRUPT
            (0x4208, 22),  # PTRACE_LISTEN
            (0x4209, 23),  # PTRACE_PEEKSIGINFO
            (0x420A, 24),  # PTRACE_GETSIGMASK
            (0x420B, 25),  # PTRACE_SETSIGMASK
        ),
        default=0,
    ),
}

SOCKOPT_U32: tuple[int, ...] = (
    *range(1, 4),  # SO_DEBUG, SO_REUSEADDR, SO_TYPE
    *range(5, 13),  # SO_DONTROUTE .. SO_PRIORITY
    14,  # SO_BSDCOMPAT
    15,  # SO_REUSEPORT
    16,  # SO_PASSCRED
    18,  # SO_RCVLOWAT
    19,  # SO_SNDLOWAT
    *range(29, 31),  # SO_TIMESTAMP, SO_ACCEPTCONN
    *range(32, 50),  # SO_SNDBUFFORCE .. SO_INCOMING_CPU
)
"""Options of SOL_SOCKET whose value is one 32-bit number. Source: socket(7)."""
