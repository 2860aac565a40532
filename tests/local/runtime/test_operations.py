"""Every operation of Step Functions' model, through the runtime's boto3 client."""

import json

import botocore.loaders
import pytest
from botocore.exceptions import ClientError
from botocore.model import ServiceModel

from mlflowsteps.local import LocalRuntime, VirtualClock
from mlflowsteps.local.services.stepfunctions import StepFunctions

ROLE = "arn:aws:iam::123456789012:role/workflow"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": True}}}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
SERVICE = "arn:aws:states:us-east-1:123456789012:"
CLOSE = {"loggingConfiguration": {"level": "OFF"}, "tracingConfiguration": {"enabled": True},
         "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}  # fmt: skip


def _model():
    document = botocore.loaders.create_loader().load_service_model("stepfunctions", "service-2")
    return ServiceModel(document, "stepfunctions")


MODEL = _model()


class Seen(dict):
    """Parameters that note which of them were asked for."""

    def __init__(self, params):
        super().__init__(params)
        self.asked = set()

    def __contains__(self, key):
        self.asked.add(key)
        return super().__contains__(key)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    with LocalRuntime(tmp_path_factory.mktemp("operations") / "runtime", clock=VirtualClock()) as runtime:
        prepare(runtime.client("stepfunctions"))
        yield runtime


def machine(client, name, definition, **params):
    request = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE}
    return client.create_state_machine(**request, **params)["stateMachineArn"]


def prepare(client):
    """What the calls below name."""
    arn = machine(client, "m", PASS, publish=True)
    client.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    )
    machine(client, "express", PASS, type="EXPRESS")
    machine(client, "task", {"StartAt": "A", "States": {"A": {**TASK, "Resource": SERVICE + "activity:act"}}})
    client.create_activity(name="act")
    for name in ("done", "failing"):
        made = machine(client, name, FAIL if name == "failing" else PASS)
        client.start_execution(stateMachineArn=made, name="run")
    mapped = {
        "Type": "Map", "End": True,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PASS},
    }  # fmt: skip
    arn = machine(client, "rows", {"StartAt": "M", "States": {"M": mapped}})
    client.start_execution(stateMachineArn=arn, name="run", input="[1,2]")


def execution(name):
    return f"{SERVICE}execution:{name}:run"


def token(client):
    client.start_execution(stateMachineArn=SERVICE + "stateMachine:task")
    return client.get_activity_task(activityArn=SERVICE + "activity:act")["taskToken"]


def map_run(runtime):
    runtime.wait(execution("rows"), 30)
    return runtime.client("stepfunctions").list_map_runs(executionArn=execution("rows"))["mapRuns"][0]["mapRunArn"]


