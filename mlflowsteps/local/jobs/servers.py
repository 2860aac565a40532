"""A model's containers as processes that serve on 127.0.0.1: started, pinged, asked, stopped.

Source:
    Amazon SageMaker developer guide, "Use Your Own Inference Code with Hosting Services".
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.code import fetch_code, is_remote, unpack_archive
from mlflowsteps.local.jobs.container import Container, Record, Services
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.models import containers_of
from mlflowsteps.local.jobs.pathmode import REWRITTEN, refuse_literal_paths
from mlflowsteps.local.jobs.process import Control, JobProcess, kill_marked
from mlflowsteps.local.jobs.transfer import download, sources

__all__ = ["Answer", "ModelServer"]

START_SECONDS = 240.0
TARGET_CONTAINER = "x-amzn-sagemaker-target-container-hostname"
_PING_EVERY_SECONDS = 0.05
_used_ports: set[int] = set()
_ports_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """A container's response.

    Args:
        status: HTTP status.
        headers: names in lower case.
        body: the bytes.
        container: number of the container that answered, from 1.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    container: int = 1


class ModelServer:
    """The processes of one model.

    Args:
        model: the CreateModel request.
        folder: folder of the first container; further ones are ``container-2``, ... in it.
        services: the runtime's parts.
        control: wakes those who wait for the processes.
        variables: environment of every container beside its own.
        start_seconds: how long each may take to answer its first ping.
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
        self._start_seconds = start_seconds
        self._control, self._variables = control, dict(variables)
        self._containers = []
        for number, request in enumerate(containers_of(model), 1):
            place = folder if number == 1 else JobFolder(folder.path / f"container-{number}", log=folder.log)
            self._containers.append(Container(place, services, request))
        self.processes: list[JobProcess] = []
        self.ports: list[int] = []

    def prepare(self) -> None:
        """Download and unpack each container's model and code.

        Raises:
            JobFailure: an image nothing answers, data that is not there or hostile.
        """
        for container in self._containers:
            self._control.check()
            _fill(container)

    def start(self) -> None:
        """Start the processes and wait until each answers its ping; the calling thread must outlive them.

        Raises:
            JobFailure: one ended, or did not answer in time.
            JobAbandoned, JobStopped: as asked for meanwhile.
        """
        for container in self._containers:
            port = _free_port()
            self.ports.append(port)
            given = container.request["PrimaryContainer"]
            environment = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_SAFE_PORT_RANGE": f"{port}-{port}"}
            environment |= given.get("Environment") or {}
            argv = container.entrypoint(given["Image"], {}, ["serve"])
            command = container.command(argv, environment | self._variables)
            container.folder.note(f"run {list(command.argv)} on port {port} (path mode {container.services.mode})")
            self.processes += self._control.start([command], container.folder.processes)
        for process, port in zip(self.processes, self.ports, strict=True):
            self._wait_for(process, port)

    def _wait_for(self, process: JobProcess, port: int) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not _ping(port):
            self._control.check()
            if process.returncode is not None:
                raise JobFailure(
                    f"AlgorithmError: The container ended with exit code {process.returncode} before it answered /ping."
                )
            if time.monotonic() > deadline:
                raise JobFailure(
                    "AlgorithmError: The container did not pass the ping health check within "
                    f"{self._start_seconds:.0f} seconds: GET http://127.0.0.1:{port}/ping (its port is "
                    "in SAGEMAKER_BIND_TO_PORT)."
                )
            with self._control.changed:
                self._control.changed.wait(_PING_EVERY_SECONDS)

    def invoke(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float = 60.0) -> Answer:
        """Ask the containers in turn: each one's response is the next one's request; or, in mode Direct, one of them.

        Raises:
            OSError: a container closed the connection or did not answer in time.
            ServiceError: TargetContainerHostname names none, or the model's mode wants none.
        """
        answer = Answer(200, {}, body, 0)
        sent = dict(headers)
        for number, port in self._asked(headers):
            answer = _post(port, answer.body, sent, timeout_seconds, number)
            if not 200 <= answer.status < 300:
                return answer
            sent |= {"Content-Type": answer.headers.get("content-type", "application/octet-stream")}
        return answer

    def _asked(self, headers: Mapping[str, str]) -> list[tuple[int, int]]:
        """Numbers and ports of the containers that answer."""
        wanted = next((value for name, value in headers.items() if name.lower() == TARGET_CONTAINER), None)
        direct = (self._containers[0].request.get("InferenceExecutionConfig") or {}).get("Mode") == "Direct"
        found = list(enumerate(self.ports, 1))
        if not direct and wanted is None:
            return found
        names = [container.request["PrimaryContainer"].get("ContainerHostname") for container in self._containers]
        if not direct:
            raise ServiceError("ValidationError", "TargetContainerHostname is for models whose mode is Direct.")
        if wanted not in names:
            known = ", ".join(str(name) for name in names)
            raise ServiceError("ValidationError", f"TargetContainerHostname must name one of {known}, not {wanted!r}.")
        return [found[names.index(wanted)]]

    def parameters(self) -> bytes | None:
        """What GET /execution-parameters of the first container says; None where it does not."""
        try:
            answer = _get(self.ports[0], "/execution-parameters", 5.0)
        except OSError:
            return None
        return answer.body if answer.status == 200 else None

    def stop(self, grace_seconds: float = 30.0) -> None:
        """SIGTERM, the grace, SIGKILL."""
        self._control.terminate(self.processes, grace_seconds)
        with _ports_lock:
            _used_ports.difference_update(self.ports)
        for container in self._containers:
            kill_marked(container.folder.path)
            container.folder.tidy()


def _fill(container: Container) -> None:
    """What a container finds below /opt/ml/model."""
    given = container.request["PrimaryContainer"]
    if given.get("Mode") == "MultiModel":
        raise JobFailure("ClientError: a multi-model container serves an endpoint, and as the model's only container.")
    container.entrypoint(given["Image"], {}, ["serve"])  # an image nothing answers fails before anything is moved
    container.folder.prepare()
    folder = container.folder.opt_ml() / "model"
    folder.mkdir(parents=True)
    _download_model(container, given, folder)
    for extra in given.get("AdditionalModelDataSources") or ():
        place = container.folder.opt_ml() / "additional-model-data-sources" / extra["ChannelName"]
        place.mkdir(parents=True)
        _download_model(container, {"ModelDataSource": extra}, place)
    environment = given.get("Environment") or {}
    submit = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if is_remote(submit):
        fetch_code(container, submit, folder / "code")
    if container.services.mode == REWRITTEN:
        known = container.command([], environment).environment
        refuse_literal_paths(sorted((folder / "code").rglob("*")), known)


def _download_model(container: Container, given: Record, folder: Path) -> None:
    source = (given.get("ModelDataSource") or {}).get("S3DataSource") or {}
    uri = given.get("ModelDataUrl") or source.get("S3Uri")
    if not uri:
        return
    objects, what = container.services.objects, f"model data {uri}"
    found = sources(objects, uri, source.get("S3DataType", "S3Object"), what)
    if source.get("CompressionType") == "None":
        download(objects, found, folder, what)
        return
    (file,) = download(objects, found[:1], container.folder.tmp / "model", what)
    unpack_archive(file, folder, what)
    file.unlink()


def _free_port() -> int:
    with _ports_lock:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in _used_ports:
                _used_ports.add(port)
                return port


def _ping(port: int) -> bool:
    try:
        return _get(port, "/ping", 2.0).status == 200
    except OSError:
        return False


def _get(port: int, path: str, timeout_seconds: float) -> Answer:
    return _ask(port, "GET", path, b"", {}, timeout_seconds)


def _post(port: int, body: bytes, headers: Mapping[str, str], timeout_seconds: float, number: int) -> Answer:
    found = _ask(port, "POST", "/invocations", body, headers, timeout_seconds)
    return Answer(found.status, found.headers, found.body, number)


def _ask(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"no HTTP response from port {port}: {error!r}") from error
    finally:
        connection.close()
