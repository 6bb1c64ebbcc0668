"""Offsets from type information, on a small made-up kernel."""

import struct

import pytest

from pyscap.probe import btf
from pyscap.probe.errors import ProbeUnavailable


class Maker:
    """Writes a BTF section."""

    def __init__(self):
        self.strings = b"\0"
        self.types = b""

    def name(self, text):
        at = len(self.strings)
        self.strings += text.encode() + b"\0"
        return at if text else 0

    def add(self, name, kind, size, *words, count=0, flag=0):
        info = flag << 31 | kind << 24 | count
        self.types += struct.pack("<III", self.name(name), info, size)
        self.types += struct.pack(f"<{len(words)}I", *words)

    def struct(self, name, size, *members, kind=btf.STRUCT, flag=0):
        words = [word for field, of, bits in members for word in (self.name(field), of, bits)]
        self.add(name, kind, size, *words, count=len(members), flag=flag)

    def data(self):
        head = struct.pack(
            "<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings)
        )
        return head + self.types + self.strings


@pytest.fixture
def kernel():
    maker = Maker()
    maker.add("int", btf.INT, 4, 0)  # 1
    maker.struct("inner", 8, ("low", 1, 0), ("high", 1, 32))  # 2
    maker.struct("", 8, ("left", 1, 0), ("right", 2, 0), kind=btf.UNION)  # 3
    maker.add("inner_t", btf.TYPEDEF, 2)  # 4
    maker.add("", btf.CONST, 4)  # 5
    maker.struct("outer", 32, ("first", 1, 0), ("", 3, 64), ("tail", 5, 128))  # 6
    maker.add("colour", btf.ENUM, 4, maker.name("red"), 3, maker.name("blue"), 7, count=2)  # 7
    maker.struct("bits", 8, ("flag", 1, 1 << 24 | 9), flag=1)  # 8
    return btf.Btf(maker.data())


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("outer.first", 0),
        ("outer.left", 8),
        ("outer.right.high", 12),
        ("outer.tail", 16),
        ("outer.tail.high", 20),
        ("inner_t.high", 4),
        ("bits.flag", 1),
        ("outer.nothing", None),
        ("outer.first.deeper", None),
        ("nobody.first", None),
    ],
)
def test_offsets(kernel, path, at):
    assert kernel.offset(path) == at


def test_sizes_enumerators_and_type_ids(kernel):
    assert kernel.size("outer") == 32
    assert kernel.size("nobody") is None
    assert kernel.enumerator("colour", "blue") == 7
    assert kernel.enumerator("colour", "green") is None
    assert kernel.enumerator("shape", "round") is None
    assert kernel.type_id(btf.TYPEDEF, "inner_t") == 4


@pytest.mark.parametrize("data", [b"", b"\x9f\xeb\1", b"x" * 64, b"\x9f\xeb\2\0" + b"\0" * 20])
def test_damaged_data_is_refused(data):
    with pytest.raises(ProbeUnavailable):
        btf.Btf(data).offset("a.b")


def test_a_kernel_without_type_information(tmp_path):
    with pytest.raises(ProbeUnavailable, match="no type information"):
        btf.Btf.of_running_kernel(tmp_path / "vmlinux")
