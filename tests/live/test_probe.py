"""The probe's own promises: counters, filters in the kernel, lengths, durations."""

import collections
import errno
import itertools
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from harness import run

from pyscap.probe import generate, layout, loader
from pyscap.probe.compiler import compile_program
from pyscap.probe.loader import MAX_SNAPLEN, Probe, ProbeConfig
from pyscap.probe.pushdown import Pushdown

LOOP = (
    "import os\nfd = os.open('/dev/null', os.O_WRONLY)\nfor n in range({}): os.write(fd, b'x' * {})"
)


def adds_up(counters):
    return counters.produced == counters.delivered + counters.filtered + counters.dropped


def python(code):
    return [sys.executable, "-c", code]


THREADS = """
import os, socket, threading
def work():
    a, b = socket.socketpair()
    a.send(b"hello"); b.recv(9); os.pipe(); a.close(); b.close()
    try: os.open("/nowhere", os.O_RDONLY)
    except OSError: pass
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if os.fork() == 0: os._exit(3)
os.wait()
"""


def test_every_event_that_was_delivered_is_read():
    result = run(python(LOOP.format(20000, 10)))
    assert result.stats["events"] == result.counters.delivered
    assert result.stats["damaged"] == 0
    assert result.counters.dropped == 0
    assert adds_up(result.counters)


def test_a_full_ring_is_counted_not_hidden():
    def wait(_probe, child):
        child.wait()

    result = run(python(LOOP.format(20000, 80)), ring_bytes=1 << 16, while_running=wait)
    assert result.counters.dropped_ring_full > 10000
    assert result.stats["events"] == result.counters.delivered
    assert adds_up(result.counters)


def test_events_of_two_processors_come_in_the_order_of_time():
    code = "import os\nfor n in range(20000): os.getppid()"
    argv = ["/bin/sh", "-c", '"$@" & "$@"; wait', "sh", *python(code)]
    result = run(argv, "%evt.rawtime %evt.cpu")
    times = [int(line.split(" ")[0]) for line in result.lines]
    assert len(times) > 40000
    assert times == sorted(times)


def test_one_shared_ring_has_the_same_events():
    result = run(python(LOOP.format(100, 3)), shared_ring=True)
    assert sum(" write res=3 data=xxx " in line for line in result.lines) == 100


STRACE_LINE = re.compile(
    r"(?P<tid>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?:\(| resumed).* = "
    r"(?P<value>\?|-?\w+)(?: (?P<error>E\w+))?"
)
STRACE_NAMES = {"pread64": "pread", "pwrite64": "pwrite", "prlimit64": "prlimit"}
NO_EXIT = {"exit", "exit_group", "rt_sigreturn"}
RESTARTS = range(-516, -511)
"""Results that only the kernel sees: the call is made again."""


def by_strace(log):
    """The calls that strace saw end: name and result by thread, in their order."""
    calls = collections.defaultdict(list)
    for line in filter(None, map(STRACE_LINE.match, log.splitlines())):
        if line["name"] in NO_EXIT:
            continue
        value = None if line["value"] == "?" else int(line["value"], 0)
        if value == -1 and line["error"]:
            value = -getattr(errno, line["error"])
        calls[line["tid"]].append((STRACE_NAMES.get(line["name"], line["name"]), value))
    return calls


def by_pyscap(lines, root):
    """The same of a capture; that of `root` begins where it becomes the traced program."""
    calls = collections.defaultdict(list)
    for tid, name, value in (line.split(" ") for line in lines):
        result = int(value) if re.fullmatch(r"-?\d+", value) else None
        is_child = result == 0 and name in ("clone", "vfork", "fork", "clone3")
        if tid == root and (name, result) == ("execve", 0):
            calls[tid].clear()
        if name not in ("procexit", "signaldeliver") and not is_child:
            calls[tid].append((name, None if result in RESTARTS else result))
    return calls


def agreed(own, other):
    """Results that both tell; a call without an event of its own has none."""
    return [
        (name, value if both is not None else None)
        for (name, value), (_, both) in itertools.zip_longest(own, other, fillvalue=("", None))
    ]


CALLS = (
    "cat /etc/hostname | wc -c; ls -l / > /dev/null; test -e /nowhere; cd /tmp; (sleep 0.1 & wait);"
    "mkdir pb.$$ && touch pb.$$/x && mv pb.$$/x pb.$$/y && rm -r pb.$$; cat /nowhere; kill -0 1"
)


@pytest.mark.parametrize("program", [["/bin/sh", "-c", CALLS], python(THREADS)], ids=["sh", "py"])
def test_the_same_calls_and_results_as_strace(tmp_path, program):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    log = tmp_path / "strace"
    result = run(["strace", "-f", "-o", str(log), *program], "*%thread.tid %evt.type %evt.rawres")
    text = log.read_text()
    traced = by_strace(text)
    seen = by_pyscap(result.lines, text.split(" ")[0])
    assert sum(map(len, traced.values())) > 100
    assert len(traced) > 3
    for tid, calls in traced.items():
        assert agreed(seen[tid], calls) == agreed(calls, seen[tid])
    told = [value for calls in seen.values() for _, value in calls if value is not None]
    assert len(told) > 100


