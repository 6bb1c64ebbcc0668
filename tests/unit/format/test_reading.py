"""Every kind of file is read: old, damaged, cut, mixed, endless."""

from __future__ import annotations

import gzip
import struct

import builders as b
import pytest
from engine import blocks, counts, lines

from pyscap.format.encode import block, section_header

DATA = b.capture(
    threads=[b.thread(5, "cat", fds=[b.fd(3, name="/x"), b.fd(4, "pipe", name="pipe:[1]")])],
    events=[b.lseek(fd=3, tid=5), b.openat(fd=6, name="/y", tid=5), b.lseek(fd=6, tid=5)],
)
LAST_METADATA = 6


def spliced(data: bytes, at: int, extra: bytes) -> bytes:
    """`data` with `extra` before block number `at`."""
    parts = [raw for _, raw in blocks(data)]
    return b"".join([*parts[:at], extra, *parts[at:]])


def test_a_file_cut_at_every_byte_gives_all_complete_events_and_the_place():
    ends, offset = {}, 0
    for index, (_, raw) in enumerate(blocks(DATA)):
        offset += len(raw)
        ends[offset] = max(0, index + 1 - LAST_METADATA)
    for cut in range(1, len(DATA)):
        if cut < 12:
            assert counts(DATA[:cut])["error"][0] == "not_a_capture"
            continue
        found = counts(DATA[:cut])
        whole = max((end for end in ends if end <= cut), default=0)
        assert found["events"] == ends.get(whole, 0), cut
        if whole == cut:
            assert found["error"] is None
        else:
            assert found["error"][0] == "truncated", cut
            assert found["error"][2] == whole, cut


def test_a_cut_gzip_file_gives_what_can_be_inflated():
    big = b.capture(events=[b.lseek(fd=i, tid=5) for i in range(2000)])
    packed = gzip.compress(big)
    found = counts(packed[: len(packed) // 2])
    assert 0 < found["events"] < 2000
    assert found["error"][0] == "truncated"


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 0xBAD, 0x80000001, 0x201 + 0x100])
@pytest.mark.parametrize("at", [1, LAST_METADATA, LAST_METADATA + 1])
def test_other_blocks_are_skipped_at_every_place(kind, at):
    found = counts(spliced(DATA, at, block(kind, b"whatever")))
    assert (found["events"], found["damaged"], found["error"]) == (3, 0, None)
    assert found["packets"] == (kind in (2, 3, 6))


def test_metadata_after_the_first_event_is_taken():
    late = b.metadata("process", [b.thread(9, "late").fields], 9)
    data = spliced(DATA, LAST_METADATA + 1, late) + b.lseek(fd=1, tid=9).block()
    assert " late (9) " in lines(data)[-1]


def test_sections_have_a_state_of_their_own():
    found = counts(DATA + DATA)
    assert (found["events"], found["sections"]) == (6, 2)
    other = b.capture(events=[b.lseek(fd=3, tid=5)])
    assert "<NA>" in lines(DATA + other)[-1]


def test_concatenated_gzip_members_are_one_file():
    middle = len(DATA) // 2
    packed = gzip.compress(DATA[:middle]) + gzip.compress(DATA[middle:])
    assert counts(packed)["events"] == 3


def test_garbage_between_blocks_is_passed_over_and_told():
    found = counts(spliced(DATA, LAST_METADATA + 1, b"\xff" * 37))
    offset = sum(len(raw) for _, raw in blocks(DATA)[: LAST_METADATA + 1])
    assert (found["events"], found["damaged"], found["error"]) == (3, 1, None)
    assert found["spots"][0][0] == offset


def test_a_wrong_trailer_alone_loses_nothing():
    parts = [raw for _, raw in blocks(DATA)]
    parts[LAST_METADATA] = parts[LAST_METADATA][:-4] + b"\1\2\3\4"
    found = counts(b"".join(parts))
    assert (found["events"], found["damaged"]) == (3, 1)


def test_an_event_longer_than_its_block_is_counted_and_left_out():
    parts = [raw for _, raw in blocks(DATA)]
    bad = bytearray(parts[LAST_METADATA + 1])
    struct.pack_into("<I", bad, 8 + 2 + 16, 0xFFFF)
    parts[LAST_METADATA + 1] = bytes(bad)
    found = counts(b"".join(parts))
    assert (found["events"], found["damaged"]) == (2, 1)


def test_unknown_codes_are_counted_and_shown_by_number():
    data = DATA + b.Event(777, (b"x",), tid=5).block()
    assert counts(data)["unknown"] == 1
    assert " [777] " in lines(data)[-1]


