"""Types of event parameters.

In:  nothing. Out: `PARAM_TYPES`. Next: `pyscap.plan`; the engine's `tables` knows the
same types, which a test compares. How each is printed stands in the engine's `render/param.rs`.
Source: parameter types of the scap format, schema 4.5.1.
"""

from __future__ import annotations

from typing import NamedTuple


class ParamType(NamedTuple):
    """How a parameter is encoded; numbers are little-endian."""

    name: str
    """As in `ParamSpec.type`."""
    size: int
    """Bytes of a value; 0 for any number. An empty value of any type is unknown."""
    wire: str
    """What the bytes are."""


_P = ParamType

PARAM_TYPES: tuple[ParamType, ...] = (
    _P("NONE", 0, "nothing"),
    _P("INT8", 1, "signed number"),
    _P("INT16", 2, "signed number"),
    _P("INT32", 4, "signed number"),
    _P("INT64", 8, "signed number"),
    _P("UINT8", 1, "unsigned number"),
    _P("UINT16", 2, "unsigned number"),
    _P("UINT32", 4, "unsigned number"),
    _P("UINT64", 8, "unsigned number"),
    _P("CHARBUF", 0, "text and a final NUL"),
    _P("BYTEBUF", 0, "bytes"),
    _P("ERRNO", 8, "result; a negative one is an error number"),
    _P("SOCKADDR", 0, "family and address"),
    _P("SOCKTUPLE", 0, "family and the addresses of both ends"),
    _P("FD", 8, "descriptor number, signed"),
    _P("PID", 8, "thread or process id, signed"),
    _P("FDLIST", 0, "u16 count, then i64 descriptor and i16 event mask each"),
    _P("FSPATH", 0, "path and a final NUL; relative to the working directory"),
    _P("SYSCALLID", 2, "the format's code of a system call"),
    _P("SIGTYPE", 1, "signal number"),
    _P("RELTIME", 8, "nanoseconds; all ones for none"),
    _P("ABSTIME", 8, "nanoseconds since the epoch"),
    _P("PORT", 2, "port number"),
    _P("DYN", 0, "u8 that selects a member of the parameter's union, then its value"),
    _P("FLAGS8", 1, "bit set"),
    _P("FLAGS16", 2, "bit set"),
    _P("FLAGS32", 4, "bit set"),
    _P("UID", 4, "user id; all ones for none"),
    _P("GID", 4, "group id; all ones for none"),
    _P("SIGSET", 4, "bit n-1 is signal n"),
    _P("CHARBUFARRAY", 0, "texts, each with a final NUL"),
    _P("CHARBUF_PAIR_ARRAY", 0, "not written to files"),
    _P("IPV4ADDR", 4, "address in network order"),
    _P("IPV6ADDR", 16, "address in network order"),
    _P("MODE", 4, "file mode"),
    _P("FSRELPATH", 0, "path and a final NUL; relative to the parameter's `dirfd`"),
    _P("ENUMFLAGS8", 1, "one of several values"),
    _P("ENUMFLAGS16", 2, "one of several values"),
    _P("ENUMFLAGS32", 4, "one of several values"),
    _P("FD32", 4, "descriptor number, signed"),
    _P("PID32", 4, "thread or process id, signed"),
)
"""Every parameter type."""
