"""The built-in XGBoost, as a process: ``xgboost_algorithm [--lenient] train|serve``.

Trains and serves with the xgboost library; reads CSV and libsvm by itself, since the library's own reading of text is
deprecated; saves models as UBJSON and loads UBJSON or JSON, never pickle.

Source:
    Amazon SageMaker developer guide, "XGBoost Algorithm"; sagemaker-xgboost-container.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflowsteps.local.jobs.images.paths import base_folder, channel_files, fail, read_config
from mlflowsteps.local.jobs.images.recordio import read_recordio
from mlflowsteps.local.jobs.images.server import HttpError, Request, Response, serve
from mlflowsteps.local.jobs.images.textdata import Rows, TextError, read_csv, read_libsvm, stack
from mlflowsteps.local.jobs.images.xgboost_answers import OUTPUTS, combine, csv_rows, objective_of, outputs_of, select
from mlflowsteps.local.jobs.images.xgboost_folds import Scores, folds, means_of
from mlflowsteps.local.jobs.images.xgboost_parameters import ParameterError, Plan, read_parameters

if TYPE_CHECKING:
    import numpy as np

__all__ = ["load_models", "main", "predict", "train"]

MODEL_FILE = "xgboost-model"
_LIBSVM = frozenset({"text/libsvm", "text/x-libsvm", "libsvm", "application/x-libsvm"})
_CSV = frozenset({"text/csv", "csv"})
_RECORDIO = frozenset({"application/x-recordio-protobuf", "recordio-protobuf"})
_PARQUET = frozenset({"application/x-parquet", "parquet"})
_JSON = "application/json"
_JSON_LINES = frozenset({"application/jsonlines", "application/x-jsonlines"})


class UserError(ValueError):
    """What the user can mend: data, hyperparameters, a package that is missing."""


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the container's log


def media_type(content_type: str) -> str:
    """``csv``, ``libsvm``, ``recordio`` or ``parquet``.

    Args:
        content_type: of a channel or a request; parameters such as ``label_size=1`` are allowed.

    Raises:
        UserError: it is another.
    """
    name, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        if parameter.startswith("label_size=") and parameter != "label_size=1":
            raise UserError(f"ContentType {content_type!r}: label_size must be 1 for XGBoost.")
    for kind, names in _KINDS.items():
        if name in names:
            return kind
    raise UserError(
        f"ContentType {content_type!r} is not played by the local XGBoost; use text/libsvm (the default), text/csv, "
        "application/x-recordio-protobuf or application/x-parquet."
    )


_KINDS = {"csv": _CSV, "libsvm": _LIBSVM, "recordio": _RECORDIO, "parquet": _PARQUET}


def _read_channel(name: str, config: Mapping[str, str], *, csv_weights: bool) -> Rows | None:
    kind = media_type(config.get("ContentType") or "text/libsvm")
    parts = []
    for file in channel_files(name, config):
        rows = _READERS[kind](file, csv_weights)
        if rows.features.shape[0]:
            parts.append(rows)
    return stack(parts) if parts else None


def _read_csv_file(file: Path, weighted: bool) -> Rows:
    return read_csv(_decoded(file), name=file.name, label=True, weight=weighted)


def _read_libsvm_file(file: Path, weighted: bool) -> Rows:
    del weighted
    return read_libsvm(_decoded(file), name=file.name, label=True)


def _read_recordio_file(file: Path, weighted: bool) -> Rows:
    del weighted
    return read_recordio(file.read_bytes(), name=file.name, label=True)


def _read_parquet_file(file: Path, weighted: bool) -> Rows:
    """Columns of numbers, the label first."""
    del weighted
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise UserError(
            f"parquet is read by pyarrow, which is missing here ({error}): pip install 'mlflowsteps[parquet]'"
        ) from error
    import numpy as np

    try:
        table = parquet.read_table(io.BytesIO(file.read_bytes()))  # a pipe cannot be read from its end
        columns = [column.to_numpy().astype(np.float32) for column in table.columns]
    except (ArrowInvalid, ValueError, TypeError) as error:
        raise UserError(f"{file.name} is no parquet file of numbers: {error}") from error
    if len(columns) < 2:
        raise UserError(f"{file.name} has {len(columns)} columns; the label stands first, and features after it.")
    return Rows(np.column_stack(columns[1:]), columns[0])


_READERS: dict[str, Callable[[Path, bool], Rows]] = {
    "csv": _read_csv_file,
    "libsvm": _read_libsvm_file,
    "recordio": _read_recordio_file,
    "parquet": _read_parquet_file,
}


def _decoded(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file.name} is no text ({error}); give CSV or libsvm files.") from error


def train() -> None:
    """Train on the channels ``train`` and ``validation`` and save the model.

    Raises:
        UserError, ParameterError, TextError: what the user can mend.
    """
    plan = read_parameters(read_config("hyperparameters.json"), lenient="--lenient" in sys.argv)
    for warning in plan.warnings:
        _say(f"[WARNING] {warning}")
    rows = _read_channels(plan)
    if plan.early_stopping_rounds is not None and "validation" not in rows and not plan.folds:
        raise UserError("early_stopping_rounds needs a channel 'validation'.")
    xgboost = _library()  # as late as can be: it takes longer to load than a fault takes to find
    folder = base_folder() / "model"
    folder.mkdir(parents=True, exist_ok=True)
    if plan.folds:
        _cross_validate(xgboost, plan, rows, folder)
        return
    booster, _ = _fit(xgboost, plan, rows, [_logger(xgboost)])
    (folder / MODEL_FILE).write_bytes(booster.save_raw("ubj"))


def _fit(xgboost: Any, plan: Plan, rows: Mapping[str, Rows], callbacks: list[Any]) -> tuple[Any, Scores]:
    """Train on ``train``, measured on all; the booster, and each metric's values by round."""
    matrices = {
        name: xgboost.DMatrix(part.features, label=part.labels, weight=part.weights) for name, part in rows.items()
    }
    if plan.early_stopping_rounds is not None:
        callbacks = [
            *callbacks,
            xgboost.callback.EarlyStopping(rounds=plan.early_stopping_rounds, data_name="validation", save_best=True),
        ]
    scores: dict[str, dict[str, list[Any]]] = {}
    booster = xgboost.train(
        {"verbosity": 1} | plan.booster,
        matrices["train"],
        num_boost_round=plan.rounds,
        evals=[(matrix, name) for name, matrix in matrices.items()],
        evals_result=scores,
        custom_metric=_custom_metric(plan.custom_metrics) if plan.custom_metrics else None,
        callbacks=callbacks,
        verbose_eval=False,
    )
    return booster, scores


