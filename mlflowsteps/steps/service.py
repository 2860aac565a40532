"""Steps of other services: DynamoDB, EKS, EMR, EventBridge, Glue DataBrew, SNS, SQS, Step Functions."""

from __future__ import annotations

from mlflowsteps.steps.integration_resources import IntegrationPattern
from mlflowsteps.steps.integrations import CallbackStep, CallStep, JobStep, PatternStep

__all__ = [
    "DynamoDBDeleteItemStep",
    "DynamoDBGetItemStep",
    "DynamoDBPutItemStep",
    "DynamoDBUpdateItemStep",
    "EksCallStep",
    "EksCreateClusterStep",
    "EksCreateFargateProfileStep",
    "EksCreateNodegroupStep",
    "EksDeleteClusterStep",
    "EksDeleteFargateProfileStep",
    "EksDeleteNodegroupStep",
    "EksRunJobStep",
    "EmrAddStepStep",
    "EmrCancelStepStep",
    "EmrCreateClusterStep",
    "EmrModifyInstanceFleetByNameStep",
    "EmrModifyInstanceGroupByNameStep",
    "EmrSetClusterTerminationProtectionStep",
    "EmrTerminateClusterStep",
    "EventBridgePutEventsStep",
    "GlueDataBrewStartJobRunStep",
    "SnsPublishStep",
    "SqsSendMessageStep",
    "StepFunctionsStartExecutionStep",
]


class DynamoDBGetItemStep(CallStep):
    """Reads an item of a DynamoDB table: ``TableName``, ``Key``."""

    service, action = "dynamodb", "getItem"


class DynamoDBPutItemStep(CallStep):
    """Writes an item of a DynamoDB table: ``TableName``, ``Item``."""

    service, action = "dynamodb", "putItem"


class DynamoDBUpdateItemStep(CallStep):
    """Changes an item of a DynamoDB table: ``TableName``, ``Key``, ``UpdateExpression``."""

    service, action = "dynamodb", "updateItem"


class DynamoDBDeleteItemStep(CallStep):
    """Deletes an item of a DynamoDB table: ``TableName``, ``Key``."""

    service, action = "dynamodb", "deleteItem"


class EksCreateClusterStep(PatternStep):
    """Creates an EKS cluster."""

    service, action = "eks", "createCluster"


class EksDeleteClusterStep(PatternStep):
    """Deletes an EKS cluster."""

    service, action = "eks", "deleteCluster"


class EksCreateFargateProfileStep(PatternStep):
    """Creates a Fargate profile of an EKS cluster."""

    service, action = "eks", "createFargateProfile"


class EksDeleteFargateProfileStep(PatternStep):
    """Deletes a Fargate profile of an EKS cluster."""

    service, action = "eks", "deleteFargateProfile"


class EksCreateNodegroupStep(PatternStep):
    """Creates a node group of an EKS cluster."""

    service, action = "eks", "createNodegroup"


class EksDeleteNodegroupStep(PatternStep):
    """Deletes a node group of an EKS cluster."""

    service, action = "eks", "deleteNodegroup"


class EksRunJobStep(PatternStep):
    """Runs a Kubernetes job on an EKS cluster."""

    service, action = "eks", "runJob"


class EksCallStep(PatternStep):
    """Calls the Kubernetes API of an EKS cluster."""

    service, action = "eks", "call"
    patterns = (IntegrationPattern.CallAndContinue,)


class EmrCreateClusterStep(JobStep):
    """Creates an EMR cluster."""

    service, action = "elasticmapreduce", "createCluster"


class EmrTerminateClusterStep(JobStep):
    """Terminates an EMR cluster: ``ClusterId``."""

    service, action = "elasticmapreduce", "terminateCluster"


class EmrAddStepStep(JobStep):
    """Runs a step on an EMR cluster: ``ClusterId``, ``Step``."""

    service, action = "elasticmapreduce", "addStep"


class EmrCancelStepStep(CallStep):
    """Cancels a step of an EMR cluster: ``ClusterId``, ``StepId``."""

    service, action = "elasticmapreduce", "cancelStep"


class EmrSetClusterTerminationProtectionStep(CallStep):
    """Sets or lifts the termination protection of an EMR cluster."""

    service, action = "elasticmapreduce", "setClusterTerminationProtection"


class EmrModifyInstanceFleetByNameStep(CallStep):
    """Changes the capacity of an EMR instance fleet."""

    service, action = "elasticmapreduce", "modifyInstanceFleetByName"


class EmrModifyInstanceGroupByNameStep(CallStep):
    """Changes the size of an EMR instance group."""

    service, action = "elasticmapreduce", "modifyInstanceGroupByName"


class EventBridgePutEventsStep(CallbackStep):
    """Sends events to EventBridge: ``Entries``."""

    service, action = "events", "putEvents"


class GlueDataBrewStartJobRunStep(PatternStep):
    """Runs a Glue DataBrew job: ``Name``."""

    service, action = "databrew", "startJobRun"


class SnsPublishStep(CallbackStep):
    """Publishes a message to an SNS topic: ``TopicArn``, ``Message``, ``Subject``."""

    service, action = "sns", "publish"


class SqsSendMessageStep(CallbackStep):
    """Sends a message to an SQS queue: ``QueueUrl``, ``MessageBody``."""

    service, action = "sqs", "sendMessage"


class StepFunctionsStartExecutionStep(PatternStep):
    """Starts an execution of another state machine: ``StateMachineArn``, ``Input``."""

    service, action = "states", "startExecution"
    sync_version = 2
    patterns = (
        IntegrationPattern.WaitForCompletion,
        IntegrationPattern.WaitForTaskToken,
        IntegrationPattern.CallAndContinue,
    )
