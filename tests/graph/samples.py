"""Definitions and histories of many shapes, shared by tests and gallery."""

from __future__ import annotations

import itertools
from typing import Any

SAGEMAKER = "arn:aws:states:::sagemaker:"
LAMBDA = "arn:aws:states:::lambda:invoke"


def task(resource: str = LAMBDA, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {},
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def machine(states: dict[str, Any], start: str | None = None) -> dict[str, Any]:
    return {"StartAt": start or next(iter(states)), "States": states}


def chain(*names: str) -> dict[str, Any]:
    return machine(
        {name: task(**({"Next": after} if after else {})) for name, after in itertools.zip_longest(names, names[1:])}
    )


S1 = machine(
    {
        "Train Step": task(f"{SAGEMAKER}createTrainingJob.sync", Next="Save Model"),
        "Save Model": task(f"{SAGEMAKER}createModel", Next="Transform Input Dataset"),
        "Transform Input Dataset": task(f"{SAGEMAKER}createTransformJob.sync"),
    }
)

S2 = machine(
    {
        "Train Step": task(f"{SAGEMAKER}createTrainingJob.sync", Next="Save model"),
        "Save model": task(f"{SAGEMAKER}createModel", Next="Transform Input Dataset"),
        "Transform Input Dataset": task(f"{SAGEMAKER}createTransformJob.sync", Next="Create Endpoint Config"),
        "Create Endpoint Config": task(f"{SAGEMAKER}createEndpointConfig", Next="Create Endpoint"),
        "Create Endpoint": task(f"{SAGEMAKER}createEndpoint"),
    }
)

S3 = machine(
    {
        "Train": task(
            f"{SAGEMAKER}createTrainingJob.sync",
            Next="Deployed",
            Retry=[{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "MaxAttempts": 4}],
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Alert"}],
        ),
        "Deployed": {"Type": "Succeed"},
        "Alert": task("arn:aws:states:::sns:publish", Next="Training failed"),
        "Training failed": {"Type": "Fail", "Error": "TrainingFailed"},
    }
)

TARGET = machine(
    {
        "Validate input": task(Next="Prepare data"),
        "Prepare data": task(
            f"{SAGEMAKER}createProcessingJob.sync",
            Next="Train candidates",
            Retry=[{"ErrorEquals": ["States.ALL"]}],
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Notify failure"}],
        ),
        "Train candidates": {
            "Type": "Parallel",
            "Next": "Evaluate each fold",
            "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Notify failure"}],
            "Branches": [
                machine(
                    {
                        "Train XGBoost": task(f"{SAGEMAKER}createTrainingJob.sync", Next="Log XGBoost"),
                        "Log XGBoost": task(),
                    }
                ),
                machine(
                    {
                        "Train LightGBM": task(f"{SAGEMAKER}createTrainingJob.sync", Next="Log LightGBM"),
                        "Log LightGBM": task(),
                    }
                ),
                machine({"Train linear baseline": task(f"{SAGEMAKER}createTrainingJob.sync")}),
            ],
        },
        "Evaluate each fold": {
            "Type": "Map",
            "MaxConcurrency": 5,
            "Next": "Good enough?",
            "ItemProcessor": machine({"Score fold": task(Next="Write metrics"), "Write metrics": task()}),
        },
        "Good enough?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.auc", "NumericGreaterThanEquals": 0.9, "Next": "Register model"},
                {"Variable": "$.round", "NumericLessThan": 3, "Next": "Tune hyperparameters"},
            ],
            "Default": "Notify failure",
        },
        "Register model": task(Next="Deploy to staging"),
        "Tune hyperparameters": task(f"{SAGEMAKER}createHyperParameterTuningJob.sync", Next="Train candidates"),
        "Deploy to staging": task(f"{SAGEMAKER}createEndpoint", Next="Wait for bake"),
        "Wait for bake": {"Type": "Wait", "Seconds": 600, "Next": "Done"},
        "Done": {"Type": "Succeed"},
        "Notify failure": task("arn:aws:states:::sns:publish", Next="Failed"),
        "Failed": {"Type": "Fail", "Error": "NotGoodEnough"},
    }
)

