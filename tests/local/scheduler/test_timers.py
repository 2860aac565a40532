from mlflowsteps.local.scheduler.timers import Timers


def test_timers_come_by_due_time_then_run_then_number():
    timers = Timers()
    for run, number, due in [(2, 1, 5.0), (1, 9, 5.0), (1, 2, 5.0), (3, 1, 4.0), (1, 1, 6.0)]:
        timers.set(run, number, due)
    assert timers.first() == 4.0
    assert timers.pop_due(10.0) == [(4.0, 3, 1)]
    assert timers.pop_due(10.0) == [(5.0, 1, 2), (5.0, 1, 9), (5.0, 2, 1)]
    assert timers.pop_due(5.5) == []
    assert len(timers) == 1


def test_a_cancelled_timer_does_not_come():
    timers = Timers()
    timers.set(1, 1, 5.0)
    timers.set(1, 2, 6.0)
    timers.cancel(1, 1)
    timers.cancel(1, 7)
    assert timers.first() == 6.0


def test_a_timer_set_again_comes_at_its_new_time_only():
    timers = Timers()
    timers.set(1, 1, 5.0)
    timers.set(1, 1, 9.0)
    assert timers.pop_due(8.0) == []
    assert timers.pop_due(9.0) == [(9.0, 1, 1)]
    assert timers.first() is None


def test_cancelled_timers_take_no_room():
    timers = Timers()
    for number in range(10_000):
        timers.set(1, number, 1e9)
        timers.cancel(1, number)
    assert len(timers._heap) < 100
