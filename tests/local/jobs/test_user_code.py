"""What SDK 2 and SDK 3 send to run a user's script: drivers, archives and requirements, in both path modes.

The scripts here are our own, of the form that the SDKs' have: they name /opt/ml literally and call pip.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.jobs.conftest import (
    SKLEARN,
    Bench,
    members,
    processing,
    processing_input,
    processing_output,
    tar_gz,
    training,
)

Json = dict[str, Any]
WHEEL = "tinypackage-1.0-py3-none-any.whl"
IMPORTS = "import os, pathlib, sys, tinypackage\nprint('SAYS', tinypackage.WORD, tinypackage.__file__)\n"
BOTH = pytest.mark.parametrize("mode", [None, "rewritten"])

SM_TRAIN = """#!/bin/bash
set -e
echo "$(command -v pip3)" > /opt/ml/output/pip
cat /opt/ml/input/config/resourceconfig.json
cd /opt/ml/input/data/code
echo "Installing requirements"
python3 /opt/ml/input/data/sm_drivers/scripts/install_requirements.py requirements.txt
python3 /opt/ml/input/data/sm_drivers/driver.py
"""
INSTALLER = """
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "pip", "install", "-r", sys.argv[1]])
"""
DRIVER = """
import json, pathlib, subprocess, sys
hyperparameters = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
arguments = [part for name, value in hyperparameters.items() for part in ("--" + name, value)]
script = json.loads(pathlib.Path("/opt/ml/input/data/sm_drivers/sourcecode.json").read_text())["entry_script"]
sys.exit(subprocess.run([sys.executable, script, *arguments], cwd="/opt/ml/input/data/code").returncode)
"""
TRAIN = """
import os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
(base / "model/arguments").write_text(" ".join(sys.argv[1:]))
"""
RUNPROC = """#!/bin/bash

cd /opt/ml/processing/input/code/
tar -xzf sourcedir.tar.gz
set -e

if [[ -f 'requirements.txt' ]]; then
    pip uninstall --yes tinypackage
    python -m pip install -r requirements.txt
fi

