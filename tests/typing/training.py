"""A user's program: train, save, transform, deploy."""

from __future__ import annotations

from mlflowsteps import steps
from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.inputs import ExecutionInput, context, intrinsics
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Execution, ExecutionStatus, Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"


def build(runtime: LocalRuntime | None = None) -> Workflow:
    inputs = ExecutionInput(schema={"JobName": str, "ModelName": str, "Rounds": int, "Bucket": str})
    request = {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "RoleArn": ROLE,
    }
    train = steps.TrainingStep(
        "Train",
        estimator=request,
        job_name=intrinsics.format("{}-{}", inputs["JobName"], context.state.retry_count),
        data={"train": f"s3://{inputs['Bucket']}/train", "validation": inputs["Bucket"]},
        hyperparameters={"num_round": inputs["Rounds"], "eta": 0.1},
        tags={"team": "ml"},
        retry=steps.Retry(error_equals=["SageMaker.AmazonSageMakerException"], max_attempts=3, jitter_strategy="FULL"),
        timeout_seconds=3600,
        result_path="$.train",
    )
    train.add_catch(steps.Catch(steps.Fail("Failed", error="Training"), error_equals=["States.ALL"]))
    save = steps.ModelStep("Save", model=train.get_expected_model(), model_name=inputs["ModelName"])
    deploy = steps.EndpointStep("Deploy", inputs["ModelName"], endpoint_config_name="config", update=True)
    choice = steps.Choice("Good?").when((train.output()["auc"] >= 0.9) & train.output()["ok"].equals(True), deploy)
    chain: steps.Chain = train >> save >> choice >> steps.Wait("Cool down", seconds=inputs["Rounds"])
    return Workflow("Train", chain, role=ROLE, execution_input=inputs, client=runtime, tags={"a": "b"})


def run(runtime: LocalRuntime) -> float:
    workflow = build(runtime)
    arn: str = workflow.create()
    workflow = Workflow.attach(arn, client=runtime)
    execution: Execution = workflow.execute(name="run-1", inputs={"JobName": "a"})
    status: ExecutionStatus = execution.wait(timeout=60)
    try:
        output = execution.get_output(wait=True)
    except ExecutionFailed as failure:
        raise SystemExit(f"{failure.state}: {failure.error}, see {failure.log_file}") from failure
    workflow.render_graph(portrait=True).save("graph.svg")
    execution.render_progress(follow=True).save("report.html")
    rows = [row.name for row in workflow.list_executions(status_filter=ExecutionStatus.Failed, html=True)]
    assert status.ended, (rows, execution.list_events(max_items=10).to_text())
    return float(output["auc"])
