"""Steps of the optimized integrations that came after the old SDK: one for each row of ``catalog/integrations.toml``.

A class says its row and what the service does; the patterns it takes are the row's.
"""

from __future__ import annotations

from mlflowsteps.steps.integrations import OptimizedStep

__all__ = [
    "ApiGatewayInvokeStep",
    "AthenaGetQueryExecutionStep",
    "AthenaGetQueryResultsStep",
    "AthenaStartQueryExecutionStep",
    "AthenaStopQueryExecutionStep",
    "BedrockCreateModelCustomizationJobStep",
    "BedrockInvokeModelStep",
    "CodeBuildBatchDeleteBuildsStep",
    "CodeBuildBatchGetReportsStep",
    "CodeBuildDeleteBuildBatchStep",
    "CodeBuildRetryBuildBatchStep",
    "CodeBuildStartBuildBatchStep",
    "CodeBuildStartBuildStep",
    "CodeBuildStopBuildBatchStep",
    "CodeBuildStopBuildStep",
    "EmrContainersCreateVirtualClusterStep",
    "EmrContainersDeleteVirtualClusterStep",
    "EmrContainersStartJobRunStep",
    "EmrServerlessCancelJobRunStep",
    "EmrServerlessCreateApplicationStep",
    "EmrServerlessDeleteApplicationStep",
    "EmrServerlessStartApplicationStep",
    "EmrServerlessStartJobRunStep",
    "EmrServerlessStopApplicationStep",
    "HttpInvokeStep",
    "MediaConvertCreateJobStep",
    "SageMakerCreateLabelingJobStep",
]


class ApiGatewayInvokeStep(OptimizedStep):
    """Calls an API of API Gateway: ``ApiEndpoint``, ``Method``, ``Path``, ``RequestBody``."""

    service, action = "apigateway", "invoke"


class AthenaGetQueryExecutionStep(OptimizedStep):
    """Describes a query of Athena: ``QueryExecutionId``."""

    service, action = "athena", "getQueryExecution"


class AthenaGetQueryResultsStep(OptimizedStep):
    """Reads the results of a query of Athena: ``QueryExecutionId``."""

    service, action = "athena", "getQueryResults"


class AthenaStartQueryExecutionStep(OptimizedStep):
    """Runs a query of Athena: ``QueryString``, ``WorkGroup``."""

    service, action = "athena", "startQueryExecution"


class AthenaStopQueryExecutionStep(OptimizedStep):
    """Stops a query of Athena: ``QueryExecutionId``."""

    service, action = "athena", "stopQueryExecution"


class BedrockCreateModelCustomizationJobStep(OptimizedStep):
    """Fine-tunes a model of Bedrock."""

    service, action = "bedrock", "createModelCustomizationJob"


class BedrockInvokeModelStep(OptimizedStep):
    """Asks a model of Bedrock: ``ModelId``, ``Body``."""

    service, action = "bedrock", "invokeModel"


class CodeBuildBatchDeleteBuildsStep(OptimizedStep):
    """Deletes builds of CodeBuild: ``Ids``."""

    service, action = "codebuild", "batchDeleteBuilds"


class CodeBuildBatchGetReportsStep(OptimizedStep):
    """Reads test reports of CodeBuild: ``ReportArns``."""

    service, action = "codebuild", "batchGetReports"


class CodeBuildDeleteBuildBatchStep(OptimizedStep):
    """Deletes a batch of builds of CodeBuild: ``Id``."""

    service, action = "codebuild", "deleteBuildBatch"


class CodeBuildRetryBuildBatchStep(OptimizedStep):
    """Runs a batch of builds of CodeBuild again: ``Id``."""

    service, action = "codebuild", "retryBuildBatch"


class CodeBuildStartBuildBatchStep(OptimizedStep):
    """Runs a batch of builds of CodeBuild: ``ProjectName``."""

    service, action = "codebuild", "startBuildBatch"


class CodeBuildStartBuildStep(OptimizedStep):
    """Runs a build of CodeBuild: ``ProjectName``."""

    service, action = "codebuild", "startBuild"


class CodeBuildStopBuildBatchStep(OptimizedStep):
    """Stops a batch of builds of CodeBuild: ``Id``."""

    service, action = "codebuild", "stopBuildBatch"


class CodeBuildStopBuildStep(OptimizedStep):
    """Stops a build of CodeBuild: ``Id``."""

    service, action = "codebuild", "stopBuild"


class EmrContainersCreateVirtualClusterStep(OptimizedStep):
    """Creates a virtual cluster of EMR on EKS."""

    service, action = "emr-containers", "createVirtualCluster"


class EmrContainersDeleteVirtualClusterStep(OptimizedStep):
    """Deletes a virtual cluster of EMR on EKS: ``Id``."""

    service, action = "emr-containers", "deleteVirtualCluster"


class EmrContainersStartJobRunStep(OptimizedStep):
    """Runs a job of EMR on EKS: ``VirtualClusterId``, ``JobDriver``."""

    service, action = "emr-containers", "startJobRun"


class EmrServerlessCancelJobRunStep(OptimizedStep):
    """Cancels a job of EMR Serverless: ``ApplicationId``, ``JobRunId``."""

    service, action = "emr-serverless", "cancelJobRun"


class EmrServerlessCreateApplicationStep(OptimizedStep):
    """Creates an application of EMR Serverless."""

    service, action = "emr-serverless", "createApplication"


class EmrServerlessDeleteApplicationStep(OptimizedStep):
    """Deletes an application of EMR Serverless."""

    service, action = "emr-serverless", "deleteApplication"


class EmrServerlessStartApplicationStep(OptimizedStep):
    """Starts an application of EMR Serverless."""

    service, action = "emr-serverless", "startApplication"


class EmrServerlessStartJobRunStep(OptimizedStep):
    """Runs a job of EMR Serverless: ``ApplicationId``, ``ExecutionRoleArn``."""

    service, action = "emr-serverless", "startJobRun"


class EmrServerlessStopApplicationStep(OptimizedStep):
    """Stops an application of EMR Serverless."""

    service, action = "emr-serverless", "stopApplication"


class HttpInvokeStep(OptimizedStep):
    """Calls an HTTP API: ``ApiEndpoint``, ``Method``, ``Authentication`` or ``InvocationConfig``."""

    service, action = "http", "invoke"


class MediaConvertCreateJobStep(OptimizedStep):
    """Runs a job of MediaConvert: ``Role``, ``Settings``."""

    service, action = "mediaconvert", "createJob"


class SageMakerCreateLabelingJobStep(OptimizedStep):
    """Lets people label a data set by a job of SageMaker Ground Truth."""

    service, action = "sagemaker", "createLabelingJob"
