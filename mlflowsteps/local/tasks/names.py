"""Names of services: as Task resources write them, as boto3 does, and as Step Functions writes them in errors."""

from __future__ import annotations

import re
from functools import cache

from mlflowsteps.asl.arns import parse_resource
from mlflowsteps.catalog.aws_sdk import find_service

__all__ = ["boto_service", "integration_name", "java_service", "java_v2_service"]

# The names that version 1 of the Java SDK, which the optimized integrations were written with, gives the services.
_JAVA_V1 = {
    "apigateway": "AmazonApiGateway",
    "athena": "AmazonAthena",
    "batch": "AWSBatch",
    "codebuild": "AWSCodeBuild",
    "databrew": "AWSGlueDataBrew",
    "dynamodb": "AmazonDynamoDBv2",
    "ecs": "AmazonECS",
    "eks": "AmazonEKS",
    "emr": "AmazonElasticMapReduce",
    "events": "AmazonCloudWatchEvents",
    "glue": "AWSGlue",
    "lambda": "AWSLambda",
    "mediaconvert": "AWSMediaConvert",
    "s3": "AmazonS3",
    "sagemaker": "AmazonSageMaker",
    "sns": "AmazonSNS",
    "sqs": "AmazonSQS",
    "stepfunctions": "AWSStepFunctions",
}


@cache
def _services() -> frozenset[str]:
    import botocore.session

    return frozenset(botocore.session.Session().get_available_services())


@cache
def boto_service(name: str) -> str | None:
    """boto3's name of the service in ``arn:aws:states:::aws-sdk:<service>:<action>``; None where there is none.

    >>> boto_service("sfn"), boto_service("cloudwatchlogs"), boto_service("databasemigration")
    ('stepfunctions', 'logs', 'dms')
    """
    return find_service(name, _services())


def integration_name(name: str) -> str:
    """``service:action`` from that or from a Task's Resource; the pattern (``.sync``) is left out.

    Raises:
        ValueError: the text names no integration.

    >>> integration_name("arn:aws:states:::sns:publish.waitForTaskToken")
    'sns:publish'
    """
    text = name if name.startswith("arn:") else f"arn:aws:states:::{name}"
    try:
        resource = parse_resource(text)
    except ValueError as error:
        raise ValueError(f"{name!r} names no integration. Write <service>:<action>, such as sns:publish.") from error
    if resource.kind not in ("optimized", "aws-sdk"):
        raise ValueError(
            f"{name!r} is no integration but a resource of kind {resource.kind}. Functions are added with "
            "runtime.register_function."
        )
    prefix = "aws-sdk:" if resource.kind == "aws-sdk" else ""
    return f"{prefix}{resource.service}:{resource.action}"


def java_service(client: str) -> str:
    """The service as optimized integrations write it in causes, by boto3's name.

    >>> java_service("sagemaker")
    'AmazonSageMaker'
    """
    return _JAVA_V1.get(client, "Amazon" + java_v2_service(client))


def java_v2_service(service_id: str) -> str:
    """The service as aws-sdk integrations write it in errors, by botocore's service id.

    >>> [java_v2_service(name) for name in ("DynamoDB", "SFN", "Secrets Manager", "SageMaker", "S3", "SESv2")]
    ['DynamoDb', 'Sfn', 'SecretsManager', 'SageMaker', 'S3', 'SesV2']
    """
    text = re.sub(r"[^A-Za-z0-9]+", " ", service_id)
    text = re.sub(r"([a-zA-Z]{2,})[vV]([0-9]+)", r"\1 V\2", text)
    text = re.sub(r"([a-z])([A-Z][A-Za-z])", r"\1 \2", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    return "".join(word[:1].upper() + word[1:].lower() for word in text.split())
