"""Asynchronous endpoints: the question is an object in S3, and so is the answer, or the error.

Questions that wait when the runtime closes are not asked later.

Source:
    Amazon SageMaker developer guide, "Asynchronous inference"; the API's model.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.askers import Askers
from mlflowsteps.local.jobs.container import Record, Services
from mlflowsteps.local.jobs.endpoints import InvokeResult
from mlflowsteps.local.jobs.failures import JobFailure
from mlflowsteps.local.jobs.transfer import read_uri, require_bucket

__all__ = ["AsyncInvocations"]

_WORKERS = 4
_SECONDS = 900.0
Question: TypeAlias = str | bytes
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"


class AsyncInvocations:
    """All asynchronous questions of a runtime.

    Args:
        services: gives the runtime's parts.
        configuration: gives the AsyncInferenceConfig of an endpoint, or raises ServiceError.
        invoke: asks an endpoint: name, body, headers, seconds.
        note: adds a line to an endpoint's log.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        configuration: Callable[[str], Record],
        invoke: Callable[[str, bytes, Mapping[str, str], float], InvokeResult],
        note: Callable[[str, str], None],
    ) -> None:
        self._services, self._configuration, self._invoke, self._note = services, configuration, invoke, note
        self._pool = Askers(_WORKERS, "async-inference")

    def begin(
        self,
        name: str,
        question: Question,
        headers: Mapping[str, str],
        *,
        place: str = "",
        seconds: float = _SECONDS,
    ) -> Record:
        """Take a question.

        Args:
            name: the endpoint's.
            question: S3 URI of the question, or its bytes.
            headers: as InvokeEndpoint's; with the caller's inference id, where there is one.
            place: path of the answer below S3OutputPath; ``<id>.out`` where it is empty or ends with ``/``.
            seconds: how long the container may take.

        Returns:
            What InvokeEndpointAsync answers: InferenceId, OutputLocation, FailureLocation.

        Raises:
            ServiceError: the endpoint is none, or not asynchronous, or there is no such object.
        """
        output = self._configuration(name)["OutputConfig"]
        inference_id = headers.get(INFERENCE_ID) or str(uuid.uuid4())
        stem = str(uuid.uuid4())
        file = f"{place}{stem}.out" if not place or place.endswith("/") else place
        found: Record = {"InferenceId": inference_id}
        if output.get("S3OutputPath"):
            found["OutputLocation"] = f"{output['S3OutputPath'].rstrip('/')}/{file}"
        if output.get("S3FailurePath"):
            found["FailureLocation"] = f"{output['S3FailurePath'].rstrip('/')}/{stem}-error.out"
        self._check(question, *(found[key] for key in ("OutputLocation", "FailureLocation") if key in found))
        release = self._services().clock.hold()
        try:
            self._pool.submit(partial(self._work, name, question, dict(headers), found, seconds), release)
        except RuntimeError as error:
            release()
            raise ServiceError("ServiceUnavailable", "The local runtime was closed; open it again.", 503) from error
        return found

    def _check(self, question: Question, *targets: str) -> None:
        objects = self._services().objects
        try:
            if isinstance(question, str):
                objects.head(*read_uri(question, "InputLocation"))
            for target in targets:
                require_bucket(objects, target, "AsyncInferenceConfig.OutputConfig")
        except (JobFailure, ServiceError) as error:
            raise ServiceError("ValidationError", f"InvokeEndpointAsync: {error}") from error

    def _read(self, question: Question) -> bytes:
        if isinstance(question, bytes):
            return question
        with self._services().objects.open(*read_uri(question, "InputLocation")) as file:
            return file.read()

    def _work(self, name: str, question: Question, headers: Mapping[str, str], found: Record, seconds: float) -> None:
        objects = self._services().objects
        try:
            answer = self._invoke(name, self._read(question), headers, seconds)
            target, body, kind = found.get("OutputLocation"), answer.body, answer.content_type
        except (ServiceError, JobFailure, OSError) as error:
            target, body, kind = found.get("FailureLocation"), str(error).encode(), "text/plain"
        except Exception as error:  # noqa: BLE001 - a fault of the runtime: nobody else would ever hear of it
            target, body, kind = found.get("FailureLocation"), repr(error).encode(), "text/plain"
        if target is None:
            return
        try:
            objects.put(*read_uri(target, "AsyncInferenceConfig"), body, content_type=kind)
        except (ServiceError, OSError) as error:
            self._note(name, f"the asynchronous answer cannot be written to {target}: {error}")

    def close(self) -> None:
        """Ask no more; questions that wait are given up."""
        self._pool.close()

    def join(self) -> None:
        """Wait for the questions under way, whose containers have ended: nothing is written after this."""
        self._pool.join()
