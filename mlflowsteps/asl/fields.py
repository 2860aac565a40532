"""The fields of the Amazon States Language, one row each.

Keywords of the steps, their serialising, the check of unknown fields and the reference in the docs come from this
table. It owns names, kinds, bounds and where a field may stand; what a field *does* is written in ``dataflow``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["FIELDS", "JSONATA", "JSONPATH", "STATE_TYPES", "Field", "fields_of", "snake_case"]

JSONPATH = "JSONPath"
JSONATA = "JSONata"

PASS, TASK, CHOICE, WAIT, SUCCEED, FAIL, PARALLEL, MAP = STATE_TYPES = (
    "Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map",
)  # fmt: skip

TEXT = "text"
INTEGER = "integer"
NUMBER = "number"
PATH = "path"  # a JSONPath, or null
REFERENCE_PATH = "reference path"  # a path that can be written to, or null
VALUE = "value"  # any JSON, taken literally
TEMPLATE = "template"  # any JSON in which "key.$" (JSONPath) or "{% %}" (JSONata) is evaluated
TRANSITION = "transition"
BOOLEAN = "boolean"
OBJECT = "object"  # an object with a form of its own, checked by a rule
LIST = "list"  # a list with a form of its own, checked by a rule

_ALL = frozenset(STATE_TYPES)
_WORK = frozenset({TASK, PARALLEL, MAP})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a state.

    Args:
        name: name in the definition, such as ``TimeoutSeconds``.
        kind: what its value is; one of the constants of this module.
        states: types of the states it may stand in.
        doc: one sentence, with unit and range.
        languages: query languages it may stand in.
        path_twin: True where ``<name>Path`` may stand instead (JSONPath).
        minimum: least value of a number; None where there is none.
        maximum: largest value of a number; None where there is none.
    """

    name: str
    kind: str
    states: frozenset[str]
    doc: str
    languages: frozenset[str] = frozenset({JSONPATH, JSONATA})
    path_twin: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def keyword(self) -> str:
        """The Python keyword: the name in snake_case."""
        return snake_case(self.name)


_PATH_ONLY = frozenset({JSONPATH})
_JSONATA_ONLY = frozenset({JSONATA})

