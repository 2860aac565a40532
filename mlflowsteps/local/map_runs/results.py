"""Results of child executions: gathered for the state's output, or written to S3.

Owns the transformations (NONE, COMPACT, FLATTEN), the shape of result files and of their manifest. What is gathered is
at most an output's size; what is written goes through files in the runtime's folder, so that neither grows in memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from mlflowsteps.asl.dataflow import MAX_PAYLOAD_BYTES, data_limit_error, error_output, iso_time
from mlflowsteps.asl.payloads import dumps, size_of
from mlflowsteps.local.map_runs.sources import Bucket
from mlflowsteps.local.records import Json

__all__ = ["WRITER_FAILED", "Child", "Ended", "Gathered", "Results", "Written", "make_results"]

WRITER_FAILED = "States.ResultWriterFailed"
MAX_FILE_BYTES = 1 << 30
"""A result file that has grown to this is followed by another."""

_KINDS = ("FAILED", "PENDING", "SUCCEEDED")


@dataclass(slots=True)
class Child:
    """A child execution as results tell of it.

    Args:
        number: its rank among its siblings.
        arn, name: of the execution.
        input_text: its input.
        start_time: epoch seconds; None where it was never started.
    """

    number: int
    arn: str
    name: str
    input_text: str
    start_time: float | None


@dataclass(slots=True)
class Ended:
    """How a child execution ended.

    Args:
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        output_text: its output; None unless SUCCEEDED.
        error, cause: why it failed, where that is known.
        stop_time: epoch seconds.
        start_time: when it began, if that is not when the Map Run came to it.
        redrives: how often it was redriven.
    """

    status: str
    output_text: str | None
    error: str | None
    cause: str | None
    stop_time: float
    start_time: float | None = None
    redrives: int = 0


class Results(Protocol):
    """Takes what children come to."""

    def add(self, child: Child, ended: Ended) -> None:
        """A child has ended.

        Raises:
            StatesError: the results are too large.
        """

    def pending(self, child: Child) -> None:
        """A child will never be started."""

    def finish(self) -> str:
        """All is there: the state's result as JSON text.

        Raises:
            StatesError: it cannot be written.
        """

    def to_json(self) -> Json:
        """What is to be stored so that ``restore`` goes on from here."""

    def restore(self, stored: Json) -> None:
        """Go on from what ``to_json`` gave."""

    def close(self) -> None:
        """Let open files go; what is on disk stays, for ``restore``."""

    def discard(self) -> None:
        """Nothing is needed any more."""


def make_results(spec: dict[str, Json], arn: str, machine_arn: str, bucket: Bucket, folder: Path) -> Results:
    """What takes the results of a Map Run.

    Args:
        spec: the Map Run's.
        arn: its ARN.
        machine_arn: that of its children's state machine.
        bucket: calls S3.
        folder: where files may grow.
    """
    writer = spec["writer"]
    config = {} if writer is None else writer["config"]
    if writer is None or writer["arguments"] is None:
        entries = None if writer is None else machine_arn
        return Gathered(config.get("Transformation", "COMPACT"), spec["state"], entries)
    return Written(writer["arguments"], config, arn, machine_arn, bucket, folder)


# --- in the state's output


class Gathered:
    """Results that become the state's output: an array in the order of the items.

    Args:
        transformation: NONE, COMPACT or FLATTEN.
        state: name of the state, for the error.
        machine_arn: given, a child that failed is told as NONE tells it; None: by error and cause.
    """

    def __init__(self, transformation: str, state: str, machine_arn: str | None = None) -> None:
        self._transformation, self._state, self._machine_arn = transformation, state, machine_arn
        self._texts: dict[int, str] = {}
        self._size = len("[]")

    def add(self, child: Child, ended: Ended) -> None:
        """See ``Results``."""
        text = self._text(child, ended)
        self._size += size_of(text) + 1
        if self._size - 1 > MAX_PAYLOAD_BYTES:
            raise data_limit_error(self._state)
        self._texts[child.number] = text

    def _text(self, child: Child, ended: Ended) -> str:
        if ended.output_text is None or self._transformation == "NONE":
            if self._machine_arn is None:
                return dumps(error_output(ended.error, ended.cause))
            return entry_text(child, ended, self._machine_arn)
        return _flat(ended.output_text) if self._transformation == "FLATTEN" else ended.output_text

    def pending(self, child: Child) -> None:
        """See ``Results``: nothing tells of it."""

    def finish(self) -> str:
        """See ``Results``."""
        return f"[{','.join(text for _, text in sorted(self._texts.items()) if text)}]"

    def to_json(self) -> Json:
        """See ``Results``."""
        return sorted(self._texts.items())

    def restore(self, stored: Json) -> None:
        """See ``Results``."""
        self._texts = dict(stored)
        self._size += sum(size_of(text) + 1 for text in self._texts.values())

    def close(self) -> None:
        """See ``Results``: there are none."""

    def discard(self) -> None:
        """See ``Results``."""
        self._texts.clear()


# --- in S3


class Written:
    """Results that go to S3: files of entries by status, and a manifest that names them.

    Args:
        arguments: of putObject: Bucket and Prefix.
        config: the WriterConfig.
        arn: ARN of the Map Run.
        machine_arn: ARN of its children's state machine.
        bucket: calls S3.
        folder: where the files grow before they are uploaded.
    """

    def __init__(
        self, arguments: dict[str, Json], config: dict[str, Json], arn: str, machine_arn: str, bucket: Bucket,
        folder: Path,
    ) -> None:  # fmt: skip
        self._arguments, self._arn, self._machine_arn, self._bucket = arguments, arn, machine_arn, bucket
        self._transformation = config.get("Transformation", "NONE")
        self._lines = config.get("OutputType", "JSON") == "JSONL"
        self._folder = folder
        self._files: dict[str, _Growing] = {kind: _Growing(folder, kind, lines=self._lines) for kind in _KINDS}

    def add(self, child: Child, ended: Ended) -> None:
        """See ``Results``."""
        if ended.output_text is None:
            self._files["FAILED"].add(entry_text(child, ended, self._machine_arn))
        elif self._transformation == "NONE":
            self._files["SUCCEEDED"].add(entry_text(child, ended, self._machine_arn))
        elif self._transformation == "COMPACT":
            self._files["SUCCEEDED"].add(ended.output_text)
        elif text := _flat(ended.output_text):
            self._files["SUCCEEDED"].add(text)

    def pending(self, child: Child) -> None:
        """See ``Results``."""
        self._files["PENDING"].add(entry_text(child, None, self._machine_arn))

    def finish(self) -> str:
        """See ``Results``: uploads the files, the manifest last."""
        place = str(self._arguments.get("Bucket", ""))
        prefix = str(self._arguments.get("Prefix", "")).rstrip("/")
        run = self._arn.rpartition(":")[2]
        base = f"{prefix}/{run}" if prefix else run
        files = {kind: self._upload(kind, place, base) for kind in _KINDS}
        manifest = {"DestinationBucket": place, "MapRunArn": self._arn, "ResultFiles": files}
        key = f"{base}/manifest.json"
        self._put(Bucket=place, Key=key, Body=dumps(manifest).encode())
        return dumps({"MapRunArn": self._arn, "ResultWriterDetails": {"Bucket": place, "Key": key}})

    def _upload(self, kind: str, place: str, base: str) -> list[Json]:
        found = []
        for path in self._files[kind].close():
            key = f"{base}/{path.name}"
            with path.open("rb") as file:
                self._put(Bucket=place, Key=key, Body=file)
            found.append({"Key": key, "Size": path.stat().st_size})
        return found

    def _put(self, **parameters: Json) -> None:
        self._bucket.call("put_object", ContentType="application/json", **parameters)

    def to_json(self) -> Json:
        """See ``Results``."""
        return {kind: file.flush() for kind, file in self._files.items()}

    def restore(self, stored: Json) -> None:
        """See ``Results``."""
        for kind, sizes in stored.items():
            self._files[kind].restore(sizes)

    def close(self) -> None:
        """See ``Results``."""
        for file in self._files.values():
            file.drop()

    def discard(self) -> None:
        """See ``Results``."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Growing:
    """Files of entries of one kind: an array in each, or lines.

    Args:
        folder: where they are; made with the first entry.
        kind: what their names begin with.
        lines: JSON Lines, not an array.
    """

    def __init__(self, folder: Path, kind: str, *, lines: bool) -> None:
        self._folder, self._kind, self._lines = folder, kind, lines
        self._sizes: list[int] = []
        self._file: IO[bytes] | None = None

    def add(self, text: str) -> None:
        """Append an entry."""
        if self._file is None or self._sizes[-1] >= MAX_FILE_BYTES:
            self._begin()
        data = text.encode("utf-8", "surrogatepass")
        if self._lines:
            data += b"\n"
        else:
            data = (b"[" if self._sizes[-1] == 0 else b",") + data
        self._sizes[-1] += len(data)
        self._writer().write(data)

    def close(self) -> list[Path]:
        """Complete the files; returns them in order."""
        paths = [self._path(number) for number in range(len(self._sizes))]
        if self._file is not None and not self._lines:
            self._file.write(b"]")
        self.drop()
        return paths

    def flush(self) -> list[int]:
        """Have all that was added on disk; returns the sizes."""
        if self._file is not None:
            self._file.flush()
        return list(self._sizes)

    def restore(self, sizes: list[int]) -> None:
        """Cut the files back to what they were at a ``flush``."""
        self._sizes = list(sizes)
        for number, size in enumerate(sizes):
            with self._path(number).open("r+b") as file:
                file.truncate(size if number == len(sizes) - 1 or self._lines else size + 1)
        if sizes:
            self._file = self._path(len(sizes) - 1).open("ab")

    def drop(self) -> None:
        """Let the open file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        if self._file is not None:
            if not self._lines:
                self._file.write(b"]")
            self._file.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sizes.append(0)
        self._file = self._path(len(self._sizes) - 1).open("wb")

    def _writer(self) -> IO[bytes]:
        if self._file is None:
            raise RuntimeError(f"the file of {self._kind} is closed")
        return self._file

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._kind}_{number}.{'jsonl' if self._lines else 'json'}"


# --- entries


def entry_text(child: Child, ended: Ended | None, machine_arn: str) -> str:
    """How a result file tells of a child execution; the keys are in order.

    Args:
        child: which.
        ended: how it ended; None: it was never started.
        machine_arn: ARN of its state machine.
    """
    entry: dict[str, Json] = {}
    if ended is not None and ended.output_text is None:
        entry |= {"Cause": ended.cause, "Error": ended.error}
    entry |= {"ExecutionArn": child.arn, "Input": child.input_text, "InputDetails": {"Included": True}}
    entry["Name"] = child.name
    if ended is not None and ended.output_text is not None:
        entry |= {"Output": ended.output_text, "OutputDetails": {"Included": True}}
    entry |= {"RedriveCount": 0 if ended is None else ended.redrives, **_redrive(ended)}
    start_time = child.start_time if ended is None or ended.start_time is None else ended.start_time
    if start_time is not None:
        entry["StartDate"] = iso_time(start_time)
    entry |= {"StateMachineArn": machine_arn, "Status": "PENDING" if ended is None else ended.status}
    if ended is not None:
        entry["StopDate"] = iso_time(ended.stop_time)
    return dumps({key: value for key, value in entry.items() if value is not None})


def _redrive(ended: Ended | None) -> dict[str, Json]:
    if ended is None or ended.status == "SUCCEEDED":
        status = "PENDING" if ended is None else ended.status
        reason = f"Execution is {status} and cannot be redriven"
        return {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}
    return {"RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}


def _flat(text: str) -> str:
    """The elements of an output that is an array; another output as it is."""
    return text[1:-1] if text.startswith("[") else text
