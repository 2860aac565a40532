"""An execution as it stands: frames, what they wait for, and what the present call of ``advance`` has answered.

A Run is one mutable aggregate that only ``advance`` changes. It is never written down: folding the journal of its
events over a new run rebuilds it, number by number. Threads of control (the main one, branches, iterations) are frames
in it; there are no threads of the machine.

Owns numbering (events, tasks, Map Runs, timers), the context object, and the limit of a history's length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mlflowsteps.asl.dataflow import iso_time
from mlflowsteps.asl.payloads import Entropy, Json, Scope, loads

from .commands import CancelTimer, Command, SetTimer, StartMapRun

if TYPE_CHECKING:
    from mlflowsteps.asl.definition import Machine, State

    from .distributed import MapRunWait
    from .header import RunHeader
    from .tasks import Task

__all__ = [
    "HIDDEN",
    "WHOLE",
    "Children",
    "Failure",
    "Frame",
    "HistoryFull",
    "Outcome",
    "Run",
    "Step",
]

HIDDEN = -1
"""Id of events that no history shows: those of a state that is tested on its own."""

WHOLE: dict[str, Json] = {"truncated": False}
"""The details of a payload that is there in full; shared by all events, so never to be changed."""

Event: TypeAlias = dict[str, Json]
Step: TypeAlias = Callable[["Run", "Frame"], None]


class HistoryFull(Exception):
    """The history has room for one event only: that which ends the execution."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one event.

    Args:
        history: the history events it added, in the API's shape; the time stamp is in epoch seconds.
        commands: what is to be done now, in order.
    """

    history: list[Event]
    commands: list[Command]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a state failed.

    Args:
        error: error name; None where there is none.
        cause: cause; None where there is none.
        terminal: True: no retrier or catcher of any state handles it; the execution fails.
        wildcards: False: ``States.ALL`` and ``States.TaskFailed`` do not match it.
    """

    error: str | None
    cause: str | None = None
    terminal: bool = False
    wildcards: bool = True


class Children(Protocol):
    """What a Parallel or Map state that is under way knows of its branches or iterations."""

    def done(self, run: Run, child: Frame, output: Json) -> None:
        """A child came to its end with an output."""

    def failed(self, run: Run, child: Frame, failure: Failure) -> Failure | None:
        """A child failed; returns why the state fails by that, or None where it goes on."""

    def alive(self) -> list[Frame]:
        """The children that have not ended, in order."""

    def revive(self, run: Run) -> bool:
        """The execution is redriven: True where children that have not ended go on, False where all begin anew."""


@dataclass(slots=True, eq=False)
class Frame:
    """One thread of control: where it stands in its state machine, and with what.

    Args:
        machine: the state machine, branch or item processor it runs.
        state: the state it is in, or enters next.
        input: raw input of that state.
        text: JSON text of the input.
        previous: id of the last history event on this thread.
        variables: the variables it sees; replaced, never changed.
        step: what to do when its turn comes; None: it waits, or has ended.
        parent: the frame whose Parallel or Map state it belongs to; None for the main thread.
        index: number of the branch or iteration.
        item: the Map's item it stands for, as ``$$.Map.Item``; None outside of Maps.
        sizes: bytes of each variable, as text.
        entered: id of the event with which the state was entered; ``before``: of the one before it.
        retries: attempts of the state that were made again; ``attempts``: by number of the retrier.
        result: what the state's work came to, on its way to ``complete``.
        task, timer, children, map_run: what the state waits for.
        wreck: the children that were cut off when the state failed or was aborted, for a redrive.
        lost: the Map Run that failed or was cut off, for a redrive.
        unentered: the state was cut off before it was entered.
    """

    machine: Machine
    state: State
    input: Json
    text: str
    previous: int
    variables: dict[str, Json]
    step: Step | None
    parent: Frame | None = None
    index: int = 0
    item: dict[str, Json] | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    # Of the state it is in:
    entered: int = 0
    before: int = 0
    entered_at: float = 0.0
    retries: int = 0
    attempts: dict[int, int] = field(default_factory=dict)
    result: Json = None
    task: Task | None = None
    timer: int | None = None
    children: Children | None = None
    map_run: MapRunWait | None = None
    wreck: Children | None = None
    lost: StartMapRun | None = None
    unentered: bool = False


