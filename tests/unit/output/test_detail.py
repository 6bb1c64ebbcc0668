import base64
import io

import pytest
from rich.console import Console

from pyscap.model.fields import FIELDS
from pyscap.output.detail import (
    ANCESTRY,
    SECTIONS,
    described,
    detail_row,
    draw,
    hex_rows,
    wanted_fields,
)
from pyscap.plan import FieldList


def row(params=(), **values):
    known = {name.replace("__", "."): text for name, text in values.items()}
    return {"fields": [known.get(name) for name in wanted_fields()], "params": list(params)}


def drawn(told):
    out = io.StringIO()
    Console(file=out, width=1000, color_system=None).print(draw(told))
    return out.getvalue()


def param(name="x", type="UINT32", raw="1", resolved=None, unnamed_bits=None, data=None):
    return {
        "name": name,
        "type": type,
        "raw": raw,
        "resolved": resolved,
        "unnamed_bits": unnamed_bits,
        "data": data,
    }


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.title)
def test_sections_name_fields_that_exist(section):
    assert set(section.fields) <= FIELDS.keys()
    assert len(set(section.fields)) == len(section.fields)


def test_the_plan_gets_every_field_once():
    fields = FieldList()
    asked = detail_row(fields)["fields"]
    assert len(asked) == len(wanted_fields()) == len(set(asked)) == len(fields.entries)


def test_fields_without_a_value_and_branches_without_one_are_left_out():
    text = drawn(row(evt__num="7", proc__pid="12", proc__name="cat", user__name="<NA>"))
    assert "evt.num: 7" in text
    assert "proc.name: cat" in text
    assert "Descriptor" not in text
    assert "user.name" not in text


def test_ancestors_end_where_they_are_not_known():
    known = dict(zip(ANCESTRY, ("3", "bash", "bash -l"), strict=True))
    told = row()
    for name, value in known.items():
        told["fields"][wanted_fields().index(f"{name}[1]")] = value
    text = drawn(told)
    assert "bash (3): bash -l" in text
    assert text.count("bash (") == 1


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (param(raw="3", resolved="<f>/x"), "3 = <f>/x (UINT32)"),
        (param(raw="5", unnamed_bits="0x4", resolved="A"), "5 = A and 0x4 without a name (UINT32)"),
        (param(raw=None), "<NA> (UINT32)"),
        (param(type="BYTEBUF", data=base64.b64encode(b"ab").decode()), "2 bytes (BYTEBUF)"),
    ],
)
def test_parameters_are_raw_and_decoded(told, expected):
    assert described(told) == expected


def test_buffers_are_shown_as_bytes_and_text():
    rows = list(hex_rows(b"GET /\r\n" + bytes(range(12))))
    assert rows[0] == "0000  4745 5420 2f0d 0a00 0102 0304 0506 0708  GET /..........."
    assert rows[1].startswith("0010  090a 0b ")
    assert (
        drawn(row([param("data", "BYTEBUF", data=base64.b64encode(b"\x1b[2J").decode())])).count(
            "\x1b"
        )
        == 0
    )
