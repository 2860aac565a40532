"""The same programs with the real ``stepfunctions`` package and with ours: SageMaker SDK 2's objects, same definitions.

The old package's own output is the oracle. Where ours differs on purpose, the test says how, the migration guide why.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from mlflowsteps import inputs, steps, template
from mlflowsteps.local import LocalRuntime
from tests.template.conftest import BUCKET, SCRIPT, archive, rows

ROLE = "arn:aws:iam::123456789012:role/jobs"
PCA = "382416733822.dkr.ecr.us-east-1.amazonaws.com/pca:1"
Make = Callable[[Any], Any]

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDK's own warnings are not ours to mend


@pytest.fixture(scope="module")
def old() -> SimpleNamespace:
    level = logging.getLogger().level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import stepfunctions.inputs
        import stepfunctions.steps
        import stepfunctions.template
    logging.getLogger().setLevel(level)
    return SimpleNamespace(inputs=stepfunctions.inputs, steps=stepfunctions.steps, template=stepfunctions.template)


OURS = SimpleNamespace(inputs=inputs, steps=steps, template=template)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


def session() -> Any:
    import boto3
    from sagemaker.session import Session

    boto = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    return Session(boto_session=boto, default_bucket="bucket")


def estimator(**more: Any) -> Any:
    from sagemaker.estimator import Estimator

    settings = {"instance_count": 1, "instance_type": "ml.c4.xlarge", "output_path": "s3://bucket/models"}
    made = Estimator(PCA, role=ROLE, sagemaker_session=session(), **{**settings, **more})
    made.set_hyperparameters(feature_dim=50000, subtract_mean=True, algorithm_mode="randomized")
    return made


def stand_in() -> Any:
    """In place of a session: the old package uploads code while it builds, and nothing of that matters here."""
    made = MagicMock()
    made.boto_region_name, made._default_bucket, made.default_bucket_prefix = "us-east-1", "bucket", None
    made.default_bucket.return_value, made.sagemaker_config, made.local_mode = "bucket", {}, False
    return made


def script_estimator() -> Any:
    from sagemaker.sklearn.estimator import SKLearn

    return SKLearn(
        entry_point="train.py",
        source_dir="s3://bucket/source.tar.gz",
        framework_version="1.2-1",
        role=ROLE,
        instance_type="ml.c4.xlarge",
        output_path="s3://bucket/models",
        sagemaker_session=stand_in(),
    )


def hooked() -> Any:
    from sagemaker.debugger import CollectionConfig, DebuggerHookConfig, Rule, rule_configs

    hook = DebuggerHookConfig(
        s3_output_path="s3://bucket/debug",
        hook_parameters={"save_interval": "1"},
        collection_configs=[CollectionConfig("hyperparameters"), CollectionConfig("metrics")],
    )
    rule = Rule.sagemaker(rule_configs.confusion(), rule_parameters={"category_no": "15"})
    return estimator(debugger_hook_config=hook, rules=[rule])


def training(n: Any, made: Any, **more: Any) -> dict[str, Any]:
    return n.steps.TrainingStep("Train", made, "job", **more).to_dict()


def with_placeholders(n: Any) -> Any:
    given = n.inputs.ExecutionInput(schema={"Data": str, "Out": str, "Image": str})
    parameters = {"AlgorithmSpecification": {"TrainingImage": given["Image"], "TrainingInputMode": "Pipe"}}
    return n.steps.TrainingStep(
        "Train",
        estimator(),
        n.inputs.StepInput(schema={"Job": str})["Job"],
        data=given["Data"],
        output_data_config_path=given["Out"],
        parameters=parameters,
    ).to_dict()


def transform(n: Any) -> Any:
    from sagemaker.transformer import Transformer

    made = Transformer("m", 1, "ml.c4.xlarge", output_path="s3://bucket/out", sagemaker_session=session())
    more = {"join_source": "Input", "input_filter": "$[1:]", "output_filter": "$[2:]", "split_type": "Line"}
    return n.steps.TransformStep("T", made, "job", "model", "s3://bucket/in", tags={"a": "b"}, **more).to_dict()


def expected(n: Any) -> Any:
    train = n.steps.TrainingStep("Train", estimator(), "job")
    model = train.get_expected_model(model_name=train.output()["TrainingJobName"])
    return n.steps.ModelStep("Save", model).to_dict(), model.image_uri


def model(n: Any) -> Any:
    from sagemaker.model import Model

    made = Model(image_uri=PCA, model_data="s3://bucket/m.tar.gz", role=ROLE, name="m", sagemaker_session=session())
    return n.steps.ModelStep("Save", made, "model", tags={"a": "b"}).to_dict()


def tuning(n: Any) -> Any:
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

    metrics = [{"Name": "m", "Regex": "x"}]
    tuner = HyperparameterTuner(estimator(), "m", {"eta": ContinuousParameter(1, 2)}, metrics, max_jobs=4)
    return n.steps.TuningStep("Tune", tuner, "job", {"train": "s3://bucket/train"}, tags={"a": "b"}).to_dict()


def endpoint_config(n: Any) -> Any:
    from sagemaker.model_monitor import DataCaptureConfig

    capture = DataCaptureConfig(True, destination_s3_uri="s3://bucket/capture", sagemaker_session=session())
    return n.steps.EndpointConfigStep("C", "config", "model", 1, "ml.m5.large", data_capture_config=capture).to_dict()


SAME: dict[str, Make] = {
    "training": lambda n: training(n, estimator(), tags={"a": "b"}, experiment_config={"ExperimentName": "e"}),
    "training, not waited for": lambda n: training(n, estimator(), wait_for_completion=False),
    "training with a hook and a rule": lambda n: training(n, hooked()),
    "training without a hook": lambda n: training(n, estimator(debugger_hook_config=False)),
    "training with channels": lambda n: training(n, estimator(), data={"train": "s3://b/t", "validation": "s3://b/v"}),
    "training of a script": lambda n: training(n, script_estimator(), data={"train": "s3://b/t"}, mini_batch_size=8),
    "hyperparameters over the estimator's": lambda n: training(n, script_estimator(), hyperparameters={"k": "v"}),
    "training with placeholders": with_placeholders,
    "transform": transform,
    "expected model": expected,
    "model": model,
    "tuning": tuning,
    "endpoint configuration": endpoint_config,
    "endpoint": lambda n: n.steps.EndpointStep("E", "endpoint", "config", tags={"a": "b"}).to_dict(),
}


@pytest.mark.parametrize("name", SAME)
def test_the_definition_is_the_old_packages(old: SimpleNamespace, name: str) -> None:
    assert json.dumps(SAME[name](OURS), sort_keys=True) == json.dumps(SAME[name](old), sort_keys=True)


def test_settings_that_the_old_package_drops_are_kept(old: SimpleNamespace) -> None:
    settings = {"environment": {"A": "b"}, "enable_network_isolation": True, "encrypt_inter_container_traffic": True}
    theirs, ours = training(old, estimator(**settings)), training(OURS, estimator(**settings))
    kept = {"Environment", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"}
    assert ours["Parameters"].keys() - theirs["Parameters"].keys() == kept


def test_outputs_of_a_processor_have_names_and_places(old: SimpleNamespace) -> None:
    from sagemaker.processing import ProcessingOutput
    from sagemaker.sklearn.processing import SKLearnProcessor

    def make(n: Any) -> Any:
        settings = {"framework_version": "1.2-1", "instance_type": "ml.m5.large", "instance_count": 1}
        processor = SKLearnProcessor(role=ROLE, sagemaker_session=session(), **settings)
        outputs = [ProcessingOutput(source="/opt/ml/processing/output/train")]
        more = {"outputs": outputs, "container_entrypoint": ["python3"]}
        return n.steps.ProcessingStep("P", processor, "job", **more).to_dict()

    theirs, ours = make(old)["Parameters"], make(OURS)["Parameters"]
    old_output = theirs["ProcessingOutputConfig"]["Outputs"][0]
    output = ours["ProcessingOutputConfig"]["Outputs"][0]
    assert (old_output["OutputName"], old_output["S3Output"]["S3Uri"]) == (None, None)
    assert (output["OutputName"], output["S3Output"]["S3Uri"]) == ("output-1", "s3://bucket/job/output/output-1")
    assert theirs["ProcessingInputs"] is None
    assert "ProcessingInputs" not in ours
    same = ("AppSpecification", "ProcessingResources", "RoleArn", "ProcessingJobName")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}


def shown(n: Any, make: Make) -> tuple[Any, Any]:
    """The definition of a pipeline, and the input of one execution."""
    pipeline = make(n)
    given: list[Any] = []
    pipeline.workflow.execute = lambda name, inputs: given.append((name, inputs))
    pipeline.execute(job_name="run", hyperparameters=None)
    return pipeline.workflow.definition.to_dict(), json.loads(json.dumps(given))


def test_a_training_pipeline_is_the_old_packages(old: SimpleNamespace) -> None:
    def make(n: Any) -> Any:
        data = {"train": "s3://bucket/train"}
        return n.template.TrainingPipeline(estimator(), ROLE, data, "bucket", pipeline_name="Pipeline")

    assert shown(OURS, make) == shown(old, make)


def test_an_inference_pipeline_is_the_old_packages(old: SimpleNamespace) -> None:
    def make(n: Any) -> Any:
        data = {"train": "s3://bucket/train"}
        return n.template.InferencePipeline(
            script_estimator(), estimator(), data, "bucket", ROLE, pipeline_name="Pipeline", content_type="text/csv"
        )

    assert shown(OURS, make) == shown(old, make)


def test_both_pipelines_run_whole_from_sdk_objects(tmp_path: Any) -> None:
    for package in ("scipy", "sklearn", "xgboost"):
        pytest.importorskip(package)
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput
    from sagemaker.sklearn.estimator import SKLearn

    (tmp_path / "prepare.py").write_text(SCRIPT)
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    common = {"role": ROLE, "instance_count": 1, "instance_type": "ml.m5.large", "output_path": f"s3://{BUCKET}/models"}
    xgboost = Estimator(image, sagemaker_session=session(), **common)
    xgboost.set_hyperparameters(objective="reg:squarederror", num_round=20)
    sklearn = SKLearn("prepare.py", source_dir=f"s3://{BUCKET}/code/source.tar.gz", framework_version="1.2-1",
                      sagemaker_session=session(), **common)  # fmt: skip
    data = {"train": TrainingInput(f"s3://{BUCKET}/train/", content_type="text/csv")}
    with LocalRuntime.temporary() as runtime:
        s3 = runtime.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="train/part.csv", Body=rows(100).encode())
        s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=archive("prepare.py", SCRIPT))
        one = template.TrainingPipeline(xgboost, ROLE, data, BUCKET, client=runtime, pipeline_name="One")
        two = template.InferencePipeline(sklearn, xgboost, data, BUCKET, ROLE, client=runtime, pipeline_name="Two")
        for pipeline in (one, two):
            pipeline.create()
            output = pipeline.execute(job_name=f"{pipeline.pipeline_name}-run").get_output(wait=True)
            assert output["EndpointArn"].lower().endswith(f"endpoint/{pipeline.pipeline_name.lower()}-run")
