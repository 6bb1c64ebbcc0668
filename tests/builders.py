"""Builds events and whole captures for tests, with typed defaults.

    capture(threads=[thread(5, "cat", fds=[fd(3, name="/etc/passwd")])],
            events=[openat(fd=4, name="/x", tid=5), read(res=0, fd=4, tid=5)])

Every event of the table is a function of this module, called as the event and with its
parameters as keywords: the newest exit event of that name. `event` builds the others. Parameters
that are not given get the zero of their type, `None` makes one empty ("not known"). The header
has the keywords `tid`, `ts_ns`, `cpu` and `block_flags`; a parameter of such a name takes an
underscore (`tid_`). Bytes come from the construct declarations of `pyscap.format.blocks`.
"""

from __future__ import annotations

import functools
import ipaddress
import struct
from dataclasses import dataclass, replace
from typing import Any

from pyscap.format import blocks, versions
from pyscap.format.encode import block, section_header
from pyscap.model.events import EVENTS, VARIANTS
from pyscap.model.specs import EventSpec, ParamSpec
from pyscap.model.symbols.tables import SYMBOLS

START_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000

SIZES = {
    "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8, "UINT8": 1, "UINT16": 2, "UINT32": 4,
    "UINT64": 8, "ERRNO": 8, "FD": 8, "PID": 8, "SYSCALLID": 2, "SIGTYPE": 1, "RELTIME": 8,
    "ABSTIME": 8, "PORT": 2, "FLAGS8": 1, "FLAGS16": 2, "FLAGS32": 4, "UID": 4, "GID": 4,
    "SIGSET": 4, "MODE": 4, "ENUMFLAGS8": 1, "ENUMFLAGS16": 2, "ENUMFLAGS32": 4, "FD32": 4,
    "PID32": 4, "BOOL": 4,
}  # fmt: skip
TEXTS = frozenset(("CHARBUF", "FSPATH", "FSRELPATH"))
HEADER = ("tid", "ts_ns", "cpu", "block_flags")
FD_TYPES = {
    "file1": 1, "directory": 2, "ipv4": 3, "ipv6": 4, "ipv4_server": 5, "ipv6_server": 6,
    "pipe": 7, "unix": 8, "event": 9, "unsupported": 10, "signalfd": 11, "eventpoll": 12,
    "inotify": 13, "timerfd": 14, "netlink": 15, "file": 16, "bpf": 17, "userfaultfd": 18,
    "io_uring": 19, "memfd": 20, "pidfd": 21,
}  # fmt: skip
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10


@dataclass(frozen=True)
class Event:
    """One event, ready to be framed."""

    code: int
    params: tuple[bytes, ...] = ()
    tid: int = 1
    ts_ns: int | None = None
    cpu: int = 0
    block_flags: int = 0
    options: bytes = b""

    @property
    def large(self) -> bool:
        known = self.code < len(EVENTS)
        return known and "LARGE_PAYLOAD" in EVENTS[self.code].flags.split("|")

    def block(self, *, version: int = 2, number: int | None = None) -> bytes:
        """The event's block, of today's kind or of version 1."""
        flagged = bool(self.block_flags)
        if number is None:
            number = next(
                row.number
                for row in versions.EVENT_BLOCKS
                if (row.counted, row.flagged) == (version == 2, flagged)
                and row.large == (self.large and version == 2)
            )
        width = "I" if self.large else "H"
        table = struct.pack(f"<{len(self.params)}{width}", *map(len, self.params))
        payload = table + b"".join(self.params)
        head = (blocks.EVENT_V2 if version == 2 else blocks.EVENT_V1).build(
            {
                "cpu": self.cpu,
                "flags": self.block_flags,
                "ts_ns": START_NS if self.ts_ns is None else self.ts_ns,
                "tid": self.tid,
                "len": (26 if version == 2 else 22) + len(payload),
                "code": self.code,
                "nparams": len(self.params),
            },
            flagged=flagged,
        )
        body = head + payload
        return block(number, body + (bytes(-len(body) % 4) + self.options if self.options else b""))


@functools.cache
def newest(name: str, direction: str = "<") -> EventSpec:
    """The newest event code of that name and direction."""
    found = [
        spec
        for spec in EVENTS
        if (spec.name, spec.direction) == (name, direction)
        and not {"UNUSED", "OLD_VERSION"} & set(spec.flags.split("|"))
    ]
    if not found:
        found = [s for s in EVENTS if (s.name, s.direction) == (name, direction)]
    if not found:
        msg = f"no event {direction}{name}"
        raise AttributeError(msg)
    return found[-1]


