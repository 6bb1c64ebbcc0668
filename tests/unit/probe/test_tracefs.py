"""Numbers of tracepoints in folders made like a tracefs, and the calls of a private mount."""

import errno
import os
import sys

import pytest

from pyscap.probe import tracefs
from pyscap.probe.tracefs import Tracefs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's tracefs")


@pytest.fixture
def no_mount(monkeypatch):
    """Private mounts are refused; the calls that were tried."""
    calls = []

    def call(number, *args):
        calls.append((number, args))
        return -1

    monkeypatch.setattr(tracefs, "_call", call)
    return calls


@pytest.fixture
def folder(tmp_path):
    """A folder with the tracepoint `syscalls/sys_exit_read`, number 815."""
    event = tmp_path / "events" / "syscalls" / "sys_exit_read"
    event.mkdir(parents=True)
    (event / "id").write_text("815\n")
    return tmp_path


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_the_number_of_a_tracepoint(folder, no_mount):
    with Tracefs((folder / "nowhere", folder)) as found:
        assert found.event_id("syscalls/sys_exit_read") == 815
        assert found.event_id("syscalls/sys_exit_nothing") is None
    assert no_mount == []


@pytest.mark.parametrize("text", ["", "x\n", "8 15\n"])
def test_what_is_no_number_is_none(folder, no_mount, text):
    (folder / "events" / "syscalls" / "sys_exit_read" / "id").write_text(text)
    with Tracefs((folder,)) as found:
        assert found.event_id("syscalls/sys_exit_read") is None


def test_a_folder_on_which_nothing_is_mounted_is_passed_over(tmp_path, folder, no_mount):
    (tmp_path / "empty").mkdir()
    with Tracefs((tmp_path / "empty", folder)) as found:
        assert found.event_id("syscalls/sys_exit_read") == 815


def test_without_any_tracefs_there_are_no_numbers(tmp_path, no_mount):
    with Tracefs((tmp_path,)) as found:
        assert found.fd == -1
        assert found.event_id("syscalls/sys_exit_read") is None
    assert [number for number, _ in no_mount] == [430]  # fsopen


def test_the_descriptor_is_closed_at_the_end(folder, no_mount):
    with Tracefs((folder,)) as found:
        assert is_open(found.fd)
    assert not is_open(found.fd)


def test_a_folder_that_may_not_be_looked_into_is_passed_over(folder, no_mount, monkeypatch):
    """As a mount that only root may read, for anybody else."""

    def refused(_self, **_more):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.lstat", refused)
    monkeypatch.setattr("pathlib.Path.stat", refused)
    assert Tracefs((folder,)).fd == -1


@pytest.fixture
def mounting(monkeypatch):
    """Results of the calls of a private mount, by number; what was called."""
    reading, writing = os.pipe()
    os.close(writing)
    results = {430: reading, 431: 0, 432: 99}
    calls = []

    def call(number, *args):
        calls.append((number, args))
        return results[number]

    monkeypatch.setattr(tracefs, "_call", call)
    return results, calls, reading


def test_a_private_mount_is_made_of_a_context_that_is_closed(mounting):
    _results, calls, context = mounting
    assert tracefs._mount_privately() == 99
    # fsopen(2), fsconfig(2) FSCONFIG_CMD_CREATE, fsmount(2); FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC
    assert calls == [
        (430, (b"tracefs", 1)),
        (431, (context, 6, None, None, 0)),
        (432, (context, 1, 0)),
    ]
    assert not is_open(context)


@pytest.mark.parametrize("refused", [431, 432])
def test_a_refused_mount_leaves_nothing_open(mounting, refused):
    results, _calls, context = mounting
    results[refused] = -1
    assert tracefs._mount_privately() == -1
    assert not is_open(context)
