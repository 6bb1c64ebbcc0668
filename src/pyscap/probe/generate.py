"""The C code of the programs that write events, from the declared tables.

In:  `model/syscall_params.py`, `model/native_flags.py`. Out: a C function for each event shape and
each flag table. Next: `probe/compiler.py` puts them behind the hand-written part.
Calls with the same parameter sources share one program: the event code travels beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyscap.model import native_flags, syscall_params
from pyscap.model.syscall_params import Each, Source
from pyscap.model.syscalls import AARCH64, X86_64, SyscallSpec

PROGRAMS = Path(__file__).parent / "programs"
PARTS_BEFORE_TABLES = ("event.bpf.c",)
PARTS = ("task.bpf.c", "files.bpf.c", "net.bpf.c", "calls.bpf.c", "clone.bpf.c", "dispatch.bpf.c")

GENERIC = 1
LAST_CODE = 429
"""The highest event code of schema 4.1.0; calls with a later one are written as generic."""

SYSCALLS: dict[str, tuple[SyscallSpec, ...]] = {"x86_64": X86_64, "aarch64": AARCH64}


@dataclass(frozen=True)
class Hook:
    """A program that a tracepoint starts directly."""

    function: str
    tracepoint: str
    code: int
    rows: tuple[Source, ...]
    names: str
    """C statements and definitions that name the tracepoint's arguments."""
    unless: str = "0"
    """A C condition under which there is no event."""
    parts: str = "FLAG_FILTERS"
    """The parts of the process filter that hold for the event."""


HOOKS: dict[str, Hook] = {
    hook.function: hook
    for hook in (
        Hook(
            "on_exec",
            "sched_process_exec",
            293,
            syscall_params.EXECUTED,
            "u64 TASK = task_now(), RET = 0, BPRM = ctx->args[2];",
        ),
        Hook(
            "on_exit",
            "sched_process_exit",
            186,
            syscall_params.EXITED,
            "u64 TASK = task_now();",
            unless="kread32(task_now(), O_TASK_FLAGS) & TASK_KTHREAD",
        ),
        Hook(
            "on_switch",
            "sched_switch",
            152,
            syscall_params.SWITCHED,
            "u64 TASK = task_now(), NEXT = ctx->args[2];",
            parts="FLAG_LASTING",
        ),
        Hook(
            "on_signal",
            "signal_deliver",
            232,
            syscall_params.SIGNALED,
            "u64 SIGNAL = ctx->args[0], INFO = ctx->args[1];",
        ),
    )
}
"""Tracepoints whose event is written by a plain program."""

FAULT_HOOKS = frozenset({"on_fault_user", "on_fault_kernel"})
HOOK_CODES = {"on_fork": 223, "on_rename": 401} | {name: hook.code for name, hook in HOOKS.items()}
"""The event of each program that can be needed by the state."""


def c_flag_function(name: str, table: native_flags.Bits | native_flags.Values) -> str:
    """The C function `translate_NAME` of one flag table."""
    lines = [f"static __always_inline u32 translate_{name}(u64 v)", "{"]
    if isinstance(table, native_flags.Bits):
        lines.append(f"\tu32 r = v & {table.keep:#x};")
        lines += [
            f"\tif ((v & {bits:#x}) == {bits:#x})\n\t\tr |= {out:#x};" for bits, out in table.rows
        ]
        lines.append("\treturn r;")
    else:
        other = "(u32)v" if table.default is None else str(table.default)
        lines.append(f"\tswitch ((u32)v & {table.mask:#x}) {{")
        lines += [f"\tcase {value:#x}:\n\t\treturn {out:#x};" for value, out in table.rows]
        lines.append(f"\t}}\n\treturn {other};")
    return "\n".join([*lines, "}", ""])


def c_flag_functions(arch: str) -> str:
    """All flag functions of an architecture."""
    tables: dict[str, native_flags.Bits | native_flags.Values] = {
        "open_flags": native_flags.OPEN_FLAGS_BY_ARCH[arch],
        **native_flags.BITS,
        **native_flags.VALUES,
    }
    return "\n".join(c_flag_function(name, table) for name, table in tables.items())


def param_count(row: tuple[Source, ...]) -> int:
    """How many parameters a row writes."""
    return sum(source.params for source in row)


def c_parameters(row: tuple[Source, ...]) -> list[str]:
    """One line of C for each source of a row."""
    lines, at = [], 0
    for source in row:
        operands = "".join(f", {operand}" for operand in source.operands)
        lines.append(f"\tpos = {source.writer}(s, pos, {at}{operands});")
        at += source.params
    return lines


def c_task(row: tuple[Source, ...]) -> list[str]:
    """The current task, where a row speaks of it."""
    used = any("TASK" in operand for source in row for operand in source.operands)
    return ["\tu64 TASK = task_now();"] if used else []


