"""What the user asked for: the command line as typed, before anything is opened or looked up.

In:  the values of `options.OPTIONS`, the words and the command after them. Out: `Request`.
Next: `program` makes a plan of it and runs it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pyscap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """One attribute an option, under its `key`; `options` says what each means."""

    words: tuple[str, ...] = ()
    """The words that are no options: a filter, or a pattern of the lists."""
    command: tuple[str, ...] = ()
    """What stands after `--`: a program to run and capture."""

    read: tuple[str, ...] = ()
    snaplen: dict[str, int] | None = None
    buffer_size: int | None = None
    latency: bool = False
    follow: int | None = None
    page_faults: bool = False
    switches: bool = False
    include_self: bool = False
    exclude_users: bool = False
    suppress_comm: tuple[str, ...] = ()
    ready_fd: int | None = None

    numevents: int | None = None
    duration: int | None = None
    displayflt: bool = False
    debug: bool = False
    enter: bool = False
    macros: str | None = None
    no_pushdown: bool = False
    check_filter: bool = False
    explain_filter: bool = False

    print: str | None = None
    strace: bool = False
    timetype: str | None = None
    json: bool = False
    details: bool = False
    verbose: bool = False
    quiet: bool = False
    resolve_ports: bool = False
    no_resolve: bool = False
    color: str | None = None
    theme: str | None = None
    progress: bool = False
    unbuffered: bool = False
    profile: str | None = None
    fail_on_drop: bool = False

    print_ascii: bool = False
    print_base64: bool = False
    print_hex: bool = False
    print_hex_ascii: bool = False

    write: str | None = None
    compress: bool = False
    fatfile: bool = False
    no_fatfile: bool = False
    file_size: int | None = None
    seconds: int | None = None
    event_limit: int | None = None
    limit: int | None = None
    keep: tuple[str, int] | None = None
    overwrite: bool = False
    flight_recorder: tuple[int | None, int | None] | None = None
    trigger: str | None = None

    redact: tuple[str, ...] = ()
    no_env: bool = False
    no_buffers: bool = False

    chisel: str | None = None
    chisel_info: str | None = None
    summary: bool = False

    list: bool = False
    list_events: bool = False
    list_markdown: bool = False
    dump_plan: bool = False

    @property
    def filter_text(self) -> str:
        """The words as one filter, as sysdig joins them."""
        return " ".join(self.words)

    @property
    def is_live(self) -> bool:
        """Whether this machine is captured."""
        return not self.read

    @property
    def buffer_mode(self) -> str:
        """How buffers are shown: `ascii`, `base64`, `hex`, `hex_ascii`, or `dots`."""
        return self.wanted_mode or "dots"

    @property
    def wanted_mode(self) -> str | None:
        """The buffer mode that an option names; None without one."""
        return next((name[6:] for name in BUFFER_MODES if getattr(self, name)), None)


BUFFER_MODES = ("print_ascii", "print_base64", "print_hex", "print_hex_ascii")

EXCLUSIVE: tuple[tuple[str, ...], ...] = (
    BUFFER_MODES,
    ("json", "details", "strace", "quiet"),
    ("details", "summary"),
    ("print", "strace"),
    ("print", "details"),
    ("fatfile", "no_fatfile"),
    ("keep", "limit"),
    ("follow", "command"),
    *(
        ("flight_recorder", name)
        for name in ("file_size", "seconds", "event_limit", "keep", "summary")
    ),
)
"""Options of which at most one may be given.

DIFFERENCE(sysdig 0.41.4): two buffer modes exit with 0 there in some orders.
"""

LIVE_ONLY = (
    "snaplen",
    "buffer_size",
    "latency",
    "follow",
    "page_faults",
    "switches",
    "include_self",
    "ready_fd",
    "command",
)
"""Options that only a capture has a use for.

DIFFERENCE(sysdig 0.41.4): `-s` is accepted and ignored there when a file is read.
"""

WRITE_ONLY = (
    "compress",
    "no_fatfile",
    "file_size",
    "seconds",
    "event_limit",
    "limit",
    "keep",
    "overwrite",
)
"""Options that need `-w`."""


def make_request(values: Mapping[str, Any], words: list[str], command: list[str]) -> Request:
    """The request of a command line; values that nobody gave keep their defaults.

    Raises:
        UsageError: options contradict each other.
    """
    known = {field.name for field in fields(Request)}
    given = {key: value for key, value in values.items() if key in known and value is not None}
    request = Request(words=tuple(words), command=tuple(command), **given)
    check(request)
    return request


def check(request: Request) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: options contradict each other, or one is without its object.
    """
    for group in EXCLUSIVE:
        both = [spelled(name) for name in group if getattr(request, name)]
        if len(both) > 1:
            msg = f"{both[0]} and {both[1]} exclude each other"
            raise UsageError(msg, "give one of them")
    if request.read:
        refuse(request, LIVE_ONLY, "is for captures and has no meaning with -r")
    if request.write is None:
        refuse(request, WRITE_ONLY, "is about the file that -w writes, and there is no -w")
    if request.summary and request.write == "-":
        msg = "-S prints a table where -w - writes the capture"
        raise UsageError(msg, "give -w the name of a file")
    rotates = request.file_size or request.seconds or request.event_limit
    if request.limit and not (rotates or request.flight_recorder):
        msg = "-W needs a rotation or a flight recorder"
        raise UsageError(msg, "add -C, -G, -e or --flight-recorder")
    if request.trigger is not None and not request.flight_recorder:
        msg = "--trigger is about a flight recorder, and there is none"
        raise UsageError(msg, "add --flight-recorder 60s")
    if request.flight_recorder and request.write in (None, "-"):
        msg = "--flight-recorder makes files and needs a name for them"
        raise UsageError(msg, "give -w the name of a file")


def refuse(request: Request, names: tuple[str, ...], why: str) -> None:
    """Raise for the first of `names` that was given."""
    for name in names:
        if getattr(request, name):
            msg = f"{spelled(name)} {why}"
            raise UsageError(msg, "leave it out")


def spelled(key: str) -> str:
    """How an option is typed, from the name of its attribute."""
    return "-- COMMAND" if key == "command" else f"--{key.replace('_', '-')}"
