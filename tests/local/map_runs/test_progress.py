"""The pure aggregate: ranges, counts, and the tolerance of failures."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.local.map_runs.progress import MAX_CONCURRENCY, Limits, Progress, Ranges


@given(st.lists(st.integers(0, 60)))
def test_ranges_hold_what_was_added_and_nothing_else(numbers: list[int]) -> None:
    found = Ranges()
    for number in numbers:
        found.add(number)
    assert [number for number in range(62) if number in found] == sorted(set(numbers))
    pairs = found.pairs()
    assert all(one[1] + 1 < two[0] for one, two in itertools.pairwise(pairs))
    assert Ranges(pairs).pairs() == pairs


def test_ranges_of_a_million_in_order_are_one() -> None:
    found = Ranges()
    for number in range(1_000_000):
        found.add(number)
    assert found.pairs() == [[0, 999_999]]


def failed(limits: Limits, failures: int, total: int, *, complete: bool = True) -> bool:
    progress = Progress(limits)
    for number in range(total):
        progress.passed(number, 1, "FAILED" if number < failures else "SUCCEEDED")
    progress.complete = complete
    return progress.exceeded()


@pytest.mark.parametrize(
    ("limits", "failures", "exceeded"),
    [
        (Limits(), 0, False),
        (Limits(), 1, True),
        (Limits(tolerated_count=1), 1, False),
        (Limits(tolerated_count=1), 2, True),
        (Limits(tolerated_percentage=50), 2, False),
        (Limits(tolerated_percentage=49.9), 2, True),
        (Limits(tolerated_count=1, tolerated_percentage=100), 2, True),
        (Limits(tolerated_count=4, tolerated_percentage=25), 2, True),
        (Limits(tolerated_percentage=100), 4, False),
    ],
)
def test_failures_are_tolerated_up_to_the_threshold(limits: Limits, failures: int, exceeded: bool) -> None:
    assert failed(limits, failures, 4) is exceeded


def test_percentage_is_judged_once_all_items_are_known() -> None:
    assert not failed(Limits(tolerated_percentage=10), 2, 4, complete=False)
    assert failed(Limits(tolerated_percentage=10), 2, 4)


def test_failed_batch_counts_all_its_items() -> None:
    progress = Progress(Limits(tolerated_count=2))
    progress.started(0, 3)
    progress.finished(0, "TIMED_OUT")
    assert progress.exceeded()
    assert (progress.items.timedOut, progress.executions.timedOut) == (3, 1)


def test_room_is_what_the_limits_leave() -> None:
    progress = Progress(Limits(max_concurrency=2))
    progress.started(0, 1)
    assert progress.room == 1
    assert Progress(Limits()).room == MAX_CONCURRENCY
    assert Progress(Limits(max_concurrency=10 * MAX_CONCURRENCY)).room == MAX_CONCURRENCY


def test_what_is_stored_forgets_what_is_under_way() -> None:
    progress = Progress(Limits())
    for number in range(3):
        progress.started(number, 2)
    progress.finished(1, "SUCCEEDED")
    again = Progress.from_json(Limits(), progress.to_json())
    assert (again.items.total, again.items.running, again.items.succeeded) == (2, 0, 2)
    assert again.ended.pairs() == [[1, 1]]


def test_end_of_a_child_counts_once() -> None:
    progress = Progress(Limits())
    progress.started(0, 1)
    progress.finished(0, "SUCCEEDED")
    progress.finished(0, "FAILED")
    assert (progress.items.succeeded, progress.items.failed, progress.items.running) == (1, 0, 0)


def test_redrive_counts_what_had_failed_as_pending_until_it_starts() -> None:
    progress = Progress(Limits(tolerated_count=9))
    for number, status in enumerate(("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")):
        progress.passed(number, 10, status)
    again = progress.reopened()
    assert (again.items.pendingRedrive, again.items.total, again.executions.pendingRedrive) == (30, 30, 3)
    again.passed(0, 10, "SUCCEEDED")
    again.started(1, 10)
    stored = Progress.from_json(again.limits, again.to_json())  # child 1 under way: as if it had not been started
    for one, pending, total in ((again, 20, 40), (stored, 30, 40)):
        assert (one.items.pendingRedrive, one.items.total) == (pending, total)
    again.finished(1, "FAILED")
    once_more = again.reopened()  # children 2 and 3 were never come to
    assert (once_more.items.pendingRedrive, once_more.pending.pairs()) == (30, [[1, 3]])
