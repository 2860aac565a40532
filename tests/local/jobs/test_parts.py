"""Pure parts: image patterns, paths, filters, text data, hyperparameters, reasons, metrics."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.local.jobs.environment import resolve_python
from mlflowsteps.local.jobs.failures import JobFailure, clip_reason
from mlflowsteps.local.jobs.filters import FilterError, compile_filter
from mlflowsteps.local.jobs.folders import JobFolder
from mlflowsteps.local.jobs.images.builtin import BUILTIN
from mlflowsteps.local.jobs.images.registry import ImageRegistry, parse_image
from mlflowsteps.local.jobs.images.requirements import folder_for, missing_lines
from mlflowsteps.local.jobs.images.textdata import TextError, read_csv, read_libsvm
from mlflowsteps.local.jobs.images.xgboost_algorithm import UserError, media_type
from mlflowsteps.local.jobs.images.xgboost_parameters import read_parameters
from mlflowsteps.local.jobs.metrics import final_metrics
from mlflowsteps.local.jobs.pathmode import refuse_literal_paths, rewrite
from mlflowsteps.local.jobs.transfer import TreeUploader
from mlflowsteps.local.objects import ObjectInfo, ObjectStore


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("xgboost", ("xgboost", "latest")),
        ("xgboost:1", ("xgboost", "1")),
        ("1.dkr.ecr.us-east-1.amazonaws.com/a/b:2", ("a/b", "2")),
        ("localhost:5000/a:2", ("a", "2")),
        ("team/a@sha256:00", ("team/a", "latest")),
    ],
)
def test_an_image_uri_has_a_repository_and_a_tag(image: str, found: tuple[str, str]) -> None:
    assert parse_image(image) == found


def test_the_pattern_registered_last_wins_and_tags_count() -> None:
    registry = ImageRegistry([("a*", ["builtin"])])
    assert registry.resolve("x.com/abc:1", {}) == ["builtin"]
    registry.register("abc", ["any"])
    registry.register("abc:2*", ["two"])
    assert [registry.resolve(f"x.com/abc:{tag}", {}) for tag in ("1", "2.1")] == [["any"], ["two"]]
    registry.register("x.com/abc:1", ["uri"])
    assert registry.resolve("x.com/abc:1", {}) == ["uri"]


@pytest.mark.parametrize("command", ["python train.py", b"x", [1, 2]])
def test_a_command_that_is_no_list_of_words_is_refused(command: Any) -> None:
    with pytest.raises(TypeError, match="give a list"):
        ImageRegistry().register("a", command)


def test_a_callable_gets_a_copy_and_must_return_a_list() -> None:
    registry = ImageRegistry()
    registry.register("a", lambda request: request.pop("x") and "python train.py")
    request = {"x": 1}
    with pytest.raises(JobFailure, match="must return a list"):
        registry.resolve("a", request)
    assert request == {"x": 1}


def test_a_relative_script_is_found_from_where_it_was_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").touch()
    monkeypatch.chdir(tmp_path)
    registry = ImageRegistry()
    registry.register("a", ["python", "train.py", "--epochs", "3"])
    assert registry.resolve("a", {}) == ["python", str(tmp_path / "train.py"), "--epochs", "3"]


@pytest.mark.parametrize(
    ("image", "request_", "module"),
    [
        ("xgboost:latest", {"TrainingJobName": "t"}, ["xgboost_algorithm", "--lenient"]),
        ("sagemaker-xgboost:1.7-1", {"TrainingJobName": "t"}, ["xgboost_algorithm"]),
        ("sagemaker-xgboost:1.7-1", {"ModelName": "m", "PrimaryContainer": {}}, ["xgboost_algorithm"]),
        (
            "sagemaker-xgboost:1.7-1",
            {"TrainingJobName": "t", "HyperParameters": {"sagemaker_program": "t.py"}},
            ["script_mode", "--framework", "generic"],
        ),
        (
            "pytorch-training:2.3-cpu",
            {"TrainingJobName": "t", "AlgorithmSpecification": {"TrainingImage": "pytorch-training:2.3-cpu"}},
            ["script_mode", "--framework", "pytorch"],
        ),
        (
            "huggingface-pytorch-inference:2",
            {"ModelName": "m", "PrimaryContainer": {"Image": "huggingface-pytorch-inference:2"}},
            ["inference", "--framework", "huggingface"],
        ),
    ],
)
def test_built_in_images_run_the_module_that_stands_for_them(
    image: str, request_: dict[str, Any], module: list[str]
) -> None:
    assert ImageRegistry(BUILTIN).resolve(image, request_)[3:] == module


def test_a_command_may_hold_a_program_that_is_too_long_for_a_files_name() -> None:
    registry, program = ImageRegistry(BUILTIN), "print(1 / 2.0)\n" * 100
    registry.register("own", ["python", "-c", program])
    assert registry.resolve("own", {})[2] == program


def test_python_is_the_running_python_wherever_a_container_has_it() -> None:
    for name in ("python", "python3", "/usr/bin/python3", "/opt/conda/bin/python"):
        assert resolve_python([name, "a.py"]) == [sys.executable, "a.py"]
    assert resolve_python(["/bin/bash", "-c", "python3"]) == ["/bin/bash", "-c", "python3"]


@pytest.mark.parametrize(
    "path", ["/opt/ml/../../etc", "/etc/passwd", "/opt/ml", "/opt/mlx/a", "relative", "/opt/ml/a\0b"]
)
def test_a_local_path_outside_of_opt_ml_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(JobFailure, match="is not below /opt/ml/"):
        JobFolder(tmp_path).inside(path)


def test_rewriting_touches_whole_paths_only() -> None:
    assert rewrite("a=/opt/ml/x:/opt/ml /opt/mlops /my/opt/ml", Path("/j")) == "a=/j/x:/j /opt/mlops /my/opt/ml"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", 'open("/opt/ml/model/x")'),
        ("a.py", 'f"/opt/ml/{name}"'),
        ("a.py", 'os.environ.get("NOT_SET", "/opt/ml/model")'),
        ("a.py", 'this is no Python "/opt/ml"'),
        ("a.sh", "cp x /opt/ml/model"),
    ],
)
def test_literal_paths_in_scripts_are_found(tmp_path: Path, name: str, source: str) -> None:
    (tmp_path / name).write_text(f"\n{source}\n")
    with pytest.raises(JobFailure, match="line 2"):
        refuse_literal_paths([tmp_path / name], {"SM_MODEL_DIR": "/x"})


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.py", '"""Reads /opt/ml/input."""\n# and /opt/ml/model'),
        ("a.py", 'os.environ.get("SM_MODEL_DIR", "/opt/ml/model")'),
        ("a.py", 'os.getenv("SM_MODEL_DIR", "/opt/ml/model")'),
        ("a.py", 'open("/opt/mlops/x")'),
        ("a.sh", "# /opt/ml\nls ${SAGEMAKER_BASE_DIR:-/opt/ml}/model"),
        ("a.txt", "/opt/ml"),
    ],
)
def test_paths_that_are_not_used_literally_are_let_through(tmp_path: Path, name: str, source: str) -> None:
    (tmp_path / name).write_text(source)
    refuse_literal_paths([tmp_path / name], {"SM_MODEL_DIR": "/x"})


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("$", [1], [1]),
        ("$.a.b", {"a": {"b": 2}}, 2),
        ("$['a']['b']", {"a": {"b": 2}}, 2),
        ("$.a[-1]", {"a": [1, 2]}, 2),
        ("$[1:2]", list("abcd"), ["b", "c"]),
        ("$[:1]", list("abcd"), ["a", "b"]),
        ("$[-2:]", list("abcd"), ["c", "d"]),
        ("$[0,2:]", list("abcd"), ["a", "c", "d"]),
        ("$[-1, 0]", list("abcd"), ["d", "a"]),
        ("$[*]", {"a": 1, "b": 2}, [1, 2]),
    ],
)
def test_filters_select(path: str, value: Any, found: Any) -> None:
    assert compile_filter(path)(value) == found


@pytest.mark.parametrize("path", ["", "a", "$..a", "$[?(@.a)]", "$[", "$" + ".a" * 40])
def test_filters_that_are_not_supported_are_refused(path: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(path)


@pytest.mark.parametrize(("path", "value"), [("$.b", {"a": 1}), ("$[5]", [1]), ("$[0]", {"a": 1}), ("$.a", [1])])
def test_filters_that_do_not_fit_the_record_say_so(path: str, value: Any) -> None:
    with pytest.raises(FilterError, match=r"member|index|array"):
        compile_filter(path)(value)


def test_csv_keeps_missing_values_and_other_delimiters() -> None:
    import numpy as np

    found = read_csv("1;;3\n4;5;6\n", name="f", label=True)
    assert found.labels is not None
    assert found.labels.tolist() == [1, 4]
    assert np.isnan(found.features[0, 0])
    assert found.features[1].tolist() == [5, 6]


def test_libsvm_keeps_indexes_and_weights_and_needs_a_label_only_in_training() -> None:
    found = read_libsvm("1:2 qid:3 1:5 # remark\n\n0 3:7\n", name="f", label=True)
    assert found.features.toarray().tolist() == [[0, 5, 0, 0], [0, 0, 0, 7]]
    assert found.labels is not None
    assert found.weights is not None
    assert (found.labels.tolist(), found.weights.tolist()) == ([1, 0], [2, 1])
    asked = read_libsvm("1:5 2:6\n3 1:5\n", name="f", label=False, features=4)
    assert asked.features.toarray().tolist() == [[0, 5, 6, 0], [0, 5, 0, 0]]
    with pytest.raises(TextError, match="feature index 9 is above the model's last, 3"):
        read_libsvm("9:5\n", name="f", label=False, features=4)


def test_csv_that_is_read_as_libsvm_is_told_its_content_type() -> None:
    with pytest.raises(TextError, match=r"the label '1,2' is no number\. Rows of CSV need the content type text/csv"):
        read_libsvm("1,2\n", name="f", label=True)


@pytest.mark.parametrize("text", ["x 1:2", "1 a:2", "1 1:b", "1 -1:2", "1 99999999999:1"])
def test_libsvm_that_is_none_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(TextError, match="f, line 1: "):
        read_libsvm(text, name="f", label=True)


@pytest.mark.parametrize("kind", ["text/csv", "text/csv; label_size=1", "TEXT/CSV", "csv"])
def test_content_types_of_csv(kind: str) -> None:
    assert media_type(kind) == "csv"


@pytest.mark.parametrize("kind", ["libsvm", "text/libsvm", "text/x-libsvm; charset=utf-8"])
def test_content_types_of_libsvm(kind: str) -> None:
    assert media_type(kind) == "libsvm"


def test_other_content_types_are_refused() -> None:
    with pytest.raises(UserError, match="image/png"):
        media_type("image/png")


def test_hyperparameters_are_typed_and_old_values_mapped() -> None:
    given = {
        "num_round": "5.0",
        "eta": '"0.1"',
        "tree_method": "gpu_hist",
        "eval_metric": "auc, accuracy",
        "nthread": "1",
    }
    plan = read_parameters(given, lenient=False)
    assert plan.rounds == 5
    assert plan.booster == {"eta": 0.1, "tree_method": "hist", "eval_metric": ["auc"], "nthread": 1}
    assert plan.custom_metrics == ["accuracy"]
    assert plan.warnings == ["tree_method 'gpu_hist' is read as 'hist'"]


def test_a_reason_never_exceeds_the_services_length_and_keeps_the_path() -> None:
    for head, tail in (("h" * 5000, "t" * 5000), ("h", "t" * 5000), ("h" * 5000, ""), ("h", "t")):
        reason = clip_reason(head, log_path="/a/log.txt", tail=tail)
        assert len(reason) <= 1024
        assert "/a/log.txt" in reason
        assert reason.endswith(tail[-1:] or "/a/log.txt")


def test_a_reason_tells_a_scripts_traceback_once_and_no_shells_trace() -> None:
    traceback = "Traceback (most recent call last):\n  File \"train.py\", line 3, in load\nKeyError: 'label'"
    head = f'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{traceback}"\n, exit code: 1'
    log = f"epoch 1\n{traceback}\nExecuteUserScriptError:\nExitCode 1\n+++ handle_error\n++ exit 1"
    assert clip_reason(head, log_path="/a/log.txt", tail=log) == f"{head}\nLog: /a/log.txt\n...epoch 1"


def test_a_reason_has_the_scripts_traceback_where_the_failure_file_has_another_programs() -> None:
    script = "Traceback (most recent call last):\n  File \"train.py\", line 3, in load\nKeyError: 'label'"
    driver = 'Traceback (most recent call last):\n  File "driver.py", line 193\nCalledProcessError: exit status 1'
    reason = clip_reason(f"AlgorithmError: {driver}", log_path="/a/log.txt", tail=f"{script}\n{driver}")
    assert reason.count("driver.py") == 1
    assert reason.endswith("...  File \"train.py\", line 3, in load\nKeyError: 'label'")


def test_a_metric_takes_the_last_match_of_either_form_of_tab(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("[mlflowsteps] loss=9\n[1]\tloss=3\n[2]\tloss=nan-such\n[2]\tloss=2\nacc=x\n")
    definitions = [
        {"Name": "raw", "Regex": "\tloss=([0-9]+)"},
        {"Name": "escaped", "Regex": "#011loss=([0-9]+)"},
        {"Name": "none", "Regex": "acc=(.*)"},
    ]
    assert final_metrics(log, definitions) == {"raw": 2.0, "escaped": 2.0}


def test_files_that_a_job_takes_away_while_they_are_uploaded_are_passed_over(tmp_path: Path) -> None:
    store, folder = ObjectStore(tmp_path / "s3"), tmp_path / "checkpoints"
    store.create_bucket("bucket")
    (folder / "old").mkdir(parents=True)
    for name in ("2", "3", "old/1"):
        (folder / name).write_text(name)
    put = store.put

    def rotating(bucket: str, key: str, file: Path) -> ObjectInfo:
        (folder / "2").unlink(missing_ok=True)  # at its own turn, too
        shutil.rmtree(folder / "old", ignore_errors=True)
        return put(bucket, key, file)

    with closing(store), pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "put", rotating)
        TreeUploader(store, folder, "s3://bucket/c", "CheckpointConfig").upload()
        assert [info.key for info in store.list("bucket")] == ["c/3"]
        store.delete("bucket", "c/3")
        store.delete_bucket("bucket")
        with pytest.raises(JobFailure, match="CheckpointConfig: s3://bucket/c/3 cannot be written"):
            TreeUploader(store, folder, "s3://bucket/c", "CheckpointConfig").upload()


def test_packages_of_the_same_sources_are_shared_whatever_python_has_compiled_beside_them(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./x.whl\n")
    (tmp_path / "x.whl").write_bytes(b"1")
    before = folder_for(tmp_path / "requirements.txt", tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "train.pyc").write_bytes(b"compiled")
    assert folder_for(tmp_path / "requirements.txt", tmp_path) == before
    (tmp_path / "x.whl").write_bytes(b"2")
    assert folder_for(tmp_path / "requirements.txt", tmp_path) != before


def test_requirements_that_the_running_python_lacks_are_named() -> None:
    text = "# c\npip\npip>=1,<999\nno-such-package-x>=1\npip==0.1\ngit+https://x/y\n-r other.txt\n"
    assert missing_lines(text) == ["no-such-package-x>=1", "pip==0.1", "git+https://x/y", "-r other.txt"]
