"""Tasks run on a whole runtime: outputs, errors and history as Step Functions has them."""

import json
import threading

import boto3
import pytest
from botocore.stub import Stubber

from mlflowsteps.exceptions import ServiceError, StatesError
from mlflowsteps.local import LocalRuntime, VirtualClock
from mlflowsteps.local.records import TaskRequest
from tests.local.runs import ROLE, finish, forbid_sockets, run, start, task

FUNCTION = "arn:aws:lambda:eu-west-1:999999999999:function:f:live"
IMAGE = "my/image:1"
TRAINING = {
    "TrainingJobName": "Job-1",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}
CREATE = "arn:aws:states:::sagemaker:createTrainingJob"


@pytest.fixture
def runtime(tmp_path):
    runtime = LocalRuntime(tmp_path / "root", clock=VirtualClock())
    runtime.client("s3").create_bucket(Bucket="bucket")
    runtime.register_image("my/image", ["/bin/sh", "-c", "echo model > /opt/ml/model/m; exit ${CODE:-0}", "sh"])
    yield runtime
    runtime.close()


def history(runtime, execution_arn):
    pages = runtime.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def types(runtime, execution_arn):
    return [event["type"] for event in history(runtime, execution_arn)]


# Functions


def test_a_functions_arn_gives_the_input_and_takes_the_result(runtime):
    runtime.register_function("f", lambda event, context: {"got": event, "arn": context.invoked_function_arn})
    ended = run(runtime, task(FUNCTION), {"a": 1})
    assert ended["output"] == {"got": {"a": 1}, "arn": "arn:aws:lambda:us-east-1:123456789012:function:f:live"}
    assert "LambdaFunctionSucceeded" in types(runtime, ended["executionArn"])


def test_lambda_invoke_has_the_recorded_shape(runtime):
    runtime.register_function("f", lambda event, context: event)
    output = run(runtime, task("arn:aws:states:::lambda:invoke", {"FunctionName": "f", "Payload": {"a": 1}}))["output"]
    assert list(output) == ["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"]
    assert (output["ExecutedVersion"], output["Payload"], output["StatusCode"]) == ("$LATEST", {"a": 1}, 200)
    metadata = output["SdkHttpMetadata"]
    assert metadata["HttpStatusCode"] == 200
    assert sorted(metadata["HttpHeaders"]) == [
        "Connection", "Content-Length", "Content-Type", "Date", "X-Amz-Executed-Version", "X-Amzn-Trace-Id",
        "x-amzn-Remapped-Content-Length", "x-amzn-RequestId",
    ]  # fmt: skip
    assert metadata["AllHttpHeaders"]["Content-Length"] == ["8"]
    assert output["SdkResponseMetadata"]["RequestId"] == metadata["HttpHeaders"]["x-amzn-RequestId"]


@pytest.mark.parametrize("resource", [FUNCTION, "arn:aws:states:::lambda:invoke"])
def test_a_failing_function_fails_with_its_own_error(runtime, resource):
    def fails(event, context):
        raise KeyError("missing column")

    runtime.register_function("f", fails)
    ended = run(runtime, task(resource, {"FunctionName": "f"}))
    assert (ended["status"], ended["error"]) == ("FAILED", "KeyError")
    cause = json.loads(ended["cause"])
    assert list(cause) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert ended["cause"].startswith('{"errorMessage": "\'missing column\'"')


@pytest.mark.parametrize("resource", [FUNCTION, "arn:aws:states:::lambda:invoke"])
def test_a_function_that_is_not_registered_names_the_line_to_add(runtime, resource):
    ended = run(runtime, task(resource, {"FunctionName": "f"}))
    assert ended["error"] == "Lambda.ResourceNotFoundException"
    assert "runtime.register_function('f', function)" in ended["cause"]
    assert (
        "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: " in ended["cause"]
    )


def test_a_function_uses_the_runtimes_clients(runtime):
    def seed(event, context):
        context.client("s3").put_object(Bucket="bucket", Key="seed", Body=b"1")

    runtime.register_function("f", seed)
    assert run(runtime, task(FUNCTION))["status"] == "SUCCEEDED"
    assert runtime.objects.path("bucket", "seed").read_bytes() == b"1"


