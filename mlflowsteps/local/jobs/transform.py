"""Batch transform jobs: objects in, cut into payloads, through a model's server, and out as ``<key>.out``.

Source:
    Amazon SageMaker developer guide, "Use Batch Transform", "Use Your Own Inference Code with Batch Transform".
"""

from __future__ import annotations

import copy
import gzip
import json
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from mlflowsteps.local.jobs.capture import capture_batch
from mlflowsteps.local.jobs.failures import JobFailure, JobStopped
from mlflowsteps.local.jobs.filters import (
    FilterError,
    Select,
    compile_filter,
    join_csv,
    join_json,
    read_csv_row,
    write_csv_row,
)
from mlflowsteps.local.jobs.job import Job, Record
from mlflowsteps.local.jobs.process import Ending
from mlflowsteps.local.jobs.servers import Answer, ModelServer
from mlflowsteps.local.jobs.transfer import Source, read_uri, require_bucket, sources

__all__ = ["describe", "run"]

_ECHOED = [
    "ModelName",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "ModelClientConfig",
    "DataCaptureConfig",
    "DataProcessing",
    "ExperimentConfig",
]
_DEFAULTS: dict[str, Any] = {"MaxConcurrentTransforms": 1, "MaxPayloadInMB": 6, "BatchStrategy": "MultiRecord"}
_ENVIRONMENT_STRATEGY = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}
_MAX_RUNTIME_SECONDS = 28 * 86400.0
_JSON_TYPES = ("application/json", "application/jsonlines", "application/x-jsonlines")


