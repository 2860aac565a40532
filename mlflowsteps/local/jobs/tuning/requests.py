"""Requests of tuning jobs: what the service refuses, what a description begins with, each training job's."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.container import Record
from mlflowsteps.local.jobs.tuning.ranges import Categorical, Range, RangeError, read_ranges

__all__ = [
    "BAYESIAN",
    "GRID",
    "HYPERBAND",
    "RANDOM",
    "Definition",
    "check_tuning",
    "definitions_of",
    "describe",
    "limit_of",
]

BAYESIAN, RANDOM, HYPERBAND, GRID = "Bayesian", "Random", "Hyperband", "Grid"
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_ECHOED = [
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
]
_COPIED = [
    "InputDataConfig", "VpcConfig", "OutputDataConfig", "StoppingCondition", "CheckpointConfig", "RetryStrategy",
    "RoleArn", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "Environment",
]  # fmt: skip
_OBJECTIVE = "_tuning_objective_metric"
_MAX_PARENTS = 5
_UNLIMITED = 500  # most training jobs of a tuning job that is limited by its run time only


@dataclass(frozen=True, slots=True)
class Definition:
    """One training job definition of a tuning job.

    Args:
        name: its DefinitionName; None where the request has one without a name.
        metric: name of the objective metric.
        maximize: whether the largest is the best.
        ranges: what is tuned.
        given: the definition as it stands in the request.
    """

    name: str | None
    metric: str
    maximize: bool
    ranges: tuple[Range, ...]
    given: Record

    @property
    def kind(self) -> str:
        """``Maximize`` or ``Minimize``."""
        return "Maximize" if self.maximize else "Minimize"

    def better(self, value: float, than: float) -> bool:
        """Whether one value of the objective is better than another."""
        return value > than if self.maximize else value < than

    def request(self, name: str, tuned: Mapping[str, str]) -> Record:
        """The CreateTrainingJob request of a trial."""
        found = {key: copy.deepcopy(self.given[key]) for key in _COPIED if key in self.given}
        static = self.given.get("StaticHyperParameters") or {}
        found["HyperParameters"] = {**static, **tuned, _OBJECTIVE: self.metric}
        found["AlgorithmSpecification"] = copy.deepcopy(self.given["AlgorithmSpecification"])
        found["ResourceConfig"] = _resources(self.given)
        return {"TrainingJobName": name} | found


def _resources(given: Record) -> Record:
    if given.get("ResourceConfig"):
        return copy.deepcopy(given["ResourceConfig"])
    tuning = given.get("HyperParameterTuningResourceConfig") or {}
    first = (tuning.get("InstanceConfigs") or [{}])[0]
    found = {"VolumeSizeInGB": 30, "InstanceCount": 1} | tuning | first
    return {
        key: found[key] for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId") if key in found
    }


def definitions_of(request: Record) -> list[Definition]:
    """The training job definitions of a request that was checked."""
    config = request["HyperParameterTuningJobConfig"]
    rows = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
    found = []
    for row in rows:
        objective = row.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
        ranges = read_ranges(row.get("HyperParameterRanges") or config.get("ParameterRanges") or {})
        found.append(
            Definition(
                row.get("DefinitionName"), objective["MetricName"], objective["Type"] == "Maximize", tuple(ranges), row
            )
        )
    return found


def limit_of(request: Record) -> int:
    """How many training jobs there are to be at most."""
    limits = request["HyperParameterTuningJobConfig"].get("ResourceLimits") or {}
    if request["HyperParameterTuningJobConfig"]["Strategy"] == GRID:
        return sum(_combinations(item) for item in definitions_of(request))
    return int(limits.get("MaxNumberOfTrainingJobs") or _UNLIMITED)


def _combinations(definition: Definition) -> int:
    return math.prod(len(item.values) for item in definition.ranges if isinstance(item, Categorical))


def describe(request: Record) -> Record:
    """What DescribeHyperParameterTuningJob answers at once."""
    found = {key: copy.deepcopy(request[key]) for key in _ECHOED if key in request}
    counters = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    found["TrainingJobStatusCounters"] = dict.fromkeys(counters, 0)
    found["ObjectiveStatusCounters"] = {"Succeeded": 0, "Pending": 0, "Failed": 0}
    return found


def _refuse(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)


def check_tuning(request: Record) -> None:
    """Refuse what the service refuses.

    Raises:
        ServiceError: ``ValidationException``, naming the member, the value and the fix.
    """
    name = request["HyperParameterTuningJobName"]
    if not _NAME.fullmatch(name):
        raise _refuse(
            f"HyperParameterTuningJobName is {name!r}; it may have at most 32 letters, digits and single hyphens."
        )
    single, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions") or []
    if bool(single) == bool(several):
        raise _refuse("Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given.")
    for row in several or [single]:
        _check_definition(row, request["HyperParameterTuningJobConfig"], named=bool(several))
    names = [row["DefinitionName"] for row in several]
    if len(set(names)) != len(names) or len(names) > 10:
        raise _refuse(f"TrainingJobDefinitions must have at most 10 entries with names of their own, not {names}.")
    try:
        found = definitions_of(request)
    except RangeError as error:
        raise _refuse(str(error)) from error
    _check_strategy(request["HyperParameterTuningJobConfig"], found)
    _check_warm_start(request.get("WarmStartConfig"))


def _check_definition(row: Record, config: Record, *, named: bool) -> None:
    what = f"TrainingJobDefinition {row['DefinitionName']!r}" if row.get("DefinitionName") else "TrainingJobDefinition"
    if named and not row.get("DefinitionName"):
        raise _refuse("Each of several TrainingJobDefinitions must have a DefinitionName.")
    objective = row.get("TuningObjective") if named else config.get("HyperParameterTuningJobObjective")
    if not objective:
        place = "TuningObjective" if named else "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective"
        raise _refuse(f"{what} needs an objective: {place} with Type and MetricName.")
    tuned = row.get("HyperParameterRanges") or config.get("ParameterRanges") or {}
    static = row.get("StaticHyperParameters") or {}
    both = [item["Name"] for rows in tuned.values() for item in rows if item["Name"] in static]
    if both:
        raise _refuse(f"{what}: {both[0]!r} stands in StaticHyperParameters and in a range; leave it out of one.")
    if not row.get("ResourceConfig") and not row.get("HyperParameterTuningResourceConfig"):
        raise _refuse(f"{what} needs a ResourceConfig: InstanceCount, InstanceType and VolumeSizeInGB.")


def _check_strategy(config: Record, found: list[Definition]) -> None:
    strategy, limits = config["Strategy"], config.get("ResourceLimits") or {}
    if not any(item.ranges for item in found):
        raise _refuse("ParameterRanges is empty: give at least one range to tune.")
    if strategy == GRID:
        _check_grid(limits, found)
    elif not limits.get("MaxNumberOfTrainingJobs") and not limits.get("MaxRuntimeInSeconds"):
        raise _refuse("ResourceLimits needs MaxNumberOfTrainingJobs or MaxRuntimeInSeconds.")
    if limits.get("MaxParallelTrainingJobs", 0) < 1:
        raise _refuse("ResourceLimits.MaxParallelTrainingJobs is required, at least 1.")
    if strategy == HYPERBAND:
        _check_hyperband(config)


def _check_grid(limits: Record, found: list[Definition]) -> None:
    odd = next((item.name for one in found for item in one.ranges if not isinstance(item, Categorical)), None)
    if odd is not None:
        raise _refuse(f"Strategy Grid takes categorical ranges only, and {odd!r} is none.")
    total = sum(_combinations(item) for item in found)
    given = limits.get("MaxNumberOfTrainingJobs")
    if given and given != total:
        raise _refuse(f"MaxNumberOfTrainingJobs is {given}, but the grid has {total} points; leave it out.")


def _check_hyperband(config: Record) -> None:
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise _refuse("Strategy Hyperband stops jobs by itself: TrainingJobEarlyStoppingType must be Off.")
    given: dict[str, Any] = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    low, high = given.get("MinResource", 1), given.get("MaxResource", 1)
    if given and not 1 <= low <= high:
        raise _refuse(f"HyperbandStrategyConfig: MinResource {low} must be at least 1 and at most MaxResource {high}.")


def _check_warm_start(given: Record | None) -> None:
    parents = (given or {}).get("ParentHyperParameterTuningJobs") or []
    if given and not 1 <= len(parents) <= _MAX_PARENTS:
        raise _refuse(f"WarmStartConfig names {len(parents)} parents; 1 to {_MAX_PARENTS} are allowed.")