def test_a_function_with_a_task_token_is_waited_for(runtime):
    tokens = []
    arrived = threading.Event()

    def take(event, context):
        tokens.append(event["token"])
        arrived.set()

    runtime.register_function("f", take)
    arn = start(
        runtime,
        task(
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        ),
    )
    assert arrived.wait(10)
    runtime.client("stepfunctions").send_task_success(taskToken=tokens[0], output='{"done":true}')
    assert finish(runtime, arn)["output"] == {"done": True}
    assert types(runtime, arn)[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


# SageMaker


def test_a_request_response_call_gives_the_arn_and_metadata(runtime):
    output = run(runtime, task(CREATE, TRAINING))["output"]
    assert output["TrainingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:training-job/job-1"
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert set(output) == {"TrainingJobArn", "SdkHttpMetadata", "SdkResponseMetadata"}


def test_sync_gives_the_describe_document_times_in_milliseconds(runtime):
    ended = run(runtime, task(CREATE + ".sync", TRAINING))
    output = ended["output"]
    assert (output["TrainingJobName"], output["TrainingJobStatus"]) == ("Job-1", "Completed")
    assert output["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/out/Job-1/output/model.tar.gz"}
    assert isinstance(output["CreationTime"], int)
    assert output["CreationTime"] > 1_700_000_000_000
    assert None not in output.values()
    assert not {"ResponseMetadata", "LocalRun", "SdkHttpMetadata"} & set(output)
    assert types(runtime, ended["executionArn"])[2:6] == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded",
    ]  # fmt: skip
    arn = output["TrainingJobArn"]
    tags = runtime.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]


def test_a_failed_job_is_task_failed_with_the_document_as_cause(runtime):
    ended = run(runtime, task(CREATE + ".sync", TRAINING | {"Environment": {"CODE": "3"}}))
    assert ended["error"] == "States.TaskFailed"
    document = json.loads(ended["cause"])
    assert (document["TrainingJobStatus"], document["TrainingJobName"]) == ("Failed", "Job-1")
    assert "xit" in document["FailureReason"]
    assert "3" in document["FailureReason"]
    assert document["LocalRun"]["LogFile"].endswith("log.txt")


def test_a_tuning_job_answers_with_its_best_training_job_and_is_listed(runtime):
    runtime.register_image("my/image", ["/bin/sh", "-c", "cat /opt/ml/input/config/hyperparameters.json; echo", "sh"])
    definition = {key: value for key, value in TRAINING.items() if key != "TrainingJobName"}
    regex = [{"Name": "score", "Regex": '"x": "([0-9.]+)"'}]
    definition["AlgorithmSpecification"] = TRAINING["AlgorithmSpecification"] | {"MetricDefinitions": regex}
    objective = {"Type": "Maximize", "MetricName": "score"}
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["1", "2"]}]}
    config = {
        "Strategy": "Grid", "HyperParameterTuningJobObjective": objective, "ParameterRanges": ranges,
        "ResourceLimits": {"MaxParallelTrainingJobs": 2},
    }  # fmt: skip
    request = {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": definition,
    }
    output = run(runtime, task("arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync", request))["output"]
    assert output["HyperParameterTuningJobStatus"] == "Completed"
    best = output["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"x": "2"}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == objective | {"Value": 2}
    assert isinstance(output["HyperParameterTuningEndTime"], int)

    sagemaker = runtime.client("sagemaker")
    listed = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tune", SortBy="FinalObjectiveMetricValue", SortOrder="Descending"
    )["TrainingJobSummaries"]
    assert listed[0]["TrainingJobName"] == best["TrainingJobName"]
    (row,) = sagemaker.list_hyper_parameter_tuning_jobs(NameContains="tun")["HyperParameterTuningJobSummaries"]
    assert (row["Strategy"], row["TrainingJobStatusCounters"]["Completed"]) == ("Grid", 2)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ThrottlingException", "SageMaker.AmazonSageMakerException"),
        ("ValidationException", "SageMaker.AmazonSageMakerException"),
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
    ],
)
def test_a_rejected_create_is_named_as_the_service_does(runtime, code, name):
    runtime.fail_next("sagemaker", "CreateTrainingJob", code)
    ended = run(runtime, task(CREATE + ".sync", TRAINING))
    assert ended["error"] == name
    assert f"(Service: AmazonSageMaker; Status Code: 400; Error Code: {code}; Request ID: " in ended["cause"]
    assert ended["cause"].endswith("; Proxy: null)")


