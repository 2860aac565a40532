"""SDK 2: for every class and argument of its constructor, the step holds what the SDK itself sends."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import BUCKET, JOB, ROLE, Wire, compare_page, no_network, normal

WIRE = Wire()
MISSING = inspect.Parameter.empty


@cache
def session() -> Any:
    import sagemaker

    return sagemaker.Session(boto_session=WIRE.session, default_bucket=BUCKET)


def of(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"sagemaker.{module}" if module else "sagemaker"), name)


# -------------------------------------------------------------------------------------------- samples of arguments

GROUPS = [("g", "ml.m5.large", 1)]
SAMPLES: dict[str, dict[str, Any]] = {
    # names of the arguments that are set together, so that the SDK takes them
    "image_uri": {"image_uri": "other:1"},
    "role": {"role": f"{ROLE}-2"},
    "instance_count": {"instance_count": 2},
    "instance_type": {"instance_type": "ml.m5.4xlarge"},
    "keep_alive_period_in_seconds": {"keep_alive_period_in_seconds": 60},
    "volume_size": {"volume_size": 77},
    "volume_kms_key": {"volume_kms_key": "vk"},
    "max_run": {"max_run": 99},
    "input_mode": {"input_mode": "Pipe"},
    "output_path": {"output_path": "s3://o/p"},
    "output_kms_key": {"output_kms_key": "ok"},
    "base_job_name": {"base_job_name": "base"},
    "hyperparameters": {"hyperparameters": {"a": 1, "b": "text", "c": 0.5, "d": True}},
    "tags": {"tags": [{"Key": "k", "Value": "v"}]},
    "subnets": {"subnets": ["s-1"], "security_group_ids": ["sg-1"]},
    "security_group_ids": {"subnets": ["s-1"], "security_group_ids": ["sg-2"]},
    "model_uri": {"model_uri": "s3://m/m.tar.gz"},
    "model_channel_name": {"model_uri": "s3://m/m", "model_channel_name": "mc"},
    "metric_definitions": {"metric_definitions": [{"Name": "n", "Regex": "r"}]},
    "encrypt_inter_container_traffic": {"encrypt_inter_container_traffic": True},
    "use_spot_instances": {"use_spot_instances": True, "max_wait": 86500},
    "max_wait": {"use_spot_instances": True, "max_wait": 86600},
    "checkpoint_s3_uri": {"checkpoint_s3_uri": "s3://c/p"},
    "checkpoint_local_path": {"checkpoint_s3_uri": "s3://c/p", "checkpoint_local_path": "/opt/ml/c"},
    "enable_network_isolation": {"enable_network_isolation": True},
    "rules": {"rules": lambda: [of("debugger.Rule").sagemaker(of("debugger.rule_configs").loss_not_decreasing())]},
    "debugger_hook_config": {"debugger_hook_config": False},
    "tensorboard_output_config": {
        "tensorboard_output_config": lambda: of("debugger.TensorBoardOutputConfig")("s3://t/b")
    },
    "enable_sagemaker_metrics": {"enable_sagemaker_metrics": True},
    "profiler_config": {
        "profiler_config": lambda: of("debugger.ProfilerConfig")(
            s3_output_path="s3://p/r", system_monitor_interval_millis=500
        )
    },
    "disable_profiler": {"disable_profiler": True},
    "environment": {"environment": {"E": "1"}},
    "max_retry_attempts": {"max_retry_attempts": 3},
    "source_dir": {"source_dir": "src", "entry_point": "train.py"},
    "git_config": {},
    "container_log_level": {"container_log_level": 10, "entry_point": "train.py"},
    "code_location": {"code_location": "s3://code/here", "entry_point": "train.py"},
    "entry_point": {"entry_point": "other.py"},
    "dependencies": {"dependencies": ["lib.py"], "entry_point": "train.py"},
    "instance_groups": {
        "instance_groups": lambda: [of("instance_group.InstanceGroup")(*group) for group in GROUPS],
        "instance_count": None,
        "instance_type": None,
    },
    "training_repository_access_mode": {"training_repository_access_mode": "Vpc"},
    "training_repository_credentials_provider_arn": {
        "training_repository_access_mode": "Vpc",
        "training_repository_credentials_provider_arn": "arn:aws:lambda:::function:f",
    },
    "container_entry_point": {"container_entry_point": ["a", "b"]},
    "container_arguments": {"container_arguments": ["c"]},
    "disable_output_compression": {"disable_output_compression": True},
    "enable_infra_check": {"enable_infra_check": True},
    "enable_remote_debug": {"enable_remote_debug": True},
    "enable_session_tag_chaining": {"enable_session_tag_chaining": True},
    "training_plan": {"training_plan": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p"},
    "instance_placement_config": {"instance_placement_config": {"EnableMultipleJobs": True}},
    "framework_version": {},
    "py_version": {},
    "image_uri_region": {"image_uri_region": "us-west-2", "image_uri": None},
    "distribution": {"distribution": {"parameter_server": {"enabled": True}}},
    "compiler_config": {},
    "training_recipe": {},
    "recipe_overrides": {},
    "model_dir": {"model_dir": "s3://model/dir"},
    "transformers_version": {},
    "tensorflow_version": {},
    "pytorch_version": {},
    "use_mpi": {"use_mpi": True},
    "num_processes": {"num_processes": 2},
    "process_slots_per_host": {"process_slots_per_host": 2},
    "additional_mpi_options": {"additional_mpi_options": "-x"},
    "toolkit": {},
    "toolkit_version": {},
    "framework": {},
    "data_location": {"data_location": "s3://data/here"},
    # processors
    "entrypoint": {"entrypoint": ["python3", "x.py"]},
    "volume_size_in_gb": {"volume_size_in_gb": 44},
    "max_runtime_in_seconds": {"max_runtime_in_seconds": 600},
    "env": {"env": {"E": "1"}},
    "network_config": {
        "network_config": lambda: of("network.NetworkConfig")(
            enable_network_isolation=True,
            security_group_ids=["sg"],
            subnets=["sn"],
            encrypt_inter_container_traffic=True,
        )
    },
    "command": {"command": ["python3", "-v"]},
    "container_version": {},
    "configuration_location": {"configuration_location": "s3://conf/here"},
    "dependency_location": {"dependency_location": "s3://deps/here"},
    "estimator_cls": {},
    "job_name_prefix": {"job_name_prefix": "pre"},
    "version": {"version": None},
    "skip_early_validation": {"skip_early_validation": True},
    # transformers, tuners, models
    "model_name": {"model_name": "other-model"},
    "strategy": {"strategy": "MultiRecord"},
    "assemble_with": {"assemble_with": "Line"},
    "accept": {"accept": "text/csv"},
    "max_concurrent_transforms": {"max_concurrent_transforms": 3},
    "max_payload": {"max_payload": 4},
    "base_transform_job_name": {"base_transform_job_name": "base"},
    "estimator": {},
    "objective_metric_name": {"objective_metric_name": "n"},
    "hyperparameter_ranges": {
        "hyperparameter_ranges": lambda: {
            "d": of("tuner.IntegerParameter")(1, 5),
            "e": of("tuner.CategoricalParameter")(["a", 1]),
        }
    },
    "objective_type": {"objective_type": "Minimize"},
    "max_jobs": {"max_jobs": 7},
    "max_parallel_jobs": {"max_parallel_jobs": 3},
    "base_tuning_job_name": {"base_tuning_job_name": "base"},
    "warm_start_config": {
        "warm_start_config": lambda: of("tuner.WarmStartConfig")(
            of("tuner.WarmStartTypes").TRANSFER_LEARNING, {"parent"}
        )
    },
    "strategy_config": {
        "strategy": "Hyperband",
        "strategy_config": lambda: of("tuner.StrategyConfig")(of("tuner.HyperbandStrategyConfig")(10, 1)),
    },
    "completion_criteria_config": {
        "completion_criteria_config": lambda: of("tuner.TuningJobCompletionCriteriaConfig")(5, True, 0.5)
    },
    "early_stopping_type": {"early_stopping_type": "Auto"},
    "estimator_name": {"estimator_name": "e"},
    "random_seed": {"random_seed": 5},
    "autotune": {"autotune": True},
    "hyperparameters_to_keep_static": {"autotune": True, "hyperparameters_to_keep_static": ["a"]},
    "model_data": {"model_data": "s3://other/model.tar.gz"},
    "predictor_cls": {},
    "name": {"name": "own-name"},
    "vpc_config": {"vpc_config": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}},
    "model_kms_key": {"model_kms_key": "mk"},
    "image_config": {"image_config": {"RepositoryAccessMode": "Vpc"}},
    "container_startup_health_check_timeout": {},
    "model_reference_arn": {},
    "additional_model_data_sources": {},
    "model_server_workers": {"model_server_workers": 3},
    "container_log_level ": {},
    "file_name": {},
    "algorithm_arn": {},
    "model_package_arn": {},
    "models": {},
    "model_data_prefix": {},
    "model": {},
    "spark_version": {"spark_version": "2.4"},
    "resources": {},
}

NOT_SET = {
    "sagemaker_session": "the session: its bucket, region and defaults are taken over",
    "git_config": "clones a repository: the network is needed",
    "framework_version": "chooses the image; it is set in the class's row",
    "py_version": "chooses the image; it is set in the class's row",
    "compiler_config": "removed from the service",
    "training_recipe": "downloads a recipe: the network is needed",
    "recipe_overrides": "downloads a recipe: the network is needed",
    "predictor_cls": "of the endpoint's client",
    "estimator_name": "of tunings with several estimators",
}
"""Arguments without a sample, and why."""

# ------------------------------------------------------------------------------------------------ classes and calls

ESTIMATOR = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.xlarge"}
SCRIPT = {**ESTIMATOR, "entry_point": "train.py", "image_uri": "image:1"}
PROCESSOR = {"role": ROLE, "image_uri": "image:1", "instance_count": 1, "instance_type": "ml.m5.xlarge"}
MODEL = {"model_data": "s3://m/model.tar.gz", "role": ROLE, "image_uri": "image:1"}
SCRIPT_MODEL = {**MODEL, "entry_point": "train.py"}

Call = Callable[[Any, bool], dict[str, Any]]


def held(step: Any) -> dict[str, Any]:
    found: dict[str, Any] = step.to_dict()["Parameters"]
    return found


def train(estimator: Any, own: bool) -> dict[str, Any]:
    data = {"train": of("inputs.TrainingInput")("s3://d/train", content_type="text/csv"), "plain": "s3://d/plain"}
    if own:
        return WIRE.sent("CreateTrainingJob", lambda: estimator.fit(data, wait=False, job_name=JOB))
    return held(steps.TrainingStep("S", estimator, JOB, data=data))


def train_on_records(estimator: Any, own: bool) -> dict[str, Any]:
    from sagemaker.amazon.amazon_estimator import RecordSet

    records = RecordSet("s3://d/records.manifest", num_records=1000, feature_dim=8, channel="train")
    sized = {"mini_batch_size": 10}
    if own:
        return WIRE.sent("CreateTrainingJob", lambda: estimator.fit(records, wait=False, job_name=JOB, **sized))
    return held(steps.TrainingStep("S", estimator, JOB, data=records, call=sized))


def run(**call: Any) -> Call:
    def process(processor: Any, own: bool) -> dict[str, Any]:
        ports = {
            "inputs": [of("processing.ProcessingInput")("s3://d/in", "/opt/ml/processing/in", input_name="in")],
            "outputs": [of("processing.ProcessingOutput")(source="/opt/ml/processing/out", output_name="out")],
            "arguments": ["--a", "1"],
        }
        if own:
            return WIRE.sent(
                "CreateProcessingJob", lambda: processor.run(**ports, **call, wait=False, logs=False, job_name=JOB)
            )
        return held(steps.ProcessingStep("S", processor, JOB, call={**ports, **call}))

    return process


def transform(transformer: Any, own: bool) -> dict[str, Any]:
    call = {
        "content_type": "text/csv",
        "split_type": "Line",
        "join_source": "Input",
        "input_filter": "$[1:]",
        "output_filter": "$",
    }
    if own:
        return WIRE.sent(
            "CreateTransformJob", lambda: transformer.transform("s3://d/in", wait=False, job_name=JOB, **call)
        )
    return held(steps.TransformStep("S", transformer, JOB, None, "s3://d/in", **call))


def tune(tuner: Any, own: bool) -> dict[str, Any]:
    if own:
        return WIRE.sent("CreateHyperParameterTuningJob", lambda: tuner.fit("s3://d/in", wait=False, job_name=JOB))
    return held(steps.TuningStep("S", tuner, JOB, data="s3://d/in"))


def create(model: Any, own: bool) -> dict[str, Any]:
    if own:
        return WIRE.sent("CreateModel", lambda: model.create(instance_type="ml.m5.xlarge"))
    return held(steps.ModelStep("S", model, JOB, "ml.m5.xlarge"))


def estimator() -> Any:
    return of("estimator.Estimator")("image:1", sagemaker_session=session(), hyperparameters={"a": 1}, **ESTIMATOR)


def tuner_base() -> dict[str, Any]:
    return {
        "estimator": estimator(),
        "objective_metric_name": "m",
        "hyperparameter_ranges": {"x": of("tuner.ContinuousParameter")(0, 1)},
        "metric_definitions": [{"Name": "m", "Regex": "r"}, {"Name": "n", "Regex": "r"}],
    }


def models() -> Any:
    return [
        of("model.Model")("image:1", "s3://m/a.tar.gz", ROLE, sagemaker_session=session()),
        of("sklearn.SKLearnModel")(
            "s3://m/b.tar.gz", ROLE, "train.py", framework_version="1.2-1", sagemaker_session=session()
        ),
    ]


AMAZON = [
    "KMeans",
    "PCA",
    "LDA",
    "NTM",
    "KNN",
    "LinearLearner",
    "FactorizationMachines",
    "IPInsights",
    "Object2Vec",
    "RandomCutForest",
]
NEEDED: dict[str, dict[str, Any]] = {
    "KMeans": {"k": 3},
    "PCA": {"num_components": 2},
    "LDA": {"num_topics": 3},
    "NTM": {"num_topics": 3},
    "KNN": {"k": 3, "sample_size": 100, "predictor_type": "regressor"},
    "LinearLearner": {"predictor_type": "regressor"},
    "FactorizationMachines": {"num_factors": 3, "predictor_type": "regressor"},
    "IPInsights": {"num_entity_vectors": 10, "vector_dim": 8},
    "Object2Vec": {"enc0_max_seq_len": 5, "enc0_vocab_size": 10, "epochs": 2},
    "RandomCutForest": {},
}
CODE = {"code": "train.py"}
CLASSES: dict[str, tuple[Any, Call]] = {
    "estimator.Estimator": ({"image_uri": "image:1", **ESTIMATOR}, train),
    "sklearn.SKLearn": ({**SCRIPT, "framework_version": "1.2-1"}, train),
    "xgboost.XGBoost": ({**SCRIPT, "framework_version": "1.7-1"}, train),
    "pytorch.PyTorch": ({**SCRIPT, "framework_version": "2.0", "py_version": "py310"}, train),
    "tensorflow.TensorFlow": ({**SCRIPT, "framework_version": "2.12", "py_version": "py310"}, train),
    "huggingface.HuggingFace": (
        {**SCRIPT, "py_version": "py310", "transformers_version": "4.28.1", "pytorch_version": "2.0.0"},
        train,
    ),
    "mxnet.MXNet": ({**SCRIPT, "framework_version": "1.9.0", "py_version": "py38"}, train),
    "chainer.Chainer": ({**SCRIPT, "framework_version": "5.0.0", "py_version": "py3"}, train),
    "rl.RLEstimator": ({**SCRIPT}, train),
    **{name: ({**ESTIMATOR, **NEEDED[name]}, train_on_records) for name in AMAZON},
    "processing.Processor": (PROCESSOR, run()),
    "processing.ScriptProcessor": ({**PROCESSOR, "command": ["python3"]}, run(**CODE)),
    "processing.FrameworkProcessor": (
        lambda: {**PROCESSOR, "estimator_cls": of("sklearn.SKLearn"), "framework_version": "1.2-1"},
        run(source_dir="src", **CODE),
    ),
    "sklearn.SKLearnProcessor": ({**ESTIMATOR, "framework_version": "1.2-1"}, run(**CODE)),
    "xgboost.XGBoostProcessor": ({**PROCESSOR, "framework_version": "1.7-1"}, run(**CODE)),
    "pytorch.PyTorchProcessor": ({**PROCESSOR, "framework_version": "2.0", "py_version": "py310"}, run(**CODE)),
    "tensorflow.TensorFlowProcessor": ({**PROCESSOR, "framework_version": "2.12", "py_version": "py310"}, run(**CODE)),
    "huggingface.HuggingFaceProcessor": (
        {**PROCESSOR, "transformers_version": "4.28.1", "pytorch_version": "2.0.0", "py_version": "py310"},
        run(**CODE),
    ),
    "mxnet.MXNetProcessor": ({**PROCESSOR, "framework_version": "1.9.0", "py_version": "py38"}, run(**CODE)),
    "spark.PySparkProcessor": ({**PROCESSOR, "framework_version": "3.3"}, run(submit_app="train.py")),
    "spark.SparkJarProcessor": ({**PROCESSOR, "framework_version": "3.3"}, run(submit_app="lib.jar", submit_class="C")),
    "transformer.Transformer": ({"model_name": "m", "instance_count": 1, "instance_type": "ml.m5.xlarge"}, transform),
    "tuner.HyperparameterTuner": (tuner_base, tune),
    "model.Model": (MODEL, create),
    "sklearn.SKLearnModel": ({**SCRIPT_MODEL, "framework_version": "1.2-1"}, create),
    "xgboost.XGBoostModel": ({**SCRIPT_MODEL, "framework_version": "1.7-1"}, create),
    "pytorch.PyTorchModel": ({**SCRIPT_MODEL, "framework_version": "1.0", "py_version": "py3"}, create),
    "tensorflow.TensorFlowModel": ({**MODEL, "framework_version": "2.12"}, create),
    "huggingface.HuggingFaceModel": (
        {**MODEL, "transformers_version": "4.28.1", "pytorch_version": "2.0.0", "py_version": "py310"},
        create,
    ),
    "mxnet.MXNetModel": ({**SCRIPT_MODEL, "framework_version": "1.0.0", "py_version": "py3"}, create),
    "chainer.ChainerModel": ({**SCRIPT_MODEL, "framework_version": "5.0.0", "py_version": "py3"}, create),
    "sparkml.SparkMLModel": ({"model_data": "s3://m/model.tar.gz", "role": ROLE}, create),
    "pipeline.PipelineModel": (lambda: {"models": models(), "role": ROLE}, create),
    **{f"{name}Model": ({"model_data": "s3://m/model.tar.gz", "role": ROLE}, create) for name in AMAZON},
}
EXCEPTIONS: dict[tuple[str, str], str] = {}
ROWS: dict[str, list[tuple[str, str, str]]] = {}


def arguments_of(cls: type) -> list[str]:
    """Every argument of a class's constructor, those that it hands on to its bases included."""
    found: dict[str, None] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        found.update({p.name: None for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)})
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return list(found)


