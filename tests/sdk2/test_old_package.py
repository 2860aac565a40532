"""The real ``stepfunctions`` package beside ours: its objects are taken wherever ours are, same definitions."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
import warnings
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"


@pytest.fixture(scope="module")
def old() -> ModuleType:
    """The real package; its import warns, prints, and sets the root logger, which is put back."""
    level = logging.getLogger().level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import stepfunctions
        import stepfunctions.steps
    logging.getLogger().setLevel(level)
    assert not stepfunctions.__file__.startswith(str(steps.__file__))
    return stepfunctions


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # the old SDK makes boto3 clients while it builds


def program(s: Any, given: Any) -> Any:
    """One workflow of every kind of state, written with either package."""
    first = s.Pass("First", parameters={"n": given["n"], "who": {"name": given["name"]}}, comment="it's first")
    choice = s.Choice("Choose")
    rule = s.ChoiceRule.And(
        [s.ChoiceRule.NumericGreaterThan("$.n", 3), s.ChoiceRule.Not(s.ChoiceRule.IsNull("$.n", True))]
    )
    choice.add_choice(rule, s.Chain([s.Pass("Big", result={"big": True}), s.Succeed("Enough")]))
    parallel = s.Parallel("Both", result_path="$.both")
    parallel.add_branch(s.Pass("Left"))
    parallel.add_branch(s.Chain([s.Wait("Right", seconds=1), s.Pass("Righter", parameters={"left": "$.n"})]))
    parallel.add_retry(s.Retry(error_equals=["States.ALL"], max_attempts=2, backoff_rate=2.0))
    inner = s.Map("Inner", iterator=s.Pass("Item"), items_path="$.items", max_concurrency=2)
    each = s.Map("Each", iterator=inner, items_path="$.both")
    each.add_catch(s.Catch(error_equals=["States.ALL"], next_step=s.Fail("Sorry", error="E", cause="c")))
    call = s.LambdaStep("Call", parameters={"FunctionName": "f", "Payload": {"x": each.output()[0]}}, timeout_seconds=9)
    choice.default_choice(parallel)
    parallel.next(each)
    each.next(call)
    call.next(first)  # a loop
    return s.Chain([first, choice])


def test_a_workflow_of_the_real_package_has_the_definition_that_the_real_package_makes(old: ModuleType) -> None:
    from stepfunctions.inputs import ExecutionInput as OldInput

    given = OldInput(schema={"n": int, "name": str})
    chain = program(old.steps, given)
    theirs = json.loads(old.steps.Graph(chain).to_json())
    assert Workflow("Old", chain, ROLE).definition.to_dict() == theirs
    assert Workflow("Old", old.steps.Graph(chain), ROLE).definition.to_dict() == theirs
    assert Workflow("Old", old.steps.FrozenGraph(theirs), ROLE).definition.to_dict() == theirs


def test_the_same_program_written_with_ours_has_that_definition_too(old: ModuleType) -> None:
    from stepfunctions.inputs import ExecutionInput as OldInput

    schema = {"n": int, "name": str}
    theirs = json.loads(old.steps.Graph(program(old.steps, OldInput(schema=schema))).to_json())
    assert steps.Graph(program(steps, ExecutionInput(schema=schema))).to_dict() == theirs


def test_it_is_drawn_checked_and_run_on_the_embedded_runtime(old: ModuleType) -> None:
    from stepfunctions.inputs import ExecutionInput as OldInput

    s, given = old.steps, OldInput(schema={"n": int})
    choice = s.Choice("Choose")
    choice.add_choice(s.ChoiceRule.NumericGreaterThan("$.n", 3), s.Succeed("Big"))
    choice.default_choice(s.Pass("Small", result={"small": True}))
    chain = s.Chain([s.Pass("First", parameters={"n": given["n"]}), choice])
    with LocalRuntime.temporary() as runtime:
        workflow = Workflow("Old", chain, ROLE, execution_input=given, client=runtime)
        assert workflow.validate() == []
        assert "Small" in workflow.render_graph().to_text()
        workflow.create()
        assert workflow.execute(inputs={"n": 1}).get_output(wait=True) == {"small": True}
        assert workflow.execute(inputs={"n": 4}).get_output(wait=True) == {"n": 4}
        with pytest.raises(ValueError, match="n must be int, not str"):
            workflow.execute(inputs={"n": "1"})


def test_its_objects_stand_among_ours(old: ModuleType) -> None:
    from stepfunctions.inputs import ExecutionInput as OldInput

    s = old.steps
    shared = s.Pass("Shared")
    parallel = steps.Parallel("Both", branches=[s.Pass("A"), s.Chain([s.Pass("B"), s.Pass("C")])])
    parallel.add_retry(s.Retry(error_equals=["States.ALL"]))
    parallel.add_catch(s.Catch(error_equals=["States.ALL"], next_step=shared))
    each = steps.Map("Each", iterator=s.Pass("Item"))
    choice = steps.Choice("Choose").when(s.ChoiceRule.IsPresent("$.a", True), shared).otherwise(s.Succeed("End"))
    chain = steps.Chain([steps.Pass("Ours", parameters={"k": OldInput()["k"], "l": [OldInput()["m"]]}), parallel, each])
    each.next(choice)
    states = steps.Graph(chain).to_dict()["States"]
    assert states["Ours"]["Parameters"] == {
        "k.$": "$$.Execution.Input['k']",
        "l.$": "States.Array($$.Execution.Input['m'])",
    }
    assert [branch["StartAt"] for branch in states["Both"]["Branches"]] == ["A", "B"]
    assert states["Both"]["Catch"][0]["Next"] == states["Choose"]["Choices"][0]["Next"] == "Shared"
    assert states["Choose"]["Default"] == "End"


def test_the_originals_stay_as_they_are(old: ModuleType) -> None:
    first, second = old.steps.Pass("First"), old.steps.Pass("Second")
    chain = old.steps.Chain([first, second])
    Workflow("Old", chain, ROLE).definition.to_dict()
    steps.Pass("Before").next(chain)
    assert (first.next_step, second.next_step, chain.steps) == (second, None, [first, second])


def test_long_chains_of_it_are_taken(old: ModuleType) -> None:
    states = [old.steps.Pass(f"S{index}") for index in range(600)]
    for one, other in itertools.pairwise(states):
        one.next(other)
    assert len(Workflow("Long", states[0], ROLE).definition.to_dict()["States"]) == 600


def test_installing_the_alias_beside_the_imported_package_is_refused(old: ModuleType) -> None:
    from mlflowsteps import compat

    with pytest.raises(RuntimeError, match=r"imported already, from .*stepfunctions"):
        compat.install()
    assert sys.modules["stepfunctions"] is old


def test_the_alias_hides_the_real_package_in_a_new_process() -> None:
    code = (
        "import mlflowsteps.compat as c; c.install(); import stepfunctions as s; from stepfunctions.steps import Pass; "
        "print(s.__name__, Pass.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mlflowsteps", "mlflowsteps.steps.states"]


def test_every_service_step_makes_what_the_real_package_makes(old: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of a service, with each of its ways to wait: the same state, or the same kind of refusal."""
    from stepfunctions.steps import compute, integration_resources, service
    from stepfunctions.steps.integration_resources import IntegrationPattern as OldPattern

    from mlflowsteps.steps.integration_resources import IntegrationPattern as Pattern

    # It reads botocore's files of all regions anew for every step.
    monkeypatch.setattr(integration_resources, "get_aws_partition", cache(integration_resources.get_aws_partition))

    def made(package: Any, patterns: Any, name: str, choice: dict[str, Any]) -> Any:
        if "integration_pattern" in choice:
            choice = {"integration_pattern": patterns[choice["integration_pattern"]]}
        try:
            return getattr(package, name)("S", parameters={"FunctionName": "f"}, timeout_seconds=9, **choice).to_dict()
        except (TypeError, ValueError) as error:
            return type(error).__name__

    names = [
        name for name, value in vars(old.steps).items()
        if isinstance(value, type) and value.__module__ in {compute.__name__, service.__name__}
    ]  # fmt: skip
    compared = 0
    for name in names:
        code = getattr(old.steps, name).__init__.__code__
        keywords = set(code.co_varnames[: code.co_argcount])
        flags = keywords & {"wait_for_callback", "wait_for_completion"}
        choices: list[dict[str, Any]] = [{}, *({flag: value} for flag in flags for value in (True, False))]
        if "integration_pattern" in keywords:
            choices += [{"integration_pattern": pattern.name} for pattern in OldPattern]
        for choice in choices:
            assert made(steps, Pattern, name, choice) == made(old.steps, OldPattern, name, choice), (name, choice)
            compared += 1
    assert compared > 70