def test_a_throttled_create_is_retried_by_the_state(runtime):
    runtime.fail_next("sagemaker", "CreateTrainingJob", "ThrottlingException", times=2)
    retry = [{"ErrorEquals": ["SageMaker.AmazonSageMakerException"], "IntervalSeconds": 1, "MaxAttempts": 3,
              "BackoffRate": 1}]  # fmt: skip
    ended = run(runtime, task(CREATE + ".sync", TRAINING, Retry=retry))
    assert ended["status"] == "SUCCEEDED"
    assert types(runtime, ended["executionArn"]).count("TaskFailed") == 2


def test_a_parameter_that_botocore_refuses_is_a_validation_error_of_the_service(runtime):
    ended = run(runtime, task(CREATE + ".sync", TRAINING | {"StoppingCondition": "never"}))
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert "StoppingCondition" in ended["cause"]


def test_a_taken_name_is_refused_though_the_job_of_the_same_task_is_not(runtime):
    assert run(runtime, task(CREATE + ".sync", TRAINING))["status"] == "SUCCEEDED"
    ended = run(runtime, task(CREATE + ".sync", TRAINING))
    assert ended["error"] == "SageMaker.ResourceInUseException"


def test_stopping_an_execution_stops_its_job(runtime):
    runtime.register_image("my/image", ["/bin/sh", "-c", "echo ready; exec sleep 600", "sh"])
    arn = start(runtime, task(CREATE + ".sync", TRAINING))
    sagemaker = runtime.client("sagemaker")
    submitted = threading.Event()
    while "TaskSubmitted" not in types(runtime, arn):
        submitted.wait(0.01)
    ended = threading.Event()
    runtime.jobs.watch("training-job", "Job-1", lambda _: ended.set())
    runtime.client("stepfunctions").stop_execution(executionArn=arn)
    assert ended.wait(30)
    assert sagemaker.describe_training_job(TrainingJobName="Job-1")["TrainingJobStatus"] == "Stopped"


def test_a_job_that_somebody_stopped_fails_the_task(runtime):
    runtime.register_image("my/image", ["/bin/sh", "-c", "exec sleep 600", "sh"])
    arn = start(runtime, task(CREATE + ".sync", TRAINING))
    pause = threading.Event()
    while "TaskSubmitted" not in types(runtime, arn):
        pause.wait(0.01)
    runtime.client("sagemaker").stop_training_job(TrainingJobName="Job-1")
    ended = finish(runtime, arn)
    assert ended["error"] == "States.TaskFailed"
    assert json.loads(ended["cause"])["TrainingJobStatus"] == "Stopped"


class Report:
    """What a handler reported, for tests that call one directly."""

    def __init__(self):
        self.said = []
        self.ended = threading.Event()

    def submitted(self, output):
        self.said.append(("submitted", output))

    def succeeded(self, output):
        self.said.append(("succeeded", output))
        self.ended.set()

    def failed(self, error, cause=None, *, phase="run"):
        self.said.append(("failed", error, cause))
        self.ended.set()


def request(resource, parameters, **fields):
    return TaskRequest("arn:e#1", "arn:e", "Task", resource, parameters, "token", **fields)


def test_a_task_that_is_begun_again_before_its_submission_was_stored_finds_its_own_job(runtime):
    handler = runtime._handlers.handler_for(CREATE + ".sync")
    reports = [Report(), Report()]
    for report in reports:  # the second time as after a kill between the call and the storing of TaskSubmitted
        handler.start(request(CREATE + ".sync", TRAINING), report)
        assert report.ended.wait(30)
        assert [said[0] for said in report.said] == ["submitted", "succeeded"]
    assert reports[0].said[1] == reports[1].said[1]
    assert len(runtime.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]) == 1