def event(
    name: str | int, /, direction: str = "<", count: int | None = None, **values: Any
) -> Event:
    """An event by name or code; `count` cuts its parameters, as older schemas had fewer."""
    spec = EVENTS[name] if isinstance(name, int) else newest(name, direction)
    header = {key: values.pop(key) for key in HEADER if key in values}
    given = {key.removesuffix("_") if key[:-1] in HEADER else key: v for key, v in values.items()}
    unknown = given.keys() - {p.name for p in spec.params}
    if unknown:
        msg = f"{spec.name} has no parameter {sorted(unknown)}"
        raise TypeError(msg)
    params = tuple(encode(p, given[p.name]) if p.name in given else zero(p) for p in spec.params)
    return Event(spec.code, params[:count], **header)


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    newest(name)
    return functools.partial(event, name)


def zero(spec: ParamSpec) -> bytes:
    """The typed default of a parameter."""
    if spec.type in TEXTS:
        return b"\0"
    return bytes(SIZES.get(spec.type, 0))


def encode(spec: ParamSpec, value: Any) -> bytes:
    """A parameter's bytes; bytes are taken as they are."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if spec.type in TEXTS:
        return value.encode() + b"\0"
    if spec.type in SIZES:
        number = symbol(spec, value) if isinstance(value, str) else int(value)
        size = SIZES[spec.type]
        return (number & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return ENCODERS[spec.type](spec, value)


def symbol(spec: ParamSpec, text: str) -> int:
    """`O_RDONLY|O_CREAT` in the format's numbering."""
    table = dict(SYMBOLS[spec.symbols])
    return functools.reduce(lambda a, b: a | b, (table[name] for name in text.split("|")))


def buffer(_spec: ParamSpec, value: Any) -> bytes:
    """Text, or a list of texts that each get a NUL."""
    if isinstance(value, str):
        return value.encode()
    return b"".join(text.encode() + b"\0" for text in value)


def address(text: str) -> tuple[bytes, bytes]:
    """`1.2.3.4:80` as address and port; IPv6 addresses stand without brackets."""
    host, _, port = text.rpartition(":")
    return ipaddress.ip_address(host).packed, struct.pack("<H", int(port))


def sockaddr(_spec: ParamSpec, text: str) -> bytes:
    """`1.2.3.4:80`, `::1:80` or a path."""
    if text.startswith(("/", "@")) or ":" not in text:
        return bytes([AF_UNIX]) + text.encode() + b"\0"
    ip, port = address(text)
    return bytes([AF_INET if len(ip) == 4 else AF_INET6]) + ip + port


def socktuple(_spec: ParamSpec, text: str) -> bytes:
    """`1.2.3.4:5->6.7.8.9:80`, or `1a->2b /path` with hexadecimal socket addresses."""
    source, _, destination = text.partition("->")
    if ":" not in source:
        peer, _, path = destination.partition(" ")
        ends = struct.pack("<QQ", int(source, 16), int(peer, 16))
        return bytes([AF_UNIX]) + ends + path.encode() + b"\0"
    ends = b"".join(part for end in (source, destination) for part in address(end))
    return bytes([AF_INET if len(ends) == 12 else AF_INET6]) + ends


def fdlist(_spec: ParamSpec, pairs: list[tuple[int, int]]) -> bytes:
    """Pairs of descriptor and event mask."""
    return struct.pack("<H", len(pairs)) + b"".join(struct.pack("<qh", *pair) for pair in pairs)


def dynamic(spec: ParamSpec, value: tuple[int, Any]) -> bytes:
    """The index of a member of the union and its value."""
    index, inner = value
    return bytes([index]) + encode(VARIANTS[spec.variants][index], inner)


ENCODERS = {
    "BYTEBUF": buffer,
    "CHARBUFARRAY": buffer,
    "SOCKADDR": sockaddr,
    "SOCKTUPLE": socktuple,
    "FDLIST": fdlist,
    "DYN": dynamic,
}


@dataclass(frozen=True)
class Thread:
    """A row of the process list, and its descriptors."""

    fields: dict[str, Any]
    fds: tuple[dict[str, Any], ...] = ()


