"""The life of a workflow: one suite for the embedded runtime and for boto3's client."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import (
    DefinitionError,
    ExecutionFailed,
    InvalidInput,
    MissingRequiredParameter,
    WorkflowExists,
    WorkflowNotFound,
)
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Execution, ExecutionStatus, Workflow
from tests.workflow.conftest import OTHER_ROLE, ROLE, echo, started_and_waiting


def test_a_created_workflow_has_an_arn_and_creating_it_again_gives_the_same(service: Any) -> None:
    workflow = echo(client=service)

    arn = workflow.create()

    assert arn == workflow.state_machine_arn == workflow.create()
    assert arn.endswith(":stateMachine:Echo")
    assert echo(client=service).create() == arn
    assert echo(client=service, format_json=False).create() == arn


def test_another_definition_or_role_of_the_same_name_is_refused_and_update_named(service: Any) -> None:
    arn = echo(client=service).create()
    other = Workflow("Echo", steps.Pass("Other"), role=ROLE, client=service)
    roled = echo(client=service, role=OTHER_ROLE)
    both = Workflow("Echo", steps.Pass("Other"), role=OTHER_ROLE, client=service)

    for workflow, what in ((other, "definition"), (roled, "role"), (both, "definition and role")):
        with pytest.raises(WorkflowExists, match=rf"with a different {what} \(.*upsert\(") as caught:
            workflow.create()
        assert caught.value.state_machine_arn == arn
        assert workflow.state_machine_arn is None


def test_update_changes_definition_role_or_both(service: Any) -> None:
    workflow = echo(client=service)
    arn = workflow.create()

    assert workflow.update(steps.Pass("Second")) == arn
    assert list(Workflow.attach(arn, client=service).definition.to_dict()["States"]) == ["Second"]
    assert workflow.update(role=OTHER_ROLE) == arn
    attached = Workflow.attach(arn, client=service)
    assert attached.role == OTHER_ROLE == workflow.role
    assert attached.definition.to_dict() == workflow.definition.to_dict()


def test_a_faulty_update_changes_nothing(service: Any) -> None:
    workflow = echo(client=service)
    arn = workflow.create()
    faulty = {"StartAt": "Gone", "States": {"A": {"Type": "Pass", "End": True}}}

    with pytest.raises(DefinitionError):
        workflow.update(faulty)

    assert list(workflow.definition.to_dict()["States"]) == ["Say"]
    assert list(Workflow.attach(arn, client=service).definition.to_dict()["States"]) == ["Say"]


def test_updating_needs_something_to_change_and_a_workflow_that_exists(service: Any) -> None:
    workflow = echo(client=service)
    with pytest.raises(MissingRequiredParameter, match="definition and/or role"):
        workflow.update()
    with pytest.raises(WorkflowNotFound, match=r"create\(\) first"):
        workflow.update(role=OTHER_ROLE)


def test_upsert_creates_or_updates(service: Any) -> None:
    arn = echo(client=service).upsert()
    changed = Workflow("Echo", steps.Pass("Other"), role=OTHER_ROLE, client=service)

    assert changed.upsert() == arn
    assert changed.upsert() == arn
    attached = Workflow.attach(arn, client=service)
    assert (list(attached.definition.to_dict()["States"]), attached.role) == (["Other"], OTHER_ROLE)


def test_every_fault_of_a_definition_is_told_before_the_service_is_called(service: Any) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Gone"}, "B": {"Type": "Wait", "End": True}}}
    workflow = Workflow("Faulty", definition, role=ROLE, client=service)

    with pytest.raises(DefinitionError) as caught:
        workflow.create()

    assert len(caught.value.diagnostics) >= 2
    assert workflow.validate()[0].pointer.startswith("/")
    assert not Workflow.list_workflows(client=service)


@pytest.mark.parametrize("role", [None, ""])
def test_a_role_is_needed(service: Any, role: str | None) -> None:
    with pytest.raises(MissingRequiredParameter, match="needs role="):
        echo(client=service, role=role).create()


def test_a_deleted_workflow_can_be_created_again(service: Any) -> None:
    workflow = echo(client=service)
    workflow.delete()
    workflow.create()
    workflow.delete()

    assert workflow.state_machine_arn is None
    assert workflow.list_executions() == []


def test_workflows_are_listed_up_to_a_bound(service: Any) -> None:
    for index in range(3):
        echo(f"Echo{index}", client=service).create()

    found = Workflow.list_workflows(client=service)
    assert sorted(row["name"] for row in found) == ["Echo0", "Echo1", "Echo2"]
    some = Workflow.list_workflows(max_items=2, client=service, html=True)
    assert len(some) == 2
    assert "Echo" in some._repr_html_()
    assert "raise max_items" in some.to_text()


def test_an_execution_is_the_same_however_it_was_obtained(service: Any) -> None:
    workflow = echo(client=service)
    workflow.create()

    started = workflow.execute(name="first", inputs={"a": 1})
    (listed,) = workflow.list_executions()

    for execution in (started, listed):
        assert execution.name == "first"
        assert execution.execution_arn.endswith(":Echo:first")
        assert isinstance(execution.status, ExecutionStatus)
        assert isinstance(execution.start_date, dt.datetime)
        assert execution.get_input() == {"a": 1}
        assert execution.describe()["name"] == "first"
        assert "first" in repr(execution)
    assert started.execution_arn == listed.execution_arn
    assert workflow.execute().name


def test_executions_are_listed_by_status_and_up_to_a_bound(service: Any) -> None:
    workflow = echo(client=service)
    workflow.create()
    for index in range(3):
        workflow.execute(name=f"run-{index}")

    assert len(workflow.list_executions(max_items=2, html=True)) == 2
    assert len(workflow.list_executions()) == 3
    assert workflow.list_executions(status_filter=ExecutionStatus.Aborted) == []
    assert workflow.list_executions(status_filter="FAILED") == []
    with pytest.raises(ValueError, match="BROKEN"):
        workflow.list_executions(status_filter="BROKEN")


def test_a_workflow_that_was_not_created_has_no_executions_and_cannot_be_executed(service: Any) -> None:
    workflow = echo(client=service)
    assert workflow.list_executions(html=True)._repr_html_()
    with pytest.raises(WorkflowNotFound, match=r"create\(\) first"):
        workflow.execute()


def test_inputs_are_checked_and_every_fault_named(service: Any) -> None:
    schema = ExecutionInput(schema={"JobName": str, "Steps": {"tol": float}, "Count": int})
    workflow = echo(client=service, execution_input=schema)
    workflow.create()

    with pytest.raises(InvalidInput) as caught:
        workflow.execute(inputs={"JobName": 5, "Count": True})

    text = str(caught.value)
    assert "3 faults" in text
    for fault in ("JobName must be str, not int", "Steps.tol is missing", "Count must be int, not bool"):
        assert fault in text
    with pytest.raises(InvalidInput, match="JobName is missing"):
        workflow.execute()
    with pytest.raises(InvalidInput, match="must be an object"):
        workflow.execute(inputs="[1]")
    assert workflow.list_executions() == []
    good = {"JobName": "j", "Steps": {"tol": 1}, "Count": 2}
    assert workflow.execute(name="a", inputs=good).get_input() == good
    assert workflow.execute(name="b", inputs=json.dumps(good)).get_input() == good


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ("{broken", "no JSON"),
        ({"a": object()}, "cannot be written as JSON"),
        ({"a": float("nan")}, "cannot be written as JSON"),
        ({"a": ExecutionInput()["x"]}, "cannot be written as JSON"),
    ],
)
def test_inputs_that_are_no_json_are_refused(service: Any, inputs: Any, text: str) -> None:
    workflow = echo(client=service)
    workflow.create()
    with pytest.raises(InvalidInput, match=text):
        workflow.execute(inputs=inputs)


@pytest.mark.parametrize("inputs", [None, {}, {"a": "ü"}, [1, 2], 5, '{"a": 1}'])
def test_inputs_arrive_as_they_were_given(service: Any, inputs: Any) -> None:
    workflow = echo(client=service)
    workflow.create()
    expected = {} if inputs is None else json.loads(inputs) if isinstance(inputs, str) else inputs
    assert workflow.execute(inputs=inputs).get_input() == expected


def test_an_execution_can_be_stopped(service: Any) -> None:
    execution = started_and_waiting(service)

    response = execution.stop(cause="enough", error="Stopped")

    assert isinstance(response["stopDate"], dt.datetime)
    assert execution.wait() is ExecutionStatus.Aborted
    assert execution.stop_date is not None


def test_tags_are_sent_in_any_form(service: Any) -> None:
    for index, tags in enumerate(({"a": "b"}, [{"Key": "a", "Value": "b"}], [{"key": "a", "value": "b"}])):
        workflow = echo(f"Tagged{index}", client=service, tags=tags)
        arn = workflow.create()
        client: Any = workflow.client
        assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "b"}]


def test_an_execution_can_be_made_from_its_arn(service: Any) -> None:
    workflow = echo(client=service)
    workflow.create()
    started = workflow.execute(name="run", inputs={"a": 1})
    again = Execution(workflow, started.execution_arn, None, "RUNNING", client=service)

    assert again.name == "run"
    assert again.get_input() == {"a": 1}
    assert isinstance(again.start_date, dt.datetime)


def test_a_redrive_goes_on_from_the_failed_state_on_the_embedded_runtime() -> None:
    events: list[int] = []

    def once_broken(event: object, context: object) -> int:
        events.append(1)
        if len(events) == 1:
            raise RuntimeError("the table was locked")
        return len(events)

    with LocalRuntime.temporary() as runtime:
        runtime.register_function("load", once_broken)
        load = steps.LambdaStep("Load", parameters={"FunctionName": "load"})
        workflow = Workflow("Loading", steps.Pass("Begin") >> load, role=ROLE, client=runtime)
        workflow.create()
        execution = workflow.execute()
        with pytest.raises(ExecutionFailed, match="the table was locked"):
            execution.get_output(wait=True)

        execution.redrive()

        assert execution.get_output(wait=True)["Payload"] == 2
        assert execution.describe()["redriveCount"] == 1
        types = [event["type"] for event in execution.list_events()]
        assert types.count("PassStateEntered") == 1
        assert "ExecutionRedriven" in types
