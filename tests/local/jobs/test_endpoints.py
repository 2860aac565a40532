"""Endpoints and inference scripts: creation, questions, updates, reopening, errors."""

from __future__ import annotations

import io
import json
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.endpoints import ModelError
from mlflowsteps.local.jobs.manager import InvokeResult
from tests.local.jobs.conftest import BUCKET, SKLEARN, Bench, model, tar_gz

SERVE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die":
            os._exit(1)
        status = 500 if body == b"fail" else 200
        self.send_response(status)
        self.send_header("Content-Type", "text/x-answer")
        name = "X-Amzn-SageMaker-Custom-Attributes"
        self.send_header(name, self.headers.get(name, ""))
        self.end_headers()
        self.wfile.write(os.environ["NAME"].encode() + b":" + body)
    def log_message(self, *arguments):
        pass
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def serve(bench: Bench, folder: Path, *names: str) -> None:
    """Models that answer with their name and what they were asked, and an endpoint configuration for each."""
    (folder / "serve.py").write_text(SERVE)
    bench.manager.images.register("own", [sys.executable, str(folder / "serve.py")])
    for name in names:
        bench.manager.create("model", model(name, "own", Environment={"NAME": name}))
        configure(bench, name, name)


def configure(bench: Bench, config: str, *models: str) -> None:
    variants = [{"VariantName": name, "ModelName": name, "InitialInstanceCount": 1} for name in models]
    bench.manager.create("endpoint-config", {"EndpointConfigName": config, "ProductionVariants": variants})


def deploy(bench: Bench, name: str, config: str) -> dict:
    bench.manager.create("endpoint", {"EndpointName": name, "EndpointConfigName": config})
    return bench.wait("endpoint", name)


def ask(bench: Bench, body: bytes, **headers: str) -> InvokeResult:
    return bench.manager.invoke_endpoint("e", body, {name.replace("_", "-"): value for name, value in headers.items()})


def answers(bench: Bench, body: bytes) -> bytes:
    """The answer once there is one: until the death of a container has been noticed, its port does not answer."""
    pause = threading.Event()
    for _ in range(500):
        try:
            return ask(bench, body).body
        except ModelError:
            pause.wait(0.02)
    raise AssertionError("the container was not started again")


