"""Every field that an installed sysdig lists is what we print, but for `known_fields.toml`."""

import shutil
from pathlib import Path

import pytest
from differential.compare import HERE, comparable, find_capture, load_known
from differential.fields import compare, find_peer, listed, with_arguments

PEER = find_peer()
CAPTURES = sorted({e.capture for e in comparable(HERE / "expected") if e.query == "default"})

pytestmark = [
    pytest.mark.peer,
    pytest.mark.timeout(900),
    pytest.mark.skipif(PEER is None, reason="no sysdig found; PYSCAP_PEER names one"),
]


@pytest.fixture(scope="module")
def known():
    return load_known(HERE / "known_fields.toml")


@pytest.fixture(scope="module")
def reports(known, tmp_path_factory):
    fields = with_arguments(listed(PEER))
    # A peer may see no other folder than that of temporary files.
    folder = tmp_path_factory.mktemp("captures")
    copies = {name: shutil.copy(find_capture(HERE / "captures", name), folder) for name in CAPTURES}
    return {name: compare(PEER, Path(copy), fields, known) for name, copy in copies.items()}


@pytest.mark.parametrize("name", CAPTURES)
def test_fields_are_those_of_the_peer(name, reports):
    assert reports[name].fields > 300
    assert not reports[name].unexplained, str(reports[name])


def test_every_known_difference_is_used(known, reports):
    assert reports
    assert [entry.reason for entry in known if not entry.uses] == []
