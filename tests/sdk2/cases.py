"""SDK 2's classes as the parity tests make and ask them: the SDK by itself, recorded at the wire, and our steps.

``ROWS`` has one entry for each class of the table: the arguments that make an object, and how the object gets into a
request. What is set beyond them is ``samples``.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from mlflowsteps import steps
from tests.parity.harness import BUCKET, JOB, ROLE, Wire, contents, encryption, no_network, normal

WIRE = Wire()
UPLOADS = "uploads"

Arguments = Mapping[str, Any]
Ask = Callable[[Any, bool], dict[str, Any]]
"""Called with an object, and True for the SDK's own request, False for the step's."""


@dataclass(frozen=True)
class Row:
    """One class.

    Args:
        arguments: those that make an object; a callable is called for each object, at any depth of one.
        ask: how the object gets into a request.
        profiler: True where the object is about the profiler.
    """

    arguments: Arguments
    ask: Ask
    profiler: bool = False


def of(path: str) -> Any:
    """A name of the SDK."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"sagemaker.{module}" if module else "sagemaker"), name)


@cache
def session() -> Any:
    """A plain session whose clients are the wire's."""
    import sagemaker

    return sagemaker.Session(boto_session=WIRE.session, default_bucket=BUCKET)


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Have the SDK read each of its own and botocore's files once, and send no telemetry.

    Nothing that is compared comes of it: the files do not change while tests run.
    """
    import boto3
    import sagemaker.image_uris
    import sagemaker.telemetry.telemetry_logging
    import sagemaker.utils

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(boto3, "DEFAULT_SESSION", WIRE.session)
        patch.setattr(sagemaker.telemetry.telemetry_logging, "_send_telemetry_request", lambda *_: None)
        for module, name in ((sagemaker.utils, "_botocore_resolver"), (sagemaker.image_uris, "config_for_framework")):
            patch.setattr(module, name, cache(getattr(module, name)))
        yield


def arguments_of(cls: Any) -> list[str]:
    """Every argument of a class's constructor, those that it hands on to its bases included; of a function, its own."""
    if not isinstance(cls, type):
        return list(inspect.signature(cls).parameters)
    found: dict[str, None] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        found.update({p.name: None for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)})
        if not any(p.kind == p.VAR_KEYWORD for p in parameters) or base.__name__ in HANDS_NOTHING_ON:
            break
    return list(found) or [name for name in vars(cls) if not name.startswith("_")]  # shapes take whatever they declare


HANDS_NOTHING_ON = ("AlgorithmEstimator",)
"""Classes that take further keywords and do nothing with them."""


def made(cls: Any, arguments: Arguments) -> Any:
    """An object; arguments that are None are left out."""
    given = {
        name: value()
        if callable(value) and not isinstance(value, type)
        else copy.deepcopy(value)  # the SDK writes in it
        for name, value in arguments.items()
    }
    if "sagemaker_session" in arguments_of(cls):
        given["sagemaker_session"] = session()
    return cls(**{name: value for name, value in given.items() if value is not None})


def lazy(path: str, **arguments: Any) -> Callable[[], Any]:
    """An object that is made anew for each request."""
    return lambda: made(of(path), arguments)


def both(row: Row, cls: Any, arguments: Arguments) -> tuple[Any, Any]:
    """What the SDK sends and what the step holds, uploads included, both without what is documented to differ."""
    given = made(cls, arguments)
    asked = row.profiler or {"profiler_config", "disable_profiler"} & set(arguments)
    own = _comparable(excepted(row.ask(given, True), bool(asked)), WIRE.uploads)
    given = made(cls, arguments)
    before = json.dumps(_held_by(given), default=repr, sort_keys=True)
    with no_network() as tried:
        found = row.ask(given, False)
    assert tried == []
    assert json.dumps(_held_by(given), default=repr, sort_keys=True) == before, "the object was changed"
    return own, _comparable(found, found.pop(UPLOADS))


def _comparable(request: dict[str, Any], uploads: Mapping[str, Any]) -> Any:
    """A request, and its uploads with their file names, contents and encryption, as JSON says it."""
    return json.loads(
        json.dumps([normal(request), sorted(([uri.rsplit("/")[-1], *held] for uri, held in uploads.items()), key=str)])
    )


def _held_by(given: Any) -> dict[str, Any]:
    return vars(given) if hasattr(given, "__dict__") else {}


