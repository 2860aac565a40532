"""When a state fails: retriers, catchers, and the way up to the end of the execution.

Owns which error name matches what, the waits between attempts, EvaluationFailed and the StateFailed events, and what
becomes of the siblings of a branch that fails. The way up is a loop: nesting does not recurse.
"""

from __future__ import annotations

from functools import partial

from mlflowsteps.asl.dataflow import error_output, payload_text
from mlflowsteps.asl.definition import Catcher, Retrier
from mlflowsteps.exceptions import StatesError

from .abort import abort_own
from .run import Failure, Frame, Run
from .transitions import end_failed, leave

__all__ = ["backoff_seconds", "fail", "fail_by", "matches"]

_RUNTIME = "States.Runtime"
_DATA_LIMIT = "States.DataLimitExceeded"
_TIMEOUTS = frozenset({"States.Timeout", "States.HeartbeatTimeout"})
_CONTAINERS = {"Parallel": "ParallelStateFailed", "Map": "MapStateFailed"}
_BEFORE_WORK = frozenset({"Task", "Parallel", "Map"})


def matches(names: frozenset[str], failure: Failure) -> bool:
    """Whether a retrier or catcher that names these errors takes up a failure.

    >>> matches(frozenset({"States.TaskFailed"}), Failure("States.Timeout"))
    False
    """
    error = failure.error or ""
    if error in names:
        return True
    if error in _TIMEOUTS and "States.Timeout" in names:
        return True
    if not failure.wildcards:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error not in _TIMEOUTS)


def backoff_seconds(retrier: Retrier, attempt: int, draw: float) -> float:
    """Time to wait before a retry.

    Args:
        retrier: one entry of a state's Retry list.
        attempt: 1 for the first retry, counted per retrier.
        draw: in [0, 1); used only where JitterStrategy is FULL.

    Returns:
        Seconds, >= 0, at most MaxDelaySeconds.

    Raises:
        ValueError: attempt is below 1.

    Source:
        Amazon States Language, "Retrier".

    >>> backoff_seconds(Retrier(frozenset(), interval_seconds=2, backoff_rate=2.0), 3, 0.0)
    8.0
    """
    if attempt < 1:
        raise ValueError(f"attempt must be 1 or more, not {attempt}")
    try:
        wait = retrier.interval_seconds * float(retrier.backoff_rate) ** (attempt - 1)
    except OverflowError:
        wait = retrier.max_delay_seconds
    wait = min(wait, retrier.max_delay_seconds)
    return wait * draw if retrier.full_jitter else wait


# --- failing


def fail_by(run: Run, frame: Frame, error: StatesError) -> None:
    """An expression, a phase or a limit of the state failed."""
    fail(run, frame, _failure_of(run, frame, error))


def _failure_of(run: Run, frame: Frame, error: StatesError) -> Failure:
    """The failure an error becomes, with the service's wording; writes EvaluationFailed for JSONata."""
    if error.error == _DATA_LIMIT:
        return Failure(error.error, error.cause, wildcards=False)
    name = frame.state.name
    cause = " ".join(part for part in (run.blame(frame), error.cause) if part)
    if error.error == "States.QueryEvaluationError":
        details = {"error": error.error, "cause": cause, "state": name}
        location = getattr(error, "location", None)
        if location:
            details["location"] = location
        previous = frame.previous
        if frame.previous == frame.entered and frame.state.type in _BEFORE_WORK:
            previous = frame.before  # as recorded: the service counts Arguments and Items before the entering
        frame.previous = run.emit("EvaluationFailed", previous, "evaluationFailedEventDetails", details)
    return Failure(error.error, cause, terminal=error.error == _RUNTIME, wildcards=error.error != _RUNTIME)


def fail(run: Run, frame: Frame, failure: Failure) -> None:
    """A state failed: retry it, catch the error, or fail what the state belongs to.

    Args:
        run: the run.
        frame: the frame, in the state that failed.
        failure: why.
    """
    while True:
        run.failing(frame, failure)
        if not failure.terminal:
            abort_own(run, frame)
            if _retry(run, frame, failure):
                return
            _state_failed(run, frame)
            try:
                if _catch(run, frame, failure):
                    return
            except StatesError as error:  # the catcher's own phases failed
                failure = _failure_of(run, frame, error)
                if not failure.terminal:
                    _state_failed(run, frame)
        if failure.terminal:
            frame = _outermost(frame)
        frame.step = None
        parent = frame.parent
        if parent is None or parent.children is None:
            end_failed(run, frame.previous, failure)
            return
        further = parent.children.failed(run, frame, failure)
        if further is None:
            return
        parent.wreck, parent.children = parent.children, None
        frame, failure = parent, further


def _outermost(frame: Frame) -> Frame:
    """What a terminal failure ends: the main thread, from the event where it came to."""
    previous = frame.previous
    while frame.parent is not None and frame.parent.children is not None:
        frame = frame.parent
    frame.previous = previous
    return frame


def _state_failed(run: Run, frame: Frame) -> None:
    event_type = _CONTAINERS.get(frame.state.type)
    if event_type is not None:
        frame.previous = run.emit(event_type, frame.previous)


# --- retrying


def _retry(run: Run, frame: Frame, failure: Failure) -> bool:
    """Start the wait for the next attempt, if a retrier has one left."""
    for number, retrier in enumerate(frame.state.retriers):
        if matches(retrier.errors, failure):
            attempt = frame.attempts.get(number, 0) + 1
            if attempt > retrier.max_attempts:
                return False  # only the first retrier that matches counts
            frame.attempts[number] = attempt
            frame.retries += 1
            draw = run.entropy.draw() if retrier.full_jitter else 0.0
            due = run.now + backoff_seconds(retrier, attempt, draw)
            frame.step = None
            frame.timer = run.set_timer(due, partial(_again, run, frame))
            return True
    return False


def _again(run: Run, frame: Frame) -> None:
    frame.timer = frame.wreck = frame.lost = None
    run.schedule(frame, run.work)


# --- catching


def _catch(run: Run, frame: Frame, failure: Failure) -> bool:
    """Leave the state by its first catcher that matches.

    Raises:
        StatesError: a phase of the catcher failed, or its output is too large.
    """
    for catcher in frame.state.catchers:
        if matches(catcher.errors, failure):
            _take(run, frame, failure, catcher)
            return True
    return False


def _take(run: Run, frame: Frame, failure: Failure, catcher: Catcher) -> None:
    caught = error_output(failure.error, failure.cause)
    output, assigned = catcher.flow.caught(run.scope(frame), caught)
    text = payload_text(output, frame.state.name, run.header.max_payload_bytes)
    leave(run, frame, output, text, catcher.next, assigned)
