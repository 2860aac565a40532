"""Stand-ins for built-in algorithms, as a process: ``sklearn_algorithms NAME train|serve``.

linear-learner, kmeans, pca and knn are trained with scikit-learn and answer with numpy alone. Requests,
hyperparameters, metrics and answers are the service's; the numbers are those of another implementation: linear-learner
trains one model and calibrates no threshold, centres and signs of components may differ. Model files are numpy's, not
MXNet's, and never pickle.

Source:
    Amazon SageMaker developer guide: the pages of each algorithm.
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflowsteps.local.jobs.images.hyperparameters import (
    ParameterError,
    Reader,
    check,
    flag,
    integer,
    one_of,
    real,
    text,
)
from mlflowsteps.local.jobs.images.paths import base_folder, channel_files, fail, read_config
from mlflowsteps.local.jobs.images.recordio import read_recordio, write_answers
from mlflowsteps.local.jobs.images.server import HttpError, Request, Response, serve
from mlflowsteps.local.jobs.images.textdata import Rows, TextError, read_csv, stack

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ALGORITHMS", "Algorithm", "answer", "main", "train"]

MODEL_FILE = "model_algo-1"
_CSV, _JSON = "text/csv", "application/json"
_LINES = frozenset({"application/jsonlines", "application/x-jsonlines"})
_RECORDIO = "application/x-recordio-protobuf"
Arrays = Mapping[str, Any]
Values = dict[str, Any]


class UserError(ValueError):
    """What the user can mend: data, hyperparameters, a package that is missing."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One algorithm.

    Args:
        known: readers of its hyperparameters.
        required: those that must be given.
        supervised: whether rows begin with a label.
        fit: (rows, hyperparameters) to the model's arrays.
        predict: (model, features) to one JSON object a row.
        score: (model, rows) to metrics, of a channel ``validation`` or ``test``.
        member: key that holds the answers.
    """

    known: Mapping[str, Reader]
    required: tuple[str, ...]
    supervised: bool
    fit: Callable[[Rows, Values], Arrays]
    predict: Callable[[Arrays, Any], list[dict[str, Any]]]
    score: Callable[[Arrays, Rows], dict[str, float]]
    member: str = "predictions"


# -- linear-learner --------------------------------------------------------------------------------------------------


def _fit_linear(rows: Rows, given: Values) -> Arrays:
    import numpy as np
    from sklearn.linear_model import ElasticNet, LogisticRegression

    kind, features, labels = given["predictor_type"], rows.features, _labels(rows)
    scaled = given.get("normalize_data", "auto") != "false"
    mean = features.mean(axis=0) if scaled else np.zeros(features.shape[1])
    spread = features.std(axis=0) if scaled else np.ones(features.shape[1])
    spread = np.where(spread > 0, spread, 1.0)
    points = (features - mean) / spread
    l1, l2 = (_penalty(given, name) for name in ("l1", "wd"))
    if kind == "regressor":
        ratio = l1 / (l1 + l2) if l1 + l2 else 0.5
        fitted = ElasticNet(alpha=max(l1 + l2, 1e-6), l1_ratio=ratio, max_iter=5000).fit(points, labels)
        weights, bias = fitted.coef_.reshape(1, -1), np.atleast_1d(fitted.intercept_)
    else:
        _check_classes(labels, given)
        strength = 1.0 / max((l1 + l2) * len(labels), 1e-6)
        fitted = LogisticRegression(C=strength, max_iter=2000).fit(points, labels)
        weights, bias = fitted.coef_, fitted.intercept_
    classes = int(given.get("num_classes", 2))
    if kind == "multiclass_classifier":
        weights, bias = _for_all_classes(weights, bias, fitted.classes_, classes)
    return {"weights": weights / spread, "bias": bias - (weights / spread) @ mean, "kind": np.array(kind)}


def _for_all_classes(weights: Any, bias: Any, present: Any, classes: int) -> tuple[Any, Any]:
    """Weights of every class, also of those that no row has; two classes come as one row of weights."""
    import numpy as np

    if len(weights) == 1:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    all_weights, all_bias = np.zeros((classes, weights.shape[1])), np.full(classes, -1e9)
    index = present.astype(int)
    all_weights[index], all_bias[index] = weights, bias
    return all_weights, all_bias


def _penalty(given: Values, name: str) -> float:
    value = given.get(name, "auto")
    return 0.0 if value == "auto" else float(value)


def _check_classes(labels: Any, given: Values) -> None:
    count = 2 if given["predictor_type"] == "binary_classifier" else given.get("num_classes")
    if count is None:
        raise ParameterError("Hyperparameter 'num_classes' is required for predictor_type multiclass_classifier.")
    if ((labels < 0) | (labels >= count) | (labels != labels.round())).any():
        raise UserError(f"labels must be whole numbers from 0 to {count - 1} for {given['predictor_type']}.")
    if len(set(labels.tolist())) < 2:
        raise UserError("all rows have the same label; there is nothing to tell apart.")


def _scores(model: Arrays, features: Any) -> Any:
    """Of regressors and binary classifiers (n,), of several classes (n, classes)."""
    import numpy as np

    raw = features @ model["weights"].T + model["bias"]
    kind = str(model["kind"])
    if kind == "regressor":
        return raw[:, 0]
    if kind == "binary_classifier":
        return 1.0 / (1.0 + np.exp(-np.clip(raw[:, 0], -500, 500)))
    shifted = np.exp(raw - raw.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _predict_linear(model: Arrays, features: Any) -> list[dict[str, Any]]:
    scores = _scores(model, features)
    kind = str(model["kind"])
    if kind == "regressor":
        return [{"score": score} for score in scores.tolist()]
    chosen = (scores > 0.5).astype(int) if kind == "binary_classifier" else scores.argmax(axis=1)
    return [{"score": s, "predicted_label": c} for s, c in zip(scores.tolist(), chosen.tolist(), strict=True)]


def _score_linear(model: Arrays, rows: Rows) -> dict[str, float]:
    import numpy as np

    labels, scores, kind = _labels(rows), _scores(model, rows.features), str(model["kind"])
    if kind == "regressor":
        error = scores - labels
        squared = float((error**2).mean())
        return {"objective_loss": squared, "mse": squared, "absolute_loss": float(np.abs(error).mean())}
    rows_of = np.arange(len(labels))
    if kind == "multiclass_classifier":
        loss = float(-np.log(np.clip(scores[rows_of, labels.astype(int)], 1e-12, 1)).mean())
        return {"objective_loss": loss, "multiclass_accuracy": float((scores.argmax(axis=1) == labels).mean())}
    right = np.where(labels == 1, scores, 1 - scores)
    said, true = scores > 0.5, labels == 1
    both = float((said & true).sum())
    precision, recall = both / max(float(said.sum()), 1.0), both / max(float(true.sum()), 1.0)
    return {
        "objective_loss": float(-np.log(np.clip(right, 1e-12, 1)).mean()),
        "binary_classification_accuracy": float((said == true).mean()),
        "precision": precision,
        "recall": recall,
        "binary_f_beta": 2 * precision * recall / (precision + recall) if both else 0.0,
    }


# -- kmeans ----------------------------------------------------------------------------------------------------------


def _fit_kmeans(rows: Rows, given: Values) -> Arrays:
    from sklearn.cluster import KMeans

    if given["k"] > len(rows.features):
        raise UserError(f"k is {given['k']}, but there are only {len(rows.features)} rows.")
    method = {"kmeans++": "k-means++"}.get(given.get("init_method", "random"), "random")
    fitted = KMeans(given["k"], init=method, n_init=4, random_state=0).fit(rows.features)
    return {"centers": fitted.cluster_centers_}


def _nearest(features: Any, points: Any, count: int, metric: str = "L2") -> tuple[Any, Any]:
    """Indexes and distances of the nearest points, (n, count) each; a block of rows at a time."""
    import numpy as np

    indexes, distances = [], []
    for block in np.array_split(features, max(1, len(features) * len(points) // 10_000_000)):
        found = _distances(block, points, metric)
        order = np.argsort(found, axis=1, kind="stable")[:, :count]
        indexes.append(order)
        distances.append(np.take_along_axis(found, order, axis=1))
    return np.vstack(indexes), np.vstack(distances)


def _distances(block: Any, points: Any, metric: str) -> Any:
    import numpy as np

    if metric == "COSINE":
        sizes = np.linalg.norm(block, axis=1)[:, None] * np.linalg.norm(points, axis=1)[None, :]
        return 1 - (block @ points.T) / np.where(sizes > 0, sizes, 1.0)
    if metric == "INNER_PRODUCT":
        return -(block @ points.T)
    squared = (block**2).sum(axis=1)[:, None] + (points**2).sum(axis=1)[None, :] - 2 * block @ points.T
    return np.sqrt(np.maximum(squared, 0.0))


def _predict_kmeans(model: Arrays, features: Any) -> list[dict[str, Any]]:
    indexes, distances = _nearest(features, model["centers"], 1)
    rows = zip(indexes[:, 0].tolist(), distances[:, 0].tolist(), strict=True)
    return [{"closest_cluster": float(index), "distance_to_cluster": distance} for index, distance in rows]


def _score_kmeans(model: Arrays, rows: Rows) -> dict[str, float]:
    squared = _nearest(rows.features, model["centers"], 1)[1] ** 2
    return {"msd": float(squared.mean()), "ssd": float(squared.sum())}


# -- pca -------------------------------------------------------------------------------------------------------------


def _fit_pca(rows: Rows, given: Values) -> Arrays:
    import numpy as np

    count, (length, width) = given["num_components"], rows.features.shape
    if count > min(length, width):
        raise UserError(
            f"num_components is {count}; {length} rows of {width} features have at most {min(length, width)}."
        )
    centred = given.get("subtract_mean", "true") == "true"
    mean = rows.features.mean(axis=0) if centred else np.zeros(width)
    _, sizes, axes = np.linalg.svd(rows.features - mean, full_matrices=False)
    return {"mean": mean, "v": axes[:count], "s": sizes[:count]}


def _predict_pca(model: Arrays, features: Any) -> list[dict[str, Any]]:
    return [{"projection": row} for row in ((features - model["mean"]) @ model["v"].T).tolist()]


def _no_score(model: Arrays, rows: Rows) -> dict[str, float]:
    del model, rows
    return {}


# -- knn -------------------------------------------------------------------------------------------------------------


def _fit_knn(rows: Rows, given: Values) -> Arrays:
    import numpy as np

    labels = _labels(rows)
    size = min(given["sample_size"], len(labels))
    if given["k"] > size:
        raise UserError(f"k is {given['k']}, but only {size} rows are kept (sample_size {given['sample_size']}).")
    kept = np.random.default_rng(0).permutation(len(labels))[:size]
    found = {"points": rows.features[kept], "labels": labels[kept], "k": np.array(given["k"])}
    metric = given.get("index_metric", "L2")
    return found | {"metric": np.array(metric), "kind": np.array(given["predictor_type"])}


def _neighbours(model: Arrays, features: Any) -> tuple[Any, Any, Any]:
    """Predictions, and the labels and distances of the neighbours."""
    import numpy as np

    indexes, distances = _nearest(features, model["points"], int(model["k"]), str(model["metric"]))
    labels = model["labels"][indexes]
    if str(model["kind"]) == "regressor":
        return labels.mean(axis=1), labels, distances
    classes = np.unique(model["labels"])
    votes = (labels[:, :, None] == classes[None, None, :]).sum(axis=1)
    return classes[votes.argmax(axis=1)], labels, distances


def _predict_knn(model: Arrays, features: Any) -> list[dict[str, Any]]:
    found, labels, distances = _neighbours(model, features)
    rows = zip(found.tolist(), distances.tolist(), labels.tolist(), strict=True)
    return [{"predicted_label": value, "distances": away, "labels": near} for value, away, near in rows]


def _score_knn(model: Arrays, rows: Rows) -> dict[str, float]:
    found, labels = _neighbours(model, rows.features)[0], _labels(rows)
    if str(model["kind"]) == "regressor":
        return {"mse": float(((found - labels) ** 2).mean())}
    return {"accuracy": float((found == labels).mean())}


def _labels(rows: Rows) -> np.ndarray:
    if rows.labels is None:
        raise UserError("the rows have no labels.")
    return rows.labels


# -- the algorithms --------------------------------------------------------------------------------------------------

_FEATURES = {"feature_dim": integer(1), "mini_batch_size": integer(1)}
_LINEAR_TEXTS = (
    "accuracy_top_k", "balance_multiclass_weights", "beta_1", "beta_2", "bias_lr_mult", "bias_wd_mult",
    "binary_classifier_model_selection_criteria", "early_stopping_patience", "early_stopping_tolerance", "f_beta",
    "huber_delta", "init_bias", "init_method", "init_scale", "init_sigma", "learning_rate", "loss",
    "loss_insensitivity",
    "lr_scheduler_factor", "lr_scheduler_minimum_lr", "lr_scheduler_step", "margin", "momentum", "normalize_label",
    "num_calibration_samples", "num_models", "num_point_for_scaler", "optimizer", "positive_example_weight_mult",
    "quantile", "target_precision", "target_recall", "unbias_data", "unbias_label", "use_bias", "use_lr_scheduler",
)  # fmt: skip


def _auto_or_real(value: str) -> Any:
    return value if value == "auto" else real(0.0)(value)


def _auto_or_integer(value: str) -> Any:
    return value if value == "auto" else integer(1)(value)


_LINEAR: dict[str, Reader] = dict.fromkeys(_LINEAR_TEXTS, text) | {
    "predictor_type": one_of("binary_classifier", "multiclass_classifier", "regressor"),
    "feature_dim": _auto_or_integer,
    "mini_batch_size": integer(1),
    "num_classes": integer(3, 1_000_000),
    "epochs": integer(1),
    "l1": _auto_or_real,
    "wd": _auto_or_real,
    "normalize_data": flag("auto"),
}
_KMEANS: dict[str, Reader] = _FEATURES | {
    "k": integer(1),
    "epochs": integer(1),
    "eval_metrics": text,
    "extra_center_factor": text,
    "force_dense": flag(),  # SDK 2 always sends it
    "half_life_time_size": integer(0),
    "init_method": one_of("random", "kmeans++"),
    "local_lloyd_init_method": one_of("random", "kmeans++"),
    "local_lloyd_max_iter": integer(1),
    "local_lloyd_num_trials": text,
    "local_lloyd_tol": real(0.0, 1.0),
}
_PCA: dict[str, Reader] = _FEATURES | {
    "num_components": integer(1),
    "algorithm_mode": one_of("regular", "randomized"),
    "extra_components": integer(-1),
    "subtract_mean": flag(),
}
_KNN: dict[str, Reader] = _FEATURES | {
    "k": integer(1),
    "predictor_type": one_of("classifier", "regressor"),
    "sample_size": integer(1),
    "dimension_reduction_target": integer(1),
    "dimension_reduction_type": one_of("sign", "fjlt"),
    "faiss_index_ivf_nlists": text,
    "faiss_index_pq_m": integer(1),
    "index_metric": one_of("L2", "INNER_PRODUCT", "COSINE"),
    "index_type": text,
}

ALGORITHMS: Mapping[str, Algorithm] = {
    "linear-learner": Algorithm(_LINEAR, ("predictor_type",), True, _fit_linear, _predict_linear, _score_linear),
    "kmeans": Algorithm(_KMEANS, ("k", "feature_dim"), False, _fit_kmeans, _predict_kmeans, _score_kmeans),
    "pca": Algorithm(
        _PCA,
        ("feature_dim", "num_components", "mini_batch_size"),
        False,
        _fit_pca,
        _predict_pca,
        _no_score,
        "projections",
    ),
    "knn": Algorithm(
        _KNN, ("feature_dim", "k", "predictor_type", "sample_size"), True, _fit_knn, _predict_knn, _score_knn
    ),
}


# -- training and serving --------------------------------------------------------------------------------------------


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the container's log


def train(algorithm: Algorithm) -> None:
    """Train on the channel ``train``, tell the metrics of ``validation`` and ``test``, and save the model.

    Raises:
        UserError, ParameterError, TextError: what the user can mend.
    """
    import numpy as np

    given = check(read_config("hyperparameters.json"), algorithm.known, algorithm.required)
    channels = read_config("inputdataconfig.json")
    if "train" not in channels:
        raise UserError(f"a channel 'train' is required; the job has {', '.join(sorted(channels)) or 'none'}.")
    rows = _read_channel("train", channels["train"], algorithm, given)
    try:
        model = algorithm.fit(rows, given)
    except ImportError as error:
        raise UserError(f"the local stand-in needs scikit-learn ({error}): pip install 'mlflowsteps[demo]'") from error
    for name in ("train", "validation", "test"):
        if name in channels:
            scored = rows if name == "train" else _read_channel(name, channels[name], algorithm, given)
            for metric, value in algorithm.score(model, scored).items():
                _say(f"#quality_metric: host=algo-1, {name} {metric} <score>={value}")
    out = io.BytesIO()
    np.savez(out, **model)
    folder = base_folder() / "model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(out.getvalue())


def _read_channel(name: str, config: Mapping[str, str], algorithm: Algorithm, given: Values) -> Rows:
    kind, *options = (part.strip() for part in (config.get("ContentType") or _RECORDIO).split(";"))
    labelled = algorithm.supervised if "label_size=0" not in options else False
    parts = []
    for file in channel_files(name, config):
        data = file.read_bytes()
        if kind == _CSV:
            parts.append(read_csv(data.decode("utf-8-sig", "replace"), name=file.name, label=labelled))
        elif kind == _RECORDIO:
            parts.append(read_recordio(data, name=file.name, label=labelled))
        else:
            raise UserError(f"channel {name!r}: ContentType {kind!r} is not known; use {_CSV} or {_RECORDIO}.")
    if not any(len(part.features) for part in parts):
        raise UserError(f"the channel {name!r} holds no rows.")
    rows = stack(parts)
    wanted = given.get("feature_dim", "auto")
    if wanted not in ("auto", rows.features.shape[1]):
        raise ParameterError(
            f"Hyperparameter 'feature_dim' is {wanted}, but rows have {rows.features.shape[1]} features."
        )
    return Rows(rows.features.astype("float64"), rows.labels)


def answer(algorithm: Algorithm, model: Arrays, request: Request) -> Response:
    """Answer one request.

    Raises:
        HttpError: 415 or 400 for a body that is none of rows, 406 for an Accept that is not known.
    """
    features = _features(request)
    try:
        found = algorithm.predict(model, features)
    except ValueError as error:
        raise HttpError(400, f"the rows do not fit the model: {error}") from error
    accept, *options = (part.strip().lower() for part in request.accept.split(";"))
    if "verbose=true" not in options:
        found = [{key: value for key, value in row.items() if key not in ("distances", "labels")} for row in found]
    if accept in ("", "*/*", _JSON):
        return Response(json.dumps({algorithm.member: found}).encode(), _JSON)
    if accept in _LINES:
        return Response("".join(json.dumps(row) + "\n" for row in found).encode(), accept)
    if accept == _CSV:
        return Response("".join(_csv_row(row) + "\n" for row in found).encode(), _CSV)
    if accept == _RECORDIO:
        return Response(write_answers(found), _RECORDIO)
    known = f"{_JSON}, application/jsonlines, {_CSV} or {_RECORDIO}"
    raise HttpError(406, f"Accept {request.accept!r} is not supported; use {known}")


def _csv_row(row: Mapping[str, Any]) -> str:
    flat = [item for value in row.values() for item in (value if isinstance(value, list) else [value])]
    return ",".join(map(str, flat))


def _features(request: Request) -> Any:
    import numpy as np

    kind = request.content_type.split(";", maxsplit=1)[0].strip().lower() or _JSON
    try:
        if kind == _CSV:
            rows = read_csv(request.body.decode("utf-8-sig"), name="payload", label=False).features
        elif kind == _RECORDIO:
            rows = read_recordio(request.body, name="payload", label=False).features
        elif kind in _LINES:
            rows = [_features_of(json.loads(line)) for line in request.body.splitlines() if line.strip()]
        elif kind == _JSON:
            rows = [_features_of(item) for item in json.loads(request.body)["instances"]]
        else:
            raise HttpError(415, f"Content-Type {kind!r} is not supported; use {_CSV}, {_JSON} or {_RECORDIO}")
        return np.asarray(rows, dtype=np.float64)
    except (TextError, ValueError, LookupError, TypeError) as error:
        raise HttpError(415, f"the body does not fit its Content-Type {kind!r}: {error}") from error


def _features_of(instance: Any) -> list[float]:
    """An instance's features: a list, or under data.features.values."""
    if "features" in instance:
        return list(instance["features"])
    return list(instance["data"]["features"]["values"])


