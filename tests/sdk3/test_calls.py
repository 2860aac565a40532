"""SDK 3: what methods take, and what class methods make, reaches the step; what would ask AWS is refused."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import JOB, ROLE, no_network, normal
from tests.sdk3.objects import (
    BUILDER,
    PROCESSOR,
    TRANSFORMER,
    Call,
    build,
    clarify,
    config,
    held,
    made,
    of,
    pipeline_session,
    run,
    sent,
    session,
    source_folder,
    train,
    trainer,
    tune,
)
from tests.sdk3.samples import CLARIFY, EVALUATOR, FINE_TUNING, bias_config, data_config, model_config
from tests.sdk3.test_parity import hub  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source_folder(tmp_path)


def same(make: Callable[[], Any], call: Call) -> dict[str, Any]:
    """What the SDK sends is what the step holds; gives it."""
    own = json.loads(json.dumps(normal(call(make(), True))))
    with no_network() as tried, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine = json.loads(json.dumps(normal(call(make(), False))))
    assert (mine, tried) == (own, [])
    found: dict[str, Any] = mine
    return found


# ------------------------------------------------------------------------------------------------ Clarify's methods


def shap() -> Any:
    return of("core.clarify.SHAPConfig")(baseline=[[0]], num_samples=1, agg_method="mean_abs")


def label() -> Any:
    return of("core.clarify.ModelPredictedLabelConfig")(probability_threshold=0.5)


METHODS: dict[str, Callable[[], dict[str, Any]]] = {
    "run_pre_training_bias": lambda: {"data_bias_config": bias_config(), "methods": ["CI"]},
    "run_post_training_bias": lambda: {
        "data_bias_config": bias_config(),
        "model_config": model_config(),
        "model_predicted_label_config": label(),
    },
    "run_bias": lambda: {"bias_config": bias_config(), "model_config": model_config()},
    "run_explainability": lambda: {"model_config": model_config(), "explainability_config": shap()},
    "run_bias_and_explainability": lambda: {
        "bias_config": bias_config(),
        "model_config": model_config(),
        "explainability_config": shap(),
    },
}


def processor() -> Any:
    return made(of("core.clarify.SageMakerClarifyProcessor"), CLARIFY)


def test_these_are_the_methods_of_clarify() -> None:
    assert {name for name in dir(processor()) if name.startswith("run_")} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_of_clarify_makes_its_request_and_its_analysis(method: str) -> None:
    found = same(processor, clarify(method, lambda: {"data_config": data_config(), **METHODS[method]()}))
    assert any("analysis_config.json" in uri for uri in found["(files)"])


def test_clarify_without_a_method_is_told_which_there_are() -> None:
    with pytest.raises(
        TypeError, match=r"call=\{'method': \.\.\., \.\.\.\} with one of run_bias, run_bias_and_explain"
    ):
        steps.ProcessingStep("S", processor(), JOB)


# -------------------------------------------------------------------------------------------------- other methods


def test_what_a_processors_run_takes_is_kept() -> None:
    plain = same(lambda: made(of("core.processing.Processor"), PROCESSOR), run())
    more = {"ExperimentName": "e", "TrialName": "t"}
    found = same(lambda: made(of("core.processing.Processor"), PROCESSOR), run(experiment_config=more))
    assert (found["ExperimentConfig"], "ExperimentConfig" in plain) == (more, False)


def test_code_is_encrypted_as_the_call_says() -> None:
    arguments = {**PROCESSOR, "command": ["python3"], "output_kms_key": "output"}
    found = same(
        lambda: made(of("core.processing.ScriptProcessor"), arguments), run(code="src/train.py", kms_key="code")
    )
    ((_, encryption),) = found["(files)"].values()
    assert encryption["SSEKMSKeyId"] == "code"


def test_what_a_framework_processors_run_takes_is_kept() -> None:
    call = run(code="train.py", source_dir="src", requirements="requirements.txt", dependencies=["extra.py"])
    found = same(lambda: made(of("core.processing.FrameworkProcessor"), PROCESSOR), call)
    archive = next(members for uri, (members, _) in found["(files)"].items() if uri.endswith("sourcedir.tar.gz"))
    assert "train.py" in {name for name, _ in archive}


def test_what_transform_takes_is_kept() -> None:
    def transform(given: Any, own: bool) -> dict[str, Any]:
        call = {
            "data_type": "ManifestFile",
            "compression_type": "Gzip",
            "experiment_config": {"ExperimentName": "e"},
            "model_client_config": {"InvocationsMaxRetries": 1},
            "batch_data_capture_config": of("core.inputs.BatchDataCaptureConfig")("s3://capture"),
        }
        if own:
            return sent("CreateTransformJob", lambda: given.transform("s3://d/in", wait=False, job_name=JOB, **call))
        return held(steps.TransformStep("S", given, JOB, None, call={"data": "s3://d/in", **call}))

    found = same(lambda: made(of("core.transformer.Transformer"), TRANSFORMER), transform)
    assert found["ModelClientConfig"] == {"InvocationsMaxRetries": 1}
    assert found["ExperimentConfig"] == {"ExperimentName": "e"}


def test_tags_and_role_of_build_are_kept() -> None:
    call = {"tags": [{"Key": "k", "Value": "v"}], "role_arn": "arn:aws:iam::123456789012:role/other"}

    def built(builder: Any, own: bool) -> dict[str, Any]:
        if own:
            return sent("CreateModel", lambda: builder.build(model_name=JOB, **call))
        return held(steps.ModelStep("S", builder, JOB, call=call))

    found = same(lambda: made(of("serve.model_builder.ModelBuilder"), BUILDER), built)
    assert (found["Tags"], found["ExecutionRoleArn"]) == (call["tags"], call["role_arn"])
    assert found != same(lambda: made(of("serve.model_builder.ModelBuilder"), BUILDER), build)


RECIPE = """
run:
  name: run
  model_type: amazon.nova-lite-v1:0:300k
  model_name_or_path: nova-lite/prod
  replicas: 1
