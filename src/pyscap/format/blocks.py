"""Every block of the capture file, declared once.

In:  nothing. Out: `RECORDS` (metadata entries), `SECTION_HEADER_BODY`, `EVENT_V1`, `EVENT_V2`,
`BLOCK`.
Next: `layouts` lowers the metadata entries to plain rows, which the engine reads by and `encode`
writes by.
Source: scap format specification, sections 2 to 5; libs userspace/libscap/scap_savefile.c
(observed: files of libs 0.7 to 0.25, sysdig 0.29.3 and 0.41.4, and captures of 2014 to 2018).
"""

from __future__ import annotations

from io import BytesIO

from construct import (
    Adapter,
    Byte,
    Bytes,
    Const,
    Construct,
    Container,
    Default,
    GreedyBytes,
    GreedyRange,
    If,
    Int16ul,
    Int32ul,
    Int64sl,
    Int64ul,
    Prefixed,
    Rebuild,
    Struct,
    Subconstruct,
    Switch,
    len_,
    this,
)

from pyscap.format.versions import BYTE_ORDER_MAGIC, WRITTEN_VERSION

NAME_MAX = 1024
"""Longest comm, exe, exepath, cwd and root that every reader takes, in bytes."""
FD_NAME_MAX = 1023
"""Longest descriptor name that every reader takes, in bytes."""
LIST_MAX = 4096
"""Longest args, env and cgroups that every reader takes, in bytes."""
USER_MAX = 255
"""Longest user name, home directory and shell that every reader takes, in bytes."""

Str16 = Prefixed(Int16ul, GreedyBytes)
"""A string of the metadata: its length in 16 bits, then its bytes without a NUL."""


class Field(Subconstruct):  # type: ignore[misc]  # construct is untyped
    """A field with the version that brought it, and the value that stands for its absence.

    Args:
        subcon: encoding.
        default: value in versions and entries that do not hold the field.
        since: first version of the block with the field.
        min_tail: `None`: the field is always there. Otherwise it is in the extensible tail of an
            entry: there only if the entry has room for it, and if more than `min_tail` bytes
            follow the fixed part.
        max_len: longest value written, in bytes; longer ones are cut.
    """

    def __init__(
        self,
        subcon: Construct,
        default: object,
        *,
        since: int = 1,
        min_tail: int | None = None,
        max_len: int | None = None,
    ) -> None:
        """Wrap `subcon`."""
        super().__init__(subcon)
        self.default = default
        self.since = since
        self.min_tail = min_tail
        self.max_len = max_len
        self.flagbuildnone = True

    def _parse(self, stream: BytesIO, context: Container, path: str) -> object:
        if context._params.version < self.since:
            return self.default
        if self.min_tail is not None and not self._has_room(stream, context):
            return self.default
        return self.subcon._parsereport(stream, context, path)

    def _has_room(self, stream: BytesIO, context: Container) -> bool:
        # The stream of an entry tells offsets in the whole file.
        left = len(stream.getbuffer()) - BytesIO.tell(stream)
        tail = context.setdefault("_tail_len", left)
        return bool(tail > self.min_tail and left >= self.subcon.sizeof())

    def _build(self, obj: object, stream: BytesIO, context: Container, path: str) -> object:
        if context._params.version < self.since:
            return obj
        if obj is None:
            if self.min_tail is not None:
                return None
            obj = self.default
        if self.max_len is not None and isinstance(obj, bytes):
            obj = obj[: self.max_len]
        return self.subcon._build(obj, stream, context, path)

    def _sizeof(self, context: Container, path: str) -> int:
        return int(self.subcon._sizeof(context, path))


class Padded(Adapter):  # type: ignore[misc]  # construct is untyped
    """Text in a field of fixed size, filled up with NULs."""

    def _decode(self, obj: bytes, context: Container, path: str) -> bytes:
        return obj.split(b"\0", 1)[0]

    def _encode(self, obj: bytes, context: Container, path: str) -> bytes:
        size: int = self.subcon.sizeof()
        return bytes(obj[: size - 1].ljust(size, b"\0"))


