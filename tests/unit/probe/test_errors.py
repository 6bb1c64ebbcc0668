"""What keeps a capture from starting ends with the exit code for that."""

from __future__ import annotations

import pytest

from pyscap.errors import ExitCode, explain
from pyscap.probe import errors


@pytest.mark.parametrize(
    "kind",
    [errors.ProbeError, errors.ProbeUnavailable, errors.ProbeDenied, errors.ProbeRejected],
)
def test_every_kind_is_explained_as_it_is(kind):
    error = kind("the cause", "the hint")
    known = explain(error)
    assert known is error
    assert (known.exit_code, known.cause, known.hint) == (ExitCode.CAPTURE, "the cause", "the hint")
    assert isinstance(error, errors.ProbeError)