def test_a_large_event_is_read_in_either_block():
    big = b.event(402, plugin_id=0, name="x", data=b"d" * 100_000, tid=5)
    for number in (0x221, 0x216):
        found = counts(DATA + big.block(number=number))
        assert (found["events"], found["damaged"]) == (4, 0)


def test_a_big_endian_file_is_no_capture():
    head = struct.pack(">IIIHHQI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 2, 2**64 - 1, 28)
    assert "big-endian" in counts(head)["error"][1]


def test_an_entry_with_surplus_bytes_is_read_and_the_surplus_skipped():
    row = b.thread(5, "cat").fields
    built = b.blocks.PROCESS.build(row, version=9)
    longer = struct.pack("<I", len(built) + 9) + built[4:] + b"surplus.."
    second = b.blocks.PROCESS.build(b.thread(6, "dog").fields, version=9)
    data = section_header() + block(0x215, longer + second) + b.lseek(fd=1, tid=6).block()
    assert " dog (6) " in lines(data)[0]


def test_the_tail_of_a_process_entry_is_read_in_all_its_lengths():
    for length in (0, 4, 5, 29, 30, 41, 76):
        row = b.thread(5, "cat", loginuid=77, tty=3).fields
        full = b.blocks.PROCESS.build(row, version=9)
        fixed = len(full) - 76
        start = fixed + 12 if length <= 29 else fixed
        entry = struct.pack("<I", fixed + length) + full[4:fixed] + full[start : start + length]
        data = section_header() + block(0x215, entry) + b.lseek(fd=1, tid=5).block()
        shown = lines(data, None, "%evt.num %user.loginuid %proc.tty")
        expected = "77" if 4 <= length <= 29 or length >= 41 else shown[0].split()[0]
        assert shown[0].split()[0] == expected, length
        assert shown[0].split()[1] == ("3" if length >= 30 else "0"), length


def test_a_fault_in_a_list_keeps_the_entries_before_it():
    good = b.blocks.PROCESS.build(b.thread(5, "cat").fields, version=9)
    bad = struct.pack("<I", 0xFFFF) + b"short"
    data = section_header() + block(0x215, good + bad) + b.lseek(fd=1, tid=5).block()
    found = counts(data)
    assert (found["events"], found["damaged"]) == (1, 1)
    assert " cat (5) " in lines(data)[0]


def test_enter_events_can_be_seen_as_they_were_written():
    from dataclasses import replace

    from engine import drive, with_filter

    from pyscap._engine import Session

    enter = b.event("close", ">", tid=5, fd=3)
    leave = b.event("close", tid=5, res=0, count=1)
    data = b.capture(threads=[b.thread(5, "cat")], events=[enter, leave])
    plan = with_filter(None)
    seen = {}
    for flag in (False, True):
        engine = Session(replace(plan, options=replace(plan.options, enter=flag)).to_json())
        drive(engine, data)
        seen[flag] = engine.stats()["chosen"]
    assert seen == {False: 1, True: 2}


@pytest.mark.parametrize(
    ("events", "durations"),
    [
        ([("close", ">", 5, 100), ("close", "<", 5, 350)], [250]),
        ([("close", ">", 5, 100), ("close", "<", 6, 350), ("close", "<", 5, 400)], [None, 300]),
        ([("close", ">", 5, 100), ("switch", ">", 5, 200), ("close", "<", 5, 350)], [None, 250]),
        ([("close", ">", 5, 100), ("dup", "<", 5, 350), ("close", "<", 5, 400)], [None, None]),
        ([("close", ">", 5, 400), ("close", "<", 5, 350)], [None]),
        ([("close", "<", 5, 350)], [None]),
    ],
)
def test_calls_of_files_with_enter_events_have_a_duration(events, durations):
    values = {
        ("close", ">"): {"fd": 3},
        ("close", "<"): {"res": 0, "count": 1},
        ("switch", ">"): {"next": 1},
        ("dup", "<"): {"res": 4, "count": 1},
    }
    made = [
        b.event(name, direction, tid=tid, ts_ns=ts_ns, **values[name, direction])
        for name, direction, tid, ts_ns in events
    ]
    data = b.capture(threads=[b.thread(5, "cat"), b.thread(6, "dog")], events=made)
    shown = lines(data, template="*%evt.num %evt.latency")
    assert shown == ["<NA>" if ns is None else str(ns) for ns in durations]