def _cross_validate(xgboost: Any, plan: Plan, rows: Mapping[str, Rows], folder: Path) -> None:
    """A model of each fold; the log has the means of all folds for each round."""
    count = sum(part.features.shape[0] for part in rows.values())
    if plan.folds > count:
        raise UserError(f"_kfold is {plan.folds}, but there are only {count} rows.")
    objective, seed = str(plan.booster.get("objective", "")), int(plan.booster.get("seed", 0))
    found = []
    for number, pair in enumerate(
        folds(list(rows.values()), plan.folds, plan.fold_rounds, objective=objective, seed=seed)
    ):
        booster, scores = _fit(xgboost, plan, dict(zip(("train", "validation"), pair, strict=True)), [])
        (folder / f"{MODEL_FILE}-{number}").write_bytes(booster.save_raw("ubj"))
        found.append(scores)
        _say(f"[INFO] fold {number + 1} of {plan.folds * plan.fold_rounds} is trained")
    for line in means_of(found):
        _say(line)


def _library() -> Any:
    """The xgboost package, loaded without scikit-learn, which it would import for wrappers that are not used here."""
    if "xgboost" in sys.modules:
        return sys.modules["xgboost"]
    hidden = "sklearn" not in sys.modules
    if hidden:
        sys.modules["sklearn"] = None  # type: ignore[assignment] # makes the import fail at once
    try:
        import xgboost
    except ImportError as error:
        raise UserError(
            f"the local XGBoost needs the xgboost package, which is missing here ({error}). "
            "Install it: pip install 'mlflowsteps[demo]'"
        ) from error
    finally:
        if hidden:
            del sys.modules["sklearn"]
    return xgboost


