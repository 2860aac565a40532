"""A user's program that says what Step Functions can do today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlflowsteps.inputs import Default, ExecutionInput, MapItemIndex, MapItemValue
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps import (
    AthenaStartQueryExecutionStep,
    AwsSdkStep,
    ItemBatcher,
    LambdaStep,
    Map,
    ResultWriter,
    S3CsvReader,
    Succeed,
    catch_all,
    retry_throttling,
    unique_job_name,
)
from mlflowsteps.steps.integration_resources import IntegrationPattern
from mlflowsteps.workflow import Execution, ExecutionStatus, Workflow


@dataclass
class Parameters:
    bucket: str
    most: int = 100


def build() -> Workflow:
    inputs = ExecutionInput(schema=Parameters)
    more = ExecutionInput(schema={"a": Default(int, 1), "b": str | None})
    listing = AwsSdkStep("List", service="s3", action="listObjectsV2", parameters={"Bucket": inputs["bucket"]})
    query = AthenaStartQueryExecutionStep(
        "Query", IntegrationPattern.CallAndContinue, parameters={"QueryString": f"select {more['a']}"}
    )

    def one(item: MapItemValue) -> LambdaStep:
        parameters = {"FunctionName": "f", "Payload": {"rows": item["Items"], "job": unique_job_name("row")}}
        return LambdaStep(
            "Work", parameters=parameters, retry=retry_throttling("lambda"), catch=catch_all(Succeed("Bad"))
        )

    each = Map(
        "Each",
        iterator=one,
        item_reader=S3CsvReader(inputs["bucket"], "rows.csv", headers=["a", "b"], max_items=inputs["most"]),
        item_selector={"row": MapItemValue(), "index": MapItemIndex()},
        item_batcher=ItemBatcher(max_items_per_batch=10),
        result_writer=ResultWriter(inputs["bucket"], "out", output_type="JSONL"),
    )
    return Workflow("Today", listing >> query >> each, role=None, execution_input=inputs, tracing=True, publish=True)


def live(workflow: Workflow, runtime: LocalRuntime) -> Any:
    arn: str = workflow.upsert(timeout=10.0)
    version: str = workflow.publish_version("first")
    workflow.set_alias("prod", {1: 90, 2: 10})
    execution: Execution = workflow.execute(inputs=Parameters("bucket"), qualifier="prod")
    status: ExecutionStatus = execution.wait(timeout=5)
    if status is not ExecutionStatus.Succeeded:
        execution.redrive()
    names: list[str] = [found.name for found in workflow.executions(status_filter="FAILED")]
    types: list[str] = [event["type"] for event in execution.events(reverse=True)]
    copied = Workflow.from_definition(execution.definition(), name="Copied", client=runtime)
    return arn, version, names, types, copied.execute_sync(inputs={"a": 1}).get_output()
