from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import WorkflowExists
from mlflowsteps.workflow import Workflow
from mlflowsteps.workflow.cloudformation import build_template
from tests.workflow.conftest import ROLE, boto3_client, echo


def stubbed() -> tuple[Any, Any]:
    from botocore.stub import Stubber

    client = boto3_client()
    return client, Stubber(client)


ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:Echo"
DATE = 1_700_000_000


def described(definition: Any, role: str = ROLE) -> dict[str, Any]:
    return {
        "stateMachineArn": ARN,
        "name": "Echo",
        "definition": json.dumps(definition),
        "roleArn": role,
        "type": "STANDARD",
        "creationDate": DATE,
    }


DEFINITION = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}


@pytest.mark.parametrize(
    "definition",
    [
        steps.Pass("Say"),
        steps.Chain([steps.Pass("Say")]),
        steps.Graph(steps.Pass("Say")),
        steps.FrozenGraph(DEFINITION),
        DEFINITION,
    ],
    ids=["state", "chain", "graph", "frozen", "dict"],
)
def test_a_workflow_is_made_of_any_form_of_a_definition(definition: Any) -> None:
    workflow = Workflow("Echo", definition, role=ROLE)
    assert workflow.definition.to_dict() == DEFINITION
    assert json.loads(workflow.to_json(pretty=True)) == DEFINITION


def test_what_is_no_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected branch to be a State or a Chain"):
        Workflow("Echo", 5, role=ROLE)  # type: ignore[arg-type]


def test_the_machines_own_fields_are_written() -> None:
    workflow = echo(timeout_seconds=60, comment="c", version="1.0", query_language="JSONata")
    found = workflow.definition.to_dict()
    assert (found["TimeoutSeconds"], found["Comment"], found["Version"], found["QueryLanguage"]) == (
        60,
        "c",
        "1.0",
        "JSONata",
    )


def test_changes_of_the_steps_are_seen_when_the_workflow_is_created() -> None:
    state = steps.Pass("Say")
    workflow = Workflow("Echo", state, role=ROLE)
    state.update_parameters({"a": 1})
    assert workflow.definition.to_dict()["States"]["Say"]["Parameters"] == {"a": 1}


def test_create_sends_exactly_this() -> None:
    client, stub = stubbed()
    workflow = echo(client=client, tags={"a": "b"})
    expected = {
        "name": "Echo",
        "definition": json.dumps(DEFINITION, indent=4),
        "roleArn": ROLE,
        "tags": [{"key": "a", "value": "b"}],
    }
    with stub:
        stub.add_response("create_state_machine", {"stateMachineArn": ARN, "creationDate": DATE}, expected)
        stub.add_response("describe_state_machine", described(DEFINITION), {"stateMachineArn": ARN})
        assert workflow.create() == ARN
        stub.assert_no_pending_responses()


def test_a_new_machine_that_cannot_be_seen_yet_is_taken_for_created() -> None:
    client, stub = stubbed()
    with stub:
        stub.add_response("create_state_machine", {"stateMachineArn": ARN, "creationDate": DATE})
        stub.add_client_error("describe_state_machine", "StateMachineDoesNotExist")
        assert echo(client=client).create() == ARN


@pytest.mark.parametrize("message", [f"State Machine Already Exists: '{ARN}'", "State Machine Already Exists"])
def test_the_machine_that_exists_is_found_by_the_refusal_or_by_its_name(message: str) -> None:
    client, stub = stubbed()
    with stub:
        stub.add_client_error("create_state_machine", "StateMachineAlreadyExists", message)
        if ARN not in message:
            row = {"stateMachineArn": ARN, "name": "Echo", "type": "STANDARD", "creationDate": DATE}
            stub.add_response("list_state_machines", {"stateMachines": [row]})
        stub.add_response("describe_state_machine", described(DEFINITION), {"stateMachineArn": ARN})
        assert echo(client=client).create() == ARN


@pytest.mark.parametrize(("beyond", "indent"), [(0, 4), (1, None)])
def test_a_definition_that_indentation_makes_too_long_is_sent_without_it(beyond: int, indent: int | None) -> None:
    client, stub = stubbed()
    definition = {**DEFINITION, "Comment": ""}
    definition["Comment"] = "x" * (1_048_576 + beyond - len(json.dumps(definition, indent=4)))
    separators = (",", ":") if indent is None else None
    expected = {"name": "Echo", "definition": json.dumps(definition, indent=indent, separators=separators)}
    with stub:
        answer = {"stateMachineArn": ARN, "creationDate": DATE}
        stub.add_response("create_state_machine", answer, {**expected, "roleArn": ROLE, "tags": []})
        stub.add_response("describe_state_machine", described(definition))
        assert Workflow("Echo", definition, role=ROLE, client=client).create() == ARN