class Entry(Subconstruct):  # type: ignore[misc]  # construct is untyped
    """An entry that says how long it is from version `sized_since` on.

    Fields are only ever appended: a reader takes those it knows while they fit, and skips the
    rest.

    Args:
        subcon: the fields.
        sized_since: first version with the 32-bit length.
        counts_itself: whether the length counts its own four bytes.
    """

    def __init__(self, subcon: Construct, sized_since: int, *, counts_itself: bool = True) -> None:
        """Wrap `subcon`."""
        super().__init__(subcon)
        self.sized_since = sized_since
        self.own_len = Int32ul.sizeof() if counts_itself else 0
        self.sized = Prefixed(_Offset(Int32ul, self.own_len), subcon)

    def _chosen(self, context: Container) -> Construct:
        return self.sized if context._params.version >= self.sized_since else self.subcon

    def _parse(self, stream: BytesIO, context: Container, path: str) -> object:
        return self._chosen(context)._parsereport(stream, context, path)

    def _build(self, obj: object, stream: BytesIO, context: Container, path: str) -> object:
        return self._chosen(context)._build(obj, stream, context, path)


class _Offset(Adapter):  # type: ignore[misc]  # construct is untyped
    """A length that is stored larger by a constant."""

    def __init__(self, subcon: Construct, more: int) -> None:
        super().__init__(subcon)
        self.more = more

    def _decode(self, obj: int, context: Container, path: str) -> int:
        return obj - self.more

    def _encode(self, obj: int, context: Container, path: str) -> int:
        return obj + self.more


def _tail(subcon: Construct, default: object, min_tail: int = 0) -> Field:
    """A field of the extensible tail of process list entries."""
    return Field(subcon, default, since=9, min_tail=min_tail)


def _name(since: int = 1, max_len: int = NAME_MAX) -> Field:
    return Field(Str16, b"", since=since, max_len=max_len)


PRE_PIDNS_TAIL = 29
"""The two fields of pid namespace and terminal were inserted into the middle of the tail in libs
0.10. A tail of at most this many bytes is older and lacks them."""

MACHINE = Struct(
    "num_cpus" / Field(Int32ul, 0) * "Processors.",
    "memory_size_bytes" / Field(Int64ul, 0) * "Memory.",
    "max_pid" / Field(Int64ul, 0) * "Largest process id; 0 in files of today.",
    "hostname" / Field(Padded(Bytes(128)), b"", max_len=127) * "Name of the host.",
    "boot_ts_ns" / Field(Int64ul, 0) * "Time of boot since the epoch; 0: not known.",
    "flags" / Field(Int64ul, 0) * "No bit has a meaning yet.",
    "reserved_3" / Field(Int64ul, 0) * "Zero.",
    "reserved_4" / Field(Int64ul, 0) * "Zero.",
)
"""Exactly 180 bytes: no release takes a longer one."""

