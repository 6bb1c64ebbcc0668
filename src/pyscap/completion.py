"""`pyscap completion SHELL`: the script that makes a shell complete options and values.

In:  the name of a shell. Out: its script on standard output; it calls pyscap back with
`cli.COMPLETE_VAR` set, and Click answers from the option registry and the names given here.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

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


def views() -> list[str]:
    """Names of the views."""
    from pyscap.views.catalogue import VIEWS

    return list(VIEWS)


def fields() -> list[str]:
    """Names of the fields."""
    from pyscap.model.fields import FIELDS

    return list(FIELDS)


def profiles() -> list[str]:
    """Names of the profiles of the configuration."""
    from pyscap.config import load

    return list(load().profiles)


def themes() -> list[str]:
    """Names of the themes."""
    from pyscap.config import load
    from pyscap.output.theme import THEMES

    return [*THEMES, *load().themes]


def view_words(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the words behind a view may be: views, and fields once one is begun."""
    from pyscap.cli import completions

    names = views() + (fields() if incomplete else [])
    return completions(names, incomplete)


def theme_words(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of themes."""
    from pyscap.cli import completions

    return completions(themes(), incomplete)
