"""The command line as a person types it, in this process."""

import sys

import pytest

from pyscap import cli
from pyscap.errors import ExitCode
from pyscap.options import OPTIONS


@pytest.fixture
def seen(monkeypatch):
    """Requests that reached a mode, in order, instead of being carried out."""
    requests = []
    monkeypatch.setattr(cli, "call", lambda target, request: requests.append(request) or 0)
    return requests


def test_words_and_options_may_be_mixed(seen):
    assert cli.run(["proc.name=x", "-n", "3", "and", "fd.num=1", "-q"]) == 0
    assert seen[0].words == ("proc.name=x", "and", "fd.num=1")
    assert seen[0].numevents == 3
    assert seen[0].quiet


def test_values_may_be_attached_to_letters(seen):
    cli.run(["-pc", "-n3", "-lv"])
    assert seen[0].print == "c"
    assert seen[0].list
    assert seen[0].verbose


def test_last_value_counts_and_files_add_up(seen):
    cli.run(["-p", "a", "-p", "b", "-r", "x", "-r", "y"])
    assert seen[0].print == "b"
    assert seen[0].read == ("x", "y")


def test_command_after_dashes_is_left_alone(seen):
    cli.run(["-w", "f", "evt.type=open", "--", "ls", "-l", "--color"])
    assert seen[0].command == ("ls", "-l", "--color")
    assert seen[0].words == ("evt.type=open",)


def test_long_progress_does_not_take_the_filter(seen):
    """DIFFERENCE(sysdig 0.41.4): --progress swallows the next word there."""
    cli.run(["--progress", "evt.num=1"])
    assert seen[0].words == ("evt.num=1",)


NEEDS = {"flight-recorder": ["-w", "f"], "trigger": ["-w", "f", "--flight-recorder", "1s"]}
"""What an option is given with, where that is not a rotation."""


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.key != "help"], ids=lambda o: o.name)
def test_every_spelling_sets_its_own_value(seen, option, capsys):
    value = {"FILE": "f", "PID": "7", "N": "7", "TIME": "7", "SIZE": "7", "BYTES": "7"}
    word = option.choices[0] if option.choices else value.get(option.metavar, "3h")
    for spelling in (*option.spellings, *option.also):
        argv = [spelling] if option.is_flag else [spelling, word]
        extra = NEEDS.get(option.name, ["-w", "f", "-e", "1"])
        extra = extra if option.category == "Writing" else []
        assert cli.run([*extra, *argv]) == 0, capsys.readouterr().err
    if option.key == "version":
        assert capsys.readouterr().out.startswith("pyscap ")
    else:
        assert all(getattr(request, option.key) for request in seen)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--jsn"], "pyscap: no option --jsn\nhint: did you mean --json?\n"),
        (["-n"], "pyscap: Option '-n' requires an argument\nhint: `pyscap --help` lists"),
        (["-n", "0"], "pyscap: -n: '0' is not a whole number from 1 on\nhint: "),
        (["-t", "x"], "pyscap: -t: 'x' is not one of"),
        (["-k", "url"], "pyscap: -k is an option of sysdig, not of pyscap\nhint: container"),
        (["--modern-bpf"], "pyscap: --modern-bpf is an option of sysdig, not of pyscap\n"),
    ],
)
def test_mistakes_are_one_cause_and_one_hint(argv, message, capsys):
    assert cli.run(argv) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(message)
    assert err.count("\n") == 2


def test_help_has_a_line_for_each_option(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run(["--help"]) == 0
    text = capsys.readouterr().out
    rows = text.partition("Input:")[2].partition("Commands")[0].splitlines()
    options = [line for line in rows if line.startswith("  ")]
    assert len(options) == len(OPTIONS)
    assert all(len(line) <= 80 for line in options)


def test_help_names_every_option(capsys):
    assert cli.run(["--help"]) == 0
    text = capsys.readouterr().out
    for option in OPTIONS:
        for spelling in option.spellings:
            assert spelling in text
    assert max(map(len, text.splitlines())) <= 100


def failing(error):
    def call(target, request):
        raise error

    return call


def test_internal_error_is_one_line_and_where_to_report(monkeypatch, capsys):
    monkeypatch.setattr(cli, "call", failing(ZeroDivisionError("division\x1b[2J")))
    monkeypatch.delenv("PYSCAP_DEBUG", raising=False)
    assert cli.run([]) == ExitCode.INTERNAL
    err = capsys.readouterr().err
    assert err.startswith("pyscap: internal error: ZeroDivisionError: division\\x1b[2J\nhint: ")
    assert "Traceback" not in err


def test_internal_error_shows_its_place_when_asked(monkeypatch, capsys):
    monkeypatch.setattr(cli, "call", failing(ZeroDivisionError("division")))
    monkeypatch.setenv("PYSCAP_DEBUG", "1")
    assert cli.run([]) == ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


def test_interrupt_has_the_shells_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(cli, "call", failing(KeyboardInterrupt()))
    assert cli.run([]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_commands_can_be_loaded():
    context = cli.program.make_context("pyscap", [])
    for name in cli.program.list_commands(context):
        assert cli.program.get_command(context, name) is not None


def test_start_imports_nothing_heavy():
    """`--version` and `--help` answer at once: no table, grammar or terminal library is loaded."""
    import subprocess

    code = (
        "import sys; from pyscap.cli import run; run(['--version']);"
        "print(*[m for m in ('rich','lark','construct','bcc','pyscap.model.events')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == ""
