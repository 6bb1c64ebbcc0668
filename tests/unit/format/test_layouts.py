"""The generated rows say what the declarations say."""

from __future__ import annotations

import json

from pyscap.format import layouts
from pyscap.format.layout_rows import LAYOUTS
from pyscap.format.versions import METADATA_BLOCKS
from pyscap.plan import Plan


def test_generated_rows_are_fresh():
    assert {name: tuple(rows) for name, rows in layouts.lower().items()} == LAYOUTS


def test_literals_rebuild_the_rows():
    scope: dict[str, object] = {}
    exec(layouts.generated(), scope)
    assert scope["LAYOUTS"] == LAYOUTS


def test_every_block_names_a_record_and_a_version_that_it_has():
    for row in METADATA_BLOCKS:
        assert row.record in LAYOUTS
        newest = max([1, *(field.since for field in LAYOUTS[row.record])])
        assert 1 <= row.version <= newest, row


def test_the_plan_carries_blocks_and_records():
    plan = json.loads(Plan().to_json())["layouts"]
    assert [0x215, "process", 9] in plan["blocks"]
    assert plan["records"]["process"][0] == {
        "name": "entry_len",
        "wire": "len_self",
        "since": 9,
        "tail": None,
        "default": 0,
    }
