"""The built-in XGBoost: training on CSV and libsvm, its checks, its log, its model, and serving."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from csv import reader

import numpy as np
import pytest

from mlflowsteps.local.jobs.images.textdata import Rows
from mlflowsteps.local.jobs.images.xgboost_answers import combine, select
from mlflowsteps.local.jobs.images.xgboost_folds import folds
from tests.local.jobs.conftest import (
    BUCKET,
    OLD_XGBOOST,
    XGBOOST,
    Bench,
    csv,
    libsvm,
    mean_error,
    members,
    model,
    rows,
    training,
    transform,
)

TRAIN, VALIDATION, TEST = rows(400), rows(100, seed=2), rows(60, seed=3)
PARAMETERS = {"objective": "reg:squarederror", "num_round": "20", "max_depth": "4", "eta": "0.3"}
BASELINE = mean_error([sum(y for y, _ in TRAIN) / len(TRAIN)] * len(TEST), TEST)


def train(bench: Bench, name: str = "xgb-1", image: str = XGBOOST, form: str = "csv", **changes: object) -> dict:
    write = csv if form == "csv" else libsvm
    bench.put(f"in/train/{name}", write(TRAIN))
    bench.put(f"in/validation/{name}", write(VALIDATION))
    kind = {"csv": "text/csv", "libsvm": "libsvm"}.get(form, form)
    channels = {"train": (f"in/train/{name}", kind), "validation": (f"in/validation/{name}", kind)}
    return bench.run("training-job", training(name, image, channels=channels, HyperParameters=PARAMETERS) | changes)


@pytest.mark.parametrize(("form", "mode"), [("csv", "namespace"), ("libsvm", "rewritten")])
def test_training_ends_with_a_model_metrics_and_a_log_of_every_round(
    make_bench: Callable[..., Bench], form: str, mode: str
) -> None:
    bench = make_bench(path_mode=mode)
    job = train(bench, form=form)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed"), job.get("FailureReason")
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": f"s3://{BUCKET}/models/xgb-1/output/model.tar.gz"}
    metrics = {row["MetricName"]: row["Value"] for row in job["FinalMetricDataList"]}
    assert 0 < metrics["train:rmse"] < metrics["validation:rmse"] < 0.1
    log = bench.log("training-job", "xgb-1")
    assert f"[19]\ttrain-rmse:{metrics['train:rmse']:.5f}\tvalidation-rmse:" in log
    files = members(bench.get("models/xgb-1/output/model.tar.gz"))
    assert list(files) == ["xgboost-model"]
    assert files["xgboost-model"][:1] == b"{"  # UBJSON; a pickle begins with another byte


def test_a_users_regex_with_the_logs_escaped_tab_finds_its_metric(bench: Bench) -> None:
    regex = r".*\[[0-9]+\].*#011validation-rmse:(\S+)"
    specification = {
        "TrainingImage": XGBOOST,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "mine", "Regex": regex}],
    }
    job = train(bench, AlgorithmSpecification=specification)

    metrics = {row["MetricName"]: row["Value"] for row in job["FinalMetricDataList"]}
    assert metrics["mine"] == metrics["validation:rmse"]


def test_early_stopping_ends_before_the_last_round(bench: Bench) -> None:
    parameters = PARAMETERS | {"num_round": "400", "eta": "1", "early_stopping_rounds": "3"}
    job = train(bench, HyperParameters=parameters)

    assert job["TrainingJobStatus"] == "Completed"
    assert "[0]\t" in bench.log("training-job", "xgb-1")
    assert "[399]\t" not in bench.log("training-job", "xgb-1")


def test_several_metrics_are_logged_those_that_xgboost_lacks_too(bench: Bench) -> None:
    job = train(bench, HyperParameters=PARAMETERS | {"eval_metric": "mae,rmse,r2"})

    names = {row["MetricName"] for row in job["FinalMetricDataList"]}
    assert {"validation:mae", "validation:rmse", "validation:r2", "train:r2"} <= names


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_round": None}, "'num_round' is required"),
        ({"gamme": "4"}, "'gamme' (value '4') is not known"),
        ({"eta": "7"}, "'eta' is '7'; it must be a number from 0.0 to 1.0"),
        ({"max_depth": "deep"}, "'max_depth' is 'deep'; it must be a number"),
        ({"objective": "multi:softmax"}, "'num_class' is required"),
        ({"_kfold": "1"}, "'_kfold' is '1'; it must be an integer of at least 2"),
        ({"_kfold": "501"}, "_kfold is 501, but there are only 500 rows"),
    ],
)
def test_wrong_hyperparameters_fail_the_job_with_their_name_and_value(
    bench: Bench, changes: dict[str, str | None], reason: str
) -> None:
    parameters = {name: value for name, value in (PARAMETERS | changes).items() if value is not None}
    job = train(bench, HyperParameters=parameters)

    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: ")
    assert reason in job["FailureReason"]
    assert str(bench.manager.log_path("training-job", "xgb-1")) in job["FailureReason"]


def test_the_old_image_only_warns_of_what_it_does_not_know(bench: Bench) -> None:
    parameters = PARAMETERS | {"objective": "reg:linear", "gamme": "4", "silent": "0"}
    job = train(bench, image=OLD_XGBOOST, HyperParameters=parameters)

    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = bench.log("training-job", "xgb-1")
    assert "'gamme' (value '4') is not known" in log
    assert "'reg:linear' is read as 'reg:squarederror'" in log
    assert "'silent' is of old versions" in log


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("y,a,b\n1,2,3\n", "text/csv", "line 1, column 1: 'y' is no number. CSV for training has no header line."),
        ("1,2,3\n1,2\n", "text/csv", "line 2: 2 columns, but the first row has 3"),
        ("1 1:2 x\n", "text/libsvm", "line 1: 'x' is not of the form index:value"),
        ("", "text/csv", "the channel 'train' holds no rows"),
        ("1,2", "application/x-image", "'application/x-image' is not played"),
        ("1,2", "application/x-parquet", "is no parquet file of numbers"),
        ("1,2", "application/x-recordio-protobuf", "record 1: this is no RecordIO-protobuf"),
        ("1,2", "text/csv;label_size=2", "label_size must be 1"),
    ],
)
def test_data_that_cannot_be_read_fails_the_job_with_the_place(bench: Bench, text: str, kind: str, reason: str) -> None:
    bench.put("in/rows.txt", text)
    channels = {"train": ("in/rows.txt", kind)}
    job = bench.run("training-job", training("bad", XGBOOST, channels=channels, HyperParameters=PARAMETERS))

    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def test_hidden_files_are_passed_over_and_a_missing_channel_is_named(bench: Bench) -> None:
    bench.put("in/t/rows.csv", csv(TRAIN))
    bench.put("in/t/_SUCCESS", "not,numbers\n")
    bench.put("in/t/.hidden", "not,numbers\n")
    good = training("good", XGBOOST, channels={"train": ("in/t", "text/csv")}, HyperParameters=PARAMETERS)
    assert bench.run("training-job", good)["TrainingJobStatus"] == "Completed"

    bad = training("no-train", XGBOOST, channels={"training": ("in/t", "text/csv")}, HyperParameters=PARAMETERS)
    assert "a channel 'train' is required; the job has training" in bench.run("training-job", bad)["FailureReason"]


def test_weights_in_the_second_csv_column_count(bench: Bench) -> None:
    text = "".join(f"{y},{w},{x}\n" for y, w, x in [(0, 1, 1), (1, 1000, 1), (0, 1, 2), (0, 1, 2)] * 30)
    bench.put("in/rows.csv", text)
    parameters = PARAMETERS | {"csv_weights": "1"}
    request = training("w", XGBOOST, channels={"train": ("in/rows.csv", "text/csv")}, HyperParameters=parameters)
    assert bench.run("training-job", request)["TrainingJobStatus"] == "Completed"

    bench.manager.create("model", model("w", XGBOOST, "models/w/output/model.tar.gz"))
    bench.put("ask.csv", "1\n2\n")
    assert bench.run("transform-job", transform("w", "w", "ask.csv", "text/csv"))["TransformJobStatus"] == "Completed"
    first, second = map(float, bench.get("predictions/ask.csv.out").split())
    assert (first > 0.9, second < 0.1) == (True, True)


def test_transform_and_endpoint_answer_alike_and_better_than_the_mean(bench: Bench) -> None:
    assert train(bench, form="libsvm")["TrainingJobStatus"] == "Completed"
    bench.manager.create("model", model("xgb", XGBOOST, "models/xgb-1/output/model.tar.gz"))
    bench.put("test", libsvm(TEST))
    job = bench.run("transform-job", transform("t-1", "xgb", "test", "text/libsvm"))
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    found = [float(line) for line in bench.get("predictions/test.out").decode().splitlines()]
    assert mean_error(found, TEST) < 0.4 * BASELINE

    variants = [{"VariantName": "AllTraffic", "ModelName": "xgb", "InitialInstanceCount": 1}]
    bench.manager.create("endpoint-config", {"EndpointConfigName": "c", "ProductionVariants": variants})
    bench.manager.create("endpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    assert bench.wait("endpoint", "e")["EndpointStatus"] == "InService"

    def ask(body: str, kind: str, accept: str) -> bytes:
        return bench.manager.invoke_endpoint("e", body.encode(), {"Content-Type": kind, "Accept": accept}).body

    one = libsvm(TEST[:1])
    assert float(ask(one, "text/libsvm", "text/csv")) == pytest.approx(found[0])
    assert float(ask(one.split(" ", 1)[1], "text/libsvm", "*/*")) == pytest.approx(found[0])  # without the label
    two = json.loads(ask(libsvm(TEST[:2]), "libsvm", "application/json"))
    assert [row["score"] for row in two["predictions"]] == pytest.approx(found[:2])


def test_probabilities_are_a_csv_row_online_and_a_list_in_batch(bench: Bench) -> None:
    bench.put("in/rows.csv", "".join(f"{i % 3},{i % 3},{i % 2}\n" for i in range(90)))
    parameters = {"objective": "multi:softprob", "num_class": "3", "num_round": "5"}
    request = training("m", XGBOOST, channels={"train": ("in/rows.csv", "text/csv")}, HyperParameters=parameters)
    assert bench.run("training-job", request)["TrainingJobStatus"] == "Completed"
    bench.manager.create("model", model("m", XGBOOST, "models/m/output/model.tar.gz"))
    bench.put("ask.csv", "0,0\n1,1\n2,0\n")
    bench.run("transform-job", transform("m", "m", "ask.csv", "text/csv", given={"SplitType": "Line"}))

    lines = [json.loads(line) for line in bench.get("predictions/ask.csv.out").decode().splitlines()]
    assert [line.index(max(line)) for line in lines] == [0, 1, 2]


def test_cross_validation_reports_means_and_its_models_answer_together(bench: Bench) -> None:
    job = train(bench, HyperParameters=PARAMETERS | {"_kfold": "3", "_num_cv_round": "2"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    log = bench.log("training-job", "xgb-1")
    assert log.count("is trained") == 6
    assert log.count("[19]\ttrain-rmse:") == 1
    metrics = {row["MetricName"]: row["Value"] for row in job["FinalMetricDataList"]}
    assert 0 < metrics["train:rmse"] < metrics["validation:rmse"] < 0.1
    files = members(bench.get("models/xgb-1/output/model.tar.gz"))
    assert sorted(files) == [f"xgboost-model-{number}" for number in range(6)]

    bench.manager.create("model", model("cv", XGBOOST, "models/xgb-1/output/model.tar.gz"))
    bench.put("ask.csv", csv(TEST, label=False))
    bench.run("transform-job", transform("cv", "cv", "ask.csv", "text/csv", given={"SplitType": "Line"}))
    assert mean_error([float(line) for line in bench.get("predictions/ask.csv.out").split()], TEST) < BASELINE / 3


def test_folds_hold_every_row_once_a_round_and_every_class_in_its_share() -> None:
    labels = np.array([0.0] * 30 + [1.0] * 6, np.float32)
    rows_ = Rows(np.arange(36, dtype=np.float32).reshape(-1, 1), labels)
    made = list(folds([rows_], 3, 2, objective="binary:logistic", seed=1))
    for first in (0, 3):
        tested = np.concatenate([held.features[:, 0] for _, held in made[first : first + 3]])
        assert sorted(tested) == list(range(36))
    for kept, held in made:
        assert held.labels is not None
        assert (len(kept.features), len(held.features), held.labels.sum()) == (24, 12, 2)
        assert not set(kept.features[:, 0]) & set(held.features[:, 0])


def test_an_ensemble_of_classes_votes() -> None:
    votes = [np.array(row, np.float32) for row in ([0, 2], [2, 2], [2, 1])]
    assert combine(votes, "multi:softmax").tolist() == [2.0, 2.0]
    assert combine(votes[:2], "reg:squarederror").tolist() == [1.0, 2.0]


def deploy_selecting(bench: Bench, output: str) -> dict:
    bench.put("in/rows.csv", "".join(f"{i % 3},{i % 3},{i % 2}\n" for i in range(90)))
    parameters = {"objective": "multi:softprob", "num_class": "3", "num_round": "5"}
    request = training("m", XGBOOST, channels={"train": ("in/rows.csv", "text/csv")}, HyperParameters=parameters)
    assert bench.run("training-job", request)["TrainingJobStatus"] == "Completed"
    environment = {"SAGEMAKER_INFERENCE_OUTPUT": output}
    bench.manager.create("model", model("m", XGBOOST, "models/m/output/model.tar.gz", Environment=environment))
    variants = [{"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1}]
    bench.manager.create("endpoint-config", {"EndpointConfigName": "m", "ProductionVariants": variants})
    bench.manager.create("endpoint", {"EndpointName": "m", "EndpointConfigName": "m"})
    return bench.wait("endpoint", "m")


def test_a_model_answers_with_what_its_inference_output_selects(bench: Bench) -> None:
    deploy_selecting(bench, "predicted_label, probabilities,predicted_score")
    ask = {"Content-Type": "text/csv"}
    row = bench.manager.invoke_endpoint("m", b"1,1", ask | {"Accept": "text/csv"}).body.decode()
    label, probabilities, score = next(reader([row]))
    found = json.loads(probabilities)
    assert (label, score, found.index(max(found))) == ("1", "nan", 1)
    rows_ = json.loads(bench.manager.invoke_endpoint("m", b"0,0\n2,0", ask | {"Accept": "application/json"}).body)
    assert [entry["predicted_label"] for entry in rows_["predictions"]] == [0, 2]
    assert "predicted_score will be nan: the objective multi:softprob has none" in bench.log("endpoint", "m")

    bench.put("ask.csv", "0,0\n1,1\n")
    bench.run("transform-job", transform("t", "m", "ask.csv", "text/csv", given={"SplitType": "Line"}))
    assert [line.split(b",")[0] for line in bench.get("predictions/ask.csv.out").splitlines()] == [b"0", b"1"]


def test_an_inference_output_that_there_is_not_fails_the_endpoint_with_those_there_are(bench: Bench) -> None:
    reason = deploy_selecting(bench, "likelihood")["FailureReason"]
    assert "SAGEMAKER_INFERENCE_OUTPUT names 'likelihood'; it may name predicted_label, labels" in reason


@pytest.mark.parametrize(
    ("objective", "score", "found"),
    [
        ("binary:logistic", 0.25, [0, 0.25, [0.75, 0.25]]),
        ("binary:logitraw", 2.0, [1, math.nan, math.nan]),
        ("binary:hinge", 1.0, [1, math.nan, math.nan]),
        ("multi:softmax", 2.0, [2, math.nan, math.nan]),
        ("multi:softprob", [0.2, 0.8], [1, 0.8, [0.2, 0.8]]),
        ("reg:squarederror", 7.5, [math.nan, math.nan, math.nan]),
    ],
)
def test_what_can_be_selected_depends_on_the_objective(objective: str, score: object, found: list[object]) -> None:
    wanted = ["predicted_label", "probability", "probabilities"]
    (row,) = select([score], objective, wanted)
    assert str([row[name] for name in wanted]) == str(found)


def test_a_pickle_in_a_models_archive_is_refused_and_not_loaded(bench: Bench, tmp_path: object) -> None:
    import pickle

    from tests.local.jobs.conftest import tar_gz

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("pickle was loaded",)

    bench.put("model.tar.gz", tar_gz({"xgboost-model": pickle.dumps(Hostile())}))
    bench.manager.create("model", model("p", XGBOOST, "model.tar.gz"))
    bench.put("ask.csv", "0,0\n")
    job = bench.run("transform-job", transform("p", "p", "ask.csv", "text/csv"))

    assert job["TransformJobStatus"] == "Failed"
    assert "pickle is refused" in job["FailureReason"]
    assert "pickle was loaded" not in bench.log("transform-job", "p")


@pytest.mark.parametrize("form", ["parquet", "recordio-protobuf"])
def test_binary_forms_of_the_same_rows_train_the_same_model(bench: Bench, form: str) -> None:
    files = {"csv": csv(TRAIN).encode(), "parquet": _parquet(TRAIN), "recordio-protobuf": _recordio(TRAIN)}
    found = {}
    for kind, content_type in (("csv", "text/csv"), (form, f"application/x-{form}")):
        bench.put(f"{kind}/rows", files[kind])
        parameters = {"num_round": "5", "nthread": "1", "eval_metric": "rmse"}
        channels = {"train": (f"{kind}/rows", content_type)}
        job = bench.run("training-job", training(kind, XGBOOST, channels=channels, HyperParameters=parameters))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        found[kind] = job["FinalMetricDataList"][0]["Value"]
    assert found[form] == pytest.approx(found["csv"], abs=2e-5)


def _parquet(data: list[tuple[float, list[float]]]) -> bytes:
    import io

    import pyarrow as pa
    from pyarrow import parquet

    columns = list(zip(*([label, *features] for label, features in data), strict=True))
    out = io.BytesIO()
    parquet.write_table(pa.table({f"c{number}": list(column) for number, column in enumerate(columns)}), out)
    return out.getvalue()


def _recordio(data: list[tuple[float, list[float]]]) -> bytes:
    from tests.local.jobs.test_stand_ins import entry, recordio

    return recordio(*(entry(1, features) + entry(2, [label]) for label, features in data))