def c_call_program(name: str, row: tuple[Source, ...]) -> str:
    """A program the dispatcher jumps to: one event of one call."""
    return "\n".join(
        [
            f"int {name}(struct bpf_raw_tracepoint_args *ctx)",
            "{",
            "\tstruct scratch *s = scratch_get();",
            "\tu64 pos;",
            *c_task(row),
            "\tif (!s)",
            "\t\treturn 0;",
            f"\tpos = begin(s, tid_now(), {param_count(row)});",
            *c_parameters(row),
            "\treturn finish(s, pos);",
            "}",
            "",
        ]
    )


def c_each_program(name: str, row: tuple[Source, ...], each: Each) -> str:
    """A program that writes one event a message and then jumps to itself for the next one."""
    return "\n".join(
        [
            f"int {name}(struct bpf_raw_tracepoint_args *ctx)",
            "{",
            "\tstruct scratch *s = scratch_get();",
            "\tu64 pos, MESSAGE, MESSAGE_LENGTH;",
            "\tif (!s)",
            "\t\treturn 0;",
            f"\tMESSAGE = {each.base} + {each.size} * (u64)s->message;",
            f"\tMESSAGE_LENGTH = (s64)RET < 0 ? RET : uread32(MESSAGE + {each.size - 8});",
            f"\tpos = begin(s, tid_now(), {param_count(row)});",
            *c_parameters(row),
            "\temit(s, pos);",
            "\ts->message++;",
            f"\tif (s->message < {each.most} && (s64)s->message < (s64)RET) {{",
            "\t\tcount_another();",
            "\t\tprograms.call(ctx, s->program);",
            "\t}",
            "\ts->busy = 0;",
            "\treturn 0;",
            "}",
            "",
        ]
    )


def c_hook(hook: Hook) -> str:
    """A program that a tracepoint starts."""
    return "\n".join(
        [
            f"int {hook.function}(struct bpf_raw_tracepoint_args *ctx)",
            "{",
            "\tstruct scratch *s;",
            "\tu64 pos;",
            f"\t{hook.names}",
            f"\tif ({hook.unless})",
            "\t\treturn 0;",
            f"\ts = event_take({hook.code}, FLAG_STATE_{hook.function.upper()}, {hook.parts});",
            "\tif (!s)",
            "\t\treturn 0;",
            f"\tpos = begin(s, tid_now(), {param_count(hook.rows)});",
            *c_parameters(hook.rows),
            "\treturn finish(s, pos);",
            "}",
            "",
        ]
    )


FORK = """
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{{
	u64 TASK = ctx->args[1], flags, pos;
	s64 nr = forking_call(&flags);
	u16 code = fork_event(nr);
	struct scratch *s;
	tree_add(TASK);
	if (!code || kread32(TASK, O_TASK_FLAGS) & (TASK_KTHREAD | TASK_WORKER))
		return 0;
	s = event_take(code, FLAG_STATE_ON_FORK, FLAG_FILTERS);
	if (!s)
		return 0;
	pos = begin(s, kread32(TASK, O_TASK_PID), {count});
{parameters}
	return finish(s, pos);
}}
"""

FAULT = """
int {name}(struct bpf_raw_tracepoint_args *ctx)
{{
	struct counters *c = counters_of(1);
	struct config *cfg = config_get();
	u32 cpu = bpf_get_smp_processor_id();
	struct fault_scratch *own = fault_map.lookup(&cpu);
	u8 *b;
	if (!c || !cfg || !own)
		return 0;
	b = own->block;
	c->produced++;
	if (is_outside() || !process_wanted(FLAG_LASTING)) {{
		c->filtered++;
		return 0;
	}}
	*(u32 *)b = BLOCK_TYPE;
	*(u32 *)(b + AT_TOTAL) = 68;
	*(u16 *)(b + AT_CPU) = cpu;
	*(u64 *)(b + AT_TS) = bpf_ktime_get_boot_ns() + cfg->boot_offset_ns;
	*(u64 *)(b + AT_TID) = tid_now();
	*(u32 *)(b + AT_LEN) = 52;
	*(u16 *)(b + AT_CODE) = 290;
	*(u32 *)(b + AT_NPARAMS) = 3;
	*(u16 *)(b + AT_LENGTHS) = 8;
	*(u16 *)(b + AT_LENGTHS + 2) = 8;
	*(u16 *)(b + AT_LENGTHS + 4) = 4;
	*(u64 *)(b + 42) = ctx->args[0];
	*(u64 *)(b + 50) = kread64(ctx->args[1], O_REGS_IP);
	*(u32 *)(b + 58) = fault_error(ctx->args[2]);
	*(u32 *)(b + 64) = 68;
	if (deliver(cpu, b, 68))
		c->dropped_ring_full++;
	else
		c->delivered++;
	return 0;
}}
"""


