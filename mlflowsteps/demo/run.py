"""Runs the demo on the embedded runtime, shows it while it runs, and tells what came of it.

Owns the sequence and what is printed; the workflow itself stands in ``workflow``, arguments and exit codes in ``cli``.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflowsteps.demo.data import root_mean_square_error, seed_data
from mlflowsteps.demo.workflow import SCRIPT, build_workflow

if TYPE_CHECKING:
    from mlflowsteps.local import LocalRuntime
    from mlflowsteps.workflow import Execution, Workflow

__all__ = ["BUCKET", "ROLE", "Results", "missing_packages", "run_demo"]

BUCKET = "mlflowsteps-demo"
ROLE = "arn:aws:iam::123456789012:role/WorkflowRole"
"""Any role will do here: the embedded runtime checks its form and grants everything."""

ON_AWS = """\
The same workflow on AWS (mlflowsteps/demo/workflow.py, which is there to be copied):
  1. bucket  yours; upload {script} to s3://<bucket>/code/{script}
  2. lambda  deploy a function named seed-data that writes s3://<bucket>/raw/diabetes.csv
  3. role    one that Step Functions and SageMaker may assume, in place of
             {role}
  4. client  leave the runtime out (or pass boto3.client("stepfunctions")):
             build_workflow(bucket="<bucket>", role="<role>").create()
"""


@dataclass(frozen=True, slots=True)
class Results:
    """What one run of the demo came to.

    Args:
        rows: number of held-back rows that were predicted.
        model_error: root mean square error of the model on them.
        mean_error: the same of predicting the training rows' mean every time.
        row: one held-back row, as the endpoint was sent it (CSV).
        prediction: the endpoint's answer to it.
        label: what came true.
    """

    rows: int
    model_error: float
    mean_error: float
    row: str
    prediction: float
    label: float


def missing_packages() -> list[str]:
    """Names of the packages that the demo needs and that are not installed."""
    return [name for name, module in (("scikit-learn", "sklearn"), ("xgboost", "xgboost")) if not find_spec(module)]


def run_demo(runtime: LocalRuntime) -> Results:
    """Run the demo's workflow and print its progress and results.

    Args:
        runtime: where to run it; its folder may have seen the demo before.

    Returns:
        The results that were printed.

    Raises:
        ExecutionFailed: the workflow did not succeed; the message names the state and the log.
        OSError: the runtime's folder cannot be written.
    """
    began = time.monotonic()
    print(f"Runtime folder: {runtime.root}")
    name = f"diabetes-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    prepare(runtime)
    workflow = build_workflow(BUCKET, ROLE, client=runtime)
    workflow.upsert()  # create, or update what an older version of the demo left in this folder
    execution = workflow.execute(name=name, inputs={"JobName": name, "ModelName": name, "EndpointName": name})
    follow(execution)
    folder = save_pictures(workflow, execution, Path(runtime.root) / "demo" / name)
    execution.get_output(wait=True)  # raises, naming state and log file, if the execution failed
    with deployed(runtime, name):
        results = judge(runtime, name)
    print_results(results, folder, name, time.monotonic() - began)
    return results


def prepare(runtime: LocalRuntime) -> None:
    """Give the runtime what a project on AWS has already: a Lambda function, a bucket, the script in it."""
    runtime.register_function("seed-data", seed_data)
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(SCRIPT), BUCKET, f"code/{SCRIPT.name}")


def follow(execution: Execution) -> None:
    """Show the execution until it has ended.

    Raises:
        KeyboardInterrupt: the watching was interrupted.
    """
    view = execution.watch(poll=0.25)
    if not view.finished:  # an interrupt ends the watching only; here it is to end the demo
        raise KeyboardInterrupt


def save_pictures(workflow: Workflow, execution: Execution, folder: Path) -> Path:
    """Save ``graph.svg`` and the self-contained ``report.html`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    workflow.render_graph().save(folder / "graph.svg")
    execution.report(folder / "report.html")
    return folder


@contextlib.contextmanager
def deployed(runtime: LocalRuntime, name: str) -> Iterator[None]:
    """Wait until the endpoint is in service, and delete it and its configuration at the end."""
    sagemaker = runtime.client("sagemaker")
    # On AWS this takes minutes, and CreateEndpoint's state ends before: there too the waiter is what to use.
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    try:
        yield
    finally:
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)


def judge(runtime: LocalRuntime, name: str) -> Results:
    """Compare the predictions of the batch transform with the labels, and ask the endpoint for one more."""
    s3 = runtime.client("s3")
    labels = read_numbers(s3, "data/labels/labels.csv")
    predictions = read_numbers(s3, "predictions/test.csv.out")
    training_labels = read_numbers(s3, "data/train/train.csv")
    mean = sum(training_labels) / len(training_labels)
    row = read_text(s3, "data/test/test.csv").splitlines()[0]
    answer = runtime.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Accept="text/csv", Body=row.encode()
    )
    return Results(
        rows=len(labels),
        model_error=root_mean_square_error(predictions, labels),
        mean_error=root_mean_square_error([mean] * len(labels), labels),
        row=row,
        prediction=float(answer["Body"].read()),
        label=labels[0],
    )


def read_text(s3: Any, key: str) -> str:
    """Read an object of the demo's bucket as text."""
    text: str = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    return text


def read_numbers(s3: Any, key: str) -> list[float]:
    """Read the first column of a CSV object without a header."""
    return [float(line.split(",")[0]) for line in read_text(s3, key).splitlines() if line]


def print_results(results: Results, folder: Path, name: str, seconds: float) -> None:
    """Print what came of the run, where to look, and how to run it on AWS."""
    lines = [
        "",
        f"Test error (RMSE, {results.rows} rows held back): {results.model_error:.1f}",
        f"  predicting the mean every time:       {results.mean_error:.1f}",
        f"Endpoint {name}: predicts {results.prediction:.1f} for the first of them; it was {results.label:.0f}",
        f"Graph:  {folder / 'graph.svg'}",
        f"Report: {folder / 'report.html'}",
        f"Done in {seconds:.0f} s.",
        "",
        ON_AWS.format(script=SCRIPT.name, role=ROLE),
    ]
    print("\n".join(lines), end="")
