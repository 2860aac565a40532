"""What the tests of the pipelines share: a runtime with data in it, and requests that train on them."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from mlflowsteps.local import LocalRuntime

BUCKET = "data"
ROLE = "arn:aws:iam::123456789012:role/jobs"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"

SCRIPT = """
import json, os

def read(text):
    return [[float(cell) for cell in line.split(",")] for line in text.splitlines() if line]

if __name__ == "__main__":
    folder = os.environ["SM_CHANNEL_TRAIN"]
    rows = [row for name in sorted(os.listdir(folder)) for row in read(open(os.path.join(folder, name)).read())]
    means = [sum(column) / len(column) for column in zip(*rows)][1:]
    with open(os.path.join(os.environ["SM_MODEL_DIR"], "means.json"), "w") as file:
        json.dump(means, file)

def model_fn(folder):
    return json.load(open(os.path.join(folder, "means.json")))

def input_fn(body, content_type):
    return read(body.decode() if isinstance(body, bytes) else body)

def predict_fn(rows, means):
    return [row[:-len(means)] + [value - mean for value, mean in zip(row[-len(means):], means)] for row in rows]

def output_fn(rows, accept):
    return "\\n".join(",".join(map(str, row)) for row in rows) + "\\n", "text/csv"
"""


def channel(uri: str) -> dict[str, Any]:
    return {"S3Uri": uri, "ContentType": "text/csv"}


def training(image: str, hyperparameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "HyperParameters": hyperparameters,
        "OutputDataConfig": {"S3OutputPath": "s3://elsewhere/models", "KmsKeyId": "output-key"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 10,
            "VolumeKmsKeyId": "volume-key",
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "RoleArn": ROLE,
        "Tags": [{"Key": "team", "Value": "ml"}],
    }


@pytest.fixture
def estimator() -> dict[str, Any]:
    return training(XGBOOST, {"objective": "reg:squarederror", "num_round": 40, "eta": 0.3})


@pytest.fixture
def preprocessor() -> dict[str, Any]:
    source = {"sagemaker_program": "prepare.py", "sagemaker_submit_directory": f"s3://{BUCKET}/code/source.tar.gz"}
    return training(SKLEARN, source)


def rows(count: int) -> str:
    """The label, which is twice the first feature and thrice the second, and the features; as CSV."""
    draw = random.Random(1).uniform
    features = [(draw(0, 10), draw(5, 8)) for _ in range(count)]
    return "".join(f"{2 * a + 3 * b},{a},{b}\n" for a, b in features)


def archive(name: str, text: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(text.encode())
        tar.addfile(info, io.BytesIO(text.encode()))
    return file.getvalue()


@pytest.fixture
def runtime() -> Iterator[LocalRuntime]:
    with LocalRuntime.temporary() as found:
        s3 = found.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="train/part.csv", Body=rows(300).encode())
        s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=archive("prepare.py", SCRIPT))
        yield found
