"""The ready pipelines: their definitions, their executions' inputs, and both run whole on the embedded runtime."""

from __future__ import annotations

import pytest

from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.steps import Chain, Task
from mlflowsteps.template import InferencePipeline, TrainingPipeline
from mlflowsteps.template.pipeline.common import StepId, WorkflowTemplate
from tests.template.conftest import BUCKET, ROLE, channel

DATA = {"train": channel(f"s3://{BUCKET}/train/")}


def ask(runtime, endpoint: str, text: str) -> float:
    waiter = runtime.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=endpoint, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client = runtime.client("sagemaker-runtime")
    answer = client.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=text)
    return float(answer["Body"].read().decode().strip())


def test_a_training_pipeline_trains_and_deploys_on_the_embedded_runtime(runtime, estimator):
    pipeline = TrainingPipeline(estimator, ROLE, DATA, BUCKET, client=runtime, pipeline_name="Trainings")
    pipeline.create()
    execution = pipeline.execute(job_name="first", hyperparameters={"objective": "reg:squarederror", "num_round": 60})
    output = execution.get_output(wait=True)
    assert output["EndpointArn"].endswith("endpoint/first")
    job = runtime.client("sagemaker").describe_training_job(TrainingJobName="estimator-first")
    assert job["HyperParameters"] == {"objective": "reg:squarederror", "num_round": "60"}
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (
        f"s3://{BUCKET}/Trainings/models/estimator-first/output/model.tar.gz"
    )
    assert ask(runtime, "first", "5,6") == pytest.approx(28, abs=2)


def test_an_inference_pipeline_prepares_trains_and_deploys_both_in_a_row(runtime, preprocessor, estimator):
    pipeline = InferencePipeline(
        preprocessor, estimator, DATA, BUCKET, ROLE, client=runtime, content_type="text/csv", pipeline_name="Inferences"
    )
    pipeline.create()
    output = pipeline.execute(job_name="first").get_output(wait=True)
    assert output["EndpointArn"].endswith("endpoint/first")
    model = runtime.client("sagemaker").describe_model(ModelName="first")
    assert [container["Image"].rsplit("/", 1)[1].split(":")[0] for container in model["Containers"]] == [
        "sagemaker-scikit-learn",
        "sagemaker-xgboost",
    ]
    assert ask(runtime, "first", "5,6") == pytest.approx(28, abs=2)


def test_executions_of_one_pipeline_share_nothing_but_the_definition(estimator):
    pipeline = TrainingPipeline(estimator, ROLE, DATA, BUCKET, pipeline_name="Trainings")
    given: list[dict] = []
    pipeline.workflow.execute = lambda name, inputs: given.append(inputs)
    pipeline.execute(job_name="a", hyperparameters={"num_round": 1})
    pipeline.execute(job_name="b")
    assert given[0]["Training"]["HyperParameters"] == {"num_round": "1"}
    assert given[1]["Training"]["HyperParameters"]["num_round"] == "40"
    assert [inputs["Deploy"]["EndpointName"] for inputs in given] == ["a", "b"]
    assert pipeline.input_template["Training"]["TrainingJobName"] == "Trainings-estimator"


def test_every_parameter_is_read_from_the_input_under_the_steps_name(estimator):
    states = TrainingPipeline(estimator, ROLE, DATA, BUCKET).workflow.definition.to_dict()["States"]
    assert list(states) == ["Training", "Create Model", "Configure Endpoint", "Deploy"]
    for name, state in states.items():
        for key, path in state["Parameters"].items():
            assert path == f"$$.Execution.Input['{name}'].{key.removesuffix('.$')}"


def test_the_transform_is_encrypted_and_tagged_as_the_training(preprocessor, estimator):
    pipeline = InferencePipeline(preprocessor, estimator, DATA, BUCKET, ROLE, pipeline_name="P")
    request = pipeline.input_template[StepId.TransformInput.value]
    assert request["TransformOutput"]["KmsKeyId"] == "output-key"
    assert request["TransformResources"]["VolumeKmsKeyId"] == "volume-key"
    assert request["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert request["TransformInput"]["ContentType"] == "text/csv"


def test_a_script_keeps_what_it_is_found_by_when_hyperparameters_are_replaced(preprocessor):
    pipeline = TrainingPipeline(preprocessor, ROLE, DATA, BUCKET, pipeline_name="P")
    given: list[dict] = []
    pipeline.workflow.execute = lambda name, inputs: given.append(inputs)
    pipeline.execute(job_name="j", hyperparameters={"depth": 3, "layers": [1, 2]})
    assert given[0]["Training"]["HyperParameters"] == {
        "sagemaker_program": "prepare.py",
        "sagemaker_submit_directory": f"s3://{BUCKET}/code/source.tar.gz",
        "depth": "3",
        "layers": "[1, 2]",
    }
    assert given[0]["Create Model"]["PrimaryContainer"]["Environment"]["SAGEMAKER_PROGRAM"] == "prepare.py"


def test_names_are_made_where_none_are_given(estimator):
    pipeline = TrainingPipeline(estimator, ROLE, DATA, BUCKET)
    assert pipeline.pipeline_name.startswith("training-pipeline-")
    given: list[str] = []
    pipeline.workflow.execute = lambda name, inputs: given.append(name)
    pipeline.execute()
    assert given[0].startswith("training-pipeline-")


def test_a_placeholder_in_a_request_is_refused_with_its_place(estimator):
    estimator["RoleArn"] = ExecutionInput()["Role"]
    with pytest.raises(ValueError, match="'Training'/RoleArn holds the placeholder"):
        TrainingPipeline(estimator, ROLE, DATA, BUCKET)


def test_data_without_a_channel_to_transform_is_refused(preprocessor, estimator):
    with pytest.raises(ValueError, match="must have a channel 'train'"):
        InferencePipeline(preprocessor, estimator, {"other": "s3://b/x"}, BUCKET, ROLE)


def test_a_request_without_instances_is_refused(estimator):
    del estimator["ResourceConfig"]["InstanceType"]
    with pytest.raises(ValueError, match=r"needs ResourceConfig\.InstanceType"):
        TrainingPipeline(estimator, ROLE, DATA, BUCKET)


def test_a_template_of_ones_own_says_what_it_lacks():
    class Empty(WorkflowTemplate):
        def __init__(self) -> None:
            self.s3_bucket, self.workflow, self.role = BUCKET, None, ROLE

    with pytest.raises(NotImplementedError, match="Empty does not say what its steps are"):
        Empty().build_workflow_definition()
    with pytest.raises(NotImplementedError, match="Empty does not say how"):
        Empty().execute()
    chain = Chain([Task("T", resource="r", parameters={"A": 1})])
    assert Empty()._extract_input_template(chain) == {"T": {"A": 1}}
    assert chain.steps[0].parameters == {"A.$": "$$.Execution.Input['T'].A"}
