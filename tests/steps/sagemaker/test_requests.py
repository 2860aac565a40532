from __future__ import annotations

import numbers
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlflowsteps import steps
from mlflowsteps.catalog.sagemaker_requests import REQUEST_MEMBERS
from mlflowsteps.inputs import ExecutionInput, StepInput
from mlflowsteps.steps.sagemaker.channels import with_data
from mlflowsteps.steps.sagemaker.requests import FrozenRequest, copied, merged, put, request_of, stringified

INPUTS = ExecutionInput(schema={"n": int, "s": str, "l": list, "d": dict})


@cache
def service_model() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.mark.parametrize("operation", sorted(REQUEST_MEMBERS))
def test_the_table_of_members_is_that_of_the_installed_botocore(operation: str) -> None:
    shape = service_model().operation_model(operation).input_shape
    assert set(REQUEST_MEMBERS[operation]) <= set(shape.members)
    assert set(shape.required_members) <= set(REQUEST_MEMBERS[operation])


@pytest.mark.parametrize("given", [None, "text", 5, object(), [{"a": 1}]])
def test_what_is_no_request_is_refused_with_what_is_taken(given: object) -> None:
    with pytest.raises(TypeError, match=r"estimator must be a dict in the shape of .*create_training_job\("):
        request_of(given, "CreateTrainingJob", "estimator")
    with pytest.raises(TypeError, match=r"create_hyper_parameter_tuning_job\("):
        request_of(given, "CreateHyperParameterTuningJob", "tuner")


def test_a_copy_shares_nothing_but_placeholders() -> None:
    value = {"a": [{"b": INPUTS["s"]}], "c": ({"d": 1},)}
    twin = copied(value)

    assert twin == {"a": [{"b": INPUTS["s"]}], "c": [{"d": 1}]}
    assert twin["a"][0]["b"] is value["a"][0]["b"]
    twin["a"][0]["e"] = 1
    assert "e" not in value["a"][0]


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": 1}, {"a.$": "$.x"}, {"a.$": "$.x"}),
        ({"a.$": "$.x"}, {"a": 1}, {"a": 1}),
        ({"a": {"b.$": "$.x"}}, {"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1}}}),
        ({"a": 1}, "text", "text"),
    ],
)
def test_merging_goes_to_every_depth(base: Any, over: Any, result: Any) -> None:
    before = (copied(base), copied(over))
    assert merged(base, over) == result
    assert (base, over) == before


def test_put_makes_the_way_and_refuses_what_is_no_object() -> None:
    request: dict[str, Any] = {"A": {"B.$": "$.x"}}
    put(request, "A.B", 1)
    put(request, "C.D.E", "x")
    put(request, "F", None)
    assert request == {"A": {"B": 1}, "C": {"D": {"E": "x"}}}
    with pytest.raises(TypeError, match=r"C\.D\.E\.G cannot be set"):
        put(request, "C.D.E.G", 1)


def test_values_become_texts_as_the_service_wants_them() -> None:
    written = stringified(
        {"s": "x", "i": 5, "f": 1e-05, "t": True, "l": [1, "a"], "d": {"k": 1}, "n": None, "u": "ü", "p": INPUTS["s"]}
    )
    assert written == {
        "s": "x",
        "i": "5",
        "f": "1e-05",
        "t": "true",
        "l": '[1, "a"]',
        "d": '{"k": 1}',
        "u": "ü",
        "p": INPUTS["s"],
    }
    assert stringified({"n": INPUTS["n"]})["n"].to_jsonpath() == "States.Format('{}', $$.Execution.Input['n'])"
    assert stringified({"l": INPUTS["l"]})["l"].to_jsonpath() == "States.JsonToString($$.Execution.Input['l'])"
    assert stringified(INPUTS["d"]) is INPUTS["d"]


class Kind(Enum):
    """A setting."""

    GINI = "gini"


class Five:
    """A number of another library's."""

    def __int__(self) -> int:
        return 5


numbers.Integral.register(Five)


def test_enums_and_other_libraries_numbers_become_texts() -> None:
    assert stringified({"kind": Kind.GINI, "depth": Five(), "all": [Five(), Kind.GINI]}) == {
        "kind": "gini",
        "depth": "5",
        "all": '[5, "gini"]',
    }


@pytest.mark.parametrize("value", [{1}, Path("x"), b"x", [object()]])
def test_what_is_no_json_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^depth: .* is no JSON value, and SageMaker takes text here: give str"):
        stringified({"depth": value})


def test_a_request_that_holds_itself_is_refused() -> None:
    given: dict[str, Any] = {}
    given["Environment"] = given
    for use in (lambda: copied(given), lambda: request_of(given, "CreateModel", "model"), lambda: merged({}, given)):
        with pytest.raises(ValueError, match="holds itself"):
            use()


def test_a_port_that_is_no_place_is_refused_with_its_name() -> None:
    with pytest.raises(TypeError, match=r"InputName 'train' is an S3 URI, .* a dict with S3Input, not 5"):
        steps.ProcessingStep("S", {"AppSpecification": {"ImageUri": "i"}}, "job", {"train": 5})


