"""The snapshot: what is already running when a capture starts.

In:  `/proc`, the user database, the network interfaces. Out: `snapshot()`, the head of a capture
as bytes: section header, machine, interfaces, users, processes, descriptors.
Next: the savefile and the engine's metadata loader read these bytes like those of any file.
Source: proc(5); scap format specification, section 4; observed: files of libs 0.25.

Processes come and go while this looks: whatever is gone between two looks is left out.
"""

# Thousands of small looks: `os` is several times faster at them than `pathlib`.
# ruff: noqa: PTH115, PTH116, PTH208

from __future__ import annotations

import os
import re
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from pyscap.format import encode
from pyscap.probe.interfaces import interfaces
from pyscap.probe.sockets import FD_UNSUPPORTED, SocketTables

Row = dict[str, Any]
"""Fields of a metadata entry, as `format.blocks` names them."""

_READ_BYTES = 1 << 16
_CAP_DAC_OVERRIDE = 1 << 1
_THREAD_FLAGS = 0x2001
"""CLONE_THREAD and CLONE_FILES of the format, which threads but the first have."""
_NO_USER = 0xFFFFFFFF
_DELETED = b" (deleted)"

_FD_DIRECTORY, _FD_FIFO, _FD_FILE, _FD_MEMFD = 2, 7, 16, 20
_ANON_KINDS = {
    b"[eventfd]": 9,
    b"[signalfd]": 11,
    b"[eventpoll]": 12,
    b"inotify": 13,
    b"[inotify]": 13,
    b"[timerfd]": 14,
    b"bpf-map": 17,
    b"bpf-prog": 17,
    b"bpf_link": 17,
    b"bpf-link": 17,
    b"[userfaultfd]": 18,
    b"[io_uring]": 19,
    b"[pidfd]": 21,
}
"""Descriptor type by what follows `anon_inode:` in the link."""

_OPEN_FLAGS = (
    (os.O_APPEND, 8),
    (os.O_DSYNC, 16),
    (os.O_NONBLOCK, 64),
    (getattr(os, "O_SYNC", 0) & ~os.O_DSYNC, 128),
    (getattr(os, "O_DIRECT", 0), 512),
    (getattr(os, "O_DIRECTORY", 0), 1024),
    (0o100000, 2048),
    (getattr(os, "O_CLOEXEC", 0), 4096),
)
"""Open flags of this machine and the format's numbers for them (model `file_flags`)."""


def snapshot(
    options: Iterable[tuple[int, str]] = (), *, root: str = "/proc", skip_pid: int | None = None
) -> bytes:
    """The head of a capture of this machine.

    Args:
        options: code and text of options for the section header, see `encode.section_header`.
        root: where procfs is mounted.
        skip_pid: a process to leave out: pyscap itself.

    Returns:
        The metadata blocks, in the order in which every writer puts them.
    """
    proc = Proc(root)
    threads, fds = proc.threads(skip_pid)
    parts = [encode.section_header(options), encode.metadata("machine", [machine()])]
    parts.append(encode.metadata("interface", interfaces()))
    parts.append(encode.metadata("user", users()))
    parts.append(encode.process_list(threads))
    parts += [encode.fd_list(tid, rows) for tid, rows in fds]
    return b"".join(parts)


def machine() -> Row:
    """What the machine block says."""
    since_boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return {
        "num_cpus": os.cpu_count() or 0,
        "memory_size_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "hostname": socket.gethostname().encode(),
        "boot_ts_ns": time.time_ns() - since_boot_ns,
    }


def users() -> list[Row]:
    """Users and groups of this machine, those of network databases as well."""
    import grp  # these two exist on Unix alone
    import pwd

    rows = [
        {
            "type": 0,
            "uid": user.pw_uid,
            "gid": user.pw_gid,
            "name": os.fsencode(user.pw_name),
            "homedir": os.fsencode(user.pw_dir),
            "shell": os.fsencode(user.pw_shell),
        }
        for user in pwd.getpwall()
    ]
    groups = [
        {"type": 1, "gid": group.gr_gid, "name": os.fsencode(group.gr_name)}
        for group in grp.getgrall()
    ]
    return rows + groups


