"""``LocalRuntime``: what a user opens, registers with, takes clients from and closes.

Owns the life of the parts and their order; each part's work is its own. Opening starts nothing. boto3 is loaded with
the first client.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from mlflowsteps.exceptions import RuntimeClosed, ServiceError
from mlflowsteps.local.active import activate, deactivate
from mlflowsteps.local.clock import Clock, SystemClock
from mlflowsteps.local.functions import Function, FunctionRegistry
from mlflowsteps.local.jobs.manager import JobManager, JobSeconds
from mlflowsteps.local.objects import ObjectStore
from mlflowsteps.local.quotas import Quotas
from mlflowsteps.local.records import Json, TaskHandler
from mlflowsteps.local.runtime.folder import Folder
from mlflowsteps.local.runtime.moto import MotoServer
from mlflowsteps.local.runtime.services import Players
from mlflowsteps.local.scheduler import Scheduler
from mlflowsteps.local.services.lambda_ import Lambda
from mlflowsteps.local.services.logs import Logs
from mlflowsteps.local.services.s3 import S3
from mlflowsteps.local.services.sagemaker import SageMaker
from mlflowsteps.local.services.sagemaker_runtime import SageMakerRuntime
from mlflowsteps.local.services.stepfunctions import ACTIVITIES, StepFunctions
from mlflowsteps.local.services.sts import Sts
from mlflowsteps.local.services.wire import boto_name
from mlflowsteps.local.store import Store
from mlflowsteps.local.tasks.activities import Activities
from mlflowsteps.local.tasks.handlers import IntegrationFunction, TaskHandlers
from mlflowsteps.local.tasks.http_tasks import HttpTask

if TYPE_CHECKING:
    from mlflowsteps.local.jobs.images.registry import ImageCommand
    from mlflowsteps.local.store import ExecutionRecord

__all__ = ["LocalRuntime", "runtime_of"]

_log = logging.getLogger(__name__)

_RESUMED_BY = frozenset({"stepfunctions", "sagemaker"})
"""Services whose first client takes up what an earlier process left."""


class LocalRuntime:
    """Step Functions, SageMaker, S3 and Lambda on this machine, spoken to through real boto3 clients.

    A folder keeps everything; one process at a time owns it. Opening starts nothing: interrupted executions go on when
    the first Step Functions client is made, so register functions and images before. Running a definition runs the code
    that it names, as you: jobs are hidden from your AWS settings, but not confined.

    Args:
        root: the folder; made where it is missing, with mode 0700.
        clock: what time it is; the system's where None, ``VirtualClock()`` skips waits.
        region: AWS region that clients and ARNs name.
        account_id: AWS account that ARNs name, 12 digits.
        clients: your own clients by boto3's service name, such as ``{"sns": boto3.client("sns")}``; tasks call them.
        aws: ``"moto"`` has Moto play every further service, in a server process on 127.0.0.1.
        max_jobs: most SageMaker jobs at a time; None: one for each core, at least 2.
        pass_environment: names of environment variables that jobs may see beyond an allow-list.
        install_requirements: install what the requirements.txt of a job's code asks for and this Python lacks, into a
            folder of the runtime, never into this Python; False: scripts run with what is there.
        job_seconds: under a VirtualClock, how many seconds a SageMaker job takes: a number, or a function of its
            request; None: no time passes while it runs.
        read_only: list, describe and read only; another process may own the folder.
        resume: take up interrupted executions with the first client; else only ``resume()`` does.
        quotas: quotas of Step Functions that differ from the service's, by name, such as ``{"history_events": 100}``;
            ``mlflowsteps.local.quotas.Quotas`` lists them.
        allowed_hosts: hosts, ``name`` or ``name:port``, that ``http:invoke`` may ask beside this machine.

    Raises:
        RuntimeBusy: another runtime has the folder open.
        ValueError: an argument is not valid, or the folder is no runtime's or a newer release's.

    >>> with LocalRuntime.temporary() as runtime:
    ...     runtime.client("s3").create_bucket(Bucket="bucket")["Location"]
    '/bucket'
    """

    def __init__(
        self,
        root: Path | str = "./.mlflowsteps",
        *,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account_id: str = "123456789012",
        clients: Mapping[str, Any] | None = None,
        aws: str | None = None,
        max_jobs: int | None = None,
        pass_environment: Iterable[str] = (),
        install_requirements: bool = True,
        job_seconds: JobSeconds | None = None,
        read_only: bool = False,
        resume: bool = True,
        quotas: Mapping[str, float] | None = None,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        _check_arguments(region, account_id, aws, max_jobs, clients or {}, pass_environment)
        if clock is not None and not hasattr(clock, "hold"):
            raise TypeError(f"clock must be a SystemClock() or a VirtualClock(), not {clock!r}.")
        self.root = Path(root).expanduser().resolve()
        self.region, self.account_id, self.read_only = region, account_id, read_only
        self.quotas = Quotas.of(quotas)
        self.allowed_hosts = tuple(allowed_hosts)
        self._temporary = False
        self._resume_first = resume and not read_only
        self._resumed = False
        self._lock = threading.RLock()
        self._state = "open"
        self._pid = os.getpid()
        moto = MotoServer(region=region, account_id=account_id) if aws else None
        self._folder = Folder(self.root, read_only=read_only)
        try:
            jobs = {
                "max_jobs": max_jobs,
                "pass_environment": tuple(pass_environment),
                "install_requirements": install_requirements,
                "job_seconds": job_seconds,
            }
            self._open(clock or SystemClock(), clients or {}, moto, jobs)
        except BaseException:
            self._folder.close()
            raise
        _open_runtimes.add(self)

    def _open(
        self,
        clock: Clock,
        clients: Mapping[str, Any],
        moto: MotoServer | None,
        jobs: Mapping[str, Any],
    ) -> None:
        where = {"region": self.region, "account_id": self.account_id}
        self.clock = clock
        self.store = Store(self.root / "store.sqlite", read_only=self.read_only)
        self.objects = ObjectStore(self.root / "s3", read_only=self.read_only)
        self.functions = FunctionRegistry(client=self.client, **where)
        self.jobs = JobManager(
            self.root,
            records=self.store.resources,
            objects=self.objects,
            clock=clock,
            region=self.region,
            account_id=self.account_id,
            **jobs,
        )
        played: dict[str, Callable[[], object]] = {
            "stepfunctions": lambda: StepFunctions(
                self.store, self.scheduler, clock, quotas=self.quotas, activities=self._activities, **where
            ),
            "sagemaker": lambda: SageMaker(self.jobs, self.store.tags),
            "sagemaker-runtime": lambda: SageMakerRuntime(self.jobs),
            "lambda": lambda: Lambda(self.functions),
            "s3": lambda: S3(self.objects, **where),
            "sts": lambda: Sts(account_id=self.account_id),
        }
        if moto is None:  # Moto's takes log events from users, too
            played["logs"] = lambda: Logs(self.jobs)
        self._players = Players(
            played, clients, moto, region=self.region, read_only=self.read_only, before=self._resume_before
        )
        watches = {"sagemaker": self._watch_job, "stepfunctions": self._watch_execution}
        self._activities = Activities(self._has_activity, workers=self.quotas.activity_pollers)
        others: dict[str, TaskHandler] = {
            "activity": self._activities,
            "http:invoke": HttpTask(self.allowed_hosts, self.region),
        }
        self._handlers = TaskHandlers(self._players, watches, others=others)
        self.scheduler = Scheduler(self.store, clock, self._handlers.handler_for, clients=self._players)

    @classmethod
    def temporary(cls, **arguments: Any) -> LocalRuntime:
        """A runtime in a folder of its own that is deleted when the runtime is closed.

        Args:
            arguments: as for LocalRuntime, but ``root``.
        """
        root = tempfile.mkdtemp(prefix="mlflowsteps-")
        try:
            runtime = cls(root, **arguments)
        except BaseException:
            shutil.rmtree(root, ignore_errors=True)
            raise
        runtime._temporary = True
        return runtime

    # Clients

    def client(self, name: str) -> Any:
        """A boto3 client: the runtime's own, the one given for this service, or Moto's.

        Args:
            name: boto3's name of the service, such as ``stepfunctions``, ``sagemaker``, ``s3`` or ``lambda``.

        Raises:
            ValueError: nothing plays this service.
            RuntimeClosed: the runtime was closed.
        """
        self._check_open()
        service = boto_name(name)
        played = self._players.find(service)
        if played is None:
            raise ValueError(self._players.missing(service))
        return played.client

    def session(self) -> Any:
        """A ``boto3.Session`` all of whose clients and resources this runtime answers."""
        self._check_open()
        return self._players.wire.session()

    def fail_next(self, service: str, operation: str, code: str, times: int = 1) -> None:
        """Have the next calls of an operation rejected, those that tasks make included.

        Args:
            service: boto3's name of the service.
            operation: the API's name of the operation, such as ``CreateTrainingJob``.
            code: error code to answer with, such as ``ThrottlingException``.
            times: how many calls, >= 1.

        Raises:
            ValueError: there is no such service or operation, or times is below 1.
        """
        self._check_open()
        if times < 1:
            raise ValueError(f"times is {times}; it must be at least 1.")
        found = self._players.wire.operation(boto_name(service), operation)
        self._players.wire.faults.add(service, found.name, code, times)

    # Registering

    def register_function(self, name: str, function: Function) -> None:
        """Have a Python callable answer ``arn:aws:lambda:*:*:function:<name>``.

        Args:
            name: the function's name, or an ARN with that name.
            function: called as ``function(event, context)`` on a thread of this process; it returns JSON.
        """
        self._check_open()
        self.functions.register(name, function)

    def register_integration(self, name: str, function: IntegrationFunction) -> None:
        """Have a Python callable answer an integration that the runtime does not play, or play it otherwise.

        Args:
            name: ``<service>:<action>``, such as ``sns:publish``, or ``aws-sdk:<service>:<action>``.
            function: called with the state's parameters; what it returns, JSON, is the task's output.
        """
        self._check_open()
        self._handlers.register(name, function)

    def register_image(self, pattern: str, command: ImageCommand) -> None:
        """Have a command run in place of a container image; the pattern registered last wins.

        Args:
            pattern: ``repository`` or ``repository:tag``, in which ``*`` stands for anything.
            command: the image's entry point as a list, or what gives one when called with the job's request.
        """
        self._check_open()
        self.jobs.images.register(pattern, command)

    # Life

    def resume(self) -> int:
        """Take up what an earlier process left: jobs in progress and executions that run.

        Returns:
            How many executions go on.
        """
        self._check_open()
        if self.read_only:
            raise RuntimeClosed(f"The runtime in {self.root} was opened with read_only=True; it runs nothing.")
        with self._lock:
            self._resumed = True
            self.jobs.resume()
            return self.scheduler.resume_all()

    def wait(self, execution_arn: str, timeout: float | None = None) -> str:
        """Block until an execution has ended; nothing is polled.

        Args:
            execution_arn: which.
            timeout: real seconds; None: as long as it takes.

        Returns:
            Its status; ``RUNNING`` where the time ran out first.

        Raises:
            KeyError: there is no such execution.
            RuntimeClosed: the runtime was closed, now or meanwhile.
        """
        self._check_open()
        return self.scheduler.wait(execution_arn, timeout).status

    def _resume_before(self, service: str) -> None:
        if service in _RESUMED_BY and self._resume_first and not self._resumed:
            with self._lock:
                if not self._resumed:
                    self._resumed = True
                    self.jobs.resume()
                    self.scheduler.resume_all()

    def activate(self) -> Self:
        """Make this the runtime whose clients are used where none is given, in every thread of this process."""
        self._check_open()
        activate(self)
        return self

    def deactivate(self) -> None:
        """Take back the latest ``activate``."""
        deactivate(self)

    def __enter__(self) -> Self:
        return self.activate()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.deactivate()
        self.close()

    def close(self, wait: bool = False) -> None:
        """Stop jobs and endpoints and let the folder go; closing twice does nothing more.

        Executions are left RUNNING: they go on when the folder is opened again.

        Args:
            wait: finish every execution first.
        """
        if self._pid != os.getpid():
            return  # in a fork of the process that owns the folder: nothing here is ours to stop
        if wait and self._state == "open":
            self.scheduler.close(wait=True)
        with self._lock:
            if self._state != "open":
                return
            self._state = "closing"
        self._activities.close()
        left = self.scheduler.close()
        try:
            if not self.read_only:
                self.jobs.close()
        finally:
            self._players.close()
            self.objects.close()
            self.store.close()
            self._folder.close()
            self._state = "closed"
            _open_runtimes.discard(self)
            deactivate(self)
        self._say_what_is_left(left)
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def _say_what_is_left(self, left: list[str]) -> None:
        if not left:
            return
        count = "1 execution is" if len(left) == 1 else f"{len(left)} executions are"
        if self._temporary:
            _log.warning("%s dropped with the temporary runtime in %s.", count, self.root)
        else:
            _log.warning(
                "%s left RUNNING in %s; LocalRuntime(%r) and its first Step Functions client go on with them.",
                count, self.root, str(self.root),
            )  # fmt: skip

    def _check_open(self) -> None:
        if self._state != "open":
            raise RuntimeClosed(
                f"The runtime in {self.root} was closed; open it again with LocalRuntime({str(self.root)!r})."
            )

    def __repr__(self) -> str:
        state = "read only" if self.read_only and self._state == "open" else self._state
        return f"<LocalRuntime {str(self.root)!r} ({state}, {self.region}, account {self.account_id})>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A LocalRuntime cannot be pickled or copied: it owns its folder. In another process, open the folder with "
            f"LocalRuntime({str(self.root)!r}, read_only=True) to read, or run what changes it in this process."
        )

    # Jobs and executions that tasks wait for

    def _has_activity(self, arn: str) -> bool:
        record = self.store.resources.get(ACTIVITIES, arn.rpartition(":")[2])
        return record is not None and record["arn"] == arn

    def _watch_job(self, name: str, callback: Callable[[Json], None]) -> None:
        operation, _, job = name.partition(":")
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", operation.removeprefix("Describe")).lower()
        self.jobs.watch(kind, job, callback)

    def _watch_execution(self, name: str, callback: Callable[[Json], None]) -> None:
        def ended(_: ExecutionRecord) -> None:
            # Off the engine's thread, which must not block: what follows asks the service and reports.
            threading.Thread(target=callback, args=({},), name="mlflowsteps-child", daemon=True).start()

        execution_arn = name.partition(":")[2]
        try:
            self.scheduler.watch(execution_arn, ended)
        except KeyError as error:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{execution_arn}'") from error


_open_runtimes: weakref.WeakSet[LocalRuntime] = weakref.WeakSet()


def runtime_of(client: object) -> LocalRuntime | None:
    """The open runtime that gave this Step Functions client; None where it is no runtime's."""
    return next((runtime for runtime in list(_open_runtimes) if runtime.client("stepfunctions") is client), None)


@atexit.register
def _close_all() -> None:
    for runtime in list(_open_runtimes):
        try:
            runtime.close()
        except Exception:  # noqa: BLE001 -- the others must be closed too
            _log.exception("Closing %r at exit failed", runtime)


def _check_arguments(
    region: str,
    account_id: str,
    aws: str | None,
    max_jobs: int | None,
    clients: Mapping[str, Any],
    pass_environment: Iterable[str],
) -> None:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise ValueError(f"region is {region!r}; write one such as 'us-east-1'.")
    if not re.fullmatch(r"\d{12}", account_id):
        raise ValueError(f"account_id is {account_id!r}; write 12 digits, such as '123456789012'.")
    if aws not in (None, "moto"):
        raise ValueError(f"aws is {aws!r}; it may be None or 'moto'. The runtime never calls AWS itself.")
    if max_jobs is not None and max_jobs < 1:
        raise ValueError(f"max_jobs is {max_jobs}; it must be at least 1.")
    if "stepfunctions" in clients:
        raise ValueError("clients has 'stepfunctions', which the runtime is there to play; leave it out.")
    if isinstance(pass_environment, str):
        raise TypeError(f"pass_environment is the text {pass_environment!r}; write a list of names.")
