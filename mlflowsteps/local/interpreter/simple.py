"""States that need nothing from outside: Pass, Choice, Succeed, Fail; and Wait, which needs the time alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import payload_text
from mlflowsteps.asl.definition import ChoiceWork, FailWork, PassWork, WaitWork
from mlflowsteps.asl.payloads import dumps
from mlflowsteps.exceptions import StatesError

from .errors import fail
from .run import Failure, Frame, Run
from .transitions import complete, leave

if TYPE_CHECKING:
    from mlflowsteps.asl.payloads import Closure, Json, Scope

__all__ = ["work_choice", "work_fail", "work_pass", "work_succeed", "work_wait"]

_NO_NEXT = "Failed to transition out of the state. The state does not point to a next state."


def work_pass(run: Run, frame: Frame, work: PassWork) -> None:
    """Pass: the literal result, or the payload."""
    if work.has_result:
        complete(run, frame, work.result)
    else:
        _pass_on(run, frame)


def work_succeed(run: Run, frame: Frame, work: None) -> None:  # noqa: ARG001 - there is none
    """Succeed: the effective input is the output, and the end of the thread."""
    _pass_on(run, frame)


def work_choice(run: Run, frame: Frame, work: ChoiceWork) -> None:
    """Choice: the first rule that holds, else the default.

    Raises:
        StatesError: no rule holds and there is no default, or a condition cannot be evaluated.
    """
    state = frame.state
    scope = run.scope(frame)
    inner = state.flow.effective(scope)
    for rule in work.rules:
        if rule.test is None or rule.test(inner):
            break
    else:
        raise StatesError("States.Runtime", _NO_NEXT)
    if rule.flow.plain:
        leave(run, frame, frame.input, frame.text, rule.next)
        return
    output, assigned = rule.flow.finish(scope, rule.flow.payload(scope))
    text = frame.text if output is frame.input else payload_text(output, state.name, run.header.max_payload_bytes)
    leave(run, frame, output, text, rule.next, assigned)


def work_fail(run: Run, frame: Frame, work: FailWork) -> None:
    """Fail: fails with the error and cause that it names."""
    scope = frame.state.flow.effective(run.scope(frame))
    error = _text(work.error, scope, "Error")
    cause = _text(work.cause, scope, "Cause")
    fail(run, frame, Failure(error, cause, wildcards=error != "States.Runtime"))


def _text(make: Closure | None, scope: Scope, name: str) -> str | None:
    if make is None:
        return None
    value: Json = make(scope)
    if not isinstance(value, str):
        raise StatesError("States.Runtime", f"The {name} of a Fail state must be a string, but was: {dumps(value)}")
    return value


def work_wait(run: Run, frame: Frame, work: WaitWork) -> None:
    """Wait: until the timer fires; a time that has passed needs one, too, so that all waits look alike."""
    due = work.due(frame.state.flow.effective(run.scope(frame)), run.now)
    frame.step = None
    frame.timer = run.set_timer(due, partial(_waited, run, frame))


def _waited(run: Run, frame: Frame) -> None:
    frame.timer = None
    run.schedule(frame, _pass_on)


def _pass_on(run: Run, frame: Frame) -> None:
    """The payload is the result."""
    state = frame.state
    if state.plain:
        leave(run, frame, frame.input, frame.text, state.next)
    else:
        complete(run, frame, state.flow.payload(run.scope(frame)))
