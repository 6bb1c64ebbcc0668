"""The words that views are declared with."""

from __future__ import annotations

import pytest

from pyscap.views.specs import Column, View, count, key, total


def test_a_key_groups_and_computed_columns_do_not():
    assert key("Process", "proc.name") == Column("Process", "proc.name", optional=False)
    assert key("Process", "proc.name").is_key
    assert not count("Calls").is_key
    assert not total("Bytes", "evt.rawres", "bytes").is_key


def test_what_is_computed_of_a_column():
    assert count("Errors", "evt.res") == Column("Errors", "evt.res", "count", "count")
    assert total("Bytes", "evt.rawres", "bytes", required=True) == Column(
        "Bytes", "evt.rawres", "sum", "bytes", required=True
    )


def test_columns_by_title():
    view = View("v", "table", "t", "d", (key("A", "proc.name"), count("B")))
    assert view.column("B").agg == "count"
    with pytest.raises(KeyError, match="b"):
        view.column("b")
