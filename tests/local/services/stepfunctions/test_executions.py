import json
import uuid

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.scheduler.bench import FUNCTION, TOKEN_TASK, machine, task
from tests.local.services.stepfunctions.conftest import ROLE

SILENT = machine(A=task(FUNCTION + "silent"))


def refusal(call):
    with pytest.raises(ServiceError) as raised:
        call()
    return raised.value.code, raised.value.message


def test_an_execution_is_described_with_input_output_and_times(service):
    arn = service.make("m", machine(W={"Type": "Wait", "Seconds": 90}))
    execution = service.finish(arn, name="run", input='{"a": 1}')
    assert execution == "arn:aws:states:eu-central-1:123456789012:execution:m:run"
    assert service.describe_execution({"executionArn": execution}) == {
        "executionArn": execution,
        "stateMachineArn": arn,
        "name": "run",
        "status": "SUCCEEDED",
        "startDate": 1_000_000.0,
        "stopDate": 1_000_090.0,
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": '{"a": 1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_metadata_alone_leaves_the_payloads_out(service):
    execution = service.finish(service.make())
    response = service.describe_execution({"executionArn": execution, "includedData": "METADATA_ONLY"})
    assert "input" not in response
    assert "output" not in response
    assert response["outputDetails"] == {"included": False}


def test_a_failed_execution_has_error_and_cause_but_no_output(service):
    arn = service.make("m", {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}})
    response = service.describe_execution({"executionArn": service.finish(arn)})
    assert (response["status"], response["error"], response["cause"]) == ("FAILED", "E", "because")
    assert "output" not in response
    assert response["redriveStatus"] == "REDRIVABLE"


def test_an_execution_without_a_name_gets_a_uuid_and_without_input_an_empty_object(service):
    execution = service.finish(service.make())
    assert uuid.UUID(execution.rsplit(":", 1)[-1]).version == 4
    assert service.describe_execution({"executionArn": execution})["input"] == "{}"


def test_starting_the_same_while_it_runs_gives_the_one_that_runs(service):
    arn = service.make("m", SILENT)
    first = service.start_execution({"stateMachineArn": arn, "name": "run", "input": '{"a": 1}'})
    service.clock.advance(60)
    assert service.start_execution({"stateMachineArn": arn, "name": "run", "input": '{"a": 1}'}) == first
    other = {"stateMachineArn": arn, "name": "run", "input": '{"a": 2}'}
    assert refusal(lambda: service.start_execution(other)) == (
        "ExecutionAlreadyExists",
        f"Execution Already Exists: '{first['executionArn']}'",
    )


def test_a_name_is_taken_when_its_execution_has_ended(service):
    arn = service.make()
    service.finish(arn, name="run")
    assert refusal(lambda: service.start(arn, name="run"))[0] == "ExecutionAlreadyExists"


@pytest.mark.parametrize("text", ["", "nonsense", "{", "{'a': 1}", "[" * 100_000, '"\ud800'])
def test_an_input_that_is_no_json_is_refused(service, text):
    arn = service.make()
    assert refusal(lambda: service.start(arn, input=text))[0] == "InvalidExecutionInput"
    assert service.list_executions({"stateMachineArn": arn})["executions"] == []


def test_an_input_may_have_262144_bytes_and_no_more(service):
    arn = service.make()
    most = json.dumps("x" * (262_144 - 2))
    assert service.finish(arn, input=most)
    for text in (json.dumps("x" * (262_144 - 1)), json.dumps("é" * 131_072, ensure_ascii=False)):
        assert refusal(lambda text=text: service.start(arn, input=text))[0] == "ValidationException"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("nonsense", "InvalidArn"),
        ("arn:aws:states:eu-central-1:123456789012:stateMachine:m", "InvalidArn"),
        ("arn:aws:states:eu-central-1:123456789012:execution:m:none", "ExecutionDoesNotExist"),
    ],
)
def test_an_arn_that_names_no_execution_is_refused(service, arn, code):
    service.make()
    for operation in (
        service.describe_execution,
        service.stop_execution,
        service.get_execution_history,
        service.describe_state_machine_for_execution,
    ):
        assert refusal(lambda operation=operation: operation({"executionArn": arn}))[0] == code


def test_stop_aborts_and_says_when(service):
    execution = service.start(service.make("m", SILENT))
    service.clock.advance(5)
    assert service.stop_execution({"executionArn": execution, "error": "E", "cause": "c"}) == {"stopDate": 1_000_005.0}
    response = service.describe_execution({"executionArn": execution})
    assert (response["status"], response["error"], response["cause"]) == ("ABORTED", "E", "c")
    service.clock.advance(5)
    assert service.stop_execution({"executionArn": execution}) == {"stopDate": 1_000_005.0}