def test_a_frozen_request_gives_copies() -> None:
    frozen = FrozenRequest({"a": {"b": [1]}})
    frozen["a"]["b"].append(2)

    assert dict(frozen) == {"a": {"b": [1]}}
    assert len(frozen) == 1
    with pytest.raises(TypeError):
        frozen["a"] = 1  # type: ignore[index]


# ------------------------------------------------------------------------------------------------------ channels

TRAIN: dict[str, Any] = {
    "ChannelName": "train",
    "ContentType": "text/csv",
    "DataSource": {
        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://old", "S3DataDistributionType": "ShardedByS3Key"}
    },
}


def channel(name: str, uri: Any, **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated", "S3Uri": uri}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def moved(uri: Any, **more: Any) -> dict[str, Any]:
    """The request's channel at another place: what the data does not say is kept."""
    source = {**TRAIN["DataSource"]["S3DataSource"], "S3Uri": uri}
    return {**TRAIN, "DataSource": {"S3DataSource": source}, **more}


class TrainingInput:
    """Describes itself as the SageMaker SDK's class does."""

    config: ClassVar[dict[str, Any]] = {
        "DataSource": {"S3DataSource": {"S3Uri": "s3://new", "S3DataType": "S3Prefix"}},
        "ContentType": "libsvm",
    }


X = StepInput()["x"]


@pytest.mark.parametrize(
    ("channels", "data", "result"),
    [
        (None, "s3://a", [channel("training", "s3://a")]),
        (None, X, [channel("training", X)]),
        (None, {"train": "s3://a", "test": X}, [channel("train", "s3://a"), channel("test", X)]),
        (None, {"S3Uri": "s3://a", "ContentType": "x"}, [channel("training", "s3://a", ContentType="x")]),
        ([TRAIN], "s3://new", [moved("s3://new")]),
        ([TRAIN], {"train": "s3://new"}, [moved("s3://new")]),
        ([TRAIN], {"train": X}, [moved(X)]),
        ([TRAIN], {"test": "s3://a"}, [TRAIN, channel("test", "s3://a")]),
        ([TRAIN], {"train": {"S3Uri": "s3://new", "ContentType": "libsvm"}}, [moved("s3://new", ContentType="libsvm")]),
        ([TRAIN], {"train": TrainingInput()}, [moved("s3://new", ContentType="libsvm")]),
        ([TRAIN], TrainingInput(), [moved("s3://new", ContentType="libsvm")]),
        ([TRAIN], [channel("test", "s3://a")], [TRAIN, channel("test", "s3://a")]),
        (
            [TRAIN, channel("test", "s3://t")],
            "s3://a",
            [TRAIN, channel("test", "s3://t"), channel("training", "s3://a")],
        ),
        ([TRAIN], None, [TRAIN]),
        (
            [TRAIN],
            {"train": {"DataSource": {"FileSystemDataSource": {"FileSystemId": "fs"}}}},
            [{**TRAIN, "DataSource": {"FileSystemDataSource": {"FileSystemId": "fs"}}}],
        ),
    ],
)
def test_data_replaces_or_adds_channels(channels: Any, data: Any, result: Any) -> None:
    before = copied(channels)
    assert with_data(channels, data) == result
    assert channels == before


def test_a_uri_given_by_a_path_takes_the_place_of_a_fixed_one() -> None:
    (found,) = with_data([TRAIN], {"train": {"S3Uri.$": "$.x"}})
    assert "S3Uri" not in found["DataSource"]["S3DataSource"]
    assert found["DataSource"]["S3DataSource"]["S3Uri.$"] == "$.x"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"train": 5}, r"data\['train'\] must be an S3 URI"),
        ({"train": {"S3Ur": "s3://a"}}, "Did you mean 'S3Uri'"),
        ([{"DataSource": {}}], "a channel with a ChannelName"),
        (["s3://a"], "a channel with a ChannelName"),
        (5, "must be an S3 URI"),
    ],
)
def test_what_is_no_data_is_refused(data: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        with_data(None, data)


@pytest.mark.parametrize("data", ["train.csv", {"training": "./train.csv"}])
def test_a_local_file_is_no_data_of_a_training(data: Any) -> None:
    with pytest.raises(ValueError, match=r"data\['training'\]: '.*train.csv' is no S3 URI\. Upload the file"):
        with_data(None, data)


@pytest.mark.parametrize(
    "data", ["s3://b/k", "$.Data", "{% $states.input.Data %}", f"{ExecutionInput(schema={'B': str})['B']}/k"]
)
def test_a_channels_place_may_be_known_only_later(data: str) -> None:
    assert with_data(None, data)[0]["DataSource"]["S3DataSource"]["S3Uri"] == data


def test_a_warning_is_told_at_the_line_that_makes_the_step() -> None:
    resources = {"InstanceCount": 1, "InstanceType": "local", "VolumeSizeInGB": 1}
    with pytest.warns(UserWarning, match="'local' is the SDK's own local mode") as told:
        steps.TrainingStep("Train", {"ResourceConfig": resources}, "job")
    assert [warning.filename for warning in told] == [__file__]
