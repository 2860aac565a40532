"""The history's event types, and under which key each keeps its details.

Owns the names as the API's model has them (``HistoryEventType``); what the details hold is written where the events
are made (``local.interpreter``).
"""

from __future__ import annotations

__all__ = ["DETAILS_KEYS", "ENTERED", "EXITED", "details_key"]

_WITH_DETAILS = (
    "ActivityFailed", "ActivityScheduled", "ActivityScheduleFailed", "ActivityStarted", "ActivitySucceeded",
    "ActivityTimedOut", "EvaluationFailed", "ExecutionAborted", "ExecutionFailed", "ExecutionRedriven",
    "ExecutionStarted", "ExecutionSucceeded", "ExecutionTimedOut", "LambdaFunctionFailed", "LambdaFunctionScheduled",
    "LambdaFunctionScheduleFailed", "LambdaFunctionStartFailed", "LambdaFunctionSucceeded", "LambdaFunctionTimedOut",
    "MapIterationAborted", "MapIterationFailed", "MapIterationStarted", "MapIterationSucceeded", "MapRunFailed",
    "MapRunRedriven", "MapRunStarted", "MapStateStarted", "TaskFailed", "TaskScheduled", "TaskStarted",
    "TaskStartFailed", "TaskSubmitFailed", "TaskSubmitted", "TaskSucceeded", "TaskTimedOut",
)  # fmt: skip
_WITHOUT_DETAILS = (
    "LambdaFunctionStarted", "MapRunAborted", "MapRunSucceeded", "MapStateAborted", "MapStateFailed",
    "MapStateSucceeded", "ParallelStateAborted", "ParallelStateFailed", "ParallelStateStarted",
    "ParallelStateSucceeded", "TaskStateAborted", "WaitStateAborted",
)  # fmt: skip
_STATES_THAT_EXIT = ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")

ENTERED: dict[str, str] = {kind: f"{kind}StateEntered" for kind in (*_STATES_THAT_EXIT, "Fail")}
"""Type of the event with which a state of each type is entered."""

EXITED: dict[str, str] = {kind: f"{kind}StateExited" for kind in _STATES_THAT_EXIT}
"""Type of the event with which a state of each type is left; a Fail state never is."""


def _key_of(event_type: str) -> str:
    return event_type[0].lower() + event_type[1:] + "EventDetails"


DETAILS_KEYS: dict[str, str | None] = (
    {name: _key_of(name) for name in _WITH_DETAILS}
    | dict.fromkeys(_WITHOUT_DETAILS)
    | dict.fromkeys(ENTERED.values(), "stateEnteredEventDetails")
    | dict.fromkeys(EXITED.values(), "stateExitedEventDetails")
)
"""Key of the details by event type; None where an event has none."""


def details_key(event_type: str) -> str | None:
    """The key under which an event of this type keeps its details.

    Raises:
        KeyError: there is no such event type.

    >>> details_key("TaskStateEntered"), details_key("MapStateFailed")
    ('stateEnteredEventDetails', None)
    """
    return DETAILS_KEYS[event_type]