python3 job.py "$@"
"""


def wheel(word: str = "hello") -> bytes:
    """A package that says a word."""
    out = io.BytesIO()
    info = "tinypackage-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("tinypackage.py", f"WORD = {word!r}\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypackage\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return out.getvalue()


def sdk3(bench: Bench, script: str, requirements: str | None = None, **parameters: str) -> Json:
    """The request that ModelTrainer makes, and the objects that it uploads."""
    files: dict[str, str | bytes] = {
        "code/train.py": script,
        "sm_drivers/sm_train.sh": SM_TRAIN,
        "sm_drivers/scripts/install_requirements.py": INSTALLER,
        "sm_drivers/driver.py": DRIVER,
        "sm_drivers/sourcecode.json": json.dumps({"entry_script": "train.py"}),
    }
    files["code/requirements.txt"] = requirements or ""
    files[f"code/{WHEEL}"] = wheel()
    for name, data in files.items():
        bench.put(f"job/input/{name}", data)
    script_file = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    channels = {name: f"job/input/{name}" for name in ("code", "sm_drivers")}
    request = training("sdk3", SKLEARN, channels=channels, HyperParameters=parameters)
    request["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", f"chmod +x {script_file} && {script_file}"],
    }
    return request


def sdk2(bench: Bench, files: dict[str, str | bytes], program: str = "train.py", **parameters: object) -> Json:
    """The request that a framework estimator of SDK 2 makes: JSON-encoded hyperparameters and an archive on S3."""
    bench.put("source/sourcedir.tar.gz", tar_gz(files))
    own = {
        "sagemaker_program": program,
        "sagemaker_submit_directory": "s3://data/source/sourcedir.tar.gz",
        "sagemaker_container_log_level": 20,
        "sagemaker_job_name": "sdk2",
        "sagemaker_region": "us-east-1",
    }
    values = {name: json.dumps(value) for name, value in (own | parameters).items()}
    return training("sdk2", SKLEARN, HyperParameters=values)


@BOTH
def test_a_model_trainers_request_runs_as_it_is(make_bench: Callable[..., Bench], mode: str | None) -> None:
    bench = make_bench(path_mode=mode)
    job = bench.run("training-job", sdk3(bench, IMPORTS + TRAIN, f"# tiny\n./{WHEEL}\n", alpha="0.5", name="x"))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert members(bench.get("models/sdk3/output/model.tar.gz")) == {"arguments": b"--alpha 0.5 --name x"}
    assert f"SAYS hello {bench.root}/packages/" in bench.log("training-job", "sdk3")


def test_pip_in_a_job_is_there_and_uninstalls_nothing(bench: Bench) -> None:
    script = "import subprocess\nprint(subprocess.check_output(['pip', 'uninstall', '--yes', 'numpy'], text=True))"
    assert bench.run("training-job", sdk3(bench, script))["TrainingJobStatus"] == "Completed"
    assert "[mlflowsteps] passed over: pip uninstall --yes numpy" in bench.log("training-job", "sdk3")


@BOTH
def test_a_framework_estimators_request_runs_as_it_is(make_bench: Callable[..., Bench], mode: str | None) -> None:
    bench = make_bench(path_mode=mode)
    files: dict[str, str | bytes] = {"train.py": IMPORTS + TRAIN, "requirements.txt": f"./{WHEEL}\n", WHEEL: wheel()}
    job = bench.run("training-job", sdk2(bench, files, rate=0.1, name="x y", flag=True, layers=[1, 2]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    arguments = b"--flag True --layers [1, 2] --name x y --rate 0.1"
    assert members(bench.get("models/sdk2/output/model.tar.gz")) == {"arguments": arguments}


def test_the_same_requirements_are_installed_once_and_never_into_the_running_python(bench: Bench) -> None:
    files: dict[str, str | bytes] = {"train.py": IMPORTS, "requirements.txt": f"./{WHEEL}\n", WHEEL: wheel()}
    for name in ("a", "b"):
        job = bench.run("training-job", sdk2(bench, files) | {"TrainingJobName": name})
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert "Processing ./tinypackage" in bench.log("training-job", "a")
    assert "Processing" not in bench.log("training-job", "b")
    assert len(list((bench.root / "packages").iterdir())) == 1
    look = [sys.executable, "-c", "import tinypackage"]
    assert subprocess.run(look, check=False, capture_output=True).returncode == 1

    files[WHEEL] = wheel("changed")
    bench.run("training-job", sdk2(bench, files) | {"TrainingJobName": "c"})
    assert "SAYS changed" in bench.log("training-job", "c")


def test_a_script_finds_its_own_requirements_as_they_are_to_put_them_beside_the_model(bench: Bench) -> None:
    script = (
        "import os, pathlib, shutil\n"
        "model = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR']) / 'model'\n"
        "shutil.copy(pathlib.Path(__file__).parent / 'requirements.txt', model)\n"
    )
    wanted = f"# tiny\n./{WHEEL}\n"
    files: dict[str, str | bytes] = {"train.py": script, "requirements.txt": wanted, WHEEL: wheel()}
    for request in (sdk2(bench, files), sdk3(bench, script, wanted)):
        job = bench.run("training-job", request)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        archive = bench.get(f"models/{request['TrainingJobName']}/output/model.tar.gz")
        assert members(archive) == {"requirements.txt": wanted.encode()}


def test_requirements_that_cannot_be_installed_fail_the_job_with_the_contracts_error(bench: Bench) -> None:
    requirements = "--no-index\nthere-is-no-such-package\n"
    files: dict[str, str | bytes] = {"train.py": "print('RAN')", "requirements.txt": requirements}
    for request in (sdk2(bench, files), sdk3(bench, "print('RAN')", requirements)):
        job = bench.run("training-job", request)
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\n")
        assert "RAN" not in bench.log("training-job", request["TrainingJobName"])


def test_source_code_that_nobody_uploaded_is_named_with_the_call_that_puts_it_there(bench: Bench) -> None:
    request = sdk2(bench, {"train.py": ""})
    request["HyperParameters"]["sagemaker_submit_directory"] = '"s3://data/gone/sourcedir.tar.gz"'
    reason = bench.run("training-job", request)["FailureReason"]
    assert reason == (
        'ClientError: Data download failed: No S3 objects found under S3 URL "s3://data/gone/sourcedir.tar.gz" '
        "given in input data source of the source code. Put them there first, for example with "
        'runtime.client("s3").upload_file("sourcedir.tar.gz", "data", "gone/sourcedir.tar.gz")'
    )


def test_nothing_is_installed_where_the_runtime_was_told_so(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(install_requirements=False)
    files: dict[str, str | bytes] = {"train.py": "print('RAN')", "requirements.txt": "there-is-no-such-package\n"}
    for request in (sdk2(bench, files), sdk3(bench, "print('RAN')", files["requirements.txt"])):  # type: ignore[arg-type]
        job = bench.run("training-job", request)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        log = bench.log("training-job", request["TrainingJobName"])
        assert "RAN" in log
        assert "install_requirements=False" in log
    assert not (bench.root / "packages").exists()


@pytest.mark.parametrize(
    ("mode", "code"), [(None, "p/sourcedir.tar.gz"), ("rewritten", "p/sourcedir.tar.gz"), ("rewritten", "p/")]
)
def test_a_framework_processors_request_runs_as_it_is(
    make_bench: Callable[..., Bench], mode: str | None, code: str
) -> None:
    bench = make_bench(path_mode=mode)
    script = IMPORTS + (
        "base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR']) / 'processing'\n"
        "(base / 'out/said').write_text(' '.join(sys.argv[1:]) + tinypackage.WORD)\n"
    )
    source: dict[str, str | bytes] = {"job.py": script, "requirements.txt": f"./{WHEEL}\n", WHEEL: wheel()}
    bench.put("p/sourcedir.tar.gz", tar_gz(source))
    bench.put("p/runproc.sh", RUNPROC)
    request = processing(
        "framework",
        AppSpecification={
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"],
            "ContainerArguments": ["--rows", "3"],
        },
        ProcessingInputs=[
            processing_input("code", code, "/opt/ml/processing/input/code/"),
            processing_input("entrypoint", "p/runproc.sh", "/opt/ml/processing/input/entrypoint"),
        ],
        ProcessingOutputConfig={"Outputs": [processing_output("out", "/opt/ml/processing/out", "made")]},
    )
    job = bench.run("processing-job", request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert bench.get("made/said") == b"--rows 3hello"


def test_a_script_inside_an_archive_that_names_opt_ml_is_refused_where_there_is_none(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(path_mode="rewritten")
    bench.put("p/sourcedir.tar.gz", tar_gz({"job.py": "open('/opt/ml/processing/out/x', 'w')"}))
    bench.put("p/runproc.sh", RUNPROC)
    request = processing("literal")
    request["AppSpecification"]["ContainerEntrypoint"] = ["/bin/bash", "/opt/ml/processing/input/entrypoint/runproc.sh"]
    request["ProcessingInputs"] = [
        processing_input("code", "p/sourcedir.tar.gz", "/opt/ml/processing/input/code"),
        processing_input("entrypoint", "p/runproc.sh", "/opt/ml/processing/input/entrypoint"),
    ]
    job = bench.run("processing-job", request)
    assert "job.py, line 1, names '/opt/ml/processing/out/x' literally" in job["FailureReason"]
