from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from mlflowsteps.workflow.polling import Pace, is_passing, poll


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_polling_ends_with_the_first_thing_found() -> None:
    clock, answers = Clock(), iter([None, None, "found", "later"])
    assert poll(lambda: next(answers), sleep=clock.sleep, clock=clock) == "found"
    assert clock.slept == [0.5, 0.75]


def test_polling_never_waits_beyond_its_deadline() -> None:
    clock = Clock()
    looks = []
    assert poll(lambda: looks.append(clock.now), timeout=2.0, sleep=clock.sleep, clock=clock) is None
    assert clock.now == pytest.approx(2.0)
    assert looks[-1] == pytest.approx(2.0)


def test_a_time_out_of_zero_looks_once() -> None:
    clock = Clock()
    looks = []
    assert poll(lambda: looks.append(1), timeout=0, sleep=clock.sleep, clock=clock) is None
    assert (looks, clock.slept) == ([1], [])


def test_the_pace_grows_to_its_bound_and_starts_again() -> None:
    pace = Pace(2.0)
    intervals = [pace.next() for _ in range(10)]
    assert intervals[0] == 2.0
    assert intervals[-1] == 15.0
    assert intervals == sorted(intervals)
    pace.restart()
    assert pace.next() == 2.0
    assert Pace(20.0).next() == 20.0


def service_error(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DescribeExecution")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        service_error("ThrottlingException"),
        service_error("TooManyRequestsException"),
        service_error("ServiceUnavailable"),
        service_error("Odd", 500),
        service_error("Odd", 503),
        ClientError({"Error": {"Code": "InternalFailure"}}, "DescribeExecution"),
        EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com"),
        ConnectTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com"),
        ReadTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com"),
    ],
    ids=repr,
)
def test_throttling_faults_of_the_service_and_of_the_network_pass(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        service_error("AccessDeniedException"),
        service_error("ValidationException", 499),
        ClientError({}, "DescribeExecution"),
        NoCredentialsError(),
        ValueError("ThrottlingException"),
    ],
    ids=repr,
)
def test_refusals_and_faults_of_our_own_do_not_pass(error: Exception) -> None:
    assert not is_passing(error)
