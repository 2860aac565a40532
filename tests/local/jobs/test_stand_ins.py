"""Stand-ins for linear-learner, kmeans, pca and knn: hyperparameters, data, metrics and the shapes of answers."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from mlflowsteps.local.jobs.images.hyperparameters import ParameterError, check
from mlflowsteps.local.jobs.images.recordio import read_recordio, write_answers
from mlflowsteps.local.jobs.images.server import HttpError, Request
from mlflowsteps.local.jobs.images.sklearn_algorithms import ALGORITHMS, answer
from mlflowsteps.local.jobs.images.textdata import Rows, TextError
from tests.local.jobs.conftest import Bench, model, training, transform

ACCOUNT = "382416733822.dkr.ecr.us-east-1.amazonaws.com"
DRAW = np.random.default_rng(3)
POINTS = np.vstack([DRAW.normal(center, 0.2, (40, 2)) for center in (0.0, 3.0, 6.0)])
GROUPS = np.repeat([0.0, 1.0, 2.0], 40)
GIVEN: dict[str, dict[str, str]] = {
    "linear-learner": {"predictor_type": "multiclass_classifier", "num_classes": "3"},
    "kmeans": {"k": "3", "feature_dim": "2"},
    "pca": {"feature_dim": "2", "num_components": "1", "mini_batch_size": "10"},
    "knn": {"feature_dim": "2", "k": "3", "predictor_type": "classifier", "sample_size": "1000"},
}


def fitted(name: str, labels: Any = GROUPS, **changes: str) -> Any:
    algorithm = ALGORITHMS[name]
    given = check(GIVEN[name] | changes, algorithm.known, algorithm.required)
    return algorithm.fit(Rows(POINTS, labels), given)


def asked(name: str, found: Any, body: object, content_type: str = "application/json", accept: str = "") -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer(ALGORITHMS[name], found, Request(data, content_type, accept)).body.decode()


INSTANCES = {"instances": [{"features": [0.1, 0.0]}, {"data": {"features": {"values": [6.0, 6.1]}}}]}


def test_linear_learner_answers_with_scores_and_labels_by_its_predictor_type() -> None:
    rows = json.loads(asked("linear-learner", fitted("linear-learner"), INSTANCES))["predictions"]
    assert [row["predicted_label"] for row in rows] == [0, 2]
    assert len(rows[0]["score"]) == 3
    assert sum(rows[0]["score"]) == pytest.approx(1.0)

    binary = fitted("linear-learner", (GROUPS > 0).astype(float), predictor_type="binary_classifier", num_classes="3")
    (row, other) = json.loads(asked("linear-learner", binary, INSTANCES))["predictions"]
    assert (row["predicted_label"], other["predicted_label"]) == (0, 1)
    assert 0 < row["score"] < 0.5 < other["score"] < 1

    line = fitted("linear-learner", POINTS[:, 0] * 2 + 1, predictor_type="regressor")
    (row, _) = json.loads(asked("linear-learner", line, INSTANCES))["predictions"]
    assert list(row) == ["score"]
    assert row["score"] == pytest.approx(1.2, abs=0.05)
    assert ALGORITHMS["linear-learner"].score(line, Rows(POINTS, POINTS[:, 0] * 2 + 1))["mse"] < 0.01


def test_kmeans_finds_the_groups_and_answers_as_json_or_csv() -> None:
    found = fitted("kmeans", None)
    rows = json.loads(asked("kmeans", found, INSTANCES))["predictions"]
    assert [set(row) for row in rows] == [{"closest_cluster", "distance_to_cluster"}] * 2
    assert rows[0]["closest_cluster"] != rows[1]["closest_cluster"]
    text = asked("kmeans", found, b"0.1,0.0\n", "text/csv", "text/csv")
    assert [float(value) for value in text.split(",")] == pytest.approx(list(rows[0].values()))
    assert ALGORITHMS["kmeans"].score(found, Rows(POINTS))["msd"] == pytest.approx(0.08, abs=0.04)


def test_pca_projects_on_the_axis_of_most_variance() -> None:
    found = fitted("pca", None)
    first, second = json.loads(asked("pca", found, INSTANCES))["projections"]
    assert abs(first["projection"][0] - second["projection"][0]) == pytest.approx(6.0 * 2**0.5, abs=0.2)


def test_knn_votes_and_shows_neighbours_only_where_asked_to() -> None:
    found = fitted("knn")
    assert json.loads(asked("knn", found, INSTANCES)) == {
        "predictions": [{"predicted_label": 0.0}, {"predicted_label": 2.0}]
    }
    verbose = json.loads(asked("knn", found, INSTANCES, accept="application/json; verbose=true"))["predictions"][0]
    assert (verbose["labels"], len(verbose["distances"])) == ([0.0] * 3, 3)
    assert ALGORITHMS["knn"].score(found, Rows(POINTS, GROUPS)) == {"accuracy": 1.0}
    means = fitted("knn", predictor_type="regressor", index_metric="COSINE", k="120")
    assert json.loads(asked("knn", means, INSTANCES))["predictions"][0]["predicted_label"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        (b"a,b", "text/csv", "", 415),
        (b"{}", "application/json", "", 415),
        (b"1,2", "text/plain", "", 415),
        (b"1,2,3", "text/csv", "", 400),
        (b"1,2", "text/csv", "image/png", 406),
    ],
)
def test_a_question_that_cannot_be_answered_has_the_status_that_says_why(
    body: bytes, content_type: str, accept: str, status: int
) -> None:
    with pytest.raises(HttpError) as caught:
        asked("kmeans", fitted("kmeans", None), body, content_type, accept)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("kmeans", {"k": "0"}, "'k' is '0'; it must be an integer of at least 1"),
        ("kmeans", {"clusters": "3"}, "'clusters' .* is not known"),
        ("linear-learner", {"predictor_type": "both"}, "must be one of binary_classifier"),
        ("knn", {"sample_size": "many"}, "must be a number"),
    ],
)
def test_a_hyperparameter_that_the_algorithm_does_not_take_is_named(
    name: str, changes: dict[str, str], message: str
) -> None:
    algorithm = ALGORITHMS[name]
    with pytest.raises(ParameterError, match=message):
        check(GIVEN[name] | changes, algorithm.known, algorithm.required)
    for required in algorithm.required:
        rest = {key: value for key, value in GIVEN[name].items() if key != required}
        with pytest.raises(ParameterError, match=f"'{required}' is required"):
            check(rest, algorithm.known, algorithm.required)


# RecordIO-protobuf, written by hand: field = (number << 3 | wire type), length, bytes.


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def entry(number: int, values: list[float], keys: bytes = b"", width: int = 0) -> bytes:
    tensor = field(1, struct.pack(f"<{len(values)}f", *values))
    tensor += (field(2, keys) if keys else b"") + (field(3, bytes([width])) if width else b"")
    return field(number, field(1, b"values") + field(2, field(2, tensor)))


def recordio(*records: bytes) -> bytes:
    framed = [struct.pack("<II", 0xCED7230A, len(data)) + data + b"\0" * (-len(data) % 4) for data in records]
    return b"".join(framed)


def test_recordio_is_read_dense_and_sparse_with_labels() -> None:
    data = recordio(entry(1, [1.0, 2.0, 3.0]) + entry(2, [7.0]), entry(1, [5.0], b"\x01", 3) + entry(2, [8.0]))
    rows = read_recordio(data, name="f", label=True)
    assert rows.features.tolist() == [[1.0, 2.0, 3.0], [0.0, 5.0, 0.0]]
    assert rows.labels is not None
    assert rows.labels.tolist() == [7.0, 8.0]


def test_answers_in_recordio_have_their_values_as_labels() -> None:
    kind = "application/x-recordio-protobuf"
    body = json.dumps(INSTANCES).encode()
    found = answer(ALGORITHMS["kmeans"], fitted("kmeans", None), Request(body, "application/json", kind))
    assert found.content_type == kind
    rows = read_recordio(found.body, name="x", label=True)  # its reader takes the first label: the cluster
    assert rows.labels is not None
    assert len(set(rows.labels.tolist())) == 2
    long = write_answers([{"projection": [float(number) for number in range(1000)], "score": 0.5}])
    assert struct.unpack_from("<I", long, 4)[0] > 4000
    assert b"projection" in long
    assert len(long) % 4 == 0


def test_flags_are_read_as_sdk_2_writes_them() -> None:
    given = GIVEN["kmeans"] | {"force_dense": "True"}
    assert check(given, ALGORITHMS["kmeans"].known, ())["force_dense"] == "true"
    assert check({"subtract_mean": "False"}, ALGORITHMS["pca"].known, ()) == {"subtract_mean": "false"}
    with pytest.raises(ParameterError, match="must be one of true, false, auto"):
        check({"normalize_data": "yes"}, ALGORITHMS["linear-learner"].known, ())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no record at all", "record 1"),
        (recordio(entry(1, [1.0]))[:-2], "byte 0 begins no whole record"),
        (recordio(entry(1, [1.0])), "record 1 has no label"),
        (recordio(entry(1, [1.0]) + entry(2, [1.0]), entry(1, [1.0, 2.0]) + entry(2, [1.0])), "from 1 to 2 values"),
        (recordio(entry(1, [1.0], b"\x09", 3) + entry(2, [1.0])), "1 keys for 1 values in a width of 3"),
        (recordio(b"\x0a\x7f"), "longer than its record"),
    ],
)
def test_damaged_recordio_is_told_by_its_place(data: bytes, message: str) -> None:
    with pytest.raises(TextError, match=message):
        read_recordio(data, name="f", label=True)


def test_a_built_in_algorithm_trains_reports_and_transforms(bench: Bench) -> None:
    lines = "".join(f"{int(group > 0)},{x},{y}\n" for group, (x, y) in zip(GROUPS, POINTS, strict=True))
    for name in ("train", "validation"):
        bench.put(f"{name}/rows.csv", lines)
    image = f"{ACCOUNT}/linear-learner:1"
    channels = {name: (f"{name}/rows.csv", "text/csv") for name in ("train", "validation")}
    parameters = {"predictor_type": "binary_classifier", "mini_batch_size": "20", "feature_dim": "2"}
    request = training("linear", image, channels=channels, HyperParameters=parameters)
    job = bench.run("training-job", request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    metrics = {row["MetricName"]: row["Value"] for row in job["FinalMetricDataList"]}
    assert metrics["validation:binary_classification_accuracy"] == 1.0
    assert metrics["validation:objective_loss"] < 0.1

    bench.manager.create("model", model("linear", image, "models/linear/output/model.tar.gz"))
    bench.put("ask.csv", "0.1,0.0\n6.0,6.1\n")
    output = {"output": {"Accept": "application/jsonlines"}, "given": {"SplitType": "Line"}}
    job = bench.run("transform-job", transform("t", "linear", "ask.csv", "text/csv", **output))
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    rows = [json.loads(line) for line in bench.get("predictions/ask.csv.out").decode().splitlines()]
    assert [row["predicted_label"] for row in rows] == [0, 1]


def test_rows_that_do_not_fit_the_hyperparameters_fail_the_job_as_the_users_error(bench: Bench) -> None:
    bench.put("train/rows.csv", "1,2,3\n4,5,6\n")
    channels = {"train": ("train/rows.csv", "text/csv;label_size=0")}
    request = training("k", f"{ACCOUNT}/kmeans:1", channels=channels, HyperParameters={"k": "1", "feature_dim": "7"})
    job = bench.run("training-job", request)
    assert job["FailureReason"].startswith("ClientError: Hyperparameter 'feature_dim' is 7, but rows have 3 features.")
