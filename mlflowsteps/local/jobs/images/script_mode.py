"""Script mode, as a process: runs the user's training script as framework containers do.

``script_mode [--framework NAME] train``: reads the hyperparameters, sets the SM_* variables, runs the script with the
running Python, and writes why it failed to the failure file.

Source:
    aws/sagemaker-training-toolkit: environment variables, order of arguments, texts of errors.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from mlflowsteps.local.jobs.archives import ArchiveError, unpack
from mlflowsteps.local.jobs.images.paths import base_folder, fail, read_config
from mlflowsteps.local.jobs.images.requirements import PACKAGES, InstallError, install

__all__ = ["arguments_of", "main", "variables"]

_PRIVATE = frozenset({"default_user_module_name", "_tuning_objective_metric"})
_TAIL_LINES = 25
_CHUNK_BYTES = 1 << 16
_LAST_WORDS_SECONDS = 1.0


class ScriptError(Exception):
    """The script failed or cannot be run; the text is for the failure file."""


def decode(values: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters with JSON decoded where it is JSON, raw where it is not.

    >>> decode({"a": "1", "b": '"x"', "c": "x"})
    {'a': 1, 'b': 'x', 'c': 'x'}
    """
    found: dict[str, Any] = {}
    for name, text in values.items():
        try:
            found[name] = json.loads(text)
        except (ValueError, TypeError):
            found[name] = text
    return found


