"""Real boto3 clients answered in process: no network, no configuration, botocore's own errors."""

import os
import subprocess
import sys
import threading

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from mlflowsteps.exceptions import RuntimeClosed, ServiceError
from mlflowsteps.local.services.wire import Wire
from tests.local.runs import forbid_sockets


class Played:
    """A few operations of several protocols, for tests."""

    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        def operation(params):
            self.seen.append((name, params))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        if name in self.answers:
            return operation
        raise AttributeError(name)


@pytest.fixture
def wire_of(monkeypatch):
    def make(answers, **options):
        forbid_sockets(monkeypatch)
        played = Played()
        played.answers = answers
        wire = Wire(lambda name: played if name != "sns" else None, region="eu-west-1", **options)
        return wire, played

    return make


def test_json_parameters_and_times_go_there_and_back(wire_of):
    wire, played = wire_of({"describe_execution": {"executionArn": "arn", "status": "RUNNING", "startDate": 1.5}})
    answer = wire.client("stepfunctions").describe_execution(executionArn="arn:x")
    assert played.seen == [("describe_execution", {"executionArn": "arn:x"})]
    assert (answer["status"], answer["startDate"].timestamp()) == ("RUNNING", 1.5)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_lone_surrogates_and_characters_of_any_plane_survive(wire_of):
    text = '"\U0001f600 é \\ud800"'
    wire, played = wire_of({"send_task_success": {}})
    wire.client("stepfunctions").send_task_success(taskToken="t", output=text)
    assert played.seen[0][1]["output"] == text


def test_rest_json_paths_headers_and_blobs_go_there_and_back(wire_of):
    wire, played = wire_of(
        {"invoke_endpoint": {"Body": b"\x00\xff", "ContentType": "text/csv", "InvokedProductionVariant": "v"}}
    )
    answer = wire.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="my-endpoint", Body=b"\x01\x02", ContentType="x/y", CustomAttributes="a=b", Accept="text/csv"
    )
    ((_, params),) = played.seen
    assert params["Body"].read() if hasattr(params["Body"], "read") else params["Body"] == b"\x01\x02"
    assert {name: params[name] for name in ("EndpointName", "ContentType", "CustomAttributes", "Accept")} == {
        "EndpointName": "my-endpoint", "ContentType": "x/y", "CustomAttributes": "a=b", "Accept": "text/csv",
    }  # fmt: skip
    assert (answer["Body"].read(), answer["ContentType"], answer["InvokedProductionVariant"]) == (
        b"\x00\xff", "text/csv", "v",
    )  # fmt: skip