def test_executions_are_listed_from_new_to_old_in_pages(service):
    arn = service.make()
    for number in range(7):
        service.finish(arn, name=f"e{number}")
    service.finish(service.make("other"))
    names, token = [], {}
    while True:
        page = service.list_executions({"stateMachineArn": arn, "maxResults": 3, **token})
        names += [item["name"] for item in page["executions"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert names == [f"e{number}" for number in reversed(range(7))]


def test_executions_are_filtered_by_status(service):
    arn = service.make("m", SILENT)
    stopped, running = service.start(arn), service.start(arn)
    service.stop_execution({"executionArn": stopped})
    for status, expected in (("RUNNING", [running]), ("ABORTED", [stopped]), ("FAILED", [])):
        page = service.list_executions({"stateMachineArn": arn, "statusFilter": status})
        assert [item["executionArn"] for item in page["executions"]] == expected
    bad = {"stateMachineArn": arn, "statusFilter": "DONE"}
    assert refusal(lambda: service.list_executions(bad))[0] == "ValidationException"


def test_a_page_token_of_another_listing_is_refused(service):
    arn = service.make()
    for _ in range(2):
        service.finish(arn)
    token = service.list_executions({"stateMachineArn": arn, "maxResults": 1})["nextToken"]
    other = {"stateMachineArn": service.make("other"), "nextToken": token}
    assert refusal(lambda: service.list_executions(other))[0] == "InvalidToken"


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_history_comes_in_pages_in_either_order(service, reverse, size):
    states = {f"P{number}": {"Type": "Pass"} for number in range(10)}
    execution = service.finish(service.make("m", machine(**states)))
    ids, token = [], {}
    while True:
        page = service.get_execution_history(
            {"executionArn": execution, "maxResults": size, "reverseOrder": reverse, **token}
        )
        assert len(page["events"]) <= size
        ids += [event["id"] for event in page["events"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert ids == sorted(range(1, 23), reverse=reverse)


def test_the_history_can_leave_the_payloads_out(service):
    execution = service.finish(service.make(), input='{"secret": 1}')
    page = service.get_execution_history({"executionArn": execution, "includeExecutionData": False})
    assert "secret" not in json.dumps(page)
    assert "secret" in json.dumps(service.get_execution_history({"executionArn": execution}))


# Tokens


def outstanding(service):
    execution = service.start(service.make("token", machine(A=task(TOKEN_TASK))))
    handler = service.handlers[TOKEN_TASK]
    assert handler.was_started.wait(30)
    return execution, handler.started[0].token


def test_send_task_success_ends_the_task(service):
    execution, token = outstanding(service)
    assert service.send_task_heartbeat({"taskToken": token}) == {}
    assert service.send_task_success({"taskToken": token, "output": '{"ok": true}'}) == {}
    assert service.scheduler.wait(execution, 30).result == {"output": '{"ok":true}'}
    for call in (
        lambda: service.send_task_success({"taskToken": token, "output": "1"}),
        lambda: service.send_task_failure({"taskToken": token}),
        lambda: service.send_task_heartbeat({"taskToken": token}),
    ):
        assert refusal(call) == ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


def test_send_task_failure_fails_the_task(service):
    execution, token = outstanding(service)
    service.send_task_failure({"taskToken": token, "error": "E", "cause": "c"})
    assert service.scheduler.wait(execution, 30).result == {"error": "E", "cause": "c"}


def test_what_is_no_token_or_no_output_is_refused(service):
    execution, token = outstanding(service)
    bad = {"taskToken": "nonsense", "output": "1"}
    assert refusal(lambda: service.send_task_success(bad)) == ("InvalidToken", "Invalid Token: 'Invalid token'")
    assert refusal(lambda: service.send_task_success({"taskToken": token, "output": "{"}))[0] == "InvalidOutput"
    too_long = {"taskToken": token, "error": "x" * 257}
    assert refusal(lambda: service.send_task_failure(too_long))[0] == "ValidationException"
    assert service.describe_execution({"executionArn": execution})["status"] == "RUNNING"


# Express


def test_an_express_execution_runs_synchronously(service):
    arn = service.make("x", machine(A=task(FUNCTION + "echo"), W={"Type": "Wait", "Seconds": 2}), type="EXPRESS")
    response = service.start_sync_execution({"stateMachineArn": arn, "name": "run", "input": '{"a": 1}'})
    assert (response["status"], json.loads(response["output"])) == ("SUCCEEDED", {"a": 1})
    assert (response["startDate"], response["stopDate"]) == (1_000_000.0, 1_000_002.0)
    assert response["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 2000}
    assert ":express:x:run:" in response["executionArn"]
    again = service.start_sync_execution({"stateMachineArn": arn, "name": "run"})  # names need not be unique
    assert again["executionArn"] != response["executionArn"]


def test_an_express_execution_fails_with_its_error(service):
    definition = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
    arn = service.make("x", definition, type="EXPRESS")
    response = service.start_sync_execution({"stateMachineArn": arn})
    assert (response["status"], response["error"], "output" in response) == ("FAILED", "E", False)


def test_what_belongs_to_one_type_is_refused_to_the_other(service):
    express, standard = service.make("x", type="EXPRESS"), service.make("s")
    execution = service.start(express)
    calls = [
        lambda: service.start_sync_execution({"stateMachineArn": standard}),
        lambda: service.list_executions({"stateMachineArn": express}),
        lambda: service.describe_execution({"executionArn": execution}),
        lambda: service.get_execution_history({"executionArn": execution}),
        lambda: service.stop_execution({"executionArn": execution}),
    ]
    assert {refusal(call)[0] for call in calls} == {"StateMachineTypeNotSupported"}


def test_the_role_of_an_execution_is_that_of_its_state_machine_when_it_started(service):
    arn = service.make("m", SILENT)
    execution = service.start(arn)
    service.update_state_machine({"stateMachineArn": arn, "roleArn": ROLE + "2"})
    assert service.describe_state_machine_for_execution({"executionArn": execution})["roleArn"] == ROLE
