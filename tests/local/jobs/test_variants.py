"""Endpoints of many models, of shadows, and with answers in S3; models of several folders and packages."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.clock import VirtualClock
from mlflowsteps.local.jobs import endpoints
from mlflowsteps.local.jobs.endpoints import Endpoints, ModelError
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.multi_model import MultiModelServer
from mlflowsteps.local.jobs.process import Control
from tests.local.jobs.conftest import BUCKET, XGBOOST, Bench, model, tar_gz, transform
from tests.local.jobs.test_endpoints import SERVE, ask, configure, deploy, serve
from tests.local.jobs.test_life import wait_until

SERVE_FILE = SERVE.replace('os.environ["NAME"].encode()', 'open("/opt/ml/model/name", "rb").read()')
TARGET = "X-Amzn-SageMaker-Target-Model"


def many(bench: Bench, folder: Path) -> None:
    """An endpoint ``e`` of a multi-model container with the models ``a.tar.gz`` and ``sub/b.tar.gz``."""
    (folder / "many.py").write_text(SERVE_FILE)
    bench.manager.images.register("many", [sys.executable, str(folder / "many.py")])
    for key in ("a", "sub/b"):
        bench.put(f"all/{key}.tar.gz", tar_gz({"name": key}))
    bench.manager.create("model", model("many", "many", "all/", Mode="MultiModel"))
    configure(bench, "many", "many")
    assert deploy(bench, "e", "many")["EndpointStatus"] == "InService"


def test_a_multi_model_endpoint_answers_by_the_model_asked_for(bench: Bench, tmp_path: Path) -> None:
    many(bench, tmp_path)
    for target, found in (("a.tar.gz", b"a:x"), ("sub/b.tar.gz", b"sub/b:x"), ("a.tar.gz", b"a:x")):
        assert bench.manager.invoke_endpoint("e", b"x", {TARGET: target}).body == found

    bench.put("all/late.tar.gz", tar_gz({"name": "late"}))
    assert bench.manager.invoke_endpoint("e", b"x", {TARGET: "late.tar.gz"}).body == b"late:x"


def test_a_model_that_is_not_there_or_not_named_is_refused_with_those_there_are(bench: Bench, tmp_path: Path) -> None:
    many(bench, tmp_path)
    with pytest.raises(ServiceError, match=r"'c' is not below s3://data/all/; there are a.tar.gz, sub/b.tar.gz"):
        bench.manager.invoke_endpoint("e", b"x", {TARGET: "c"})
    with pytest.raises(ServiceError, match="TargetModel is required: one of a"):
        ask(bench, b"x")


def test_a_damaged_model_fails_its_own_questions_only_until_it_is_mended(bench: Bench, tmp_path: Path) -> None:
    many(bench, tmp_path)
    bench.put("all/bad.tar.gz", "no archive")
    with pytest.raises(ModelError, match="cannot be unpacked"):
        bench.manager.invoke_endpoint("e", b"x", {TARGET: "bad.tar.gz"})
    assert bench.manager.invoke_endpoint("e", b"x", {TARGET: "a.tar.gz"}).body == b"a:x"
    bench.put("all/bad.tar.gz", tar_gz({"name": "mended"}))
    assert bench.manager.invoke_endpoint("e", b"x", {TARGET: "bad.tar.gz"}).body == b"mended:x"


def test_what_a_dead_model_has_left_goes_when_it_is_started_again(bench: Bench, tmp_path: Path) -> None:
    many(bench, tmp_path)
    bench.put("all/bad.tar.gz", "no archive")
    for target, body in (("a.tar.gz", b"die"), ("bad.tar.gz", b"x"), ("bad.tar.gz", b"x")):
        with pytest.raises(ModelError):
            bench.manager.invoke_endpoint("e", body, {TARGET: target})

    def answers() -> bool:
        with contextlib.suppress(ModelError):  # until its end has been noticed
            return bench.manager.invoke_endpoint("e", b"x", {TARGET: "a.tar.gz"}).body == b"a:x"
        return False

    wait_until(answers)
    wait_until(lambda: [thread.name for thread in threading.enumerate()].count("model-a.tar.gz") == 1)
    assert len(list((bench.root / "jobs/endpoint/e").glob("*/*/model-*"))) == 1


def test_no_model_is_loaded_once_its_endpoint_was_stopped(tmp_path: Path) -> None:
    given = model("m", "many", "all/", Mode="MultiModel")
    server = MultiModelServer(given, JobFolder(tmp_path), cast("Any", None), Control(), {})
    server.stop()
    with pytest.raises(ConnectionError, match="was stopped"):
        server.invoke(b"", {TARGET: "a.tar.gz"})


def test_a_target_model_is_refused_where_there_is_one_model(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one")
    deploy(bench, "e", "one")
    with pytest.raises(ServiceError, match="TargetModel is for multi-model endpoints"):
        bench.manager.invoke_endpoint("e", b"x", {TARGET: "a.tar.gz"})


def test_a_multi_model_container_serves_endpoints_alone(bench: Bench, tmp_path: Path) -> None:
    container = {"Image": "many", "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/all/"}
    with pytest.raises(ServiceError, match="must be the model's PrimaryContainer"):
        bench.manager.create("model", {"ModelName": "m", "Containers": [container, container]})
    bench.put("in/x", "1")
    bench.manager.create("model", model("m", XGBOOST, "all/", Mode="MultiModel"))
    job = bench.run("transform-job", transform("t", "m", "in/", "text/csv"))
    assert "a multi-model container serves an endpoint" in job["FailureReason"]


def test_a_shadow_hears_its_share_of_the_questions_and_never_answers(bench: Bench, tmp_path: Path) -> None:
    serve(bench, tmp_path, "one", "two", "three")
    shadows = [
        {"VariantName": name, "ModelName": name, "InitialInstanceCount": 1, "InitialVariantWeight": weight}
        for name, weight in (("two", 1.0), ("three", 0.0))
    ]
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    }
    request = {"EndpointConfigName": "c", "ShadowProductionVariants": shadows, "DataCaptureConfig": capture}
    request["ProductionVariants"] = [{"VariantName": "one", "ModelName": "one", "InitialInstanceCount": 1}]
    bench.manager.create("endpoint-config", request)
    description = deploy(bench, "e", "c")
    assert [row["VariantName"] for row in description["ShadowProductionVariants"]] == ["two", "three"]

    def seen() -> Counter[str]:
        return Counter(key.split("/")[2] for key in bench.all_keys() if key.startswith("captured/"))

    for _ in range(3):
        assert ask(bench, b"x").body == b"one:x"
    wait_until(lambda: seen() == {"one": 3, "two": 3})
    key = next(key for key in bench.all_keys() if key.startswith("captured/e/two/"))
    assert json.loads(bench.get(key))["captureData"]["endpointOutput"]["mode"] == "OUTPUT"

    with pytest.raises(ModelError):
        ask(bench, b"fail")
    assert ask(bench, b"die-not").body == b"one:die-not"


def test_a_shadow_that_is_too_slow_misses_questions_instead_of_filling_the_memory(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_MOST_SHADOWED", 2)
    serve(bench, tmp_path, "one", "two")
    slow = 'os.environ["NAME"] == "two" and __import__("signal").pause()\n        status ='
    (tmp_path / "serve.py").write_text(SERVE.replace("status =", slow, 1))
    rows = [{"VariantName": name, "ModelName": name, "InitialInstanceCount": 1} for name in ("one", "two")]
    request = {"EndpointConfigName": "c", "ProductionVariants": rows[:1], "ShadowProductionVariants": rows[1:]}
    bench.manager.create("endpoint-config", request)
    deploy(bench, "e", "c")
    for _ in range(3):
        assert ask(bench, b"x").body == b"one:x"
    assert bench.log("endpoint", "e").count("shadow variant two: passed over a question, 2 others wait") == 1


def weigh(bench: Bench, **weights: float) -> None:
    rows = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
    bench.manager.update_weights({"EndpointName": "e", "DesiredWeightsAndCapacities": rows})


def answering(bench: Bench) -> set[bytes]:
    return {ask(bench, b"").body for _ in range(20)}


def test_weights_move_the_traffic_and_stay_over_a_reopening_and_where_an_update_retains_them(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = make_bench(close_grace_seconds=1.0)
    serve(bench, tmp_path, "one", "two")
    configure(bench, "both", "one", "two")
    deploy(bench, "e", "both")
    assert answering(bench) == {b"one:", b"two:"}  # by chance a single one: once in half a million times
    weigh(bench, one=0.0)
    assert answering(bench) == {b"two:"}
    weigh(bench, one=1.0, two=0.0)
    assert answering(bench) == {b"one:"}
    with pytest.raises(ServiceError, match="Variant three not found; there are one, two"):
        weigh(bench, three=1.0)
    bench.close()

    again = make_bench(close_grace_seconds=1.0)
    again.manager.images.register("own", [sys.executable, str(tmp_path / "serve.py")])
    again.manager.resume()
    assert answering(again) == {b"one:"}
    for changes, found in (
        ({"RetainAllVariantProperties": True}, {"one": 1.0, "two": 0.0}),
        ({}, {"one": 1.0, "two": 1.0}),
    ):
        again.manager.update_endpoint({"EndpointName": "e", "EndpointConfigName": "both", **changes})
        rows = again.wait("endpoint", "e")["ProductionVariants"]
        assert {row["VariantName"]: row["CurrentWeight"] for row in rows} == found


@pytest.mark.parametrize(("excluded", "kept"), [("DesiredWeight", (1.0, 3)), ("DesiredInstanceCount", (2.0, 1))])
def test_an_update_retains_what_is_not_excluded(
    bench: Bench, tmp_path: Path, excluded: str, kept: tuple[float, int]
) -> None:
    serve(bench, tmp_path, "one")
    deploy(bench, "e", "one")
    rows = [{"VariantName": "one", "DesiredWeight": 2.0, "DesiredInstanceCount": 3}]
    bench.manager.update_weights({"EndpointName": "e", "DesiredWeightsAndCapacities": rows})
    request = {"RetainAllVariantProperties": True, "EndpointName": "e", "EndpointConfigName": "one"}
    bench.manager.update_endpoint(request | {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": excluded}]})
    (row,) = bench.wait("endpoint", "e")["ProductionVariants"]
    assert (row["CurrentWeight"], row["CurrentInstanceCount"]) == kept


def asynchronous(bench: Bench, folder: Path) -> None:
    serve(bench, folder, "one")
    outputs = {"S3OutputPath": f"s3://{BUCKET}/answers", "S3FailurePath": f"s3://{BUCKET}/failures"}
    request = {
        "EndpointConfigName": "later",
        "ProductionVariants": [{"VariantName": "one", "ModelName": "one", "InitialInstanceCount": 1}],
        "AsyncInferenceConfig": {"OutputConfig": outputs},
    }
    bench.manager.create("endpoint-config", request)
    assert deploy(bench, "e", "later")["AsyncInferenceConfig"] == {"OutputConfig": outputs}


def test_an_asynchronous_endpoint_puts_answers_and_errors_into_s3(bench: Bench, tmp_path: Path) -> None:
    asynchronous(bench, tmp_path)
    bench.put("questions/1", "hello")
    bench.put("questions/2", "fail")
    good, bad = (
        bench.manager.invoke_endpoint_async("e", f"s3://{BUCKET}/questions/{n}", {"X-Amzn-SageMaker-Inference-Id": n})
        for n in ("1", "2")
    )
    assert good["InferenceId"] == "1"
    answer = good["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    failure = bad["FailureLocation"].removeprefix(f"s3://{BUCKET}/")
    wait_until(lambda: {answer, failure} <= set(bench.all_keys()))
    assert bench.get(answer) == b"one:hello"
    assert b"Received server error (500)" in bench.get(failure)
    assert bad["OutputLocation"].removeprefix(f"s3://{BUCKET}/") not in bench.all_keys()


def test_closing_gives_up_the_questions_that_wait_and_lets_virtual_time_go_on(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    clock = VirtualClock(start=1000.0)
    bench = make_bench(clock=clock, close_grace_seconds=1.0)
    asynchronous(bench, tmp_path)
    (tmp_path / "serve.py").write_text(SERVE.replace("os._exit(1)", "import signal; signal.pause()"))
    deploy(bench, "slow", "later")
    for _ in range(6):
        bench.manager.invoke_endpoint_async("slow", b"die", {})
    assert clock.sleep_seconds(2000.0, busy=False) != 0.0
    bench.manager.close()
    assert clock.sleep_seconds(2000.0, busy=False) == 0.0
    assert len(bench.all_keys()) <= 4  # of those under way
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("async-inference")]


def test_a_program_ends_though_a_container_has_not_answered() -> None:
    program = (
        "import threading\n"
        "from mlflowsteps.local.jobs.askers import Askers\n"
        "begun = threading.Event()\n"
        "Askers(1, 'a').submit(lambda: (begun.set(), threading.Event().wait())[0], print)\n"
        "begun.wait()\n"
        "print('end')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, capture_output=True, text=True, check=True)
    assert ended.stdout == "end\n"


def test_an_asynchronous_answer_that_cannot_be_written_is_told_by_the_endpoints_log(
    bench: Bench, tmp_path: Path
) -> None:
    asynchronous(bench, tmp_path)
    bench.manager.invoke_endpoint_async("e", b"x", {}, place="y" * 1100)
    wait_until(lambda: "cannot be written to s3://data/answers/yyy" in bench.log("endpoint", "e"))


def test_a_fault_in_asking_becomes_the_asynchronous_answer(bench: Bench, tmp_path: Path) -> None:
    asynchronous(bench, tmp_path)
    found = bench.manager.invoke_endpoint_async("e", b"x", {"Content-Type": "text/csv\n"})
    key = found["FailureLocation"].removeprefix(f"s3://{BUCKET}/")
    wait_until(lambda: key in bench.all_keys())
    assert b"Invalid header value" in bench.get(key)


def test_a_question_on_its_way_starts_no_processes_once_the_runtime_is_closed(tmp_path: Path) -> None:
    record = {"Description": {"EndpointStatus": "InService", "EndpointConfigName": "c"}}
    closed = Endpoints(
        lambda name: JobFolder(tmp_path / name), cast("Any", None), lambda *_: record, cast("Any", None), (1.0, 1.0)
    )
    closed.close()
    with pytest.raises(ServiceError, match="was closed"):
        closed.invoke("e", b"x", {})
    assert list(tmp_path.iterdir()) == []


def test_an_asynchronous_question_that_cannot_be_asked_is_refused_at_once(bench: Bench, tmp_path: Path) -> None:
    asynchronous(bench, tmp_path)
    with pytest.raises(ServiceError, match=r"InvokeEndpointAsync: .*does not exist"):
        bench.manager.invoke_endpoint_async("e", f"s3://{BUCKET}/absent", {})
    deploy(bench, "now", "one")
    with pytest.raises(ServiceError, match="has no AsyncInferenceConfig; use InvokeEndpoint"):
        bench.manager.invoke_endpoint_async("now", f"s3://{BUCKET}/absent", {})
    with pytest.raises(ServiceError, match="Endpoint absent not found"):
        bench.manager.invoke_endpoint_async("absent", b"x", {})


def test_additional_model_data_lies_beside_the_model(bench: Bench, tmp_path: Path) -> None:
    source = SERVE_FILE.replace("/opt/ml/model/name", "/opt/ml/additional-model-data-sources/extra/sub/name")
    (tmp_path / "extra.py").write_text(source)
    bench.manager.images.register("extra", [sys.executable, str(tmp_path / "extra.py")])
    bench.put("more/sub/name", "extra")
    data = {"S3Uri": f"s3://{BUCKET}/more/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    rows = [{"ChannelName": "extra", "S3DataSource": data}]
    bench.manager.create("model", model("x", "extra", AdditionalModelDataSources=rows))
    configure(bench, "x", "x")
    assert deploy(bench, "e", "x")["EndpointStatus"] == "InService"
    assert ask(bench, b"q").body == b"extra:q"
    with pytest.raises(ServiceError, match=r"channel name '\.\.' must match"):
        bench.manager.create(
            "model", model("y", "extra", AdditionalModelDataSources=[{"ChannelName": "..", "S3DataSource": data}])
        )


def test_a_package_of_several_containers_is_a_model_of_several_and_its_other_specifications_have_names(
    bench: Bench, tmp_path: Path
) -> None:
    serve(bench, tmp_path)
    rows = [{"Image": "own", "Environment": {"NAME": name}} for name in ("first", "second")]
    specification = {"Containers": rows, "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
    arn = bench.manager.registry.create_package(
        {
            "ModelPackageName": "pack",
            "InferenceSpecification": specification,
            "AdditionalInferenceSpecifications": [{"Name": "small", "Containers": rows[:1]}],
        }
    )
    for name, container, found in (
        ("both", {"ModelPackageName": arn}, b"second:first:x"),
        ("small", {"ModelPackageName": arn, "InferenceSpecificationName": "small"}, b"first:x"),
    ):
        bench.manager.create("model", {"ModelName": name, "Containers": [container]})
        configure(bench, name, name)
        deploy(bench, name, name)
        assert bench.manager.invoke_endpoint(name, b"x", {}).body == found
    container = {"ModelPackageName": arn, "InferenceSpecificationName": "large"}
    with pytest.raises(ServiceError, match=r"'large' is none of .*, which has small"):
        bench.manager.create("model", {"ModelName": "large", "Containers": [container]})


def test_a_container_has_as_long_for_its_first_ping_as_its_variant_says(bench: Bench) -> None:
    bench.manager.images.register("mute", [sys.executable, "-c", "import signal; signal.pause()"])
    bench.manager.create("model", model("mute", "mute"))
    variant = {"VariantName": "v", "ModelName": "mute", "InitialInstanceCount": 1}
    variant["ContainerStartupHealthCheckTimeoutInSeconds"] = 0.3
    bench.manager.create("endpoint-config", {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    assert "ping health check within 0 seconds" in deploy(bench, "e", "c")["FailureReason"]


HUGGING_FACE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.0-cpu"
TRANSFORMERS = """
import numpy
def pipeline(task, model):
    def ask(inputs, top_k=1):
        return [{"label": f"{task} {model}", "score": numpy.float32(0.5), "of": inputs}] * top_k
    return ask
