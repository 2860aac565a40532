"""SDK 2: placeholders and pipeline variables in its objects become what the job is sent while the workflow runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.steps.sagemaker.check import check_request
from tests.parity.harness import BUCKET, ROLE, Wire, no_network
from tests.parity.sending import Sender

INPUTS = ExecutionInput(schema={"Text": str, "Uri": str, "Count": int, "Rate": float, "Flag": bool, "Texts": list})
VALUES = {
    "Text": "ml.c5.xlarge",
    "Uri": "s3://bucket/folder",
    "Count": 3,
    "Rate": 0.25,
    "Flag": True,
    "Texts": ["a", "b"],
}
INPUTS_ROLE = "arn:aws:iam::123456789012:role/of-the-run"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("print('hello')\n")


@cache
def session() -> Any:
    from sagemaker import Session

    return Session(boto_session=Wire().session, default_bucket=BUCKET)


# ------------------------------------------------------------------------------ the values, in the forms they are given


class Plain:
    """The values themselves: what a request is compared with."""

    text, uri, count, rate, flag = (VALUES[name] for name in ("Text", "Uri", "Count", "Rate", "Flag"))
    place = f"{uri}/of/{count}"
    role: Any = INPUTS_ROLE


class Variables:
    """SageMaker's pipeline variables."""

    def __init__(self) -> None:
        from sagemaker.workflow import functions, parameters

        self.text = parameters.ParameterString("Text", default_value="ml.m5.large")
        self.uri, self.role = parameters.ParameterString("Uri"), parameters.ParameterString("Role")
        self.count, self.rate = parameters.ParameterInteger("Count"), parameters.ParameterFloat("Rate")
        self.flag = parameters.ParameterBoolean(name="Flag")
        self.place = functions.Join("/", [self.uri, "of", self.count])


class Texts:
    """Our placeholders where the SDK takes text, SageMaker's variables where it takes numbers or a type of instance."""

    def __init__(self) -> None:
        variables = Variables()
        self.text, self.count, self.flag = variables.text, variables.count, variables.flag
        self.uri, self.role = str(INPUTS["Uri"]), str(ROLES["Role"])
        self.rate = str(INPUTS["Rate"])
        self.place = f"{INPUTS['Uri']}/of/{INPUTS['Count']}"


class Outputs:
    """What an earlier step gives; the constructors of the SDK are passed by ``parameters`` where they want a number."""

    def __init__(self) -> None:
        variables, output = Variables(), FIRST.output()
        self.text, self.count, self.flag = variables.text, variables.count, variables.flag
        self.uri, self.role, self.rate = str(output["uri"]), str(output["role"]), output["rate"]
        self.place = f"{output['uri']}/of/{output['count']}"


ROLES = ExecutionInput(schema={"Role": str})
FIRST = steps.Pass(
    "First",
    result={"uri": VALUES["Uri"], "count": 3, "rate": 0.25, "role": INPUTS_ROLE},
    output_schema={"uri": str, "count": int, "rate": float, "role": str},
)
FORMS: dict[str, Callable[[], Any]] = {"variables": Variables, "texts": Texts, "outputs": Outputs}


# ---------------------------------------------------------------------------------------------------- the objects


def estimator(v: Any, **more: Any) -> Any:
    from sagemaker.estimator import Estimator

    return Estimator(
        v.uri,
        v.role,
        v.count,
        v.text,
        volume_size=v.count,
        max_run=v.count,
        output_path=v.place,
        output_kms_key=v.uri,
        checkpoint_s3_uri=v.place,
        hyperparameters={"text": v.text, "count": v.count, "rate": v.rate, "place": v.place},
        environment={"TEXT": v.text, "URI": v.uri, "RATE": v.rate},
        tags=[{"Key": "k", "Value": v.uri}],
        subnets=[v.uri, "subnet-2"],
        security_group_ids=[v.uri],
        metric_definitions=[{"Name": "m", "Regex": v.uri}],
        enable_network_isolation=v.flag,
        max_retry_attempts=v.count,
        sagemaker_session=session(),
        **more,
    )


