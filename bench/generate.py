"""Make a large capture by repeating a small one with shifted times.

In:  a capture of the current format (gzip or plain). Out: a plain capture of at least N events.
Use: `python bench/generate.py SOURCE N OUT`. Next: `bench/run.py`.

The metadata stands once at the head; every repetition is moved by the length of the original, so
that times rise as in one long capture. Process ids repeat, as they do on a busy machine.
"""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

EVENT_BLOCKS = {0x204, 0x208, 0x216, 0x217, 0x221, 0x222}
FLAGGED = {0x208, 0x217, 0x222}
HEAD_BYTES = 8
CPU_BYTES = 2
FLAGS_BYTES = 4
GAP_NS = 1_000_000


def read_bytes(path: Path) -> bytes:
    """The capture, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def split(data: bytes) -> tuple[bytes, bytes, list[int], list[int]]:
    """Metadata, events, and for each event the offset and value of its time."""
    head, events = bytearray(), bytearray()
    offsets, times = [], []
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        block = data[at : at + length]
        if kind in EVENT_BLOCKS:
            inner = HEAD_BYTES + CPU_BYTES + (FLAGS_BYTES if kind in FLAGGED else 0)
            offsets.append(len(events) + inner)
            times.append(struct.unpack_from("<Q", block, inner)[0])
            events += block
        else:
            head += block
        at += length
    return bytes(head), bytes(events), offsets, times


def generate(source: Path, count: int, out: Path) -> int:
    """Write at least `count` events to `out`; returns how many."""
    head, events, offsets, times = split(read_bytes(source))
    step = max(times) - min(times) + GAP_NS
    put = struct.Struct("<Q").pack_into
    rounds = -(-count // len(offsets))
    with out.open("wb") as file:
        file.write(head)
        for turn in range(rounds):
            copy = bytearray(events)
            shift = step * turn
            for offset, time in zip(offsets, times, strict=True):
                put(copy, offset, time + shift)
            file.write(copy)
    return rounds * len(offsets)


if __name__ == "__main__":
    print(generate(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