def excepted(request: dict[str, Any], profiler: bool) -> dict[str, Any]:
    """What the SDK sends without the documented exceptions."""
    if not profiler:
        request.pop("ProfilerConfig", None)
    for definition in (request.get("TrainingJobDefinition", {}), *request.get("TrainingJobDefinitions", ())):
        resources = definition.get("HyperParameterTuningResourceConfig", {"InstanceConfigs": []})
        if "InstanceConfigs" not in resources:  # the same under the name that every integration knows
            definition["ResourceConfig"] = definition.pop("HyperParameterTuningResourceConfig")
    hook = request.get("DebugHookConfig", {})
    collections = hook.pop("CollectionConfigurations", None)
    if collections:  # the SDK takes them from a set
        hook["CollectionConfigurations"] = sorted(collections, key=lambda each: str(each["CollectionName"]))
    for rule in request.get("ProfilerRuleConfigurations", ()):  # the SDK's own rule has the time in its name
        rule["RuleConfigurationName"] = re.sub(r"^(Detailed\w+)-[\d-]{23}$", r"\1", str(rule["RuleConfigurationName"]))
    return request


# ------------------------------------------------------------------------------------------------ asking for requests


def held(step: Any) -> dict[str, Any]:
    """The request that a step holds, and its uploads."""
    found: dict[str, Any] = step.to_dict()["Parameters"]
    found[UPLOADS] = {
        upload.uri: [contents(upload.file.read_bytes()), encryption(dict(upload.extra))] for upload in step.uploads
    }
    return found


def train(estimator: Any, own: bool) -> dict[str, Any]:
    return fitted(estimator, own, {"train": of("inputs.TrainingInput")("s3://d/train"), "plain": "s3://d/plain"})


def fitted(estimator: Any, own: bool, data: Any, **call: Any) -> dict[str, Any]:
    """A training of data, with further keywords of ``fit``."""
    if own:
        return WIRE.sent("CreateTrainingJob", lambda: estimator.fit(data, wait=False, job_name=JOB, **call))
    return held(steps.TrainingStep("S", estimator, JOB, data=data, call=call))


def train_on_records(**call: Any) -> Ask:
    def ask(estimator: Any, own: bool) -> dict[str, Any]:
        records = of("amazon.amazon_estimator.RecordSet")(
            "s3://d/records.manifest", num_records=1000, feature_dim=8, channel="train"
        )
        return fitted(estimator, own, records, **call)

    return ask


def run(**call: Any) -> Ask:
    """A processing job with inputs, outputs, arguments and further keywords of ``run``."""
    return lambda processor, own: processed(processor, own, ports(), **call)


def ports() -> dict[str, Any]:
    return {
        "inputs": [of("processing.ProcessingInput")("s3://d/in", "/opt/ml/processing/in", input_name="in")],
        "outputs": [of("processing.ProcessingOutput")(source="/opt/ml/processing/out", output_name="out")],
        "arguments": ["--a", "1"],
    }


def processed(processor: Any, own: bool, given: Arguments, **call: Any) -> dict[str, Any]:
    if own:
        return WIRE.sent(
            "CreateProcessingJob", lambda: processor.run(**given, **call, wait=False, logs=False, job_name=JOB)
        )
    return held(steps.ProcessingStep("S", processor, JOB, call={**given, **call}))


def transform(transformer: Any, own: bool) -> dict[str, Any]:
    return transformed(transformer, own)


def transformed(transformer: Any, own: bool, **call: Any) -> dict[str, Any]:
    """A batch transform, with further keywords of ``transform``."""
    if own:
        return WIRE.sent(
            "CreateTransformJob", lambda: transformer.transform("s3://d/in", wait=False, job_name=JOB, **call)
        )
    ours = {name: call.pop(name) for name in list(call) if name in inspect.signature(steps.TransformStep).parameters}
    return held(steps.TransformStep("S", transformer, JOB, None, "s3://d/in", call=call, **ours))


def tune(tuner: Any, own: bool) -> dict[str, Any]:
    return tuned(tuner, own)


def tuned(tuner: Any, own: bool, **call: Any) -> dict[str, Any]:
    """A tuning, with further keywords of ``fit``."""
    data: Any = "s3://d/in"
    if tuner.estimator_dict:
        data = dict.fromkeys(tuner.estimator_dict, data)
    if own:
        if tuner.estimator_dict:
            call.setdefault("include_cls_metadata", {})
        return WIRE.sent("CreateHyperParameterTuningJob", lambda: tuner.fit(data, wait=False, job_name=JOB, **call))
    return held(steps.TuningStep("S", tuner, JOB, data=data, call=call))


