"""Batch transform: how objects are cut, sent, filtered, joined and put together."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import ServiceError
from tests.local.jobs.conftest import BUCKET, Bench, model, tar_gz, transform

ECHO = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
assert sys.argv[-1] == "serve", sys.argv
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ping" else 404)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print("BODY", json.dumps(body), self.headers.get("Content-Type"), os.environ.get("SAGEMAKER_BATCH"), flush=True)
        if "poison" in body:
            status, answer = 400, "no poison please"
        else:
            status, answer = 200, answer_to(body, self.headers)
        self.send_response(status)
        self.send_header("Content-Type", self.headers.get("Accept", "text/csv"))
        self.end_headers()
        self.wfile.write(answer.encode())
    def log_message(self, *arguments):
        pass
def answer_to(body, headers):
    lines = body.splitlines()
    if headers["Content-Type"].startswith("application/json"):
        return "\\n".join(json.dumps({"sum": sum(json.loads(line))}) for line in lines)
    return "\\n".join(str(sum(float(v) for v in line.split(","))) for line in lines)
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def echo(bench: Bench, tmp_path: Path) -> Bench:
    """A model whose container answers each row with its sum, and logs what it was asked."""
    (tmp_path / "echo.py").write_text(ECHO)
    bench.manager.images.register("echo", [sys.executable, str(tmp_path / "echo.py")])
    bench.manager.create("model", model("echo", "echo"))
    return bench


def bodies(bench: Bench, name: str) -> list[str]:
    decoder = json.JSONDecoder()
    lines = bench.log("transform-job", name).splitlines()
    return [decoder.raw_decode(line.removeprefix("BODY "))[0] for line in lines if line.startswith("BODY ")]


LINE = {"SplitType": "Line"}
ASSEMBLE = {"AssembleWith": "Line", "Accept": "text/csv"}


def test_a_whole_object_is_one_request_where_it_is_not_split(echo: Bench) -> None:
    echo.put("in/rows.csv", "1,2\n3,4\n")
    job = echo.run("transform-job", transform("T-1", "echo", "in/rows.csv", "text/csv"))

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["TransformJobArn"].endswith(":transform-job/t-1")
    assert bodies(echo, "T-1") == ["1,2\n3,4\n"]
    assert echo.get("predictions/rows.csv.out") == b"3.0\n7.0"
    assert "text/csv true" in echo.log("transform-job", "T-1")
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]


@pytest.mark.parametrize(
    ("strategy", "requests"), [("SingleRecord", ["1,2\n", "3,4\n", "5,6\n"]), ("MultiRecord", ["1,2\n3,4\n5,6\n"])]
)
@pytest.mark.parametrize("concurrency", [1, 3])
def test_lines_go_out_alone_or_together_and_come_back_in_order(
    echo: Bench, strategy: str, requests: list[str], concurrency: int
) -> None:
    echo.put("in/rows.csv", "1,2\r\n3,4\n\n5,6")
    options = {"BatchStrategy": strategy, "MaxConcurrentTransforms": concurrency}
    job = echo.run("transform-job", transform("t", "echo", "in/", "text/csv", given=LINE, output=ASSEMBLE, **options))

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert sorted(bodies(echo, "t")) == requests
    assert echo.get("predictions/rows.csv.out") == b"3.0\n7.0\n11.0\n"


def test_multi_record_requests_stay_below_the_payload(echo: Bench) -> None:
    row = "1," + "2" * 400_000
    echo.put("in/rows.csv", f"{row}\n{row}\n{row}\n")
    echo.run("transform-job", transform("t", "echo", "in/", "text/csv", given=LINE, MaxPayloadInMB=1))
    assert [len(body.splitlines()) for body in bodies(echo, "t")] == [2, 1]


@pytest.mark.parametrize("given", [{}, LINE])
def test_a_record_above_the_payload_fails_the_job_with_the_fix(echo: Bench, given: dict[str, str]) -> None:
    echo.put("in/rows.csv", "1," + "2" * 2_000_000)
    job = echo.run("transform-job", transform("t", "echo", "in/", "text/csv", given=given, MaxPayloadInMB=1))
    assert job["TransformJobStatus"] == "Failed"
    assert "larger than the payload of 1 MB" in job["FailureReason"]


def test_an_object_that_fails_leaves_no_output_and_the_others_do(echo: Bench) -> None:
    for name, text in (("a", "1,2"), ("b", "poison"), ("sub/c", "3,4")):
        echo.put(f"in/{name}.csv", text)
    job = echo.run("transform-job", transform("t", "echo", "in/", "text/csv"))

    assert job["TransformJobStatus"] == "Failed"
    assert (
        f"s3://{BUCKET}/in/b.csv: Bad HTTP status received from algorithm: 400: no poison please"
        in job["FailureReason"]
    )
    assert [key for key in echo.all_keys() if key.startswith("pred")] == [
        "predictions/a.csv.out",
        "predictions/sub/c.csv.out",
    ]


def test_gzipped_input_is_decompressed(echo: Bench) -> None:
    echo.put("in/rows.csv.gz", gzip.compress(b"1,2\n3,4\n"))
    given = LINE | {"CompressionType": "Gzip"}
    assert (
        echo.run("transform-job", transform("t", "echo", "in/", "text/csv", given=given))["TransformJobStatus"]
        == "Completed"
    )
    assert bodies(echo, "t") == ["1,2\n3,4\n"]
    assert "predictions/rows.csv.gz.out" in echo.all_keys()

    echo.put("bad/rows.csv.gz", b"no gzip")
    job = echo.run("transform-job", transform("t-2", "echo", "bad/", "text/csv", given=given))
    assert "the input is no gzip file" in job["FailureReason"]


@pytest.mark.parametrize(
    ("processing", "sent", "out"),
    [
        ({"InputFilter": "$[1:]"}, "2.0,3\n5,6\n", "5.0\n11.0\n"),
        ({"InputFilter": "$[0,-1]", "JoinSource": "Input"}, "id-1,3\nid-4,6\n", None),
        ({"InputFilter": "$[1:]", "JoinSource": "Input"}, "2.0,3\n5,6\n", "id-1,2.0,3,5.0\nid-4,5,6,11.0\n"),
        (
            {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            "2.0,3\n5,6\n",
            "id-1,5.0\nid-4,11.0\n",
        ),
        ({"InputFilter": "$[1:2]", "OutputFilter": "$[0]"}, "2.0,3\n5,6\n", "5.0\n11.0\n"),
    ],
)
def test_filters_and_join_work_on_csv_columns(
    echo: Bench, processing: dict[str, str], sent: str, out: str | None
) -> None:
    echo.put("in/rows.csv", "id-1,2.0,3\nid-4,5,6\n")
    request = transform("t", "echo", "in/", "text/csv", given=LINE, output=ASSEMBLE, DataProcessing=processing)
    job = echo.run("transform-job", request)
    assert bodies(echo, "t")[0] == sent
    if out is None:  # the container cannot sum a name
        assert job["TransformJobStatus"] == "Failed"
    else:
        assert echo.get("predictions/rows.csv.out").decode() == out


def test_filters_and_join_work_on_json_lines(echo: Bench) -> None:
    echo.put("in/rows.jsonl", '{"id": 1, "x": [1, 2]}\n{"id": 2, "x": [3, 4]}\n')
    processing = {"InputFilter": "$.x", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    output = {"AssembleWith": "Line", "Accept": "application/jsonlines"}
    request = transform(
        "t", "echo", "in/", "application/jsonlines", given=LINE, output=output, DataProcessing=processing
    )
    job = echo.run("transform-job", request)

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    lines = [json.loads(line) for line in echo.get("predictions/rows.jsonl.out").splitlines()]
    assert lines == [{"id": 1, "SageMakerOutput": {"sum": 3}}, {"id": 2, "SageMakerOutput": {"sum": 7}}]


def test_data_capture_of_a_transform_lists_what_was_read_and_written(echo: Bench) -> None:
    for name in ("a", "sub/b"):
        echo.put(f"in/{name}", "1\n")
    capture = {"DataCaptureConfig": {"DestinationS3Uri": f"s3://{BUCKET}/captured"}}
    job = echo.run("transform-job", transform("t", "echo", "in/", "text/csv", **capture))
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    found = {key.split("/")[1]: json.loads(echo.get(key)) for key in echo.all_keys() if key.startswith("captured/")}
    assert found == {
        "input": [{"prefix": f"s3://{BUCKET}/in/"}, "a", "sub/b"],
        "output": [{"prefix": f"s3://{BUCKET}/predictions/"}, "a.out", "sub/b.out"],
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://absent/x"}}, "DataCaptureConfig.DestinationS3Uri"),
        ({"given": {"SplitType": "RecordIO"}}, "SplitType 'RecordIO' is not played"),
        ({"DataProcessing": {"InputFilter": "$..x"}}, "'$..x' is not supported at '..x'"),
        ({"given": {"CompressionType": "Bzip2"}}, "CompressionType 'Bzip2'"),
        ({"output": {"S3OutputPath": "s3://absent/x"}}, "create_bucket"),
    ],
)
def test_what_cannot_be_played_fails_the_job_with_its_name(echo: Bench, changes: dict[str, Any], reason: str) -> None:
    echo.put("in/rows.csv", "1,2\n")
    job = echo.run("transform-job", transform("t", "echo", "in/", "text/csv", **changes))
    assert job["TransformJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_a_model_that_does_not_exist_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(ServiceError) as caught:
        bench.manager.create("transform-job", transform("t", "absent", "in/", "text/csv"))
    assert caught.value.code == "ValidationException"
    assert caught.value.message == ('Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/absent".')


def test_a_container_that_does_not_start_fails_the_job_with_its_log(bench: Bench) -> None:
    bench.manager.images.register("broken", [sys.executable, "-c", "raise SystemExit('no weights')"])
    bench.manager.create("model", model("broken", "broken"))
    bench.put("in/rows.csv", "1\n")
    job = bench.run("transform-job", transform("t", "broken", "in/", "text/csv"))
    assert job["TransformJobStatus"] == "Failed"
    assert "ended with exit code 1 before it answered /ping" in job["FailureReason"]
    assert "no weights" in job["FailureReason"]


def test_a_stopped_transform_stores_nothing(bench: Bench, tmp_path: Path) -> None:
    import os

    pipe = tmp_path / "asked"
    os.mkfifo(pipe)
    source = ECHO.replace(
        "lines = body.splitlines()", f"open({str(pipe)!r}, 'w').close(); import signal; signal.pause()"
    )
    (tmp_path / "slow.py").write_text(source)
    bench.manager.images.register("slow", [sys.executable, str(tmp_path / "slow.py")])
    bench.manager.create("model", model("slow", "slow"))
    bench.put("in/rows.csv", "1\n")
    bench.manager.create("transform-job", transform("t", "slow", "in/", "text/csv"))
    pipe.open().close()
    bench.manager.stop("transform-job", "t")

    assert bench.wait("transform-job", "t")["TransformJobStatus"] == "Stopped"
    assert not [key for key in bench.all_keys() if key.startswith("predictions")]


def test_a_hostile_model_archive_fails_the_job(echo: Bench) -> None:
    echo.put("model.tar.gz", tar_gz({"../../../evil": "x"}))
    echo.manager.create("model", model("hostile", "echo", "model.tar.gz"))
    echo.put("in/rows.csv", "1\n")
    job = echo.run("transform-job", transform("t", "hostile", "in/", "text/csv"))
    assert job["TransformJobStatus"] == "Failed"
    assert "evil" in job["FailureReason"]
