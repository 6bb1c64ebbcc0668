"""`pyscap completion SHELL`: the script that makes a shell complete options and values.

In:  the name of a shell. Out: its script on standard output; it calls pyscap back with
`cli.COMPLETE_VAR` set, and Click answers from the option registry.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
"""Shells that Click knows."""

HELP = """Print the completion script of a shell.

\b
bash: pyscap completion bash > ~/.local/share/bash-completion/completions/pyscap
zsh:  pyscap completion zsh > a file _pyscap in a directory of $fpath
fish: pyscap completion fish > ~/.config/fish/completions/pyscap.fish
"""


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script of `shell`."""
    click.echo(script(shell))


def script(shell: str) -> str:
    """The completion script of one of `SHELLS`."""
    from pyscap.cli import COMPLETE_VAR, program

    kind = get_completion_class(shell)
    if kind is None:
        msg = f"no completion for {shell}"
        raise click.UsageError(msg)
    return kind(program, {}, "pyscap", COMPLETE_VAR).source()
