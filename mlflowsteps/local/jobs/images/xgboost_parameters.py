"""Hyperparameters of the built-in XGBoost: strings in, checked and typed values out.

Source:
    Amazon SageMaker developer guide, "XGBoost Hyperparameters"; sagemaker-xgboost-container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflowsteps.local.jobs.images.hyperparameters import (
    ParameterError,
    Reader,
    decode,
    integer,
    one_of,
    read,
    real,
    text,
)

__all__ = ["ParameterError", "Plan", "read_parameters"]

_RENAMED = {"reg:linear": "reg:squarederror"}
_GPU = {"gpu_hist": "hist", "gpu_exact": "exact"}
_AVERAGED = frozenset(f"{name}_{average}" for name in ("f1", "precision", "recall") for average in ("macro", "micro"))
_CUSTOM = _AVERAGED | {"accuracy", "balanced_accuracy", "mse", "r2", "f1", "f1_binary", "precision", "recall"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train.

    Args:
        rounds: number of boosting rounds.
        booster: parameters for xgboost itself.
        early_stopping_rounds: None: no early stopping.
        custom_metrics: eval_metrics that xgboost does not have.
        csv_weights: whether the second CSV column is the row's weight.
        folds: folds of cross-validation; 0: none.
        fold_rounds: how often they are drawn.
        warnings: what was mapped or passed over.
    """

    rounds: int
    booster: dict[str, Any]
    early_stopping_rounds: int | None
    custom_metrics: list[str]
    csv_weights: bool
    folds: int = 0
    fold_rounds: int = 1
    warnings: list[str] = field(default_factory=list)


