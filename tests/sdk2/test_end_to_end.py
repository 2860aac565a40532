"""Whole workflows of SDK 2's objects on the embedded runtime, as those of plain requests, and nobody called."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.local import LocalRuntime
from tests.parity import s2, scripts, tuning
from tests.parity.harness import no_network


@pytest.fixture(scope="module")
def runtime() -> Iterator[LocalRuntime]:
    with LocalRuntime.temporary() as opened:
        yield opened


def sdk_session(runtime: LocalRuntime) -> Any:
    from sagemaker import Session

    return Session(boto_session=runtime.session(), default_bucket=s2.BUCKET)


# ------------------------------------------------------------------------------------------------ the tutorial, S2


def xgboost(runtime: LocalRuntime, hyperparameters: dict[str, Any] = s2.HYPERPARAMETERS) -> Any:
    from sagemaker import image_uris
    from sagemaker.estimator import Estimator

    return Estimator(
        image_uris.retrieve("xgboost", "us-east-1", "1.7-1"),
        s2.ROLE,
        instance_count=1,
        instance_type="ml.m4.4xlarge",
        volume_size=5,
        output_path=s2.OUTPUT,
        hyperparameters=hyperparameters,
        sagemaker_session=sdk_session(runtime),
    )


def s2_objects(runtime: LocalRuntime) -> s2.Objects:
    from sagemaker.inputs import TrainingInput

    estimator = xgboost(runtime)
    data = {name: TrainingInput(s2.uri(name), content_type="text/libsvm") for name in ("train", "validation")}
    return s2.Objects(estimator, data, estimator.transformer(1, "ml.m5.large", output_path=s2.TRANSFORMED))


def test_the_tutorials_definition_is_that_of_plain_requests_but_for_the_debuggers_hook(runtime: LocalRuntime) -> None:
    objects = s2_objects(runtime)
    with no_network() as tried:
        made = s2.workflow(objects).definition.to_dict()
    assert tried == []
    hook = {"S3OutputPath": s2.OUTPUT}  # SDK 2 turns the debugger's hook on; debugger_hook_config=False turns it off
    assert list(s2.differences(made, s2.workflow(s2.plain()).definition.to_dict())) == [
        ("/States/Train Step/Parameters/DebugHookConfig", hook, None)
    ]


def test_the_tutorial_gives_the_same_model_as_with_plain_requests(runtime: LocalRuntime) -> None:
    found = s2.best_parts()
    objects = s2_objects(runtime)
    predicted, answered = s2.run(objects, found)

    assert s2.rmse(predicted, found.test) < found.limit
    assert answered == pytest.approx(predicted[0], abs=1e-5)
    assert predicted == s2.run(s2.plain(), found)[0]


def tutorial(root: str) -> dict[str, Any]:
    """What the notebook's program makes, with ``stepfunctions`` or with ours in its imports."""
    text = Path(__file__).with_name("tutorial.py").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    level = logging.getLogger().level  # the old package sets it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that SDK 2 gave up
        exec(compile(text.replace("stepfunctions", root), f"tutorial of {root}", "exec"), names)
    logging.getLogger().setLevel(level)
    return names


