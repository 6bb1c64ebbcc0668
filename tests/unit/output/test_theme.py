import io

import pytest

from pyscap.output import theme
from pyscap.output.presets import PRESETS
from pyscap.output.template import parse


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("when", "stream", "no_color", "expected"),
    [
        (None, Terminal(), "", True),
        (None, io.StringIO(), "", False),
        ("auto", Terminal(), "1", False),
        ("always", io.StringIO(), "1", True),
        ("force", io.StringIO(), "", True),
        ("never", Terminal(), "", False),
        ("false", Terminal(), "", False),
        ("true", Terminal(), "", True),
    ],
)
def test_colours_are_for_terminals(monkeypatch, when, stream, no_color, expected):
    monkeypatch.setenv("NO_COLOR", no_color)
    assert theme.is_coloured(when, stream) is expected


@pytest.mark.parametrize("name", ["default", "c", "k"])
def test_coloured_presets_are_templates_with_balanced_codes(name):
    text = "".join(
        getattr(piece, "text", "X") for piece in parse(theme.coloured(PRESETS[name])).pieces
    )
    assert text.count("\x1b[0m") == text.count("\x1b[1;") == 3