def test_other_refusals_of_the_service_come_through() -> None:
    client, stub = stubbed()
    with stub:
        stub.add_client_error("create_state_machine", "StateMachineLimitExceeded", "too many")
        with pytest.raises(client.exceptions.StateMachineLimitExceeded, match="too many"):
            echo(client=client).create()


def test_building_and_drawing_need_no_client_and_no_network(tmp_path: Path) -> None:
    code = """
import socket, sys
def refuse(*arguments, **keywords): raise AssertionError("network")
socket.socket.connect = refuse
from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.exceptions import WorkflowExists
from mlflowsteps.workflow import Workflow
inputs = ExecutionInput(schema={"JobName": str})
request = {"AlgorithmSpecification": {"TrainingImage": "i"}, "RoleArn": "r"}
train = steps.TrainingStep("Train", request, inputs["JobName"])
save = steps.ModelStep("Save", train.get_expected_model())
workflow = Workflow("W", train >> save, role=None, execution_input=inputs)
workflow.to_json(); workflow.get_cloudformation_template(); repr(workflow); workflow._repr_html_()
print({"boto3", "botocore", "networkx", "numpy", "IPython"} & set(sys.modules))
assert "Train" in workflow.render_graph().to_svg()
"""
    environment = {"PATH": "", "HOME": str(tmp_path), "AWS_PROFILE": "missing"}
    done = run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "set()"


def test_the_picture_is_named_after_the_workflow() -> None:
    view = echo("My workflow").render_graph(portrait=True)
    assert "Say" in view.to_svg()
    assert "Say" in str(view)


def test_a_template_of_cloudformation_holds_definition_role_and_tags() -> None:
    yaml = pytest.importorskip("yaml")
    workflow = Workflow("Echo", steps.Pass("It's: ü\n"), role=ROLE, tags={"a: b": "c"})

    text = workflow.get_cloudformation_template(description="What: it is")

    found = yaml.safe_load(text)
    assert found["Description"] == "What: it is"
    machine = found["Resources"]["StateMachineComponent"]
    assert machine["Type"] == "AWS::StepFunctions::StateMachine"
    properties = machine["Properties"]
    assert json.loads(properties["DefinitionString"]) == workflow.definition.to_dict()
    assert (properties["StateMachineName"], properties["RoleArn"]) == ("Echo", ROLE)
    assert properties["Tags"] == [{"Key": "a: b", "Value": "c"}]
    assert text == workflow.get_cloudformation_template(description="What: it is")
    assert "Tags" not in build_template("Echo", DEFINITION, ROLE)


def test_a_workflow_shows_itself_without_running_a_script() -> None:
    hostile = echo("<script>alert(1)</script>")
    assert "<script>" not in hostile._repr_html_()
    known = echo(state_machine_arn=ARN, client=boto3_client())
    assert "console.aws.amazon.com" in known._repr_html_()
    assert ARN in known._repr_html_()


