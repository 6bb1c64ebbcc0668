"""Error names are those of this machine's C library."""

from __future__ import annotations

import errno
import sys

import pytest

from pyscap.model.symbols.errno import ERRNO


@pytest.mark.skipif(sys.platform != "linux", reason="other systems number errors otherwise")
def test_names_are_those_of_linux():
    ours = {number: name for name, number in ERRNO if number < 512}
    assert len(ours) > 130
    renamed = {"EDEADLOCK": "EDEADLK", "ENOTSUP": "EOPNOTSUPP"}
    theirs = {number: renamed.get(name, name) for number, name in errno.errorcode.items()}
    assert {n: name for n, name in theirs.items() if ours.get(n) != name} == {}


def test_names_and_numbers_are_listed_once():
    names, numbers = zip(*ERRNO, strict=True)
    assert len(set(names)) == len(names)
    assert list(numbers) == sorted(set(numbers))
