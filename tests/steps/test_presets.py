"""Ready retriers and catchers, and names that stay unique under a retry."""

from __future__ import annotations

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.inputs import ExecutionInput, context


def test_throttled_calls_are_tried_again_after_growing_random_intervals() -> None:
    assert steps.retry_throttling("glue", max_attempts=3).to_dict() == {
        "ErrorEquals": ["Glue.ConcurrentRunsExceededException", "Glue.AWSGlueException"],
        "IntervalSeconds": 2,
        "MaxAttempts": 3,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": 120,
        "JitterStrategy": "FULL",
    }
    with pytest.raises(ValueError, match="No errors are known of 'glu'"):
        steps.retry_throttling("glu")


def test_presets_never_try_failed_work_again_and_are_valid() -> None:
    notify = steps.Fail("Stop")
    for retry in (steps.retry_throttling(), steps.sagemaker_retry()):
        task = steps.LambdaStep("Call", parameters={"FunctionName": "f"}, retry=retry, catch=steps.catch_all(notify))
        definition = steps.Graph(task).to_dict()
        assert validate(definition) == []
        assert not {"States.TaskFailed", "States.ALL"} & set(retry.error_equals or [])
        assert definition["States"]["Call"]["Catch"][0]["ResultPath"] == "$.error"


def test_names_of_jobs_differ_by_execution_and_retry() -> None:
    count = "$$.State.RetryCount"
    assert steps.unique_job_name("train").to_jsonpath() == (
        f"States.Format('{{}}-{{}}-{{}}', 'train', $$.Execution.Name, {count})"
    )
    assert steps.unique_job_name().to_jsonpath() == f"States.Format('{{}}-{{}}', $$.Execution.Name, {count})"
    given = steps.unique_job_name(ExecutionInput()["job"])
    assert given.to_jsonpath() == f"States.Format('{{}}-{{}}', $$.Execution.Input['job'], {count})"
    assert steps.unique_job_name(context.execution.name).to_jsonpath() == steps.unique_job_name().to_jsonpath()
