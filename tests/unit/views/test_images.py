"""Charts as files."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from io import BytesIO

import pytest
from captures import START
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscap.errors import OutputError
from pyscap.views import plot
from pyscap.views.images import FORMATS, joined
from pyscap.views.series import MEASURES, Series

MS = 1_000_000
SERIES = Series(START, MS, ("a<b", "c"), ((1, None, 5000), (0, 3, 2)), MEASURES["bytes"])


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_markup_is_whole_and_names_are_escaped(suffix):
    data = FORMATS[suffix](SERIES).decode()
    assert "a&lt;b" in data
    assert "a<b" not in data
    if suffix == ".svg":
        root = ElementTree.fromstring(data)
        curves = [
            e for e in root.iter() if e.tag.endswith("polyline") and "1.5" in e.attrib.values()
        ]
        assert len(curves) == 3  # the first is broken where it has no value


@given(st.text())
@settings(max_examples=30)
def test_any_name_makes_an_image_that_can_be_read(name):
    made = Series(START, MS, (name,), ((1,),), MEASURES["events"])
    root = ElementTree.fromstring(FORMATS[".svg"](made))
    assert (root.attrib["width"], root.attrib["height"]) == ("1000", "420")
    FORMATS[".html"](made).decode()


class Cells(HTMLParser):
    """The cells of a page's table."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.inside = False

    def handle_starttag(self, tag, attrs) -> None:
        if tag in ("td", "th"):
            self.cells.append("")
        self.inside = tag in ("td", "th")

    def handle_endtag(self, tag) -> None:
        self.inside = False

    def handle_data(self, data) -> None:
        if self.inside:
            self.cells[-1] += data


def test_a_page_has_every_number_whole_in_a_table():
    made = Series(START, MS, ("", "x"), ((1_234_567, None), (0, 0.5)), MEASURES["bytes"])
    reader = Cells()
    reader.feed(FORMATS[".html"](made).decode())
    assert reader.cells == [
        "since the start", "all events", "x",
        "0ns", "1234567", "0",
        "1.00ms", "", "0.5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("points", "text"),
    [([], ""), ([(1, 2)], "1.0,2.0"), ([(0.25, 1e6), (3, 4)], "0.2,1000000.0 3.0,4.0")],
)
def test_points_are_written_with_one_decimal(points, text):
    assert joined(points) == text


def test_a_png_has_the_size_of_the_chart_and_its_colours():
    image = pytest.importorskip("PIL.Image").open(BytesIO(FORMATS[".png"](SERIES)))
    assert image.size == (plot.WIDTH, plot.height_of(SERIES))
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert (255, 255, 255) in colours
    assert any(r < 80 and b > 140 for r, g, b in colours)
    assert any(r > 180 and g < 80 for r, g, b in colours)


def test_without_pillow_other_formats_are_offered(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(OutputError, match="needs Pillow") as caught:
        FORMATS[".png"](SERIES)
    assert ".svg" in caught.value.hint
