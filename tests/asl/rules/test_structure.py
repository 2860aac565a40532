"""The frame of a definition and the fields of its states: each fault is found, at its place."""

from __future__ import annotations

import pytest

from .machines import (
    DISTRIBUTED,
    IS,
    PASS,
    assert_one_fault_with_a_fix,
    assert_told,
    choice,
    jsonata,
    machine,
    mapped,
    one,
    task,
)

FAULTS = {
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
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])


MENDED = [
    "no States",
    "no StartAt",
    "no Resource",
    "no ItemProcessor",
    "no end",
    "unreachable",
    "neither Next nor End",
    "both Next and End",
    "unknown field",
    "heartbeat not below the time-out",
    "JSONPath state in JSONata machine",
    "End on Choice",
]


@pytest.mark.parametrize("name", MENDED)
def test_one_mistake_is_one_fault_with_a_fix(name):
    assert_one_fault_with_a_fix(*FAULTS[name][:2])
