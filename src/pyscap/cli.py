"""Click only: argv -> request -> session -> exit code.

In:  the command line. Out: an exit code. Next: `program`, or the subcommand's own module.
Everything but Click is imported when it is needed, so that `--version`, `--help` and completion
answer at once.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from pyscap.errors import REPORT, ExitCode, UsageError, explain, is_broken_pipe, printable
from pyscap.options import CATEGORIES, COMMANDS, OPTIONS, RETIRED, OptionSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyscap.errors import PyscapError
    from pyscap.request import Request

    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType

COMPLETE_VAR = "_PYSCAP_COMPLETE"
"""Set by the shells' completion scripts; see `completion`."""


def main() -> None:
    """The `pyscap` command."""
    reopen_standard()
    sys.exit(run(sys.argv[1:]))


def reopen_standard() -> None:
    """Give closed standard descriptors something to be, so that no file of ours becomes one.

    Writing to standard output fails then, as it would if it were still closed; messages go nowhere.
    """
    while (spare := os.open(os.devnull, os.O_RDONLY)) <= 2:
        continue
    os.close(spare)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
        silence(sys.stderr)


def run(argv: list[str]) -> int:
    """Do what `argv` says.

    Returns:
        The exit code; messages have been printed.
    """
    try:
        if COMPLETE_VAR in os.environ:
            return complete(os.environ[COMPLETE_VAR])
        with program.make_context("pyscap", argv) as ctx:
            code = program.invoke(ctx)
        sys.stdout.flush()
    except BaseException as error:
        return finish(error)
    return code if isinstance(code, int) else ExitCode.OK


def finish(error: BaseException) -> int:
    """Print what `error` says to the user and give its exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.USAGE
    if is_broken_pipe(error):
        silence(sys.stdout)
        return ExitCode.OK
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return ExitCode.INTERRUPTED
    if os.environ.get("PYSCAP_DEBUG"):
        import traceback

        traceback.print_exception(error)
    known = usage(error) if isinstance(error, click.ClickException) else explain(error)
    if known is None:
        say(f"internal error: {type(error).__name__}: {error}", REPORT)
        return ExitCode.INTERNAL
    say(known.cause, known.hint)
    return known.exit_code


def say(cause: str, hint: str = "") -> None:
    """Print a message for the user on standard error."""
    text = f"pyscap: {cause}\n" + f"hint: {hint}\n" * bool(hint)
    try:
        sys.stdout.flush()
        sys.stderr.write(printable(text))
        sys.stderr.flush()
    except OSError:  # nobody is left who could read it
        silence(sys.stdout)
        silence(sys.stderr)


def silence(stream: Any) -> None:  # noqa: ANN401 - whatever stands in for a standard stream
    """Send what is still to be written to a closed stream nowhere, so that exit is quiet."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), stream.fileno())


def usage(error: click.ClickException) -> PyscapError:
    """What Click found wrong with the command line, in our words."""
    hint = "`pyscap --help` lists the options"
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        if name in RETIRED:
            return UsageError(f"{name} is an option of sysdig, not of pyscap", RETIRED[name])
        if error.possibilities:
            hint = f"did you mean {' or '.join(sorted(error.possibilities))}?"
        return UsageError(f"no option {name}", hint)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = error.param.metavar or str(error.param.name).upper()
        return UsageError(
            f"{name} is missing", f"`{error.ctx.command_path} --help`" if error.ctx else hint
        )
    if isinstance(error, click.BadParameter) and error.param is not None:
        cause = error.message.rstrip(".").replace("integer range", "whole number")
        return UsageError(f"{error.param.opts[0]}: {cause}", hint)
    return UsageError(error.format_message().rstrip(".").replace("\n", " "), hint)


def complete(instruction: str) -> int:
    """Answer a shell's completion script."""
    from click.shell_completion import shell_complete

    return shell_complete(program, {}, "pyscap", COMPLETE_VAR, instruction)


