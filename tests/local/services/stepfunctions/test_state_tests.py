import json

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.scheduler.bench import FUNCTION
from tests.local.services.stepfunctions.conftest import ROLE

INVOKE = "arn:aws:states:::lambda:invoke"
DISTRIBUTED = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Inner",
    "States": {"Inner": {"Type": "Pass", "End": True}},
}
BRANCHES = [{"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("B1", "B2")]


def task(**fields):
    return {"Type": "Task", "Resource": INVOKE, "End": True, **fields}


def probe(service, definition, value=None, **params):
    request = {"definition": json.dumps(definition), "input": json.dumps({} if value is None else value)}
    for key in ("variables", "context"):
        if key in params:
            params[key] = json.dumps(params[key])
    response = service.test_state(request | {"inspectionLevel": "DEBUG"} | params)
    return {key: loaded(item) for key, item in response.items()}


def loaded(item):
    if isinstance(item, dict):
        return {key: loaded(value) for key, value in item.items()}
    return json.loads(item) if isinstance(item, str) and item[:1] in '{["' else item


def mocked(result):
    return {"result": json.dumps(result)}


def broken(error="Broken", cause="because"):
    return {"errorOutput": {"error": error, "cause": cause}}


def refusal(service, definition, **params):
    with pytest.raises(ServiceError) as raised:
        probe(service, definition, **params)
    return raised.value.code, raised.value.message


def test_info_tells_status_output_and_next_state_alone(service):
    state = {"Type": "Pass", "Result": 1, "Next": "Later"}
    response = probe(service, state, inspectionLevel="INFO")
    assert response == {"status": "SUCCEEDED", "output": "1", "nextState": "Later"}


def test_every_phase_of_a_jsonpath_task_is_inspected(service):
    state = task(
        InputPath="$.a",
        Parameters={"FunctionName": "f", "Payload.$": "$.b"},
        ResultSelector={"code.$": "$.StatusCode"},
        ResultPath="$.got",
        OutputPath="$.got",
    )
    answer = {"Payload": [1], "StatusCode": 200}
    response = probe(service, state, {"a": {"b": 2}}, mock=mocked(answer))
    assert response["output"] == {"code": 200}
    assert response["inspectionData"] == {
        "input": {"a": {"b": 2}},
        "afterInputPath": {"b": 2},
        "afterParameters": {"FunctionName": "f", "Payload": 2},
        "result": answer,
        "afterResultSelector": {"code": 200},
        "afterResultPath": {"a": {"b": 2}, "got": {"code": 200}},
    }


def test_a_jsonata_task_shows_its_arguments_and_result(service):
    state = task(QueryLanguage="JSONata", Arguments={"FunctionName": "{% $name %}"}, Output="{% $states.result %}")
    response = probe(service, state, mock=mocked({"StatusCode": 200}), variables={"name": "f"})
    assert response["inspectionData"] == {
        "input": {},
        "afterArguments": {"FunctionName": "f"},
        "result": {"StatusCode": 200},
        "variables": {"name": "f"},
    }


def test_variables_after_the_state_hold_what_it_assigned(service):
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"n": "{% $n + 1 %}"}, "End": True}
    response = probe(service, state, variables={"n": 1, "m": 5})
    assert response["inspectionData"]["variables"] == {"n": 2, "m": 5}


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [(0, ("RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 2})),
     (2, ("RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 18})),
     (3, ("CAUGHT_ERROR", {"catchIndex": 1}))],
)  # fmt: skip
def test_a_mocked_error_is_retried_until_its_retrier_is_spent_then_caught(service, attempts, expected):
    state = task(
        Retry=[
            {"ErrorEquals": ["Other"]},
            {"ErrorEquals": ["Broken"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3},
        ],
        Catch=[{"ErrorEquals": ["Other"], "Next": "X"}, {"ErrorEquals": ["States.ALL"], "Next": "Y"}],
    )
    response = probe(service, state, mock=broken(), stateConfiguration={"retrierRetryCount": attempts})
    assert (response["status"], response["inspectionData"]["errorDetails"]) == expected
    assert (response["error"], response["cause"]) == ("Broken", "because")
    caught = attempts == 3
    assert response.get("nextState") == ("Y" if caught else None)
    assert response.get("output") == ({"Error": "Broken", "Cause": "because"} if caught else None)


def test_an_error_that_nothing_takes_up_fails_the_state(service):
    response = probe(service, task(), mock=broken(), inspectionLevel="INFO")
    assert response == {"status": "FAILED", "error": "Broken", "cause": "because"}


def test_a_fault_of_a_phase_fails_the_state_with_the_phases_before_it(service):
    response = probe(service, {"Type": "Pass", "InputPath": "$.gone", "End": True})
    assert (response["status"], response["error"]) == ("FAILED", "States.Runtime")
    assert "No results for path" in response["cause"]
    assert response["inspectionData"] == {"input": {}}


def test_a_map_is_inspected_and_its_failed_items_weighed(service):
    state = {
        "Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": DISTRIBUTED, "MaxConcurrency": 3, "End": True,
        "ItemSelector": {"n.$": "$$.Map.Item.Value"}, "ToleratedFailurePercentage": 50,
    }  # fmt: skip
    fine = probe(
        service, state, {"rows": [1, 2]}, mock=mocked([1, 4]), stateConfiguration={"mapIterationFailureCount": 1}
    )
    assert fine["output"] == [1, 4]
    assert fine["inspectionData"] == {
        "input": {"rows": [1, 2]},
        "afterInputPath": {"rows": [1, 2]},
        "afterItemsPath": [1, 2],
        "afterItemSelector": [{"n": 1}, {"n": 2}],
        "maxConcurrency": 3,
        "toleratedFailurePercentage": 50,
        "afterResultSelector": [1, 4],
        "afterResultPath": [1, 4],
    }
    failed = probe(
        service, state, {"rows": [1, 2]}, mock=mocked([1, 4]), stateConfiguration={"mapIterationFailureCount": 2}
    )
    assert (failed["status"], failed["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_a_map_takes_what_its_reader_is_said_to_have_read(service):
    state = {
        "Type": "Map", "QueryLanguage": "JSONata", "ItemProcessor": DISTRIBUTED, "End": True,
        "ItemSelector": "{% $states.context.Map.Item.Value * 2 %}",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "b", "Key": "k"},
            "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/data/rows"},
        },
    }  # fmt: skip
    configuration = {"mapItemReaderData": '{"data": {"rows": [1, 2]}}'}
    shown = probe(service, state, mock=mocked([]), stateConfiguration=configuration)["inspectionData"]
    assert (shown["afterItemsPointer"], shown["afterItemSelector"]) == ([1, 2], [2, 4])
    configuration = {"mapItemReaderData": '{"data": 1}'}
    code, message = refusal(service, state, mock=mocked([]), stateConfiguration=configuration)
    assert code == "ValidationException"
    assert "/data/rows" in message


def test_a_parallel_takes_an_array_for_its_branches(service):
    state = {"Type": "Parallel", "Branches": BRANCHES, "ResultPath": "$.b", "End": True}
    response = probe(service, state, {"a": 1}, mock=mocked([1, 2]))
    assert response["output"] == {"a": 1, "b": [1, 2]}
    assert set(response["inspectionData"]) == {"input", "afterResultSelector", "afterResultPath"}
    assert "array" in refusal(service, state, mock=mocked({}))[1]


def test_a_state_of_a_machine_is_named_wherever_it_stands(service):
    machine = {
        "StartAt": "Outer",
        "States": {
            "Outer": {"Type": "Parallel", "Branches": BRANCHES, "Next": "M"},
            "M": {"Type": "Map", "ItemProcessor": DISTRIBUTED, "End": True},
        },
    }
    assert probe(service, machine, 7, stateName="B2")["output"] == "7"
    assert probe(service, machine, {"a": 1}, stateName="Inner")["output"] == {"a": 1}
    assert refusal(service, machine, stateName="Nowhere")[0] == "ValidationException"
    assert "stateName" in refusal(service, machine)[1]


def test_the_context_object_is_the_one_given(service):
    state = task(Parameters={"FunctionName.$": "$$.Execution.Input.f"})
    context = {"Execution": {"Input": {"f": "g"}}}
    response = probe(service, state, mock=mocked({}), context=context)
    assert response["inspectionData"]["afterParameters"] == {"FunctionName": "g"}
    assert "mock" in refusal(service, {"Type": "Pass", "End": True}, context=context)[1]


@pytest.mark.parametrize(
    ("resource", "result", "mode", "fault"),
    [
        (
            "arn:aws:states:::states:startExecution",
            {"ExecutionArn": "a"},
            "STRICT",
            "Required field 'StartDate' is missing",
        ),
        ("arn:aws:states:::states:startExecution", {"ExecutionArn": "a"}, "PRESENT", None),
        (
            "arn:aws:states:::states:startExecution",
            {"ExecutionArn": 5},
            "PRESENT",
            "Field 'ExecutionArn' must be a string",
        ),
        ("arn:aws:states:::states:startExecution", {"ExecutionArn": 5}, "NONE", None),
        (
            "arn:aws:states:::aws-sdk:s3:listBuckets",
            {"Buckets": [{"Name": 1}]},
            "STRICT",
            "Field 'Buckets[0].Name' must be a string",
        ),
        (
            "arn:aws:states:::aws-sdk:s3:listBuckets",
            {"Buckets": {}, "New": 1},
            "STRICT",
            "Field 'Buckets' must be an array",
        ),
        (
            "arn:aws:states:::sagemaker:createTrainingJob.sync",
            {"TrainingJobName": "j"},
            "STRICT",
            "Required field 'TrainingJobArn' is missing",
        ),
        ("arn:aws:states:::sns:publish", [], "STRICT", "The result must be an object"),
        ("arn:aws:states:::lambda:invoke", {"Payload": {"any": "JSON"}}, "STRICT", None),
        (FUNCTION + "f", [1], "STRICT", None),
    ],
)
def test_a_mocked_result_is_judged_by_the_model_of_the_api(service, resource, result, mode, fault):
    state, mock = task(Resource=resource, Parameters={}), mocked(result) | {"fieldValidationMode": mode}
    required = {
        "states": {"StateMachineArn": "m"},
        "sns": {"Message": "m", "TopicArn": "t"},
        "lambda": {"FunctionName": "f"},
    }
    state["Parameters"] = required.get(resource.split(":")[5] if ":::" in resource else "", {})
    if "sagemaker" in resource:
        state["Parameters"] = {
            "TrainingJobName": "j",
            "AlgorithmSpecification": {},
            "RoleArn": "r",
            "OutputDataConfig": {},
            "ResourceConfig": {},
            "StoppingCondition": {},
        }
    if fault is None:
        assert probe(service, state, mock=mock)["status"] == "SUCCEEDED"
    else:
        assert refusal(service, state, mock=mock) == (
            "ValidationException", f"Mock result schema validation error: {fault}"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "params", "word"),
    [
        ({"Type": "Pass", "End": True}, {"mock": mocked(1)}, "Pass"),
        (task(), {"mock": {}}, "only one"),
        (task(), {"mock": {**mocked(1), **broken()}}, "only one"),
        (task(), {"mock": broken(error="")}, "error"),
        (task(), {}, "roleArn"),
        (task(Resource=INVOKE + ".waitForTaskToken"), {"roleArn": ROLE}, "mock"),
        ({"Type": "Parallel", "Branches": BRANCHES, "End": True}, {}, "mock"),
        (task(), {"mock": {"result": "{"}}, "Expecting"),
        (task(), {"mock": broken(), "inspectionLevel": "ALL"}, "INFO"),
        ({"Type": "Parallel", "Branches": BRANCHES, "End": True},
         {"mock": broken(), "stateConfiguration": {"errorCausedByState": "B3"}}, "B3"),
    ],
)  # fmt: skip
def test_what_cannot_be_tested_so_is_refused_with_the_reason(service, state, params, word):
    code, message = refusal(service, state, **params)
    assert code == "ValidationException"
    assert word in message


def test_a_task_without_a_mock_is_carried_out(service):
    state = task(Resource=FUNCTION + "echo", ResultPath="$.echo")
    response = probe(service, state, {"a": 1}, roleArn=ROLE)
    assert response["output"] == {"a": 1, "echo": {"a": 1}}
    assert response["inspectionData"]["result"] == {"a": 1}


def test_a_task_that_never_answers_times_out(service):
    state = task(Resource=FUNCTION + "silent", TimeoutSeconds=1)
    response = probe(service, state, roleArn=ROLE)
    assert (response["status"], response["error"]) == ("FAILED", "States.Timeout")


def test_a_wait_is_not_waited_for_but_may_not_exceed_the_length_of_a_test(service):
    assert probe(service, {"Type": "Wait", "Seconds": 300, "End": True})["status"] == "SUCCEEDED"
    response = probe(service, {"Type": "Wait", "Seconds": 301, "End": True})
    assert (response["status"], response["error"]) == ("FAILED", "States.Timeout")


def test_a_wrong_definition_is_refused_with_its_diagnostics(service):
    code, message = refusal(service, {"Type": "Pass", "Result": 1})
    assert code == "InvalidDefinition"
    assert "/States/StateName" in message


@pytest.mark.parametrize(
    ("kind", "text", "items"),
    [
        ("CSV", "a,b\n1,2\n3,4\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("JSONL", '{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("JSON", '{"k": 5}', [{"Key": "k", "Value": 5}]),
    ],
)
def test_what_a_reader_is_said_to_have_read_is_read_as_its_type(service, kind, text, items):
    state = {
        "Type": "Map", "QueryLanguage": "JSONata", "ItemProcessor": DISTRIBUTED, "End": True,
        "ItemSelector": "{% $states.context.Map.Item.Value %}",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "b", "Key": "k"},
            "ReaderConfig": {"InputType": kind, **({"CSVHeaderLocation": "FIRST_ROW"} if kind == "CSV" else {})},
        },
    }  # fmt: skip
    shown = probe(service, state, mock=mocked([]), stateConfiguration={"mapItemReaderData": text})["inspectionData"]
    assert shown["afterItemSelector"] == items


def test_items_are_shown_in_their_batches(service):
    state = {
        "Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": DISTRIBUTED, "End": True,
        "ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"day.$": "$.day"}},
    }  # fmt: skip
    shown = probe(service, state, {"rows": [1, 2, 3], "day": "d"}, mock=mocked([]))["inspectionData"]
    assert shown["afterItemBatcher"] == [
        {"BatchInput": {"day": "d"}, "Items": [1, 2]},
        {"BatchInput": {"day": "d"}, "Items": [3]},
    ]
