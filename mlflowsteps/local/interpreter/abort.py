"""Cutting off what is under way: the siblings of a branch that failed, or all of a stopped execution.

Owns the StateAborted events and their order: what contains comes before what it contains. Goes down by an explicit
list, so that depth does not recurse.
"""

from __future__ import annotations

from .commands import CancelMapRun, CancelTask
from .run import HIDDEN, Frame, Run

__all__ = ["abort_all", "abort_children", "abort_own", "release"]

_ABORTED = {
    "Task": "TaskStateAborted",
    "Wait": "WaitStateAborted",
    "Parallel": "ParallelStateAborted",
    "Map": "MapStateAborted",
}


def release(run: Run, frame: Frame) -> None:
    """Take back what a frame waits for; its turn never comes again."""
    frame.step = None
    run.cancel_timer(frame.timer)
    frame.timer = None
    task, frame.task = frame.task, None
    if task is not None and run.tasks.pop(task.number, None) is not None:
        run.cancel_timer(task.timeout)
        run.cancel_timer(task.heartbeat)
        run.commands.append(CancelTask(task.number))
    map_run, frame.map_run = frame.map_run, None
    if map_run is not None and run.map_runs.pop(map_run.command.map_run, None) is not None:
        frame.lost = map_run.command
        run.commands.append(CancelMapRun(map_run.command.map_run))


def abort_children(run: Run, parent: Frame, failed: Frame) -> None:
    """A child failed: cut off its siblings. All events follow the one that the failed child ended with."""
    if parent.children is None:
        return
    if failed.state.type == "Task":  # its task failed, its state was not left
        run.emit(_ABORTED["Task"], failed.previous)
    for child in parent.children.alive():
        if child is not failed:
            _abort(run, child, failed.previous)


def abort_own(run: Run, frame: Frame) -> None:
    """A Parallel or Map state itself failed: cut off what it still has under way."""
    children, frame.children = frame.children, None
    if children is None:
        return
    frame.wreck = children
    for child in children.alive():
        _abort(run, child, frame.previous)


def abort_all(run: Run, main: Frame) -> None:
    """The execution is stopped: cut off every thread."""
    _abort(run, main, None)


def _abort(run: Run, frame: Frame, previous: int | None) -> None:
    waiting = [frame]
    while waiting:
        one = waiting.pop()
        after = one.previous if previous is None or one.previous == HIDDEN else previous
        parent = one.parent
        if parent is not None and parent.state.type == "Map":
            details = {"name": parent.state.name, "index": one.index}
            run.emit("MapIterationAborted", after, "mapIterationAbortedEventDetails", details)
        # A state that is still to be entered has nothing to abort.
        if one.step is not run.enter and one.state.type in _ABORTED:
            one.previous = run.emit(_ABORTED[one.state.type], after)
        one.unentered = one.step is run.enter
        if one.map_run is not None:
            run.emit("MapRunAborted", after)
        release(run, one)
        if one.children is not None:
            waiting.extend(reversed(one.children.alive()))
            one.wreck, one.children = one.children, None
