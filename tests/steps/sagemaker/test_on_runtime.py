"""Steps beside SageMaker's jobs, on the embedded runtime's own SageMaker: what goes well, and what does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import ExecutionFailed
from mlflowsteps.inputs import ExecutionInput, MapItemValue
from mlflowsteps.local import LocalRuntime, VirtualClock
from mlflowsteps.workflow import Workflow

ROLE = "arn:aws:iam::123456789012:role/workflow"
INPUTS = ExecutionInput(schema={"Name": str})
SERVE = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[LocalRuntime]:
    with LocalRuntime.temporary(clock=VirtualClock()) as runtime:
        (tmp_path / "serve.py").write_text(SERVE)
        runtime.register_image("serves", [sys.executable, str(tmp_path / "serve.py")])
        runtime.register_image("broken", [sys.executable, "-c", "raise SystemExit('no weights')"])
        yield runtime


def run(runtime: LocalRuntime, step: Any, name: str = "endpoint") -> Any:
    workflow = Workflow("W", step, ROLE, client=runtime, execution_input=INPUTS)
    workflow.upsert()
    return workflow.execute(inputs={"Name": name}).get_output(wait=True)


def configure(runtime: LocalRuntime, *images: str) -> None:
    client = runtime.client("sagemaker")
    for image in images:
        client.create_model(ModelName=image, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image})
        variant = {"VariantName": "v", "ModelName": image, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        client.create_endpoint_config(EndpointConfigName=image, ProductionVariants=[variant])


def test_an_endpoint_is_deployed_updated_rolled_back_waited_for_and_deleted(runtime: LocalRuntime) -> None:
    configure(runtime, "serves", "broken")
    created = run(runtime, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "serves"))
    assert (created["EndpointStatus"], created["EndpointConfigName"]) == ("InService", "serves")
    assert run(runtime, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "serves"))["EndpointStatus"] == "InService"

    with pytest.raises(ExecutionFailed) as caught:
        run(runtime, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "broken"))
    assert caught.value.error == "States.TaskFailed"
    assert json.loads(str(caught.value.cause))["EndpointConfigName"] == "serves"

    waited = run(
        runtime, steps.WaitForEndpointStep("Ready", INPUTS["Name"]) >> steps.DeleteEndpointStep("Gone", "endpoint")
    )
    assert not waited or "EndpointStatus" not in waited
    assert runtime.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_what_is_wrong_with_an_endpoint_is_told(runtime: LocalRuntime) -> None:
    configure(runtime, "broken")
    with pytest.raises(ExecutionFailed, match="no weights") as caught:
        run(runtime, steps.DeployEndpointStep("Deploy", INPUTS["Name"], "broken"))
    assert caught.value.error == "States.TaskFailed"
    for step in (steps.WaitForEndpointStep("Ready", "nobody"), steps.DeleteEndpointStep("Delete", "nobody")):
        with pytest.raises(ExecutionFailed, match=r"SageMaker\.SageMakerException[^\0]*Could not find endpoint"):
            run(runtime, step)
    with pytest.raises(ExecutionFailed, match="Could not find endpoint configuration"):
        run(runtime, steps.DeployEndpointStep("Deploy", "new", "nothing"))


def test_a_model_is_registered_approved_and_a_group_that_is_there_can_be_passed_over(runtime: LocalRuntime) -> None:
    group = steps.ModelPackageGroupStep("Group", "group", result_path=None)
    model = {"PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}}
    register = steps.ModelPackageStep("Register", "group", model, ["text/csv"], ["text/csv"])
    approve = steps.ApproveModelPackageStep("Approve", register.output()["ModelPackageArn"])
    group.add_catch(steps.Catch(register, error_equals=["SageMaker.SageMakerException"], result_path=None))
    chain = steps.Chain([group, register, approve])

    arns = [run(runtime, chain)["ModelPackageArn"] for _ in range(2)]
    client = runtime.client("sagemaker")
    found = [client.describe_model_package(ModelPackageName=arn) for arn in arns]
    assert [(each["ModelPackageVersion"], each["ModelApprovalStatus"]) for each in found] == [
        (1, "Approved"),
        (2, "Approved"),
    ]
    with pytest.raises(ExecutionFailed, match=r"SageMaker\.\w*Exception"):
        run(runtime, steps.ModelPackageStep("Register", "no-group", model, ["text/csv"], ["text/csv"]))


def training(integration: Any, image: str) -> steps.TrainingStep:
    request = {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return steps.TrainingStep("Train", request, INPUTS["Name"], integration=integration)


def test_a_training_job_ends_alike_by_either_integration(runtime: LocalRuntime) -> None:
    runtime.client("s3").create_bucket(Bucket="bucket")
    runtime.register_image("works", [sys.executable, "-c", "print('trained')"])
    for image, status in (("works", "Completed"), ("broken", "Failed")):
        found: list[Any] = []
        for integration in ("optimized", "aws-sdk"):
            step = training(integration, image)
            step.add_catch(steps.Catch(steps.Pass("Told"), error_equals=["States.TaskFailed"]))
            output = run(runtime, step, f"{image}-{integration}")
            found.append(json.loads(output["Cause"]) if "Cause" in output else output)
        assert [each["TrainingJobStatus"] for each in found] == [status, status]
        reasons = [each.get("FailureReason", "").splitlines()[:1] for each in found]
        assert reasons[0] == [line.replace("aws-sdk", "optimized") for line in reasons[1]]


@pytest.mark.parametrize("integration", ["optimized", "aws-sdk"])
def test_a_job_that_is_not_taken_is_told_and_tried_again_alike_by_either_integration(
    runtime: LocalRuntime, integration: str
) -> None:
    runtime.client("s3").create_bucket(Bucket="bucket")
    runtime.register_image("works", [sys.executable, "-c", "print('trained')"])
    runtime.fail_next("sagemaker", "CreateTrainingJob", "ThrottlingException")
    with pytest.raises(ExecutionFailed) as caught:
        run(runtime, training(integration, "works"), "job")
    assert caught.value.error == "SageMaker.AmazonSageMakerException"

    runtime.fail_next("sagemaker", "CreateTrainingJob", "ThrottlingException", times=2)
    if integration == "aws-sdk":
        runtime.fail_next("sagemaker", "DescribeTrainingJob", "ThrottlingException", times=2)
    step = training(integration, "works")
    step.add_retry(steps.sagemaker_retry())
    assert run(runtime, step, "job")["TrainingJobStatus"] == "Completed"


def evaluation(item: MapItemValue) -> steps.ProcessingStep:
    request = {
        "AppSpecification": {"ImageUri": "evaluates"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "Environment": {"SET": item["name"]},
        "RoleArn": ROLE,
    }
    return steps.ProcessingStep("Evaluate", request, item["name"], outputs={"report": item["report"]})


def test_a_map_of_processing_jobs_evaluates_every_set_and_tells_the_one_that_failed(runtime: LocalRuntime) -> None:
    runtime.client("s3").create_bucket(Bucket="bucket")
    program = "import os, sys; sys.exit('bad data' if os.environ['SET'] == 'bad' else 0)"
    runtime.register_image("evaluates", [sys.executable, "-c", program])
    sets = [{"name": name, "report": f"s3://bucket/{name}"} for name in ("good", "fine")]
    evaluate = steps.Map("All", iterator=evaluation, max_concurrency=1)
    workflow = Workflow("W", evaluate, ROLE, client=runtime)
    workflow.create()
    done = workflow.execute(inputs=sets).get_output(wait=True)
    assert [each["ProcessingJobStatus"] for each in done] == ["Completed", "Completed"]
    with pytest.raises(ExecutionFailed, match="bad data"):
        workflow.execute(inputs=[{"name": "bad", "report": "s3://bucket/bad"}]).get_output(wait=True)
