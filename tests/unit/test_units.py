"""Amounts as people write them."""

import pytest

from pyscap.units import (
    parse_count,
    parse_duration_ns,
    parse_keep,
    parse_recorder,
    parse_size,
    parse_snaplen,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("80", 80), ("4K", 4096), ("4k", 4096), ("4KiB", 4096), ("4KB", 4000), ("1.5G", 3 << 29)],
)
def test_size_reads_units(text, value):
    assert parse_size(text) == value


def test_size_multiplies_a_bare_number_only():
    assert parse_size("5", bare=1_000_000) == 5_000_000
    assert parse_size("5K", bare=1_000_000) == 5120


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "4X", "1e9", "0x10", "9999999999G", "\u0661"])
def test_size_refuses_what_is_no_amount(text):
    with pytest.raises(ValueError, match=r"not a size|out of range"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("10", 10 * 10**9), ("1.5", 1_500_000_000), ("500ms", 500_000_000), ("2m", 120 * 10**9)],
)
def test_duration_reads_units(text, value):
    assert parse_duration_ns(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "-5", "1.5", "", "x", "9" * 30])
def test_count_refuses_all_but_whole_numbers_from_one(text):
    with pytest.raises(ValueError, match="whole number"):
        parse_count(text)


def test_count_reads_a_number():
    assert parse_count("12") == 12


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", {"": 0}),
        ("4K", {"": 4096}),
        ("net=4096,file=128", {"net": 4096, "file": 128}),
        ("200,exec=1K", {"": 200, "exec": 1024}),
    ],
)
def test_snaplen_reads_kinds(text, value):
    assert parse_snaplen(text) == value


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("disk=1", "no buffer kind 'disk'"),
        ("net=1,net=2", "net is given twice"),
        ("1,2", "the length is given twice"),
        ("65001", "more than a buffer can hold"),
        ("net=", "is not a size"),
    ],
)
def test_snaplen_says_what_is_wrong(text, cause):
    with pytest.raises(ValueError, match=cause):
        parse_snaplen(text)


def test_recorder_takes_a_time_a_size_or_both():
    assert parse_recorder("60s") == (60 * 10**9, None)
    assert parse_recorder("256MB") == (None, 256 * 1000**2)
    assert parse_recorder("8MiB, 500ms") == (500 * 10**6, 8 << 20)
    for wrong, why in (
        ("60", "neither"),
        ("1s,2s", "two durations"),
        ("8MB,9MB", "two sizes"),
        ("1MB", "too little"),
        ("64M", "write 64min or 64MB"),
        ("", "neither"),
    ):
        with pytest.raises(ValueError, match=why):
            parse_recorder(wrong)


def test_keep_tells_ages_from_sizes():
    assert parse_keep("3h") == ("ns", 3 * 3600 * 10**9)
    assert parse_keep("10GB") == ("bytes", 10 * 1000**3)
    with pytest.raises(ValueError, match="neither a time"):
        parse_keep("3")
