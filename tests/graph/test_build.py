from __future__ import annotations

import copy
import subprocess
import sys

import pytest

from mlflowsteps.graph.build import build_graph, path_of, read_model
from tests.graph import samples


def edges(definition):
    return {(e.source, e.target, e.kind, e.label) for e in read_model(definition).edges()}


def test_every_transition_has_an_edge_of_its_kind():
    found = edges(samples.TARGET)
    assert ("~start", "Validate input", "start", "") in found
    assert ("Prepare data", "Notify failure", "catch", "catch ALL") in found
    assert ("Good enough?", "Register model", "choice", "auc ≥ 0.9") in found
    assert ("Good enough?", "Notify failure", "default", "default") in found
    assert ("Tune hyperparameters", "Train candidates", "next", "") in found
    assert ("Done", "~end", "end", "") in found
    assert ("Failed", "~end", "end", "") in found
    assert ("Train candidates/0/Train XGBoost", "Train candidates/0/Log XGBoost", "next", "") in found
    assert ("Evaluate each fold/Score fold", "Evaluate each fold/Write metrics", "next", "") in found


def test_networkx_graph_has_the_documented_attributes():
    graph = build_graph(samples.TARGET)
    node = graph.nodes["Train candidates/1/Log LightGBM"]
    assert node["name"] == "Log LightGBM"
    assert node["parent"] == "Train candidates"
    assert node["branch"] == 1
    assert node["type"] == "Task"
    assert not node["entry"]
    assert graph.nodes["Train candidates/1/Train LightGBM"]["entry"]
    assert graph.nodes["Evaluate each fold/Score fold"]["branch"] is None
    assert graph["Good enough?"]["Register model"][0] == {"kind": "choice", "label": "auc ≥ 0.9"}


def test_two_rules_to_one_state_are_two_edges():
    rule = {"Variable": "$.a", "IsNull": True, "Next": "B"}
    graph = build_graph(
        {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [rule, rule]}, "B": {"Type": "Succeed"}}}
    )
    assert graph.number_of_edges("A", "B") == 2


def test_missing_target_is_a_node_and_unreachable_states_are_marked():
    model = read_model(samples.INVALID)
    assert model.nodes["~missing/Nowhere"].name == "missing: Nowhere"
    assert model.nodes["~missing/nothing"].kind == "missing"
    assert not model.nodes["Island"].reachable
    assert not model.nodes["Shore"].reachable
    assert model.nodes["A"].reachable
    assert model.nodes["C"].problem == "no Next or End"
    assert model.nodes["Not a state"].problem == "not an object"


def test_names_with_slash_and_tilde_have_keys_of_their_own():
    definition = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Parallel", "Next": "P/0/B", "Branches": [samples.chain("B")]},
            "P/0/B": samples.task(),
        },
    }
    model = read_model(definition)
    assert {"P", "P/0/B", "P~10~1B"} <= model.nodes.keys()
    assert path_of("", "~end") != "~end"


@pytest.mark.parametrize(
    "definition",
    [None, [], 7, {}, {"States": []}, {"StartAt": 3, "States": {"A": None}}, {"StartAt": "A", "States": {"A": {}}}]
    + [{"StartAt": "A", "States": {"A": {"Type": kind, **fields}}} for kind in ("Parallel", "Map", "Choice", "Task")
       for fields in ({}, {"Branches": 3, "ItemProcessor": 3, "Choices": 3, "Catch": 3, "Retry": 3, "Next": [1]},
                      {"Branches": [None], "Choices": [None], "Catch": [None], "Retry": [None]})],
)  # fmt: skip
def test_any_json_can_be_read(definition):
    model = read_model(definition)
    assert {"~start", "~end"} <= model.nodes.keys()


def test_text_that_is_no_json_says_where():
    with pytest.raises(ValueError, match="line 1 column 2"):
        read_model("{nonsense")


def test_definition_is_left_unchanged():
    for definition in samples.EVERY.values():
        before = copy.deepcopy(definition)
        build_graph(definition)
        assert definition == before


def test_ten_thousand_states_and_deep_nesting_need_no_recursion():
    assert len(read_model(samples.chain(*map(str, range(10_000)))).nodes) == 10_002
    inner = samples.chain("leaf")
    for _ in range(3000):
        inner = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": True, "Branches": [inner]}}}
    model = read_model(inner)
    assert model.nodes["P"].states == 3000


def test_container_counts_states_at_any_depth():
    assert read_model(samples.NESTED).nodes["Regions"].states == 6


def test_importing_graph_and_display_loads_nothing_heavy():
    code = (
        "import sys, mlflowsteps.graph, mlflowsteps.display\n"
        "print([m for m in ('boto3','botocore','networkx','numpy','IPython','rich','graphviz') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