class Run:
    """An execution under way.

    Attributes:
        ended: True once the command End was given; further events change nothing.
        now: time of the last event, epoch seconds.
    """

    def __init__(self, machine: Machine, header: RunHeader, enter: Step, work: Step) -> None:
        self.machine, self.header = machine, header
        self.enter, self.work = enter, work
        self.now = header.start_time
        self.ended = False
        self.main: Frame | None = None
        self.ready: deque[Frame] = deque()
        self.continuing = False
        self.tasks: dict[int, Task] = {}
        self.map_runs: dict[int, MapRunWait] = {}
        self.timers: dict[int, Callable[[], None]] = {}
        self.history: list[Event] = []
        self.commands: list[Command] = []
        self.last_id = 0
        self.last_task = 0
        self.last_map_run = 0
        self.last_timer = 0
        self.redrives = 0
        self.last_event_id: int | None = None
        self._limit_events()
        self.entropy = Entropy(str(header.seed))
        self.input = loads(header.input_text)
        self._execution = {
            "Id": header.execution_arn,
            "Input": self.input,
            "StartTime": iso_time(header.start_time),
            "Name": header.name,
            "RoleArn": header.role_arn,
            "RedriveCount": 0,
        }
        self._machine = {"Id": header.machine_arn, "Name": header.machine_name}
        self._time: tuple[float, str] = (header.start_time, iso_time(header.start_time))

    def _limit_events(self) -> None:
        self.last_event_id = self.header.max_events - 1 if self.header.machine_type == "STANDARD" else None

    def note_redrive(self) -> None:
        """The execution is redriven: the context object says so, and the history's limit counts again."""
        self.redrives += 1
        self._execution = {**self._execution, "RedriveCount": self.redrives, "RedriveTime": iso_time(self.now)}
        self._limit_events()

    # --- history

    def emit(self, event_type: str, previous: int, key: str | None = None, details: Json = None) -> int:
        """Add a history event; one that follows a hidden event is hidden, too.

        Returns:
            The event's id; HIDDEN for a hidden one.

        Raises:
            HistoryFull: only the event that ends the execution may still be added.
        """
        if previous == HIDDEN:
            return HIDDEN
        number = self.last_id + 1
        if self.last_event_id is not None and number > self.last_event_id:
            raise HistoryFull
        self.last_id = number
        event = {"timestamp": self.now, "type": event_type, "id": number, "previousEventId": previous}
        if key is not None:
            event[key] = details
        self.history.append(event)
        return number

    def take(self) -> Outcome:
        """What was answered since the last call."""
        outcome = Outcome(self.history, self.commands)
        self.history, self.commands = [], []
        return outcome

    # --- timers

    def set_timer(self, due: float, fire: Callable[[], None]) -> int:
        """Call ``fire`` when a time has come; returns the timer's number."""
        self.last_timer += 1
        self.timers[self.last_timer] = fire
        self.commands.append(SetTimer(self.last_timer, due))
        return self.last_timer

    def cancel_timer(self, timer: int | None) -> None:
        """Forget a timer, if it has not fired yet."""
        if timer is not None and self.timers.pop(timer, None) is not None:
            self.commands.append(CancelTimer(timer))

    # --- frames

    def schedule(self, frame: Frame, step: Step) -> None:
        """Give a frame something to do, behind those that are ready already."""
        frame.step = step
        self.ready.append(frame)

    def schedule_first(self, frame: Frame, step: Step) -> None:
        """Give a frame something to do before all others."""
        frame.step = step
        self.ready.appendleft(frame)

    def scope(self, frame: Frame) -> Scope:
        """What the expressions of a frame's state are evaluated in; ``input`` is the raw input."""
        return Scope(frame.input, self.context(frame), frame.variables, self.entropy)

    def context(self, frame: Frame) -> dict[str, Json]:
        """The context object as a frame's state sees it."""
        state: dict[str, Json] = {"Name": frame.state.name, "EnteredTime": self._iso(frame.entered_at)}
        if frame.state.type in _RETRIED:
            state["RetryCount"] = frame.retries
        context: dict[str, Json] = {"Execution": self._execution, "StateMachine": self._machine, "State": state}
        if frame.item is not None:
            context["Map"] = {"Item": frame.item}
        return context

    # --- failures

    def blame(self, frame: Frame) -> str:
        """How the cause of an error that a state's own evaluation made begins."""
        return (
            f"An error occurred while executing the state '{frame.state.name}' "
            f"(entered at the event id #{frame.entered})."
        )

    def failing(self, frame: Frame, failure: Failure) -> None:
        """Told of each failure before retriers and catchers have their turn; here nobody asks."""

    def _iso(self, seconds: float) -> str:
        """Many states are entered at one time: its text is kept."""
        if self._time[0] != seconds:
            self._time = (seconds, iso_time(seconds))
        return self._time[1]


_RETRIED = frozenset({"Task", "Parallel", "Map"})
