"""Logs of SageMaker jobs through a CloudWatch Logs client, as SDKs follow a job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.local import LocalRuntime
from tests.local.jobs.conftest import training

GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalRuntime]:
    runtime = LocalRuntime(tmp_path / "root")
    runtime.client("s3").create_bucket(Bucket="data")
    runtime.register_image("own", ["/bin/sh", "-c", "echo first; echo second", "sh"])
    request = training("job", "own")
    del request["InputDataConfig"]
    runtime.client("sagemaker").create_training_job(**request)
    ended = threading.Event()
    runtime.jobs.watch("training-job", "job", lambda _: ended.set())
    assert ended.wait(60)
    yield runtime
    runtime.close()


def test_a_jobs_log_is_a_stream_read_to_its_end_by_tokens(runtime: LocalRuntime) -> None:
    logs = runtime.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="job/")["logStreams"]
    where = {"logGroupName": GROUP, "logStreamName": stream["logStreamName"], "startFromHead": True}
    page = logs.get_log_events(**where, limit=2)
    lines = [event["message"] for event in page["events"]]
    page = logs.get_log_events(**where, nextToken=page["nextForwardToken"])
    lines += [event["message"] for event in page["events"]]
    assert [line for line in lines if not line.startswith("[mlflowsteps]")] == ["first", "second"]
    last = logs.get_log_events(**where, nextToken=page["nextForwardToken"])
    assert (last["events"], last["nextForwardToken"]) == ([], page["nextForwardToken"])


def test_a_group_or_stream_that_is_not_there_is_named(runtime: LocalRuntime) -> None:
    logs = runtime.client("logs")
    with pytest.raises(ClientError, match="log group does not exist: /aws/other"):
        logs.describe_log_streams(logGroupName="/aws/other")
    with pytest.raises(ClientError, match="log stream does not exist: none"):
        logs.get_log_events(logGroupName=GROUP, logStreamName="none")
    assert logs.describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")["logStreams"] == []
