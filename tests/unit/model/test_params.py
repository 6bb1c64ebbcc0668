"""Parameter types have the sizes of the format."""

from __future__ import annotations

import builders
import pytest

from pyscap.model.params import PARAM_TYPES

BY_NAME = {row.name: row for row in PARAM_TYPES}


def test_types_are_listed_once():
    assert len(BY_NAME) == len(PARAM_TYPES)


@pytest.mark.parametrize("name", sorted(set(builders.SIZES) - {"BOOL"}))
def test_sizes_are_those_that_captures_of_tests_are_made_with(name):
    assert BY_NAME[name].size == builders.SIZES[name]


@pytest.mark.parametrize("name", ["CHARBUF", "BYTEBUF", "FSPATH", "SOCKTUPLE", "FDLIST", "DYN"])
def test_what_may_have_any_size(name):
    assert BY_NAME[name].size == 0
