"""Starts and ends a capture in the kernel: compiles, makes maps, loads, attaches.

In:  `ProbeConfig`. Out: `Probe`: descriptors of the rings, counters. Next: the engine maps and
drains the rings (`crates/engine/src/source/ring.rs`).
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from pyscap.format.versions import OPTION_CUSTOM, OPTION_OWNER, OwnOption
from pyscap.model.syscalls import IA32_TO_X86_64
from pyscap.probe import bpf, generate, layout
from pyscap.probe.btf import TYPEDEF, Btf
from pyscap.probe.cgroups import groups_outside
from pyscap.probe.compiler import Bundle, MapShape, compile_program, keep_log
from pyscap.probe.errors import ProbeError, ProbeRejected
from pyscap.probe.procfs import children_of
from pyscap.probe.pushdown import NOTHING_PUSHED, Pushdown
from pyscap.probe.tracefs import Tracefs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_SNAPLEN = 65000
"""Bytes of one parameter: lengths are 16 bits wide and a block must stay below 65,544 bytes."""
DEFAULT_SNAPLEN = 80
DEFAULT_RING_BYTES = 8 << 20
SNAP_KINDS = ("file", "net", "exec", "other")
GENERIC = 1
"""Event of the calls that have none of their own."""
SYSCALL_SLOTS = 512
TREE_LIMIT = 65536
"""Processes that a followed tree can have at a time."""
ENTERED_LIMIT = 65536
"""Threads whose calls can be measured at a time."""

PROCESS_EVENTS = frozenset({293, 331, 186, 223, 225, 227, 335})
"""Events that tracepoints write when an exec succeeds, for a new task, and at the end of a task."""


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """What to capture, and how."""

    snaplen: int = DEFAULT_SNAPLEN
    """Bytes kept of each buffer, 0 to `MAX_SNAPLEN`."""
    snaplen_by_kind: dict[str, int] = field(default_factory=dict)
    """Other lengths for `file`, `net`, `exec` (environment) and `other` buffers."""
    ring_bytes: int = DEFAULT_RING_BYTES
    """Bytes of each ring: a power of two, at least one page."""
    shared_ring: bool = False
    """One ring for all processors, in the order of events, instead of one for each."""
    self_pid: int | None = None
    """Process to leave out, as the host numbers it; None: this one, False is spelled 0: none."""
    pushdown: Pushdown = NOTHING_PUSHED
    """What the kernel decides."""
    switches: bool = False
    """Report every change of the running task."""
    page_faults: bool = False
    """Report page faults."""
    signals: bool = True
    """Report the delivery of signals."""
    durations: bool = False
    """Measure each call from entry to exit."""
    use_cache: bool = True
    """Keep the compiled program for the next start."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel side counted, over all processors or on one.

    `produced` equals the sum of all others.
    """

    produced: int = 0
    """Events the program looked at."""
    delivered: int = 0
    """Events that reached a ring."""
    filtered: int = 0
    """Events that were not wanted."""
    dropped_ring_full: int = 0
    """Lost: the reader was too slow."""
    dropped_too_big: int = 0
    """Lost: larger than a block may be."""
    dropped_scratch: int = 0
    """Lost: the processor's memory was in use by another program."""
    dropped_no_program: int = 0
    """Lost: no program to write the event."""

    @property
    def dropped(self) -> int:
        """Events lost, whatever the reason."""
        return (
            self.dropped_ring_full
            + self.dropped_too_big
            + self.dropped_scratch
            + self.dropped_no_program
        )

    def __add__(self, other: Counters) -> Counters:
        """Both together."""
        return Counters(*(a + b for a, b in zip(_values(self), _values(other), strict=True)))


COUNTER_NAMES = (
    "produced",
    "delivered",
    "filtered",
    "dropped_ring_full",
    "dropped_too_big",
    "dropped_scratch",
    "dropped_no_program",
)
"""In the order of `struct counters` in event.bpf.c."""


def _values(counters: Counters) -> tuple[int, ...]:
    return tuple(getattr(counters, name) for name in COUNTER_NAMES)


