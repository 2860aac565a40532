"""SDK 2: what the objects' own methods take besides is in the request, as the SDK itself sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import JOB
from tests.sdk2.cases import (
    ANALYSES,
    ESTIMATOR,
    PLAIN,
    ROWS,
    WIRE,
    Row,
    analysed,
    both,
    class_of,
    created,
    excepted,
    fitted,
    held,
    lazy,
    made,
    of,
    ports,
    processed,
    quick,
    transformed,
    tuned,
)  # fmt: skip

EXPERIMENT = {"experiment_config": {"ExperimentName": "e", "TrialName": "t", "TrialComponentDisplayName": "c"}}
KEY = {"kms_key": "key"}


@pytest.fixture(scope="module", autouse=True)
def quick_sdk() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("train.py", "lib.py", "lib.jar", "src/train.py", "src/lib.py"):
        (tmp_path / name).write_text(f"print('{name}')\n")


def fit(estimator: Any, own: bool, **call: Any) -> dict[str, Any]:
    return fitted(estimator, own, "s3://d/in", **call)


def run(processor: Any, own: bool, **call: Any) -> dict[str, Any]:
    return processed(processor, own, ports(), **call)


def run_on_a_file(processor: Any, own: bool, **call: Any) -> dict[str, Any]:
    return processed(processor, own, {"inputs": [of("processing.ProcessingInput")("lib.py", "/opt/in")]}, **call)


def run_script(processor: Any, own: bool, **call: Any) -> dict[str, Any]:
    return processed(processor, own, ports(), **{"code": "train.py", **call})


def run_spark(processor: Any, own: bool, **call: Any) -> dict[str, Any]:
    return processed(processor, own, ports(), submit_app="train.py", **call)


def run_jar(processor: Any, own: bool, **call: Any) -> dict[str, Any]:
    return processed(processor, own, ports(), submit_app="lib.jar", **{"submit_class": "C", **call})


Ask = Callable[..., dict[str, Any]]
_SPARK: list[dict[str, Any]] = [
    {"submit_jars": ["lib.jar"]},
    {"submit_files": ["lib.py", "s3://f/more.txt"]},
    {"configuration": [{"Classification": "spark-env", "Properties": {"a": "b"}}]},
    {"spark_event_logs_s3_uri": "s3://logs/here"},
    {**EXPERIMENT},
    {**KEY},
]
CALLS: list[tuple[str, Ask, list[dict[str, Any]]]] = [
    ("estimator.Estimator", fit, [EXPERIMENT]),
    ("sklearn.SKLearn", fit, [EXPERIMENT]),
    ("processing.Processor", run, [EXPERIMENT]),
    ("processing.Processor", run_on_a_file, [KEY]),
    ("processing.ScriptProcessor", run_script, [EXPERIMENT, KEY]),
    (
        "processing.FrameworkProcessor",
        run_script,
        [{"source_dir": "src"}, {"dependencies": ["lib.py"]}, {"source_dir": "src", **KEY}, EXPERIMENT],
    ),
    ("spark.PySparkProcessor", run_spark, [{"submit_py_files": ["lib.py"]}, *_SPARK]),
    ("spark.SparkJarProcessor", run_jar, [{"submit_class": "Other"}, *_SPARK]),
    (
        "transformer.Transformer",
        transformed,
        [
            {"data_type": "ManifestFile"},
            {"content_type": "text/csv"},
            {"compression_type": "Gzip"},
            {"split_type": "Line"},
            {"input_filter": "$[1:]"},
            {"output_filter": "$[0]"},
            {"join_source": "Input"},
            {"model_client_config": {"InvocationsTimeoutInSeconds": 9, "InvocationsMaxRetries": 1}},
            EXPERIMENT,
        ],
    ),
    ("tuner.HyperparameterTuner", tuned, [{"include_cls_metadata": True}]),
    (
        "model.Model",
        created,
        [
            {"tags": [{"Key": "k", "Value": "v"}]},
            {"accept_eula": True},
            {
                "accept_eula": True,
                "model_reference_arn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/M/m/1",
            },
        ],
    ),
]


@pytest.mark.parametrize(
    ("name", "ask", "call"),
    [
        pytest.param(name, ask, call, id=f"{name}-{'-'.join(call)}")
        for name, ask, calls in CALLS
        for call in calls
    ],
)  # fmt: skip
def test_arguments_of_the_method_are_kept(name: str, ask: Ask, call: dict[str, Any]) -> None:
    cls, arguments = class_of(name), ROWS[name].arguments

    def request(**further: Any) -> Row:
        return Row(arguments, lambda given, own: ask(given, own, **further))

    plain, _ = both(request(), cls, arguments)
    own, mine = both(request(**call), cls, arguments)
    assert mine == own
    assert own != plain, "the argument does not reach the request: a sample that shows nothing"


@pytest.mark.parametrize("method", ANALYSES)
def test_every_analysis_of_clarify_is_the_sdks_own_with_its_configuration(method: str) -> None:
    own, mine = both(Row(ESTIMATOR, analysed(method)), of("clarify.SageMakerClarifyProcessor"), ESTIMATOR)
    assert mine == own
    assert [name for name, *_ in mine[1]] == ["analysis_config.json"]


def test_clarify_without_a_method_is_refused_with_those_that_it_has() -> None:
    processor = made(of("clarify.SageMakerClarifyProcessor"), ESTIMATOR)
    with pytest.raises(TypeError, match=r"'method': \.\.\..*run_explainability"):
        steps.ProcessingStep("S", processor, JOB)


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ({"enable_network_isolation": True}, {"EnableNetworkIsolation": True}),
        (
            {"vpc_config": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}},
            {"VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}},
        ),
    ],
)
def test_a_multi_model_container_has_the_security_settings_of_its_model(
    setting: dict[str, Any], kept: dict[str, Any]
) -> None:
    model = {"model": lazy("model.Model", **{**setting, "image_uri": "i:1", "role": ESTIMATOR["role"]})}
    arguments = {"name": "multi", "model_data_prefix": "s3://m/all", **model}
    own, mine = both(ROWS["multidatamodel.MultiDataModel"], of("multidatamodel.MultiDataModel"), arguments)
    assert mine == own
    assert {key: mine[0][key] for key in kept} == kept


def test_a_tuning_that_may_choose_among_instances_stays_as_the_sdk_sends_it() -> None:
    def ask(tuner: Any, own: bool) -> dict[str, Any]:
        instance = of("tuner.InstanceConfig")
        tuner.override_resource_config([instance(1, "ml.m5.large", 10), instance(2, "ml.m5.xlarge", 20)])
        return tuned(tuner, own)

    row = ROWS["tuner.HyperparameterTuner"]
    own = excepted(ask(made(class_of("tuner.HyperparameterTuner"), row.arguments), True), profiler=False)
    mine = ask(made(class_of("tuner.HyperparameterTuner"), row.arguments), False)
    member = "HyperParameterTuningResourceConfig"
    assert len(own["TrainingJobDefinition"][member]["InstanceConfigs"]) == 2
    assert mine["TrainingJobDefinition"][member] == own["TrainingJobDefinition"][member]
    assert "ResourceConfig" not in mine["TrainingJobDefinition"]


def record_sets() -> list[Any]:
    made_of = of("amazon.amazon_estimator.RecordSet")
    return [made_of(f"s3://d/{name}", 100, 8, channel=name) for name in ("train", "test")]


def test_record_sets_of_several_channels_train_as_the_sdk_sends_them() -> None:
    row = ROWS["KMeans"]

    def ask(estimator: Any, own: bool) -> dict[str, Any]:
        return fitted(estimator, own, record_sets(), mini_batch_size=10)

    own, mine = both(Row(row.arguments, ask), class_of("KMeans"), row.arguments)
    assert mine == own
    assert [channel["ChannelName"] for channel in mine[0]["InputDataConfig"]] == ["train", "test"]


def test_record_sets_tune_amazons_algorithms_as_the_sdk_sends_them() -> None:
    def ask(tuner: Any, own: bool) -> dict[str, Any]:
        if own:
            return WIRE.sent(
                "CreateHyperParameterTuningJob",
                lambda: tuner.fit(record_sets(), wait=False, job_name=JOB, mini_batch_size=10),
            )
        return held(steps.TuningStep("S", tuner, JOB, data=record_sets(), call={"mini_batch_size": 10}))

    arguments = {
        "estimator": lazy("KMeans", **ROWS["KMeans"].arguments),
        "objective_metric_name": "test:msd",
        "objective_type": "Minimize",
        "hyperparameter_ranges": lambda: {"extra_center_factor": of("tuner.IntegerParameter")(4, 10)},
    }
    own, mine = both(Row(arguments, ask), class_of("tuner.HyperparameterTuner"), arguments)
    assert mine == own


def test_a_data_capture_configuration_of_the_step_is_that_of_the_request() -> None:
    config = made(of("model_monitor.DataCaptureConfig"), ROWS["model_monitor.DataCaptureConfig"].arguments)
    beside = steps.EndpointConfigStep("S", JOB, "m", 1, "ml.m5.large", data_capture_config=config)
    within = ROWS["model_monitor.DataCaptureConfig"].ask(config, False)
    assert beside.to_dict()["Parameters"]["DataCaptureConfig"] == within["DataCaptureConfig"]


def test_an_asynchronous_configuration_without_a_failure_path_has_none() -> None:
    config = made(of("async_inference.AsyncInferenceConfig"), {"output_path": "s3://o/a"})
    variant = {"ModelName": "m", "VariantName": "v", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    step = steps.EndpointConfigStep("S", JOB, request={"ProductionVariants": [variant], "AsyncInferenceConfig": config})
    assert step.to_dict()["Parameters"]["AsyncInferenceConfig"] == {"OutputConfig": {"S3OutputPath": "s3://o/a"}}


def test_a_role_by_its_name_passes_with_a_warning() -> None:
    estimator = made(of("estimator.Estimator"), {**PLAIN, "role": "just-a-name"})
    with pytest.warns(UserWarning, match=r"arn:aws:iam::<account>:role/just-a-name"):
        step = steps.TrainingStep("S", estimator, JOB)
    assert step.to_dict()["Parameters"]["RoleArn"] == "just-a-name"


def test_a_script_processor_without_code_runs_the_containers_entrypoint() -> None:
    processor = made(of("processing.ScriptProcessor"), {**PLAIN, "command": ["python3"]})
    step = steps.ProcessingStep("S", processor, JOB, container_entrypoint=["/opt/run"])
    assert step.to_dict()["Parameters"]["AppSpecification"] == {
        "ImageUri": "image:1",
        "ContainerEntrypoint": ["/opt/run"],
    }
    assert step.uploads == ()


def test_the_rule_that_comes_with_a_profile_has_no_time_in_its_name() -> None:
    profile = {"profiler_config": lazy("debugger.ProfilerConfig", profile_params=lazy("debugger.profiler.Profiler"))}
    estimator = made(of("estimator.Estimator"), {**PLAIN, **profile})
    found = steps.TrainingStep("S", estimator, JOB).to_dict()["Parameters"]["ProfilerRuleConfigurations"]
    assert [rule["RuleConfigurationName"] for rule in found] == ["DetailedProfilerProcessingJobConfig"]


def test_a_model_package_is_refused_with_the_request_that_takes_its_place() -> None:
    package = {
        "role": ESTIMATOR["role"],
        "model_package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/p/1",
    }
    with pytest.raises(DefinitionError, match=r"DescribeModelPackage.*Containers.*ModelPackageName"):
        steps.ModelStep("S", made(of("model.ModelPackage"), package), JOB)
