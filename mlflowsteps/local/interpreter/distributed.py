"""The Distributed Map state as its execution sees it: a Map Run is commanded, and its end is told.

Owns the events of Map Runs in the parent's history, and what a Map Run is given (``spec``). The items, the child
executions and the results are the Map Run's own: an execution of a million items holds none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflowsteps.asl.arns import map_run_arn
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import loads
from mlflowsteps.asl.settings import Setting, number_of
from mlflowsteps.exceptions import StatesError

from .commands import StartMapRun
from .errors import fail
from .run import Failure, Frame, Run
from .transitions import complete

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import MapWork
    from mlflowsteps.asl.distributed import DistributedMap
    from mlflowsteps.asl.payloads import Json, Scope

    from . import events

__all__ = [
    "THRESHOLD",
    "MapRunWait",
    "batching_of",
    "on_map_run_ended",
    "redrive_map_run",
    "start_map_run",
    "tolerance_of",
]

THRESHOLD = Failure("States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")
_TOO_LARGE = "States.DataLimitExceeded"


@dataclass(slots=True, eq=False)
class MapRunWait:
    """A Map Run under way.

    Args:
        command: by which it was started.
        frame: the frame that waits for it.
    """

    command: StartMapRun
    frame: Frame


def start_map_run(run: Run, frame: Frame, work: MapWork, inner: Scope, items: Json, max_concurrency: int) -> None:
    """Command a Map Run, and wait for its end.

    Args:
        run: the run.
        frame: the frame in the Map state.
        work: what the state does.
        inner: the scope of the state's fields.
        items: the items; None where a reader has them.
        max_concurrency: most children at a time; 0: no bound of its own.

    Raises:
        StatesError: a field of the state failed.
    """
    distributed = work.distributed
    if distributed is None:
        raise TypeError(f"The state {frame.state.name!r} is no Distributed Map")
    count, percentage = tolerance_of(work, inner)
    spec: dict[str, Json] = {
        "state": frame.state.name,
        "execution_type": distributed.execution_type,
        "processor": distributed.processor,
        "items": items,
        **_selection(distributed, inner),
        **_reading(distributed, inner),
        **batching_of(distributed, inner),
        **_writing(distributed, inner),
        "max_concurrency": max_concurrency,
        "tolerated_count": count,
        "tolerated_percentage": percentage,
    }
    label = distributed.label or run.entropy.uuid()
    arn = map_run_arn(run.header.machine_arn, label, run.entropy.uuid())
    frame.previous = run.emit("MapRunStarted", frame.previous, "mapRunStartedEventDetails", {"mapRunArn": arn})
    _command(run, frame, arn, spec)


def redrive_map_run(run: Run, frame: Frame) -> None:
    """Have the Map Run that failed or was aborted go on, under its ARN and as it was begun, and wait for its end.

    Args:
        run: the run.
        frame: the frame in the Map state, that has lost it.
    """
    lost, frame.lost = frame.lost, None
    if lost is None:
        raise TypeError(f"The state {frame.state.name!r} has lost no Map Run")
    redrives = lost.redrive + 1
    details = {"mapRunArn": lost.arn, "redriveCount": redrives}
    frame.previous = run.emit("MapRunRedriven", frame.previous, "mapRunRedrivenEventDetails", details)
    _command(run, frame, lost.arn, lost.spec, redrives)


def _command(run: Run, frame: Frame, arn: str, spec: dict[str, Json], redrive: int = 0) -> None:
    run.last_map_run += 1
    command = StartMapRun(run.last_map_run, arn, spec, redrive)
    frame.map_run, frame.step = MapRunWait(command, frame), None
    run.map_runs[command.map_run] = frame.map_run
    run.commands.append(command)


def _selection(distributed: DistributedMap, inner: Scope) -> dict[str, Json]:
    if distributed.selector is None:
        return {"selector": None}
    jsonata = distributed.language == JSONATA
    return {
        "selector": distributed.selector,
        "language": distributed.language,
        "input": inner.input["input"] if jsonata else inner.input,
        "context": inner.context,
        "variables": inner.variables,
    }


def _reading(distributed: DistributedMap, inner: Scope) -> dict[str, Json]:
    reader = distributed.reader
    if reader is None:
        return {"reader": None}
    made = {
        "action": reader.action,
        "arguments": reader.arguments(inner),
        "config": reader.config(inner),
        "max_items": number_of(reader.max_items, inner),
    }
    return {"reader": made}


def batching_of(distributed: DistributedMap, inner: Scope) -> dict[str, Json]:
    """What ItemBatcher says, as a spec has it: ``batcher``, None where there is none.

    Args:
        distributed: what is special of the Map.
        inner: the scope of the state's fields.

    Raises:
        StatesError: a number of it is none.
    """
    batcher = distributed.batcher
    if batcher is None:
        return {"batcher": None}
    made = {
        "max_items": _count(batcher.max_items, inner, "MaxItemsPerBatch", least=1),
        "max_bytes": _count(batcher.max_bytes, inner, "MaxInputBytesPerBatch", least=1),
    }
    if batcher.batch_input is not None:
        made["batch_input"] = batcher.batch_input(inner)
    return {"batcher": made}


def _writing(distributed: DistributedMap, inner: Scope) -> dict[str, Json]:
    writer = distributed.writer
    if writer is None:
        return {"writer": None}
    arguments = None if writer.arguments is None else writer.arguments(inner)
    return {"writer": {"arguments": arguments, "config": writer.config(inner)}}


def tolerance_of(work: MapWork, inner: Scope) -> tuple[int | None, float | None]:
    """How many items, and what percentage of them, may fail; None where nothing is said.

    Raises:
        StatesError: a number is none, or out of range.
    """
    count = _count(work.tolerated_count, inner, "ToleratedFailureCount")
    percentage = number_of(work.tolerated_percentage, inner)
    if percentage is not None and not 0 <= percentage <= 100:
        raise StatesError("States.Runtime", "ToleratedFailurePercentage must be between 0 and 100.")
    return count, percentage


def _count(setting: Setting, inner: Scope, name: str, least: int = 0) -> int | None:
    number = number_of(setting, inner)
    if number is None:
        return None
    if number < least or number != int(number):
        kind = "non-negative" if least == 0 else "positive"
        raise StatesError("States.Runtime", f"{name} must be a {kind} integer.")
    return int(number)


def on_map_run_ended(run: Run, event: events.MapRunEnded) -> None:
    """The Map Run is over: the state goes on from its start, as recorded, or fails as it did.

    Args:
        run: the run.
        event: how it ended; nothing is done where nobody waits for it any more.
    """
    wait = run.map_runs.pop(event.map_run, None)
    if wait is None:
        return
    frame = wait.frame
    frame.map_run = None
    if event.status != "SUCCEEDED":
        frame.lost = None if event.error == _TOO_LARGE else wait.command  # gathered again, it would be so again
        said = {"error": event.error, "cause": event.cause}
        details = {key: value for key, value in said.items() if value is not None}
        frame.previous = run.emit("MapRunFailed", frame.previous, "mapRunFailedEventDetails", details)
        fail(run, frame, _failure(event.error, event.cause))
        return
    run.emit("MapStateSucceeded", run.emit("MapRunSucceeded", frame.previous))
    frame.result = None if event.output_text is None else loads(event.output_text)
    run.schedule(frame, _complete)


def _failure(error: str | None, cause: str | None) -> Failure:
    runtime, too_large = error == "States.Runtime", error == _TOO_LARGE
    return Failure(error, cause, terminal=runtime, wildcards=not (runtime or too_large))


def _complete(run: Run, frame: Frame) -> None:
    result, frame.result = frame.result, None
    complete(run, frame, result)