FAULT_MEMORY = """
struct fault_scratch {
	u8 pad[6];
	u8 block[74];
};
BPF_ARRAY(fault_map, struct fault_scratch, NR_CPUS);
"""
"""Memory of its own: a fault can happen while another program is at work."""


def row_of(code: int) -> int:
    """The event a call is written as: its own, or generic when it has no row or is too new."""
    return code if code in syscall_params.ROWS and code <= LAST_CODE else GENERIC


@cache
def shapes() -> dict[int, str]:
    """The program of each event; events with equal rows share one."""
    by_row: dict[tuple[tuple[Source, ...], Each | None], str] = {}
    found: dict[int, str] = {}
    for code, row in syscall_params.ROWS.items():
        key = (row, syscall_params.EACH.get(code))
        found[code] = by_row.setdefault(key, f"write_{code}")
    return found


ALL_CODES = frozenset(syscall_params.ROWS)
ALL_HOOKS = frozenset({*HOOKS, *FAULT_HOOKS, "on_fork", "on_rename"})


def call_programs(codes: frozenset[int] = ALL_CODES) -> list[str]:
    """Names of the programs that write these events, without repetition, in a fixed order."""
    return sorted({shapes()[code] for code in codes}, key=lambda name: int(name[6:]))


def c_fork_event(arch: str) -> str:
    """The C function that gives the event of a call that makes tasks."""
    calls = {s.name: (s.nr, s.exit_code) for s in SYSCALLS[arch]}
    makers = [calls[name] for name in ("clone", "fork", "vfork", "clone3") if name in calls]
    cases = "".join(f"\tif (nr == {nr})\n\t\treturn {code};\n" for nr, code in makers)
    return f"static __always_inline u16 fork_event(s64 nr)\n{{\n{cases}\treturn 0;\n}}\n"


def c_fork() -> str:
    """The program behind sched_process_fork."""
    row = syscall_params.CHILD
    return FORK.format(count=param_count(row), parameters="\n".join(c_parameters(row)))


LASTING = ("PIDS", "TIDS", "TREE", "CONTAINERS")
FILTERS = (*LASTING, "UIDS", "COMMS")
"""Parts of the process filter. Users and names can change in the middle of a call, whose event
tells of it at its end: they are not asked about what happens in between, such as a page fault."""
FLAGS: dict[str, int] = {
    name: 1 << bit
    for bit, name in enumerate(
        (
            *FILTERS,
            "ONLY_TREE",
            "SUCCEEDED",
            "DURATIONS",
            "SNAP_BY_KIND",
            *(f"STATE_{h.upper()}" for h in HOOK_CODES),
        )
    )
}
"""Bits of `struct config`: which filters and options are in use."""


def flag_constants() -> dict[str, int]:
    """The flags as the C code names them."""
    groups = {"FILTERS": FILTERS, "LASTING": LASTING}
    flags = FLAGS | {name: sum(FLAGS[part] for part in parts) for name, parts in groups.items()}
    return {f"FLAG_{name}": bits for name, bits in flags.items()}


NUMBERS = ("clone", "clone3", "fork", "vfork", "execve", "execveat")


def number_constants(arch: str) -> dict[str, int]:
    """Call numbers the C code speaks of; -1 where the architecture has no such call."""
    numbers = {s.name: s.nr for s in SYSCALLS[arch]}
    return {f"NR_{n.upper()}": numbers.get(n, -1) for n in NUMBERS}


def source(arch: str, codes: frozenset[int], hooks: frozenset[str]) -> str:
    """The complete C source for these events and hooks."""
    before = [(PROGRAMS / part).read_text() for part in PARTS_BEFORE_TABLES]
    parts = [(PROGRAMS / part).read_text() for part in PARTS]
    mask = sum(1 << option for option in native_flags.SOCKOPT_U32)
    arguments = "\n".join(f"#define A{n} s->args[{n}]" for n in range(6))
    rows = {shapes()[code]: code for code in sorted(codes, reverse=True)}
    made = [
        c_each_program(name, syscall_params.ROWS[code], syscall_params.EACH[code])
        if code in syscall_params.EACH
        else c_call_program(name, syscall_params.ROWS[code])
        for name, code in sorted(rows.items())
    ]
    tasks = [c_hook(HOOKS[name]) for name in sorted(hooks) if name in HOOKS]
    faults = [FAULT_MEMORY] if hooks & FAULT_HOOKS else []
    faults += [FAULT.format(name=name) for name in sorted(hooks & FAULT_HOOKS)]
    return "\n".join(
        [
            *before,
            f"#define SOCKOPT_IS_U32 {mask:#x}ULL",
            c_flag_functions(arch),
            *parts,
            c_fork_event(arch),
            *tasks,
            c_fork() if "on_fork" in hooks else "",
            *faults,
            "#define RET s->ret",
            arguments,
            *made,
        ]
    )