FIELDS: tuple[Field, ...] = (
    Field("Type", TEXT, _ALL, "The state's type."),
    Field("Comment", TEXT, _ALL, "A remark for people; it has no effect."),
    Field("QueryLanguage", TEXT, _ALL, "JSONPath or JSONata; the state machine's where absent."),
    Field("Next", TRANSITION, _ALL - {CHOICE, SUCCEED, FAIL}, "Name of the state that follows."),
    Field("End", BOOLEAN, _ALL - {CHOICE, SUCCEED, FAIL}, "True: the state is the last of its machine or branch."),
    Field("InputPath", PATH, _ALL - {FAIL}, "What of the input the state sees; null gives {}.", _PATH_ONLY),
    Field("OutputPath", PATH, _ALL - {FAIL}, "What of the output is passed on; null gives {}.", _PATH_ONLY),
    Field("Output", TEMPLATE, _ALL - {FAIL}, "What the state passes on.", _JSONATA_ONLY),
    Field("Assign", TEMPLATE, _ALL - {SUCCEED, FAIL}, "Variables to set, by name."),
    Field("Parameters", TEMPLATE, _WORK | {PASS}, "The payload, made from the input.", _PATH_ONLY),
    Field("Arguments", TEMPLATE, frozenset({TASK, PARALLEL}), "The payload, made from the input.", _JSONATA_ONLY),
    Field("Result", VALUE, frozenset({PASS}), "The state's result, literally.", _PATH_ONLY),
    Field("ResultSelector", TEMPLATE, _WORK, "The result, made anew from the raw one.", _PATH_ONLY),
    Field(
        "ResultPath",
        REFERENCE_PATH,
        _WORK | {PASS},
        "Where the result goes in the input; null drops it; $ (the default) replaces the input.",
        _PATH_ONLY,
    ),
    Field("Retry", LIST, _WORK, "Retriers, tried in order."),
    Field("Catch", LIST, _WORK, "Catchers, tried in order when no retrier is left."),
    Field("Resource", TEXT, frozenset({TASK}), "ARN of the function, activity or integration."),
    Field("Credentials", OBJECT, frozenset({TASK}), "RoleArn: the role the task is run with."),
    Field(
        "TimeoutSeconds",
        INTEGER,
        frozenset({TASK}),
        "Seconds until States.Timeout, 1 to 99,999,999 (the default).",
        path_twin=True,
        minimum=1,
        maximum=99_999_999,
    ),
    Field(
        "HeartbeatSeconds",
        INTEGER,
        frozenset({TASK}),
        "Seconds between two heartbeats until States.HeartbeatTimeout, less than TimeoutSeconds.",
        path_twin=True,
        minimum=1,
        maximum=99_999_999,
    ),
    Field("Choices", LIST, frozenset({CHOICE}), "Rules, tried in order."),
    Field("Default", TRANSITION, frozenset({CHOICE}), "Name of the state that follows when no rule matches."),
    Field(
        "Seconds",
        INTEGER,
        frozenset({WAIT}),
        "Seconds to wait, 0 to 99,999,999.",
        path_twin=True,
        minimum=0,
        maximum=99_999_999,
    ),
    Field("Timestamp", TEXT, frozenset({WAIT}), "RFC 3339 time to wait for.", path_twin=True),
    Field("Error", TEXT, frozenset({FAIL}), "The error's name.", path_twin=True),
    Field("Cause", TEXT, frozenset({FAIL}), "The cause, for a person.", path_twin=True),
    Field("Branches", LIST, frozenset({PARALLEL}), "State machines run at the same time."),
    Field("ItemsPath", PATH, frozenset({MAP}), "Path of the items; the input where absent.", _PATH_ONLY),
    Field("Items", TEMPLATE, frozenset({MAP}), "The items: an array or an object.", _JSONATA_ONLY),
    Field("ItemProcessor", OBJECT, frozenset({MAP}), "The state machine run for each item, and how (ProcessorConfig)."),
    Field("Iterator", OBJECT, frozenset({MAP}), "Old name of ItemProcessor.", _PATH_ONLY),
    Field("ItemSelector", TEMPLATE, frozenset({MAP}), "The input of each iteration."),
    Field("ItemReader", OBJECT, frozenset({MAP}), "Where a Distributed Map reads its items from."),
    Field("ItemBatcher", OBJECT, frozenset({MAP}), "How items of a Distributed Map are put into batches."),
    Field("ResultWriter", OBJECT, frozenset({MAP}), "Where a Distributed Map writes its results to."),
    Field("Label", TEXT, frozenset({MAP}), "Name of a Distributed Map in ARNs, at most 40 characters."),
    Field(
        "MaxConcurrency",
        INTEGER,
        frozenset({MAP}),
        "Most iterations at a time; 0: no bound of its own.",
        path_twin=True,
        minimum=0,
    ),
    Field(
        "ToleratedFailurePercentage",
        NUMBER,
        frozenset({MAP}),
        "Percentage of items that may fail, 0 to 100.",
        path_twin=True,
        minimum=0,
        maximum=100,
    ),
    Field(
        "ToleratedFailureCount", INTEGER, frozenset({MAP}), "Number of items that may fail.", path_twin=True, minimum=0
    ),
)


def snake_case(name: str) -> str:
    """An ASL name as a Python one.

    >>> snake_case("HeartbeatSecondsPath")
    'heartbeat_seconds_path'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@cache
def fields_of(state_type: str) -> dict[str, Field]:
    """The fields that may stand in a state of this type, by name; path twins included.

    >>> "TimeoutSecondsPath" in fields_of("Task"), "Branches" in fields_of("Task")
    (True, False)
    """
    found: dict[str, Field] = {}
    for field in FIELDS:
        if state_type not in field.states:
            continue
        found[field.name] = field
        if field.path_twin:
            name = field.name + "Path"
            found[name] = Field(name, PATH, field.states, f"Path of {field.name}.", _PATH_ONLY)
    return found