def _serve(algorithm: Algorithm) -> None:
    import numpy as np

    file = base_folder() / "model" / MODEL_FILE
    if not file.is_file():
        raise UserError(f"the model's archive holds no file {MODEL_FILE!r}, as the local stand-in saves it.")
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            model = {name: stored[name] for name in stored.files}
    except (ValueError, OSError) as error:
        raise UserError(f"{MODEL_FILE} is no model of the local stand-in (one from AWS is MXNet's): {error}") from error
    serve(lambda request: answer(algorithm, model, request))


def main() -> int:
    """Do what the last argument says; returns the exit code."""
    works = {"train": train, "serve": _serve}
    if len(sys.argv) != 3 or sys.argv[1] not in ALGORITHMS or sys.argv[2] not in works:
        _say(f"usage: sklearn_algorithms {'|'.join(ALGORITHMS)} train|serve, not {sys.argv[1:]}")
        return 2
    try:
        works[sys.argv[2]](ALGORITHMS[sys.argv[1]])
    except (UserError, ParameterError, TextError) as error:
        _say(f"[ERROR] {error}")
        fail(f"ClientError: {error}")
        return 1
    except Exception as error:  # noqa: BLE001 - a process says in its failure file what went wrong
        traceback.print_exc()
        fail(f"AlgorithmError: {type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
