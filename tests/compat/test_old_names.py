"""What the old SDK had beside its steps: logging, widgets, visitors, models as objects."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timedelta

import pytest

import mlflowsteps
from mlflowsteps import steps
from mlflowsteps.inputs.utils import flatten, replace_type_with_str
from mlflowsteps.steps.sagemaker.expected import ExpectedModel, script_environment
from mlflowsteps.steps.states import GraphVisitor, ValidationVisitor
from mlflowsteps.workflow.widgets import (
    EventsTableWidget,
    ExecutionGraphWidget,
    WorkflowGraphWidget,
    WorkflowsTableWidget,
)
from mlflowsteps.workflow.widgets.utils import create_sfn_execution_url, get_elapsed_ms

ARN = "arn:aws-cn:states:cn-north-1:123456789012:execution:Hello:run"
START = datetime(2026, 1, 1)  # noqa: DTZ001 - the old tables take any


@pytest.fixture
def package_logger():
    logger = logging.getLogger("mlflowsteps")
    before = (logger.level, logger.propagate, logger.handlers)
    yield logger
    logger.setLevel(before[0])
    logger.propagate, logger.handlers = before[1:]


def test_the_stream_logger_prints_in_colour_and_leaves_the_root_logger_alone(package_logger, capsys):
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    for _ in range(2):
        mlflowsteps.set_stream_logger(logging.INFO)
    logging.getLogger("mlflowsteps.workflow").info("done")
    logging.getLogger("mlflowsteps.workflow").debug("hidden")
    assert capsys.readouterr().out == "\x1b[32m[INFO] done\x1b[0m\n"
    assert (root.level, root.handlers) == before
    assert len(package_logger.handlers) == 1
    assert package_logger.handlers[0].stream is not sys.stderr


EVENTS = [
    {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": START},
    {
        "id": 2,
        "previousEventId": 1,
        "type": "TaskStateEntered",
        "timestamp": START + timedelta(seconds=3.5),
        "stateEnteredEventDetails": {"name": "<b>Train</b>", "input": "{}", "inputDetails": {"truncated": False}},
    },
    {
        "id": 3,
        "previousEventId": 2,
        "type": "TaskScheduled",
        "timestamp": START,
        "taskScheduledEventDetails": {
            "resourceType": "sagemaker",
            "resource": "createProcessingJob.sync",
            "parameters": json.dumps({"ProcessingJobName": "job", "Flag": True, "None": None}),
        },
    },
    {"id": 4, "previousEventId": 99, "type": "LambdaFunctionStarted", "timestamp": START},
]


def test_the_events_table_takes_todays_histories_escapes_them_and_leaves_them_alone(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    before = json.dumps(EVENTS, default=str)
    html = EventsTableWidget(EVENTS).show()
    assert html.count('<tr class="awsui-table-row">') == len(EVENTS)
    assert "<b>" not in html
    assert html.count("<td>&lt;b&gt;Train&lt;/b&gt;</td>") == 2
    assert "<td>3500.0</td>" in html
    assert "region=eu-west-1#/processing-jobs/job" in html
    assert "<script" not in html
    assert json.dumps(EVENTS, default=str) == before


def test_graphs_need_no_script_from_elsewhere_and_links_keep_their_partition():
    definition = steps.Graph(steps.Pass("</script><b>") >> steps.Succeed("End")).to_json()
    plain = WorkflowGraphWidget(definition).show(portrait=False)
    assert "cloudfront" not in plain.data
    assert "</script><b>" not in plain._repr_html_()
    progress = ExecutionGraphWidget(definition, json.dumps([{}, {}]), ARN).show()
    assert f'<a href="{create_sfn_execution_url(ARN)}" target="_blank">' in progress.data
    assert create_sfn_execution_url(ARN).startswith("https://console.amazonaws.cn/states/home?region=cn-north-1#")


def test_workflows_are_listed_with_links():
    rows = [{"stateMachineArn": ARN, "name": "<i>", "creationDate": START}]
    html = WorkflowsTableWidget(rows).show()
    assert "&lt;i&gt;" in html
    assert ARN in html


def test_elapsed_times_hold_whole_seconds():
    assert get_elapsed_ms(START, START + timedelta(seconds=3.5)) == 3500


def test_visitors_collect_states_and_refuse_double_names():
    first, second = steps.Pass("A"), steps.Pass("B")
    chain = steps.Chain([first, second])
    visitor = GraphVisitor()
    chain.accept(visitor)
    assert list(visitor.states) == ["A", "B"]
    with pytest.raises(ValueError, match="duplicate state id 'A'"):
        steps.Chain([steps.Pass("A"), steps.Pass("A")]).accept(ValidationVisitor())


def test_helpers_of_schemas():
    assert flatten({"a": {"b": 1}}, "x") == {"x.a.b": 1}
    assert replace_type_with_str({"a": {"b": float}, "c": str}) == {"a": {"b": "float"}, "c": "str"}


def test_an_expected_model_is_read_and_set_as_the_sdks_own():
    model = ExpectedModel({"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl.$": "$.x"}})
    assert (model.name, model.image_uri, model.env, model.role) == ("m", "i", {}, None)
    model.entry_point, model.model_data = "serve.py", "s3://b/m.tar.gz"
    assert model["PrimaryContainer"] == {
        "Image": "i",
        "ModelDataUrl": "s3://b/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "serve.py"},
    }
    with pytest.raises(AttributeError, match="image_uri"):
        model.imge = "typo"
    with pytest.raises(AttributeError, match="no attribute 'imge'"):
        _ = model.imge


def test_a_training_that_runs_no_script_tells_its_model_of_none():
    assert script_environment({"eta": "0.1"}) == {}
    given = {"sagemaker_program": '"t.py"', "sagemaker_submit_directory": "s3://b/s.tar.gz", "sagemaker_region": '"r"'}
    assert script_environment(given) == {
        "SAGEMAKER_PROGRAM": "t.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/s.tar.gz",
        "SAGEMAKER_REGION": "r",
    }
