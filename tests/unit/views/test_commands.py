"""What the words of `pyscap top`, `-c` and `-i` mean."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pyscap.errors import UsageError
from pyscap.plan import Options
from pyscap.request import Request
from pyscap.views import commands
from pyscap.views.build import choose
from pyscap.views.catalogue import GROUPS, VIEWS
from pyscap.views.commands import Asked


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        ((), "procs", []),
        (("lsof",), "lsof", []),
        (("fileslower", "1", "proc.name=x"), "fileslower", ["1", "proc.name=x"]),
        (("proc.name=x", "or", "evt.cpu=1"), "procs", ["proc.name=x", "or", "evt.cpu=1"]),
        (("list",), "list", []),
        (("no_such_view",), "no_such_view", []),
        (("not (evt.cpu=0)",), "procs", ["not (evt.cpu=0)"]),
        (("",), "procs", [""]),
    ],
)
def test_the_first_word_is_a_view_or_part_of_a_filter(words, name, rest):
    assert commands.split_name(words) == (name, rest)


def test_views_are_found_by_the_names_of_scripts():
    assert commands.find("lsof.lua") is VIEWS["lsof"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("lsfo", "did you mean lsof?"), ("", "`pyscap top list` lists the views"), ("\x1b", "list")],
)
def test_a_view_that_is_none(name, hint):
    with pytest.raises(UsageError, match="no view called") as caught:
        commands.find(name)
    assert hint in caught.value.hint


def test_every_view_is_listed_once(capsys):
    assert commands.list_views() == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[:2] == "  "]
    assert sorted(names) == sorted(VIEWS)
    assert len(names) == sum(map(len, GROUPS.values()))


@pytest.mark.parametrize("word", ["l", "list"])
def test_a_list_can_be_asked_for_as_a_view(word, capsys):
    assert commands.run_chisel(Request(chisel=word)) == 0
    assert "lsof" in capsys.readouterr().out


def test_a_view_is_described_with_its_arguments(capsys):
    assert commands.describe_chisel(Request(chisel_info="fileslower")) == 0
    out = capsys.readouterr().out
    assert out.startswith("fileslower\n\n")
    assert "Usage: pyscap top fileslower MIN_MS [FILTER]\n" in out
    assert "\n  min_ms: " in out


@pytest.fixture
def shown(monkeypatch):
    """What `show` is called with."""
    calls: list[tuple[str, Request, Asked]] = []
    monkeypatch.setattr(commands, "show", lambda *args: calls.append(args) or 0)
    return calls


def test_arguments_behind_a_script_are_its_first_words(shown):
    commands.run_chisel(Request(read=("x",), chisel="fileslower 5 y", words=("evt.cpu=0",)))
    ((name, request, asked),) = shown
    assert (name, request.words, asked) == ("fileslower", ("5 y", "evt.cpu=0"), Asked())


@pytest.mark.parametrize(
    ("name", "read", "interval_s"),
    [("procs", (), 1.0), ("procs", ("x",), None), ("lsof", (), None), ("spectrogram", (), 1.0)],
)
def test_views_of_a_capture_are_shown_every_second(shown, name, read, interval_s):
    commands.run_chisel(Request(read=read, chisel=name))
    assert shown[0][2].interval_s == interval_s


def test_rows_and_order_can_be_chosen_in_any_case():
    view = commands.looked(VIEWS["procs"], Asked(rows=0, by="errors"))
    assert (view.limit, view.order) == (0, "Errors")
    assert commands.looked(VIEWS["procs"], Asked()) == VIEWS["procs"]
    assert commands.looked(VIEWS["procs"], Asked(by="Nothing")).order == "Nothing"


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, False), ({"duration": 1}, True), ({"numevents": 1}, True), ({"command": ("ls",)}, True)],
)
def test_a_capture_of_the_state_ends_at_once_unless_told_when(options, expected):
    assert commands.limited(Request(**options)) is expected


def test_the_state_at_an_event_ends_the_reading_there():
    chosen = choose(VIEWS["lsof"], ("fd.type=ipv4",))
    request = Request(read=("x",))
    plan, compiled = commands.make_plan(chosen, request, Asked(at="evt.num=5"), Options())
    assert plan.options.max_events == 1
    assert compiled.text == "evt.num=5"
    plan, compiled = commands.make_plan(chosen, request, Asked(), Options())
    assert plan.options.max_events != 1
    assert compiled is None


def test_a_stream_is_a_list_in_json():
    view = commands.as_events(VIEWS["echo_fds"])
    assert view.kind == "list"
    assert "evt.buffer" in [column.field for column in view.columns]


def collector(measured=1, shown_rows=1, rest_keys=0):
    engine = SimpleNamespace(stats=lambda: {"measured": measured})
    return SimpleNamespace(engine=engine, shown_rows=shown_rows, rest_keys=rest_keys)


@pytest.mark.parametrize(
    ("needs", "state", "text"),
    [
        ("", {"rest_keys": 1}, "note: 1 more row; --rows 0 shows all\n"),
        ("", {"rest_keys": 7}, "note: 7 more rows; --rows 0 shows all\n"),
        ("", {"measured": 0, "shown_rows": 0}, ""),
        ("latency", {"measured": 0}, "--latency has them\n"),
        ("latency", {"measured": 5, "shown_rows": 0}, ""),
        ("switch", {"shown_rows": 0}, "evt.type=switch has them\n"),
        ("container", {"shown_rows": 0}, "no process of this capture runs in a container\n"),
        ("container", {"shown_rows": 3}, ""),
    ],
)
def test_notes_say_what_rows_do_not(capsys, needs, state, text):
    commands.say_notes(SimpleNamespace(needs=needs), collector(**state))
    err = capsys.readouterr().err
    assert err.endswith(text)
    assert bool(err) == bool(text)


def test_an_engine_that_never_ran_has_no_notes(capsys):
    commands.say_notes(VIEWS["topfiles_time"], SimpleNamespace(engine=None))
    assert capsys.readouterr().err == ""