def describe(request: Record) -> Record:
    """What DescribeTransformJob answers at once."""
    found = {key: copy.deepcopy(request[key]) for key in _ECHOED if key in request}
    found["TransformInput"].setdefault("CompressionType", "None")
    found["TransformInput"].setdefault("SplitType", "None")
    found["TransformOutput"].setdefault("AssembleWith", "None")
    found.setdefault("DataProcessing", {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"})
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    """How payloads are made and results put together."""

    strategy: str
    max_bytes: int
    concurrency: int
    by_line: bool
    gzipped: bool
    newline_after: bool
    headers: dict[str, str]
    around: _Around | None
    timeout_seconds: float
    retries: int


@dataclass(frozen=True, slots=True)
class _Around:
    """Filters and join, and in which forms."""

    input_filter: Select
    output_filter: Select
    join: bool
    csv_in: bool
    csv_out: bool


def run(job: Job, model: Record) -> None:
    """Do the whole job.

    Args:
        job: the job.
        model: the CreateModel request of its model.

    Raises:
        JobFailure: with the FailureReason; the outputs of objects that did not fail are kept.
        JobStopped: it was stopped; nothing is stored.
    """
    output = job.request["TransformOutput"]["S3OutputPath"]
    require_bucket(job.services.objects, output, "TransformOutput.S3OutputPath")
    if capturing := job.request.get("DataCaptureConfig"):
        require_bucket(job.services.objects, capturing["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")
    source = job.request["TransformInput"]["DataSource"]["S3DataSource"]
    found = sources(job.services.objects, source["S3Uri"], source["S3DataType"], "TransformInput")
    job.start_clock()
    server = ModelServer(model, job.folder, job.services, job.control, _variables(job.request))
    server.prepare()
    watch = _Watch(job, server)
    try:
        server.start()
        watch.begin()
        results = _transform_all(job, server, found)
    except JobFailure as failure:
        raise JobFailure(job.reason(failure.reason)) from failure
    finally:
        server.stop()
        watch.end()
    watch.raise_if_stopped()
    _store(job, results, output)
    _capture(job, found, [relative for relative, _ in results], output)


def _capture(job: Job, found: list[Source], written: list[str], output: str) -> None:
    read = [f"s3://{source.bucket}/{source.key}".removesuffix(source.relative) for source in found]
    lists = {
        "input": (read[0], [source.relative for source in found]),
        "output": (f"{output.rstrip('/')}/", written),
    }
    capture_batch(job.request.get("DataCaptureConfig"), job.services, lists)


class _Watch:
    """Waits beside the requests for the end of the processes, a stop, or the time-out."""

    def __init__(self, job: Job, server: ModelServer) -> None:
        self._job, self._server = job, server
        self._ending: Ending | None = None
        self._thread = threading.Thread(target=self._wait, name=f"watch-{job.name}", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def _wait(self) -> None:
        control = self._job.control
        try:
            self._ending = control.wait(self._server.processes, max_runtime_seconds=_MAX_RUNTIME_SECONDS)
        except Exception:  # noqa: BLE001 - JobAbandoned: the job's own thread finds it by control.check()
            self._ending = None

    def end(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def raise_if_stopped(self) -> None:
        self._job.control.check()
        if self._ending is not None and self._ending.stopped:
            raise JobStopped(self._ending.stopped)


def _variables(request: Record) -> dict[str, str]:
    found = {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in request:
        found["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if "BatchStrategy" in request:
        found["SAGEMAKER_BATCH_STRATEGY"] = _ENVIRONMENT_STRATEGY[request["BatchStrategy"]]
    if "MaxConcurrentTransforms" in request:
        found["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return found | (request.get("Environment") or {})


def _plan(job: Job, server: ModelServer) -> _Plan:
    """The request's values, else the container's /execution-parameters, else the service's defaults."""
    request = job.request
    values = _DEFAULTS | _container_values(server) | {key: request[key] for key in _DEFAULTS if key in request}
    given, output = request["TransformInput"], request["TransformOutput"]
    headers = {"Content-Type": given.get("ContentType") or "application/octet-stream"}
    if output.get("Accept"):
        headers["Accept"] = output["Accept"]
    client = request.get("ModelClientConfig") or {}
    megabytes = int(values["MaxPayloadInMB"])
    return _Plan(
        strategy=str(values["BatchStrategy"]),
        max_bytes=megabytes << 20 if megabytes else 1 << 40,
        concurrency=max(1, int(values["MaxConcurrentTransforms"])),
        by_line=given.get("SplitType", "None") == "Line",
        gzipped=given.get("CompressionType") == "Gzip",
        newline_after=output.get("AssembleWith") == "Line",
        headers=headers,
        around=_around(request, headers),
        timeout_seconds=float(client.get("InvocationsTimeoutInSeconds", 600)),
        retries=int(client.get("InvocationsMaxRetries", 3)),
    )


def _container_values(server: ModelServer) -> dict[str, Any]:
    try:
        found = json.loads(server.parameters() or b"{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    strategies = {text: name for name, text in _ENVIRONMENT_STRATEGY.items()}
    if "BatchStrategy" in found:
        found["BatchStrategy"] = strategies.get(found["BatchStrategy"], "MultiRecord")
    return {key: value for key, value in found.items() if key in _DEFAULTS}


def _around(request: Record, headers: dict[str, str]) -> _Around | None:
    given = request.get("DataProcessing") or {}
    join = given.get("JoinSource", "None") == "Input"
    input_filter, output_filter = given.get("InputFilter", "$"), given.get("OutputFilter", "$")
    if not join and input_filter == "$" and output_filter == "$":
        return None
    kinds = [headers["Content-Type"].split(";")[0], headers.get("Accept", headers["Content-Type"]).split(";")[0]]
    for kind in kinds:
        if kind != "text/csv" and kind not in _JSON_TYPES:
            raise JobFailure(f"ClientError: DataProcessing needs text/csv or JSON, not {kind!r}.")
    if join and (kinds[0] == "text/csv") != (kinds[1] == "text/csv"):
        raise JobFailure(
            f"ClientError: JoinSource Input needs one form of input and output, not {' and '.join(kinds)}."
        )
    try:
        selects = compile_filter(input_filter), compile_filter(output_filter)
    except FilterError as error:
        raise JobFailure(f"ClientError: DataProcessing: {error}") from error
    return _Around(*selects, join, kinds[0] == "text/csv", kinds[1] == "text/csv")


def _transform_all(job: Job, server: ModelServer, found: list[Source]) -> list[tuple[str, Path]]:
    """(relative key, file) of each object's results; fails at the end where an object did."""
    plan = _plan(job, server)
    results, failures = [], []
    with ThreadPoolExecutor(plan.concurrency) as pool:
        for number, source in enumerate(found):
            job.control.check()
            target = job.folder.tmp / f"{number}.out"
            try:
                with target.open("wb") as out:
                    _transform_one(job, server, source, plan, pool, out)
                results.append((f"{source.relative}.out", target))
            except _ObjectFailure as failure:
                job.control.check()
                failures.append(f"s3://{source.bucket}/{source.key}: {failure}")
    if failures:
        job.control.check()
        _store(job, results, job.request["TransformOutput"]["S3OutputPath"])
        more = f" (and {len(failures) - 1} more objects)" if len(failures) > 1 else ""
        raise JobFailure(f"AlgorithmError: {failures[0]}{more}. See job logs for more information")
    return results


class _ObjectFailure(Exception):
    """One object cannot be transformed; the others go on."""


def _transform_one(
    job: Job, server: ModelServer, source: Source, plan: _Plan, pool: ThreadPoolExecutor, out: IO[bytes]
) -> None:
    path = job.services.objects.path(source.bucket, source.key)

    def ask(records: list[bytes]) -> bytes:
        job.control.check()
        return _ask(server, plan, records)

    try:
        with gzip.open(path, "rb") if plan.gzipped else path.open("rb") as stream:
            for result in _in_order(pool, ask, _payloads(stream, plan), plan.concurrency):
                out.write(result)
                if plan.newline_after and not result.endswith(b"\n"):
                    out.write(b"\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _ObjectFailure(f"the input is no gzip file: {error}") from error


def _in_order(
    pool: ThreadPoolExecutor, call: Callable[[list[bytes]], bytes], items: Iterable[list[bytes]], window: int
) -> Iterator[bytes]:
    """Results in the order of the items, with at most ``window`` of them under way."""
    waiting: deque[Future[bytes]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(call, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _payloads(stream: BinaryIO | gzip.GzipFile, plan: _Plan) -> Iterator[list[bytes]]:
    """The records of each request: one, or as many lines as the payload holds."""
    if not plan.by_line:
        body = stream.read(plan.max_bytes + 1)
        if len(body) > plan.max_bytes:
            raise _ObjectFailure(
                f"the object is larger than the payload of {plan.max_bytes >> 20} MB. Raise MaxPayloadInMB, or set "
                "SplitType to Line"
            )
        yield [body]
        return
    batch: list[bytes] = []
    size = 0
    for line in iter(lambda: stream.readline(plan.max_bytes + 2), b""):
        record = line.rstrip(b"\r\n")
        if len(record) > plan.max_bytes:
            raise _ObjectFailure(f"a record is larger than the payload of {plan.max_bytes >> 20} MB")
        if not record.strip():
            continue
        if batch and (plan.strategy == "SingleRecord" or size + len(record) + 1 > plan.max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record) + 1
    if batch:
        yield batch


def _ask(server: ModelServer, plan: _Plan, records: list[bytes]) -> bytes:
    """One request: filter, ask, join, filter."""
    around = plan.around
    if around is None:
        body = b"\n".join(records) + (b"\n" if plan.by_line else b"")
        return _invoke(server, plan, body).body
    try:
        sources_ = [value for record in records for value in _read(record, csv=around.csv_in, lines=plan.by_line)]
        sent = [around.input_filter(value) for value in sources_]
        body = _write(sent, csv=around.csv_in)
        answers = _read(_invoke(server, plan, body).body, csv=around.csv_out, lines=len(sources_) > 1)
        return _write([_result(around, *pair) for pair in _paired(sources_, answers)], csv=around.csv_out)
    except FilterError as error:
        raise _ObjectFailure(str(error)) from error
    except ValueError as error:
        raise _ObjectFailure(f"input or output is not of the form that its content type says: {error}") from error


def _result(around: _Around, source: Any, answer: Any) -> Any:
    if around.join:
        answer = join_csv(source, answer) if around.csv_out else join_json(source, answer)
    return around.output_filter(answer)


def _paired(sources_: list[Any], answers: list[Any]) -> list[tuple[Any, Any]]:
    if len(sources_) != len(answers):
        raise FilterError(f"{len(sources_)} records were sent and {len(answers)} results came back.")
    return list(zip(sources_, answers, strict=True))


def _read(body: bytes, *, csv: bool, lines: bool) -> list[Any]:
    text = body.decode("utf-8")
    if csv:
        return [read_csv_row(line) for line in text.splitlines() if line.strip()]
    return [json.loads(line) for line in text.splitlines() if line.strip()] if lines else [json.loads(text)]


def _write(values: list[Any], *, csv: bool) -> bytes:
    texts = [write_csv_row(value) if csv else json.dumps(value) for value in values]
    return ("\n".join(texts) + "\n").encode()


def _invoke(server: ModelServer, plan: _Plan, body: bytes) -> Answer:
    answer = Answer(500, {}, b"no answer")
    for _ in range(plan.retries + 1):
        try:
            answer = server.invoke(body, plan.headers, timeout_seconds=plan.timeout_seconds)
        except OSError as error:
            raise _ObjectFailure(f"no answer from the container: {error}") from error
        if answer.status < 500:
            break
    if not 200 <= answer.status < 300:
        text = answer.body.decode("utf-8", "replace")[:400]
        raise _ObjectFailure(f"Bad HTTP status received from algorithm: {answer.status}: {text}")
    return answer


def _store(job: Job, results: list[tuple[str, Path]], uri: str) -> None:
    bucket, prefix = read_uri(uri, "TransformOutput")
    base = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    for relative, file in results:
        job.services.objects.put(bucket, base + relative, file)
        file.unlink()
