"""Channels of training jobs: pipes, augmented manifests, instance groups, and what else is synced with S3."""

from __future__ import annotations

import gzip
import json
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs import channels
from mlflowsteps.local.jobs.images.recordio import record
from mlflowsteps.local.jobs.pipes import Pipe
from tests.local.jobs.conftest import BUCKET, XGBOOST, Bench, channel, csv, members, rows, training
from tests.local.jobs.test_life import wait_until

OWN = "own"
LINEAR = {"predictor_type": "regressor", "mini_batch_size": "20"}
READ = """
import hashlib, json, pathlib, sys
base, found = pathlib.Path("/opt/ml/input/data"), []
for epoch in range(int(sys.argv[1])):
    with open(base / f"train_{epoch}", "rb") as pipe:
        found.append(pipe.read().hex())
pathlib.Path("/opt/ml/model/found").write_text(json.dumps(found))
print(json.loads(pathlib.Path("/opt/ml/input/config/inputdataconfig.json").read_text())["train"]["TrainingInputMode"])
"""


def read_epochs(bench: Bench, epochs: int, given: dict[str, Any], **source: Any) -> tuple[dict[str, Any], list[bytes]]:
    """A job that reads its pipe so many times: its description, and what it read."""
    bench.manager.images.register(OWN, [sys.executable, "-c", READ, str(epochs)])
    request = training("p", OWN)
    request["InputDataConfig"] = [channel("train", "in/", **source) | {"InputMode": "Pipe"} | given]
    job = bench.run("training-job", request)
    if job["TrainingJobStatus"] != "Completed":
        return job, []
    found = members(bench.get("models/p/output/model.tar.gz"))["found"]
    return job, [bytes.fromhex(text) for text in json.loads(found)]


def put_three(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.put(f"in/{name}", f"{name}-data\n")


def test_a_pipe_brings_the_objects_one_after_the_other_in_every_epoch(bench: Bench) -> None:
    put_three(bench)
    job, found = read_epochs(bench, 3, {})
    assert found == [b"a-data\nb-data\nc-data\n"] * 3, job.get("FailureReason")
    assert "Pipe" in bench.log("training-job", "p")
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("pipe-")]


def test_a_job_that_reads_no_pipe_ends_as_well(bench: Bench) -> None:
    put_three(bench)
    assert read_epochs(bench, 0, {})[0]["TrainingJobStatus"] == "Completed"


def test_shuffled_epochs_hold_the_same_objects_in_orders_of_their_own(bench: Bench) -> None:
    for number in range(20):
        bench.put(f"in/{number:02}", f"{number}\n")
    found = read_epochs(bench, 2, {"ShuffleConfig": {"Seed": 7}})[1]
    assert found[0] != found[1]
    assert sorted(found[0].split()) == sorted(found[1].split()) == sorted(str(n).encode() for n in range(20))


def test_gzip_is_unpacked_and_objects_become_records_where_a_pipe_is_told_so(bench: Bench) -> None:
    bench.put("in/a", gzip.compress(b"abcde"))
    bench.put("in/b", gzip.compress(b"12345678"))
    found = read_epochs(bench, 1, {"CompressionType": "Gzip", "RecordWrapperType": "RecordIO"})[1]
    magic = struct.pack("<I", 0xCED7230A)
    assert found == [magic + b"\5\0\0\0abcde\0\0\0" + magic + b"\x08\0\0\x0012345678"]


def damaged(data: bytes) -> bytes:
    found = bytearray(gzip.compress(data))
    found[20:23] = (byte ^ 0xFF for byte in found[20:23])
    return bytes(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no gzip at all", "BadGzipFile"),
        (damaged(b"abc" * 100_000), "error: Error -3 while decompressing"),
        (gzip.compress(bytes(1000)), "ValueError: s3://data/in/a, unpacked, is larger than a record"),
    ],
    ids=["no gzip", "damaged", "too large"],
)
def test_a_pipe_that_ends_early_fails_the_job_though_it_waits_for_the_next_epoch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str
) -> None:
    monkeypatch.setattr(channels, "MOST_RECORD_BYTES", 999)
    bench.put("in/a", data)
    job, _ = read_epochs(bench, 2, {"CompressionType": "Gzip", "RecordWrapperType": "RecordIO"})
    assert job["TrainingJobStatus"] == "Failed"
    assert f"channel 'train': the pipe ended early: {reason}" in job["FailureReason"]


