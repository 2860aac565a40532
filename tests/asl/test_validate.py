"""Validation: the service's recordings, every fault at once, near misses, hostile definitions."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflowsteps.asl.choices import COMPARATORS
from mlflowsteps.asl.fields import FIELDS
from mlflowsteps.asl.rules import RULES
from mlflowsteps.asl.validate import check, invalid_definition_message, service_location, validate
from mlflowsteps.exceptions import DefinitionError
from tests.counting import calls_of

from .recordings import FOLDER, as_params, cases, families

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
PASS = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": ARN, "End": True}


# --- recordings


def _accepted():
    """Every definition that the service took, once, with its machine type."""
    seen = set()
    for family in families():
        for case in cases(family):
            if case["kind"] == "test_state" or case["expected"].get("result") == "FAIL":
                continue
            machines = [(case["definition"], case["type"])]
            machines += [(m["definition"], m.get("type", "STANDARD")) for m in case.get("machines") or []]
            for definition, kind in machines:
                text = json.dumps([definition, kind])
                if text not in seen:
                    seen.add(text)
                    yield pytest.param(definition, kind, id=f"{family}-{len(seen)}")


ACCEPTED = list(_accepted()) or [pytest.param(None, "", marks=pytest.mark.skip(reason=f"no recordings at {FOLDER}"))]


@pytest.mark.parametrize(("definition", "kind"), ACCEPTED)
def test_no_false_alarm_on_what_the_service_took(definition, kind):
    before = copy.deepcopy(definition)
    assert validate(definition, machine_type=kind) == []
    assert definition == before


@pytest.mark.parametrize("case", as_params(cases("validation")))
def test_recorded_verdicts_and_words(case):
    definition, expected = case["definition"], case["expected"]
    found = validate(definition, machine_type=case["type"])
    assert bool(found) == (expected["result"] == "FAIL")
    if expected.get("message"):
        assert invalid_definition_message(definition, found) == expected["message"]
    if "diagnostics" in expected:
        parsed = {} if definition == "{}" else definition
        told = [_told(parsed, diagnostic) for diagnostic in found]
        assert told == expected["diagnostics"]


def _told(definition, diagnostic):
    told = {"code": diagnostic.code, "message": diagnostic.message, "severity": diagnostic.severity}
    location = service_location(definition, diagnostic)
    return {**told, **({"location": location} if location else {})}


# --- one fault each


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

FAULTS = {
    # the frame
    "no States": ({"StartAt": "A"}, "", "These fields are required: [States]"),
    "no StartAt": ({"States": {"A": PASS}}, "", "These fields are required: [StartAt]"),
    "States no object": ({"StartAt": "A", "States": []}, "/States", "Expected value of type Object"),
    "States empty": ({"StartAt": "A", "States": {}}, "/States", "should be non-empty"),
    "state no object": ({"StartAt": "A", "States": {"A": 1}}, "/States/A", "Expected value of type Object"),
    "unknown field of the machine": ({**one(PASS), "Startat": 1}, "", "Field 'Startat' is not supported"),
    "version": ({**one(PASS), "Version": "2.0"}, "/Version", "one of the following: [1.0]"),
    "machine time-out": ({**one(PASS), "TimeoutSeconds": 0}, "/TimeoutSeconds", "Expected value of type Integer"),
    "query language": ({**one(PASS), "QueryLanguage": "XPath"}, "/QueryLanguage", "[JSONPath, JSONata]"),
    "comment no text": ({**one(PASS), "Comment": 1}, "/Comment", "Expected value of type String"),
    "StartAt misspelt": ({"StartAt": "a", "States": {"A": PASS}}, "/StartAt", "Missing 'StartAt' target: a"),
    "StartAt no text": ({"StartAt": 1, "States": {"A": PASS}}, "/StartAt", "Expected value of type String"),
    "no Type": (one({"End": True}), "/States/A", "These fields are required: [Type]"),
    "unknown Type": (one({"Type": "Tsk", "End": True}), "/States/A/Type", "[Pass, Task, Choice"),
    "missing target": (one({"Type": "Pass", "Next": "B"}), "/States/A/Next", "Missing 'Next' target: B"),
    "missing default": (choice({**IS, "Next": "B"}, Default="C"), "/States/A/Default", "Missing 'Default' target: C"),
    "missing choice target": (
        choice({**IS, "Next": "C"}, Default="B"),
        "/States/A/Choices/0/Next",
        "Missing 'Next' target: C",
    ),
    "missing catch target": (task(Catch=[{"ErrorEquals": ["X"], "Next": "C"}]), "/States/A/Catch/0/Next", "target: C"),
    "unreachable": (machine(A=PASS, B=PASS), "/States/B", 'State "B" is not reachable.'),
    "no end": (machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}), "", "no terminal state"),
    "neither Next nor End": (
        one({"Type": "Pass"}),
        "/States/A",
        "should have only one of the following fields: [Next, End]",
    ),
    "both Next and End": (
        machine(A={**PASS, "Next": "B"}, B=PASS),
        "/States/A",
        "should only be one of the following fields: [Next, End]",
    ),
    "long name": (machine(**{"x" * 81: PASS}), "/States/" + "x" * 81, "80-character limit"),
    "empty name": ({"StartAt": "", "States": {"": PASS}}, "/States/", "is empty"),
    "control character": (machine(**{"a\nb": PASS}), "/States/a\nb", "control characters"),
    "name twice": (
        one({"Type": "Parallel", "Branches": [machine(A=PASS)], "End": True}),
        "/States/A/Branches/0/States/A",
        "Duplicate State name: A",
    ),
    "leaving a branch": (
        machine(P={"Type": "Parallel", "Branches": [machine(I={"Type": "Pass", "Next": "B"})], "Next": "B"}, B=PASS),
        "/States/P/Branches/0/States/I/Next",
        "Missing 'Next' target: B",
    ),
    # fields
    "unknown field": (one({**PASS, "ResultPth": "$"}), "/States/A", "Field 'ResultPth' is not supported"),
    "field of another type": (
        one({"Type": "Map", **mapped()["States"]["A"], "TimeoutSeconds": 5}),
        "/States/A",
        "Field 'TimeoutSeconds' is not supported",
    ),
    "Catch on Pass": (one({**PASS, "Catch": []}), "/States/A", "Field 'Catch' is not supported"),
    "Next on Choice": (choice({**IS, "Next": "B"}, Next="B"), "/States/A", "Field 'Next' is not supported"),
    "End on Choice": (choice({**IS, "Next": "B"}, End=True), "/States/A", "Field 'End' is not supported"),
    "End on Succeed": (one({"Type": "Succeed", "End": True}), "/States/A", "Field 'End' is not supported"),
    "JSONata field in JSONPath": (
        one({**PASS, "Output": 1}),
        "/States/A",
        "only supported for the 'JSONata' QueryLanguage",
    ),
    "JSONPath field in JSONata": (
        jsonata({**PASS, "ResultPath": "$.a"}),
        "/States/A",
        "only supported for the 'JSONPath' QueryLanguage",
    ),
    "JSONPath state in JSONata machine": (
        jsonata({**PASS, "QueryLanguage": "JSONPath"}),
        "/States/A",
        "'QueryLanguage' can not be 'JSONPath'",
    ),
    "no Resource": (one({"Type": "Task", "End": True}), "/States/A", "These fields are required: [Resource]"),
    "no Choices": (one({"Type": "Choice"}), "/States/A", "These fields are required: [Choices]"),
    "no Branches": (one({"Type": "Parallel", "End": True}), "/States/A", "These fields are required: [Branches]"),
    "no ItemProcessor": (one({"Type": "Map", "End": True}), "/States/A", "These fields are required: [ItemProcessor]"),
    "time-out and its path": (
        task(TimeoutSeconds=1, TimeoutSecondsPath="$.t"),
        "/States/A",
        "[TimeoutSeconds, TimeoutSecondsPath]",
    ),
    "Iterator and ItemProcessor": (mapped(Iterator=machine(J=PASS)), "/States/A", "[ItemProcessor, Iterator]"),
    "no wait time": (
        one({"Type": "Wait", "End": True}),
        "/States/A",
        "[SecondsPath, Seconds, TimestampPath, Timestamp]",
    ),
    "two wait times": (
        one({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.a", "End": True}),
        "/States/A",
        "There should only be one",
    ),
    "wait a fraction": (
        one({"Type": "Wait", "Seconds": 1.5, "End": True}),
        "/States/A/Seconds",
        "type Integer, found 1.5",
    ),
    "wait a negative time": (one({"Type": "Wait", "Seconds": -1, "End": True}), "/States/A/Seconds", "at least 0"),
    "wait too long": (one({"Type": "Wait", "Seconds": 10**9, "End": True}), "/States/A/Seconds", "at most 99999999"),
    "wait for no time": (one({"Type": "Wait", "Timestamp": "tomorrow", "End": True}), "/States/A/Timestamp", "RFC3339"),
    "expression as number in JSONPath": (task(TimeoutSeconds="{% 1 %}"), "/States/A/TimeoutSeconds", "type Integer"),
    "heartbeat not below the time-out": (
        task(HeartbeatSeconds=5, TimeoutSeconds=5),
        "/States/A/HeartbeatSeconds",
        "less than TimeoutSeconds",
    ),
    "End no boolean": (one({"Type": "Succeed"}, B={"Type": "Pass", "End": "yes"}), "/States/B/End", "type Boolean"),
    "percentage above 100": (
        mapped(DISTRIBUTED, ToleratedFailurePercentage=101),
        "/States/A/ToleratedFailurePercentage",
        "at most 100",
    ),
    # paths and templates
    "broken path": (one({**PASS, "InputPath": "$.a["}), "/States/A/InputPath", "Value must be a valid JSONPath."),
    "path without $": (one({**PASS, "OutputPath": "a"}), "/States/A/OutputPath", "Value must be a valid JSONPath."),
    "ResultPath with *": (
        one({**PASS, "ResultPath": "$.a[*]"}),
        "/States/A/ResultPath",
        "Value is not a Reference Path",
    ),
    "ItemsPath with ..": (mapped(ItemsPath="$..a"), "/States/A/ItemsPath", "Value is not a Reference Path"),
    "Catch ResultPath": (
        task(Catch=[{"ErrorEquals": ["X"], "Next": "A", "ResultPath": "a"}]),
        "/States/A/Catch/0/ResultPath",
        "didn't start with '$'",
    ),
    "template": (
        one({**PASS, "Parameters": {"a": [{"b.$": "x"}]}}),
        "/States/A/Parameters",
        "The value for the field 'b.$' must be a valid JSONPath",
    ),
    "intrinsic": (
        one({**PASS, "Parameters": {"a.$": "States.Formt('x')"}}),
        "/States/A/Parameters",
        "or a valid intrinsic function call",
    ),
    "intrinsic arity": (
        one({**PASS, "Parameters": {"a.$": "States.MathAdd(1)"}}),
        "/States/A/Parameters",
        "or a valid intrinsic function call",
    ),
    "template number": (task(ResultSelector={"a.$": 1}), "/States/A/ResultSelector", "The value for the field 'a.$'"),
    "template key twice": (
        one({**PASS, "Parameters": {"a": 1, "a.$": "$"}}),
        "/States/A/Parameters",
        "stand for the same name",
    ),
    "reserved variable": (
        one({**PASS, "Assign": {"states": 1}}),
        "/States/A/Assign",
        "Cannot assign to reserved variable '$states'.",
    ),
    "reserved variable by path": (one({**PASS, "Assign": {"states.$": "$"}}), "/States/A/Assign", "reserved variable"),
    "variable name": (one({**PASS, "Assign": {"1a": 1}}), "/States/A/Assign", "Invalid variable name '1a'"),
    "long variable name": (one({**PASS, "Assign": {"a" * 81: 1}}), "/States/A/Assign", "more than 80 characters"),
    "Assign no object": (one({**PASS, "Assign": 1}), "/States/A/Assign", "Expected value of type Object"),
    "JSONata syntax": (
        jsonata({**PASS, "Output": {"v": ["{% 1 + %}"]}}),
        "/States/A/Output/v/0",
        "Unexpected end of expression",
    ),
    "JSONata reference": (
        jsonata({**PASS, "Output": "{% phone %}"}),
        "/States/A/Output",
        "Reference to 'phone' at the top level is not supported.",
    ),
    "JSONata not closed": (
        jsonata({**PASS, "Output": "{% 1 "}),
        "/States/A/Output",
        "must start with {% and end with %}",
    ),
    "JSONata error output": (
        jsonata({**PASS, "Output": "{% $states.errorOutput %}"}),
        "/States/A/Output",
        "does not exist",
    ),
    # choices
    "empty Choices": (
        one({"Type": "Choice", "Choices": [], "Default": "B"}, B=PASS),
        "/States/A/Choices",
        "Value cannot be empty",
    ),
    "rule without Next": (choice(IS, Default="B"), "/States/A/Choices/0", "These fields are required: [Next]"),
    "rule without comparator": (choice({"Variable": "$.a", "Next": "B"}), "/States/A/Choices/0", "needs a comparator"),
    "misspelt comparator": (
        choice({"Variable": "$.a", "StringEqual": "x", "Next": "B"}),
        "/States/A/Choices/0",
        "Field 'StringEqual' is not supported",
    ),
    "two comparators": (
        choice({**IS, "IsString": True, "Next": "B"}),
        "/States/A/Choices/0",
        "There should only be one",
    ),
    "rule without condition": (choice({"Next": "B"}), "/States/A/Choices/0", "[And, Or, Not, Variable, Condition]"),
    "nested Next": (
        choice({"And": [{**IS, "Next": "B"}], "Next": "B"}),
        "/States/A/Choices/0/And/0",
        "Field 'Next' is not supported",
    ),
    "empty And": (choice({"And": [], "Next": "B"}), "/States/A/Choices/0/And", "Value cannot be empty"),
    "Variable no path": (
        choice({"Variable": "a", "IsNull": True, "Next": "B"}),
        "/States/A/Choices/0/Variable",
        "didn't start with '$'",
    ),
    "wrong kind beside a comparator": (
        choice({"Variable": "$.a", "NumericEquals": "1", "Next": "B"}),
        "/States/A/Choices/0/NumericEquals",
        "takes a number",
    ),
    "Condition in JSONPath": (
        choice({"Condition": "{% true %}", "Next": "B"}),
        "/States/A/Choices/0",
        "field 'Condition' is only supported",
    ),
    "Variable in JSONata": (
        {**choice({**IS, "Next": "B"}), "QueryLanguage": "JSONata"},
        "/States/A/Choices/0",
        "field 'Variable' is only supported",
    ),
    # retry and catch
    "retrier without ErrorEquals": (task(Retry=[{}]), "/States/A/Retry/0", "These fields are required: [ErrorEquals]"),
    "catcher without Next": (
        task(Catch=[{"ErrorEquals": ["X"]}]),
        "/States/A/Catch/0",
        "These fields are required: [Next]",
    ),
    "empty ErrorEquals": (task(Retry=[{"ErrorEquals": []}]), "/States/A/Retry/0/ErrorEquals", "Value cannot be empty"),
    "ErrorEquals no list": (task(Retry=[{"ErrorEquals": "X"}]), "/States/A/Retry/0/ErrorEquals", "type Array"),
    "ALL not alone": (
        task(Retry=[{"ErrorEquals": ["States.ALL", "X"]}]),
        "/States/A/Retry/0/ErrorEquals",
        "must appear alone and at end of list",
    ),
    "ALL not last in Retry": (
        task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}]),
        "/States/A/Retry/0/ErrorEquals",
        "must appear alone",
    ),
    "ALL not last in Catch": (
        task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "A"}, {"ErrorEquals": ["X"], "Next": "A"}]),
        "/States/A/Catch/0/ErrorEquals",
        "must appear alone",
    ),
    "BackoffRate below 1": (retry(BackoffRate=0.5), "/States/A/Retry/0/BackoffRate", "at least 1"),
    "IntervalSeconds 0": (retry(IntervalSeconds=0), "/States/A/Retry/0/IntervalSeconds", "at least 1"),
    "MaxAttempts negative": (retry(MaxAttempts=-1), "/States/A/Retry/0/MaxAttempts", "at least 0"),
    "MaxAttempts a fraction": (retry(MaxAttempts=1.5), "/States/A/Retry/0/MaxAttempts", "type Integer"),
    "MaxDelay not above the interval": (
        retry(IntervalSeconds=5, MaxDelaySeconds=5),
        "/States/A/Retry/0/MaxDelaySeconds",
        "greater than IntervalSeconds",
    ),
    "jitter": (retry(JitterStrategy="SOME"), "/States/A/Retry/0/JitterStrategy", "[NONE, FULL]"),
    "unknown retry field": (retry(IntervalSecond=1), "/States/A/Retry/0", "Field 'IntervalSecond' is not supported"),
    "retrier no object": (task(Retry=[1]), "/States/A/Retry/0", "type Object"),
    "Retry no list": (task(Retry={}), "/States/A/Retry", "type Array"),
    "catcher's Output in JSONPath": (
        task(Catch=[{"ErrorEquals": ["X"], "Next": "A", "Output": 1}]),
        "/States/A/Catch/0",
        "field 'Output' is only supported",
    ),
    # parallel and map
    "no branch": (
        one({"Type": "Parallel", "Branches": [], "End": True}),
        "/States/A/Branches",
        "Value cannot be empty",
    ),
    "branch no object": (
        one({"Type": "Parallel", "Branches": [1], "End": True}),
        "/States/A/Branches/0",
        "type Object",
    ),
    "branch without StartAt": (
        one({"Type": "Parallel", "Branches": [{"States": {"B": PASS}}], "End": True}),
        "/States/A/Branches/0",
        "required: [StartAt]",
    ),
    "branch with QueryLanguage": (
        one({"Type": "Parallel", "Branches": [{**machine(B=PASS), "QueryLanguage": "JSONata"}], "End": True}),
        "/States/A/Branches/0",
        "Field 'QueryLanguage' is not supported",
    ),
    "processor with QueryLanguage": (
        mapped({"QueryLanguage": "JSONata"}),
        "/States/A/ItemProcessor",
        "Field 'QueryLanguage' is not supported",
    ),
    "distributed without type": (
        mapped({"ProcessorConfig": {"Mode": "DISTRIBUTED"}}),
        "/States/A/ItemProcessor/ProcessorConfig",
        "required: [ExecutionType]",
    ),
    "inline with type": (
        mapped({"ProcessorConfig": {"Mode": "INLINE", "ExecutionType": "STANDARD"}}),
        "/States/A/ItemProcessor/ProcessorConfig",
        "Field 'ExecutionType'",
    ),
    "unknown mode": (
        mapped({"ProcessorConfig": {"Mode": "BATCH"}}),
        "/States/A/ItemProcessor/ProcessorConfig/Mode",
        "[INLINE, DISTRIBUTED]",
    ),
    "reader in an inline map": (mapped(ItemReader=READER), "/States/A", "Field 'ItemReader' is not supported"),
    "label in an inline map": (mapped(Label="a"), "/States/A", "Field 'Label' is not supported"),
    "empty label": (mapped(DISTRIBUTED, Label=""), "/States/A/Label", "empty"),
    "long label": (mapped(DISTRIBUTED, Label="a" * 41), "/States/A/Label", "40-character limit"),
    "label with a colon": (mapped(DISTRIBUTED, Label="a:b"), "/States/A/Label", "invalid character ':'"),
    "reader of something else": (
        mapped(DISTRIBUTED, ItemReader={"Resource": "arn:aws:states:::sqs:sendMessage"}),
        "/States/A/ItemReader/Resource",
        "allowed values",
    ),
    "reader without Resource": (mapped(DISTRIBUTED, ItemReader={}), "/States/A/ItemReader", "required: [Resource]"),
    "input type": (
        reading(InputType="XML"),
        "/States/A/ItemReader/ReaderConfig/InputType",
        "[CSV, JSON, JSONL, PARQUET, MANIFEST]",
    ),
    "CSV without header": (
        reading(InputType="CSV"),
        "/States/A/ItemReader/ReaderConfig",
        "The field 'CSVHeaderLocation' is required",
    ),
    "given header without names": (
        reading(InputType="CSV", CSVHeaderLocation="GIVEN"),
        "/States/A/ItemReader/ReaderConfig",
        "required: [CSVHeaders]",
    ),
    "header of JSON": (
        reading(InputType="JSON", CSVHeaderLocation="FIRST_ROW"),
        "/States/A/ItemReader/ReaderConfig",
        "Field 'CSVHeaderLocation'",
    ),
    "MaxItems and its path": (
        reading(InputType="JSON", MaxItems=1, MaxItemsPath="$.a"),
        "/States/A/ItemReader/ReaderConfig",
        "[MaxItems, MaxItemsPath]",
    ),
    "too many items": (
        reading(InputType="JSON", MaxItems=10**9),
        "/States/A/ItemReader/ReaderConfig/MaxItems",
        "0 to 100000000",
    ),
    "batch without a bound": (
        mapped(DISTRIBUTED, ItemBatcher={"BatchInput": {}}),
        "/States/A/ItemBatcher",
        "At least one",
    ),
    "path in a batcher": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxItemsPerBatchPath": "a"}),
        "/States/A/ItemBatcher/MaxItemsPerBatchPath",
        "Value must be a valid JSONPath.",
    ),
    "batch of 0": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxItemsPerBatch": 0}),
        "/States/A/ItemBatcher/MaxItemsPerBatch",
        "1 to",
    ),
    "batch too large": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxInputBytesPerBatch": 262_145}),
        "/States/A/ItemBatcher/MaxInputBytesPerBatch",
        "262144",
    ),
    "writer of something else": (
        mapped(DISTRIBUTED, ResultWriter={"Resource": "arn:aws:states:::s3:getObject"}),
        "/States/A/ResultWriter/Resource",
        "allowed values",
    ),
    "writer's transformation": (
        mapped(DISTRIBUTED, ResultWriter={"WriterConfig": {"Transformation": "ZIP"}}),
        "/States/A/ResultWriter/WriterConfig/Transformation",
        "[NONE, COMPACT, FLATTEN]",
    ),
    # tasks
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
    definition, where, message = FAULTS[name]
    found = validate(definition)
    assert [(d.pointer, message in d.message) for d in found if d.pointer == where and message in d.message], found


MENDED = {
    "no end",
    "unreachable",
    "neither Next nor End",
    "both Next and End",
    "unknown field",
    "BackoffRate below 1",
    "ALL not alone",
    "heartbeat not below the time-out",
    "reserved variable",
    "reader in an inline map",
    "JSONPath state in JSONata machine",
    "End on Choice",
    "Resource no ARN",
    "model with sync",
    "jitter",
}


@pytest.mark.parametrize("name", sorted(MENDED))
def test_one_mistake_is_one_fault_with_a_fix(name):
    definition, where, _ = FAULTS[name]
    found = validate(definition)
    assert [d.pointer for d in found] == [where]
    assert found[0].hint


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


# --- telling


def test_all_faults_are_told_at_once_in_the_order_of_the_definition():
    definition = machine(
        A={"Type": "Pass", "Nxt": "B", "Next": "C"}, B={"Type": "Wait", "Seconds": -1, "End": True}, D={"Type": "Tsk"}
    )
    found = validate(definition)
    assert [d.pointer for d in found if d.pointer.startswith("/States/A")]
    assert {d.code for d in found} == {"SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET"}
    assert len(found) >= 6


@pytest.mark.parametrize(
    ("definition", "hint"),
    [
        (machine(A={"Type": "Pass", "Next": "Tran"}, Train=PASS), "Did you mean 'Train'?"),
        (one({"Type": "Tsk", "End": True}), "Did you mean 'Task'?"),
        (one({**PASS, "ResultPth": "$"}), "Did you mean 'ResultPath'?"),
        (task(timeoutSeconds=1), "Did you mean 'TimeoutSeconds'?"),
        (choice({"Variable": "$.a", "StringEqual": "x", "Next": "B"}), "Did you mean 'StringEquals'?"),
        (
            task(Resource="arn:aws:states:::sagemaker:createTrainigJob.sync"),
            "Did you mean arn:aws:states:::sagemaker:createTrainingJob.sync?",
        ),
        (task(Resource="seed-data"), "arn:aws:lambda:<region>:<account>:function:seed-data"),
        (
            task(Resource="arn:aws:states:::lambda:invoke", Parameters={"functionName": "f"}),
            "It is written 'FunctionName'",
        ),
        (one({**PASS, "Output": 1}), "QueryLanguage"),
        (one({**PASS, "TimeoutSeconds": 1}), "It belongs to Task"),
        (one({**PASS, "Parameters": {"a.$": "States.Formt('x')"}}), "Did you mean States.Format?"),
    ],
)
def test_a_near_miss_is_told_what_was_meant(definition, hint):
    assert any(hint in d.hint for d in validate(definition)), [str(d) for d in validate(definition)]


def test_warnings_are_told_on_request():
    definition = one({**PASS, "Parameters": {"a": "$.x"}, "Result": {"b.$": "$.y"}})
    assert validate(definition) == []
    codes = {(d.code, d.severity) for d in validate(definition, warnings=True)}
    assert codes == {("NO_DOLLAR", "WARNING"), ("PASS_RESULT_IS_STATIC", "WARNING")}
    (unknown,) = validate(task(Retry=[{"ErrorEquals": ["States.Tiemout"]}]), warnings=True)
    assert (unknown.severity, unknown.hint) == ("WARNING", "Did you mean 'States.Timeout'?")


def test_check_refuses_with_every_fault():
    check(one(PASS))
    with pytest.raises(DefinitionError) as caught:
        check({"StartAt": "B", "States": {"A": {"Type": "Pass"}}})
    assert len(caught.value.diagnostics) == 2


def test_the_message_of_the_service_joins_all_faults():
    definition = machine(pass1={"Type": "Pass", "Next": "pass3"}, pass2=PASS)
    assert invalid_definition_message(definition, validate(definition)) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at "
        '/States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2\''
    )


def test_a_definition_without_an_end_has_no_location():
    definition = machine(A={"Type": "Pass", "Next": "A"})
    assert invalid_definition_message(definition, validate(definition)) == (
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    )


def test_places_in_lists_are_written_in_brackets():
    definition = choice({**IS, "Next": "C"}, Default="B")
    (found,) = validate(definition)
    assert service_location(definition, found) == "/States/A/Choices[0]/Next"


def test_names_are_escaped_in_pointers_and_plain_in_locations():
    definition = machine(**{"a/b~c": {"Type": "Pass", "Next": "x"}})
    (found,) = validate(definition)
    assert found.pointer == "/States/a~1b~0c/Next"
    assert service_location(definition, found) == "/States/a/b~c/Next"


# --- text


def test_text_is_read_and_judged():
    assert validate(json.dumps(one(PASS))) == []
    assert validate("") == validate("   ") != []
    assert validate("[1]")[0].message == "Definition must be a valid JSON object"
    assert validate('{"StartAt": NaN}')[0].code == "INVALID_JSON_DESCRIPTION"
    assert validate('{"a":1')[0].code == "INVALID_JSON_DESCRIPTION"


@pytest.mark.parametrize("value", [None, 1, True, [], "x", 1.5])
def test_what_is_no_object_is_no_definition(value):
    assert len(validate(value)) == 1


# --- hostile


def test_states_nest_to_a_bound():
    definition: dict = machine(S0=PASS)
    for level in range(1, 151):
        definition = machine(**{f"S{level}": {"Type": "Parallel", "Branches": [definition], "End": True}})
    assert validate(definition) == []
    for level in range(151, 5_000):
        definition = machine(**{f"S{level}": {"Type": "Parallel", "Branches": [definition], "End": True}})
    assert {d.code for d in validate(definition)} == {"TOO_DEEPLY_NESTED"}


def _deep(levels):
    value: dict = {"x.$": "$"}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "definition",
    [
        _deep(100_000),
        one({**PASS, "Parameters": _deep(100_000)}),
        one({**PASS, "Result": _deep(100_000)}),
        jsonata({**PASS, "Output": _deep(100_000)}),
        task(Retry=[_deep(100_000)]),
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=["definition", "template", "result", "jsonata", "retrier", "array text", "object text"],
)
def test_depth_is_an_answer_and_no_crash(definition):
    for diagnostic in validate(definition, warnings=True):
        assert len(str(diagnostic)) < 20_000


def test_deep_choice_rules_are_refused():
    rule = IS
    for _ in range(20_000):
        rule = {"Not": rule}
    assert "TOO_DEEPLY_NESTED" in {d.code for d in validate(choice({**rule, "Next": "B"}))}


def _chain(length, broken):
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}{'x' if broken else ''}"} for n in range(length)}
    return {"StartAt": "S0", "States": {**states, f"S{length}": PASS}}


@pytest.mark.parametrize("broken", [False, True])
def test_work_is_linear_in_the_number_of_states(broken):
    short, long = _chain(1_000, broken), _chain(4_000, broken)
    assert bool(validate(short)) is broken
    assert calls_of(lambda: validate(long)) < 4.4 * calls_of(lambda: validate(short))


NAMES = [
    *(field.name for field in FIELDS),
    *COMPARATORS,
    "And",
    "Or",
    "Not",
    "Variable",
    "Condition",
    "States",
    "StartAt",
    "ErrorEquals",
    "BackoffRate",
    "ProcessorConfig",
    "Mode",
    "A",
    "B",
    "a.$",
    "TimeoutSeconds",
    "ReaderConfig",
]
WORDS = [
    "Pass",
    "Task",
    "Choice",
    "Map",
    "Parallel",
    "Wait",
    "JSONata",
    "A",
    "B",
    "$",
    "$.a",
    "{% $a %}",
    "{% a %}",
    ARN,
    "DISTRIBUTED",
]
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**9)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
STATES = st.fixed_dictionaries(
    {"Type": st.sampled_from(["Pass", "Task", "Choice", "Map", "Parallel", "Wait", "Fail", "Succeed"])}
).flatmap(lambda base: st.dictionaries(st.sampled_from(NAMES), ANY, max_size=6).map(lambda more: {**more, **base}))
LIKELY = st.fixed_dictionaries(
    {
        "StartAt": st.sampled_from(["A", "B"]),
        "States": st.dictionaries(st.sampled_from(["A", "B", "C"]), STATES | ANY, max_size=3),
    },
    optional={"QueryLanguage": st.sampled_from(["JSONata", "JSONPath"]), "Comment": ANY},
)


@settings(max_examples=400, deadline=None)
@given(ANY | LIKELY, st.sampled_from(["STANDARD", "EXPRESS"]))
def test_any_json_is_judged_and_left_alone(definition, kind):
    before = copy.deepcopy(definition)
    found = validate(definition, machine_type=kind, warnings=True)
    assert definition == before
    for diagnostic in found:
        assert diagnostic.code
        assert diagnostic.message
        assert diagnostic.pointer == "" or diagnostic.pointer.startswith("/")
    assert invalid_definition_message(definition, found).startswith("Invalid State Machine Definition: '")


@settings(max_examples=100, deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_judged(text):
    assert isinstance(validate(text), list)


def test_every_rule_is_listed_once_and_says_what_it_checks():
    assert len(set(RULES)) == len(RULES)
    assert all(rule.__doc__ for rule in RULES)
