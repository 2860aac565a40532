import threading

import pytest

from mlflowsteps.local.scheduler.workers import WorkerPool


def test_a_pool_starts_no_thread_by_itself():
    assert WorkerPool(4, "test").threads == 0


def test_a_pool_needs_a_worker():
    with pytest.raises(ValueError, match="at least 1"):
        WorkerPool(0, "test")


def test_jobs_that_block_do_not_hold_up_others_until_the_limit():
    pool, gate, running = WorkerPool(3, "test"), threading.Event(), threading.Semaphore(0)
    for _ in range(5):
        pool.submit(lambda: (running.release(), gate.wait()))
    for _ in range(3):
        assert running.acquire(timeout=30)
    assert pool.threads == 3
    assert not running.acquire(blocking=False)  # the limit holds
    gate.set()
    for _ in range(2):
        assert running.acquire(timeout=30)
    pool.close()


def test_an_idle_thread_takes_the_next_job():
    pool, names = WorkerPool(8, "test"), []
    for _ in range(3):
        done = threading.Event()
        pool.submit(lambda done=done: (names.append(threading.current_thread().name), done.set()))
        assert done.wait(30)
        while pool._idle == 0:  # until the thread waits again
            pass
    assert len(set(names)) == 1
    pool.close()


def test_a_job_that_raises_costs_no_thread():
    pool, done = WorkerPool(1, "test"), threading.Event()

    def bad() -> None:
        raise SystemExit(3)

    pool.submit(bad)
    pool.submit(done.set)
    assert done.wait(30)
    pool.close()


def test_a_thread_without_work_ends():
    pool, ran = WorkerPool(2, "test", idle_seconds=0.01), []
    pool.submit(lambda: ran.append(threading.current_thread()))
    while not ran:
        pass
    ran[0].join(30)
    assert not ran[0].is_alive()
    assert pool.threads == 0


def test_a_closed_pool_drops_jobs():
    pool, ran = WorkerPool(2, "test"), []
    pool.close()
    pool.submit(lambda: ran.append(1))
    assert (pool.threads, ran) == (0, [])


def test_where_the_system_has_no_thread_left_the_job_waits_for_one(monkeypatch):
    pool, done = WorkerPool(4, "test"), threading.Event()

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        pool.submit(done.set)
    assert (pool.threads, done.is_set()) == (0, False)
    pool.submit(lambda: None)
    assert done.wait(30)
    pool.close()
