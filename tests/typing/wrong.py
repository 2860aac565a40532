"""What a type checker must refuse; each marked line has one error, of this kind and no other."""

from __future__ import annotations

from mlflowsteps import steps
from mlflowsteps.workflow import Workflow


def program() -> None:
    steps.Task("T", resouce="arn")  # error: call-arg
    steps.Pass("P", comment=5)  # error: arg-type
    steps.Wait("W", seconds=[10])  # error: arg-type
    steps.Wait("W", second=10)  # error: call-arg
    _ = steps.Pass("P").resource  # error: attr-defined
    steps.TrainingStep("T", {}, "job", timeout_second=5)  # error: call-arg
    steps.LambdaStep("L", integration_pattern="sync")  # error: call-arg
    steps.Retry(max_attempts="3")  # error: arg-type
    steps.Parallel("P", branches=["a"])  # error: list-item
    steps.Pass("P").next("Q")  # error: type-var
    Workflow("W", 5, role="r")  # error: arg-type
