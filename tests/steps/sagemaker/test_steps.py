from __future__ import annotations

import copy
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.exceptions import MissingRequiredParameter
from mlflowsteps.inputs import ExecutionInput, StepInput, context
from mlflowsteps.steps.sagemaker import FrozenRequest

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"
INPUTS = ExecutionInput(schema={"Job": str, "Model": str, "Data": str, "Count": int, "Tags": list, "Hyper": dict})


def training() -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models", "KmsKeyId": "key"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "HyperParameters": {"num_round": "50", "eta": "0.2"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def parameters(step: Any) -> dict[str, Any]:
    found: dict[str, Any] = step.to_dict()["Parameters"]
    return found


# ------------------------------------------------------------------------------------------------------ training


def test_a_training_step_is_the_request_with_the_keywords_over_it() -> None:
    request = training()
    before = copy.deepcopy(request)

    step = steps.TrainingStep(
        "Train",
        request,
        job_name=INPUTS["Job"],
        data={"train": INPUTS["Data"]},
        hyperparameters={"eta": 0.1, "max_depth": INPUTS["Count"]},
        mini_batch_size=32,
        experiment_config={"ExperimentName": "e"},
        tags={"team": "ml"},
        output_data_config_path="s3://other",
        parameters={"ResourceConfig": {"InstanceCount": INPUTS["Count"]}, "EnableNetworkIsolation": True},
    )

    assert request == before
    assert step.to_dict() == {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {
            **before,
            "TrainingJobName.$": "$$.Execution.Input['Job']",
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3DataDistributionType": "FullyReplicated",
                            "S3Uri.$": "$$.Execution.Input['Data']",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath": "s3://other", "KmsKeyId": "key"},
            "ResourceConfig": {
                "InstanceCount.$": "$$.Execution.Input['Count']",
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 5,
            },
            "HyperParameters": {
                "num_round": "50",
                "eta": "0.1",
                "max_depth.$": "States.Format('{}', $$.Execution.Input['Count'])",
                "mini_batch_size": "32",
            },
            "ExperimentConfig": {"ExperimentName": "e"},
            "Tags": [{"Key": "team", "Value": "ml"}],
            "EnableNetworkIsolation": True,
        },
        "End": True,
    }
    assert validate(steps.Graph(step).to_dict()) == []
    assert step.estimator is request


def test_two_steps_of_one_request_do_not_disturb_each_other() -> None:
    request = training()
    first = steps.TrainingStep("A", request, "a", hyperparameters={"eta": 1}, data="s3://a")
    second = steps.TrainingStep("B", request, "b", data="s3://b")
    request["RoleArn"] = "changed"

    assert parameters(first)["HyperParameters"] == {"num_round": "50", "eta": "1"}
    assert parameters(second)["HyperParameters"] == {"num_round": "50", "eta": "0.2"}
    assert parameters(first)["RoleArn"] == ROLE


def test_placeholders_may_stand_for_whole_members() -> None:
    step = steps.TrainingStep("T", training(), "job", hyperparameters=INPUTS["Hyper"], tags=INPUTS["Tags"])

    assert parameters(step)["HyperParameters.$"] == "$$.Execution.Input['Hyper']"
    assert parameters(step)["Tags.$"] == "$$.Execution.Input['Tags']"
    assert "HyperParameters" not in parameters(step)


def test_a_text_with_a_placeholder_is_formatted() -> None:
    step = steps.TrainingStep("T", training(), f"job-{context.execution.name}", data=f"s3://{INPUTS['Data']}/train")

    assert parameters(step)["TrainingJobName.$"] == "States.Format('job-{}', $$.Execution.Name)"


def test_not_waiting_calls_only() -> None:
    resource = "arn:aws:states:::sagemaker:createTrainingJob"
    assert steps.TrainingStep("T", training(), "job", wait_for_completion=False).resource == resource