class Proc:
    """Looks through one mount of procfs."""

    def __init__(self, root: str = "/proc") -> None:
        """Begin with nothing read."""
        self.root = root
        self.tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        self.sockets = SocketTables(self.read)

    def threads(self, skip_pid: int | None = None) -> tuple[list[Row], list[tuple[int, list[Row]]]]:
        """All threads, and the descriptors of each process by its pid."""
        threads: list[Row] = []
        fds: list[tuple[int, list[Row]]] = []
        for name in sorted(filter(str.isdigit, os.listdir(self.root)), key=int):
            if int(name) == skip_pid:
                continue
            with suppress(OSError, ValueError, IndexError, KeyError):
                leader = self.process(name)
                threads.append(leader)
                threads += self.other_threads(name, leader)
                fds.append((leader["tid"], list(self.descriptors(name))))
        set_namespace_starts(threads)
        return threads, fds

    def read(self, path: str) -> bytes:
        """A file below the root; empty when it is gone or refused."""
        try:
            fd = os.open(f"{self.root}/{path}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return b""
        try:
            return _read_all(fd)
        except OSError:
            return b""
        finally:
            os.close(fd)

    def link(self, path: str) -> bytes:
        """What a link below the root points to; empty when it is gone or refused."""
        try:
            return os.fsencode(os.readlink(f"{self.root}/{path}"))
        except OSError:
            return b""

    def process(self, pid: str) -> Row:
        """The main thread of a process; raises ValueError or the like when it is gone."""
        row = self.thread(pid)
        # Programs that write a title over their arguments leave NULs behind it.
        exe, *args = self.read(f"{pid}/cmdline").rstrip(b"\0").split(b"\0")
        path = self.link(f"{pid}/exe")
        row["exe"] = exe or row["comm"]
        row["args"] = b"".join(arg + b"\0" for arg in args)
        row["env"] = self.read(f"{pid}/environ")
        row["exepath"] = path.removesuffix(_DELETED)
        row["exe_from_memfd"] = int(path.startswith(b"/memfd:"))
        row["cwd"] = _with_slash(self.link(f"{pid}/cwd"))
        row["root"] = self.link(f"{pid}/root") or b"/"
        row["fdlimit"] = _fd_limit(self.read(f"{pid}/limits"))
        row["loginuid"] = int(self.read(f"{pid}/loginuid") or _NO_USER)
        row["cgroups"] = _cgroups(self.read(f"{pid}/cgroup"))
        row["pid_namespace"] = self.link(f"{pid}/ns/pid")
        if path:
            row |= self.executable(pid, row)
        return row

    def other_threads(self, pid: str, leader: Row) -> Iterator[Row]:
        """The threads but the first; what a process has in common comes from `leader`."""
        for tid in os.listdir(f"{self.root}/{pid}/task"):
            if tid == pid:
                continue
            with suppress(OSError, ValueError, IndexError, KeyError):
                own = self.thread(f"{pid}/task/{tid}")
                yield {**leader, **own, "env": b"", "flags": _THREAD_FLAGS}

    def thread(self, where: str) -> Row:
        """What `status` and `stat` say of the thread whose directory is `where`."""
        status = _status(self.read(f"{where}/status"))
        fields = self.read(f"{where}/stat").rpartition(b") ")[2].split()
        virtual_tid = int(status[b"NSpid"].split()[-1])
        start_ticks = int(fields[19])
        return {
            "tid": int(status[b"Pid"]),
            "pid": int(status[b"Tgid"]),
            "ptid": int(status[b"PPid"]),
            "sid": int(fields[3]),
            "pgid": int(fields[2]),
            "vpgid": int(status[b"NSpgid"].split()[-1]),
            "vtid": virtual_tid,
            "vpid": int(status.get(b"NStgid", status[b"NSpid"]).split()[-1]),
            "comm": _unescape(status[b"Name"]),
            "flags": 0,
            "uid": int(status[b"Uid"].split()[1]),
            "gid": int(status[b"Gid"].split()[1]),
            "vmsize_kb": _kb(status, b"VmSize"),
            "vmrss_kb": _kb(status, b"VmRSS"),
            "vmswap_kb": _kb(status, b"VmSwap"),
            "pfminor": int(fields[7]),
            "pfmajor": int(fields[9]),
            "tty": int(fields[4]),
            "cap_inheritable": int(status[b"CapInh"], 16),
            "cap_permitted": int(status[b"CapPrm"], 16),
            "cap_effective": int(status[b"CapEff"], 16),
            "start_ns": start_ticks * self.tick_ns,
        }

    def executable(self, pid: str, row: Row) -> Row:
        """What is known of the executable file."""
        try:
            found = os.stat(f"{self.root}/{pid}/exe")
        except OSError:
            return {}
        return {
            "exe_ino": found.st_ino,
            "exe_ctime_ns": found.st_ctime_ns,
            "exe_mtime_ns": found.st_mtime_ns,
            "exe_writable": int(_may_write(found, row)),
        }

    def descriptors(self, pid: str) -> Iterator[Row]:
        """The open descriptors of a process; none when looking is refused."""
        directory = f"{self.root}/{pid}/fd"
        try:
            names = os.listdir(directory)
            namespace = os.stat(f"{self.root}/{pid}/ns/net").st_ino
        except OSError:
            return
        for name in names:
            with suppress(OSError, ValueError):
                target = os.fsencode(os.readlink(f"{directory}/{name}"))
                row = self.descriptor(pid, name, target, namespace)
                row["fd"] = int(name)
                yield row

    def descriptor(self, pid: str, name: str, target: bytes, namespace: int) -> Row:
        """The row of a descriptor by what its link says."""
        scheme, _, rest = target.partition(b":")
        if scheme == b"socket":
            inode = int(rest[1:-1])
            row = self.sockets.find(pid, namespace, inode)
            return {**(row or {"type": FD_UNSUPPORTED, "name": target}), "ino": inode}
        if scheme == b"pipe":
            return {"type": _FD_FIFO, "ino": int(rest[1:-1]), "name": target}
        if scheme == b"anon_inode":
            kind = _ANON_KINDS.get(rest, FD_UNSUPPORTED)
            return {"type": kind, "name": target if kind == FD_UNSUPPORTED else b""}
        return self.file(pid, name, target)

    def file(self, pid: str, name: str, target: bytes) -> Row:
        """The row of a descriptor with a path."""
        found = os.stat(f"{self.root}/{pid}/fd/{name}")
        row: Row = {"ino": found.st_ino, "name": target}
        if stat.S_ISDIR(found.st_mode):
            return {**row, "type": _FD_DIRECTORY}
        if stat.S_ISFIFO(found.st_mode):
            return {**row, "type": _FD_FIFO}
        if target.startswith(b"/memfd:"):
            name_only = target.removeprefix(b"/memfd:").removesuffix(_DELETED)
            return {**row, "type": _FD_MEMFD, "name": name_only}
        flags = _open_flags(self.read(f"{pid}/fdinfo/{name}"))
        return {**row, "type": _FD_FILE, "open_flags": flags, "dev": _device(found.st_dev)}


def children_of(pids: set[int], root: str = "/proc") -> set[int]:
    """Processes whose parent is one of `pids` and that are not among them."""
    found, proc = set(), Proc(root)
    for pid in filter(str.isdigit, os.listdir(root)):
        words = proc.read(f"{pid}/stat").rpartition(b")")[2].split()
        if len(words) > 1 and int(words[1]) in pids:
            found.add(int(pid))
    return found - pids


def _read_all(fd: int) -> bytes:
    """Everything up to the end; lists come in pieces of whole lines, each shorter than a page."""
    return b"".join(iter(lambda: os.read(fd, _READ_BYTES), b""))


def set_namespace_starts(threads: list[Row]) -> None:
    """Gives every thread the time at which its pid namespace's first process started."""
    starts = {t["pid_namespace"]: t["start_ns"] for t in threads if t["vpid"] == 1}
    for thread in threads:
        thread["pidns_init_start_ns"] = starts.get(thread["pid_namespace"], 0)


def _status(text: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":\t") for line in text.split(b"\n"))
    return {key: value for key, _, value in lines}


