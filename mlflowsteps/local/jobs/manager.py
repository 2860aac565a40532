"""The jobs, models and endpoints of a runtime: created, described, listed, stopped, watched, resumed.

Owns the records of these kinds and who works on what. What a job does stands in the module of its kind; requests come
here already checked against botocore's model. Opening a manager starts nothing: jobs begin when they are created, or by
``resume``.
"""

from __future__ import annotations

import copy
import os
import shutil
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.clock import Clock, VirtualClock
from mlflowsteps.local.jobs import models, processing, training, transform
from mlflowsteps.local.jobs.async_inference import AsyncInvocations
from mlflowsteps.local.jobs.container import Record, Services
from mlflowsteps.local.jobs.dispatch import Dispatcher
from mlflowsteps.local.jobs.endpoints import VARIANT_PROPERTIES, Endpoints, InvokeResult, describe_endpoint
from mlflowsteps.local.jobs.failures import JobAbandoned, JobFailure, JobStopped
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.images.builtin import BUILTIN
from mlflowsteps.local.jobs.images.registry import ImageRegistry
from mlflowsteps.local.jobs.job import LOCAL_KEY, Job
from mlflowsteps.local.jobs.kinds import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    JOB_KINDS,
    KINDS,
    MODEL,
    PROCESSING,
    TRAINING,
    TRANSFORM,
    TUNING,
    Kind,
)
from mlflowsteps.local.jobs.model_registry import ModelRegistry
from mlflowsteps.local.jobs.pathmode import NAMESPACE, REWRITTEN, namespaces_work
from mlflowsteps.local.jobs.process import Control, end_left
from mlflowsteps.local.jobs.tuning import requests as tuning_requests
from mlflowsteps.local.jobs.tuning import tuner
from mlflowsteps.local.jobs.unplayed import refuse_unplayed
from mlflowsteps.local.jobs.validation import check_request
from mlflowsteps.local.objects import ObjectStore
from mlflowsteps.local.store import Resources

__all__ = ["InvokeResult", "JobManager", "JobSeconds", "Watcher"]

Watcher = Callable[[Record], None]
JobSeconds: TypeAlias = float | Callable[[Record], float]
"""Virtual seconds of a job, or what tells them of its Create* request."""

_DESCRIBE: dict[str, Callable[[Record], Record]] = {
    TRAINING: training.describe,
    PROCESSING: processing.describe,
    TRANSFORM: transform.describe,
    TUNING: tuning_requests.describe,
    MODEL: models.describe_model,
    ENDPOINT_CONFIG: models.describe_endpoint_config,
    ENDPOINT: describe_endpoint,
}
_MOST_TUNING_JOBS = 1000  # they wait for training jobs, and must not take the places of those


