"""Everything here needs the right to capture; without it, it is skipped with the reason."""

import functools
import sys
from pathlib import Path

import pytest

from pyscap.probe.errors import ProbeError
from pyscap.probe.loader import Probe, ProbeConfig
from pyscap.probe.pushdown import Pushdown

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@functools.cache
def why_not():
    """What keeps this machine from capturing; None when nothing does."""
    try:
        Probe(ProbeConfig(pushdown=Pushdown(events=frozenset({186})))).close()
    except ProbeError as error:
        return f"{error.cause}: {error.hint}"
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).is_relative_to(HERE):
            item.add_marker(pytest.mark.live)


@pytest.fixture(autouse=True)
def _can_capture():
    reason = why_not()
    if reason:
        pytest.skip(reason)
