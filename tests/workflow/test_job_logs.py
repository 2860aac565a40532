from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.workflow.client import Connection
from mlflowsteps.workflow.job_logs import JobLogs

ARN = "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn"


class Client:
    """Answers describe_training_job as a local runtime does."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def describe_training_job(self, **request: Any) -> dict[str, Any]:
        assert request == {"TrainingJobName": "churn"}
        if self.path is None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "none"}}, "DescribeTrainingJob")
        return {"LocalRun": {"LogFile": str(self.path)}}


class Runtime:
    def __init__(self, path: Path | None) -> None:
        self.sagemaker = Client(path)

    def client(self, name: str) -> Client:
        assert name == "sagemaker"
        return self.sagemaker


class CloudWatch:
    """Hands out lines in pages of three, the newest first."""

    def __init__(self, lines: list[str], error: str | None = None) -> None:
        self.said, self.error, self.calls = lines, error, 0

    def describe_log_streams(self, **request: Any) -> dict[str, Any]:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "m"}}, "DescribeLogStreams")
        assert request == {
            "logGroupName": "/aws/sagemaker/TrainingJobs",
            "logStreamNamePrefix": "churn/",
            "limit": 1,
        }
        return {"logStreams": [{"logStreamName": "churn/algo-1-1"}] if self.said else []}

    def get_log_events(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        assert request["logStreamName"] == "churn/algo-1-1"
        assert request["startFromHead"] is False
        end = int(request.get("nextToken", len(self.said)))
        start = max(0, end - min(3, request["limit"]))
        events = [{"message": line + "\n"} for line in self.said[start:end]]
        return {"events": events, "nextBackwardToken": str(start)}


def local(path: Path | None) -> JobLogs:
    return JobLogs(Connection(None, Runtime(path)))  # type: ignore[arg-type]


def cloud(client: Any) -> JobLogs:
    return JobLogs(Connection(None), client)  # type: ignore[arg-type]


def test_last_lines_of_a_local_log_are_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    lines = b"".join(b"line %d\n" % number for number in range(50_000))
    log.write_bytes(lines + b"\xff broken\r\n\n[mlflowsteps] ended\n")
    assert local(log).lines(ARN, 2) == ["line 49999", "\ufffd broken"]
    assert len(local(log).lines(ARN, 60_000)) == 50_001
    assert local(log).lines(ARN, 60_000)[0] == "line 0"


def test_a_job_without_log_says_nothing(tmp_path: Path) -> None:
    assert local(tmp_path / "none.txt").lines(ARN, 5) == []
    assert local(None).lines(ARN, 5) == []
    assert local(tmp_path).lines(ARN.replace("training-job", "model"), 5) == []
    assert local(tmp_path).lines("", 5) == []


def test_cloudwatch_is_read_backwards_until_there_are_enough_lines() -> None:
    client = CloudWatch([f"line {number}" for number in range(8)])
    assert cloud(client).lines(ARN, 5) == [f"line {number}" for number in range(3, 8)]
    assert client.calls == 2
    assert cloud(client).lines(ARN, 100) == [f"line {number}" for number in range(8)]


def test_a_stream_that_is_not_there_yet_is_no_error() -> None:
    assert cloud(CloudWatch([])).lines(ARN, 5) == []
    assert cloud(CloudWatch([], "ResourceNotFoundException")).lines(ARN, 5) == []
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud(CloudWatch([], "AccessDeniedException")).lines(ARN, 5)


def test_aws_is_not_asked_without_a_client() -> None:
    assert cloud(None).lines(ARN, 5) == []
