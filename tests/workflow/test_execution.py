from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from botocore.stub import Stubber

from mlflowsteps import steps
from mlflowsteps.display import Live
from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.workflow import Execution, ExecutionStatus, Workflow, history, polling
from tests.workflow.conftest import ROLE, boto3_client, echo, started_and_waiting

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:Echo"
ARN = "arn:aws:states:us-east-1:123456789012:execution:Echo:run"
DATE = 1_700_000_000


def description(status: str, **more: Any) -> dict[str, Any]:
    return {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "run", "status": status, "startDate": DATE, **more}


def event(number: int, kind: str, previous: int, **details: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "previousEventId": previous, "timestamp": DATE + number, **details}


HISTORY = [
    event(1, "ExecutionStarted", 0, executionStartedEventDetails={"input": "{}", "roleArn": ROLE}),
    event(2, "PassStateEntered", 0, stateEnteredEventDetails={"name": "First", "input": "{}"}),
    event(3, "PassStateExited", 2, stateExitedEventDetails={"name": "First", "output": "{}"}),
    event(4, "TaskStateEntered", 3, stateEnteredEventDetails={"name": "Train", "input": "{}"}),
    event(5, "TaskScheduled", 4),
    event(6, "TaskFailed", 5),
    event(7, "ExecutionFailed", 6, executionFailedEventDetails={"error": "States.TaskFailed", "cause": "c"}),
]


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, in place of making them."""
    pauses: list[float] = []
    monkeypatch.setattr(polling, "pause", pauses.append)
    return pauses


BEGUN_WITH = {
    "stateMachineArn": MACHINE,
    "name": "Echo",
    "definition": json.dumps({"StartAt": "Train", "States": {"Train": {"Type": "Pass", "End": True}}}),
    "roleArn": ROLE,
    "updateDate": DATE,
}


def stubbed(*answers: tuple[str, dict[str, Any]]) -> tuple[Execution, Stubber]:
    client = boto3_client()
    stub = Stubber(client)
    for operation, answer in answers:
        stub.add_response(operation, answer)
    stub.activate()
    workflow = echo(client=client, state_machine_arn=MACHINE)
    return Execution(workflow, ARN, None, "RUNNING"), stub


def test_waiting_asks_at_growing_intervals(rested: list[float]) -> None:
    answers = [("describe_execution", description("RUNNING"))] * 12
    execution, stub = stubbed(*answers, ("describe_execution", description("SUCCEEDED", output='{"a": 1}')))

    assert execution.get_output(wait=True) == {"a": 1}

    stub.assert_no_pending_responses()
    assert rested[0] == 0.5
    assert rested == sorted(rested)
    assert rested[-1] == 15.0


def test_a_time_out_of_waiting_says_that_the_execution_goes_on(
    rested: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 0.2, 0.6, 1.1])
    monkeypatch.setattr(polling.time, "monotonic", lambda: next(times))
    execution, _ = stubbed(*[("describe_execution", description("RUNNING"))] * 3)

    with pytest.raises(TimeoutError, match="run still runs"):
        execution.wait(timeout=1.0)
    assert rested == pytest.approx([0.5, 0.4])


def test_the_output_of_a_running_execution_is_none() -> None:
    execution, _ = stubbed(("describe_execution", description("RUNNING")))
    assert execution.get_output() is None


@pytest.mark.parametrize("wait", [True, False])
def test_the_output_of_a_failed_execution_raises_with_all_that_is_known(wait: bool) -> None:
    cause = json.dumps({"FailureReason": "Exit Code: 3\nLog: /jobs/a/log.txt\n...no such column"})
    execution, _ = stubbed(
        ("describe_execution", description("FAILED", error="States.TaskFailed", cause=cause)),
        ("get_execution_history", {"events": HISTORY[::-1]}),
    )

    with pytest.raises(ExecutionFailed) as caught:
        execution.get_output(wait=wait)

    failure = caught.value
    assert (failure.status, failure.error, failure.state) == ("FAILED", "States.TaskFailed", "Train")
    assert failure.log_file == "/jobs/a/log.txt"
    assert failure.cause == cause
    for part in ("run", "'Train'", "States.TaskFailed", "no such column", "/jobs/a/log.txt"):
        assert part in str(failure)


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_other_ends_raise_as_well(status: str) -> None:
    kind = "ExecutionTimedOut" if status == "TIMED_OUT" else "ExecutionAborted"
    events = [*HISTORY[:5], event(6, kind, 5)]
    execution, _ = stubbed(
        ("describe_execution", description(status)), ("get_execution_history", {"events": events[::-1]})
    )
    with pytest.raises(ExecutionFailed, match=f"ended {status} in state 'Train'"):
        execution.get_output()


def test_the_failed_state_is_found_by_the_chain_of_events_and_not_by_the_row_before() -> None:
    events = [
        event(1, "ExecutionStarted", 0),
        event(2, "ParallelStateEntered", 0, stateEnteredEventDetails={"name": "P"}),
        event(3, "TaskStateEntered", 2, stateEnteredEventDetails={"name": "Bad"}),
        event(4, "TaskStateEntered", 2, stateEnteredEventDetails={"name": "Good"}),
        event(5, "TaskFailed", 3),
        event(6, "TaskStateExited", 4),
        event(7, "ExecutionFailed", 5),
    ]
    assert history.failed_state(reversed(events)) == "Bad"
    assert history.failed_state(reversed(events[:-1])) is None
    assert history.failed_state([]) is None
    assert history.failed_state([event(1, "ExecutionFailed", 0)]) is None


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        ("plain text", "  cause: plain text"),
        ('{"TrainingJobName": "t", "FailureReason": "AlgorithmError: no rows"}', "  reason: AlgorithmError: no rows"),
        ('{"FailureReason": null}', '  cause: {"FailureReason": null}'),
        ("[1]", "  cause: [1]"),
        ("[" * 30_000, "  cause: " + "[" * 30_000),
    ],
    ids=["text", "job", "no reason", "list", "deep"],
)
def test_the_message_of_a_failure_shows_the_jobs_reason_and_the_exception_keeps_the_whole_cause(
    cause: str, line: str
) -> None:
    error = ExecutionFailed("FAILED", "States.TaskFailed", cause, "arn:aws:states:r:1:execution:m:run", "Train")
    assert str(error) == f"Execution run ended FAILED in state 'Train': States.TaskFailed\n{line}"
    assert error.cause == cause


@pytest.mark.parametrize(
    ("cause", "path"),
    [
        (None, None),
        ("", None),
        ("plain text", None),
        ("failed\nLog: /a b/log.txt\n...", "/a b/log.txt"),
        ('{"FailureReason": "x\\nLog: /l"}', "/l"),
        ('{"LocalRun": {"LogFile": "/m"}, "FailureReason": "x"}', "/m"),
        ('{"FailureReason": null}', None),
        ("[1]", None),
    ],
)
def test_the_log_file_is_read_from_the_cause(cause: str | None, path: str | None) -> None:
    assert history.log_file(cause) == path


def test_events_are_listed_as_they_are() -> None:
    pages = [
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[:4]), "nextToken": "t"}),
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[4:])}),
    ]
    execution, _ = stubbed(*pages)
    events = execution.list_events()

    assert isinstance(events, list)
    assert [e["id"] for e in events] == [1, 2, 3, 4, 5, 6, 7]
    before = copy.deepcopy(list(events))
    assert "Train" in events.to_html()
    assert "Train" in events.to_text()
    assert list(events) == before


def test_a_cut_list_of_events_says_so() -> None:
    execution, _ = stubbed(("get_execution_history", {"events": copy.deepcopy(HISTORY[:3]), "nextToken": "t"}))
    assert "raise max_items" in execution.list_events(max_items=3).to_text()


def test_the_status_follows_what_was_seen() -> None:
    execution, _ = stubbed(("describe_execution", description("SUCCEEDED", output="1", stopDate=DATE)))
    assert execution.status is ExecutionStatus.Running
    execution.describe()
    assert execution.status is ExecutionStatus.Succeeded
    assert execution.stop_date is not None
    assert execution.status == "SUCCEEDED"
    assert f"{execution.status}" == "SUCCEEDED"


def test_a_redrive_that_is_due_is_no_end() -> None:
    assert not ExecutionStatus.PendingRedrive.ended
    assert [status for status in ExecutionStatus if status.ended] == ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


def test_the_name_of_an_express_execution_is_read_from_its_arn() -> None:
    workflow = echo(client=boto3_client())
    arn = "arn:aws:states:us-east-1:123456789012:express:Echo:run:0a1b"
    assert Execution(workflow, arn, None, "RUNNING").name == "run"


def test_an_execution_shows_itself_without_running_a_script() -> None:
    workflow = echo(client=boto3_client())
    execution = Execution(workflow, "arn:aws:states:us-east-1:1:execution:E:<img src=x>", None, "RUNNING")
    assert "<img" not in execution._repr_html_()


# ------------------------------------------------------------------------------------- on the embedded runtime


def test_an_execution_runs_to_its_output(runtime: Any) -> None:
    workflow = Workflow("Twice", steps.Pass("P", parameters={"n.$": "States.MathAdd($.n, $.n)"}), ROLE, client=runtime)
    workflow.create()
    execution = workflow.execute(name="run", inputs={"n": 2})

    assert execution.wait() is ExecutionStatus.Succeeded
    assert execution.get_output(wait=True) == {"n": 4}
    assert [e["type"] for e in execution.list_events()] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert execution.list_events(reverse_order=True)[0]["type"] == "ExecutionSucceeded"
    for view in (execution.render_progress(), execution.render_progress(portrait=True)):
        assert view.finished
        assert "P" in view.to_svg()
    assert "console" not in execution._repr_html_()
    assert "console" not in workflow.list_executions(html=True)._repr_html_()


def test_a_failure_on_the_embedded_runtime_names_the_state(runtime: Any) -> None:
    def fail(event: Any, context: Any) -> None:
        raise ValueError("no such column: price")

    runtime.register_function("f", fail)
    task = steps.LambdaStep("Call", parameters={"FunctionName": "f"})
    workflow = Workflow("Failing", steps.Pass("Before") >> task, role=ROLE, client=runtime)
    workflow.create()

    with pytest.raises(ExecutionFailed, match="no such column: price") as caught:
        workflow.execute().get_output(wait=True)
    assert (caught.value.state, caught.value.error) == ("Call", "ValueError")


def test_waiting_for_a_running_execution_ends_in_time(runtime: Any) -> None:
    import threading

    release = threading.Event()
    runtime.register_function("f", lambda event, context: release.wait(30))
    task = steps.LambdaStep("Call", parameters={"FunctionName": "f"})
    workflow = Workflow("Blocked", task, role=ROLE, client=runtime)
    workflow.create()
    execution = workflow.execute()

    with pytest.raises(TimeoutError, match="stop"):
        execution.wait(timeout=0.01)
    release.set()
    assert execution.wait(timeout=30) is ExecutionStatus.Succeeded


def test_watching_shows_every_change_until_the_end(runtime: Any, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = Workflow("Slow", steps.Wait("A year", seconds=31_536_000) >> steps.Pass("P"), role=ROLE, client=runtime)
    workflow.create()
    execution = workflow.execute()

    view = execution.watch(poll=0.01)

    assert view.finished
    assert execution.status is ExecutionStatus.Succeeded
    assert "SUCCEEDED" in capsys.readouterr().out.upper()


def test_interrupting_the_watching_leaves_the_execution_running(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = started_and_waiting(runtime)

    def interrupt(*arguments: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "wait", interrupt)
    view = execution.watch(poll=0.01)

    assert not view.finished
    assert "interrupted; the execution goes on" in view.to_html()
    assert execution.describe()["status"] == "RUNNING"


def test_an_interrupt_when_nothing_is_left_to_watch_reaches_the_program(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = echo(client=runtime)
    workflow.create()
    execution = workflow.execute()
    execution.wait()

    def interrupt(self: Live, view: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Live, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        execution.watch()


def test_following_asks_for_new_events_only(rested: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    execution, stub = stubbed(
        ("describe_state_machine_for_execution", BEGUN_WITH),
        ("describe_execution", description("RUNNING")),
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[:3])}),
        ("describe_execution", description("RUNNING")),
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[4::-1]), "nextToken": "older"}),
        ("describe_execution", description("RUNNING")),
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[4::-1]), "nextToken": "older"}),
        ("describe_execution", description("FAILED", error="States.TaskFailed", cause="c", stopDate=DATE + 7)),
        ("get_execution_history", {"events": copy.deepcopy(HISTORY[::-1]), "nextToken": "older"}),
    )

    view = execution.render_progress(follow=True, poll=1.0)

    stub.assert_no_pending_responses()
    assert view.finished
    assert "Train" in str(view)
    assert rested == [1.0, 1.0, 1.5]
