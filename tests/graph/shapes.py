"""Ten workflows of different shape, for comparing our picture of each with Graphviz's."""

from __future__ import annotations

from typing import Any

from tests.graph.samples import EVERY, SAGEMAKER, chain, machine, task

TRAIN = f"{SAGEMAKER}createTrainingJob.sync"


def _choice(default: str, **ways: str) -> dict[str, Any]:
    rules = [{"Variable": "$.result", "StringEquals": value, "Next": target} for value, target in ways.items()]
    return {"Type": "Choice", "Choices": rules, "Default": default}


def _branching() -> dict[str, Any]:
    kinds = ("images", "text", "tables", "audio")
    states: dict[str, Any] = {"Detect kind": _choice("Reject", **{kind: f"Prepare {kind}" for kind in kinds})}
    for kind in kinds:
        states[f"Prepare {kind}"] = task(f"{SAGEMAKER}createProcessingJob.sync", Next=f"Train on {kind}")
        states[f"Train on {kind}"] = task(TRAIN, Next="Register")
    return machine({**states, "Register": task(), "Reject": {"Type": "Fail", "Error": "UnknownKind"}})


def _skips() -> dict[str, Any]:
    """A ladder: before each stage a choice may skip it, and any may jump to the end."""
    states: dict[str, Any] = {}
    stages = ("Download", "Clean", "Label", "Train", "Deploy")
    for stage, after in zip(stages, (*stages[1:], None), strict=True):
        onward = f"{after}?" if after else "Report"
        states[f"{stage}?"] = _choice(stage, skip=onward, stop="Report")
        states[stage] = task(Next=onward)
    return machine({**states, "Report": task()})


def _tuning() -> dict[str, Any]:
    """A loop round a Parallel, with a loop inside it."""
    return machine(
        {
            "Propose": task(Next="Train in parallel"),
            "Train in parallel": {
                "Type": "Parallel",
                "Branches": [chain(f"Train {name}", f"Score {name}") for name in ("A", "B", "C")],
                "Next": "Converged?",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Roll back"}],
            },
            "Converged?": _choice("Propose", yes="Deploy", unsure="Ask a person"),
            "Ask a person": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", Next="Approved?"),
            "Approved?": _choice("Ask a person", yes="Deploy", no="Propose"),
            "Deploy": task(f"{SAGEMAKER}createEndpoint", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Roll back"}]),
            "Roll back": task(Next="Failed"),
            "Failed": {"Type": "Fail"},
        }
    )


def _experiments() -> dict[str, Any]:
    one = machine({"Train": task(TRAIN, Next="Evaluate"), "Evaluate": task(Next="Log"), "Log": task()})
    return machine(
        {
            "List configurations": task(Next="Experiments"),
            "Experiments": {"Type": "Map", "ItemProcessor": one, "MaxConcurrency": 4, "Next": "Choose the best"},
            "Choose the best": task(Next="Better than now?"),
            "Better than now?": _choice("Keep", yes="Deploy"),
            "Deploy": task(f"{SAGEMAKER}createEndpoint", Next="Done"),
            "Keep": {"Type": "Pass", "Next": "Done"},
            "Done": {"Type": "Succeed"},
        }
    )


SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "chain": ("A chain: train, predict, deploy", EVERY["s2"]),
    "alert": ("A catch that alerts", EVERY["s3"]),
    "branching": ("A choice of four ways that meet again", _branching()),
    "poller": ("A loop that polls a job", EVERY["loop"]),
    "skips": ("Stages that may be skipped", _skips()),
    "handler": ("Nine steps with one handler", EVERY["catches"]),
    "candidates": ("Parallel, Map, choice, loop and catches", EVERY["target"]),
    "tuning": ("A loop round a Parallel", _tuning()),
    "experiments": ("A Map of experiments", _experiments()),
    "nested": ("Containers in containers", EVERY["nested"]),
}
"""By a short name: what it is, and the definition."""