def user_parameters(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters that the script is given: none of the platform's own."""
    return {
        name: value
        for name, value in hyperparameters.items()
        if not name.startswith("sagemaker_") and name not in _PRIVATE
    }


def arguments_of(parameters: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as command-line arguments.

    >>> arguments_of({"lr": 0.1, "b": True, "tags": {"x": 1, "y": 2}, "none": None})
    ['-b', 'True', '--lr', '0.1', '--none', '', '--tags', 'x=1,y=2']
    """
    found = []
    for name in sorted(parameters):
        found += [f"-{name}" if len(name) == 1 else f"--{name}", _argument(parameters[name])]
    return found


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return str(value)


def variables(program: str, hyperparameters: dict[str, Any], framework: str) -> dict[str, str]:
    """The variables that the toolkit sets for a script.

    Args:
        program: name of the user's script.
        hyperparameters: all of them, decoded.
        framework: becomes SM_FRAMEWORK_MODULE.
    """
    base = base_folder()
    parameters = user_parameters(hyperparameters)
    resources, channels = read_config("resourceconfig.json"), read_config("inputdataconfig.json")
    values = {
        "HOSTS": resources.get("hosts", ["algo-1"]),
        "NETWORK_INTERFACE_NAME": resources.get("network_interface_name", "lo"),
        "HPS": parameters,
        "USER_ENTRY_POINT": program,
        "FRAMEWORK_PARAMS": {name: hyperparameters[name] for name in hyperparameters if name not in parameters},
        "RESOURCE_CONFIG": resources,
        "INPUT_DATA_CONFIG": channels,
        "OUTPUT_DATA_DIR": str(base / "output/data"),
        "CHANNELS": sorted(channels),
        "CURRENT_HOST": resources.get("current_host", "algo-1"),
        "CURRENT_INSTANCE_TYPE": resources.get("current_instance_type", "local"),
        "CURRENT_INSTANCE_GROUP": resources.get("current_group_name", "homogeneousCluster"),
        "CURRENT_INSTANCE_GROUP_HOSTS": resources.get("hosts", ["algo-1"]),
        "INSTANCE_GROUPS": [group["instance_group_name"] for group in resources.get("instance_groups", [])],
        "INSTANCE_GROUPS_DICT": {group["instance_group_name"]: group for group in resources.get("instance_groups", [])},
        "DISTRIBUTION_INSTANCE_GROUPS": [],
        "IS_HETERO": False,
        "MODULE_NAME": program.removesuffix(".py"),
        "LOG_LEVEL": hyperparameters.get("sagemaker_container_log_level", 20),
        "FRAMEWORK_MODULE": f"mlflowsteps_{framework}",
        "INPUT_DIR": str(base / "input"),
        "INPUT_CONFIG_DIR": str(base / "input/config"),
        "OUTPUT_DIR": str(base / "output"),
        "OUTPUT_INTERMEDIATE_DIR": str(base / "output/intermediate"),
        "NUM_CPUS": os.cpu_count() or 1,
        "NUM_GPUS": 0,
        "NUM_NEURONS": 0,
        "MODEL_DIR": str(base / "model"),
        "MODULE_DIR": str(hyperparameters.get("sagemaker_submit_directory", base / "code")),
        "USER_ARGS": arguments_of(parameters),
    }
    values |= {f"CHANNEL_{name.upper()}": str(base / "input/data" / name) for name in channels}
    values |= {f"HP_{name.upper()}": value for name, value in parameters.items()}
    values["TRAINING_ENV"] = {name.lower(): value for name, value in values.items() if not name.startswith("HP_")}
    found = {f"SM_{name}": _text(value) for name, value in values.items()}
    found["CURRENT_HOST"] = found["SM_CURRENT_HOST"]
    found["SAGEMAKER_REGION"] = str(hyperparameters.get("sagemaker_region") or os.environ.get("AWS_REGION", ""))
    found["SAGEMAKER_JOB_NAME"] = str(
        hyperparameters.get("sagemaker_job_name") or os.environ.get("TRAINING_JOB_NAME", "")
    )
    return found


def _text(value: Any) -> str:
    """Strings as they are, None as nothing, the rest as compact JSON with sorted keys."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _find_code(hyperparameters: dict[str, Any], program: str) -> Path:
    """The folder of the script: code/, filled from the submit directory where it is empty."""
    base = base_folder()
    code = base / "code"
    code.mkdir(parents=True, exist_ok=True)
    if not any(code.iterdir()):
        given = str(
            hyperparameters.get("sagemaker_submit_directory") or os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or ""
        )
        place = Path(given.removeprefix("file://"))
        if given and place.is_file():
            try:
                unpack(place, code)
            except ArchiveError as error:
                raise ScriptError(f"ClientError: sagemaker_submit_directory: {error}") from error
        elif given and (place / program).is_file():
            return place
    if not (code / program).is_file():
        raise ScriptError(
            f"ClientError: the script {program!r} is not in the source code; sagemaker_submit_directory must be a "
            f"tar.gz or folder with it (found: {', '.join(sorted(path.name for path in code.iterdir())) or 'nothing'})"
        )
    return code


def _command(code: Path, program: str, arguments: list[str]) -> list[str]:
    if program.endswith(".sh"):
        return ["/bin/sh", "-c", f"/bin/bash ./{shlex.join([program, *arguments])}"]
    if (code / "setup.py").is_file():
        return [sys.executable, "-m", program.removesuffix(".py").replace("/", "."), *arguments]
    if program.endswith(".py"):
        return [sys.executable, program, *arguments]
    return ["/bin/sh", "-c", shlex.join([f"./{program}", *arguments])]


def _run(command: list[str], code: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run the script; its exit code and the end of its stderr, which is passed on as it comes."""
    tail = bytearray()
    child = subprocess.Popen(  # noqa: S603 - running the user's script is the point
        command,
        cwd=code,
        env=environment,
        stderr=subprocess.PIPE,
        preexec_fn=_die_with_parent(),  # noqa: PLW1509 - there is no other thread yet
    )

    def terminate(number: int, frame: FrameType | None) -> None:
        del frame
        child.send_signal(number)  # our end is the container's end: the script gets its grace

    signal.signal(signal.SIGTERM, terminate)

    def copy() -> None:
        assert child.stderr is not None  # noqa: S101 - PIPE was asked for
        while chunk := os.read(child.stderr.fileno(), _CHUNK_BYTES):  # a line may be of any length
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()
            tail.extend(chunk)
            del tail[:-_CHUNK_BYTES]

    copier = threading.Thread(target=copy, daemon=True)
    copier.start()
    status = child.wait()
    copier.join(timeout=_LAST_WORDS_SECONDS)  # a process that the script left running may hold the pipe open
    lines = bytes(tail).decode("utf-8", "replace").splitlines()
    return status, "\n".join(lines[-_TAIL_LINES:]).strip()


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux: what a child runs so that it is killed when we are."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def train(framework: str) -> None:
    """Run the user's script.

    Raises:
        ScriptError: there is none, or it failed.
    """
    hyperparameters = decode(read_config("hyperparameters.json"))
    program = os.environ.get("SAGEMAKER_PROGRAM") or hyperparameters.get("sagemaker_program")
    if not program:
        raise ScriptError(
            "ClientError: this image runs a script, and the request names none: set the hyperparameter "
            "sagemaker_program to its name and sagemaker_submit_directory to the S3 URI of a tar.gz with it."
        )
    program = str(program)
    code = _find_code(hyperparameters, program)
    try:
        packages = install(code / "requirements.txt", os.environ.get(PACKAGES, ""))
    except InstallError as error:
        raise ScriptError(str(error)) from error
    arguments = arguments_of(user_parameters(hyperparameters))
    command = _command(code, program, arguments)
    environment = dict(os.environ) | variables(program, hyperparameters, framework)
    environment["PYTHONPATH"] = os.pathsep.join([str(code), *packages, os.environ.get("PYTHONPATH", "")]).rstrip(
        os.pathsep
    )
    (base_folder() / "output/intermediate").mkdir(parents=True, exist_ok=True)
    print(f"Invoking script with the following command:\n\n{shlex.join(command)}\n", flush=True)  # noqa: T201
    status, tail = _run(command, code, environment)
    if status:
        raise ScriptError(_script_error(status, tail, command))
    (base_folder() / "output/success").touch()


def _script_error(status: int, tail: str, command: list[str]) -> str:
    """The toolkit's text of a script that failed; of the error's text the end, which says most."""
    shown = status if status > 0 else 128 - status
    memory = f"\n{_killed(-status)}" if status < 0 else ""
    return (
        f'ExecuteUserScriptError:\nExitCode {shown}\nErrorMessage "{tail[-400:]}"{memory}\n'
        f'Command "{shlex.join(command)[:200]}"'
    )


def _killed(number: int) -> str:
    """Which signal ended a script: the text of one that may mean that memory ran out is the toolkit's."""
    head = "OutOfMemory: " if number == signal.SIGKILL else ""
    name = next((item.name for item in signal.Signals if item == number), "a signal")
    return f"{head}Process killed by {name} (signal {number})"


def main() -> int:
    """Do what the arguments say; returns the exit code, 1 whatever the script's own was."""
    parser = argparse.ArgumentParser("script_mode")
    parser.add_argument("--framework", default="generic")
    parser.add_argument("work", choices=["train"])
    options = parser.parse_args()
    try:
        train(options.framework)
    except ScriptError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201 - the container's log
        fail(str(error))
        return 1
    except Exception:  # noqa: BLE001 - a process says in its failure file what went wrong
        traceback.print_exc()
        fail(f"Framework Error: \n{traceback.format_exc()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