def training(v: Any) -> steps.State:
    return steps.TrainingStep("Job", estimator(v), "job", data={"a": v.uri, "b": v.place}, wait_for_completion=False)


def script(v: Any) -> steps.State:
    from sagemaker.sklearn import SKLearn

    given = SKLearn(
        "train.py",
        framework_version="1.2-1",
        role=v.role,
        instance_type="ml.m5.large",
        output_path=v.place,
        code_location="s3://code",
        hyperparameters={"text": v.text, "count": v.count, "rate": v.rate, "place": v.place},
        sagemaker_session=session(),
    )
    return steps.TrainingStep("Job", given, "job", wait_for_completion=False)


def processing(v: Any) -> steps.State:
    from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor

    given = ScriptProcessor(
        v.role,
        v.uri,
        ["python3"],
        v.count,
        v.text,
        volume_size_in_gb=v.count,
        max_runtime_in_seconds=v.count,
        output_kms_key=v.uri,
        env={"TEXT": v.text, "PLACE": v.place},
        tags=[{"Key": "k", "Value": v.uri}],
        sagemaker_session=session(),
    )
    return steps.ProcessingStep(
        "Job",
        given,
        "job",
        code="train.py",
        inputs=[
            ProcessingInput(v.uri, "/opt/ml/processing/input/a", input_name="a"),
            ProcessingInput(v.place, "/opt/ml/processing/input/b", input_name="b"),
        ],
        outputs=[ProcessingOutput(source="/opt/ml/processing/o", destination=v.place, output_name="o")],
        call={"arguments": ["--text", v.text, "--place", v.place]},
        wait_for_completion=False,
    )


def transform(v: Any) -> steps.State:
    from sagemaker.transformer import Transformer

    given = Transformer(
        v.text,
        v.count,
        v.text,
        output_path=v.place,
        accept=v.text,
        max_payload=v.count,
        env={"TEXT": v.text},
        output_kms_key=v.uri,
        tags=[{"Key": "k", "Value": v.uri}],
        sagemaker_session=session(),
    )
    return steps.TransformStep("Job", given, "job", None, v.place, wait_for_completion=False)


def model(v: Any) -> steps.State:
    from sagemaker.model import Model

    network = {"Subnets": [v.uri], "SecurityGroupIds": [v.uri]}
    given = Model(v.uri, v.place, v.role, env={"TEXT": v.text}, vpc_config=network, sagemaker_session=session())
    return steps.ModelStep("Job", given, "job", tags={"k": v.uri})


def tuning(v: Any) -> steps.State:
    from sagemaker.tuner import HyperparameterTuner, IntegerParameter

    given = HyperparameterTuner(
        estimator(v),
        "m",
        {"depth": IntegerParameter(v.count, 9)},
        [{"Name": "m", "Regex": v.uri}],
        max_jobs=v.count,
        max_parallel_jobs=v.count,
    )
    return steps.TuningStep("Job", given, "job", {"a": v.place}, wait_for_completion=False)


OBJECTS = {
    "CreateTrainingJob": training,
    "CreateTrainingJob of a script": script,
    "CreateProcessingJob": processing,
    "CreateTransformJob": transform,
    "CreateModel": model,
    "CreateHyperParameterTuningJob": tuning,
}


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    with Sender(FIRST, {**VALUES, "Role": INPUTS_ROLE}) as opened:
        yield opened


def unquoted(request: dict[str, Any]) -> dict[str, Any]:
    """The request without the quotes that SDK 2 puts round a script's texts, but not round variables."""
    found = {key: value.strip('"') for key, value in request.get("HyperParameters", {}).items()}
    return {**request, **({"HyperParameters": found} if found else {})}


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", OBJECTS)
def test_the_job_is_sent_the_request_of_an_object_with_the_values_themselves(
    case: str, form: str, language: str, sender: Sender
) -> None:
    make = OBJECTS[case]
    with no_network() as tried:
        expected = make(Plain()).to_dict()["Parameters"]
        step = make(FORMS[form]())
        request = sender.sent(step, language)
    assert unquoted(request) == unquoted(expected)
    check_request(request, case.split(maxsplit=1)[0], "Job")
    assert tried == []


