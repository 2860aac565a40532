"""Train an estimator and deploy the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps import Chain, EndpointConfigStep, EndpointStep, ModelStep, TrainingStep
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

__all__ = ["TrainingPipeline"]


class TrainingPipeline(WorkflowTemplate):
    """Trains an estimator, creates the model, configures an endpoint and deploys to it.

    Args:
        estimator: the request of CreateTrainingJob in boto3's shape, or an estimator of SageMaker's SDK.
        role: ARN of the role that Step Functions acts as.
        inputs: the training data, as ``TrainingStep``'s ``data``.
        s3_bucket: name of the bucket for the models: ``s3://<s3_bucket>/<pipeline_name>/models``.
        client: as ``Workflow``'s.
        pipeline_name: name of the workflow; ``training-pipeline-<timestamp>`` where left out.

    Raises:
        TypeError: ``estimator`` is no request.
        ValueError: a placeholder stands in it: the pipeline fills the input of its executions itself.
    """

    def __init__(
        self,
        estimator: object,
        role: str,
        inputs: Json,
        s3_bucket: str,
        client: object = None,
        *,
        pipeline_name: str | None = None,
    ) -> None:
        self.estimator, self.inputs = estimator, inputs
        self.pipeline_name = pipeline_name or f"training-pipeline-{self._generate_timestamp()}"
        self.definition = self.build_workflow_definition()
        self.input_template = self._extract_input_template(self.definition)
        workflow = Workflow(self.pipeline_name, self.definition, role, client=client)
        super().__init__(s3_bucket=s3_bucket, workflow=workflow, role=role, client=client)

    def build_workflow_definition(self) -> Chain:
        """The steps: Training, Create Model, Configure Endpoint, Deploy."""
        name = self.pipeline_name
        train = TrainingStep(StepId.Train.value, self.estimator, f"{name}-estimator", self.inputs)
        instance_type, instance_count = instances(train)
        return Chain(
            [
                train,
                ModelStep(StepId.CreateModel.value, expected_model(train), name),
                EndpointConfigStep(StepId.ConfigureEndpoint.value, name, name, instance_count, instance_type),
                EndpointStep(StepId.Deploy.value, name, name),
            ]
        )

    def execute(self, job_name: str | None = None, hyperparameters: Mapping[str, Any] | None = None) -> Execution:  # type: ignore[override]  # narrower than the base's keywords, as in the old SDK
        """Run the pipeline.

        Args:
            job_name: name of the execution, the model and the endpoint; the training job is ``estimator-<job_name>``.
                ``training-pipeline-<timestamp>`` where left out.
            hyperparameters: in place of the estimator's.
        """
        inputs = self._new_inputs(self.input_template)
        training, model = inputs[StepId.Train.value], inputs[StepId.CreateModel.value]
        name = job_name or f"training-pipeline-{self._generate_timestamp()}"
        put_hyperparameters(training, hyperparameters)
        put_job(training, f"estimator-{name}", self._models_uri)
        model["ModelName"] = name
        model["PrimaryContainer"]["ModelDataUrl"] = model_data_uri(training)
        put_names(inputs, name)
        return self.workflow.execute(inputs=inputs, name=name)
