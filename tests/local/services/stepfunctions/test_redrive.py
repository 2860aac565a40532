import pytest

from mlflowsteps.exceptions import ServiceError, StatesError
from mlflowsteps.local.quotas import Quotas
from tests.local.scheduler.bench import FUNCTION, Handler, machine, task
from tests.local.services.stepfunctions.conftest import Service

DAY = 86_400.0


def plain():
    return {"Type": "Pass"}


class Flaky(Handler):
    """Fails while its input is among those that are broken; else it gives its input."""

    def __init__(self):
        super().__init__(self._answer)
        self.broken = set()
        self.calls = []

    def _answer(self, request, report):
        value = request.parameters
        self.calls.append(value)
        if str(value) in self.broken:
            raise StatesError("Broken", f"by {value}")
        report.succeeded(value)


def refusal(call):
    with pytest.raises(ServiceError) as raised:
        call()
    return raised.value.code, raised.value.message


@pytest.fixture
def flaky(service):
    handler = service.handlers[FUNCTION + "flaky"] = Flaky()
    return handler


def history(service, arn):
    events, token = [], {}
    while True:
        page = service.get_execution_history({"executionArn": arn, "maxResults": 1000, **token})
        events += page["events"]
        if "nextToken" not in page:
            return events
        token = {"nextToken": page["nextToken"]}


def redrive(service, arn, **params):
    response = service.redrive_execution({"executionArn": arn, **params})
    service.scheduler.wait(arn, 30)
    return response


def described(service, arn):
    return service.describe_execution({"executionArn": arn})


def test_a_redriven_task_is_scheduled_again_and_what_went_before_is_kept(service, flaky):
    flaky.broken.add("1")
    arn = service.finish(
        service.make("m", machine(A=plain(), B=task(FUNCTION + "flaky"), C=plain())), name="run", input="1"
    )
    before = history(service, arn)
    assert described(service, arn)["redriveStatus"] == "REDRIVABLE"
    flaky.broken.clear()
    service.clock.advance(seconds=60)
    assert redrive(service, arn) == {"redriveDate": 1_000_060.0}
    after = described(service, arn)
    assert (after["status"], after["output"], after["redriveCount"]) == ("SUCCEEDED", "1", 1)
    assert (after["redriveDate"], after["startDate"]) == (1_000_060.0, 1_000_000.0)
    assert "error" not in after
    events = history(service, arn)
    assert events[: len(before)] == before
    added = events[len(before) :]
    assert [event["type"] for event in added[:4]] == [
        "ExecutionRedriven", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
    ]  # fmt: skip
    assert added[0]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))


def test_counts_of_retries_begin_anew(service, flaky):
    flaky.broken.add("1")
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 2}]
    arn = service.finish(service.make("m", machine(B=task(FUNCTION + "flaky", Retry=retry))), input="1")
    redrive(service, arn)
    assert len(flaky.calls) == 6
    assert described(service, arn)["redriveCount"] == 1


def test_only_branches_that_failed_or_were_cut_off_run_again(service, flaky):
    branches = [machine(**{f"S{number}": task(FUNCTION + "flaky", InputPath=f"$[{number}]")}) for number in range(3)]
    arn = service.make("m", machine(P={"Type": "Parallel", "Branches": branches}))
    flaky.broken.add("20")
    execution = service.finish(arn, input="[10,20,30]")
    assert described(service, execution)["status"] == "FAILED"
    done = flaky.calls.count(10)
    flaky.broken.clear()
    redrive(service, execution)
    assert described(service, execution)["output"] == "[10,20,30]"
    assert done == 1
    assert flaky.calls.count(20) == 2
    types = [event["type"] for event in history(service, execution)]
    assert types.count("ParallelStateStarted") == 1
    assert types[-3:] == ["ParallelStateSucceeded", "ParallelStateExited", "ExecutionSucceeded"]


def test_only_iterations_that_failed_run_again_and_those_left_start(service, flaky):
    state = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": machine(S=task(FUNCTION + "flaky"))}
    flaky.broken.add("2")
    execution = service.finish(service.make("m", machine(M=state)), input="[1,2,3]")
    flaky.broken.clear()
    redrive(service, execution)
    assert described(service, execution)["output"] == "[1,2,3]"
    assert flaky.calls == [1, 2, 2, 3]


def test_a_nested_branch_goes_on_in_the_state_it_was_in(service, flaky):
    inner = machine(A=plain(), B=task(FUNCTION + "flaky"), C=plain())
    nested = machine(M={"Type": "Map", "ItemProcessor": machine(P={"Type": "Parallel", "Branches": [inner]})})
    flaky.broken.add("2")
    execution = service.finish(service.make("m", nested), input="[1,2]")
    flaky.broken.clear()
    redrive(service, execution)
    assert described(service, execution)["output"] == "[[1],[2]]"
    entered = [event["stateEnteredEventDetails"]["name"] for event in history(service, execution)
               if event["type"].endswith("Entered")]  # fmt: skip
    assert entered.count("A") == 2


