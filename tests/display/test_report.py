from __future__ import annotations

import base64
import re

import pytest

from mlflowsteps.display import JobFacts, ProgressView, Report
from tests.graph import histories, samples
from tests.graph.histories import BEGIN


def report(**more) -> Report:
    events = histories.target_failed()
    ended = {"name": "churn-1", "status": "FAILED", "startDate": BEGIN, "stopDate": BEGIN + 90, "input": '{"round": 0}'}
    return Report(ProgressView(samples.TARGET, ended, events, links=False), **more)


JOBS = [
    JobFacts("Train [0]", "job-0", "", {"auc": 0.91}, {"train:auc": [0.7, 0.91]}, {"eta": "0.1", "depth": "2"}),
    JobFacts("Train [1]", "job-1", "", {"auc": 0.934567}, {}, {"eta": "0.3", "depth": "2"}),
    JobFacts("Train [2]", "job-2"),
]


def test_one_file_holds_graph_timeline_values_metrics_curves_definition_and_versions(tmp_path):
    made = report(
        jobs=JOBS,
        environment={"Python": "CPython 3.12.1"},
        packages={"xgboost": "3.1.0"},
        code={"Commit": "0123abcd"},
    ).save(tmp_path / "run.html")
    text = made.read_text(encoding="utf-8")
    assert text.count("<!DOCTYPE") == 1
    for part in ("churn-1", "Steps", "Execution input", "Metrics", "Training curves", "States", "0123abcd", "3.12.1"):
        assert part in text
    assert "0.934567" in text
    assert re.search(r"xgboost.*3\.1\.0", text)
    pictures = [base64.b64decode(found).decode() for found in re.findall(r"image/svg\+xml;base64,([\w+/=]+)", text)]
    assert any("train:auc: 0.91" in picture for picture in pictures)
    assert any("Train LightGBM" in picture for picture in pictures)


def test_jobs_are_compared_by_the_hyperparameters_in_which_they_differ():
    text = report(jobs=JOBS).to_html()
    assert ">eta</th>" in text
    assert ">depth</th>" not in text
    assert "job-2" not in text  # it reported nothing


def test_nothing_is_loaded_from_elsewhere():
    text = report(jobs=JOBS).to_html()
    addresses = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", text)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)


def test_without_metrics_there_is_no_empty_chapter():
    text = report().to_html()
    assert "Metrics" not in text
    assert "Training curves" not in text


def test_long_definitions_are_kept_whole():
    view = ProgressView(samples.large(200), {"name": "n", "status": "RUNNING"}, [], now=BEGIN)
    assert "State 198" in Report(view).to_html().partition("Amazon States Language")[2]


def test_only_html_can_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"\.html"):
        report().save(tmp_path / "run.pdf")


def test_jobs_of_one_metric_are_compared_in_one_plot():
    jobs = [
        JobFacts(f"Train [{n}]", f"job-{n}", curves={"train:auc": [0.1, 0.2], "auc": [0.5, n / 9]}) for n in range(3)
    ]
    text = report(jobs=jobs).to_html()
    assert text.count("Compared: auc of 3 jobs") == 1
    assert "Compared: train:auc" not in text
    assert "Compared" not in report(jobs=jobs[:1]).to_html()