class JobManager:
    """Runs training, processing and transform jobs and endpoints as child processes.

    Args:
        root: the runtime's folder; jobs have theirs in ``<root>/jobs/<kind>/<name>``.
        records: where descriptions are kept.
        objects: the S3 store.
        clock: tells the times of descriptions.
        region: in ARNs, and the jobs' AWS_REGION.
        account_id: in ARNs.
        max_jobs: most jobs at a time; None: one for each core, at least 2. Endpoints do not count.
        pass_environment: names of variables of this process that jobs may see beyond the allow-list.
        path_mode: ``namespace`` or ``rewritten``; None: the first where a probe shows that it works.
        stop_grace_seconds: between SIGTERM and SIGKILL of a job that is stopped; 120 on AWS.
        close_grace_seconds: the same for ``close``.
        install_requirements: install what a script's requirements.txt asks for and the running Python lacks, into
            ``<root>/packages/<hash>``, never into the running Python; False: scripts run with what is there.
        job_seconds: under a virtual clock, how long a job takes from its creation, at least; None: no time.
    """

    def __init__(
        self,
        root: Path,
        *,
        records: Resources,
        objects: ObjectStore,
        clock: Clock,
        region: str = "us-east-1",
        account_id: str = "123456789012",
        max_jobs: int | None = None,
        pass_environment: Sequence[str] = (),
        path_mode: str | None = None,
        stop_grace_seconds: float = 120.0,
        close_grace_seconds: float = 5.0,
        install_requirements: bool = True,
        job_seconds: JobSeconds | None = None,
    ) -> None:
        if path_mode not in (None, NAMESPACE, REWRITTEN):
            raise ValueError(f"path_mode is {path_mode!r}; it must be {NAMESPACE!r}, {REWRITTEN!r} or None")
        self.root = Path(root).absolute()
        self.images = ImageRegistry(BUILTIN)
        self._records, self._objects, self._clock = records, objects, clock
        self._region, self._account_id = region, account_id
        self._pass_environment, self._path_mode = tuple(pass_environment), path_mode
        self._graces = (stop_grace_seconds, close_grace_seconds)
        self._job_seconds = job_seconds
        self._packages = self.root / "packages" if install_requirements else None
        self._lock = threading.RLock()
        self._live: dict[tuple[str, str], Job] = {}
        self._watchers: dict[tuple[str, str], list[Watcher]] = {}
        self._holds: dict[tuple[str, str], Callable[[], None]] = {}
        self._closed = False
        limit = max_jobs if max_jobs is not None else max(2, os.cpu_count() or 2)
        self.registry = ModelRegistry(records, clock, region=region, account_id=account_id)
        self._works: dict[str, Callable[[Job], None]] = {
            TRAINING: training.run,
            PROCESSING: processing.run,
            TRANSFORM: lambda job: transform.run(job, self._get(KINDS[MODEL], job.request["ModelName"])["Request"]),
            TUNING: lambda job: tuner.run(job, self),
        }
        self._dispatcher = Dispatcher(max(1, limit), self._work)
        self._tuning_dispatcher = Dispatcher(_MOST_TUNING_JOBS, self._work)
        self._endpoints = Endpoints(self._endpoint_folder, self._services, self._record_of, self._save, self._graces)
        self._asynchronous = AsyncInvocations(
            self._services,
            self._async_config,
            lambda name, body, headers, seconds: self._endpoints.invoke(name, body, headers, timeout_seconds=seconds),
            lambda name, text: self._endpoint_folder(name).note(text),
        )

    # -- creating ------------------------------------------------------------------------------------------------

    def create(self, kind: str, request: Record, *, origin: str | None = None, facts: Record | None = None) -> str:
        """Create a resource and begin its work.

        Args:
            kind: ``training-job``, ``processing-job``, ``transform-job``, ``model``, ``endpoint-config`` or
                ``endpoint``.
            request: the Create* request; it is copied.
            origin: who asks, such as the id of a task; the same one asking again, after a crash, gets the ARN that it
                got before.
            facts: members of the description that the request does not hold, such as TuningJobArn.

        Returns:
            The ARN.

        Raises:
            ServiceError: the request is not valid, names what does not exist, or its name is taken by another origin.
        """
        which = KINDS[kind]
        self._refuse_if_closed()
        check_request(which, request)
        name = str(request[which.name_key])
        arn = which.arn(self._region, self._account_id, name)
        if self._taken(which, name, origin, arn):
            return arn
        self._check_references(which, request)
        kept = self._with_packages(request) if kind == MODEL else copy.deepcopy(request)
        record = self._new_record(which, kept, name, arn, origin)
        record["Description"] |= facts or {}
        with self._lock:  # resume and stop see a job only once it is in line
            if not self._records.insert(kind, name.lower(), record):
                self._taken(which, name, origin, arn)
                return arn
            if kind in JOB_KINDS:
                self._submit(which, record)
        if kind == ENDPOINT:
            self._hold(kind, name)
            self._endpoints.deploy(name)
        return arn

    def _hold(self, kind: str, name: str) -> None:
        """Have virtual time stand still until the resource has come to its end: its work takes real time."""
        with self._lock:
            if (kind, name.lower()) not in self._holds:
                self._holds[kind, name.lower()] = self._clock.hold()

    def _release(self, kind: str, name: str) -> None:
        with self._lock:
            release = self._holds.pop((kind, name.lower()), None)
        if release is not None:
            release()

    def _with_packages(self, request: Record) -> Record:
        """A model's request in which packages of the registry stand as their containers."""
        found = copy.deepcopy(request)
        given = [found.pop("PrimaryContainer")] if "PrimaryContainer" in found else found.pop("Containers")
        containers = [made for container in given for made in self.registry.containers_of(container)]
        single = "PrimaryContainer" in request and len(containers) == 1
        return found | ({"PrimaryContainer": containers[0]} if single else {"Containers": containers})

    def _taken(self, kind: Kind, name: str, origin: str | None, arn: str) -> bool:
        """True where the same origin made it before; an error where another did."""
        known = self._records.get(kind.name, name.lower())
        if known is None:
            return False
        if origin is not None and known.get("Origin") == origin:
            return True
        raise kind.taken(arn)

    def _check_references(self, kind: Kind, request: Record) -> None:
        wanted: list[tuple[str, str]] = []
        if kind.name == TRANSFORM:
            wanted.append((MODEL, request["ModelName"]))
        elif kind.name == ENDPOINT_CONFIG:
            for key in ("ProductionVariants", "ShadowProductionVariants"):
                wanted += [(MODEL, variant["ModelName"]) for variant in request.get(key) or ()]
        elif kind.name == ENDPOINT:
            wanted.append((ENDPOINT_CONFIG, request["EndpointConfigName"]))
        elif kind.name == TUNING:
            self._check_parents(request)
        for other, name in wanted:
            self._get(KINDS[other], name)

    def _check_parents(self, request: Record) -> None:
        """The parents of a warm start must be there, and have ended."""
        for parent in (request.get("WarmStartConfig") or {}).get("ParentHyperParameterTuningJobs") or ():
            name = parent["HyperParameterTuningJobName"]
            if self.describe(TUNING, name)["HyperParameterTuningJobStatus"] not in KINDS[TUNING].terminal:
                raise ServiceError("ValidationException", f"WarmStartConfig: the parent {name} has not ended yet.")

    def _new_record(self, kind: Kind, request: Record, name: str, arn: str, origin: str | None) -> Record:
        now = self._clock.now()
        description: Record = {kind.name_key: name, kind.arn_key: arn, "CreationTime": now}
        description |= _DESCRIBE[kind.name](request)
        if kind.name in JOB_KINDS:
            description[kind.status_key] = "InProgress"
            description["LastModifiedTime"] = now
            if kind.name == TRANSFORM:
                del description["LastModifiedTime"]  # DescribeTransformJob has none
        elif kind.name == ENDPOINT:
            description |= {kind.status_key: "Creating", "LastModifiedTime": now}
        if kind.name in JOB_KINDS or kind.name == ENDPOINT:
            folder = self._folder(kind.name, name)
            description[LOCAL_KEY] = {
                "LogFile": str(folder.log),
                "Folder": str(folder.path),
                "PathMode": self._services().mode,
            }
        return {"Request": request, "Origin": origin, "Description": description}

    # -- reading -------------------------------------------------------------------------------------------------

    def describe(self, kind: str, name: str) -> Record:
        """The Describe* response.

        Returns:
            The API's members, times as epoch seconds; of jobs and endpoints also ``LocalRun`` (LogFile, Folder,
            PathMode), which is not the API's.

        Raises:
            ServiceError: there is none of this name.
        """
        found: Record = self._get(KINDS[kind], name)["Description"]
        return found

    def list(self, kind: str) -> list[Record]:
        """The descriptions of all resources of a kind, newest first."""
        return [record["Description"] for record in reversed(self._records.list(kind))]

    def log_path(self, kind: str, name: str) -> Path:
        """The log file of a job or endpoint; it exists once its work has begun."""
        return self._folder(kind, name).log

    def trials(self, name: str) -> tuple[Record, Sequence[Record]]:
        """The request of a tuning job, and its trials as they are stored (see ``tuning.trials``)."""
        record = self._get(KINDS[TUNING], name)
        return record["Request"], record.get(tuner.TRIALS, [])

    def tuned_jobs(self, name: str) -> Sequence[Record]:
        """What ListTrainingJobsForHyperParameterTuningJob says of each training job, in the order of their beginning.

        Raises:
            ServiceError: there is no tuning job of this name.
        """
        return tuner.summaries(self, name)

    def _get(self, kind: Kind, name: str) -> Record:
        found = self._records.get(kind.name, str(name).lower())
        if found is None or found["Description"][kind.name_key] != name:
            raise kind.missing(name, kind.arn(self._region, self._account_id, str(name)))
        return found

    def watch(self, kind: str, name: str, callback: Watcher) -> None:
        """Call ``callback(description)`` once, when the resource has come to its end.

        Jobs end Completed, Failed or Stopped, endpoints are watched until InService or Failed, models are at once. The
        call comes from any thread; from this one where the end was reached before.

        Raises:
            ServiceError: there is none of this name.
        """
        which = KINDS[kind]
        with self._lock:
            description = self.describe(kind, name)
            over = not which.terminal or description[which.status_key] in which.terminal
            if not over:
                self._watchers.setdefault((kind, name.lower()), []).append(callback)
        if over:
            callback(description)

    # -- stopping ------------------------------------------------------------------------------------------------

    def stop(self, kind: str, name: str) -> None:
        """Stop a job: SIGTERM, the grace, SIGKILL. Returns at once; nothing happens where it is stopping already.

        Raises:
            ServiceError: there is no such job, or it has ended.
        """
        which = KINDS[kind]
        with self._lock:  # between looking and acting the job must not end
            description = self.describe(kind, name)
            status = description.get(which.status_key)
            if kind not in JOB_KINDS or status in which.terminal:
                raise ServiceError(
                    "ValidationException",
                    f"The request was rejected because the {which.label} {name} is in status {status}; only jobs in "
                    "progress can be stopped.",
                )
            job = self._live.get((kind, name.lower()))
        if job is None:  # left by a dead process, and not resumed
            end_left(self._folder(kind, name).path)
            self._job(which, self._get(which, name)).finish("Stopped", "Stopped")
        elif self._dispatcher_of(kind).withdraw(job):
            job.finish("Stopped", "Stopped")
        else:
            job.stop()

    def delete(self, kind: str, name: str) -> None:
        """Delete a model, endpoint configuration or endpoint (its processes end), or the record of an ended job.

        Raises:
            ServiceError: there is none of this name, or the job is in progress.
        """
        which = KINDS[kind]
        description = self.describe(kind, name)
        if kind in JOB_KINDS:
            if description[which.status_key] not in which.terminal:
                raise ServiceError("ResourceInUse", f"The {which.label} {name} is in progress; stop it first.")
            shutil.rmtree(self._folder(kind, name).path, ignore_errors=True)
        if kind == ENDPOINT:
            self._endpoints.remove(name)
            self._release(kind, name)
        self._records.delete(kind, name.lower())

    # -- endpoints -----------------------------------------------------------------------------------------------

    def update_endpoint(self, request: Record) -> str:
        """Deploy another configuration; the old one answers until the new one does.

        Returns:
            The endpoint's ARN.
        """
        self._refuse_if_closed()
        name = str(request["EndpointName"])
        record = self._get(KINDS[ENDPOINT], name)
        self._get(KINDS[ENDPOINT_CONFIG], request["EndpointConfigName"])
        status = record["Description"]["EndpointStatus"]
        if status not in ("InService", "Failed"):
            raise ServiceError(
                "ValidationException", f"Cannot update in-progress endpoint {name!r}: its status is {status}."
            )
        self._hold(ENDPOINT, name)
        excluded = [row["VariantPropertyType"] for row in request.get("ExcludeRetainedVariantProperties") or ()]
        retained = [key for key in VARIANT_PROPERTIES if key not in excluded]
        kept = retained if request.get("RetainAllVariantProperties") else []
        self._endpoints.update(name, str(request["EndpointConfigName"]), retained=kept)
        return str(record["Description"]["EndpointArn"])

    def update_weights(self, request: Record) -> str:
        """Change the weights of an endpoint's variants; see ``Endpoints.reweigh``.

        Returns:
            The endpoint's ARN.
        """
        self._refuse_if_closed()
        record = self._get(KINDS[ENDPOINT], str(request["EndpointName"]))
        self._endpoints.reweigh(str(request["EndpointName"]), request["DesiredWeightsAndCapacities"])
        return str(record["Description"]["EndpointArn"])

    def invoke_endpoint(self, name: str, body: bytes, headers: dict[str, str]) -> InvokeResult:
        """Ask an endpoint; after reopening, its processes start with the first question.

        Args:
            name: the endpoint's.
            body: the request's body.
            headers: Content-Type, Accept and the X-Amzn-SageMaker-* ones; handed on.

        Raises:
            ServiceError: ``ValidationError`` where there is none or it is not in service; ``ModelError`` (with
                ``details``) where the container answered with an error.
        """
        self._refuse_if_closed()
        return self._endpoints.invoke(name, body, headers)

    def invoke_endpoint_async(
        self, name: str, question: str | bytes, headers: dict[str, str], *, place: str = "", seconds: float = 900.0
    ) -> Record:
        """Ask an asynchronous endpoint; see ``async_inference.AsyncInvocations.begin``."""
        self._refuse_if_closed()
        return self._asynchronous.begin(name, question, headers, place=place, seconds=seconds)

    def _async_config(self, name: str) -> Record:
        try:
            endpoint = self.describe(ENDPOINT, name)
            found = self.describe(ENDPOINT_CONFIG, endpoint["EndpointConfigName"]).get("AsyncInferenceConfig")
        except ServiceError as error:
            raise ServiceError("ValidationError", f"Endpoint {name} not found. {error.message}") from error
        if not found:
            raise ServiceError("ValidationError", f"Endpoint {name} has no AsyncInferenceConfig; use InvokeEndpoint.")
        return dict(found)

    # -- life ----------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up what a process that died, or was closed, left behind: jobs InProgress start again from scratch.

        What still runs of that process is killed first. Calling it again, or with jobs running, does no harm.
        """
        for kind in (KINDS[name] for name in JOB_KINDS):
            with self._lock:
                for record in self._records.list(kind.name):
                    key = (kind.name, record["Description"][kind.name_key].lower())
                    if record["Description"][kind.status_key] not in kind.terminal and key not in self._live:
                        self._take_up(kind, record)
        for record in self._records.list(ENDPOINT):
            name = record["Description"]["EndpointName"]
            if record["Description"]["EndpointStatus"] in ("Creating", "Updating"):
                self._hold(ENDPOINT, name)
            self._endpoints.take_up(name)

    def _take_up(self, kind: Kind, record: Record) -> None:
        job = self._job(kind, record)
        end_left(job.folder.path)
        stopping = job.description[kind.status_key] == "Stopping"
        if stopping and kind.name != TUNING:
            job.finish("Stopped", "Stopped")
            return
        self._submit(kind, record, stopping=stopping)

    def close(self) -> None:
        """End all processes (SIGTERM, a short grace, SIGKILL); jobs stay InProgress, for the next ``resume``."""
        with self._lock:
            self._closed = True
        for job in [*self._tuning_dispatcher.close(), *self._dispatcher.close()]:
            job.control.close()
        self._asynchronous.close()
        self._endpoints.close()
        self._asynchronous.join()
        self._dispatcher.join(self._graces[1] + 30.0)
        self._tuning_dispatcher.join(30.0)
        for kind, name in list(self._holds):
            self._release(kind, name)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ServiceError("ServiceUnavailable", "The local runtime was closed; open it again.", 503)

    # -- working -------------------------------------------------------------------------------------------------

    def _services(self) -> Services:
        mode = self._path_mode or (NAMESPACE if namespaces_work() else REWRITTEN)
        return Services(
            self._objects,
            self.images,
            self._clock,
            self._region,
            self._account_id,
            mode,
            self._pass_environment,
            self._packages,
        )

    def _folder(self, kind: str, name: str) -> JobFolder:
        return JobFolder(self.root / "jobs" / kind / name)

    def _endpoint_folder(self, name: str) -> JobFolder:
        return self._folder(ENDPOINT, name)

    def _record_of(self, kind: str, name: str) -> Record:
        return self._get(KINDS[kind], name)

    def _job(self, kind: Kind, record: Record) -> Job:
        name = record["Description"][kind.name_key]
        return Job(
            kind=kind,
            name=name,
            request=record["Request"],
            folder=self._folder(kind.name, name),
            services=self._services(),
            control=Control(*self._graces),
            record=record,
            save=lambda: self._save(kind.name, name, record),
        )

    def _submit(self, kind: Kind, record: Record, *, stopping: bool = False) -> None:
        job = self._job(kind, record)
        job.control.stopping = stopping  # a tuning job stops its training jobs before it ends
        if kind.name == TRAINING:
            record["Description"].pop("SecondaryStatusTransitions", None)  # from scratch
            job.enter("Starting", "Preparing the instances for training")
        with self._lock:
            self._hold(kind.name, job.name)
            self._live[kind.name, job.name.lower()] = job
            self._dispatcher_of(kind.name).submit(job)

    def _dispatcher_of(self, kind: str) -> Dispatcher:
        return self._tuning_dispatcher if kind == TUNING else self._dispatcher

    def _save(self, kind: str, name: str, record: Record) -> Callable[[], None]:
        """Store a record; returns what tells those who wait for its end, to be called without a lock."""
        which = KINDS[kind]
        with self._lock:
            if self._closed:
                return lambda: None
            self._records.put(kind, name.lower(), record)
            over = record["Description"].get(which.status_key) in which.terminal
            callbacks = self._watchers.pop((kind, name.lower()), []) if over else []
            if over:
                self._live.pop((kind, name.lower()), None)
            told = copy.deepcopy(record["Description"])

        def tell() -> None:
            for callback in callbacks:
                callback(copy.deepcopy(told))
            if over:  # after those who waited: what they do now takes no virtual time either
                self._release(kind, name)

        return tell

    def _work(self, job: Job) -> None:
        """Do a whole job; whatever comes of it becomes its description."""
        status, secondary, reason = "Completed", "Completed", None
        try:
            job.folder.prepare()
            if job.kind.name != TUNING:
                job.control.check()
            refuse_unplayed(job.kind.name, job.request)
            self._works[job.kind.name](job)
        except JobAbandoned:
            return
        except JobStopped as stopped:
            status, secondary = "Stopped", stopped.secondary
            reason = self._timeout_reason(job) if secondary == "MaxRuntimeExceeded" else None
        except JobFailure as failure:
            status, secondary, reason = "Failed", "Failed", failure.reason
        except ServiceError as error:
            status, secondary, reason = "Failed", "Failed", job.reason(f"ClientError: {error.code}: {error.message}")
        except Exception as error:  # noqa: BLE001 - a fault of the runtime fails its job, visibly, and no other
            job.folder.note(traceback.format_exc())
            status, secondary, reason = "Failed", "Failed", job.reason(f"InternalServerError: {error!r}")
        finally:
            job.folder.tidy()
        if not job.control.closing:
            self._pass_time(job)
            job.finish(status, secondary, reason=reason and reason[:1024])

    def _pass_time(self, job: Job) -> None:
        """Under virtual time: let the job have taken as long as it is said to."""
        if self._job_seconds is None or not isinstance(self._clock, VirtualClock):
            return
        seconds = self._job_seconds(job.request) if callable(self._job_seconds) else self._job_seconds
        left = job.description["CreationTime"] + seconds - self._clock.now()
        if left > 0:
            self._clock.advance(left)

    @staticmethod
    def _timeout_reason(job: Job) -> str | None:
        if job.kind.name == TRAINING:
            return None
        limit = job.description.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        return f"ClientError: MaxRuntimeExceeded: the job ran longer than {limit} seconds. Log: {job.folder.log}"
