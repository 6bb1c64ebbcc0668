"""Block numbers as the format's specification lists them."""

from __future__ import annotations

import pytest

from pyscap.format import versions
from pyscap.format.versions import EVENT_BLOCKS, METADATA_BLOCKS, block_number, newest


def test_no_number_means_two_things():
    numbers = [row.number for row in (*METADATA_BLOCKS, *EVENT_BLOCKS)]
    assert len(numbers) == len(set(numbers)) == 30
    assert versions.SECTION_HEADER not in numbers
    assert not versions.PACKET_BLOCKS & {*numbers, versions.INTERFACE_DESCRIPTION}


@pytest.mark.parametrize(
    ("record", "number", "version"),
    [
        ("machine", 0x201, 1),
        ("process", 0x215, 9),
        ("fd", 0x218, 2),
        ("interface", 0x219, 2),
        ("user", 0x220, 2),
    ],
)
def test_the_newest_block_of_each_record(record, number, version):
    found = newest(record)
    assert (found.number, found.version) == (number, version)


@pytest.mark.parametrize(
    ("record", "version", "number"),
    [("machine", 1, 0x201), ("process", 1, 0x202), ("process", 4, 0x210), ("user", 1, 0x206)],
)
def test_of_two_numbers_the_one_of_today_is_written(record, version, number):
    assert block_number(record, version) == number


@pytest.mark.parametrize(("record", "version"), [("machine", 2), ("process", 10), ("x", 1)])
def test_a_version_that_no_release_wrote(record, version):
    with pytest.raises(KeyError):
        block_number(record, version)


def test_records_have_every_version_from_one_on():
    for record in {row.record for row in METADATA_BLOCKS}:
        found = {row.version for row in METADATA_BLOCKS if row.record == record}
        assert found == set(range(1, max(found) + 1))


@pytest.mark.parametrize(
    ("number", "counted", "flagged", "large"),
    [
        (0x204, False, False, False),
        (0x208, False, True, False),
        (0x216, True, False, False),
        (0x217, True, True, False),
        (0x221, True, False, True),
        (0x222, True, True, True),
    ],
)
def test_what_the_header_of_an_event_block_holds(number, counted, flagged, large):
    assert versions.EventBlock(number, counted, flagged, large) in EVENT_BLOCKS


def test_the_magic_is_that_of_pcapng():
    assert versions.SECTION_HEADER.to_bytes(4, "little") == b"\n\r\r\n"
    assert versions.BYTE_ORDER_MAGIC.to_bytes(4, "little") == b"\x4d\x3c\x2b\x1a"