@dataclass(frozen=True)
class ProgramKind:
    """What a program is loaded as."""

    kind: int
    attach: int = 0
    btf_id: int = 0


@dataclass(frozen=True)
class Selection:
    """What a configuration needs from the kernel."""

    codes: frozenset[int]
    """Exit events of system calls that some program writes."""
    calls: dict[int, int]
    """Wanted system calls: native number to event code."""
    hooks: frozenset[str]
    """Programs at tracepoints of their own."""


SILENT_CALLS = frozenset({"exit", "exit_group", "rt_sigreturn"})
"""Calls that do not return."""
EXEC_CALLS = frozenset({"execve", "execveat"})
"""Calls whose success is written from a tracepoint."""


def select(config: ProbeConfig, arch: str) -> Selection:
    """Which calls and tracepoints a configuration needs."""
    wanted = config.pushdown.events
    needed = None if wanted is None else wanted | config.pushdown.state
    watched = needed if config.pushdown.state_by_calls else wanted
    names = config.pushdown.calls
    silent = SILENT_CALLS | (EXEC_CALLS if config.pushdown.succeeded else frozenset())
    calls = {
        spec.nr: generate.row_of(spec.exit_code)
        for spec in generate.SYSCALLS[arch]
        if spec.name not in silent
        and (names is None or generate.row_of(spec.exit_code) != GENERIC or spec.name in names)
        and (
            watched is None
            or spec.exit_code in watched
            or generate.row_of(spec.exit_code) in watched
        )
    }
    hooks = {
        "on_exec": 293,
        "on_exit": 186,
        "on_rename": 401,
        "on_switch": 152 if config.switches else None,
        "on_signal": 232 if config.signals else None,
        "on_fault_user": 290 if config.page_faults else None,
        "on_fault_kernel": 290 if config.page_faults else None,
    }
    chosen = {name for name, code in hooks.items() if code and (needed is None or code in needed)}
    trees = config.pushdown.trees is not None
    if needed is None or needed & PROCESS_EVENTS or trees:
        chosen.add("on_fork")
    if trees:
        chosen.add("on_process_free")
    return Selection(frozenset(calls.values()), calls, frozenset(chosen))


TRACEPOINTS = {
    "on_sys_exit": "sys_exit",
    "on_sys_enter": "sys_enter",
    "on_fork": "sched_process_fork",
    "on_rename": "task_rename",
    "on_process_free": "sched_process_free",
    "on_fault_user": "page_fault_user",
    "on_fault_kernel": "page_fault_kernel",
} | {name: hook.tracepoint for name, hook in generate.HOOKS.items()}


def possible_cpus(path: Path = Path("/sys/devices/system/cpu/possible")) -> int:
    """How many processors this machine can have: one more than the highest number."""
    try:
        return int(path.read_text().strip().replace("-", ",").split(",")[-1]) + 1
    except (OSError, ValueError):
        return os.cpu_count() or 1


def boot_offset_ns() -> int:
    """Epoch time minus time since boot, in ns, from the closest of a few pairs of readings."""
    best, offset = None, 0
    for _ in range(8):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        now = time.time_ns()
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if best is None or after - before < best:
            best, offset = after - before, now - (before + after) // 2
    return offset


def own_pid() -> int:
    """This process's number as the kernel's programs see it."""
    try:
        return bpf.host_pid()
    except bpf.BpfError:
        return os.getpid()


def snaplens(config: ProbeConfig) -> list[int]:
    """Bytes kept by kind of buffer, in the order of the program's enumeration.

    Raises:
        ProbeError: a length is out of range, or a kind is unknown.
    """
    unknown = set(config.snaplen_by_kind) - set(SNAP_KINDS)
    if unknown:
        msg = f"unknown kind of buffer: {', '.join(sorted(unknown))}"
        raise ProbeError(msg, f"use {', '.join(SNAP_KINDS)}")
    lengths = [config.snaplen_by_kind.get(kind, config.snaplen) for kind in SNAP_KINDS]
    if "exec" not in config.snaplen_by_kind:
        lengths[SNAP_KINDS.index("exec")] = 4096
    if any(not 0 <= length <= MAX_SNAPLEN for length in lengths):
        msg = f"a snaplen is out of range: {lengths}"
        raise ProbeError(msg, f"use 0 to {MAX_SNAPLEN}")
    return lengths


