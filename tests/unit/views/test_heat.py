"""Heat maps, line by line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscap.views.catalogue import VIEWS
from pyscap.views.collect import Rows
from pyscap.views.heat import SCALE_EVERY, HeatMap, log2_start, shade

HALF_S = 500_000_000


def heat(groups, *, is_last=True):
    """Rows of (count, number of the half second, half octave)."""
    cells = [[count, half * HALF_S, log2_start(took, 2)] for count, half, took in groups]
    return Rows(cells, is_last=is_last)


@pytest.fixture
def map_():
    return HeatMap(VIEWS["spectrogram"], coloured=False)


def test_a_heat_map_has_a_line_for_each_time_below_a_scale(map_):
    scale, first, second = map_.lines(heat([[1, 4, 20], [1000, 4, 22], [3, 6, 21]]))
    assert scale.split() == ["|256ns", "|8.19us", "|262.14us", "|8.39ms", "|268.44ms", "|8.59s"]
    assert first[13:] == "    . @"
    assert second[13:].strip() in ".:-="
    assert re.match(r"\d\d:\d\d:02\.000 ", first)
    assert re.match(r"\d\d:\d\d:03\.000 ", second)


def test_a_heat_map_goes_on_and_shows_a_line_when_its_time_is_over(map_):
    assert map_.lines(heat([[1, 4, 20]], is_last=False)) == []
    lines = map_.lines(heat([[1, 4, 20], [9, 5, 21]], is_last=False))
    assert len(lines) == 2
    assert lines[1][13:] == "    ="
    (line,) = map_.lines(heat([]))
    assert line[13:] == "     @"


def test_what_lies_beyond_the_scale_is_in_its_last_columns(map_):
    _, line = map_.lines(heat([[1, 4, 0], [1, 4, 3], [1, 4, 126]]))
    assert line[13:] == f"@{' ' * 51}="


def test_nothing_makes_no_line(map_):
    assert map_.lines(heat([], is_last=False)) == []
    assert map_.lines(heat([])) == []


def test_the_scale_is_shown_again_now_and_then(map_):
    lines = map_.lines(heat([[1, n, 20] for n in range(SCALE_EVERY + 1)]))
    assert [n for n, line in enumerate(lines) if "256ns" in line] == [0, SCALE_EVERY + 1]


def test_colours_end_with_their_line():
    _, line = HeatMap(VIEWS["spectrogram"], coloured=True).lines(heat([[1, 4, 16]]))
    assert line[13:].startswith("\x1b[48;5;196m \x1b[48;5;16m ")
    assert line.endswith("\x1b[0m")
    assert line.count(" ") == 1 + 53


@pytest.mark.parametrize(
    ("position", "steps", "first"),
    [
        (0, 1, 1),
        (1, 1, 2),
        (10, 1, 1024),
        (20, 2, 1024),
        (21, 2, 1536),
        (1, 2, 2),
        (126, 2, 1 << 63),
    ],
)
def test_groups_begin_where_the_engine_s_do(position, steps, first):
    assert log2_start(position, steps) == first


@given(st.integers(0, 125), st.sampled_from([1, 2, 4]))
def test_groups_never_go_back(position, steps):
    assert log2_start(position, steps) <= log2_start(position + 1, steps)


@pytest.mark.parametrize(
    ("number", "most", "cell"),
    [(0, 0, " "), (0, 9, " "), (1, 1, "@"), (1, 1 << 40, "."), (1 << 40, 1 << 40, "@")],
)
def test_the_few_are_seen_beside_the_many(number, most, cell):
    assert shade(number, most, coloured=False) == cell


@given(st.integers(1, 1 << 64), st.integers(1, 1 << 64))
def test_more_is_never_lighter(one, other):
    few, many = sorted((one, other))
    shades = " .:-=+*#%@"
    levels = [shades.index(shade(n, many, coloured=False)) for n in (few, many)]
    assert 1 <= levels[0] <= levels[1] == 9
