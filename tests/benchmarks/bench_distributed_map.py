"""Peak memory and time of a Distributed Map over the rows of a CSV file in the local S3, of two sizes.

::

    python -m tests.benchmarks.bench_distributed_map [--rows 1000000] [--baseline 10000] [--limit 100]

Each size runs in a fresh process: a file is uploaded, an EXPRESS child (one Pass state) runs for each row, and every
result is written to S3 by a ResultWriter. The figures are the peak of the resident memory (the upload is in it), the
rows in a second of the clock, and of the processor, which others on the machine do not change, and the size of the
result files, whose entries are counted again. The exit code is 1 where the peak of the large size is more than the
limit, in MB, above that of the small one.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import time
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/r"
MB = 1 << 20


class Rows(io.RawIOBase):
    """A CSV file of so many rows, made while it is read; ``tell`` and ``seek`` are for the upload's checksum."""

    def __init__(self, rows: int) -> None:
        self.size = sum(len(self.row(number)) for number in range(-1, rows))
        self.rows, self._next, self._left = rows, -1, b""

    @staticmethod
    def row(number: int) -> bytes:
        return b"id,name,value\n" if number < 0 else b"%d,row %d,%d.5\n" % (number, number, number % 1000)

    def __len__(self) -> int:
        return self.size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self.size if size is None or size < 0 else size
        pieces, have = [self._left], len(self._left)
        while have < wanted and self._next < self.rows:
            pieces.append(self.row(self._next))
            have += len(pieces[-1])
            self._next += 1
        data = b"".join(pieces)
        self._left = data[wanted:]
        return data[:wanted]


def upload(client: Any, rows: int) -> None:
    """Put the file in parts, so that neither side holds it."""
    source = Rows(rows)
    parts: list[dict[str, Any]] = []
    made = client.create_multipart_upload(Bucket="bucket", Key="rows.csv")["UploadId"]
    while piece := source.read(8 * MB):
        part = client.upload_part(Bucket="bucket", Key="rows.csv", UploadId=made, PartNumber=len(parts) + 1, Body=piece)
        parts.append({"ETag": part["ETag"], "PartNumber": len(parts) + 1})
    client.complete_multipart_upload(Bucket="bucket", Key="rows.csv", UploadId=made, MultipartUpload={"Parts": parts})


def machine() -> str:
    """One EXPRESS child for each row; results to S3."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Keep",
        "States": {"Keep": {"Type": "Pass", "End": True}},
    }
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "Parameters": {"Bucket": "bucket", "Key": "rows.csv"},
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        },
        "ItemProcessor": processor,
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "bucket", "Prefix": "results"},
            "WriterConfig": {"Transformation": "NONE", "OutputType": "JSONL"},
        },
        "End": True,
    }
    return json.dumps({"StartAt": "Rows", "States": {"Rows": state}})


def run(rows: int) -> dict[str, float]:
    """Run one size in this process."""
    from mlflowsteps.local import LocalRuntime

    with LocalRuntime.temporary() as runtime:
        client, states = runtime.client("s3"), runtime.client("stepfunctions")
        client.create_bucket(Bucket="bucket")
        upload(client, rows)
        made = states.create_state_machine(name="rows", definition=machine(), roleArn=ROLE)
        begin, busy = time.perf_counter(), time.process_time()
        arn = states.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
        status = runtime.wait(arn)
        seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        output = json.loads(states.describe_execution(executionArn=arn)["output"])
        manifest = json.loads(
            client.get_object(Bucket="bucket", Key=output["ResultWriterDetails"]["Key"])["Body"].read()
        )
        files = manifest["ResultFiles"]["SUCCEEDED"]
        lines = sum(
            sum(1 for _ in client.get_object(Bucket="bucket", Key=file["Key"])["Body"].iter_lines()) for file in files
        )
        if status != "SUCCEEDED" or lines != rows:
            raise SystemExit(f"{status}: {lines} results of {rows} rows")
        size = sum(file["Size"] for file in files) / MB
        return {"rows": rows, "seconds": seconds, "cpu": cpu, "peak": peak, "written": size}


def main(arguments: list[str] | None = None) -> int:
    """Measure both sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--baseline", type=int, default=10_000)
    parser.add_argument("--limit", type=float, default=100.0, help="MB")
    parser.add_argument("--here", type=int, help="run this size in this process, and print its figures as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.here is not None:
        sys.stdout.write(json.dumps(run(chosen.here)) + "\n")
        return 0
    peaks = []
    for rows in (chosen.baseline, chosen.rows):
        command = [sys.executable, "-m", "tests.benchmarks.bench_distributed_map", "--here", str(rows)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        peaks.append(found["peak"])
        sys.stdout.write(
            f"{rows:>9,} rows  {found['seconds']:7.1f} s  {rows / found['seconds']:8,.0f} rows/s  "
            f"{rows / found['cpu']:8,.0f} rows/s of the processor  "
            f"peak {found['peak']:6.1f} MB  results {found['written']:7.1f} MB\n"
        )
    sys.stdout.write(f"growth of the peak: {peaks[1] - peaks[0]:.1f} MB\n")
    return int(peaks[1] - peaks[0] > chosen.limit)


if __name__ == "__main__":
    sys.exit(main())
