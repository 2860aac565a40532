"""When to stop early: one training job by the median rule, or the whole tuning job by its completion criteria.

Source:
    Amazon SageMaker developer guide, "Stop Training Jobs Early" and "Track and set completion criteria for your tuning
    job". Convergence is measured by a rule of our own: the service does not say how it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from mlflowsteps.local.jobs.container import Record
from mlflowsteps.local.jobs.tuning.requests import Definition
from mlflowsteps.local.jobs.tuning.trials import Trial, best_of

__all__ = ["completed_by", "not_improving", "worse_than_median"]

_FEWEST_EARLIER = 3  # a median of fewer jobs says little
_CONVERGED_AFTER = 10  # training jobs without an improvement


def worse_than_median(series: Sequence[float], earlier: Sequence[Trial], definition: Definition) -> bool:
    """Whether a training job's latest value is worse than the median of earlier jobs' running averages at that epoch.

    Args:
        series: the objective's values of the job so far, one an epoch.
        earlier: completed trials of the same definition.
        definition: says which direction is better.
    """
    epochs = len(series)
    if not epochs:
        return False
    averages = [fmean(trial.series[:epochs]) for trial in earlier if len(trial.series) >= epochs]
    if len(averages) < _FEWEST_EARLIER:
        return False
    return definition.better(median(averages), series[-1])


def not_improving(trials: Sequence[Trial], definitions: Sequence[Definition]) -> int:
    """How many trials have ended since the best one did."""
    ended = [trial for trial in trials if trial.status is not None]
    best = best_of(ended, definitions)
    return 0 if best is None else sum(trial.number > best.number for trial in ended)


def completed_by(config: Record, trials: Sequence[Trial], definitions: Sequence[Definition]) -> str | None:
    """The completion criterion that is met, for the log; None where there is none."""
    given = config.get("TuningJobCompletionCriteria") or {}
    best = best_of(trials, definitions)
    if best is None or best.value is None:
        return None
    target = given.get("TargetObjectiveMetricValue")
    if target is not None and (best.value == target or definitions[0].better(best.value, target)):
        return f"{best.value} has reached TargetObjectiveMetricValue {target}"
    idle = not_improving(trials, definitions)
    most = (given.get("BestObjectiveNotImproving") or {}).get("MaxNumberOfTrainingJobsNotImproving")
    if most and idle >= most:
        return f"{idle} training jobs have not improved the objective"
    convergence = (given.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled"
    if convergence and idle >= _CONVERGED_AFTER:
        return f"no improvement in {idle} training jobs"
    return None
