"""The two doors of the room: ``new_run`` and ``advance``.

Owns what each event does first, and the loop that gives ready frames their turns: one state each, in order. After
``MAX_STEPS`` turns it asks to be called again, so that a workflow that never waits neither blocks its runtime nor
cannot be stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlflowsteps.exceptions import StatesError

from . import events, tasks
from .abort import abort_all
from .commands import Continue, End
from .distributed import on_map_run_ended
from .errors import fail_by
from .maps import work_map
from .parallel import work_parallel
from .redrive import redrive
from .run import WHOLE, Failure, Frame, HistoryFull, Outcome, Run
from .simple import work_choice, work_fail, work_pass, work_succeed, work_wait
from .transitions import end_failed, end_run

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import Machine

    from .header import RunHeader

__all__ = ["MAX_STEPS", "advance", "new_run", "work_state"]

MAX_STEPS = 1_000
"""Most turns in one call of ``advance``."""

_WORKS: dict[str, Callable[[Run, Frame, Any], None]] = {
    "Pass": work_pass,
    "Task": tasks.work_task,
    "Choice": work_choice,
    "Wait": work_wait,
    "Succeed": work_succeed,
    "Fail": work_fail,
    "Parallel": work_parallel,
    "Map": work_map,
}


def new_run(machine: Machine, header: RunHeader) -> Run:
    """An execution that has not begun; its first event is Started.

    Args:
        machine: the compiled state machine.
        header: what the execution is born with.

    Raises:
        ValueError: the header's input is no JSON.
    """
    return Run(machine, header, _enter, work_state)


def advance(run: Run, event: events.Event) -> Outcome:
    """Tell an execution of one event.

    Args:
        run: the execution; it is changed in place. The same events, in the same order, always give the same answers.
        event: what happened. One that means nothing any more (a task that was cancelled, a timer that was taken back,
            anything after the end) changes nothing.

    Returns:
        The history events it added, and what is to be done now.
    """
    if not run.ended or type(event) is events.Redriven:
        run.now = max(run.now, event.now)
        try:
            _RECEIVE[type(event)](run, event)
            _drive(run)
        except HistoryFull:
            end_failed(run, run.last_id, Failure("States.Runtime", _history_full(run)))
    return run.take()


def _drive(run: Run) -> None:
    """Give ready frames their turns, at most MAX_STEPS."""
    if run.continuing:
        return
    ready, turns = run.ready, MAX_STEPS
    while ready and turns:
        frame = ready.popleft()
        step = frame.step
        if step is None:  # aborted while it stood in line
            continue
        turns -= 1
        try:
            step(run, frame)
        except StatesError as error:
            fail_by(run, frame, error)
    if ready:
        run.continuing = True
        run.commands.append(Continue())


def _enter(run: Run, frame: Frame) -> None:
    """Enter a state, and do its work."""
    state = frame.state
    frame.before = frame.previous
    details = {"name": state.name, "input": frame.text, "inputDetails": WHOLE}
    frame.previous = frame.entered = run.emit(state.entered_type, frame.previous, "stateEnteredEventDetails", details)
    frame.entered_at = run.now
    _WORKS[state.type](run, frame, state.work)


def _history_full(run: Run) -> str:
    return f"The execution reached the maximum number of history events ({run.header.max_events})."


def work_state(run: Run, frame: Frame) -> None:
    """Do a state's work, as at first so again at a retry."""
    _WORKS[frame.state.type](run, frame, frame.state.work)


# --- events


def _started(run: Run, event: events.Event) -> None:  # noqa: ARG001 - the time is taken already
    if run.main is not None:
        return
    header, machine = run.header, run.machine
    details = {"input": header.input_text, "inputDetails": WHOLE, "roleArn": header.role_arn}
    run.emit("ExecutionStarted", 0, "executionStartedEventDetails", details)
    _limit_time(run)
    run.main = Frame(machine, machine.states[machine.start_at], run.input, header.input_text, 0, {}, None)
    run.schedule(run.main, _enter)


def _limit_time(run: Run) -> None:
    limit = run.machine.timeout_seconds
    if run.header.machine_type == "EXPRESS":
        longest = run.header.express_seconds
        limit = longest if limit is None else min(limit, longest)
    if limit is not None:
        run.set_timer(run.now + limit, lambda: _timed_out(run))


def _continued(run: Run, event: events.Event) -> None:  # noqa: ARG001
    run.continuing = False


def _timer_fired(run: Run, event: events.TimerFired) -> None:
    fire = run.timers.pop(event.timer, None)
    if fire is not None:
        fire()


def _stopped(run: Run, event: events.Stopped) -> None:
    details = {key: value for key, value in (("error", event.error), ("cause", event.cause)) if value is not None}
    end_run(run, _cut_off(run), "ABORTED", details, End("ABORTED", None, event.error, event.cause))


def _redriven(run: Run, event: events.Redriven) -> None:  # noqa: ARG001 - its token is the scheduler's
    if redrive(run):
        _limit_time(run)


def _timed_out(run: Run) -> None:
    end_run(run, _cut_off(run), "TIMED_OUT", {}, End("TIMED_OUT"))


def _cut_off(run: Run) -> int:
    """Abort whatever is under way; returns the id of the main thread's last event."""
    if run.main is None:
        return 0
    abort_all(run, run.main)
    return run.main.previous


def _of_task(handle: Callable[[Run, tasks.Task, Any], None]) -> Callable[[Run, Any], None]:
    def receive(run: Run, event: Any) -> None:
        task = run.tasks.get(event.task)
        if task is not None:
            handle(run, task, event)

    return receive


_RECEIVE: dict[type[events.Event], Callable[[Run, Any], None]] = {
    events.Started: _started,
    events.Continued: _continued,
    events.Redriven: _redriven,
    events.Stopped: _stopped,
    events.TimerFired: _timer_fired,
    events.MapRunEnded: on_map_run_ended,
    events.TaskStarted: _of_task(tasks.on_started),
    events.TaskSubmitted: _of_task(tasks.on_submitted),
    events.TaskHeartbeat: _of_task(tasks.on_heartbeat),
    events.TaskSucceeded: _of_task(tasks.on_succeeded),
    events.TaskFailed: _of_task(tasks.on_failed),
}
