"""The Task state: scheduling an attempt, its time-outs, and its end.

Owns the events of tasks in their three families (functions by ARN, activities, integrations) and the timers of a task.
Carrying tasks out is the scheduler's and its handlers'; here a task is a number, a command, and what is told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import data_limit_error, payload_text
from mlflowsteps.asl.definition import TaskWork
from mlflowsteps.asl.events import details_key
from mlflowsteps.asl.payloads import Json, Scope, dumps, loads, size_of
from mlflowsteps.asl.settings import number_of

from .abort import release
from .commands import StartTask
from .errors import fail
from .header import task_token
from .run import WHOLE, Failure, Frame, Run
from .transitions import complete

if TYPE_CHECKING:
    from mlflowsteps.asl.arns import Resource

    from . import events

__all__ = ["Task", "on_failed", "on_heartbeat", "on_started", "on_submitted", "on_succeeded", "work_task"]


@dataclass(slots=True, eq=False)
class Task:
    """One attempt of a Task state.

    Args:
        number: its number, unique in the run.
        frame: the frame that waits for it.
        resource: what it calls.
        heartbeat_seconds: longest time between two heartbeats; None where there is no limit.
        timeout: its timer; None where it has none.
        heartbeat: the timer of its next heartbeat; None where it has none.
    """

    number: int
    frame: Frame
    resource: Resource
    heartbeat_seconds: float | None
    timeout: int | None = None
    heartbeat: int | None = None


# --- the families' events


@dataclass(frozen=True, slots=True)
class _Family:
    """The event types of one family, and what its events say of the resource."""

    prefix: str
    scheduled: Callable[[Run, Resource, str, dict[str, Json]], dict[str, Json]]
    common: Callable[[Resource], dict[str, Json]]
    starts_at_once: bool
    failures: dict[str, str]


def _task_scheduled(run: Run, resource: Resource, text: str, limits: dict[str, Json]) -> dict[str, Json]:
    region = run.header.execution_arn.split(":")[3]
    return {**_task_common(resource), "region": region, "parameters": text, **limits}


def _arn_scheduled(run: Run, resource: Resource, text: str, limits: dict[str, Json]) -> dict[str, Json]:  # noqa: ARG001
    return {"resource": resource.text, "input": text, "inputDetails": WHOLE, **limits}


def _task_common(resource: Resource) -> dict[str, Json]:
    return {"resourceType": resource.resource_type, "resource": resource.resource_name}


def _nothing(_resource: Resource) -> dict[str, Json]:
    return {}


_TASK = _Family(
    "Task", _task_scheduled, _task_common, True,
    {"schedule": "TaskStartFailed", "start": "TaskStartFailed", "submit": "TaskSubmitFailed"},
)  # fmt: skip
_FAMILIES = {
    "lambda": _Family(
        "LambdaFunction", _arn_scheduled, _nothing, True,
        {"schedule": "LambdaFunctionScheduleFailed", "start": "LambdaFunctionStartFailed"},
    ),
    "activity": _Family("Activity", _arn_scheduled, _nothing, False, {"schedule": "ActivityScheduleFailed"}),
}  # fmt: skip


def _family(resource: Resource) -> _Family:
    return _FAMILIES.get(resource.kind, _TASK)


def _emit(run: Run, frame: Frame, event_type: str, details: dict[str, Json]) -> None:
    key = details_key(event_type)
    frame.previous = run.emit(event_type, frame.previous, key, None if key is None else details)


# --- starting


def work_task(run: Run, frame: Frame, work: TaskWork) -> None:
    """Task: make the payload, schedule an attempt, and wait for its end."""
    number = run.last_task + 1
    token = task_token(run.header.execution_arn, number)
    scope = run.scope(frame)
    if work.resource.pattern == "waitForTaskToken":
        scope.context["Task"] = {"Token": token}
    parameters = frame.state.flow.payload(scope)
    text = (
        frame.text
        if parameters is frame.input
        else payload_text(parameters, frame.state.name, run.header.max_payload_bytes)
    )
    timeout, heartbeat, role = _limits(work, frame.state.flow.effective(scope))
    task = Task(number, frame, work.resource, heartbeat)
    _scheduled(run, task, text, timeout, role)
    run.last_task = number  # only now: a history that is full lets no task start
    frame.task, frame.step = task, None
    run.tasks[number] = task
    run.commands.append(
        StartTask(number, frame.state.name, work.resource_text, parameters, timeout, heartbeat, role, token)
    )
    if timeout is not None:
        task.timeout = run.set_timer(run.now + timeout, partial(_timed_out, run, task, "States.Timeout"))
    if _family(work.resource).starts_at_once:
        _beat(run, task)


def _beats(resource: Resource) -> bool:
    """Whether anybody could send heartbeats: a worker, or the holder of a token."""
    return resource.kind == "activity" or resource.pattern == "waitForTaskToken"


def _limits(work: TaskWork, inner: Scope) -> tuple[float | None, float | None, str | None]:
    role = None if work.role_arn is None else work.role_arn(inner)
    return number_of(work.timeout_seconds, inner), number_of(work.heartbeat_seconds, inner), role


def _scheduled(run: Run, task: Task, text: str, timeout: float | None, role: str | None) -> None:
    limits: dict[str, Json] = {}
    if timeout is not None:
        limits["timeoutInSeconds"] = timeout
    if task.heartbeat_seconds is not None:
        limits["heartbeatInSeconds"] = task.heartbeat_seconds
    if role is not None:
        limits["taskCredentials"] = {"roleArn": role}
    family, resource = _family(task.resource), task.resource
    _emit(run, task.frame, family.prefix + "Scheduled", family.scheduled(run, resource, text, limits))
    if family.starts_at_once:
        _emit(run, task.frame, family.prefix + "Started", family.common(resource))


# --- what is told of a task


def on_started(run: Run, task: Task, event: events.TaskStarted) -> None:
    """A worker took an activity's task."""
    if _family(task.resource).starts_at_once:
        return
    _emit(run, task.frame, "ActivityStarted", {} if event.worker is None else {"workerName": event.worker})
    _beat(run, task)


