"""The life of jobs: the queue, stopping, time-outs, closing, the death of the runtime's process, and going on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.clock import VirtualClock
from tests.local.jobs.conftest import BUCKET, SKLEARN, Bench, processing, tar_gz, training

OWN = "own"


def own(bench: Bench, source: str, *arguments: object) -> None:
    bench.manager.images.register(OWN, [sys.executable, "-c", source, *map(str, arguments)])


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def read_fifo(path: Path) -> str:
    """Wait, without sleeping, until a job has written."""
    with path.open() as file:
        return file.read()


def is_gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def wait_until(condition: Callable[[], bool], timeout: float = 20.0) -> None:
    """Poll for what only another process can tell."""
    deadline, pause = time.monotonic() + timeout, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.02)


RUNS = """
import signal, sys
print("before the signal", flush=True)
open("/opt/ml/model/partial", "w").write("half")
def end(number, frame):
    print("got SIGTERM", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open(sys.argv[1], "w").close()
while True:
    signal.pause()
"""


def test_a_stopped_job_gets_sigterm_and_its_model_is_kept(bench: Bench, tmp_path: Path) -> None:
    pipe = fifo(tmp_path / "runs")
    own(bench, RUNS, pipe)
    bench.manager.create("training-job", training("s", OWN))
    read_fifo(pipe)
    bench.manager.stop("training-job", "s")
    assert bench.manager.describe("training-job", "s")["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = bench.wait("training-job", "s")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "got SIGTERM" in bench.log("training-job", "s")
    assert "models/s/output/model.tar.gz" in bench.all_keys()
    with pytest.raises(ServiceError, match="is in status Stopped"):
        bench.manager.stop("training-job", "s")


def test_a_job_that_does_not_heed_sigterm_is_killed_after_the_grace(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(stop_grace_seconds=0.2)
    pipe = fifo(tmp_path / "runs")
    own(
        bench,
        "import signal as s, sys\ns.signal(15, s.SIG_IGN)\nopen(sys.argv[1], 'w').close()\nwhile 1: s.pause()",
        pipe,
    )
    bench.manager.create("training-job", training("s", OWN))
    read_fifo(pipe)
    bench.manager.stop("training-job", "s")
    assert bench.wait("training-job", "s")["TrainingJobStatus"] == "Stopped"


def test_a_job_that_runs_too_long_ends_stopped_as_max_runtime_exceeded(bench: Bench, tmp_path: Path) -> None:
    own(bench, "import signal; print('runs', flush=True); signal.pause()")
    job = bench.run("training-job", training("m", OWN, StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")

    bench.put("code/job.py", "import signal; signal.pause()")
    job = bench.run("processing-job", processing("m", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "ran longer than 1 seconds" in job["FailureReason"]


def test_what_a_job_leaves_running_dies_with_it(bench: Bench, tmp_path: Path) -> None:
    source = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print('PID', child.pid)"
    )
    own(bench, source)
    assert bench.run("training-job", training("c", OWN))["TrainingJobStatus"] == "Completed"
    pid = int(bench.log("training-job", "c").split("PID ")[1].split()[0])
    wait_until(lambda: is_gone(pid))


def test_no_more_jobs_than_allowed_run_at_a_time_and_the_others_wait_in_line(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(max_jobs=1)
    pipes = [fifo(tmp_path / name) for name in "ab"]
    source = "import os, sys\nname = os.environ['TRAINING_JOB_NAME']\nprint(open(f'{sys.argv[1]}/{name}').read())"
    own(bench, source, tmp_path)
    for name in ("a", "b", "c"):
        bench.manager.create("training-job", training(name, OWN))
    bench.manager.stop("training-job", "c")
    assert bench.manager.describe("training-job", "c")["TrainingJobStatus"] == "Stopped"
    with pipes[0].open("w"):  # opens once a reads
        assert bench.manager.describe("training-job", "b")["SecondaryStatus"] == "Starting"
        assert not bench.manager.log_path("training-job", "b").exists()
    bench.wait("training-job", "a")
    with pipes[1].open("w"):
        pass
    assert bench.wait("training-job", "b")["TrainingJobStatus"] == "Completed"


def test_closing_ends_the_processes_and_leaves_the_jobs_to_start_again(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    pipe = fifo(tmp_path / "runs")
    first = make_bench(close_grace_seconds=0.2, max_jobs=1)
    own(first, "import os, sys, signal\nopen(sys.argv[1], 'w').write(str(os.getpid()))\nsignal.pause()", pipe)
    for name in ("running", "waiting"):
        first.manager.create("training-job", training(name, OWN))
    pid = int(read_fifo(pipe))
    first.close()
    assert is_gone(pid)
    with pytest.raises(ServiceError, match="closed"):
        first.manager.create("training-job", training("late", OWN))

    second = make_bench()
    assert [job["TrainingJobStatus"] for job in second.manager.list("training-job")] == ["InProgress"] * 2
    own(second, "print('second attempt')")
    second.manager.resume()
    second.manager.resume()
    for name in ("running", "waiting"):
        job = second.wait("training-job", name)
        assert job["TrainingJobStatus"] == "Completed"
        assert [row["Status"] for row in job["SecondaryStatusTransitions"]].count("Starting") == 1
    assert "second attempt" in second.log("training-job", "running")
    assert (second.root / "jobs/training-job/running/log.1.txt").exists()


OWNER = """
import os, signal, sys
from pathlib import Path
from tests.local.jobs.conftest import Bench, training
bench = Bench(Path(sys.argv[1]), path_mode=sys.argv[3])
source = '''
import os, signal, subprocess, sys
pause = [sys.executable, "-c", "import signal; signal.pause()"]
child, away = (subprocess.Popen(pause, start_new_session=alone) for alone in (False, True))
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid} {away.pid} {os.environ['TMPDIR']}")
signal.pause()
'''
bench.manager.images.register("own", [sys.executable, "-c", source, sys.argv[2]])
bench.manager.create("training-job", training("orphan", "own"))
signal.pause()
"""


def killed_owner(folder: Path, mode: str) -> tuple[int, int, int, Path]:
    """A runtime that was killed while a job ran: pids of the job and of its children, and the job's TMPDIR."""
    pipe, root = fifo(folder / "runs"), folder / "runtime"
    repository = Path(__file__).resolve().parents[3]
    owner = subprocess.Popen([sys.executable, "-c", OWNER, root, pipe, mode], cwd=repository)
    leader, child, away, scratch = read_fifo(pipe).split()
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    wait_until(lambda: is_gone(int(leader)))
    return int(leader), int(child), int(away), Path(scratch)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
@pytest.mark.parametrize("mode", ["namespace", "rewritten"])
def test_jobs_die_with_a_killed_runtime_and_start_again_when_it_is_opened(
    make_bench: Callable[..., Bench], tmp_path: Path, mode: str
) -> None:
    _, grandchild, _, _ = killed_owner(tmp_path, mode)
    bench = make_bench()
    own(bench, "print('again')")
    bench.manager.resume()
    job = bench.wait("training-job", "orphan")
    wait_until(lambda: is_gone(grandchild))  # the kernel tells only the leader; resume finds its group
    assert job["TrainingJobStatus"] == "Completed"
    assert "again" in bench.log("training-job", "orphan")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_job_of_a_killed_runtime_leaves_nothing_where_it_is_stopped_instead_of_started_again(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60)  # TMPDIR is a link in the machine's temporary folder
    deep.mkdir()
    _, grandchild, away, scratch = killed_owner(deep, "namespace")
    assert not is_gone(grandchild)
    assert not is_gone(away)
    assert not scratch.is_relative_to(deep)

    again = Bench(deep / "runtime")
    try:
        again.manager.stop("training-job", "orphan")
        wait_until(lambda: is_gone(grandchild) and is_gone(away))
        assert not scratch.parent.exists()
        assert again.manager.describe("training-job", "orphan")["TrainingJobStatus"] == "Stopped"
    finally:
        again.close()


def test_a_script_dies_with_its_killed_job(bench: Bench, tmp_path: Path) -> None:
    pipe = fifo(tmp_path / "runs")
    script = f"import os, signal\nopen({str(pipe)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    bench.put("source.tar.gz", tar_gz({"train.py": script}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"}
    bench.manager.create("training-job", training("s", SKLEARN, HyperParameters=parameters))
    pid = int(read_fifo(pipe))
    bench.manager.stop("training-job", "s")

    assert bench.wait("training-job", "s")["TrainingJobStatus"] == "Stopped"
    assert is_gone(pid)


