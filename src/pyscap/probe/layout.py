"""Which kernel fields the program reads, by the names its C code uses.

In:  `Btf`. Out: `-D` flags (`O_*` byte offsets, `SIZE_*`, `CGROUP_*`, ...).
Next: `probe/compiler.py`.
Each name has a list of paths, newest kernel first: fields move and are renamed between releases.
Source: headers of Linux 5.8 to 6.18.
"""

from __future__ import annotations

import platform

from pyscap.probe.btf import Btf
from pyscap.probe.errors import ProbeUnavailable

OFFSETS: dict[str, tuple[str, ...]] = {
    "TASK_PID": ("task_struct.pid",),
    "TASK_TGID": ("task_struct.tgid",),
    "TASK_REAL_PARENT": ("task_struct.real_parent",),
    "TASK_GROUP_LEADER": ("task_struct.group_leader",),
    "TASK_THREAD_PID": ("task_struct.thread_pid",),
    "TASK_THREAD_NODE": ("task_struct.thread_node",),
    "TASK_CHILDREN": ("task_struct.children",),
    "TASK_TASKS": ("task_struct.tasks",),
    "TASK_SIGNAL": ("task_struct.signal",),
    "TASK_MM": ("task_struct.mm",),
    "TASK_CRED": ("task_struct.cred",),
    "TASK_COMM": ("task_struct.comm",),
    "TASK_FILES": ("task_struct.files",),
    "TASK_FS": ("task_struct.fs",),
    "FS_PWD_DENTRY": ("fs_struct.pwd.dentry",),
    "FS_PWD_MNT": ("fs_struct.pwd.mnt",),
    "TASK_FLAGS": ("task_struct.flags",),
    "TASK_CGROUPS": ("task_struct.cgroups",),
    "TASK_NSPROXY": ("task_struct.nsproxy",),
    "TASK_EXIT_CODE": ("task_struct.exit_code",),
    "TASK_MAJ_FLT": ("task_struct.maj_flt",),
    "TASK_MIN_FLT": ("task_struct.min_flt",),
    "TASK_START_TIME": ("task_struct.start_boottime", "task_struct.real_start_time"),
    "PID_LEVEL": ("pid.level",),
    "PID_NUMBERS": ("pid.numbers",),
    "UPID_NR": ("upid.nr",),
    "UPID_NS": ("upid.ns",),
    "PIDNS_CHILD_REAPER": ("pid_namespace.child_reaper",),
    "NSPROXY_PIDNS": ("nsproxy.pid_ns_for_children",),
    "SIGNAL_PIDS": ("signal_struct.pids",),
    "SIGNAL_RLIM": ("signal_struct.rlim",),
    "SIGNAL_TTY": ("signal_struct.tty",),
    "SIGNAL_THREADS": ("signal_struct.thread_head",),
    "TTY_DRIVER": ("tty_struct.driver",),
    "TTY_INDEX": ("tty_struct.index",),
    "TTY_DRIVER_MAJOR": ("tty_driver.major",),
    "TTY_DRIVER_MINOR": ("tty_driver.minor_start",),
    "MM_TOTAL_VM": ("mm_struct.total_vm",),
    "MM_RSS_STAT": ("mm_struct.rss_stat",),
    "MM_ARG_START": ("mm_struct.arg_start",),
    "MM_ARG_END": ("mm_struct.arg_end",),
    "MM_ENV_START": ("mm_struct.env_start",),
    "MM_ENV_END": ("mm_struct.env_end",),
    "MM_EXE_FILE": ("mm_struct.exe_file",),
    "CRED_EUID": ("cred.euid",),
    "CRED_EGID": ("cred.egid",),
    "CRED_FSUID": ("cred.fsuid",),
    "CRED_FSGID": ("cred.fsgid",),
    "CRED_CAP_INHERITABLE": ("cred.cap_inheritable",),
    "CRED_CAP_PERMITTED": ("cred.cap_permitted",),
    "CRED_CAP_EFFECTIVE": ("cred.cap_effective",),
    "CSS_SET_SUBSYS": ("css_set.subsys",),
    "CSS_CGROUP": ("cgroup_subsys_state.cgroup",),
    "CGROUP_KN": ("cgroup.kn",),
    "KERNFS_PARENT": ("kernfs_node.__parent", "kernfs_node.parent"),
    "KERNFS_NAME": ("kernfs_node.name",),
    "FILES_FDT": ("files_struct.fdt",),
    "FDT_FD": ("fdtable.fd",),
    "FDT_MAX": ("fdtable.max_fds",),
    "FILE_DENTRY": ("file.f_path.dentry",),
    "FILE_MNT": ("file.f_path.mnt",),
    "FILE_INODE": ("file.f_inode",),
    "FILE_MODE": ("file.f_mode",),
    "FILE_PRIVATE": ("file.private_data",),
    "DENTRY_PARENT": ("dentry.d_parent",),
    "DENTRY_NAME": ("dentry.d_name.name",),
    "MOUNT_MNT": ("mount.mnt",),
    "MOUNT_PARENT": ("mount.mnt_parent",),
    "MOUNT_MOUNTPOINT": ("mount.mnt_mountpoint",),
    "VFSMOUNT_ROOT": ("vfsmount.mnt_root",),
    "INODE_MODE": ("inode.i_mode",),
    "INODE_UID": ("inode.i_uid",),
    "INODE_GID": ("inode.i_gid",),
    "INODE_FLAGS": ("inode.i_flags",),
    "INODE_INO": ("inode.i_ino",),
    "INODE_SB": ("inode.i_sb",),
    "INODE_CTIME_SEC": ("inode.i_ctime_sec", "inode.__i_ctime.tv_sec", "inode.i_ctime.tv_sec"),
    "INODE_CTIME_NSEC": ("inode.i_ctime_nsec", "inode.__i_ctime.tv_nsec", "inode.i_ctime.tv_nsec"),
    "INODE_MTIME_SEC": ("inode.i_mtime_sec", "inode.__i_mtime.tv_sec", "inode.i_mtime.tv_sec"),
    "INODE_MTIME_NSEC": ("inode.i_mtime_nsec", "inode.__i_mtime.tv_nsec", "inode.i_mtime.tv_nsec"),
    "SB_DEV": ("super_block.s_dev",),
    "SB_FLAGS": ("super_block.s_flags",),
    "SB_MAGIC": ("super_block.s_magic",),
    "SOCKET_SK": ("socket.sk",),
    "SK_FAMILY": ("sock.__sk_common.skc_family",),
    "SK_DADDR": ("sock.__sk_common.skc_daddr",),
    "SK_DPORT": ("sock.__sk_common.skc_dport",),
    "SK_V6_DADDR": ("sock.__sk_common.skc_v6_daddr",),
    "SK_V6_RCV_SADDR": ("sock.__sk_common.skc_v6_rcv_saddr",),
    "SK_ACK_BACKLOG": ("sock.sk_ack_backlog",),
    "SK_MAX_ACK_BACKLOG": ("sock.sk_max_ack_backlog",),
    "INET_SADDR": ("inet_sock.inet_saddr",),
    "INET_SPORT": ("inet_sock.inet_sport",),
    "INET_PINET6": ("inet_sock.pinet6",),
    "PINET6_SADDR": ("ipv6_pinfo.saddr",),
    "UNIX_ADDR": ("unix_sock.addr",),
    "UNIX_PEER": ("unix_sock.peer",),
    "UNIX_ADDRESS_LEN": ("unix_address.len",),
    "UNIX_ADDRESS_NAME": ("unix_address.name",),
    "BPRM_FILENAME": ("linux_binprm.filename",),
    "SIGINFO_NUMBER": ("kernel_siginfo.si_signo", "siginfo.si_signo"),
    "SIGINFO_CODE": ("kernel_siginfo.si_code", "siginfo.si_code"),
    "SIGINFO_PID": ("kernel_siginfo._sifields._kill._pid", "siginfo._sifields._kill._pid"),
}
"""Fields without which nothing can be captured."""

