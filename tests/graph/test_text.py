from __future__ import annotations

import re

from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.status import execution_status
from mlflowsteps.graph.text import dot, mermaid, ordered, tree
from tests.graph import histories, samples


def test_tree_indents_what_a_container_holds():
    lines = tree(read_model(samples.TARGET)).splitlines()
    assert len(lines) == 19
    assert lines[2].startswith("∥ Train candidates  [Parallel]  → Evaluate each fold")
    assert lines[3].startswith("   □ Train XGBoost")
    assert "Notify failure (catch ALL)" in lines[1]


def test_order_follows_the_flow_not_the_dict():
    definition = {"StartAt": "B", "States": {"A": samples.task(), "B": samples.task(Next="A")}}
    assert [node.name for _, node in ordered(read_model(definition))] == ["B", "A"]


def test_tree_of_an_execution_tells_status_error_and_time():
    status = execution_status(samples.TARGET, histories.target_failed())
    text = tree(read_model(samples.TARGET), status)
    assert "✕ Train LightGBM  [SageMaker training job]  Failed · 39 s  States.TaskFailed:" in text
    assert "○ Log LightGBM" in text


def test_every_state_is_one_line_whatever_its_name():
    model = read_model(samples.HOSTILE)
    text = tree(model)
    assert len(text.splitlines()) == len(samples.HOSTILE_NAMES)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066]", text)


def test_dot_quotes_every_name():
    text = dot(read_model(samples.HOSTILE))
    unquoted = re.sub(r'"(\\.|[^"\\])*"', "", text)
    assert "script" not in unquoted
    assert "quoted" not in unquoted
    assert unquoted.count("{") == unquoted.count("}") == 1


def test_dot_draws_containers_as_clusters():
    text = dot(read_model(samples.NESTED))
    assert text.count("subgraph cluster_") == 3
    assert "lhead=cluster_" in text
    assert text.count("{") == text.count("}")


def test_mermaid_holds_names_as_entities():
    text = mermaid(read_model(samples.HOSTILE))
    assert "<" not in text
    assert "script#62;" in text
    labels = re.findall(r'"([^"]*)"', text)
    assert len(labels) == len(samples.HOSTILE_NAMES) + 2


def test_mermaid_closes_every_subgraph():
    lines = mermaid(read_model(samples.TARGET)).splitlines()
    assert sum(line.startswith("subgraph") for line in lines) == lines.count("end") == 2
