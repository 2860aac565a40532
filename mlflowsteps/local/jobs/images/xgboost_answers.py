"""Answers of the built-in XGBoost: predictions of one model or of several, and what SAGEMAKER_INFERENCE_OUTPUT selects.

Source:
    Amazon SageMaker developer guide, "XGBoost Algorithm" and "Inference container definitions" of Autopilot;
    sagemaker-xgboost-container.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["OUTPUTS", "combine", "csv_rows", "objective_of", "outputs_of", "select"]

Values = Mapping[str, Callable[[Any], Any]]
_VOTES = frozenset({"multi:softmax", "binary:hinge"})
_HALF = 0.5


def objective_of(model: Any) -> str:
    """The name of a booster's objective."""
    return str(json.loads(model.save_config())["learner"]["objective"]["name"])


def combine(found: Sequence[Any], objective: str) -> Any:
    """The predictions of several models as one: their mean, of classes the one most of them name."""
    import numpy as np

    if len(found) == 1:
        return found[0]
    if objective not in _VOTES:
        return sum(found) / len(found)
    return np.array([np.bincount(row.astype(int)).argmax() for row in np.stack(found, axis=1)], np.float32)


_BINARY: Values = {
    "predicted_label": lambda score: int(score > _HALF),
    "labels": lambda score: [0, 1],  # noqa: ARG005 - of every score
    "probability": lambda score: score,
    "probabilities": lambda score: [1 - score, score],
    "raw_score": lambda score: score,
    "raw_scores": lambda score: [1 - score, score],
}
_RAW: Values = {
    "predicted_label": lambda score: int(score > 0),
    "labels": _BINARY["labels"],
    "raw_score": lambda score: score,
    "raw_scores": lambda score: [-score, score],
}
_HINGE: Values = {name: _BINARY[name] for name in ("predicted_label", "labels", "raw_score", "raw_scores")}
_SOFTMAX: Values = {"predicted_label": int, "raw_score": lambda score: score}
_SOFTPROB: Values = {
    "predicted_label": lambda scores: max(range(len(scores)), key=scores.__getitem__),
    "labels": lambda scores: list(range(len(scores))),
    "probability": max,
    "probabilities": list,
    "raw_score": max,
    "raw_scores": list,
}
_NUMBER: Values = {"predicted_score": lambda score: score}
_BY_OBJECTIVE: Mapping[str, Values] = {
    "binary:logistic": _BINARY,
    "binary:logitraw": _RAW,
    "binary:hinge": _HINGE,
    "multi:softmax": _SOFTMAX,
    "multi:softprob": _SOFTPROB,
}
OUTPUTS = (*_SOFTPROB, *_NUMBER)
"""What may be selected; not all of it has every objective."""


def outputs_of(objective: str) -> Sequence[str]:
    """What there is to select of a model.

    >>> list(outputs_of("reg:squarederror")), list(outputs_of("multi:softmax"))
    (['predicted_score'], ['predicted_label', 'raw_score'])
    """
    return tuple(_BY_OBJECTIVE.get(objective, _NUMBER))


def select(scores: Sequence[Any], objective: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """What was selected of each row's prediction; NaN where the objective has no such thing.

    >>> select([0.75], "binary:logistic", ["predicted_label", "probability", "predicted_score"])
    [{'predicted_label': 1, 'probability': 0.75, 'predicted_score': nan}]
    """
    known = _BY_OBJECTIVE.get(objective, _NUMBER)
    return [{name: known[name](score) if name in known else float("nan") for name in wanted} for score in scores]


def csv_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Selected values as CSV, lists as JSON in one field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow([json.dumps(value) if isinstance(value, list) else value for value in row.values()])
    return out.getvalue()