PROCESS = Entry(
    Struct(
        "tid" / Field(Int64ul, 0) * "Thread id in the host's namespace.",
        "pid" / Field(Int64ul, 0) * "Thread id of the main thread.",
        "ptid" / Field(Int64ul, 0) * "Thread id of the parent.",
        "sid" / Field(Int64sl, -1, since=6) * "Session.",
        "vpgid" / Field(Int64sl, -1, since=8) * "Process group in the thread's pid namespace.",
        "comm" / _name() * "Command name.",
        "exe" / _name() * "First argument.",
        "exepath" / _name(since=7) * "Path of the executable.",
        "args" / _name(max_len=LIST_MAX) * "Arguments after the first, each with a NUL.",
        "cwd" / _name() * "Working directory, with a slash at its end.",
        "fdlimit" / Field(Int64sl, 0) * "Greatest number of descriptors.",
        "flags" / Field(Int32ul, 0) * "Thread flags.",
        "uid" / Field(Int32ul, 0) * "Effective user.",
        "gid" / Field(Int32ul, 0) * "Effective group.",
        "vmsize_kb" / Field(Int32ul, 0, since=2) * "Virtual memory.",
        "vmrss_kb" / Field(Int32ul, 0, since=2) * "Resident memory.",
        "vmswap_kb" / Field(Int32ul, 0, since=2) * "Swapped memory.",
        "pfmajor" / Field(Int64ul, 0, since=2) * "Major page faults.",
        "pfminor" / Field(Int64ul, 0, since=2) * "Minor page faults.",
        "env" / _name(since=3, max_len=LIST_MAX) * "Environment, each entry with a NUL.",
        "vtid" / Field(Int64sl, -1, since=4) * "Thread id in its own pid namespace.",
        "vpid" / Field(Int64sl, -1, since=4) * "Process id in its own pid namespace.",
        "cgroups" / _name(since=4, max_len=LIST_MAX) * "subsystem=path, each with a NUL.",
        "root" / _name(since=5) * "Root directory.",
        "pidns_init_start_ns"
        / _tail(Int64ul, 0, PRE_PIDNS_TAIL)
        * "Start of the pid namespace's first process, since boot.",
        "tty" / _tail(Int32ul, 0, PRE_PIDNS_TAIL) * "Controlling terminal.",
        "loginuid" / _tail(Int32ul, 0xFFFFFFFF) * "User that logged in; all ones: none.",
        "exe_writable" / _tail(Byte, 0) * "The thread may write its executable.",
        "cap_inheritable" / _tail(Int64ul, 0) * "Inheritable capabilities.",
        "cap_permitted" / _tail(Int64ul, 0) * "Permitted capabilities.",
        "cap_effective" / _tail(Int64ul, 0) * "Effective capabilities.",
        "exe_upper_layer" / _tail(Byte, 0) * "Executable in the upper layer of an overlay.",
        "exe_ino" / _tail(Int64ul, 0) * "Inode of the executable.",
        "exe_ctime_ns" / _tail(Int64ul, 0) * "Change time of the executable's inode.",
        "exe_mtime_ns" / _tail(Int64ul, 0) * "Modification time of the executable.",
        "exe_from_memfd" / _tail(Byte, 0) * "The executable is a memfd.",
        "exe_lower_layer" / _tail(Byte, 0) * "Executable in the lower layer of an overlay.",
        "pgid" / _tail(Int64sl, -1) * "Process group in the host's namespace.",
    ),
    sized_since=9,
)
"""One thread of the process list."""

_NAMED = Struct("name" / _name(max_len=FD_NAME_MAX) * "Name.")

FD_PAYLOADS: dict[int, Construct] = {
    3: Struct(
        "sip" / Field(Bytes(4), bytes(4)) * "Source address.",
        "dip" / Field(Bytes(4), bytes(4)) * "Destination address.",
        "sport" / Field(Int16ul, 0) * "Source port.",
        "dport" / Field(Int16ul, 0) * "Destination port.",
        "l4" / Field(Byte, 0) * "Transport.",
    ),
    4: Struct(
        "sip" / Field(Bytes(16), bytes(16)) * "Source address.",
        "dip" / Field(Bytes(16), bytes(16)) * "Destination address.",
        "sport" / Field(Int16ul, 0) * "Source port.",
        "dport" / Field(Int16ul, 0) * "Destination port.",
        "l4" / Field(Byte, 0) * "Transport.",
    ),
    5: Struct(
        "dip" / Field(Bytes(4), bytes(4)) * "Bound address.",
        "dport" / Field(Int16ul, 0) * "Bound port.",
        "l4" / Field(Byte, 0) * "Transport.",
    ),
    6: Struct(
        "dip" / Field(Bytes(16), bytes(16)) * "Bound address.",
        "dport" / Field(Int16ul, 0) * "Bound port.",
        "l4" / Field(Byte, 0) * "Transport.",
    ),
    8: Struct(
        "source" / Field(Int64ul, 0) * "Kernel address of the socket.",
        "destination" / Field(Int64ul, 0) * "Kernel address of the peer; 0: not known.",
        "name" / _name(max_len=FD_NAME_MAX) * "Path.",
    ),
    16: Struct(
        "open_flags" / Field(Int32ul, 0) * "Open flags in the format's numbering.",
        "name" / _name(max_len=FD_NAME_MAX) * "Path.",
        "dev" / Field(Int32ul, 0, since=2, min_tail=0) * "Device.",
    ),
    **dict.fromkeys((1, 2, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21), _NAMED),
}
"""What follows the common fields of a descriptor, by descriptor type."""

FD = Entry(
    Struct(
        "fd" / Field(Int64sl, 0) * "Number.",
        "ino" / Field(Int64ul, 0) * "Inode.",
        "type" / Field(Byte, 0) * "Descriptor type.",
        "payload" / Switch(this.type, FD_PAYLOADS, default=GreedyBytes),
    ),
    sized_since=2,
)
"""One descriptor; a list of them follows the 64-bit tid of their thread."""


