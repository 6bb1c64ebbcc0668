"""Every error is one cause, one hint and one documented exit code."""

import errno

import pytest

from pyscap import errors
from pyscap._engine import EngineError
from pyscap.errors import EXIT_CODES, ExitCode, explain, is_broken_pipe, printable


def test_every_exit_code_is_documented_once():
    assert [code for code, _ in EXIT_CODES] == list(ExitCode)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("not_a_capture", "not a capture", None), ExitCode.INPUT),
        (EngineError("truncated", "cut short at byte 5", 5), ExitCode.INPUT),
        (EngineError("damaged", "damaged at byte 5", 5), ExitCode.INPUT),
        (EngineError("io", "writing: no space", errno.ENOSPC), ExitCode.OUTPUT),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), ExitCode.INPUT),
        (OSError(errno.ENOSPC, "No space left"), ExitCode.OUTPUT),
        (errors.CaptureError("no bcc", "install it"), ExitCode.CAPTURE),
        (errors.DropError("3 events lost"), ExitCode.DROPS),
    ],
)
def test_explain_gives_the_exit_code(error, code):
    known = explain(error)
    assert known is not None
    assert known.exit_code == code
    assert known.cause


@pytest.mark.parametrize("error", [ValueError("x"), EngineError("internal", "panic", None)])
def test_explain_knows_its_limits(error):
    assert explain(error) is None


def test_explainers_name_classes_that_exist():
    """A renamed exception must not fall back to "internal error" unseen."""
    from importlib import import_module

    for path in errors._EXPLAINERS:
        module, _, name = path.rpartition(".")
        module = "pyscap._engine" if module == "_engine" else module
        assert issubclass(getattr(import_module(module), name), Exception)


def test_os_error_names_its_file():
    known = explain(FileNotFoundError(errno.ENOENT, "No such file or directory", "x.scap"))
    assert known is not None
    assert known.cause == "x.scap: No such file or directory"


def test_broken_pipe_is_recognised_from_python_and_engine():
    assert is_broken_pipe(BrokenPipeError())
    assert is_broken_pipe(EngineError("io", "writing: broken pipe", errno.EPIPE))
    assert not is_broken_pipe(EngineError("io", "writing: no space", errno.ENOSPC))
    assert not is_broken_pipe(OSError(errno.ENOSPC, "x"))


def test_printable_leaves_no_way_to_steer_a_terminal():
    hostile = "a\x1b[2Jb\x00\u202ec\x9b\udcff\n\t"
    shown = printable(hostile)
    assert shown == "a\\x1b[2Jb\\x00\\u202ec\\x9b\\udcff\n\t"
