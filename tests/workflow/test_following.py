"""Following an execution against a scripted client: how often it is asked, and what becomes of faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mlflowsteps import steps
from mlflowsteps.workflow import Execution, Workflow, polling
from mlflowsteps.workflow.client import Connection
from mlflowsteps.workflow.following import Follower
from mlflowsteps.workflow.job_logs import JobLogs
from tests.graph import samples
from tests.graph.histories import BEGIN, History
from tests.workflow.conftest import ROLE

ARN = "arn:aws:states:us-east-1:123456789012:execution:Churn:run"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn"


class Service:
    """A Step Functions client whose execution grows by so many events from look to look."""

    def __init__(
        self, events: list[dict[str, Any]], grown: list[int], faults: dict[int, Exception] | None = None
    ) -> None:
        self.events, self.grown, self.faults = events, grown, faults or {}
        self.described = 0
        self.pages: list[int] = []
        self.map_runs: list[str] = []

    def start_execution(self, **request: Any) -> dict[str, Any]:
        raise AssertionError("following starts nothing")

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        self.described += 1
        if self.described in self.faults:
            raise self.faults[self.described]
        ended = self.described >= len(self.grown)
        known = {"name": "run", "executionArn": ARN, "startDate": BEGIN}
        return {**known, "status": "SUCCEEDED" if ended else "RUNNING"}

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        self.map_runs.append(mapRunArn)
        return {"itemCounts": {"total": 9, "succeeded": 4, "failed": 1, "running": 4}}

    def get_paginator(self, operation: str) -> Service:
        assert operation == "get_execution_history"
        self.pages.append(0)
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        config = request["PaginationConfig"]
        there = self.events[: self.grown[min(self.described, len(self.grown)) - 1]]
        if request["reverseOrder"]:
            there = there[::-1]
        there = there[: config["MaxItems"]]
        for start in range(0, len(there), config["PageSize"]):
            self.pages[-1] += 1
            yield {"events": there[start : start + config["PageSize"]]}


def long_events(tasks: int) -> list[dict[str, Any]]:
    history = History()
    history.start()
    at = 0
    for _ in range(tasks):
        at = history.task("A", at)
    return history.events


def execution(service: Service) -> Execution:
    workflow = Workflow("Churn", steps.Pass("A"), role=ROLE, client=service, state_machine_arn=ARN)
    return Execution(workflow, ARN, None, "RUNNING")


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(polling, "pause", pauses.append)
    return pauses


def test_a_look_costs_one_description_and_one_page_where_fewer_than_a_thousand_events_are_new(
    rested: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    events = long_events(500)  # 2,501 events
    service = Service(events, [900, 1800, 1800, 2500, 2501])
    view = execution(service).watch()
    assert view.finished
    assert view.status.events == 2501
    assert service.described == 5
    assert service.pages == [1] * 5
    assert rested == [2.0, 2.0, 3.0, 2.0]
    assert "A: " in capsys.readouterr().out


def test_more_than_a_page_of_new_events_is_read_back_to_the_last_one_known(rested: list[float]) -> None:
    service = Service(long_events(700), [100, 3501])
    view = execution(service).watch()
    assert view.status.events == 3501
    assert service.pages == [1, 4]


def test_no_more_events_are_read_than_allowed(rested: list[float]) -> None:
    service = Service(long_events(500), [900, 2501])
    view = execution(service).render_progress(max_events=1000, follow=True)
    assert view.status.events == 1000


def test_intervals_grow_to_fifteen_seconds_while_nothing_happens(rested: list[float]) -> None:
    service = Service(long_events(2), [5] * 12)
    execution(service).watch()
    assert rested[0] == 2.0
    assert rested == sorted(rested)
    assert rested[-1] == 15.0


def throttled() -> ClientError:
    answer = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    return ClientError(answer, "DescribeExecution")  # type: ignore[arg-type]


def test_a_passing_fault_is_told_and_asked_again(rested: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    lost = EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com")
    service = Service(long_events(2), [5] * 5, {2: throttled(), 3: lost})
    view = execution(service).watch()
    assert view.finished
    assert view.notes == ()
    assert rested == [2.0, 3.0, 4.5, 6.75]


def test_any_other_fault_ends_the_watching(rested: list[float]) -> None:
    answer = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    refused = ClientError(answer, "DescribeExecution")  # type: ignore[arg-type]
    with pytest.raises(ClientError, match="AccessDenied"):
        execution(Service(long_events(2), [5] * 5, {2: refused})).watch()


class Lines(JobLogs):
    def __init__(self, lines: list[str] | Exception) -> None:
        super().__init__(Connection(None))  # type: ignore[arg-type]
        self.told = lines

    def lines(self, arn: str, most: int) -> list[str]:
        assert arn == JOB
        if isinstance(self.told, Exception):
            raise self.told
        return self.told[-most:]


def training() -> list[dict[str, Any]]:
    history = History()
    history.start()
    at = history.schedule(history.enter("Train Step", 0), "sagemaker", "createTrainingJob.sync")
    details = {
        "resourceType": "sagemaker",
        "resource": "createTrainingJob.sync",
        "output": json.dumps({"TrainingJobArn": JOB}),
    }
    history.add("TaskSubmitted", at, details)
    return history.events


def follower(service: Any, definition: Any, logs: JobLogs, *, links: bool = False) -> Follower:
    return Follower(
        service, ARN, service.describe_execution, definition, max_events=100, links=links, portrait=None, logs=logs
    )


def test_a_running_jobs_last_lines_and_link_are_shown() -> None:
    following = follower(
        Service(training(), [9, 9, 9]), samples.S1, Lines([f"epoch {n}" for n in range(50)]), links=True
    )
    following.look()
    view = following.view()
    assert view.logs == {"Train Step": tuple(f"epoch {n}" for n in range(30, 50))}
    assert "epoch 49" in view.to_html()
    assert view.to_text().endswith("Train Step says: epoch 49")
    assert "#/jobs/churn" in view.to_html()


def test_a_log_that_may_not_be_read_is_told_and_ends_nothing() -> None:
    following = follower(Service(training(), [9, 9, 9]), samples.S1, Lines(throttled()))
    following.look()
    assert any("log of Train Step" in note for note in following.view().notes)


def test_items_of_a_distributed_map_are_counted_by_its_map_run() -> None:
    history = History()
    history.start()
    at = history.add("MapStateStarted", history.enter("Each", 0, "Map"), {"length": 0})
    history.add("MapRunStarted", at, {"mapRunArn": "arn:map-run"})
    definition = samples.machine({"Each": {"Type": "Map", "End": True, "ItemProcessor": samples.chain("Score")}})
    service = Service(history.events, [9, 9, 9])
    following = follower(service, definition, Lines([]))
    following.look()
    assert "4/9, 1 failed" in following.view().to_text()
    assert service.map_runs == ["arn:map-run"]
