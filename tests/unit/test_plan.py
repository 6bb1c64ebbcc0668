"""What the engine is told."""

import json

from pyscap._engine import Session
from pyscap.model.fields import resolve
from pyscap.plan import USER_VERBS, VERSION, FieldList, Options, Plan
from pyscap.state.verbs import VERBS


def test_fields_are_listed_once_and_known_by_position():
    fields = FieldList()
    assert fields.add(resolve("proc.name")) == 0
    assert fields.add(resolve("proc.aname[2]")) == 1
    assert fields.add(resolve("proc.name")) == 0
    assert [entry["name"] for entry in fields.entries] == ["proc.name", "proc.aname"]


def test_plan_is_data_that_the_engine_takes():
    text = Plan(options=Options(max_events=3)).to_json()
    plan = json.loads(text)
    assert plan["version"] == list(VERSION)
    assert plan["options"]["max_events"] == 3
    assert len(plan["tables"]["events"]) == 454
    Session(text)


def test_users_can_be_left_without_names():
    plan = json.loads(Plan(names_users=False).to_json())
    assert {verb.name for verb in VERBS} >= USER_VERBS
    assert not USER_VERBS & {row["verb"] for row in plan["transitions"]}
    assert "user" not in {block[1] for block in plan["layouts"]["blocks"]}
    Session(json.dumps(plan))