def create(model: Any, own: bool) -> dict[str, Any]:
    return created(model, own)


def created(model: Any, own: bool, **call: Any) -> dict[str, Any]:
    """A model, with further keywords of ``create``."""
    if own and getattr(model, "model", None) is not None:  # a MultiDataModel round a model cannot be created alone
        return WIRE.sent("CreateModel", lambda: model.deploy(1, "ml.m5.xlarge"))
    if own:
        return WIRE.sent("CreateModel", lambda: model.create(instance_type="ml.m5.xlarge", **call))
    return held(steps.ModelStep("S", model, JOB, "ml.m5.xlarge", call=call))


def analysed(method: str) -> Ask:
    """One of Clarify's analyses."""

    def ask(processor: Any, own: bool) -> dict[str, Any]:
        given = {name: make() for name, make in ANALYSES[method].items()}
        if own:
            return WIRE.sent(
                "CreateProcessingJob",
                lambda: getattr(processor, method)(**given, wait=False, logs=False, job_name=JOB),
            )
        return held(steps.ProcessingStep("S", processor, JOB, call={"method": method, **given}))

    return ask


def configured(argument: str, member: str) -> Ask:
    """An endpoint configuration with one more member."""

    def ask(given: Any, own: bool) -> dict[str, Any]:
        variants = [of("session.production_variant")("m", "ml.m5.large")]
        if own:
            call = {"name": JOB, "production_variants": variants, "wait": False}
            return WIRE.sent(
                "CreateEndpointConfig",
                lambda: session().endpoint_from_production_variants(**call, **{argument: given._to_request_dict()}),
            )
        return held(steps.EndpointConfigStep("S", JOB, request={"ProductionVariants": variants, member: given}))

    return ask


def serverless(given: Any, own: bool) -> dict[str, Any]:
    variant = {"ModelName": "m", "VariantName": "AllTraffic", "InitialVariantWeight": 1}
    if own:
        described = of("session.production_variant")("m", serverless_inference_config=given._to_request_dict())
        call = {"name": JOB, "production_variants": [described], "wait": False}
        return WIRE.sent("CreateEndpointConfig", lambda: session().endpoint_from_production_variants(**call))
    return held(
        steps.EndpointConfigStep("S", JOB, request={"ProductionVariants": [{**variant, "ServerlessConfig": given}]})
    )


def captured(given: Any, own: bool) -> dict[str, Any]:
    """A batch transform whose data are captured."""
    transformer = made(of("transformer.Transformer"), TRANSFORMER)
    return transformed(transformer, own, batch_data_capture_config=given)


def within(ask: Ask, path: str, argument: str, **arguments: Any) -> Ask:
    """An object that is an argument of another one, which makes the request."""
    return lambda given, own: ask(made(of(path), {**arguments, argument: given}), own)


# -------------------------------------------------------------------------------------------------------------- rows

ESTIMATOR = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.xlarge"}
SCRIPT = {**ESTIMATOR, "entry_point": "train.py"}
PLAIN = {"image_uri": "image:1", **ESTIMATOR}
MODEL = {"model_data": "s3://m/model.tar.gz", "role": ROLE}
SCRIPT_MODEL = {**MODEL, "entry_point": "train.py"}
CODE = {"code": "train.py"}
TRANSFORMER = {"model_name": "m", "instance_count": 1, "instance_type": "ml.m5.xlarge"}
SPARK = {"submit_jars": ["lib.jar"], "configuration": [{"Classification": "spark-defaults", "Properties": {"a": "b"}}]}
ATHENA = {"catalog": "c", "database": "d", "query_string": "q", "output_s3_uri": "s3://o/a", "output_format": "PARQUET"}
REDSHIFT = {
    "cluster_id": "c", "database": "d", "db_user": "u", "query_string": "q", "cluster_role_arn": ROLE,
    "output_s3_uri": "s3://o/r", "output_format": "PARQUET",
}  # fmt: skip