def test_an_endpoint_comes_into_service_and_answers_with_headers(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    description = deploy(bench, "e", "one")

    assert description["EndpointStatus"] == "InService"
    assert description["EndpointArn"] == "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"
    assert description["ProductionVariants"][0]["VariantName"] == "one"
    answer = ask(bench, b"hello", Content_Type="text/x-question", X_Amzn_SageMaker_Custom_Attributes="trace=1")
    assert (answer.body, answer.content_type) == (b"one:hello", "text/x-answer")
    assert answer.headers == {
        "x-amzn-sagemaker-custom-attributes": "trace=1",
        "x-Amzn-Invoked-Production-Variant": "one",
    }


def test_a_containers_error_becomes_a_model_error_with_its_status_and_message(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    deploy(bench, "e", "one")
    with pytest.raises(ModelError) as caught:
        ask(bench, b"fail")
    assert (caught.value.code, caught.value.status) == ("ModelError", 424)
    assert caught.value.details["OriginalStatusCode"] == 500
    assert caught.value.details["OriginalMessage"] == "one:fail"
    assert str(bench.manager.log_path("endpoint", "e")) in caught.value.message


def test_a_container_that_died_is_started_again_by_the_next_question(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    deploy(bench, "e", "one")
    with pytest.raises(ModelError, match="no answer from the container"):
        ask(bench, b"die")
    assert answers(bench, b"again") == b"one:again"


def test_the_asked_variant_answers_and_an_unknown_one_is_refused(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one", "two")
    configure(bench, "both", "one", "two")
    deploy(bench, "e", "both")
    for name in ("one", "two"):
        assert ask(bench, b"x", X_Amzn_SageMaker_Target_Variant=name).body == f"{name}:x".encode()
    with pytest.raises(ServiceError, match="Variant three not found"):
        ask(bench, b"x", X_Amzn_SageMaker_Target_Variant="three")


def test_an_update_changes_the_model_and_a_failed_one_leaves_the_old(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one", "two")
    bench.manager.images.register("broken", [sys.executable, "-c", "raise SystemExit('no weights')"])
    bench.manager.create("model", model("broken", "broken"))
    configure(bench, "broken", "broken")
    deploy(bench, "e", "one")

    bench.manager.update_endpoint({"EndpointName": "e", "EndpointConfigName": "two"})
    assert bench.wait("endpoint", "e")["EndpointConfigName"] == "two"
    assert ask(bench, b"x").body == b"two:x"

    bench.manager.update_endpoint({"EndpointName": "e", "EndpointConfigName": "broken"})
    description = bench.wait("endpoint", "e")
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", "two")
    assert "no weights" in description["FailureReason"]
    assert ask(bench, b"x").body == b"two:x"


def test_an_endpoint_whose_container_does_not_start_fails_with_its_log(bench: Bench, tmp_path: Path) -> None:
    bench.manager.images.register("broken", [sys.executable, "-c", "raise SystemExit('no weights')"])
    bench.manager.create("model", model("broken", "broken"))
    configure(bench, "broken", "broken")
    description = deploy(bench, "e", "broken")

    assert description["EndpointStatus"] == "Failed"
    assert "no weights" in description["FailureReason"]
    with pytest.raises(ServiceError, match="is not in service: Failed"):
        ask(bench, b"x")


def test_an_endpoint_answers_after_reopening_without_being_created_again(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    first = make_bench(close_grace_seconds=0.5)
    serve(first, tmp_path, "one")
    deploy(first, "e", "one")
    first.close()

    second = make_bench(close_grace_seconds=0.5)
    second.manager.images.register("own", [sys.executable, str(tmp_path / "serve.py")])
    second.manager.resume()
    assert second.manager.describe("endpoint", "e")["EndpointStatus"] == "InService"
    assert ask(second, b"hello").body == b"one:hello"


def test_a_deleted_endpoint_is_gone_and_its_name_free(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    deploy(bench, "e", "one")
    with pytest.raises(ServiceError, match="Cannot create already existing endpoint"):
        bench.manager.create("endpoint", {"EndpointName": "e", "EndpointConfigName": "one"})
    bench.manager.delete("endpoint", "e")
    with pytest.raises(ServiceError) as caught:
        ask(bench, b"x")
    assert caught.value.code == "ValidationError"
    assert deploy(bench, "e", "one")["EndpointStatus"] == "InService"


def test_containers_of_a_pipeline_model_answer_in_turn(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path)
    containers = [{"Image": "own", "Environment": {"NAME": name}} for name in ("first", "second")]
    bench.manager.create("model", {"ModelName": "pipe", "Containers": containers, "ExecutionRoleArn": "r"})
    configure(bench, "pipe", "pipe")
    deploy(bench, "e", "pipe")
    assert ask(bench, b"x").body == b"second:first:x"


@pytest.mark.parametrize(
    ("kind", "request_", "missing"),
    [
        (
            "endpoint-config",
            {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "v", "ModelName": "absent"}]},
            "model/absent",
        ),
        ("endpoint", {"EndpointName": "e", "EndpointConfigName": "absent"}, "endpoint-config/absent"),
    ],
)
def test_what_names_something_absent_is_refused(bench: Bench, kind: str, request_: dict, missing: str) -> None:
    with pytest.raises(ServiceError, match="Could not find") as caught:
        bench.manager.create(kind, request_)
    assert missing in caught.value.message


INFERENCE = """
import os, pickle
def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pkl"), "rb") as file:
        return pickle.load(file)
"""
OWN_FUNCTIONS = (
    INFERENCE
    + """
def input_fn(body, content_type, context):
    assert isinstance(body, str), type(body)
    return [[float(v), 0.0] for v in body.split(",")]
def predict_fn(data, model):
    return model.predict(data).round(3).tolist()
def output_fn(prediction, accept):
    return "|".join(map(str, prediction)), "text/plain"
"""
)
TRANSFORM_FUNCTION = (
    INFERENCE
    + """
def transform_fn(model, body, content_type, accept):
    return str(len(body)), accept
"""
)


def line_model() -> bytes:
    from sklearn.linear_model import LinearRegression

    return pickle.dumps(LinearRegression().fit([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, 3.0, 2.0]))


def deploy_script(bench: Bench, script: str, **environment: str) -> dict:
    bench.put("m/model.tar.gz", tar_gz({"model.pkl": line_model(), "code/inference.py": script}))
    bench.manager.create("model", model("s", SKLEARN, "m/model.tar.gz", Environment=environment))
    configure(bench, "s", "s")
    return deploy(bench, "e", "s")


@pytest.mark.parametrize("mode", ["namespace", "rewritten"])
def test_a_scikit_learn_model_answers_with_the_containers_defaults(make_bench: Callable[..., Bench], mode: str) -> None:
    import numpy as np

    bench = make_bench(path_mode=mode, close_grace_seconds=1.0)
    assert deploy_script(bench, INFERENCE)["EndpointStatus"] == "InService"

    assert json.loads(ask(bench, b"[[1, 0], [4, 1]]", Content_Type="application/json").body) == pytest.approx([3, 10])
    for rows, found in ((b"1,0\n4,1\n", [3, 10]), (b"4,1", [10])):  # a single row becomes a table
        answer = ask(bench, rows, Content_Type="text/csv", Accept="text/csv")
        assert [float(v) for v in answer.body.split()] == pytest.approx(found)
    out = io.BytesIO()
    np.save(out, np.array([[1.0, 0.0]]))
    npy = ask(bench, out.getvalue(), Content_Type="application/x-npy", Accept="application/x-npy")
    assert np.load(io.BytesIO(npy.body)) == pytest.approx([3])
    for headers, status in (
        ({"Content_Type": "image/png"}, 415),
        ({"Content_Type": "text/csv", "Accept": "image/png"}, 406),
    ):
        with pytest.raises(ModelError) as caught:
            ask(bench, b"1,0", **headers)
        assert caught.value.details["OriginalStatusCode"] == status


def test_the_scripts_own_functions_and_types_win(bench: Bench) -> None:
    deploy_script(bench, OWN_FUNCTIONS)
    answer = ask(bench, b"1,4", Content_Type="text/csv")
    assert (answer.body, answer.content_type) == (b"3.0|9.0", "text/plain")


def test_transform_fn_does_it_all(bench: Bench) -> None:
    deploy_script(bench, TRANSFORM_FUNCTION, SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="text/plain")
    answer = ask(bench, b"12345", Content_Type="text/csv")
    assert (answer.body, answer.content_type) == (b"5", "text/plain")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("x = 1", "no default model_fn"),
        (
            TRANSFORM_FUNCTION + "def predict_fn(data, model): pass",
            "Cannot use transform_fn implementation with predict_fn",
        ),
        ("import no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_a_script_that_cannot_serve_fails_the_endpoint_with_the_reason(bench: Bench, script: str, reason: str) -> None:
    description = deploy_script(bench, script)
    assert description["EndpointStatus"] == "Failed"
    assert reason in description["FailureReason"]


def test_what_the_script_raises_is_answered_and_logged(bench: Bench) -> None:
    deploy_script(bench, INFERENCE + "def predict_fn(data, model): raise KeyError('rings')")
    with pytest.raises(ModelError) as caught:
        ask(bench, b"1", Content_Type="text/csv")
    assert caught.value.details == {
        "OriginalStatusCode": 500,
        "OriginalMessage": "KeyError: 'rings'",
        "LogStreamArn": f"file://{bench.manager.log_path('endpoint', 'e')}",
    }
    assert "Traceback" in bench.log("endpoint", "e")


def test_code_may_lie_in_s3_beside_the_model(bench: Bench) -> None:
    bench.put("m/model.tar.gz", tar_gz({"model.pkl": line_model()}))
    bench.put("code/source.tar.gz", tar_gz({"serve_it.py": INFERENCE}))
    environment = {
        "SAGEMAKER_PROGRAM": "serve_it.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{BUCKET}/code/source.tar.gz",
    }
    bench.manager.create("model", model("s", SKLEARN, "m/model.tar.gz", Environment=environment))
    configure(bench, "s", "s")
    assert deploy(bench, "e", "s")["EndpointStatus"] == "InService"
    assert json.loads(ask(bench, b"[[1, 0]]", Content_Type="application/json").body) == pytest.approx([3])


def chain(bench: Bench, folder: Path, mode: str) -> None:
    """A model of two containers behind endpoint ``e``."""
    serve(bench, folder)
    containers = [
        {"Image": "own", "ContainerHostname": name, "Environment": {"NAME": name}} for name in ("first", "second")
    ]
    request = {"ModelName": "both", "Containers": containers, "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r"}
    bench.manager.create("model", request | {"InferenceExecutionConfig": {"Mode": mode}})
    configure(bench, "both", "both")
    assert deploy(bench, "e", "both")["EndpointStatus"] == "InService"


def test_a_pipeline_models_containers_answer_in_turn(bench: Bench, tmp_path: Path) -> None:
    chain(bench, tmp_path, "Serial")
    assert ask(bench, b"x").body == b"second:first:x"
    with pytest.raises(ServiceError, match="mode is Direct"):
        ask(bench, b"x", X_Amzn_SageMaker_Target_Container_Hostname="first")


def test_in_direct_mode_the_container_that_is_named_answers(bench: Bench, tmp_path: Path) -> None:
    chain(bench, tmp_path, "Direct")
    assert ask(bench, b"x", X_Amzn_SageMaker_Target_Container_Hostname="second").body == b"second:x"
    with pytest.raises(ServiceError, match="one of first, second, not 'third'"):
        ask(bench, b"x", X_Amzn_SageMaker_Target_Container_Hostname="third")
    with pytest.raises(ServiceError, match="not None"):
        ask(bench, b"x")


def test_data_capture_stores_what_was_asked_and_answered(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    variants = [{"VariantName": "v", "ModelName": "one", "InitialInstanceCount": 1}]
    wanted = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture/",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    for name, percentage in (("all", 100), ("none", 0)):
        capture = wanted | {"InitialSamplingPercentage": percentage}
        bench.manager.create(
            "endpoint-config",
            {"EndpointConfigName": name, "ProductionVariants": variants, "DataCaptureConfig": capture},
        )
    described = deploy(bench, "e", "all")["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    ask(bench, b"1,2", Content_Type="text/csv", X_Amzn_SageMaker_Inference_Id="id-1")

    (key,) = (key for key in bench.all_keys() if key.startswith("capture/"))
    assert key.startswith("capture/e/v/")
    line = json.loads(bench.get(key))
    given = {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    assert line["captureData"]["endpointInput"] == given
    assert line["captureData"]["endpointOutput"]["encoding"] == "BASE64"
    assert (line["eventMetadata"]["inferenceId"], line["eventVersion"]) == ("id-1", "0")

    bench.manager.update_endpoint({"EndpointName": "e", "EndpointConfigName": "none"})
    bench.wait("endpoint", "e")
    ask(bench, b"1,2")
    assert [name for name in bench.all_keys() if name.startswith("capture/")] == [key]


def test_capture_that_cannot_be_stored_is_told_in_the_log_and_the_answer_is_given(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    variants = [{"VariantName": "v", "ModelName": "one", "InitialInstanceCount": 1}]
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://absent/x",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    }
    request = {"EndpointConfigName": "c", "ProductionVariants": variants, "DataCaptureConfig": capture}
    bench.manager.create("endpoint-config", request)
    deploy(bench, "e", "c")
    assert ask(bench, b"x").body == b"one:x"
    assert "data capture to s3://absent/x failed" in bench.log("endpoint", "e")
