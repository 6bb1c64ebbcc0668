"""What the peers print is what we print, but for the differences in `known.toml`.

PYSCAP_DIFFERENTIAL names a folder with `captures/`, `expected/` and `queries.tsv` to compare
instead of the ones beside this file; unused differences are then no mistake.
"""

import gzip
import os
from pathlib import Path

import pytest
from differential.compare import (
    HERE,
    Expected,
    comparable,
    compare,
    find_capture,
    load_known,
    load_queries,
    run,
)

FOLDER = Path(os.environ.get("PYSCAP_DIFFERENTIAL", HERE))
EXPECTED = comparable(FOLDER / "expected")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def known():
    return load_known(HERE / "known.toml")


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: e.path.name)
def test_lines_are_those_of_the_peer(expected, known):
    queries = load_queries(FOLDER / "queries.tsv")
    capture = find_capture(FOLDER / "captures", expected.capture)
    arguments = [*queries[expected.query], *expected.extra]
    report = compare(expected, run(capture, arguments), known)
    assert report.lines > 0
    assert not report.unexplained, str(report)


@pytest.mark.skipif(FOLDER != HERE, reason="another folder need not have every difference")
def test_every_known_difference_is_used(known):
    for expected in EXPECTED:
        queries = load_queries(FOLDER / "queries.tsv")
        capture = find_capture(FOLDER / "captures", expected.capture)
        compare(expected, run(capture, [*queries[expected.query], *expected.extra]), known)
    assert [entry.reason for entry in known if not entry.uses] == []


def test_a_difference_without_a_reason_is_noticed(tmp_path):
    path = tmp_path / "x.default.sysdig-0.41.4.txt.gz"
    path.write_bytes(gzip.compress(b"1 a\n2 b\n4 d\n"))
    report = compare(Expected.of(path), ["1 a", "2 c", "3 x"], [])
    assert report.unexplained == [("2 b", "2 c"), (None, "3 x"), ("4 d", None)]