def test_a_job_without_a_name_is_refused_unless_the_request_has_one() -> None:
    with pytest.raises(MissingRequiredParameter, match="Step 'T' needs job_name"):
        steps.TrainingStep("T", training(), None)
    steps.TrainingStep("T", {**training(), "TrainingJobName": "given"}, None)
    step = steps.TrainingStep("T", training(), None, parameters={"TrainingJobName.$": "$.job"})
    assert parameters(step)["TrainingJobName.$"] == "$.job"


@pytest.mark.parametrize(
    ("make", "near"),
    [
        (lambda: steps.TrainingStep("T", {**training(), "RoleAn": 1}, "job"), "RoleArn"),
        (lambda: steps.TrainingStep("T", training(), "job", parameters={"HyperParameter.$": "$.x"}), "HyperParameters"),
        (lambda: steps.ModelStep("M", {"ModelName": "m", "PrimaryContaine": {}}), "PrimaryContainer"),
        (lambda: steps.EndpointStep("E", "e", "c", parameters={"Endpointname": "x"}), "EndpointName"),
        (lambda: steps.EndpointStep("E", "e", "c", update=True, parameters={"Tags": []}), "It has EndpointName"),
        (lambda: steps.ProcessingStep("P", {"AppSpecificatio": {}}, "job"), "AppSpecification"),
    ],
)
def test_a_member_that_the_api_does_not_know_is_refused(make: Any, near: str) -> None:
    with pytest.raises(TypeError, match="has no member") as caught:
        make()
    assert near in str(caught.value)


def test_task_keywords_are_taken_and_others_refused() -> None:
    step = steps.TrainingStep(
        "T", training(), "job", timeout_seconds=5, retry=steps.Retry(error_equals=["x"]), result_path="$.t"
    )
    assert step.to_dict()["TimeoutSeconds"] == 5
    assert step.to_dict()["Retry"] == [{"ErrorEquals": ["x"]}]
    with pytest.raises(TypeError, match="Did you mean 'timeout_seconds'"):
        steps.TrainingStep("T", training(), "job", timeout_second=5)  # type: ignore[call-arg]


def test_later_parameters_take_the_place_of_the_request() -> None:
    step = steps.TrainingStep("T", training(), "job")
    step.update_parameters({"TrainingJobName": "other"})
    assert parameters(step) == {"TrainingJobName": "other"}


# --------------------------------------------------------------------------------------------------------- model


def test_the_expected_model_is_a_frozen_request() -> None:
    train = steps.TrainingStep(
        "T", {**training(), "VpcConfig": {"Subnets": ["s"]}, "Environment": {"A": 1}}, job_name=INPUTS["Job"]
    )
    model = train.get_expected_model()
    save = steps.ModelStep("M", model, model_name=INPUTS["Model"], tags=[{"key": "a", "value": "b"}])

    assert isinstance(model, FrozenRequest)
    assert save.to_dict() == {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createModel",
        "Parameters": {
            "PrimaryContainer": {
                "Image": IMAGE,
                "Environment": {"A": "1"},
                "ModelDataUrl.$": "$['ModelArtifacts']['S3ModelArtifacts']",
            },
            "ExecutionRoleArn": ROLE,
            "VpcConfig": {"Subnets": ["s"]},
            "ModelName.$": "$$.Execution.Input['Model']",
            "Tags": [{"Key": "a", "Value": "b"}],
        },
        "End": True,
    }
    assert validate(steps.Graph(train >> save).to_dict()) == []


def test_the_expected_model_is_named_after_the_job_or_as_told() -> None:
    train = steps.TrainingStep("T", training(), job_name="job")

    assert parameters(steps.ModelStep("M", train.get_expected_model()))["ModelName"] == "job"
    named = train.get_expected_model(model_name=train.output()["TrainingJobName"])
    assert parameters(steps.ModelStep("M", named))["ModelName.$"] == "$['TrainingJobName']"


def test_computed_images_and_roles_go_into_the_model() -> None:
    request = {**training(), "RoleArn": INPUTS["Job"]}
    train = steps.TrainingStep(
        "T", request, "job", parameters={"AlgorithmSpecification": {"TrainingImage.$": "$.image"}}
    )
    model = parameters(steps.ModelStep("M", train.get_expected_model()))

    assert model["PrimaryContainer"]["Image.$"] == "$.image"
    assert model["ExecutionRoleArn.$"] == "$$.Execution.Input['Job']"


