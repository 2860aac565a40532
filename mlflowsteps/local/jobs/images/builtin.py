"""The images that the runtime plays itself: which of its modules runs for which repository and tag."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mlflowsteps.local.jobs.images.registry import ImageCommand, parse_image

__all__ = ["BUILTIN", "STAND_INS", "builtin_command", "is_stand_in", "is_xgboost_algorithm", "program_of"]

_RUN = Path(__file__).with_name("run.py")
_FRAMEWORKS = ("sagemaker-scikit-learn", "sagemaker-xgboost", "pytorch", "tensorflow", "huggingface")
_XGBOOST = ("xgboost", "sagemaker-xgboost")


def builtin_command(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in a child; good for a wheel, a checkout and a folder of its own."""
    return [sys.executable, "-P", str(_RUN), module, *arguments]


def program_of(request: dict[str, Any]) -> str | None:
    """The user's script that a request names by hyperparameter or environment; None where it names none."""
    environment = request.get("Environment") or {}
    parameters = request.get("HyperParameters") or {}
    container: dict[str, Any] = request.get("PrimaryContainer") or {}
    given = environment | (container.get("Environment") or {})
    found = given.get("SAGEMAKER_PROGRAM") or parameters.get("sagemaker_program")
    return str(found) if found else None


def is_xgboost_algorithm(image: str, request: dict[str, Any]) -> bool:
    """Whether the built-in algorithm answers, and not a script of the user's."""
    return parse_image(image)[0].rsplit("/", 1)[-1] in _XGBOOST and program_of(request) is None


def is_stand_in(image: str) -> bool:
    """Whether a stand-in of ours answers, which reports its metrics by itself."""
    return parse_image(image)[0] in STAND_INS


def _image_of(request: dict[str, Any]) -> str:
    specification = request.get("AlgorithmSpecification") or request.get("AppSpecification") or {}
    container: dict[str, Any] = request.get("PrimaryContainer") or {}
    found = specification.get("TrainingImage") or specification.get("ImageUri") or container.get("Image") or ""
    return str(found)


def _framework(request: dict[str, Any]) -> list[str]:
    """Training scripts, inference scripts; of a processing job only the request's own entrypoint runs."""
    if "ProcessingJobName" in request:
        return []
    repository = parse_image(_image_of(request))[0].rsplit("/", 1)[-1]
    framework = next((name for name in _FRAMEWORKS if repository.startswith(name)), "generic")
    if "ModelName" in request:
        return builtin_command("inference", "--framework", framework.removeprefix("sagemaker-"))
    return builtin_command("script_mode", "--framework", framework)


def _xgboost(request: dict[str, Any]) -> list[str]:
    if "ProcessingJobName" in request:
        return []
    return builtin_command("xgboost_algorithm")


def _old_xgboost(request: dict[str, Any]) -> list[str]:
    """``xgboost:1`` and ``xgboost:latest`` took hyperparameters that they did not know."""
    return [*command, "--lenient"] if (command := _xgboost(request)) else []


def _sagemaker_xgboost(request: dict[str, Any]) -> list[str]:
    return _framework(request) if program_of(request) else _xgboost(request)


def _stand_in(name: str) -> ImageCommand:
    """A built-in algorithm that scikit-learn stands in for."""

    def command(request: dict[str, Any]) -> list[str]:
        return [] if "ProcessingJobName" in request else builtin_command("sklearn_algorithms", name)

    return command


STAND_INS = ("linear-learner", "kmeans", "pca", "knn")

BUILTIN: tuple[tuple[str, ImageCommand], ...] = (
    ("sagemaker-scikit-learn", _framework),
    ("pytorch-training", _framework),
    ("pytorch-inference", _framework),
    ("tensorflow-training", _framework),
    ("tensorflow-inference", _framework),
    ("huggingface-*-training", _framework),
    ("huggingface-*-inference", _framework),
    ("sagemaker-xgboost", _sagemaker_xgboost),
    ("xgboost", _old_xgboost),
    *((name, _stand_in(name)) for name in STAND_INS),
)
