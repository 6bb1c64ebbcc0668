"""A filter from its text to its program, in one call.

In:  text, macros, the plan's list of fields. Out: `CompiledFilter`. Next: `pyscap.plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pyscap.filterlang.check import Checker
from pyscap.filterlang.lower import lower
from pyscap.filterlang.macros import Macros, expand
from pyscap.filterlang.narrow import event_codes, native_calls
from pyscap.filterlang.parser import parse
from pyscap.filterlang.times import time_span
from pyscap.filterlang.warn import warnings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyscap.filterlang.ast import Node
    from pyscap.filterlang.errors import FilterWarning
    from pyscap.filterlang.typed import Condition
    from pyscap.model.fields import FieldRef


class Fields(Protocol):
    """A list of fields that gives each its position, as `pyscap.plan.FieldList`."""

    def add(self, ref: FieldRef) -> int:
        """Position of `ref`, which is listed when it is new."""
        ...


class OwnFields:
    """The fields of one filter, when there is no plan."""

    def __init__(self) -> None:
        """Begin with no field."""
        self.refs: list[FieldRef] = []

    def add(self, ref: FieldRef) -> int:
        """Position of `ref`, which is listed when it is new."""
        if ref not in self.refs:
            self.refs.append(ref)
        return self.refs.index(ref)


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A filter that is right, in every form in which it is wanted."""

    text: str
    ast: Node
    """The tree, names resolved."""
    condition: Condition
    """The typed tree."""
    program: dict[str, Any]
    """For the plan: `ops`, and what is known of matches beforehand, None where it says nothing:
    `event_codes`, `calls`, `span_ns`."""
    fields: tuple[FieldRef, ...]
    """The fields that the filter reads, once each."""
    event_codes: tuple[int, ...] | None
    """Codes of the events it can accept; None for any."""
    warnings: tuple[FilterWarning, ...]
    """What is allowed but probably not meant."""


def compile_filter(
    text: str, macros: Macros | None = None, fields: Fields | None = None
) -> CompiledFilter:
    """Compile a filter.

    Args:
        text: The filter, not empty; bytes that are not UTF-8 as lone surrogates.
        macros: Conditions and lists that it may name.
        fields: The plan's list of fields; positions in the program refer to it. None for a list
            of the filter's own, which is `CompiledFilter.fields`.

    Returns:
        The program and what was found out on the way.

    Raises:
        FilterError: The filter is wrong; says where, and what would be right.
    """
    node = expand(parse(text), text, macros)
    condition = Checker(text).condition(node)
    own = OwnFields()
    listed = fields if fields is not None else own

    def index(ref: FieldRef) -> int:
        own.add(ref)
        return listed.add(ref)

    ops = lower(condition, index)
    codes = event_codes(condition)
    calls = native_calls(condition)
    program = {
        "ops": ops,
        "event_codes": None if codes is None else list(codes),
        "calls": None if calls is None else list(calls),
        "span_ns": time_span(condition),
    }
    warnings = tuple(warnings_of(condition, text))
    return CompiledFilter(text, node, condition, program, tuple(own.refs), codes, warnings)


def join_words(words: Sequence[str]) -> tuple[str, bool]:
    """Make one filter of the words of a command line.

    Args:
        words: What is left of the command line.

    Returns:
        The words with blanks between them, and whether the shell has taken quotes away that the
        filter would have needed: a word of several holds a blank or is empty.

    Source: sysdig 0.41.4, all remaining arguments are joined with single blanks.
    """
    split = len(words) > 1 and any(not word or set(word) & set(" \t\n") for word in words)
    return " ".join(words), split
