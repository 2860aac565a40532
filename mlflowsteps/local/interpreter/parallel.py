"""The Parallel state: its branches, the order of their outputs, and the events around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflowsteps.asl.dataflow import payload_text

from .abort import abort_children
from .run import Failure, Frame, Run
from .transitions import complete, start_child

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import ParallelWork
    from mlflowsteps.asl.payloads import Json

__all__ = ["work_parallel"]


class _Branches:
    """The branches of a Parallel state."""

    def __init__(self, frame: Frame, count: int) -> None:
        self.frame = frame
        self.outputs: list[Json] = [None] * count
        self.running: dict[int, Frame] = {}

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """A branch ended; after the last one the state goes on from its last event."""
        self.outputs[child.index] = output
        del self.running[child.index]
        if not self.running:
            self.frame.previous = child.previous
            run.schedule(self.frame, self.complete)

    def failed(self, run: Run, child: Frame, failure: Failure) -> Failure | None:
        """A branch failed: the state fails as it did, from the branch's last event."""
        abort_children(run, self.frame, child)
        self.frame.previous = child.previous
        return failure

    def alive(self) -> list[Frame]:
        """The branches under way."""
        return list(self.running.values())

    def revive(self, run: Run) -> bool:  # noqa: ARG002 - branches need nothing
        """Branches that have not ended go on; where all had, all begin anew."""
        return bool(self.running)

    def complete(self, run: Run, frame: Frame) -> None:
        """All branches have ended."""
        run.emit("ParallelStateSucceeded", frame.previous)  # it is passed by: what follows points before it
        complete(run, frame, self.outputs)


def work_parallel(run: Run, frame: Frame, work: ParallelWork) -> None:
    """Parallel: start all branches, and wait for them."""
    payload = frame.state.flow.payload(run.scope(frame))
    text = (
        frame.text if payload is frame.input else payload_text(payload, frame.state.name, run.header.max_payload_bytes)
    )
    started = frame.previous = run.emit("ParallelStateStarted", frame.previous)
    frame.children = branches = _Branches(frame, len(work.branches))
    frame.step = None
    for index, machine in enumerate(work.branches):
        branches.running[index] = start_child(run, frame, machine, index, (payload, text), started)
