"""Task states and their resources: each fault is found, at its place."""

from __future__ import annotations

import pytest

from mlflowsteps.asl.validate import validate

from .machines import DISTRIBUTED, TASK, assert_one_fault_with_a_fix, assert_told, machine, mapped, task

FAULTS = {
    "Resource no ARN": (task(Resource="my-function"), "/States/A/Resource", "Value is not a valid resource ARN"),
    "misspelt action": (
        task(Resource="arn:aws:states:::sagemaker:createTrainigJob.sync"),
        "/States/A/Resource",
        "is not recognized",
    ),
    "model with sync": (
        task(Resource="arn:aws:states:::sagemaker:createModel.sync"),
        "/States/A/Resource",
        "is not recognized",
    ),
    "training with token": (
        task(Resource="arn:aws:states:::sagemaker:createTrainingJob.waitForTaskToken"),
        "/States/A/Resource",
        "is not recognized",
    ),
    "aws-sdk with sync": (
        task(Resource="arn:aws:states:::aws-sdk:s3:listBuckets.sync"),
        "/States/A/Resource",
        "is not recognized",
    ),
    "aws-sdk in capitals": (
        task(Resource="arn:aws:states:::aws-sdk:s3:ListBuckets"),
        "/States/A/Resource",
        "is not recognized",
    ),
    "reader as a task": (task(Resource="arn:aws:states:::s3:getObject"), "/States/A/Resource", "is not recognized"),
    "topic as a task": (task(Resource="arn:aws:sns:us-east-1:1:topic"), "/States/A/Resource", "is not recognized"),
    "required parameter": (
        task(Resource="arn:aws:states:::lambda:invoke", Parameters={"Payload": 1}),
        "/States/A/Parameters",
        "The field 'FunctionName' is required but was missing",
    ),
    "credentials without role": (
        task(Credentials={}),
        "/States/A/Credentials",
        "The field 'RoleArn' is required but was missing",
    ),
    "credentials of an activity": (
        task(Resource="arn:aws:states:us-east-1:1:activity:a", Credentials={"RoleArn": "arn:aws:iam::1:role/r"}),
        "/States/A/Credentials",
        "not supported for activities",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])


MENDED = ["Resource no ARN", "model with sync"]


@pytest.mark.parametrize("name", MENDED)
def test_one_mistake_is_one_fault_with_a_fix(name):
    assert_one_fault_with_a_fix(*FAULTS[name][:2])


EXPRESS = {
    "arn:aws:states:::sns:publish.waitForTaskToken": "does not support '.waitForTaskToken' service integration",
    "arn:aws:states:::states:startExecution.sync:2": "does not support '.sync' service integration",
    "arn:aws:states:us-east-1:1:activity:a": "does not support activities",
}


@pytest.mark.parametrize("resource", EXPRESS)
def test_express_has_request_response_alone(resource):
    definition = task(Resource=resource)
    assert validate(definition) == []
    assert [EXPRESS[resource] in d.message for d in validate(definition, machine_type="EXPRESS")] == [True]


@pytest.mark.parametrize("resource", EXPRESS)
def test_children_of_a_distributed_express_map_are_express(resource):
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
    (found,) = validate(mapped({**config, **machine(I={**TASK, "Resource": resource})}))
    assert EXPRESS[resource] in found.message


def test_express_has_no_distributed_map():
    assert validate(mapped(DISTRIBUTED)) == []
    (found,) = validate(mapped(DISTRIBUTED), machine_type="EXPRESS")
    assert "Distributed Map" in found.message
