"""SDK 3: source code is planned as the SDK uploads it, and making a request leaves the process as it was."""

from __future__ import annotations

import copy
import cProfile
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import boto3.session
import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.steps.sagemaker import sessions
from mlflowsteps.steps.sagemaker.seclusion import secluded
from tests.parity.harness import JOB, ROLE, no_network, normal
from tests.sdk3.objects import BUILDER, PROCESSOR, config, held, made, of, pipeline_session, session, trainer
from tests.sdk3.objects import train as trained


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def folder(name: str, *files: str) -> str:
    place = Path(name)
    for file in files:
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(f"# {file}\n")
    return name


def scripted(source_dir: str, entry_script: str = "train.py") -> Any:
    return trainer(source_code=lambda: config("SourceCode", source_dir=source_dir, entry_script=entry_script))


def names(step: Any) -> set[str]:
    """Names of the planned files, without the SDK's own."""
    places = (upload.uri.partition("/input/code/") for upload in step.uploads)
    return {name for _, found, name in places if found}


def same(given: Callable[[], Any]) -> None:
    """The step holds the SDK's request and files."""
    assert normal(trained(given(), False)) == normal(trained(given(), True))


def test_names_beyond_ascii_stay() -> None:
    source = folder("quellé ☃", "train.py", "数据/größe.txt", "with space.txt")
    assert names(steps.TrainingStep("S", scripted(source), JOB)) == {"train.py", "数据/größe.txt", "with space.txt"}
    same(lambda: scripted(source))


def test_links_are_followed_as_the_sdk_follows_them() -> None:
    folder("outside", "secret.txt")
    source = Path(folder("src", "train.py"))
    (source / "file.txt").symlink_to(Path("outside/secret.txt").absolute())
    (source / "folder").symlink_to(Path("outside").absolute())
    assert names(steps.TrainingStep("S", scripted("src"), JOB)) == {"train.py", "file.txt", "folder/secret.txt"}
    same(lambda: scripted("src"))


def test_an_empty_folder_is_planned_as_nothing() -> None:
    Path("empty").mkdir()
    given = trainer(source_code=lambda: config("SourceCode", source_dir="empty", command="ls"))
    assert names(steps.TrainingStep("S", given, JOB)) == set()


def test_a_folder_that_is_gone_is_told_with_its_name() -> None:
    given = scripted(folder("src", "train.py"))
    Path("src/train.py").unlink()
    Path("src").rmdir()
    with pytest.raises((DefinitionError, OSError, ValueError), match="src"):
        steps.TrainingStep("S", given, JOB)


def test_a_folder_that_never_was_is_told_with_its_name() -> None:
    processor = made(of("core.processing.FrameworkProcessor"), PROCESSOR)
    with pytest.raises(ValueError, match="missing"):
        steps.ProcessingStep("S", processor, JOB, code="train.py", call={"source_dir": "missing"})


def test_the_work_grows_with_the_number_of_files_and_no_faster() -> None:
    def calls(count: int) -> int:
        given = scripted(folder(f"src{count}", "train.py", *(f"f{count}-{i}.py" for i in range(count))))
        profile = cProfile.Profile()
        profile.enable()
        steps.TrainingStep("S", given, JOB)
        profile.disable()
        return sum(entry.callcount for entry in profile.getstats())

    calls(1)  # what is loaded once
    one, two, four = calls(100), calls(200), calls(400)
    assert four - two < 2.2 * (two - one)


def test_two_thousand_files_are_planned_whole() -> None:
    source = folder("many", "train.py", *(f"p{i % 20}/f{i}.py" for i in range(2000)))
    with no_network() as tried:
        step = steps.TrainingStep("S", scripted(source), JOB)
    assert (tried, len(names(step))) == ([], 2001)


def test_the_same_code_gives_the_same_definition_and_other_code_another() -> None:
    first = steps.TrainingStep("S", scripted(folder("src", "train.py")), JOB).to_dict()
    os.utime("src/train.py", (0, 0))
    assert steps.TrainingStep("S", scripted("src"), JOB).to_dict() == first
    Path("src/train.py").write_text("# other\n")
    assert steps.TrainingStep("S", scripted("src"), JOB).to_dict() != first


# --------------------------------------------------------------------------------------------------- several threads


def state() -> dict[str, Any]:
    """What the making of a request replaces for its thread."""
    client = of("core.utils.utils.SageMakerClient")
    return {
        "client": boto3.session.Session.client,
        "default": boto3.DEFAULT_SESSION,
        "cached": type(client).__call__,
        "sender": of("core.telemetry.telemetry_logging")._send_telemetry_request,
        "environment": dict(os.environ),
        "clients": {key: dict(value) for key, value in type(client)._instances.items()},
    }


def test_eight_threads_at_once_make_the_requests_that_one_makes() -> None:
    source = folder("src", "train.py")
    objects: list[Callable[[], steps.State]] = [
        lambda: steps.TrainingStep("S", scripted(source), JOB),
        lambda: steps.ProcessingStep(
            "S",
            made(of("core.processing.FrameworkProcessor"), PROCESSOR),
            JOB,
            code="train.py",
            call={"source_dir": source},
        ),
        lambda: steps.ModelStep("S", made(of("serve.model_builder.ModelBuilder"), BUILDER), JOB),
        lambda: steps.TransformStep(
            "S",
            made(
                of("core.transformer.Transformer"),
                {"model_name": "m", "instance_count": 1, "instance_type": "ml.m5.large"},
            ),
            JOB,
            None,
            "s3://d/in",
        ),
    ]
    wanted = [make().to_dict() for make in objects]
    before = state()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: objects[index % 4]().to_dict(), range(32)))
    assert found == wanted * 8
    assert state() == before


