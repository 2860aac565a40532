"""The model registry through real clients and through workflows' tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.local import LocalRuntime
from tests.local.runs import ROLE, run, task

SPECIFICATION = {
    "Containers": [{"Image": "own", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "1"}}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalRuntime]:
    runtime = LocalRuntime(tmp_path / "root")
    yield runtime
    runtime.close()


@pytest.fixture
def sagemaker(runtime: LocalRuntime) -> Any:
    return runtime.client("sagemaker")


def register(sagemaker: Any, **changes: Any) -> str:
    arn: str = sagemaker.create_model_package(
        ModelPackageGroupName="group", InferenceSpecification=SPECIFICATION, **changes
    )["ModelPackageArn"]
    return arn


def test_packages_of_a_group_are_numbered_and_wait_for_approval(sagemaker: Any) -> None:
    tags = [{"Key": "team", "Value": "a"}]
    made = sagemaker.create_model_package_group(ModelPackageGroupName="group", Tags=tags)
    group = made["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=group)["Tags"] == tags
    assert group == "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/group"
    first, second = register(sagemaker), register(sagemaker, ModelApprovalStatus="Approved")
    assert first == "arn:aws:sagemaker:us-east-1:123456789012:model-package/group/1"
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (1, "PendingManualApproval")
    assert described["InferenceSpecification"] == SPECIFICATION
    listed = sagemaker.list_model_packages(ModelPackageGroupName="group")["ModelPackageSummaryList"]
    assert [row["ModelPackageArn"] for row in listed] == [second, first]
    approved = sagemaker.list_model_packages(ModelPackageGroupName="group", ModelApprovalStatus="Approved")
    assert [row["ModelPackageArn"] for row in approved["ModelPackageSummaryList"]] == [second]


def test_an_approval_and_metadata_are_changed_and_told(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    arn = register(sagemaker, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "good")
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    with pytest.raises(ClientError, match="'Maybe'; it must be one of Approved"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Maybe")


def test_versions_are_not_given_twice_and_a_group_is_deleted_when_it_is_empty(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    first = register(sagemaker)
    with pytest.raises(ClientError, match="delete those first"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="group")
    sagemaker.delete_model_package(ModelPackageName=first)
    assert register(sagemaker).endswith("/2")
    sagemaker.delete_model_package(ModelPackageName=first.replace("/1", "/2"))
    sagemaker.delete_model_package_group(ModelPackageGroupName="group")
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_what_is_taken_or_missing_is_refused_by_name(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName="group")
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SPECIFICATION)
    with pytest.raises(ClientError, match="ModelPackage already exists"):
        sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SPECIFICATION)
    (row,) = sagemaker.list_model_packages()["ModelPackageSummaryList"]
    assert row["ModelPackageName"] == "alone"
    for call in (
        lambda: sagemaker.describe_model_package(ModelPackageName="none"),
        lambda: sagemaker.create_model_package(ModelPackageGroupName="none"),
        lambda: sagemaker.create_model(ModelName="m", PrimaryContainer={"ModelPackageName": "none"}),
    ):
        with pytest.raises(ClientError, match="does not exist"):
            call()


def test_a_model_may_name_a_package_in_place_of_an_image(runtime: LocalRuntime, sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    arn = register(sagemaker)
    container = {"ModelPackageName": arn, "Environment": {"B": "2"}}
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    described = sagemaker.describe_model(ModelName="m")["PrimaryContainer"]
    assert described["Image"] == "own"
    assert described["Environment"] == {"A": "1", "B": "2"}


def test_a_workflow_registers_and_approves(runtime: LocalRuntime) -> None:
    prefix = "arn:aws:states:::aws-sdk:sagemaker:"
    group = run(runtime, task(prefix + "createModelPackageGroup", {"ModelPackageGroupName": "group"}))
    assert group["status"] == "SUCCEEDED", group
    request = {"ModelPackageGroupName": "group", "InferenceSpecification": SPECIFICATION}
    arn = run(runtime, task(prefix + "createModelPackage", request))["output"]["ModelPackageArn"]
    update = {"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"}
    assert run(runtime, task(prefix + "updateModelPackage", update))["status"] == "SUCCEEDED"
    described = run(runtime, task(prefix + "describeModelPackage", {"ModelPackageName": arn}))["output"]
    assert described["ModelApprovalStatus"] == "Approved"