def flags_of(config: ProbeConfig) -> int:
    """The bits of `generate.FLAGS` for a configuration."""
    push = config.pushdown
    in_use = {
        "PIDS": push.pids is not None,
        "TIDS": push.tids is not None,
        "UIDS": push.uids is not None,
        "COMMS": push.comms is not None,
        "TREE": push.trees is not None,
        "ONLY_TREE": push.only_trees,
        "CONTAINERS": push.containers is not None,
        "SUCCEEDED": push.succeeded,
        "DURATIONS": config.durations,
        "SNAP_BY_KIND": len(set(snaplens(config)[:2])) > 1,
    } | {f"STATE_{n.upper()}": code in push.state for n, code in generate.HOOK_CODES.items()}
    return sum(generate.FLAGS[name] for name, used in in_use.items() if used)


class RingReader(Protocol):
    """What reads the rings: the engine's session."""

    def add_rings(self, fds: Sequence[int], ring_bytes: int, offset_ns: int) -> None:
        """Map the rings behind `fds`."""


class Probe:
    """A running capture; a context manager.

    Args:
        config: what to capture.

    Raises:
        ProbeUnavailable: something the capture needs is missing.
        ProbeDenied: the right to capture is missing.
        ProbeRejected: the program was refused; the log is in a file.
    """

    def __init__(self, config: ProbeConfig | None = None) -> None:  # noqa: D107 - above
        self.config = config or ProbeConfig()
        self.warnings: list[str] = []
        """One line for each thing that is missing but can be done without."""
        self.notes: list[str] = []
        """One line for each thing that this capture does not see by its nature."""
        self.ring_fds: list[int] = []
        """Ring descriptors, one a processor, or one in all."""
        self.ring_bytes = _ring_size(self.config.ring_bytes)
        self._open: list[int] = []
        self._links: list[int] = []
        self._maps: dict[str, int] = {}
        self._shapes: dict[str, MapShape] = {}
        self._final: Counters | None = None
        self._number: Callable[[int], int] = int
        """The host's number of a process."""
        self._other_groups = groups_outside(self.config.pushdown.containers)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Probe:
        """The probe itself: it runs from its creation on."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the capture."""
        self.close()

    def add_rings(self, engine: RingReader) -> None:
        """Hand the rings to the engine, which maps them."""
        engine.add_rings(self.ring_fds, self.ring_bytes, self.offset_ns)

    def detach(self) -> None:
        """Stop producing events; rings and counters stay readable."""
        for fd in self._links:
            os.close(fd)
        self._links = []

    def close(self) -> None:
        """Stop, and free everything; the last counters stay available."""
        if self._open:
            with contextlib.suppress(OSError, KeyError, bpf.BpfError):
                self.detach()
                self._final = self.counters()
        for fd in (*self._links, *self._open):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._open, self._links = [], []

    def counters_by_cpu(self) -> list[Counters]:
        """Counters of each possible processor."""
        shape, fd, cpus = self._shapes["counter_map"], self._maps["counter_map"], self.cpus
        width = (shape.value_size + 7) & ~7
        slots = [bpf.map_lookup(fd, struct.pack("<I", n), width * cpus) for n in range(2)]
        return [
            _counters(slots[0][cpu * width :]) + _counters(slots[1][cpu * width :])
            for cpu in range(cpus)
        ]

    def counters(self) -> Counters:
        """Counters over all processors; after `close` those of the end."""
        if self._final is not None:
            return self._final
        return sum(self.counters_by_cpu(), Counters())

    # ---- starting

    def _start(self) -> None:
        self.cpus = possible_cpus()
        self.offset_ns = boot_offset_ns()
        try:
            bpf.try_loading()  # a refusal is better heard before the compiler runs
        except bpf.BpfError as error:
            raise bpf.denied(error, "load a program") from error
        arch = platform.machine()
        btf = Btf.of_running_kernel()
        self._selection = select(self.config, arch)
        bundle = self._compile(arch, layout.constants(btf, arch))
        self._make_maps(bundle)
        self._fill_maps(arch, bundle)
        self._load(bundle, btf)

    def _compile(self, arch: str, constants: dict[str, int]) -> Bundle:
        """The object with all programs when it is at hand, else one with those that are needed."""
        flags = {
            "NR_CPUS": self.cpus,
            "NR_PROGRAMS": len(generate.call_programs()),
            "OPTION_CUSTOM": OPTION_CUSTOM,
            "OPTION_OWNER": OPTION_OWNER,
            "OPTION_DURATION": int(OwnOption.DURATION),
            "OPTION_UNREADABLE": int(OwnOption.UNREADABLE),
            "TYPED_TRACEPOINT": 1,
            "HAVE_TASK_PT_REGS": 1,
        } | ({"SHARED_RING": 1} if self.config.shared_ring else {})
        flags |= constants | generate.number_constants(arch) | generate.flag_constants()
        cflags = tuple(f"-D{name}={value}" for name, value in sorted(flags.items()))
        return compile_program(
            generate.source(arch, self._selection.codes, self._selection.hooks),
            (*cflags, "-Wno-everything"),
            larger=generate.source(arch, generate.ALL_CODES, generate.ALL_HOOKS),
            use_cache=self.config.use_cache,
        )

    def _make_maps(self, bundle: Bundle) -> None:
        for shape in bundle.maps:
            self._shapes[shape.name] = shape
            if shape.name != "rings":
                self._maps[shape.name] = self._create(shape)
        rings = self._shapes.get("rings")
        if rings is None:
            self.ring_fds = [self._maps["ring"]]
            return
        self._maps["rings"] = self._create(rings, inner=self._maps["ring"])
        for cpu in range(self.cpus):
            fd = self._keep(self._try("make a ring", bpf.MAP_RINGBUF, 0, 0, self.ring_bytes))
            bpf.map_update(self._maps["rings"], struct.pack("<I", cpu), struct.pack("<I", fd))
            self.ring_fds.append(fd)

    def _create(self, shape: MapShape, inner: int = 0) -> int:
        return self._keep(
            self._try(
                f"make the map {shape.name}",
                shape.kind,
                shape.key_size,
                shape.value_size,
                self._entries(shape),
                flags=shape.flags,
                inner=inner,
            )
        )

    def _entries(self, shape: MapShape) -> int:
        """How many entries a map needs; sets that are not in use stay small."""
        push = self.config.pushdown
        needed = {
            "pid_set": len(push.pids or ()),
            "tid_set": len(push.tids or ()),
            "uid_set": len(push.uids or ()),
            "comm_set": len(push.comms or ()),
            "cgroup_set": len(self._other_groups),
            "root_set": len(push.trees or ()),
            "tree_set": TREE_LIMIT if push.trees is not None else 1,
            "entered_map": ENTERED_LIMIT if self.config.durations else 1,
            "ring": self.ring_bytes if self.config.shared_ring else 4096,
        }
        return max(needed.get(shape.name, shape.entries), 1)

    def _try(
        self,
        what: str,
        kind: int,
        key: int,
        value: int,
        entries: int,
        flags: int = 0,
        inner: int = 0,
    ) -> int:
        try:
            return bpf.map_create(kind, key, value, entries, flags=flags, inner=inner)
        except bpf.BpfError as error:
            raise bpf.denied(error, what) from error

    def _keep(self, fd: int) -> int:
        self._open.append(fd)
        return fd

    def _fill_maps(self, arch: str, bundle: Bundle) -> None:
        config, push = self.config, self.config.pushdown
        own = own_pid() if config.self_pid is None else config.self_pid
        packed = struct.pack("<QI4II", self.offset_ns, own, *snaplens(config), flags_of(config))
        if own_pid() != os.getpid():
            self._number = partial(self._host_pid, packed, bundle)
        pids, trees = (
            [self._number(pid) for pid in group or ()] for group in (push.pids, push.trees)
        )
        bpf.map_update(self._maps["config_map"], struct.pack("<I", 0), packed + bytes(8))
        self._fill_calls(arch)
        if "compat_map" in self._maps:
            for number in range(SYSCALL_SLOTS):
                native = struct.pack("<i", IA32_TO_X86_64.get(number, -1))
                bpf.map_update(self._maps["compat_map"], struct.pack("<I", number), native)
        for name, numbers in (
            ("pid", pids),
            ("tid", push.tids),
            ("uid", push.uids),
            ("tree", trees),
            ("root", trees),
        ):
            for number in numbers or ():
                self._add(f"{name}_set", number)
        for comm in push.comms or ():
            key = os.fsencode(comm)[:15].ljust(16, b"\0")
            bpf.map_update(self._maps["comm_set"], key, b"\1")
        for number in self._other_groups:
            bpf.map_update(self._maps["cgroup_set"], struct.pack("<Q", number), b"\1")

    def _add(self, name: str, number: int) -> None:
        bpf.map_update(self._maps[name], struct.pack("<I", number), b"\1")

    def _grow_tree(self) -> None:
        """Take in the descendants that are there; those that are born now, the kernel adds."""
        known = set(self.config.pushdown.trees or ())
        while new := children_of(known):
            known |= new
            for pid in new:
                with contextlib.suppress(ProbeError):  # it is gone by now
                    self._add("tree_set", self._number(pid))

    def _host_pid(self, packed: bytes, bundle: Bundle, pid: int) -> int:
        """The host's number of a process of our own pid namespace."""
        config = packed + struct.pack("<I4x", pid)
        bpf.map_update(self._maps["config_map"], struct.pack("<I", 0), config)
        fds = [self._maps[shape.name] for shape in bundle.maps]
        found = bpf.run_once("find_pid", _with_maps(bundle.programs["find_pid"], fds))
        if not found:
            msg = f"there is no process {pid}"
            raise ProbeError(msg, "numbers are those of the pid namespace that pyscap runs in")
        return found

    def _fill_calls(self, arch: str) -> None:
        push, selection = self.config.pushdown, self._selection
        slots = {name: n for n, name in enumerate(generate.call_programs())}
        for spec in generate.SYSCALLS[arch]:
            code = selection.calls.get(spec.nr)
            if code is None or spec.nr >= SYSCALL_SLOTS:
                continue
            state = bool({code, spec.exit_code} & push.state)
            slot, skip_zero = slots[generate.shapes()[code]], code in PROCESS_EVENTS
            entry = struct.pack("<HHHBB", code, spec.ppm_sc, slot, skip_zero, state)
            bpf.map_update(self._maps["syscall_map"], struct.pack("<I", spec.nr), entry)

    # ---- loading

    def _load(self, bundle: Bundle, btf: Btf) -> None:
        fds = [self._maps[shape.name] for shape in bundle.maps]
        for name in sorted(self._selection.hooks, key=lambda name: (name != "on_fork", name)):
            self._attach(name, self._kind(name, btf), bundle.programs[name], fds)
            if name == "on_fork" and self.config.pushdown.trees:
                self._grow_tree()
        if not self._selection.calls:
            return
        if self.config.durations:
            code = bundle.programs["on_sys_enter"]
            self._attach("on_sys_enter", self._kind("on_sys_enter", btf), code, fds)
        ids = self._single_call_ids()
        if ids is None:
            kind = self._kind("on_sys_exit", btf)
            self._load_calls(kind, bundle, fds)
            self._attach("on_sys_exit", kind, bundle.programs["on_sys_exit"], fds)
            return
        if OLD_ENTRY.exists():
            self.notes.append(OLD_ENTRY_NOTE)
        kind = ProgramKind(bpf.PROG_TRACEPOINT)
        self._load_calls(kind, bundle, fds)
        program = self._load_program("on_call_exit", kind, bundle.programs["on_call_exit"], fds)
        for event_id in ids:
            self._link(partial(bpf.tracepoint_open, program, event_id), "a system call")

    def _single_call_ids(self) -> list[int] | None:
        """Tracepoints of the wanted calls when they are few and rare; None: watch every call."""
        names = {spec.name for spec in generate.SYSCALLS[platform.machine()]}
        numbers = {spec.name: spec.nr for spec in generate.SYSCALLS[platform.machine()]}
        wanted = {name for name in names if numbers[name] in self._selection.calls}
        if len(wanted) > SINGLE_CALLS or wanted & FREQUENT_CALLS:
            return None
        with Tracefs() as tracefs:
            ids = [tracefs.event_id(f"syscalls/sys_exit_{name}") for name in sorted(wanted)]
        return None if None in ids else [number for number in ids if number is not None]

    def _load_calls(self, kind: ProgramKind, bundle: Bundle, fds: list[int]) -> None:
        wanted = generate.call_programs(self._selection.codes)
        for slot, name in enumerate(generate.call_programs()):
            if name in wanted:
                program = self._load_program(name, kind, bundle.programs[name], fds)
                fd = struct.pack("<I", program)
                bpf.map_update(self._maps["programs"], struct.pack("<I", slot), fd)

    def _kind(self, hook: str, btf: Btf) -> ProgramKind:
        """Programs at a tracepoint whose arguments have types read them without a call."""
        btf_id = btf.type_id(TYPEDEF, f"btf_trace_{TRACEPOINTS[hook]}") or 0
        return ProgramKind(bpf.PROG_TRACING, bpf.ATTACH_TRACE_RAW_TP, btf_id)

    def _load_program(self, name: str, kind: ProgramKind, code: bytes, fds: list[int]) -> int:
        code = _with_maps(code, fds)
        fields = {"kind": kind.kind, "attach": kind.attach, "btf_id": kind.btf_id}
        try:
            return self._keep(bpf.prog_load(name, code, **fields))
        except bpf.BpfError as error:
            log = keep_log(bpf.prog_log(name, code, **fields), "verifier")
            msg = f"the kernel refused the program {name}: {error.strerror}"
            raise ProbeRejected(msg, f"its reasons are in {log}") from error

    def _attach(self, name: str, kind: ProgramKind, code: bytes, fds: list[int]) -> None:
        tracepoint = TRACEPOINTS[name]
        if not kind.btf_id:
            self.warnings.append(
                f"this kernel has no tracepoint {tracepoint}: its events are missing"
            )
            return
        program = self._load_program(name, kind, code, fds)
        self._link(partial(bpf.raw_tracepoint_open, program, None), tracepoint)

    def _link(self, attach: Callable[[], int], what: str) -> None:
        try:
            self._links.append(attach())
        except bpf.BpfError as error:
            raise bpf.denied(error, f"attach to {what}") from error


