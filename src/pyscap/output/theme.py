"""Colours of lines: themes of Rich styles, and rules that say which events are coloured how.

In:  the colour option, the stream, the environment. Out: `is_coloured()`, `THEMES`, `codes()`.
Next: `lines` puts terminal codes around the pieces of a template; the engine decides which rule
an event meets.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TextIO

DEFAULT = "default"
"""The theme of a run that names none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines of the events that a filter takes have a style."""

    name: str
    filter: str
    style: str
    """A Rich style, as `bold red on white`."""


@dataclass(frozen=True, slots=True)
class Theme:
    """How lines are coloured."""

    doc: str
    """What it is, in a line."""
    rules: tuple[Rule, ...] = ()
    """The first one that an event meets decides about its line."""
    fields: dict[str, str] = field(default_factory=dict)
    """Rich style of a field's value; the colours of a rule win over it, its attributes stay."""

    @property
    def summary(self) -> str:
        """What it is and how many rules it has."""
        return f"{self.doc}; {len(self.rules)} rule{'s' * (len(self.rules) != 1)}"


FIELDS: dict[str, str] = {
    "proc.name": "bold green",
    "thread.tid": "bold cyan",
    "evt.type": "bold blue",
}
"""Source: observed: sysdig 0.41.4 on a terminal."""

FILTERS: dict[str, str] = {
    "lost": "evt.type = drop",
    "failed": "evt.failed = true and not evt.res in (EAGAIN, EALREADY, EINPROGRESS)",
    "exec": "evt.type in (execve, execveat)",
    "process": "evt.type in (clone, clone3, fork, vfork)",
    "exit": "evt.type in (procexit, exit, exit_group)",
    "signal": "evt.type in (signaldeliver, kill, tkill, tgkill, rt_sigqueueinfo)",
    "privilege": (
        "evt.type in (setuid, setgid, setreuid, setregid, setresuid, setresgid, setgroups, capset, "
        "ptrace, process_vm_writev, init_module, finit_module, delete_module, bpf, mount, umount, "
        "umount2, chroot, pivot_root, setns, unshare)"
    ),
    "socket": (
        "evt.type in (connect, accept, accept4, socket, socketpair, bind, listen, shutdown)"
    ),
    "net write": "evt.category = net and evt.is_io_write = true",
    "net read": "evt.category = net and evt.is_io_read = true",
    "open": "evt.type in (open, openat, openat2, creat, open_by_handle_at, memfd_create)",
    "change": (
        "evt.type in (unlink, unlinkat, rmdir, rename, renameat, renameat2, mkdir, mkdirat, link, "
        "linkat, symlink, symlinkat, mknod, mknodat, truncate, ftruncate, chmod, fchmod, fchmodat, "
        "chown, lchown, fchown, fchownat)"
    ),
    "file write": "evt.category = file and evt.is_io_write = true",
    "file read": "evt.category = file and evt.is_io_read = true",
    "close": "evt.type in (close, close_range)",
    "memory": "evt.category = memory or evt.type = page_fault",
    "waiting": "evt.category in (wait, sleep, scheduler)",
}
"""Rules of the shipped themes: name -> filter, in the order in which they are tried."""


def rules(**styles: str) -> tuple[Rule, ...]:
    """The rules that have a style, `_` in their names for a blank, in the order of `FILTERS`."""
    named = {name.replace("_", " "): style for name, style in styles.items()}
    return tuple(Rule(name, FILTERS[name], named[name]) for name in FILTERS if name in named)


THEMES: dict[str, Theme] = {
    DEFAULT: Theme(
        "names in colours, and lines by what happens, in the colours of the terminal",
        rules(
            lost="bold black on yellow",
            failed="red",
            exec="bold bright_green",
            process="green",
            exit="bright_black",
            signal="bold bright_magenta",
            privilege="bold magenta",
            socket="bright_blue",
            net_write="bright_cyan",
            net_read="cyan",
            open="yellow",
            change="bold yellow",
            close="bright_black",
            memory="bright_black",
            waiting="bright_black",
        ),
        FIELDS,
    ),
    "stripes": Theme(
        "a background for each kind of event, for terminals with many colours",
        rules(
            lost="bold black on #ffd700",
            failed="black on #e06c60",
            exec="black on #98d850",
            process="white on #2f6b38",
            exit="white on #4a4a4a",
            signal="white on #8a3a9a",
            privilege="white on #a02060",
            socket="white on #3f57b0",
            net_write="black on #5fcfc4",
            net_read="black on #a8e8e2",
            open="white on #6a5a20",
            change="black on #d8b040",
            file_write="black on #ecbd95",
            file_read="black on #f2dfc0",
            close="white on #6b6b6b",
        ),
    ),
    "plain": Theme("names in colours and nothing else, as sysdig has them", (), FIELDS),
}
"""The themes that come with the program."""

WHEN = {"true": "auto", "force": "always", "false": "never"}
"""sysdig's words for `--color`."""


def is_coloured(when: str | None, stream: TextIO) -> bool:
    """Whether lines get colours.

    Args:
        when: The `--color` option: auto, always, never, or sysdig's words for them.
        stream: Where the lines go.

    Returns:
        The answer; a NO_COLOR that is set and not empty and a terminal without colours mean no,
        unless `always` was given.

    Source: https://no-color.org
    """
    when = WHEN.get(when or "auto", when or "auto")
    if when == "auto":
        is_dumb = os.environ.get("TERM") == "dumb"
        return stream.isatty() and not is_dumb and not os.environ.get("NO_COLOR")
    return when == "always"


def codes(*styles: str) -> str:
    """The terminal codes that begin a text.

    Args:
        styles: Rich styles; the colours of a later one win.

    Returns:
        An escape sequence, or nothing when no style says anything.

    Raises:
        rich.errors.StyleSyntaxError: one of them is no style.
    """
    from rich.color import ColorSystem
    from rich.style import Style

    system = ColorSystem[colour_system(os.environ)]
    combined = Style.combine(Style.parse(style) for style in styles)
    return combined.render("x", color_system=system).partition("x")[0]


def colour_system(environment: os._Environ[str] | dict[str, str]) -> str:
    """How many colours the terminal has, in Rich's words.

    Source: Rich, `Console`; https://github.com/termstandard/colors
    """
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "TRUECOLOR"
    name = environment.get("TERM", "")
    return "EIGHT_BIT" if name.endswith(("256color", "kitty")) else "STANDARD"


RESET = "\x1b[0m"
"""Ends every style."""
