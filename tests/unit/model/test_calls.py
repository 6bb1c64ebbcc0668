import pytest

from pyscap.model.calls import SIGNATURES, argument_positions
from pyscap.model.events import EVENTS

CURRENT = [
    spec
    for spec in EVENTS
    if spec.direction == "<" and not {"OLD_VERSION", "UNUSED"} & set(spec.flags.split("|"))
]


def spec_of(name):
    return next(spec for spec in CURRENT if spec.name == name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_name_parameters_that_exist(name):
    specs = [spec for spec in CURRENT if spec.name == name]
    names = {row.name for spec in specs for row in spec.params}
    assert set(SIGNATURES[name].split()) <= names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openat", ["dirfd", "name", "flags", "mode"]),
        ("read", ["fd", "data", "size"]),
        ("mmap", ["addr", "length", "prot", "flags", "fd", "offset"]),
        ("close", ["fd"]),
        ("fork", []),
        ("getuid", []),
        ("kill", ["pid", "sig"]),
    ],
)
def test_arguments_are_in_the_order_of_the_call(name, expected):
    spec = spec_of(name)
    assert [spec.params[at].name for at in argument_positions(spec)] == expected


def test_the_result_is_no_argument():
    calls = [spec for spec in CURRENT if "SYSCALL" in spec.categories]
    assert all(0 not in argument_positions(spec) for spec in calls if spec.name != "syscall")
