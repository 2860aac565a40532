"""Strategies that learn from earlier trials: Bayesian (a tree-structured Parzen estimator) and Hyperband, by optuna.

optuna is an extra (``tuning``) and is loaded when a tuning job asks for one of these. SageMaker's own search is a
Gaussian process; its proposals differ, what it is for does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.tuning.ranges import LOGARITHMIC, REVERSE_LOGARITHMIC, Categorical, Numeric, Range
from mlflowsteps.local.jobs.tuning.requests import BAYESIAN, HYPERBAND, Definition
from mlflowsteps.local.jobs.tuning.trials import Trial

__all__ = ["Learner"]


class Learner:
    """A study of optuna's for each definition; definitions take turns.

    Args:
        strategy: ``Bayesian`` or ``Hyperband``.
        definitions: the training job definitions.
        seed: the same one, with the same results, gives the same values.
        resources: HyperbandStrategyConfig: MinResource and MaxResource, in reported values of the objective.
        parents: trials of the parents of a warm start, which are learnt from.
        known: trials that were begun before a crash.

    Raises:
        JobFailure: optuna is not installed.
    """

    def __init__(
        self,
        strategy: str,
        definitions: Sequence[Definition],
        seed: int,
        *,
        resources: dict[str, int] | None = None,
        parents: Sequence[Trial] = (),
        known: Sequence[Trial] = (),
    ) -> None:
        self._optuna = _library(strategy)
        self._definitions = definitions
        self._studies = [self._study(strategy, item, seed, resources or {}) for item in definitions]
        self._asked: dict[int, Any] = {}
        self._reported: dict[int, int] = {}
        for trial in parents:
            self._learn(trial)
        for trial in known:
            self._begin(trial.number, trial.definition, trial.tuned)
            if trial.status is not None:
                self.ended(trial)

    def _study(self, strategy: str, definition: Definition, seed: int, resources: dict[str, int]) -> Any:
        optuna = self._optuna
        pruner = optuna.pruners.NopPruner()
        if strategy == HYPERBAND:
            low = resources.get("MinResource", 1)
            pruner = optuna.pruners.HyperbandPruner(min_resource=low, max_resource=resources.get("MaxResource", "auto"))
        return optuna.create_study(
            study_name="tuning",  # Hyperband's brackets are drawn from it
            direction="maximize" if definition.maximize else "minimize",
            sampler=optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=5),
            pruner=pruner,
        )

    def _distributions(self, index: int) -> dict[str, Any]:
        return {item.name: _distribution(self._optuna, item) for item in self._definitions[index].ranges}

    def _learn(self, trial: Trial) -> None:
        """A parent's result counts where its values lie in the ranges of the first definition."""
        ranges = self._definitions[0].ranges
        if trial.objective_status != "Succeeded" or not all(r.holds(trial.tuned.get(r.name, "")) for r in ranges):
            return
        made = self._optuna.trial.create_trial(
            params={item.name: _to_study(item, trial.tuned[item.name]) for item in ranges},
            distributions=self._distributions(0),
            value=trial.value,
        )
        self._studies[0].add_trial(made)

    def propose(self, number: int, known: Sequence[Trial]) -> tuple[int, dict[str, str]] | None:
        """See Strategy."""
        del known
        index = number % len(self._definitions)
        asked = self._begin(number, index, None)
        return index, {
            item.name: _from_study(item, asked.params[item.name]) for item in self._definitions[index].ranges
        }

    def _begin(self, number: int, index: int, values: dict[str, str] | None) -> Any:
        study = self._studies[index]
        if values is not None:
            ranges = self._definitions[index].ranges
            study.enqueue_trial({item.name: _to_study(item, values[item.name]) for item in ranges})
        self._asked[number] = study.ask(self._distributions(index))
        return self._asked[number]

    def observe(self, trial: Trial, series: Sequence[float]) -> bool:
        """See Strategy: a pruner of optuna's decides; without one, never."""
        return self._report(trial.number, series)

    def _report(self, number: int, series: Sequence[float]) -> bool:
        """Tell of new values one by one, since trials are compared at the same step; True where one is hopeless."""
        asked, begun = self._asked[number], self._reported.get(number, 0)
        self._reported[number] = len(series)
        hopeless = False
        for step in range(begun, len(series)):
            asked.report(series[step], step + 1)
            hopeless = bool(asked.should_prune()) or hopeless
        return hopeless

    def ended(self, trial: Trial) -> None:
        """See Strategy."""
        asked = self._asked.get(trial.number)
        if asked is None:
            return
        self._report(trial.number, trial.series)  # one that was fast has been looked at by nobody
        if trial.objective_status == "Succeeded":
            self._studies[trial.definition].tell(asked, trial.value)
        else:
            self._studies[trial.definition].tell(asked, state=self._optuna.trial.TrialState.FAIL)


def _library(strategy: str) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise JobFailure(
            f"ClientError: Strategy {strategy} is played by optuna, which is missing here ({error}). Install it: "
            "pip install 'mlflowsteps[tuning]'; or use Strategy Random or Grid."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # its progress is told by the job's own log
    return optuna


def _distribution(optuna: Any, item: Range) -> Any:
    if isinstance(item, Categorical):
        return optuna.distributions.CategoricalDistribution(item.values)
    logarithmic = item.scaling == LOGARITHMIC
    if item.integer:
        return optuna.distributions.IntDistribution(int(item.low), int(item.high), log=logarithmic)
    if item.scaling == REVERSE_LOGARITHMIC:
        return optuna.distributions.FloatDistribution(1 - item.high, 1 - item.low, log=True)
    return optuna.distributions.FloatDistribution(item.low, item.high, log=logarithmic)


def _to_study(item: Range, text: str) -> Any:
    if isinstance(item, Categorical):
        return text
    if item.integer:
        return int(text)
    return 1 - float(text) if item.scaling == REVERSE_LOGARITHMIC else float(text)


def _from_study(item: Range, value: Any) -> str:
    if isinstance(item, Numeric):
        return item.text(1 - value if item.scaling == REVERSE_LOGARITHMIC else value)
    return str(value)


LEARNING = frozenset({BAYESIAN, HYPERBAND})