def test_another_threads_clients_are_its_own_while_a_request_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    inside, done = threading.Event(), threading.Event()
    kind = of("core.processing.Processor")
    run = kind.run

    def waiting(*arguments: Any, **keywords: Any) -> Any:
        inside.set()
        assert done.wait(20)
        return run(*arguments, **keywords)

    monkeypatch.setattr(kind, "run", waiting)
    given = made(kind, PROCESSOR)
    maker = threading.Thread(target=lambda: steps.ProcessingStep("S", given, JOB))
    maker.start()
    assert inside.wait(20)
    clients = boto3.client("sts", region_name="us-east-1"), boto3.Session(region_name="us-east-1").client("sts")
    keys = [client._request_signer._credentials.access_key for client in clients]
    done.set()
    maker.join(20)
    assert keys == ["OTHER", "OTHER"]


def test_while_a_request_is_made_its_thread_gets_no_client_that_could_call() -> None:
    offline = sessions.offline_for("us-east-1")
    sdk_client = of("core.utils.utils.SageMakerClient")
    before = state()
    with secluded(3, offline):
        clients = [
            boto3.client("s3"),
            boto3.Session(region_name="eu-west-1").client("sts"),
            sdk_client().sagemaker_client,
            sdk_client(session=boto3.Session(region_name="us-east-1")).sagemaker_client,
        ]
        assert of("core.telemetry.telemetry_logging")._send_telemetry_request(1, [], None) is None
    assert {client._request_signer._credentials.access_key for client in clients} == {"OFFLINE"}
    assert state() == before


def test_what_another_thread_has_kept_calls_as_the_real_one_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with secluded(3, sessions.offline_for("us-east-1")), ThreadPoolExecutor(1) as pool:
        session, client = pool.submit(lambda: (boto3.DEFAULT_SESSION, boto3.session.Session.client)).result()
    clients = session.client("sts", region_name="us-east-1"), client(boto3.Session(region_name="us-east-1"), "sts")
    assert [each._request_signer._credentials.access_key for each in clients] == ["OTHER", "OTHER"]


def test_what_the_sdk_notes_in_a_sessions_settings_stays_with_that_object() -> None:
    offline = sessions.offline_for("us-east-1")
    sessions.session_for(3, offline, None).settings._local_download_dir = "/nowhere"
    assert sessions.session_for(3, offline, None).settings._local_download_dir is None


def test_where_nothing_that_sends_telemetry_is_found_the_settings_turn_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    offline = sessions.offline_for("us-east-1")
    off = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    assert sessions.session_for(3, offline, session()).sagemaker_config == {}
    monkeypatch.delattr(of("core.telemetry.telemetry_logging"), "_send_telemetry_request")
    assert sessions.session_for(3, offline, session()).sagemaker_config == off


# --------------------------------------------------------------------------------------------------- the object itself


@pytest.mark.parametrize("make_session", [session, pipeline_session])
def test_the_object_its_session_and_its_settings_stay_as_they_were(make_session: Callable[[], Any]) -> None:
    spec = type("Spec", (of("serve.spec.inference_spec.InferenceSpec"),), {"load": load, "invoke": invoke})
    given = made(
        of("serve.model_builder.ModelBuilder"),
        {
            "image_uri": "image:1",
            "role_arn": ROLE,
            "inference_spec": spec,
            "schema_builder": lambda: of("serve.builder.schema_builder.SchemaBuilder")("a", "b"),
            "model_server": lambda: of("serve.utils.types.ModelServer").TORCHSERVE,
            "model_path": str(Path("model").absolute()),
            "dependencies": {"auto": False},
            "sagemaker_session": make_session(),
        },
    )
    used = given.sagemaker_session
    before = [copy.copy(vars(part)) for part in (given, used, used.settings)]
    with no_network() as tried:
        step = steps.ModelStep("S", given, JOB)
    assert tried == []
    assert [vars(part) for part in (given, used, used.settings)] == before
    packed = held(step)["(files)"]
    ((members, _),) = packed.values()
    assert {"code/inference.py", "code/serve.pkl"} <= {name.removeprefix("./") for name, _ in members}


def test_twenty_models_leave_the_client_as_one_does() -> None:
    def depth() -> int:
        steps.ModelStep("S", made(of("serve.model_builder.ModelBuilder"), BUILDER), JOB)
        client = sessions.session_for(3, sessions.offline_for("us-east-1"), None).sagemaker_client
        found, function = 0, client._user_agent_creator.to_string
        while getattr(function, "__closure__", None):
            found, function = found + 1, function.__closure__[0].cell_contents
        return found

    assert {depth() for _ in range(20)} == {0}


def load(spec: Any, model_dir: str) -> Any:
    return model_dir


def invoke(spec: Any, data: Any, model: Any) -> Any:
    return data


def test_data_does_not_take_the_place_of_the_script() -> None:
    given = scripted(folder("src", "train.py"))
    with pytest.raises(ValueError, match=r"'T'.*data\['code'\] takes the place of the script"):
        steps.TrainingStep("T", given, JOB, data={"code": "s3://b/raw"})
    step = steps.TrainingStep("T", given, JOB, data={"raw": "s3://b/raw"})
    assert [each["ChannelName"] for each in step.to_dict()["Parameters"]["InputDataConfig"]] == [
        "code", "sm_drivers", "raw",
    ]  # fmt: skip
