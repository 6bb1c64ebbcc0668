"""What a capture needs of this machine, looked at one by one.

In:  the machine. Out: a list of `Check`s. Next: the command line prints them, with what to do.
Every check is made, whatever the others say, and none changes anything.
"""

from __future__ import annotations

import gzip
import os
import platform
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyscap.probe import bpf, layout
from pyscap.probe.btf import TYPEDEF, VMLINUX, Btf
from pyscap.probe.compiler import CACHE, find_bcc
from pyscap.probe.errors import ProbeError
from pyscap.probe.tracefs import Tracefs

OLDEST_KERNEL = (5, 8)
"""Ring buffers and typed tracepoints; `bpf_task_pt_regs` wants 5.15."""
OLDEST_BCC = (0, 20)
"""The first whose headers know ring buffers and maps of maps as they are used here."""

CAPABILITIES = {39: "CAP_BPF", 38: "CAP_PERFMON"}
SYS_ADMIN, SYS_RESOURCE = 21, 24

KERNEL_OPTIONS = ("BPF_SYSCALL", "BPF_EVENTS", "DEBUG_INFO_BTF", "FTRACE_SYSCALLS", "CGROUPS")
TRACEPOINTS = ("sys_exit", "sched_process_exec", "sched_process_fork", "sched_process_exit")
OPTIONAL_TRACEPOINTS = ("sys_enter", "signal_deliver", "sched_switch", "page_fault_user")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """What it is."""
    ok: bool
    """Whether it is as a capture needs it."""
    found: str
    """What was found, in a few words."""
    fix: str = ""
    """What to do when it is not; nothing when it is."""
    needed: bool = True
    """Whether nothing can be captured without it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the machine's files are; tests look elsewhere."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    boot: Path = Path("/boot")
    btf: Path = VMLINUX


def run_checks(machine: Machine | None = None) -> list[Check]:
    """Make every check.

    Args:
        machine: where to look; this machine when not given.
    """
    machine = machine or Machine()
    return [check for look in CHECKS for check in look(machine)]


def check_system(_machine: Machine) -> Iterator[Check]:
    """Operating system, kernel and architecture."""
    system, arch = platform.system(), platform.machine()
    ok = system == "Linux" and arch in layout.ARCH_OFFSETS
    yield Check(
        "system", ok, f"{system} {arch}", "" if ok else "capture needs Linux on x86_64 or aarch64"
    )
    release = os.uname().release
    numbers = tuple(int(n) for n in release.split("-")[0].split(".")[:2] if n.isdigit())
    ok = numbers >= OLDEST_KERNEL
    yield Check("kernel", ok, release, "" if ok else "capture needs Linux 5.8 or newer")


def check_btf(machine: Machine) -> Iterator[Check]:
    """Type information of the kernel, the fields in it, and its tracepoints."""
    fix = "capture needs a kernel built with CONFIG_DEBUG_INFO_BTF=y"
    try:
        btf = Btf.of_running_kernel(machine.btf)
        found = layout.constants(btf)
    except ProbeError as error:
        yield Check("type information", False, error.cause, error.hint or fix)
        return
    yield Check("type information", True, f"{machine.btf}, {len(found)} fields found")
    for name in (*TRACEPOINTS, *OPTIONAL_TRACEPOINTS):
        there = btf.type_id(TYPEDEF, f"btf_trace_{name}") is not None
        yield Check(
            f"tracepoint {name}",
            there,
            "present" if there else "missing",
            "" if there else "its events are missing from captures; use a kernel that has it",
            needed=name in TRACEPOINTS,
        )


def check_bcc(_machine: Machine) -> Iterator[Check]:
    """The compiler."""
    try:
        bcc = find_bcc()
    except ProbeError as error:
        yield Check("bcc", False, error.cause, error.hint)
        return
    numbers = tuple(int(n) for n in bcc.version.split("+")[0].split(".")[:2] if n.isdigit())
    ok = not numbers or numbers >= OLDEST_BCC
    fix = "" if ok else "install bcc 0.20 or newer"
    yield Check("bcc", ok, f"{bcc.version} in {bcc.folder}", fix)


def effective_capabilities(machine: Machine) -> int | None:
    """Bits of this process's effective capabilities; None when they cannot be read."""
    try:
        lines = (machine.proc / "self" / "status").read_text().splitlines()
        return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def check_capabilities(machine: Machine) -> Iterator[Check]:
    """The rights of this process: the capabilities count, not the user."""
    held = effective_capabilities(machine)
    if held is None:
        yield Check("capabilities", False, "unknown", f"mount procfs at {machine.proc}")
        return
    admin = bool(held >> SYS_ADMIN & 1)
    missing = [name for bit, name in CAPABILITIES.items() if not (held >> bit & 1 or admin)]
    yield Check(
        "capabilities",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "CAP_BPF and CAP_PERFMON",
        "run as root, or give the capabilities with setcap or your service manager"
        if missing
        else "",
    )


