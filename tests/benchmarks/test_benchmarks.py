"""What the benchmarks compute, without timing anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks import bench_import


def test_ratio_is_that_of_the_medians() -> None:
    times = {"boto3": [1.0, 2.0, 9.0], "mlflowsteps": [0.1, 0.5, 7.0]}

    assert bench_import.ratios(times) == {"mlflowsteps": 0.25}


@pytest.mark.parametrize("statement", bench_import.CANDIDATES.values())
def test_every_statement_that_is_timed_can_be_run(statement: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", statement], check=True)


def test_an_import_takes_some_time() -> None:
    assert 0 < bench_import.import_seconds("import json") < 60
