"""SDK 3: what methods return under a PipelineSession, resources and shapes make the same steps as the objects."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel

from mlflowsteps import steps
from mlflowsteps.catalog.sagemaker_requests import REQUEST_MEMBERS
from mlflowsteps.steps.sagemaker.variables import described
from tests.parity.harness import JOB, ROLE, no_network
from tests.sdk3.objects import (
    BUILDER,
    CODE,
    PROCESSOR,
    TRANSFORMER,
    config,
    made,
    of,
    pipeline_session,
    ports,
    resource,
    shape,
    source_folder,
    trainer,
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source_folder(tmp_path)


def data() -> list[Any]:
    return [config("InputData", channel_name="train", data_source="s3://d/train")]


def tuner(model_trainer: Any) -> Any:
    ranges = {"x": of("core.parameter.ContinuousParameter")(0, 1)}
    return of("train.tuner.HyperparameterTuner")(model_trainer, "m", ranges, [{"Name": "m", "Regex": "r"}])


def code() -> Any:
    return config("SourceCode", **CODE)


CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    # the object, what its method returns, and a step of each
    "train": (
        lambda session: trainer(sagemaker_session=session, source_code=code),
        lambda made: made.train(input_data_config=data()),
        lambda given: steps.TrainingStep("S", given, JOB),
        lambda given: steps.TrainingStep("S", given, JOB, data=data()),
    ),
    "tune": (
        lambda session: tuner(trainer(sagemaker_session=session)),
        lambda made: made.tune("s3://d/in"),
        lambda given: steps.TuningStep("S", given, JOB),
        lambda given: steps.TuningStep("S", given, JOB, call={"inputs": "s3://d/in"}),
    ),
    "run": (
        lambda session: made(of("core.processing.Processor"), {**PROCESSOR, "sagemaker_session": session}),
        lambda made: made.run(**ports()),
        lambda given: steps.ProcessingStep("S", given, JOB),
        lambda given: steps.ProcessingStep("S", given, JOB, call=ports()),
    ),
    "run code": (
        lambda session: made(of("core.processing.FrameworkProcessor"), {**PROCESSOR, "sagemaker_session": session}),
        lambda made: made.run(code="train.py", source_dir="src"),
        lambda given: steps.ProcessingStep("S", given, JOB),
        lambda given: steps.ProcessingStep("S", given, JOB, code="train.py", call={"source_dir": "src"}),
    ),
    "transform": (
        lambda session: made(of("core.transformer.Transformer"), {**TRANSFORMER, "sagemaker_session": session}),
        lambda made: made.transform("s3://d/in", content_type="text/csv"),
        lambda given: steps.TransformStep("S", given, JOB, None),
        lambda given: steps.TransformStep("S", given, JOB, None, "s3://d/in", content_type="text/csv"),
    ),
    "build": (
        lambda session: made(of("serve.model_builder.ModelBuilder"), {**BUILDER, "sagemaker_session": session}),
        lambda made: made.build(model_name=JOB),
        lambda given: steps.ModelStep("S", given, JOB),
        lambda given: steps.ModelStep("S", given, JOB),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_method_returns_makes_the_same_step_as_its_object(name: str) -> None:
    make, call, of_arguments, of_object = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        returned = call(make(pipeline_session()))
    with no_network() as tried:
        found, wanted = of_arguments(returned), of_object(make(pipeline_session()))
    assert tried == []
    assert found.to_dict() == wanted.to_dict()
    assert [upload.uri for upload in found.uploads] == [upload.uri for upload in wanted.uploads]


@pytest.mark.parametrize("name", CASES)
def test_what_a_method_returns_makes_any_number_of_steps(name: str) -> None:
    make, call, of_arguments, _ = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        returned = call(make(pipeline_session()))
    assert of_arguments(returned).to_dict() == of_arguments(returned).to_dict()


def test_the_context_of_a_pipeline_session_is_a_request_too() -> None:
    session = pipeline_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        returned = made(of("core.processing.Processor"), {**PROCESSOR, "sagemaker_session": session}).run(**ports())
        returned.func(*returned.func_args, **returned.func_kwargs)
    assert type(session.context).__name__ == "_JobStepArguments"
    found = steps.ProcessingStep("S", session.context, JOB)
    assert found.to_dict() == steps.ProcessingStep("S", returned, JOB).to_dict()


@pytest.mark.parametrize(
    ("name", "step", "wanted"),
    [
        ("train", steps.TuningStep, "TrainingStep"),
        ("run", steps.TrainingStep, "ProcessingStep"),
        ("build", steps.TrainingStep, "ModelStep"),
    ],
)
def test_an_object_in_another_step_is_refused_with_the_step_for_it(name: str, step: Any, wanted: str) -> None:
    with pytest.raises(TypeError, match=f"give it to {wanted}"):
        step("S", CASES[name][0](pipeline_session()), JOB)


# ------------------------------------------------------------------------------------------- resources and shapes


def spec() -> Any:
    return shape("AlgorithmSpecification", training_image="image:1", training_input_mode="File")


def channel() -> Any:
    source = shape("S3DataSource", s3_data_type="S3Prefix", s3_uri="s3://d/x")
    return shape("Channel", channel_name="train", data_source=shape("DataSource", s3_data_source=source))


def output() -> Any:
    return shape("OutputDataConfig", s3_output_path="s3://o", kms_key_id="k")


def machines() -> Any:
    return shape("ResourceConfig", instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5)


TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
    "RoleArn": ROLE,
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://d/x"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://o", "KmsKeyId": "k"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def test_a_training_job_that_has_run_is_run_anew_without_what_only_describes_it() -> None:
    job = resource(
        "TrainingJob",
        training_job_name="old",
        training_job_arn="arn:aws:sagemaker:us-east-1:123456789012:training-job/old",
        training_job_status="Completed",
        model_artifacts=shape("ModelArtifacts", s3_model_artifacts="s3://m"),
        algorithm_specification=spec(),
        role_arn=ROLE,
        input_data_config=[channel()],
        output_data_config=output(),
        resource_config=machines(),
        stopping_condition=shape("StoppingCondition", max_runtime_in_seconds=60),
    )
    assert steps.TrainingStep("S", job, JOB).to_dict()["Parameters"] == {**TRAINING, "TrainingJobName": JOB}


def test_shapes_stand_in_plain_requests() -> None:
    request = {
        "AlgorithmSpecification": spec(),
        "RoleArn": ROLE,
        "InputDataConfig": [channel()],
        "OutputDataConfig": output(),
        "ResourceConfig": machines(),
        "StoppingCondition": shape("StoppingCondition", max_runtime_in_seconds=60),
    }
    assert steps.TrainingStep("S", request, JOB).to_dict()["Parameters"] == {**TRAINING, "TrainingJobName": JOB}
    over = steps.TrainingStep(
        "S", TRAINING, JOB, parameters={"OutputDataConfig": shape("OutputDataConfig", s3_output_path="s3://p")}
    )
    assert over.to_dict()["Parameters"]["OutputDataConfig"] == {"S3OutputPath": "s3://p", "KmsKeyId": "k"}


def test_resources_of_the_other_jobs_and_of_hosting_make_steps() -> None:
    source = shape("TransformS3DataSource", s3_data_type="S3Prefix", s3_uri="s3://d/in")
    transform = resource(
        "TransformJob",
        transform_job_name="old",
        transform_job_status="Completed",
        model_name="m",
        transform_input=shape("TransformInput", data_source=shape("TransformDataSource", s3_data_source=source)),
        transform_output=shape("TransformOutput", s3_output_path="s3://o"),
        transform_resources=shape("TransformResources", instance_type="ml.m5.large", instance_count=1),
        max_payload_in_mb=7,
    )
    found = steps.TransformStep("S", transform, JOB, None).to_dict()["Parameters"]
    assert found["TransformOutput"] == {"S3OutputPath": "s3://o"}
    assert found["MaxPayloadInMB"] == 7
    processing = resource(
        "ProcessingJob",
        processing_job_name="old",
        processing_job_status="Completed",
        app_specification=shape("AppSpecification", image_uri="image:1"),
        processing_resources=shape(
            "ProcessingResources",
            cluster_config=shape(
                "ProcessingClusterConfig", instance_count=1, instance_type="ml.m5.large", volume_size_in_gb=5
            ),
        ),
        role_arn=ROLE,
    )
    found = steps.ProcessingStep("S", processing, JOB).to_dict()["Parameters"]
    assert set(found) == {"ProcessingJobName", "AppSpecification", "ProcessingResources", "RoleArn"}
    container = shape("ContainerDefinition", image="image:1", model_data_url="s3://m/model.tar.gz")
    model = resource("Model", model_name="old", primary_container=container, execution_role_arn=ROLE)
    found = steps.ModelStep("S", model, JOB).to_dict()["Parameters"]
    assert found["PrimaryContainer"] == {"Image": "image:1", "ModelDataUrl": "s3://m/model.tar.gz"}


def test_a_tuning_job_that_has_run_is_run_anew() -> None:
    limits = shape("ResourceLimits", max_number_of_training_jobs=2, max_parallel_training_jobs=1)
    tuning = resource(
        "HyperParameterTuningJob",
        hyper_parameter_tuning_job_name="old",
        hyper_parameter_tuning_job_status="Completed",
        hyper_parameter_tuning_job_config=shape(
            "HyperParameterTuningJobConfig", strategy="Random", resource_limits=limits
        ),
        training_job_definition=shape(
            "HyperParameterTrainingJobDefinition",
            algorithm_specification=shape(
                "HyperParameterAlgorithmSpecification", training_image="image:1", training_input_mode="File"
            ),
            role_arn=ROLE,
            output_data_config=output(),
            resource_config=machines(),
            stopping_condition=shape("StoppingCondition", max_runtime_in_seconds=60),
        ),
    )
    found = steps.TuningStep("S", tuning, JOB).to_dict()["Parameters"]
    assert found["HyperParameterTuningJobConfig"]["Strategy"] == "Random"
    assert found["TrainingJobDefinition"]["ResourceConfig"]["VolumeSizeInGB"] == 5


def test_endpoints_and_their_configurations_make_steps() -> None:
    variant = shape(
        "ProductionVariant",
        variant_name="A",
        model_name="m",
        serverless_config=shape("ProductionVariantServerlessConfig", memory_size_in_mb=2048, max_concurrency=1),
    )
    configuration = resource("EndpointConfig", endpoint_config_name="old", production_variants=[variant])
    found = steps.EndpointConfigStep("S", "new", request=configuration).to_dict()["Parameters"]
    assert found == {
        "EndpointConfigName": "new",
        "ProductionVariants": [
            {
                "VariantName": "A",
                "ModelName": "m",
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
            }
        ],
    }
    endpoint = resource("Endpoint", endpoint_name="e", endpoint_config_name="c", endpoint_status="InService")
    created, updated = (
        steps.EndpointStep("S", "e2", request=endpoint),
        steps.EndpointStep("S", "e", "d", update=True, request=endpoint),
    )
    assert created.to_dict()["Parameters"] == {"EndpointName": "e2", "EndpointConfigName": "c"}
    assert updated.to_dict()["Parameters"] == {"EndpointName": "e", "EndpointConfigName": "d"}


def test_every_member_of_our_requests_has_its_name_in_a_shape() -> None:
    model: Any = ServiceModel(create_loader().load_service_model("sagemaker", "service-2"))
    pending = [model.operation_model(operation).input_shape for operation in REQUEST_MEMBERS]
    seen: set[str] = set()
    wrong: list[str] = []
    while pending:
        found = pending.pop()
        if found.name in seen:
            continue
        seen.add(found.name)
        members = found.members if found.type_name == "structure" else {}
        pending += [*members.values(), *(getattr(found, name) for name in ("member", "value") if hasattr(found, name))]
        cls: Any = getattr(importlib.import_module("sagemaker.core.shapes.shapes"), found.name, None)
        if members and getattr(cls, "model_fields", None):
            names = set(described(cls.model_construct(**dict.fromkeys(cls.model_fields, "x"))))
            wrong += [
                f"{found.name}: {name}" for name in names - set(members) if name.lower() in map(str.lower, members)
            ]
    assert len(seen) > 200
    assert wrong == []
