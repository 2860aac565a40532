from __future__ import annotations

import sys
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.catalog.integrations import find_integration, integrations
from mlflowsteps.inputs import ExecutionInput, context
from mlflowsteps.steps import integration_resources, utils
from mlflowsteps.steps.fields import Field
from mlflowsteps.steps.integration_resources import (
    IntegrationPattern,
    get_aws_partition,
    get_service_integration_arn,
    is_integration_pattern_valid,
    partition_of,
)
from mlflowsteps.steps.integrations import CallbackStep, CallStep, JobStep, OptimizedStep, PatternStep, ServiceStep
from mlflowsteps.steps.sagemaker.base import SageMakerStep
from mlflowsteps.steps.tags import tag_list

SERVICES = sorted(
    (
        step
        for step in (getattr(steps, name) for name in steps.__all__)
        if isinstance(step, type) and issubclass(step, ServiceStep) and not issubclass(step, SageMakerStep)
    ),
    key=lambda step: step.__name__,
)


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")


def test_each_row_of_the_catalog_that_a_task_may_name_has_one_step() -> None:
    rows = [name for name, row in integrations().items() if row.patterns and not name.startswith("sagemaker:")]
    assert sorted(f"{step.service}:{step.action}" for step in SERVICES if step.service != "sagemaker") == sorted(rows)
    assert steps.SageMakerCreateLabelingJobStep in SERVICES  # the other jobs and models: tests/steps/sagemaker


@pytest.mark.parametrize(
    "step", [step for step in SERVICES if issubclass(step, OptimizedStep)], ids=lambda step: step.__name__
)
def test_an_optimized_step_waits_in_each_way_of_its_row_and_in_no_other(step: type[OptimizedStep]) -> None:
    row = find_integration(step.service, step.action)
    assert row is not None
    for pattern in IntegrationPattern:
        name = pattern.value or "request_response"
        if name in row.patterns:
            suffix = f".{pattern.value}" if pattern.value else ""
            resource = f"arn:aws:states:::{step.service}:{step.action}{suffix}"
            assert step("A", pattern).to_dict() == {"Type": "Task", "Resource": resource, "End": True}
        else:
            with pytest.raises(ValueError, match="is not supported for this step"):
                step("A", pattern)
    waits = "sync" in row.patterns
    assert str(step("A").resource).endswith(".sync") == waits


@pytest.mark.parametrize("step", SERVICES, ids=lambda step: step.__name__)
def test_each_step_is_an_integration_of_the_catalog(step: type[ServiceStep]) -> None:
    row = find_integration(step.service, step.action)
    assert row is not None
    allowed = set(row.patterns)
    if issubclass(step, JobStep):
        assert "sync" in allowed
    if issubclass(step, CallbackStep):
        assert "waitForTaskToken" in allowed
    if issubclass(step, PatternStep):
        names = {"sync": f"sync:{step.sync_version}" if step.sync_version else "sync", "": "request_response"}
        assert {names.get(p.value, p.value) for p in step.patterns} <= allowed


@pytest.mark.parametrize("step", [s for s in SERVICES if issubclass(s, CallStep)], ids=lambda step: step.__name__)
def test_a_call_goes_on(step: type[CallStep]) -> None:
    assert step("S").resource == f"arn:aws:states:::{step.service}:{step.action}"


@pytest.mark.parametrize("step", [s for s in SERVICES if issubclass(s, CallbackStep)], ids=lambda step: step.__name__)
def test_a_callback_is_waited_for_when_asked(step: type[CallbackStep]) -> None:
    arn = f"arn:aws:states:::{step.service}:{step.action}"
    assert step("S").resource == arn
    assert step("S", wait_for_callback=True).resource == f"{arn}.waitForTaskToken"


@pytest.mark.parametrize("step", [s for s in SERVICES if issubclass(s, JobStep)], ids=lambda step: step.__name__)
def test_a_job_is_waited_for_unless_told_not_to(step: type[JobStep]) -> None:
    arn = f"arn:aws:states:::{step.service}:{step.action}"
    assert step("S").resource == f"{arn}.sync"
    assert step("S", wait_for_completion=False).resource == arn


@pytest.mark.parametrize("step", [s for s in SERVICES if issubclass(s, PatternStep)], ids=lambda step: step.__name__)
def test_a_pattern_is_taken_where_the_service_knows_it(step: type[PatternStep]) -> None:
    for pattern in IntegrationPattern:
        if pattern in step.patterns:
            assert step("S", integration_pattern=pattern).resource == step.resource_of(pattern)
        else:
            with pytest.raises(ValueError, match="is not supported for this step"):
                step("S", integration_pattern=pattern)
    with pytest.raises(TypeError, match="must be of type"):
        step("S", integration_pattern="sync")  # type: ignore[arg-type]


