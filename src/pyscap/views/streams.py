"""Streams of data and HTTP records as the engine is told them.

In:  a view of kind `stream` or `http`, and how the user wants data shown. Out: the plan's
`output`. Next: the engine's `sink/stream` and `sink/http`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyscap.model.fields import resolve
from pyscap.views.specs import key

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap.plan import FieldList
    from pyscap.views.specs import View

    Place = Callable[[str], int]
    """Gives the position of the field with this name."""

Json = dict[str, Any]

STDOUT = 1

FORMS: dict[str, str | Json] = {
    "raw": "raw",
    "text": "text",
    "dots": {"buffer": "dots"},
    "ascii": {"buffer": "ascii"},
    "hex": {"buffer": "hex"},
    "hex_ascii": {"buffer": "hexascii"},
    "base64": {"buffer": "base64"},
}
"""How data is shown, and the engine's words for it."""

SIDES = ("read", "write")
"""The directions; `{Read|Write}` in a header has a word for each."""

COLOURS = {"read": "\x1b[31m", "write": "\x1b[34m"}
"""Red for what comes in, blue for what goes out. Source: observed: sysdig 0.41.4."""

OWNER = ("proc.pid", "fd.num", "fd.name")
"""Fields that tell the owners of data apart: a header stands where they change."""

EVENT_COLUMNS = tuple(
    key(name, name)
    for name in (
        "evt.num",
        "evt.rawtime",
        "evt.io_dir",
        "proc.name",
        "proc.pid",
        "fd.num",
        "fd.name",
        "evt.rawres",
        "evt.buffer",
    )
)
"""What JSON says of each call of a stream."""

RECORD = ("ts", "dir", "method", "url", "code", "latency", "size")
"""Values of the engine's HTTP records, before the fields that are added."""

_PIECE = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Look:
    """How data is shown."""

    form: str = "dots"
    """A key of `FORMS`."""
    coloured: bool = False
    fd: int = STDOUT
    """Descriptor that it is written to."""
    gaps: bool = False
    """Say how many bytes were not captured."""
    unbuffered: bool = False


def stream_row(view: View, fields: FieldList, look: Look) -> Json:
    """The engine's stream of a view."""
    return {
        "kind": "stream",
        "fd": look.fd,
        "data": fields.add(resolve("evt.buffer")),
        "form": FORMS[look.form],
        "headers": view.headers,
        "owner": [fields.add(resolve(name)) for name in OWNER],
        **{side: side_row(view.header, side, fields, look) for side in SIDES},
        "gaps": look.gaps,
        "unbuffered": look.unbuffered,
    }


def side_row(header: str, side: str, fields: FieldList, look: Look) -> Json:
    """What belongs to one direction: header and colour."""
    return {
        "start": COLOURS[side] * look.coloured,
        "segments": segments(header, SIDES.index(side), fields),
        "end": "\x1b[0m" * look.coloured,
    }


def segments(header: str, side: int, fields: FieldList) -> list[Json]:
    """A header's pieces: text, and between braces fields, or a word for each direction."""
    pieces: list[Json] = []
    for place, piece in enumerate(_PIECE.split(header)):
        if "|" in piece:
            pieces.append({"lit": piece.split("|")[side]})
        elif place % 2:
            pieces.append({"value": {"of": {"field": fields.add(resolve(piece))}}})
        elif piece:
            pieces.append({"lit": piece})
    return pieces


def http_row(fields: FieldList, into: Callable[[Place], Json]) -> Json:
    """The engine's pairing of requests and responses.

    Args:
        fields: The plan's fields.
        into: Makes the row of the table or list that takes the records, whose values are named
            by `RECORD` and by fields of the event of the response.
    """
    added: list[str] = []

    def place(name: str) -> int:
        if name in RECORD:
            return RECORD.index(name)
        if name not in added:
            added.append(name)
        return len(RECORD) + added.index(name)

    row = into(place)
    return {
        "kind": "http",
        "data": fields.add(resolve("evt.buffer")),
        "connection": [fields.add(resolve(name)) for name in ("proc.pid", "fd.num")],
        "fields": [fields.add(resolve(name)) for name in added],
        "into": {row.pop("kind"): row},
    }
