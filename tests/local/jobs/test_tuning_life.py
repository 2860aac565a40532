"""Tuning jobs as they go: the same seed, failures among the training jobs, pruning, and a stop while others wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.local.jobs.conftest import Bench
from tests.local.jobs.test_tuning import CONTINUOUS, PARABOLA, TUNING, Json, own, run, tuning

FAILS_ABOVE = PARABOLA.replace('if given.get("fail") == "yes":', "if x > 0.4:")


def proposed(bench: Bench, name: str) -> list[Json]:
    return [row["TunedHyperParameters"] for row in bench.manager.tuned_jobs(name)]


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_the_same_seed_proposes_the_same_values_one_training_at_a_time(bench: Bench, strategy: str) -> None:
    own(bench)
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        run(bench, tuning(name, CONTINUOUS, Strategy=strategy, most=7, parallel=1, RandomSeed=seed))
    assert proposed(bench, "first") == proposed(bench, "again")
    assert proposed(bench, "first") != proposed(bench, "other")


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_failed_training_jobs_count_as_such_and_the_tuning_goes_on_to_its_end(bench: Bench, strategy: str) -> None:
    own(bench, FAILS_ABOVE)
    job = run(bench, tuning("f", CONTINUOUS, Strategy=strategy, most=8, parallel=2))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    counters = job["TrainingJobStatusCounters"]
    assert counters["NonRetryableError"] >= 1
    assert counters["Completed"] + counters["NonRetryableError"] == 8
    assert job["ObjectiveStatusCounters"]["Failed"] == counters["NonRetryableError"]
    assert float(job["BestTrainingJob"]["TunedHyperParameters"]["x"]) <= 0.4
    failed = [row for row in bench.manager.tuned_jobs("f") if row["TrainingJobStatus"] == "Failed"]
    assert all("Log: " in row["FailureReason"] for row in failed)


EPOCHS = """
import json, os, pathlib, signal, sys
x = float(json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())["x"])
for epoch in range(9):
    print(f"loss={x};", flush=True)
if x > 0.5:
    signal.pause()
"""


def test_hyperband_stops_what_is_worse_than_the_others_at_the_same_resource(bench: Bench) -> None:
    own(bench, EPOCHS)
    resources = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.1", "0.2", "0.3", "0.9"]}]}
    request = tuning("h", ranges, Strategy="Hyperband", most=10, parallel=1, RandomSeed=1, StrategyConfig=resources)
    request["TrainingJobDefinition"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 3}
    job = run(bench, request)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    stopped = [row for row in bench.manager.tuned_jobs("h") if row["TrainingJobStatus"] == "Stopped"]
    assert {row["TunedHyperParameters"]["x"] for row in stopped} == {"0.9"}
    log = bench.log(TUNING, "h")
    assert "is stopped: its objective after 9 values is 0.9" in log


def test_a_stopped_tuning_keeps_the_best_of_those_that_had_ended_and_begins_no_more(
    bench: Bench, tmp_path: Path
) -> None:
    pipe = tmp_path / "second"
    os.mkfifo(pipe)
    waits = f"if '-002-' in os.environ['TRAINING_JOB_NAME']:\n    open({str(pipe)!r}, 'w').close(); signal.pause()\n"
    own(bench, f"import os, signal\n{waits}{PARABOLA}")
    bench.manager.create(TUNING, tuning("s", CONTINUOUS, Strategy="Bayesian", most=9, parallel=1))
    pipe.read_text()
    bench.manager.stop(TUNING, "s")
    job = bench.wait(TUNING, "s")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    counters = job["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["Stopped"], counters["InProgress"]) == (1, 1, 0)
    assert job["BestTrainingJob"]["TrainingJobName"].startswith("s-001-")
    assert len(bench.manager.list("training-job")) == 2


def test_a_tuning_whose_training_cannot_be_played_fails_before_any_begins(bench: Bench) -> None:
    own(bench)
    request = tuning("t", CONTINUOUS)
    request["TrainingJobDefinition"]["InputDataConfig"] = [
        {"ChannelName": "train", "DataSource": {"FileSystemDataSource": {"FileSystemId": "fs-1"}}}
    ]
    job = run(bench, request)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "InputDataConfig['train'].DataSource.FileSystemDataSource is not played" in job["FailureReason"]
    assert bench.manager.list("training-job") == []
