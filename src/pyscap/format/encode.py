"""Writes blocks at speed, by the lowered rows.

In:  values as mappings, named as in `blocks`. Out: bytes of blocks and of whole heads of files.
Next: a file, or the engine. Used for the snapshot of a live machine; `blocks` builds the same
bytes, more slowly, and every older version too.
Source: pcapng block structure; scap format specification, sections 1 to 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from struct import Struct, pack
from typing import Any

from pyscap.format.layout_rows import LAYOUTS
from pyscap.format.versions import BYTE_ORDER_MAGIC, SECTION_HEADER, WRITTEN_VERSION, newest

Value = Mapping[str, Any]
"""Fields of one record by name; missing ones get the declared default."""

_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}
_MASKS = {"u8": 0xFF, "u16": 0xFFFF, "u32": 0xFFFFFFFF, "u64": 0xFFFFFFFFFFFFFFFF}
_LIST_BYTES = 1 << 22
"""A process list is cut into blocks of about this size, far below what any reader refuses."""

OPTION_END = 0
OPTION_COMMENT = 1
OPTION_HARDWARE = 2
OPTION_OS = 3
OPTION_APPLICATION = 4


def block(number: int, body: bytes) -> bytes:
    """A whole block: head, `body`, padding, trailer."""
    padding = -len(body) % 4
    total = 12 + len(body) + padding
    return b"".join((pack("<II", number, total), body, bytes(padding), pack("<I", total)))


def section_header(options: Iterable[tuple[int, str]] = ()) -> bytes:
    """A section header block.

    Args:
        options: code and text of each pcapng option; a text is cut at 65535 bytes.

    Source:
        pcapng, section header block. Without options it is 28 bytes long, as every release of
        libs writes it; with options it is read by libs of 2025-03 and later.
    """
    body = pack("<IHHQ", BYTE_ORDER_MAGIC, *WRITTEN_VERSION, 0xFFFFFFFFFFFFFFFF)
    written = b"".join(_option(code, text.encode()[:0xFFFF]) for code, text in options)
    end = pack("<HH", OPTION_END, 0) if written else b""
    return block(SECTION_HEADER, body + written + end)


def _option(code: int, value: bytes) -> bytes:
    return pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def metadata(record: str, entries: Iterable[Value], prefix: bytes = b"") -> bytes:
    """A metadata block of today's version.

    Args:
        record: `machine`, `process`, `fd`, `interface` or `user`.
        entries: its entries; those with a `type` have the fields of that type as well.
        prefix: what stands before the first entry: the tid of a descriptor list.
    """
    body = b"".join((prefix, *(entry(record, value) for value in entries)))
    return block(newest(record).number, body)


def fd_list(tid: int, entries: Iterable[Value]) -> bytes:
    """The descriptor list block of a thread."""
    return metadata("fd", entries, pack("<Q", tid))


def entry(record: str, value: Value) -> bytes:
    """One entry of a metadata block, with its length."""
    payload = b""
    if record in _TYPED:
        payload = encoder(_payload_name(record, value))(value)
        if record == "interface":
            value = {**value, "name_len": len(value.get("name", b""))}
    fields = encoder(record)(value) + payload
    length = LAYOUTS[record][0].wire
    if length == "len_self":
        return pack("<I", len(fields) + 4) + fields
    return pack("<I", len(fields)) + fields if length == "len_rest" else fields


_TYPED = frozenset(("fd", "interface", "user"))


def _payload_name(record: str, value: Value) -> str:
    kind = value.get("type", 0)
    return f"{record}_{kind if record != 'user' else min(kind, 1)}"


@cache
def encoder(name: str) -> Callable[[Value], bytes]:
    """The function that writes the fields of layout `name`, all of them, in today's version.

    Numbers next to each other are packed in one go; a number too large is cut to its width, a
    text to the longest that every reader takes.
    """
    steps: list[Callable[[Value], bytes]] = []
    run: list[tuple[str, str, int]] = []
    for row in LAYOUTS[name]:
        if row.wire.startswith("len_"):
            continue
        if row.wire in _FORMATS:
            run.append((row.name, row.wire, row.default))
            continue
        steps += _number_steps(run)
        run = []
        steps.append(_text_step(row.name, row.wire, row.max_len or 0xFFFF))
    steps += _number_steps(run)
    return lambda value: b"".join([step(value) for step in steps])


def _number_steps(run: list[tuple[str, str, int]]) -> list[Callable[[Value], bytes]]:
    if not run:
        return []
    pack_run = Struct("<" + "".join(_FORMATS[wire] for _, wire, _ in run)).pack
    items = [(name, default, _MASKS.get(wire)) for name, wire, default in run]

    def step(value: Value) -> bytes:
        get = value.get
        return pack_run(*[get(n, d) if mask is None else get(n, d) & mask for n, d, mask in items])

    return [step]


def _text_step(name: str, wire: str, max_len: int) -> Callable[[Value], bytes]:
    if wire == "str16":
        pack_len = Struct("<H").pack

        def str16(value: Value) -> bytes:
            text: bytes = value.get(name, b"")[:max_len]
            return pack_len(len(text)) + text

        return str16
    if wire.startswith("bytes:"):
        size = int(wire.partition(":")[2])
        most = min(size, max_len)
        return lambda value: bytes(value.get(name, b"")[:most].ljust(size, b"\0"))
    return lambda value: bytes(value.get(name, b""))


def process_list(threads: Iterable[Value]) -> bytes:
    """Process list blocks: one, or several where the list is very long."""
    blocks: list[bytes] = []
    pending: list[bytes] = []
    size = 0
    number = newest("process").number
    for thread in threads:
        pending.append(entry("process", thread))
        size += len(pending[-1])
        if size >= _LIST_BYTES:
            blocks.append(block(number, b"".join(pending)))
            pending, size = [], 0
    if pending or not blocks:
        blocks.append(block(number, b"".join(pending)))
    return b"".join(blocks)
