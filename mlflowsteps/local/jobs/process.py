"""Child processes: starting them through the launcher, waiting for several at once, stopping them, and killing orphans.

A process leads a session and process group of its own: signals go to the whole group, and what is left of the group
when its leader ends is killed, as a container dies with its first process. The thread that starts a process must live
as long as the process: Linux tells the child of the death of that thread, not of the whole runtime.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlflowsteps.local.jobs.environment import MARKER
from mlflowsteps.local.jobs.failures import JobAbandoned, JobStopped
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.pathmode import LAUNCHER

__all__ = ["Command", "Control", "Ending", "JobProcess", "end_left", "kill_marked"]

_KILL_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    Args:
        argv: program and arguments; no shell reads them.
        environment: the whole of it.
        cwd: folder to start in, as the job sees it.
        log: file that stdout and stderr are added to.
        opt_ml: folder to show as /opt/ml; None: none (path mode ``rewritten``).
        hosts: file to show as /etc/hosts; None: none.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: str
    log: Path
    opt_ml: Path | None = None
    hosts: Path | None = None


class JobProcess:
    """A child, which waits for ``release``; must be made by a thread that outlives it.

    Args:
        command: what to start.
        on_exit: called on a thread of its own once the process has ended and its group was killed.
    """

    def __init__(self, command: Command, on_exit: Callable[[], None]) -> None:
        head = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), command.cwd]
        places = [str(command.opt_ml or "-"), str(command.hosts or "-")]
        with command.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - running what the definition names is the point
                [*head, *places, "--", *command.argv],
                env=dict(command.environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._child.pid
        self.returncode: int | None = None
        self._on_exit = on_exit
        self._lock = threading.Lock()
        threading.Thread(target=self._reap, name=f"reaper-{self.pid}", daemon=True).start()

    def _reap(self) -> None:
        if hasattr(os, "waitid"):
            # Not reaped yet: the process group's id cannot have been given to another while it is killed.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS before Python 3.13
            self._child.wait()
        with self._lock:
            self._signal(signal.SIGKILL)
            self.returncode = self._child.wait()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):  # never released, and what was to be written has no reader
                self._child.stdin.close()
        self._on_exit()

    def release(self) -> None:
        """Let it begin: it has been written down."""
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError), self._child.stdin as pipe:  # it has ended already
                pipe.write(b"g")

    def signal(self, number: int) -> None:
        """Send a signal to the process group; nothing happens where it has ended."""
        if self._lock.acquire(timeout=1.0):
            try:
                if self.returncode is None:
                    self._signal(number)
            finally:
                self._lock.release()

    def _signal(self, number: int) -> None:
        # PermissionError: macOS answers so for a group of zombies
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


@dataclass(frozen=True, slots=True)
class Ending:
    """How processes ended.

    Args:
        codes: exit codes in the order of the commands; negative: the signal that killed it.
        stopped: None where they ended by themselves, else ``Stopped`` or ``MaxRuntimeExceeded``.
    """

    codes: list[int]
    stopped: str | None = None

    @property
    def code(self) -> int:
        """The first exit code that is not 0, else 0."""
        return next((code for code in self.codes if code), 0)


@dataclass(eq=False)
class Control:
    """What other threads may ask of a job, and the waiting for its processes.

    Args:
        stop_grace_seconds: between SIGTERM and SIGKILL when the job is stopped or runs too long.
        close_grace_seconds: the same when the runtime closes.
    """

    stop_grace_seconds: float = 120.0
    close_grace_seconds: float = 5.0
    stopping: bool = False
    closing: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def stop(self) -> None:
        """Ask for the job's end."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def close(self) -> None:
        """Ask for the processes' end, because the runtime closes: the job itself is to go on another time."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()

    def check(self) -> None:
        """Called between pieces of work.

        Raises:
            JobAbandoned: the runtime is closing.
            JobStopped: the job is to stop.
        """
        if self.closing:
            raise JobAbandoned
        if self.stopping:
            raise JobStopped

    def start(self, commands: Sequence[Command], record: Path) -> list[JobProcess]:
        """Start processes whose end wakes those who wait here.

        Args:
            commands: what to start.
            record: file that tells ``end_left`` of them; written before any of them begins.
        """
        processes: list[JobProcess] = []
        try:
            for command in commands:
                processes.append(JobProcess(command, self._wake))  # noqa: PERF401 - those made so far must be ended
            _remember(record, processes)
        except BaseException:
            self.terminate(processes, 0.0)
            raise
        for process in processes:
            process.release()
        return processes

    def _wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def wait(
        self,
        processes: Sequence[JobProcess],
        *,
        max_runtime_seconds: float,
        tick: Callable[[], None] | None = None,
        tick_seconds: float = 2.0,
    ) -> Ending:
        """Wait until all have ended, one has failed, or their end is asked for.

        Args:
            processes: the job's processes; the others are stopped where one fails.
            max_runtime_seconds: after this long they are stopped.
            tick: called about every ``tick_seconds`` while they run, such as to upload what is new.
            tick_seconds: how often, > 0.

        Raises:
            JobAbandoned: the runtime closes; the processes have ended.
        """
        deadline = time.monotonic() + max_runtime_seconds
        while True:
            with self.changed:
                timeout = min(deadline - time.monotonic(), tick_seconds if tick else deadline)
                self.changed.wait_for(lambda: self._over(processes), timeout=max(0.0, min(timeout, 86400.0)))
            if self._over(processes) or time.monotonic() >= deadline:
                break
            if tick:
                tick()
        return self._end(processes)

    def _over(self, processes: Sequence[JobProcess]) -> bool:
        codes = [process.returncode for process in processes]
        return self.stopping or self.closing or None not in codes or any(codes)

    def _end(self, processes: Sequence[JobProcess]) -> Ending:
        codes = [process.returncode for process in processes]
        by_itself = None not in codes or any(codes)
        stopped = None if by_itself else "Stopped" if self.stopping else "MaxRuntimeExceeded"
        self.terminate(processes, self.stop_grace_seconds)
        if self.closing:
            raise JobAbandoned
        return Ending([process.returncode or 0 for process in processes], stopped)

    def terminate(self, processes: Sequence[JobProcess], grace_seconds: float) -> None:
        """SIGTERM, the grace, SIGKILL; returns when all have ended."""
        begun = time.monotonic()
        for process in processes:
            process.signal(signal.SIGTERM)
        with self.changed:
            while any(process.returncode is None for process in processes):
                grace = min(grace_seconds, self.close_grace_seconds) if self.closing else grace_seconds
                left = begun + grace - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(min(left, 1.0))
        for process in processes:
            process.signal(signal.SIGKILL)
        with self.changed:
            self.changed.wait_for(lambda: all(process.returncode is not None for process in processes), timeout=60)


def _remember(path: Path, processes: Sequence[JobProcess]) -> None:
    """Write down who runs, so that orphans can be told after a crash."""
    rows = [{"pid": process.pid, "started": _started(process.pid)} for process in processes]
    path.write_text(json.dumps(rows), encoding="utf-8")


def end_left(folder: Path) -> None:
    """End what a runtime that died has left of a job or an endpoint: processes, and files outside of its folder.

    Args:
        folder: of the job or the endpoint; of its containers, which have folders in it, as well.
    """
    for top, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith("opt-ml") and name not in ("home", "tmp")]
        place = JobFolder(Path(top))
        if place.processes.name in files:
            _kill_orphans(place.processes)
            kill_marked(place.path)
        place.tidy()


def _kill_orphans(path: Path) -> int:
    """Kill what still runs of the processes written down in ``path`` by a runtime that died.

    Returns:
        How many process groups got SIGKILL.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        pids = [(int(row["pid"]), row["started"]) for row in rows]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return 0
    killed = 0
    for pid, started in pids:
        ours = started is not None and _started(pid) == started
        if ours or _has_marked_member(pid, path.parent):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
                killed += 1
    path.unlink(missing_ok=True)
    return killed


