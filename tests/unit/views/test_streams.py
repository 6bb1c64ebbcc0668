"""Streams of data as the engine is told them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyscap._engine import Session
from pyscap.errors import PyscapError
from pyscap.model.fields import FieldError
from pyscap.plan import FieldList, Plan
from pyscap.views.follow import FOLLOW
from pyscap.views.streams import FORMS, RECORD, Look, http_row, segments, side_row, stream_row


def test_headers_are_pieces_with_a_word_for_each_direction():
    fields = FieldList()
    read = segments("-- {Read|Write} {evt.rawres}B", 0, fields)
    assert [piece.get("lit") for piece in read] == ["-- ", "Read", " ", None, "B"]
    assert read[3] == {"value": {"of": {"field": 0}}}
    assert [entry["name"] for entry in fields.entries] == ["evt.rawres"]
    assert segments("{R|W}", 1, fields) == [{"lit": "W"}]


@pytest.mark.parametrize(
    ("header", "pieces"),
    [
        ("", []),
        ("plain", [{"lit": "plain"}]),
        ("{|W}", [{"lit": ""}]),
        ("{open", [{"lit": "{open"}]),
        ("a}b", [{"lit": "a}b"}]),
    ],
)
def test_headers_without_a_field(header, pieces):
    fields = FieldList()
    assert segments(header, 0, fields) == pieces
    assert fields.entries == []


def test_a_header_names_fields_that_exist():
    with pytest.raises((FieldError, PyscapError), match="no field called"):
        segments("{nofield}", 0, FieldList())


def test_directions_have_the_colours_of_sysdig():
    plain, coloured = Look(), Look(coloured=True)
    assert side_row("x", "read", FieldList(), plain)["start"] == ""
    assert side_row("x", "read", FieldList(), plain)["end"] == ""
    assert side_row("x", "read", FieldList(), coloured)["start"] == "\x1b[31m"
    assert side_row("x", "write", FieldList(), coloured)["start"] == "\x1b[34m"
    assert side_row("x", "write", FieldList(), coloured)["end"] == "\x1b[0m"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("headers", ["each", "turn", "none"])
def test_the_engine_takes_every_form(form, headers):
    fields = FieldList()
    row = stream_row(replace(FOLLOW, headers=headers), fields, Look(form, gaps=True))
    assert (row["headers"], row["gaps"], row["fd"]) == (headers, True, 1)
    assert len(row["owner"]) == len(set(row["owner"])) == 3
    assert Session(Plan(fields, output=row).to_json()).result() is not None


def test_records_of_http_have_their_values_before_the_fields_of_the_response():
    fields = FieldList()
    places: dict[str, int] = {}

    def into(place):
        for name in ("url", "proc.name", "size", "proc.pid", "proc.name"):
            places[name] = place(name)
        return {"kind": "rows", "fields": [], "max_rows": 1}

    row = http_row(fields, into)
    first = len(RECORD)
    assert places == {"url": 3, "size": 6, "proc.name": first, "proc.pid": first + 1}
    assert row["into"] == {"rows": {"fields": [], "max_rows": 1}}
    names = [fields.entries[at]["name"] for at in row["fields"]]
    assert names == ["proc.name", "proc.pid"]
    assert [fields.entries[at]["name"] for at in row["connection"]] == ["proc.pid", "fd.num"]
    assert fields.entries[row["data"]]["name"] == "evt.buffer"
