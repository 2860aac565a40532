"""Settings, tags, versions, aliases, express: on the embedded runtime, and over HTTP against Moto's server."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError, ExecutionFailed, WorkflowExists
from mlflowsteps.workflow import Execution, ExecutionStatus, Workflow, polling
from mlflowsteps.workflow.settings import Settings, tag_changes
from tests.workflow.conftest import OTHER_ROLE, ROLE, boto3_client, echo

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Echo"
RUN = "arn:aws:states:us-east-1:123456789012:execution:Echo:run"
DATE = 1_700_000_000


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["local", "http"])
def service(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "local":
        yield request.getfixturevalue("runtime")
        return
    import boto3
    import urllib3

    address = request.getfixturevalue("moto_server")
    urllib3.PoolManager().request("POST", f"{address}/moto-api/reset")
    client = boto3.client(
        "stepfunctions",
        region_name="us-east-1",
        endpoint_url=address,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    yield client
    client.close()


def sdk(service: Any) -> Any:
    return service.client("stepfunctions") if hasattr(service, "register_function") else service


def described(service: Any, workflow: Workflow) -> dict[str, Any]:
    return dict(sdk(service).describe_state_machine(stateMachineArn=workflow.state_machine_arn))


def tags_of(service: Any, workflow: Workflow) -> dict[str, str]:
    found = sdk(service).list_tags_for_resource(resourceArn=workflow.state_machine_arn)["tags"]
    return {tag["key"]: tag["value"] for tag in found}


# --- what is sent


def test_a_workflow_is_created_with_its_settings(service: Any) -> None:
    workflow = echo(client=service, type="EXPRESS", tracing=True, tags={"team": "ml"})

    workflow.create()

    found = described(service, workflow)
    assert (found["type"], found["tracingConfiguration"]) == ("EXPRESS", {"enabled": True})
    assert tags_of(service, workflow) == {"team": "ml"}
    attached = Workflow.attach(str(workflow.state_machine_arn), client=service)
    assert (attached.type, attached.settings.tracing) == ("EXPRESS", True)


def test_upsert_creates_then_changes_definition_role_tracing_and_tags(service: Any) -> None:
    first = echo(client=service, tags={"team": "ml", "stage": "test"})
    arn = first.upsert()

    changed = Workflow("Echo", steps.Pass("Other"), OTHER_ROLE, {"team": "data"}, client=service, tracing=True)

    assert changed.upsert() == arn
    found = described(service, changed)
    assert list(json.loads(found["definition"])["States"]) == ["Other"]
    assert (found["roleArn"], found["tracingConfiguration"]["enabled"]) == (OTHER_ROLE, True)
    assert tags_of(service, changed) == {"team": "data"}


def test_upsert_leaves_tags_that_were_not_given_and_takes_away_all_for_an_empty_dict(service: Any) -> None:
    echo(client=service, tags={"team": "ml"}).upsert()

    kept = echo(client=service)
    kept.upsert()
    assert tags_of(service, kept) == {"team": "ml"}
    echo(client=service, tags={}).upsert()
    assert tags_of(service, kept) == {}


def test_a_workflow_of_the_other_type_is_never_taken_for_this_one(service: Any) -> None:
    echo(client=service).create()
    with pytest.raises(WorkflowExists, match=r"different type .*delete that one first"):
        echo(client=service, type="EXPRESS").upsert()


def test_upsert_waits_until_the_service_shows_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(polling, "pause", pauses.append)
    workflow, stub = stubbed(
        *[("describe_state_machine", shown("old", "1"))] * 3, ("describe_state_machine", shown("new", "2"))
    )
    stub_update(stub, 1)

    assert workflow.upsert() == MACHINE
    stub.assert_no_pending_responses()
    assert len(pauses) == 2


def test_upsert_gives_up_after_its_time_and_says_so() -> None:
    workflow, stub = stubbed(*[("describe_state_machine", shown("old", "1"))] * 2)
    stub_update(stub, 1)
    with pytest.raises(TimeoutError, match=r"still shows the old one .*upsert\(\) again"):
        workflow.upsert(timeout=0)


def shown(comment: str, revision: str) -> dict[str, Any]:
    definition = {"Comment": comment, "StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}
    return {
        "stateMachineArn": MACHINE,
        "name": "Echo",
        "definition": json.dumps(definition),
        "roleArn": ROLE,
        "type": "STANDARD",
        "creationDate": DATE,
        "revisionId": revision,
    }


def stubbed(*answers: tuple[str, dict[str, Any]]) -> tuple[Workflow, Stubber]:
    client = boto3_client()
    stub = Stubber(client)
    for operation, answer in answers:
        stub.add_response(operation, answer)
    stub.activate()
    return echo(client=client, state_machine_arn=MACHINE), stub


def stub_update(stub: Stubber, place: int) -> None:
    """UpdateStateMachine's answer, as the one at ``place``."""
    stub.add_response("update_state_machine", {"updateDate": DATE, "revisionId": "2"})
    stub._queue.insert(place, stub._queue.pop())


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="type must be STANDARD or EXPRESS, not 'FAST'"):
        echo(type="FAST")
    with pytest.raises(ValueError, match="publish=True"):
        echo(version_description="first")


