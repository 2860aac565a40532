"""Parameters of a step, replaced by paths."""

from __future__ import annotations

import copy

import pytest

from mlflowsteps.steps import Task
from mlflowsteps.template.utils import replace_parameters_with_context_object, replace_parameters_with_jsonpath

PARAMETERS = {
    "Image": "i",
    "Out": {"Place": {"City": "?"}, "At": {"Lat": 0, "Lon": 0}},
    "Tags": [{"Key": "a", "Value": 1}],
}


@pytest.fixture
def task() -> Task:
    return Task("T", resource="r", parameters=copy.deepcopy(PARAMETERS))


def test_named_values_become_paths_at_every_depth_and_the_step_stays_as_it_is(task):
    found = replace_parameters_with_jsonpath(
        task, {"Image.$": "$.image", "Out": {"Place.$": "$.place", "At": {"Lat.$": "$.lat", "Lon": 0}}}
    )
    assert found == {
        "Image.$": "$.image",
        "Out": {"Place.$": "$.place", "At": {"Lat.$": "$.lat", "Lon": 0}},
        "Tags": [{"Key": "a", "Value": 1}],
    }
    assert task.parameters == PARAMETERS


def test_lists_are_walked_item_by_item(task):
    assert replace_parameters_with_jsonpath(task, {"Tags": [{"Value.$": "$.v"}]})["Tags"] == [
        {"Key": "a", "Value.$": "$.v"}
    ]


def test_a_key_that_is_not_there_is_an_error_with_the_nearest_name(task):
    with pytest.raises(ValueError, match=r"Out: there is no parameter 'Plase' to replace\. Did you mean 'Place'"):
        replace_parameters_with_jsonpath(task, {"Out": {"Plase.$": "$.x"}})


def test_a_path_can_be_replaced_by_another(task):
    once = replace_parameters_with_jsonpath(task, {"Image.$": "$.a"})
    task.update_parameters(once)
    assert replace_parameters_with_jsonpath(task, {"Image.$": "$.b"})["Image.$"] == "$.b"


def test_the_context_object_quotes_the_steps_name():
    task = Task("It's", resource="r", parameters={"A": 1, "B.$": "$.b"})
    assert replace_parameters_with_context_object(task) == {
        "A.$": "$$.Execution.Input['It\\'s'].A",
        "B.$": "$$.Execution.Input['It\\'s'].B",
    }
