"""Whole workflows of SDK 3's objects on the embedded runtime, as those of plain requests, and nobody called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.local import LocalRuntime
from tests.parity import s2, scripts, tuning
from tests.parity.harness import no_network


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_VALIDATE_ROLE", "false")  # else ModelTrainer's constructor asks IAM


@pytest.fixture(scope="module")
def runtime() -> Iterator[LocalRuntime]:
    with LocalRuntime.temporary() as opened:
        yield opened


def sdk_session(runtime: LocalRuntime) -> Any:
    from sagemaker.core.helper.session_helper import Session

    return Session(boto_session=runtime.session(), default_bucket=s2.BUCKET)


# ------------------------------------------------------------------------------------------------ the tutorial, S2


def xgboost(runtime: LocalRuntime, hyperparameters: dict[str, Any] = s2.HYPERPARAMETERS) -> Any:
    from sagemaker.core import image_uris
    from sagemaker.core.training.configs import Compute, OutputDataConfig, StoppingCondition
    from sagemaker.train.model_trainer import ModelTrainer

    return ModelTrainer(
        training_image=image_uris.retrieve("xgboost", "us-east-1", "1.7-1"),
        role=s2.ROLE,
        compute=Compute(instance_type="ml.m4.4xlarge", instance_count=1, volume_size_in_gb=5),
        output_data_config=OutputDataConfig(s3_output_path=s2.OUTPUT),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=86400),
        hyperparameters=hyperparameters,
        sagemaker_session=sdk_session(runtime),
    )


def s2_objects(runtime: LocalRuntime, *, builder: bool = False) -> s2.Objects:
    from sagemaker.core.training.configs import InputData
    from sagemaker.core.transformer import Transformer
    from sagemaker.serve.model_builder import ModelBuilder

    def build(train: steps.TrainingStep) -> Any:
        return ModelBuilder(
            image_uri=s2.IMAGE,
            s3_model_data_url=str(train.output()["ModelArtifacts"]["S3ModelArtifacts"]),
            role_arn=s2.ROLE,
            sagemaker_session=sdk_session(runtime),
        )

    data = [
        InputData(channel_name=name, data_source=s2.uri(name), content_type="text/libsvm")
        for name in ("train", "validation")
    ]
    transformer = Transformer(
        model_name=None,
        instance_count=1,
        instance_type="ml.m5.large",
        output_path=s2.TRANSFORMED,
        sagemaker_session=sdk_session(runtime),
    )
    return s2.Objects(xgboost(runtime), data, transformer, build if builder else None)


@pytest.mark.parametrize("builder", [False, True], ids=["expected model", "ModelBuilder"])
def test_the_tutorials_definition_is_that_of_plain_requests_but_for_defaults_spelt_out(
    runtime: LocalRuntime, builder: bool
) -> None:
    objects = s2_objects(runtime, builder=builder)
    with no_network() as tried:
        made = s2.workflow(objects).definition.to_dict()
    assert tried == []
    place = "/States/Train Step/Parameters"
    assert list(s2.differences(made, s2.workflow(s2.plain()).definition.to_dict())) == [
        (f"{place}/InputDataConfig/0/InputMode", "File", None),  # as TrainingInputMode says
        (f"{place}/InputDataConfig/1/InputMode", "File", None),
        (f"{place}/OutputDataConfig/CompressionType", "GZIP", None),  # what SageMaker does without it
    ]


def test_the_tutorial_gives_the_same_model_as_with_plain_requests(runtime: LocalRuntime) -> None:
    found = s2.best_parts()
    predicted, answered = s2.run(s2_objects(runtime, builder=True), found)

    assert s2.rmse(predicted, found.test) < found.limit
    assert answered == pytest.approx(predicted[0], abs=1e-5)
    assert predicted == s2.run(s2.plain(), found)[0]


# -------------------------------------------------------------------------------------------------------- tuning


def test_twelve_trainings_beat_the_default_hyperparameters_and_the_best_goes_on(runtime: LocalRuntime) -> None:
    from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
    from sagemaker.core.training.configs import InputData
    from sagemaker.train.tuner import HyperparameterTuner

    trainer = xgboost(runtime, tuning.HYPERPARAMETERS)
    tuner = HyperparameterTuner(
        trainer,
        tuning.METRIC,
        {"eta": ContinuousParameter(0.05, 0.6), "max_depth": IntegerParameter(2, 8)},
        objective_type="Minimize",
        max_jobs=tuning.JOBS,
        max_parallel_jobs=1,
        random_seed=1,
    )
    found = s2.best_parts()
    data = [
        InputData(channel_name=name, data_source=s2.uri(name), content_type="text/libsvm")
        for name in ("train", "validation")
    ]
    outcome = tuning.run(trainer, tuner, data, found)

    assert outcome.statuses == ["Completed"] * tuning.JOBS
    assert outcome.best < outcome.default
    assert s2.rmse(outcome.predictions, found.test) < found.limit


# -------------------------------------------------------------------------------------------- scripts with scikit-learn

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def prepare(session: Any) -> steps.ProcessingStep:
    from sagemaker.core.processing import FrameworkProcessor
    from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output

    def output(name: str, uri: str) -> Any:
        folder = f"/opt/ml/processing/output/{name}"
        place = ProcessingS3Output(s3_uri=uri, local_path=folder, s3_upload_mode="EndOfJob")
        return ProcessingOutput(output_name=name, s3_output=place)

    raw = ProcessingS3Input(
        s3_uri=scripts.RAW,
        local_path="/opt/ml/processing/input/raw",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    processor = FrameworkProcessor(
        role=scripts.ROLE,
        image_uri=IMAGE,
        command=["python3"],
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
    )
    return steps.ProcessingStep(
        "Prepare",
        processor,
        scripts.INPUTS["Name"],
        code="prepare.py",
        inputs=[ProcessingInput(input_name="raw", s3_input=raw)],
        outputs=[output("train", scripts.TRAIN), output("test", scripts.TEST)],
        call={"arguments": scripts.ARGUMENTS, "source_dir": "prepare"},
    )


def test_a_script_is_prepared_for_trained_and_served_as_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker.core.training.configs import Compute, InputData, MetricDefinition, OutputDataConfig, SourceCode
    from sagemaker.serve.model_builder import ModelBuilder
    from sagemaker.train.model_trainer import ModelTrainer

    monkeypatch.chdir(tmp_path)
    scripts.write(tmp_path)
    with LocalRuntime(tmp_path / "runtime") as runtime:
        scripts.upload(runtime)
        session = sdk_session(runtime)
        trainer = ModelTrainer(
            training_image=IMAGE,
            source_code=SourceCode(source_dir="src", entry_script="train.py", requirements="requirements.txt"),
            role=scripts.ROLE,
            compute=Compute(instance_type="ml.m5.large", instance_count=1),
            output_data_config=OutputDataConfig(s3_output_path=scripts.MODELS),
            hyperparameters=scripts.HYPERPARAMETERS,
            sagemaker_session=session,
        ).with_metric_definitions([MetricDefinition(name=scripts.METRIC["Name"], regex=scripts.METRIC["Regex"])])
        with no_network() as tried:
            data = [InputData(channel_name="train", data_source=scripts.TRAIN)]
            train = steps.TrainingStep("Train", trainer, scripts.INPUTS["Name"], data=data)
            builder = ModelBuilder(
                image_uri=IMAGE,
                s3_model_data_url=str(train.output()["ModelArtifacts"]["S3ModelArtifacts"]),
                env_vars={"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
                role_arn=scripts.ROLE,
                sagemaker_session=session,
            )
            first = prepare(session)
        assert tried == []
        served = scripts.serve(runtime, first, train, builder)
    wanted = scripts.expected()
    assert (served.score, served.unit) == (wanted.score, "rings")
    assert served.predictions == pytest.approx(wanted.predictions)


def test_a_script_processor_without_a_script_is_refused_with_the_argument_that_gives_it(runtime: LocalRuntime) -> None:
    from sagemaker.core.processing import ScriptProcessor

    session = sdk_session(runtime)
    processor = ScriptProcessor(scripts.ROLE, IMAGE, ["python3"], 1, "ml.m5.large", sagemaker_session=session)
    with pytest.raises(
        TypeError, match=r"a ScriptProcessor needs its script: ProcessingStep\(\.\.\., code='prepare.py'"
    ):
        steps.ProcessingStep("Prepare", processor, "job")
