"""No run costs the engine more instructions for an event than its budget allows."""

import pytest

from bench import instructions

BUDGETS = {budget.name: budget for budget in instructions.PLANS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    try:
        instructions.build()
    except instructions.MissingTool as error:
        pytest.skip(str(error))
    return tmp_path_factory.mktemp("instructions")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["filter by type and name", "every line"])
def test_an_event_costs_no_more_than_its_budget(name, folder):
    budget = BUDGETS[name]
    cost = instructions.per_event(budget, folder)
    assert budget.limit / 3 < cost <= budget.limit, "a much lower cost wants a lower budget"
