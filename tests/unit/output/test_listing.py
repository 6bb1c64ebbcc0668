"""The lists of fields and events."""

import re

import pytest

from pyscap.errors import UsageError
from pyscap.model.fields import FIELDS
from pyscap.output import listing
from pyscap.output.listing import list_events, list_fields, list_markdown
from pyscap.request import Request


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_fields_stand_in_their_column(capsys):
    list_fields(Request(words=("fd.sport",)))
    out = lines(capsys)
    assert out[0] == "-" * 31
    assert out[1] == "Field Class:                   fd"
    assert re.match(r"fd\.sport {23}[A-Z(]", out[5])
    assert max(map(len, out)) <= 120


def test_every_usable_field_is_listed_once(capsys):
    list_fields(Request(verbose=True))
    names = [line.split(" ")[0] for line in lines(capsys) if re.match(r"[a-z]", line)]
    wanted = [spec.name for spec in FIELDS.values() if listing.is_listed(spec)]
    assert names == wanted
    assert "proc.name" in names


def test_types_and_tags_are_shown_when_asked_for(capsys):
    list_fields(Request(words=("evt.arg",), verbose=True))
    text = capsys.readouterr().out
    assert re.search(r"^evt\.arg +\(Type: CHARBUF\) \(ARG_REQUIRED\)", text, re.MULTILINE)


def test_markdown_has_a_row_a_field(capsys):
    list_markdown(Request(words=("evt.args", "fd.num")))
    out = lines(capsys)
    assert out[0] == "## evt"
    assert sum(line.startswith("`") for line in out) == 2


def test_events_have_their_parameters(capsys):
    list_events(Request(words=("openat", "accept4", "mprotect")))
    out = lines(capsys)
    assert "< accept4(FD fd, SOCKTUPLE tuple, UINT8 queuepct, UINT32 queuelen, " in "\n".join(out)
    assert any(line.startswith("< openat2(FD fd, FD dirfd,") for line in out)
    assert any(line.startswith("< mprotect(ERRNO res,") for line in out)


def test_calls_with_only_a_number_are_listed(capsys):
    list_events(Request(words=("sched_get_priority",)))
    assert lines(capsys) == [
        "< sched_get_priority_max(SYSCALLID ID, UINT16 nativeID)",
        "< sched_get_priority_min(SYSCALLID ID, UINT16 nativeID)",
    ]


@pytest.mark.parametrize("mode", [list_fields, list_markdown, list_events])
def test_words_that_choose_nothing_are_an_error(mode):
    with pytest.raises(UsageError, match="has xyzzy in its name"):
        mode(Request(words=("xyzzy",)))


def test_colours_are_used_when_they_are_asked_for(capsys):
    list_events(Request(words=("mprotect",), color="always"))
    assert "\x1b[1mmprotect\x1b[0m" in capsys.readouterr().out
    list_events(Request(words=("mprotect",)))
    assert "\x1b" not in capsys.readouterr().out