@pytest.fixture
def default_session(runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the program's user does who cannot change it: boto3's default session is the runtime's, which is active."""
    import boto3

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", runtime.session())
    runtime.activate()
    yield
    runtime.deactivate()


@pytest.mark.usefixtures("default_session")
def test_the_notebook_makes_the_old_packages_definition_with_its_imports_changed_only() -> None:
    with no_network() as tried:
        made = tutorial("mlflowsteps")["workflow"].definition.to_dict()
    assert tried == []
    old = json.loads(tutorial("stepfunctions")["workflow"].definition.to_json())
    place = "/States/Transform Input Dataset/Parameters/TransformOutput/S3OutputPath"
    mine, theirs = (f"s3://sagemaker-us-east-1-123456789012/{name}" for name in ("{}", "xgboost-"))
    found = list(s2.differences(made, old))
    assert found == [  # where the transform writes: below the job's name, not below a time of day
        (place, None, found[0][2]),
        (f"{place}.$", f"States.Format('{mine}', $$.Execution.Input['JobName'])", None),
    ]
    assert found[0][2].startswith(theirs)


@pytest.mark.usefixtures("default_session")
def test_the_notebook_runs_to_its_end_on_the_runtime(runtime: LocalRuntime) -> None:
    names = tutorial("mlflowsteps")
    runtime.client("s3").create_bucket(Bucket=names["bucket"])
    found = s2.parts("made")
    output, execution, events, executions, workflows = names["run"]((found.train + found.validation).splitlines())

    assert execution.describe()["status"] == "SUCCEEDED"
    assert output["EndpointArn"].startswith("arn:aws:sagemaker:us-east-1:123456789012:endpoint/regression-")
    assert all(state in events._repr_html_() for state in s2.STATES)
    assert execution.name in executions._repr_html_()
    assert "MyTrainTransformDeploy_v1" in workflows._repr_html_()


# -------------------------------------------------------------------------------------------------------- tuning


def test_twelve_trainings_beat_the_default_hyperparameters_and_the_best_goes_on(runtime: LocalRuntime) -> None:
    from sagemaker.inputs import TrainingInput
    from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter

    estimator = xgboost(runtime, tuning.HYPERPARAMETERS)
    tuner = HyperparameterTuner(
        estimator,
        tuning.METRIC,
        {"eta": ContinuousParameter(0.05, 0.6), "max_depth": IntegerParameter(2, 8)},
        objective_type="Minimize",
        max_jobs=tuning.JOBS,
        max_parallel_jobs=1,
        random_seed=1,
    )
    found = s2.best_parts()
    data = {name: TrainingInput(s2.uri(name), content_type="text/libsvm") for name in ("train", "validation")}
    outcome = tuning.run(estimator, tuner, data, found)

    assert outcome.statuses == ["Completed"] * tuning.JOBS
    assert outcome.best < outcome.default
    assert s2.rmse(outcome.predictions, found.test) < found.limit


# -------------------------------------------------------------------------------------------- scripts with scikit-learn


def prepare(session: Any) -> steps.ProcessingStep:
    from sagemaker.processing import FrameworkProcessor, ProcessingInput, ProcessingOutput
    from sagemaker.sklearn import SKLearn

    return steps.ProcessingStep(
        "Prepare",
        FrameworkProcessor(SKLearn, "1.2-1", scripts.ROLE, 1, "ml.m5.large", sagemaker_session=session),
        scripts.INPUTS["Name"],
        code="prepare.py",
        inputs=[ProcessingInput(scripts.RAW, "/opt/ml/processing/input/raw", input_name="raw")],
        outputs=[
            ProcessingOutput("/opt/ml/processing/output/train", scripts.TRAIN, output_name="train"),
            ProcessingOutput("/opt/ml/processing/output/test", scripts.TEST, output_name="test"),
        ],
        call={"arguments": scripts.ARGUMENTS, "source_dir": "prepare"},
    )


def test_a_script_is_prepared_for_trained_and_served_as_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker.sklearn import SKLearn, SKLearnModel

    monkeypatch.chdir(tmp_path)
    scripts.write(tmp_path)
    with LocalRuntime(tmp_path / "runtime") as runtime:
        scripts.upload(runtime)
        session = sdk_session(runtime)
        estimator = SKLearn(
            "train.py",
            source_dir="src",
            framework_version="1.2-1",
            role=scripts.ROLE,
            instance_type="ml.m5.large",
            output_path=scripts.MODELS,
            hyperparameters=scripts.HYPERPARAMETERS,
            metric_definitions=[scripts.METRIC],
            sagemaker_session=session,
        )
        with no_network() as tried:
            train = steps.TrainingStep("Train", estimator, scripts.INPUTS["Name"], data={"train": scripts.TRAIN})
            data = str(train.output()["ModelArtifacts"]["S3ModelArtifacts"])
            model = SKLearnModel(
                data,
                scripts.ROLE,
                "inference.py",
                framework_version="1.2-1",
                source_dir="src",
                sagemaker_session=session,
            )
            first = prepare(session)
        assert tried == []
        served = scripts.serve(runtime, first, train, model)
    wanted = scripts.expected()
    assert (served.score, served.unit) == (wanted.score, "rings")
    assert served.predictions == pytest.approx(wanted.predictions)
