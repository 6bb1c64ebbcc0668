"""One event as a tree of everything that is known about it (`-V`, `pyscap show N`).

In:  the plan's list of fields; what the engine tells of each event. Out: the plan's `output`, and
trees on standard output, drawn by Rich.

What stands in a tree is declared in `SECTIONS`; fields without a value are left out.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pyscap.model.fields import resolve
from pyscap.output import theme

if TYPE_CHECKING:
    from rich.tree import Tree

    from pyscap._engine import Session
    from pyscap.plan import FieldList
    from pyscap.request import Request

Json = dict[str, Any]

ROW_BYTES = 16
"""Bytes in a row of the hex view."""

UNLIMITED = 1 << 20
"""Width of lines that no terminal folds."""

MAX_WAITING = 64
"""Events that wait in the engine before they are drawn."""

MAX_ANCESTORS = 8
"""How far up the tree of processes is shown."""


@dataclass(frozen=True, slots=True)
class Section:
    """A branch of the tree."""

    title: str
    fields: tuple[str, ...]
    """Names of the fields, in order; the first without a value hides the branch."""


SECTIONS: tuple[Section, ...] = (
    Section(
        "Event",
        (
            "evt.num",
            "evt.time.iso8601",
            "evt.reltime",
            "evt.type",
            "evt.dir",
            "evt.category",
            "evt.cpu",
            "evt.res",
            "evt.latency.human",
            "evt.hostname",
        ),
    ),
    Section(
        "Process",
        (
            "proc.pid",
            "proc.name",
            "thread.tid",
            "thread.vtid",
            "proc.ppid",
            "proc.cmdline",
            "proc.exepath",
            "proc.cwd",
            "proc.sid",
            "proc.pgid",
            "proc.tty",
            "proc.nthreads",
            "proc.duration",
            "proc.vmsize",
            "proc.vmrss",
            "proc.fdopencount",
            "proc.fdlimit",
            "thread.cgroups",
            "thread.cap_effective",
        ),
    ),
    Section(
        "Descriptor",
        (
            "fd.type",
            "fd.num",
            "fd.name",
            "fd.nameraw",
            "fd.l4proto",
            "fd.cip",
            "fd.cport",
            "fd.sip",
            "fd.sport",
            "fd.is_server",
            "fd.connected",
            "fd.dev",
            "fd.ino",
        ),
    ),
    Section(
        "User",
        ("user.uid", "user.name", "user.loginuid", "user.loginname", "group.gid", "group.name"),
    ),
    Section(
        "Container",
        (
            "container.full_id",
            "container.id",
            "container.name",
            "container.type",
            "container.image",
            "container.privileged",
            "k8s.ns.name",
            "k8s.pod.name",
        ),
    ),
)
"""The branches made of fields. Parameters and ancestors have branches of their own."""

ANCESTRY = ("proc.apid", "proc.aname", "proc.acmdline")
"""Fields that are shown of each ancestor."""


def wanted_fields() -> list[str]:
    """The fields of every branch, in the order in which the engine tells them."""
    names = [name for section in SECTIONS for name in section.fields]
    levels = range(1, MAX_ANCESTORS + 1)
    return names + [f"{name}[{level}]" for level in levels for name in ANCESTRY]


def detail_row(fields: FieldList) -> Json:
    """What the engine is to tell.

    Args:
        fields: The plan's list; it gets the fields of the tree.

    Returns:
        The plan's `output`.
    """
    positions = [fields.add(resolve(name)) for name in wanted_fields()]
    return {"kind": "detail", "fields": positions, "max_rows": MAX_WAITING}


class Printer:
    """Draws the events that wait in the engine."""

    def __init__(self, request: Request) -> None:
        """Open the console.

        Args:
            request: Says whether there are colours.
        """
        from pyscap.output.console import Console

        coloured = theme.is_coloured(request.color, sys.stdout)
        self.console = Console(
            color_system="auto" if coloured else None,
            force_terminal=coloured,
            no_color=not coloured,
            highlight=False,
            markup=False,
            emoji=False,
            width=None if sys.stdout.isatty() else UNLIMITED,
        )
        self.drawn = 0
        """Events drawn so far."""

    def watch(self, engine: Session) -> None:
        """Draw what waits; called after each slice of the engine's work."""
        told = engine.result()
        for row in json.loads(told)["rows"] if told else ():
            self.console.print(draw(row))
            self.drawn += 1
        self.console.file.flush()


