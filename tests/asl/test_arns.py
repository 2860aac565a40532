"""ARNs and what a Task's Resource names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl import arns
from mlflowsteps.asl.arns import parse_arn, parse_resource
from mlflowsteps.catalog.integrations import integrations

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Demo"


@pytest.mark.parametrize("account", ["123456789012", "1234567890", "your-account-id", ""])
def test_accounts_are_read_leniently(account):
    text = f"arn:aws-cn:lambda:cn-north-1:{account}:function:f"
    assert parse_arn(text).account == account
    assert str(parse_arn(text)) == text


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:s3", "arn:aws:states:us-east-1:1:", "urn:aws:a:b:c:d", "arn::a:b:c:d"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="no ARN"):
        parse_arn(text)


@pytest.mark.parametrize(
    ("text", "kind", "service", "action", "pattern"),
    [
        ("arn:aws:lambda:us-east-1:1:function:f", "lambda", "lambda", "f", "request_response"),
        ("arn:aws:lambda:us-east-1:1:function:f:live", "lambda", "lambda", "f:live", "request_response"),
        ("arn:aws:states:us-east-1:1:activity:a", "activity", "states", "a", "request_response"),
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", "optimized", "sagemaker", "createTrainingJob", "sync"),
        ("arn:aws:states:::states:startExecution.sync:2", "optimized", "states", "startExecution", "sync:2"),
        ("arn:aws-cn:states:::sqs:sendMessage.waitForTaskToken", "optimized", "sqs", "sendMessage", "waitForTaskToken"),
        ("arn:aws:states:::aws-sdk:s3:listBuckets", "aws-sdk", "s3", "listBuckets", "request_response"),
        ("arn:aws:states:::aws-sdk:sfn:x.waitForTaskToken", "aws-sdk", "sfn", "x", "waitForTaskToken"),
        ("arn:aws:states:::http:invoke", "optimized", "http", "invoke", "request_response"),
        (MACHINE, "state-machine", "states", "Demo", "request_response"),
        ("arn:aws:sns:us-east-1:1:topic", "other", "sns", "topic", "request_response"),
    ],
)
def test_resources(text, kind, service, action, pattern):
    found = parse_resource(text)
    assert (found.kind, found.service, found.action, found.pattern) == (kind, service, action, pattern)


def test_history_names_of_resources():
    sync = parse_resource("arn:aws:states:::sagemaker:createTrainingJob.sync")
    assert (sync.resource_type, sync.resource_name) == ("sagemaker", "createTrainingJob.sync")
    sdk = parse_resource("arn:aws:states:::aws-sdk:secretsmanager:createSecret")
    assert (sdk.resource_type, sdk.resource_name) == ("aws-sdk:secretsmanager", "createSecret")


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:states:::sns",
        "arn:aws:states:::sns:",
        "arn:aws:states:::aws-sdk:s3",
        "arn:aws:states:::aws-sdk::x",
        "f",
    ],
)
def test_resources_without_an_action_are_refused(text):
    with pytest.raises(ValueError, match=r"no (ARN|action)"):
        parse_resource(text)


@pytest.mark.parametrize("row", integrations().values(), ids=lambda row: row.name)
def test_every_integration_of_the_catalog_is_read(row):
    for pattern in row.patterns:
        suffix = "" if pattern == "request_response" else "." + pattern
        found = parse_resource(f"arn:aws:states:::{row.name}{suffix}")
        assert (found.service, found.action, found.pattern) == (row.service, row.action, pattern)


def test_makers():
    region, account = "eu-west-1", "123456789012"
    machine = arns.state_machine_arn(region, account, "M")
    assert machine == "arn:aws:states:eu-west-1:123456789012:stateMachine:M"
    assert arns.execution_arn(machine, "e") == "arn:aws:states:eu-west-1:123456789012:execution:M:e"
    assert arns.execution_arn(machine + ":7", "e") == "arn:aws:states:eu-west-1:123456789012:execution:M:e"
    assert arns.express_arn(machine, "e", "u") == "arn:aws:states:eu-west-1:123456789012:express:M:e:u"
    assert arns.map_run_arn(machine, "L", "u") == "arn:aws:states:eu-west-1:123456789012:mapRun:M/L:u"
    assert arns.activity_arn(region, account, "A") == "arn:aws:states:eu-west-1:123456789012:activity:A"
    assert arns.lambda_arn(region, account, "f") == "arn:aws:lambda:eu-west-1:123456789012:function:f"
    assert (
        arns.sagemaker_arn(region, account, "model", "MyModel")
        == "arn:aws:sagemaker:eu-west-1:123456789012:model/mymodel"
    )
    assert arns.role_arn(account, "r") == "arn:aws:iam::123456789012:role/r"


@given(st.text())
def test_any_text_is_an_arn_or_a_value_error(text):
    for parse in (parse_arn, parse_resource):
        try:
            parse(text)
        except ValueError:
            continue
