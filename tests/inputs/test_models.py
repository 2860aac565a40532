"""Schemas with defaults, and from dataclasses, pydantic models and TypedDicts."""

from __future__ import annotations

import datetime as dt
import enum
import json
import warnings
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import InvalidInput
from mlflowsteps.inputs import Default, ExecutionInput
from mlflowsteps.inputs.models import as_json
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow

pydantic = pytest.importorskip("pydantic")


class Kind(enum.Enum):
    LINEAR = "linear"
    TREE = "tree"


@dataclass
class Tuning:
    eta: float
    depth: int = 6


@dataclass
class Job:
    name: str
    tuning: Tuning
    rounds: int = 40
    tags: list[str] = field(default_factory=list)
    kind: Literal["linear", "tree"] = "tree"
    parent: Tuning | None = None


class PydanticTuning(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    eta: float
    depth: int = 6


class PydanticJob(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    name: str
    tuning: PydanticTuning
    rounds: int = 40
    tags: list[str] = pydantic.Field(default_factory=list)
    kind: Literal["linear", "tree"] = "tree"
    parent: PydanticTuning | None = None


class TypedTuning(TypedDict):
    eta: float
    depth: NotRequired[int]


WHOLE = {
    "name": "a",
    "tuning": {"eta": 0.1, "depth": 6},
    "rounds": 40,
    "tags": [],
    "kind": "tree",
    "parent": None,
}


@pytest.mark.parametrize("model", [Job, PydanticJob])
def test_a_class_is_a_schema_with_its_defaults(model: Any) -> None:
    inputs = ExecutionInput(schema=model)

    assert inputs.filled({"name": "a", "tuning": {"eta": 0.1}}) == WHOLE
    assert inputs["tuning"]["depth"].to_jsonpath() == "$$.Execution.Input['tuning']['depth']"
    assert inputs["parent"]["eta"].to_jsonpath() == "$$.Execution.Input['parent']['eta']"
    with pytest.raises(ValueError, match="Did you mean 'rounds'"):
        inputs["round"]


@pytest.mark.parametrize("model", [Job, PydanticJob])
def test_all_faults_of_an_input_are_told_at_once(model: Any) -> None:
    given = {"tuning": {"depth": "6"}, "rounds": 1.5, "tags": ["a", 1], "kind": "forest", "parent": {"eta": "x"}}
    assert [str(fault) for fault in ExecutionInput(schema=model).faults(given)] == [
        "name is missing: expected str",
        "tuning.eta is missing: expected float",
        "tuning.depth must be int, not str",
        "rounds must be int, not float",
        "tags.1 must be str, not int",
        "kind must be typing.Literal['linear', 'tree'], not str",
        "parent.eta must be float, not str",
    ]


def test_types_beyond_json_and_optional_keys() -> None:
    schema = {"kind": Kind, "when": dt.datetime, "sizes": dict[str, int], "typed": TypedTuning, "note": str | None}
    inputs = ExecutionInput(schema=schema)
    assert inputs.faults({"kind": "tree", "when": "2026-01-01", "sizes": {"a": 1}, "typed": {"eta": 1}}) == []
    faults = inputs.faults({"kind": "forest", "when": "x", "sizes": {"a": "1"}, "typed": {}, "note": 1})
    assert [fault.key for fault in faults] == ["kind", "sizes.a", "typed.eta", "note"]


def test_defaults_are_filled_in_at_every_depth_and_never_shared() -> None:
    schema = {"a": Default(list, [1]), "b": {"c": Default(int, 2)}, "items": list[Tuning], "d": Default(str)}
    inputs = ExecutionInput(schema=schema)
    given = {"items": [{"eta": 0.1}]}

    first, second = inputs.filled(given), inputs.filled(given)

    assert first == {"a": [1], "b": {"c": 2}, "items": [{"eta": 0.1, "depth": 6}]}
    first["a"].append(2)
    assert second["a"] == [1]
    assert given == {"items": [{"eta": 0.1}]}
    assert inputs.faults(first) == []


@pytest.mark.parametrize("value", [5, "x", [1], {"a": 5}, {"a": None}, {"a": [{}]}, {"l": "x"}, {"l": [5]}, {"o": 1}])
def test_what_does_not_fit_its_schema_is_left_as_it_is_for_the_faults_to_name(value: Any) -> None:
    schema = {"a": {"b": Default(int, 1)}, "l": list[Tuning], "o": Tuning | None}
    inputs = ExecutionInput(schema=schema)
    found = inputs.filled(value)
    assert found == (value if not isinstance(value, dict) or "a" in value else {**value, "a": {"b": 1}})
    assert inputs.faults(value)


def test_execute_fills_defaults_in_and_takes_instances(tmp_path: Any) -> None:
    with LocalRuntime(tmp_path) as runtime:
        inputs = ExecutionInput(schema=Job)
        state = steps.Pass("Say", parameters={"rounds": inputs["rounds"], "depth": inputs["tuning"]["depth"]})
        workflow = Workflow(
            "Jobs", state, role="arn:aws:iam::123456789012:role/w", client=runtime, execution_input=inputs
        )
        workflow.create()

        for given in (Job("a", Tuning(0.1)), {"name": "a", "tuning": {"eta": 0.1}}, json.dumps(WHOLE)):
            execution = workflow.execute(inputs=given)
            assert execution.get_output(wait=True) == {"rounds": 40, "depth": 6}
            assert execution.get_input() == WHOLE
        with pytest.raises(InvalidInput, match="2 faults"):
            workflow.execute()


class Aliased(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    learning_rate: float = pydantic.Field(alias="LearningRate")
    kind: Kind = Kind.TREE


@pytest.mark.parametrize(
    ("instance", "written"),
    [
        (Job("a", Tuning(0.1)), WHOLE),
        (PydanticJob(name="a", tuning=PydanticTuning(eta=0.1)), WHOLE),
        (Aliased(LearningRate=0.5), {"LearningRate": 0.5, "kind": "tree"}),
        (
            {"jobs": [Tuning(0.1), PydanticTuning(eta=0.2, depth=3)]},
            {"jobs": [WHOLE["tuning"], {"eta": 0.2, "depth": 3}]},
        ),
        ((Kind.LINEAR, Tuning(0.1)), ["linear", WHOLE["tuning"]]),
        (5, 5),
        (Job, Job),
        (PydanticJob, PydanticJob),
    ],
    ids=lambda value: type(value).__name__,
)
def test_instances_become_json_at_any_depth_and_classes_stay(instance: Any, written: Any) -> None:
    assert as_json(instance) == written


def test_keys_of_a_pydantic_model_go_by_their_aliases() -> None:
    inputs = ExecutionInput(schema=Aliased)
    assert inputs.filled({"LearningRate": 1.0}) == {"LearningRate": 1.0, "kind": "tree"}
    assert [fault.key for fault in inputs.faults({"learning_rate": 1.0})] == ["LearningRate"]


def test_an_export_warns_that_only_execute_fills_defaults_in() -> None:
    with_default = Workflow(
        "W", steps.Pass("P"), role="r", execution_input=ExecutionInput(schema={"a": Default(int, 1)})
    )
    with pytest.warns(UserWarning, match="filled in by Workflow.execute"):
        with_default.get_cloudformation_template()
    without = Workflow("W", steps.Pass("P"), role="r", execution_input=ExecutionInput(schema={"a": int}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        without.get_cloudformation_template()
