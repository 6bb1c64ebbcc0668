"""Click only: argv -> options -> session -> exit code.

In:  the command line. Out: an exit code. Next: `session`.
"""

from __future__ import annotations

import click


@click.command()
@click.option("-r", "--read", "files", multiple=True, metavar="FILE", help="Read a capture.")
@click.argument("words", nargs=-1, metavar="[FILTER]")
def main(files: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Capture and view Linux system calls."""
    from pyscap.plan import Plan
    from pyscap.session import read_files

    del words
    click.echo(read_files(Plan(), list(files)))
