"""Runs a definition to its end in virtual time, with canned results of tasks, in milliseconds.

Owns no judgement: it stands in for the scheduler, and keeps the journal. Every run is folded again from the journal's
JSON, and must give the same history and the same commands.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mlflowsteps.asl.definition import Machine, compile_machine
from mlflowsteps.local.interpreter import (
    CancelMapRun,
    CancelTask,
    CancelTimer,
    Command,
    Continue,
    Continued,
    End,
    Event,
    MapRunEnded,
    RunHeader,
    SetTimer,
    Started,
    StartMapRun,
    StartTask,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    advance,
    new_run,
)  # fmt: skip
from mlflowsteps.local.interpreter.distributed import THRESHOLD

START = 1_700_000_000.0
ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:run"
ROLE = "arn:aws:iam::123456789012:role/workflow"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"

Reply = tuple[float, Callable[[int, float], Event]]
"""Seconds after the task's start, and what is told then, from the task's number and the time."""
Answer = Callable[[StartTask], Reply | Iterable[Reply]]


def succeed(output: Any, after: float = 0.0) -> Reply:
    text = json.dumps(output, separators=(",", ":"))
    return after, lambda task, now: TaskSucceeded(now, task, text)


def fail(error: str | None, cause: str | None = None, after: float = 0.0, phase: str = "run") -> Reply:
    return after, lambda task, now: TaskFailed(now, task, error, cause, phase)


def submit(output: Any, after: float = 0.0) -> Reply:
    return after, lambda task, now: TaskSubmitted(now, task, output)


def beat(after: float) -> Reply:
    return after, lambda task, now: TaskHeartbeat(now, task)


def take(worker: str, after: float = 0.0) -> Reply:
    return after, lambda task, now: TaskStarted(now, task, worker)


def in_turn(*replies: Reply | Iterable[Reply]) -> Answer:
    """The replies to a task's attempts, one after the other; the last one again and again."""
    left = list(replies)
    return lambda command: left.pop(0) if len(left) > 1 else left[0]


def never(command: StartTask) -> Iterable[Reply]:
    return []


def echo(command: StartTask) -> Reply:
    return succeed(command.parameters)


@dataclass
class Played:
    """What a run came to."""

    history: list[dict[str, Any]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    journal: list[Event] = field(default_factory=list)
    end: End | None = None
    seconds: float = 0.0

    @property
    def status(self) -> str:
        return self.end.status if self.end else "RUNNING"

    @property
    def output(self) -> Any:
        assert self.end is not None
        assert self.end.output_text is not None, self.end
        return json.loads(self.end.output_text)

    @property
    def error(self) -> str | None:
        assert self.end is not None
        return self.end.error

    @property
    def cause(self) -> str | None:
        assert self.end is not None
        return self.end.cause

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.history]

    @property
    def previous(self) -> list[int]:
        return [event["previousEventId"] for event in self.history]

    def events(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.history if event["type"] == event_type]

    def details(self, event_type: str) -> list[dict[str, Any]]:
        return [
            next((value for key, value in event.items() if key.endswith("Details")), {})
            for event in self.events(event_type)
        ]

    def asked(self, kind: type[Any]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]


def header(text: str = "{}", machine_type: str = "STANDARD", **changes: Any) -> RunHeader:
    values = {
        "execution_arn": ARN, "name": "run", "role_arn": ROLE, "machine_arn": MACHINE, "machine_name": "machine",
        "start_time": START, "seed": 7, "input_text": text, "machine_type": machine_type, **changes,
    }  # fmt: skip
    return RunHeader(**values)


