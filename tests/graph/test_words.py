from __future__ import annotations

import pytest

from mlflowsteps.graph.measure import fit, text_width, wrap
from mlflowsteps.graph.words import cut, duration, error_names, reason, resource_label, rule_text, state_label, visible


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.auc", "NumericGreaterThanEquals": 0.9}, "auc ≥ 0.9"),
        ({"Variable": "$.a", "NumericLessThanPath": "$.limit"}, "a < limit"),
        ({"Variable": "$.s", "StringEquals": "x y"}, 's = "x y"'),
        ({"Variable": "$.s", "StringMatches": "log-*"}, 's matches "log-*"'),
        ({"Variable": "$.b", "BooleanEquals": True}, "b = true"),
        ({"Variable": "$.b", "IsPresent": False}, "b is not present"),
        ({"Variable": "$$.Execution.Name", "IsString": True}, "$$.Execution.Name is a string"),
        (
            {"And": [{"Variable": "$.a", "IsNull": True}, {"Variable": "$.b", "IsNull": True}]},
            "a is null and b is null",
        ),
        ({"Or": [{"And": [{"Variable": "$.a", "IsNull": True}]}, {"Condition": "{% x %}"}]}, "(a is null) or x"),
        ({"Not": {"Variable": "$.a", "NumericEquals": 1}}, "not (a = 1)"),
        ({"Condition": "{% $states.input.auc >= 0.9 %}"}, "auc >= 0.9"),
        ({"Variable": "$.a", "Whatever": 1}, "a ?"),
        (None, "…"),
        ({"And": []}, "…"),
    ],
)
def test_choice_rules_read_as_sentences(rule, text):
    assert rule_text(rule) == text


def test_hostile_depth_of_rules_is_cut():
    rule = {"Variable": "$.a", "IsNull": True}
    for _ in range(5000):
        rule = {"Not": rule}
    assert rule_text(rule).startswith("not (not (")
    assert len(rule_text(rule)) < 100


@pytest.mark.parametrize(
    ("resource", "label"),
    [
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", "SageMaker training job"),
        ("arn:aws:states:::sns:publish", "SNS publish"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "SQS message, waits for token"),
        ("arn:aws:lambda:us-east-1:1:function:f", "Lambda"),
        ("arn:aws-cn:states:cn-north-1:1:activity:approve", "Activity approve"),
        ("arn:aws:states:::aws-sdk:s3:listBuckets", "S3 list buckets"),
        ("arn:aws:states:::glue:startJobRun.sync", "Glue job"),
        ("not an arn", "Task"),
        (None, "Task"),
        ("arn:aws:states:::", "Task"),
    ],
)
def test_resources_have_short_names(resource, label):
    assert resource_label(resource) == label


def test_retries_of_all_retriers_are_added():
    state = {"Type": "Task", "Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 5}, {"ErrorEquals": ["B"]}]}
    assert state_label(state) == "Task · retry ≤ 8"


def test_error_names_lose_their_prefix():
    assert error_names({"ErrorEquals": ["States.Timeout", "Custom"]}) == "Timeout, Custom"


@pytest.mark.parametrize("seconds", [None, -1, 0, 0.0004, 59.96, 60, 3599, 86399, 1e9])
def test_durations_never_show_sixty_of_a_unit(seconds):
    assert "60" not in duration(seconds)


def test_ninety_seconds_are_not_two_hundred_and_fifty():
    assert duration(90.25) == "1 m 30 s"


def test_controls_become_visible_and_line_feeds_only_on_request():
    assert visible("a\u202eb\x00\x1b\ud800\uffff") == "a\\u202eb\\x00\\x1b\\ud800\\uffff"
    assert visible("a\nb", lines=True) == "a\nb"


def test_wrapped_lines_fit_and_the_last_is_cut():
    for text in ("word " * 40, "X" * 300, "機械学習" * 30, "a-b_c.d/" * 30):
        lines = wrap(text, 14, 230)
        assert len(lines) == 2
        assert all(text_width(line, 14) <= 230 for line in lines)
        assert lines[-1].endswith("…")


def test_wide_characters_count_one_em_and_combining_ones_nothing():
    assert text_width("漢字", 10) == 20
    assert text_width("e\u0301", 10) == text_width("e", 10)


def test_cut_keeps_short_texts_and_says_where_it_cut():
    assert cut("abc", 3) == "abc"
    assert fit("abc", 10, 100) == "abc"
    assert fit("abcdefghijklmnop", 10, 40).endswith("…")


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (None, ""),
        ("plain", "plain"),
        ('{"FailureReason": "out of memory", "Other": 1}', "out of memory"),
        ('{"errorMessage": "no such column"}', "no such column"),
        ('{"FailureReason": 7}', '{"FailureReason": 7}'),
        ("{broken", "{broken"),
        ("{" * 100_000, "{" * 100_000),
        (["a"], '["a"]'),
    ],
)
def test_reason_is_what_a_person_should_read_of_a_cause(cause, told):
    assert reason(cause) == told
