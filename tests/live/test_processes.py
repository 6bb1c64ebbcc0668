"""Events of processes: creation, other programs, the end, signals."""

import os
import re
import sys
from pathlib import Path

from harness import run

CHILD = r"""
import os, signal, sys
child = os.fork()
if child == 0:
    os.execv("/bin/echo", ["telling", "one", "two words"])
os.waitpid(child, 0)
try:
    os.execve("/nowhere/tool", ["tool", "-x"], {"KEY": "value"})
except OSError:
    pass
child = os.fork()
if child == 0:
    os._exit(7)
os.waitpid(child, 0)
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.write(writer, b"!")
    signal.pause()
    signal.pause()
os.read(reader, 1)
os.kill(child, signal.SIGUSR1)
import time; time.sleep(0.1)
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
"""


def lines_of(result, kind):
    return [line for line in result.lines if line.split(" ")[1] == kind]


def test_exec_fork_and_exit():
    result = run([sys.executable, "-c", CHILD])
    echo = next(line for line in lines_of(result, "execve") if "exe=telling" in line)
    assert re.fullmatch(
        r"(\d+) execve res=0 exe=telling args=one\.two words\. tid=\1\(echo\) pid=\1\(echo\) "
        rf"ptid={result.pid}\(\S+\) cwd={re.escape(str(Path.cwd()))} fdlimit=\d+ "
        r"pgft_maj=\d+ pgft_min=\d+ vm_size=\d+ "
        r"vm_rss=\d+ vm_swap=\d+ comm=echo cgroups=.* env=.* tty=\d+ vpgid=\d+(\(\S+\))? "
        r"loginuid=\S+ flags=1\(EXE_WRITABLE\) cap_inheritable=0 cap_permitted=[0-9A-F]+ "
        r"cap_effective=[0-9A-F]+ exe_ino=%d exe_ino_ctime=.* exe_ino_mtime=.* uid=0\(root\) "
        r"trusted_exepath=/usr/bin/echo pgid=\d+(\(\S+\))? gid=0\(root\) filename=/bin/echo"
        % Path("/bin/echo").stat().st_ino,
        echo,
    ), echo
    failed = next(line for line in lines_of(result, "execve") if "exe=tool" in line)
    assert re.match(rf"{result.pid} execve res=-2\(ENOENT\) exe=tool args=-x\. tid=", failed)
    assert " env=KEY=value. " in failed
    assert failed.endswith(" filename=/nowhere/tool")


def test_both_sides_of_a_fork():
    result = run([sys.executable, "-c", CHILD])
    sides = [line for kind in ("clone", "fork") for line in lines_of(result, kind)]
    parents = [line for line in sides if line.startswith(f"{result.pid} ")]
    children = {line.split(" ")[0] for line in sides if " res=0 " in line}
    assert {re.search(r" res=(\d+)", line)[1] for line in parents} == children
    assert len(parents) == len(children) == 3


def test_exit_codes_and_signals():
    result = run([sys.executable, "-c", CHILD])
    ends = [line.partition(" ")[2] for line in lines_of(result, "procexit")]
    assert "procexit status=1792 ret=7 sig=0 core=0 reaper_tid=0" in ends
    assert "procexit status=15 ret=0 sig=15(SIGTERM) core=0 reaper_tid=0" in ends
    reached = [line for line in lines_of(result, "signaldeliver") if "SIGUSR1" in line]
    assert re.fullmatch(
        rf"(\d+) signaldeliver spid={result.pid}\(\S+\) dpid=\1\(\S+\) sig=10\(SIGUSR1\)",
        reached[0],
    )


def test_threads_belong_to_their_process():
    code = "import threading; t = threading.Thread(target=print); t.start(); t.join()"
    result = run([sys.executable, "-c", code], "%thread.tid %evt.type %evt.args")
    made = [line for line in lines_of(result, "clone3") if " res=0 " in line]
    assert len(made) == 1
    assert re.search(rf" pid={result.pid}\(", made[0])
    assert "CLONE_THREAD" in made[0]


def test_a_tree_outlives_its_root():
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(0.2); os.open('/dev/full', 0)\n"
        "        os._exit(0)\n"
        "    os._exit(0)\n"
        "os.wait(); time.sleep(0.5)\n"
    )
    result = run([sys.executable, "-c", code])
    assert any("name=/dev/full" in line for line in lines_of(result, "openat"))


def test_switches_and_page_faults_on_request():
    argv = [sys.executable, "-c", "import time; time.sleep(0.01)"]
    plain = run(argv)
    assert not lines_of(plain, "switch")
    assert not lines_of(plain, "page_fault")
    full = run(argv, switches=True, page_faults=True)
    assert any(
        re.search(r" switch next=\d+.* vm_swap=0$", line) for line in lines_of(full, "switch")
    )
    fault = lines_of(full, "page_fault")[0]
    assert re.search(
        r" page_fault addr=[0-9A-F]+ ip=[0-9A-F]+ error=\d+\(.*_(FAULT|FETCH)\)$", fault
    )


def test_no_signals_on_request():
    result = run(["/bin/sh", "-c", "true & wait"], signals=False)
    assert lines_of(result, "procexit")
    assert not lines_of(result, "signaldeliver")


def test_the_capture_itself_is_left_out():
    result = run(["/bin/sleep", "0.1"], tree=False)
    assert result.lines
    assert not [line for line in result.lines if line.startswith(f"{os.getpid()} ")]
