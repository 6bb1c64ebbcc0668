"""From a request to a plan, and what is said about a run."""

import json

import pytest

from pyscap import program
from pyscap.errors import InputError, UsageError
from pyscap.filterlang.compile import compile_filter
from pyscap.filterlang.errors import FilterError
from pyscap.filterlang.push import push
from pyscap.plan import FieldList
from pyscap.request import Request
from pyscap.session import Stop


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """Writes the user's configuration."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pyscap").mkdir()
    return (tmp_path / "pyscap" / "config.toml").write_text


def compiled(*words, **options):
    found = program.make_filter(Request(words=words, **options), FieldList())
    return found and found.program


def test_no_words_are_no_filter():
    assert compiled() is None


def test_words_are_joined_to_a_filter():
    assert compiled("evt.type", "=", "open") == compiled("evt.type = open")


def test_saved_filters_are_named_with_an_at_sign(configured):
    configured('[filters]\nweb = "fd.port in (80, 443)"\nfailed = "@web and evt.failed=true"\n')
    assert compiled("not", "@web") == compiled("not fd.port in (80, 443)")
    assert compiled("@failed") == compiled("fd.port in (80, 443) and evt.failed=true")
    with pytest.raises(FilterError, match="no saved filter has the name web2"):
        compiled("@web2")


def test_macros_come_from_a_file(tmp_path):
    path = tmp_path / "macros.yaml"
    path.write_text(
        "- list: ports\n  items: [80, 443]\n- macro: web\n  condition: fd.port in (ports)\n"
    )
    assert compiled("web", macros=str(path)) == compiled("fd.port in (80, 443)")


def test_quotes_that_the_shell_took_are_suspected():
    with pytest.raises(UsageError) as caught:
        compiled("proc.name=", "a b")
    assert caught.value.hint == program.SHELL_HINT


def test_profile_changes_the_plan(configured, capsys):
    configured('[profiles.opens]\nfilter = "evt.type=open"\n')
    program.dump_plan(Request(profile="opens"))
    plan = json.loads(capsys.readouterr().out)
    assert plan["filter"] == compiled("evt.type=open")


def test_limits_reach_the_plan():
    plan = program.make_plan(Request(read=("x",), numevents=3, duration=5, debug=True))
    assert (plan.options.max_events, plan.options.max_event_ns) == (3, 5)
    assert plan.options.internal
    assert not plan.options.live


def stats(**values):
    return {"events": 5, "chosen": 2, "unshown": 0, "damaged": 0, "first_damage": None, **values}


def test_counts_are_said_when_asked_for(capsys):
    program.say_counts(stats(), Request(read=("x",), verbose=True))
    assert capsys.readouterr().err == "5 events read, 2 chosen\n"


def test_damaged_events_are_an_error_of_the_input():
    with pytest.raises(InputError, match="3 damaged events, the first at byte 77: bad length"):
        program.conclude(
            stats(damaged=3, first_damage=(77, "bad length")), Stop(), Request(read=("x",))
        )


def test_suppressed_processes_are_left_out_of_any_filter():
    whole = compiled("fd.num=1", "or", "fd.num=2", suppress_comm=("a", 'b"c'))
    assert whole == compiled("(fd.num=1 or fd.num=2) and not proc.name in (a, 'b\"c')")
    assert compiled(suppress_comm=("a",)) == compiled("not proc.name in (a)")


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ('{"program": "p 1", "events": 7, "dropped_ring_full": 0}', "p 1: 7 events, lost: none"),
        ('{"program": "p", "events": 7, "dropped_ring_full": 2}', "lost: dropped_ring_full: 2"),
        ("no JSON", "the file says of itself: no JSON"),
        ("[1]", "the file says of itself: [1]"),
    ],
)
def test_accounting_of_a_file_is_told_in_a_line(summary, words):
    assert program.accounted(summary).endswith(words)


def test_capture_with_a_trigger_must_see_what_either_filter_chooses():
    def made(text):
        return compile_filter(text) if text else None

    def seen(text, trigger):
        return program.either(made(text), made(trigger))

    assert seen("", "evt.type=open") is None
    assert seen("evt.type=open", "").event_codes == made("evt.type=open").event_codes
    both = push(seen("evt.type=open and proc.pid=3", "evt.type=unlink and proc.pid=4"))
    one, other = push(made("evt.type=open")), push(made("evt.type=unlink"))
    assert both.events == one.events | other.events
    assert both.pids == {3, 4}
    assert both.calls == {"open", "unlink"}
    assert seen("evt.type=open", "proc.pid=4").event_codes is None
    assert push(seen("evt.type=open", "proc.pid=4")).events is None
