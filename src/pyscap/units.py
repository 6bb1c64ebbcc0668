"""Amounts as people write them: `4K`, `10GB`, `1.5s`, `3h`, `net=4096,file=128`.

In:  a word of the command line or the configuration. Out: integers (bytes, nanoseconds).
Next: `options` gives each option its reader.
"""

from __future__ import annotations

import re

SIZE_UNITS = {
    "": 1,
    "b": 1,
    "k": 1 << 10,
    "kib": 1 << 10,
    "kb": 1000,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 1000**2,
    "g": 1 << 30,
    "gib": 1 << 30,
    "gb": 1000**3,
}
"""Bytes in a unit: the bare letter and the `iB` form count in 1024, the `B` form in 1000."""

TIME_UNITS = {
    "ns": 1,
    "us": 1000,
    "ms": 1000**2,
    "": 1000**3,
    "s": 1000**3,
    "m": 60 * 1000**3,
    "min": 60 * 1000**3,
    "h": 3600 * 1000**3,
    "d": 86400 * 1000**3,
}
"""Nanoseconds in a unit; a bare number is seconds."""

SNAPLEN_KINDS = ("file", "net", "exec", "other")
"""What `-s KIND=N` can name; a bare number is for all of them."""

SNAPLEN_MAX = 65000
"""A parameter's length is written in 16 bits, and its block has other parameters too."""

_AMOUNT = re.compile(r"(\d{1,20}(?:\.\d{1,12})?)\s*([A-Za-z]*)", re.ASCII)
_LARGEST = (1 << 63) - 1


def parse_size(text: str, *, bare: int = 1) -> int:
    """Bytes in `text`.

    Args:
        text: A number with an optional unit of `SIZE_UNITS`, in any case.
        bare: What a number without a unit is multiplied by.

    Returns:
        1 to 2**63 - 1.

    Raises:
        ValueError: not an amount, no such unit, zero, or too much.
    """
    return _amount(text, {**SIZE_UNITS, "": bare}, "a size such as 80, 4K or 10MB")


def parse_duration_ns(text: str) -> int:
    """Nanoseconds in `text`: a number of seconds, or with a unit of `TIME_UNITS`.

    Returns:
        1 to 2**63 - 1.

    Raises:
        ValueError: not an amount, no such unit, zero, or too much.
    """
    return _amount(text, TIME_UNITS, "a duration such as 10, 500ms, 2m or 3h")


def parse_count(text: str) -> int:
    """A whole number from 1 on.

    DIFFERENCE(sysdig 0.41.4): a negative number is an error there only for some options and means
    "no limit" for others; here it always is an error.

    Raises:
        ValueError: anything else.
    """
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) == 0:
        msg = f"{text!r} is not a whole number from 1 on"
        raise ValueError(msg)
    return int(text)


def parse_snaplen(text: str) -> dict[str, int]:
    """Bytes kept of each I/O buffer, by kind of descriptor.

    Args:
        text: `N`, or `KIND=N` joined by commas; `N` may carry a unit and may be 0.

    Returns:
        Kind of `SNAPLEN_KINDS` -> bytes, 0 to `SNAPLEN_MAX`; `""` is every kind not named.

    Raises:
        ValueError: no such kind, a kind given twice, not a size, or more than `SNAPLEN_MAX`.
    """
    lengths: dict[str, int] = {}
    for part in text.split(","):
        kind, equals, amount = part.rpartition("=")
        if equals and kind not in SNAPLEN_KINDS:
            msg = f"no buffer kind {kind!r}: one of {', '.join(SNAPLEN_KINDS)}"
            raise ValueError(msg)
        if kind in lengths:
            msg = f"{kind or 'the length'} is given twice"
            raise ValueError(msg)
        lengths[kind] = 0 if amount.strip() == "0" else parse_size(amount)
        if lengths[kind] > SNAPLEN_MAX:
            msg = f"{amount} is more than a buffer can hold in a capture file ({SNAPLEN_MAX})"
            raise ValueError(msg)
    return lengths


def parse_keep(text: str) -> tuple[str, int]:
    """What rotation keeps: `("ns", age)` for a duration, `("bytes", total)` for a size.

    The unit is required, since a bare number could be either; `m` is minutes.

    Raises:
        ValueError: neither.
    """
    unit = text.lstrip("0123456789. ").lower()
    if unit in TIME_UNITS and unit:
        return "ns", parse_duration_ns(text)
    if unit in SIZE_UNITS and unit:
        return "bytes", parse_size(text)
    msg = f"{text!r} is neither a time such as 3h nor a size such as 10GB"
    raise ValueError(msg)


def parse_recorder(text: str) -> tuple[int | None, int | None]:
    """What a flight recorder keeps: `60s`, `256MB`, or both with a comma between.

    Returns:
        Nanoseconds and bytes; None for what is not given. Units are required, as in `parse_keep`.

    Raises:
        ValueError: neither, one of them twice, or less than `RECORDER_MIN` bytes.
    """
    given: dict[str, int] = {}
    for part in map(str.strip, text.split(",")):
        if part.endswith("M"):
            msg = f"{part!r} can be minutes or bytes: write {part[:-1]}min or {part}B"
            raise ValueError(msg)
        kind, amount = parse_keep(part)
        if kind in given:
            msg = f"{text!r} has two {'durations' if kind == 'ns' else 'sizes'}"
            raise ValueError(msg)
        given[kind] = amount
    if given.get("bytes", RECORDER_MIN) < RECORDER_MIN:
        msg = f"{text!r} is too little: the lists of processes alone can need 4MB"
        raise ValueError(msg)
    return given.get("ns"), given.get("bytes")


RECORDER_MIN = 4_000_000
"""Bytes that a flight recorder has at least; an eighth of it is for one copy of the state."""


def _amount(text: str, units: dict[str, int], wanted: str) -> int:
    found = _AMOUNT.fullmatch(text.strip())
    unit = units.get(found[2].lower()) if found else None
    if found is None or unit is None:
        msg = f"{text!r} is not {wanted}"
        raise ValueError(msg)
    from fractions import Fraction

    value = int(Fraction(found[1]) * unit)
    if not 1 <= value <= _LARGEST:
        msg = f"{text!r} is out of range"
        raise ValueError(msg)
    return value
