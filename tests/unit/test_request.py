"""What is typed, and what cannot be meant."""

import pytest

from pyscap.errors import UsageError
from pyscap.request import Request, make_request


def request(words=(), command=(), **values):
    return make_request(values, list(words), list(command))


def test_words_become_one_filter():
    assert request(["proc.name=a", "and", "fd.name=b"]).filter_text == "proc.name=a and fd.name=b"


def test_values_not_given_keep_their_defaults():
    assert request(numevents=None, color=None) == Request()


@pytest.mark.parametrize(
    ("values", "mode"),
    [({}, "dots"), ({"print_hex": True}, "hex"), ({"print_hex_ascii": True}, "hex_ascii")],
)
def test_buffer_mode_follows_the_option(values, mode):
    assert request(**values).buffer_mode == mode


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"print_ascii": True, "print_hex": True}, "--print-ascii and --print-hex exclude"),
        ({"strace": True, "print": "x"}, "--print and --strace exclude"),
        ({"read": ("x",), "snaplen": {"": 8}}, "--snaplen is for captures"),
        ({"read": ("x",), "command": ("true",)}, "-- COMMAND is for captures"),
        ({"file_size": 5}, "--file-size is about the file that -w writes"),
        ({"write": "x", "limit": 3}, "-W needs a rotation"),
        ({"flight_recorder": (1, None)}, "--flight-recorder makes files"),
        ({"trigger": "x", "write": "x"}, "--trigger is about a flight recorder"),
        ({"write": "-", "flight_recorder": (1, None)}, "--flight-recorder makes files"),
        (
            {"write": "x", "flight_recorder": (1, None), "file_size": 5},
            "--flight-recorder and --file-size exclude",
        ),
    ],
)
def test_contradictions_are_refused(values, cause):
    with pytest.raises(UsageError, match=cause):
        request(**values)
