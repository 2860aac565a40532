"""Multi-model containers: a process for each model that is asked for, started by its first question.

On AWS one container loads the models by an interface of its own; here each model has a container to itself, so that any
image that serves one model serves several. They stay until the endpoint ends.

Source:
    Amazon SageMaker developer guide, "Host multiple models in one container behind one endpoint".
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.container import Record, Services
from mlflowsteps.local.jobs.failures import JobAbandoned, JobFailure, JobStopped
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.process import Control, JobProcess
from mlflowsteps.local.jobs.servers import START_SECONDS, Answer, ModelServer
from mlflowsteps.local.jobs.transfer import read_uri

__all__ = ["MultiModelServer", "Server", "make_server"]

TARGET_MODEL = "x-amzn-sagemaker-target-model"
_SHOWN = 5


class Server(Protocol):
    """What answers for a variant."""

    processes: list[JobProcess]

    def prepare(self) -> None:
        """Fetch what the containers need."""

    def start(self) -> None:
        """Start them and wait until they answer."""

    def invoke(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        """Ask."""

    def stop(self, grace_seconds: float = 30.0) -> None:
        """End them."""


def make_server(
    model: Record, folder: JobFolder, services: Services, control: Control, start_seconds: float = START_SECONDS
) -> Server:
    """What answers for a variant: a ``ModelServer``, or one that has many models.

    Args:
        model: the CreateModel request.
        folder: the variant's.
        services: the runtime's parts.
        control: wakes those who wait for the processes.
        start_seconds: how long a container may take to answer its first ping.
    """
    kind = MultiModelServer if is_multi_model(model) else _OneModelServer
    return kind(model, folder, services, control, {}, start_seconds=start_seconds)


def is_multi_model(model: Record) -> bool:
    """Whether a CreateModel request is of a multi-model container."""
    return bool((model.get("PrimaryContainer") or {}).get("Mode") == "MultiModel")


class _OneModelServer(ModelServer):
    """Of a model that is no multi-model one."""

    def invoke(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        if _target(headers) is not None:
            raise ServiceError("ValidationError", "TargetModel is for multi-model endpoints; this one has one model.")
        return super().invoke(body, headers, timeout_seconds=timeout_seconds)


def _target(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == TARGET_MODEL), None)


class _Loaded:
    """One model's server, and the thread that its processes live with; its folder goes with it."""

    def __init__(self, server: ModelServer, folder: Path, name: str) -> None:
        self.server, self._folder = server, folder
        self.ready, self.ending = threading.Event(), threading.Event()
        self.error: str | None = None
        self.thread = threading.Thread(target=self._live, name=f"model-{name}", daemon=True)
        self.thread.start()

    @property
    def dead(self) -> bool:
        """Whether it could not be started, or has ended since."""
        ended = any(process.returncode is not None for process in self.server.processes)
        return self.ready.is_set() and (self.error is not None or ended)

    def _live(self) -> None:
        try:
            self.server.prepare()
            self.server.start()
            self.ready.set()
            self.ending.wait()
        except JobFailure as failure:
            self.error = failure.reason
        except (JobAbandoned, JobStopped):
            self.error = "The endpoint was stopped."
        except Exception as error:  # noqa: BLE001 - a fault of the runtime fails this model, visibly, and no other
            self.error = f"InternalServerError: {error!r}"
        finally:
            self.server.stop(1.0)
            shutil.rmtree(self._folder, ignore_errors=True)  # its log is the endpoint's
            self.ready.set()


class MultiModelServer:
    """The models below an S3 prefix.

    Args:
        model: the CreateModel request, whose container's ModelDataUrl is the prefix.
        folder: the variant's.
        services: the runtime's parts.
        control: wakes those who wait for the processes.
        variables: environment beside the container's own.
        start_seconds: how long a container may take to answer its first ping.
    """

    def __init__(
        self,
        model: Record,
        folder: JobFolder,
        services: Services,
        control: Control,
        variables: Mapping[str, str],
        *,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._model, self._folder, self._services, self._control = model, folder, services, control
        self._variables, self._start_seconds = variables, start_seconds
        self._lock = threading.Lock()
        self._loaded: dict[str, _Loaded] = {}
        self._stopped = False
        self._serial = 0
        self.processes: list[JobProcess] = []

    @property
    def _prefix(self) -> str:
        return f"{str(self._model['PrimaryContainer'].get('ModelDataUrl', '')).rstrip('/')}/"

    def prepare(self) -> None:
        """Look whether an image answers and the prefix is one of S3; models are fetched when they are asked for.

        Raises:
            JobFailure: nothing answers the image, or the prefix is none.
        """
        self._services.images.resolve(self._model["PrimaryContainer"]["Image"], self._model)
        read_uri(self._prefix, "ModelDataUrl")

    def start(self) -> None:
        """Nothing is to be started yet."""

    def invoke(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        """Ask the model that the header TargetModel names.

        Raises:
            OSError: its container closed the connection or did not answer in time, or all were stopped.
            ServiceError: none is named, or there is none of this name.
        """
        target = _target(headers)
        if target is None:
            raise ServiceError("ValidationError", f"TargetModel is required: one of {self._known()}.")
        loaded = self._load(target)
        if not loaded.ready.wait(self._start_seconds + 60) or loaded.error is not None:
            return Answer(503, {}, (loaded.error or "the model's container did not start").encode())
        return loaded.server.invoke(body, headers, timeout_seconds=timeout_seconds)

    def _load(self, target: str) -> _Loaded:
        bucket, key = read_uri(self._prefix, "ModelDataUrl")
        with self._lock:
            if self._stopped:
                raise ConnectionError("the endpoint was stopped")
            found = self._loaded.get(target)
            if found is not None and not found.dead:
                return found
            try:
                self._services.objects.head(bucket, key + target)
            except ServiceError as error:
                raise ServiceError(
                    "ValidationError", f"TargetModel {target!r} is not below {self._prefix}; there are {self._known()}."
                ) from error
            self._serial += 1
            container = {**self._model["PrimaryContainer"], "ModelDataUrl": f"{self._prefix}{target}"}
            del container["Mode"]
            place = JobFolder(self._folder.path / f"model-{self._serial}", log=self._folder.log)
            request = {**self._model, "PrimaryContainer": container}
            server = ModelServer(
                request, place, self._services, self._control, self._variables, start_seconds=self._start_seconds
            )
            if found is not None:
                found.ending.set()  # what its dead process has left
            self._loaded[target] = _Loaded(server, place.path, target)
            return self._loaded[target]

    def _known(self) -> str:
        bucket, key = read_uri(self._prefix, "ModelDataUrl")
        names = [info.key[len(key) :] for info in self._services.objects.list(bucket, key)]
        more = f", ... ({len(names)})" if len(names) > _SHOWN else ""
        return (", ".join(names[:_SHOWN]) or "none") + more

    def stop(self, grace_seconds: float = 30.0) -> None:
        """End all models' processes."""
        with self._lock:
            self._stopped = True
            found = list(self._loaded.values())
        for loaded in found:
            loaded.ending.set()
        for loaded in found:
            loaded.thread.join(grace_seconds + 60.0)
