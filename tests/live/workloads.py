"""Makes each decoded system call with telling values and says which line must be printed for it.

Run as a program: `workloads.py FOLDER`. It makes the calls in one process and writes one JSON
object a case to standard output: `{"case": ..., "lines": [...]}`. A `#` in a line stands for what
only the kernel knows. Before each case stands an `openat` of a path named after it, so that the
events of a case can be found.
"""

import ctypes
import json
import mmap
import os
import platform
import resource
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from pyscap.model import syscalls

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
TABLE = syscalls.X86_64 if platform.machine() == "x86_64" else syscalls.AARCH64
NUMBERS = {spec.name: spec.nr for spec in TABLE}
CWD = -100
CASES = {}


def case(function):
    """Register a case under the name of its function."""
    CASES[function.__name__] = function
    return function


def call(name, *args):
    """Make a raw call; the result, or minus errno."""
    words = [a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in args]
    words += [ctypes.c_long(0)] * (6 - len(words))
    result = LIBC.syscall(ctypes.c_long(NUMBERS[name]), *words)
    return -ctypes.get_errno() if result == -1 else result


def has(*names):
    """Whether this architecture has these calls."""
    return all(name in NUMBERS for name in names)


def dev_of(path):
    return f"{Path(path).stat().st_dev:X}"


def ino_of(path):
    return Path(path).stat().st_ino


def buffer(size, data=b""):
    return ctypes.create_string_buffer(data, size)


def address(array):
    return ctypes.addressof(array)


