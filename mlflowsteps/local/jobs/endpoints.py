"""Endpoints: a record, and the processes behind it while somebody asks.

A deployment's processes live with a thread of their own. They start when the endpoint is created or updated, and after
reopening with the first question; when they die, the next question starts them again.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.askers import Askers
from mlflowsteps.local.jobs.capture import Exchange, capture, describe_capture
from mlflowsteps.local.jobs.container import Record, Services
from mlflowsteps.local.jobs.failures import JobAbandoned, JobFailure, JobStopped, clip_reason
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.kinds import ENDPOINT, ENDPOINT_CONFIG, MODEL
from mlflowsteps.local.jobs.multi_model import Server, make_server
from mlflowsteps.local.jobs.process import Control, end_left
from mlflowsteps.local.jobs.servers import START_SECONDS, Answer

__all__ = ["VARIANT_PROPERTIES", "Endpoints", "InvokeResult", "ModelError", "describe_endpoint"]

VARIANT_PROPERTIES = ("DesiredWeight", "DesiredInstanceCount")
"""What RetainAllVariantProperties keeps, by the names of ExcludeRetainedVariantProperties."""
TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
_INFERENCE_ID = "x-amzn-sagemaker-inference-id"
_INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
_MAX_MESSAGE = 2000
_MOST_SHADOWED = 100  # questions that wait for a shadow variant; they are held in memory
INVOKE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """What an endpoint answered.

    Args:
        body: the response's body.
        content_type: its Content-Type.
        headers: further headers for the response of InvokeEndpoint.
    """

    body: bytes
    content_type: str
    headers: dict[str, str]


class ModelError(ServiceError):
    """A container answered with an error; ``details`` are the further members of the API's ModelError."""

    def __init__(self, variant: str, answer: Answer, log: str) -> None:
        text = answer.body.decode("utf-8", "replace")[:_MAX_MESSAGE]
        whose = "client" if answer.status < 500 else "server"
        super().__init__(
            "ModelError",
            f"Received {whose} error ({answer.status}) from container {answer.container} of {variant} with message "
            f'"{text}". Log: {log}',
            424,
        )
        self.details: dict[str, Any] = {
            "OriginalStatusCode": answer.status,
            "OriginalMessage": text,
            "LogStreamArn": f"file://{log}",
        }


def describe_endpoint(request: Record) -> Record:
    """What DescribeEndpoint answers at once."""
    return {"EndpointConfigName": request["EndpointConfigName"]}


