"""Every public class of SDK 3 that starts something is in the parity table, refused, or left out for a reason.

The SDK's sources are read, not imported: some of its modules run, or ask AWS, when they are.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.steps.sagemaker import from_sdk3
from tests.sdk3.objects import of
from tests.sdk3.samples import CLASSES, LEFT_OUT, REFUSED_CLASSES

STARTS = {"train", "tune", "run", "fit", "transform", "build", "evaluate", "run_baseline", "suggest_baseline"}


def classes() -> Iterator[tuple[str, set[str], set[str]]]:
    """Path, methods and bases of the classes in the SDK's sources."""
    for package in ("train", "core", "serve", "mlops"):
        spec = importlib.util.find_spec(f"sagemaker.{package}")
        assert spec is not None
        assert spec.submodule_search_locations
        root = Path(next(iter(spec.submodule_search_locations)))
        for file in sorted(root.rglob("*.py")):
            module = ".".join([package, *file.relative_to(root).with_suffix("").parts]).removesuffix(".__init__")
            name, bases, methods = "_", set[str](), set[str]()
            for found in _LINE.finditer(file.read_text(encoding="utf-8")):
                if found["method"]:
                    methods.add(found["method"])
                    continue
                yield f"{module}.{name}", methods, bases
                name, bases, methods = found["name"], set(re.findall(r"\w+", found["bases"] or "")), set()
            yield f"{module}.{name}", methods, bases


_LINE = re.compile(
    r"^class (?P<name>\w+)(?:\((?P<bases>[^)]*)\))?:|^    (?:async )?def (?P<method>\w+)\(", re.MULTILINE
)


def starting_classes() -> set[str]:
    """The classes with a method that starts something, and those that have it from such a class."""
    found = {
        path: (methods, bases) for path, methods, bases in classes() if not path.rpartition(".")[2].startswith("_")
    }
    starting = {path for path, (methods, _) in found.items() if methods & STARTS}
    names = {path.rpartition(".")[2] for path in starting}
    return starting | {path for path, (_, bases) in found.items() if bases & names}


def test_every_class_that_starts_something_is_kept_refused_or_left_out() -> None:
    told = {*CLASSES, *REFUSED_CLASSES, *LEFT_OUT}
    assert starting_classes() - told == set(), "new in the SDK: take it in, refuse it, or say why it is left out"
    assert {*REFUSED_CLASSES, *LEFT_OUT} - starting_classes() <= {"mlops.workflow.pipeline.Pipeline"}, (
        "no longer in the SDK"
    )


@pytest.mark.parametrize("name", REFUSED_CLASSES)
def test_what_is_refused_says_why_and_what_to_do(name: str) -> None:
    cls: Any = of(name)
    step = steps.ProcessingStep if "monitor" in name else steps.TrainingStep
    with pytest.raises(DefinitionError) as raised:
        step("S", cls.model_construct() if hasattr(cls, "model_construct") else cls.__new__(cls), "job")
    why, instead, _ = REFUSED_CLASSES[name]
    found = raised.value.diagnostics[0]
    assert (found.code, why in found.message, instead in found.hint) == ("NO_REQUEST", True, True)


def test_every_class_that_the_steps_know_is_in_the_sdk() -> None:
    for module, name in from_sdk3.KINDS:
        assert isinstance(of(f"{module.removeprefix('sagemaker.')}.{name}"), type)
