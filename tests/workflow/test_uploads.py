"""Uploads that steps have planned: which client carries them out, when, and what becomes of buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.steps.sagemaker.staging import Request, Upload
from mlflowsteps.workflow import Workflow
from mlflowsteps.workflow.client import connect
from mlflowsteps.workflow.uploads import upload_sources
from tests.workflow.conftest import ROLE, boto3_client


def training(*files: Path) -> steps.Graph:
    """A workflow of one training step that needs these files in S3, each in a bucket of its own."""
    uploads = [Upload(f"s3://{file.stem}/code/{file.name}", file) for file in files]
    request = {
        "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://out/"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "RoleArn": ROLE,
    }
    return steps.Graph(steps.TrainingStep("Train", Request(request, uploads), "job"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "sources.py"
    file.write_text("print(1)")
    return file


def test_a_local_runtime_gets_the_files_and_the_buckets_for_them(runtime: Any, code: Path) -> None:
    other = code.with_name("others.py")
    other.write_text("print(2)")
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket="others")
    connection = connect(runtime)

    assert upload_sources(training(code, other), connection) == [
        "s3://sources/code/sources.py", "s3://others/code/others.py",
    ]  # fmt: skip
    assert s3.get_object(Bucket="sources", Key="code/sources.py")["Body"].read() == b"print(1)"
    assert s3.get_object(Bucket="others", Key="code/others.py")["Body"].read() == b"print(2)"
    assert upload_sources(training(code, other), connection) == []


def test_a_client_of_a_local_runtime_leads_to_the_runtime_s_own_s3(runtime: Any, code: Path) -> None:
    upload_sources(training(code), connect(runtime.client("stepfunctions")))
    assert [bucket["Name"] for bucket in runtime.client("s3").list_buckets()["Buckets"]] == ["sources"]


def test_the_s3_client_that_is_given_is_the_one_used(runtime: Any, code: Path) -> None:
    moto = pytest.importorskip("moto")
    import boto3

    with moto.mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        s3.create_bucket(Bucket="sources")
        assert upload_sources(training(code), connect(runtime), s3) == ["s3://sources/code/sources.py"]
        assert s3.head_object(Bucket="sources", Key="code/sources.py")["ContentLength"] == 8
    assert runtime.client("s3").list_buckets()["Buckets"] == []


def test_on_aws_it_is_boto3s_in_the_region_of_the_step_functions_client(
    monkeypatch: pytest.MonkeyPatch, code: Path
) -> None:
    import boto3

    asked: list[tuple[str, str | None]] = []

    def client(service: str, region_name: str | None = None) -> Any:
        asked.append((service, region_name))
        raise ConnectionError("no AWS here")

    connection = connect(boto3_client())
    monkeypatch.setattr(boto3, "client", client)
    with pytest.raises(ConnectionError):
        upload_sources(training(code), connection)
    assert asked == [("s3", "us-east-1")]


def test_a_workflow_without_uploads_asks_nobody() -> None:
    class Nobody:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    assert upload_sources(steps.Graph(steps.Pass("A")), connect(boto3_client()), Nobody()) == []


def test_creating_a_workflow_uploads_and_one_that_is_refused_uploads_nothing(runtime: Any, code: Path) -> None:
    buckets = runtime.client("s3").list_buckets
    for name, role in (("W w", ROLE), ("W", "no role")):
        with pytest.raises(ValueError, match=r"cannot be the name|ARN of an IAM role"):
            Workflow(name, training(code), role=role, client=runtime).create()
    assert buckets()["Buckets"] == []
    Workflow("W", training(code), role=ROLE, client=runtime).create()
    assert [bucket["Name"] for bucket in buckets()["Buckets"]] == ["sources"]
