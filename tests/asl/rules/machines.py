"""Small definitions to put one fault into, and what a test says of it."""

from __future__ import annotations

from mlflowsteps.asl.validate import validate

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
PASS = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": ARN, "End": True}


def machine(**states):
    return {"StartAt": next(iter(states)), "States": states}


def one(state, **others):
    return machine(A=state, **others)


def retry(**retrier):
    return one({**TASK, "Retry": [{"ErrorEquals": ["X"], **retrier}]})


def choice(*rules, **fields):
    return machine(A={"Type": "Choice", "Choices": list(rules), **fields}, B=PASS)


def mapped(processor=None, **fields):
    return one({"Type": "Map", "ItemProcessor": {**machine(I=PASS), **(processor or {})}, "End": True, **fields})


DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
READER = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}


def reading(**config):
    return mapped(DISTRIBUTED, ItemReader={**READER, "ReaderConfig": config})


def task(**fields):
    return one({**TASK, **fields})


def jsonata(state, **machine_fields):
    return {"QueryLanguage": "JSONata", **machine(A=state), **machine_fields}


IS = {"Variable": "$.a", "IsNull": True}


def assert_told(definition, where, message):
    """The fault is told at its place; others may be told, too."""
    found = validate(definition)
    assert [d for d in found if d.pointer == where and message in d.message], found


def assert_one_fault_with_a_fix(definition, where):
    found = validate(definition)
    assert [d.pointer for d in found] == [where]
    assert found[0].hint