def draw(row: Json) -> Tree:
    """The tree of one event.

    Args:
        row: `{"fields": [text or None, ...], "params": [...]}`, as the engine tells it.
    """
    from rich.text import Text
    from rich.tree import Tree

    values = dict(zip(wanted_fields(), row["fields"], strict=True))
    tree = Tree(Text(headline(values), style="bold"))
    event, *others = SECTIONS
    add_section(tree, event, values)
    add_params(tree, row["params"])
    for section in others:
        add_section(tree, section, values)
        if section.title == "Process":
            add_ancestors(tree, values)
    return tree


def headline(values: dict[str, str | None]) -> str:
    """The event in a few words."""
    shown = {name: text or "" for name, text in values.items()}
    who = f"{shown['proc.name']} ({shown['thread.tid']})"
    return f"{shown['evt.num']} {shown['evt.time.iso8601']} {who} {shown['evt.type']}"


def add_section(tree: Tree, section: Section, values: dict[str, str | None]) -> None:
    """Add a branch of fields, unless its first field has no value."""
    if values[section.fields[0]] is None:
        return
    branch = tree.add(titled(section.title))
    for name in section.fields:
        text = values[name]
        if text not in (None, "", "<NA>"):
            branch.add(labelled(name, str(text)))


def add_ancestors(tree: Tree, values: dict[str, str | None]) -> None:
    """Add the ancestors, the parent first."""
    branch = None
    for level in range(1, MAX_ANCESTORS + 1):
        pid, name, cmdline = (values[f"{field}[{level}]"] for field in ANCESTRY)
        if pid is None:
            return
        branch = branch or tree.add(titled("Ancestors"))
        branch.add(labelled(f"{name} ({pid})", cmdline or ""))


def add_params(tree: Tree, params: list[Json]) -> None:
    """Add every parameter, raw and decoded, buffers as a hex view."""
    if not params:
        return
    branch = tree.add(titled("Parameters"))
    for param in params:
        leaf = branch.add(labelled(param["name"], described(param)))
        if param["data"]:
            for line in hex_rows(base64.b64decode(param["data"])):
                leaf.add(plain(line))


def described(param: Json) -> str:
    """A parameter's values in one line: raw, decoded, and bits without a name."""
    if param["data"] is not None:
        return f"{len(base64.b64decode(param['data']))} bytes ({param['type']})"
    if param.get("raw") is None:
        return f"<NA> ({param['type']})"
    parts = [param["raw"]]
    if param["resolved"] is not None:
        parts.append(f"= {param['resolved']}")
    if param["unnamed_bits"] is not None:
        parts.append(f"and {param['unnamed_bits']} without a name")
    return f"{' '.join(parts)} ({param['type']})"


def hex_rows(data: bytes) -> Iterator[str]:
    """The rows of a hex view: offset, sixteen bytes, the same as text."""
    for start in range(0, len(data), ROW_BYTES):
        row = data[start : start + ROW_BYTES]
        digits = " ".join(row[i : i + 2].hex() for i in range(0, len(row), 2))
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{start:04x}  {digits:<39}  {text}"


def plain(text: str) -> Any:  # noqa: ANN401 - Rich is imported when it is needed
    """Text as it is, without markup."""
    from rich.text import Text

    return Text(text)


def titled(text: str) -> Any:  # noqa: ANN401
    """The title of a branch."""
    from rich.text import Text

    return Text(text, style="bold blue")


def labelled(name: str, value: str) -> Any:  # noqa: ANN401
    """A name and its value."""
    from rich.text import Text

    return Text.assemble((name, "green"), ": ", value, overflow="fold")


def command_params() -> list[click.Parameter]:
    """The options of the main command that `show` has too."""
    from pyscap.views.commands import shared_options

    return shared_options(("read", "color", "profile"))


@click.command(params=command_params(), context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("number", type=click.IntRange(1), metavar="N")
def show(number: int, **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Show everything about event N of a file."""
    from pyscap.errors import UsageError
    from pyscap.program import tell_details, with_profile
    from pyscap.request import make_request

    wanted = {"details": True, "debug": True, "numevents": 1}
    request = with_profile(make_request({**values, **wanted}, [f"evt.num={number}"], []))
    if request.is_live:
        msg = "show is about an event of a file"
        raise UsageError(msg, f"pyscap show {number} -r FILE")
    printer = Printer(request)
    code = tell_details(request, printer)
    if not printer.drawn:
        msg = f"there is no event {number}"
        raise UsageError(msg, "the first column of lines is the number of an event")
    return code
