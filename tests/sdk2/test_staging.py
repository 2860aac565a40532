"""SDK 2: source code is planned while a step is built, and put into S3 when its workflow is created."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DefinitionError
from mlflowsteps.inputs import ExecutionInput
from mlflowsteps.local import LocalRuntime
from mlflowsteps.steps.graphs import FrozenGraph
from mlflowsteps.steps.sagemaker import staging
from mlflowsteps.workflow import Workflow
from tests.counting import calls_of
from tests.parity.harness import BUCKET, ROLE, Wire, no_network

INPUTS = ExecutionInput(schema={"Job": str})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("print('hello')\n")


def training(bucket: str | None = BUCKET) -> steps.TrainingStep:
    from sagemaker import Session
    from sagemaker.sklearn import SKLearn

    session = Session(boto_session=Wire().session, default_bucket=bucket)
    estimator = SKLearn(
        "train.py", framework_version="1.2-1", role=ROLE, instance_type="ml.m5.large", sagemaker_session=session
    )
    with no_network():
        return steps.TrainingStep("Train", estimator, INPUTS["Job"])


def test_the_same_code_gives_the_same_definition_and_other_code_another() -> None:
    first, second = training(), training()
    assert first.to_dict() == second.to_dict()
    assert first.uploads == second.uploads
    Path("train.py").write_text("print('other')\n")
    assert training().to_dict() != first.to_dict()


def test_creating_the_workflow_puts_the_code_as_it_was_when_the_step_was_built_into_s3_once() -> None:
    step = training()
    Path("train.py").unlink()
    with LocalRuntime.temporary() as runtime:
        workflow = Workflow("W", step, ROLE, client=runtime)
        workflow.create()
        (upload,) = step.uploads
        bucket, key = upload.place
        found = runtime.client("s3").get_object(Bucket=bucket, Key=key)
        with tarfile.open(fileobj=io.BytesIO(found["Body"].read())) as archive:
            assert archive.getnames() == ["train.py"]
        workflow.upsert()
        assert runtime.client("s3").head_object(Bucket=bucket, Key=key)["LastModified"] == found["LastModified"]
    assert upload.uri in step.to_json()


def test_what_would_ask_aws_is_refused_with_the_call_and_the_fix() -> None:
    with pytest.raises(DefinitionError, match=r"sts:GetCallerIdentity.*default_bucket"):
        training(bucket=None)


# ------------------------------------------------------------------------------------------------------ folders of code


@cache
def session() -> Any:
    from sagemaker import Session

    return Session(boto_session=Wire().session, default_bucket=BUCKET)


def of_folder(source_dir: str, state_id: str = "Train", **more: Any) -> steps.TrainingStep:
    from sagemaker.sklearn import SKLearn

    given: dict[str, Any] = {"source_dir": source_dir, "instance_type": "ml.m5.large", **more}
    estimator = SKLearn("train.py", framework_version="1.2-1", role=ROLE, sagemaker_session=session(), **given)
    with no_network():
        return steps.TrainingStep(state_id, estimator, "job")


def of_data(source: str, **more: Any) -> steps.ProcessingStep:
    from sagemaker.processing import ProcessingInput, ScriptProcessor

    processor = ScriptProcessor(ROLE, "image", ["python3"], 1, "ml.m5.large", sagemaker_session=session())
    inputs = [ProcessingInput(source, "/opt/ml/processing/input/a", input_name="a")]
    with no_network():
        return steps.ProcessingStep("Prepare", processor, "job", inputs=inputs, code="train.py", **more)


def write(folder: str, files: dict[str, str]) -> str:
    for name, text in files.items():
        file = Path(folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def names_in(upload: staging.Upload) -> list[str]:
    with tarfile.open(upload.file) as archive:
        return sorted(member.name for member in archive if not member.isdir())


CODE = {"train.py": "import helper\n", "helper/__init__.py": "", "data/größe 名.txt": "ü"}


def test_the_place_of_code_depends_on_names_and_contents_alone() -> None:
    first = write("first", CODE)
    second = write("elsewhere/second", dict(reversed(CODE.items())))
    write("elsewhere/second/__pycache__", {"train.cpython-311.pyc": "made by Python"})
    os.utime("elsewhere/second/train.py", (1, 1))
    Path("elsewhere/second/train.py").chmod(0o600)

    assert of_folder(first).to_dict() == of_folder(second).to_dict()
    assert of_folder(first).uploads[0].uri == of_folder(second).uploads[0].uri
    assert of_data(first).to_dict() == of_data(second).to_dict()
    write(second, {"helper/renamed.py": ""})
    assert of_folder(first).uploads[0].uri != of_folder(second).uploads[0].uri
    assert of_data(first).to_dict() != of_data(second).to_dict()


def test_names_in_any_script_are_uploaded() -> None:
    (upload,) = of_folder(write("code", CODE)).uploads
    assert names_in(upload) == sorted(CODE)
    keys = [upload.uri for upload in of_data("code").uploads]
    assert any(key.endswith("/input/a/data/größe 名.txt") for key in keys)


def test_code_in_s3_is_used_where_it_is() -> None:
    step = of_folder("s3://code/of/mine.tar.gz")
    assert step.uploads == ()
    directory = step.to_dict()["Parameters"]["HyperParameters"]["sagemaker_submit_directory"]
    assert directory == '"s3://code/of/mine.tar.gz"'


def test_links_are_followed_as_the_sdk_follows_them() -> None:
    write("outside", {"shared.txt": "shared"})
    write("code", CODE)
    Path("code/link.txt").symlink_to("../outside/shared.txt")
    Path("code/folder").symlink_to("../outside")
    assert names_in(of_folder("code").uploads[0]) == sorted([*CODE, "link.txt", "folder/shared.txt"])
    keys = [upload.uri for upload in of_data("code").uploads]
    assert any(key.endswith("/a/link.txt") for key in keys)
    assert not any("shared.txt" in key for key in keys)


@pytest.mark.parametrize("make", [of_folder, of_data])
def test_the_work_for_many_files_grows_as_their_number_does(make: Any) -> None:
    make(write("warm", {"train.py": "", "other.py": ""}))
    few = write("few", {"train.py": "", **{f"f{i}.py": str(i) for i in range(100)}})
    many = write("many", {"train.py": "", **{f"f{i}.py": str(i) for i in range(400)}})
    calls_of(lambda: make(few))
    assert calls_of(lambda: make(many)) < 4.5 * calls_of(lambda: make(few))


def test_two_thousand_files_become_one_archive_or_two_thousand_uploads_in_one_folder() -> None:
    folder = write("code", {"train.py": "", **{f"f{i}.py": str(i) for i in range(1999)}})
    assert len(names_in(of_folder(folder).uploads[0])) == 2000
    step = of_data(folder)
    assert len({upload.uri for upload in step.uploads}) == 2001
    (place,) = (
        port["S3Input"]["S3Uri"]
        for port in step.to_dict()["Parameters"]["ProcessingInputs"]
        if port["InputName"] == "a"
    )
    assert sum(upload.uri.startswith(f"{place}/") for upload in step.uploads) == 2000


@pytest.mark.parametrize("source", ["nowhere", "empty"])
def test_a_folder_without_the_script_is_told(source: str) -> None:
    Path("empty").mkdir()
    with pytest.raises(ValueError, match=f'No file named "train.py" was found in directory "{source}"'):
        of_folder(source)


def test_a_file_that_is_missing_is_told_with_where_it_was_looked_for() -> None:
    from sagemaker.sklearn import SKLearn

    missing = SKLearn(
        "gone.py", framework_version="1.2-1", role=ROLE, instance_type="ml.m5.large", sagemaker_session=session()
    )
    with pytest.raises(DefinitionError, match=r"gone\.py is to be uploaded.*no such file"):
        steps.TrainingStep("Train", missing, "job")
    with pytest.raises(DefinitionError, match=r"nowhere is to be uploaded.*s3://bucket/key"):
        of_data("nowhere")


# --------------------------------------------------------------------------------------------------------- carried out


class Uploads:
    """An S3 client that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def head_object(self, **request: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        self.calls.append("head")
        if request["Key"] not in self.sent:
            answer: Any = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(answer, "HeadObject")
        return {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        self.calls.append("put")
        self.sent[request["Key"]] = {**request, "Body": request["Body"].read()}
        return {}


def chain_of(*states: steps.State) -> steps.Graph:
    return steps.Graph(steps.Chain(list(states)))


def test_two_steps_of_one_folder_upload_it_once_and_creating_again_uploads_nothing() -> None:
    code, client = write("code", CODE), Uploads()
    graph = chain_of(of_folder(code, "A"), of_folder(code, "B"))
    assert len(staging.carry_out(staging.uploads_of(graph), client)) == 1
    assert staging.carry_out(staging.uploads_of(chain_of(of_folder(code))), client) == []
    assert client.calls == ["head", "put", "head"]


def test_uploads_of_steps_in_branches_and_maps_are_found() -> None:
    write("a", {"train.py": "a"})
    write("b", {"train.py": "b"})
    parallel = steps.Parallel("Both")
    parallel.add_branch(of_folder("a", "A"))
    mapped = steps.Map("Each", iterator=of_folder("b", "B"))
    assert len(staging.uploads_of(chain_of(parallel, mapped))) == 2


def test_the_encryption_that_the_sdk_asks_for_reaches_the_upload() -> None:
    code, client = write("code", CODE), Uploads()
    training = of_folder(code, output_path=f"s3://{BUCKET}/models", output_kms_key="key-1")
    elsewhere = of_folder(code, code_location="s3://code/here", output_kms_key="key-1")
    processing = of_data(code, call={"kms_key": "key-2"})
    staging.carry_out((*training.uploads, *elsewhere.uploads, processing.uploads[-1]), client)

    found = [(request["Bucket"], request.get("SSEKMSKeyId")) for request in client.sent.values()]
    assert found == [(BUCKET, "key-1"), ("code", None), (BUCKET, "key-2")]
    assert {request["ServerSideEncryption"] for request in client.sent.values()} == {"aws:kms"}


def test_the_same_code_under_another_key_is_uploaded_again() -> None:
    code, client = write("code", CODE), Uploads()
    plain, first, second = (
        of_folder(code, output_path=f"s3://{BUCKET}/models", output_kms_key=key) for key in (None, "key-1", "key-2")
    )
    staging.carry_out((*plain.uploads, *staging.uploads_of(chain_of(first))), client)
    staging.carry_out(second.uploads, client)

    assert {request.get("SSEKMSKeyId") for request in client.sent.values()} == {None, "key-1", "key-2"}


@pytest.mark.parametrize("name", ["one file.csv", "a,b.csv", "it's.csv", 'q"uote.csv', "größe.csv", "plain.csv"])
def test_a_job_reads_its_file_where_it_is_uploaded_whatever_the_name_holds(name: str) -> None:
    step = of_data(f"{write('data', {name: '1,2'})}/{name}")

    sources = {each["S3Input"]["S3Uri"] for each in step.to_dict()["Parameters"]["ProcessingInputs"]}
    assert sources == {upload.uri for upload in step.uploads}


@pytest.mark.parametrize("prefix", ["my code", "größe", "a,b"])
def test_a_training_finds_its_code_whatever_the_prefix_holds(prefix: str) -> None:
    step = of_folder(write("code", CODE), code_location=f"s3://code/{prefix}")
    hyperparameters = step.to_dict()["Parameters"]["HyperParameters"]
    assert json.loads(hyperparameters["sagemaker_submit_directory"]) == step.uploads[0].uri


def test_on_a_local_runtime_uploads_go_into_its_own_folder_and_nowhere_else(tmp_path: Path) -> None:
    graph = chain_of(of_folder(write("code", CODE)), of_data("code"))
    before = set(tmp_path.rglob("*"))
    with LocalRuntime(tmp_path / "runtime") as runtime:
        Workflow("W", graph, ROLE, client=runtime).create()
        listed = runtime.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert {item["Key"] for item in listed} == {upload.place[1] for upload in staging.uploads_of(graph)}
    made = set(tmp_path.rglob("*")) - before
    assert all(file.is_relative_to(tmp_path / "runtime") for file in made)


# -------------------------------------------------------------------------------------------------- copies of workflows


def test_a_copy_of_a_workflow_has_its_uploads_and_the_same_estimator() -> None:
    step = of_folder(write("code", CODE))
    twin = copy.deepcopy(steps.Chain([steps.Pass("First"), step])).steps[1]
    assert twin is not step
    assert twin.uploads == step.uploads  # type: ignore[attr-defined]
    assert twin.estimator is step.estimator  # type: ignore[attr-defined]
    assert twin.to_dict() == step.to_dict()


def test_a_pickled_step_has_its_request_and_uploads_and_says_when_their_files_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staging, "_keeper", staging._Keeper())  # another process has kept the files
    step = of_folder(write("code", CODE))
    found = pickle.loads(pickle.dumps(step))
    assert (found.to_dict(), found.uploads, found.estimator) == (step.to_dict(), step.uploads, None)
    for upload in found.uploads:
        upload.file.unlink()
    with pytest.raises(FileNotFoundError, match=r"the copy of its file is gone\. Build the step again"):
        staging.carry_out(found.uploads, Uploads())


def test_a_definition_read_from_json_names_the_places_and_uploads_nothing() -> None:
    graph = chain_of(of_folder(write("code", CODE)))
    ready = FrozenGraph(graph.to_dict())
    assert staging.uploads_of(graph)[0].uri in ready.to_json()
    assert staging.uploads_of(ready) == ()
