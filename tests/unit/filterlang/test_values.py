"""Constants of each type."""

from __future__ import annotations

import pytest

from pyscap.filterlang.check import TYPES
from pyscap.filterlang.typed import Const
from pyscap.filterlang.values import BadValue, convert, from_hex, without_unit


@pytest.mark.parametrize(
    ("type_name", "text", "kind", "value"),
    [
        ("CHARBUF", "a", "text", "a"),
        ("BYTEBUF", "a\0\udcff", "bytes", b"a\0\xff"),
        ("INT64", "-5", "i64", -5),
        ("INT64", "+5", "i64", 5),
        ("INT64", " 5", "i64", 5),
        ("INT64", "-0x10", "i64", -16),
        ("UINT64", "18446744073709551615", "u64", 2**64 - 1),
        ("INT16", "-32768", "i64", -32768),
        ("UID", "-1", "u64", 2**32 - 1),
        ("BOOL", "true", "bool", True),
        ("DOUBLE", "5.5", "f64", 5.5),
        ("DOUBLE", "1e3", "f64", 1000.0),
        ("PORT", "0080", "u64", 80),
        ("PORT", "", "u64", 0),
        ("PORT", "https", "u64", 443),
        ("IPADDR", "8.8.8.8", "ip", "8.8.8.8"),
        ("IPADDR", "2001:DB8:0:0::1", "ip", "2001:db8::1"),
        ("IPNET", "10.1.2.3/8", "net", "10.1.2.3/8"),
        ("IPNET", "10.0.0.0/08", "net", "10.0.0.0/8"),
        ("IPNET", "0.0.0.0/0", "net", "0.0.0.0/0"),
    ],
)
def test_convert_reads_a_value(type_name: str, text: str, kind: str, value: object) -> None:
    assert convert(text, TYPES[type_name], "x") == Const(kind, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_name", "text", "suggestion"),
    [
        ("CHARBUF", "a\0", None),
        ("INT64", "5 ", None),
        ("INT64", "5.0", None),
        ("INT64", "", None),
        ("INT64", "9223372036854775808", None),
        ("INT64", "9" * 100_000, None),
        ("INT64", "10ms", "10000000"),
        ("UINT32", "-1", None),
        ("UINT32", "4294967296", None),
        ("BOOL", "True", "true"),
        ("BOOL", "no", "false"),
        ("DOUBLE", "nan", None),
        ("DOUBLE", "1" * 400, None),
        ("PORT", "65536", None),
        ("PORT", "+80", None),
        ("PORT", "htpp", "http"),
        ("IPADDR", "8.8.8", None),
        ("IPADDR", "::ffff:1.2.3.4", None),
        ("IPADDR", "fe80::1%eth0", None),
        ("IPADDR", "10.0.0.0/8", None),
        ("IPNET", "10.0.0.0", "10.0.0.0/32"),
        ("IPNET", "10.0.0.0/33", None),
        ("IPNET", "::/0", None),
        ("IPNET", "10.0.0.0/255.0.0.0", None),
    ],
)
def test_convert_refuses_what_is_no_value(
    type_name: str, text: str, suggestion: str | None
) -> None:
    with pytest.raises(BadValue) as caught:
        convert(text, TYPES[type_name], "x")
    assert caught.value.suggestion == suggestion


def test_from_hex_takes_pairs_of_digits() -> None:
    assert from_hex("7f45") == Const("bytes", b"\x7fE")


@pytest.mark.parametrize(
    ("text", "suggestion"), [("0x7f", "7f"), ("7f4", "376634"), ("GET", "474554"), ("", None)]
)
def test_from_hex_suggests_what_was_meant(text: str, suggestion: str | None) -> None:
    with pytest.raises(BadValue) as caught:
        from_hex(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "number"),
    [("10ms", "10000000"), ("1.5s", "1500000000"), ("4KiB", "4096"), ("5x", None)],
)
def test_without_unit(text: str, number: str | None) -> None:
    assert without_unit(text) == number