def _read_channels(plan: Plan) -> dict[str, Rows]:
    """The rows of the channels ``train`` and ``validation``, of one width."""
    config = read_config("inputdataconfig.json")
    if "train" not in config:
        raise UserError(f"a channel 'train' is required; the job has {', '.join(sorted(config)) or 'none'}.")
    found = {}
    for name in ("train", "validation"):
        if name not in config:
            continue
        rows = _read_channel(name, config[name], csv_weights=plan.csv_weights)
        if rows is None and name == "train":
            raise UserError("the channel 'train' holds no rows (files that begin with '.' or '_' are passed over).")
        if rows is not None:
            found[name] = rows
    _widen(found)
    for name, rows in found.items():
        _say(f"[INFO] {name}: {rows.features.shape[0]} rows, {rows.features.shape[1]} columns")
    return found


def _widen(found: dict[str, Rows]) -> None:
    """Libsvm leaves zeros out: a file may be narrower because its last features are never set."""
    width = max(rows.features.shape[1] for rows in found.values())
    for name, rows in found.items():
        if rows.features.shape[1] != width:
            if not hasattr(rows.features, "resize") or not hasattr(rows.features, "indptr"):
                raise UserError(f"the channel {name!r} has {rows.features.shape[1]} features, another has {width}.")
            rows.features.resize(rows.features.shape[0], width)


