"""Redriving an execution: it goes on from where it failed, was stopped or timed out.

Owns ExecutionRedriven, and which threads start again: what a Parallel or inline Map state had done stays done, its
branches and iterations that failed or were cut off begin the state anew that they were in, with its input; a Map Run
that failed or was aborted is redriven itself; counts of retries begin anew. Goes down by an explicit list, so that
nesting does not recurse.
"""

from __future__ import annotations

from .distributed import redrive_map_run
from .run import Frame, Run

__all__ = ["redrive"]

_ENTERED_AGAIN = frozenset({"Fail"})


def redrive(run: Run) -> int:
    """Let an execution that has ended go on.

    Args:
        run: the run; one that has not ended, or that succeeded, is left alone.

    Returns:
        Id of ExecutionRedriven; 0 where nothing was done.
    """
    if not run.ended or run.main is None:
        return 0
    run.ended = run.continuing = False
    run.note_redrive()
    details = {"redriveCount": run.redrives}
    redriven = run.emit("ExecutionRedriven", run.last_id, "executionRedrivenEventDetails", details)
    _revive(run, run.main, redriven)
    return redriven


def _revive(run: Run, main: Frame, previous: int) -> None:
    waiting = [main]
    while waiting:
        frame = waiting.pop()
        children = frame.children if frame.children is not None else frame.wreck
        unentered, frame.unentered = frame.unentered, False
        if frame.map_run is not None:  # the execution ended by a fault elsewhere, while it was under way
            frame.lost = frame.map_run.command
        frame.wreck = frame.children = frame.task = frame.timer = frame.map_run = frame.step = None
        frame.previous, frame.retries, frame.attempts = previous, 0, {}
        if children is not None and children.revive(run):
            frame.children = children
            waiting.extend(reversed(children.alive()))
        elif frame.lost is not None:
            run.schedule(frame, redrive_map_run)
        else:
            enters = unentered or frame.state.type in _ENTERED_AGAIN
            run.schedule(frame, run.enter if enters else run.work)
