"""Where the fields of kernel structures lie, read from the kernel's own type information.

In:  `/sys/kernel/btf/vmlinux` (BPF Type Format). Out: byte offsets, sizes, enumerators, type ids.
Next: `probe/layout.py` turns them into `-D` constants of the program.
Source: Documentation/bpf/btf.rst of the Linux kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from construct import Const, Int8ul, Int16ul, Int32ul, Struct

from pyscap.probe.errors import ProbeUnavailable

VMLINUX = Path("/sys/kernel/btf/vmlinux")

HEADER = Struct(
    "magic" / Const(0xEB9F, Int16ul),
    "version" / Const(1, Int8ul),
    "flags" / Int8ul,
    "hdr_len" / Int32ul,
    "type_off" / Int32ul,
    "type_len" / Int32ul,
    "str_off" / Int32ul,
    "str_len" / Int32ul,
)
"""The head of the data; offsets count from its end."""

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = range(1, 9)
VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT = range(9, 17)
DECL_TAG, TYPE_TAG, ENUM64 = range(17, 20)

_FIXED_WORDS = {INT: 1, ARRAY: 3, VAR: 1, DECL_TAG: 1}
_WORDS_PER_ITEM = {STRUCT: 3, UNION: 3, ENUM: 2, FUNC_PROTO: 2, DATASEC: 3, ENUM64: 3}
_TRANSPARENT = frozenset({TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG})
_NAMED = frozenset({STRUCT, UNION, TYPEDEF, ENUM, ENUM64})


class Member(NamedTuple):
    """One field of a structure."""

    name: str
    type_id: int
    offset: int
    """Bytes from the start of the structure that holds it."""


class Btf:
    """The type information of one kernel, indexed by name.

    Args:
        data: a complete BTF section.

    Raises:
        ProbeUnavailable: the data is not BTF, or ends inside a record.
    """

    def __init__(self, data: bytes) -> None:  # noqa: D107 - described above
        try:
            head = HEADER.parse(data)
            base = head.hdr_len
            types = data[base + head.type_off : base + head.type_off + head.type_len]
            self._words = memoryview(types[: len(types) & ~3]).cast("I")
            self._strings = data[base + head.str_off : base + head.str_off + head.str_len]
            self._starts, self._names = self._index()
        except Exception as error:  # construct's errors have no common public base with IndexError
            msg = "the kernel's type information cannot be read"
            raise ProbeUnavailable(
                msg,
                f"{VMLINUX} is damaged or of a newer format: {error}",
            ) from error

    @classmethod
    def of_running_kernel(cls, path: Path = VMLINUX) -> Btf:
        """The type information of the running kernel.

        Raises:
            ProbeUnavailable: the kernel has none, or it cannot be read.
        """
        try:
            return cls(path.read_bytes())
        except OSError as error:
            msg = f"the kernel offers no type information: {error}"
            raise ProbeUnavailable(
                msg,
                "capture needs a kernel built with CONFIG_DEBUG_INFO_BTF=y (5.8 or newer)",
            ) from error

    def offset(self, path: str) -> int | None:
        """Byte offset of a dotted path such as `task_struct.thread_info.status`.

        Anonymous structures and unions on the way are walked. None when a name does not exist.
        """
        struct, *fields = path.split(".")
        type_id = self._names.get((STRUCT, struct)) or self._names.get((TYPEDEF, struct))
        total = 0
        for name in fields:
            member = self._find(type_id, name) if type_id else None
            if member is None:
                return None
            total += member.offset
            type_id = member.type_id
        return total if type_id else None

    def size(self, struct: str) -> int | None:
        """Size in bytes of a structure; None when it does not exist."""
        type_id = self._names.get((STRUCT, struct))
        return self._words[self._starts[type_id] + 2] if type_id else None

    def enumerator(self, enum: str, name: str) -> int | None:
        """Value of one enumerator; None when it does not exist."""
        type_id = self._names.get((ENUM, enum))
        if type_id is None:
            return None
        at = self._starts[type_id]
        for item in range(at + 3, at + 3 + 2 * (self._words[at + 1] & 0xFFFF), 2):
            if self._string(self._words[item]) == name:
                return self._words[item + 1]
        return None

    def type_id(self, kind: int, name: str) -> int | None:
        """Number of the first type with this kind and name."""
        return self._names.get((kind, name))

    def _index(self) -> tuple[list[int], dict[tuple[int, str], int]]:
        """Start word of each type (type 0 is void), and the first type of each name."""
        words, strings = self._words, self._strings
        names: dict[tuple[int, str], int] = {}
        starts, at, end = [0], 0, len(words)
        while at + 3 <= end:
            info = words[at + 1]
            kind, count = info >> 24 & 0x1F, info & 0xFFFF
            name_at = words[at]
            if name_at and kind in _NAMED:
                name = strings[name_at : strings.index(b"\0", name_at)].decode("ascii", "replace")
                names.setdefault((kind, name), len(starts))
            starts.append(at)
            at += 3 + _FIXED_WORDS.get(kind, 0) + count * _WORDS_PER_ITEM.get(kind, 0)
        return starts, names

    def _string(self, at: int) -> str:
        return self._strings[at : self._strings.index(b"\0", at)].decode("ascii", "replace")

    def _resolve(self, type_id: int) -> tuple[int, int]:
        """Kind and start of a type, behind typedefs and qualifiers."""
        for _ in range(16):
            at = self._starts[type_id]
            kind = self._words[at + 1] >> 24 & 0x1F
            if type_id == 0 or kind not in _TRANSPARENT:
                return kind, at
            type_id = self._words[at + 2]
        return 0, 0

    def _members(self, type_id: int) -> list[Member]:
        kind, at = self._resolve(type_id)
        if kind not in (STRUCT, UNION):
            return []
        words, info = self._words, self._words[at + 1]
        bits = 0xFFFFFF if info >> 31 else 0xFFFFFFFF
        return [
            Member(self._string(words[m]), words[m + 1], (words[m + 2] & bits) // 8)
            for m in range(at + 3, at + 3 + 3 * (info & 0xFFFF), 3)
        ]

    def _find(self, type_id: int, name: str, depth: int = 0) -> Member | None:
        members = self._members(type_id)
        for member in members:
            if member.name == name:
                return member
        for member in members if depth < 8 else ():
            inner = None if member.name else self._find(member.type_id, name, depth + 1)
            if inner is not None:
                return inner._replace(offset=inner.offset + member.offset)
        return None
