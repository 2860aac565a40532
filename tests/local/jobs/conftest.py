"""What the tests of jobs share: a manager over a real store in a folder of the test's own, requests, and waiting."""

from __future__ import annotations

import io
import random
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.local.clock import SystemClock
from mlflowsteps.local.jobs.manager import JobManager
from mlflowsteps.local.objects import ObjectStore
from mlflowsteps.local.store import Store

BUCKET = "data"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OLD_XGBOOST = "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:latest"
ROLE = "arn:aws:iam::123456789012:role/jobs"
Json = dict[str, Any]


class Bench:
    """A manager with its store and its objects."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.store = Store(root / "store.sqlite")
        self.objects = ObjectStore(root / "s3")
        self.objects.create_bucket(BUCKET)
        options = {"records": self.store.resources, "objects": self.objects, "clock": SystemClock()} | options
        self.manager = JobManager(root, **options)

    def put(self, key: str, data: str | bytes) -> None:
        self.objects.put(BUCKET, key, data.encode() if isinstance(data, str) else data)

    def get(self, key: str) -> bytes:
        return self.objects.path(BUCKET, key).read_bytes()

    def all_keys(self) -> list[str]:
        return [info.key for info in self.objects.list(BUCKET)]

    def wait(self, kind: str, name: str, timeout: float = 60.0) -> Json:
        """The description once the resource has come to its end."""
        done = threading.Event()
        found: list[Json] = []
        self.manager.watch(kind, name, lambda description: (found.append(description), done.set()))
        assert done.wait(timeout), self.manager.describe(kind, name)
        return found[0]

    def run(self, kind: str, request: Json, timeout: float = 60.0) -> Json:
        self.manager.create(kind, request)
        return self.wait(kind, next(value for key, value in request.items() if key.endswith("JobName")), timeout)

    def log(self, kind: str, name: str) -> str:
        return self.manager.log_path(kind, name).read_text()

    def close(self) -> None:
        self.manager.close()
        self.objects.close()
        self.store.close()


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(**options: Any) -> Bench:
        made.append(Bench(tmp_path / "runtime", **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench(close_grace_seconds=1.0, stop_grace_seconds=5.0)


def training(name: str, image: str, *, channels: Json | None = None, **changes: Any) -> Json:
    """A CreateTrainingJob request; ``channels`` gives (S3 key prefix, content type) by name."""
    request: Json = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        "InputDataConfig": [
            channel(name, *((given,) if isinstance(given, str) else given)) for name, given in (channels or {}).items()
        ],
    }
    return request | changes


def channel(name: str, key: str, content_type: str | None = None, **source: Any) -> Json:
    found: Json = {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{key}"} | source},
    }
    return found | ({"ContentType": content_type} if content_type else {})


def processing(name: str, script: str = "code/job.py", *, image: str = SKLEARN, **changes: Any) -> Json:
    """A CreateProcessingJob request that runs a script of the bucket with the running Python."""
    file = script.rsplit("/", 1)[-1]
    request: Json = {
        "ProcessingJobName": name,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
        },
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{file}"],
        },
        "RoleArn": ROLE,
        "ProcessingInputs": [processing_input("code", script, "/opt/ml/processing/input/code")],
    }
    return request | changes


def processing_input(name: str, key: str, path: str, **source: Any) -> Json:
    found = {"S3Uri": f"s3://{BUCKET}/{key}", "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": found | source}


def processing_output(name: str, path: str, key: str, mode: str = "EndOfJob", bucket: str = BUCKET) -> Json:
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": f"s3://{bucket}/{key}", "LocalPath": path, "S3UploadMode": mode},
    }


def model(name: str, image: str, key: str | None = None, **container: Any) -> Json:
    found: Json = {"Image": image} | container
    if key:
        found["ModelDataUrl"] = f"s3://{BUCKET}/{key}"
    return {"ModelName": name, "PrimaryContainer": found, "ExecutionRoleArn": ROLE}


def transform(name: str, model_name: str, key: str, content_type: str, **changes: Any) -> Json:
    given = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{key}"}},
        "ContentType": content_type,
    }
    request: Json = {
        "TransformJobName": name,
        "ModelName": model_name,
        "TransformInput": given | changes.pop("given", {}),
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/predictions"} | changes.pop("output", {}),
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    return request | changes


def tar_gz(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            body = data.encode() if isinstance(data, str) else data
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    """Files of a tar.gz by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


def rows(count: int, seed: int = 1) -> list[tuple[float, list[float]]]:
    """(label, features) of a smooth rule with a little noise; labels in (0, 1)."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        a, b, c = (draw.uniform(0, 1) for _ in range(3))
        label = 0.5 * a + 0.3 * b * b + 0.1 * (c > 0.5) + draw.gauss(0, 0.02)
        found.append((min(max(label, 0.001), 0.999), [a, b, c]))
    return found


def csv(data: list[tuple[float, list[float]]], *, label: bool = True) -> str:
    return "".join(",".join(f"{v:.6f}" for v in ([y] if label else []) + x) + "\n" for y, x in data)


def libsvm(data: list[tuple[float, list[float]]]) -> str:
    return "".join(f"{y:.6f} " + " ".join(f"{i}:{v:.6f}" for i, v in enumerate(x, 1)) + "\n" for y, x in data)


def mean_error(predictions: list[float], data: list[tuple[float, list[float]]]) -> float:
    assert len(predictions) == len(data) > 0
    return sum(abs(p - y) for p, (y, _) in zip(predictions, data, strict=True)) / len(data)