SINGLE_CALLS = 24
"""With this many wanted calls or fewer, each is watched by itself and all others cost nothing."""

OLD_ENTRY = Path("/proc/sys/abi/vsyscall32")
"""There when the kernel has the 32-bit entry of x86, whose calls these tracepoints pass over."""
OLD_ENTRY_NOTE = (
    "the wanted calls are watched one by one, which does not see those of 32-bit programs; "
    "--no-pushdown does"
)

FREQUENT_CALLS = frozenset(
    {"read", "write", "readv", "writev", "pread64", "pwrite64", "recvfrom", "sendto", "recvmsg"}
    | {"sendmsg", "futex", "poll", "ppoll", "epoll_wait", "epoll_pwait", "select", "lseek", "mmap"}
)
"""Calls that are cheaper to watch together with all others."""


def _ring_size(wanted: int) -> int:
    """The next power of two of at least a page."""
    return 1 << max(wanted - 1, 4095).bit_length()


def _counters(raw: bytes) -> Counters:
    return Counters(*struct.unpack_from(f"<{len(COUNTER_NAMES)}Q", raw))


def _with_maps(code: bytes, fds: list[int]) -> bytes:
    """Put this process's map descriptors where the compiler left positions."""
    patched = bytearray(code)
    for at in range(0, len(code), 8):
        if code[at] == 0x18 and code[at + 1] >> 4 == 1:
            position = int.from_bytes(code[at + 4 : at + 8], "little")
            patched[at + 4 : at + 8] = fds[position].to_bytes(4, "little")
    return bytes(patched)