# ------------------------------------------------------------------------------------------------------ by themselves


def parameters(given: object, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = steps.TrainingStep("T", given, "job", **more).to_dict()["Parameters"]
    return found


def plain(**more: Any) -> Any:
    from sagemaker.estimator import Estimator

    return Estimator("i:1", ROLE, 1, "ml.m5.large", sagemaker_session=session(), **{"output_path": "s3://o", **more})


def test_slots_in_the_text_of_a_join_are_text() -> None:
    from sagemaker.workflow.functions import Join
    from sagemaker.workflow.parameters import ParameterString

    values = {
        "items": Join("-", ["a{}b", ParameterString("P")]),
        "on": Join("{}", [ParameterString("P"), "x"]),
        "text": Join("-", ["a", "b"]),
    }
    assert parameters(plain(hyperparameters=values))["HyperParameters"] == {
        "items.$": r"States.Format('{}-{}', 'a\{\}b', $$.Execution.Input['P'])",
        "on.$": r"States.Format('{}{}x', $$.Execution.Input['P'], '\{\}')",
        "text.$": "States.Format('a-b')",
    }


def test_variables_of_the_execution_are_those_of_the_context_object() -> None:
    from sagemaker.workflow.execution_variables import ExecutionVariables
    from sagemaker.workflow.functions import Join

    values = {
        "arn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
        "start": Join("-", ["at", ExecutionVariables.START_DATETIME]),
        "name": ExecutionVariables.PIPELINE_EXECUTION_ID,
    }
    assert parameters(plain(hyperparameters=values))["HyperParameters"] == {
        "arn.$": "$$.Execution['Id']",
        "start.$": "States.Format('at-{}', $$.Execution['StartTime'])",
        "name.$": "$$.Execution['Name']",
    }


def test_what_belongs_to_a_pipeline_alone_is_refused_with_the_placeholder_to_use() -> None:
    from sagemaker.workflow.execution_variables import ExecutionVariables
    from sagemaker.workflow.functions import JsonGet
    from sagemaker.workflow.properties import Properties

    made: Any = Properties("Step", shape_name="DescribeTrainingJobResponse")
    for variable in (
        made.ModelArtifacts.S3ModelArtifacts,
        ExecutionVariables.PIPELINE_NAME,
        JsonGet("Step", property_file="f", json_path="a"),
    ):
        with pytest.raises(TypeError, match=r"belongs to a SageMaker pipeline.*step\.output\(\)"):
            parameters(plain(environment={"A": variable}))


def test_a_variable_inside_a_value_that_the_sdk_writes_as_text_is_refused_not_printed() -> None:
    variable = Variables().count
    with pytest.raises(TypeError, match="Give it as a value of its own"):
        parameters(plain(hyperparameters={"rounds": [variable]}))


def test_placeholders_themselves_may_stand_where_the_constructor_does_not_ask_what_they_are() -> None:
    hyperparameters = {"count": INPUTS["Count"], "texts": INPUTS["Texts"], "flag": INPUTS["Flag"]}
    request = parameters(plain(hyperparameters=hyperparameters, max_run=INPUTS["Count"]))
    assert request["HyperParameters"] == {
        "count.$": "States.Format('{}', $$.Execution.Input['Count'])",
        "texts.$": "States.JsonToString($$.Execution.Input['Texts'])",
        "flag.$": "States.Format('{}', $$.Execution.Input['Flag'])",
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds.$": "$$.Execution.Input['Count']"}
    with pytest.raises(TypeError, match=r"another library asks for it, give text: str\(placeholder\)"):
        plain(output_path=INPUTS["Uri"])


def test_code_cannot_be_uploaded_to_a_place_that_is_known_only_while_the_workflow_runs() -> None:
    from sagemaker.sklearn import SKLearn

    given = SKLearn(
        "train.py",
        framework_version="1.2-1",
        role=ROLE,
        instance_type="ml.m5.large",
        code_location=f"s3://code/{INPUTS['Text']}",
        sagemaker_session=session(),
    )
    with pytest.raises(DefinitionError, match=r"known only while it runs.*code_location"):
        parameters(given)
