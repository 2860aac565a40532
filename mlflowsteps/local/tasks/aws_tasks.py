"""Tasks that call an operation of an AWS service through a client: the optimized integrations and ``aws-sdk``.

Owns the patterns (request-response, ``.sync``, ``.waitForTaskToken``), stopping what was begun, and going on after a
restart with a job that was begun before. What an operation does is its service's business.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlflowsteps.asl.arns import REQUEST_RESPONSE, Resource
from mlflowsteps.asl.payloads import dumps
from mlflowsteps.catalog.integrations import Integration, Job
from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StatesError
from mlflowsteps.local.records import Json, TaskReport, TaskRequest
from mlflowsteps.local.tasks.calls import Clients, Watch, call, model_of
from mlflowsteps.local.tasks.errors import aws_sdk_dialect, optimized_dialect, states_error
from mlflowsteps.local.tasks.names import boto_service
from mlflowsteps.local.tasks.shapes import epoch_millis, http_metadata, iso_8601, to_parameters, to_result

__all__ = ["AwsSdkTask", "OptimizedTask"]

_POLL_SECONDS = 1.0
_MANAGED = [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]


class AwsSdkTask:
    """``arn:aws:states:::aws-sdk:<service>:<action>``: any operation of any service that something plays.

    Args:
        resource: what the state names.
        clients: who plays what.
    """

    def __init__(self, resource: Resource, clients: Clients) -> None:
        self._resource = resource
        self._clients = clients

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Call the operation; its response is the result."""
        if task.submitted is not None:
            return
        service = boto_service(self._resource.service)
        if service is None:
            raise StatesError("States.Runtime", f"{self._resource.text} names no AWS service that boto3 knows.")
        operation = self._resource.action[:1].upper() + self._resource.action[1:]
        played = self._clients.find(service)
        model = model_of(played.client) if played else None
        shapes = operation_shapes(model, operation)
        parameters = to_parameters(shapes[0], task.parameters or {})
        if (service, operation) == ("s3", "PutObject"):
            parameters.setdefault("ChecksumAlgorithm", "CRC32")  # as the service's SDK does; its output shows it
        dialect = aws_sdk_dialect(str(model.service_id) if model is not None else service)
        response = call(self._clients, service, operation, parameters, dialect, task)
        result = to_result(response, iso_8601, shapes[1])
        if self._resource.pattern == REQUEST_RESPONSE:
            report.succeeded(result)
        else:
            report.submitted(result)

    def cancel(self, task: TaskRequest) -> None:
        """Nothing: what was asked of the service is done, or goes on without us."""


def operation_shapes(model: Any, operation: str) -> tuple[Any, Any]:
    """Botocore's models of an operation's input and output; (None, None) where there is no model of the service."""
    if model is None:
        return None, None
    if operation not in model.operation_names:
        known = {name.lower(): name for name in model.operation_names}
        near = known.get(operation.lower())
        hint = f" Write {near[:1].lower() + near[1:]!r}." if near else ""
        raise StatesError("States.Runtime", f"{model.service_name} has no operation {operation!r}.{hint}")
    found = model.operation_model(operation)
    return found.input_shape, found.output_shape


@dataclass(slots=True)
class _Begun:
    """A job that a task began and waits for."""

    stop: tuple[str, dict[str, Json]] | None = None
    cancelled: bool = False


