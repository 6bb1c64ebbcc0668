"""The same lines whether the kernel or the engine decides, for programs that change while they run.

Both captures run at the same time over the same workload: whatever differs is the filter's doing.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PYSCAP = [str(Path(sys.executable).parent / "pyscap")]
LINE = "%thread.tid %proc.name %proc.pid [%proc.tree] %user.uid %evt.type %evt.args"

WORK = r"""
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
def name(text):
    libc.prctl(15, text.encode(), 0, 0, 0)
def touch(path='/etc/hostname'):
    with open(path, 'rb', 0) as file:
        file.read(4)
def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid
def wait(pid):
    os.waitpid(pid, 0)
start, stop = os.pipe()
def cat(path):
    os.execv('/bin/cat', ['cat', path])
old = child(lambda: (os.close(stop), os.read(start, 1), touch(), cat('/etc/hostname')))
print('ready', flush=True)
sys.stdin.readline()
def orphan():
    def left():
        while os.getppid() == parent:
            time.sleep(0.01)
        touch()
        child(lambda: cat('/etc/passwd'))
    parent = os.getpid()
    child(left)
def renamed_by_other():
    tid, go = [], threading.Event()
    def run():
        tid.append(threading.get_native_id())
        touch()
        go.wait()
        touch('/etc/passwd')
    thread = threading.Thread(target=run)
    thread.start()
    while not tid:
        time.sleep(0.01)
    with open(f'/proc/self/task/{tid[0]}/comm', 'w') as file:
        file.write('pb-wanted')
    go.set()
    thread.join()
def inherits():
    fd = os.open('/etc/passwd', os.O_RDONLY)
    name('pb-wanted')
    os.read(fd, 10)
    wait(child(lambda: (os.read(fd, 10), name('pb-other'), os.read(fd, 10))))
    os.chdir('/tmp')
    touch('/etc/hostname')
    os.open('nothing', os.O_RDONLY | os.O_CREAT, 0o600)
def other_user():
    os.setuid(65534)
    touch()
    try:
        os.open('/etc/shadow', os.O_RDONLY)
    except OSError:
        pass
wait(child(orphan))
renamed_by_other()
wait(child(inherits))
wait(child(other_user))
try:
    os.execv('/nowhere/x', ['x'])
except OSError:
    pass
os.write(stop, b'x')
wait(old)
time.sleep(0.3)
os.chdir('/bin')
os.execv('./cat', ['cat', '/etc/hostname'])
"""

FILTERS = {
    "name": "proc.name = pb-wanted",
    "names": "proc.name in (pb-wanted, cat) and evt.type in (openat, read, execve, procexit)",
    "either": "proc.tree = {pid} and (proc.name = pb-other or proc.name = pb-wanted)",
    "tree": "proc.tree = {pid}",
    "tree_and_type": "proc.tree = {pid} and evt.type in (execve, openat, clone)",
    "user": "user.uid = 65534 and proc.tree = {pid} and evt.type in (openat, read)",
    "success": "proc.tree = {pid} and evt.res = SUCCESS",
    "failure": "proc.tree = {pid} and evt.failed = true",
    "executed": "evt.type = execve and proc.name = cat and evt.failed = false",
}


def capture(text, *options):
    ready, wants = os.pipe()
    argv = [*PYSCAP, "-p", LINE, f"--ready-fd={wants}", *options, text]
    run = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[wants]
    )
    os.close(wants)
    said = os.read(ready, 10)
    os.close(ready)
    assert said == b"ready\n", run.communicate()
    return run


@pytest.mark.parametrize("kind", FILTERS)
def test_the_same_with_and_without(kind):
    argv = [sys.executable, "-c", WORK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(argv, text=True, **pipes) as work:
        work.stdout.readline()
        text = FILTERS[kind].format(pid=work.pid)
        runs = [capture(text), capture(text, "--no-pushdown")]
        work.communicate("go\n")
    seen = []
    for run in runs:
        run.send_signal(signal.SIGINT)
    for run in runs:
        lines, errors = run.communicate(timeout=60)
        assert " 0 lost" in errors
        own = rf"\[.*\b{work.pid}\b"
        seen.append(sorted(line for line in lines.splitlines() if re.search(own, line)))
    pushed, whole = seen
    assert len(whole) >= 3
    assert pushed == whole
