"""SDK 3: for every class and every argument of its constructor, the step holds what the SDK itself would send."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from tests.parity.harness import BUCKET, JOB, ROLE, Wire, compare_page, no_network, normal

os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
WIRE = Wire()
Call = Callable[[Any, bool], dict[str, Any]]


def of(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"sagemaker.{module}"), name)


@cache
def session() -> Any:
    made = of("core.helper.session_helper.Session")(boto_session=WIRE.session, default_bucket=BUCKET)
    made._default_bucket = BUCKET
    return made


def shape(name: str, /, **fields: Any) -> Any:
    return of(f"core.shapes.{name}")(**fields)


def config(name: str, /, **fields: Any) -> Any:
    return of(f"train.configs.{name}")(**fields)


def held(step: Any) -> dict[str, Any]:
    found: dict[str, Any] = step.to_dict()["Parameters"]
    return found


def train(trainer: Any, own: bool) -> dict[str, Any]:
    data = [config("InputData", channel_name="train", data_source="s3://d/train", content_type="text/csv")]
    if own:
        return WIRE.sent("CreateTrainingJob", lambda: trainer.train(data, wait=False, logs=False))
    return held(steps.TrainingStep("S", trainer, JOB, data=data))


def tune(tuner: Any, own: bool) -> dict[str, Any]:
    if own:
        return WIRE.sent("CreateHyperParameterTuningJob", lambda: tuner.tune("s3://d/in", wait=False, job_name=JOB))
    return held(steps.TuningStep("S", tuner, JOB, call={"inputs": "s3://d/in"}))


def run(**call: Any) -> Call:
    def process(processor: Any, own: bool) -> dict[str, Any]:
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
        ports = {
            "inputs": [shape("ProcessingInput", input_name="in", s3_input=source)],
            "outputs": [shape("ProcessingOutput", output_name="out", s3_output=target)],
            "arguments": ["--a", "1"],
        }
        if own:
            return WIRE.sent(
                "CreateProcessingJob", lambda: processor.run(**ports, **call, wait=False, logs=False, job_name=JOB)
            )
        return held(steps.ProcessingStep("S", processor, JOB, call={**ports, **call}))

    return process


def transform(transformer: Any, own: bool) -> dict[str, Any]:
    call: dict[str, Any] = {
        "content_type": "text/csv",
        "split_type": "Line",
        "join_source": "Input",
        "input_filter": "$[1:]",
        "output_filter": "$",
    }
    if own:
        return WIRE.sent(
            "CreateTransformJob",
            lambda: transformer.transform("s3://d/in", wait=False, logs=False, job_name=JOB, **call),
        )
    return held(steps.TransformStep("S", transformer, JOB, None, "s3://d/in", **call))


def build(builder: Any, own: bool) -> dict[str, Any]:
    if own:
        return WIRE.sent("CreateModel", lambda: builder.build(model_name=JOB))
    return held(steps.ModelStep("S", builder, JOB))


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


def trainer() -> Any:
    return made(of("train.model_trainer.ModelTrainer"), {**TRAINER, "hyperparameters": {"a": 1, "keep": 2}})


RANGE = "core.parameter.ContinuousParameter"
CLASSES: dict[str, tuple[dict[str, Any], Call]] = {
    "train.model_trainer.ModelTrainer": (TRAINER, train),
    "train.tuner.HyperparameterTuner": (
        {
            "model_trainer": trainer,
            "objective_metric_name": "m",
            "hyperparameter_ranges": lambda: {"x": of(RANGE)(0, 1)},
            "metric_definitions": [{"Name": "m", "Regex": "r"}, {"Name": "n", "Regex": "r"}],
        },
        tune,
    ),
    "core.processing.Processor": (PROCESSOR, run()),
    "core.processing.ScriptProcessor": ({**PROCESSOR, "command": ["python3"]}, run(code="src/train.py")),
    "core.processing.FrameworkProcessor": (PROCESSOR, run(code="train.py", source_dir="src")),
    "core.spark.processing.PySparkProcessor": (
        {**PROCESSOR, "framework_version": "3.3"},
        run(submit_app="src/train.py"),
    ),
    "core.spark.processing.SparkJarProcessor": (
        {**PROCESSOR, "framework_version": "3.3"},
        run(submit_app="lib.jar", submit_class="C"),
    ),
    "core.transformer.Transformer": (
        {"model_name": "m", "instance_count": 1, "instance_type": "ml.m5.xlarge"},
        transform,
    ),
    "serve.model_builder.ModelBuilder": (
        {"image_uri": "image:1", "s3_model_data_url": "s3://m/model.tar.gz", "role_arn": ROLE},
        build,
    ),
}

S: dict[str, list[dict[str, Any]]] = {
    # argument: several samples where it holds a shape, so that every field of the shape is looked at
    "role": [{"role": f"{ROLE}-2"}],
    "base_job_name": [{"base_job_name": "other"}],
    "input_s3_key_prefix": [{"input_s3_key_prefix": "pre", "source_code": lambda: config("SourceCode", **CODE)}],
    "source_code": [
        {"source_code": lambda: config("SourceCode", **CODE)},
        {
            "source_code": lambda: config(
                "SourceCode", source_dir="src", command="python train.py", requirements="requirements.txt"
            )
        },
    ],
    "distributed": [
        {
            "distributed": lambda: of("train.distributed.Torchrun")(process_count_per_node=2),
            "source_code": lambda: config("SourceCode", **CODE),
        }
    ],
    "compute": [
        {"compute": lambda: config("Compute", **COMPUTE, volume_kms_key_id="k")},
        {"compute": lambda: config("Compute", **COMPUTE, keep_alive_period_in_seconds=60)},
        {"compute": lambda: config("Compute", **COMPUTE, enable_managed_spot_training=True)},
        {
            "compute": lambda: config(
                "Compute",
                **COMPUTE,
                training_plan_arn="arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan-one-of-many",
            )
        },
        {
            "compute": lambda: config(
                "Compute",
                instance_groups=[
                    shape("InstanceGroup", instance_type="ml.m5.large", instance_count=1, instance_group_name="g")
                ],
            )
        },
    ],
    "networking": [
        {"networking": lambda: config("Networking", subnets=["s"], security_group_ids=["g"])},
        {"networking": lambda: config("Networking", enable_network_isolation=True)},
        {"networking": lambda: config("Networking", enable_inter_container_traffic_encryption=True)},
    ],
    "stopping_condition": [
        {
            "stopping_condition": lambda: config(
                "StoppingCondition",
                max_runtime_in_seconds=9,
                max_wait_time_in_seconds=99,
                max_pending_time_in_seconds=7200,
            )
        }
    ],
    "training_image": [{"training_image": "other:1"}],
    "training_image_config": [
        {"training_image_config": lambda: config("TrainingImageConfig", training_repository_access_mode="Vpc")}
    ],
    "algorithm_name": [{"algorithm_name": "algorithm", "training_image": None}],
    "output_data_config": [
        {
            "output_data_config": lambda: config(
                "OutputDataConfig", s3_output_path="s3://o/q", kms_key_id="k", compression_type="NONE"
            )
        }
    ],
    "input_data_config": [
        {"input_data_config": lambda: [config("InputData", channel_name="more", data_source="s3://d/more")]},
        {"input_data_config": lambda: [config("InputData", channel_name="local", data_source="src")]},
    ],
    "checkpoint_config": [
        {"checkpoint_config": lambda: config("CheckpointConfig", s3_uri="s3://c/p", local_path="/opt/ml/c")}
    ],
    "training_input_mode": [{"training_input_mode": "Pipe"}],
    "environment": [{"environment": {"E": "1"}}],
    "hyperparameters": [{"hyperparameters": {"a": 1, "b": True, "c": "text", "d": 0.5, "e": [1, 2]}}],
    "tags": [{"tags": lambda: [shape("Tag", key="k", value="v")]}],
    "model_package_config": [],
    "objective_metric_name": [{"objective_metric_name": "n"}],
    "metric_definitions": [{"metric_definitions": [{"Name": "m", "Regex": "other"}]}],
    "hyperparameter_ranges": [
        {
            "hyperparameter_ranges": lambda: {
                "i": of("core.parameter.IntegerParameter")(1, 5),
                "c": of("core.parameter.CategoricalParameter")(["a", "b"]),
            }
        }
    ],
    "strategy": [{"strategy": "Random"}, {"strategy": "SingleRecord"}],
    "objective_type": [{"objective_type": "Minimize"}],
    "max_jobs": [{"max_jobs": 7}],
    "max_parallel_jobs": [{"max_parallel_jobs": 3}],
    "max_runtime_in_seconds": [{"max_runtime_in_seconds": 600}],
    "base_tuning_job_name": [{"base_tuning_job_name": "base"}],
    "warm_start_config": [
        {
            "warm_start_config": lambda: shape(
                "HyperParameterTuningJobWarmStartConfig",
                parent_hyper_parameter_tuning_jobs=[
                    shape("ParentHyperParameterTuningJob", hyper_parameter_tuning_job_name="parent")
                ],
                warm_start_type="TransferLearning",
            )
        }
    ],
    "strategy_config": [
        {
            "strategy": "Hyperband",
            "strategy_config": lambda: shape(
                "HyperParameterTuningJobStrategyConfig",
                hyperband_strategy_config=shape("HyperbandStrategyConfig", min_resource=1, max_resource=10),
            ),
        }
    ],
    "completion_criteria_config": [
        {"completion_criteria_config": lambda: shape("TuningJobCompletionCriteria", target_objective_metric_value=0.5)}
    ],
    "early_stopping_type": [{"early_stopping_type": "Auto"}],
    "model_trainer_name": [{"model_trainer_name": "t"}],
    "random_seed": [{"random_seed": 5}],
    "autotune": [{"autotune": True}],
    "hyperparameters_to_keep_static": [{"autotune": True, "hyperparameters_to_keep_static": ["keep"]}],
    "image_uri": [{"image_uri": "other:1"}],
    "instance_count": [{"instance_count": 2}],
    "instance_type": [{"instance_type": "ml.m5.4xlarge"}],
    "entrypoint": [{"entrypoint": ["python3", "x.py"]}],
    "command": [{"command": ["python3", "-v"]}],
    "volume_size_in_gb": [{"volume_size_in_gb": 44}],
    "volume_kms_key": [{"volume_kms_key": "vk"}],
    "output_kms_key": [{"output_kms_key": "ok"}],
    "env": [{"env": {"E": "1"}}],
    "network_config": [
        {
            "network_config": lambda: of("core.network.NetworkConfig")(
                enable_network_isolation=True,
                subnets=["s"],
                security_group_ids=["g"],
                encrypt_inter_container_traffic=True,
            )
        }
    ],
    "code_location": [{"code_location": "s3://code/here"}],
    "framework_version": [],
    "py_version": [],
    "container_version": [],
    "configuration_location": [{"configuration_location": "s3://conf/here"}],
    "dependency_location": [{"dependency_location": "s3://deps/here"}],
    "model_name": [{"model_name": "other"}],
    "assemble_with": [{"assemble_with": "Line"}],
    "output_path": [{"output_path": "s3://o/t"}],
    "accept": [{"accept": "text/csv"}],
    "max_concurrent_transforms": [{"max_concurrent_transforms": 3}],
    "max_payload": [{"max_payload": 4}],
    "base_transform_job_name": [{"base_transform_job_name": "b"}],
    "transform_ami_version": [{"transform_ami_version": "al2-ami-sagemaker-batch-gpu-470"}],
    "s3_model_data_url": [{"s3_model_data_url": "s3://m/other.tar.gz"}],
    "role_arn": [{"role_arn": f"{ROLE}-2"}],
    "env_vars": [{"env_vars": {"E": "1"}}],
    "network": [
        {
            "network": lambda: config(
                "Networking", subnets=["s"], security_group_ids=["g"], enable_network_isolation=True
            )
        }
    ],
    "model_trainer": [],
}
NOT_SET = {
    "sagemaker_session": "the session: its bucket, region and defaults are taken over",
    "model_trainer_name": "of tunings with several trainers",
    "training_mode": "LOCAL_CONTAINER runs in Docker, without a request",
    "local_container_root": "of LOCAL_CONTAINER only",
    "config_mgr": "the SDK's own defaults from files",
    "instance_preferences": "newer than the installed model of the API",
    **dict.fromkeys(
        [
            "model",
            "model_path",
            "inference_spec",
            "schema_builder",
            "modelbuilder_list",
            "source_code ",
            "model_server",
            "model_metadata",
            "log_level",
            "content_type",
            "accept_type",
            "mode",
            "shared_libs",
            "dependencies",
            "image_config",
        ],
        "asks AWS, or packs a model in memory; build the archive and give its URI",
    ),
}
BUILDERS = {"source_code", "compute", "instance_type"}
ROWS: dict[str, list[tuple[str, str, str]]] = {}


def made(cls: type, arguments: dict[str, Any]) -> Any:
    given = {
        name: value() if callable(value) and not isinstance(value, type) else value
        for name, value in arguments.items()
        if value is not None
    }
    if "sagemaker_session" in inspect.signature(cls).parameters:
        given["sagemaker_session"] = session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cls(**given)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("lib.jar", "src/train.py", "src/requirements.txt"):
        (tmp_path / name).write_text("# nothing\n")


def one(name: str, extra: dict[str, Any]) -> tuple[Any, Any]:
    cls, (base, call) = of(name), CLASSES[name]
    own = normal(call(made(cls, {**base, **extra}), True))
    given = made(cls, {**base, **extra})
    before = repr(vars(given))
    with no_network() as tried:
        mine = normal(json.loads(json.dumps(call(given, False))))
    assert tried == []
    assert repr(vars(given)) == before
    return json.loads(json.dumps(own)), mine


@pytest.mark.parametrize("name", CLASSES)
def test_step_holds_what_the_sdk_sends(name: str) -> None:
    plain, mine = one(name, {})
    assert mine == plain
    ROWS[name] = []
    for argument in inspect.signature(of(name)).parameters:
        samples = [] if name.endswith("ModelBuilder") and argument in BUILDERS else S.get(argument)
        if argument in NOT_SET or not samples:
            assert argument in NOT_SET or samples is not None, f"{name}: no sample of {argument}"
            ROWS[name].append((name, argument, NOT_SET.get(argument, "chooses image or class; set in every row")))
            continue
        changed = False
        for extra in samples:
            if argument == "strategy" and ("Transformer" in name) != (extra["strategy"] == "SingleRecord"):
                continue
            own, mine = one(name, extra)
            assert mine == own, f"{name}({argument})"
            changed = changed or own != plain
        ROWS[name].append((name, argument, "kept" if changed else "not in the SDK's request"))


METHODS: dict[str, Callable[[], Any]] = {
    "with_checkpoint_config": lambda: config("CheckpointConfig", s3_uri="s3://c/w"),
    "with_infra_check_config": lambda: config("InfraCheckConfig", enable_infra_check=True),
    "with_metric_definitions": lambda: [config("MetricDefinition", name="n", regex="r")],
    "with_remote_debug_config": lambda: config("RemoteDebugConfig", enable_remote_debug=True),
    "with_retry_strategy": lambda: config("RetryStrategy", maximum_retry_attempts=3),
    "with_session_chaining_config": lambda: shape("SessionChainingConfig", enable_session_tag_chaining=True),
    "with_tensorboard_output_config": lambda: config("TensorBoardOutputConfig", s3_output_path="s3://t/b"),
}


def test_the_methods_of_the_trainer_that_set_something_are_kept() -> None:
    cls = of("train.model_trainer.ModelTrainer")
    assert {name for name in dir(cls) if name.startswith("with_")} == set(METHODS)
    rows = []
    for method, value in METHODS.items():
        own = normal(train(getattr(trainer(), method)(value()), True))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of members that Step Functions' integration may not know
            mine = normal(train(getattr(trainer(), method)(value()), False))
        assert mine == json.loads(json.dumps(own)), method
        assert own != normal(train(trainer(), True)), method
        rows.append(("train.model_trainer.ModelTrainer", f"{method}()", "kept"))
    ROWS["methods"] = rows


def test_the_documented_table_is_what_was_found() -> None:
    if set(ROWS) != {*CLASSES, "methods"}:
        pytest.skip("needs the rows of every class: run the whole file")
    compare_page("SDK 3", [row for name in (*CLASSES, "methods") for row in ROWS[name]])
