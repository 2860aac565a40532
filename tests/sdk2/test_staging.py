"""SDK 2: source code is planned while a step is built, and put into S3 when its workflow is created."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.parity.harness import BUCKET, ROLE, Wire, no_network

INPUTS = ExecutionInput(schema={"Job": str})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("print('hello')\n")


def training(bucket: str | None = BUCKET) -> steps.TrainingStep:
    from sagemaker import Session
    from sagemaker.sklearn import SKLearn

    session = Session(boto_session=Wire().session, default_bucket=bucket)
    estimator = SKLearn(
        "train.py", framework_version="1.2-1", role=ROLE, instance_type="ml.m5.large", sagemaker_session=session
    )
    with no_network():
        return steps.TrainingStep("Train", estimator, INPUTS["Job"])


def test_the_same_code_gives_the_same_definition_and_other_code_another() -> None:
    first, second = training(), training()
    assert first.to_dict() == second.to_dict()
    assert first.uploads == second.uploads
    Path("train.py").write_text("print('other')\n")
    assert training().to_dict() != first.to_dict()


def test_creating_the_workflow_puts_the_code_as_it_was_when_the_step_was_built_into_s3_once() -> None:
    step = training()
    Path("train.py").unlink()
    with LocalRuntime.temporary() as runtime:
        workflow = Workflow("W", step, ROLE, client=runtime)
        workflow.create()
        (upload,) = step.uploads
        bucket, key = upload.place
        found = runtime.client("s3").get_object(Bucket=bucket, Key=key)
        with tarfile.open(fileobj=io.BytesIO(found["Body"].read())) as archive:
            assert archive.getnames() == ["train.py"]
        workflow.upsert()
        assert runtime.client("s3").head_object(Bucket=bucket, Key=key)["LastModified"] == found["LastModified"]
    assert upload.uri in step.to_json()


def test_what_would_ask_aws_is_refused_with_the_call_and_the_fix() -> None:
    with pytest.raises(DefinitionError, match=r"sts:GetCallerIdentity.*default_bucket"):
        training(bucket=None)
