"""Killed at any point and opened again, an execution has the history it would have had undisturbed."""

import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import RuntimeClosed
from mlflowsteps.local.clock import VirtualClock
from mlflowsteps.local.scheduler import TokenError, engine
from tests.local.scheduler.bench import FUNCTION, TOKEN_TASK, Bench, Handler, machine, task

INPUT = '{"items": [1, 2, 3]}'


def flaky(attempts: dict[str, int]) -> Callable[[Any, Any], None]:
    """Fails twice, by the task's number, so that a task handed out again does what it did before."""

    def start(request: Any, report: Any) -> None:
        number = int(request.task_id.rsplit("#", 1)[1])
        if number <= attempts["fails_until"]:
            report.failed("Busy", f"attempt {number}")
        else:
            report.succeeded({"attempt": number})

    return start


DEFINITION = machine(
    First={"Type": "Pass", "Parameters": {"items.$": "$.items", "id.$": "States.UUID()"}},
    Flaky=task(
        FUNCTION + "flaky",
        ResultPath="$.flaky",
        Retry=[{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "JitterStrategy": "FULL", "MaxDelaySeconds": 100}],
    ),
    Wait={"Type": "Wait", "Seconds": 3600},
    Both={
        "Type": "Parallel",
        "ResultPath": "$.both",
        "Branches": [
            machine(L=task(FUNCTION + "echo"), LW={"Type": "Wait", "Seconds": 10}),
            machine(R={"Type": "Wait", "Seconds": 4}, RT=task(FUNCTION + "echo")),
        ],
    },
    Each={
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 2,
        "ResultPath": "$.each",
        "ItemProcessor": machine(T=task(FUNCTION + "echo")),
    },
    Token=task(TOKEN_TASK, ResultPath="$.token", TimeoutSeconds=1000),
    Caught=task(
        FUNCTION + "broken",
        ResultPath="$.never",
        Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Last"}],
    ),
    Last={"Type": "Pass"},
)


@pytest.fixture
def small_groups(monkeypatch):
    """One message and one transition in each group, so that there is a kill between any two."""
    monkeypatch.setattr(engine, "GROUP_SIZE", 1)
    monkeypatch.setattr(importlib.import_module("mlflowsteps.local.interpreter.advance"), "MAX_STEPS", 1)


class Killed(BaseException):
    """Stands for the death of the process."""


class Life:
    """One process's life: it ends before or after the n-th group it stores, or by itself."""

    def __init__(self, path: Path, clock: VirtualClock, *, groups: int | None = None, after: bool = True) -> None:
        self.tokens: list[str] = []
        self.ids: list[str] = []
        handlers = {
            FUNCTION + "flaky": Handler(flaky({"fails_until": 2})),
            FUNCTION + "echo": Handler(lambda request, report: report.succeeded(request.parameters)),
            FUNCTION + "broken": Handler(lambda request, report: report.failed("Broken", "as ever", phase="run")),
            TOKEN_TASK: Handler(self.submit),
        }
        self.bench = Bench(path, handlers, clock)
        # Handlers run on the engine's own thread, in the order of commands: no race between workers blurs the order.
        self.bench.scheduler._workers.submit = self.bench.scheduler._engine.post  # type: ignore[method-assign]
        self.groups = 0
        commit = self.bench.store.executions.commit

        def counted(entries: Any) -> None:
            self.groups += 1
            if self.groups == groups and not after:
                raise Killed
            commit(entries)
            if self.groups == groups:
                raise Killed

        self.bench.store.executions.commit = counted  # type: ignore[method-assign]

    def submit(self, request: Any, report: Any) -> None:
        report.submitted({"MessageId": "1"})
        self.tokens.append(request.token)
        threading.Thread(target=self.answer, args=(request.token,), daemon=True).start()

    def answer(self, token: str) -> None:
        """The outside worker: answers a token it was given until it is told that this was heard."""
        try:
            self.bench.scheduler.send_task_success(token, '{"approved": true}')
        except (TokenError, RuntimeClosed, Killed):
            return

    def wait(self, arn: str) -> Any:
        try:
            return self.bench.scheduler.wait(arn, 30)
        except RuntimeClosed:
            return None


def undisturbed(path: Path) -> tuple[list[Any], int, dict[str, int]]:
    life = Life(path, VirtualClock())
    arn = life.bench.start(DEFINITION, text=INPUT)
    assert life.wait(arn).status == "SUCCEEDED"
    tasks = {name: len(handler.started) for name, handler in life.bench.handlers.items()}
    history = life.bench.history(arn)
    life.bench.close()
    return history, life.groups, tasks