def raw(value: Any) -> Any:
    """Texts and lists of texts as the bytes of the process list."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (list, tuple)):
        return b"".join(text.encode() + b"\0" for text in value)
    return value


def thread(tid: int = 1, comm: str = "init", *, fds: Any = (), **fields: Any) -> Thread:
    """A thread: a main thread with tid as pid, vtid and vpid, unless told otherwise."""
    pid = fields.get("pid", tid)
    usual = {
        "tid": tid,
        "pid": pid,
        "ptid": 0 if tid == 1 else 1,
        "sid": pid,
        "vpgid": pid,
        "comm": comm,
        "exe": comm,
        "exepath": f"/usr/bin/{comm}",
        "cwd": "/",
        "root": "/",
        "fdlimit": 1024,
        "flags": 0 if pid == tid else 0x2001,
        "vtid": tid,
        "vpid": pid,
        **dict.fromkeys(("pidns_init_start_ns", "tty"), 0),
        "loginuid": 0xFFFFFFFF,
        "exe_writable": 0,
        "cap_inheritable": 0,
        "cap_permitted": 0,
        "cap_effective": 0,
        "exe_upper_layer": 0,
        "exe_ino": 0,
        "exe_ctime_ns": 0,
        "exe_mtime_ns": 0,
        "exe_from_memfd": 0,
        "exe_lower_layer": 0,
        "pgid": pid,
    }
    values = {key: raw(value) for key, value in {**usual, **fields}.items()}
    return Thread(values, tuple(fds))


def fd(num: int, kind: str | int = "file", **fields: Any) -> dict[str, Any]:
    """A row of a descriptor list; `src` and `dst` of sockets are `1.2.3.4:80`."""
    values = {"fd": num, "ino": 0, "type": FD_TYPES.get(kind, kind)}
    values |= {key: raw(value) for key, value in fields.items()}
    for end, ip, port in (("src", "sip", "sport"), ("dst", "dip", "dport")):
        if end in fields:
            values[ip], packed = address(fields[end])
            values[port] = struct.unpack("<H", packed)[0]
    return values


def user(uid: int, name: str, gid: int | None = None, home: str = "", shell: str = "") -> dict:
    """A row of the user list."""
    texts = {"name": name.encode(), "homedir": home.encode(), "shell": shell.encode()}
    return {"type": 0, "uid": uid, "gid": uid if gid is None else gid, **texts}


def group(gid: int, name: str) -> dict[str, Any]:
    """A group of the user list."""
    return {"type": 1, "gid": gid, "name": name.encode()}


def interface(name: str, addr: str, netmask: str, bcast: str | None = None) -> dict[str, Any]:
    """A row of the interface list."""
    packed = [ipaddress.ip_address(text).packed for text in (addr, netmask, bcast or addr)]
    kind = 1 if len(packed[0]) == 4 else 2
    ends = dict(zip(("addr", "netmask", "bcast"), packed, strict=True))
    return {"type": kind, "name": name.encode(), "linkspeed": 0, **ends}


def metadata(record: str, rows: list[dict[str, Any]], version: int, prefix: bytes = b"") -> bytes:
    """A metadata block of any version, through the declarations."""
    layout = blocks.RECORDS[record]
    built = [layout.build({**row, "payload": row}, version=version) for row in rows]
    return block(versions.block_number(record, version), prefix + b"".join(built))


@dataclass(frozen=True)
class Versions:
    """The versions in which `capture` writes; 1 to 9, 1 to 2."""

    process: int = 9
    fd: int = 2
    interface: int = 2
    user: int = 2
    event: int = 2


NEWEST = Versions()


def capture(
    threads: list[Thread] = (),
    events: list[Event] = (),
    *,
    users: list[dict] = (),
    interfaces: list[dict] = (),
    machine: dict[str, Any] | None = None,
    options: list[tuple[int, str]] = (),
    version: Versions = NEWEST,
) -> bytes:
    """A whole section; events without a time follow each other by a microsecond."""
    host = {"num_cpus": 2, "hostname": b"host", "boot_ts_ns": START_NS - 10**12}
    parts = [section_header(options), metadata("machine", [{**host, **(machine or {})}], 1)]
    parts.append(metadata("interface", interfaces, version.interface))
    parts.append(metadata("user", users, version.user))
    parts.append(metadata("process", [t.fields for t in threads], version.process))
    for t in threads:
        if t.fds:
            tid = struct.pack("<Q", t.fields["tid"])
            parts.append(metadata("fd", list(t.fds), version.fd, tid))
    for index, ev in enumerate(events):
        timed = replace(ev, ts_ns=START_NS + index * STEP_NS) if ev.ts_ns is None else ev
        parts.append(timed.block(version=version.event))
    return b"".join(parts)