def test_a_watcher_is_called_once_also_when_it_comes_late(bench: Bench) -> None:
    own(bench, "print(1)")
    bench.run("training-job", training("w", OWN))
    calls: list[str] = []
    bench.manager.watch("training-job", "w", lambda job: calls.append(job["TrainingJobStatus"]))
    assert calls == ["Completed"]


def test_what_does_not_exist_cannot_be_described_stopped_or_watched(bench: Bench) -> None:
    for call in (bench.manager.describe, bench.manager.stop, bench.manager.delete):
        with pytest.raises(ServiceError, match="Could not find requested training job with name: absent"):
            call("training-job", "absent")
    with pytest.raises(ServiceError, match="Could not find requested processing job"):
        bench.manager.watch("processing-job", "absent", print)


def test_an_ended_jobs_record_and_folder_can_be_deleted(bench: Bench) -> None:
    own(bench, "print(1)")
    bench.run("training-job", training("gone", OWN))
    folder = bench.manager.log_path("training-job", "gone").parent
    assert folder.is_dir()
    bench.manager.delete("training-job", "gone")
    assert not folder.exists()
    assert bench.manager.list("training-job") == []


def test_jobs_are_listed_newest_first(bench: Bench) -> None:
    own(bench, "print(1)")
    for name in ("a", "b", "c"):
        bench.run("training-job", training(name, OWN))
    assert [job["TrainingJobName"] for job in bench.manager.list("training-job")] == ["c", "b", "a"]