def test_computed_network_settings_and_environment_go_into_the_model() -> None:
    request = training() | {
        "VpcConfig.$": "$$.Execution.Input.Vpc",
        "EnableNetworkIsolation.$": "$$.Execution.Input.Isolated",
        "Environment.$": "$$.Execution.Input.Environment",
    }
    model = parameters(steps.ModelStep("M", steps.TrainingStep("T", request, "job").get_expected_model("model")))
    assert model["VpcConfig.$"] == "$$.Execution.Input.Vpc"
    assert model["EnableNetworkIsolation.$"] == "$$.Execution.Input.Isolated"
    assert model["PrimaryContainer"]["Environment.$"] == "$$.Execution.Input.Environment"


def test_a_keyword_takes_the_place_of_a_path() -> None:
    request = training() | {"InputDataConfig.$": "$.channels", "Tags.$": "$.tags"}
    found = parameters(steps.TrainingStep("T", request, "job", data="s3://in", tags={"team": "ml"}))
    assert found["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert found["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://in"
    assert not {"InputDataConfig.$", "Tags.$"} & found.keys()

    config = steps.EndpointConfigStep("C", "config", request={"ProductionVariants.$": "$.variants"})
    assert parameters(config)["ProductionVariants.$"] == "$.variants"
    package = {"InferenceSpecification": {}, "ModelApprovalStatus.$": "$.status"}
    assert "ModelApprovalStatus" not in parameters(steps.ModelPackageStep("P", "group", package))


def test_nothing_is_put_into_what_is_known_only_while_the_workflow_runs() -> None:
    computed = {**training(), "HyperParameters": INPUTS["Hyper"]}
    by_path = {**training(), "HyperParameters.$": "$.h"}
    del by_path["HyperParameters"]
    for request in (computed, by_path):
        with pytest.raises(TypeError, match=r"HyperParameters of the request is .*: eta cannot be put into it"):
            steps.TrainingStep("T", request, "job", hyperparameters={"eta": 0.1})
    with pytest.raises(TypeError, match=r"ProcessingOutputConfig of the request is '\$\.o'"):
        steps.ProcessingStep("P", {"ProcessingOutputConfig.$": "$.o"}, "job", outputs={"a": "s3://out"})
    with pytest.raises(TypeError, match=r"data: TrainingJobDefinition\.\$ of the request"):
        steps.TuningStep("T", {"TrainingJobDefinition.$": "$.d"}, "job", data="s3://in")


def test_a_training_without_an_image_has_no_expected_model() -> None:
    train = steps.TrainingStep("T", {**training(), "AlgorithmSpecification": {"AlgorithmName": "a"}}, "job")
    with pytest.raises(ValueError, match="TrainingImage"):
        train.get_expected_model()


def test_a_model_needs_a_name() -> None:
    with pytest.raises(MissingRequiredParameter, match="needs model_name"):
        steps.ModelStep("M", {"PrimaryContainer": {"Image": IMAGE}})


# ------------------------------------------------------------------------------------------------------- hosting


def test_an_endpoint_configuration_takes_parameters_over_it() -> None:
    step = steps.EndpointConfigStep(
        "C",
        endpoint_config_name="config",
        model_name=INPUTS["Model"],
        initial_instance_count=INPUTS["Count"],
        instance_type="ml.m5.large",
        data_capture_config={"EnableCapture": True},
        tags={"a": INPUTS["Job"]},
        parameters={"KmsKeyId": "key"},
    )

    assert step.to_dict()["Resource"] == "arn:aws:states:::sagemaker:createEndpointConfig"
    assert parameters(step) == {
        "ProductionVariants": [
            {
                "InitialInstanceCount.$": "$$.Execution.Input['Count']",
                "InstanceType": "ml.m5.large",
                "ModelName.$": "$$.Execution.Input['Model']",
                "VariantName": "AllTraffic",
            }
        ],
        "EndpointConfigName": "config",
        "DataCaptureConfig": {"EnableCapture": True},
        "Tags": [{"Key": "a", "Value.$": "$$.Execution.Input['Job']"}],
        "KmsKeyId": "key",
    }


def test_an_endpoint_is_created_or_updated() -> None:
    create = steps.EndpointStep("E", INPUTS["Model"], "config", tags={"a": "b"})
    update = steps.EndpointStep(
        "E", INPUTS["Model"], "config", update=True, parameters={"RetainDeploymentConfig": True}
    )

    assert create.resource == "arn:aws:states:::sagemaker:createEndpoint"
    assert parameters(create)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert update.resource == "arn:aws:states:::sagemaker:updateEndpoint"
    assert parameters(update) == {
        "EndpointConfigName": "config",
        "EndpointName.$": "$$.Execution.Input['Model']",
        "RetainDeploymentConfig": True,
    }
    with pytest.raises(ValueError, match="UpdateEndpoint takes no tags"):
        steps.EndpointStep("E", "e", "c", tags={"a": "b"}, update=True)


# ------------------------------------------------------------------------------------------- processing, transform

PROCESSING: dict[str, Any] = {
    "AppSpecification": {"ImageUri": IMAGE},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}},
    "RoleArn": ROLE,
}


