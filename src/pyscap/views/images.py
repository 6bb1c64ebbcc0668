"""Graphs as files: SVG and HTML by hand, PNG by Pillow.

In:  a `Series`. Out: the bytes of a file. `FORMATS` says which there are.
Source: ADR 0021 (graphs as images).
"""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Any

from pyscap.errors import OutputError, printable
from pyscap.views import plot
from pyscap.views.units import FORMATS as UNITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap.views.plot import Point
    from pyscap.views.series import Series

FONT_PX = 12


class SvgCanvas:
    """Writes the elements of an SVG image."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.parts: list[str] = []

    def line(self, points: list[Point], colour: str, width: float) -> None:
        """Join the points."""
        self.parts.append(
            f'<polyline points="{joined(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="{width}"/>'
        )

    def area(self, points: list[Point], colour: str) -> None:
        """Fill the polygon, lightly."""
        self.parts.append(
            f'<polygon points="{joined(points)}" fill="{colour}" fill-opacity="0.2"/>'
        )

    def text(self, at: Point, text: str, anchor: str, colour: str = plot.INK) -> None:
        """Write a text."""
        self.parts.append(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(printable(text))}</text>"
        )


def joined(points: list[Point]) -> str:
    """Points as SVG writes them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def svg(series: Series) -> bytes:
    """The chart as an SVG image."""
    canvas = SvgCanvas()
    plot.draw(series, canvas)
    height = plot.height_of(series)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{plot.WIDTH}" height="{height}" '
        f'viewBox="0 0 {plot.WIDTH} {height}" font-family="sans-serif" font-size="{FONT_PX}">\n'
        f'<rect width="{plot.WIDTH}" height="{height}" fill="white"/>\n'
    )
    return (head + "\n".join(canvas.parts) + "\n</svg>\n").encode()


def html(series: Series) -> bytes:
    """The chart as a page of its own, with its numbers in a table below."""
    heads = "".join(f"<th>{escape(printable(name or 'all events'))}</th>" for name in series.names)
    rows = "".join(
        f"<tr><td>{UNITS['time'](n * series.width_ns, 0)}</td>"
        + "".join(f"<td>{'' if value is None else f'{value:.15g}'}</td>" for value in values)
        + "</tr>\n"
        for n, values in enumerate(zip(*series.values, strict=True))
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(series.measure.title)}</title>\n<style>body{{font-family:sans-serif}}"
        "td,th{padding:0 1em;text-align:right}</style></head><body>\n"
        f"{svg(series).decode()}<details><summary>Numbers</summary><table>"
        f"<tr><th>since the start</th>{heads}</tr>\n{rows}</table></details>\n</body></html>\n"
    )
    return page.encode()


class PngCanvas:
    """Draws on an image of Pillow, twice as large, so that lines are smooth when it shrinks."""

    SCALE = 2

    def __init__(self, image: Any, font: Any) -> None:  # noqa: ANN401 - Pillow is optional
        """Take over the image and the font."""
        from PIL import ImageDraw

        self.ink = ImageDraw.Draw(image, "RGBA")
        self.font = font

    def scaled(self, points: list[Point]) -> list[Point]:
        """Points of the larger image."""
        return [(x * self.SCALE, y * self.SCALE) for x, y in points]

    def line(self, points: list[Point], colour: str, width: float) -> None:
        """Join the points."""
        self.ink.line(self.scaled(points), fill=colour, width=round(width * self.SCALE))

    def area(self, points: list[Point], colour: str) -> None:
        """Fill the polygon, lightly."""
        self.ink.polygon(self.scaled(points), fill=colour + "33")

    def text(self, at: Point, text: str, anchor: str, colour: str = plot.INK) -> None:
        """Write a text; characters that the font does not have appear as boxes."""
        end = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        point = self.scaled([at])[0]
        self.ink.text(point, printable(text), fill=colour, font=self.font, anchor=end)


def png(series: Series) -> bytes:
    """The chart as a PNG image.

    Raises:
        OutputError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageFont
    except ImportError as error:
        msg = "a PNG image needs Pillow, which is not installed"
        raise OutputError(msg, "`pip install 'pyscap[png]'`, or write .svg or .html") from error
    size = (plot.WIDTH, plot.height_of(series))
    scale = PngCanvas.SCALE
    image = Image.new("RGB", (size[0] * scale, size[1] * scale), "white")
    plot.draw(series, PngCanvas(image, ImageFont.load_default(FONT_PX * scale)))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


FORMATS: dict[str, Callable[[Series], bytes]] = {".svg": svg, ".html": html, ".png": png}
"""How each kind of file is made, by its suffix."""
