import gzip
import re
from pathlib import Path

import botocore.session
import pytest

from mlflowsteps.local.tasks.names import boto_service, integration_name, java_service, java_v2_service

MODELS = Path(botocore.__file__).parent / "data"


def service_ids():
    """boto3's name and service id of every service; from the beginnings of the models, which are large."""
    for name in botocore.session.Session().get_available_services():
        with gzip.open(max(MODELS.joinpath(name).glob("*/service-2.json.gz"))) as file:
            yield name, re.search(rb'"serviceId":\s*"([^"]+)"', file.read(4000))[1].decode()


@pytest.mark.parametrize(("name", "service_id"), list(service_ids()))
def test_every_service_of_botocore_is_found_by_its_squashed_service_id(name, service_id):
    squashed = "".join(character for character in service_id.lower() if character.isalnum())
    assert boto_service(squashed) in (name, "sms-voice")  # two services bear the id of the latter


def test_a_service_may_be_named_without_its_last_word():
    assert boto_service("databasemigration") == "dms"
    assert boto_service("nonsense") is None


def test_names_in_errors():
    assert java_service("dynamodb") == "AmazonDynamoDBv2"
    assert java_service("translate") == "AmazonTranslate"
    assert [java_v2_service(name) for name in ("ACM PCA", "IoT", "EC2", "Lex Runtime V2", "CloudWatch Logs")] == [
        "AcmPca", "Iot", "Ec2", "LexRuntimeV2", "CloudWatchLogs",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["sns", "", "arn:aws:lambda:us-east-1:1:function:f", "sns:", "arn:aws:sns:x"])
def test_what_names_no_integration_is_refused(name):
    with pytest.raises(ValueError, match="integration"):
        integration_name(name)


def test_integrations_are_named_by_resource_too():
    assert integration_name("aws-sdk:sns:publish") == "aws-sdk:sns:publish"
    assert integration_name("arn:aws-cn:states:::sqs:sendMessage.waitForTaskToken") == "sqs:sendMessage"