M, ACT = SERVICE + "stateMachine:m", SERVICE + "activity:act"
PAGE = {"maxResults": 5, "nextToken": None}
DATA = {"includedData": "METADATA_ONLY"}
CALLS = {
    "CreateActivity": {"name": "new", "tags": [], "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}},
    "CreateStateMachine": {"name": "new", "definition": json.dumps(PASS), "roleArn": ROLE, "type": "STANDARD",
                           "tags": [], "publish": True, "versionDescription": "d", **CLOSE},
    "CreateStateMachineAlias": {"name": "more", "description": "d",
                                "routingConfiguration": [{"stateMachineVersionArn": M + ":1", "weight": 100}]},
    "DeleteActivity": {"activityArn": SERVICE + "activity:gone"},
    "DeleteStateMachine": {"stateMachineArn": SERVICE + "stateMachine:gone"},
    "DeleteStateMachineAlias": {"stateMachineAliasArn": M + ":more"},
    "DeleteStateMachineVersion": {"stateMachineVersionArn": M + ":9"},
    "DescribeActivity": {"activityArn": ACT},
    "DescribeExecution": {"executionArn": execution("done"), **DATA},
    "DescribeMapRun": {"mapRunArn": map_run},
    "DescribeStateMachine": {"stateMachineArn": M, **DATA},
    "DescribeStateMachineAlias": {"stateMachineAliasArn": M + ":live"},
    "DescribeStateMachineForExecution": {"executionArn": execution("done"), **DATA},
    "GetActivityTask": {"activityArn": ACT, "workerName": "w"},
    "GetExecutionHistory": {"executionArn": execution("done"), "reverseOrder": True, "includeExecutionData": False,
                            **PAGE},
    "ListActivities": PAGE,
    "ListExecutions": {"stateMachineArn": SERVICE + "stateMachine:done", "statusFilter": "SUCCEEDED",
                       "mapRunArn": None, "redriveFilter": None, **PAGE},
    "ListMapRuns": {"executionArn": execution("rows"), **PAGE},
    "ListStateMachineAliases": {"stateMachineArn": M, **PAGE},
    "ListStateMachineVersions": {"stateMachineArn": M, **PAGE},
    "ListStateMachines": PAGE,
    "ListTagsForResource": {"resourceArn": M},
    "PublishStateMachineVersion": {"stateMachineArn": M, "revisionId": None, "description": None},
    "RedriveExecution": {"executionArn": execution("failing"), "clientToken": "t"},
    "SendTaskFailure": {"taskToken": token, "error": "E", "cause": "c"},
    "SendTaskHeartbeat": {"taskToken": token},
    "SendTaskSuccess": {"taskToken": token, "output": "1"},
    "StartExecution": {"stateMachineArn": M + ":live", "name": "by-alias", "input": "{}", "traceHeader": "t"},
    "StartSyncExecution": {"stateMachineArn": SERVICE + "stateMachine:express", "name": "n", "input": "{}",
                           "traceHeader": "t", **DATA},
    "StopExecution": {"executionArn": execution("done"), "error": "E", "cause": "c"},
    "TagResource": {"resourceArn": M, "tags": [{"key": "k", "value": "v"}]},
    "TestState": {"definition": json.dumps({"StartAt": "A", "States": {"A": TASK}}), "roleArn": ROLE, "input": "{}",
                  "inspectionLevel": "TRACE", "revealSecrets": True, "variables": "{}", "stateName": "A",
                  "mock": {"result": "{}"}, "context": "{}", "stateConfiguration": {"retrierRetryCount": 0}},
    "UntagResource": {"resourceArn": M, "tagKeys": ["k"]},
    "UpdateMapRun": {"mapRunArn": map_run, "maxConcurrency": 1, "toleratedFailurePercentage": 1.0,
                     "toleratedFailureCount": 1},
    "UpdateStateMachine": {"stateMachineArn": M, "definition": json.dumps(WAIT), "roleArn": ROLE, "publish": True,
                           "versionDescription": "d", **CLOSE},
    "UpdateStateMachineAlias": {"stateMachineAliasArn": M + ":live", "description": "d",
                                "routingConfiguration": [{"stateMachineVersionArn": M + ":1", "weight": 100}]},
    "ValidateStateMachineDefinition": {"definition": json.dumps(PASS), "type": "STANDARD", "severity": "WARNING",
                                       "maxResults": 5},
}  # fmt: skip
REFUSED = {"UpdateMapRun": "ValidationException"}  # it has ended
MAKERS = {map_run: map_run, token: lambda runtime: token(runtime.client("stepfunctions"))}


def test_every_operation_of_the_model_is_called_here():
    assert set(CALLS) == set(MODEL.operation_names)
    assert len(CALLS) == 37


@pytest.mark.parametrize("name", list(CALLS))
def test_an_operation_answers_and_reads_every_parameter_of_its_model(runtime, monkeypatch, name):
    method, seen = _method(name), []
    real = getattr(StepFunctions, method)
    monkeypatch.setattr(StepFunctions, method, lambda self, params: real(self, seen.append(Seen(params)) or seen[-1]))
    given = {key: MAKERS[value](runtime) if callable(value) else value for key, value in CALLS[name].items()}
    members = set(MODEL.operation_model(name).input_shape.members)
    assert set(given) == members
    call = getattr(runtime.client("stepfunctions"), method)
    try:
        call(**{key: value for key, value in given.items() if value is not None})
        code = None
    except ClientError as error:
        code = error.response["Error"]["Code"]
    assert code == REFUSED.get(name)
    assert members - seen[0].asked <= {key for key, value in given.items() if value is None}


@pytest.mark.parametrize("name", [name for name, given in CALLS.items() if any("Arn" in key for key in given)])
def test_an_arn_of_another_kind_is_refused(runtime, name):
    arns = {key: value for key, value in CALLS[name].items() if key.endswith("Arn") and value is not None}
    given = {key: "x" if callable(value) else value for key, value in CALLS[name].items() if value is not None}
    call = getattr(runtime.client("stepfunctions"), _method(name))
    for key in arns:
        with pytest.raises(ClientError) as raised:
            call(**given | {key: "arn:aws:states:us-east-1:123456789012:nothing:x"})
        assert raised.value.response["Error"]["Code"] in ("InvalidArn", "ResourceNotFound"), key
        with pytest.raises(ClientError) as raised:
            call(**given | {key: "no arn"})
        assert raised.value.response["Error"]["Code"] == "InvalidArn", key


@pytest.mark.parametrize("name", [name for name, given in CALLS.items() if "nextToken" in given])
def test_a_token_of_no_page_is_refused(runtime, name):
    given = {key: value for key, value in CALLS[name].items() if value is not None}
    call = getattr(runtime.client("stepfunctions"), _method(name))
    with pytest.raises(ClientError) as raised:
        call(**given, nextToken="no token")
    assert raised.value.response["Error"]["Code"] == "InvalidToken"
    with pytest.raises(ClientError) as raised:
        call(**given | {"maxResults": 1001})
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def _method(name):
    from botocore import xform_name

    return xform_name(name)
