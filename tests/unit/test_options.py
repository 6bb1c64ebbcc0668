"""The option registry is complete, free of contradictions and the same on every side."""

from dataclasses import fields

import pytest

from pyscap.options import CATEGORIES, COMMANDS, OPTIONS, RETIRED
from pyscap.request import BUFFER_MODES, EXCLUSIVE, LIVE_ONLY, WRITE_ONLY, Request

SYSDIG_SHORT = "rwnspjtAxXbclLzCGeWMqSvPFERNdDUi"
"""Short options of sysdig whose meaning must stay."""

OWN_ACTIONS = {"version", "help"}
"""Options that Click answers before there is a request."""


def spellings():
    return [word for o in OPTIONS for word in (*o.spellings, *o.also)]


def test_spellings_are_unique():
    assert len(set(spellings())) == len(spellings())


def test_retired_options_are_not_options():
    assert not set(RETIRED) & set(spellings())


@pytest.mark.parametrize("letter", SYSDIG_SHORT)
def test_sysdig_letters_are_understood(letter):
    assert f"-{letter}" in spellings()


def test_every_option_has_a_long_name_and_texts():
    for option in OPTIONS:
        assert option.category in CATEGORIES
        assert len(option.name) > 1
        assert option.doc_short[0].islower() or option.doc_short[0] == "-"
        assert not option.doc_short.endswith(".")
        assert option.doc_long.strip()[0].isupper() or option.doc_long[0] == "`"


def test_options_and_request_agree():
    keys = {o.key for o in OPTIONS} - OWN_ACTIONS
    assert keys == {f.name for f in fields(Request)} - {"words", "command"}


def test_flags_are_false_and_values_absent_by_default():
    blank = Request()
    for option in OPTIONS:
        if option.key not in OWN_ACTIONS:
            wanted = False if option.is_flag else () if option.repeat else None
            assert getattr(blank, option.key) == wanted, option.name


def test_groups_name_attributes_of_the_request():
    known = {f.name for f in fields(Request)}
    for group in (*EXCLUSIVE, LIVE_ONLY, WRITE_ONLY, BUFFER_MODES):
        assert set(group) <= known


def test_command_names_could_not_be_filters():
    for command in COMMANDS:
        assert command.name.isalpha()
