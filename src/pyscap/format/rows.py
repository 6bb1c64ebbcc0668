"""The shape of a lowered layout row.

In:  nothing. Out: `LayoutRow`. Next: `layout_rows`, `encode`, `plan`.
"""

from __future__ import annotations

from typing import NamedTuple


class LayoutRow(NamedTuple):
    """One field of a metadata record as it lies in the file."""

    name: str
    """Field name of the declaration."""
    wire: str
    """`u8`, `u16`, `u32`, `u64`, `i64`; `str16`: 16-bit length and bytes; `bytes:N`;
    `bytes@NAME`: as many as the earlier field NAME says; `len_self`, `len_rest`: 32-bit length of
    the entry with and without these four bytes."""
    since: int = 1
    """First version of the block with the field."""
    tail: int | None = None
    """None: always there. Else: there if the entry has room for it and more than this many bytes
    follow the entry's fixed part."""
    default: int = 0
    """Value of a number that is not there."""
    max_len: int | None = None
    """Longest text written, in bytes."""