def _interface(address_len: int, *, has_speed: bool) -> Construct:
    """An interface's addresses, and its name, whose length stands in the head."""
    none = bytes(address_len)
    speed = ["linkspeed" / Field(Int64ul, 0) * "Bits per second; 0: not known."]
    return Struct(
        "addr" / Field(Bytes(address_len), none) * "Address.",
        "netmask" / Field(Bytes(address_len), none) * "Mask.",
        "bcast" / Field(Bytes(address_len), none) * "Broadcast address.",
        *(speed if has_speed else []),
        "name" / Field(Bytes(this._.name_len), b"") * "Name.",
    )


INTERFACE_PAYLOADS: dict[int, Construct] = {
    1: _interface(4, has_speed=True),
    2: _interface(16, has_speed=True),
    3: _interface(4, has_speed=False),
    4: _interface(16, has_speed=False),
}
"""What follows the head of an interface, by its type; 3 and 4 are those of the oldest files."""

INTERFACE = Entry(
    Struct(
        "type" / Field(Int16ul, 1) * "1 IPv4, 2 IPv6, 3 and 4 the same without speed.",
        "name_len" / Rebuild(Int16ul, len_(this.payload.name)),
        "payload" / Switch(this.type, INTERFACE_PAYLOADS, default=GreedyBytes),
    ),
    sized_since=2,
    counts_itself=False,
)
"""One address of a network interface."""

USER_PAYLOADS: dict[int, Construct] = {
    0: Struct(
        "uid" / Field(Int32ul, 0) * "Number.",
        "gid" / Field(Int32ul, 0) * "Main group.",
        "name" / _name(max_len=USER_MAX) * "Name.",
        "homedir" / _name(max_len=USER_MAX) * "Home directory.",
        "shell" / _name(max_len=USER_MAX) * "Login shell.",
    ),
}
"""What follows the kind of an entry of the user list; every kind but 0 is a group."""

GROUP = Struct(
    "gid" / Field(Int32ul, 0) * "Number.",
    "name" / _name(max_len=USER_MAX) * "Name.",
)

USER = Entry(
    Struct(
        "type" / Field(Byte, 0) * "0 user, else group.",
        "payload" / Switch(this.type, USER_PAYLOADS, default=GROUP),
    ),
    sized_since=2,
)
"""One user or group."""

RECORDS: dict[str, Construct] = {
    "machine": MACHINE,
    "process": PROCESS,
    "fd": FD,
    "interface": INTERFACE,
    "user": USER,
}
"""The metadata entries by name."""

OPTION = Struct(
    "code" / Int16ul,
    "value" / Prefixed(Int16ul, GreedyBytes),
    "padding" / Bytes((-len_(this.value)) % 4),
)
"""One pcapng option; code 0 ends the list."""

SECTION_HEADER_BODY = Struct(
    "byte_order_magic" / Const(BYTE_ORDER_MAGIC, Int32ul),
    "major" / Default(Int16ul, WRITTEN_VERSION[0]),
    "minor" / Default(Int16ul, WRITTEN_VERSION[1]),
    "section_length" / Default(Int64ul, 0xFFFFFFFFFFFFFFFF),
    "options" / GreedyRange(OPTION),
)
"""Body of the section header; readers look at no more than the magic and the major."""

BLOCK = Struct(
    "type" / Int32ul,
    "total_length" / Rebuild(Int32ul, 12 + len_(this.body) + (-len_(this.body)) % 4),
    "body" / Bytes(this.total_length - 12),
    "trailer" / Rebuild(Int32ul, this.total_length),
)
"""Any block."""

EVENT_V1 = Struct(
    "cpu" / Int16ul,
    "flags" / If(this._params.flagged, Int32ul),
    "ts_ns" / Int64ul,
    "tid" / Int64sl,
    "len" / Int32ul,
    "code" / Int16ul,
)
"""Head of an event up to 2018; its length table follows."""

EVENT_V2 = Struct(
    "cpu" / Int16ul,
    "flags" / If(this._params.flagged, Int32ul),
    "ts_ns" / Int64ul,
    "tid" / Int64sl,
    "len" / Int32ul,
    "code" / Int16ul,
    "nparams" / Int32ul,
)
"""Head of an event since 2018; its length table follows, 16 bits a parameter, 32 in large ones."""
