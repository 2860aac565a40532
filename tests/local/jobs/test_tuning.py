"""Tuning jobs: what is proposed, how the training jobs run, and what is said of them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.jobs.tuning.ranges import RangeError, read_ranges
from mlflowsteps.local.jobs.tuning.requests import check_tuning, definitions_of
from mlflowsteps.local.jobs.tuning.stopping import completed_by, worse_than_median
from mlflowsteps.local.jobs.tuning.strategies import Grid, Random
from mlflowsteps.local.jobs.tuning.trials import Trial
from tests.local.jobs.conftest import XGBOOST, Bench, csv, rows, training

Json = dict[str, Any]
TUNING = "hyper-parameter-tuning-job"
OWN = "own-tuned"
PARABOLA = """
import json, pathlib
given = json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
x = float(given["x"])
if given.get("fail") == "yes":
    raise SystemExit("no")
print(f"loss={(x - 0.3) ** 2:.6f};")
pathlib.Path("/opt/ml/model/x").write_text(given["_tuning_objective_metric"])
"""
CONTINUOUS = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
CATEGORICAL = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.1", "0.3", "0.9"]}]}


def own(bench: Bench, source: str = PARABOLA) -> None:
    bench.manager.images.register(OWN, [sys.executable, "-c", source])


def tuning(
    name: str, ranges: Json, *, image: str = OWN, most: int | None = 4, parallel: int = 2, **changes: Any
) -> Json:
    """A CreateHyperParameterTuningJob request; ``changes`` of keys of the configuration go there."""
    job = training("unused", image, **changes.pop("job", {}))
    definition = {key: job[key] for key in ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")}
    definition["InputDataConfig"] = job["InputDataConfig"] or []
    regex = [{"Name": "loss", "Regex": r"loss=(\S+);"}] if image == OWN else []
    definition["AlgorithmSpecification"] = job["AlgorithmSpecification"] | (
        {"MetricDefinitions": regex} if regex else {}
    )
    definition["StaticHyperParameters"] = changes.pop("static", {})
    if not definition["InputDataConfig"]:
        del definition["InputDataConfig"]
    limits = {"MaxParallelTrainingJobs": parallel} | ({"MaxNumberOfTrainingJobs": most} if most else {})
    config: Json = {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        "ResourceLimits": limits,
        "ParameterRanges": ranges,
        "RandomSeed": 7,
    }
    outer = {key: changes.pop(key) for key in ("WarmStartConfig", "TrainingJobDefinitions") if key in changes}
    config |= changes
    request = {"HyperParameterTuningJobName": name, "HyperParameterTuningJobConfig": config} | outer
    return request if "TrainingJobDefinitions" in outer else request | {"TrainingJobDefinition": definition}


def run(bench: Bench, request: Json) -> Json:
    bench.manager.create(TUNING, request)
    return bench.wait(TUNING, request["HyperParameterTuningJobName"])


def numeric(**changes: str) -> Json:
    return {"Name": "a", "MinValue": "0.001", "MaxValue": "1"} | changes


# -- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "middle"),
    [
        ({"ScalingType": "Linear"}, 0.5005),
        ({"ScalingType": "Logarithmic"}, math.sqrt(0.001)),
        ({"ScalingType": "Auto"}, math.sqrt(0.001)),
        ({"ScalingType": "Auto", "MinValue": "0.5"}, 0.75),
        ({"ScalingType": "ReverseLogarithmic", "MinValue": "0", "MaxValue": "0.99"}, 0.9),
    ],
)
def test_the_middle_of_a_range_is_where_its_scaling_puts_it(changes: Json, middle: float) -> None:
    (found,) = read_ranges({"ContinuousParameterRanges": [numeric(**changes)]})
    assert float(found.at(0.5)) == pytest.approx(middle)


def test_integers_reach_both_ends_alike() -> None:
    (found,) = read_ranges({"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "4"}]})
    values = [found.at((number + 0.5) / 400) for number in range(400)]
    assert {value: values.count(value) for value in "1234"} == dict.fromkeys("1234", 100)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"ContinuousParameterRanges": [numeric(MinValue="2")]}, "must be below"),
        ({"ContinuousParameterRanges": [numeric(MinValue="x")]}, "'x'; it must be a number"),
        ({"IntegerParameterRanges": [numeric()]}, "must be an integer"),
        ({"ContinuousParameterRanges": [numeric(MinValue="0", ScalingType="Logarithmic")]}, "above 0"),
        ({"ContinuousParameterRanges": [numeric(ScalingType="ReverseLogarithmic")]}, "0 <= x < 1"),
        ({"CategoricalParameterRanges": [{"Name": "c", "Values": ["v"] * 31}]}, "31 values"),
        ({"ContinuousParameterRanges": [numeric(), numeric()]}, "twice"),
    ],
)
def test_a_range_that_the_service_refuses_is_named(ranges: Json, message: str) -> None:
    with pytest.raises(RangeError, match=message):
        read_ranges(ranges)


# -- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (tuning("t" * 33, CONTINUOUS), "at most 32"),
        (tuning("t", {}), "at least one range"),
        (tuning("t", CONTINUOUS, most=None), "MaxNumberOfTrainingJobs or MaxRuntimeInSeconds"),
        (tuning("t", CONTINUOUS, Strategy="Grid", most=None), "categorical ranges only"),
        (tuning("t", CATEGORICAL, Strategy="Grid", most=4), "the grid has 3 points"),
        (tuning("t", CONTINUOUS, Strategy="Hyperband", TrainingJobEarlyStoppingType="Auto"), "must be Off"),
        (tuning("t", CONTINUOUS, static={"x": "1"}), "leave it out of one"),
        (tuning("t", CONTINUOUS, HyperParameterTuningJobObjective=None), "needs an objective"),
        (tuning("t", CONTINUOUS, parallel=0), "MaxParallelTrainingJobs"),
    ],
)
def test_a_request_that_the_service_refuses_is_refused_with_the_reason(request_: Json, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        check_tuning(request_)


def test_the_same_seed_draws_the_same_values_and_another_one_others() -> None:
    definitions = definitions_of(tuning("t", CONTINUOUS))
    drawn = [[Random(definitions, seed).propose(number, []) for number in range(5)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({json.dumps(point) for point in drawn[0]}) == 5


def test_a_grid_visits_every_combination_once() -> None:
    ranges = {
        "CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}, {"Name": "b", "Values": ["x", "y", "z"]}]
    }
    grid = Grid(definitions_of(tuning("t", ranges, Strategy="Grid", most=None)), 0)
    points = [grid.propose(number, []) for number in range(7)]
    assert points[6] is None
    assert [tuple(point[1].values()) for point in points[:6] if point] == [(a, b) for a in "12" for b in "xyz"]


def test_a_job_worse_than_the_median_of_running_averages_is_stopped_and_not_before_three_have_ended() -> None:
    (definition,) = definitions_of(tuning("t", CONTINUOUS))
    earlier = [Trial(n, "", 0, {}, series=[4.0, 2.0 + n, 1.0]) for n in range(3)]  # averages of two: 3, 3.5, 4
    assert worse_than_median([9.0, 3.6], earlier, definition)
    assert not worse_than_median([9.0, 3.4], earlier, definition)
    assert not worse_than_median([9.0, 9.0], earlier[:2], definition)
    assert not worse_than_median([9.0] * 4, earlier, definition)
    assert not worse_than_median([], earlier, definition)


@pytest.mark.parametrize(
    ("criteria", "met"),
    [
        ({"TargetObjectiveMetricValue": 0.5}, True),
        ({"TargetObjectiveMetricValue": 0.4}, False),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, True),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 4}}, False),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, False),
        ({}, False),
    ],
)
def test_completion_criteria_are_met_when_they_say(criteria: Json, met: bool) -> None:
    definitions = definitions_of(tuning("t", CONTINUOUS))
    trials = [Trial(n, "", 0, {}, value, "Completed") for n, value in enumerate([0.9, 0.5, 0.6, 0.7, 0.8])]
    assert (completed_by({"TuningJobCompletionCriteria": criteria}, trials, definitions) is not None) is met


# -- the work --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [None, "rewritten"])
def test_a_grid_finds_the_best_and_says_all_of_it(make_bench: Callable[..., Bench], mode: str | None) -> None:
    bench = make_bench(path_mode=mode)
    source = PARABOLA.replace('"/opt/ml', 'os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "').replace(
        "json,", "json, os,"
    )
    own(bench, source)
    job = run(bench, tuning("grid", CATEGORICAL, Strategy="Grid", most=None))

    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    best = job["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"x": "0.3"}
    objective = {"Type": "Minimize", "MetricName": "loss", "Value": 0.0}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == objective
    assert best["TrainingJobName"].startswith("grid-002-")
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    trained = bench.manager.describe("training-job", best["TrainingJobName"])
    assert trained["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert trained["HyperParameters"] == {"x": "0.3", "_tuning_objective_metric": "loss"}
    assert [row["ObjectiveStatus"] for row in bench.manager.tuned_jobs("grid")] == ["Succeeded"] * 3


@pytest.mark.parametrize("strategy", ["Bayesian", "Hyperband"])
def test_strategies_that_learn_come_near_the_best(bench: Bench, strategy: str) -> None:
    own(bench)
    job = run(bench, tuning("learn", CONTINUOUS, Strategy=strategy, most=8))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] < 0.05
    counted = job["TrainingJobStatusCounters"]
    assert counted["Completed"] + counted["Stopped"] == 8  # Hyperband stops those that fall behind


def test_a_strategy_without_its_library_fails_with_the_extra_that_has_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    job = run(bench, tuning("learn", CONTINUOUS, Strategy="Bayesian"))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert "pip install 'mlflowsteps[tuning]'" in job["FailureReason"]


def test_a_job_that_reaches_its_target_begins_no_more_training_jobs(bench: Bench) -> None:
    own(bench)
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.3", "0.1", "0.2"]}]}
    criteria = {"TargetObjectiveMetricValue": 0.01}
    grid = tuning("t", ranges, Strategy="Grid", most=None, parallel=1, TuningJobCompletionCriteria=criteria)
    job = run(bench, grid)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 1


def test_failed_training_jobs_are_counted_and_where_all_fail_so_does_the_tuning_job(bench: Bench) -> None:
    own(bench)
    job = run(bench, tuning("f", CATEGORICAL, static={"fail": "yes"}, Strategy="Grid", most=None))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("All training jobs failed.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 3
    assert "BestTrainingJob" not in job

    own(bench, "print('nothing')")
    job = run(bench, tuning("g", CATEGORICAL, Strategy="Grid", most=None))
    assert "No objective metrics found after running 3 training jobs" in job["FailureReason"]


def test_a_job_worse_than_the_others_is_stopped_early(bench: Bench) -> None:
    source = (
        "import json, pathlib, signal, sys\n"
        'x = float(json.loads(pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())["x"])\n'
        "print(f'loss={x};', flush=True)\n"
        "if x > 0.5: signal.pause()\n"
    )
    own(bench, source)
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.1", "0.2", "0.3", "0.9"]}]}
    job = run(bench, tuning("e", ranges, Strategy="Grid", most=None, TrainingJobEarlyStoppingType="Auto"))
    assert job["TrainingJobStatusCounters"] | {"Completed": 3, "Stopped": 1} == job["TrainingJobStatusCounters"]
    assert bench.manager.tuned_jobs("e")[3]["TrainingJobStatus"] == "Stopped"


def test_stopping_stops_the_training_jobs_too(bench: Bench, tmp_path: Path) -> None:
    import os

    pipe = tmp_path / "runs"
    os.mkfifo(pipe)
    own(bench, f"import signal; open({str(pipe)!r}, 'w').close(); signal.pause()")
    bench.manager.create(TUNING, tuning("s", CONTINUOUS, parallel=1))
    pipe.read_text()
    bench.manager.stop(TUNING, "s")
    job = bench.wait(TUNING, "s")
    assert (job["HyperParameterTuningJobStatus"], job["TrainingJobStatusCounters"]["Stopped"]) == ("Stopped", 1)


def test_a_tuning_job_goes_on_after_the_runtime_was_closed(make_bench: Callable[..., Bench], tmp_path: Path) -> None:
    import os

    pipe = tmp_path / "runs"
    os.mkfifo(pipe)
    first = make_bench(close_grace_seconds=0.2, max_jobs=1)
    own(first, PARABOLA + f"if x > 0.2: open({str(pipe)!r}, 'w').close(); import signal; signal.pause()\n")
    first.manager.create(TUNING, tuning("r", CATEGORICAL, Strategy="Grid", most=None, parallel=1))
    pipe.read_text()
    first.close()

    second = make_bench()
    own(second)
    before = second.manager.describe(TUNING, "r")
    assert (
        before["TrainingJobStatusCounters"] | {"Completed": 1, "InProgress": 1} == before["TrainingJobStatusCounters"]
    )
    second.manager.resume()
    job = second.wait(TUNING, "r")
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert len(second.manager.list("training-job")) == 3
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "0.3"}


def test_definitions_take_turns_and_each_has_its_own_ranges(bench: Bench) -> None:
    own(bench)
    one = tuning("u", {})["TrainingJobDefinition"] | {"TuningObjective": {"Type": "Minimize", "MetricName": "loss"}}
    far = {"ContinuousParameterRanges": [numeric(Name="x", MinValue="5", MaxValue="6")]}
    several = [
        one | {"DefinitionName": "near", "HyperParameterRanges": CATEGORICAL},
        one | {"DefinitionName": "far", "HyperParameterRanges": far},
    ]
    job = run(bench, tuning("m", {}, TrainingJobDefinitions=several))
    names = [row["TrainingJobDefinitionName"] for row in bench.manager.tuned_jobs("m")]
    assert names == ["near", "far", "near", "far"]
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "near"


def test_a_warm_start_of_identical_data_tells_the_best_of_parents_and_own(bench: Bench) -> None:
    own(bench)
    run(bench, tuning("parent", CATEGORICAL, Strategy="Grid", most=None))
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    far = {"ContinuousParameterRanges": [numeric(Name="x", MinValue="0.8", MaxValue="0.9")]}
    job = run(bench, tuning("child", far, most=1, WarmStartConfig=warm))
    assert job["OverallBestTrainingJob"]["TuningJobName"] == "parent"
    assert job["OverallBestTrainingJob"]["TunedHyperParameters"] == {"x": "0.3"}
    assert job["BestTrainingJob"]["TrainingJobName"].startswith("child-001-")
    missing = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "none"}]}
    with pytest.raises(ServiceError, match="none"):
        bench.manager.create(TUNING, tuning("orphan", far, WarmStartConfig=warm | missing))


def test_twelve_trainings_beat_the_default_hyperparameters(bench: Bench) -> None:
    for name, data in (("train", rows(300)), ("validation", rows(150, seed=2))):
        bench.put(f"{name}/rows.csv", csv(data))
    channels = {name: (f"{name}/rows.csv", "text/csv") for name in ("train", "validation")}
    static = {"num_round": "20", "nthread": "1"}
    default = bench.run("training-job", training("default", XGBOOST, channels=channels, HyperParameters=static))
    metrics = {row["MetricName"]: row["Value"] for row in default["FinalMetricDataList"]}
    ranges = {
        "ContinuousParameterRanges": [numeric(Name="eta", MinValue="0.05"), numeric(Name="lambda", MaxValue="10")],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "8"}],
    }
    objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
    request = tuning(
        "xgb", ranges, image=XGBOOST, most=12, static=static, job={"channels": channels},
        HyperParameterTuningJobObjective=objective,
    )  # fmt: skip
    job = run(bench, request)
    assert job["TrainingJobStatusCounters"]["Completed"] == 12, job.get("FailureReason")
    best = job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert best < metrics["validation:rmse"]
