"""The old SDK's tutorial for SageMaker SDK 2, as its notebook has it, cell by cell, importing the old package.

The test runs its text with ``stepfunctions`` as it stands, and once more with that one word replaced by ours.
"""

import random
import uuid
from typing import Any

import boto3
import sagemaker
import stepfunctions
from sagemaker.amazon.amazon_estimator import get_image_uri
from stepfunctions import steps
from stepfunctions.inputs import ExecutionInput
from stepfunctions.workflow import Workflow

session = sagemaker.Session()
stepfunctions.set_stream_logger(level=40)

region = boto3.Session().region_name
bucket = session.default_bucket()
prefix = "sagemaker/DEMO-xgboost-regression"
bucket_path = f"https://s3-{region}.amazonaws.com/{bucket}"
sagemaker_execution_role = workflow_execution_role = "arn:aws:iam::123456789012:role/sagemaker"

# Configure the estimator; the names that SDK 2 gave up warn, and work.
xgb = sagemaker.estimator.Estimator(
    get_image_uri(region, "xgboost"),
    sagemaker_execution_role,
    train_instance_count=1,
    train_instance_type="ml.m4.4xlarge",
    train_volume_size=5,
    output_path=bucket_path + "/" + prefix + "/single-xgboost",
    sagemaker_session=session,
)
xgb.set_hyperparameters(
    objective="reg:linear",
    num_round=50,
    max_depth=5,
    eta=0.2,
    gamme=4,
    min_child_weight=6,
    subsample=0.7,
    silent=0,
)

# Build the workflow.
execution_input = ExecutionInput(schema={"JobName": str, "ModelName": str, "EndpointName": str})
training_step = steps.TrainingStep(
    "Train Step",
    estimator=xgb,
    data={
        "train": sagemaker.inputs.TrainingInput(bucket_path + "/" + prefix + "/train", content_type="libsvm"),
        "validation": sagemaker.inputs.TrainingInput(bucket_path + "/" + prefix + "/validation", content_type="libsvm"),
    },
    job_name=execution_input["JobName"],
)
model_step = steps.ModelStep(
    "Save model", model=training_step.get_expected_model(), model_name=execution_input["ModelName"]
)
transform_step = steps.TransformStep(
    "Transform Input Dataset",
    transformer=xgb.transformer(instance_count=1, instance_type="ml.m5.large"),
    job_name=execution_input["JobName"],
    model_name=execution_input["ModelName"],
    data=bucket_path + "/" + prefix + "/test",
    content_type="text/libsvm",
)
endpoint_config_step = steps.EndpointConfigStep(
    "Create Endpoint Config",
    endpoint_config_name=execution_input["ModelName"],
    model_name=execution_input["ModelName"],
    initial_instance_count=1,
    instance_type="ml.m5.large",
)
endpoint_step = steps.EndpointStep(
    "Create Endpoint",
    endpoint_name=execution_input["EndpointName"],
    endpoint_config_name=execution_input["ModelName"],
)
workflow_definition = steps.Chain([training_step, model_step, transform_step, endpoint_config_step, endpoint_step])
workflow = Workflow(
    name="MyTrainTransformDeploy_v1",
    definition=workflow_definition,
    role=workflow_execution_role,
    execution_input=execution_input,
)
workflow.render_graph()


def run(data: list[str]) -> tuple[Any, ...]:
    """The cells that need AWS: upload the data, create the workflow, run it, look at it."""
    random.shuffle(data)
    first, second = int(0.7 * len(data)), int(0.85 * len(data))
    for channel, lines in {"train": data[:first], "validation": data[first:second], "test": data[second:]}.items():
        session.upload_string_as_file_body("\n".join(lines) + "\n", bucket, f"{prefix}/{channel}")
    workflow.create()
    execution = workflow.execute(
        inputs={
            "JobName": f"regression-{uuid.uuid1().hex}",
            "ModelName": f"regression-{uuid.uuid1().hex}",
            "EndpointName": f"regression-{uuid.uuid1().hex}",
        }
    )
    execution.render_progress()
    output = execution.get_output(wait=True)
    events = execution.list_events(html=True)
    executions = workflow.list_executions(html=True)
    workflows = Workflow.list_workflows(html=True)
    return output, execution, events, executions, workflows