def test_a_processing_step_without_inputs_and_outputs_names_none() -> None:
    step = steps.ProcessingStep("P", PROCESSING, context.execution.name)

    assert step.to_dict()["Resource"] == "arn:aws:states:::sagemaker:createProcessingJob.sync"
    assert parameters(step) == {**PROCESSING, "ProcessingJobName.$": "$$.Execution.Name"}
    assert validate(steps.Graph(step).to_dict()) == []


def test_a_processing_step_takes_its_keywords() -> None:
    raw = {
        "InputName": "raw",
        "S3Input": {"S3Uri": "s3://old", "LocalPath": "/opt/ml/processing/raw", "S3DataType": "S3Prefix"},
    }
    output = {
        "OutputName": "train",
        "S3Output": {"S3Uri": "s3://train", "LocalPath": "/out", "S3UploadMode": "EndOfJob"},
    }
    request = {**PROCESSING, "ProcessingInputs": [raw]}
    step = steps.ProcessingStep(
        "P",
        request,
        job_name=INPUTS["Job"],
        inputs={"raw": INPUTS["Data"], "code": "s3://code"},
        outputs=[output],
        container_arguments=["--rows", 5, INPUTS["Count"]],
        container_entrypoint=["python3", "x.py"],
        kms_key_id=INPUTS["Job"],
        experiment_config={"TrialName": "t"},
        tags={"a": "b"},
        wait_for_completion=False,
    )

    written = parameters(step)
    assert written["ProcessingInputs"] == [
        {
            "InputName": "raw",
            "S3Input": {
                "S3Uri.$": "$$.Execution.Input['Data']",
                "LocalPath": "/opt/ml/processing/raw",
                "S3DataType": "S3Prefix",
            },
        },
        {
            "InputName": "code",
            "S3Input": {
                "LocalPath": "/opt/ml/processing/input/code",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
                "S3CompressionType": "None",
                "S3Uri": "s3://code",
            },
        },
    ]
    assert written["ProcessingOutputConfig"] == {
        "Outputs": [output],
        "KmsKeyId.$": "$$.Execution.Input['Job']",
    }
    assert written["AppSpecification"] == {
        "ImageUri": IMAGE,
        "ContainerArguments.$": "States.Array('--rows', '5', States.Format('{}', $$.Execution.Input['Count']))",
        "ContainerEntrypoint": ["python3", "x.py"],
    }
    assert step.resource == "arn:aws:states:::sagemaker:createProcessingJob"
    assert request["ProcessingInputs"] == [raw]
    assert raw["S3Input"]["S3Uri"] == "s3://old"


