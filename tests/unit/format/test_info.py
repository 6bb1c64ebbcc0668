"""What is said of a capture."""

from __future__ import annotations

import gzip
import os

import builders as b
import pytest
from engine import rewritten

from pyscap._engine import EngineError
from pyscap.format.info import capture_info

DATA = b.capture(
    threads=[b.thread(5, "cat", fds=[b.fd(3, name="/x")])],
    events=[b.lseek(fd=3, tid=5), b.lseek(fd=3, tid=5), b.openat(fd=6, name="/y", tid=5)],
    options=[(1, "a comment"), (4, "maker")],
)


@pytest.fixture
def info(tmp_path):
    def of(data: bytes):
        path = tmp_path / "x.scap"
        path.write_bytes(data)
        return capture_info(os.fspath(path))

    return of


def test_the_facts_of_a_plain_file(info):
    found = info(DATA)
    assert (found.events, found.size_bytes, found.compression) == (3, len(DATA), "none")
    assert found.by_type == {"lseek": 2, "openat": 1}
    assert (found.processes, found.damaged, found.dropped) == (1, 0, None)
    assert found.duration_ns == 2 * b.STEP_NS
    (section,) = found.sections
    assert (section.version, section.hostname, section.num_cpus) == ("1.2", "host", 2)
    assert (section.listed_processes, section.listed_fds) == (1, 1)
    assert section.options == (("comment", "a comment"), ("application", "maker"))


def test_the_summary_of_the_writer_is_told(info):
    found = info(rewritten(DATA, "evt.type=lseek"))
    (summary,) = found.summaries
    assert (summary["filter"], summary["chosen"]) == ("evt.type=lseek", 2)


def test_a_cut_compressed_file_is_told_with_its_place(info):
    found = info(gzip.compress(DATA)[:-30])
    assert (found.compression, found.damaged) == ("gzip", 1)
    assert found.damage[0].what.startswith("cut short")


def test_sections_and_empty_captures(info):
    assert len(info(DATA + DATA).sections) == 2
    empty = info(b.capture())
    assert (empty.start_ns, empty.end_ns, empty.duration_ns, empty.events) == (None, None, None, 0)


def test_what_is_no_capture_is_an_error(info):
    with pytest.raises(EngineError):
        info(b"no capture at all")
