"""Activities through the runtime's client: workers, heartbeats, time-outs, restarts."""

import json
import threading

import pytest
from botocore.exceptions import ClientError

from mlflowsteps.local import LocalRuntime, VirtualClock

ROLE = "arn:aws:iam::123456789012:role/workflow"


@pytest.fixture
def runtime(tmp_path):
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as runtime:
        yield runtime


def begin(runtime, name="m", **fields):
    """An activity and an execution that waits for it."""
    client = runtime.client("stepfunctions")
    arn = client.create_activity(name="Approve")["activityArn"]
    state = {"Type": "Task", "Resource": arn, "End": True, **fields}
    machine = client.create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps({"StartAt": "A", "States": {"A": state}})
    )
    started = client.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"a":1}')
    return client, arn, started["executionArn"]


def events(client, execution):
    return [event["type"] for event in client.get_execution_history(executionArn=execution)["events"]]


def test_a_worker_gets_the_input_and_its_output_becomes_the_states(runtime):
    client, arn, execution = begin(runtime)
    task = client.get_activity_task(activityArn=arn, workerName="w1")
    assert json.loads(task["input"]) == {"a": 1}
    client.send_task_success(taskToken=task["taskToken"], output='{"b":2}')
    assert runtime.wait(execution, 20) == "SUCCEEDED"
    history = client.get_execution_history(executionArn=execution)["events"]
    assert [event["type"] for event in history][2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert history[2]["activityScheduledEventDetails"]["resource"] == arn
    assert history[3]["activityStartedEventDetails"] == {"workerName": "w1"}
    assert client.describe_execution(executionArn=execution)["output"] == '{"b":2}'


def test_a_worker_without_a_name_starts_the_task_too(runtime):
    client, arn, execution = begin(runtime)
    task = client.get_activity_task(activityArn=arn)
    client.send_task_failure(taskToken=task["taskToken"], error="Refused", cause="no")
    assert runtime.wait(execution, 20) == "FAILED"
    assert "ActivityFailed" in events(client, execution)


def test_a_poll_without_a_task_ends_with_no_token(runtime):
    client = runtime.client("stepfunctions")
    arn = client.create_activity(name="Idle")["activityArn"]
    assert "taskToken" not in client.get_activity_task(activityArn=arn)


def test_a_waiting_worker_is_given_the_task_that_comes(runtime):
    client = runtime.client("stepfunctions")
    arn = client.create_activity(name="Approve")["activityArn"]
    found = []
    worker = threading.Thread(target=lambda: found.append(client.get_activity_task(activityArn=arn)))
    worker.start()
    begin(runtime)
    worker.join(20)
    assert found[0]["input"] == '{"a":1}'


def test_a_task_is_given_to_one_worker_only(runtime):
    client, arn, _ = begin(runtime)
    assert "taskToken" in client.get_activity_task(activityArn=arn)
    assert "taskToken" not in client.get_activity_task(activityArn=arn)


def test_a_task_that_nobody_takes_times_out(runtime):
    client, _, execution = begin(runtime, TimeoutSeconds=60)
    runtime.clock.advance(seconds=61)
    assert runtime.wait(execution, 20) == "FAILED"
    assert events(client, execution)[2:4] == ["ActivityScheduled", "ActivityTimedOut"]


def test_heartbeats_keep_a_started_task_alive_and_their_absence_ends_it(runtime):
    client, arn, execution = begin(runtime, HeartbeatSeconds=30, TimeoutSeconds=1000)
    runtime.clock.advance(seconds=100)  # the heartbeat counts from the start
    token = client.get_activity_task(activityArn=arn)["taskToken"]
    for _ in range(3):
        runtime.clock.advance(seconds=20)
        client.send_task_heartbeat(taskToken=token)
    runtime.clock.advance(seconds=31)
    assert runtime.wait(execution, 20) == "FAILED"
    assert client.describe_execution(executionArn=execution)["error"] == "States.HeartbeatTimeout"
    with pytest.raises(ClientError, match="TaskTimedOut"):
        client.send_task_heartbeat(taskToken=token)


def test_a_stopped_execution_takes_its_task_out_of_the_queue(runtime):
    client, arn, execution = begin(runtime)
    client.stop_execution(executionArn=execution)
    assert "taskToken" not in client.get_activity_task(activityArn=arn)


def test_an_activity_that_is_gone_fails_the_scheduling(runtime):
    client, arn, first = begin(runtime)
    client.stop_execution(executionArn=first)
    machine = client.describe_execution(executionArn=first)["stateMachineArn"]
    client.delete_activity(activityArn=arn)
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    assert runtime.wait(execution, 20) == "FAILED"
    assert "ActivityScheduleFailed" in events(client, execution)


def test_after_a_restart_a_queued_task_waits_for_a_worker_and_a_started_one_for_its_report(tmp_path):
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as runtime:
        client, arn, taken = begin(runtime)
        token = client.get_activity_task(activityArn=arn)["taskToken"]
        queued = begin(runtime, name="other")[2]
    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as runtime:
        client = runtime.client("stepfunctions")
        other = client.get_activity_task(activityArn=arn)["taskToken"]
        assert other != token
        assert "taskToken" not in client.get_activity_task(activityArn=arn)
        for one in (token, other):
            client.send_task_success(taskToken=one, output="1")
        assert {runtime.wait(arn, 20) for arn in (taken, queued)} == {"SUCCEEDED"}
        assert events(client, taken).count("ActivityStarted") == 1


def test_an_activity_is_created_once_described_listed_tagged_and_deleted(runtime):
    client = runtime.client("stepfunctions")
    made = client.create_activity(name="B", tags=[{"key": "k", "value": "v"}])
    assert client.create_activity(name="B", tags=[{"key": "other", "value": "v"}])["activityArn"] == made["activityArn"]
    arn = made["activityArn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k", "value": "v"}]
    described = client.describe_activity(activityArn=arn)
    assert (described["name"], described["encryptionConfiguration"]) == ("B", {"type": "AWS_OWNED_KEY"})
    client.create_activity(name="A")
    pages = client.get_paginator("list_activities").paginate(PaginationConfig={"PageSize": 1})
    assert [row["name"] for page in pages for row in page["activities"]] == ["A", "B"]
    client.delete_activity(activityArn=arn)
    client.delete_activity(activityArn=arn)
    for call in (client.describe_activity, client.get_activity_task):
        with pytest.raises(ClientError, match="ActivityDoesNotExist"):
            call(activityArn=arn)