def without_times(history: list[Any]) -> list[Any]:
    return [{key: value for key, value in event.items() if key != "timestamp"} for event in history]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("after", [True, False], ids=["after the group is stored", "before the group is stored"])
def test_a_crash_at_any_group_changes_nothing_in_the_history(tmp_path, small_groups, after):
    expected, groups, _ = undisturbed(tmp_path / "whole.sqlite")
    assert groups > 30
    for number in range(1, groups + 1):
        path, clock = tmp_path / f"{number}.sqlite", VirtualClock()
        first = Life(path, clock, groups=number, after=after)
        arn = first.bench.start(DEFINITION, text=INPUT)
        first.wait(arn)
        first.bench.close()
        second = Life(path, clock)
        second.bench.scheduler.resume_all()
        for token in first.tokens:
            second.answer(token)
        assert second.wait(arn).status == "SUCCEEDED"
        assert without_times(second.bench.history(arn)) == without_times(expected), f"group {number}"
        second.bench.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_crash_at_every_group_in_turn_still_ends_with_the_same_history(tmp_path, small_groups):
    expected, groups, _ = undisturbed(tmp_path / "whole.sqlite")
    path, clock, tokens, lives = tmp_path / "store.sqlite", VirtualClock(), [], 0
    life = Life(path, clock, groups=1)
    arn = life.bench.start(DEFINITION, text=INPUT)
    while life.wait(arn) is None:
        tokens += life.tokens
        life.bench.close()
        lives += 1
        assert lives <= 2 * groups
        life = Life(path, clock, groups=1)
        life.bench.scheduler.resume_all()
        for token in tokens:
            life.answer(token)
    assert lives > 30
    assert without_times(life.bench.history(arn)) == without_times(expected)
    life.bench.close()


def test_a_task_is_handed_out_again_with_its_id_and_what_it_had_submitted(tmp_path):
    sync = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    first_handler = Handler(lambda request, report: report.submitted({"JobArn": "j"}))
    first = Bench(tmp_path / "store.sqlite", {sync: first_handler})
    arn = first.start(machine(A=task(sync, Parameters={"TrainingJobName": "j"})))
    first_handler.was_started.wait(30)
    first.clock.advance(seconds=0)
    first.close()
    second_handler = Handler(lambda request, report: report.succeeded({"Status": "Completed"}))
    second = Bench(tmp_path / "store.sqlite", {sync: second_handler})
    assert second.scheduler.resume_all() == 1
    assert second.scheduler.wait(arn, 30).status == "SUCCEEDED"
    before, again = first_handler.started[0], second_handler.started[0]
    assert (again.task_id, again.token, again.parameters) == (before.task_id, before.token, before.parameters)
    assert (before.submitted, again.submitted) == (None, {"JobArn": "j"})
    second.close()


def test_a_task_that_waits_for_its_token_is_not_carried_out_twice(tmp_path):
    handler = Handler(lambda request, report: report.submitted({"MessageId": "1"}))
    first = Bench(tmp_path / "store.sqlite", {TOKEN_TASK: handler})
    arn = first.start(machine(A=task(TOKEN_TASK)))
    handler.was_started.wait(30)
    first.clock.advance(seconds=0)
    first.close()
    second = Bench(tmp_path / "store.sqlite", {TOKEN_TASK: handler})
    second.scheduler.resume_all()
    second.scheduler.send_task_success(handler.started[0].token, "1")
    assert second.scheduler.wait(arn, 30).status == "SUCCEEDED"
    assert len(handler.started) == 1
    second.close()


def test_overdue_timers_fire_when_the_execution_goes_on(tmp_path):
    handler = Handler(lambda request, report: None)
    first = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler}, VirtualClock(start=0.0))
    arn = first.start(machine(A=task(FUNCTION + "f", TimeoutSeconds=60)))
    handler.was_started.wait(30)
    first.close()
    second = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler}, VirtualClock(start=5000.0))
    second.scheduler.resume_all()
    record = second.scheduler.wait(arn, 30)
    assert (record.status, record.result["error"], record.stop_time) == ("FAILED", "States.Timeout", 5000.0)
    second.close()


