"""Registered functions: names, context, results and errors as Lambda writes them."""

import json
from decimal import Decimal

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.functions import FunctionRegistry, function_name

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


@pytest.fixture
def registry():
    return FunctionRegistry(client=lambda name: f"client of {name}", region="us-east-1", account_id="123456789012")


def call(registry, function, event=None):
    registry.register("f", function)
    return registry.invoke("f", json.dumps(event).encode())


@pytest.mark.parametrize(
    "identifier",
    ["f", "f:live", "f:$LATEST", ARN + "f", ARN + "f:3", "arn:aws-cn:lambda:cn-north-1:your-account-id:function:f",
     "123456789012:function:f"],
)  # fmt: skip
def test_a_function_answers_to_its_name_and_any_arn_of_it(registry, identifier):
    registry.register("f", lambda event, context: context.invoked_function_arn)
    qualifier = {"f:live": ":live", "f:$LATEST": ":$LATEST", ARN + "f:3": ":3"}.get(identifier, "")
    assert json.loads(registry.invoke(identifier, b"{}").payload) == ARN + "f" + qualifier


@pytest.mark.parametrize("function", [lambda event: event, lambda: 1, lambda event, context, third: 1])
def test_a_function_that_lambda_could_not_call_is_refused_when_it_is_registered(registry, function):
    with pytest.raises(TypeError, match=r"'f' cannot be called as function\(event, context\)"):
        registry.register("f", function)
    assert registry.names() == []


@pytest.mark.parametrize("function", [lambda *given: 1, lambda event, context, *, more=1: 1, print, max])
def test_a_function_that_takes_two_and_may_take_more_is_taken(registry, function):
    registry.register("f", function)
    assert registry.names() == ["f"]


@pytest.mark.parametrize("identifier", ["", "a b", "arn:aws:s3:::bucket", ARN, "a/b", "../f", "f" * 200])
def test_what_names_no_function_is_refused(registry, identifier):
    with pytest.raises(ValueError, match="names no Lambda function"):
        function_name(identifier)
    with pytest.raises(ValueError, match="names no Lambda function"):
        registry.register(identifier, print)
    with pytest.raises(ServiceError) as caught:
        registry.invoke(identifier, b"{}")
    assert caught.value.code == "ValidationException"


def test_a_function_that_is_missing_says_what_to_add(registry):
    with pytest.raises(ServiceError, match=r"runtime\.register_function\('other', function\)") as caught:
        registry.invoke(ARN + "other", b"{}")
    assert (caught.value.code, caught.value.status) == ("ResourceNotFoundException", 404)


def test_what_cannot_be_called_is_refused(registry):
    with pytest.raises(TypeError, match="cannot be called"):
        registry.register("f", 42)


def test_the_context_is_lambdas_and_gives_clients(registry):
    seen = []
    call(registry, lambda event, context: seen.append(context))
    (context,) = seen
    assert (context.function_name, context.function_version, context.memory_limit_in_mb) == ("f", "$LATEST", "128")
    assert context.invoked_function_arn == ARN + "f"
    assert context.log_group_name == "/aws/lambda/f"
    assert "[$LATEST]" in context.log_stream_name
    assert len(context.aws_request_id) == 36
    assert 890_000 < context.get_remaining_time_in_millis() <= 900_000
    assert context.client("s3") == "client of s3"
    assert (context.identity, context.client_context) == (None, None)


@pytest.mark.parametrize("event", [None, 0, 0.5, "", "é \U0001f600", [], {"a": [1, {"b": None}]}, True])
def test_events_and_results_are_json(registry, event):
    result = call(registry, lambda event, context: event, event)
    assert (json.loads(result.payload), result.error, result.version) == (event, False, "$LATEST")


def test_a_function_cannot_change_the_callers_event(registry):
    event = {"a": [1]}
    call(registry, lambda event, context: event["a"].append(2), event)
    assert event == {"a": [1]}


def test_results_are_written_as_lambda_does(registry):
    assert call(registry, lambda e, c: {"a": [1, 2], "é": Decimal("1.5")}).payload.decode() == '{"a": [1, 2], "é": 1.5}'
    assert call(registry, lambda e, c: b'"raw"').payload == b'"raw"'
    assert call(registry, lambda e, c: Decimal(3)).payload == b"3"
    assert call(registry, lambda e, c: "\ud800").payload == b'"\\ud800"'


class CustomError(Exception):
    pass


def test_an_exception_is_lambdas_error_document(registry):
    def fails(event, context):
        raise CustomError("why")

    result = call(registry, fails)
    assert result.error
    document = json.loads(result.payload)
    assert list(document) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (document["errorMessage"], document["errorType"]) == ("why", "CustomError")
    assert document["requestId"] == result.request_id
    (frame,) = document["stackTrace"]
    assert frame.startswith(f'  File "{__file__}", line ')
    assert 'in fails\n    raise CustomError("why")' in frame


def _endless():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "result", [object(), {1, 2}, float("nan"), {(1, 2): 3}, _endless()], ids=["object", "set", "nan", "key", "endless"]
)
def test_a_result_that_is_no_json_is_a_marshal_error(registry, result):
    answer = call(registry, lambda event, context: result)
    document = json.loads(answer.payload)
    assert (answer.error, document["errorType"], document["stackTrace"]) == (True, "Runtime.MarshalError", [])
    assert document["errorMessage"].startswith("Unable to marshal response: ")


def test_an_exit_ends_the_function_and_not_the_process(registry):
    def leaves(event, context):
        raise SystemExit(3)

    document = json.loads(call(registry, leaves).payload)
    assert document["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in document["errorMessage"]


def test_an_event_that_is_no_json_is_refused(registry):
    registry.register("f", lambda event, context: event)
    assert registry.invoke("f", b"").payload == b"{}"
    with pytest.raises(ServiceError) as caught:
        registry.invoke("f", b"{nonsense")
    assert caught.value.code == "InvalidRequestContentException"