class Value(ParamType):
    """An option's value, read by the function of its declaration."""

    def __init__(self, spec: OptionSpec) -> None:
        """Take over the name that messages use."""
        self.spec = spec
        self.name = spec.metavar.lower()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The value of `value`; a message of the reader becomes a usage error."""
        try:
            return self.spec.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """Files for file options, names where they are known, nothing for the rest."""
        if self.spec.names:
            return completions(load(self.spec.names)(), incomplete)
        kind = click.File() if self.spec.metavar == "FILE" else click.STRING
        return kind.shell_complete(ctx, param, incomplete)


def load(target: str) -> Any:  # noqa: ANN401 - whatever stands there
    """What `module:attribute` names, imported now."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def completions(names: Iterable[str], incomplete: str) -> list[Any]:
    """The names that may have been begun."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def click_option(spec: OptionSpec) -> click.Option:
    """The Click option of a declaration."""
    names = [*spec.spellings, *spec.also, spec.key]
    if spec.is_flag:
        return click.Option(names, is_flag=True, help=spec.doc_short)
    kind = click.Choice(spec.choices) if spec.choices else Value(spec)
    return click.Option(
        names, type=kind, metavar=spec.metavar, multiple=spec.repeat, help=spec.doc_short
    )


class Program(click.Group):
    """The command: a subcommand when the first word is the name of one, else options and a filter.

    A name alone is no filter, so the two cannot be confused.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the options' values; what is left in `ctx.args` are the filter's words."""
        spec = next((spec for spec in COMMANDS if args[:1] == [spec.name]), None)
        if "--" in args and (spec is None or spec.captures):
            at = args.index("--")
            args, ctx.meta["command"] = args[:at], args[at + 1 :]
        if spec is not None:
            return super().parse_args(ctx, args)
        ctx.allow_interspersed_args = True
        return click.Command.parse_args(self, ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the subcommands, in the order of help."""
        del ctx
        return [spec.name for spec in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand `cmd_name`, imported now."""
        del ctx
        for spec in COMMANDS:
            if spec.name == cmd_name:
                command = load(spec.target)
                return command if isinstance(command, click.Command) else None
        return None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Subcommands and options, and the fields of a filter once one is begun."""
        found = super().shell_complete(ctx, incomplete)
        if not incomplete or incomplete.startswith("-"):
            return found
        from pyscap.completion import fields

        return [*found, *completions(fields(), incomplete)]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Usage, options by category, subcommands."""
        del ctx
        formatter.width = min(formatter.width, 100)
        for line in USAGE:
            formatter.write(f"{line}\n")
        for category in CATEGORIES:
            rows = [(help_term(o), o.doc_short) for o in OPTIONS if o.category == category]
            with formatter.section(category):
                formatter.write_dl(rows, col_max=30)
        if COMMANDS:
            with formatter.section("Commands (pyscap COMMAND --help says more)"):
                formatter.write_dl([(spec.name, spec.doc_short) for spec in COMMANDS], col_max=30)
        with formatter.section("Examples"):
            formatter.write_dl(EXAMPLES, col_max=40)
        formatter.write(f"\n{EPILOG}\n")


USAGE = (
    "Usage: pyscap [OPTIONS] [FILTER]            capture this machine and show its system calls",
    "       pyscap [OPTIONS] -w FILE [FILTER]    capture into a file",
    "       pyscap [OPTIONS] -r FILE [FILTER]    read a capture file",
    "       pyscap [OPTIONS] -- COMMAND          run a command and capture what it does",
    "       pyscap COMMAND ...",
)
EXAMPLES = (
    ("pyscap -w trace.scap -M 10", "ten seconds of this machine into a file"),
    ("pyscap -r trace.scap evt.failed=true", "what failed in it"),
    ("pyscap --strace -- make", "a command from its first call, as strace shows it"),
    ("pyscap top topfiles_bytes", "which files are read and written most"),
)
EPILOG = "man pyscap has the whole story, with the filter language and the exit codes."


def help_term(spec: OptionSpec) -> str:
    """How help shows an option: `-r, --read FILE`."""
    term = ", ".join(spec.spellings) if spec.short else f"    {spec.spellings[0]}"
    return f"{term} {spec.metavar}".rstrip()


@click.pass_context
def start(ctx: click.Context, /, **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Do what the options say, when no subcommand does."""
    if ctx.invoked_subcommand is not None:
        return ExitCode.OK
    if values["version"]:
        return print_version()
    from pyscap.request import make_request

    return perform(make_request(values, ctx.args, ctx.meta.get("command", [])))


def print_version() -> int:
    """Print the version of the command, which is the engine's."""
    from pyscap._engine import __version__

    click.echo(f"pyscap {__version__}")
    return ExitCode.OK


def perform(request: Request) -> int:
    """Run the first mode that the request asks for; reading or capturing is the last."""
    for key, target in MODES:
        if getattr(request, key):
            return call(target, request)
    return call("pyscap.program:run", request)


MODES: tuple[tuple[str, str], ...] = (
    ("list", "pyscap.output.listing:list_fields"),
    ("list_markdown", "pyscap.output.listing:list_markdown"),
    ("list_events", "pyscap.output.listing:list_events"),
    ("chisel", "pyscap.views.commands:run_chisel"),
    ("chisel_info", "pyscap.views.commands:describe_chisel"),
    ("summary", "pyscap.views.commands:run_with_summary"),
    ("dump_plan", "pyscap.program:dump_plan"),
)
"""What a request can be beside reading and capturing: its key, and the function that does it."""


def call(target: str, request: Request) -> int:
    """Import `module:function` and let it handle the request."""
    return int(load(target)(request))


program = Program(
    "pyscap",
    params=[click_option(spec) for spec in OPTIONS if spec.name != "help"],
    callback=start,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
"""The Click command of the whole program."""
