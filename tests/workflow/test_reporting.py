from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.display import ProgressView
from mlflowsteps.workflow.client import Connection
from mlflowsteps.workflow.job_logs import JobLogs
from mlflowsteps.workflow.reporting import make_report
from tests.graph import samples
from tests.graph.histories import BEGIN, History

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/churn"


class Lines(JobLogs):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(Connection(None))  # type: ignore[arg-type]
        self.told = lines

    def lines(self, arn: str, most: int) -> list[str]:
        return self.told


def trained(**more: Any) -> ProgressView:
    history = History()
    history.start()
    at = history.schedule(history.enter("Train Step", 0), "sagemaker", "createTrainingJob.sync")
    answer = {
        "TrainingJobArn": JOB,
        "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.25, "Timestamp": 1}, "odd", {"MetricName": 3}],
        "HyperParameters": {"eta": "0.1"},
        **more,
    }
    history.exit("Train Step", history.done(at, answer))
    return ProgressView(samples.S1, {"name": "n", "status": "RUNNING"}, history.events, now=BEGIN + 60)


def test_metrics_and_curves_come_from_history_and_log() -> None:
    spec = {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]}
    lines = ["loss=0.5", "[0]\ttrain-auc:0.6", "loss=0.25", "[1]\ttrain-auc:0.7"]
    (job,) = make_report(trained(AlgorithmSpecification=spec), Lines(lines)).jobs
    assert (job.step, job.name, job.metrics, job.hyperparameters) == (
        "Train Step",
        "churn",
        {"loss": 0.25},
        {"eta": "0.1"},
    )
    assert job.curves == {"train:auc": [0.6, 0.7], "loss": [0.5, 0.25]}


def test_answers_of_another_shape_give_no_metrics() -> None:
    (job,) = make_report(
        trained(FinalMetricDataList="x", HyperParameters=[1], AlgorithmSpecification=7), Lines([])
    ).jobs
    assert (job.metrics, job.curves, job.hyperparameters) == ({}, {}, {})


def test_versions_are_those_of_this_process() -> None:
    import boto3

    report = make_report(trained(), Lines([]))
    assert report.packages["boto3"] == boto3.__version__
    assert report.environment["Python"].startswith("CPython 3.")


def test_commit_is_that_of_the_current_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "Commit" not in make_report(trained(), Lines([])).code

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    (tmp_path / "train.py").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    code = make_report(trained(), Lines([])).code
    assert code == {"Commit": git("rev-parse", "HEAD"), "Branch": "main", "Checkout": "as committed"}
    (tmp_path / "train.py").write_text("2")
    assert make_report(trained(), Lines([])).code["Checkout"] == "1 files differ from the commit"


def test_report_of_a_local_execution_is_one_file(runtime: Any, tmp_path: Path) -> None:
    from mlflowsteps import steps
    from mlflowsteps.workflow import Workflow
    from tests.workflow.conftest import ROLE

    workflow = Workflow("Small", steps.Pass("P", result=json.loads('{"a": 1}')), role=ROLE, client=runtime)
    workflow.create()
    execution = workflow.execute()
    execution.wait(timeout=30)
    text = execution.report(tmp_path / "run.html").read_text(encoding="utf-8")
    assert "Succeeded" in text
    assert "Code and environment" in text
