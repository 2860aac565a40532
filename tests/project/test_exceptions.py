"""The tree of exceptions: one base, drawn whole, and errors that survive being copied and sent."""

from __future__ import annotations

import copy
import pickle

import pytest

from mlflowsteps import exceptions
from mlflowsteps.exceptions import MlflowStepsError

EXAMPLES = [
    exceptions.DefinitionError([exceptions.Diagnostic("SCHEMA", "/States", "missing", "write it")]),
    exceptions.DuplicateStatesInChain("twice"),
    exceptions.ExecutionFailed("FAILED", "E", "why", "arn:aws:states:us-east-1:123456789012:execution:m:x", "S", "log"),
    exceptions.FolderVersionError("newer"),
    exceptions.InvalidExpression("$.a[", "expected an index", 4, "close it"),
    exceptions.InvalidInput("no"),
    exceptions.LocatedError("States.QueryEvaluationError", "why", "Output"),
    exceptions.MissingRequiredParameter("role"),
    exceptions.PathError("$.a", "No results", past_end=True),
    exceptions.RuntimeBusy("folder", 7),
    exceptions.RuntimeClosed("closed"),
    exceptions.ServiceError("ResourceInUse", "taken", 409, {"name": "x"}),
    exceptions.StatesError("States.Timeout", None),
    exceptions.StoreVersionError("newer"),
    exceptions.WorkflowExists("w", "arn:aws:states:us-east-1:123456789012:stateMachine:w", "role"),
    exceptions.WorkflowNotFound("not created"),
]


def name_of(value: object) -> str:
    return type(value).__name__


def test_every_exception_has_an_example_here_and_a_line_in_the_tree() -> None:
    names = {name for name in exceptions.__all__ if name not in {"Diagnostic", "MlflowStepsError"}}
    tree = str(exceptions.__doc__)

    assert {name_of(example) for example in EXAMPLES} == names
    assert [name for name in names if f"── {name} " not in tree] == []


@pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
def test_one_base_catches_every_exception(error: Exception) -> None:
    with pytest.raises(MlflowStepsError) as caught:
        raise error

    assert caught.value is error


@pytest.mark.parametrize("error", EXAMPLES, ids=name_of)
@pytest.mark.parametrize("send", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
def test_an_exception_arrives_whole_in_another_process(error: Exception, send) -> None:
    received = send(error)

    assert type(received) is type(error)
    assert (str(received), received.args, vars(received)) == (str(error), error.args, vars(error))


def test_what_python_calls_a_value_error_stays_one() -> None:
    value_errors = {name_of(example) for example in EXAMPLES if isinstance(example, ValueError)}

    assert value_errors == {
        "DefinitionError", "FolderVersionError", "InvalidExpression", "InvalidInput", "StoreVersionError",
    }  # fmt: skip
