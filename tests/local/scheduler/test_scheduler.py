import gc
import json
import threading
import weakref
from typing import Any

import pytest

from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StatesError
from mlflowsteps.local.clock import SystemClock
from mlflowsteps.local.interpreter import Started
from mlflowsteps.local.scheduler import Scheduler, TokenError, live
from mlflowsteps.local.scheduler.engine import Message
from mlflowsteps.local.store import Store
from tests.local.scheduler.bench import FUNCTION, TOKEN_TASK, Handler, answering, machine, silent, submitting, task

PASS = machine(A={"Type": "Pass", "Result": {"done": True}})
ONE_TASK = machine(A=task(FUNCTION + "f"))


def test_an_execution_runs_to_its_end_and_is_stored(make_bench):
    bench = make_bench()
    record = bench.run(PASS)
    assert (record.status, json.loads(record.result["output"])) == ("SUCCEEDED", {"done": True})
    stored = bench.store.executions.get(record.arn)
    assert (stored.status, stored.result, stored.stop_time) == (record.status, record.result, record.stop_time)
    assert bench.types(record.arn) == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_a_taken_arn_starts_nothing(make_bench):
    bench = make_bench()
    first = bench.run(PASS)
    assert not bench.scheduler.start(bench.header(), json.dumps(PASS))
    assert bench.store.executions.get(first.arn).id == first.id


def test_no_thread_runs_before_the_first_execution(make_bench):
    before = threading.active_count()
    bench = make_bench({FUNCTION + "f": answering(lambda value: value)})
    assert threading.active_count() == before
    bench.run(ONE_TASK)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("mlflowsteps"))


def test_a_task_gets_its_payload_and_gives_its_result(make_bench):
    handler = answering(lambda value: {"twice": value["n"] * 2})
    bench = make_bench({FUNCTION + "f": handler})
    record = bench.run(ONE_TASK, text='{"n": 4}')
    assert json.loads(record.result["output"]) == {"twice": 8}
    assert handler.started[0].task_id == f"{record.arn}#1"


@pytest.mark.parametrize(
    ("fault", "error", "cause"),
    [
        (StatesError("My.Error", "because"), "My.Error", "because"),
        (LookupError("gone"), "States.Runtime", "LookupError: gone"),
    ],
)
def test_what_a_handler_raises_fails_its_task(make_bench, fault, error, cause):
    def start(request: Any, report: Any) -> None:
        raise fault

    record = make_bench({FUNCTION + "f": Handler(start)}).run(ONE_TASK)
    assert (record.status, record.result["error"], record.result["cause"]) == ("FAILED", error, cause)


def test_a_resource_without_a_handler_fails_its_task(make_bench):
    record = make_bench().run(ONE_TASK)
    assert (record.status, record.result["error"]) == ("FAILED", "States.Runtime")
    assert FUNCTION in record.result["cause"]


@pytest.mark.parametrize("method", ["succeeded", "submitted"])
def test_an_output_that_is_no_json_fails_the_task(make_bench, method):
    def start(request: Any, report: Any) -> None:
        getattr(report, method)(object())

    record = make_bench({FUNCTION + "f": Handler(start)}).run(ONE_TASK)
    assert (record.status, record.result["error"]) == ("FAILED", "States.Runtime")


def test_what_is_reported_after_the_end_of_a_task_is_dropped(make_bench):
    def start(request: Any, report: Any) -> None:
        report.succeeded("first")
        report.succeeded("second")
        report.failed("Late")
        report.submitted("late")

    record = make_bench({FUNCTION + "f": Handler(start)}).run(ONE_TASK)
    assert record.result == {"output": '"first"'}


def test_a_function_that_blocks_holds_up_no_other(make_bench):
    gate = threading.Event()
    blocked = Handler(lambda request, report: (gate.wait(), report.succeeded(1)))
    bench = make_bench({FUNCTION + "slow": blocked, FUNCTION + "f": answering(lambda value: value)})
    waiting = [bench.start(machine(A=task(FUNCTION + "slow")), f"slow-{number}") for number in range(8)]
    assert bench.run(ONE_TASK, "quick").status == "SUCCEEDED"
    gate.set()
    assert {bench.scheduler.wait(arn, 30).status for arn in waiting} == {"SUCCEEDED"}


