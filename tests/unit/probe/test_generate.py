"""The declared parameter sources against the event table, and the C made of them."""

import re

import pytest

from pyscap.model import native_flags, syscall_params
from pyscap.model.events import EVENTS
from pyscap.model.symbols.tables import SYMBOLS
from pyscap.model.syscalls import X86_64
from pyscap.probe import generate

FIXED = {
    "INT8": 1, "UINT8": 1, "FLAGS8": 1, "ENUMFLAGS8": 1, "SIGTYPE": 1,
    "INT16": 2, "UINT16": 2, "FLAGS16": 2, "ENUMFLAGS16": 2, "SYSCALLID": 2,
    "INT32": 4, "UINT32": 4, "FLAGS32": 4, "ENUMFLAGS32": 4, "UID": 4, "GID": 4,
    "MODE": 4, "SIGSET": 4,
    "INT64": 8, "UINT64": 8, "ERRNO": 8, "FD": 8, "PID": 8, "RELTIME": 8, "ABSTIME": 8,
}  # fmt: skip

ROWS = {
    **syscall_params.ROWS,
    -1: syscall_params.CHILD,
    -2: syscall_params.EXECUTED,
}
CODE = {-1: 223, -2: 293}


def declared(code):
    event = EVENTS[CODE.get(code, code)]
    count = event.older.get("4.1.0", len(event.params))
    return event.params[:count]


@pytest.mark.parametrize("code", ROWS)
def test_a_row_has_the_parameters_of_schema_4_1_0(code):
    assert generate.param_count(ROWS[code]) == len(declared(code))


@pytest.mark.parametrize("code", ROWS)
def test_fixed_sources_have_the_width_of_the_declared_type(code):
    at, params = 0, declared(code)
    for source in ROWS[code]:
        if source.params == 1 and source.writer != "put_empty":
            assert source.width == FIXED.get(params[at].type), (code, params[at].name)
        at += source.params


@pytest.mark.parametrize(
    ("code", "row"),
    [(hook.code, hook.rows) for hook in generate.HOOKS.values()] + [(290, syscall_params.FAULTED)],
)
def test_hook_rows_match_their_events(code, row):
    params = EVENTS[code].params
    assert [source.width for source in row if source.params == 1 and source.width] == [
        FIXED[param.type] for param in params if param.type in FIXED
    ]


def test_every_call_with_an_event_of_its_own_has_a_row():
    without = {
        spec.name
        for spec in X86_64
        if spec.exit_code != generate.GENERIC
        and generate.row_of(spec.exit_code) == generate.GENERIC
    }
    assert without == {"close_range", "keyctl"}


def test_translated_values_exist_in_the_symbol_tables():
    pairs = {
        "clone_flags": "clone_flags",
        "mmap_prot": "prot_flags",
        "mmap_flags": "mmap_flags",
        "poll_events": "poll_flags",
        "semop_flags": "semop_flags",
        "resolve_flags": "openat2_flags",
        "io_uring_setup_flags": "io_uring_setup_flags",
        "delete_module_flags": "delete_module_flags",
    }
    for table, symbols in pairs.items():
        known = {value for _, value in SYMBOLS[symbols]}
        assert {out for _, out in native_flags.BITS[table].rows} <= known, table
    values = {
        "fcntl_command": "fcntl_commands",
        "ptrace_request": "ptrace_requests",
        "semctl_command": "semctl_commands",
        "quotactl_command": "quotactl_cmds",
    }
    for table, symbols in values.items():
        known = {value for _, value in SYMBOLS[symbols]}
        assert {out for _, out in native_flags.VALUES[table].rows} <= known, table


def test_open_flags_differ_between_architectures_only_where_linux_does():
    x86, arm = (dict(native_flags.OPEN_FLAGS_BY_ARCH[arch].rows) for arch in ("x86_64", "aarch64"))
    assert {bits for bits in x86 if x86[bits] != arm.get(bits)} == {0o40000, 0o200000, 0o100000}


def test_equal_rows_share_a_program():
    shapes = generate.shapes()
    assert shapes[223] == shapes[225] == shapes[227] == shapes[335]
    assert shapes[7] != shapes[9]
    assert generate.call_programs(frozenset({223, 335})) == [shapes[223]]


def test_every_program_is_defined_once_and_every_translation_exists():
    text = generate.source(
        "x86_64", frozenset(syscall_params.ROWS), frozenset({"on_exec", "on_fork"})
    )
    programs = re.findall(r"^int (\w+)\(", text, re.M)
    assert len(programs) == len(set(programs))
    assert set(generate.call_programs(frozenset(syscall_params.ROWS))) < set(programs)
    used = set(re.findall(r"\b(translate_\w+)\(", text))
    defined = set(re.findall(r"static __always_inline u32 (translate_\w+)\(", text))
    assert used <= defined


def test_a_capture_of_few_events_compiles_few_programs():
    text = generate.source("x86_64", frozenset({7}), frozenset())
    assert re.findall(r"^int (write_\w+)\(", text, re.M) == [generate.shapes()[7]]
    assert "int on_exec(" not in text