def test_query_services_answer(wire_of):
    wire, _ = wire_of({"get_caller_identity": {"Account": "123456789012", "Arn": "a<&>b", "UserId": "u"}})
    assert wire.client("sts").get_caller_identity()["Arn"] == "a<&>b"


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "exception"),
    [
        (
            "stepfunctions",
            "describe_execution",
            {"executionArn": "a"},
            "ExecutionDoesNotExist",
            "ExecutionDoesNotExist",
        ),
        ("sagemaker", "describe_training_job", {"TrainingJobName": "a"}, "ResourceNotFound", "ResourceNotFound"),
        ("lambda", "get_function", {"FunctionName": "a"}, "ResourceNotFoundException", "ResourceNotFoundException"),
        ("s3", "get_object", {"Bucket": "bucket", "Key": "k"}, "NoSuchKey", "NoSuchKey"),
        ("sts", "get_caller_identity", {}, "ExpiredTokenException", "ExpiredTokenException"),
    ],
)
def test_a_service_error_is_botocores_modelled_exception(wire_of, service, operation, arguments, code, exception):
    wire, _ = wire_of({operation: ServiceError(code, "why <&> and é", 418)})
    client = wire.client(service)
    kind = getattr(client.exceptions, exception) if service != "sts" else ClientError
    with pytest.raises(kind) as caught:
        getattr(client, operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"] == "why <&> and é"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 418


def test_details_of_an_error_reach_the_client(wire_of):
    error = ServiceError("ModelError", "bad", 424)
    error.details = {"OriginalStatusCode": 500, "OriginalMessage": "boom"}
    wire, _ = wire_of({"invoke_endpoint": error})
    client = wire.client("sagemaker-runtime")
    with pytest.raises(client.exceptions.ModelError) as caught:
        client.invoke_endpoint(EndpointName="e", Body=b"")
    assert (caught.value.response["OriginalStatusCode"], caught.value.response["OriginalMessage"]) == (500, "boom")


def test_botocore_validates_before_a_service_is_asked(wire_of):
    wire, played = wire_of({"start_execution": {}})
    with pytest.raises(ParamValidationError, match="stateMachineArn"):
        wire.client("stepfunctions").start_execution(nonsense=1)
    assert played.seen == []


def test_paginators_work(wire_of):
    wire, played = wire_of({"list_state_machines": None})
    pages = [{"stateMachines": [], "nextToken": "next"}, {"stateMachines": []}]
    played.list_state_machines = lambda params: pages[1 if "nextToken" in params else 0]
    assert len(list(wire.client("stepfunctions").get_paginator("list_state_machines").paginate())) == 2


def test_waiters_work_and_ask_every_second(wire_of, monkeypatch):
    wire, played = wire_of({"describe_training_job": None})
    states = ["InProgress", "InProgress", "Completed"]
    played.describe_training_job = lambda params: {"TrainingJobStatus": states.pop(0)}
    naps = []
    monkeypatch.setattr("botocore.waiter.time.sleep", naps.append)
    waiter = wire.client("sagemaker").get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="a")
    assert naps == [1, 1]
    assert waiter.config.max_attempts >= 3600


def test_an_operation_that_is_not_played_is_a_clear_error(wire_of):
    wire, _ = wire_of({})
    with pytest.raises(ClientError, match="does not play CreateHyperParameterTuningJob of sagemaker"):
        wire.client("sagemaker").create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="a",
            HyperParameterTuningJobConfig={"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
        )


def test_a_service_that_is_not_played_says_what_to_add(wire_of):
    wire, _ = wire_of({})
    with pytest.raises(ClientError, match=r"clients=\{'sns': client\}.*aws=\"moto\""):
        wire.session().client("sns").list_topics()


@pytest.mark.parametrize(
    ("operation", "arguments", "fix"),
    [
        ("get_role", {"RoleName": "Analyst"}, r"its ARN spares.*does not play iam"),
        (
            "simulate_principal_policy",
            {"PolicySourceArn": "arn:aws:iam::123456789012:role/Analyst", "ActionNames": ["s3:GetObject"]},
            r"SAGEMAKER_VALIDATE_ROLE.*does not play iam",
        ),
    ],
)
def test_what_sdks_ask_iam_for_on_their_own_says_how_to_spare_it(wire_of, operation, arguments, fix):
    wire, _ = wire_of({})
    wire._services = lambda name: None
    with pytest.raises(ClientError, match=fix):
        getattr(wire.session().client("iam"), operation)(**arguments)


def test_a_service_of_another_protocol_is_not_sent_either(wire_of):
    wire, _ = wire_of({})
    with pytest.raises((ClientError, ServiceError), match="does not play"):
        wire.session().client("ec2").describe_instances()


def test_start_sync_execution_needs_no_host_of_its_own(wire_of):
    wire, played = wire_of({"start_sync_execution": {"status": "SUCCEEDED", "executionArn": "a", "startDate": 1,
                                                     "stopDate": 2}})  # fmt: skip
    wire.client("stepfunctions").start_sync_execution(stateMachineArn="arn:aws:states:::x")
    assert played.seen[0][0] == "start_sync_execution"


def test_faults_come_before_the_service_and_run_out(wire_of):
    wire, played = wire_of({"list_state_machines": {"stateMachines": []}})
    wire.faults.add("sfn", "ListStateMachines", "ThrottlingException", 2)
    client = wire.client("stepfunctions")
    for _ in range(2):
        with pytest.raises(ClientError, match="fail_next") as caught:
            client.list_state_machines()
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert played.seen == []
    client.list_state_machines()
    assert len(played.seen) == 1