NEEDED: dict[str, dict[str, Any]] = {
    "FactorizationMachines": {"num_factors": 3, "predictor_type": "regressor"},
    "IPInsights": {"num_entity_vectors": 10, "vector_dim": 8},
    "KMeans": {"k": 3},
    "KNN": {"k": 3, "sample_size": 100, "predictor_type": "regressor"},
    "LDA": {"num_topics": 3},
    "LinearLearner": {"predictor_type": "regressor"},
    "NTM": {"num_topics": 3},
    "Object2Vec": {"enc0_max_seq_len": 5, "enc0_vocab_size": 10, "epochs": 2},
    "PCA": {"num_components": 2},
    "RandomCutForest": {},
}
"""What Amazon's algorithms cannot be made without."""
BATCH: dict[str, dict[str, Any]] = {"RandomCutForest": {}, "Object2Vec": {"mini_batch_size": None}}
"""What fit is given where an algorithm does not take any mini_batch_size."""


_DATA = {
    "data_config": lazy("clarify.DataConfig", s3_data_input_path="s3://d/in", s3_output_path="s3://o/c", label="y")
}
_BIAS = lazy("clarify.BiasConfig", label_values_or_threshold=[1], facet_name="f")
_MODEL = {"model_config": lazy("clarify.ModelConfig", model_name="m", instance_count=1, instance_type="ml.m5.large")}
_LABEL = {"model_predicted_label_config": lazy("clarify.ModelPredictedLabelConfig", probability_threshold=0.5)}
_SHAP = {"explainability_config": lazy("clarify.SHAPConfig", baseline=[[1, 2]], num_samples=5, agg_method="mean_abs")}
ANALYSES: dict[str, dict[str, Callable[[], Any]]] = {
    "run_pre_training_bias": {**_DATA, "data_bias_config": _BIAS},
    "run_post_training_bias": {**_DATA, "data_bias_config": _BIAS, **_MODEL, **_LABEL},
    "run_bias": {**_DATA, "bias_config": _BIAS, **_MODEL, **_LABEL},
    "run_explainability": {**_DATA, **_MODEL, **_SHAP},
    "run_bias_and_explainability": {**_DATA, **_MODEL, **_SHAP, "bias_config": _BIAS, **_LABEL},
}
"""Clarify's analyses with what each of them needs."""


def records(given: Any, own: bool) -> dict[str, Any]:
    return fitted(made(of("KMeans"), {**ESTIMATOR, "k": 3}), own, given, mini_batch_size=10)


def channel(given: Any, own: bool) -> dict[str, Any]:
    return fitted(made(of("estimator.Estimator"), PLAIN), own, {"train": given})


def port(kind: str) -> Ask:
    """An input or output of a processing job."""
    return lambda given, own: processed(made(of("processing.Processor"), PLAIN), own, {kind: [given]})


def estimators() -> Any:
    return {"first": lazy("estimator.Estimator", **PLAIN)(), "second": lazy("estimator.Estimator", **PLAIN)()}


TUNED = {
    "estimator": lazy("estimator.Estimator", **PLAIN, hyperparameters={"a": 1}),
    "objective_metric_name": "m",
    "hyperparameter_ranges": lambda: {"x": of("tuner.ContinuousParameter")(0, 1)},
    "metric_definitions": [{"Name": "m", "Regex": "r"}, {"Name": "n", "Regex": "r"}],
}
SEVERAL = {
    "estimator_dict": estimators,
    "objective_metric_name_dict": {"first": "m", "second": "m"},
    "hyperparameter_ranges_dict": lambda: {
        name: {"x": of("tuner.ContinuousParameter")(0, 1)} for name in ("first", "second")
    },
    "metric_definitions_dict": {name: [{"Name": "m", "Regex": "r"}] for name in ("first", "second")},
}


def ranged(given: Any, own: bool) -> dict[str, Any]:
    return tune(made(of("tuner.HyperparameterTuner"), {**TUNED, "hyperparameter_ranges": {"x": given}}), own)


def of_tuner(argument: str, **arguments: Any) -> Ask:
    return within(tune, "tuner.HyperparameterTuner", argument, **{**TUNED, **arguments})


def of_estimator(argument: str, wrap: Callable[[Any], Any] = lambda given: given, **arguments: Any) -> Ask:
    return lambda given, own: train(made(of("estimator.Estimator"), {**PLAIN, **arguments, argument: wrap(given)}), own)


def dataset(given: Any, own: bool) -> dict[str, Any]:
    return port("inputs")(of("processing.ProcessingInput")(input_name="in", dataset_definition=given), own)


