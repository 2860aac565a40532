from __future__ import annotations

import json
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.inputs import ExecutionInput, StepInput, Variable, intrinsics
from mlflowsteps.local import LocalRuntime, VirtualClock
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"
INPUTS = ExecutionInput(schema={"Name": str})
TRANSFORM = {
    "ModelName": "m",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
    "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
}


class SageMaker:
    """Answers what is asked, in turn, and remembers the calls."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.calls = answers, list[tuple[str, dict[str, Any]]]()

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append((name, request))
            given = self.answers.get(name, [{}])
            answer = given.pop(0) if len(given) > 1 else given[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def run(client: SageMaker, step: steps.State | steps.Chain | steps.Graph, **inputs: str) -> Any:
    with LocalRuntime.temporary(clock=VirtualClock(), clients={"sagemaker": client}) as runtime:
        workflow = Workflow("W", step, ROLE, client=runtime, execution_input=INPUTS)
        workflow.create()
        return workflow.execute(inputs=inputs or {"Name": "n"}).get_output(wait=True)


def endpoint(status: str) -> dict[str, Any]:
    return {"EndpointName": "n", "EndpointConfigName": "config", "EndpointStatus": status}


def test_waiting_for_an_endpoint_asks_until_it_is_in_service_and_gives_its_description() -> None:
    client = SageMaker(describe_endpoint=[endpoint("Creating"), endpoint("Creating"), endpoint("InService")])
    output = run(client, steps.WaitForEndpointStep("Ready", INPUTS["Name"]))

    assert output == endpoint("InService")
    assert client.calls == [("describe_endpoint", {"EndpointName": "n"})] * 3


def test_an_endpoint_that_fails_ends_the_wait_and_can_be_caught() -> None:
    with pytest.raises(ExecutionFailed, match=r"States\.TaskFailed"):
        run(SageMaker(describe_endpoint=[endpoint("Failed")]), steps.WaitForEndpointStep("Ready", INPUTS["Name"]))
    ready = steps.WaitForEndpointStep("Ready", INPUTS["Name"])
    ready.add_catch(steps.Catch(steps.Pass("Told"), error_equals=["States.TaskFailed"]))
    assert run(SageMaker(describe_endpoint=[endpoint("Failed")]), ready)["Error"] == "States.TaskFailed"


def test_a_result_path_keeps_the_input_beside_the_description() -> None:
    client = SageMaker(describe_endpoint=[endpoint("InService")])
    output = run(client, steps.WaitForEndpointStep("Ready", INPUTS["Name"], result_path="$.endpoint"))
    assert output == {"Name": "n", "endpoint": endpoint("InService")}


def test_deploying_updates_an_endpoint_that_is_there_and_creates_one_that_is_not() -> None:
    there = SageMaker(describe_endpoint=[endpoint("InService")])
    run(there, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "config"))
    assert [name for name, _ in there.calls] == ["describe_endpoint", "update_endpoint", "describe_endpoint"]

    from botocore.exceptions import ClientError

    missing = ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "DescribeEndpoint")
    client = SageMaker(describe_endpoint=[missing, missing, missing, endpoint("Creating"), endpoint("InService")])
    assert run(client, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "config")) == endpoint("InService")
    assert client.calls[3] == ("create_endpoint", {"EndpointName": "n", "EndpointConfigName": "config"})


def test_an_update_that_is_rolled_back_is_a_failure() -> None:
    old = {**endpoint("InService"), "EndpointConfigName": "old", "FailureReason": "no memory"}
    with pytest.raises(ExecutionFailed, match=r"States\.TaskFailed\n.*no memory"):
        run(SageMaker(describe_endpoint=[old]), steps.DeployEndpointStep("Deploy", INPUTS["Name"], "config"))
    with pytest.raises(ExecutionFailed, match="UpdateRollbackFailed"):
        run(SageMaker(describe_endpoint=[endpoint("UpdateRollbackFailed")]), steps.WaitForEndpointStep("Ready", "n"))


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_names_that_an_earlier_step_gives_are_kept_while_a_step_polls_in_either_language(language: str) -> None:
    first = steps.Pass("First", result={"name": "n"}, output_schema={"name": str})
    name = first.output()["name"]
    client = SageMaker(
        describe_endpoint=[endpoint("InService")],
        start_pipeline_execution=[{"PipelineExecutionArn": "arn"}],
        describe_pipeline_execution=[{"PipelineExecutionStatus": "Succeeded"}],
    )
    chain = steps.Chain(
        [
            first,
            steps.WaitForEndpointStep("Ready", name, result_path="$.endpoint"),
            steps.DeployEndpointStep("Deploy", name, "config", result_path=None),
            steps.PipelineExecutionStep("Pipeline", name, {"Name": name}),
        ]
    )
    assert run(client, steps.Graph(chain, query_language=language)) == {"PipelineExecutionStatus": "Succeeded"}
    started = next(request for call, request in client.calls if call == "start_pipeline_execution")
    assert (started["PipelineName"], started["PipelineParameters"]) == ("n", [{"Name": "Name", "Value": "n"}])
    assert ("update_endpoint", {"EndpointName": "n", "EndpointConfigName": "config"}) in client.calls


@pytest.mark.parametrize("missing", [1, 3])
def test_an_endpoint_is_created_in_a_jsonata_machine_only_where_no_question_finds_it(missing: int) -> None:
    client = SageMaker(describe_endpoint=[throttled("DescribeEndpoint")] * missing + [endpoint("InService")])
    step = steps.DeployEndpointStep("Deploy", INPUTS["Name"], "config")
    assert run(client, steps.Graph(step, query_language="JSONata")) == endpoint("InService")
    assert [name for name, _ in client.calls][missing : missing + 2] == (
        ["describe_endpoint", "update_endpoint"] if missing == 1 else ["create_endpoint", "describe_endpoint"]
    )


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_pipeline_that_fails_ends_the_step_with_its_description(status: str) -> None:
    client = SageMaker(
        start_pipeline_execution=[{"PipelineExecutionArn": "arn"}],
        describe_pipeline_execution=[{"PipelineExecutionStatus": "Executing"}, {"PipelineExecutionStatus": status}],
    )
    with pytest.raises(ExecutionFailed, match=rf"States\.TaskFailed\n.*{status}"):
        run(client, steps.PipelineExecutionStep("Pipeline", "p"))


def test_a_pipeline_is_started_and_waited_for() -> None:
    client = SageMaker(
        start_pipeline_execution=[{"PipelineExecutionArn": "arn"}],
        describe_pipeline_execution=[{"PipelineExecutionStatus": "Succeeded"}],
    )
    output = run(client, steps.PipelineExecutionStep("Pipeline", "p", {"Rounds": 5}))
    assert output == {"PipelineExecutionStatus": "Succeeded"}
    request = {"PipelineName": "p", "PipelineParameters": [{"Name": "Rounds", "Value": "5"}]}
    assert client.calls[0][0] == "start_pipeline_execution"
    assert {key: client.calls[0][1][key] for key in request} == request
    assert client.calls[1] == ("describe_pipeline_execution", {"PipelineExecutionArn": "arn"})


def test_a_step_by_sdk_calls_asks_for_the_job_that_it_started() -> None:
    client = SageMaker(
        create_transform_job=[{"TransformJobArn": "a"}],
        describe_transform_job=[{"TransformJobStatus": "InProgress"}, {"TransformJobStatus": "Completed"}],
    )
    name = intrinsics.format("job-{}", intrinsics.uuid())
    step = steps.TransformStep("Transform", TRANSFORM, name, None, integration="aws-sdk")
    assert run(client, step >> steps.Pass("After")) == {"TransformJobStatus": "Completed"}
    assert [call for call, _ in client.calls] == ["create_transform_job", *["describe_transform_job"] * 2]
    assert len({request["TransformJobName"] for _, request in client.calls}) == 1


PROCESSING = {
    "AppSpecification": {"ImageUri": "i"},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    "RoleArn": ROLE,
}
TRAINING = {
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
    "RoleArn": ROLE,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
TUNING = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
    },
    "TrainingJobDefinition": TRAINING,
}


def transform(**more: Any) -> steps.TransformStep:
    return steps.TransformStep("Job", TRANSFORM, INPUTS["Name"], None, integration="aws-sdk", **more)


JOBS: dict[str, Any] = {
    "training_job": lambda: steps.TrainingStep("Job", TRAINING, INPUTS["Name"], integration="aws-sdk"),
    "processing_job": lambda: steps.ProcessingStep("Job", PROCESSING, INPUTS["Name"], integration="aws-sdk"),
    "transform_job": transform,
    "hyper_parameter_tuning_job": lambda: steps.TuningStep("Job", TUNING, INPUTS["Name"], integration="aws-sdk"),
}


def described(kind: str, status: str) -> dict[str, Any]:
    name = "".join(part.title() for part in kind.split("_"))
    return {f"{name}Name": "n", f"{name}Status": status}


def client_of(kind: str, *answers: Any) -> SageMaker:
    return SageMaker(**{f"create_{kind}": [{}], f"describe_{kind}": list(answers)})


@pytest.mark.parametrize("kind", JOBS)
def test_every_kind_of_job_is_waited_for_by_sdk_calls(kind: str) -> None:
    client = client_of(kind, described(kind, "InProgress"), described(kind, "Completed"))
    assert run(client, JOBS[kind]()) == described(kind, "Completed")
    assert [name for name, _ in client.calls] == [f"create_{kind}", f"describe_{kind}", f"describe_{kind}"]


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
@pytest.mark.parametrize("kind", JOBS)
def test_a_job_that_fails_or_is_stopped_ends_the_step_as_the_optimized_integration_does(kind: str, status: str) -> None:
    step = JOBS[kind]()
    step.add_catch(steps.Catch(steps.Pass("Told"), error_equals=["States.TaskFailed"]))
    found = run(client_of(kind, described(kind, status)), step)
    assert found["Error"] == "States.TaskFailed"
    assert json.loads(found["Cause"]) == described(kind, status)


def throttled(operation: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)


def test_a_question_that_is_throttled_is_asked_again_and_the_job_is_not_created_again() -> None:
    busy = throttled("DescribeTransformJob")
    client = client_of("transform_job", busy, busy, busy, described("transform_job", "Completed"))
    assert run(client, transform()) == described("transform_job", "Completed")
    assert [name for name, _ in client.calls].count("create_transform_job") == 1


def test_a_retrier_of_the_step_creates_anew_a_job_that_was_not_taken() -> None:
    client = client_of("transform_job", described("transform_job", "Completed"))
    client.answers["create_transform_job"] = [throttled("CreateTransformJob"), {}]
    assert run(client, transform(retry=steps.Retry(error_equals=["States.ALL"]))) == described(
        "transform_job", "Completed"
    )
    assert [name for name, _ in client.calls].count("create_transform_job") == 2


def test_a_step_that_polls_stands_in_a_jsonata_machine_and_selects_its_input() -> None:
    done = described("transform_job", "Completed")
    machine = steps.Graph(transform() >> steps.Pass("After"), query_language="JSONata")
    assert run(client_of("transform_job", done), machine) == done

    name = StepInput()["job"]
    step = steps.TransformStep("Job", TRANSFORM, name, None, integration="aws-sdk", input_path="$.inner")
    first = steps.Pass("First", result={"inner": {"job": "from-inside"}})
    client = client_of("transform_job", done)
    run(client, first >> step)
    assert client.calls[0][1]["TransformJobName"] == "from-inside"


def test_variables_of_a_step_that_polls_are_read_from_the_answer() -> None:
    step = transform(assign={"status": StepInput()["TransformJobStatus"]})
    after = steps.Pass("After", parameters={"status": Variable("status")})
    found = run(client_of("transform_job", described("transform_job", "Completed")), step >> after)
    assert found == {"status": "Completed"}


def test_the_calls_of_a_step_that_polls_are_made_with_its_credentials() -> None:
    given = {"RoleArn": "arn:aws:iam::123456789012:role/other"}
    states = transform(credentials=given).to_dict()["Branches"][0]["States"]
    assert {name: state.get("Credentials") for name, state in states.items() if state["Type"] == "Task"} == {
        "Job: call": given,
        "Job: ask": given,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout_seconds": 5},
        {"heartbeat_seconds": 5},
        {"timeout_seconds_path": "$.x"},
        {"result_selector": {"a": 1}},
        {"output_path": "$.x"},
        {"output": {"a": 1}, "query_language": "JSONata"},
    ],
)
def test_what_a_loop_cannot_keep_is_refused_when_the_step_is_made(fields: Any) -> None:
    with pytest.raises(ValueError, match=f"Step 'Job': a step that polls .*{next(iter(fields))}"):
        transform(**fields)


def test_states_inside_are_told_apart_by_the_whole_name_of_the_step() -> None:
    def of(name: str) -> list[steps.State]:
        transforming = steps.TransformStep(name, TRANSFORM, "job", None, integration="aws-sdk")
        return [transforming, steps.DeployEndpointStep(f"{name}d", "e", "c")]

    chain = steps.Chain([*of("A" * 78 + "1"), *of("A" * 78 + "2"), *of("Short")])
    definition = steps.Graph(chain).to_dict()
    assert validate(definition) == []
    assert "Short: ask" in definition["States"]["Short"]["Branches"][0]["States"]


def test_a_step_by_sdk_calls_that_does_not_wait_is_one_task() -> None:
    step = steps.TransformStep("T", TRANSFORM, "job", None, wait_for_completion=False, integration="aws-sdk")
    found = step.to_dict()
    assert found["Type"] == "Task"
    assert found["Resource"] == "arn:aws:states:::aws-sdk:sagemaker:createTransformJob"


def test_other_integrations_and_paths_that_a_loop_cannot_give_are_refused() -> None:
    with pytest.raises(ValueError, match="optimized"):
        steps.TransformStep("T", TRANSFORM, "job", None, integration="sdk")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="result_path"):
        steps.WaitForEndpointStep("Ready", "n", result_path="$.a.b")


def test_steps_of_the_registry_and_deleting_call_the_api_by_its_names() -> None:
    model = {"PrimaryContainer": {"Image": "i", "ModelDataUrl": INPUTS["Name"], "Mode": "SingleModel"}}
    group = steps.ModelPackageGroupStep("Group", "g", "what", {"k": "v"}).to_dict()
    package = steps.ModelPackageStep("Package", "g", model, ["text/csv"], ["text/csv"]).to_dict()
    approve = steps.ApproveModelPackageStep("Approve", INPUTS["Name"]).to_dict()
    delete = steps.DeleteEndpointStep("Delete", INPUTS["Name"]).to_dict()

    assert group["Parameters"]["Tags"] == [{"Key": "k", "Value": "v"}]
    assert package["Resource"] == "arn:aws:states:::aws-sdk:sagemaker:createModelPackage"
    assert package["Parameters"]["InferenceSpecification"]["Containers"] == [
        {"Image": "i", "ModelDataUrl.$": "$$.Execution.Input['Name']"}
    ]
    assert approve["Parameters"] == {
        "ModelPackageArn.$": "$$.Execution.Input['Name']",
        "ModelApprovalStatus": "Approved",
    }
    assert delete["Parameters"] == {"EndpointName.$": "$$.Execution.Input['Name']"}


def test_a_model_of_a_package_is_no_container_of_another_package() -> None:
    model = {"PrimaryContainer": {"ModelPackageName": "arn:aws:sagemaker:us-east-1:123456789012:model-package/p/1"}}
    with pytest.raises(TypeError, match=r"an Image of their own.*give a request of CreateModelPackage"):
        steps.ModelPackageStep("Package", "g", model, ["text/csv"], ["text/csv"])


def test_the_best_training_job_is_read_from_the_tuning_step() -> None:
    tuning = steps.TuningStep("Tune", {"HyperParameterTuningJobConfig": {"Strategy": "Random"}}, "tuning")
    assert tuning.best_training_job.name.to_jsonpath() == "$['BestTrainingJob']['TrainingJobName']"
    assert tuning.best_training_job.model_artifacts.to_jsonpath() == (
        "States.Format('{}/{}/output/model.tar.gz', $['TrainingJobDefinition']['OutputDataConfig']['S3OutputPath'], "
        "$['BestTrainingJob']['TrainingJobName'])"
    )


@pytest.mark.parametrize("key", ["TrainingJobDefinition", "TrainingJobDefinitions"])
def test_the_best_model_is_looked_for_where_sagemaker_writes_it_also_below_a_path_that_ends_in_a_slash(
    key: str,
) -> None:
    definition = {**TRAINING, "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"}}
    request = {**TUNING, key: [definition, definition] if key.endswith("s") else definition}
    if key.endswith("s"):
        del request["TrainingJobDefinition"]
    tuning = steps.TuningStep("Tune", request, "tuning", integration="aws-sdk")
    after = steps.Pass("After", parameters={"model": tuning.best_training_job.model_artifacts})
    done = {"HyperParameterTuningJobStatus": "Completed", "BestTrainingJob": {"TrainingJobName": "best"}}
    found = run(client_of("hyper_parameter_tuning_job", done), tuning >> after)
    assert found == {"model": "s3://bucket/models/best/output/model.tar.gz"}


def test_what_steps_read_from_an_earlier_job_lies_below_its_result_path() -> None:
    tuning = steps.TuningStep("Tune", {"HyperParameterTuningJobConfig": {}}, "t", result_path="$.found['by us']")
    path = tuning.best_training_job.name.to_jsonpath()
    assert path == "$['found']['by us']['BestTrainingJob']['TrainingJobName']"
    request = {"AlgorithmSpecification": {"TrainingImage": "image"}, "RoleArn": "role"}
    train = steps.TrainingStep("Train", request, "job", result_path="$.training")
    data = train.get_expected_model()["PrimaryContainer"]["ModelDataUrl"]
    assert data.to_jsonpath() == "$['training']['ModelArtifacts']['S3ModelArtifacts']"