def _unescape(name: bytes) -> bytes:
    """A name of `status`, which has backslash and line feed escaped."""
    if b"\\" not in name:
        return name
    return re.sub(rb"\\(n|\\)", lambda m: b"\n" if m[1] == b"n" else b"\\", name)


def _kb(status: dict[bytes, bytes], key: bytes) -> int:
    """A size of `status`; kernel threads have none."""
    return int(status.get(key, b"0 kB").split()[0])


def _with_slash(path: bytes) -> bytes:
    return path if path.endswith(b"/") or not path else path + b"/"


_MAX_FILES = re.compile(rb"^Max open files\s+(\d+|unlimited)", re.MULTILINE)


def _fd_limit(limits: bytes) -> int:
    found = _MAX_FILES.search(limits)
    return int(found[1]) if found and found[1] != b"unlimited" else 0


def _cgroups(text: bytes) -> bytes:
    """`subsystem=path` entries; the unified hierarchy has no subsystem name."""
    parts = []
    for line in filter(None, text.split(b"\n")):
        number, controllers, path = line.split(b":", 2)
        if number == b"0" and not controllers:
            parts.append(b"=" + path + b"\0")
        parts += [c + b"=" + path + b"\0" for c in controllers.split(b",") if c]
    return b"".join(parts)


def _may_write(file: os.stat_result, row: Row) -> bool:
    """Whether the thread may write its executable, by the owner, group and other bits."""
    if row["cap_effective"] & _CAP_DAC_OVERRIDE:
        return True
    if row["uid"] == file.st_uid:
        return bool(file.st_mode & stat.S_IWUSR)
    if row["gid"] == file.st_gid:
        return bool(file.st_mode & stat.S_IWGRP)
    return bool(file.st_mode & stat.S_IWOTH)


def _open_flags(fdinfo: bytes) -> int:
    """Open flags in the format's numbering, from the octal number of `fdinfo`."""
    start = fdinfo.find(b"flags:\t")
    native = int(fdinfo[start + 7 :].split(None, 1)[0], 8) if start >= 0 else 0
    flags = (native & os.O_ACCMODE) + 1
    for bit, number in _OPEN_FLAGS:
        if native & bit:
            flags |= number
    return flags


def _device(number: int) -> int:
    """A device number as the kernel prints it to 32 bits."""
    major, minor = os.major(number), os.minor(number)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)
