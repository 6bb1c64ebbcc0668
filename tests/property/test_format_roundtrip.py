"""What is written is what is read: records, blocks, events, whole captures."""

from __future__ import annotations

import builders as b
from engine import blocks, counts, rewritten
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscap.format import blocks as declared
from pyscap.format import encode
from pyscap.format.layout_rows import LAYOUTS
from pyscap.format.versions import METADATA_BLOCKS, newest
from pyscap.model.events import EVENTS

WIDTHS = {"u8": (0, 2**8 - 1), "u16": (0, 2**16 - 1), "u32": (0, 2**32 - 1)}
WIDTHS |= {"u64": (0, 2**64 - 1), "i64": (-(2**63), 2**63 - 1)}


def values(row, version: int) -> st.SearchStrategy:
    """Values that the field of a row can have in a version."""
    if version < row.since:
        return st.just(None)
    if row.wire in WIDTHS:
        return st.integers(*WIDTHS[row.wire])
    if row.wire == "str16":
        return st.binary(max_size=min(row.max_len, 64))
    if row.name == "hostname":
        return st.binary(max_size=127).map(lambda text: text.replace(b"\0", b"x"))
    if row.wire.startswith("bytes:"):
        size = int(row.wire[6:])
        return st.binary(min_size=size, max_size=size)
    return st.binary(max_size=32)


def records(name: str, version: int) -> st.SearchStrategy:
    rows = [row for row in LAYOUTS[name] if not row.wire.startswith("len_")]
    return st.fixed_dictionaries({row.name: values(row, version) for row in rows})


@st.composite
def entries(draw, record: str, version: int):
    """An entry with the payload that its type asks for."""
    value = draw(records(record, version))
    kinds = {"fd": declared.FD_PAYLOADS, "interface": declared.INTERFACE_PAYLOADS, "user": (0, 1)}
    if record not in kinds:
        return value
    value["type"] = draw(st.sampled_from(sorted(kinds[record])))
    value |= draw(records(f"{record}_{value['type']}", version))
    return {**value, "payload": dict(value)}


def known(row_values: dict) -> dict:
    return {
        k: v for k, v in row_values.items() if v is not None and k not in ("payload", "name_len")
    }


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_every_record_of_every_version_is_read_as_it_was_written(data):
    spec = data.draw(st.sampled_from(METADATA_BLOCKS))
    value = data.draw(entries(spec.record, spec.version))
    layout = declared.RECORDS[spec.record]
    parsed = layout.parse(layout.build(value, version=spec.version), version=spec.version)
    payload = parsed.get("payload") or {}
    read = {**{k: v for k, v in parsed.items() if k != "payload"}, **payload}
    for name, expected in known(value).items():
        if name in read:
            assert read[name] == expected, (spec, name)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_the_fast_writer_writes_what_is_declared(data):
    record = data.draw(st.sampled_from(["machine", "process", "fd", "interface", "user"]))
    version = newest(record).version
    value = known(data.draw(entries(record, version)))
    built = declared.RECORDS[record].build({**value, "payload": value}, version=version)
    assert encode.entry(record, value) == built


def params(spec) -> st.SearchStrategy:
    """Parameters as the table has them; each may be empty."""

    def of(row):
        size = b.SIZES.get(row.type)
        if size:
            return st.one_of(st.just(b""), st.binary(min_size=size, max_size=size))
        if row.type in b.TEXTS:
            text = st.binary(max_size=30).map(lambda t: t.replace(b"\0", b"") + b"\0")
            return st.one_of(st.just(b""), text)
        return st.binary(max_size=80)

    return st.tuples(*(of(row) for row in spec.params))


@st.composite
def events(draw):
    usual = [s for s in EVENTS if not {"UNUSED", "OLD_VERSION"} & set(s.flags.split("|"))]
    spec = draw(st.sampled_from(usual))
    tid = draw(st.one_of(st.integers(-1, 100), st.integers(-(2**63), 2**63 - 1)))
    flags = draw(st.sampled_from((0, 0, 0, 1)))
    cpu = draw(st.integers(0, 2**16 - 1))
    return b.Event(spec.code, draw(params(spec)), tid=tid, cpu=cpu, block_flags=flags)


@given(st.lists(events(), max_size=12))
@settings(max_examples=50, deadline=None)
def test_any_events_are_read_and_copied_as_they_are(made):
    data = b.capture(threads=[b.thread(5, "cat")], events=made)
    found = counts(data)
    assert (found["damaged"], found["unknown"], found["error"]) == (0, 0, None)
    copy = rewritten(data, carry_state=False, hold_last=False)
    assert blocks(copy) == blocks(data)


@given(st.lists(events(), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_what_is_added_to_a_file_can_be_taken_away_again(made):
    data = b.capture(threads=[b.thread(5, "cat")], events=made)
    added = rewritten(data)
    assert len(added) > len(data)
    assert counts(added)["events"] == counts(data)["events"]
    again = rewritten(added)
    assert [kind for kind, _ in blocks(again)] == [kind for kind, _ in blocks(data)]


@given(st.binary(max_size=600), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_a_file_end_in_events_or_an_error_never_in_a_crash(noise, at):
    data = b.capture(threads=[b.thread(5, "cat")], events=[b.lseek(fd=3, tid=5)] * 3)
    mixed = data[:at] + noise + data[at:]
    found = counts(mixed)
    assert found["error"] is None or found["error"][0] in ("truncated", "damaged", "not_a_capture")
