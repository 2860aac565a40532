"""Train a preprocessor and an estimator on what it makes of the data, and deploy both as one model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps import Chain, EndpointConfigStep, EndpointStep, ModelStep, TrainingStep, TransformStep
from mlflowsteps.template.pipeline.common import (
    StepId,
    WorkflowTemplate,
    expected_model,
    instances,
    model_data_uri,
    put_hyperparameters,
    put_job,
    put_names,
)
from mlflowsteps.workflow import Execution, Workflow

__all__ = ["InferencePipeline"]

_MAX_PAYLOAD_MB = 20


class InferencePipeline(WorkflowTemplate):
    """Trains a preprocessor, transforms the data with it, trains an estimator on that, and deploys both in a row.

    Args:
        preprocessor: the request of CreateTrainingJob in boto3's shape, or an estimator of SageMaker's SDK.
        estimator: the same.
        inputs: the training data of the preprocessor by channel, as ``TrainingStep``'s ``data``; the channel
            ``train`` is also what is transformed.
        s3_bucket: name of the bucket for models and transformed data, below the pipeline's name.
        role: ARN of the role that Step Functions acts as.
        client: as ``Workflow``'s.
        compression_type: of the data to be transformed: None or ``Gzip``.
        content_type: of the data to be transformed, such as ``text/csv``; the channel's where left out.
        pipeline_name: name of the workflow; ``inference-pipeline-<timestamp>`` where left out.

    Raises:
        TypeError: ``preprocessor`` or ``estimator`` is no request.
        ValueError: ``inputs`` has no channel ``train``; a placeholder stands in a request.
    """

    def __init__(
        self,
        preprocessor: object,
        estimator: object,
        inputs: Json,
        s3_bucket: str,
        role: str,
        client: object = None,
        *,
        compression_type: str | None = None,
        content_type: str | None = None,
        pipeline_name: str | None = None,
    ) -> None:
        self.preprocessor, self.estimator, self.inputs, self.s3_bucket = preprocessor, estimator, inputs, s3_bucket
        self.compression_type, self.content_type = compression_type, content_type
        self.pipeline_name = pipeline_name or f"inference-pipeline-{self._generate_timestamp()}"
        self.definition = self.build_workflow_definition()
        self.input_template = self._extract_input_template(self.definition)
        workflow = Workflow(self.pipeline_name, self.definition, role, client=client)
        super().__init__(s3_bucket=s3_bucket, workflow=workflow, role=role, client=client)

    def build_workflow_definition(self) -> Chain:
        """The seven steps, from Train Preprocessor to Deploy."""
        name = self.pipeline_name
        prepare = TrainingStep(StepId.TrainPreprocessor.value, self.preprocessor, f"{name}-preprocessor", self.inputs)
        train = TrainingStep(StepId.Train.value, self.estimator, f"{name}-estimator", self.inputs)
        instance_type, instance_count = instances(train)
        return Chain(
            [
                prepare,
                ModelStep(StepId.CreatePreprocessorModel.value, expected_model(prepare), name),
                self._transform_step(prepare),
                train,
                ModelStep(StepId.CreatePipelineModel.value, _in_a_row(prepare, train), name),
                EndpointConfigStep(StepId.ConfigureEndpoint.value, name, name, instance_count, instance_type),
                EndpointStep(StepId.Deploy.value, name, name),
            ]
        )

    def _transform_step(self, prepare: TrainingStep) -> TransformStep:
        channel = _train_channel(prepare)
        source = channel["DataSource"]["S3DataSource"]
        return TransformStep(
            StepId.TransformInput.value,
            _transform_request(prepare),
            self.pipeline_name,
            self.pipeline_name,
            source["S3Uri"],
            data_type=source.get("S3DataType", "S3Prefix"),
            content_type=self.content_type or channel.get("ContentType"),
            compression_type=self.compression_type or channel.get("CompressionType"),
        )

    def execute(self, job_name: str | None = None, hyperparameters: Mapping[str, Any] | None = None) -> Execution:  # type: ignore[override]  # narrower than the base's keywords, as in the old SDK
        """Run the pipeline.

        Args:
            job_name: name of the execution, the pipeline's model and the endpoint; the jobs are
                ``preprocessor-<job_name>`` and ``estimator-<job_name>``. ``inference-pipeline-<timestamp>`` where left
                out.
            hyperparameters: in place of the estimator's.
        """
        inputs = self._new_inputs(self.input_template)
        name = job_name or f"inference-pipeline-{self._generate_timestamp()}"
        transformed = f"s3://{self.s3_bucket}/{self.workflow.name}/preprocessor-transform-{name}/transform"
        put_hyperparameters(inputs[StepId.Train.value], hyperparameters)
        self._put_training(inputs[StepId.TrainPreprocessor.value], f"preprocessor-{name}")
        self._put_training(inputs[StepId.Train.value], f"estimator-{name}")
        _put_transform(inputs, f"preprocessor-{name}", transformed)
        inputs[StepId.Train.value]["InputDataConfig"] = [_transformed_channel(transformed, inputs)]
        _put_models(inputs, name)
        put_names(inputs, name)
        return self.workflow.execute(inputs=inputs, name=name)

    def _put_training(self, request: dict[str, Any], job_name: str) -> None:
        put_job(request, job_name, self._models_uri)
        if "DebugHookConfig" in request:
            request["DebugHookConfig"]["S3OutputPath"] = f"{self._models_uri}/debug"


def _train_channel(prepare: TrainingStep) -> dict[str, Any]:
    """The channel that is transformed, too.

    Raises:
        ValueError: there is none.
    """
    channels = prepare.parameters.get("InputDataConfig") or []
    found: dict[str, Any] | None = next((c for c in channels if c.get("ChannelName") == "train"), None)
    if found is None or "S3DataSource" not in found.get("DataSource", {}):
        names = ", ".join(repr(c.get("ChannelName")) for c in channels) or "none"
        raise ValueError(
            f"inputs must have a channel 'train' in S3: the preprocessor transforms it. It has {names}. "
            "Write inputs={'train': 's3://...'}."
        )
    return found


def _transform_request(prepare: TrainingStep) -> dict[str, Any]:
    """A batch transform on what the preprocessor was trained on, encrypted and tagged as its training was."""
    training = prepare.parameters
    instance_type, instance_count = instances(prepare)
    resources: dict[str, Any] = {"InstanceCount": instance_count, "InstanceType": instance_type}
    if key := training["ResourceConfig"].get("VolumeKmsKeyId"):
        resources["VolumeKmsKeyId"] = key
    output: dict[str, Any] = {"S3OutputPath": ""}
    if key := training.get("OutputDataConfig", {}).get("KmsKeyId"):
        output["KmsKeyId"] = key
    request: dict[str, Any] = {
        "Environment": {},
        "MaxPayloadInMB": _MAX_PAYLOAD_MB,
        "TransformOutput": output,
        "TransformResources": resources,
    }
    if training.get("Tags"):
        request["Tags"] = training["Tags"]
    return request


def _in_a_row(prepare: TrainingStep, train: TrainingStep) -> dict[str, Any]:
    """One model of both containers; role and network are the estimator's."""
    first, model = expected_model(prepare), expected_model(train)
    last = model.pop("PrimaryContainer")
    return {**model, "Containers": [first["PrimaryContainer"], last]}


