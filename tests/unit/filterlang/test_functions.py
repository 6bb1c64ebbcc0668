"""The declared functions."""

from __future__ import annotations

from pyscap.filterlang.functions import FUNCTIONS


def test_declarations_are_consistent() -> None:
    for name, spec in FUNCTIONS.items():
        assert spec.name == name
        assert spec.minimum >= len(spec.args) or spec.repeats
        assert {kind for arg in spec.args for kind in arg.split("|")} <= {"text", "bytes", "list"}
        assert spec.result in ("text", "list", "uint", "same")
        assert spec.description