def on_submitted(run: Run, task: Task, event: events.TaskSubmitted) -> None:
    """The service accepted the request, and goes on."""
    details = {**_task_common(task.resource), "output": dumps(event.output), "outputDetails": WHOLE}
    _emit(run, task.frame, "TaskSubmitted", details)


def on_heartbeat(run: Run, task: Task, event: events.TaskHeartbeat) -> None:  # noqa: ARG001 - as the others
    """The worker is alive: the next heartbeat is due anew."""
    _beat(run, task)


def _beat(run: Run, task: Task) -> None:
    if task.heartbeat_seconds is not None and _beats(task.resource):
        run.cancel_timer(task.heartbeat)
        due = run.now + task.heartbeat_seconds
        task.heartbeat = run.set_timer(due, partial(_timed_out, run, task, "States.HeartbeatTimeout"))


def on_succeeded(run: Run, task: Task, event: events.TaskSucceeded) -> None:
    """The task is done, unless its result is too large or no JSON."""
    text, frame = event.output_text, task.frame
    if size_of(text) > run.header.max_payload_bytes:
        error = data_limit_error(task.resource.text if task.resource.kind in _FAMILIES else task.resource.resource_type)
        _failed(run, task, Failure(error.error, error.cause), "run")
        return
    try:
        result = loads(text)
    except ValueError as error:
        cause = f"The output of the task in state '{frame.state.name}' is no valid JSON: {error}"
        _failed(run, task, Failure("States.Runtime", cause, wildcards=False), "run")
        return
    _end_task(run, task)
    family = _family(task.resource)
    details = {**family.common(task.resource), "output": text, "outputDetails": WHOLE}
    _emit(run, frame, family.prefix + "Succeeded", details)
    frame.result = result
    run.schedule(frame, _complete)


def _complete(run: Run, frame: Frame) -> None:
    result, frame.result = frame.result, None
    complete(run, frame, result)


def on_failed(run: Run, task: Task, event: events.TaskFailed) -> None:
    """The task failed."""
    _failed(run, task, Failure(event.error, event.cause, wildcards=event.error != "States.Runtime"), event.phase)


def _failed(run: Run, task: Task, failure: Failure, phase: str) -> None:
    _end_task(run, task)
    family = _family(task.resource)
    details = {**_said(failure), **family.common(task.resource)}
    _emit(run, task.frame, family.failures.get(phase, family.prefix + "Failed"), details)
    fail(run, task.frame, failure)


def _said(failure: Failure) -> dict[str, Json]:
    return {key: value for key, value in (("error", failure.error), ("cause", failure.cause)) if value is not None}


def _timed_out(run: Run, task: Task, error: str) -> None:
    """The task took too long: it is cancelled, and the state fails."""
    if run.tasks.get(task.number) is not task:
        return
    frame, failure, family = task.frame, Failure(error), _family(task.resource)
    release(run, frame)
    _emit(run, frame, family.prefix + "TimedOut", {**_said(failure), **family.common(task.resource)})
    fail(run, frame, failure)


def _end_task(run: Run, task: Task) -> None:
    """The task has ended by itself: nothing is to be cancelled but its timers."""
    del run.tasks[task.number]
    task.frame.task = None
    run.cancel_timer(task.timeout)
    run.cancel_timer(task.heartbeat)
