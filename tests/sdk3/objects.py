"""Objects of SageMaker SDK 3 for these tests, the request that the SDK sends of each, and what a step holds of it."""

from __future__ import annotations

import importlib
import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mlflowsteps import steps
from tests.parity.harness import BUCKET, JOB, ROLE, Wire, contents, encryption, normal

os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
Call = Callable[[Any, bool], dict[str, Any]]
"""Given an object and True: what the SDK sends of it; and False: what a step holds of it."""


WIRE = Wire({"ListObjectsV2": {"Contents": [{"Key": "k"}], "KeyCount": 1}})


def of(path: str) -> Any:
    """A name of the SDK by its module and name, without the package's."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"sagemaker.{module}"), name)


@cache
def session() -> Any:
    """A plain session over the wire."""
    made = of("core.helper.session_helper.Session")(boto_session=WIRE.session, default_bucket=BUCKET)
    made._default_bucket = BUCKET
    return made


def pipeline_session() -> Any:
    """A PipelineSession over the wire."""
    made = of("core.workflow.pipeline_context.PipelineSession")(boto_session=WIRE.session, default_bucket=BUCKET)
    made._default_bucket = BUCKET
    return made


def shape(name: str, /, **fields: Any) -> Any:
    """A shape of ``sagemaker.core.shapes``."""
    return of(f"core.shapes.{name}")(**fields)


def config(name: str, /, **fields: Any) -> Any:
    """A configuration of ``sagemaker.train.configs``."""
    return of(f"train.configs.{name}")(**fields)


def resource(name: str, /, **fields: Any) -> Any:
    """A resource of ``sagemaker.core.resources``."""
    return of(f"core.resources.{name}")(**fields)


def made(cls: Any, arguments: Mapping[str, Any]) -> Any:
    """An object of the SDK; arguments that are functions are called for their values, None leaves one out."""
    given = {
        name: value() if callable(value) and not isinstance(value, type) else value
        for name, value in arguments.items()
        if value is not None
    }
    names = inspect.signature(cls).parameters
    if "sagemaker_session" in names or "kwargs" in names:
        given.setdefault("sagemaker_session", session())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cls(**given)


# ----------------------------------------------------------------------------------- what is sent, and what is held


def sent(operation: str, send: Callable[[], Any]) -> dict[str, Any]:
    """The request that the SDK sends, with what it uploads for it."""
    return _with_files(WIRE.sent(operation, send), WIRE.uploads.items())


def held(step: Any) -> dict[str, Any]:
    """The request that a step holds, with what it plans to upload, and how that is encrypted."""
    found = step.to_dict()["Parameters"]
    return _with_files(
        found,
        ((upload.uri, [contents(upload.file.read_bytes()), encryption(dict(upload.extra))]) for upload in step.uploads),
    )


def _with_files(request: Mapping[str, Any], files: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    kept = {normal(uri): content for uri, content in files if "__pycache__" not in uri}
    return {**request, "(files)": dict(sorted(kept.items()))}


def train(trainer: Any, own: bool) -> dict[str, Any]:
    data = [config("InputData", channel_name="train", data_source="s3://d/train", content_type="text/csv")]
    if own:
        return sent("CreateTrainingJob", lambda: trainer.train(data, wait=False, logs=False))
    return held(steps.TrainingStep("S", trainer, JOB, data=data))


def fine_tune(trainer: Any, own: bool) -> dict[str, Any]:
    if own:
        return sent("CreateTrainingJob", lambda: trainer.train(wait=False))
    return held(steps.TrainingStep("S", trainer, JOB))


def tune(tuner: Any, own: bool) -> dict[str, Any]:
    if own:
        return sent("CreateHyperParameterTuningJob", lambda: tuner.tune("s3://d/in", wait=False, job_name=JOB))
    return held(steps.TuningStep("S", tuner, JOB, call={"inputs": "s3://d/in"}))


def ports() -> dict[str, Any]:
    """What a processor reads and writes."""
    source = shape(
        "ProcessingS3Input",
        s3_uri="s3://d/in",
        local_path="/opt/ml/processing/in",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    target = shape(
        "ProcessingS3Output", s3_uri="s3://d/out", local_path="/opt/ml/processing/out", s3_upload_mode="EndOfJob"
    )
    return {
        "inputs": [shape("ProcessingInput", input_name="in", s3_input=source)],
        "outputs": [shape("ProcessingOutput", output_name="out", s3_output=target)],
        "arguments": ["--a", "1"],
    }


def run(**call: Any) -> Call:
    def process(processor: Any, own: bool) -> dict[str, Any]:
        given = {**ports(), **call}
        if own:
            return sent("CreateProcessingJob", lambda: processor.run(**given, wait=False, logs=False, job_name=JOB))
        return held(steps.ProcessingStep("S", processor, JOB, call=given))

    return process


def clarify(method: str, arguments: Callable[[], dict[str, Any]]) -> Call:
    def explain(processor: Any, own: bool) -> dict[str, Any]:
        call = arguments()
        if own:
            return sent(
                "CreateProcessingJob",
                lambda: getattr(processor, method)(**call, wait=False, logs=False, job_name=JOB),
            )
        return held(steps.ProcessingStep("S", processor, JOB, call={"method": method, **call}))

    return explain


def transform(transformer: Any, own: bool) -> dict[str, Any]:
    call: dict[str, Any] = {
        "content_type": "text/csv",
        "split_type": "Line",
        "join_source": "Input",
        "input_filter": "$[1:]",
        "output_filter": "$",
    }
    if own:
        return sent(
            "CreateTransformJob",
            lambda: transformer.transform("s3://d/in", wait=False, logs=False, job_name=JOB, **call),
        )
    return held(steps.TransformStep("S", transformer, JOB, None, "s3://d/in", **call))


def build(builder: Any, own: bool) -> dict[str, Any]:
    if own:
        return sent("CreateModel", lambda: builder.build(model_name=JOB))
    return held(steps.ModelStep("S", builder, JOB))


# ---------------------------------------------------------------------------------------------- objects to begin with


COMPUTE = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "volume_size_in_gb": 30}
CODE = {"source_dir": "src", "entry_script": "train.py"}
TRAINER: dict[str, Any] = {
    "training_image": "image:1",
    "role": ROLE,
    "base_job_name": "base",
    "compute": lambda: config("Compute", **COMPUTE),
    "output_data_config": lambda: config("OutputDataConfig", s3_output_path="s3://o/p"),
}
PROCESSOR = {"role": ROLE, "image_uri": "image:1", "instance_count": 1, "instance_type": "ml.m5.xlarge"}
TRANSFORMER = {"model_name": "m", "instance_count": 1, "instance_type": "ml.m5.xlarge"}
BUILDER = {"image_uri": "image:1", "s3_model_data_url": "s3://m/model.tar.gz", "role_arn": ROLE}


def trainer(**arguments: Any) -> Any:
    """A ModelTrainer."""
    cls = of("train.model_trainer.ModelTrainer")
    return made(cls, {**TRAINER, "hyperparameters": {"a": 1, "keep": 2}, **arguments})


def source_folder(place: Path) -> None:
    """The files that the objects name, in the working folder of a test."""
    (place / "src").mkdir()
    for name in ("lib.jar", "extra.py", "src/train.py", "src/requirements.txt"):
        (place / name).write_text(f"# {name}\n")
    (place / "recipe.yaml").write_text("training_config:\n  learning_rate: 0.75\n")
