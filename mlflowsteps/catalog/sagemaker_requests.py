"""Top-level members of the SageMaker requests that steps write; taken from botocore's service model.

Held as data so that building a step loads no service model (0.1 s and 45 MB). A test compares it with the installed
botocore.
"""

from __future__ import annotations

__all__ = ["REQUEST_MEMBERS", "UNPROVEN_MEMBERS"]

REQUEST_MEMBERS: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": (
        "TrainingJobName",
        "HyperParameters",
        "AlgorithmSpecification",
        "RoleArn",
        "InputDataConfig",
        "OutputDataConfig",
        "ResourceConfig",
        "VpcConfig",
        "StoppingCondition",
        "Tags",
        "EnableNetworkIsolation",
        "EnableInterContainerTrafficEncryption",
        "EnableManagedSpotTraining",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "TensorBoardOutputConfig",
        "ExperimentConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "Environment",
        "RetryStrategy",
        "RemoteDebugConfig",
        "InfraCheckConfig",
        "SessionChainingConfig",
        "ServerlessJobConfig",
        "MlflowConfig",
        "ModelPackageConfig",
    ),
    "CreateProcessingJob": (
        "ProcessingInputs",
        "ProcessingOutputConfig",
        "ProcessingJobName",
        "ProcessingResources",
        "StoppingCondition",
        "AppSpecification",
        "Environment",
        "NetworkConfig",
        "RoleArn",
        "Tags",
        "ExperimentConfig",
    ),
    "CreateTransformJob": (
        "TransformJobName",
        "ModelName",
        "MaxConcurrentTransforms",
        "ModelClientConfig",
        "MaxPayloadInMB",
        "BatchStrategy",
        "Environment",
        "TransformInput",
        "TransformOutput",
        "DataCaptureConfig",
        "TransformResources",
        "DataProcessing",
        "Tags",
        "ExperimentConfig",
    ),
    "CreateHyperParameterTuningJob": (
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobConfig",
        "TrainingJobDefinition",
        "TrainingJobDefinitions",
        "WarmStartConfig",
        "Tags",
        "Autotune",
    ),
    "CreateModel": (
        "ModelName",
        "PrimaryContainer",
        "Containers",
        "InferenceExecutionConfig",
        "ExecutionRoleArn",
        "Tags",
        "VpcConfig",
        "EnableNetworkIsolation",
    ),
    "CreateEndpointConfig": (
        "EndpointConfigName",
        "ProductionVariants",
        "DataCaptureConfig",
        "Tags",
        "KmsKeyId",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ShadowProductionVariants",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
        "CrossRegionTrafficConfig",
    ),
    "CreateEndpoint": (
        "EndpointName",
        "EndpointConfigName",
        "DeploymentConfig",
        "Tags",
    ),
    "UpdateEndpoint": (
        "EndpointName",
        "EndpointConfigName",
        "RetainAllVariantProperties",
        "ExcludeRetainedVariantProperties",
        "DeploymentConfig",
        "RetainDeploymentConfig",
    ),
}

UNPROVEN_MEMBERS: dict[str, tuple[str, ...]] = {
    "CreateTrainingJob": ("SessionChainingConfig", "ServerlessJobConfig", "MlflowConfig", "ModelPackageConfig"),
    "CreateHyperParameterTuningJob": ("Autotune",),
    "CreateEndpointConfig": ("MetricsConfig", "CrossRegionTrafficConfig"),
}
"""Members that Step Functions' own integration may not know: it takes a fixed list, and these are newer than any public
workflow that was seen to use them."""