training_config:
  max_length: 1024
"""


def test_a_trainer_made_of_a_recipe_sends_the_recipe_with_what_is_put_over_it() -> None:
    Path("nova.yaml").write_text(RECIPE)

    def from_recipe() -> Any:
        return of("train.model_trainer.ModelTrainer").from_recipe(
            training_recipe="nova.yaml",
            recipe_overrides={"training_config": {"max_length": 2048}},
            compute=config("Compute", instance_type="ml.p5.48xlarge", instance_count=1),
            training_image="image:1",
            role=ROLE,
            output_data_config=config("OutputDataConfig", s3_output_path="s3://o"),
            base_job_name="base",
            sagemaker_session=session(),
        )

    found = same(from_recipe, train)
    ((recipe, _),) = (content for uri, content in found["(files)"].items() if uri.endswith("recipe.yaml"))
    assert "max_length: 2048" in recipe


def test_a_tuner_of_several_trainers_fails_in_the_sdk_and_is_refused_with_what_to_do() -> None:
    ranges = {"x": of("core.parameter.ContinuousParameter")(0, 1)}

    def several() -> Any:
        return of("train.tuner.HyperparameterTuner").create(
            {"a": trainer(), "b": trainer(training_image="other:1")},
            {"a": "m", "b": "m"},
            {"a": ranges, "b": ranges},
            {"a": [{"Name": "m", "Regex": "r"}], "b": [{"Name": "m", "Regex": "r"}]},
            max_jobs=4,
        )

    with pytest.raises(AttributeError):
        several().tune(
            {"a": "s3://d/a"}, wait=False, job_name=JOB
        )  # once it works, hold what it sends against the step
    with pytest.raises(DefinitionError, match="TrainingJobDefinitions"):
        steps.TuningStep("S", several(), JOB, call={"inputs": {"a": "s3://d/a"}})


# ---------------------------------------------------------------------------------------------- what would ask AWS


def tuner_of(name: str, **more: Any) -> Any:
    cls = of(f"train.{name.lower().removesuffix('trainer')}_trainer.{name}")
    return made(cls, {**FINE_TUNING, **more})


def mixed() -> Any:
    return of("train.data_mixing_config.DataMixingConfig")(customer_data_percent=50)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "the role": (lambda: tuner_of("SFTTrainer", role=None), "Give it role="),
    "the output's place": (lambda: tuner_of("SFTTrainer", s3_output_path=None), "Give it s3_output_path"),
    "an application of MLflow": (lambda: tuner_of("SFTTrainer", mlflow_resource_arn=None), "mlflow_resource_arn"),
    "a group by its name": (lambda: tuner_of("SFTTrainer", model_package_group="g"), "model_package_group as an ARN"),
    "a recipe for machines": (
        lambda: tuner_of(
            "SFTTrainer", compute=lambda: config("Compute", instance_type="ml.p5.48xlarge", instance_count=1)
        ),
        "leave compute and data_mixing_config out",
    ),
    "mixed data": (
        lambda: tuner_of("SFTTrainer", data_mixing_config=mixed),
        "data_mixing_config",
    ),
    "a function as a reward": (
        lambda: tuner_of("RLVRTrainer", custom_reward_function="arn:aws:lambda:us-east-1:123456789012:function:f"),
        "Evaluator",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_fine_tuning_that_would_ask_aws_is_refused(case: str) -> None:
    make, told = REFUSED[case]
    with no_network() as tried, pytest.raises((DefinitionError, ValueError), match=told):
        steps.TrainingStep("S", make(), JOB)
    assert tried == []


def returned(given: Any) -> Any:
    """What its ``train`` returns under a pipeline session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return given.train()