"""


def test_a_hugging_face_model_without_a_script_is_the_pipeline_of_its_task(bench: Bench) -> None:
    bench.put("m.tar.gz", tar_gz({"config.json": "{}", "code/transformers.py": TRANSFORMERS}))
    environment = {"HF_TASK": "text-classification"}
    bench.manager.create("model", model("hf", HUGGING_FACE, "m.tar.gz", Environment=environment))
    configure(bench, "hf", "hf")
    description = deploy(bench, "e", "hf")
    assert description["EndpointStatus"] == "InService", description.get("FailureReason")
    body = json.dumps({"inputs": "good", "parameters": {"top_k": 2}}).encode()
    row = {"label": "text-classification /opt/ml/model", "score": 0.5, "of": "good"}
    assert json.loads(ask(bench, body, Content_Type="application/json").body) == [row, row]
    for body, kind, status in ((b"[1]", "application/json", 400), (b"{", "application/json", 415), (b"1", "x/y", 415)):
        with pytest.raises(ModelError) as caught:
            ask(bench, body, Content_Type=kind)
        assert caught.value.details["OriginalStatusCode"] == status


def test_a_hugging_face_model_that_is_nowhere_says_so(bench: Bench) -> None:
    bench.manager.create("model", model("hf", HUGGING_FACE))
    configure(bench, "hf", "hf")
    assert "no config.json, and HF_MODEL_ID is not set" in deploy(bench, "e", "hf")["FailureReason"]
