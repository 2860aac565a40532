"""Retriers and catchers: each fault is found, at its place."""

from __future__ import annotations

import pytest

from .machines import assert_one_fault_with_a_fix, assert_told, retry, task

FAULTS = {
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
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])


MENDED = ["retrier without ErrorEquals", "BackoffRate below 1", "ALL not alone", "jitter"]


@pytest.mark.parametrize("name", MENDED)
def test_one_mistake_is_one_fault_with_a_fix(name):
    assert_one_fault_with_a_fix(*FAULTS[name][:2])
