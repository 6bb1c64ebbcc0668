"""What lies around chosen events."""

from __future__ import annotations

import pytest
from captures import START, web

from pyscap.errors import UsageError
from pyscap.filterlang.compile import compile_filter
from pyscap.request import Request
from pyscap.views import around
from pyscap.views.catalogue import VIEWS

MS = 1_000_000


@pytest.fixture
def capture(tmp_path):
    path = tmp_path / "web.scap"
    path.write_bytes(web())
    return str(path)


def test_times_are_those_of_the_chosen_events(capture):
    request = Request(read=(capture,), words=("evt.type=openat",))
    assert around.times_of(request) == [START + 100 * MS, START + 450 * MS]
    assert around.times_of(Request(read=(capture,), words=("evt.type=close",))) == []
    assert len(around.times_of(Request(read=(capture,)))) == 14


def test_the_filter_of_the_second_reading_names_every_time():
    text = around.surroundings([5, 7], 10)
    assert text == "evt.around[5]=10 or evt.around[7]=10"
    assert compile_filter(text).program["ops"]


def test_the_filter_is_bounded():
    text = around.surroundings(list(range(10_000)), 1)
    assert text.count("evt.around") == around.MAX_MATCHES


def test_lines_around_an_event_are_shown(capture, capfd):
    words = ("50", "evt.type=openat", "and", "evt.failed=true")
    assert around.run(VIEWS["around"], Request(read=(capture,), words=words, print="%evt.num")) == 0
    assert capfd.readouterr() == ("9\n10\n11\n", "")


def test_nothing_chosen_is_said(capture, capfd):
    request = Request(read=(capture,), words=("50", "evt.type=close"))
    assert around.run(VIEWS["around"], request) == 0
    assert capfd.readouterr() == (
        "",
        "note: no event was chosen, so there is nothing around one\n",
    )


def test_too_many_are_cut_and_said(capture, capfd, monkeypatch):
    monkeypatch.setattr(around, "MAX_MATCHES", 2)
    request = Request(read=(capture,), words=("0", "evt.num>0"), print="%evt.num")
    around.run(VIEWS["around"], request)
    out, err = capfd.readouterr()
    assert out == "1\n2\n"
    assert err == "note: only the first 2 of 14 events are shown\n"


@pytest.mark.parametrize("read", [(), ("-",), ("a.scap", "-")])
def test_what_cannot_be_read_twice_is_refused(read):
    with pytest.raises(UsageError, match="twice"):
        around.run(VIEWS["around"], Request(read=read, words=("10", "evt.num=1")))


def test_a_filter_is_needed():
    with pytest.raises(UsageError, match="needs a filter"):
        around.run(VIEWS["around"], Request(read=("x",), words=("10",)))
