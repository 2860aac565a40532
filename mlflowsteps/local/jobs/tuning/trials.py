"""Trials: the training jobs of a tuning job as it keeps them, and what its description and listing say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlflowsteps.local.jobs.container import Record
from mlflowsteps.local.jobs.tuning.requests import Definition

__all__ = ["Trial", "best_of", "counters", "summary_of"]

_STATUSES = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}
_TIMES = ("CreationTime", "TrainingStartTime", "TrainingEndTime", "FailureReason")


@dataclass(slots=True)
class Trial:
    """One training job of a tuning job.

    Args:
        number: from 0.
        name: of the training job.
        definition: index of its definition.
        tuned: the values it got.
        value: the objective's final value; None while it is not known, or where there is none.
        status: TrainingJobStatus once it has ended.
        series: the objective's values in the order of the log, once it has ended.
    """

    number: int
    name: str
    definition: int
    tuned: dict[str, str]
    value: float | None = None
    status: str | None = None
    series: list[float] = field(default_factory=list)

    @property
    def objective_status(self) -> str:
        """``Pending``, ``Succeeded`` or ``Failed``."""
        if self.status is None:
            return "Pending"
        return "Failed" if self.value is None or self.status == "Failed" else "Succeeded"

    def to_json(self) -> Record:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Trial:
        """The trial that was stored."""
        return cls(**stored)


def counters(trials: Sequence[Trial]) -> Record:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for trial in trials:
        jobs[_STATUSES[trial.status] if trial.status else "InProgress"] += 1
        objectives[trial.objective_status] += 1
    return {"TrainingJobStatusCounters": jobs, "ObjectiveStatusCounters": objectives}


def best_of(trials: Sequence[Trial], definitions: Sequence[Definition]) -> Trial | None:
    """The trial with the best objective; of definitions with other objectives only those like the first one's count."""
    first = definitions[0]
    found: Trial | None = None
    for trial in trials:
        definition = definitions[trial.definition]
        if trial.objective_status != "Succeeded" or trial.value is None:
            continue
        if (definition.metric, definition.maximize) != (first.metric, first.maximize):
            continue
        if found is None or found.value is None or first.better(trial.value, found.value):
            found = trial
    return found


def summary_of(trial: Trial, definition: Definition, training: Record) -> Record:
    """A trial's HyperParameterTrainingJobSummary.

    Args:
        trial: the trial.
        definition: its definition.
        training: the description of its training job.
    """
    found: Record = {"TrainingJobDefinitionName": definition.name} if definition.name else {}
    found |= {"TrainingJobName": trial.name, "TrainingJobArn": training["TrainingJobArn"]}
    found |= {key: training[key] for key in _TIMES if key in training}
    found |= {"TrainingJobStatus": training["TrainingJobStatus"], "TunedHyperParameters": dict(trial.tuned)}
    if trial.value is not None:
        objective = {"Type": definition.kind, "MetricName": definition.metric, "Value": trial.value}
        found["FinalHyperParameterTuningJobObjectiveMetric"] = objective
    return found | {"ObjectiveStatus": trial.objective_status}
