"""A scikit-learn script that is prepared for, trained and served by a script of its own; and what must come of it.

The scripts that prepare and train are those of the migration page.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.parity import pages, s2

BUCKET, ROLE, NAME = "my-bucket", s2.ROLE, "first-try"
RAW, TRAIN, TEST, MODELS = (f"s3://{BUCKET}/{name}" for name in ("raw", "prepared/train", "prepared/test", "models"))
EVERY = 4
ARGUMENTS = ["--base", "/opt/ml/processing", "--every", str(EVERY)]
HYPERPARAMETERS = {"n-estimators": 40, "learning-rate": 0.2}
METRIC = {"Name": "train:r2", "Regex": r"train:r2=([0-9.]+);"}
INPUTS = ExecutionInput(schema={"Name": str})
WHEEL = "tinyunits-1.0-py3-none-any.whl"
"""A package of the script's requirements, which no environment has."""

INFERENCE = """
import io
import json
from pathlib import Path

import joblib
import numpy as np

import tinyunits


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body, content_type):
    assert content_type == "text/csv", content_type
    return np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)


def output_fn(prediction, accept):
    return json.dumps({"unit": tinyunits.UNIT, "values": prediction.tolist()}), "application/json"
"""


class Served(NamedTuple):
    """What came of the workflow."""

    score: float
    """The metric that the training logged."""
    unit: str
    """Of the package that the inference script needs."""
    predictions: list[float]
    """The endpoint's, for the rows that were held back."""


def write(folder: Path) -> None:
    """The scripts: ``prepare.py``, ``prepare/prepare.py`` and the folder ``src``, with a package that it requires."""
    pages.write_files(pages.MIGRATING, folder)
    (folder / "prepare").mkdir()
    shutil.copy(folder / "prepare.py", folder / "prepare")
    (folder / "src" / "inference.py").write_text(INFERENCE)
    (folder / "src" / "requirements.txt").write_text(f"./{WHEEL}\n")
    (folder / "src" / WHEEL).write_bytes(_wheel())


def _wheel() -> bytes:
    out = io.BytesIO()
    info = "tinyunits-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("tinyunits.py", "UNIT = 'rings'\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinyunits\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return out.getvalue()


def rows() -> list[str]:
    """CSV rows, the label first."""
    found = s2.best_parts()
    return [
        ",".join([label, *(feature.partition(":")[2] for feature in features)])
        for label, *features in (line.split() for line in (found.train + found.validation + found.test).splitlines())
    ]


def expected() -> Served:
    """What scikit-learn makes of the rows in this process."""
    import numpy as np
    from sklearn.ensemble import GradientBoostingRegressor

    table = np.array([[float(value) for value in row.split(",")] for row in rows()])
    held, kept = table[::EVERY], np.delete(table, slice(None, None, EVERY), axis=0)
    model = GradientBoostingRegressor(n_estimators=40, learning_rate=0.2, random_state=0)
    model.fit(kept[:, 1:], kept[:, 0])
    score = round(float(model.score(kept[:, 1:], kept[:, 0])), 4)
    return Served(score, "rings", model.predict(held[:, 1:]).tolist())


def upload(runtime: LocalRuntime) -> None:
    """Put the raw rows into the local S3."""
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="raw/rows.csv", Body="\n".join(rows()).encode() + b"\n")


def serve(runtime: LocalRuntime, prepare: steps.ProcessingStep, train: steps.TrainingStep, model: Any) -> Served:
    """Run the steps, make an endpoint of the model, and ask it."""
    save = steps.ModelStep("Save", model, INPUTS["Name"])
    configure = steps.EndpointConfigStep("Configure", INPUTS["Name"], INPUTS["Name"], 1, "ml.m5.large")
    deploy = steps.EndpointStep("Deploy", INPUTS["Name"], INPUTS["Name"])
    chain = steps.Chain([prepare, train, save, configure, deploy])
    workflow = Workflow("Scripts", chain, role=ROLE, execution_input=INPUTS, client=runtime)
    workflow.create()
    workflow.execute(inputs={"Name": NAME}).get_output(wait=True)

    sagemaker = runtime.client("sagemaker")
    (metric,) = sagemaker.describe_training_job(TrainingJobName=NAME)["FinalMetricDataList"]
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig={"Delay": 1})
    body = runtime.client("s3").get_object(Bucket=BUCKET, Key="prepared/test/test.csv")["Body"].read()
    answer = runtime.client("sagemaker-runtime").invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=body)
    found = json.loads(answer["Body"].read())
    return Served(round(metric["Value"], 4), found["unit"], found["values"])
