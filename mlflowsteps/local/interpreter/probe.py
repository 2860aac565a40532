"""One state on its own: the state's own phases, retriers and catchers, with its work mocked or told by the caller.

Owns what TestState asks of a state: what it is given, when it has come to an end, and what was seen on the way. Phases,
works, retriers and catchers are those of every run; nothing is written to a history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlflowsteps.asl.definition import PassWork
from mlflowsteps.asl.fields import JSONPATH
from mlflowsteps.asl.payloads import loads
from mlflowsteps.asl.settings import number_of
from mlflowsteps.asl.trace import traced

from .advance import advance, work_state
from .commands import Command, End, SetTimer, StartTask
from .distributed import batching_of
from .errors import fail
from .events import Event, Started, TaskFailed, TaskSucceeded, TimerFired
from .maps import THRESHOLD, item_input, items_of, tolerance_of
from .run import HIDDEN, Failure, Frame, Run, Step
from .transitions import complete

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import Machine, MapWork, State
    from mlflowsteps.asl.payloads import Json

    from .header import RunHeader

__all__ = ["Mock", "Probe", "ProbeSettings", "Seen"]

MAX_SECONDS = 300.0
"""Longest time a state may take on its own."""


@dataclass(frozen=True, slots=True)
class Mock:
    """What the state's work is taken to have come to.

    Args:
        result_text: its result, as JSON text; None where it failed.
        error: error name, where it failed.
        cause: cause, where it failed.
    """

    result_text: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Under which circumstances the state runs.

    Args:
        context: the context object, but for the task token.
        variables: the variables it sees.
        mock: what its work came to; None: the work is done, or told by ``Probe.tell``.
        retries: attempts that each retrier is taken to have made already.
        failed_items: iterations of a Map that are taken to have failed.
        reader_items: what a Map's ItemReader is taken to have read; None: nothing is said of it.
    """

    context: dict[str, Json]
    variables: dict[str, Json] = field(default_factory=dict)
    mock: Mock | None = None
    retries: int = 0
    failed_items: int = 0
    reader_items: list[Json] | None = None


@dataclass(slots=True)
class Seen:
    """What came of it.

    Args:
        status: SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR; None while it waits for a task.
        output_text: the output, as JSON text.
        next: name of the state that follows.
        error: error name of the last failure.
        cause: its cause.
        retry: index of the retrier that takes the failure up, and its wait in seconds.
        phases: by TestState's name (``afterInputPath``), what each phase made.
        batching: a Map's items and the numbers of its ItemBatcher, where it has one.
    """

    status: str | None = None
    output_text: str | None = None
    next: str | None = None
    error: str | None = None
    cause: str | None = None
    retry: tuple[int, float] | None = None
    phases: dict[str, Json] = field(default_factory=dict)
    batching: tuple[list[Json], dict[str, Json]] | None = None


class Probe(Run):
    """A run of one state.

    Args:
        machine: the state machine that holds it.
        state: the state.
        header: as of an execution; its input is the state's input.
        settings: under which circumstances.
    """

    def __init__(self, machine: Machine, state: State, header: RunHeader, settings: ProbeSettings) -> None:
        super().__init__(machine, header, _enter, work_state)
        self.state, self.settings, self.seen = state, settings, Seen()
        self.frame = Frame(
            machine, traced(state, self.note), self.input, header.input_text, HIDDEN, settings.variables, _enter,
            before=HIDDEN, retries=settings.retries,
            attempts=dict.fromkeys(range(len(state.retriers)), settings.retries),
        )  # fmt: skip
        self.main = self.frame
        self.ready.append(self.frame)

    def start(self) -> StartTask | None:
        """Run the state; returns the task that somebody is to carry out and tell of, if there is one."""
        return self.tell(Started(self.now))

    def tell(self, event: Event) -> StartTask | None:
        """Tell of the end of its task, or of a timer; returns as ``start``."""
        if isinstance(event, TaskSucceeded):
            self._note_result(event.output_text)
        commands = advance(self, event).commands
        task = next((command for command in commands if isinstance(command, StartTask)), None)
        if task is not None:
            mock = self.settings.mock
            return task if mock is None else self.tell(_end_of(task.task, mock, self.now))
        if self.state.type == "Wait" and self.frame.timer is not None:
            return self._wait(commands)
        self._conclude(commands)
        return None

    def _wait(self, commands: list[Command]) -> StartTask | None:
        """A Wait state is not waited for, but it may not last longer than a test."""
        timer = next(command for command in commands if isinstance(command, SetTimer))
        if timer.due - self.now > MAX_SECONDS:
            self.seen.status, self.seen.error = "FAILED", "States.Timeout"
            return None
        return self.tell(TimerFired(max(self.now, timer.due), timer.timer))

    def _conclude(self, commands: list[Command]) -> None:
        seen, frame = self.seen, self.frame
        end = next((command for command in commands if isinstance(command, End)), None)
        if end is not None:
            seen.output_text, seen.error, seen.cause = end.output_text, end.error or seen.error, end.cause or seen.cause
        if end is not None and end.status != "SUCCEEDED":
            seen.status = "FAILED"
        elif frame.timer is not None:
            due = next(command.due for command in commands if isinstance(command, SetTimer))
            number = next(at for at, count in frame.attempts.items() if count > self.settings.retries)
            seen.status, seen.retry = "RETRIABLE", (number, round(due - self.now, 3))
        else:
            seen.status = "CAUGHT_ERROR" if "catchIndex" in seen.phases else "SUCCEEDED"

    def note(self, name: str, value: Json) -> None:
        """Note what a phase made."""
        self.seen.phases[name] = value

    def _note_result(self, text: str) -> None:
        try:
            self.note("result", loads(text))
        except ValueError:  # the state fails by it, and says so
            self.seen.phases.pop("result", None)

    # --- what a run does otherwise

    def schedule(self, frame: Frame, step: Step) -> None:
        """Leaving the state for another is the end."""
        if step is self.enter:
            self.seen.next, self.seen.output_text = frame.state.name, frame.text
            frame.step, self.ended = None, True
        else:
            super().schedule(frame, step)

    def context(self, frame: Frame) -> dict[str, Json]:  # noqa: ARG002 - there is one frame
        """The context object that was given."""
        return dict(self.settings.context)

    def blame(self, frame: Frame) -> str:  # noqa: ARG002 - there is nothing to point to
        """Causes begin with the reason itself: there is no execution and no event."""
        return ""

    def failing(self, frame: Frame, failure: Failure) -> None:  # noqa: ARG002
        """Note why the state failed."""
        self.seen.error, self.seen.cause = failure.error, failure.cause


