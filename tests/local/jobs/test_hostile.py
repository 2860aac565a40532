"""Programs that behave badly: floods of output, failure files, orphans, signals, missing packages."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.local.jobs.archives import ArchiveError, unpack
from mlflowsteps.local.jobs.failures import clip_reason
from tests.local.jobs.conftest import BUCKET, SKLEARN, Bench, model, processing, tar_gz, training, transform
from tests.local.jobs.test_life import is_gone, wait_until

FRAMEWORKS = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


def run_script(bench: Bench, source: str, image: str = SKLEARN, **files: str) -> dict[str, Any]:
    """The description of a training job that runs a script of the user's in script mode."""
    given: dict[str, str | bytes] = {name.replace("_txt", ".txt"): text for name, text in files.items()}
    bench.put("source.tar.gz", tar_gz({"train.py": source, **given}))
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/source.tar.gz"}
    return bench.run("training-job", training("h", image, HyperParameters=parameters))


@pytest.mark.parametrize(
    ("image", "module", "package"),
    [
        (f"{FRAMEWORKS}/pytorch-training:2.1-cpu-py310", "absent_torch", "absent_torch"),
        (f"{FRAMEWORKS}/huggingface-pytorch-training:2.0-gpu", "absent_transformers.trainer", "absent_transformers"),
        (SKLEARN, "absent_tf", "absent_tf"),
    ],
)
def test_a_package_that_the_image_brings_and_is_not_here_is_named_with_the_fix(
    bench: Bench, image: str, module: str, package: str
) -> None:
    reason = run_script(bench, f"import {module}", image)["FailureReason"]
    assert f"No module named '{package}'" in reason
    assert f"jobs run with the runtime's Python: pip install {package}, or name it in requirements.txt" in reason


def test_the_fix_names_the_package_where_its_module_has_another_name() -> None:
    assert "pip install scikit-learn," in clip_reason("ModuleNotFoundError: No module named 'sklearn'")
    assert "Hint" not in clip_reason("KeyError: 'sklearn'")


def test_a_processing_script_without_its_package_says_so_too(bench: Bench) -> None:
    bench.put("code/job.py", "import absent_spark")
    assert "pip install absent_spark" in bench.run("processing-job", processing("h"))["FailureReason"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_hundred_megabytes_of_log_in_one_line_are_written_and_the_reason_stays_short(
    bench: Bench, stream: str
) -> None:
    source = f"import sys\nfor _ in range(100): sys.{stream}.write('x' * 1_000_000)\nsys.exit('the last word')"
    job = run_script(bench, source)
    assert bench.manager.log_path("training-job", "h").stat().st_size > 100_000_000
    assert len(job["FailureReason"]) <= 1024
    assert "the last word" in job["FailureReason"]


def test_a_failure_file_of_a_megabyte_gives_its_beginning(bench: Bench) -> None:
    job = run_script(bench, "open('/opt/ml/output/failure', 'w').write('boom ' * 200_000)\nraise SystemExit(2)")
    assert job["FailureReason"].startswith("AlgorithmError: boom boom ")
    assert len(job["FailureReason"]) <= 1024
    assert "\nLog: " in job["FailureReason"]


def test_neither_colours_nor_control_characters_reach_the_reason(bench: Bench) -> None:
    source = (
        "import os\nos.write(2, b'\\xff\\xfe\\x1b[31mred\\x1b[0m\\x00 \\x07bell\\x1b]0;title\\n')\nraise SystemExit(1)"
    )
    reason = run_script(bench, source)["FailureReason"]
    assert "red bell" in reason
    assert all(character == "\n" or character >= " " for character in reason)
    assert b"\x1b[31mred" in bench.manager.log_path("training-job", "h").read_bytes()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os; os._exit(7)", "ExitCode 7"),
        ("import os; os.kill(os.getpid(), 11)", 'ExitCode 139\nErrorMessage ""\nProcess killed by SIGSEGV (signal 11)'),
        ("import os; os.kill(os.getpid(), 9)", "OutOfMemory: Process killed by SIGKILL (signal 9)"),
    ],
)
def test_a_script_that_ends_abruptly_says_how(bench: Bench, source: str, found: str) -> None:
    assert found in run_script(bench, source)["FailureReason"]