class _Deployment:
    """The processes of one endpoint configuration, and the thread that they live with."""

    def __init__(
        self,
        variants: list[tuple[Record, Record]],
        shadows: list[tuple[Record, Record]],
        folder: JobFolder,
        services: Services,
        graces: tuple[float, float],
        done: Callable[[_Deployment], None],
        capture_config: Record | None,
    ) -> None:
        self.folder, self._services, self._variants, self._done = folder, services, variants, done
        self._shadows, self._shadowing = shadows, Askers(1, "shadow")
        self._shadowed = threading.BoundedSemaphore(_MOST_SHADOWED)
        self.capture_config = capture_config
        self.control = Control(*graces)
        self.servers: dict[str, Server] = {}
        self.ready = threading.Event()
        self.error: str | None = None
        self.thread = threading.Thread(target=self._live, name=f"endpoint-{folder.path.name}", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it can be asked now."""
        processes = [process for server in self.servers.values() for process in server.processes]
        return self.ready.is_set() and self.error is None and all(p.returncode is None for p in processes)

    def _live(self) -> None:
        try:
            self._start()
            self.ready.set()
            self._done(self)
            self._wait()
        except (JobAbandoned, JobStopped):
            self.error = self.error or "The endpoint was stopped."
        except JobFailure as failure:
            self.error = failure.reason
        except Exception as error:  # noqa: BLE001 - a fault of the runtime fails this endpoint, visibly, and no other
            self.error = f"InternalServerError: {error!r}"
        finally:
            self._shadowing.close()
            for server in self.servers.values():
                server.stop(min(30.0, self.control.stop_grace_seconds))
            if not self.ready.is_set():
                self.ready.set()
                self._done(self)

    def _wait(self) -> None:
        """Wait for the end of the processes; of multi-model containers, which have none of their own, for a stop."""
        processes = [process for server in self.servers.values() for process in server.processes]
        if processes:
            self.control.wait(processes, max_runtime_seconds=float("inf"))
            return
        with self.control.changed:
            self.control.changed.wait_for(lambda: self.control.stopping or self.control.closing)

    def _start(self) -> None:
        for variant, model in [*self._variants, *self._shadows]:
            name = variant["VariantName"]
            place = JobFolder(self.folder.path / name, log=self.folder.log)
            seconds = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", START_SECONDS)
            server = make_server(model, place, self._services, self.control, seconds)
            self.servers[name] = server
            try:
                server.prepare()
                server.start()
            except JobFailure as failure:
                head = f"The primary container for production variant {name} is not in service. {failure.reason}"
                tail = self.folder.log_tail()
                raise JobFailure(clip_reason(head, log_path=str(self.folder.log), tail=tail)) from failure

    def choose(self, wanted: str | None, weights: Mapping[str, float]) -> str:
        """The variant that answers: the one that is asked for, else one drawn by weight.

        Args:
            wanted: TargetVariant; None where none is named.
            weights: of the variants as they are now; others have their configuration's.
        """
        found: dict[str, float] = {
            row["VariantName"]: float(weights.get(row["VariantName"], row.get("InitialVariantWeight", 1.0)))
            for row, _ in self._variants
        }
        if wanted is not None:
            if wanted not in found:
                raise ServiceError("ValidationError", f"Variant {wanted} not found; there are {', '.join(found)}.")
            return wanted
        if len(found) == 1 or not any(found.values()):
            return next(iter(found))
        return random.choices(list(found), list(found.values()))[0]  # noqa: S311 - traffic, not secrets

    def shadow(self, ask: Callable[[str], None]) -> None:
        """Have the shadow variants asked too, as often as their weights say; nobody waits for them.

        One that is too slow for its questions misses some, as its log says.

        Args:
            ask: asks a variant, by name.
        """
        total = sum(float(variant.get("InitialVariantWeight", 1.0)) for variant, _ in self._variants) or 1.0
        for variant, _ in self._shadows:
            share = float(variant.get("InitialVariantWeight", 1.0)) / total
            if random.random() >= share:  # noqa: S311 - traffic, not secrets
                continue
            if not self._shadowed.acquire(blocking=False):
                name = variant["VariantName"]
                self.folder.note(f"shadow variant {name}: passed over a question, {_MOST_SHADOWED} others wait")
                continue
            try:
                self._shadowing.submit(partial(ask, variant["VariantName"]), self._shadowed.release)
            except RuntimeError:  # it is shut down: the endpoint ends
                return

    def stop(self) -> None:
        """End the processes."""
        self.control.stop()


class Endpoints:
    """All endpoints of a runtime.

    Args:
        folder: gives an endpoint's folder.
        services: gives the runtime's parts.
        record: gives a record by kind and name, or raises ServiceError.
        save: stores a record by kind and name, and returns what tells those who wait for its end.
        graces: seconds from SIGTERM to SIGKILL on stop and on close.
    """

    def __init__(
        self,
        folder: Callable[[str], JobFolder],
        services: Callable[[], Services],
        record: Callable[[str, str], Record],
        save: Callable[[str, str, Record], Callable[[], None]],
        graces: tuple[float, float],
    ) -> None:
        self._folder, self._services, self._record, self._save = folder, services, record, save
        self._graces = graces
        self._lock = threading.RLock()
        self._deployed: dict[str, _Deployment] = {}
        self._pending: dict[str, _Deployment] = {}
        self._closed = False
        self._serial = 0

    def deploy(self, name: str) -> _Deployment:
        """Start the processes of an endpoint; its record says when they answer."""
        with self._lock:
            record = self._record(ENDPOINT, name)
            return self._begin(name, record["Description"]["EndpointConfigName"])

    def reweigh(self, name: str, wanted: Sequence[Record]) -> None:
        """Change the weights, and the said instance counts, of variants.

        Args:
            name: the endpoint's.
            wanted: DesiredWeightsAndCapacities of the request.

        Raises:
            ServiceError: the endpoint is not in service, or has no such variant.
        """
        with self._lock:
            record = self._record(ENDPOINT, name)
            description = record["Description"]
            if description["EndpointStatus"] != "InService":
                status = description["EndpointStatus"]
                raise ServiceError("ValidationException", f"Endpoint {name} is not in service: its status is {status}.")
            rows = {row["VariantName"]: row for row in description["ProductionVariants"]}
            odd = next((item["VariantName"] for item in wanted if item["VariantName"] not in rows), None)
            if odd is not None:
                raise ServiceError("ValidationException", f"Variant {odd} not found; there are {', '.join(rows)}.")
            for item in wanted:
                for given, key in (("DesiredWeight", "Weight"), ("DesiredInstanceCount", "InstanceCount")):
                    if given in item:
                        rows[item["VariantName"]] |= {f"Current{key}": item[given], f"Desired{key}": item[given]}
            tell = self._store(name, record)
        tell()

    def update(self, name: str, config: str, *, retained: Sequence[str] = ()) -> None:
        """Start the processes of another configuration beside those of the present one.

        Args:
            name: the endpoint's.
            config: the configuration's.
            retained: which of VARIANT_PROPERTIES the variants that stay keep as they are now.
        """
        with self._lock:
            record = self._record(ENDPOINT, name)
            record["Description"]["EndpointStatus"] = "Updating"
            record |= {"UpdatingTo": config, "Retain": list(retained)}
            record["Description"].pop("FailureReason", None)
            self._store(name, record)
            self._begin(name, config)  # nobody is told of an endpoint that is updating

    def _begin(self, name: str, config: str) -> _Deployment:
        if self._closed:  # a question that was on its way must start no processes
            raise ServiceError("ServiceUnavailable", "The local runtime was closed; open it again.", 503)
        given = self._record(ENDPOINT_CONFIG, config)["Request"]
        pairs, shadows = (
            [(variant, self._record(MODEL, variant["ModelName"])["Request"]) for variant in given.get(key) or ()]
            for key in ("ProductionVariants", "ShadowProductionVariants")
        )
        self._serial += 1
        top = self._folder(name)
        folder = JobFolder(top.path / f"deployment-{self._serial}", log=top.log)
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        deployment = _Deployment(
            pairs,
            shadows,
            folder,
            self._services(),
            self._graces,
            lambda made: self._settle(name, config, made),
            given.get("DataCaptureConfig"),
        )
        self._pending[name] = deployment
        deployment.thread.start()
        return deployment

    def _settle(self, name: str, config: str, made: _Deployment) -> None:
        """A deployment answers, or has failed: the record says so, and the old deployment ends."""
        with self._lock:
            if self._pending.get(name) is not made:
                made.stop()  # deleted or overtaken meanwhile
                return
            del self._pending[name]
            old = self._deployed.get(name)
            if made.error is None:
                self._deployed[name] = made
            tell = None
            if not made.control.closing:
                tell = self._describe(name, config, made, updating=old is not None and old.alive)
        if tell is not None:
            tell()  # outside of the lock: whoever waited may ask at once
        if made.error is None and old is not None:
            old.stop()
            old.thread.join(self._graces[0] + 60.0)
            shutil.rmtree(old.folder.path, ignore_errors=True)

    def _describe(self, name: str, config: str, made: _Deployment, *, updating: bool) -> Callable[[], None]:
        record = self._record(ENDPOINT, name)
        started_again = record.pop("UpdatingTo", None) is None
        asked = record.pop("Retain", ())
        retained = {key.removeprefix("Desired") for key in (VARIANT_PROPERTIES if started_again else asked)}
        description = record["Description"]
        if made.error is None:
            description |= {"EndpointStatus": "InService", "EndpointConfigName": config}
            given = self._record(ENDPOINT_CONFIG, config)["Description"]
            known = {row["VariantName"]: _kept(row, retained) for row in description.get("ProductionVariants", ())}
            description.pop("ShadowProductionVariants", None)
            description |= _variants(given)
            description["ProductionVariants"] = [
                row | known.get(row["VariantName"], {}) for row in description["ProductionVariants"]
            ]
            description.pop("AsyncInferenceConfig", None)
            if "AsyncInferenceConfig" in given:
                description["AsyncInferenceConfig"] = given["AsyncInferenceConfig"]
            description.pop("DataCaptureConfig", None)
            description |= describe_capture(made.capture_config)
            description.pop("FailureReason", None)
        else:
            description |= {"EndpointStatus": "InService" if updating else "Failed", "FailureReason": made.error[:1024]}
        return self._store(name, record)

    def _store(self, name: str, record: Record) -> Callable[[], None]:
        """Store the record; returns what tells those who wait."""
        record["Description"]["LastModifiedTime"] = self._services().clock.now()
        return self._save(ENDPOINT, name, record)

    def invoke(
        self, name: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = INVOKE_SECONDS
    ) -> InvokeResult:
        """Ask the endpoint.

        Raises:
            ServiceError: see ``JobManager.invoke_endpoint``.
        """
        deployment = self._ready(name)
        lower = {key.lower(): value for key, value in headers.items()}
        rows = self._record(ENDPOINT, name)["Description"].get("ProductionVariants") or ()
        weights = {row["VariantName"]: row["CurrentWeight"] for row in rows}
        variant = deployment.choose(lower.get(TARGET_VARIANT), weights)
        answer = self._ask(name, deployment, variant, body, headers, timeout_seconds)
        deployment.shadow(lambda shadow: self._ask_shadow(name, deployment, shadow, body, headers))
        passed = {key: value for key, value in answer.headers.items() if key.startswith("x-amzn-sagemaker-")}
        kind = answer.headers.get("content-type", "application/octet-stream")
        return InvokeResult(answer.body, kind, passed | {_INVOKED_VARIANT: variant})

    def _ask(
        self, name: str, deployment: _Deployment, variant: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answer:
        """A variant's answer, captured where the endpoint asks for it."""
        log = str(self._folder(name).log)
        try:
            answer = deployment.servers[variant].invoke(body, headers, timeout_seconds=seconds)
        except OSError as error:
            text = f"no answer from the container: {error}"
            raise ModelError(variant, Answer(500, {}, text.encode()), log) from error
        if not 200 <= answer.status < 300:
            raise ModelError(variant, answer, log)
        lower = {key.lower(): value for key, value in headers.items()}
        sent = (body, lower.get("content-type", "application/octet-stream"))
        answered = (answer.body, answer.headers.get("content-type", "application/octet-stream"))
        exchange = Exchange(name, variant, sent, answered, lower.get(_INFERENCE_ID))
        trouble = capture(deployment.capture_config, exchange, self._services())
        if trouble:
            self._folder(name).note(trouble)
        return answer

    def _ask_shadow(
        self, name: str, deployment: _Deployment, variant: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        """Ask a shadow variant; its errors are of interest to the log alone."""
        try:
            self._ask(name, deployment, variant, body, headers, INVOKE_SECONDS)
        except ServiceError as error:
            self._folder(name).note(f"shadow variant {variant}: {error}")

    def _ready(self, name: str) -> _Deployment:
        try:
            description = self._record(ENDPOINT, name)["Description"]
        except ServiceError as error:
            raise ServiceError("ValidationError", f"Endpoint {name} not found. {error.message}") from error
        with self._lock:
            deployment = self._deployed.get(name)
            if deployment is not None and deployment.alive:
                return deployment
            if description["EndpointStatus"] not in ("InService", "Updating"):
                status, why = description["EndpointStatus"], description.get("FailureReason", "")
                raise ServiceError("ValidationError", f"Endpoint {name} is not in service: {status}. {why}".strip())
            waiting = self._pending.get(name) or self._begin(name, description["EndpointConfigName"])
        if not waiting.ready.wait(START_SECONDS + 60) or waiting.error is not None:
            answer = Answer(503, {}, (waiting.error or "the container did not start").encode())
            raise ModelError("the endpoint", answer, str(self._folder(name).log))
        return waiting

    def take_up(self, name: str) -> None:
        """After a crash: kill what still runs, and go on with a creation or update that was not done."""
        with self._lock:
            if name in self._deployed or name in self._pending:
                return
            end_left(self._folder(name).path)
            for old in self._folder(name).path.glob("deployment-*"):
                shutil.rmtree(old, ignore_errors=True)
            record = self._record(ENDPOINT, name)
            status = record["Description"]["EndpointStatus"]
            if status in ("Creating", "Updating"):
                self._begin(name, record.get("UpdatingTo") or record["Description"]["EndpointConfigName"])

    def remove(self, name: str) -> None:
        """End an endpoint's processes and forget it."""
        with self._lock:
            found = [self._deployed.pop(name, None), self._pending.pop(name, None)]
        for deployment in found:
            if deployment is not None:
                deployment.stop()
                deployment.thread.join(self._graces[1] + 30.0)

    def close(self) -> None:
        """End all processes; the records stay."""
        with self._lock:
            self._closed = True
            found = [*self._deployed.values(), *self._pending.values()]
        for deployment in found:
            deployment.control.close()
        for deployment in found:
            deployment.thread.join(self._graces[1] + 30.0)


def _kept(row: Record, properties: Collection[str]) -> Record:
    """Of what is said of a variant, ``Weight`` or ``InstanceCount``: what is and what is asked for."""
    return {key: row[key] for name in properties for key in (f"Current{name}", f"Desired{name}")}


def _variants(config: Record) -> Record:
    """What DescribeEndpoint says of a configuration's variants."""
    return {
        key: [
            {
                "VariantName": variant["VariantName"],
                "CurrentWeight": variant.get("InitialVariantWeight", 1.0),
                "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
                "CurrentInstanceCount": variant.get("InitialInstanceCount", 1),
                "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
            }
            for variant in config[key]
        ]
        for key in ("ProductionVariants", "ShadowProductionVariants")
        if key in config
    }
