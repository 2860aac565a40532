from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel, Shape

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.catalog.aws_sdk import member_name, resource_action, resource_service
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput, context, intrinsics

LOADER = create_loader()
SERVICES = LOADER.list_available_services("service-2")


def step(action: str, parameters: Any = None, service: str = "s3", **more: Any) -> dict[str, Any]:
    return steps.AwsSdkStep("Call", service=service, action=action, parameters=parameters, **more).to_dict()


def faults(action: str, parameters: Any, service: str = "s3") -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as caught:
        step(action, parameters, service)
    return [
        (found.pointer.removeprefix("/States/Call/"), found.message, found.hint) for found in caught.value.diagnostics
    ]


def test_the_resource_names_service_and_action_as_step_functions_writes_them() -> None:
    assert step("listBuckets")["Resource"] == "arn:aws:states:::aws-sdk:s3:listBuckets"
    for action in ("DescribeLogGroups", "describe_log_groups", "describeLogGroups"):
        found = step(action, service="logs")["Resource"]
        assert found == step(action, service="cloudwatchlogs")["Resource"]
        assert found == "arn:aws:states:::aws-sdk:cloudwatchlogs:describeLogGroups"


def test_a_callback_waits_for_the_token() -> None:
    message = {"QueueUrl": "q", "MessageBody": context.task.token}
    found = step("sendMessage", message, "sqs", wait_for_callback=True)
    assert found["Resource"] == "arn:aws:states:::aws-sdk:sqs:sendMessage.waitForTaskToken"
    assert found["Parameters"] == {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}


def test_unknown_missing_and_wrong_members_are_told_at_once_with_place_and_near_miss() -> None:
    given = {"Buckett": "b", "Tagging": {"TagSet": [{"Key": "a", "Value": 1}]}, "ContentMD5": True}
    assert faults("putBucketTagging", given) == [
        ("Parameters/Buckett", "There is no member 'Buckett' in s3's PutBucketTagging", "Did you mean 'Bucket'?"),
        ("Parameters", "'Bucket' is missing in s3's PutBucketTagging", "Give 'Bucket', which is needed"),
        ("Parameters/ContentMD5", "Expected text, found True in s3's PutBucketTagging", ""),
        ("Parameters/Tagging/TagSet/0/Value", "Expected text, found 1 in s3's PutBucketTagging", ""),
    ]
    assert faults("getObject", None)[0][1] == "'Bucket' is missing in s3's GetObject"
    assert faults("listObjectsV2", ["b"])[0][1] == "Expected an object, found a list in s3's ListObjectsV2"


def test_members_begin_with_a_capital_whatever_the_api_writes() -> None:
    assert step("startExecution", {"StateMachineArn": "arn"}, "stepfunctions")["Resource"].endswith(
        ":sfn:startExecution"
    )
    [wrong, missing] = faults("startExecution", {"stateMachineArn": "arn"}, "sfn")
    assert wrong[2] == "Did you mean 'StateMachineArn'?"
    assert missing[1].startswith("'StateMachineArn' is missing")


def test_placeholders_paths_and_expressions_are_judged_by_name_alone() -> None:
    inputs = ExecutionInput()
    request = {
        "Bucket": f"s3-{inputs['name']}",
        "MaxKeys": inputs["most"],
        "Prefix.$": "States.Format('{}', $.p)",
        "Delimiter": intrinsics.uuid(),
    }
    assert step("listObjectsV2", request)["Parameters"]["MaxKeys.$"] == "$$.Execution.Input['most']"
    jsonata = {"arguments": {"Bucket": "{% $states.input.b %}", "MaxKeys": "{% 1 + 1 %}"}, "query_language": "JSONata"}
    assert step("listObjectsV2", **jsonata)["Arguments"]["MaxKeys"] == "{% 1 + 1 %}"
    assert "Did you mean 'MaxKeys'?" in str(faults("listObjectsV2", {"Bucket": "b", "MaxKey.$": "$.k"}))


def test_documents_bytes_and_generated_tokens_take_any_json_or_nothing() -> None:
    assert step("invoke", {"FunctionName": "f", "Payload": {"any": [1]}}, "lambda")["Parameters"]["Payload"]
    assert step("putItem", {"TableName": "t", "Item": {"a": {"N": "1"}}}, "dynamodb")
    assert step("startQueryExecution", {"QueryString": "select 1"}, "athena")  # ClientRequestToken is made by the SDK


def test_a_request_changed_afterwards_is_judged_again() -> None:
    call = steps.AwsSdkStep("Call", "s3", "getObject", parameters={"Bucket": "b", "Key": "k"})
    call.parameters["Kee"] = "x"
    with pytest.raises(DefinitionError, match="no member 'Kee'"):
        steps.Graph(call).to_dict()
    with pytest.raises(DefinitionError, match="'Bucket' is missing"):
        call.update_parameters({"Key": "k"})


@pytest.mark.parametrize(
    ("service", "action", "message"),
    [
        ("sagemker", "createModel", "no service 'sagemker'.*Did you mean 'sagemaker'"),
        ("s3", "listBuckts", "no action 'listBuckts'.*Did you mean 'listBuckets'"),
    ],
)
def test_a_service_or_action_that_is_not_there_is_refused_with_the_near_miss(
    service: str, action: str, message: str
) -> None:
    with pytest.raises(DefinitionError, match=message):
        steps.AwsSdkStep("Call", service, action)


def sample(shape: Shape, depth: int = 0) -> Any:
    """A value of a shape: what it needs, and at the top everything."""
    if shape.type_name == "structure":
        wanted = shape.members if depth == 0 else shape.required_members
        return {member_name(name): sample(shape.members[name], depth + 1) for name in wanted}
    if shape.type_name == "list":
        return [sample(shape.member, depth + 1)] if depth < 6 else []
    if shape.type_name == "map":
        return {"key": sample(shape.value, depth + 1)} if depth < 6 else {}
    plain: Mapping[str, Any] = {"boolean": True, "integer": 1, "long": 1, "float": 1.5, "double": 2}
    return plain.get(shape.type_name, "text")


@pytest.mark.parametrize("service", SERVICES[::12])
def test_every_action_of_a_service_has_a_step_that_takes_what_its_model_takes(service: str) -> None:
    raw = LOADER.load_service_model(service, "service-2")
    model = ServiceModel(raw, service)
    made = []
    for name in model.operation_names[:25]:
        operation = model.operation_model(name)
        request = sample(operation.input_shape) if operation.input_shape else None
        call = steps.AwsSdkStep(name[:80], service, resource_action(name), parameters=request)
        assert call.resource == f"arn:aws:states:::aws-sdk:{resource_service(model.service_id)}:{resource_action(name)}"
        made.append(call)
    assert validate(steps.Graph(steps.Chain(made)).to_dict()) == []


def test_each_service_is_found_by_the_name_that_its_resource_has() -> None:
    from mlflowsteps.catalog.aws_sdk import find_service

    wrong = {}
    for service in SERVICES:
        name = resource_service(LOADER.load_service_model(service, "service-2")["metadata"]["serviceId"])
        if find_service(name, SERVICES) != service:
            wrong[service] = find_service(name, SERVICES)
    assert wrong == {"pinpoint-sms-voice": "sms-voice"}  # two services of one id; the docs name the older one