def test_a_job_that_ignores_sigterm_at_its_time_out_is_killed_after_the_grace(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(stop_grace_seconds=0.2)
    source = "import signal\nsignal.signal(15, signal.SIG_IGN)\nwhile True: signal.pause()"
    bench.manager.images.register("own", [sys.executable, "-c", source])
    job = bench.run("training-job", training("h", "own", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_network_isolation_that_is_not_there_is_told_in_the_log(bench: Bench) -> None:
    bench.put("code/job.py", "print(1)")
    bench.run("processing-job", processing("h", NetworkConfig={"EnableNetworkIsolation": True}))
    assert "EnableNetworkIsolation has no effect here" in bench.log("processing-job", "h")


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found by /proc")
def test_a_child_in_a_session_of_its_own_dies_with_the_job(bench: Bench) -> None:
    source = (
        "import os, signal\n"
        "child = os.fork()\n"
        "if child == 0:\n    os.setsid(); os.close(1); os.close(2); signal.pause()\n"
        "print('PID', child)"
    )
    bench.manager.images.register("own", [sys.executable, "-c", source])
    assert bench.run("training-job", training("h", "own"))["TrainingJobStatus"] == "Completed"
    log = bench.log("training-job", "h")
    wait_until(lambda: is_gone(int(log.split("PID ")[1].split()[0])))
    assert "1 processes that the job left running were killed" in log


def test_requirements_that_cannot_be_installed_say_what_pip_said(bench: Bench) -> None:
    reason = run_script(bench, "", requirements_txt="./absent-1.0-py3-none-any.whl\n")["FailureReason"]
    assert reason.startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\nErrorMessage ")
    message = reason.split("ErrorMessage ")[1].split("\nCommand")[0]
    assert "absent-1.0-py3-none-any.whl" in message


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    return found


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry("../evil")], "outside the destination"),
        ([entry("l", tarfile.SYMTYPE, "/etc"), entry("l/x")], "link to an absolute path"),
        ([entry("h", tarfile.LNKTYPE, "/etc/passwd")], "link to an absolute path"),
        ([entry("d", tarfile.CHRTYPE)], "'d' is a special file"),
        ([entry("xgboost-model", tarfile.FIFOTYPE)], "is a special file"),
    ],
)
def test_a_hostile_models_archive_fails_the_job_by_its_member(
    bench: Bench, entries: list[tarfile.TarInfo], reason: str
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for member in entries:
            tar.addfile(member)
    bench.put("model.tar.gz", out.getvalue())
    bench.put("in.csv", "1,2\n")
    bench.manager.create("model", model("m", "sagemaker-xgboost:1.7-1", "model.tar.gz"))
    job = bench.run("transform-job", transform("t", "m", "in.csv", "text/csv"))
    assert job["TransformJobStatus"] == "Failed"
    assert reason in job["FailureReason"]
    assert "model.tar.gz cannot be unpacked" in job["FailureReason"]


def test_an_archive_that_would_fill_the_disk_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.tar.gz").write_bytes(tar_gz({"zeros": b"\0" * 2_000_000}))
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, (1 << 28) + 1_000_000))
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(ArchiveError, match=r"'zeros'.*the disk has room for 1000000"):
        unpack(tmp_path / "bomb.tar.gz", folder)
    assert not list(folder.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_that_may_not_be_written_fails_the_job(bench: Bench) -> None:
    place = bench.root / "s3" / BUCKET
    bench.put("source.tar.gz", "")
    place.chmod(0o500)
    try:
        bench.manager.images.register("own", [sys.executable, "-c", "open('/opt/ml/model/m', 'w').write('1')"])
        job = bench.run("training-job", training("h", "own"))
    finally:
        place.chmod(0o700)
    assert job["TrainingJobStatus"] == "Failed"
    assert "Permission denied" in job["FailureReason"]
