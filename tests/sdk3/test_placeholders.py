"""SDK 3: placeholders and pipeline variables in its objects become what the job is sent while the workflow runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.steps.sagemaker.check import check_request
from tests.parity.harness import ROLE, no_network
from tests.parity.sending import Sender
from tests.sdk3.objects import config, made, of, shape, source_folder

INPUTS = ExecutionInput(schema={"Text": str, "Uri": str, "Role": str, "Count": int, "Rate": float, "Flag": bool})
VALUES = {
    "Text": "ml.c5.xlarge",
    "Uri": "s3://bucket/folder",
    "Role": "arn:aws:iam::123456789012:role/of-the-run",
    "Count": 3,
    "Rate": 0.25,
    "Flag": True,
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of("serve.model_builder.ModelBuilder")  # what the SDK asks AWS when it is imported is its own
    monkeypatch.chdir(tmp_path)
    source_folder(tmp_path)


# ------------------------------------------------------------------------------ the values, in the forms they are given


class Plain:
    """The values themselves: what a request is compared with."""

    text, uri, role, count, rate, flag = (VALUES[name] for name in ("Text", "Uri", "Role", "Count", "Rate", "Flag"))
    place = f"{uri}/of/{count}"


class Variables:
    """SageMaker's pipeline variables."""

    def __init__(self) -> None:
        names = {"text": "Text", "uri": "Uri", "role": "Role"}
        for attribute, name in names.items():
            setattr(self, attribute, of("core.workflow.parameters.ParameterString")(name=name))
        self.count: Any = of("core.workflow.parameters.ParameterInteger")(name="Count")
        self.rate: Any = of("core.workflow.parameters.ParameterFloat")(name="Rate")
        self.flag: Any = of("core.workflow.parameters.ParameterBoolean")(name="Flag")
        self.place: Any = of("core.workflow.functions.Join")(on="/", values=[self.uri, "of", self.count])

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Texts(Variables):
    """Our placeholders where the SDK takes text, SageMaker's variables where it takes numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.uri, self.role = str(INPUTS["Text"]), str(INPUTS["Uri"]), str(INPUTS["Role"])
        self.rate = str(INPUTS["Rate"])
        self.place = f"{INPUTS['Uri']}/of/{INPUTS['Count']}"


class Outputs(Variables):
    """What an earlier step gives."""

    def __init__(self) -> None:
        super().__init__()
        output = FIRST.output()
        self.text, self.uri, self.role = str(output["text"]), str(output["uri"]), str(output["role"])
        self.rate = output["rate"]
        self.place = f"{output['uri']}/of/{output['count']}"


FIRST = steps.Pass(
    "First",
    result={"text": VALUES["Text"], "uri": VALUES["Uri"], "role": VALUES["Role"], "count": 3, "rate": 0.25},
    output_schema={"text": str, "uri": str, "role": str, "count": int, "rate": float},
)
FORMS: dict[str, Callable[[], Any]] = {"variables": Variables, "texts": Texts, "outputs": Outputs}


# ---------------------------------------------------------------------------------------------------- the objects


def trainer(v: Any, **more: Any) -> Any:
    given = {
        "training_image": v.uri,
        "role": ROLE,  # the constructor asks IAM for any other
        "base_job_name": "base",
        "compute": lambda: config("Compute", instance_type=v.text, instance_count=v.count, volume_kms_key_id=v.uri),
        "networking": lambda: config("Networking", subnets=[v.uri, "s"], security_group_ids=[v.uri]),
        "stopping_condition": lambda: config("StoppingCondition", max_runtime_in_seconds=9),
        "output_data_config": lambda: config("OutputDataConfig", s3_output_path=v.place, kms_key_id=v.uri),
        "checkpoint_config": lambda: config("CheckpointConfig", s3_uri=v.place),
        "environment": {"TEXT": v.text, "URI": v.uri},
        "hyperparameters": {"text": v.text, "count": v.count, "rate": v.rate, "place": v.place, "flag": v.flag},
        "tags": lambda: [shape("Tag", key="k", value=v.uri)],
        **more,
    }
    return made(of("train.model_trainer.ModelTrainer"), given)


def training(v: Any) -> steps.State:
    data = [
        config("InputData", channel_name="a", data_source=v.place),
        config("InputData", channel_name="b", data_source=v.uri),
        shape(
            "Channel",
            channel_name="c",
            data_source=shape(
                "DataSource", s3_data_source=shape("S3DataSource", s3_data_type="S3Prefix", s3_uri=v.uri)
            ),
        ),
    ]
    return steps.TrainingStep("Job", trainer(v), "job", data=data, wait_for_completion=False)


def script(v: Any) -> steps.State:
    given = trainer(
        v,
        source_code=lambda: config("SourceCode", source_dir="src", entry_script="train.py"),
        output_data_config=lambda: config("OutputDataConfig", s3_output_path=v.place),
    )
    return steps.TrainingStep("Job", given, "job", wait_for_completion=False)


def processing(v: Any) -> steps.State:
    given = made(
        of("core.processing.ScriptProcessor"),
        {
            "role": v.role,
            "image_uri": v.uri,
            "command": ["python3"],
            "instance_count": v.count,
            "instance_type": v.text,
            "volume_size_in_gb": v.count,
            "max_runtime_in_seconds": v.count,
            "volume_kms_key": v.uri,
            "env": {"TEXT": v.text, "PLACE": v.place},
            "tags": [{"Key": "k", "Value": v.uri}],
        },
    )
    source = shape(
        "ProcessingS3Input",
        s3_uri=v.place,
        local_path="/opt/ml/processing/in",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    target = shape("ProcessingS3Output", s3_uri=v.place, local_path="/opt/ml/processing/out", s3_upload_mode="EndOfJob")
    call = {
        "inputs": [shape("ProcessingInput", input_name="in", s3_input=source)],
        "outputs": [shape("ProcessingOutput", output_name="out", s3_output=target)],
        "arguments": ["--text", v.text, "--place", v.place],
    }
    return steps.ProcessingStep("Job", given, "job", code="src/train.py", call=call, wait_for_completion=False)


def transform(v: Any) -> steps.State:
    given = made(
        of("core.transformer.Transformer"),
        {
            "model_name": v.text,
            "instance_count": 1,
            "instance_type": v.text,
            "output_path": v.place,
            "accept": v.text,
            "max_payload": v.count,
            "env": {"TEXT": v.text},
            "output_kms_key": v.uri,
            "tags": [{"Key": "k", "Value": v.uri}],
        },
    )
    return steps.TransformStep("Job", given, "job", None, v.place, wait_for_completion=False)


def model(v: Any) -> steps.State:
    given = made(
        of("serve.model_builder.ModelBuilder"),
        {
            "image_uri": v.uri,
            "s3_model_data_url": v.place,
            "role_arn": v.role,
            "env_vars": {"TEXT": v.text, "PLACE": v.place},
            "network": lambda: config("Networking", subnets=[v.uri], security_group_ids=[v.uri]),
        },
    )
    return steps.ModelStep("Job", given, "job", tags={"k": v.uri})


def tuning(v: Any) -> steps.State:
    fixed = {"text": v.text, "count": v.count, "rate": v.rate, "place": v.place}  # a flag would be True, not true
    given = of("train.tuner.HyperparameterTuner")(
        trainer(v, hyperparameters=fixed),
        "m",
        {"depth": of("core.parameter.IntegerParameter")(1, 9)},
        [{"Name": "m", "Regex": v.uri}],
        max_jobs=3,
    )
    return steps.TuningStep("Job", given, "job", {"a": v.place}, wait_for_completion=False)


OBJECTS: dict[str, Callable[[Any], steps.State]] = {
    "CreateTrainingJob": training,
    "CreateTrainingJob of a script": script,
    "CreateProcessingJob": processing,
    "CreateTransformJob": transform,
    "CreateModel": model,
    "CreateHyperParameterTuningJob": tuning,
}


@pytest.fixture(scope="module")
def sender() -> Iterator[Sender]:
    with Sender(FIRST, VALUES) as opened:
        yield opened


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", OBJECTS)
def test_the_job_is_sent_the_request_of_an_object_with_the_values_themselves(
    case: str, form: str, language: str, sender: Sender
) -> None:
    make = OBJECTS[case]
    with no_network() as tried:
        expected = make(Plain()).to_dict()["Parameters"]
        request = sender.sent(make(FORMS[form]()), language)
    assert request == expected
    check_request(request, case.split(maxsplit=1)[0], "Job")
    assert tried == []


# ------------------------------------------------------------------------------------------------------ by themselves


def parameters(given: object, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = steps.TrainingStep("T", given, "job", **more).to_dict()["Parameters"]
    return found


def plain(**more: Any) -> Any:
    usual = {"compute": lambda: config("Compute", instance_type="ml.m5.large", instance_count=1)}
    return trainer(Plain(), **usual, **more)


def test_variables_of_the_execution_are_those_of_the_context_object() -> None:
    variables = of("core.workflow.execution_variables.ExecutionVariables")
    join = of("core.workflow.functions.Join")
    values = {
        "arn": variables.PIPELINE_EXECUTION_ARN,
        "start": join(on="-", values=["at", variables.START_DATETIME]),
        "name": variables.PIPELINE_EXECUTION_ID,
    }
    assert parameters(plain(environment=values))["Environment"] == {
        "arn.$": "$$.Execution['Id']",
        "start.$": "States.Format('at-{}', $$.Execution['StartTime'])",
        "name.$": "$$.Execution['Name']",
    }


def test_what_belongs_to_a_pipeline_alone_is_refused_with_the_placeholder_to_use() -> None:
    properties = of("core.workflow.properties.Properties")("Step", shape_name="DescribeTrainingJobResponse")
    for variable in (
        properties.ModelArtifacts.S3ModelArtifacts,
        of("core.workflow.execution_variables.ExecutionVariables").PIPELINE_NAME,
        of("core.workflow.functions.JsonGet")(step_name="Step", property_file="f", json_path="a"),
    ):
        with pytest.raises(TypeError, match=r"belongs to a SageMaker pipeline.*step\.output\(\)"):
            parameters(plain(environment={"A": variable}))


def test_placeholders_themselves_may_stand_in_hyperparameters_and_in_the_steps_own_arguments() -> None:
    found = parameters(
        plain(hyperparameters={"count": INPUTS["Count"], "text": INPUTS["Text"]}),
        parameters={"RoleArn": INPUTS["Role"], "ResourceConfig": {"InstanceCount": INPUTS["Count"]}},
        tags={"k": INPUTS["Text"]},
        data={"a": INPUTS["Uri"]},
    )
    assert found["HyperParameters"] == {
        "count.$": "States.Format('{}', $$.Execution.Input['Count'])",
        "text.$": "$$.Execution.Input['Text']",
    }
    assert found["RoleArn.$"] == "$$.Execution.Input['Role']"
    assert found["ResourceConfig"]["InstanceCount.$"] == "$$.Execution.Input['Count']"
    assert found["Tags"] == [{"Key": "k", "Value.$": "$$.Execution.Input['Text']"}]
    assert found["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri.$"] == "$$.Execution.Input['Uri']"


def test_code_cannot_be_encrypted_with_a_key_that_is_known_only_while_the_workflow_runs() -> None:
    output = config("OutputDataConfig", s3_output_path="s3://o", kms_key_id=str(INPUTS["Text"]))
    source = config("SourceCode", source_dir="src", entry_script="train.py")
    with pytest.raises(DefinitionError, match=r"SSEKMSKeyId is known only while it runs.*parameters="):
        parameters(plain(source_code=lambda: source, output_data_config=lambda: output))


def test_a_role_that_is_a_name_is_warned_of_and_not_looked_up() -> None:
    builder = made(
        of("serve.model_builder.ModelBuilder"),
        {"image_uri": "image:1", "s3_model_data_url": "s3://m/model.tar.gz", "role_arn": "my-role"},
    )
    with no_network() as tried, pytest.warns(UserWarning, match="SageMaker takes ARNs"):
        step = steps.ModelStep("S", builder, "m")
    assert (tried, step.to_dict()["Parameters"]["ExecutionRoleArn"]) == ([], "my-role")
    assert builder.role_arn == "my-role"
