"""The work of a tuning job: begins training jobs as the limits allow, stops the hopeless ones, and sums up.

It learns of the end of a training job by the manager's ``watch``; while one of them runs whose objective is looked at
meanwhile (early stopping, Hyperband) it reads their logs every half second.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.container import Record
from mlflowsteps.local.jobs.failures import JobAbandoned, JobFailure, JobStopped
from mlflowsteps.local.jobs.job import Job
from mlflowsteps.local.jobs.kinds import TRAINING
from mlflowsteps.local.jobs.training import metric_values
from mlflowsteps.local.jobs.tuning.optuna_strategies import LEARNING, Learner
from mlflowsteps.local.jobs.tuning.requests import HYPERBAND, definitions_of, limit_of
from mlflowsteps.local.jobs.tuning.stopping import completed_by, not_improving, worse_than_median
from mlflowsteps.local.jobs.tuning.strategies import STRATEGIES, Strategy
from mlflowsteps.local.jobs.tuning.trials import Trial, best_of, counters, summary_of

__all__ = ["Manager", "run", "summaries"]

_LOOK_SECONDS = 0.5
TRIALS = "Trials"
"""Key of a tuning job's record, beside Request and Description, under which its trials are kept."""
SEED = "Seed"


class Manager(Protocol):
    """What of the job manager a tuning job uses."""

    def create(self, kind: str, request: Record, *, origin: str | None = None, facts: Record | None = None) -> str:
        """Create a training job; ``facts`` become part of its description."""

    def describe(self, kind: str, name: str) -> Record:
        """A description."""

    def watch(self, kind: str, name: str, callback: Callable[[Record], None]) -> None:
        """Be told of a job's end."""

    def stop(self, kind: str, name: str) -> None:
        """Stop a job."""

    def log_path(self, kind: str, name: str) -> Path:
        """A job's log."""

    def trials(self, name: str) -> tuple[Record, Sequence[Record]]:
        """The request and the stored trials of a tuning job."""


def run(job: Job, manager: Manager) -> None:
    """Do the whole tuning job.

    Raises:
        JobFailure: no training job gave a value of the objective, or one could not be created.
        JobStopped: it was stopped; its training jobs have ended.
        JobAbandoned: the runtime closes; the training jobs are taken up with the tuning job another time.
    """
    _Tuner(job, manager).run()


def summaries(manager: Manager, name: str) -> list[Record]:
    """The summaries of a tuning job's training jobs, in the order in which they began."""
    request, stored = manager.trials(name)
    definitions = definitions_of(request)
    found = []
    for trial in map(Trial.from_json, stored):
        with contextlib.suppress(ServiceError):  # written down, not yet created
            found.append(summary_of(trial, definitions[trial.definition], manager.describe(TRAINING, trial.name)))
    return found