def test_an_execution_that_was_not_resumed_can_be_stopped(tmp_path):
    handler = Handler(lambda request, report: None)
    first = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler})
    arn = first.start(machine(A=task(FUNCTION + "f")))
    handler.was_started.wait(30)
    first.close()
    second = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler})
    assert second.scheduler.stop(arn)
    assert second.store.executions.get(arn).status == "ABORTED"
    assert handler.was_cancelled.wait(30)
    assert len(handler.started) == 1
    assert second.scheduler._engine._open_tasks == 0  # what virtual time goes by
    second.close()


def test_resuming_twice_resumes_once(tmp_path):
    handler = Handler(lambda request, report: None)
    first = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler})
    first.start(machine(A=task(FUNCTION + "f")))
    handler.was_started.wait(30)
    first.close()
    second = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler})
    assert [second.scheduler.resume_all(), second.scheduler.resume_all()] == [1, 0]
    second.close()


def test_an_execution_that_cannot_be_rebuilt_fails_and_harms_no_other(tmp_path):
    handler = Handler(lambda request, report: None)
    first = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": handler})
    arns = [first.start(machine(A=task(FUNCTION + "f")), name) for name in ("torn", "foreign", "other", "whole")]
    first.clock.advance(seconds=0)
    first.scheduler.close()
    ids = [first.store.executions.get(arn).id for arn in arns]
    with first.store.database.write() as connection:
        connection.execute("UPDATE journal SET event = '{' WHERE execution = ?", (ids[0],))
        connection.execute("DELETE FROM journal WHERE execution = ?", (ids[1],))
        connection.execute("UPDATE executions SET digest = 'none' WHERE id = ?", (ids[2],))
    first.close()
    second = Bench(tmp_path / "store.sqlite", {FUNCTION + "f": Handler(lambda request, report: report.succeeded(1))})
    assert second.scheduler.resume_all() == 1
    assert second.scheduler.wait(arns[3], 30).status == "SUCCEEDED"
    causes = ["JSONDecodeError", "its journal gives 0 history events, but 4 are stored", "KeyError"]
    for arn, cause in zip(arns, causes, strict=False):
        record = second.store.executions.get(arn)
        assert (record.status, record.result["error"]) == ("FAILED", "States.Runtime")
        assert cause in record.result["cause"]
        history = second.history(arn)
        assert [event["id"] for event in history] == list(range(1, len(history) + 1))
        assert history[-1]["type"] == "ExecutionFailed"
    second.close()


CHILD = """
import json, sys
from pathlib import Path
from tests.local.scheduler.bench import Bench, FUNCTION, Handler, machine, task

path = Path(sys.argv[1])
bench = Bench(path, {FUNCTION + "f": Handler(lambda request, report: report.succeeded(request.parameters))})
commit = bench.store.executions.commit

def counted(entries):
    commit(entries)
    print("stored", flush=True)

bench.store.executions.commit = counted
states = {}
for number in range(100):
    states[f"T{number}"] = task(FUNCTION + "f")
    states[f"W{number}"] = {"Type": "Wait", "Seconds": 60}
if bench.scheduler.resume_all() == 0:
    arn = bench.start(machine(**states), text='{"n": 1}')
else:
    arn = bench.header().execution_arn
print(bench.scheduler.wait(arn, 60).status, flush=True)
"""


def child(path: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, cwd=root, bufsize=1
    )


def test_killed_processes_leave_a_store_that_goes_on(tmp_path):
    """SIGKILL while the process is storing, three times; the history is that of one that nobody killed."""
    whole, path = tmp_path / "whole.sqlite", tmp_path / "killed.sqlite"
    with child(whole) as process:
        assert process.communicate(timeout=60)[0].splitlines()[-1] == "SUCCEEDED"
    for lines in (1, 37, 90):
        with child(path) as process:
            assert process.stdout is not None
            seen = [process.stdout.readline() for _ in range(lines)]
            process.kill()  # it goes on storing meanwhile: the kill comes at any point
        assert seen == ["stored\n"] * lines
        assert process.returncode == -9
    with child(path) as process:
        assert process.communicate(timeout=60)[0].splitlines()[-1] == "SUCCEEDED"
    histories = []
    for file in (whole, path):
        bench = Bench(file)
        histories.append(without_times(bench.history(bench.header().execution_arn)))
        bench.close()
    assert len(histories[0]) > 700
    assert json.dumps(histories[0]) == json.dumps(histories[1])
