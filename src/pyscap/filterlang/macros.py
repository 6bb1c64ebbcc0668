"""Named conditions and lists, from a file or a dictionary.

In:  a file in the notation of Falco's rules (`- macro:` with `condition:`, `- list:` with
`items:`; other entries are passed over). Out: `Macros`, and trees without names. Next: `check.py`.

A macro's tree replaces its name: nothing is pasted as text, so that precedence stays what it was.
Only what stands earlier in the file can be used; so there are no loops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, cast

from pyscap.filterlang.ast import (
    Check,
    ListName,
    Macro,
    Node,
    Not,
    Text,
    Values,
    depth,
)
from pyscap.filterlang.errors import FilterError, Span
from pyscap.filterlang.parser import MAX_CHARS, MAX_DEPTH, parse

MAX_PARTS = 1_000_000
"""List values that names may put into a filter; a comparison counts for `_CHECK_PARTS`.

Macros that use macros twice grow exponentially; this bounds them to seconds and some 100 MB.
"""

_CHECK_PARTS = 50


class MacroError(Exception):
    """A macro file that cannot be used; says where."""


@dataclass(slots=True)
class Macros:
    """What names stand for."""

    conditions: dict[str, Node] = field(default_factory=dict)
    """Trees without names."""
    lists: dict[str, tuple[Text, ...]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Comparisons and list values of each condition."""

    def add_macro(self, name: str, condition: str) -> None:
        """Define a condition.

        Args:
            name: A letter, then letters, digits and `_`.
            condition: A filter; it can use what was defined before.

        Raises:
            FilterError: The condition is no filter.
        """
        node = expand(parse(condition), condition, self)
        self.conditions[name] = node
        self.sizes[name] = _size(node)

    def add_list(self, name: str, items: Iterable[str]) -> None:
        """Define a list.

        Args:
            name: A letter, then letters, digits and `_`.
            items: Its values; names of lists defined before stand for their values.
        """
        values: list[Text] = []
        for item in items:
            values += self.lists.get(item) or [Text(item, quoted=True)]
        self.lists[name] = tuple(values)


def expand(node: Node, text: str, macros: Macros | None) -> Node:
    """Put conditions and lists in place of their names.

    Args:
        node: The tree of a filter.
        text: The filter, for errors.
        macros: What the names stand for; None for nothing.

    Returns:
        The tree; names that nothing defines are still in it, for `check.py` to refuse.

    Raises:
        FilterError: The tree grows too deep or too large.
    """
    if macros is None or not (macros.conditions or macros.lists):
        return node
    budget = _Budget(MAX_PARTS, text)
    tree = _expand(node, macros, budget)
    if depth(tree) > 2 * MAX_DEPTH:
        msg = f"macros make conditions nest deeper than {2 * MAX_DEPTH} levels"
        raise FilterError(msg, text)
    return tree


@dataclass(slots=True)
class _Budget:
    """Counts down how much may still be put in."""

    left: int
    text: str

    def take(self, count: int, span: Span) -> None:
        self.left -= count
        if self.left < 0:
            msg = f"macros and lists make the filter larger than {MAX_PARTS} parts"
            raise FilterError(msg, self.text, span)


def _expand(node: Node, macros: Macros, budget: _Budget) -> Node:
    if isinstance(node, Macro):
        found = macros.conditions.get(node.name)
        if found is None:
            return node
        budget.take(macros.sizes[node.name], node.span)
        return _moved(found, node.span)
    if isinstance(node, Check):
        return _expand_list(node, macros, budget)
    if isinstance(node, Not):
        part = _expand(node.part, macros, budget)
        return part.part if isinstance(part, Not) else replace(node, part=part)
    return replace(node, parts=tuple(_expand(part, macros, budget) for part in node.parts))


