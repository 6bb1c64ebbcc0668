"""The rows of the transition table hold together."""

from collections import Counter

import pytest

from pyscap.model.events import EVENTS
from pyscap.state.transitions import TRANSITIONS, Transition, on, row, rows
from pyscap.state.verbs import VERBS


def test_every_row_resolves_to_positions_of_its_event() -> None:
    for resolved in rows():
        event = EVENTS[resolved["event"]]
        assert all(position < len(event.params) for position in resolved["params"].values())


def test_an_event_has_at_most_one_row() -> None:
    codes = Counter(transition.code for transition in TRANSITIONS)
    assert [code for code, count in codes.items() if count > 1] == []


def test_every_verb_is_used() -> None:
    assert {verb.name for verb in VERBS} == {transition.verb for transition in TRANSITIONS}


def test_rows_are_about_current_events_only() -> None:
    """Older forms are converted before the state sees them, enter events apart."""
    outdated = [
        t.code
        for t in TRANSITIONS
        if "OLD_VERSION" in EVENTS[t.code].flags and EVENTS[t.code].direction == "<"
    ]
    assert outdated == []


def test_every_event_that_makes_descriptors_has_a_row() -> None:
    covered = {transition.code for transition in TRANSITIONS}
    makers = {
        spec.code
        for spec in EVENTS
        if "CREATES_FD" in spec.flags
        and spec.direction == "<"
        and not {"OLD_VERSION", "UNUSED"} & set(spec.flags.split("|"))
    }
    assert makers <= covered


@pytest.mark.parametrize(
    ("transition", "cause"),
    [
        (on(5, "close", "res", fd="number"), "no parameter 'number'"),
        (on(5, "close", "res", "name"), "no input 'name'"),
        (Transition(5, "close", {}, {"speed": 1}), "no input 'speed'"),
    ],
)
def test_a_row_with_an_unknown_word_is_refused(transition: Transition, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        row(transition)