def test_a_fail_state_is_entered_and_fails_again(service):
    execution = service.finish(service.make("m", {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}))
    redrive(service, execution)
    assert described(service, execution)["error"] == "E"
    types = [event["type"] for event in history(service, execution)]
    assert types[-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_a_stopped_execution_and_one_that_timed_out_go_on(service):
    slow = machine(W={"Type": "Wait", "Seconds": 50})
    arn = service.make("slow", slow | {"TimeoutSeconds": 60})
    release = service.clock.hold()
    execution = service.start(arn)
    service.stop_execution({"executionArn": execution})
    assert service.redrive_execution({"executionArn": execution})
    assert described(service, execution)["status"] == "RUNNING"
    release()
    service.scheduler.wait(execution, 30)
    assert described(service, execution)["status"] == "SUCCEEDED"
    never = service.start(service.make("never", machine(S=task(FUNCTION + "silent")) | {"TimeoutSeconds": 60}))
    for _ in range(2):  # the time-out counts from the redrive
        service.clock.advance(seconds=61)
        assert service.scheduler.wait(never, 30).status == "TIMED_OUT"
        service.redrive_execution({"executionArn": never})
    service.clock.advance(seconds=59)
    assert described(service, never)["status"] == "RUNNING"


def test_a_terminal_fault_of_a_branch_is_redriven_from_the_state_at_fault(service):
    fault = machine(A=plain(), B={"Type": "Pass", "InputPath": "$.gone"})
    execution = service.finish(
        service.make("m", machine(P={"Type": "Parallel", "Branches": [fault, machine(C=plain())]}))
    )
    assert described(service, execution)["error"] == "States.Runtime"
    redrive(service, execution)
    assert described(service, execution)["error"] == "States.Runtime"
    assert described(service, execution)["redriveCount"] == 1


def test_the_context_object_tells_of_redrives(service, flaky):
    shown = task(FUNCTION + "flaky", Parameters={"count.$": "$$.Execution.RedriveCount"})
    flaky.broken.add("{'count': 0}")
    execution = service.finish(service.make("m", machine(S=shown)))
    redrive(service, execution)
    assert described(service, execution)["output"] == '{"count":1}'


def test_the_same_client_token_redrives_once(service, flaky):
    flaky.broken.add("1")
    execution = service.finish(service.make("m", machine(B=task(FUNCTION + "flaky"))), input="1")
    first = redrive(service, execution, clientToken="t")
    service.clock.advance(seconds=9)
    assert redrive(service, execution, clientToken="t") == first
    assert redrive(service, execution, clientToken="u") != first
    assert described(service, execution)["redriveCount"] == 2


def test_what_may_not_be_redriven_is_refused_with_the_reason(service, flaky):
    execution = service.finish(service.make())
    code, message = refusal(lambda: redrive(service, execution))
    assert (code, message) == ("ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven")
    release = service.clock.hold()
    running = service.start(service.make("w", machine(W={"Type": "Wait", "Seconds": 50})))
    assert "RUNNING" in refusal(lambda: redrive(service, running))[1]
    release()
    assert refusal(lambda: redrive(service, execution + "x"))[0] == "ExecutionDoesNotExist"
    flaky.broken.add("1")
    old = service.finish(service.make("o", machine(B=task(FUNCTION + "flaky"))), input="1")
    service.clock.advance(seconds=15 * DAY)
    assert "14 days" in refusal(lambda: redrive(service, old))[1]
    assert described(service, old)["redriveStatus"] == "NOT_REDRIVABLE"


def test_the_number_of_redrives_has_a_quota(tmp_path):
    service = Service(tmp_path / "store.sqlite", quotas=Quotas.of({"redrives": 1}))
    execution = service.finish(service.make("m", {"StartAt": "F", "States": {"F": {"Type": "Fail"}}}))
    redrive(service, execution)
    assert "limit" in refusal(lambda: redrive(service, execution))[1]
    service.close()


def test_a_redriven_execution_survives_a_restart(tmp_path):
    path = tmp_path / "store.sqlite"
    service = Service(path)
    arn = service.make("m", machine(A=plain(), S=task(FUNCTION + "silent")))
    execution = service.start(arn)
    service.stop_execution({"executionArn": execution})
    service.redrive_execution({"executionArn": execution})
    before = history(service, execution)
    service.close()
    service = Service(path)
    service.handlers[FUNCTION + "silent"] = service.handlers[FUNCTION + "echo"]
    assert service.scheduler.resume_all() == 1
    service.scheduler.wait(execution, 30)
    after = described(service, execution)
    assert (after["status"], after["redriveCount"]) == ("SUCCEEDED", 1)
    events = history(service, execution)
    assert events[: len(before)] == before
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    service.close()