@pytest.mark.parametrize(
    "encryption",
    [
        {"type": "CUSTOMER_MANAGED_KMS_KEY"},
        {"type": "AWS_OWNED_KEY", "kmsKeyId": "k"},
        {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k", "kmsDataKeyReusePeriodSeconds": 60},
    ],
)
def test_an_activity_is_not_made_anew_with_another_key(runtime, encryption):
    client = runtime.client("stepfunctions")
    client.create_activity(name="A")
    with pytest.raises(ClientError, match=r"InvalidEncryptionConfiguration|ActivityAlreadyExists"):
        client.create_activity(name="A", encryptionConfiguration=encryption)


def test_no_more_workers_wait_than_the_quota_allows(tmp_path):
    with LocalRuntime(tmp_path / "runtime", quotas={"activity_pollers": 1, "poll_seconds": 20}) as runtime:
        client = runtime.client("stepfunctions")
        arn = client.create_activity(name="A")["activityArn"]
        found = []
        worker = threading.Thread(target=lambda: found.append(client.get_activity_task(activityArn=arn)))
        worker.start()
        while not runtime._activities.waiting(arn):
            pass
        with pytest.raises(ClientError, match="ActivityWorkerLimitExceeded"):
            client.get_activity_task(activityArn=arn)
        runtime._activities.close()
        worker.join(20)
        assert "taskToken" not in found[0]


def test_a_quota_that_is_none_names_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="history_events"):
        LocalRuntime(tmp_path / "runtime", quotas={"history_event": 5})
    with pytest.raises(ValueError, match="above 0"):
        LocalRuntime(tmp_path / "runtime", quotas={"history_events": 0})