def check_loading(_machine: Machine) -> Iterator[Check]:
    """Whether the kernel takes a program from this process."""
    try:
        bpf.try_loading()
    except bpf.BpfError as error:
        fix = "run as root; in a container, let its seccomp profile allow bpf(2)"
        yield Check("bpf(2)", False, f"refused: {error.strerror}", fix)
        return
    yield Check("bpf(2)", True, "a program was accepted")


def check_lockdown(machine: Machine) -> Iterator[Check]:
    """Kernel lockdown: in its confidentiality mode programs may not read kernel memory."""
    try:
        text = (machine.sys / "kernel/security/lockdown").read_text()
    except OSError:
        yield Check("lockdown", True, "not in use")
        return
    mode = next((word.strip("[]") for word in text.split() if word.startswith("[")), "none")
    ok = mode != "confidentiality"
    yield Check("lockdown", ok, mode, "" if ok else "boot without lockdown=confidentiality")


def kernel_options(machine: Machine) -> dict[str, str] | None:
    """The kernel's build options; None when they are nowhere to be read."""
    for path in (machine.proc / "config.gz", machine.boot / f"config-{os.uname().release}"):
        try:
            data = path.read_bytes()
            text = gzip.decompress(data) if path.suffix == ".gz" else data
        except (OSError, EOFError):
            continue
        lines = text.decode("ascii", "replace").splitlines()
        return dict(line[7:].split("=", 1) for line in lines if line.startswith("CONFIG_"))
    return None


def check_options(machine: Machine) -> Iterator[Check]:
    """Build options of the kernel, where it shows them."""
    options = kernel_options(machine)
    if options is None:
        yield Check("kernel options", True, "not shown by this kernel", needed=False)
        return
    missing = [name for name in KERNEL_OPTIONS if options.get(name) != "y"]
    yield Check(
        "kernel options",
        not missing,
        f"missing: {', '.join(f'CONFIG_{name}' for name in missing)}" if missing else "as needed",
        "use a kernel built with them" if missing else "",
    )


def check_tracefs(_machine: Machine) -> Iterator[Check]:
    """Tracepoints of single calls: without them, captures of few calls cost more."""
    with Tracefs() as tracefs:
        there = tracefs.event_id("syscalls/sys_exit_execve") is not None
    fix = "mount tracefs at /sys/kernel/tracing; captures of a few rare calls get cheaper"
    found = "readable" if there else "not readable"
    yield Check("tracefs", there, found, "" if there else fix, needed=False)


def check_memory(machine: Machine) -> Iterator[Check]:
    """Locked memory: kernels before 5.11 count maps against this limit."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    counted = tuple(int(n) for n in os.uname().release.split(".")[:2] if n.isdigit()) < (5, 11)
    held = effective_capabilities(machine) or 0
    ok = not counted or soft == resource.RLIM_INFINITY or bool(held >> SYS_RESOURCE & 1)
    found = "not limited" if soft == resource.RLIM_INFINITY else f"{soft >> 10} kB"
    note = "" if counted else ", not counted by this kernel"
    fix = "raise the limit: ulimit -l unlimited"
    yield Check("locked memory", ok, found + note, "" if ok else fix)


def check_cache(_machine: Machine) -> Iterator[Check]:
    """Where compiled programs are kept."""
    try:
        state = CACHE.lstat()
    except OSError:
        yield Check(
            "program store", True, f"{CACHE} will be made by the first capture", needed=False
        )
        return
    ok = state.st_uid == 0 and not state.st_mode & 0o077 and not CACHE.is_symlink()
    found = str(CACHE) if ok else f"{CACHE} is not root's alone"
    fix = f"chown root:root {CACHE}; chmod 700 {CACHE}"
    yield Check("program store", ok, found, "" if ok else fix, needed=False)


CHECKS: tuple[Callable[[Machine], Iterator[Check]], ...] = (
    check_system,
    check_btf,
    check_bcc,
    check_capabilities,
    check_loading,
    check_lockdown,
    check_options,
    check_tracefs,
    check_memory,
    check_cache,
)
"""In the order in which they are printed."""