def _put_transform(inputs: dict[str, Any], model_name: str, transformed: str) -> None:
    request = inputs[StepId.TransformInput.value]
    request["ModelName"] = request["TransformJobName"] = model_name
    request["TransformOutput"]["S3OutputPath"] = transformed


def _transformed_channel(uri: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the estimator is trained on; its content type is what it was told of its own data."""
    source = {"S3DataDistributionType": "FullyReplicated", "S3DataType": "S3Prefix", "S3Uri": uri}
    channel: dict[str, Any] = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    channels = inputs[StepId.Train.value].get("InputDataConfig") or []
    content_type = next((c.get("ContentType") for c in channels if c.get("ChannelName") == "train"), None)
    return {**channel, "ContentType": content_type} if content_type else channel


def _put_models(inputs: dict[str, Any], name: str) -> None:
    preprocessor, pipeline = inputs[StepId.CreatePreprocessorModel.value], inputs[StepId.CreatePipelineModel.value]
    preprocessor["ModelName"] = inputs[StepId.TrainPreprocessor.value]["TrainingJobName"]
    pipeline["ModelName"] = name
    first = model_data_uri(inputs[StepId.TrainPreprocessor.value])
    last = model_data_uri(inputs[StepId.Train.value])
    preprocessor["PrimaryContainer"]["ModelDataUrl"] = first
    for container, uri in zip(pipeline["Containers"], (first, last), strict=True):
        container["ModelDataUrl"] = uri
