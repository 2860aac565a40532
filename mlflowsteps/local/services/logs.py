"""Amazon CloudWatch Logs, as far as SDKs follow a job by it: the log of each SageMaker job as one stream. Read only.

A job's log file has no times of its lines; all of them bear the time at which the job was created.

Source:
    Amazon SageMaker developer guide, "Log groups and streams".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.kinds import ENDPOINT, KINDS, PROCESSING, TRAINING, TRANSFORM
from mlflowsteps.local.records import Json

if TYPE_CHECKING:
    from mlflowsteps.local.jobs.manager import JobManager

__all__ = ["Logs"]

Params = dict[str, Json]
_GROUPS = {
    "/aws/sagemaker/TrainingJobs": TRAINING,
    "/aws/sagemaker/ProcessingJobs": PROCESSING,
    "/aws/sagemaker/TransformJobs": TRANSFORM,
}
_ENDPOINTS = "/aws/sagemaker/Endpoints/"
_STREAM = "algo-1-local"
_PAGE = 10_000


class Logs:
    """One method per operation played, named as boto3's.

    Args:
        jobs: the job manager, which knows where logs are.
    """

    def __init__(self, jobs: JobManager) -> None:
        self._jobs = jobs

    def describe_log_streams(self, params: Params) -> Params:
        """The streams of a log group: one for each job whose log has begun."""
        wanted = params.get("logStreamNamePrefix", "")
        found = [
            {"logStreamName": stream, "creationTime": millis, "storedBytes": 0, "arn": f"file://{file}"}
            for stream, millis, file in self._streams(params)
            if stream.startswith(wanted)
        ]
        return {"logStreams": found[: params.get("limit", 50)]}

    def get_log_events(self, params: Params) -> Params:
        """The lines of a stream, from where a token says; the token is the number of lines that were read."""
        wanted = params["logStreamName"]
        found = next(((m, file) for stream, m, file in self._streams(params) if stream == wanted), None)
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"The specified log stream does not exist: {wanted}")
        millis, file = found
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        start = _start(params.get("nextToken"))
        page = lines[start : start + min(params.get("limit", _PAGE), _PAGE)]
        events = [{"timestamp": millis, "ingestionTime": millis, "message": line} for line in page]
        return {
            "events": events,
            "nextForwardToken": f"f/{start + len(page)}",
            "nextBackwardToken": f"b/{start}",
        }

    def _streams(self, params: Params) -> list[tuple[str, int, Path]]:
        """Name, creation time in milliseconds and file of each stream of a group."""
        group = str(params.get("logGroupName") or str(params.get("logGroupIdentifier", "")).rsplit("log-group:", 1)[-1])
        if group.startswith(_ENDPOINTS):
            kind, only = KINDS[ENDPOINT], group.removeprefix(_ENDPOINTS)
        elif group in _GROUPS:
            kind, only = KINDS[_GROUPS[group]], None
        else:
            raise ServiceError("ResourceNotFoundException", f"The specified log group does not exist: {group}")
        found = []
        for entry in self._jobs.list(kind.name):
            name = entry[kind.name_key]
            file = self._jobs.log_path(kind.name, name)
            if only in (None, name) and file.exists():
                stream = f"{'AllTraffic' if only else name}/{_STREAM}"
                found.append((stream, round(entry["CreationTime"] * 1000), file))
        return found


def _start(token: str | None) -> int:
    number = (token or "f/0").partition("/")[2]
    if not number.isdigit():
        raise ServiceError("InvalidParameterException", f"nextToken {str(token)[:100]!r} was not given out here.")
    return int(number)