def test_inputs_may_be_the_sdks_objects() -> None:
    class ProcessingInput:
        def _to_request_dict(self) -> dict[str, Any]:
            return {"InputName": "raw", "S3Input": {"S3Uri": "s3://raw", "LocalPath": "/in"}}

    step = steps.ProcessingStep("P", PROCESSING, "job", inputs=[ProcessingInput()])
    assert parameters(step)["ProcessingInputs"] == [ProcessingInput()._to_request_dict()]
    with pytest.raises(TypeError, match="a dict with InputName"):
        steps.ProcessingStep("P", PROCESSING, "job", inputs=["s3://x"])
    with pytest.raises(TypeError, match="are a list, not the text"):
        steps.ProcessingStep("P", PROCESSING, "job", container_arguments="--x")  # type: ignore[arg-type]


TRANSFORM: dict[str, Any] = {
    "TransformOutput": {"S3OutputPath": "s3://out"},
    "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
}


def test_a_transform_step_takes_its_keywords() -> None:
    step = steps.TransformStep(
        "T",
        {
            **TRANSFORM,
            "TransformInput": {"ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3Uri": "s3://old"}}},
        },
        job_name=INPUTS["Job"],
        model_name=INPUTS["Model"],
        data=INPUTS["Data"],
        compression_type="Gzip",
        split_type="Line",
        input_filter="$[1:]",
        output_filter="$[0]",
        join_source="Input",
        experiment_config={"TrialName": "t"},
        tags={"a": "b"},
    )

    assert step.to_dict()["Resource"] == "arn:aws:states:::sagemaker:createTransformJob.sync"
    assert parameters(step) == {
        **TRANSFORM,
        "TransformInput": {
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3Uri.$": "$$.Execution.Input['Data']", "S3DataType": "S3Prefix"}},
            "CompressionType": "Gzip",
            "SplitType": "Line",
        },
        "TransformJobName.$": "$$.Execution.Input['Job']",
        "ModelName.$": "$$.Execution.Input['Model']",
        "DataProcessing": {"InputFilter": "$[1:]", "OutputFilter": "$[0]", "JoinSource": "Input"},
        "ExperimentConfig": {"TrialName": "t"},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    assert validate(steps.Graph(step).to_dict()) == []


def test_a_transform_without_data_keeps_the_requests() -> None:
    source = {"DataSource": {"S3DataSource": {"S3Uri": "s3://data", "S3DataType": "ManifestFile"}}}
    step = steps.TransformStep("T", {**TRANSFORM, "TransformInput": source}, "job", "model")
    assert parameters(step)["TransformInput"] == source


# -------------------------------------------------------------------------------------------------------- tuning


def test_a_tuning_step_puts_the_data_into_every_definition() -> None:
    definition = {"StaticHyperParameters": {"eta": 0.1}, "AlgorithmSpecification": {}, "RoleArn": ROLE}
    config = {"Strategy": "Bayesian"}
    one = steps.TuningStep(
        "T",
        {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": definition},
        job_name=INPUTS["Job"],
        data={"train": "s3://t"},
        tags={"a": "b"},
    )
    many = steps.TuningStep(
        "T", {"HyperParameterTuningJobConfig": config, "TrainingJobDefinitions": [definition] * 2}, "job", "s3://t"
    )

    assert one.resource == "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
    assert parameters(one)["HyperParameterTuningJobName.$"] == "$$.Execution.Input['Job']"
    assert parameters(one)["TrainingJobDefinition"]["StaticHyperParameters"] == {"eta": "0.1"}
    assert parameters(one)["TrainingJobDefinition"]["InputDataConfig"][0]["ChannelName"] == "train"
    names = [d["InputDataConfig"][0]["ChannelName"] for d in parameters(many)["TrainingJobDefinitions"]]
    assert names == ["training", "training"]
    assert "InputDataConfig" not in definition
    assert "TrainingJobDefinition" not in parameters(many)


def test_the_output_of_a_job_is_a_placeholder() -> None:
    step = steps.TuningStep("T", {"HyperParameterTuningJobConfig": {}}, "job")
    best = step.output()["BestTrainingJob"]["TrainingJobName"]
    assert isinstance(best, StepInput)
    assert best.to_jsonpath() == "$['BestTrainingJob']['TrainingJobName']"
