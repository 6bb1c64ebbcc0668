"""The output of a request, as the engine is told it.

In:  the request, the plan's list of fields. Out: the plan's `output`. Next: the engine's `sink`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyscap.output import template
from pyscap.output.presets import template_text
from pyscap.output.theme import RESET, codes

if TYPE_CHECKING:
    from pyscap.output.template import Piece, Template
    from pyscap.output.theme import Theme
    from pyscap.plan import FieldList
    from pyscap.request import Request

Json = dict[str, Any]

STDOUT = 1
"""The descriptor that lines go to; the engine writes past Python's own buffer."""

TIME_STYLES = {
    None: "clock",
    "h": "clock",
    "a": "epoch",
    "r": "relative",
    "d": "duration",
    "D": "delta",
    "iso": "iso",
    "utc": "iso",
}
"""What `-t` says and the engine's word for it."""

BUFFER_MODES = {
    "dots": "dots",
    "ascii": "ascii",
    "hex": "hex",
    "hex_ascii": "hexascii",
    "base64": "base64",
}
"""Buffer modes of a request and the engine's words for them."""

BUFFER_CUT = 80
"""Characters of a buffer shown in text, unless `-v`. Source: observed: sysdig 0.41.4."""


def output_row(request: Request, fields: FieldList) -> Json:
    """What the engine is to print for a request.

    Args:
        request: What the user asked for.
        fields: The plan's list; it gets the fields of the template.

    Returns:
        The plan's `output`.

    Raises:
        TemplateError: The template cannot be used.
    """
    if request.quiet or request.write is not None:
        return {"kind": "none"}
    if request.details:
        from pyscap.output.detail import detail_row

        return detail_row(fields)
    if request.json:
        return json_row(template.parse(template_text(wanted(request))), request, fields)
    return text_row(request, fields)


def wanted(request: Request) -> str | None:
    """The template or preset that the request asks for."""
    return "strace" if request.strace else request.print


def common(request: Request) -> Json:
    """What both kinds of lines are told."""
    return {
        "fd": STDOUT,
        "buffer": BUFFER_MODES[request.buffer_mode],
        "unbuffered": request.unbuffered,
    }


def text_row(request: Request, fields: FieldList) -> Json:
    """Lines of text."""
    parsed = template.parse(template_text(wanted(request)))
    is_dots = request.buffer_mode == "dots"
    return {
        "kind": "text",
        **common(request),
        **painted(parsed, request, fields),
        "star": parsed.star,
        "cut": BUFFER_CUT if is_dots and not request.verbose else None,
        "time": TIME_STYLES[request.timetype],
        "escape": True,
    }


def painted(parsed: Template, request: Request, fields: FieldList) -> Json:
    """The pieces of a line, and, where lines have colours, of the lines that meet a rule."""
    from pyscap.output.themes import compiled_rules, wanted_theme

    theme = wanted_theme(request)
    if theme is None:
        return {"segments": [segment(piece, fields) for piece in parsed.pieces], "looks": []}
    return {
        "segments": styled(parsed, theme, "", fields),
        "looks": [
            {"filter": program, "segments": styled(parsed, theme, style, fields)}
            for program, style in compiled_rules(theme, fields)
        ],
    }


def styled(parsed: Template, theme: Theme, style: str, fields: FieldList) -> list[Json]:
    """The pieces of a line in a style, between their terminal codes."""
    begin = codes(style)
    end = RESET if begin else ""
    rows: list[Json] = [{"lit": begin}]
    for piece in parsed.pieces:
        own = theme.fields.get(piece.key, "") if isinstance(piece, template.Field) else ""
        row = segment(piece, fields)
        rows += [{"lit": codes(own, style)}, row, {"lit": RESET + begin}] if own else [row]
    return [*rows, {"lit": end}]


def segment(piece: Piece, fields: FieldList) -> Json:
    """A piece of a template as the engine reads it."""
    if isinstance(piece, template.Literal):
        return {"lit": piece.text}
    return {"value": {"of": source(piece, fields), "width": piece.width}}


def source(piece: template.Field | template.Call, fields: FieldList) -> Json:
    """Where a piece gets its value: a field of the plan, or a function of some."""
    if isinstance(piece, template.Field):
        return {"field": fields.add(piece.ref)}
    from pyscap.filterlang.compile import compile_filter

    compiled = compile_filter(f"{piece.text} exists", fields=fields)
    return {"expr": compiled.program["ops"][0]["lhs"]}


def json_row(parsed: Template, request: Request, fields: FieldList) -> Json:
    """Objects whose keys are the fields of the template, in bytewise order."""
    keys = {p.key: source(p, fields) for p in parsed.pieces if not isinstance(p, template.Literal)}
    ordered = sorted(keys.items(), key=lambda item: item[0].encode())
    return {
        "kind": "json",
        **common(request),
        "keys": [{"key": key, "of": where} for key, where in ordered],
        "star": parsed.star,
    }
