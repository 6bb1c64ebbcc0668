"""Names stay right through what real programs do: daemons, renames, threads, passed descriptors."""

import sys

from harness import run

TEMPLATE = "*%thread.tid|%proc.pid|%proc.name|%proc.ppid|%proc.sid|%user.uid|%evt.type|%fd.name"

WORKLOAD = r"""
import array, ctypes, os, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
where = sys.argv[1]

def rename(name):
    libc.prctl(15, name.encode(), 0, 0, 0)

def mark(name):
    with open(f"{where}/{name}", "w") as file:
        file.write(name)

# 23 workers, each under its own name
workers = []
for n in range(23):
    child = os.fork()
    if child == 0:
        rename(f"worker-{n}")
        mark(f"work-{n}")
        os._exit(0)
    workers.append(child)
for child in workers:
    os.waitpid(child, 0)

# a daemon that forks twice; its parent is gone when it works
child = os.fork()
if child == 0:
    os.setsid()
    rename("daemon-first")
    if os.fork() == 0:
        parent = os.getppid()
        while os.getppid() == parent and parent != 1:
            time.sleep(0.01)
        rename("daemon-last")
        mark("daemon")
        os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
while not os.path.exists(f"{where}/daemon"):
    time.sleep(0.01)

# another program from a thread that is not the first
child = os.fork()
if child == 0:
    thread = threading.Thread(target=lambda: os.execv("/bin/cat", ["cat", f"{where}/daemon"]))
    thread.start()
    thread.join()
os.waitpid(child, 0)

# a descriptor that comes through a socket
here, there = socket.socketpair()
child = os.fork()
if child == 0:
    rename("receiver")
    here.close()
    _, control, _, _ = there.recvmsg(1, 1024)
    (number,) = array.array("i", control[0][2][:4])
    os.write(number, b"through")
    time.sleep(0.5)  # what came through a socket is looked for while its process lives
    os._exit(0)
file = os.open(f"{where}/passed", os.O_CREAT | os.O_WRONLY)
here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
os.waitpid(child, 0)

# namespaces of its own, and another user
child = os.fork()
if child == 0:
    rename("unshared")
    libc.unshare(0x20000 | 0x4000000)
    mark("unshared")
    os.setgid(65534)
    os.setuid(65534)
    os.open("/etc/hostname", os.O_RDONLY)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_names_are_right_through_what_programs_do(tmp_path):
    result = run([sys.executable, "-c", WORKLOAD, str(tmp_path)], TEMPLATE)
    assert not result.counters.dropped
    rows = [line.split("|") for line in result.lines]

    def who(kind, fd_name):
        return [r for r in rows if r[6] == kind and r[7] == fd_name]

    for number in range(23):
        (row,) = who("write", f"{tmp_path}/work-{number}")
        assert (row[2], row[3]) == (f"worker-{number}", str(result.pid))

    (row,) = who("write", f"{tmp_path}/daemon")
    assert row[2] == "daemon-last"
    assert row[3] != str(result.pid)
    leader = next(r for r in rows if r[6] == "setsid")
    assert row[4] == leader[1] != row[1]

    reads = who("read", f"{tmp_path}/daemon")
    assert reads
    assert {r[2] for r in reads} == {"cat"}
    assert {r[0] for r in reads} == {r[1] for r in reads}

    (row,) = [r for r in rows if r[2] == "receiver" and r[6] == "write"]
    assert row[7] == f"{tmp_path}/passed"

    (row,) = who("write", f"{tmp_path}/unshared")
    assert (row[2], row[5]) == ("unshared", "0")
    (row,) = who("openat", "/etc/hostname")[-1:]
    assert (row[2], row[5]) == ("unshared", "65534")