def test_waiting_for_an_execution_reads_its_output_as_json() -> None:
    assert steps.StepFunctionsStartExecutionStep("S").resource == "arn:aws:states:::states:startExecution.sync:2"


def test_parameters_and_task_fields_are_taken() -> None:
    step = steps.LambdaStep(
        "L",
        wait_for_callback=True,
        parameters={"FunctionName": "f", "Payload": {"token": context.task.token, "in": ExecutionInput()}},
        retry=steps.Retry(error_equals=["States.ALL"]),
        timeout_seconds=5,
        result_path="$.l",
    )

    assert step.to_dict() == {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token", "in.$": "$$.Execution.Input"}},
        "ResultPath": "$.l",
        "TimeoutSeconds": 5,
        "Retry": [{"ErrorEquals": ["States.ALL"]}],
        "End": True,
    }


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        (None, "aws"),
        ("us-east-1", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("eusc-de-east-1", "aws-eusc"),
        ("mars-north-1", "aws"),
    ],
)
def test_a_region_lies_in_its_partition(region: str | None, partition: str) -> None:
    assert partition_of(region) == partition


def test_partitions_agree_with_botocore() -> None:
    botocore = pytest.importorskip("botocore.session")
    session = botocore.get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("ec2", partition):
            assert partition_of(region) == partition, region


def test_the_partition_follows_the_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_aws_partition() == "aws"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    assert steps.LambdaStep("L").resource == "arn:aws-cn:states:::lambda:invoke"
    monkeypatch.setenv("AWS_REGION", "us-gov-east-1")
    assert get_service_integration_arn("sns", "publish") == "arn:aws-us-gov:states:::sns:publish"


def test_the_region_may_stand_in_the_configuration_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "config"
    file.write_text("[default]\nregion = eu-west-1\n[profile china]\nregion = cn-north-1\n[profile none]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    assert integration_resources.current_region() == "eu-west-1"
    monkeypatch.setenv("AWS_PROFILE", "china")
    assert get_aws_partition() == "aws-cn"
    for profile in ("none", "missing"):
        monkeypatch.setenv("AWS_PROFILE", profile)
        assert integration_resources.current_region() is None


def test_a_broken_configuration_file_does_not_stop_building(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "broken"
    file.write_bytes(b"\xff[[[\nnonsense")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    assert steps.LambdaStep("L").resource == "arn:aws:states:::lambda:invoke"


def test_building_steps_loads_no_boto3() -> None:
    from subprocess import run

    code = (
        "import sys; from mlflowsteps import steps; steps.Graph(steps.LambdaStep('L')).to_json(); "
        "print({'boto3', 'botocore', 'networkx', 'numpy', 'IPython'} & set(sys.modules))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"


def test_the_old_helpers_are_there() -> None:
    target = {"a": {"b": 1, "c": 2}, "d": [1]}
    utils.merge_dicts(target, {"a": {"b": 3}, "d": [2], "e": None})

    assert target == {"a": {"b": 3, "c": 2}, "d": [2], "e": None}
    assert utils.tags_dict_to_kv_list({"a": "b"}) == [{"Key": "a", "Value": "b"}]
    assert Field.InputPath.value == "input_path"  # type: ignore[attr-defined]
    assert Field.ErrorEquals.value == "error_equals"  # type: ignore[attr-defined]
    is_integration_pattern_valid(IntegrationPattern.WaitForCompletion, [IntegrationPattern.WaitForCompletion])


@pytest.mark.parametrize(
    "tags", [{"a": "b"}, [{"Key": "a", "Value": "b"}], [{"key": "a", "value": "b"}], ({"key": "a", "value": "b"},)]
)
def test_tags_are_taken_in_every_form(tags: Any) -> None:
    assert tag_list(tags) == [{"Key": "a", "Value": "b"}]
    assert tag_list(tags, upper=False) == [{"key": "a", "value": "b"}]
    assert tag_list(None) == []


@pytest.mark.parametrize("tags", [["a"], [{"a": "b"}], [{"Key": "a"}], [{"Key": "a", "value": "b"}]])
def test_what_is_no_tag_is_refused(tags: Any) -> None:
    with pytest.raises(ValueError, match="A tag is"):
        tag_list(tags)


def test_the_region_that_the_program_told_boto3_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setenv("AWS_REGION", "us-gov-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.session.Session(region_name="cn-north-1"))
    assert get_aws_partition() == "aws-cn"
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert get_aws_partition() == "aws-us-gov"
    monkeypatch.setattr(boto3.session.Session, "region_name", "cn-northwest-1")
    assert get_aws_partition() == "aws-cn"
