from datetime import UTC, datetime, timedelta, timezone

import botocore.session
import pytest

from mlflowsteps.local.tasks.shapes import epoch_millis, http_metadata, iso_8601, to_parameters, to_result

SESSION = botocore.session.Session()


def shapes(service, operation):
    model = SESSION.get_service_model(service).operation_model(operation)
    return model.input_shape, model.output_shape


def test_pascal_case_becomes_the_apis_own_spelling_and_back():
    into, out = shapes("stepfunctions", "StartExecution")
    parameters = to_parameters(into, {"StateMachineArn": "arn", "Input": {"a": [1, None]}, "Name": None})
    assert parameters == {"stateMachineArn": "arn", "input": '{"a":[1,null]}'}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    response = {"executionArn": "e", "startDate": moment, "ResponseMetadata": {"x": 1}}
    assert to_result(response, epoch_millis, out) == {"ExecutionArn": "e", "StartDate": 1767225600000}
    assert to_result(response, iso_8601, out) == {"ExecutionArn": "e", "StartDate": "2026-01-01T00:00:00Z"}


def test_json_where_the_api_wants_text_is_written_as_json():
    into, _ = shapes("sns", "Publish")
    assert to_parameters(into, {"Message": {"a": 1}})["Message"] == '{"a":1}'
    assert to_parameters(into, {"Message": 1})["Message"] == "1"
    assert to_parameters(into, {"Message": "text"})["Message"] == "text"


def test_keys_of_maps_are_left_as_they_are():
    into, out = shapes("dynamodb", "GetItem")
    key = {"id": {"S": "x"}}
    assert to_parameters(into, {"TableName": "t", "Key": key})["Key"] == key
    assert to_result({"Item": {"id": {"S": "x"}, "data": {"B": b"\xff"}}}, iso_8601, out) == {
        "Item": {"id": {"S": "x"}, "data": {"B": "/w=="}}
    }


def test_what_the_model_does_not_know_is_kept_so_that_botocore_names_it():
    into, _ = shapes("sagemaker", "CreateModel")
    assert to_parameters(into, {"ModelName": "m", "Nonsense": 1}) == {"ModelName": "m", "Nonsense": 1}
    assert to_parameters(into, {"Containers": "no list"}) == {"Containers": "no list"}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC), "2026-01-02T03:04:05.678Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05Z"),
    ],
)
def test_times_are_written_in_utc(moment, text):
    assert iso_8601(moment) == text


def test_metadata_of_a_client_that_gives_none_is_plain():
    assert http_metadata({})["SdkHttpMetadata"] == {"AllHttpHeaders": {}, "HttpHeaders": {}, "HttpStatusCode": 200}


def test_headers_tell_of_the_way_to_the_service_not_of_the_simulator():
    headers = {"connection": "close", "server": "Werkzeug", "access-control-allow-origin": "*", "date": "d"}
    response = {"ResponseMetadata": {"HTTPHeaders": headers}}
    assert http_metadata(response)["SdkHttpMetadata"]["HttpHeaders"] == {"connection": "keep-alive", "Date": "d"}
    shown = http_metadata(response, connection="Connection")["SdkHttpMetadata"]["HttpHeaders"]
    assert shown == {"Connection": "keep-alive", "Server": "Server", "Date": "d"}