class _Tuner:
    """A tuning job while it is worked on."""

    def __init__(self, job: Job, manager: Manager) -> None:
        self._job, self._manager = job, manager
        self._config: Record = job.request["HyperParameterTuningJobConfig"]
        self._definitions = definitions_of(job.request)
        self._limit = limit_of(job.request)
        self._trials = [Trial.from_json(stored) for stored in job.record.get(TRIALS, [])]
        self._parents = self._parents_trials()
        self._strategy = self._make_strategy()
        self._ended: list[Record] = []
        self._stopped: set[str] = set()
        self._why: str | None = None
        self._begun = time.monotonic()

    def _make_strategy(self) -> Strategy:
        name = self._config["Strategy"]
        seed = self._config.get("RandomSeed")
        if seed is None:
            seed = self._job.record.setdefault(SEED, secrets.randbits(32))
        if name in STRATEGIES:
            return STRATEGIES[name](self._definitions, seed)
        assert name in LEARNING, name  # noqa: S101 - the API's model has no other
        resources = (self._config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig")
        return Learner(name, self._definitions, seed, resources=resources, parents=self._parents, known=self._trials)

    def _parents_trials(self) -> list[Trial]:
        """The trials of the parents of a warm start, as if they were of the first definition."""
        given = self._job.request.get("WarmStartConfig") or {}
        found = []
        for parent in given.get("ParentHyperParameterTuningJobs") or ():
            name = parent["HyperParameterTuningJobName"]
            for stored in self._manager.trials(name)[1]:
                trial = Trial.from_json(stored)
                trial.definition, trial.number = 0, -1
                found.append(trial)
        return found

    def run(self) -> None:
        """See the module's ``run``."""
        try:
            self._work()
        except (JobAbandoned, JobStopped):
            raise
        except BaseException:
            self._stop_all()  # nobody would wait for them
            raise

    def _work(self) -> None:
        self._watch_known()
        while True:
            self._collect()
            self._check()
            self._look()
            self._decide()
            more = self._begin_more()
            if not more and not self._running():
                break
            self._wait()
        self._conclude()

    # -- training jobs -------------------------------------------------------------------------------------------

    def _watch_known(self) -> None:
        """After a crash: go on with the trials that were begun; those not yet created are."""
        for trial in self._running():
            self._create(trial)

    def _running(self) -> list[Trial]:
        return [trial for trial in self._trials if trial.status is None]

    def _begin_more(self) -> bool:
        """Begin what the limits allow; True where more is to come."""
        if self._why is not None or self._job.control.stopping:
            return False
        parallel = self._config["ResourceLimits"]["MaxParallelTrainingJobs"]
        while len(self._trials) < self._limit:
            if len(self._running()) >= parallel:
                return True
            proposal = self._strategy.propose(len(self._trials), self._trials)
            if proposal is None:
                return False
            self._begin(*proposal)
        return False

    def _begin(self, definition: int, tuned: dict[str, str]) -> None:
        number = len(self._trials)
        stamp = (
            f"{self._job.description['HyperParameterTuningJobArn']} {self._job.description['CreationTime']} {number}"
        )
        tail = hashlib.sha256(stamp.encode()).hexdigest()[:8]
        trial = Trial(number, f"{self._job.name}-{number + 1:03d}-{tail}", definition, tuned)
        self._trials.append(trial)
        self._store()  # before the training job is created: a crash finds it here
        self._job.folder.note(f"training job {trial.name}: {tuned}")
        self._create(trial)

    def _create(self, trial: Trial) -> None:
        request = self._definitions[trial.definition].request(trial.name, trial.tuned)
        arn = self._job.description["HyperParameterTuningJobArn"]
        try:
            self._manager.create(TRAINING, request, origin=f"{arn}/{trial.number}", facts={"TuningJobArn": arn})
            self._manager.watch(TRAINING, trial.name, self._on_end)
        except ServiceError as error:
            if error.code == "ServiceUnavailable":
                raise JobAbandoned from error
            trial.status = "Failed"
            raise JobFailure(
                f"ClientError: the training job {trial.name} cannot be created: {error.message}"
            ) from error

    def _on_end(self, description: Record) -> None:
        """Called from any thread."""
        with self._job.control.changed:
            self._ended.append(description)
            self._job.control.changed.notify_all()

    def _collect(self) -> None:
        with self._job.control.changed:
            ended, self._ended = self._ended, []
        for description in ended:
            trial = next(item for item in self._trials if item.name == description["TrainingJobName"])
            trial.status = description["TrainingJobStatus"]
            metric = self._definitions[trial.definition].metric
            rows = description.get("FinalMetricDataList") or ()
            trial.value = next((row["Value"] for row in rows if row["MetricName"] == metric), None)
            trial.series = self._series(trial)
            self._strategy.ended(trial)
            self._job.folder.note(f"training job {trial.name}: {trial.status}, {metric} = {trial.value}")
        if ended:
            self._store()

    def _store(self) -> None:
        self._job.record[TRIALS] = [trial.to_json() for trial in self._trials]
        self._job.update(**counters(self._trials), **self._best())

    def _best(self) -> Record:
        found: Record = {}
        best = best_of(self._trials, self._definitions)
        if best is not None:
            found["BestTrainingJob"] = self._summary(best)
        if (self._job.request.get("WarmStartConfig") or {}).get("WarmStartType") == "IdenticalDataAndAlgorithm":
            overall = best_of([*self._parents, *self._trials], self._definitions)
            if overall is not None:
                found["OverallBestTrainingJob"] = self._summary(overall)
        return found

    def _summary(self, trial: Trial) -> Record:
        training = self._manager.describe(TRAINING, trial.name)
        found = summary_of(trial, self._definitions[trial.definition], training)
        if trial.number < 0:
            found["TuningJobName"] = str(training["TuningJobArn"]).rsplit("/", 1)[-1]
        return found

    # -- ending early --------------------------------------------------------------------------------------------

    def _series(self, trial: Trial) -> list[float]:
        definition = self._definitions[trial.definition]
        log = self._manager.log_path(TRAINING, trial.name)
        if not log.exists():
            return []
        request = definition.request(trial.name, trial.tuned)
        image = request["AlgorithmSpecification"].get("TrainingImage", "")
        return metric_values(log, image, request).get(definition.metric, [])

    @property
    def _looks(self) -> bool:
        """Whether the objective is looked at while training jobs run."""
        return self._automatic or self._config["Strategy"] == HYPERBAND

    @property
    def _automatic(self) -> bool:
        return bool(self._config.get("TrainingJobEarlyStoppingType") == "Auto")

    def _look(self) -> None:
        """Stop training jobs that are not worth going on with."""
        if not self._looks:
            return
        for trial in self._running():
            series = self._series(trial)
            same = [t for t in self._trials if t.definition == trial.definition and t.status == "Completed"]
            hopeless = self._automatic and worse_than_median(series, same, self._definitions[trial.definition])
            if self._strategy.observe(trial, series) or hopeless:
                self._stop(trial, f"its objective after {len(series)} values is {series[-1]}")

    def _stop(self, trial: Trial, why: str) -> None:
        if trial.name in self._stopped:
            return
        self._stopped.add(trial.name)
        self._job.folder.note(f"training job {trial.name} is stopped: {why}")
        with contextlib.suppress(ServiceError):  # it has ended meanwhile
            self._manager.stop(TRAINING, trial.name)

    def _stop_all(self) -> None:
        for trial in self._running():
            self._stop(trial, self._why or "the tuning job ends")

    def _check(self) -> None:
        if self._job.control.closing:
            raise JobAbandoned
        if self._job.control.stopping:
            self._stop_all()

    def _decide(self) -> None:
        """See whether the whole is to end now."""
        if self._why is None:
            self._why = completed_by(self._config, self._trials, self._definitions)
        if self._why is None and self._time_left() <= 0:
            self._why = "ResourceLimits.MaxRuntimeInSeconds is reached"
        if self._why is not None:
            self._stop_all()

    def _time_left(self) -> float:
        limit = (self._config.get("ResourceLimits") or {}).get("MaxRuntimeInSeconds")
        return float("inf") if limit is None else self._begun + float(limit) - time.monotonic()

    def _wait(self) -> None:
        control = self._job.control
        timeout = _LOOK_SECONDS if self._looks else 86400.0
        if self._why is None:
            timeout = max(0.0, min(timeout, self._time_left()))
        stopping = control.stopping
        with control.changed:
            control.changed.wait_for(
                lambda: bool(self._ended) or control.closing or control.stopping is not stopping, timeout=timeout
            )

    def _conclude(self) -> None:
        idle = not_improving(self._trials, self._definitions)
        self._job.update(
            TuningJobCompletionDetails={"NumberOfTrainingJobsObjectiveNotImproving": idle},
            ConsumedResources={"RuntimeInSeconds": round(time.monotonic() - self._begun)},
        )
        if self._job.control.stopping:
            raise JobStopped
        if self._why:
            self._job.folder.note(f"completed: {self._why}")
        if best_of(self._trials, self._definitions) is not None:
            return
        if all(trial.status == "Failed" for trial in self._trials):
            log = self._manager.describe(TRAINING, self._trials[0].name).get("FailureReason", "")
            raise JobFailure(
                f"All training jobs failed. Please take a look at the training jobs failures to get more details. "
                f"The first: {log}"
            )
        raise JobFailure(
            f"No objective metrics found after running {len(self._trials)} training jobs. The objective is "
            f"{self._definitions[0].metric!r}: the training image must report it, or a Regex of MetricDefinitions must "
            "find it in the log."
        )