OPTIONAL: dict[str, tuple[str, ...]] = {
    "TASK_LOGINUID": ("task_struct.loginuid",),
    "OVL_INODE_VFS": ("ovl_inode.vfs_inode",),
    "OVL_INODE_UPPER": ("ovl_inode.__upperdentry",),
}
"""Fields that a kernel may be built without."""

ARCH_OFFSETS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {
        "REGS_NR": ("pt_regs.orig_ax",),
        "REGS_ARG0": ("pt_regs.di",),
        "REGS_ARG1": ("pt_regs.si",),
        "REGS_ARG2": ("pt_regs.dx",),
        "REGS_ARG3": ("pt_regs.r10",),
        "REGS_ARG4": ("pt_regs.r8",),
        "REGS_ARG5": ("pt_regs.r9",),
        "REGS_BX": ("pt_regs.bx",),
        "REGS_CX": ("pt_regs.cx",),
        "REGS_BP": ("pt_regs.bp",),
        "REGS_IP": ("pt_regs.ip",),
        "TASK_COMPAT": ("task_struct.thread_info.status",),
    },
    "aarch64": {
        "REGS_NR": ("pt_regs.syscallno",),
        "REGS_ARG0": ("pt_regs.orig_x0",),
        "REGS_IP": ("pt_regs.pc",),
    },
}
"""Registers of a call, and the mark of a 32-bit caller."""