class Recorder:
    """A client that keeps the requests of the executions it is asked to start."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {"executionArn": ARN.replace("stateMachine", "execution") + ":run", "startDate": DATE}


@pytest.mark.parametrize(
    ("given", "request_sent"),
    [
        ({}, {}),
        ({"name": "n"}, {"name": "n"}),
        ({"inputs": {"a": "ü"}}, {"input": '{\n    "a": "ü"\n}'}),
        ({"inputs": '{"a":1}'}, {"input": '{"a":1}'}),
        ({"inputs": 0}, {"input": "0"}),
        ({"inputs": False}, {"input": "false"}),
        ({"qualifier": 3}, {"stateMachineArn": f"{ARN}:3"}),
        ({"qualifier": "prod"}, {"stateMachineArn": f"{ARN}:prod"}),
        ({"qualifier": f"{ARN}:7"}, {"stateMachineArn": f"{ARN}:7"}),
    ],
    ids=repr,
)
def test_starting_an_execution_sends_what_was_given_and_no_more(
    given: dict[str, Any], request_sent: dict[str, Any]
) -> None:
    client = Recorder()
    execution = echo(client=client, state_machine_arn=ARN).execute(**given)
    assert client.requests == [{"stateMachineArn": ARN, **request_sent}]
    assert (execution.name, execution.status.value) == (given.get("name", "run"), "RUNNING")


def test_inputs_are_sent_without_indentation_where_that_is_wanted() -> None:
    client = Recorder()
    echo(client=client, state_machine_arn=ARN, format_json=False).execute(inputs={"a": [1]})
    assert client.requests[0]["input"] == '{"a": [1]}'


def test_a_refusal_that_names_no_machine_comes_through_where_the_list_has_none_of_this_name() -> None:
    client, stub = stubbed()
    row = {"stateMachineArn": ARN, "name": "Other", "type": "STANDARD", "creationDate": DATE}
    with stub:
        stub.add_client_error("create_state_machine", "StateMachineAlreadyExists", "exists")
        stub.add_response("list_state_machines", {"stateMachines": [row]})
        with pytest.raises(client.exceptions.StateMachineAlreadyExists):
            echo(client=client).create()


@pytest.mark.parametrize("hidden", ["definition", "roleArn", "type"])
def test_a_machine_of_which_not_all_is_told_is_judged_by_the_rest(hidden: str) -> None:
    class Client:
        exceptions = boto3_client().exceptions

        def __init__(self, **told: str) -> None:
            self.told = {**described(DEFINITION), **told, hidden: None}

        def create_state_machine(self, **request: Any) -> dict[str, Any]:
            return {"stateMachineArn": ARN}

        def start_execution(self, **request: Any) -> dict[str, Any]:
            raise AssertionError(request)

        def describe_state_machine(self, **request: Any) -> dict[str, Any]:
            return self.told

    assert echo(client=Client()).create() == ARN
    other = {"definition": "{}", "roleArn": ROLE + "x", "type": "EXPRESS"}
    with pytest.raises(WorkflowExists) as caught:
        echo(client=Client(**other)).create()
    words = {"definition": "definition", "roleArn": "role", "type": "type"}
    assert caught.value.what == " and ".join(word for key, word in words.items() if key != hidden)


class Pages(Recorder):
    """A client whose lists are empty; keeps what they were asked for."""

    asked: dict[str, Any]

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        return {"status": "SUCCEEDED"}

    def get_paginator(self, operation: str) -> Pages:
        self.operation = operation
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.asked = {"operation": self.operation, **request}
        return []


@pytest.mark.parametrize("given", [{}, {"max_items": 7}], ids=repr)
def test_lists_ask_for_a_hundred_rows_or_as_many_as_wanted_in_pages_of_a_thousand(given: Any) -> None:
    client = Pages()
    workflow = echo(client=client, state_machine_arn=ARN)
    config = {"PaginationConfig": {"MaxItems": given.get("max_items", 100), "PageSize": 1000}}

    assert Workflow.list_workflows(client=client, **given) == []
    assert client.asked == {"operation": "list_state_machines", **config}
    assert workflow.list_executions(status_filter="FAILED", **given) == []
    assert client.asked == {
        "operation": "list_executions", "stateMachineArn": ARN, "statusFilter": "FAILED", **config,
    }  # fmt: skip
    execution = workflow.execute()
    assert execution.list_events(reverse_order=True, **given) == []
    assert client.asked == {
        "operation": "get_execution_history", "executionArn": execution.execution_arn, "reverseOrder": True, **config,
    }  # fmt: skip
    assert execution.list_events(**given) == []
    assert client.asked["reverseOrder"] is False


def test_iterators_ask_for_everything_in_pages_of_a_thousand() -> None:
    client = Pages()
    workflow = echo(client=client, state_machine_arn=ARN)
    assert list(workflow.executions("RUNNING", "REDRIVEN")) == []
    assert client.asked == {
        "operation": "list_executions", "stateMachineArn": ARN, "statusFilter": "RUNNING",
        "redriveFilter": "REDRIVEN", "PaginationConfig": {"PageSize": 1000},
    }  # fmt: skip
    assert list(workflow.execute().events()) == []
    assert client.asked["PaginationConfig"] == {"MaxItems": None, "PageSize": 1000}


TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Description: "d"
Resources:
  StateMachineComponent:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: |-
        {
          "StartAt": "Say",
          "States": {
            "Say": {
              "Type": "Pass",
              "End": true
            }
          }
        }
      RoleArn: "r"
      StateMachineName: "Echo"
      StateMachineType: "EXPRESS"
      Tags:
        - Key: "a"
          Value: "b"
        - Key: "c"
          Value: "d"
"""


def test_a_template_is_written_just_so() -> None:
    tags = [{"key": "a", "value": "b"}, {"key": "c", "value": "d"}]
    assert build_template("Echo", DEFINITION, "r", tags, "d", {"StateMachineType": "EXPRESS"}) == TEMPLATE


def test_the_life_of_a_workflow_is_logged_with_its_name_and_arn(runtime: Any, caplog: pytest.LogCaptureFixture) -> None:
    workflow = echo(client=runtime)
    with caplog.at_level("INFO", logger="mlflowsteps"):
        arn = workflow.create()
        workflow.create()
        workflow.update(role=ROLE + "2")
        workflow.delete()
    said = [record.getMessage() for record in caplog.records if record.name.endswith("workflow.workflow")]
    assert said == [
        f"Workflow Echo was created: {arn}",
        f"Workflow Echo exists already: {arn}",
        f"Workflow Echo was updated: {arn}",
        f"Workflow Echo is being deleted: {arn}",
    ]