# ---- filters in the kernel


def events(result, *kinds):
    return [line.partition(" ")[2] for line in result.lines if line.split(" ")[1] in kinds]


WORK = (
    "import os\nfor n in range(5):\n os.close(os.open('/etc/hostname', os.O_RDONLY)); os.getppid()"
)


def test_pushed_events_are_the_same_as_filtered_ones():
    whole = run(python(WORK))
    pushed = run(python(WORK), pushdown=Pushdown(events=frozenset({307, 5})))
    assert {line.split(" ")[1] for line in pushed.lines} == {"openat", "close"}
    count = collections.Counter(line.split(" ", 1)[1] for line in whole.lines)
    for line, times in collections.Counter(events(pushed, "openat")).items():
        assert count[re.sub(r"\(<NA>\)", "", line)] == times or "<f>" in line
    assert len(events(pushed, "openat")) == len(events(whole, "openat"))
    assert pushed.counters.produced == pushed.counters.delivered + pushed.counters.filtered


def test_state_events_pass_whatever_the_process_filter_says():
    push = Pushdown(events=frozenset({307}), state=frozenset({5}), pids=frozenset({1}))
    result = run(python(WORK), tree=False, pushdown=push)
    assert events(result, "close")
    assert not events(result, "openat")


@pytest.mark.parametrize("kind", ["pids", "tids"])
def test_numbers_of_processes(kind):
    busy = python("import os, time\nwhile time.sleep(.01) is None: os.getppid()")
    with subprocess.Popen(busy) as other:
        push = Pushdown(**{kind: frozenset({other.pid})})
        result = run(["/bin/sleep", "0.3"], tree=False, pushdown=push)
        other.kill()
    assert {line.split(" ")[0] for line in result.lines} == {str(other.pid)}


def test_names():
    result = run(
        ["/bin/sh", "-c", "cat /etc/hostname; ls /"],
        "%proc.name %evt.type",
        tree=False,
        pushdown=Pushdown(comms=frozenset({"cat"})),
    )
    assert {line.split(" ")[0] for line in result.lines if "execve" not in line} == {"cat"}


def test_users():
    code = "import os; os.setuid(65534); [os.getppid() for _ in range(9)]"
    result = run(python(code), tree=False, pushdown=Pushdown(uids=frozenset({65534})))
    assert len(events(result, "getppid")) == 9
    assert len(result.lines) < 60


def test_groups_that_are_of_no_container_are_left_out(monkeypatch):
    own = Path("/sys/fs/cgroup").stat().st_ino
    for outside, seen in ((own, False), (own + 10**9, True)):
        monkeypatch.setattr(loader, "groups_outside", lambda _, ids={outside}: frozenset(ids))
        result = run(["/bin/true"], tree=False, pushdown=Pushdown(containers=frozenset()))
        assert bool(events(result, "execve")) == seen


def test_process_events_alone_watch_no_system_call():
    with Probe(ProbeConfig(pushdown=Pushdown(events=frozenset({186})))) as probe:
        before = probe.counters().produced
        for _ in range(1000):
            os.getppid()
        assert probe.counters().produced - before < 500


# ---- buffers and time


@pytest.mark.parametrize("length", [0, 1, 79, 80, 4096, MAX_SNAPLEN])
def test_lengths_are_exact(length):
    result = run(python(LOOP.format(1, 70000)), "*%evt.type %evt.buffer", snaplen=length)
    kept = [line.partition(" ")[2] for line in result.lines if line.startswith("write ")]
    assert [kind.replace("<NA>", "") for kind in kept] == ["x" * length]


def test_lengths_by_kind():
    code = (
        "import os, socket\n"
        "a, b = socket.socketpair(); a.send(b'n' * 300); b.recv(300)\n"
        "os.write(a.fileno(), b'm' * 300)\n"
        "os.write(os.open('/dev/null', 1), b'f' * 300)\n"
    )
    config = {"snaplen": 10, "snaplen_by_kind": {"net": 200}}
    result = run(python(code), "%evt.type %evt.buffer", **config)
    kept = [line.split(" ")[1] for line in result.lines if line.count(" ") == 1]
    assert "n" * 200 in kept
    assert "m" * 200 in kept
    assert "f" * 10 in kept


def test_durations_are_measured_from_entry_to_exit():
    code = "import time; time.sleep(0.05)"
    result = run(python(code), "%evt.type %evt.latency", durations=True)
    slept = [int(n) for kind, n in map(str.split, result.lines) if kind == "clock_nanosleep"]
    assert len(slept) == 1
    assert 50_000_000 <= slept[0] < 1_000_000_000


def test_time_stamps_are_the_time():
    before = time.time_ns()
    result = run(["/bin/true"], "%evt.rawtime")
    after = time.time_ns()
    assert all(before <= int(line) <= after for line in result.lines)