def test_many_executions_from_many_threads_all_end(make_bench):
    bench = make_bench({FUNCTION + "f": answering(lambda value: value)}, clock=SystemClock())
    failures: list[BaseException] = []

    def run(thread: int) -> None:
        try:
            for number in range(20):
                assert bench.run(ONE_TASK, f"{thread}-{number}").status == "SUCCEEDED"
        except Exception as error:  # noqa: BLE001 whatever it is, it is shown below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(bench.store.executions.page(bench.header().machine_arn, limit=1000)) == 160


def test_stop_ends_an_execution_and_cancels_its_task(make_bench):
    handler = silent()
    bench = make_bench({FUNCTION + "f": handler})
    arn = bench.start(ONE_TASK)
    handler.was_started.wait(30)
    assert bench.scheduler.stop(arn, "Enough", "I changed my mind")
    record = bench.store.executions.get(arn)  # at once: stop returns when it is stored
    assert (record.status, record.result) == ("ABORTED", {"error": "Enough", "cause": "I changed my mind"})
    assert handler.was_cancelled.wait(30)
    assert handler.cancelled[0].task_id == handler.started[0].task_id
    assert bench.types(arn)[-1] == "ExecutionAborted"


def test_stop_of_an_execution_that_has_ended_changes_nothing(make_bench):
    bench = make_bench()
    record = bench.run(PASS)
    assert not bench.scheduler.stop(record.arn)
    assert bench.store.executions.get(record.arn).status == "SUCCEEDED"


def test_wait_gives_the_running_execution_when_the_time_is_up(make_bench):
    bench = make_bench({FUNCTION + "f": silent()})
    assert bench.scheduler.wait(bench.start(ONE_TASK), timeout=0.01).status == "RUNNING"


def test_wait_for_an_unknown_execution_is_a_key_error(make_bench):
    with pytest.raises(KeyError):
        make_bench().scheduler.wait("arn:aws:states:us-east-1:123456789012:execution:m:none", 1)


def test_watchers_are_told_once_and_a_watcher_that_raises_harms_nobody(make_bench):
    bench = make_bench({FUNCTION + "f": submitting()})
    arn, told = bench.start(ONE_TASK), []

    def bad(record: Any) -> None:
        raise ValueError("a watcher's own fault")

    bench.scheduler.watch(arn, bad)
    bench.scheduler.watch(arn, told.append)
    unwatch = bench.scheduler.watch(arn, told.append)
    unwatch()
    bench.scheduler.stop(arn)
    bench.scheduler.wait(arn, 30)
    bench.scheduler.watch(arn, told.append)  # at once, since it has ended
    assert [record.status for record in told] == ["ABORTED", "ABORTED"]
    assert bench.run(PASS, "other").status == "SUCCEEDED"


def test_an_internal_error_fails_its_execution_alone(make_bench, monkeypatch):
    real = live.advance

    def advance(run: Any, event: Any) -> Any:
        if run.header.name == "bad":
            raise ZeroDivisionError("a fault of ours")
        return real(run, event)

    monkeypatch.setattr(live, "advance", advance)
    bench = make_bench()
    bad, good = bench.run(PASS, "bad"), bench.run(PASS, "good")
    assert (bad.status, bad.result["error"]) == ("FAILED", "States.Runtime")
    assert "ZeroDivisionError: a fault of ours" in bad.result["cause"]
    assert bench.history(bad.arn)[-1]["type"] == "ExecutionFailed"
    assert good.status == "SUCCEEDED"


def test_a_history_numbered_twice_fails_its_execution_alone(make_bench, monkeypatch):
    real = live.advance

    def advance(run: Any, event: Any) -> Any:
        outcome = real(run, event)
        if run.header.name == "bad":
            outcome.history[-1]["id"] = 1
        return outcome

    monkeypatch.setattr(live, "advance", advance)
    bench = make_bench()
    assert bench.run(PASS, "bad").status == "FAILED"
    assert bench.run(PASS, "good").status == "SUCCEEDED"