def test_the_rules_of_express_hold_for_an_express_workflow() -> None:
    job = steps.GlueStartJobRunStep("Run", parameters={"JobName": "j"})
    workflow = Workflow("Fast", job, role=ROLE, type="EXPRESS")
    assert any("sync" in found.message for found in workflow.validate())
    with pytest.raises(DefinitionError):
        workflow.create()
    assert Workflow("Slow", job, role=ROLE).validate() == []


def test_changes_of_tags_leave_those_of_aws() -> None:
    there = [{"key": "aws:stack", "value": "s"}, {"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    assert tag_changes(there, [{"key": "b", "value": "2"}, {"key": "c", "value": "3"}]) == (
        [{"key": "c", "value": "3"}],
        ["a"],
    )


def test_the_template_holds_type_logging_tracing_and_encryption() -> None:
    logs = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:logs"}}]}
    text = echo(type="EXPRESS", logging_configuration=logs, tracing=True).get_cloudformation_template()
    assert '      StateMachineType: "EXPRESS"\n' in text
    assert '"Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": "arn:logs"}}]' in text
    assert '      TracingConfiguration: {"Enabled": true}\n' in text
    assert Settings(encryption_configuration={"type": "AWS_OWNED_KEY"}).for_template() == {
        "EncryptionConfiguration": {"Type": "AWS_OWNED_KEY"}
    }


# --- versions and aliases (Moto has none: the embedded runtime, and botocore's models by Stubber)


def test_versions_are_published_listed_executed_and_deleted(runtime: Any) -> None:
    workflow = echo(client=runtime)
    workflow.create()
    first = workflow.publish_version("as it was")
    workflow.update(steps.Pass("Say", result="new"))
    second = workflow.publish_version()

    assert [row["stateMachineVersionArn"] for row in workflow.versions()] == [second, first]
    assert workflow.execute(inputs={"a": 1}, qualifier=1).get_output(wait=True) == {"a": 1}
    assert workflow.execute(inputs={"a": 1}).get_output(wait=True) == "new"
    workflow.delete_version(1)
    assert [row["stateMachineVersionArn"] for row in workflow.versions()] == [second]


def test_an_alias_leads_to_the_version_it_was_set_to_last(runtime: Any) -> None:
    workflow = echo(client=runtime, publish=True, version_description="first")
    workflow.create()
    workflow.update(steps.Pass("Say", result="new"))

    alias = workflow.set_alias("prod", 1)
    assert workflow.execute(inputs={}, qualifier="prod").get_output(wait=True) == {}
    assert workflow.set_alias("prod", 2, "the new one") == alias
    assert workflow.execute(inputs={}, qualifier="prod").get_output(wait=True) == "new"
    assert workflow.set_alias("prod", {1: 50, 2: 50}) == alias
    assert [row["stateMachineAliasArn"] for row in workflow.aliases()] == [alias]
    workflow.delete_alias("prod")
    assert list(workflow.aliases()) == []


def test_an_alias_of_wrong_weights_is_refused_before_it_is_sent() -> None:
    workflow = echo(state_machine_arn=MACHINE)
    for routes in ({1: 90}, {1: 50, 2: 30, 3: 20}, {}):
        with pytest.raises(ValueError, match="weights of 100"):
            workflow.set_alias("prod", routes)


def test_versions_are_listed_page_by_page() -> None:
    workflow, stub = stubbed(
        (
            "list_state_machine_versions",
            {
                "stateMachineVersions": [{"stateMachineVersionArn": f"{MACHINE}:2", "creationDate": DATE}],
                "nextToken": "t",
            },
        ),
        (
            "list_state_machine_versions",
            {"stateMachineVersions": [{"stateMachineVersionArn": f"{MACHINE}:1", "creationDate": DATE}]},
        ),
    )
    assert [row["stateMachineVersionArn"][-1] for row in workflow.versions()] == ["2", "1"]
    stub.assert_no_pending_responses()


# --- executions


def test_an_express_execution_runs_to_its_end_in_one_call(runtime: Any) -> None:
    workflow = echo(client=runtime, type="EXPRESS")
    workflow.create()

    execution = workflow.execute_sync(inputs={"a": 1}, name="run")

    assert execution.status is ExecutionStatus.Succeeded
    assert execution.get_output() == {"a": 1} == execution.get_input()
    assert execution.name == "run"
    assert execution.start_date is not None
    assert execution.stop_date is not None


def test_an_express_execution_that_fails_raises_with_error_and_cause(runtime: Any) -> None:
    workflow = Workflow("Bad", steps.Fail("No", error="E", cause="because"), role=ROLE, client=runtime, type="EXPRESS")
    workflow.create()
    with pytest.raises(ExecutionFailed, match="because") as failure:
        workflow.execute_sync().get_output(wait=True)
    assert failure.value.error == "E"


def test_redriving_sends_the_arn_and_makes_the_execution_run_again() -> None:
    workflow, stub = stubbed(("redrive_execution", {"redriveDate": DATE}))
    execution = Execution(workflow, RUN, None, "FAILED")

    assert execution.redrive() == {"redriveDate": DATE}
    assert execution.status is ExecutionStatus.Running
    stub.assert_no_pending_responses()


def end(execution: Execution) -> None:
    """Let it end: by itself, or, as Moto's never do, by stopping it."""
    if execution.workflow.connection.runtime is None:
        execution.stop()
    execution.wait(timeout=10)


def test_all_executions_and_events_are_asked_for_as_they_are_taken(service: Any) -> None:
    workflow = echo(client=service)
    workflow.create()
    for number in range(5):
        end(workflow.execute(name=f"run-{number}"))

    found = list(workflow.executions())
    assert {execution.name for execution in found} == {f"run-{number}" for number in range(5)}
    ended = found[0].status
    assert ended.ended
    assert len(list(workflow.executions(status_filter=ended))) == 5
    assert list(workflow.executions(status_filter="TIMED_OUT")) == []
    started = workflow.execute(name="last")
    end(started)
    listed = next(e for e in workflow.executions() if e.name == "last")
    for name in ("name", "execution_arn", "status", "start_date", "stop_date"):
        assert type(getattr(listed, name)) is type(getattr(started, name)), name
    if hasattr(service, "register_function"):  # Moto keeps no history of such a machine
        types = [event["type"] for event in started.events()]
        assert types == [event["type"] for event in started.events(reverse=True)][::-1]
        assert types[0] == "ExecutionStarted"


def test_only_pages_that_are_taken_are_asked_for() -> None:
    row = {"executionArn": RUN, "stateMachineArn": MACHINE, "name": "run", "status": "RUNNING", "startDate": DATE}
    workflow, stub = stubbed(("list_executions", {"executions": [row, row], "nextToken": "more"}))
    assert next(workflow.executions()).name == "run"  # a second call would find no answer
    stub.assert_no_pending_responses()


def test_the_picture_shows_the_definition_that_the_execution_began_with(runtime: Any) -> None:
    workflow = echo(client=runtime)
    workflow.create()
    execution = workflow.execute()
    execution.wait()
    workflow.update(steps.Pass("Another"))

    text = str(execution.render_progress())

    assert "Say" in text
    assert "Another" not in text
    assert list(execution.definition()["States"]) == ["Say"]


def test_the_picture_is_drawn_from_the_workflow_where_the_service_refuses_to_tell() -> None:
    workflow, stub = stubbed()
    stub.add_client_error("describe_state_machine_for_execution", "AccessDeniedException")
    assert Execution(workflow, RUN, None, "RUNNING").definition() == workflow.definition.to_dict()


# --- definitions from elsewhere


DEFINITION = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}


