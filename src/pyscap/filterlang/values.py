"""Constants: from the text in a filter to a value of the field's type.

In:  text and a `typed.Type`. Out: `typed.Const`, or `BadValue`. Next: `check.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from pyscap.filterlang.services import WELL_KNOWN, service_port
from pyscap.filterlang.typed import Const, Type
from pyscap.model.fields import nearest

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))")
_DOUBLE = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h|k|K|M|G|Ki|Mi|Gi|KiB|MiB|GiB|KB|MB|GB)")
_UNITS = {
    "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
    "k": 10**3, "K": 2**10, "M": 2**20, "G": 2**30, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9,
}  # fmt: skip
_MAX_DIGITS = 40
"""Longer numbers are out of every range and are not worth converting."""


class BadValue(ValueError):
    """A constant that its field cannot have."""

    def __init__(
        self, message: str, suggestion: str | None = None, expected: tuple[str, ...] = ()
    ) -> None:
        """Keep the parts of the sentence apart.

        Args:
            message: One sentence, without a full stop.
            suggestion: What to write instead.
            expected: Kinds of values that can stand there.
        """
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion
        self.expected = expected


def convert(text: str, type_: Type, what: str) -> Const:
    """Read a constant.

    Args:
        text: As written, without quotes and escapes.
        type_: Type of the left side.
        what: The left side in words, for messages.

    Returns:
        The value with its kind.

    Raises:
        BadValue: `text` is no value of that type or out of its range.

    Source: value formats of sysdig 0.41.4; DIFFERENCE(sysdig 0.41.4): hexadecimal numbers are
    read, and numbers outside the range of the field are errors instead of wrapping around.
    """
    if type_.family != "bytes" and "\0" in text:
        msg = f"{what} cannot hold a NUL byte"
        raise BadValue(msg)
    return _CONVERTERS[type_.family](text, type_, what)


def _text(text: str, _type: Type, _what: str) -> Const:
    return Const("text", text)


def _bytes(text: str, _type: Type, _what: str) -> Const:
    return Const("bytes", text.encode("utf-8", "surrogateescape"))


def _bool(text: str, _type: Type, what: str) -> Const:
    if text in ("true", "false"):
        return Const("bool", text == "true")
    near = {"1": "true", "yes": "true", "on": "true", "0": "false", "no": "false", "off": "false"}
    msg = f"{what} is true or false, not {text!r}"
    raise BadValue(
        msg, near.get(text.lower(), text.lower() if text.lower() in ("true", "false") else None)
    )


def _limits(type_: Type) -> tuple[int, int]:
    if type_.family == "int":
        return -(2 ** (type_.bits - 1)), 2 ** (type_.bits - 1) - 1
    return 0, 2**type_.bits - 1


def _number(text: str, type_: Type, what: str) -> Const:
    found = _INTEGER.fullmatch(text)
    if found is None:
        msg = f"{what} is a whole number, not {text!r}"
        raise BadValue(msg, without_unit(text))
    sign, hexadecimal, decimal = found.groups()
    digits = hexadecimal or decimal
    if len(digits.lstrip("0")) > _MAX_DIGITS:
        raise _out_of_range(text, type_, what)
    value = int(sign + digits, 16 if hexadecimal else 10)
    return _ranged(value, text, type_, what)


def _ranged(value: int, text: str, type_: Type, what: str) -> Const:
    low, high = _limits(type_)
    if value == -1 and type_.name in ("UID", "GID"):
        value = high
    if not low <= value <= high:
        raise _out_of_range(text, type_, what)
    return Const("i64" if type_.family == "int" else "u64", value)


def _out_of_range(text: str, type_: Type, what: str) -> BadValue:
    low, high = _limits(type_)
    return BadValue(f"{text} is out of range for {what}, which is {low} to {high}")


def without_unit(text: str) -> str | None:
    """The number that a spelling with a unit stands for, for a suggestion.

    Args:
        text: As `10ms` (times in nanoseconds) or `4KiB`.

    Returns:
        The number, or None for anything else.
    """
    found = _UNIT.fullmatch(text)
    return str(int(float(found.group(1)) * _UNITS[found.group(2)])) if found else None


def _double(text: str, _type: Type, what: str) -> Const:
    """DIFFERENCE(sysdig 0.41.4): fractions are read, not refused."""
    if _DOUBLE.fullmatch(text) is None or not math.isfinite(float(text)):
        msg = f"{what} is a number, not {text!r}"
        raise BadValue(msg)
    return Const("f64", float(text))


def _port(text: str, type_: Type, what: str) -> Const:
    if text == "":
        return Const("u64", 0)
    found = _INTEGER.fullmatch(text)
    if found and not found.group(1) and text[0].isdigit():
        return _number(text, type_, what)
    port = service_port(text)
    if port is None:
        near = nearest(text, WELL_KNOWN)
        msg = f"{text!r} is neither a port from 0 to 65535 nor the name of a service"
        raise BadValue(msg, near[0] if near else None, expected=("80", "http"))
    return Const("u64", port)


def _address(text: str, _type: Type, what: str) -> Const:
    """An address; with a dot it is IPv4, otherwise IPv6."""
    try:
        return Const("ip", str(_parse_address(text)))
    except ValueError:
        pass
    msg = f"{what} is an IPv4 or IPv6 address, not {text!r}"
    if "/" in text:
        msg += "; networks are matched by fd.net"
    raise BadValue(msg, expected=("127.0.0.1", "::1"))


def _parse_address(text: str) -> IPv4Address | IPv6Address:
    if "%" in text:
        msg = "zones are not part of an address"
        raise ValueError(msg)
    return IPv4Address(text) if "." in text else IPv6Address(text)


def _network(text: str, _type: Type, what: str) -> Const:
    address, slash, length = text.partition("/")
    try:
        base = _parse_address(address)
    except ValueError:
        msg = f"{what} is a network such as 10.0.0.0/8, not {text!r}"
        raise BadValue(msg, expected=("10.0.0.0/8", "fe80::/10")) from None
    if not slash:
        msg = f"a network needs a prefix length after {text}"
        raise BadValue(msg, f"{text}/{base.max_prefixlen}")
    low = 0 if base.version == 4 else 1
    if not re.fullmatch(r"[0-9]{1,4}", length) or not low <= int(length) <= base.max_prefixlen:
        msg = f"the prefix length of {address} is {low} to {base.max_prefixlen}, not {length!r}"
        raise BadValue(msg)
    return Const("net", f"{base}/{int(length)}")


_CONVERTERS: dict[str, Callable[[str, Type, str], Const]] = {
    "text": _text,
    "bytes": _bytes,
    "bool": _bool,
    "int": _number,
    "uint": _number,
    "port": _port,
    "double": _double,
    "ip": _address,
    "net": _network,
}


def from_hex(text: str) -> Const:
    """The bytes that `bcontains` and `bstartswith` look for.

    Args:
        text: An even number of hexadecimal digits, without a prefix.

    Raises:
        BadValue: Anything else.
    """
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return Const("bytes", bytes.fromhex(text))
    msg = f"the value is an even number of hexadecimal digits without prefix, not {text!r}"
    hint = text.removeprefix("0x")
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", hint):
        raise BadValue(msg, hint)
    raise BadValue(msg, text.encode("utf-8", "surrogateescape").hex() or None)
