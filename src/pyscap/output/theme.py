"""Colours of lines, as Rich styles.

In:  the colour option, the stream. Out: `is_coloured()`, `coloured()`, `STYLES`.
Next: `lines` puts the terminal codes between the pieces of a template.
"""

from __future__ import annotations

import os
from typing import TextIO

STYLES: dict[str, str] = {
    "proc.name": "bold green",
    "thread.tid": "bold cyan",
    "evt.type": "bold blue",
}
"""Field -> Rich style. Source: observed: sysdig 0.41.4 on a terminal."""

RESET = "\\e[0m"
"""Ends every style, in the notation of templates."""

WHEN = {"true": "auto", "force": "always", "false": "never"}
"""sysdig's words for `--color`."""


def is_coloured(when: str | None, stream: TextIO) -> bool:
    """Whether lines get colours.

    Args:
        when: The `--color` option: auto, always, never, or sysdig's words for them.
        stream: Where the lines go.

    Returns:
        The answer; a NO_COLOR that is set and not empty means no, unless `always` was given.

    Source: https://no-color.org
    """
    when = WHEN.get(when or "auto", when or "auto")
    if when == "auto":
        return stream.isatty() and not os.environ.get("NO_COLOR")
    return when == "always"


def codes(style: str) -> str:
    """The terminal codes that begin a Rich style, in the notation of templates."""
    from rich.style import Style

    rendered = Style.parse(style).render("x")
    return rendered.partition("x")[0].replace("\x1b", "\\e")


def coloured(text: str) -> str:
    """A template in which every field that has a style is between its codes."""
    for name, style in STYLES.items():
        text = text.replace(f"%{name}", f"{codes(style)}%{name}{RESET}")
    return text
