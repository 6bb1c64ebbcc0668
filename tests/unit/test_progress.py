"""How far a file has been read."""

import os

import pytest

from pyscap import progress
from pyscap.progress import ReadProgress, wanted
from pyscap.request import Request


@pytest.fixture
def terminals(monkeypatch):
    """Says which of the standard streams are terminals."""

    def say(*, out, err):
        monkeypatch.setattr("pyscap.progress.sys.stdout.isatty", lambda: out)
        monkeypatch.setattr("pyscap.progress.sys.stderr.isatty", lambda: err)

    return say


@pytest.mark.parametrize(
    ("out", "err", "request_", "patience"),
    [
        (True, False, Request(progress=True), None),
        (True, True, Request(progress=True), 0.0),
        (True, True, Request(), None),
        (False, True, Request(), progress.PATIENCE_S),
        (True, True, Request(quiet=True), progress.PATIENCE_S),
        (True, True, Request(write="x"), progress.PATIENCE_S),
    ],
)
def test_bar_is_for_terminals_without_lines(terminals, out, err, request_, patience):
    terminals(out=out, err=err)
    bar = wanted(request_)
    assert (bar.patience_s if bar else None) == patience


def test_bar_follows_the_position_of_the_file(tmp_path, capsys):
    path = tmp_path / "file"
    path.write_bytes(bytes(200))
    bar = ReadProgress(patience_s=0.0)
    with path.open("rb", buffering=0) as file:
        bar.start(file.fileno())
        os.read(file.fileno(), 50)
        bar.look()
        assert bar.bar is not None
        assert bar.bar.tasks[0].percentage == 25
        bar.end()
    assert bar.bar is None
    assert capsys.readouterr().out == ""


def test_short_reads_and_pipes_have_no_bar(tmp_path):
    reading, writing = os.pipe()
    bar = ReadProgress(patience_s=0.0)
    bar.start(reading)
    bar.look()
    assert bar.bar is None
    os.close(reading)
    os.close(writing)
    path = tmp_path / "file"
    path.write_bytes(b"x")
    patient = ReadProgress(patience_s=60.0)
    with path.open("rb") as file:
        patient.start(file.fileno())
        patient.look()
    assert patient.bar is None