def test_its_chain_is_created_by_boto3s_client(old: ModuleType) -> None:
    import boto3
    from botocore.stub import ANY, Stubber

    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:Theirs"
    chain = old.steps.Chain([old.steps.Pass("A", result={"a": 1}), old.steps.Succeed("B")])
    workflow = Workflow("Theirs", chain, role=ROLE, client=client)
    machine = {"stateMachineArn": arn, "name": "Theirs", "definition": workflow.to_json(), "roleArn": ROLE}
    more = {"type": "STANDARD", "creationDate": 0, "status": "ACTIVE"}
    with Stubber(client) as stub:
        created = {"name": "Theirs", "definition": ANY, "roleArn": ROLE, "tags": ANY}
        stub.add_response("create_state_machine", {"stateMachineArn": arn, "creationDate": 0}, created)
        stub.add_response("describe_state_machine", machine | more, {"stateMachineArn": arn})
        assert workflow.create() == arn
        stub.assert_no_pending_responses()


def test_its_placeholders_stand_in_sagemaker_steps(old: ModuleType) -> None:
    given = old.inputs.ExecutionInput(schema={"Job": str, "Data": str, "Rounds": int})
    request = {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "RoleArn": ROLE,
    }
    step = steps.TrainingStep(
        "T",
        request,
        job_name=given["Job"],
        data={"train": given["Data"]},
        hyperparameters={"num_round": given["Rounds"], "label": given["Job"]},
    )
    made = step.to_dict()["Parameters"]
    assert made["TrainingJobName.$"] == "$$.Execution.Input['Job']"
    assert made["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri.$"] == "$$.Execution.Input['Data']"
    assert made["HyperParameters"] == {
        "num_round.$": "States.Format('{}', $$.Execution.Input['Rounds'])",
        "label.$": "$$.Execution.Input['Job']",
    }