def _expand_list(node: Check, macros: Macros, budget: _Budget) -> Check:
    """Lists by name, alone or among the values of a list."""
    right = node.right
    if isinstance(right, ListName) and right.name in macros.lists:
        values = macros.lists[right.name]
    elif isinstance(right, Values):
        values = tuple(
            value
            for item in right.items
            for value in (macros.lists.get(item.value, (item,)) if not item.quoted else (item,))
        )
    else:
        return node
    budget.take(len(values), right.span)
    moved = tuple(item if item.span.end else replace(item, span=right.span) for item in values)
    return replace(node, right=Values(moved, right.span))


def _moved(node: Node, span: Span) -> Node:
    """A tree of a macro whose parts all stand where its name stood."""
    return cast("Node", _placed(node, span))


def _placed(part: object, span: Span) -> object:
    if isinstance(part, Span):
        return span
    if isinstance(part, tuple):
        return tuple(_placed(item, span) for item in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    return replace(
        part, **{row.name: _placed(getattr(part, row.name), span) for row in fields(part)}
    )


def _size(node: Node) -> int:
    if isinstance(node, Check):
        return _CHECK_PARTS + (len(node.right.items) if isinstance(node.right, Values) else 0)
    if isinstance(node, Not):
        return _size(node.part)
    return _CHECK_PARTS if isinstance(node, Macro) else sum(map(_size, node.parts))


def load(path: str) -> Macros:
    """Read a macro file.

    Args:
        path: Its name. A file of Falco rules will do.

    Returns:
        What it defines.

    Raises:
        MacroError: The file is not in the notation, or a condition in it is no filter.
        OSError: It cannot be read.
    """
    text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    if len(text) > MAX_CHARS:
        msg = f"{path} is longer than {MAX_CHARS} characters"
        raise MacroError(msg)
    return from_entries(_read_yaml(text, path), path)


def _read_yaml(text: str, path: str) -> list[Any]:
    import yaml  # only a run with macros pays for it

    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f", line {place.line + 1}" if place else ""
        msg = f"{path}{where}: not YAML: {getattr(error, 'problem', None) or 'cannot be read'}"
        raise MacroError(msg) from None
    if entries is None:
        return []
    if not isinstance(entries, list):
        msg = f"{path}: a macro file is a list of entries, each beginning with - macro: or - list:"
        raise MacroError(msg)
    return entries


def from_entries(entries: list[Any], path: str) -> Macros:
    """Take the macros and lists among the entries of a file.

    Args:
        entries: The file's entries, in order.
        path: Name of the file, for errors.

    Returns:
        What they define.

    Raises:
        MacroError: An entry that is no macro or list though it begins like one.
    """
    macros = Macros()
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        if "macro" in entry:
            _define_macro(macros, entry, path)
        elif "list" in entry:
            _define_list(macros, entry, path)
    return macros


def _name(entry: dict[Any, Any], kind: str, path: str) -> str:
    name = entry[kind]
    if not (isinstance(name, str) and name.isascii() and name.isidentifier() and name[0] != "_"):
        msg = f"{path}: the name of a {kind} is letters, digits and _, not {name!r}"
        raise MacroError(msg)
    if entry.get("append") or "override" in entry:
        msg = f"{path}: {kind} {name}: append and override are not supported; write one entry"
        raise MacroError(msg)
    return name


def _define_macro(macros: Macros, entry: dict[Any, Any], path: str) -> None:
    name = _name(entry, "macro", path)
    condition = entry.get("condition")
    if not isinstance(condition, str):
        msg = f"{path}: macro {name} needs a condition: with a filter"
        raise MacroError(msg)
    try:
        macros.add_macro(name, condition)
    except FilterError as error:
        msg = f"{path}: macro {name}: {error.render()}"
        raise MacroError(msg) from None


def _define_list(macros: Macros, entry: dict[Any, Any], path: str) -> None:
    name = _name(entry, "list", path)
    items = entry.get("items")
    if not isinstance(items, list) or any(isinstance(item, list | dict) for item in items):
        msg = f"{path}: list {name} needs items: with a list of values"
        raise MacroError(msg)
    macros.add_list(name, map(_item, items))


def _item(value: object) -> str:
    """A value of a list as text; YAML has made numbers and truths of some."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
