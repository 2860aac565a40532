"""Amazon SageMaker on the job manager: create, describe, list, stop, delete, tags.

Owns the API's operations and listing; what a request means is the job manager's business. A job that a workflow's task
creates carries that task as its origin (see ``tasks.origin``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.kinds import ENDPOINT, JOB_KINDS, KINDS, TUNING, Kind
from mlflowsteps.local.records import Json
from mlflowsteps.local.services.sagemaker_registry import RegistryOperations
from mlflowsteps.local.tasks.origin import ORIGIN

if TYPE_CHECKING:
    from mlflowsteps.local.jobs.manager import JobManager
    from mlflowsteps.local.store import Tags

__all__ = ["SageMaker"]

Params = dict[str, Json]

_PAGE = 100
_SUMMARIES = {"model": "Models", "endpoint-config": "EndpointConfigs", "endpoint": "Endpoints"}


class SageMaker:
    """One method per operation played, named as boto3's; those that are alike for all kinds are made from a table.

    Args:
        jobs: the job manager.
        tags: where tags are kept.
    """

    def __init__(self, jobs: JobManager, tags: Tags) -> None:
        self._jobs = jobs
        self._tags = tags
        self._operations: dict[str, Callable[[Params], Params]] = {}
        for kind in KINDS.values():
            self._operations |= self._operations_of(kind)
        self._registry = RegistryOperations(jobs.registry, _page, self._tag)

    def __getattr__(self, name: str) -> Callable[[Params], Params]:
        try:
            return self.__dict__["_operations"][name]  # type: ignore[no-any-return]
        except KeyError:
            pass
        operation = getattr(self.__dict__.get("_registry"), name, None)
        if operation is None:
            raise AttributeError(name)
        return operation  # type: ignore[no-any-return]

    def _operations_of(self, kind: Kind) -> dict[str, Callable[[Params], Params]]:
        snake = kind.name.replace("-", "_")
        made: dict[str, Callable[[Params], Params]] = {
            f"create_{snake}": lambda params: self._create(kind, params),
            f"describe_{snake}": lambda params: self._jobs.describe(kind.name, params[kind.name_key]),
            f"list_{snake}s": lambda params: self._list(kind, params),
            f"delete_{snake}": lambda params: self._delete(kind, params),
        }
        if kind.name in JOB_KINDS:
            made[f"stop_{snake}"] = lambda params: self._stop(kind, params)
        return made

    def _create(self, kind: Kind, params: Params) -> Params:
        arn = self._jobs.create(kind.name, params, origin=ORIGIN.get())
        self._tag(arn, params)
        return {kind.arn_key: arn}

    def _tag(self, arn: str, params: Params) -> None:
        self._tags.add(arn, _tag_map(params.get("Tags", [])))

    def _stop(self, kind: Kind, params: Params) -> Params:
        self._jobs.stop(kind.name, params[kind.name_key])
        return {}

    def _delete(self, kind: Kind, params: Params) -> Params:
        arn = self._jobs.describe(kind.name, params[kind.name_key])[kind.arn_key]
        self._jobs.delete(kind.name, params[kind.name_key])
        self._tags.clear(arn)
        return {}

    def update_endpoint(self, params: Params) -> Params:
        """Have an endpoint serve another configuration."""
        return {KINDS[ENDPOINT].arn_key: self._jobs.update_endpoint(params)}

    def update_endpoint_weights_and_capacities(self, params: Params) -> Params:
        """Move an endpoint's traffic between its variants."""
        return {KINDS[ENDPOINT].arn_key: self._jobs.update_weights(params)}

    def _list(self, kind: Kind, params: Params) -> Params:
        found = [entry for entry in self._jobs.list(kind.name) if _wanted(kind, entry, params)]
        sort_by = params.get("SortBy", "CreationTime")
        key = str({"Name": kind.name_key, "Status": kind.status_key}.get(sort_by, sort_by))
        found.sort(key=lambda entry: entry.get(key, 0), reverse=params.get("SortOrder", "Descending") == "Descending")
        if kind.name == TUNING:
            found = [entry | _tuning_summary(entry) for entry in found]
        return _page(_SUMMARIES.get(kind.name, f"{kind.title}Summaries"), found, params)

    def list_training_jobs_for_hyper_parameter_tuning_job(self, params: Params) -> Params:
        """The training jobs of a tuning job."""
        status = params.get("StatusEquals")
        entries = self._jobs.tuned_jobs(params[KINDS[TUNING].name_key])
        found = [entry for entry in entries if status in (None, entry["TrainingJobStatus"])]
        key = _TUNED_KEYS[params.get("SortBy", "Name")]
        if key is _objective:
            found = [entry for entry in found if _objective(entry) is not None]
        found.sort(key=key, reverse=params.get("SortOrder", "Ascending") == "Descending")
        return _page("TrainingJobSummaries", found, params)

    def add_tags(self, params: Params) -> Params:
        """Set tags of anything that has an ARN."""
        self._tags.add(params["ResourceArn"], _tag_map(params["Tags"]))
        return {"Tags": _tag_list(self._tags.get(params["ResourceArn"]))}

    def list_tags(self, params: Params) -> Params:
        """The tags of an ARN."""
        return {"Tags": _tag_list(self._tags.get(params["ResourceArn"]))}

    def delete_tags(self, params: Params) -> Params:
        """Take tags away."""
        self._tags.remove(params["ResourceArn"], params["TagKeys"])
        return {}


def _objective(entry: Params) -> Json:
    return entry.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")


_TUNED_KEYS: dict[str, Callable[[Params], Json]] = {
    "Name": lambda entry: entry["TrainingJobName"],
    "CreationTime": lambda entry: entry["CreationTime"],
    "Status": lambda entry: entry["TrainingJobStatus"],
    "FinalObjectiveMetricValue": _objective,
}


def _tuning_summary(entry: Params) -> Params:
    """Members of a listing that stand elsewhere in a description."""
    config = entry["HyperParameterTuningJobConfig"]
    return {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}


def _page(member: str, found: list[Params], params: Params) -> Params:
    start, size = _start(params.get("NextToken")), params.get("MaxResults", _PAGE)
    page: Params = {member: found[start : start + size]}
    if start + size < len(found):
        page["NextToken"] = str(start + size)
    return page


def _wanted(kind: Kind, entry: Params, params: Params) -> bool:
    checks = (
        ("NameContains", lambda value: value.lower() in entry[kind.name_key].lower()),
        ("StatusEquals", lambda value: entry.get(kind.status_key) == value),
        ("CreationTimeAfter", lambda value: entry["CreationTime"] > value),
        ("CreationTimeBefore", lambda value: entry["CreationTime"] < value),
        ("LastModifiedTimeAfter", lambda value: entry.get("LastModifiedTime", entry["CreationTime"]) > value),
        ("LastModifiedTimeBefore", lambda value: entry.get("LastModifiedTime", entry["CreationTime"]) < value),
    )
    return all(holds(params[name]) for name, holds in checks if name in params)


def _start(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdigit():
        raise ServiceError("ValidationException", f"NextToken {token[:100]!r} was not given out by this runtime.")
    return int(token)


def _tag_map(tags: list[dict[str, Any]]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
