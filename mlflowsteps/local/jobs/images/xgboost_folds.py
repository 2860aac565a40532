"""Cross-validation of the built-in XGBoost: ``_kfold`` folds of all rows, ``_num_cv_round`` times, a model of each.

Source:
    Amazon SageMaker developer guide, "XGBoost Hyperparameters"; sagemaker-xgboost-container. Which row is in which fold
    is drawn by a generator of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlflowsteps.local.jobs.images.textdata import Rows, stack

__all__ = ["folds", "means_of", "pick"]

_CLASSES = ("binary:", "multi:")
Scores = Mapping[str, Mapping[str, Sequence[Any]]]


def folds(parts: Sequence[Rows], count: int, rounds: int, *, objective: str, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows for training and for validation of each fold.

    Args:
        parts: the rows of the channels, all of which are used.
        count: folds a round, >= 2; each row is validated on once in a round.
        rounds: how often all is drawn anew.
        objective: of classes: each fold has its share of each of them.
        seed: the same one gives the same folds.
    """
    import numpy as np

    rows = stack(parts)
    draw = np.random.default_rng(abs(seed))
    for _ in range(rounds):
        order = draw.permutation(rows.features.shape[0])
        if objective.startswith(_CLASSES) and rows.labels is not None:
            order = order[np.argsort(rows.labels[order], kind="stable")]
        for fold in range(count):
            held = np.arange(len(order)) % count == fold
            yield pick(rows, order[~held]), pick(rows, order[held])


def pick(rows: Rows, index: Any) -> Rows:
    """Some of the rows."""
    labels, weights = (None if part is None else part[index] for part in (rows.labels, rows.weights))
    return Rows(rows.features[index], labels, weights)


def means_of(found: Sequence[Scores]) -> Iterator[str]:
    """XGBoost's lines of each round with the means of all folds, as far as every one of them went.

    Args:
        found: for each fold, by data and metric, the values of its rounds.
    """
    series = {
        f"{data}-{metric}": [[float(value) for value in one[data][metric]] for one in found]
        for data, metrics in found[0].items()
        for metric in metrics
    }
    last = min(len(values) for many in series.values() for values in many)
    for number in range(last):
        means = (f"{name}:{sum(values[number] for values in many) / len(many):.5f}" for name, many in series.items())
        yield "\t".join([f"[{number}]", *means])
