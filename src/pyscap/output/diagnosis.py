"""`pyscap doctor`: what a capture needs of this machine, as a table or as JSON.

In:  the checks of `probe.doctor`. Out: standard output, and an exit code. Next: nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pyscap.errors import ExitCode, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyscap.probe.doctor import Check


@click.command(help="Look at everything that a capture needs, and say what to do where it lacks.")
@click.option("--json", "as_json", is_flag=True, help="print one JSON array")
def command(as_json: bool) -> int:
    """Print the checks.

    Returns:
        0 when a capture is possible, else the exit code of captures that are not.
    """
    from pyscap.probe.doctor import run_checks

    checks = run_checks()
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    elif sys.stdout.isatty():
        print_table(checks)
    else:
        for line in plain_lines(checks):
            click.echo(line)
    possible = all(check.ok for check in checks if check.needed)
    return ExitCode.OK if possible else ExitCode.CAPTURE


def state(check: Check) -> str:
    """How a check went, in a word: `ok`, `missing`, or `absent` for what can be done without."""
    if check.ok:
        return "ok"
    return "missing" if check.needed else "absent"


def plain_lines(checks: Sequence[Check]) -> list[str]:
    """A line a check, and one for what to do."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{state(check):<8}{printable(check.name):<{width}}  {printable(check.found)}")
        if not check.ok and check.fix:
            lines.append(f"{'':8}{'':{width}}  -> {printable(check.fix)}")
    return lines


STYLES = {"ok": "green", "missing": "bold red", "absent": "yellow"}


def print_table(checks: Sequence[Check]) -> None:
    """The checks on a terminal."""
    from rich.table import Table
    from rich.text import Text

    from pyscap.output.console import Console

    table = Table(box=None, pad_edge=False)
    for title in ("", "check", "found", "what to do"):
        table.add_column(title, overflow="fold")
    for check in checks:
        word = state(check)
        cells = (check.name, check.found, "" if check.ok else check.fix)
        table.add_row(Text(word, STYLES[word]), *(Text(printable(cell)) for cell in cells))
    Console(highlight=False).print(table)
