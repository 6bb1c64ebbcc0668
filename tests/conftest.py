"""Settings of all tests, and where the captures are that the table counts events of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).resolve()

settings.register_profile("pyscap", deadline=None)  # a busy machine is no mistake
settings.load_profile("pyscap")


@pytest.fixture(scope="session")
def curl_google() -> Path:
    """The capture of the table: `$PYSCAP_SHARED`, or `shared` beside the checkout."""
    roots = [os.environ.get("PYSCAP_SHARED"), HERE.parents[2] / "shared"]
    for root in filter(None, roots):
        path = Path(root) / "captures" / "curl_google.scap"
        if path.is_file():
            return path
    pytest.skip("curl_google.scap is not here; set PYSCAP_SHARED to where the captures are")
