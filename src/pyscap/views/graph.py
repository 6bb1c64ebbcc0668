"""`pyscap graph`: events, bytes or latency over time, on the terminal or as an image.

In:  filters, each one word of the command line. Out: a plot, an image, or JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyscap.errors import OutputError, UsageError, printable
from pyscap.views.commands import command_words, completed, shared_options
from pyscap.views.series import MEASURES, Series, make_plan, series_of
from pyscap.views.units import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyscap._engine import Session

BLOCKS = " ▁▂▃▄▅▆▇█"
"""Eighths of a character, from below."""

ASCII = " .:|"
"""Parts of a character where there are no blocks."""

LINES = 8
"""Lines of a plot on the terminal; fewer when there are several."""

MARGIN = 12
"""Characters left of a plot, for its values."""


@click.command(params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--interval", metavar="TIME", help="width of an interval, as 100ms or 1s")
@click.option(
    "--value", type=click.Choice(list(MEASURES)), default="events", help="what is measured"
)
@click.option("-o", "--output", metavar="FILE", help="write an image: .svg, .html or .png")
@click.option("--overwrite", is_flag=True, help="replace the image when it exists")
@click.argument("words", nargs=-1, metavar="[FILTER]...")
def graph(words: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - one value an option
    """Plot what happened over time.

    Each word is a filter and gets a curve of its own, so a filter with blanks needs quotes.
    """
    from pyscap.program import execute, make_options, saved_filters, with_profile
    from pyscap.request import make_request

    interval, value, output, overwrite = (
        values.pop(name) for name in ("interval", "value", "output", "overwrite")
    )
    request = with_profile(make_request(values, [], command_words()))
    measure = MEASURES[value]
    make = image_maker(output)
    macros = saved_filters(request, " ".join(words))
    plan, compiled = make_plan(words, measure, interval_ns(interval), macros, make_options(request))
    plan = completed(plan, request)
    engines: list[Session] = []
    code = execute(request, plan, compiled, engines.append)
    text = engines[-1].result() if engines else None
    series = series_of(text, words or ("",), measure) if text else None
    if series is None or not any(v is not None for row in series.values for v in row):
        sys.stderr.write(f"note: {why_empty(series)}\n")
    elif make:
        save(make(series), Path(output), overwrite=overwrite)
    elif request.json:
        print_json(series)
    else:
        print_plot(series)
    return code


def interval_ns(text: str | None) -> int | None:
    """An interval as nanoseconds.

    Raises:
        UsageError: it is no time, or none at all.
    """
    from pyscap.units import parse_duration_ns

    if text is None:
        return None
    try:
        value = parse_duration_ns(text)
    except ValueError as error:
        msg = f"--interval: {error}"
        raise UsageError(msg, "write it as 100ms, 1s or 5m") from error
    if value < 1:
        msg = "--interval must be greater than 0"
        raise UsageError(msg, "write it as 100ms, 1s or 5m")
    return value


def why_empty(series: Series | None) -> str:
    """Why there is nothing to draw."""
    if series is None:
        return "no event was chosen, so there is nothing to draw"
    return (
        "this capture holds no durations, so there is nothing to draw; "
        "a capture made with --latency has them"
    )


def image_maker(name: str | None) -> Callable[[Series], bytes] | None:
    """What makes the image that is asked for; none without a name.

    Raises:
        UsageError: there is no such kind.
    """
    from pyscap.views.images import FORMATS as KINDS

    if name is None:
        return None
    make = KINDS.get(Path(name).suffix.lower())
    if make is None:
        msg = f"{name}: graphs are written as {', '.join(KINDS)}"
        raise UsageError(msg, "give the file one of these suffixes")
    return make


def save(data: bytes, path: Path, *, overwrite: bool) -> None:
    """Write an image.

    Raises:
        OutputError: the file exists or cannot be written.
    """
    from pyscap.format.save import output_file

    with output_file(str(path), overwrite=overwrite) as fd:
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
        except OSError as error:
            msg = f"{path}: {error.strerror}"
            raise OutputError(msg, "free space, or write elsewhere") from error


def print_json(series: Series) -> None:
    """One object for each interval."""
    for n, values in enumerate(zip(*series.values, strict=True)):
        row = {
            "time_ns": series.start_ns + n * series.width_ns,
            "interval_ns": series.width_ns,
            "values": dict(zip((name or "all" for name in series.names), values, strict=True)),
        }
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


def print_plot(series: Series) -> None:
    """A plot for each filter, one above the other, over the same time."""
    width = columns()
    blocks = BLOCKS if can_write(BLOCKS) else ASCII
    height = max(3, LINES - 2 * (len(series.names) - 1))
    lines: list[str] = []
    for name, values in zip(series.names, series.values, strict=True):
        lines += panel(series, name, fitted(values, width, series.measure.agg), height, blocks)
    lines.append(time_axis(series, min(width, len(series.values[0]))))
    sys.stdout.write("\n".join(lines) + "\n")


def columns() -> int:
    """Characters that a plot may be wide."""
    import shutil

    return max(20, shutil.get_terminal_size((100, 24)).columns - MARGIN - 1)


def can_write(text: str) -> bool:
    """Whether standard output can hold `text`."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def fitted(values: tuple[float | None, ...], width: int, agg: str) -> list[float | None]:
    """The values, several joined in one where there are more than columns."""
    if len(values) <= width:
        return list(values)
    out: list[float | None] = []
    for column in range(width):
        part = values[column * len(values) // width : (column + 1) * len(values) // width]
        known = [value for value in part if value is not None]
        if not known:
            out.append(None)
        elif agg in ("count", "sum", "max", "quantiles"):
            out.append(max(known))
        else:
            out.append(sum(known) / len(known))
    return out


def panel(
    series: Series, name: str, values: list[float | None], height: int, blocks: str
) -> list[str]:
    """One plot: a title, then its lines, the greatest value at the top."""
    most = max((value for value in values if value is not None), default=0) or 1
    levels = len(blocks) - 1
    heights = [round((value or 0) * height * levels / most) for value in values]
    heights = [max(1, h) if value else h for h, value in zip(heights, values, strict=True)]
    unit = FORMATS[series.measure.unit]
    lines = [f"{'':{MARGIN}}{printable(title(series, name))}"]
    for row in range(height - 1, -1, -1):
        cells = "".join(blocks[min(levels, max(0, h - row * levels))] for h in heights)
        mark = unit(round(most), 0) if row == height - 1 else "0" if row == 0 else ""
        lines.append(f"{mark:>{MARGIN - 2}} |{cells}".rstrip())
    return lines


def title(series: Series, name: str) -> str:
    """What a plot shows."""
    interval = FORMATS["time"](series.width_ns, 0)
    return f"{series.measure.title} in {interval}: {name or 'all events'}"


def time_axis(series: Series, width: int) -> str:
    """The line below: when the first and the last interval begin."""
    count = len(series.values[0])
    first, last = clock(series.start_ns), clock(series.start_ns + (count - 1) * series.width_ns)
    return f"{'':{MARGIN}}{first}{last:>{max(len(last) + 1, width - len(first))}}"


def clock(ns: int) -> str:
    """Local time of day, with as much of the fraction as is needed."""
    seconds, rest = divmod(ns, 10**9)
    text = time.strftime("%H:%M:%S", time.localtime(seconds))
    return f"{text}.{rest:09}"[: len(text) + 7] if rest else text