def play(
    definition: dict[str, Any],
    payload: Any = None,
    answer: Answer = echo,
    *,
    text: str | None = None,
    stop_after: float | None = None,
    until: float | None = None,
    born: RunHeader | None = None,
    replay: bool = True,
    machine: Machine | None = None,
) -> Played:
    """Run a definition.

    Args:
        definition: the state machine.
        payload: input; ``text`` its text, where that matters.
        answer: what becomes of a task: one reply, or several.
        stop_after: seconds after the start at which StopExecution is called.
        until: seconds after which nothing more is told; a run that waits longer is left as it stands.
        born: the run's header.
        replay: fold the journal again and compare.
        machine: the compiled definition.
    """
    machine = machine or compile_machine(definition)
    born = born or header(text if text is not None else json.dumps({} if payload is None else payload))
    played = _run(machine, born, answer, stop_after, until)
    if replay:
        _replay(machine, born, played)
    return played


def _run(machine: Machine, born: RunHeader, answer: Answer, stop_after: float | None, until: float | None) -> Played:
    run, played, order = new_run(machine, born), Played(), itertools.count()
    waiting: list[tuple[float, int, Callable[[float], Event]]] = []

    def later(due: float, make: Callable[[float], Event]) -> None:
        heapq.heappush(waiting, (due, next(order), make))

    later(born.start_time, Started)
    if stop_after is not None:
        later(born.start_time + stop_after, lambda now: Stopped(now, "Stop", "asked for"))
    now = born.start_time
    while waiting and played.end is None:
        due, _, make = heapq.heappop(waiting)
        if until is not None and due > born.start_time + until:
            break
        now = max(now, due)
        event = make(now)
        outcome = advance(run, event)
        played.journal.append(event)
        played.history.extend(outcome.history)
        played.commands.extend(outcome.commands)
        for command in outcome.commands:
            _carry_out(command, now, later, answer, played)
    played.seconds = now - born.start_time
    return played


def _carry_out(
    command: Command, now: float, later: Callable[[float, Callable[[float], Event]], None], answer: Answer,
    played: Played,
) -> None:  # fmt: skip
    match command:
        case StartTask(task=task):
            replies = answer(command)
            for after, make in [replies] if isinstance(replies, tuple) else replies:
                later(now + after, lambda at, task=task, make=make: make(task, at))
        case StartMapRun(map_run=number, spec=spec):
            if (ended := _map_run(number, spec, answer)) is not None:
                later(now, ended)
        case SetTimer(timer=timer, due=due):
            later(due, lambda at: TimerFired(at, timer))
        case Continue():
            later(now, Continued)
        case End():
            played.end = command
        case CancelTask() | CancelTimer() | CancelMapRun():
            pass  # what comes all the same must be ignored by the run


def _map_run(number: int, spec: dict[str, Any], answer: Answer) -> Callable[[float], Event] | None:
    """The end of a Map Run whose children take no time; one that fails fails it, one that waits has it wait."""
    machine = compile_machine(spec["processor"])
    played = [play({}, item, answer, machine=machine, replay=False) for item in spec["items"] or []]
    if any(child.end is None for child in played):
        return None
    for child in played:
        if child.status != "SUCCEEDED" and spec["tolerated_count"] is None and spec["tolerated_percentage"] is None:
            return lambda now: MapRunEnded(now, number, "FAILED", None, THRESHOLD.error, THRESHOLD.cause)
    outputs = [
        child.output if child.status == "SUCCEEDED" else {"Error": child.error, "Cause": child.cause}
        for child in played
    ]
    return lambda now: MapRunEnded(now, number, "SUCCEEDED", json.dumps(outputs))


def _replay(machine: Machine, born: RunHeader, played: Played) -> None:
    run = new_run(machine, born)
    history: list[dict[str, Any]] = []
    commands: list[Command] = []
    for event in played.journal:
        outcome = advance(run, Event.from_json(json.loads(json.dumps(event.to_json()))))
        history.extend(outcome.history)
        commands.extend(outcome.commands)
    assert history == played.history
    assert commands == played.commands
    assert [Command.from_json(json.loads(json.dumps(one.to_json()))) for one in commands] == commands