def _logger(xgboost: Any) -> Any:
    class Logger(xgboost.callback.TrainingCallback):  # type: ignore[misc] # the base is known when the library is there
        """Writes ``[12]<TAB>train-rmse:0.12345<TAB>validation-rmse:0.23456``, which metrics' regexes rely on."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            del model
            scores = [
                f"{data}-{metric}:{_last(log):.5f}"
                for data, metrics in evals_log.items()
                for metric, log in metrics.items()
            ]
            _say("\t".join([f"[{epoch}]", *scores]))
            return False

    return Logger()


def _last(log: Any) -> float:
    value = log[-1]
    return float(value[0] if isinstance(value, tuple) else value)


def _custom_metric(names: list[str]) -> Any:
    """Metrics that xgboost lacks, by scikit-learn."""
    try:
        from sklearn import metrics
    except ImportError as error:
        raise UserError(f"eval_metric {', '.join(names)} needs scikit-learn: pip install scikit-learn") from error

    def one(name: str, labels: np.ndarray, found: np.ndarray) -> float:
        if name in ("mse", "r2"):
            return float({"mse": metrics.mean_squared_error, "r2": metrics.r2_score}[name](labels, found))
        classes = found.argmax(axis=1) if found.ndim > 1 else (found > 0.5).astype(int)
        if name in ("accuracy", "balanced_accuracy"):
            return float(getattr(metrics, f"{name}_score")(labels, classes))
        kind, _, average = name.partition("_")
        default = "macro" if kind == "f1" else "micro" if found.ndim > 1 else "binary"
        return float(getattr(metrics, f"{kind}_score")(labels, classes, average=average or default))

    def score(predictions: np.ndarray, matrix: Any) -> list[tuple[str, float]]:
        return [(name, one(name, matrix.get_label(), predictions)) for name in names]

    return score


def load_models(folder: Path) -> list[Any]:
    """The boosters in a model's folder; several are an ensemble.

    Raises:
        UserError: there is none, or one is in a form that would run code (pickle) or is not known.
    """
    xgboost = _library()
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    found = []
    for file in files:
        data = file.read_bytes()
        if data[:1] != b"{":
            raise UserError(
                f"{file.name} is no XGBoost model in JSON or UBJSON (pickle is refused: loading it runs code). Save it "
                "by Booster.save_model."
            )
        try:
            found.append(xgboost.Booster(model_file=bytearray(data)))
        except xgboost.core.XGBoostError as error:
            raise UserError(f"{file.name} cannot be loaded: {error}") from error
    if not found:
        raise UserError(f"the model's archive holds no file {MODEL_FILE!r}.")
    return found


def predict(models: list[Any], request: Request) -> Response:
    """Answer one request: a prediction for each row.

    Args:
        models: the boosters; the mean of their predictions, or the class most of them name, is the answer.
        request: CSV or libsvm rows, with ``Accept`` text/csv, application/json or JSON Lines.
    """
    if not request.body.strip():
        raise HttpError(204, "")
    xgboost = _library()
    rows = _rows(request, models[0].num_features())
    try:
        found = [model.predict(xgboost.DMatrix(rows.features)) for model in models]
    except xgboost.core.XGBoostError as error:
        raise HttpError(400, f"Unable to evaluate payload provided: {error}") from error
    objective = objective_of(models[0])
    scores = combine(found, objective).tolist()
    wanted = _selected()
    return _encode(scores, request.accept, select(scores, objective, wanted) if wanted else None)


def _sent_type(content_type: str) -> str:
    kind = media_type(content_type)
    if kind == "parquet":
        raise UserError(f"Content-Type {content_type!r} is for training; send CSV, libsvm or RecordIO.")
    return kind


def _rows(request: Request, features: int) -> Rows:
    try:
        kind = _sent_type(request.content_type or "text/csv")
        if kind == "csv":
            rows = read_csv(request.body.decode("utf-8-sig"), name="payload", label=False)
        elif kind == "recordio":
            rows = read_recordio(request.body, name="payload", label=False)
        else:
            rows = read_libsvm(request.body.decode("utf-8-sig"), name="payload", label=False, features=features)
    except (UserError, TextError, UnicodeDecodeError) as error:
        raise HttpError(415, str(error)) from error
    if rows.features.shape[1] != features:
        raise HttpError(
            400,
            f"the payload has {rows.features.shape[1]} columns, the model {features} features (no label is sent for a "
            "prediction)",
        )
    return rows


def _selected() -> list[str]:
    """What SAGEMAKER_INFERENCE_OUTPUT asks for; nothing where it is not set.

    Raises:
        UserError: it names what there is not.
    """
    found = [name.strip() for name in os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "").split(",") if name.strip()]
    odd = next((name for name in found if name not in OUTPUTS), None)
    if odd is not None:
        raise UserError(f"SAGEMAKER_INFERENCE_OUTPUT names {odd!r}; it may name {', '.join(OUTPUTS)}.")
    return found


def _encode(scores: list[Any], accept: str, selected: list[dict[str, Any]] | None) -> Response:
    wanted = accept.split(";", maxsplit=1)[0].split(",", maxsplit=1)[0].strip().lower() or os.environ.get(
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv"
    )
    batch = os.environ.get("SAGEMAKER_BATCH") == "true"
    if selected is not None and wanted in ("*/*", "text/csv", "csv"):
        return Response(csv_rows(selected).encode(), "text/csv; charset=utf-8")
    if selected is None and (batch or wanted in ("*/*", "text/csv", "csv")):
        lines = [str(score) if batch or not isinstance(score, list) else ",".join(map(str, score)) for score in scores]
        return Response(("\n".join(lines) + "\n" * batch).encode(), "text/csv; charset=utf-8")
    rows = [{"score": score} for score in scores] if selected is None else selected
    if wanted == _JSON:
        return Response(json.dumps({"predictions": rows}).encode(), _JSON)
    if wanted in _JSON_LINES:
        return Response("".join(json.dumps(row) + "\n" for row in rows).encode(), wanted)
    raise HttpError(406, f"Accept {accept!r} is not supported; use text/csv, application/json or application/jsonlines")


def _serve() -> None:
    models, wanted = load_models(base_folder() / "model"), _selected()
    known = outputs_of(objective_of(models[0]))
    missing = [name for name in wanted if name not in known]
    if missing:
        _say(f"[WARNING] {', '.join(missing)} will be nan: the objective {objective_of(models[0])} has none")
    serve(lambda request: predict(models, request))


def main() -> int:
    """Do what the last argument says; returns the exit code."""
    works = {"train": train, "serve": _serve}
    if sys.argv[-1] not in works:
        _say(f"usage: xgboost_algorithm [--lenient] train|serve, not {sys.argv[1:]}")
        return 2
    try:
        works[sys.argv[-1]]()
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