def athena(given: Any, own: bool) -> dict[str, Any]:
    return dataset(made(of("dataset_definition.inputs.DatasetDefinition"), {"athena_dataset_definition": given}), own)


def redshift(given: Any, own: bool) -> dict[str, Any]:
    return dataset(made(of("dataset_definition.inputs.DatasetDefinition"), {"redshift_dataset_definition": given}), own)


def explained(baseline: str) -> Callable[[], Any]:
    return lazy(
        "explainer.ClarifyExplainerConfig",
        shap_config=lazy(
            "explainer.ClarifyShapConfig",
            shap_baseline_config=lazy("explainer.ClarifyShapBaselineConfig", shap_baseline_uri=baseline),
        ),
    )


def models() -> Any:
    return [
        made(of("model.Model"), {**MODEL, "image_uri": "image:1"}),
        made(of("sklearn.SKLearnModel"), {**SCRIPT_MODEL, "framework_version": "1.2-1"}),
    ]


ESTIMATORS: dict[str, Row] = {
    "estimator.Estimator": Row(PLAIN, train),
    "sklearn.SKLearn": Row({**SCRIPT, "framework_version": "1.2-1"}, train),
    "xgboost.XGBoost": Row({**SCRIPT, "framework_version": "1.7-1"}, train),
    "pytorch.PyTorch": Row({**SCRIPT, "framework_version": "2.0", "py_version": "py310"}, train),
    "tensorflow.TensorFlow": Row({**SCRIPT, "framework_version": "2.12", "py_version": "py310"}, train),
    "huggingface.HuggingFace": Row(
        {**SCRIPT, "py_version": "py310", "transformers_version": "4.28.1", "pytorch_version": "2.0.0",
         "instance_type": "ml.p3.2xlarge"},
        train,
    ),
    "mxnet.MXNet": Row({**SCRIPT, "framework_version": "1.9.0", "py_version": "py38"}, train),
    "chainer.Chainer": Row({**SCRIPT, "framework_version": "5.0.0", "py_version": "py3"}, train),
    "algorithm.AlgorithmEstimator": Row({**ESTIMATOR, "algorithm_arn": "arn:aws:sagemaker:::algorithm/a"}, train),
    "rl.RLEstimator": Row({**SCRIPT, "image_uri": "image:1"}, train),
    **{
        name: Row({**ESTIMATOR, **needed}, train_on_records(**BATCH.get(name, {"mini_batch_size": 10})))
        for name, needed in NEEDED.items()
    },
}  # fmt: skip
PROCESSORS: dict[str, Row] = {
    "processing.Processor": Row(PLAIN, run()),
    "processing.ScriptProcessor": Row({**PLAIN, "command": ["python3"]}, run(**CODE)),
    "processing.FrameworkProcessor": Row(
        {**ESTIMATOR, "estimator_cls": lambda: of("sklearn.SKLearn"), "framework_version": "1.2-1"},
        run(source_dir="src", **CODE),
    ),
    "sklearn.SKLearnProcessor": Row({**ESTIMATOR, "framework_version": "1.2-1"}, run(**CODE)),
    "xgboost.XGBoostProcessor": Row({**ESTIMATOR, "framework_version": "1.7-1"}, run(**CODE)),
    "pytorch.PyTorchProcessor": Row({**ESTIMATOR, "framework_version": "2.0", "py_version": "py310"}, run(**CODE)),
    "tensorflow.TensorFlowProcessor": Row(
        {**ESTIMATOR, "framework_version": "2.12", "py_version": "py310"}, run(**CODE)
    ),
    "huggingface.HuggingFaceProcessor": Row(
        {**ESTIMATOR, "transformers_version": "4.28.1", "pytorch_version": "2.0.0", "py_version": "py310",
         "instance_type": "ml.p3.2xlarge"},
        run(**CODE),
    ),
    "mxnet.MXNetProcessor": Row({**ESTIMATOR, "framework_version": "1.9.0", "py_version": "py38"}, run(**CODE)),
    "spark.PySparkProcessor": Row({**ESTIMATOR, "framework_version": "3.3"}, run(submit_app="train.py", **SPARK)),
    "spark.SparkJarProcessor": Row(
        {**ESTIMATOR, "framework_version": "3.3"}, run(submit_app="lib.jar", submit_class="C", **SPARK)
    ),
    "clarify.SageMakerClarifyProcessor": Row(ESTIMATOR, analysed("run_bias")),
    "wrangler.processing.DataWranglerProcessor": Row(
        {**ESTIMATOR, "data_wrangler_flow_source": "flow.flow"}, run()
    ),
}  # fmt: skip
MODELS: dict[str, Row] = {
    "model.Model": Row({**MODEL, "image_uri": "image:1"}, create),
    "model.FrameworkModel": Row({**SCRIPT_MODEL, "image_uri": "image:1"}, create),
    "sklearn.SKLearnModel": Row({**SCRIPT_MODEL, "framework_version": "1.2-1"}, create),
    "xgboost.XGBoostModel": Row({**SCRIPT_MODEL, "framework_version": "1.7-1"}, create),
    "pytorch.PyTorchModel": Row({**SCRIPT_MODEL, "framework_version": "1.0", "py_version": "py3"}, create),
    "tensorflow.TensorFlowModel": Row({**MODEL, "framework_version": "2.12"}, create),
    "huggingface.HuggingFaceModel": Row(
        {**MODEL, "transformers_version": "4.28.1", "pytorch_version": "2.0.0", "py_version": "py310"}, create
    ),
    "mxnet.MXNetModel": Row({**SCRIPT_MODEL, "framework_version": "1.0.0", "py_version": "py3"}, create),
    "chainer.ChainerModel": Row({**SCRIPT_MODEL, "framework_version": "5.0.0", "py_version": "py3"}, create),
    "sparkml.SparkMLModel": Row(MODEL, create),
    "djl_inference.DJLModel": Row({"model_id": "m/x", "role": ROLE, "djl_version": "0.28.0"}, create),
    "multidatamodel.MultiDataModel": Row(
        {"name": "multi", "model_data_prefix": "s3://m/all", "image_uri": "image:1", "role": ROLE}, create
    ),
    "pipeline.PipelineModel": Row({"models": models, "role": ROLE}, create),
    **{f"{name}Model": Row(MODEL, create) for name in NEEDED},
}
OTHERS: dict[str, Row] = {
    "transformer.Transformer": Row(TRANSFORMER, transform),
    "tuner.HyperparameterTuner": Row(TUNED, tune),
    "tuner.HyperparameterTuner.create": Row(SEVERAL, tune),
}
PARTS: dict[str, Row] = {
    "model_monitor.DataCaptureConfig": Row(
        {"enable_capture": True, "destination_s3_uri": "s3://c/d"},
        configured("data_capture_config_dict", "DataCaptureConfig"),
    ),
    "async_inference.AsyncInferenceConfig": Row(
        {"output_path": "s3://o/a", "failure_path": "s3://o/f"},
        configured("async_inference_config_dict", "AsyncInferenceConfig"),
    ),
    "explainer.ExplainerConfig": Row(
        {"clarify_explainer_config": explained("s3://b/l")}, configured("explainer_config_dict", "ExplainerConfig")
    ),
    "serverless.ServerlessInferenceConfig": Row({}, serverless),
    "inputs.BatchDataCaptureConfig": Row({"destination_s3_uri": "s3://c/d"}, captured),
    "inputs.TrainingInput": Row({"s3_data": "s3://d/train"}, channel),
    "inputs.ShuffleConfig": Row(
        {"seed": 1}, lambda given, own: channel(of("inputs.TrainingInput")("s3://d/t", shuffle_config=given), own)
    ),
    "inputs.FileSystemInput": Row(
        {"file_system_id": "fs-0123456789", "file_system_type": "EFS", "directory_path": "/d"}, channel
    ),
    "amazon.amazon_estimator.RecordSet": Row(
        {"s3_data": "s3://d/r.manifest", "num_records": 10, "feature_dim": 8}, records
    ),
    "amazon.amazon_estimator.FileSystemRecordSet": Row(
        {"file_system_id": "fs-0123456789", "file_system_type": "EFS", "directory_path": "/d", "num_records": 1,
         "feature_dim": 8},
        records,
    ),
    "instance_group.InstanceGroup": Row(
        {"instance_group_name": "g", "instance_type": "ml.m5.large", "instance_count": 1},
        of_estimator("instance_groups", lambda each: [each], instance_count=None, instance_type=None),
    ),
    "debugger.DebuggerHookConfig": Row({"s3_output_path": "s3://h/o"}, of_estimator("debugger_hook_config")),
    "debugger.CollectionConfig": Row(
        {"name": "c"},
        of_estimator(
            "debugger_hook_config", lambda each: of("debugger.DebuggerHookConfig")("s3://h", collection_configs=[each])
        ),
    ),
    "debugger.TensorBoardOutputConfig": Row({"s3_output_path": "s3://t/b"}, of_estimator("tensorboard_output_config")),
    "debugger.ProfilerConfig": Row({"s3_output_path": "s3://p/r"}, of_estimator("profiler_config"), True),
    "debugger.FrameworkProfile": Row(
        {},
        of_estimator("profiler_config", lambda each: of("debugger.ProfilerConfig")(framework_profile_params=each)),
        True,
    ),
    "debugger.Rule.sagemaker": Row(
        {"base_config": lambda: of("debugger.rule_configs").loss_not_decreasing()},
        of_estimator("rules", lambda each: [each]),
    ),
    "debugger.Rule.custom": Row(
        {"name": "own", "image_uri": "rule:1", "instance_type": "ml.t3.medium", "volume_size_in_gb": 5,
         "source": "s3://r/rule.py", "rule_to_invoke": "Own"},
        of_estimator("rules", lambda each: [each]),
    ),
    "debugger.ProfilerRule.sagemaker": Row(
        {"base_config": lambda: of("debugger.rule_configs").ProfilerReport()},
        of_estimator("rules", lambda each: [each]),
        True,
    ),
    "processing.ProcessingInput": Row(
        {"source": "s3://d/in", "destination": "/opt/ml/processing/in", "input_name": "in"}, port("inputs")
    ),
    "processing.ProcessingOutput": Row(
        {"source": "/opt/ml/processing/out", "output_name": "out"}, port("outputs")
    ),
    "processing.FeatureStoreOutput": Row(
        {"feature_group_name": "features"},
        lambda given, own: port("outputs")(
            of("processing.ProcessingOutput")(output_name="f", app_managed=True, feature_store_output=given), own
        ),
    ),
    "dataset_definition.inputs.S3Input": Row(
        {"s3_uri": "s3://d/in", "local_path": "/opt/ml/processing/in"},
        lambda given, own: port("inputs")(of("processing.ProcessingInput")(input_name="in", s3_input=given), own),
    ),
    "dataset_definition.inputs.DatasetDefinition": Row(
        {"local_path": "/opt/ml/processing/in",
         "athena_dataset_definition": lazy("dataset_definition.inputs.AthenaDatasetDefinition", **ATHENA)},
        dataset,
    ),
    "dataset_definition.inputs.AthenaDatasetDefinition": Row(ATHENA, athena),
    "dataset_definition.inputs.RedshiftDatasetDefinition": Row(REDSHIFT, redshift),
    "network.NetworkConfig": Row(
        {}, within(run(), "processing.Processor", "network_config", **PLAIN)
    ),
    "tuner.ContinuousParameter": Row({"min_value": 0.1, "max_value": 1.0}, ranged),
    "tuner.IntegerParameter": Row({"min_value": 1, "max_value": 9}, ranged),
    "tuner.CategoricalParameter": Row({"values": ["a", "b"]}, ranged),
    "tuner.WarmStartConfig": Row(
        {"warm_start_type": lambda: of("tuner.WarmStartTypes").TRANSFER_LEARNING, "parents": {"parent"}},
        of_tuner("warm_start_config"),
    ),
    "tuner.HyperbandStrategyConfig": Row(
        {"max_resource": 10, "min_resource": 1},
        lambda given, own: of_tuner("strategy_config", strategy="Hyperband")(of("tuner.StrategyConfig")(given), own),
    ),
    "tuner.StrategyConfig": Row(
        {"hyperband_strategy_config": lazy("tuner.HyperbandStrategyConfig", max_resource=10, min_resource=1)},
        of_tuner("strategy_config", strategy="Hyperband"),
    ),
    "tuner.TuningJobCompletionCriteriaConfig": Row(
        {"max_number_of_training_jobs_not_improving": 5}, of_tuner("completion_criteria_config")
    ),
}  # fmt: skip
ROWS: dict[str, Row] = {**ESTIMATORS, **PROCESSORS, **MODELS, **OTHERS, **PARTS}


def class_of(name: str) -> Any:
    """A row's class, or the method that makes an object in its place, such as ``Rule.custom``."""
    head, _, last = name.rpartition(".")
    return getattr(of(head), last) if head.rpartition(".")[2][:1].isupper() else of(name)