def _end_of(task: int, mock: Mock, now: float) -> Event:
    if mock.result_text is not None:
        return TaskSucceeded(now, task, mock.result_text)
    return TaskFailed(now, task, mock.error, mock.cause)


def _enter(run: Run, frame: Frame) -> None:
    """Do the state's work, or take the mock for it."""
    if not isinstance(run, Probe):
        raise TypeError(f"Only a Probe enters states so, not {run!r}")
    state = frame.state
    frame.entered, frame.entered_at = HIDDEN, run.now
    if isinstance(state.work, PassWork) and state.work.has_result:
        run.note("result", state.work.result)
    mocked = _MOCKED.get(state.type) if run.settings.mock is not None else None
    if mocked is None:
        work_state(run, frame)
    else:
        mocked(run, frame, state.work)


# --- works that are mocked as a whole


def _mocked_parallel(run: Probe, frame: Frame, work: Any) -> None:  # noqa: ARG001 - no branch runs
    frame.state.flow.payload(run.scope(frame))
    _take_mock(run, frame)


def _mocked_map(run: Probe, frame: Frame, work: MapWork) -> None:
    state, settings = frame.state, run.settings
    inner = state.flow.effective(run.scope(frame))
    given = settings.reader_items
    items = items_of(work, inner, state.language) if given is None else given
    if given is None and state.language == JSONPATH:
        run.note("afterItemsPath", items)
    inputs = [item_input(run, frame, work, item) for item in _numbered(items)]
    if work.selector is not None:
        run.note("afterItemSelector", inputs)
    if work.distributed is not None and work.distributed.batcher is not None:
        run.seen.batching = (inputs, batching_of(work.distributed, inner)["batcher"])
    run.note("maxConcurrency", int(number_of(work.max_concurrency, inner) or 0))
    count, percentage = tolerance_of(work, inner)
    if count is not None:
        run.note("toleratedFailureCount", count)
    if percentage is not None:
        run.note("toleratedFailurePercentage", percentage)
    frame.step = None
    failed = settings.mock is not None and settings.mock.result_text is None
    if not failed and _exceeded(settings.failed_items, len(items), count, percentage):
        fail(run, frame, THRESHOLD)
    else:
        _take_mock(run, frame)


def _numbered(items: Json) -> list[dict[str, Json]]:
    """The items as ``$$.Map.Item``; those of an object with their keys."""
    if isinstance(items, dict):
        return [{"Index": at, "Key": key, "Value": one} for at, (key, one) in enumerate(items.items())]
    return [{"Index": at, "Value": one} for at, one in enumerate(items)]


def _take_mock(run: Probe, frame: Frame) -> None:
    mock = run.settings.mock
    if mock is None or mock.result_text is None:
        frame.step = None
        fail(run, frame, Failure(mock.error if mock else None, mock.cause if mock else None))
    else:
        complete(run, frame, loads(mock.result_text))


def _exceeded(failures: int, length: int, count: int | None, percentage: float | None) -> bool:
    """Whether more items failed than the state tolerates; it tolerates none where it says nothing."""
    if count is None and percentage is None:
        return failures > 0
    if count is not None and failures > count:
        return True
    return percentage is not None and failures * 100 > percentage * length


_MOCKED: dict[str, Callable[[Probe, Frame, Any], None]] = {"Parallel": _mocked_parallel, "Map": _mocked_map}
