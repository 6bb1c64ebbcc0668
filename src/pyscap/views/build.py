"""A view with its arguments as a plan.

In:  a `View`, the words behind its name, the user's filter. Out: `Chosen` (arguments read, words
left over), then the plan's `output` and `walk`. Next: `collect` runs the plan.
"""

from __future__ import annotations

import ipaddress
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyscap.errors import UsageError
from pyscap.filterlang.compile import compile_filter
from pyscap.model.fields import FieldError, resolve
from pyscap.plan import FieldList, Options, Plan
from pyscap.views.streams import Look, http_row, stream_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyscap.filterlang.compile import CompiledFilter
    from pyscap.filterlang.macros import Macros
    from pyscap.views.specs import Arg, Column, View
    from pyscap.views.streams import Place

Json = dict[str, Any]

MAX_KEYS = 65_536
"""Most groups that a table keeps; beyond it the smaller half is summed up."""

MAX_ROWS = 10_000
"""Most rows that wait in the engine until they are shown."""

HEAT_SPAN = 10_000
"""Most lines of a heat map."""

COLOUR_WORDS = ("disable_color", "disable_colors")
"""What sysdig's views take to stay without colour; `--color never` says it here."""

RW_FILTERS = {
    "R": "evt.is_io_read=true",
    "W": "evt.is_io_write=true",
    "RW": "evt.is_io=true",
}
"""Directions and the filters that choose them."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A view with its arguments filled in."""

    view: View
    values: dict[str, str]
    """Arguments by name, ready to stand in filters."""
    words: tuple[str, ...]
    """What is left: the user's filter."""


def choose(view: View, words: Sequence[str]) -> Chosen:
    """Read the arguments of a view from the words behind its name.

    A first word of several is split, since sysdig wants all arguments in one word. An argument
    that may be left out is taken only from a word that can be it.

    Raises:
        UsageError: an argument is missing or wrong.
    """
    left = [word for word in split_first(view, words) if word not in COLOUR_WORDS]
    values: dict[str, str] = {}
    for arg in view.args:
        if arg.kind == "filter":
            values[arg.name], left = " ".join(left), []
        else:
            values[arg.name] = take(view, arg, left)
    filled = replace(
        view,
        columns=tuple(fill_column(column, values) for column in view.columns),
        filter=view.filter.format_map(values) if view.args else view.filter,
        order=order_title(view, values),
    )
    return Chosen(filled, values, tuple(left))


def split_first(view: View, words: Sequence[str]) -> list[str]:
    """The words, the first one split at blanks when it can hold several arguments."""
    wanted = sum(arg.kind != "filter" for arg in view.args)
    if not words or not wanted or not set(words[0]) & set(" \t"):
        return list(words)
    try:
        return [*shlex.split(words[0]), *words[1:]]
    except ValueError:
        return list(words)


def take(view: View, arg: Arg, left: list[str]) -> str:
    """The value of one argument, whose word is taken from `left`."""
    try:
        if left:
            value = READERS[arg.kind](left[0], arg)
            del left[0]
            return value
    except ValueError as error:
        if arg.default is None:
            msg = f"{view.name}: {shown_name(arg)}: {error}"
            raise UsageError(msg, f"`pyscap -i {view.name}` says more") from error
    if arg.default is None:
        msg = f"{view.name} needs an argument: {arg.doc}"
        raise UsageError(msg, f"`pyscap top {usage(view)}`")
    return READERS[arg.kind](arg.default, arg)


def usage(view: View) -> str:
    """How a view is called: `fileslower MS [FILTER]`."""
    shown = [f"[{word}]" if arg.default is not None else word for arg, word in words_of(view)]
    return " ".join([view.name, *shown] + ["[FILTER]"] * (view.kind != "state"))


def words_of(view: View) -> list[tuple[Arg, str]]:
    """Each argument with what stands for it in a usage line."""
    return [(arg, shown_name(arg).upper()) for arg in view.args]


def shown_name(arg: Arg) -> str:
    """What an argument is called where users see it."""
    return arg.name.replace("_ns", "_ms")


def read_ms(text: str, _arg: Arg) -> str:
    """Milliseconds as nanoseconds."""
    value = float(text)
    if not 0 <= value < 1e12:
        msg = f"{text} is no number of milliseconds"
        raise ValueError(msg)
    return str(round(value * 1e6))


def read_field(text: str, _arg: Arg) -> str:
    """A field's name."""
    try:
        return resolve(text).name
    except FieldError as error:
        near = f"; did you mean {error.suggestion}?" if error.suggestion else ""
        msg = f"{error.message}{near}"
        raise ValueError(msg) from error


def read_ip(text: str, _arg: Arg) -> str:
    """An address."""
    return str(ipaddress.ip_address(text))


def read_number(text: str, arg: Arg) -> str:
    """A port, or a count."""
    most = 65_535 if arg.kind == "port" else 2**31 - 1
    if not text.isdecimal() or int(text) > most:
        msg = f"{text} is no number from 0 to {most}"
        raise ValueError(msg)
    return str(int(text))


