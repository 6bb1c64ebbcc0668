"""What must not be seen of a capture: `--redact`, `--no-env`, `--no-buffers` and `sanitize`.

In:  a request. Out: the plan's `redact`: which texts of events and lists are masked or emptied.
Next: the engine's `source/redact.rs` does it before anything else sees a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pyscap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyscap.model.specs import ParamSpec
    from pyscap.request import Request

TEXT_TYPES = frozenset(
    {"CHARBUF", "FSPATH", "FSRELPATH", "BYTEBUF", "CHARBUFARRAY", "CHARBUF_PAIR_ARRAY", "DYN"}
)
"""Types of parameters that can hold a secret."""

LISTS_IN_BYTES = frozenset({"args", "env", "cgroups"})
"""Parameters of bytes that are texts of a process, not data that a call moved."""

RECORDS = ("process", "fd", "user")
"""Lists at the head of a capture that hold texts of other people."""

SECRETS: tuple[str, ...] = (
    "[Pp][Aa][Ss][Ss][A-Za-z]*[=:] *([^ &;,]+)",
    "[Pp][Ww][Dd]?=([^ &;,]+)",
    "[Tt][Oo][Kk][Ee][Nn][=:] *([^ &;,]+)",
    "[Ss][Ee][Cc][Rr][Ee][Tt][A-Za-z_]*[=:] *([^ &;,]+)",
    "[Aa][Pp][Ii][-_]?[Kk][Ee][Yy][=:] *([^ &;,]+)",
    "[Aa]uthorization: *([^\r\n]+)",
    "[Cc]ookie: *([^\r\n]+)",
    "://[^/:@ ]+:([^/@ ]+)@",
)
"""What `pyscap sanitize` masks by itself: passwords, tokens, keys, cookies, and URLs with them."""


def redact_row(request: Request) -> dict[str, Any] | None:
    """The plan's `redact` of a request; None when everything may be seen.

    Raises:
        UsageError: an expression is none.
    """
    if not (request.redact or request.no_env or request.no_buffers):
        return None
    return {
        "patterns": [translated(pattern) for pattern in request.redact],
        "events": list(event_actions(request)),
        "records": record_actions(request),
    }


def translated(pattern: str) -> str:
    """A pattern in the engine's notation.

    Raises:
        UsageError: it is none.
    """
    from pyscap.filterlang.regex import RegexError, translate

    try:
        return translate(pattern, captures=True, shorthands=True)
    except RegexError as error:
        msg = f"--redact {pattern!r}, character {error.offset + 1}: {error.message}"
        raise UsageError(msg, error.suggestion or "write a POSIX extended expression") from None


def event_actions(request: Request) -> Iterator[tuple[int, int, str]]:
    """Event code, position of a parameter, and `mask` or `empty`."""
    from pyscap.model.events import EVENTS

    for spec in EVENTS:
        for index, param in enumerate(spec.params):
            action = param_action(request, param)
            if action is not None:
                yield spec.code, index, action


def param_action(request: Request, param: ParamSpec) -> str | None:
    """What becomes of a parameter."""
    if request.no_env and param.name == "env":
        return "empty"
    is_data = param.type == "BYTEBUF" and param.name not in LISTS_IN_BYTES
    if request.no_buffers and is_data:
        return "empty"
    return "mask" if request.redact and param.type in TEXT_TYPES else None


def record_actions(request: Request) -> dict[str, dict[str, str]]:
    """What becomes of the texts of each list."""
    from pyscap.format.layout_rows import LAYOUTS

    actions: dict[str, dict[str, str]] = {record: {} for record in RECORDS}
    for name, rows in LAYOUTS.items():
        record = name.partition("_")[0]
        if request.redact and record in actions:
            actions[record] |= {row.name: "mask" for row in rows if row.wire == "str16"}
    if request.no_env:
        actions["process"]["env"] = "empty"
    return actions


HELP = """Copy a capture without what others should not see.

IN is a capture, OUT a new one. Environments and buffers are left out; passwords, tokens, keys and
cookies in arguments and names are masked. Look at the result before it leaves the house: a secret
that looks like nothing else cannot be found.
"""


@click.command(help=HELP)
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.argument("words", metavar="[FILTER]", nargs=-1)
@click.option("--redact", metavar="REGEX", multiple=True, help="mask what matches, too")
@click.option("--keep-env", is_flag=True, help="keep environments, masked")
@click.option("--keep-buffers", is_flag=True, help="keep buffers, masked")
@click.option("--overwrite", is_flag=True, help="replace OUT if it exists")
def command(
    source: str,
    target: str,
    words: tuple[str, ...],
    redact: tuple[str, ...],
    *,
    keep_env: bool,
    keep_buffers: bool,
    overwrite: bool,
) -> int:
    """Run the export that the options mean."""
    from pyscap.program import run
    from pyscap.request import Request

    return run(
        Request(
            read=(source,),
            write=target,
            words=words,
            redact=(*SECRETS, *redact),
            no_env=not keep_env,
            no_buffers=not keep_buffers,
            overwrite=overwrite,
        )
    )
