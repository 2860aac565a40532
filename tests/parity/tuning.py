"""A tuning of 12 trainings beside one with the default hyperparameters, and a transform with the best of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.parity import s2

METRIC = "validation:rmse"
JOBS = 12
HYPERPARAMETERS = {"objective": "reg:squarederror", "num_round": 50, "seed": 1}
"""Of every training; XGBoost's defaults for the rest, or what the tuning tries."""


class Outcome(NamedTuple):
    """What came of the workflow."""

    default: float
    """Validation error with the default hyperparameters."""
    best: float
    """Validation error of the best training job."""
    predictions: list[float]
    """Of the best training job's model, for the test rows."""
    statuses: list[str]
    """Of the tuning's training jobs."""


def run(trainer: Any, tuner: Any, data: Any, found: s2.Parts) -> Outcome:
    """Train by default, tune, save the best model, transform; on a runtime of its own."""
    inputs = ExecutionInput(schema={"Name": str})
    default = steps.TrainingStep("Default", trainer, inputs["Name"], data=data, result_path="$.default")
    tune = steps.TuningStep("Tune", tuner, inputs["Name"], data=data, result_path="$.tuning")
    best = tune.best_training_job
    model = {
        "PrimaryContainer": {"Image": s2.IMAGE, "ModelDataUrl": best.model_artifacts},
        "ExecutionRoleArn": s2.ROLE,
    }
    save = steps.ModelStep("Save the best", model, best.name, result_path="$.model")
    predict = steps.TransformStep(
        "Predict", s2.plain().transformer, inputs["Name"], best.name, s2.uri("test"), content_type="text/libsvm"
    )
    with LocalRuntime.temporary() as runtime:
        s2.upload(runtime, found)
        chain = steps.Chain([default, tune, save, predict])
        workflow = Workflow("Tuning", chain, role=s2.ROLE, execution_input=inputs, client=runtime)
        workflow.create()
        workflow.execute(inputs={"Name": "tuned"}).get_output(wait=True)
        return _outcome(runtime)


def _outcome(runtime: LocalRuntime) -> Outcome:
    sagemaker = runtime.client("sagemaker")
    metrics = sagemaker.describe_training_job(TrainingJobName="tuned")["FinalMetricDataList"]
    tuning = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuned")
    jobs = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuned")
    return Outcome(
        default=next(metric["Value"] for metric in metrics if metric["MetricName"] == METRIC),
        best=tuning["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"],
        predictions=s2.predictions(runtime),
        statuses=[job["TrainingJobStatus"] for job in jobs["TrainingJobSummaries"]],
    )