_FRACTION = real(0.0, 1.0)
_AT_LEAST_0 = real(0.0)
_KNOWN: dict[str, Reader] = {
    "num_round": integer(1),
    "num_class": integer(2),
    "early_stopping_rounds": integer(1),
    "csv_weights": integer(0, 1),
    "booster": one_of("gbtree", "gblinear", "dart"),
    "objective": text,
    "eval_metric": text,
    "base_score": real(),
    "seed": integer(-(2**31), 2**31 - 1),
    "nthread": integer(1),
    "verbosity": integer(0, 3),
    "eta": _FRACTION,
    "learning_rate": _FRACTION,
    "gamma": _AT_LEAST_0,
    "min_split_loss": _AT_LEAST_0,
    "max_depth": integer(0),
    "min_child_weight": _AT_LEAST_0,
    "max_delta_step": _AT_LEAST_0,
    "subsample": _FRACTION,
    "sampling_method": one_of("uniform", "gradient_based"),
    "colsample_bytree": _FRACTION,
    "colsample_bylevel": _FRACTION,
    "colsample_bynode": _FRACTION,
    "lambda": _AT_LEAST_0,
    "reg_lambda": _AT_LEAST_0,
    "alpha": _AT_LEAST_0,
    "reg_alpha": _AT_LEAST_0,
    "lambda_bias": _AT_LEAST_0,
    "tree_method": one_of("auto", "exact", "approx", "hist", *_GPU),
    "sketch_eps": _FRACTION,
    "scale_pos_weight": real(),
    "updater": text,
    "refresh_leaf": integer(0, 1),
    "process_type": one_of("default", "update"),
    "grow_policy": one_of("depthwise", "lossguide"),
    "max_leaves": integer(0),
    "max_bin": integer(2),
    "max_cat_to_onehot": integer(1),
    "num_parallel_tree": integer(1),
    "monotone_constraints": text,
    "interaction_constraints": text,
    "predictor": text,
    "single_precision_histogram": text,
    "deterministic_histogram": text,
    "dsplit": text,
    "prob_buffer_row": real(1.0),
    "sample_type": one_of("uniform", "weighted"),
    "normalize_type": one_of("tree", "forest"),
    "rate_drop": _FRACTION,
    "one_drop": integer(0, 1),
    "skip_drop": _FRACTION,
    "tweedie_variance_power": real(1.0, 2.0),
    "huber_slope": _AT_LEAST_0,
    "quantile_alpha": _FRACTION,
    "aft_loss_distribution": one_of("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": _AT_LEAST_0,
    "feature_selector": text,
    "top_k": integer(0),
    "save_model_on_termination": one_of("true", "false"),
    "_tuning_objective_metric": text,
    "_kfold": integer(2),
    "_num_cv_round": integer(1),
}
_OURS = frozenset(
    {
        "num_round",
        "early_stopping_rounds",
        "csv_weights",
        "save_model_on_termination",
        "_tuning_objective_metric",
        "_kfold",
        "_num_cv_round",
    }
)
_GONE = frozenset({"dsplit", "prob_buffer_row", "sketch_eps", "predictor", "single_precision_histogram"})


def read_parameters(given: Mapping[str, str], *, lenient: bool) -> Plan:
    """Check and read the hyperparameters of a request.

    Args:
        given: names and values, strings as they stand in ``hyperparameters.json``.
        lenient: only warn of names that are not known, as ``xgboost:1`` and ``xgboost:latest`` did.

    Raises:
        ParameterError: names the hyperparameter, the value and what is allowed.
    """
    warnings: list[str] = []
    values: dict[str, Any] = {}
    for name, raw in given.items():
        if name.startswith("sagemaker_"):
            continue
        value = decode(raw)
        if name not in _KNOWN:
            _unknown(name, value, lenient, warnings)
            if name == "silent":
                values.setdefault("verbosity", int(value != "1"))
            continue
        values[name] = read(name, value, _KNOWN[name])
    _check(values)
    return _plan(values, warnings)


def _unknown(name: str, text: str, lenient: bool, warnings: list[str]) -> None:
    if name == "silent" and lenient:
        warnings.append(f"hyperparameter 'silent' is of old versions; it is read as verbosity={int(text != '1')}")
        return
    if not lenient:
        raise ParameterError(
            f"Hyperparameter {name!r} (value {text!r}) is not known to this image. Take it out, or correct its name; "
            f"known are: {', '.join(sorted(name for name in _KNOWN if not name.startswith('_')))}"
        )
    warnings.append(f"hyperparameter {name!r} (value {text!r}) is not known, and has no effect")


def _check(values: dict[str, Any]) -> None:
    if "num_round" not in values:
        raise ParameterError("Hyperparameter 'num_round' is required: the number of boosting rounds, at least 1.")
    if str(values.get("objective", "")).startswith("multi:") and "num_class" not in values:
        raise ParameterError(f"Hyperparameter 'num_class' is required for objective {values['objective']!r}.")


def _plan(values: dict[str, Any], warnings: list[str]) -> Plan:
    booster = {name: value for name, value in values.items() if name not in _OURS}
    for name in sorted(_GONE & booster.keys()):
        warnings.append(f"hyperparameter {name!r} has no effect in today's XGBoost")
        del booster[name]
    for name, renamed in (("objective", _RENAMED), ("tree_method", _GPU)):
        if booster.get(name) in renamed:
            warnings.append(f"{name} {booster[name]!r} is read as {renamed[booster[name]]!r}")
            booster[name] = renamed[booster[name]]
    metrics = [metric.strip() for metric in str(booster.pop("eval_metric", "")).split(",") if metric.strip()]
    objective = str(values.get("_tuning_objective_metric", "")).rpartition(":")[2]
    if objective and objective not in metrics:  # what a tuning job looks for must be reported
        metrics.append(objective)
    own = [metric for metric in metrics if metric not in _CUSTOM]
    if own:
        booster["eval_metric"] = own
    elif metrics:
        booster["disable_default_eval_metric"] = True
    custom = [metric for metric in metrics if metric in _CUSTOM]
    return Plan(
        rounds=values["num_round"],
        booster=booster,
        early_stopping_rounds=values.get("early_stopping_rounds"),
        custom_metrics=custom,
        csv_weights=values.get("csv_weights") == 1,
        folds=values.get("_kfold", 0),
        fold_rounds=values.get("_num_cv_round", 1),
        warnings=warnings,
    )