LOOP = machine(
    {
        "Submit job": task(Next="Wait a moment"),
        "Wait a moment": {"Type": "Wait", "Seconds": 30, "Next": "Get status"},
        "Get status": task(Next="Job done?"),
        "Job done?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.status", "StringEquals": "FAILED", "Next": "Job failed"},
                {"Variable": "$.status", "StringEquals": "SUCCEEDED", "Next": "Get final status"},
                {"Variable": "$.status", "StringEquals": "QUEUED", "Next": "Job done?"},
            ],
            "Default": "Wait a moment",
        },
        "Job failed": {"Type": "Fail", "Error": "JobFailed"},
        "Get final status": task(),
    }
)

NESTED = machine(
    {
        "Prepare": task(Next="Regions"),
        "Regions": {
            "Type": "Map",
            "Next": "Publish",
            "ItemProcessor": machine(
                {
                    "Split": task(Next="Both halves"),
                    "Both halves": {
                        "Type": "Parallel",
                        "End": True,
                        "Branches": [
                            machine(
                                {
                                    "Each shard": {
                                        "Type": "Map",
                                        "End": True,
                                        "ItemProcessor": {
                                            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                                            **machine({"Shard job": task(f"{SAGEMAKER}createTransformJob.sync")}),
                                        },
                                    }
                                }
                            ),
                            machine({"Count rows": task(Next="Check"), "Check": {"Type": "Pass", "End": True}}),
                        ],
                    },
                }
            ),
        },
        "Publish": task("arn:aws:states:::sns:publish"),
    }
)

WIDE = machine(
    {
        "Start all": task(Next="Experiments"),
        "Experiments": {
            "Type": "Parallel",
            "Next": "Compare",
            "Branches": [
                machine({f"Train depth {depth}": task(f"{SAGEMAKER}createTrainingJob.sync")}) for depth in range(2, 14)
            ],
        },
        "Compare": task(),
    }
)

NAMES = machine(
    {
        "Download the quarterly customer churn data set from the warehouse and clean it up": task(
            Next="機械学習モデルの訓練と評価"
        ),
        "機械学習モデルの訓練と評価": task(Next="averyveryverylongnamewithoutanyspaceoranythingtobreakitatandmoreofit"),
        "averyveryverylongnamewithoutanyspaceoranythingtobreakitatandmoreofit": task(Next="Ünïcödé ✓ emoji 🚀"),
        "Ünïcödé ✓ emoji 🚀": task(Next="N" * 200),
        "N" * 200: task(),
    }
)

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "</title></svg><img src=x onerror=alert(2)>",
    "\"quoted\" and 'single' & more",
    "]]> $x ${y} $$.z {{w}}",
    "two\nlines\tand\rmore",
    "right\u202eot\u2066left",
    "null\x00bell\x07esc\x1b[31m",
    "a/b~c",
    "X" * 200,
    "`code` | pipe * star",
)
HOSTILE = chain(*HOSTILE_NAMES)

INVALID = machine(
    {
        "A": task(Next="B"),
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "Nowhere"}], "Default": "C"},
        "C": {"Type": "Pass"},
        "Island": task(Next="Shore"),
        "Shore": task(),
        "Not a state": 7,
        "Odd": {"Type": "Dance", "Next": None},
    }
)

EVERY: dict[str, dict[str, Any]] = {
    "s1": S1,
    "s2": S2,
    "s3": S3,
    "target": TARGET,
    "loop": LOOP,
    "nested": NESTED,
    "wide": WIDE,
    "names": NAMES,
    "hostile": HOSTILE,
    "invalid": INVALID,
    "catches": machine(
        {
            f"Step {index}": task(
                Next=f"Step {index + 1}" if index < 8 else "Done",
                Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Handler"}],
            )
            for index in range(9)
        }
        | {"Done": {"Type": "Succeed"}, "Handler": {"Type": "Fail"}}
    ),
}


def large(states: int) -> dict[str, Any]:
    """A definition of so many states: blocks of a task, a choice that may loop back, a wait, a task with a catch."""
    found: dict[str, Any] = {}
    for index in range(states - 1):
        after = f"State {index + 1}" if index + 1 < states - 1 else "Handler"
        kind = index % 5
        if kind == 1:
            rules = [{"Variable": "$.n", "NumericLessThan": index, "Next": f"State {max(0, index - 4)}"}]
            skip = f"State {min(states - 2, index + 3)}"
            rules.append({"Variable": "$.ok", "BooleanEquals": True, "Next": skip})
            found[f"State {index}"] = {"Type": "Choice", "Choices": rules, "Default": after}
        elif kind == 3:
            found[f"State {index}"] = task(Next=after, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Handler"}])
        else:
            found[f"State {index}"] = task(Next=after)
    return machine({**found, "Handler": {"Type": "Succeed"}})