def test_a_read_only_wire_lets_only_reads_through(wire_of):
    wire, played = wire_of(
        {"describe_execution": {}, "list_executions": {"executions": []}, "get_execution_history": {"events": []},
         "start_execution": {}, "get_activity_task": {}, "validate_state_machine_definition": {}},
        read_only=True,
    )  # fmt: skip
    client = wire.client("stepfunctions")
    client.list_executions(stateMachineArn="a")
    client.get_execution_history(executionArn="a")
    with pytest.raises(ClientError, match="read_only=True"):
        client.start_execution(stateMachineArn="a")
    with pytest.raises(ClientError, match="read_only=True"):
        client.get_activity_task(activityArn="a")
    assert [name for name, _ in played.seen] == ["list_executions", "get_execution_history"]


def test_after_closing_every_call_is_refused(wire_of):
    wire, _ = wire_of({"list_state_machines": {"stateMachines": []}})
    client = wire.client("stepfunctions")
    wire.close()
    with pytest.raises(RuntimeClosed):
        client.list_state_machines()


def test_a_client_is_made_once_and_serves_many_threads(wire_of):
    wire, played = wire_of({"list_state_machines": {"stateMachines": []}})
    clients = []

    def work():
        client = wire.client("stepfunctions")
        clients.append(client)
        for _ in range(20):
            client.list_state_machines()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in clients}) == 1
    assert len(played.seen) == 120


def test_an_endpoint_or_settings_given_to_a_client_do_not_lead_out(wire_of):
    from botocore.config import Config

    wire, played = wire_of({"list_buckets": {"Buckets": []}})
    client = wire.session().client(
        "s3", endpoint_url="https://example.com", verify=False, config=Config(retries={"max_attempts": 5})
    )
    client.list_buckets()
    assert played.seen == [("list_buckets", {})]


PROGRAM = """
import socket
def refuse(*_, **__): raise AssertionError("the network was touched")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from mlflowsteps.local import LocalRuntime
with LocalRuntime.temporary() as runtime:
    s3 = runtime.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"1")
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"1"
    assert s3.meta.region_name == "us-east-1"
    assert runtime.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert runtime.client("sagemaker").list_models()["Models"] == []
    assert runtime.client("lambda").list_functions()["Functions"] == []
    resource = runtime.session().resource("s3")
    assert [item.key for item in resource.Bucket("bucket").objects.all()] == ["k"]
print("answered")
"""


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_PROFILE": "missing"},
        {"AWS_DEFAULT_PROFILE": "missing", "AWS_CONFIG_FILE": "BROKEN", "AWS_SHARED_CREDENTIALS_FILE": "BROKEN"},
        {"AWS_PROFILE": "default", "AWS_CONFIG_FILE": "BROKEN"},
        {"AWS_MAX_ATTEMPTS": "many", "AWS_RETRY_MODE": "nonsense", "AWS_DEFAULT_REGION": "mars-north-1"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_CA_BUNDLE": "/none"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"},
        {"AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense", "AWS_DEFAULTS_MODE": "auto"},
    ],
)
def test_the_users_aws_settings_have_no_say_and_no_socket_is_used(tmp_path, variables):
    broken = tmp_path / "broken"
    broken.write_text("[profile default\nregion = = =\n\x00")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    given = {name: str(broken) if value == "BROKEN" else value for name, value in variables.items()}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        check=False,
        env=kept | given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.stdout.strip(), ended.stderr) == ("answered", "")


def test_sagemakers_old_name_of_its_runtime_leads_to_it(wire_of):
    wire, played = wire_of({"invoke_endpoint": {"Body": b"answer"}})
    client = wire.session().client("runtime.sagemaker")
    assert client.invoke_endpoint(EndpointName="e", Body=b"x")["Body"].read() == b"answer"
    assert played.seen[0][1]["EndpointName"] == "e"
