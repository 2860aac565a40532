"""Seed S2: the Data Science SDK's tutorial: train, save, transform, deploy, ask the endpoint."""

from __future__ import annotations

import random
from typing import Any

from mlflowsteps import steps
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.workflow import Workflow
from tests.seeds.conftest import ROLE, mean_rmse, read_object, rmse, states_entered
from tests.seeds.data import libsvm, regression
from tests.seeds.published import abalone

REGION, BUCKET, PREFIX = "us-east-1", "sagemaker-demo", "sagemaker/DEMO-xgboost-regression"
BUCKET_PATH = f"https://s3-{REGION}.amazonaws.com/{BUCKET}"  # the tutorial's form of an S3 URI
STATES = ["Train Step", "Save model", "Transform Input Dataset", "Create Endpoint Config", "Create Endpoint"]

ESTIMATOR: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1",
        "TrainingInputMode": "File",
    },
    # gamme and silent stand in the tutorial: the image of that time takes names it does not know
    "HyperParameters": {
        "objective": "reg:linear", "num_round": 50, "max_depth": 5, "eta": 0.2, "gamme": 4,
        "min_child_weight": 6, "subsample": 0.7, "silent": 0,
    },
    "OutputDataConfig": {"S3OutputPath": f"{BUCKET_PATH}/{PREFIX}/single-xgboost"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m4.4xlarge", "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "RoleArn": ROLE,
}  # fmt: skip
TRANSFORMER: dict[str, Any] = {
    "TransformOutput": {"S3OutputPath": f"{BUCKET_PATH}/{PREFIX}/transformed"},
    "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
}


def channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET_PATH}/{PREFIX}/{name}"}
    return {"DataSource": {"S3DataSource": source}, "ContentType": "libsvm"}


def tutorial(runtime: LocalRuntime) -> Workflow:
    inputs = ExecutionInput(schema={"JobName": str, "ModelName": str, "EndpointName": str})
    train = steps.TrainingStep(
        "Train Step",
        estimator=ESTIMATOR,
        data={name: channel(name) for name in ("train", "validation")},
        job_name=inputs["JobName"],
    )
    save = steps.ModelStep("Save model", model=train.get_expected_model(), model_name=inputs["ModelName"])
    transform = steps.TransformStep(
        "Transform Input Dataset",
        transformer=TRANSFORMER,
        job_name=inputs["JobName"],
        model_name=inputs["ModelName"],
        data=f"{BUCKET_PATH}/{PREFIX}/test",
        content_type="text/libsvm",
    )
    configure = steps.EndpointConfigStep(
        "Create Endpoint Config",
        endpoint_config_name=inputs["ModelName"],
        model_name=inputs["ModelName"],
        initial_instance_count=1,
        instance_type="ml.m5.large",
    )
    deploy = steps.EndpointStep(
        "Create Endpoint", endpoint_name=inputs["EndpointName"], endpoint_config_name=inputs["ModelName"]
    )
    chain = steps.Chain([train, save, transform, configure, deploy])
    return Workflow("MyTrainTransformDeploy_v1", chain, role=ROLE, execution_input=inputs, client=runtime)


def upload(runtime: LocalRuntime, parts: dict[str, str]) -> None:
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name, text in parts.items():
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=text.encode())


def run(runtime: LocalRuntime, train: str, validation: str, test: str) -> tuple[Workflow, Any, list[float]]:
    """The workflow, its finished execution, and the transform's predictions, one for each row of ``test``."""
    upload(runtime, {"train": train, "validation": validation, "test": test})
    workflow = tutorial(runtime)
    workflow.create()
    names = {"JobName": "regression-1", "ModelName": "regression-1", "EndpointName": "regression-1"}
    execution = workflow.execute(inputs=names)
    execution.get_output(wait=True)
    body = read_object(runtime, BUCKET, f"{PREFIX}/transformed/test.out").decode()
    return workflow, execution, [float(value) for value in body.replace(",", "\n").split()]


def labels(text: str) -> list[float]:
    return [float(line.split()[0]) for line in text.splitlines()]


def test_the_tutorial_trains_transforms_deploys_and_answers(runtime: LocalRuntime) -> None:
    train, validation, test = (libsvm(regression(n, seed=s)) for n, s in ((400, 1), (100, 2), (100, 3)))
    _, execution, found = run(runtime, train, validation, test)

    assert states_entered(runtime, execution.execution_arn) == STATES
    assert rmse(found, labels(test)) < 0.6 * mean_rmse(labels(train), labels(test))

    waiter = runtime.client("sagemaker").get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="regression-1", WaiterConfig={"Delay": 1})
    answer = runtime.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="regression-1", ContentType="text/libsvm", Body=test.splitlines()[0].encode()
    )
    assert abs(float(answer["Body"].read()) - found[0]) < 1e-5
    job = runtime.client("sagemaker").describe_training_job(TrainingJobName="regression-1")
    metrics = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert 0 < metrics["validation:rmse"] < mean_rmse(labels(train), labels(validation))


def test_every_view_of_the_tutorial_shows_its_states(runtime: LocalRuntime) -> None:
    train, validation, test = (libsvm(regression(n, seed=s)) for n, s in ((200, 1), (50, 2), (50, 3)))
    workflow, execution, _ = run(runtime, train, validation, test)

    for view in (workflow.render_graph(), execution.render_progress()):
        assert all(state in view.to_svg() for state in STATES)
        assert all(state in str(view) for state in STATES)
    events = execution.list_events(html=True)._repr_html_()
    assert all(state in events for state in STATES)
    assert execution.name in workflow.list_executions(html=True)._repr_html_()
    assert workflow.name in Workflow.list_workflows(html=True, client=runtime)._repr_html_()


def test_many_experiments_run_at_the_same_time_each_with_a_model_of_its_own(runtime: LocalRuntime) -> None:
    train, validation = libsvm(regression(200, seed=1)), libsvm(regression(50, seed=2))
    upload(runtime, {"train": train, "validation": validation})
    inputs = ExecutionInput(schema={"JobName": str})
    experiments = steps.Parallel("Experiments")
    for depth in (2, 4, 6):
        experiments.add_branch(
            steps.TrainingStep(
                f"Depth {depth}",
                estimator=ESTIMATOR,
                hyperparameters={"max_depth": depth},
                data={name: channel(name) for name in ("train", "validation")},
                job_name=f"experiment-depth-{depth}",
            )
        )
    workflow = Workflow("Experiments", experiments, role=ROLE, execution_input=inputs, client=runtime)
    workflow.create()

    output = workflow.execute(inputs={"JobName": "x"}).get_output(wait=True)

    assert [job["HyperParameters"]["max_depth"] for job in output] == ["2", "4", "6"]
    assert all(job["TrainingJobStatus"] == "Completed" for job in output)


def test_abalone_trains_to_an_error_below_2_4_rings(runtime: LocalRuntime) -> None:
    lines = abalone()
    random.Random(0).shuffle(lines)
    first, second = int(0.7 * len(lines)), int(0.85 * len(lines))
    parts = ["\n".join(part) + "\n" for part in (lines[:first], lines[first:second], lines[second:])]

    _, _, found = run(runtime, *parts)

    assert len(found) == len(lines) - second
    assert rmse(found, labels(parts[2])) < 2.4