AUGMENTED = {"S3DataType": "AugmentedManifestFile", "S3Uri": f"s3://{BUCKET}/in/list.manifest"}


def test_an_augmented_manifest_brings_the_attributes_asked_for_of_each_line(bench: Bench) -> None:
    bench.put("images/1.png", "PNG1")
    bench.put("images/2.png", "PNG2")
    lines = [
        {"source-ref": f"s3://{BUCKET}/images/{n}.png", "class": n, "note": "not asked for", "text": f"t{n}"}
        for n in (1, 2)
    ]
    bench.put("in/list.manifest", "\n".join(map(json.dumps, lines)))
    names = {"AttributeNames": ["source-ref", "class", "text"]}
    found = read_epochs(bench, 1, {"RecordWrapperType": "RecordIO"}, **AUGMENTED, **names)[1]
    assert found == [b"".join(map(record, (b"PNG1", b"1", b"t1", b"PNG2", b"2", b"t2")))]


@pytest.mark.parametrize(
    ("line", "given", "reason"),
    [
        ('{"a": 1}', {}, "list.manifest, line 1 has no attribute 'x'; it has a"),
        ("[1]", {}, "list.manifest, line 1 is no JSON object"),
        ('{"x": 1}', {"InputMode": "File"}, "needs InputMode Pipe"),
    ],
)
def test_an_augmented_manifest_that_cannot_be_read_fails_the_job_with_its_line(
    bench: Bench, line: str, given: dict[str, str], reason: str
) -> None:
    bench.put("in/list.manifest", line)
    job, _ = read_epochs(bench, 1, given, **AUGMENTED, AttributeNames=["x"])
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_closing_ends_a_pipe_whose_reader_stopped_half_way(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path / "train", lambda epoch: (b"x" * 1000 for _ in range(10_000)))
    with (tmp_path / "train_0").open("rb") as reader:
        assert reader.read(5) == b"xxxxx"
        closer = threading.Thread(target=pipe.close)
        closer.start()
        closer.join(20.0)
        assert not closer.is_alive()


def test_whatever_stops_the_data_is_told_and_nothing_is_written_through_a_link_of_the_job(tmp_path: Path) -> None:
    def gone(epoch: int) -> list[bytes]:
        raise ServiceError("NoSuchKey", f"epoch {epoch}")

    pipe = Pipe(tmp_path / "train", gone)
    assert (tmp_path / "train_0").read_bytes() == b""
    pipe.close()
    assert pipe.error is not None
    assert "NoSuchKey: epoch 0" in pipe.error

    pipe = Pipe(tmp_path / "test", lambda _: [b"x"])
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "link").replace(tmp_path / "test_0")
    wait_until(lambda: pipe.error is not None)
    pipe.close()
    assert (tmp_path / "target").read_bytes() == b"kept"


def test_closing_ends_a_pipe_that_the_job_took_away_and_leaves_none_behind(tmp_path: Path) -> None:
    pipe, other = (Pipe(tmp_path / name, lambda _: [b"x"]) for name in ("train", "test"))
    (tmp_path / "train_0").unlink()
    closer = threading.Thread(target=pipe.close, daemon=True)
    closer.start()
    closer.join(20.0)
    assert not closer.is_alive()
    other.close()
    assert list(tmp_path.iterdir()) == []
    assert pipe.error is other.error is None