def made(cls: type, arguments: dict[str, Any]) -> Any:
    given = {
        name: value() if callable(value) and not isinstance(value, type) else value
        for name, value in arguments.items()
        if value is not None
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "sagemaker_session" in arguments_of(cls):
            given["sagemaker_session"] = session()
        return cls(**given)


def sample(cls: type, name: str, base: dict[str, Any]) -> dict[str, Any] | None:
    """Arguments that set this one; None where it has no sample. Those of Amazon's algorithms are tried out."""
    if name in SAMPLES or cls.__name__ not in AMAZON:
        return SAMPLES.get(name) or None
    for value in (
        5,
        0.5,
        True,
        "auto",
        2,
        128,
        0.05,
        "sgd",
        "regressor",
        "accuracy",
        "uniform",
        "mean_squared_error",
        ["mse"],
        "hadamard",
    ):
        candidate = {name: value}
        try:
            made(cls, {**base, **candidate}).hyperparameters()
        except (ValueError, TypeError):
            continue
        return candidate
    return None


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("train.py", "other.py", "lib.py", "lib.jar", "src/train.py", "src/other.py"):
        (tmp_path / name).write_text("print('hello')\n")


def excepted(request: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What the SDK sends without the documented exceptions: a profiler nobody asked for, and lists without entries."""
    if not {"profiler_config", "disable_profiler"} & set(given):
        request.pop("ProfilerConfig", None)
    definition = request.get("TrainingJobDefinition", {})
    if "HyperParameterTuningResourceConfig" in definition:  # the same under the name that every integration knows
        definition["ResourceConfig"] = definition.pop("HyperParameterTuningResourceConfig")
    hook = request.get("DebugHookConfig", {})
    if hook.get("CollectionConfigurations") == []:
        request["DebugHookConfig"] = {key: value for key, value in hook.items() if key != "CollectionConfigurations"}
    return request


def repacks(cls: type, arguments: dict[str, Any], call: Call) -> bool:
    """True where the SDK downloads the model to make the request."""
    if call is not create:
        return False
    given = made(cls, arguments)
    with contextlib.suppress(KeyError):  # of the answer to HeadObject, which has no length
        WIRE.sent("CreateModel", lambda: given.create(instance_type="ml.m5.xlarge"))
    return any(operation == "HeadObject" for operation, _ in WIRE.calls)


def one(name: str, extra: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """What the SDK sends and what the step holds, both without what is documented to differ."""
    cls = of(name)
    base, call = CLASSES[name]
    base = base() if callable(base) else base
    if repacks(cls, {**base, **(extra or {})}, call):
        call(made(cls, {**base, **(extra or {})}), False)  # raises
        raise AssertionError("a model that the SDK would repack was taken")
    own = normal(excepted(call(made(cls, {**base, **(extra or {})}), True), {**base, **(extra or {})}))
    base = CLASSES[name][0]() if callable(CLASSES[name][0]) else base
    given = made(cls, {**base, **(extra or {})})
    before = json.dumps(vars(given), default=repr, sort_keys=True)
    with no_network() as tried:
        mine = normal(json.loads(json.dumps(call(given, False))))
    assert tried == []
    assert json.dumps(vars(given), default=repr, sort_keys=True) == before
    return json.loads(json.dumps(own)), mine


@pytest.mark.parametrize("name", CLASSES)
def test_step_holds_what_the_sdk_sends(name: str) -> None:
    cls = of(name)
    base = CLASSES[name][0]() if callable(CLASSES[name][0]) else CLASSES[name][0]
    plain, mine = one(name)
    assert mine == plain
    ROWS[name] = []
    for argument in arguments_of(cls):
        extra = sample(cls, argument, base) if argument not in NOT_SET else None
        if extra is not None:
            extra = {key: value for key, value in extra.items() if key in arguments_of(cls)}
        if extra is None:
            assert argument in NOT_SET or argument in base or argument in SAMPLES, f"{name}: no sample of {argument}"
            ROWS[name].append((name, argument, NOT_SET.get(argument, "chooses image or class; set in every row")))
            continue
        try:
            own, mine = one(name, extra)
        except DefinitionError as error:
            codes = {diagnostic.code for diagnostic in error.diagnostics}
            assert codes <= {"MODEL_IS_REPACKED", "AWS_CALL_WHILE_BUILDING"}, f"{name}({argument})"
            ROWS[name].append((name, argument, "refused: the SDK would download the model and repack it"))
            continue
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if name not in REFUSED or argument not in REFUSED[name]:
                raise AssertionError(f"{name}({argument}): {error!r}") from error
            ROWS[name].append((name, argument, "refused by the SDK for this class"))
            continue
        assert mine == own, f"{name}({argument})"
        ROWS[name].append((name, argument, "kept" if own != plain else "not in the SDK's request"))


REFUSED: dict[str, set[str]] = {}


def test_the_documented_table_is_what_was_found() -> None:
    if set(ROWS) != set(CLASSES):
        pytest.skip("needs the rows of every class: run the whole file")
    compare_page("SDK 2", [row for name in CLASSES for row in ROWS[name]])
