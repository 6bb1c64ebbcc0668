"""System calls have the numbers of Linux."""

from __future__ import annotations

import pytest

from pyscap.model.events import EVENTS
from pyscap.model.syscalls import AARCH64, IA32_TO_X86_64, PPM_SC, X86_64

SYSCALLS = {"x86_64": X86_64, "aarch64": AARCH64}


@pytest.mark.parametrize(
    ("name", "x86_64", "aarch64"),
    [
        ("read", 0, 63),
        ("open", 2, None),
        ("execve", 59, 221),
        ("openat", 257, 56),
        ("bpf", 321, 280),
        ("openat2", 437, 437),
        ("clone3", 435, 435),
        ("fork", 57, None),
    ],
)
def test_native_numbers(name, x86_64, aarch64):
    for arch, number in (("x86_64", x86_64), ("aarch64", aarch64)):
        numbers = {spec.name: spec.nr for spec in SYSCALLS[arch]}
        assert numbers.get(name) == number


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_calls_are_listed_once_and_have_events_that_exist(arch):
    numbers = [spec.nr for spec in SYSCALLS[arch]]
    assert numbers == sorted(set(numbers))
    for spec in SYSCALLS[arch]:
        assert EVENTS[spec.exit_code].direction == "<", spec
        assert spec.ppm_sc == 0 or PPM_SC[spec.ppm_sc] == spec.name, spec


@pytest.mark.parametrize(
    ("ia32", "x86_64"), [(3, 0), (4, 1), (5, 2), (6, 3), (11, 59), (295, 257), (435, 435)]
)
def test_32_bit_callers_mean_the_call_of_the_same_name(ia32, x86_64):
    assert IA32_TO_X86_64[ia32] == x86_64