def _started(pid: int) -> str | None:
    """When a process began, as text that differs for two processes of one pid; None where there is none."""
    stat = _stat_of(pid)
    if stat is not None:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{stat[19]}"
    if Path("/proc/self/stat").exists():
        return None
    command = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    return found.stdout.strip() or None


def _stat_of(pid: int | str) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on; None where they cannot be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return None


def _has_marked_member(group: int, folder: Path) -> bool:
    """Whether a process of this group, whose leader may be gone, carries the job folder's mark."""
    return any(stat[2] == str(group) for _, stat in _marked(folder))


def _marked(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Pid and stat of the processes that carry a job folder's mark."""
    mark = f"{MARKER}={folder}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0") and (stat := _stat_of(entry.name)):
                yield int(entry.name), stat


def kill_marked(folder: Path) -> int:
    """Kill what a job has left running in sessions of its own: a container dies as a whole. Linux only.

    Args:
        folder: the job's folder, all of whose own processes have ended.

    Returns:
        How many processes got SIGKILL.
    """
    killed: set[int] = set()
    for _ in range(_KILL_ROUNDS):  # one that forks meanwhile is found by the next look, as is one that still dies
        found = [pid for pid, stat in _marked(folder) if stat[0] not in "ZX"]
        if not found:
            break
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    return len(killed)
