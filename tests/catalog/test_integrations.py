"""The table of optimized integrations agrees with itself and with botocore's models."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from mlflowsteps.catalog.integrations import Integration, find_integration, integrations, near_integration

ROWS = list(integrations().values())
CALLED = [row for row in ROWS if row.client]


@cache
def _operations(client: str):
    import botocore.session

    return botocore.session.get_session().get_service_model(client)


@pytest.mark.parametrize("row", CALLED, ids=lambda row: row.name)
def test_every_operation_exists_in_botocore(row: Integration):
    names = _operations(row.client).operation_names
    assert row.operation in names
    if row.job:
        assert row.job.describe in names
        assert not row.job.stop or row.job.stop in names


@pytest.mark.parametrize("row", CALLED, ids=lambda row: row.name)
def test_required_fields_are_fields_of_the_operation(row: Integration):
    members = {name.lower() for name in _operations(row.client).operation_model(row.operation).input_shape.members}
    # EMR's integration bends its API: one cluster, one step, names in place of ids.
    own = {
        "clusterid",
        "step",
        "stepid",
        "terminationprotected",
        "instancefleetname",
        "instancegroupname",
        "instancegroup",
    }
    assert {field.lower() for field in row.required} <= (members | own if row.client == "emr" else members)


@pytest.mark.parametrize("row", [row for row in CALLED if row.job], ids=lambda row: row.name)
def test_keys_of_a_job_are_parameters_of_its_description(row: Integration):
    members = _operations(row.client).operation_model(row.job.describe).input_shape.members
    assert set(row.job.key) <= set(members)
    for source in row.job.key.values():
        text = source[0] if isinstance(source, tuple) else source
        assert text.startswith(("request.", "response."))


@pytest.mark.parametrize("row", [row for row in CALLED if row.job], ids=lambda row: row.name)
def test_statuses_of_a_job_are_in_its_description(row: Integration):
    shape = _operations(row.client).operation_model(row.job.describe).output_shape
    for part in row.job.status.split("."):
        shape = shape.member if part == "0" else shape.members[part]
    if shape.enum:
        assert row.job.succeeded | row.job.failed <= set(shape.enum)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_sync_and_a_job_go_together(row: Integration):
    waits = bool(row.patterns & {"sync", "sync:2"})
    assert waits == (row.job is not None) or row.name == "eks:runJob"
    assert row.patterns <= {"request_response", "sync", "sync:2", "waitForTaskToken"}


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("sagemaker:createTrainingJob", {"request_response", "sync"}),
        ("sagemaker:createModel", {"request_response"}),
        ("sagemaker:createEndpoint", {"request_response"}),
        ("lambda:invoke", {"request_response", "waitForTaskToken"}),
        ("states:startExecution", {"request_response", "sync", "sync:2", "waitForTaskToken"}),
        ("http:invoke", {"request_response"}),
    ],
)
def test_patterns_are_those_of_the_service(name, patterns):
    assert integrations()[name].patterns == patterns


def test_a_near_miss_finds_what_was_meant():
    assert near_integration("sagemaker", "createTrainigJob") == "sagemaker:createTrainingJob"
    assert near_integration("SNS", "Publish") == "sns:publish"
    assert near_integration("nothing", "like this") == ""
    assert find_integration("nothing", "publish") is None


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        integrations()["x:y"] = ROWS[0]  # type: ignore[index]


def test_the_catalog_loads_no_botocore():
    import subprocess

    code = "import sys, mlflowsteps.catalog.integrations as c; c.integrations(); print('botocore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
