import pytest

from pyscap.output.presets import PRESETS
from pyscap.output.template import Call, Field, Literal, TemplateError, parse


def pieces(text):
    def shown(piece):
        if isinstance(piece, Literal):
            return piece.text
        return (piece.key, piece.width)

    return [shown(piece) for piece in parse(text).pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%evt.num", [("evt.num", None)]),
        ("[%10proc.name]", ["[", ("proc.name", 10), "]"]),
        ("%010proc.name", [("proc.name", 10)]),
        ("%fd.namefoo %proc.name,x", [("fd.name", None), "foo ", ("proc.name", None), ",x"]),
        ("%evt.arg.fd|%evt.rawarg.fd", [("evt.arg.fd", None), "|", ("evt.rawarg.fd", None)]),
        ("%evt.arg[1] %proc.aname[2]", [("evt.arg[1]", None), " ", ("proc.aname[2]", None)]),
        ("100%% %evt.num", ["100% ", ("evt.num", None)]),
        (r"a\tb\\c\q\e[1m\n", ["a\tb\\c\\q\x1b[1m\n"]),
        ("%5toupper(proc.name)!", [("toupper(proc.name)", 5), "!"]),
        ("%join(', ', fd.types)", [("join(', ', fd.types)", None)]),
        ('%concat(proc.name, ")")x', [('concat(proc.name, ")")', None), "x"]),
        ("plain", ["plain"]),
        ("", []),
    ],
)
def test_pieces(text, expected):
    assert pieces(text) == expected


def test_a_leading_star_is_not_printed():
    assert parse("*%evt.num").star
    assert not parse("%evt.num*").star
    assert pieces("*%evt.num*") == [("evt.num", None), "*"]


@pytest.mark.parametrize(
    ("text", "position", "part"),
    [
        ("%evt.num %", 9, "percent"),
        ("abc\\", 3, "backslash"),
        ("%proc.nmae", 1, "no field"),
        ("%-5proc.name", 1, "width"),
        ("%99999999999proc.name", 1, "width"),
        ("%toupper(proc.name", 8, "not closed"),
        ("%toupper(proc.nmae)", 9, "no field"),
        ("%nosuch(proc.name)", 1, ""),
        ("%evt.arg", 1, "argument"),
        ("100% sure", 4, "no field"),
    ],
)
def test_errors_point_at_the_place(text, position, part):
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert caught.value.position == position
    assert part in caught.value.message
    assert "^" in caught.value.render()


def test_errors_suggest():
    with pytest.raises(TemplateError) as caught:
        parse("%proc.nmae")
    assert caught.value.suggestion == "%proc.name"


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_templates(name):
    template = parse(PRESETS[name])
    assert template.star
    assert any(isinstance(piece, Field | Call) for piece in template.pieces)