def test_an_internal_error_between_states_cancels_the_open_task(make_bench, monkeypatch):
    real, handler = live.advance, silent()

    def advance(run: Any, event: Any) -> Any:
        if type(event).__name__ == "TaskHeartbeat":
            raise ZeroDivisionError("a fault of ours")
        return real(run, event)

    monkeypatch.setattr(live, "advance", advance)
    bench = make_bench({FUNCTION + "f": handler})
    arn = bench.start(ONE_TASK)
    handler.was_started.wait(30)
    bench.scheduler.send_task_heartbeat(handler.started[0].token)
    assert bench.scheduler.wait(arn, 30).status == "FAILED"
    ids = [event["id"] for event in bench.history(arn)]
    assert ids == list(range(1, len(ids) + 1))
    assert handler.was_cancelled.wait(30)


def test_runs_of_ended_executions_are_freed(make_bench):
    bench = make_bench({FUNCTION + "f": silent()})
    arn = bench.start(machine(A=task(FUNCTION + "f", TimeoutSeconds=1000)))
    run = weakref.ref(bench.scheduler._live[arn])
    bench.scheduler.stop(arn)
    bench.run(PASS, "next")  # the engine's own variables have moved on
    gc.collect()
    assert run() is None


def test_a_store_that_fails_releases_everyone_with_its_error(make_bench, monkeypatch):
    bench = make_bench({FUNCTION + "f": silent()})
    arn = bench.start(ONE_TASK)
    bench.handlers[FUNCTION + "f"].was_started.wait(30)

    def full(entries: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(bench.store.executions, "commit", full)
    with pytest.raises(OSError, match="disk full"):
        bench.scheduler.stop(arn)
    with pytest.raises(RuntimeClosed, match="disk full"):
        bench.start(PASS, "other")
    with pytest.raises(RuntimeClosed, match="disk full"):
        bench.scheduler.wait(arn, 30)
    assert bench.store.executions.get(arn).status == "RUNNING"


def test_a_report_that_comes_while_the_engine_stops_does_not_keep_it_from_stopping(make_bench):
    for _ in range(20):
        bench = make_bench()
        bench.run(PASS, f"run-{id(bench)}")
        engine = bench.scheduler._engine
        engine._stopping = True
        engine.post(None)  # what a worker that is late does
        engine._thread.join(30)
        assert not engine._thread.is_alive()


def test_an_execution_whose_end_is_stored_is_not_said_to_be_left(make_bench, monkeypatch):
    bench = make_bench()
    monkeypatch.setattr(bench.scheduler, "ended", lambda run: None)  # as if closed before anyone was told
    arn = bench.start(PASS)
    bench.clock.advance(seconds=0)
    assert bench.store.executions.get(arn).status == "SUCCEEDED"
    assert bench.scheduler.close() == []


def test_the_message_that_wakes_the_engine_comes_before_those_after_it(make_bench):
    bench = make_bench()
    engine = bench.scheduler._engine
    engine._thread = threading.Thread()  # so that the engine's own does not start
    run = live.LiveRun(1, bench.header(), None)
    messages = [Message(run, Started) for _ in range(3)]
    for message in messages:
        engine.post(message)
    engine._sleep()  # takes the first
    assert [id(message) for message in engine._collect()] == [id(message) for message in messages]
    engine._thread = None


# Task tokens


def test_a_token_ends_its_task(make_bench):
    handler = submitting()
    bench = make_bench({TOKEN_TASK: handler})
    arn = bench.start(machine(A=task(TOKEN_TASK)))
    handler.was_started.wait(30)
    bench.scheduler.send_task_success(handler.started[0].token, '{"ok": 1}')
    assert json.loads(bench.scheduler.wait(arn, 30).result["output"]) == {"ok": 1}


def test_a_token_used_before_the_submission_was_reported_waits_for_it(make_bench):
    def start(request: Any, report: Any) -> None:
        bench.scheduler.send_task_success(request.token, '"early"')
        report.submitted({"MessageId": "1"})

    bench = make_bench({TOKEN_TASK: Handler(start)})
    record = bench.run(machine(A=task(TOKEN_TASK)))
    assert record.result == {"output": '"early"'}
    types = bench.types(record.arn)
    assert types.index("TaskSubmitted") < types.index("TaskSucceeded")


def test_a_token_used_while_the_submission_is_reported_does_not_overtake_it(make_bench):
    handler = submitting()
    bench = make_bench({TOKEN_TASK: handler})
    real, users = bench.scheduler._engine.post, []

    def post(item: Any) -> None:
        if getattr(item, "task", None) is not None and not users:
            token = handler.started[0].token
            users.append(threading.Thread(target=bench.scheduler.send_task_success, args=(token, "1")))
            users[0].start()
            users[0].join(0.2)  # it could get ahead now, were it let
        real(item)

    bench.scheduler._engine.post = post
    record = bench.run(machine(A=task(TOKEN_TASK)))
    users[0].join(30)
    types = bench.types(record.arn)
    assert types.index("TaskSubmitted") < types.index("TaskSucceeded")


def test_a_token_works_once(make_bench):
    handler = submitting()
    bench = make_bench({TOKEN_TASK: handler})
    arn = bench.start(machine(A=task(TOKEN_TASK)))
    handler.was_started.wait(30)
    token = handler.started[0].token
    bench.scheduler.send_task_failure(token, "Refused", "by the worker")
    assert bench.scheduler.wait(arn, 30).result == {"error": "Refused", "cause": "by the worker"}
    for use in (
        lambda: bench.scheduler.send_task_success(token, "1"),
        lambda: bench.scheduler.send_task_failure(token),
        lambda: bench.scheduler.send_task_heartbeat(token),
    ):
        with pytest.raises(TokenError) as refused:
            use()
        assert refused.value.known


@pytest.mark.parametrize("token", ["", "x", "\ud800", "W10=", "WyJhIiwgMV0=", "A" * 4000])
def test_a_text_that_is_no_token_is_refused(make_bench, token):
    with pytest.raises(TokenError) as refused:
        make_bench().scheduler.send_task_success(token, "1")
    assert not refused.value.known


# Closing


def test_close_leaves_executions_running_and_names_them(make_bench):
    bench = make_bench({FUNCTION + "f": silent()})
    arn = bench.start(ONE_TASK)
    assert bench.scheduler.close() == [arn]
    assert bench.store.executions.get(arn).status == "RUNNING"
    with pytest.raises(RuntimeClosed):
        bench.scheduler.stop(arn)


def test_close_releases_those_who_wait(make_bench):
    handler = silent()
    bench = make_bench({FUNCTION + "f": handler})
    arn, raised = bench.start(ONE_TASK), []

    def wait() -> None:
        try:
            bench.scheduler.wait(arn)
        except RuntimeClosed as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    handler.was_started.wait(30)
    bench.scheduler.close()
    thread.join(30)
    assert len(raised) == 1


def test_close_with_wait_finishes_executions_first(make_bench):
    gate = threading.Event()
    handler = Handler(lambda request, report: (gate.wait(), report.succeeded(1)))
    bench = make_bench({FUNCTION + "f": handler})
    arn = bench.start(machine(A=task(FUNCTION + "f"), B={"Type": "Wait", "Seconds": 60}, C={"Type": "Pass"}))
    handler.was_started.wait(30)
    gate.set()
    assert bench.scheduler.close(wait=True) == []
    assert bench.store.executions.get(arn).status == "SUCCEEDED"


def test_a_read_only_store_refuses_to_run_anything(make_bench, tmp_path):
    bench = make_bench({FUNCTION + "f": silent()})
    arn = bench.start(ONE_TASK)
    bench.close()
    store = Store(tmp_path / "store.sqlite", read_only=True)
    scheduler = Scheduler(store, SystemClock(), bench._handler)
    for call in (
        lambda: scheduler.start(bench.header("new"), json.dumps(PASS)),
        lambda: scheduler.stop(arn),
        scheduler.resume_all,
    ):
        with pytest.raises(ServiceError, match="reading only"):
            call()
    assert store.executions.get(arn).status == "RUNNING"
    scheduler.close()
    store.close()


def test_executions_that_are_not_durable_leave_no_trace(make_bench):
    bench = make_bench()
    ended = threading.Event()
    told: list[Any] = []

    def watcher(record: Any) -> None:
        told.append(record)
        ended.set()

    bench.scheduler.start(bench.header(kind="EXPRESS"), json.dumps(PASS), durable=False, watcher=watcher)
    assert ended.wait(30)
    assert (told[0].status, told[0].result) == ("SUCCEEDED", {"output": '{"done":true}'})
    assert bench.store.executions.get(told[0].arn) is None
    assert bench.scheduler.wait(told[0].arn, 30) == told[0]  # remembered for a while