def test_the_own_number_is_that_of_the_host_even_in_a_namespace():
    code = "from pyscap.probe import bpf; import os; print(bpf.host_pid(), os.getpid())"
    plain = subprocess.run(python(code), capture_output=True, text=True, check=True).stdout.split()
    assert plain[0] == plain[1]
    argv = ["unshare", "--pid", "--fork", *python(code)]
    inside = subprocess.run(argv, capture_output=True, text=True, check=False)
    if inside.returncode:
        pytest.skip(f"no pid namespace can be made: {inside.stderr.strip()}")
    host, seen = map(int, inside.stdout.split())
    assert seen == 1
    assert host > 1


def test_a_tree_inside_a_pid_namespace():
    code = "from harness import run; print(*run(['/bin/echo', 'x']).lines, sep='\\n')"
    argv = ["unshare", "--pid", "--fork", "--mount-proc", *python(code)]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    inside = subprocess.run(argv, capture_output=True, text=True, check=False, env=here)
    if "unshare" in inside.stderr:
        pytest.skip(f"no pid namespace can be made: {inside.stderr.strip()}")
    assert inside.returncode == 0, inside.stderr
    assert " execve res=0 exe=/bin/echo args=x. " in inside.stdout


def test_failed_programs_are_seen_by_their_own_tracepoint_and_left_out_on_request():
    code = (
        "import os\ntry: os.execv('/nowhere', ['x'])\nexcept OSError: os.execv('/bin/true', ['y'])"
    )
    both = run(python(code), pushdown=Pushdown(events=frozenset({293})))
    assert [line.split(" ")[2] for line in both.lines if "exe=x " in line or "exe=y " in line] == [
        "res=-2(ENOENT)",
        "res=0",
    ]
    good = run(python(code), pushdown=Pushdown(events=frozenset({293}), succeeded=True))
    assert {line.split(" ")[2] for line in good.lines} == {"res=0"}


OLD_ENTRY = r"""
import ctypes, mmap
def call(nr, bx=0, cx=0):
    number = lambda n: n.to_bytes(4, "little")
    # push rbx; mov eax, ebx, ecx; int 0x80; pop rbx; ret
    code = b"\x53\xb8" + number(nr) + b"\xbb" + number(bx) + b"\xb9" + number(cx)
    code += b"\xcd\x80\x5b\xc3"
    page = mmap.mmap(-1, 4096, prot=7)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
low = ctypes.CDLL(None).mmap
low.restype = ctypes.c_void_p
low.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
at = low(0x10000, 4096, 3, 0x32, -1, 0)
ctypes.memmove(at, b"/etc/hostname\0", 14)
call(20)
call(5, at, 0o2000000)
call(8, 8)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the 32-bit entry is one of x86")
def test_callers_through_the_32_bit_entry():
    result = run(python(OLD_ENTRY))
    tail = [line.split(" ", 1)[1] for line in result.lines[-400:]]
    opened = [line for line in tail if line.startswith("open fd=")]
    assert len(opened) == 1
    assert " name=/etc/hostname flags=4097(O_RDONLY|O_CLOEXEC) mode=0 " in opened[0]
    assert "getpid " in tail
    created = [line for line in tail if line.startswith("creat ")]
    assert created[0].startswith("creat fd=-14(EFAULT) name=<NA> mode=0")


@pytest.mark.skipif(not loader.OLD_ENTRY.exists(), reason="there is no 32-bit entry")
def test_calls_of_their_own_tracepoints_are_known_to_miss_the_32_bit_entry():
    push = Pushdown(events=frozenset({293}))
    with Probe(ProbeConfig(pushdown=push)) as probe:
        assert probe.notes == [loader.OLD_ENTRY_NOTE]
    with Probe(ProbeConfig(pushdown=replace(push, succeeded=True))) as probe:
        assert not probe.notes


def test_the_program_of_the_other_architecture_compiles():
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    names = layout.OFFSETS | layout.OPTIONAL | layout.ARCH_OFFSETS[other]
    constants = {f"O_{name}": 8 for name in names}
    constants |= {f"O_REGS_ARG{n}": 8 * n for n in range(6)}
    constants |= {"SIZE_UPID": 16, "PIDTYPE_PGID": 2, "SIZE_RSS_COUNTER": 40, "O_RSS_COUNT": 8}
    constants |= {"RLIMIT_NOFILE_INDEX": 7, "PAGE_SHIFT_BITS": 12, f"ARCH_{other.upper()}": 1}
    constants |= {"TASK_COMPAT_BIT": 2, "NR_CPUS": 4, "TYPED_TRACEPOINT": 1, "HAVE_TASK_PT_REGS": 1}
    constants |= {
        "OPTION_CUSTOM": 1,
        "OPTION_OWNER": 1,
        "OPTION_DURATION": 1,
        "OPTION_UNREADABLE": 2,
    }
    constants |= generate.number_constants(other) | generate.flag_constants()
    constants["NR_PROGRAMS"] = len(generate.call_programs())
    text = generate.source(other, generate.ALL_CODES, generate.ALL_HOOKS)
    flags = tuple(f"-D{name}={value}" for name, value in sorted(constants.items()))
    bundle = compile_program(text, (*flags, "-Wno-everything"))
    assert set(generate.call_programs()) < set(bundle.programs)
    assert {"on_sys_exit", "on_fork", "on_exec", "on_exit"} < set(bundle.programs)