def test_a_definition_is_taken_as_dict_text_or_file(tmp_path: Path, runtime: Any) -> None:
    file = tmp_path / "echo.asl.json"
    file.write_text(json.dumps(DEFINITION), encoding="utf-8")

    for given, name in (
        (DEFINITION, "workflow"),
        (json.dumps(DEFINITION), "workflow"),
        (file, "echo"),
        (str(file), "echo"),
    ):
        workflow = Workflow.from_definition(given, role=ROLE, client=runtime)
        assert (workflow.name, workflow.validate(), workflow.definition.to_dict()) == (name, [], DEFINITION)
        assert "Say" in str(workflow.render_graph())
    workflow.create()
    assert workflow.execute(inputs=[1]).get_output(wait=True) == [1]


def test_a_definition_from_elsewhere_can_be_edited() -> None:
    workflow = Workflow.from_definition(DEFINITION, name="Edited")
    workflow.definition.definition["States"]["Say"]["Result"] = 1
    assert json.loads(workflow.to_json())["States"]["Say"] == {"Type": "Pass", "End": True, "Result": 1}
    assert "Result" not in DEFINITION["States"]["Say"]


def test_a_definition_that_is_no_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Workflow.from_definition(tmp_path / "gone.json")
    with pytest.raises(ValueError, match="Expecting"):
        Workflow.from_definition('{"StartAt": ')


def test_creating_logs_likely_mistakes_and_goes_on(runtime: Any, caplog: pytest.LogCaptureFixture) -> None:
    first = steps.Pass("First", result={"bucket": "b"})
    chain = first >> steps.Pass("Second", parameters={"x.$": "$.buckt"})
    Workflow("Mistaken", chain, role=ROLE, client=runtime).create()
    assert "puts 'buckt' into its input" in caplog.text


def test_steps_of_today_are_copied_and_pickled() -> None:
    made = [
        steps.AwsSdkStep("List", "s3", "listObjectsV2", parameters={"Bucket": "b"}),
        steps.AthenaStartQueryExecutionStep("Query", parameters={"QueryString": "select 1"}),
        steps.Map("Each", iterator=steps.Pass("One"), item_reader=steps.S3JsonReader("b", "k")),
    ]
    for step in made:
        assert copy.deepcopy(step).to_dict() == step.to_dict() == pickle.loads(pickle.dumps(step)).to_dict()
