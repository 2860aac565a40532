"""Members of requests that cannot be played: each is refused with its place and what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.unplayed import UNPLAYED, Unplayed, find_unplayed
from tests.local.jobs.conftest import SKLEARN, Bench, model, processing, processing_output, training

ROWS = [(kind, row) for kind, rows in UNPLAYED.items() for row in rows]


def request_with(row: Unplayed, value: object) -> dict[str, Any]:
    """The smallest request that has this member."""
    found: Any = value
    for part in reversed(row.path.split(".")):
        name = part.removesuffix("[]")
        found = {name: [found | {"VariantName": "v"}]} if part.endswith("[]") else {name: found}
    return dict(found)


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind}-{row.path}" for kind, row in ROWS])
def test_every_such_member_is_refused_and_what_is_played_of_it_is_not(kind: str, row: Unplayed) -> None:
    message = find_unplayed(kind, request_with(row, "other" if row.played else {"x": 1}))
    assert message is not None
    assert message.startswith(row.path.split("[]", maxsplit=1)[0])
    assert row.why in message
    for value in row.played:
        assert find_unplayed(kind, request_with(row, value)) is None


def test_a_processing_job_on_athena_fails_with_the_inputs_name_and_the_way_out(bench: Bench) -> None:
    request = processing("p")
    request["ProcessingInputs"].append({"InputName": "query", "DatasetDefinition": {"AthenaDatasetDefinition": {}}})
    reason = bench.run("processing-job", request)["FailureReason"]
    assert reason.startswith("ClientError: ProcessingInputs['query'].DatasetDefinition is not played")
    assert "put the query's result into the runtime's S3" in reason


def test_a_processing_output_to_the_feature_store_fails_before_anything_runs(bench: Bench) -> None:
    bench.put("code/job.py", "print('ran')")
    output = processing_output("features", "/opt/ml/processing/out", "out") | {
        "FeatureStoreOutput": {"FeatureGroupName": "g"}
    }
    job = bench.run("processing-job", processing("p", ProcessingOutputConfig={"Outputs": [output]}))
    assert "Outputs['features'].FeatureStoreOutput is not played" in job["FailureReason"]
    assert "[mlflowsteps] run " not in bench.log("processing-job", "p")


def test_a_model_is_refused_when_it_is_created(bench: Bench) -> None:
    source = {"S3DataSource": {"S3Uri": "s3://data/m/", "ManifestS3Uri": "s3://data/list"}}
    with pytest.raises(ServiceError, match=r"PrimaryContainer.*ManifestS3Uri .* is not played") as caught:
        bench.manager.create("model", model("m", SKLEARN, ModelDataSource=source))
    assert caught.value.code == "ValidationException"


def test_a_serverless_training_fails_with_the_way_out(bench: Bench) -> None:
    request = training("s", SKLEARN, ServerlessJobConfig={"BaseModelArn": "arn", "JobType": "FineTuning"})
    del request["AlgorithmSpecification"], request["ResourceConfig"]
    assert "give AlgorithmSpecification and ResourceConfig" in bench.run("training-job", request)["FailureReason"]
