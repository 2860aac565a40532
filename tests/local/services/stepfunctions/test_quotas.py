"""Each quota of a runtime: what is within it passes, what is beyond is refused as the service does."""

import json

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.quotas import Quotas
from tests.local.scheduler.bench import FUNCTION, machine, task
from tests.local.services.stepfunctions.conftest import PASS, Service

WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 500, "End": True}}}


@pytest.fixture
def service_of(tmp_path):
    made = []

    def make(**quotas):
        service = Service(tmp_path / "store.sqlite", quotas=Quotas.of(quotas))
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


def refusal(call):
    with pytest.raises(ServiceError) as raised:
        call()
    return raised.value.code


def result(service, definition, **params):
    described = service.describe_execution({"executionArn": service.finish(service.make("m", definition), **params)})
    return described["status"], described.get("error")


def test_the_length_of_a_history(service_of):
    again = {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "E"}], "Default": "C"}
    loop = {"StartAt": "C", "States": {"C": again, "E": {"Type": "Succeed"}}}
    service = service_of(history_events=40)
    assert result(service, loop) == ("FAILED", "States.Runtime")
    execution = service.list_executions({"stateMachineArn": service.make("m", loop)})["executions"][0]["executionArn"]
    events = service.get_execution_history({"executionArn": execution})["events"]
    assert len(events) == 40
    assert refusal(lambda: service.redrive_execution({"executionArn": execution})) == "ExecutionNotRedrivable"


def test_the_bytes_of_payloads_and_variables(service_of):
    service = service_of(payload_bytes=100, variables_bytes=150)
    arn = service.make("p", PASS)
    assert refusal(lambda: service.start(arn, input=json.dumps("x" * 100))) == "ValidationException"
    large = {"Type": "Pass", "Result": "x" * 100, "End": True}
    assert result(service, {"StartAt": "A", "States": {"A": large}}) == ("FAILED", "States.DataLimitExceeded")


def test_the_bytes_of_all_variables(service_of):
    service = service_of(variables_bytes=150)
    many = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"a": "x" * 90}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"b": "x" * 90}, "End": True},
        },
    }
    assert result(service, many) == ("FAILED", "States.DataLimitExceeded")


def test_the_bytes_of_a_result(service_of):
    service = service_of(payload_bytes=100)
    state = task(FUNCTION + "echo", Parameters={"a.$": "States.Format('{}{}', $, $)"})
    assert result(service, machine(A=state), input=json.dumps("x" * 60)) == ("FAILED", "States.DataLimitExceeded")


def test_the_length_of_names_and_the_bytes_of_definitions(service_of):
    service = service_of(name_length=10, definition_bytes=200)
    assert refusal(lambda: service.make("elevenchars")) == "InvalidName"
    arn = service.make("tenletters")
    assert refusal(lambda: service.start(arn, name="elevenchars")) == "InvalidName"
    assert refusal(lambda: service.create_activity({"name": "elevenchars"})) == "InvalidName"
    assert refusal(lambda: service.make("m", {**PASS, "Comment": "x" * 200})) == "ValidationException"


def test_the_number_of_things(service_of):
    service = service_of(state_machines=1, activities=1, tags=1, open_executions=1)
    arn = service.make("m", WAIT)
    assert refusal(lambda: service.make("n")) == "StateMachineLimitExceeded"
    service.create_activity({"name": "a"})
    assert refusal(lambda: service.create_activity({"name": "b"})) == "ActivityLimitExceeded"
    tags = [{"key": key, "value": ""} for key in "ab"]
    assert refusal(lambda: service.tag_resource({"resourceArn": arn, "tags": tags})) == "TooManyTags"
    release = service.clock.hold()
    service.start(arn)
    assert refusal(lambda: service.start(arn)) == "ExecutionLimitExceeded"
    release()
    assert [row["name"] for row in service.list_state_machines({})["stateMachines"]] == ["m"]


def test_the_time_of_an_express_execution(service_of):
    service = service_of(express_seconds=400)
    arn = service.make("e", WAIT, type="EXPRESS")
    response = service.start_sync_execution({"stateMachineArn": arn})
    assert (response["status"], response["stopDate"] - response["startDate"]) == ("TIMED_OUT", 400)


def test_children_of_a_map_run_have_the_quotas_of_their_parent(service_of):
    service = service_of(history_events=40)
    again = {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "E"}], "Default": "C"}
    loop = {"StartAt": "C", "States": {"C": again, "E": {"Type": "Succeed"}}}
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    rows = {"Type": "Map", "ItemProcessor": {**config, **loop}, "End": True}
    parent = service.finish(service.make("m", {"StartAt": "M", "States": {"M": rows}}), input='[{"a": 1}]')
    run = service.list_map_runs({"executionArn": parent})["mapRuns"][0]["mapRunArn"]
    child = service.list_executions({"mapRunArn": run})["executions"][0]["executionArn"]
    assert len(service.get_execution_history({"executionArn": child})["events"]) == 40
