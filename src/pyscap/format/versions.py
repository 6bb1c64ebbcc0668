"""Block numbers of the capture file and what each holds.

In:  nothing. Out: `METADATA_BLOCKS`, `EVENT_BLOCKS`, number constants. Next: `blocks`, `encode`.
Source: scap format specification, section 3; pcapng (draft-ietf-opsawg-pcapng) for the rest.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

SECTION_HEADER = 0x0A0D0D0A
"""Begins every section."""
BYTE_ORDER_MAGIC = 0x1A2B3C4D
"""Read in this order, the section is little-endian; no other order exists."""
WRITTEN_VERSION = (1, 2)
"""Major and minor that are written: the only pair besides 1.0 that every reader accepts."""

INTERFACE_DESCRIPTION = 1
PACKET_BLOCKS = frozenset((2, 3, 6))
"""Old packet, simple packet and enhanced packet blocks of pcapng."""

OPTION_CUSTOM = 2989
"""pcapng option inside event blocks whose value begins with the number of its owner.

Source: pcapng, "Custom options" (binary, may be copied). Wireshark 4.6 stops at an event block with
an option of any other private code; other readers skip all options.
"""
OPTION_OWNER = 32473
"""Private enterprise number that is set aside for examples, until pyscap has one of its own."""


class OwnOption(IntEnum):
    """Kinds of options of ours: 32 bits after the owner."""

    DURATION = 1
    """From entry to exit of the call: u64, ns."""
    STATE = 2
    """A piece of the initial state: what mergecap would drop (ADR 0009)."""
    SUMMARY = 3
    """What is to be said of the whole capture: JSON text, in the last event."""
    UNREADABLE = 4
    """u64, bit i set: the memory of parameter i could not be read."""


class MetadataBlock(NamedTuple):
    """One metadata block type."""

    number: int
    """Block type as it stands in the file."""
    record: str
    """What its body is made of, a key of `blocks.RECORDS`."""
    version: int
    """Version of the record."""


METADATA_BLOCKS: tuple[MetadataBlock, ...] = (
    MetadataBlock(0x201, "machine", 1),
    MetadataBlock(0x8002ABCD, "machine", 1),
    MetadataBlock(0x202, "process", 1),
    MetadataBlock(0x8000ABCD, "process", 1),
    MetadataBlock(0x207, "process", 2),
    MetadataBlock(0x8013ABCD, "process", 2),
    MetadataBlock(0x209, "process", 3),
    MetadataBlock(0x8014ABCD, "process", 3),
    MetadataBlock(0x210, "process", 4),
    MetadataBlock(0x211, "process", 5),
    MetadataBlock(0x212, "process", 6),
    MetadataBlock(0x213, "process", 7),
    MetadataBlock(0x214, "process", 8),
    MetadataBlock(0x215, "process", 9),
    MetadataBlock(0x203, "fd", 1),
    MetadataBlock(0x8001ABCD, "fd", 1),
    MetadataBlock(0x218, "fd", 2),
    MetadataBlock(0x205, "interface", 1),
    MetadataBlock(0x8011ABCD, "interface", 1),
    MetadataBlock(0x219, "interface", 2),
    MetadataBlock(0x206, "user", 1),
    MetadataBlock(0x8012ABCD, "user", 1),
    MetadataBlock(0x220, "user", 2),
)
"""Every metadata block of every release; 0x8... are the numbers of the first releases."""


class EventBlock(NamedTuple):
    """One event block type."""

    number: int
    counted: bool
    """The header says how many parameters there are (version 2)."""
    flagged: bool
    """A flags word stands before the header."""
    large: bool
    """Written for events whose length table is 32 bits wide."""


EVENT_BLOCKS: tuple[EventBlock, ...] = (
    EventBlock(0x204, counted=False, flagged=False, large=False),
    EventBlock(0x8010ABCD, counted=False, flagged=False, large=False),
    EventBlock(0x208, counted=False, flagged=True, large=False),
    EventBlock(0x216, counted=True, flagged=False, large=False),
    EventBlock(0x217, counted=True, flagged=True, large=False),
    EventBlock(0x221, counted=True, flagged=False, large=True),
    EventBlock(0x222, counted=True, flagged=True, large=True),
)
"""Every event block type."""


def newest(record: str) -> MetadataBlock:
    """The block type in which `record` is written today.

    Args:
        record: a key of `blocks.RECORDS`: machine, process, fd, interface or user.
    """
    return max((b for b in METADATA_BLOCKS if b.record == record), key=lambda b: b.version)


def block_number(record: str, version: int) -> int:
    """Number of the block type that holds `record` in `version`.

    Raises:
        KeyError: no release wrote such a version.
    """
    for row in METADATA_BLOCKS:
        if (row.record, row.version) == (record, version):
            return row.number
    raise KeyError((record, version))