class OptimizedTask:
    """``arn:aws:states:::<service>:<action>[.sync|.waitForTaskToken]``, carried out through a client.

    Args:
        resource: what the state names.
        integration: the catalog's row for it.
        clients: who plays what.
        watches: by boto3's name of a service, how to be told of the end of its jobs; others are asked every second.
    """

    def __init__(
        self, resource: Resource, integration: Integration, clients: Clients, watches: Mapping[str, Watch]
    ) -> None:
        self._resource = resource
        self._row = integration
        self._clients = clients
        self._watches = watches
        self._dialect = optimized_dialect(integration.errors or integration.service, integration.client)
        self._lock = threading.Lock()
        self._open: dict[str, _Begun] = {}

    def start(self, task: TaskRequest, report: TaskReport) -> None:
        """Call the operation, and see to the end of the job it began where the pattern asks for it."""
        if self._resource.pattern.startswith("sync"):
            self._start_job(task, report)
        elif task.submitted is None:
            output = self._call(task)
            (report.succeeded if self._resource.pattern == REQUEST_RESPONSE else report.submitted)(output)

    def _call(self, task: TaskRequest) -> dict[str, Json]:
        played = self._clients.find(self._row.client)
        shapes = operation_shapes(model_of(played.client), self._row.operation) if played else (None, None)
        parameters = to_parameters(shapes[0], self.parameters_of(task))
        try:
            response = self.call(self._row.operation, parameters, task)
        except StatesError as error:
            response = self.begun_before(task, parameters, error)
        if self._row.client == "dynamodb" and "ReturnConsumedCapacity" not in parameters:
            response.pop("ConsumedCapacity", None)  # Moto tells it unasked
        result: dict[str, Json] = to_result(response, epoch_millis, shapes[1])
        connection = "Connection" if self._row.client == "dynamodb" else "connection"
        return result | http_metadata(response, connection=connection)

    def call(self, operation: str, parameters: dict[str, Json], task: TaskRequest) -> dict[str, Any]:
        """Call an operation of the integration's service."""
        return call(self._clients, self._row.client, operation, parameters, self._dialect, task)

    def parameters_of(self, task: TaskRequest) -> dict[str, Json]:
        """What to call the operation with, in the state's spelling."""
        return task.parameters if isinstance(task.parameters, dict) else {}

    def begun_before(self, task: TaskRequest, parameters: dict[str, Json], error: StatesError) -> dict[str, Any]:
        """The response to a call that was refused because this very task made it before; raises where it was not."""
        del task, parameters
        raise error

    def document_of(self, described: Json) -> Json:
        """The state's output, from the description of the job that ended."""
        return described

    def _start_job(self, task: TaskRequest, report: TaskReport) -> None:
        begun = _Begun()
        with self._lock:
            self._open[task.task_id] = begun
        try:
            output = task.submitted
            if output is None:
                output = self._call(task)
                self._mark_managed(task, output)
                report.submitted(output)
            job = self._job()
            key = {name: _source(path, task.parameters, output) for name, path in job.key.items()}
            with self._lock:
                begun.stop = (job.stop, key) if job.stop else None
                cancelled = begun.cancelled
            if cancelled:
                self._stop(task, begun)
            self._wait(task, report, job, key)
        except BaseException:
            self._forget(task)
            raise

    def _job(self) -> Job:
        if self._row.job is None:
            raise StatesError("States.Runtime", f"{self._resource.text} cannot be waited for: leave out .sync.")
        return self._row.job

    def _mark_managed(self, task: TaskRequest, output: dict[str, Json]) -> None:
        arn = next((value for name, value in output.items() if name.endswith("JobArn")), None)
        if self._row.client == "sagemaker" and arn:
            arguments = {"ResourceArn": arn, "Tags": _MANAGED}
            self.call("AddTags", arguments, task)

    def _wait(self, task: TaskRequest, report: TaskReport, job: Job, key: dict[str, Json]) -> None:
        watch = self._watches.get(self._row.client)
        if watch is not None:
            name = next(iter(key.values()))
            try:
                watch(f"{job.describe}:{name}", lambda _: self._end(task, report, job, key))
            except ServiceError as error:  # deleted since: the task has nothing left to wait for
                raise states_error(error, self._dialect) from error
            return
        pause = threading.Event()
        while not self._finished(task, report, job, key):
            pause.wait(_POLL_SECONDS)
            with self._lock:
                if task.task_id not in self._open or self._open[task.task_id].cancelled:
                    return

    def _end(self, task: TaskRequest, report: TaskReport, job: Job, key: dict[str, Json]) -> None:
        try:
            self._finished(task, report, job, key)
        except StatesError as error:
            self._forget(task)
            report.failed(error.error, error.cause)
        except RuntimeClosed:  # the task is waited for again by the process that opens the runtime next
            self._forget(task)

    def _finished(self, task: TaskRequest, report: TaskReport, job: Job, key: dict[str, Json]) -> bool:
        """Report the job's end, if it has ended."""
        response = self.call(job.describe, key, task)
        status = _at(response, job.status)
        if status not in job.succeeded | job.failed:
            return False
        self._forget(task)
        played = self._clients.find(self._row.client)
        shape = operation_shapes(model_of(played.client), job.describe)[1] if played else None
        document = _at(to_result(response, epoch_millis, shape), job.output)
        document = self.document_of(document)
        if status in job.succeeded:
            document.pop("LocalRun", None)  # for people, who look where something failed; no state reads it on AWS
            report.succeeded(document)
        else:
            report.failed("States.TaskFailed", dumps(document))
        return True

    def cancel(self, task: TaskRequest) -> None:
        """Stop the job that the task began; one that the service refused to begin is not ours to stop."""
        with self._lock:
            begun = self._open.get(task.task_id)
            if begun is None:
                return
            begun.cancelled = True
        self._stop(task, begun)

    def _stop(self, task: TaskRequest, begun: _Begun) -> None:
        if begun.stop is None:
            return
        operation, key = begun.stop
        self._forget(task)
        self.call(operation, key, task)

    def _forget(self, task: TaskRequest) -> None:
        with self._lock:
            self._open.pop(task.task_id, None)


def _source(path: str | tuple[str, ...], request: Json, response: Json) -> Json:
    if isinstance(path, tuple):
        return [_source(path[0], request, response)]
    place, _, rest = path.partition(".")
    found = request if place == "request" else response
    for name in rest.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name, found.get(name[:1].upper() + name[1:]))
    return found


def _at(value: Json, path: str) -> Json:
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value
