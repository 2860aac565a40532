"""Entering and leaving states, and the ends of branches and executions.

Owns the events StateEntered, StateExited, ExecutionSucceeded and ExecutionFailed, the assignment of variables, and the
size a state may pass on. What a state does in between is its family's module; what happens when it fails is ``errors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import payload_text
from mlflowsteps.asl.events import EXITED, details_key
from mlflowsteps.asl.payloads import size_of
from mlflowsteps.exceptions import StatesError

from .commands import CancelMapRun, CancelTask, CancelTimer, End
from .run import WHOLE, Failure, Frame, Run

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import Machine
    from mlflowsteps.asl.payloads import Json

    from .header import RunHeader

__all__ = ["complete", "end_failed", "end_run", "leave", "start_child"]

MAX_ERROR = 256
MAX_CAUSE = 32_768


def complete(run: Run, frame: Frame, result: Json) -> None:
    """The state's work is done: make its output of the result, and leave it.

    Raises:
        StatesError: a phase failed, or the output is too large.
    """
    state = frame.state
    if state.plain:
        if result is frame.input:
            leave(run, frame, result, frame.text, state.next)
        else:
            leave(run, frame, result, payload_text(result, state.name, run.header.max_payload_bytes), state.next)
        return
    output, assigned = state.flow.finish(run.scope(frame), result)
    text = frame.text if output is frame.input else payload_text(output, state.name, run.header.max_payload_bytes)
    leave(run, frame, output, text, state.next, assigned)


def leave(
    run: Run, frame: Frame, output: Json, text: str, following: str | None, assigned: dict[str, Json] | None = None
) -> None:
    """Write the event of leaving a state, and go on to the next state, or end the thread.

    Args:
        run: the run.
        frame: the frame, in the state that is left.
        output: the state's output.
        text: its JSON text.
        following: name of the next state; None: the thread ends.
        assigned: variables to set.
    """
    details: dict[str, Json] = {"name": frame.state.name, "output": text, "outputDetails": WHOLE}
    if assigned:
        details["assignedVariables"] = _assign(run.header, frame, assigned)
        details["assignedVariablesDetails"] = WHOLE
    frame.previous = run.emit(EXITED[frame.state.type], frame.previous, "stateExitedEventDetails", details)
    frame.input, frame.text = output, text
    frame.children = frame.wreck = frame.lost = None
    if following is not None:
        frame.state = frame.machine.states[following]
        frame.retries = 0
        if frame.attempts:
            frame.attempts = {}
        run.schedule(frame, run.enter)
        return
    frame.step = None
    if frame.parent is None:
        details = {"output": text, "outputDetails": WHOLE}
        end_run(run, frame.previous, "SUCCEEDED", details, End("SUCCEEDED", text))
    elif frame.parent.children is not None:
        frame.parent.children.done(run, frame, output)


def _assign(header: RunHeader, frame: Frame, assigned: dict[str, Json]) -> dict[str, str]:
    """Set variables of a frame; returns their JSON text.

    Raises:
        StatesError: States.DataLimitExceeded: one of them, the assignment, or all variables are too large.
    """
    name = frame.state.name
    texts = {variable: payload_text(value, name, header.max_payload_bytes) for variable, value in assigned.items()}
    sizes = {variable: size_of(text) for variable, text in texts.items()}
    if sum(sizes.values()) > header.max_payload_bytes:
        raise StatesError("States.DataLimitExceeded", f"The variables that state '{name}' assigns are too large.")
    sizes = {**frame.sizes, **sizes}
    if sum(sizes.values()) > header.max_variables_bytes:
        raise StatesError("States.DataLimitExceeded", f"With those of state '{name}', all variables are too large.")
    frame.variables, frame.sizes = {**frame.variables, **assigned}, sizes
    return texts


def start_child(
    run: Run, parent: Frame, machine: Machine, index: int, document: tuple[Json, str], previous: int
) -> Frame:
    """A branch or iteration, ready to enter its first state.

    Args:
        run: the run.
        parent: the frame in the Parallel or Map state.
        machine: what the child runs.
        index: number of the branch or iteration.
        document: its input, and the input's JSON text.
        previous: id of the event it follows.
    """
    value, text = document
    child = Frame(
        machine, machine.states[machine.start_at], value, text, previous, parent.variables, None, parent, index,
        parent.item, sizes=parent.sizes,
    )  # fmt: skip
    run.schedule(child, run.enter)
    return child


def end_failed(run: Run, previous: int, failure: Failure) -> None:
    """The execution fails."""
    details = {
        key: value[:limit]
        for key, value, limit in (("error", failure.error, MAX_ERROR), ("cause", failure.cause, MAX_CAUSE))
        if value is not None
    }
    end_run(run, previous, "FAILED", details, End("FAILED", None, details.get("error"), details.get("cause")))


def end_run(run: Run, previous: int, status: str, details: dict[str, Json], end: End) -> None:
    """Write the event that ends the execution, take back all that was asked for, and end.

    Args:
        run: the run.
        previous: id of the event before.
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        details: the event's details.
        end: the last command.
    """
    run.last_event_id = None  # this event may always be written
    event_type = _ENDS[status]
    run.emit(event_type, previous, details_key(event_type), details)
    run.commands.extend(CancelTask(task) for task in run.tasks)
    run.commands.extend(CancelMapRun(number) for number in run.map_runs)
    run.commands.extend(CancelTimer(timer) for timer in run.timers)
    run.commands.append(end)
    run.tasks.clear()
    run.map_runs.clear()
    run.timers.clear()
    run.ready.clear()
    run.ended = True


_ENDS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}
