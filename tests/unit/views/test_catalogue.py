"""Every declared view is one that the engine runs."""

import pytest
from builders import capture, event, thread

from pyscap._engine import Session
from pyscap.errors import UsageError
from pyscap.plan import Options
from pyscap.views import build
from pyscap.views.catalogue import GROUPS, VIEWS
from pyscap.views.collect import rows_of

WORDS = {
    "ms": "1.5",
    "field": "proc.name",
    "ip": "::1",
    "port": "80",
    "count": "3",
    "choice": "R",
    "path": "/etc/passwd",
    "text": "word",
}


def words_for(view):
    """An argument of each kind that the view takes."""
    return [
        arg.choices[0] if arg.choices else WORDS[arg.kind]
        for arg in view.args
        if arg.kind != "filter"
    ]


ENGINE_VIEWS = {name: view for name, view in VIEWS.items() if view.kind != "around"}


@pytest.mark.parametrize("view", ENGINE_VIEWS.values(), ids=ENGINE_VIEWS)
def test_the_engine_runs_it(view):
    chosen = build.choose(view, [*words_for(view), "proc.pid>0"])
    plan, _ = build.make_plan(chosen, " ".join(chosen.words), None, Options())
    engine = Session(plan.to_json())
    engine.add_bytes(capture([thread(5, "cat")], [event("switch", ">", next=7, tid=5)]))
    while engine.run(100) != "done":
        pass
    engine.walk()
    if view.kind != "stream":
        rows = rows_of(chosen.view, engine.result(), 1)
        assert all(len(row) == len(chosen.view.columns) for row in rows.cells)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_titles_are_different_and_the_order_is_one_of_them(view):
    chosen = build.choose(view, words_for(view)).view
    titles = [column.title for column in chosen.columns]
    assert len(set(titles)) == len(titles)
    assert not chosen.order or chosen.column(chosen.order).agg


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_texts_are_complete(view):
    assert view.title
    assert not view.title.endswith(".")
    assert view.doc.endswith(".")


def test_every_view_is_in_one_group():
    assert [view.name for views in GROUPS.values() for view in views] == list(VIEWS)


@pytest.mark.parametrize(
    "view", [v for v in VIEWS.values() if any(a.default is None for a in v.args)]
)
def test_a_missing_argument_is_asked_for(view):
    with pytest.raises(UsageError, match="needs an argument"):
        build.choose(view, [])