def test_what_train_returns_is_refused_as_its_object_is() -> None:
    local = trainer(
        training_mode=lambda: of("train.model_trainer.Mode").LOCAL_CONTAINER, sagemaker_session=pipeline_session()
    )
    with pytest.raises(DefinitionError, match="LocalRuntime"):
        steps.TrainingStep("S", returned(local), JOB)
    pod = tuner_of(
        "SFTTrainer",
        compute=lambda: of("core.training.configs.HyperPodCompute")(cluster_name="c"),
        sagemaker_session=pipeline_session(),
    )
    with pytest.raises(DefinitionError, match="EksRunJobStep"):
        steps.TrainingStep("S", returned(pod), JOB)


def test_what_a_fine_tunings_train_returns_makes_the_same_step_as_its_object() -> None:
    with no_network() as tried, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = steps.TrainingStep("S", returned(tuner_of("SFTTrainer", sagemaker_session=pipeline_session())), JOB)
        wanted = steps.TrainingStep("S", tuner_of("SFTTrainer"), JOB)
    assert (tried, found.to_dict()) == ([], wanted.to_dict())


def test_a_reward_is_not_tried_out_while_a_step_is_made() -> None:
    with no_network() as tried, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step = steps.TrainingStep("S", tuner_of("RLVRTrainer", custom_reward_function=EVALUATOR), JOB)
    assert tried == []
    assert step.to_dict()["Parameters"]["ServerlessJobConfig"]["EvaluatorArn"] == EVALUATOR


def test_a_fine_tuning_is_warned_of_since_step_functions_may_not_know_its_members() -> None:
    with pytest.warns(UserWarning, match="ServerlessJobConfig.*integration='aws-sdk'"):
        steps.TrainingStep("S", tuner_of("SFTTrainer"), JOB)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = steps.TrainingStep("S", tuner_of("SFTTrainer"), JOB, integration="aws-sdk")
    assert "createTrainingJob" in json.dumps(found.to_dict())


@pytest.mark.parametrize("model", ["huggingface-llm-falcon-7b-bf16", "gpt2"])
def test_a_model_that_is_looked_up_by_its_name_is_refused(model: str) -> None:
    builder = made(of("serve.model_builder.ModelBuilder"), BUILDER)
    builder.model = model
    with no_network() as tried, pytest.raises(DefinitionError, match="image_uri and s3_model_data_url"):
        steps.ModelStep("S", builder, JOB)
    assert tried == []


def test_a_tuner_sends_its_trainer_to_sagemaker_wherever_that_would_train() -> None:
    local = {"training_mode": lambda: of("train.model_trainer.Mode").LOCAL_CONTAINER}

    def tuner(**more: Any) -> Any:
        ranges = {"x": of("core.parameter.ContinuousParameter")(0, 1)}
        metrics = [{"Name": "m", "Regex": "r"}]
        return of("train.tuner.HyperparameterTuner")(trainer(**more), "m", ranges, metrics)

    assert same(lambda: tuner(**local), tune)["HyperParameterTuningJobConfig"]["Strategy"] == "Bayesian"