def read_choice(text: str, arg: Arg) -> str:
    """One of the words that the argument names; a direction becomes its filter."""
    word = text.upper()
    if word not in arg.choices:
        msg = f"{text} is none of {', '.join(arg.choices)}"
        raise ValueError(msg)
    return RW_FILTERS.get(word, word)


def read_path(text: str, _arg: Arg) -> str:
    """A condition on the descriptor's name; without a path, that it is no terminal."""
    if not text:
        return "not fd.name startswith /dev/pt and not fd.name startswith /dev/tty"
    if "/" not in text:
        msg = f"{text} is no path"
        raise ValueError(msg)
    return f"fd.name={quoted(text)}"


def quoted(text: str) -> str:
    """A text as a value of the filter language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_text(text: str, _arg: Arg) -> str:
    """Any text."""
    return text


READERS: dict[str, Callable[[str, Arg], str]] = {
    "ms": read_ms,
    "field": read_field,
    "ip": read_ip,
    "port": read_number,
    "count": read_number,
    "choice": read_choice,
    "path": read_path,
    "text": read_text,
}
"""How each kind of argument is read: word -> what stands in filters; ValueError says why not."""


def fill_column(column: Column, values: dict[str, str]) -> Column:
    """A column whose title and field may name an argument."""
    if "{" not in column.title + column.field:
        return column
    return replace(
        column, title=column.title.format_map(values), field=column.field.format_map(values)
    )


def order_title(view: View, values: dict[str, str]) -> str:
    """The title of the column that rows are ordered by."""
    wanted = view.order.format_map(values) if "{" in view.order else view.order
    titles = {column.title.upper(): column.title for column in view.columns}
    return titles.get(wanted.upper(), titles.get(wanted.upper().removeprefix("N"), wanted))


def make_plan(
    chosen: Chosen,
    own: str,
    macros: Macros | None,
    options: Options,
    look: Look | None = None,
) -> tuple[Plan, CompiledFilter | None]:
    """The plan of a view.

    Args:
        chosen: The view.
        own: The user's filter, may be empty.
        macros: What the user's filter may name.
        options: The choices of the run.
        look: How data is shown, of views that show it.

    Returns:
        The plan, and its filter; none when it takes every event.

    Raises:
        FilterError: the user's filter is wrong.
        UsageError: the view cannot be ordered as asked.
    """
    fields = FieldList()
    view = chosen.view
    compiled = joined("" if view.over else view.filter, own, macros, fields)
    output = output_row(view, fields, look or Look())
    walk = None
    if view.over:
        rows = joined(view.filter, chosen.values.get("filter", ""), macros, fields)
        walk = {"over": view.over, "filter": rows.program if rows else None}
    program = compiled.program if compiled else None
    return Plan(fields, program, output, walk, options), compiled


def joined(
    first: str, second: str, macros: Macros | None, fields: FieldList
) -> CompiledFilter | None:
    """Both filters as one; the second is checked by itself, so that errors point into it."""
    if first and second:
        compile_filter(second, macros)
        return compile_filter(f"({first}) and ({second})", macros, fields)
    text = first or second
    return compile_filter(text, macros, fields) if text else None


def table_row(view: View, place: Place) -> Json:
    """The engine's table of a view.

    Args:
        view: The view.
        place: Gives the position of a field.
    """
    values = [column for column in view.columns if column.agg]
    titles = [column.title for column in values]
    if view.order and view.order not in titles:
        msg = f"{view.name} has no column {view.order} to order by"
        raise UsageError(msg, f"its columns are {', '.join(titles)}")
    return {
        "kind": "table",
        "keys": [key_row(column, place) for column in view.columns if column.is_key],
        "values": [value_row(column, place) for column in values],
        "max_keys": MAX_KEYS,
        "limit": view.limit or None,
        "order": titles.index(view.order) if view.order else None,
    }


def key_row(column: Column, place: Place) -> Json:
    """A key of the engine's table."""
    bucket: Json | None = None
    if column.width_ns:
        bucket = {"width": {"width": column.width_ns, "span": HEAT_SPAN}}
    elif column.log2:
        bucket = {"log2": column.log2}
    return {"field": place(column.field), "bucket": bucket, "optional": column.optional}


def value_row(column: Column, place: Place, condition: Json | None = None) -> Json:
    """A value of the engine's table; `condition` is the program of events that count for it."""
    return {
        "agg": column.agg,
        "fields": [place(name) for name in column.field.split()],
        "where": condition,
        "quantiles": [column.quantile] if column.agg == "quantiles" else [],
        "required": column.required,
    }


def rows_row(view: View, place: Place) -> Json:
    """The engine's list of a view."""
    return {
        "kind": "rows",
        "fields": [place(column.field) for column in view.columns],
        "max_rows": MAX_ROWS,
    }


def rows_or_table(view: View, place: Place) -> Json:
    """A table when a column is computed, else a list."""
    grouped = any(column.agg for column in view.columns)
    return table_row(view, place) if grouped else rows_row(view, place)


def output_row(view: View, fields: FieldList, look: Look) -> Json:
    """What the engine does for a view."""
    if view.kind == "stream":
        return stream_row(view, fields, look)
    if view.kind == "http":
        return http_row(fields, lambda place: rows_or_table(view, place))
    return rows_or_table(view, lambda name: fields.add(resolve(name)))