COMPAT_BIT = {"x86_64": 2}
"""TS_COMPAT in `thread_info.status`. Source: arch/x86/include/asm/thread_info.h."""

SIZES = {"UPID": "upid"}
CGROUP_SUBSYSTEMS = ("cpuset", "cpu", "cpuacct", "io", "memory")
ENUMERATORS = {"PIDTYPE_PGID": ("pid_type", "PIDTYPE_PGID")}
RLIMIT_NOFILE = 7
PAGE_SHIFT = 12


def _resolve(btf: Btf, paths: tuple[str, ...]) -> int | None:
    return next((at for at in map(btf.offset, paths) if at is not None), None)


def _arm_arguments(btf: Btf) -> dict[str, int]:
    """x1 to x5 lie behind each other."""
    first = btf.offset("pt_regs.regs") or 0
    return {f"O_REGS_ARG{n}": first + 8 * n for n in range(1, 6)}


def _rss_counter(btf: Btf) -> dict[str, int]:
    """Memory counters: an array of atomics, since 6.2 one of per-CPU counters."""
    size = btf.size("percpu_counter") or 0
    end = (btf.offset("mm_struct.binfmt") or 0) - (btf.offset("mm_struct.rss_stat") or 0)
    if size and end >= 4 * size:
        return {"SIZE_RSS_COUNTER": size, "O_RSS_COUNT": btf.offset("percpu_counter.count") or 0}
    return {"SIZE_RSS_COUNTER": 8, "O_RSS_COUNT": 0}


def _cgroups(btf: Btf) -> dict[str, int]:
    found = (
        (name, btf.enumerator("cgroup_subsys_id", f"{name}_cgrp_id")) for name in CGROUP_SUBSYSTEMS
    )
    return {f"CGROUP_{name.upper()}": value for name, value in found if value is not None}


def constants(btf: Btf, arch: str | None = None) -> dict[str, int]:
    """Everything the C code must be told about this kernel.

    Args:
        btf: type information of the kernel.
        arch: `x86_64` or `aarch64`; the running machine's when not given.

    Raises:
        ProbeUnavailable: a field is missing, or the architecture is not supported.
    """
    arch = arch or platform.machine()
    if arch not in ARCH_OFFSETS:
        msg = f"capture does not know this architecture: {arch}"
        raise ProbeUnavailable(msg, "use x86_64 or aarch64")
    required = {
        name: _resolve(btf, paths) for name, paths in (OFFSETS | ARCH_OFFSETS[arch]).items()
    }
    missing = [name for name, at in required.items() if at is None]
    if missing:
        msg = f"this kernel's structures are not as expected: {', '.join(missing)}"
        raise ProbeUnavailable(
            msg,
            "the kernel is older than 5.8 or newer than this version of pyscap knows",
        )
    optional = {name: _resolve(btf, paths) for name, paths in OPTIONAL.items()}
    found = {f"O_{name}": at for name, at in (required | optional).items() if at is not None}
    found |= {f"SIZE_{name}": btf.size(struct) or 0 for name, struct in SIZES.items()}
    found |= {name: btf.enumerator(*where) or 0 for name, where in ENUMERATORS.items()}
    found |= _rss_counter(btf) | _cgroups(btf)
    if arch == "aarch64":
        found |= _arm_arguments(btf)
    if arch in COMPAT_BIT:
        found["TASK_COMPAT_BIT"] = COMPAT_BIT[arch]
    found |= {"RLIMIT_NOFILE_INDEX": RLIMIT_NOFILE, "PAGE_SHIFT_BITS": PAGE_SHIFT}
    return found | {f"ARCH_{arch.upper()}": 1}
