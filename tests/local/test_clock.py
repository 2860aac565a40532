import math
import time

import pytest

from mlflowsteps.local.clock import SystemClock, VirtualClock


def test_the_system_clock_tells_the_machines_time():
    assert abs(SystemClock().now() - time.time()) < 5


def test_the_system_clock_sleeps_until_the_timer_but_looks_up_now_and_then():
    clock = SystemClock()
    assert clock.sleep_seconds(clock.now() - 10, busy=False) == 0.0
    assert 0 < clock.sleep_seconds(clock.now() + 2, busy=True) <= 2
    assert clock.sleep_seconds(clock.now() + 1e9, busy=False) == SystemClock.LONGEST_SLEEP_SECONDS


def test_a_virtual_clock_stands_still():
    clock = VirtualClock(start=100.0)
    assert (clock.now(), clock.now()) == (100.0, 100.0)


def test_a_virtual_clock_jumps_when_nothing_runs():
    clock = VirtualClock(start=100.0)
    assert clock.sleep_seconds(5000.0, busy=False) == 0.0
    assert clock.now() == 5000.0


def test_a_virtual_clock_does_not_jump_while_something_runs():
    clock = VirtualClock(start=100.0)
    assert clock.sleep_seconds(5000.0, busy=True) is None
    assert clock.now() == 100.0


def test_a_hold_keeps_a_virtual_clock_from_jumping_until_it_is_released():
    clock, woken = VirtualClock(start=100.0), []

    def wake():
        woken.append(1)
        return lambda: None

    clock.subscribe(wake)
    one, other = clock.hold(), clock.hold()
    one()
    one()  # a second call does nothing
    assert clock.sleep_seconds(5000.0, busy=False) is None
    assert len(woken) == 1
    other()
    assert len(woken) == 2
    assert clock.sleep_seconds(5000.0, busy=False) == 0.0


def test_advance_steps_through_the_timers_on_the_way_even_while_something_runs():
    clock, seen = VirtualClock(start=0.0), []

    def wake():
        seen.extend(clock.now() for due in (10.0, 20.0, 70.0) if clock.sleep_seconds(due, busy=True) == 0.0)
        return lambda: None

    unsubscribe = clock.subscribe(wake)
    clock.advance(seconds=60)
    assert (seen, clock.now()) == ([10.0, 20.0], 60.0)
    unsubscribe()
    clock.advance(seconds=60)
    assert (seen, clock.now()) == ([10.0, 20.0], 120.0)


@pytest.mark.parametrize("seconds", [-1, -math.inf, math.nan])
def test_a_clock_cannot_be_moved_back(seconds):
    clock = VirtualClock(start=1.0)
    with pytest.raises(ValueError, match="cannot be moved back"):
        clock.advance(seconds)
    assert clock.now() == 1.0