def test_a_task_that_is_begun_again_after_its_submission_makes_no_call(runtime):
    handler = runtime._handlers.handler_for(CREATE + ".sync")
    first, second = Report(), Report()
    handler.start(request(CREATE + ".sync", TRAINING), first)
    assert first.ended.wait(30)
    runtime.fail_next("sagemaker", "CreateTrainingJob", "ThrottlingException")
    handler.start(request(CREATE + ".sync", TRAINING, submitted=first.said[0][1]), second)
    assert second.ended.wait(30)
    assert second.said == first.said[1:]


def test_a_task_whose_job_was_deleted_meanwhile_fails_clearly(runtime):
    handler = runtime._handlers.handler_for(CREATE + ".sync")
    with pytest.raises(StatesError) as caught:
        handler.start(request(CREATE + ".sync", TRAINING, submitted={"TrainingJobArn": "x"}), Report())
    assert caught.value.error == "SageMaker.AmazonSageMakerException"
    assert "Job-1" in caught.value.cause


def test_an_unnamed_execution_is_started_once_though_the_task_is_begun_twice(runtime):
    arn = child(runtime, {"Type": "Pass", "End": True})
    handler = runtime._handlers.handler_for("arn:aws:states:::states:startExecution")
    for _ in range(2):
        report = Report()
        handler.start(request("arn:aws:states:::states:startExecution", {"StateMachineArn": arn}), report)
        assert report.said[0][0] == "succeeded"
    executions = runtime.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    assert len(executions) == 1


# Other state machines


def child(runtime, state):
    definition = {"StartAt": "S", "States": {"S": state}}
    client = runtime.client("stepfunctions")
    made = client.create_state_machine(name="child", definition=json.dumps(definition), roleArn=ROLE)
    return made["stateMachineArn"]


def test_an_execution_is_started_and_not_waited_for(runtime):
    arn = child(runtime, {"Type": "Pass", "End": True})
    output = run(runtime, task("arn:aws:states:::states:startExecution", {"StateMachineArn": arn, "Name": "n"}))[
        "output"
    ]
    assert output["ExecutionArn"].endswith(":execution:child:n")
    assert isinstance(output["StartDate"], int)


@pytest.mark.parametrize(("pattern", "expected"), [("sync", '{"r":1}'), ("sync:2", {"r": 1})])
def test_an_execution_that_is_waited_for_gives_its_description(runtime, pattern, expected):
    arn = child(runtime, {"Type": "Pass", "Result": {"r": 1}, "End": True})
    output = run(
        runtime,
        task(f"arn:aws:states:::states:startExecution.{pattern}", {"StateMachineArn": arn, "Input": {"a": 1}}),
    )["output"]
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", expected)
    assert sorted(output) == [
        "ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "StartDate", "StateMachineArn",
        "Status", "StopDate",
    ]  # fmt: skip


def test_a_failed_execution_is_task_failed_with_its_description_as_cause(runtime):
    arn = child(runtime, {"Type": "Fail", "Error": "E", "Cause": "C"})
    ended = run(runtime, task("arn:aws:states:::states:startExecution.sync", {"StateMachineArn": arn}))
    cause = json.loads(ended["cause"])
    assert (ended["error"], cause["Error"], cause["Cause"], cause["Status"]) == (
        "States.TaskFailed",
        "E",
        "C",
        "FAILED",
    )


def test_a_missing_state_machine_is_named_as_recorded(runtime):
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none"
    ended = run(runtime, task("arn:aws:states:::states:startExecution", {"StateMachineArn": arn}))
    assert ended["error"] == "StepFunctions.StateMachineDoesNotExistException"
    assert ended["cause"].startswith(
        f"State Machine Does Not Exist: '{arn}' (Service: AWSStepFunctions; Status Code: 400;"
    )


def test_stopping_an_execution_stops_the_one_it_waits_for(tmp_path):
    with LocalRuntime(tmp_path / "root") as runtime:
        _stop_a_parent(runtime)


