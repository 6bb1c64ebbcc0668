"""The functions of the filter language (others call them transformers).

In:  nothing. Out: `FUNCTIONS`. Next: `check.py` types a call, the engine's `filter/functions.rs`
runs it; a test compares the two sets.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """What a function takes and yields."""

    name: str
    args: tuple[str, ...]
    """Kinds of the arguments: text, text|bytes, text|bytes|list, list."""
    result: str
    """text, list, uint, or same (that of the first argument)."""
    description: str
    repeats: bool = False
    """Whether the last argument can be given again and again."""
    minimum: int = 1
    """Least number of arguments."""


FUNCTIONS: dict[str, FunctionSpec] = {
    spec.name: spec
    for spec in (
        FunctionSpec("tolower", ("text",), "text", "ASCII letters as small letters"),
        FunctionSpec("toupper", ("text",), "text", "ASCII letters as capital letters"),
        FunctionSpec(
            "b64",
            ("text|bytes",),
            "same",
            "base64, decoded; absent when it is not base64; padding may be left out",
        ),
        FunctionSpec("basename", ("text",), "text", "the part after the last slash"),
        FunctionSpec("len", ("text|bytes|list",), "uint", "bytes of a text, items of a list"),
        FunctionSpec(
            "join", ("text", "list"), "text", "items of a list with a text between them", minimum=2
        ),
        FunctionSpec("concat", ("text",), "text", "texts, one after the other", True, 2),
        FunctionSpec(
            "getopt",
            ("list", "text"),
            "list",
            "short options found among arguments, in getopt(3) style; [c] is the value of -c",
            minimum=2,
        ),
    )
}
"""By name. Source: libs 0.25-dev; sysdig 0.41.4 knows the first five, of one field each."""
