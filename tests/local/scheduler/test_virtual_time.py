import json
import threading

from mlflowsteps.local.clock import VirtualClock
from tests.local.scheduler.bench import (
    FUNCTION,
    TOKEN_TASK,
    Handler,
    answering,
    machine,
    silent,
    submitting,
    task,
)

YEAR = 365 * 86_400


def test_a_year_of_wait_passes_at_once(make_bench):
    bench = make_bench(clock=VirtualClock(start=1000.0))
    record = bench.run(machine(W={"Type": "Wait", "Seconds": YEAR}, E={"Type": "Pass"}))
    assert (record.status, record.start_time, record.stop_time) == ("SUCCEEDED", 1000.0, 1000.0 + YEAR)


def test_back_off_takes_the_virtual_time_it_says(make_bench):
    def start(request, report):
        report.failed("Busy")

    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "BackoffRate": 2.0, "MaxAttempts": 3}]
    bench = make_bench({FUNCTION + "f": Handler(start)}, clock=VirtualClock(start=0.0))
    record = bench.run(machine(A=task(FUNCTION + "f", Retry=retry)))
    assert (record.result["error"], record.stop_time) == ("Busy", 70.0)


def test_the_clock_stands_still_while_a_function_runs(make_bench):
    gate = threading.Event()
    handler = Handler(lambda request, report: (gate.wait(), report.succeeded(1)))
    bench = make_bench({FUNCTION + "f": handler}, clock=VirtualClock(start=0.0))
    running = bench.start(machine(A=task(FUNCTION + "f")), "running")
    handler.was_started.wait(30)
    waiting = bench.start(machine(W={"Type": "Wait", "Seconds": 60}), "waiting")
    bench.clock.advance(seconds=0)  # returns when the engine has nothing to do
    assert bench.store.executions.get(waiting).status == "RUNNING"
    gate.set()
    assert bench.scheduler.wait(running, 30).stop_time == 0.0
    assert bench.scheduler.wait(waiting, 30).stop_time == 60.0


def test_the_clock_stands_still_while_a_token_is_outstanding(make_bench):
    handler = submitting()
    bench = make_bench({TOKEN_TASK: handler}, clock=VirtualClock(start=0.0))
    arn = bench.start(machine(A=task(TOKEN_TASK, TimeoutSeconds=60)))
    handler.was_started.wait(30)
    bench.clock.advance(seconds=59)
    assert bench.store.executions.get(arn).status == "RUNNING"
    bench.scheduler.send_task_success(handler.started[0].token, "1")
    assert bench.scheduler.wait(arn, 30).stop_time == 59.0


def test_advance_lets_a_time_out_fire_though_its_task_runs(make_bench):
    handler = silent()
    bench = make_bench({FUNCTION + "f": handler}, clock=VirtualClock(start=0.0))
    arn = bench.start(machine(A=task(FUNCTION + "f", TimeoutSeconds=60)))
    handler.was_started.wait(30)
    bench.clock.advance(seconds=3600)
    record = bench.store.executions.get(arn)  # at once: advance returns when what it brought about is stored
    assert (record.status, record.result["error"], record.stop_time) == ("FAILED", "States.Timeout", 60.0)
    assert bench.clock.now() == 3600.0


def test_a_heartbeat_puts_its_time_out_off(make_bench):
    handler = submitting()
    bench = make_bench({TOKEN_TASK: handler}, clock=VirtualClock(start=0.0))
    arn = bench.start(machine(A=task(TOKEN_TASK, HeartbeatSeconds=10)))
    handler.was_started.wait(30)
    for _ in range(5):
        bench.clock.advance(seconds=8)
        bench.scheduler.send_task_heartbeat(handler.started[0].token)
    assert bench.store.executions.get(arn).status == "RUNNING"
    bench.clock.advance(seconds=11)
    record = bench.store.executions.get(arn)
    assert record.status == "FAILED"
    assert "imeout" in record.result["error"]
    assert record.stop_time == 50.0


def test_a_hold_on_the_clock_counts_as_work(make_bench):
    clock = VirtualClock(start=0.0)
    bench = make_bench(clock=clock)
    release = clock.hold()
    arn = bench.start(machine(W={"Type": "Wait", "Seconds": 5}))
    clock.advance(seconds=0)
    assert bench.store.executions.get(arn).status == "RUNNING"
    release()
    assert bench.scheduler.wait(arn, 30).status == "SUCCEEDED"


def test_the_same_run_has_the_same_times_ids_and_draws(tmp_path):
    from tests.local.scheduler.bench import Bench

    definition = machine(
        P={
            "Type": "Parallel",
            "Branches": [machine(W={"Type": "Wait", "Seconds": seconds}, E={"Type": "Pass"}) for seconds in (5, 3, 5)],
        },
        U={"Type": "Pass", "Parameters": {"id.$": "States.UUID()", "n.$": "States.MathRandom(1, 1000000)"}},
        A=task(FUNCTION + "f"),
    )
    histories = []
    for number in range(3):
        bench = Bench(tmp_path / f"{number}.sqlite", {FUNCTION + "f": answering(lambda value: value)})
        histories.append(bench.history(bench.run(definition).arn))
        bench.close()
    assert histories[0] == histories[1] == histories[2]
    assert len(json.dumps(histories[0])) > 1000
