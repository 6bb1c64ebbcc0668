"""What is allowed but cannot be meant."""

from __future__ import annotations

import pytest

from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.warn import MAX_WARNINGS


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("proc.name = a_very_long_name_x", 13, "a_very_long_nam would match"),
        ("proc.name in (a, a_very_long_name_x)", 18, "15 bytes of a command name"),
        ("fd.type = sokcet", 11, "fd.type is never 'sokcet'; its values are file"),
        ("fd.types in (fil)", 14, "its values are file"),
        ("evt.dir = enter", 11, "its values are < >"),
        ("evt.res = ENOET", 11, "ENOENT"),
        ("syscall.type = opnat", 16, "its values are openat"),
        ("evt.type contains zzz", 19, "no event name contains 'zzz'"),
        ("proc.name = proc.pname", 13, "the field is val(proc.pname)"),
        ('proc.cmdline = "len(proc.name)"', 16, "without quotes it would be a function"),
        ("proc.name in ()", 14, "the list is empty"),
        ("fd.types in ()", 13, "where the list of the left side is empty"),
        ("evt.arg.res < 0", 1, "numbers are compared by evt.rawarg.res"),
        ("evt.arg.fd = 3", 14, "use fd.num"),
        ("evt.arg.oldfd = 3", 17, "use evt.rawarg.oldfd"),
        ("proc.name regex curl", 17, "for a part use contains"),
    ],
)
def test_a_surprise_is_told(text: str, column: int, part: str) -> None:
    (warning,) = compile_filter(text).warnings
    assert part in warning.message
    assert warning.span.start + 1 == column


@pytest.mark.parametrize(
    "text",
    [
        "proc.name = exactly15letter",
        "proc.name != a_very_long_name_x",
        "proc.exepath = /usr/bin/a_very_long_name_x",
        "fd.type = ipv4 and evt.dir = < and evt.res = ENOENT",
        "evt.type contains open or evt.type icontains OPEN",
        "evt.rawarg.res < 0",
        "evt.arg.fd contains libc",
        "fd.port = http",
        "proc.name regex cu.l",
    ],
)
def test_what_can_be_true_is_not_warned_of(text: str) -> None:
    assert compile_filter(text).warnings == ()


def test_warnings_are_bounded() -> None:
    many = ", ".join(["a_very_long_name_x"] * 1000)
    assert len(compile_filter(f"proc.name in ({many})").warnings) == MAX_WARNINGS
