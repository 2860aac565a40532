"""What the benchmarks compute, without timing anything."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from mlflowsteps import steps
from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.status import execution_status
from mlflowsteps.workflow import Workflow
from tests.benchmarks import bench_import, bench_layout, bench_progress, bench_sdk


def test_ratio_is_that_of_the_medians() -> None:
    times = {"boto3": [1.0, 2.0, 9.0], "mlflowsteps": [0.1, 0.5, 7.0]}

    assert bench_import.ratios(times) == {"mlflowsteps": 0.25}


@pytest.mark.parametrize("statement", bench_import.CANDIDATES.values())
def test_every_statement_that_is_timed_can_be_run(statement: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", statement], check=True)


def test_an_import_takes_some_time() -> None:
    assert 0 < bench_import.import_seconds("import json") < 60


@pytest.mark.parametrize("shape", bench_layout.SHAPES)
def test_every_shape_has_about_as_many_states_as_asked_for(shape: str) -> None:
    model = read_model(bench_layout.SHAPES[shape](200))

    assert 190 <= sum(1 for _ in model.states()) <= 210
    assert bench_layout.ours(bench_layout.SHAPES[shape](20), 1) > 0


def test_growth_is_measured_against_n_log_n() -> None:
    assert bench_layout.growth(1.0, 2 * math.log(4000) / math.log(2000)) == pytest.approx(1.0)
    assert bench_layout.growth(1.0, 4.0) > 1.5


@pytest.mark.parametrize("case", bench_progress.CASES)
def test_histories_of_the_benchmark_are_long_and_wholly_understood(case: str) -> None:
    definition, make = bench_progress.CASES[case]
    events = make()

    status = execution_status(definition, events)
    assert len(events) > 25_000
    assert status.unplaced == 0
    assert {state.status for state in status.states.values()} <= {"RUNNING", "SUCCEEDED"}


def test_ratio_is_that_of_drawing_to_a_round_trip() -> None:
    seconds, times = bench_progress.ratio(bench_progress.LOOPED, bench_progress.looped_history(20))

    assert seconds > 0
    assert times > 0


def test_the_sdks_benchmark_does_the_work_that_it_times() -> None:
    definition = json.loads(bench_sdk.chain_to_json(50))
    assert len(definition["States"]) == 50
    assert json.dumps(bench_sdk.nested(7)).count("Level") == 7 * 2  # as a name, and as StartAt
    assert len(bench_sdk.lambda_steps(3)) == 3
    client = bench_sdk.executions_client(2_500)
    workflow = Workflow("Many", steps.Pass("P"), role=None, state_machine_arn=bench_sdk.MACHINE, client=client)
    assert bench_sdk.listed(workflow) == bench_sdk.bare(client) == 2_500