def test_virtual_time_stands_still_while_a_job_runs_and_goes_on_after_it(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    clock = VirtualClock(start=1000.0)
    bench = make_bench(clock=clock)
    pipe = fifo(tmp_path / "go")
    own(bench, "import sys; open(sys.argv[1]).read()", pipe)
    bench.manager.create("training-job", training("t", OWN))
    assert clock.sleep_seconds(2000.0, busy=False) is None
    with pipe.open("w"):
        pass
    bench.wait("training-job", "t")
    wait_until(lambda: clock.sleep_seconds(2000.0, busy=False) == 0.0)
    assert clock.now() == 2000.0


def test_a_failed_or_withdrawn_job_lets_virtual_time_go_on(make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    clock = VirtualClock(start=1000.0)
    bench = make_bench(clock=clock, max_jobs=1)
    pipe = fifo(tmp_path / "go")
    own(bench, "import sys; open(sys.argv[1]).read(); sys.exit(1)", pipe)
    for name in ("runs", "waits"):
        bench.manager.create("training-job", training(name, OWN))
    bench.manager.stop("training-job", "waits")
    assert clock.sleep_seconds(2000.0, busy=False) is None
    with pipe.open("w"):
        pass
    assert bench.wait("training-job", "runs")["TrainingJobStatus"] == "Failed"
    wait_until(lambda: clock.sleep_seconds(2000.0, busy=False) == 0.0)


@pytest.mark.parametrize("seconds", [90.0, lambda request: 30.0 * len(request["TrainingJobName"])])
def test_under_virtual_time_a_job_takes_as_long_as_it_is_said_to(
    make_bench: Callable[..., Bench], seconds: object
) -> None:
    clock = VirtualClock(start=1000.0)
    bench = make_bench(clock=clock, job_seconds=seconds)
    own(bench, "")
    job = bench.run("training-job", training("abc", OWN))
    assert (job["CreationTime"], job["TrainingEndTime"]) == (1000.0, 1090.0)


def test_sockets_fit_into_a_jobs_temporary_folder_however_deep_the_runtime_lies(tmp_path: Path) -> None:
    deep = Bench(tmp_path / ("d" * 60) / ("e" * 60))
    source = (
        "import os, socket, tempfile\n"
        "place = os.path.join(tempfile.mkdtemp(prefix='pymp-'), 'listener-abcdefgh')\n"
        "socket.socket(socket.AF_UNIX).bind(place)\n"
        "print('TMP', os.environ['TMPDIR'])\n"
    )
    own(deep, source)
    try:
        job = deep.run("training-job", training("t", OWN))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        short = deep.log("training-job", "t").split("TMP ")[1].split()[0]
        assert not Path(short).parent.exists()
    finally:
        deep.close()
