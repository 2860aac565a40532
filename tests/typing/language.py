"""A user's program that uses all kinds of states."""

from __future__ import annotations

from typing import Any

from mlflowsteps.inputs import ExecutionInput, MapItemValue, StepInput, Variable, context
from mlflowsteps.steps import (
    Catch,
    Chain,
    Choice,
    ChoiceRule,
    Fail,
    FrozenGraph,
    Graph,
    LambdaStep,
    Map,
    Parallel,
    Pass,
    Retry,
    SnsPublishStep,
    Succeed,
    Task,
    Wait,
)


def per_item(item: MapItemValue) -> Chain:
    return Pass("Read", parameters={"name": item["name"]}) >> LambdaStep("Work", parameters={"FunctionName": "f"})


def build() -> dict[str, Any]:
    inputs = ExecutionInput()
    lambda_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    retry = [Retry(error_equals=["States.Timeout"]), Retry(error_equals=["States.ALL"], backoff_rate=1.5)]
    first = Task("First", retry, resource=lambda_arn, parameters=inputs, assign={"n": StepInput()["n"]})
    each = Map("Each", iterator=per_item, items_path=inputs["items"], max_concurrency=3)
    both = Parallel("Both", branches=[Pass("A", result={"a": 1}), Pass("B") >> Succeed("C")], result_path=None)
    alert = SnsPublishStep(
        "Alert", wait_for_callback=False, parameters={"TopicArn": "t", "Message": context.state.name}
    )
    both.add_catch(Catch(alert, error_equals=["States.ALL"], result_path="$.error"))
    rule = ChoiceRule.And([ChoiceRule.StringEquals("$.a", "x"), ChoiceRule.IsPresent(inputs["b"], True)])
    choice = Choice("Choose").when(rule, Fail("Stop", cause=f"n was {Variable('n')}")).otherwise(Succeed("Done"))
    wait = Wait("Until", timestamp="2026-01-01T00:00:00Z")
    graph = Graph(first >> each >> both >> wait >> choice, comment="all kinds", query_language="JSONPath")
    return FrozenGraph(graph.to_dict()).to_dict()
