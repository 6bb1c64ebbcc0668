"""The verbs of both sides are the same."""

from pyscap._engine import vocabulary
from pyscap.state.verbs import VERBS, Verb


def signature(verb: Verb) -> str:
    inputs = ", ".join(f"{name}: {kind}" for name, kind in verb.inputs.items())
    return f"{verb.name}({inputs}; {', '.join(verb.consts)})"


def test_the_engine_has_the_declared_verbs() -> None:
    assert [signature(verb) for verb in VERBS] == vocabulary()["state.verbs"]


def test_every_verb_says_what_it_does() -> None:
    assert all(verb.summary.endswith(".") for verb in VERBS)
