from __future__ import annotations

import sys
import threading
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from mlflowsteps.workflow import Workflow, client
from tests.workflow.conftest import boto3_client, echo


def test_the_client_given_is_the_one_used() -> None:
    given = boto3_client()
    assert client.resolve(given) is given
    assert echo(client=given).client is given
    assert not client.connect(given).local


def test_a_runtime_gives_its_own_client(runtime: Any) -> None:
    found = client.connect(runtime)
    assert found.runtime is runtime
    assert found.local
    assert client.connect(runtime.client("stepfunctions")).local
    assert client.resolve(runtime).meta.service_model.service_name == "stepfunctions"  # type: ignore[attr-defined]


def test_the_active_runtime_is_found_by_every_thread(runtime: Any) -> None:
    found: list[Any] = []
    with runtime.activate():
        thread = threading.Thread(target=lambda: found.append(client.connect().runtime))
        thread.start()
        thread.join()
    runtime.deactivate()
    assert found == [runtime]


def test_a_workflow_chooses_at_the_first_call_and_keeps_its_client(runtime: Any) -> None:
    workflow = echo()
    runtime.activate()
    try:
        arn = workflow.create()
    finally:
        runtime.deactivate()
    assert workflow.connection.runtime is runtime
    assert workflow.execute(inputs={"a": 1}).get_output(wait=True) == {"a": 1}
    assert Workflow.attach(arn, client=runtime).connection.runtime is runtime


@pytest.mark.parametrize("wrong", ["local", 5, object()])
def test_what_is_no_client_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="client must be a LocalRuntime, or have the methods"):
        client.resolve(wrong)


PROGRAM = """
import os, sys
from mlflowsteps import steps
from mlflowsteps.workflow import Workflow
outputs = []
for name in ("A", "B"):
    workflow = Workflow(name, steps.Pass("P"), role="arn:aws:iam::123456789012:role/r")
    workflow.create()
    outputs.append(workflow.execute(inputs={"n": name}).get_output(wait=True))
    runtimes = {id(workflow.connection.runtime)}
print(outputs, len(runtimes), sorted(row["name"] for row in Workflow.list_workflows()))
"""


@pytest.mark.parametrize("value", ["local", "local:elsewhere"])
def test_the_environment_names_the_runtime_of_a_whole_program(tmp_path: Path, value: str) -> None:
    environment = {"PATH": "", "HOME": str(tmp_path), client.RUNTIME_VARIABLE: value}
    done = run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[{'n': 'A'}, {'n': 'B'}] 1 ['A', 'B']"
    assert (tmp_path / (".mlflowsteps" if value == "local" else "elsewhere")).is_dir()


def test_the_environment_must_name_a_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(client.RUNTIME_VARIABLE, "loca")
    with pytest.raises(ValueError, match="'local' or 'local:<folder>', not 'loca'"):
        client.resolve()


def test_without_a_runtime_it_is_boto3s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    found: Any = client.resolve()
    assert found.meta.region_name == "eu-central-1"
    assert "mlflowsteps/" in found.meta.config.user_agent


def test_without_a_region_the_error_names_the_ways_out() -> None:
    from botocore.exceptions import NoRegionError

    with pytest.raises(NoRegionError) as caught:
        client.resolve()
    assert "LocalRuntime" in caught.value.__notes__[0]
    assert "AWS_DEFAULT_REGION" in caught.value.__notes__[0]
