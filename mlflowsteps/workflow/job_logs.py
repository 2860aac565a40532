"""Where a SageMaker job's log lines are, and reading them.

A job of a local runtime writes to a file that its description names; on AWS lines are in CloudWatch Logs, which is
asked only through a client that the user hands in. Decides nothing about how lines are shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflowsteps.workflow.client import Connection

__all__ = ["KINDS", "JobLogs"]

KINDS = {
    "training-job": ("describe_training_job", "TrainingJobName", "/aws/sagemaker/TrainingJobs"),
    "processing-job": ("describe_processing_job", "ProcessingJobName", "/aws/sagemaker/ProcessingJobs"),
    "transform-job": ("describe_transform_job", "TransformJobName", "/aws/sagemaker/TransformJobs"),
}
"""Of each kind of job that has a log: how it is described, by which name, and its log group on AWS."""

_TAIL_BYTES = 65_536  # of a file, read from its end for its last lines
_RUNTIME = "[mlflowsteps]"  # begins the local runtime's own lines, which are none of the job's
_PAGE = 10_000  # most lines of one answer of GetLogEvents


class JobLogs:
    """Reads the logs of one execution's jobs.

    Args:
        connection: whose local runtime is asked, where it has one.
        logs: boto3's CloudWatch Logs client, or an object with its ``describe_log_streams`` and ``get_log_events``;
            None: logs on AWS are not read.
    """

    def __init__(self, connection: Connection, logs: Any = None) -> None:
        self._runtime, self._logs = connection.runtime, logs
        self._sagemaker: Any = None

    def lines(self, arn: str, most: int) -> list[str]:
        """The last lines of a job's log, oldest first; empty where there is none, or none that may be read.

        Args:
            arn: the job's.
            most: how many.

        Raises:
            botocore.exceptions.ClientError: CloudWatch refused; that a log does not exist yet is no error.
        """
        kind, _, name = arn.split(":", 5)[-1].partition("/")
        if kind not in KINDS or not name:
            return []
        if self._runtime is not None:
            return self._local(kind, name, most)
        return self._cloudwatch(kind, name, most) if self._logs is not None else []

    def _local(self, kind: str, name: str, most: int) -> list[str]:
        from botocore.exceptions import ClientError

        if self._sagemaker is None and self._runtime is not None:
            self._sagemaker = self._runtime.client("sagemaker")
        describe, key, _ = KINDS[kind]
        try:
            found = getattr(self._sagemaker, describe)(**{key: name})
        except ClientError:  # the job was deleted, or was never this runtime's
            return []
        path = found.get("LocalRun", {}).get("LogFile")
        return _tail(Path(path), most) if isinstance(path, str) else []

    def _cloudwatch(self, kind: str, name: str, most: int) -> list[str]:
        from botocore.exceptions import ClientError

        group = KINDS[kind][2]
        try:
            # The job's first instance: its stream is algo-1; that of the data log sorts behind it.
            streams = self._logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/", limit=1)
            if not streams["logStreams"]:
                return []
            stream = streams["logStreams"][0]["logStreamName"]
            return self._events(group, stream, most)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":  # the job has not said anything yet
                return []
            raise

    def _events(self, group: str, stream: str, most: int) -> list[str]:
        """The newest page first, then back until there are enough lines or no more."""
        found: deque[str] = deque(maxlen=most)
        token: dict[str, str] = {}
        while len(found) < most:
            page = self._logs.get_log_events(
                logGroupName=group,
                logStreamName=stream,
                limit=min(most - len(found), _PAGE),
                startFromHead=False,
                **token,
            )
            found.extendleft(event["message"].rstrip("\n") for event in reversed(page["events"]))
            before = page.get("nextBackwardToken")
            if not page["events"] or before is None or token.get("nextToken") == before:
                break
            if len(found) < most:
                token = {"nextToken": before}
        return list(found)


def _tail(path: Path, most: int) -> list[str]:
    """A file's last lines; only its end is read where few lines are wanted."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - _TAIL_BYTES) if most <= _TAIL_BYTES // 1000 else 0
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
    except OSError:  # not begun yet, or cleaned up
        return []
    lines: Iterable[str] = text.split("\n")[1 if start else 0 :]
    said = (line.rstrip("\r") for line in lines if line.strip() and not line.startswith(_RUNTIME))
    return list(deque(said, maxlen=most))
