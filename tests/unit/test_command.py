"""The program after `--`."""

import signal
import sys

import pytest

from pyscap.command import CommandStop, HeldCommand
from pyscap.errors import UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


def test_command_waits_for_its_release(tmp_path):
    mark = tmp_path / "mark"
    with HeldCommand(("touch", str(mark))) as command:
        assert not command.has_ended()
        assert not mark.exists()
        command.release()
        assert command.wait() == 0
    assert mark.exists()


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_exit_code_is_the_commands_own(script, code):
    with HeldCommand(("sh", "-c", script)) as command:
        command.release()
        assert command.wait() == code


def test_signals_reach_the_command_as_usual():
    """Python ignores SIGPIPE; a program started from it must not."""
    with HeldCommand(("sh", "-c", "kill -PIPE $$; exit 0")) as command:
        command.release()
        assert command.wait() == 128 + signal.SIGPIPE


def test_missing_program_is_a_usage_error():
    with pytest.raises(UsageError, match="cannot run nosuchprogram: there is no such program"):
        HeldCommand(("nosuchprogram",))


def test_program_that_cannot_be_executed_is_a_usage_error(tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with (
        pytest.raises(UsageError, match=r"cannot run .*: Exec format error"),
        HeldCommand((str(broken),)) as command,
    ):
        command.release()


def test_command_that_is_never_released_ends():
    with HeldCommand(("sleep", "60")) as command:
        pass
    assert command.wait() == 127


def test_capture_ends_with_its_command():
    with HeldCommand(("true",)) as command:
        stop = CommandStop(command, None)
        assert not stop.is_due()
        command.release()
        command.wait()
        assert stop.is_due()


def test_interrupts_are_the_commands_own_affair_and_others_are_handed_on():
    with HeldCommand(("sleep", "60")) as command:
        command.release()
        stop = CommandStop(command, None)
        stop.on_signal(signal.SIGINT, None)
        assert not stop.is_due()
        stop.on_signal(signal.SIGTERM, None)
        assert command.wait() == 128 + signal.SIGTERM