class Files:
    """The folder of a run, and files in it."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def __truediv__(self, name):
        return str(self.folder / name)

    def make(self, name, data=b"0123456789"):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


# ---- files


@case
def open_and_close(f):
    path = f / "made"
    fd = call(
        "openat", CWD, path.encode(), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640
    )
    yield (
        f"openat fd={fd}(<f>{path}) dirfd=-100(AT_FDCWD) name={path} "
        f"flags=20519(O_EXCL|O_CREAT|O_RDWR|O_CLOEXEC|O_F_CREATED) mode=0640 "
        f"dev={dev_of(path)} ino={ino_of(path)}"
    )
    call("close", fd)
    yield f"close res=0 fd={fd}(<f>{path})"
    call("close", 9999)
    yield "close res=-9(EBADF) fd=9999"


@case
def open_old(f):
    if not has("open", "creat"):
        return
    path = f.make("old")
    fd = call("open", path.encode(), os.O_WRONLY | os.O_APPEND | os.O_TRUNC, 0)
    yield (
        f"open fd={fd}(<f>{path}) name={path} flags=266(O_TRUNC|O_APPEND|O_WRONLY) mode=0 "
        f"dev={dev_of(path)} ino={ino_of(path)}"
    )
    os.close(fd)
    fd = call("creat", path.encode(), 0o600)
    yield (
        f"creat fd={fd}(<f>{path}) name={path} mode=0600 dev={dev_of(path)} ino={ino_of(path)} "
        "creat_flags=0"
    )
    os.close(fd)


@case
def open_fails(f):
    path = f / "absent"
    call("openat", CWD, path.encode(), os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK, 0)
    yield (
        f"openat fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name={path} "
        "flags=1089(O_DIRECTORY|O_NONBLOCK|O_RDONLY) mode=0 dev=0 ino=0"
    )
    call("openat", CWD, 0, os.O_RDONLY, 0)
    yield (
        "openat fd=-14(EFAULT) dirfd=-100(AT_FDCWD) name=<NA> flags=1(O_RDONLY) mode=0 dev=0 ino=0"
    )


@case
def openat2(f):
    path = f.make("two")
    how = struct.pack("<QQQ", os.O_RDONLY | os.O_CLOEXEC, 0, 0x04 | 0x02)
    fd = call("openat2", CWD, path.encode(), how, len(how))
    yield (
        f"openat2 fd={fd}(<f>{path}) dirfd=-100(AT_FDCWD) name={path} "
        "flags=4097(O_RDONLY|O_CLOEXEC) mode=0 "
        "resolve=12(RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS) "
        f"dev={dev_of(path)} ino={ino_of(path)}"
    )
    os.close(fd)


@case
def read_and_write(f):
    path = f.make("data")
    fd = os.open(path, os.O_RDWR)
    into = buffer(64)
    call("read", fd, into, 4)
    yield f"read res=4 data=0123 fd={fd}(<f>{path}) size=4"
    call("write", fd, b"ab\tc", 4)
    yield f"write res=4 data=ab.c fd={fd}(<f>{path}) size=4"
    call("pread64", fd, into, 3, 5)
    yield f"pread res=3 data=b.c fd={fd}(<f>{path}) size=3 pos=5"
    call("pwrite64", fd, b"XYZ", 3, 2)
    yield f"pwrite res=3 data=XYZ fd={fd}(<f>{path}) size=3 pos=2"
    call("read", fd, into, 64)
    yield f"read res=2 data=89 fd={fd}(<f>{path}) size=64"
    call("read", fd, into, 64)
    yield f"read res=0 data=NULL fd={fd}(<f>{path}) size=64"
    os.close(fd)
    call("read", fd, into, 64)
    yield f"read res=-9(EBADF) data=NULL fd={fd} size=64"
    call("write", fd, b"lost", 4)
    yield f"write res=-9(EBADF) data=lost fd={fd} size=4"


def iovec(*parts):
    """A struct iovec array and the memory it points to."""
    memory = [buffer(max(len(p), 1), p) for p in parts]
    words = [x for m, p in zip(memory, parts, strict=True) for x in (address(m), len(p))]
    return struct.pack(f"<{len(words)}Q", *words), memory


@case
def vectors(f):
    path = f.make("vector")
    fd = os.open(path, os.O_RDWR)
    out, keep_out = iovec(b"one", b"", b"three")
    call("writev", fd, out, 3)
    yield f"writev res=8 data=onethree fd={fd}(<f>{path}) size=8"
    into, keep_in = iovec(b"??", b"???????")
    call("readv", fd, into, 2)
    yield f"readv res=2 size=2 data=89 fd={fd}(<f>{path})"
    call("pwritev", fd, out, 3, 1)
    yield f"pwritev res=8 data=onethree fd={fd}(<f>{path}) size=8 pos=1"
    call("preadv", fd, into, 2, 1)
    yield f"preadv res=9 size=9 data=onethree9 fd={fd}(<f>{path}) pos=1"
    del keep_out, keep_in
    os.close(fd)


@case
def seek(f):
    path = f.make("seek")
    fd = os.open(path, os.O_RDONLY)
    call("lseek", fd, -3, os.SEEK_END)
    yield f"lseek res=7 fd={fd}(<f>{path}) offset=-3 whence=2(SEEK_END)"
    os.close(fd)


@case
def duplicates(f):
    path = f.make("dup")
    fd = os.open(path, os.O_RDONLY)
    name = f"(<f>{path})"
    one = call("dup", fd)
    yield f"dup res={one}{name} oldfd={fd}{name}"
    if has("dup2"):
        call("dup2", fd, 100)
        yield f"dup2 res=100{name} oldfd={fd}{name} newfd=100{name}"
    call("dup3", fd, 101, os.O_CLOEXEC)
    yield f"dup3 res=101{name} oldfd={fd}{name} newfd=101{name} flags=4096(O_CLOEXEC)"
    call("fcntl", fd, 1030, 102)
    yield f"fcntl res=102{name} fd={fd}{name} cmd=26(F_DUPFD_CLOEXEC) arg=0"
    call("fcntl", fd, 3, 0)
    yield f"fcntl res=#fcntl# fd={fd}{name} cmd=4(F_GETFL) arg=0"
    call("fcntl", fd, 1024, 99)
    yield f"fcntl res=-22(EINVAL) fd={fd}{name} cmd=23(F_SETLEASE) arg=0"
    os.closerange(100, 103)
    os.close(one)
    os.close(fd)


@case
def status(f):
    path = f.make("status")
    room = buffer(512)
    if has("stat", "lstat"):
        call("stat", path.encode(), room)
        yield f"stat res=0 path={path}"
        call("lstat", (f / "absent").encode(), room)
        yield f"lstat res=-2(ENOENT) path={f / 'absent'}"
    fd = os.open(path, os.O_RDONLY)
    call("fstat", fd, room)
    yield f"fstat res=0 fd={fd}(<f>{path})"
    call("newfstatat", CWD, path.encode(), room, 0x100)
    yield f"newfstatat res=0 dirfd=-100(AT_FDCWD) path={path} flags=256(AT_SYMLINK_NOFOLLOW)"
    if has("access"):
        call("access", path.encode(), os.R_OK | os.X_OK)
        yield f"access res=# name={path} mode=5(R_OK|X_OK)"
    os.close(fd)


@case
def names(f):
    a, b, c = f.make("a"), f / "b", f / "c"
    folder = os.open(f.folder, os.O_RDONLY | os.O_DIRECTORY)
    at = f"{folder}(<d>{f.folder})"
    if has("rename", "link", "symlink", "unlink"):
        call("link", a.encode(), b.encode())
        yield f"link res=0 oldpath={a} newpath={b}"
        call("rename", b.encode(), c.encode())
        yield f"rename res=0 oldpath={b} newpath={c}"
        call("unlink", c.encode())
        yield f"unlink res=0 path={c}"
        call("symlink", b"target", c.encode())
        yield f"symlink res=0 target=target linkpath={c}"
        Path(c).unlink()
    call("linkat", folder, b"a", folder, b"b", 0x400)
    yield (
        f"linkat res=0 olddir={at} oldpath=a({a}) newdir={at} newpath=b({b}) "
        "flags=1024(AT_SYMLINK_FOLLOW)"
    )
    if has("renameat"):
        call("renameat", folder, b"b", CWD, c.encode())
        yield f"renameat res=0 olddirfd={at} oldpath=b({b}) newdirfd=-100(AT_FDCWD) newpath={c}"
    else:
        Path(b).rename(c)
    call("renameat2", CWD, c.encode(), folder, b"b", 1)
    yield (
        f"renameat2 res=0 olddirfd=-100(AT_FDCWD) oldpath={c} newdirfd={at} newpath=b({b}) "
        "flags=1(RENAME_NOREPLACE)"
    )
    call("symlinkat", b"there", folder, b"s")
    yield f"symlinkat res=0 target=there linkdirfd={at} linkpath=s({f / 's'})"
    call("unlinkat", folder, b"s", 0)
    yield f"unlinkat res=0 dirfd={at} name=s({f / 's'}) flags=0"
    Path(b).unlink()
    os.close(folder)


@case
def folders(f):
    path = f / "folder"
    if has("mkdir", "rmdir"):
        call("mkdir", path.encode(), 0o755)
        yield f"mkdir res=0 path={path} mode=1ED"
        call("rmdir", path.encode())
        yield f"rmdir res=0 path={path}"
    call("mkdirat", CWD, path.encode(), 0o700)
    yield f"mkdirat res=0 dirfd=-100(AT_FDCWD) path={path} mode=1C0"
    call("chdir", path.encode())
    yield f"chdir res=0 path={path}"
    room = buffer(4096)
    size = call("getcwd", room, 4096)
    yield f"getcwd res={size} path={path}"
    fd = os.open(f.folder, os.O_RDONLY | os.O_DIRECTORY)
    call("fchdir", fd)
    yield f"fchdir res=0 fd={fd}(<d>{f.folder})"
    call("openat", CWD, b"absent", os.O_RDONLY, 0)
    yield (
        f"openat fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name=absent({f / 'absent'}) "
        "flags=1(O_RDONLY) mode=0 dev=0 ino=0"
    )
    size = call("getdents64", fd, room, 4096)
    yield f"getdents64 res={size} fd={fd}(<d>{f.folder})"
    call("chdir", b"/nowhere")
    yield "chdir res=-2(ENOENT) path=/nowhere"
    os.chdir("/")
    call("unlinkat", CWD, path.encode(), 0x200)
    yield f"unlinkat res=0 dirfd=-100(AT_FDCWD) name={path} flags=512(AT_REMOVEDIR)"
    os.close(fd)


@case
def permissions(f):
    path = f.make("mode")
    fd = os.open(path, os.O_RDONLY)
    name = f"fd={fd}(<f>{path})"
    if has("chmod", "chown", "lchown"):
        call("chmod", path.encode(), 0o4751)
        yield (
            f"chmod res=0 filename={path} mode=04751"
            "(S_IXOTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR|S_ISUID)"
        )
        call("chown", path.encode(), 1, 2)
        yield f"chown res=0 path={path} uid=1 gid=2"
        call("lchown", path.encode(), 3, 4)
        yield f"lchown res=0 path={path} uid=3 gid=4"
    call("fchmod", fd, 0o600)
    yield f"fchmod res=0 {name} mode=0600(S_IWUSR|S_IRUSR)"
    call("fchmodat", CWD, path.encode(), 0o644)
    yield (
        f"fchmodat res=0 dirfd=-100(AT_FDCWD) filename={path} "
        "mode=0644(S_IROTH|S_IRGRP|S_IWUSR|S_IRUSR)"
    )
    call("fchown", fd, 5, 6)
    yield f"fchown res=0 {name} uid=5 gid=6"
    call("fchownat", CWD, path.encode(), 7, 8, 0x100)
    yield (
        f"fchownat res=0 dirfd=-100(AT_FDCWD) pathname={path} uid=7 gid=8 "
        "flags=1024(AT_SYMLINK_NOFOLLOW)"
    )
    call("flock", fd, 2 | 4)
    yield f"flock res=0 {name} operation=6(LOCK_EX|LOCK_NB)"
    os.close(fd)


@case
def nodes(f):
    path = f / "node"
    if has("mknod"):
        call("mknod", path.encode(), 0o010600, 0)
        yield f"mknod res=0 path={path} mode=010600(S_IWUSR|S_IRUSR|S_IFIFO) dev=0"
        Path(path).unlink()
    call("mknodat", CWD, path.encode(), 0o010640, 0)
    yield (
        f"mknodat res=0 dirfd=-100(AT_FDCWD) path={path} "
        "mode=010640(S_IRGRP|S_IWUSR|S_IRUSR|S_IFIFO) dev=0"
    )
    Path(path).unlink()


@case
def copies(f):
    source, target = f.make("source"), f.make("target", b"")
    a, b = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR)
    offset = (ctypes.c_longlong * 1)(2)
    call("sendfile", b, a, offset, 5)
    yield f"sendfile res=5 offset=7 out_fd={b}(<f>{target}) in_fd={a}(<f>{source}) size=5"
    offset[0] = 1
    call("copy_file_range", a, offset, b, 0, 3, 0)
    yield (
        f"copy_file_range res=3 fdout={b}(<f>{target}) offout=0 fdin={a}(<f>{source}) offin=4 len=3"
    )
    reader, writer = os.pipe()
    call("splice", a, 0, writer, 0, 4, 1 | 2)
    yield (
        f"splice res=4 fd_in={a}(<f>{source}) fd_out={writer}(<p>) size=4 "
        "flags=3(SPLICE_F_MOVE|SPLICE_F_NONBLOCK)"
    )
    for fd in (a, b, reader, writer):
        os.close(fd)


@case
def devices(f):
    fd = os.open("/dev/null", os.O_RDONLY)
    room = buffer(64)
    call("ioctl", fd, 0x5401, room)
    yield f"ioctl res=-25(ENOTTY) fd={fd}(<f>/dev/null) request=5401 argument={address(room):X}"
    os.close(fd)


# ---- descriptors of other kinds


@case
def pipes(f):
    pair = (ctypes.c_int * 2)()
    if has("pipe"):
        call("pipe", pair)
        ino = os.fstat(pair[0]).st_ino
        yield f"pipe res=0 fd1={pair[0]}(<p>) fd2={pair[1]}(<p>) ino={ino}"
        os.close(pair[0])
        os.close(pair[1])
    call("pipe2", pair, os.O_CLOEXEC | os.O_NONBLOCK)
    ino = os.fstat(pair[0]).st_ino
    yield (
        f"pipe2 res=0 fd1={pair[0]}(<p>) fd2={pair[1]}(<p>) ino={ino} "
        "flags=4160(O_NONBLOCK|O_CLOEXEC)"
    )
    call("pipe2", pair, 0x7)
    yield "pipe2 res=-22(EINVAL) fd1=-1 fd2=-1 ino=0 flags=0(O_NONE)"
    os.close(pair[0])
    os.close(pair[1])


@case
def small_descriptors(f):
    if has("eventfd", "epoll_create", "inotify_init", "signalfd"):
        fd = call("eventfd", 5)
        yield f"eventfd res={fd}(<e>) initval=5 flags=0"
        os.close(fd)
        fd = call("epoll_create", 11)
        yield f"epoll_create res={fd} size=11"
        os.close(fd)
        fd = call("inotify_init")
        yield f"inotify_init res={fd}(<i>) flags=0"
        os.close(fd)
        mask = struct.pack("<Q", 1 << 9)
        fd = call("signalfd", -1, mask, 8)
        yield f"signalfd res={fd}(<s>) fd=-1 mask=200 flags=0"
        os.close(fd)
    fd = call("eventfd2", 6, os.O_CLOEXEC | os.O_NONBLOCK)
    yield f"eventfd2 res={fd}(<e>) flags=4160(O_NONBLOCK|O_CLOEXEC) initval=6"
    os.close(fd)
    fd = call("epoll_create1", os.O_CLOEXEC)
    yield f"epoll_create1 res={fd} flags=1(EPOLL_CLOEXEC)"
    os.close(fd)
    fd = call("inotify_init1", os.O_NONBLOCK)
    yield f"inotify_init1 res={fd}(<i>) flags=64(O_NONBLOCK)"
    os.close(fd)
    fd = call("signalfd4", -1, struct.pack("<Q", 1 << 11), 8, os.O_CLOEXEC)
    yield f"signalfd4 res={fd}(<s>) flags=4096(O_CLOEXEC) fd=-1 mask=800"
    os.close(fd)
    fd = call("timerfd_create", 1, os.O_NONBLOCK)
    yield f"timerfd_create res={fd}(<t>) clockid=1 flags=40"
    os.close(fd)
    fd = call("memfd_create", b"memory", 3)
    yield f"memfd_create fd={fd}(<m>memory) name=memory flags=3(MFD_CLOEXEC|MFD_ALLOW_SEALING)"
    os.close(fd)
    fd = call("userfaultfd", os.O_CLOEXEC | 1)
    yield f"userfaultfd res={fd} flags=4096(O_CLOEXEC)"
    if fd >= 0:
        os.close(fd)
    call("bpf", 99, 0, 0)
    yield "bpf fd=-22(EINVAL) cmd=99"


@case
def process_descriptors(f):
    fd = call("pidfd_open", os.getpid(), os.O_NONBLOCK)
    me = f"{os.getpid()}(#comm#)"
    yield f"pidfd_open fd={fd}(<P>/proc/{os.getpid()}) pid={me} flags=1(PIDFD_NONBLOCK)"
    path = f.make("taken")
    other = os.open(path, os.O_RDONLY)
    got = call("pidfd_getfd", fd, other, 0)
    yield (
        f"pidfd_getfd fd={got}(<f>{path}) pid_fd={fd}(<P>/proc/{os.getpid()}) "
        f"target_fd={other}(<f>{path}) flags=0"
    )
    for each in (got, other, fd):
        os.close(each)


# ---- waiting


@case
def waiting(f):
    reader, writer = os.pipe()
    os.write(writer, b"!")
    fds = struct.pack("<ihhihh", reader, 1, 0, writer, 4 | 2, 0)
    if has("poll"):
        call("poll", fds, 2, 10)
        yield f"poll res=2 fds={reader}:p1 {writer}:p4 timeout=10"
    limit = struct.pack("<qq", 1, 500)
    call("ppoll", fds, 2, limit, struct.pack("<Q", 1 << 9 | 1 << 11), 8)
    yield (f"ppoll res=2 fds={reader}:p1 {writer}:p4 timeout=#time# sigmask=SIGUSR1 SIGUSR2")
    quiet = struct.pack("<ihh", reader, 2, 0)
    call("ppoll", quiet, 1, struct.pack("<qq", 0, 0), 0, 0)
    yield "ppoll res=0 fds= timeout=0(0s) sigmask="
    epoll = select.epoll()
    room = buffer(256)
    if has("epoll_wait"):
        call("epoll_wait", epoll.fileno(), room, 7, 0)
        yield "epoll_wait res=0 maxevents=7"
    if has("select"):
        call("select", 0, 0, 0, 0, struct.pack("<qq", 0, 0))
        yield "select res=0"
    epoll.close()
    call("nanosleep", struct.pack("<qq", 0, 1500), 0)
    yield "nanosleep res=0 interval=1500(1.5e-06s)"
    word = (ctypes.c_int * 1)(3)
    call("futex", word, 0 | 128, 4, 0)
    yield (f"futex res=-11(EAGAIN) addr={address(word):X} op=128(FUTEX_PRIVATE_FLAG) val=4")
    os.close(reader)
    os.close(writer)


# ---- sockets


def loopback(family, kind=socket.SOCK_STREAM):
    """A bound socket and its address as the kernel wants it."""
    s = socket.socket(family, kind)
    s.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    return s, sockaddr(family, s.getsockname()[1])


def sockaddr(family, port):
    if family == socket.AF_INET:
        return struct.pack("<HHI", 2, socket.htons(port), 0x0100007F) + bytes(8)
    return struct.pack("<HHI", 10, socket.htons(port), 0) + bytes(15) + b"\1" + bytes(4)


def stream(family, host):
    fd = call("socket", family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, 6)
    digit = "4" if family == socket.AF_INET else "6"
    label = "2(AF_INET)" if family == socket.AF_INET else "10(AF_INET6)"
    kind = int(socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    yield f"socket fd={fd}(<{digit}>) domain={label} type={kind} proto=6 flags=0(O_NONE)"
    listener = socket.socket(fileno=fd)
    address_of = sockaddr(family, 0)
    call("bind", fd, address_of, len(address_of))
    port = listener.getsockname()[1]
    yield f"bind res=0 addr={host}:0 fd={fd}(<{digit}>{host}:0)"
    call("listen", fd, 7)
    yield f"listen res=0 fd={fd}(<{digit}>{host}:0) backlog=7"
    client = socket.socket(family, socket.SOCK_STREAM)
    target = sockaddr(family, port)
    call("connect", client.fileno(), target, len(target))
    own = client.getsockname()[1]
    both = f"{host}:{own}->{host}:{port}"
    yield (f"connect res=0 tuple={both} fd={client.fileno()}(<{digit}t>{both}) addr={host}:{port}")
    got = call("accept4", fd, 0, 0, socket.SOCK_NONBLOCK)
    yield (
        f"accept4 fd={got}(<{digit}t>{both}) tuple={both} queuepct=0 queuelen=0 queuemax=7 flags=40"
    )
    call("sendto", client.fileno(), b"question", 8, 0, 0, 0)
    yield (f"sendto res=8 data=question fd={client.fileno()}(<{digit}t>{both}) size=8 tuple={both}")
    room = buffer(64)
    call("recvfrom", got, room, 64, 0, 0, 0)
    yield f"recvfrom res=8 data=question tuple={both} fd={got}(<{digit}t>{both}) size=64"
    call("recvfrom", got, room, 64, 0, 0, 0)
    yield f"recvfrom res=-11(EAGAIN) data=NULL tuple=NULL fd={got}(<{digit}t>{both}) size=64"
    call("shutdown", got, socket.SHUT_WR)
    yield f"shutdown res=0 fd={got}(<{digit}t>{both}) how=1(SHUT_WR)"
    os.close(got)
    client.close()
    listener.close()


@case
def stream_v4(f):
    yield from stream(socket.AF_INET, "127.0.0.1")


@case
def stream_v6(f):
    yield from stream(socket.AF_INET6, "::1")


@case
def refused(f):
    server, target = loopback(socket.AF_INET)
    port = server.getsockname()[1]
    server.close()
    with socket.socket() as client:
        call("connect", client.fileno(), target, len(target))
        yield (
            f"connect res=-111(ECONNREFUSED) tuple=NULL fd={client.fileno()}(<4>) "
            f"addr=127.0.0.1:{port}"
        )


def msghdr(vectors, count, name=0, name_length=0, control=0, control_length=0):
    return struct.pack(
        "<QIxxxxQQQQI4x", name, name_length, vectors, count, control, control_length, 0
    )


@case
def messages(f):
    server, target = loopback(socket.AF_INET, socket.SOCK_DGRAM)
    client, _ = loopback(socket.AF_INET, socket.SOCK_DGRAM)
    own, port = client.getsockname()[1], server.getsockname()[1]
    both = f"127.0.0.1:{own}->127.0.0.1:{port}"
    a, b = client.fileno(), server.fileno()
    place = buffer(len(target), target)
    vector, keep = iovec(b"ping", b"pong")
    vectors_at = buffer(len(vector), vector)
    call("sendmsg", a, msghdr(address(vectors_at), 2, address(place), len(target)), 0)
    yield f"sendmsg res=8 data=pingpong fd={a}(#fd#) size=8 tuple={both}"
    into, keep_in = iovec(b"?" * 3, b"?" * 30)
    into_at, source = buffer(len(into), into), buffer(16)
    call("recvmsg", b, buffer(56, msghdr(address(into_at), 2, address(source), 16)), 0)
    yield f"recvmsg res=8 size=8 data=pingpong tuple={both} msgcontrol=NULL fd={b}(#fd#)"
    del keep, keep_in
    client.close()
    server.close()


@case
def several_messages(f):
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    (one, k1), (two, k2) = iovec(b"first"), iovec(b"second!")
    at1, at2 = buffer(16, one), buffer(16, two)
    both = msghdr(address(at1), 1) + bytes(8) + msghdr(address(at2), 1) + bytes(8)
    call("sendmmsg", left.fileno(), buffer(128, both), 2, 0)
    name = f"{left.fileno()}(#fd#)"
    yield f"sendmmsg res=5 fd={name} size=5 data=first tuple=#tuple#"
    yield f"sendmmsg res=7 fd={name} size=7 data=second! tuple=#tuple#"
    call("recvmmsg", right.fileno(), buffer(128, both), 2, 0x40, 0)
    name = f"{right.fileno()}(#fd#)"
    yield f"recvmmsg res=5 fd={name} size=5 data=first tuple=#tuple# msgcontrol=NULL"
    yield f"recvmmsg res=7 fd={name} size=7 data=second! tuple=#tuple# msgcontrol=NULL"
    del k1, k2
    left.close()
    right.close()


@case
def unix_sockets(f):
    pair = (ctypes.c_int * 2)()
    call("socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, pair)
    yield (
        f"socketpair res=0 fd1={pair[0]}(<u>) fd2={pair[1]}(<u>) source=#hex# peer=#hex# "
        "domain=1(AF_LOCAL|AF_UNIX) type=1 proto=0"
    )
    os.close(pair[0])
    os.close(pair[1])
    path = f / "socket"
    server = socket.socket(socket.AF_UNIX)
    place = struct.pack("<H", 1) + path.encode() + b"\0"
    call("bind", server.fileno(), place, len(place))
    yield f"bind res=0 addr={path} fd={server.fileno()}(<u>{path})"
    server.listen(3)
    client = socket.socket(socket.AF_UNIX)
    call("connect", client.fileno(), place, len(place))
    yield (
        f"connect res=0 tuple=#hex#->#hex# {path} fd={client.fileno()}(<u>#hex#->#hex# {path}) "
        f"addr={path}"
    )
    if has("accept"):
        got = call("accept", server.fileno(), 0, 0)
        yield (
            f"accept fd={got}(<u>#hex#->#hex# {path}) tuple=#hex#->#hex# {path} "
            "queuepct=0 queuelen=0 queuemax=3"
        )
        os.close(got)
    abstract = struct.pack("<H", 1) + b"\0pyscap-" + str(os.getpid()).encode()
    other = socket.socket(socket.AF_UNIX)
    call("bind", other.fileno(), abstract, len(abstract))
    yield f"bind res=0 addr=@pyscap-{os.getpid()} fd={other.fileno()}(<u>@pyscap-{os.getpid()})"
    for each in (other, client, server):
        each.close()


@case
def socket_options(f):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fd = f"{s.fileno()}(<4>)"
    call("setsockopt", s.fileno(), 1, 2, struct.pack("<i", 1), 4)
    yield f"setsockopt res=0 fd={fd} level=1(SOL_SOCKET) optname=2(SO_REUSEADDR) val=1 optlen=4"
    call("setsockopt", s.fileno(), 1, 20, struct.pack("<qq", 2, 500000), 16)
    yield (
        f"setsockopt res=0 fd={fd} level=1(SOL_SOCKET) optname=20(SO_RCVTIMEO) "
        "val=2500000000(2.5s) optlen=16"
    )
    call("setsockopt", s.fileno(), 6, 1, struct.pack("<i", 1), 4)
    yield f"setsockopt res=0 fd={fd} level=2(SOL_TCP) optname=0(UNKNOWN) val=.... optlen=4"
    size = (ctypes.c_int * 1)(4)
    call("getsockopt", s.fileno(), 1, 3, buffer(8), size)
    yield f"getsockopt res=0 fd={fd} level=1(SOL_SOCKET) optname=3(SO_TYPE) val=1 optlen=4"
    call("getsockopt", s.fileno(), 1, 4, buffer(8), size)
    yield f"getsockopt res=0 fd={fd} level=1(SOL_SOCKET) optname=4(SO_ERROR) val=0 optlen=4"
    s.close()


# ---- memory


VM = "vm_size=# vm_rss=# vm_swap=#"


@case
def memory(f):
    path = f.make("mapped", b"x" * 8192)
    fd = os.open(path, os.O_RDONLY)
    at = call("mmap", 0, 8192, mmap.PROT_READ, mmap.MAP_PRIVATE | 0x8000, fd, 4096)
    yield (
        f"mmap res={at} {VM} addr=0 length=8192 prot=1(PROT_READ) "
        f"flags=130(MAP_PRIVATE|MAP_POPULATE) fd={fd}(<f>{path}) offset=4096"
    )
    call("mprotect", at, 4096, 0)
    yield f"mprotect res=0 addr={at:X} length=4096 prot=0(PROT_NONE)"
    call("mlock", at + 4096, 4096)
    yield f"mlock res=# addr={at + 4096:X} len=4096"
    call("mlock2", at + 4096, 4096, 1)
    yield f"mlock2 res=# addr={at + 4096:X} len=4096 flags=1(MLOCK_ONFAULT)"
    call("munlock", at + 4096, 4096)
    yield f"munlock res=# addr={at + 4096:X} len=4096"
    call("munmap", at, 8192)
    yield f"munmap res=0 {VM} addr={at:X} length=8192"
    call("mmap", 0, 0, mmap.PROT_READ, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1, 0)
    yield (
        f"mmap res=-22(EINVAL) {VM} addr=0 length=0 prot=1(PROT_READ) "
        "flags=9(MAP_SHARED|MAP_ANONYMOUS) fd=-1 offset=0"
    )
    call("mlockall", 7 << 4)
    yield "mlockall res=-22(EINVAL) flags=112"
    call("munlockall")
    yield "munlockall res=0"
    top = call("brk", 0)
    yield f"brk res={top:X} {VM} addr=0"
    os.close(fd)


@case
def other_memory(f):
    mine, keep = iovec(b"....")
    theirs, keep2 = iovec(b"peek")
    call("process_vm_readv", os.getpid(), mine, 1, theirs, 1, 0)
    yield f"process_vm_readv res=4 pid={os.getpid()}(#comm#) data=peek"
    call("process_vm_writev", os.getpid(), theirs, 1, mine, 1, 0)
    yield f"process_vm_writev res=4 pid={os.getpid()}(#comm#) data=peek"
    del keep, keep2


# ---- processes


@case
def signals(f):
    me = f"{os.getpid()}(#comm#)"
    call("kill", os.getpid(), 0)
    yield f"kill res=0 pid={me} sig=0"
    call("kill", 2**22 + 1, signal.SIGTERM)
    yield f"kill res=-3(ESRCH) pid={2**22 + 1} sig=15(SIGTERM)"
    call("tkill", os.getpid(), 0)
    yield f"tkill res=0 tid={me} sig=0"
    call("tgkill", os.getpid(), os.getpid(), 0)
    yield f"tgkill res=0 pid={me} tid={me} sig=0"


@case
def limits(f):
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    room = buffer(16, struct.pack("<qq", soft, hard))
    call("prlimit64", 0, 4, room, 0)
    yield (
        f"prlimit res=0 newcur={soft} newmax={hard} oldcur=0 oldmax=0 pid=0 resource=4(RLIMIT_CORE)"
    )
    call("getrlimit", 7, room)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield f"getrlimit res=0 cur={soft} max={hard} resource=7(RLIMIT_NOFILE)"
    call("setrlimit", 99, room)
    yield f"setrlimit res=-22(EINVAL) cur={soft} max={hard} resource=255(RLIMIT_UNKNOWN)"


@case
def identity(f):
    for name in ("getuid", "geteuid"):
        call(name)
        yield f"{name} {name[3:]}=0(root)"
    for name in ("getgid", "getegid"):
        call(name)
        yield f"{name} {name[3:]}=0(root)"
    a, b, c = ((ctypes.c_uint * 1)() for _ in range(3))
    call("getresuid", a, b, c)
    yield "getresuid res=0 ruid=0(root) euid=0(root) suid=0(root)"
    call("getresgid", a, b, c)
    yield "getresgid res=0 rgid=0(root) egid=0(root) sgid=0(root)"
    call("setuid", 0)
    yield "setuid res=0 uid=0(root)"
    call("setgid", 0)
    yield "setgid res=0 gid=0(root)"
    call("setresuid", 0, -1, 0)
    yield "setresuid res=0 ruid=0(root) euid=-1(<NONE>) suid=0(root)"
    call("setresgid", 0, 0, -1)
    yield "setresgid res=0 rgid=0(root) egid=0(root) sgid=-1(<NONE>)"
    call("setreuid", 0, 0)
    yield "setreuid res=0 ruid=0(root) euid=0(root)"
    call("setregid", 0, 0)
    yield "setregid res=0 rgid=0(root) egid=0(root)"


@case
def names_of_threads(f):
    call("prctl", 15, b"telling", 0, 0, 0)
    yield "prctl res=0 option=15(PR_SET_NAME) arg2_str=telling arg2_int=0"
    call("prctl", 36, 1, 0, 0, 0)
    yield "prctl res=0 option=36(PR_SET_CHILD_SUBREAPER) arg2_str=<NA> arg2_int=1"
    value = (ctypes.c_int * 1)()
    call("prctl", 37, value, 0, 0, 0)
    yield "prctl res=0 option=37(PR_GET_CHILD_SUBREAPER) arg2_str=<NA> arg2_int=1"
    call("prctl", 36, 0, 0, 0, 0)
    yield "prctl res=0 option=36(PR_SET_CHILD_SUBREAPER) arg2_str=<NA> arg2_int=0"


@case
def sessions(f):
    call("setpgid", 2**22 + 1, 2**22 + 2)
    yield f"setpgid res=-3(ESRCH) pid={2**22 + 1} pgid=4194306"
    call("unshare", 0x04000000)
    yield "unshare res=0 flags=128(CLONE_NEWUTS)"
    fd = os.open("/proc/self/ns/uts", os.O_RDONLY)
    call("setns", fd, 0x04000000)
    yield f"setns res=0 fd={fd}(<f>/proc/self/ns/uts) nstype=128(CLONE_NEWUTS)"
    os.close(fd)
    call("seccomp", 99, 3, 0)
    yield "seccomp res=-22(EINVAL) op=99 flags=3"
    call("ptrace", 7, 2**22 + 1, 0, 9)
    yield "ptrace res=-3(ESRCH) addr=0 data=9(SIGKILL) request=8(PTRACE_CONT) pid=4194305"
    call("chroot", b"/nowhere")
    yield "chroot res=-2(ENOENT) path=/nowhere"


@case
def semaphores(f):
    key = call("semget", 0, 2, 0o1600)
    yield f"semget res={key} key=0 nsems=2 semflg=8576(IPC_CREAT)"
    operations = struct.pack("<HhhHhh", 0, 3, 0, 1, 0, 0o4000)
    call("semop", key, operations, 2)
    yield (
        "semop res=0 nsops=2 sem_num_0=0 sem_op_0=3 sem_flg_0=0 sem_num_1=1 sem_op_1=0 "
        f"sem_flg_1=1(IPC_NOWAIT) semid={key}"
    )
    call("semctl", key, 1, 16, 7)
    yield f"semctl res=0 semid={key} semnum=1 cmd=4096(SETVAL) val=7"
    call("semctl", key, 0, 0)
    yield f"semctl res=0 semid={key} semnum=0 cmd=4(IPC_RMID) val=0"


# ---- the system


@case
def system(f):
    call("mount", b"none", b"/nowhere", b"tmpfs", 1 | 2 | 0x4000, 0)
    yield ("mount res=-2(ENOENT) dev=none dir=/nowhere type=tmpfs flags=16387(RDONLY|NOSUID|REC)")
    call("umount2", b"/nowhere", 2)
    yield "umount2 res=-2(ENOENT) name=/nowhere flags=2(DETACH)"
    call("delete_module", b"nothing", 0o4000)
    yield "delete_module res=# name=nothing flags=2(O_NONBLOCK)"
    call("finit_module", 9999, b"a=1", 1)
    yield "finit_module res=# fd=9999 uargs=a=1 flags=1(MODULE_INIT_IGNORE_MODVERSIONS)"
    call("init_module", b"image", 5, b"b=2")
    yield "init_module res=# img=image length=5 uargs=b=2"
    call("io_uring_enter", 9999, 1, 2, 1, 0, 0)
    yield (
        "io_uring_enter res=# fd=9999 to_submit=1 min_complete=2 "
        "flags=1(IORING_ENTER_GETEVENTS) sig="
    )
    call("io_uring_register", 9999, 8, 0, 3)
    yield "io_uring_register res=# fd=9999 opcode=8(IORING_REGISTER_PROBE) arg=0 nr_args=3"
    call("fsconfig", 9999, 1, b"key", b"value", 0)
    yield (
        "fsconfig res=# fd=9999 cmd=1(FSCONFIG_SET_STRING) key=key value_bytebuf=NULL "
        "value_charbuf=value aux=0"
    )
    call("quotactl", 0x80000700 | 0x01, b"/dev/none", 5, 0)
    yield "quotactl res=# special=/dev/none #rest#"


@case
def capabilities(f):
    head, sets = struct.pack("<II", 0x20080522, 0), buffer(24)
    call("capget", head, sets)
    call("capset", head, sets)
    yield "capset res=0 cap_inheritable=#hex# cap_permitted=#hex# cap_effective=#hex#"


@case
def rings_and_handles(f):
    room = buffer(120)
    fd = call("io_uring_setup", 4, room)
    if fd >= 0:
        yield (
            f"io_uring_setup res={fd} entries=4 sq_entries=4 cq_entries=8 flags=0 sq_thread_cpu=0 "
            "sq_thread_idle=0 features=#rest#"
        )
        os.close(fd)
    path = f.make("handle")
    handle, mount = buffer(136, struct.pack("<Ii", 128, 0)), (ctypes.c_int * 1)()
    if call("name_to_handle_at", CWD, path.encode(), handle, mount, 0) == 0:
        fd = call("open_by_handle_at", CWD, handle, os.O_RDONLY)
        yield (
            f"open_by_handle_at fd={fd}(<f>{path}) mountfd=-100(AT_FDCWD) flags=1(O_RDONLY) "
            f"path={path} dev={dev_of(path)} ino={ino_of(path)}"
        )
        os.close(fd)


@case
def unreadable_memory(f):
    fd = os.open("/dev/null", os.O_WRONLY)
    call("write", fd, 8, 16)
    yield f"write res=16 data=NULL fd={fd}(<f>/dev/null) size=16"
    call("openat", CWD, 8, 0, 0)
    yield (
        "openat fd=-14(EFAULT) dirfd=-100(AT_FDCWD) name=<NA> flags=1(O_RDONLY) mode=0 dev=0 ino=0"
    )
    os.close(fd)


@case
def without_an_event(f):
    call("sched_yield")
    yield "sched_yield "
    call("getpid")
    yield "getpid "


def mark(folder, name):
    """The event that stands before each case."""
    call("faccessat", CWD, f"{folder}/begin-{name}".encode(), 0)
    fd = call("openat", CWD, f"{folder}/begin-{name}".encode(), 0, 0)
    assert fd < 0, name


def main(folder):
    Path(folder).mkdir(exist_ok=True)
    files = Files(folder)
    for name, function in CASES.items():
        mark(folder, name)
        lines = list(function(files))
        print(json.dumps({"case": name, "lines": lines}), flush=True)
    mark(folder, "end")


if __name__ == "__main__":
    if len(sys.argv) > 2:  # start when told to: the capture is ready then
        sys.stdin.readline()
    main(sys.argv[1])
    time.sleep(0)