@pytest.mark.parametrize("mode", ["Pipe", "FastFile"])
@pytest.mark.parametrize("image", [XGBOOST, "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"])
def test_built_in_algorithms_take_every_input_mode(bench: Bench, image: str, mode: str) -> None:
    data = rows(60)
    bench.put("in/1.csv", csv(data[:30]))
    bench.put("in/2.csv", csv(data[30:]))
    parameters = {"num_round": "2"} if image == XGBOOST else LINEAR
    request = training("b", image, channels={"train": ("in", "text/csv")}, HyperParameters=parameters)
    request["AlgorithmSpecification"]["TrainingInputMode"] = mode
    job = bench.run("training-job", request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_a_built_in_algorithm_asked_for_several_instances_has_all_the_data_on_one(bench: Bench) -> None:
    data = rows(40)
    for number in range(4):
        bench.put(f"in/{number}.csv", csv(data[number * 10 : number * 10 + 10]))
    request = training("b", XGBOOST, HyperParameters={"num_round": "2"})
    request["InputDataConfig"] = [channel("train", "in/", "text/csv", S3DataDistributionType="ShardedByS3Key")]
    request["ResourceConfig"]["InstanceCount"] = 2
    job = bench.run("training-job", request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = bench.log("training-job", "b")
    assert "[mlflowsteps] 2 instances are asked for; a built-in algorithm has one here" in log
    assert "[INFO] train: 40 rows" in log


GROUPS = """
import json, os, pathlib
config = pathlib.Path("/opt/ml/input/config")
resources = json.loads((config / "resourceconfig.json").read_text())
found = {name: resources[name] for name in ("current_group_name", "current_instance_type")}
found["channels"] = sorted(json.loads((config / "inputdataconfig.json").read_text()))
found["files"] = sorted(os.listdir("/opt/ml/input/data/train")) if "train" in found["channels"] else []
found["groups"] = {group["instance_group_name"]: group["hosts"] for group in resources["instance_groups"]}
pathlib.Path("/opt/ml/model", resources["current_host"]).write_text(json.dumps(found))
"""


def test_instance_groups_have_their_own_types_and_channels(bench: Bench) -> None:
    put_three(bench)
    bench.manager.images.register(OWN, [sys.executable, "-c", GROUPS])
    request = training("g", OWN)
    sharded: dict[str, Any] = {"S3DataDistributionType": "ShardedByS3Key", "InstanceGroupNames": ["data"]}
    request["InputDataConfig"] = [channel("train", "in/", **sharded), channel("all", "in/")]
    request["ResourceConfig"] = {
        "VolumeSizeInGB": 5,
        "InstanceGroups": [
            {"InstanceGroupName": "lead", "InstanceType": "ml.m5.large", "InstanceCount": 1},
            {"InstanceGroupName": "data", "InstanceType": "ml.c5.large", "InstanceCount": 2},
        ],
    }
    job = bench.run("training-job", request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    found = {name: json.loads(text) for name, text in members(bench.get("models/g/output/model.tar.gz")).items()}
    assert found["algo-1"]["groups"] == {"lead": ["algo-1"], "data": ["algo-2", "algo-3"]}
    assert [found[f"algo-{n}"]["current_group_name"] for n in (1, 2, 3)] == ["lead", "data", "data"]
    assert found["algo-2"]["current_instance_type"] == "ml.c5.large"
    assert [found[f"algo-{n}"]["files"] for n in (1, 2, 3)] == [[], ["a", "c"], ["b"]]
    assert found["algo-1"]["channels"] == ["all"]

    request["TrainingJobName"] = "wrong"
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["InstanceGroupNames"] = ["absent"]
    assert "must name groups" in bench.run("training-job", request)["FailureReason"]


def test_what_tensorboard_and_the_debugger_read_and_every_instances_checkpoints_are_kept(bench: Bench) -> None:
    source = (
        "import json, os, pathlib\n"
        "host = json.load(open('/opt/ml/input/config/resourceconfig.json'))['current_host']\n"
        "for folder in ('output/tensorboard', 'tensors', 'checkpoints'):\n"
        "    pathlib.Path('/opt/ml', folder, host).write_text(folder)\n"
    )
    bench.manager.images.register(OWN, [sys.executable, "-c", source])
    request = training("s", OWN, CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checks"})
    request["TensorBoardOutputConfig"] = {"S3OutputPath": f"s3://{BUCKET}/boards/"}
    request["DebugHookConfig"] = {"S3OutputPath": f"s3://{BUCKET}/debug", "LocalPath": "/opt/ml/tensors"}
    request["ResourceConfig"]["InstanceCount"] = 2
    job = bench.run("training-job", request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.all_keys() == [
        *(f"boards/s/tensorboard-output/algo-{n}" for n in (1, 2)),
        *(f"checks/algo-{n}" for n in (1, 2)),
        *(f"debug/s/debug-output/algo-{n}" for n in (1, 2)),
        "models/s/output/model.tar.gz",
    ]
