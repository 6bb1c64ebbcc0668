"""Events for Python programs."""

import subprocess
import sys

import captures
import pytest

import pyscap
from pyscap.errors import InputError
from pyscap.filterlang.errors import FilterError
from pyscap.model.fields import FieldError


@pytest.fixture
def small(tmp_path):
    file = tmp_path / "small.scap"
    file.write_bytes(captures.small())
    return file


def test_events_have_the_columns_of_a_line(small):
    first = next(iter(pyscap.open(small)))
    assert first["proc.name"] == "cat"
    assert first["evt.type"] == "openat"
    assert first["evt.num"] == 1
    assert first["evt.rawtime"] == captures.START


def test_a_filter_chooses_and_fields_are_typed(small):
    fields = ["evt.failed", "fd.name", "evt.rawres", "fd.types"]
    events = list(pyscap.open(small, filter="evt.type in (read, kill)", fields=fields))
    assert events == [
        {"evt.failed": False, "fd.name": "/etc/passwd", "evt.rawres": 12, "fd.types": ["file"]},
        {"evt.failed": False, "fd.name": None, "evt.rawres": 0, "fd.types": None},
    ]


def test_more_events_than_one_batch_keep_their_order(tmp_path):
    file = tmp_path / "many.scap"
    file.write_bytes(captures.small())
    numbers = [e["evt.num"] for e in pyscap.open(*[file] * 400, fields=["evt.num"])]
    assert len(numbers) > 3000
    assert numbers == sorted(numbers)


def test_what_was_complete_comes_before_the_error(small):
    small.write_bytes(small.read_bytes()[:-5])
    seen = []
    events = pyscap.open(small, fields=["evt.type"])
    with pytest.raises(InputError, match=r"small\.scap"):
        seen.extend(event["evt.type"] for event in events)
    assert seen[0] == "openat"
    assert seen[-1] == "kill"


def test_mistakes_are_told_before_anything_is_read():
    with pytest.raises(FilterError):
        pyscap.open("nowhere", filter="evt.type = ")
    with pytest.raises(FieldError):
        pyscap.open("nowhere", fields=["evt.nothing"])


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        next(pyscap.open(tmp_path / "missing"))


def test_importing_the_package_is_cheap():
    code = "import sys, pyscap; print('pyscap.api' in sys.modules, hasattr(pyscap, 'nothing'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