def _stop_a_parent(runtime):
    arn = child(runtime, {"Type": "Wait", "Seconds": 9999, "End": True})
    parent = start(runtime, task("arn:aws:states:::states:startExecution.sync", {"StateMachineArn": arn, "Name": "n"}))
    pause = threading.Event()
    while "TaskSubmitted" not in types(runtime, parent):
        pause.wait(0.01)
    client = runtime.client("stepfunctions")
    client.stop_execution(executionArn=parent)
    inner = "arn:aws:states:us-east-1:123456789012:execution:child:n"
    runtime.scheduler.wait(inner, 10)
    assert client.describe_execution(executionArn=inner)["status"] == "ABORTED"


# Registered integrations, the user's clients, nothing


def test_a_registered_integration_answers_with_its_result(runtime):
    seen = []
    runtime.register_integration("sns:publish", lambda parameters: seen.append(parameters) or {"MessageId": "1"})
    ended = run(runtime, task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": {"a": 1}}))
    assert (ended["output"], seen) == ({"MessageId": "1"}, [{"TopicArn": "t", "Message": {"a": 1}}])


def raiser(error):
    def function(parameters):
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "name", "cause"),
    [
        (StatesError("My.Error", "why"), "My.Error", "why"),
        (ValueError("why"), "ValueError", "why"),
        (ServiceError("NotFound", "why", 404), "SNS.AmazonSNSException", "why (Service: AmazonSNS; Status Code: 404;"),
    ],
)
def test_what_a_registered_integration_raises_fails_the_task(runtime, error, name, cause):
    runtime.register_integration("sns:publish", raiser(error))
    ended = run(runtime, task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": "m"}))
    assert ended["error"] == name
    assert ended["cause"].startswith(cause)


def test_a_registered_integration_that_returns_no_json_fails_clearly(runtime):
    runtime.register_integration("sns:publish", lambda parameters: {1, 2})
    ended = run(runtime, task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": "m"}))
    assert ended["error"] == "States.Runtime"
    assert "sns:publish returned is no JSON" in ended["cause"]


def test_a_registered_integration_may_wait_for_a_token(runtime):
    client = runtime.client("stepfunctions")
    runtime.register_integration(
        "sqs:sendMessage",
        lambda p: (
            client.send_task_success(taskToken=p["MessageBody"]["token"], output='"early"') and {"MessageId": "1"}
        ),
    )
    parameters = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    assert run(runtime, task("arn:aws:states:::sqs:sendMessage.waitForTaskToken", parameters))["output"] == "early"


def test_a_registered_integration_comes_before_the_runtimes_own(runtime):
    runtime.register_integration("sagemaker:createTrainingJob", lambda parameters: {"TrainingJobStatus": "Completed"})
    assert run(runtime, task(CREATE + ".sync", TRAINING))["output"] == {"TrainingJobStatus": "Completed"}


def test_faults_reach_registered_integrations(runtime):
    runtime.register_integration("sns:publish", lambda parameters: {})
    runtime.fail_next("sns", "Publish", "InternalError")
    definition = task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": "m"})
    assert run(runtime, definition)["error"] == "SNS.AmazonSNSException"
    assert run(runtime, definition)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("resource", "lines"),
    [
        ("arn:aws:states:::sns:publish", ['register_integration("sns:publish"', 'clients={"sns": boto3.client("sns")}',
                                          'aws="moto"']),
        ("arn:aws:states:::aws-sdk:sns:listTopics", ['register_integration("aws-sdk:sns:listTopics"', 'aws="moto"']),
        ("arn:aws:states:::http:invoke", ['register_integration("http:invoke"']),
    ],
)  # fmt: skip
def test_what_nothing_plays_names_the_lines_to_add(runtime, resource, lines):
    parameters = {"TopicArn": "t", "Message": "m", "ApiEndpoint": "https://x.example", "Method": "GET",
                  "Authentication": {"ConnectionArn": "c"}}  # fmt: skip
    ended = run(runtime, task(resource, parameters))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    for line in lines:
        assert line in ended["cause"]


def test_an_operation_that_the_runtimes_own_service_does_not_play_names_the_line_to_add(runtime):
    definition = task("arn:aws:states:::aws-sdk:s3:getBucketAcl", {"Bucket": "bucket"})
    ended = run(runtime, definition)
    assert ended["error"] == "States.Runtime"
    assert 'runtime.register_integration("aws-sdk:s3:getBucketAcl", lambda parameters: {...})' in ended["cause"]
    runtime.register_integration("aws-sdk:s3:getBucketAcl", lambda parameters: {"Owner": {}})
    assert run(runtime, definition)["output"] == {"Owner": {}}


def test_the_users_own_client_is_called(tmp_path, monkeypatch):
    forbid_sockets(monkeypatch)
    client = boto3.client("sns", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub, LocalRuntime(tmp_path / "root", clients={"sns": client}) as runtime:
        stub.add_response("publish", {"MessageId": "1"}, {"TopicArn": "t", "Message": '{"a":1}'})
        stub.add_client_error("publish", "NotFound", "Topic does not exist", 404)
        assert runtime.client("sns") is client
        definition = task("arn:aws:states:::sns:publish", {"TopicArn": "t", "Message": {"a": 1}})
        assert run(runtime, definition)["output"]["MessageId"] == "1"
        ended = run(runtime, definition)
        assert ended["error"] == "SNS.NotFoundException"
        assert ended["cause"].startswith(
            "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound;"
        )
        runtime.fail_next("sns", "Publish", "Nonsense")
        assert run(runtime, definition)["error"] == "SNS.AmazonSNSException"


def test_a_job_of_a_client_without_events_is_asked_until_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr("mlflowsteps.local.tasks.aws_tasks._POLL_SECONDS", 0.001)

    class Glue:
        def __init__(self):
            self.states = ["RUNNING", "RUNNING", "SUCCEEDED"]

        def start_job_run(self, **parameters):
            assert parameters == {"JobName": "job"}
            return {"JobRunId": "run-1"}

        def get_job_run(self, **parameters):
            assert parameters == {"JobName": "job", "RunId": "run-1"}
            return {"JobRun": {"JobRunState": self.states.pop(0), "Id": "run-1"}}

    with LocalRuntime(tmp_path / "root", clients={"glue": Glue()}) as runtime:
        ended = run(runtime, task("arn:aws:states:::glue:startJobRun.sync", {"JobName": "job"}))
        assert ended["output"] == {"JobRunState": "SUCCEEDED", "Id": "run-1"}


# aws-sdk


def test_aws_sdk_calls_the_runtimes_own_services(runtime):
    sdk = "arn:aws:states:::aws-sdk:"
    where = {"Bucket": "bucket", "Key": "k"}
    assert set(run(runtime, task(sdk + "s3:putObject", {**where, "Body": {"a": 1}}))["output"]) == {
        "ChecksumCRC32", "ChecksumType", "ETag", "ServerSideEncryption",
    }  # fmt: skip
    got = run(runtime, task(sdk + "s3:getObject", where))["output"]
    assert (got["Body"], got["ContentLength"], got["Metadata"]) == ('{"a":1}', 7, {})
    assert got["LastModified"].endswith("Z")
    assert run(runtime, task(sdk + "sagemaker:listModels", {}))["output"] == {"Models": []}
    found = run(runtime, task(sdk + "sfn:listStateMachines", {"MaxResults": 1}))["output"]
    assert set(found["StateMachines"][0]) == {"StateMachineArn", "Name", "Type", "CreationDate"}


@pytest.mark.parametrize(
    ("call", "parameters", "error", "cause"),
    [
        ("s3:getObject", {"Bucket": "bucket", "Key": "none"}, "S3.NoSuchKeyException", "(Service: S3, Status Code: 4"),
        ("sfn:describeExecution", {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:m:none"},
         "Sfn.ExecutionDoesNotExistException", "(Service: Sfn, Status Code: 400,"),
        ("sagemaker:describeModel", {"ModelName": "none"}, "SageMaker.SageMakerException", "(Service: SageMaker,"),
    ],
)  # fmt: skip
def test_aws_sdk_errors_are_named_as_recorded(runtime, call, parameters, error, cause):
    ended = run(runtime, task("arn:aws:states:::aws-sdk:" + call, parameters))
    assert ended["error"] == error
    assert cause in ended["cause"]
    assert ended["cause"].endswith("(SDK Attempt Count: 1)")
