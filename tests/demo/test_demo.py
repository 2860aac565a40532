"""``mlflowsteps demo`` from beginning to end, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.cli import main
from mlflowsteps.demo import run as demo
from mlflowsteps.demo.workflow import build_workflow

STATES = [
    "Seed data",
    "Prepare data",
    "Train model",
    "Save model",
    "Predict test rows",
    "Configure endpoint",
    "Deploy endpoint",
]


# What a script starts in the background ignores Ctrl-C, and so does all that it starts.
AS_IN_A_TERMINAL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("mlflowsteps", run_name="__main__", alter_sys=True)
"""


def start_demo(root: Path) -> subprocess.Popen[str]:
    """The demo in a process of its own, with nothing of AWS in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_PROFILE": "no-such-profile", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-W", "error", "-c", AS_IN_A_TERMINAL, "demo", "--root", str(root)]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Root, standard output and standard error of a demo that ran to its end."""
    root = tmp_path_factory.mktemp("demo") / "root"
    process = start_demo(root)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return root, out, err


def test_definition_is_valid_and_built_without_a_client() -> None:
    definition = build_workflow("bucket", demo.ROLE).definition.to_dict()

    assert list(definition["States"]) == STATES


def test_model_beats_the_mean_on_rows_held_back(finished: tuple[Path, str, str]) -> None:
    told = finished[1]
    model = float(re.findall(r"Test error \(RMSE, 67 rows held back\): (\S+)", told)[0])
    mean = float(re.findall(r"predicting the mean every time: +(\S+)", told)[0])

    assert model < 0.85 * mean


def test_endpoint_answers(finished: tuple[Path, str, str]) -> None:
    prediction, truth = re.findall(r"predicts (\S+) for the first of them; it was (\S+)", finished[1])[0]

    assert 25 <= float(prediction) <= 346
    assert 25 <= float(truth) <= 346


def test_progress_without_a_terminal_is_lines_that_name_every_state(finished: tuple[Path, str, str]) -> None:
    told = finished[1]

    assert [state for state in STATES if state not in told] == []
    assert "\x1b" not in told
    assert "\r" not in told


def test_nothing_is_said_on_standard_error(finished: tuple[Path, str, str]) -> None:
    assert finished[2] == ""


def test_picture_and_report_are_where_it_says_and_stand_alone(finished: tuple[Path, str, str]) -> None:
    graph, report = (Path(re.findall(rf"{label}: +(.+)", finished[1])[0]) for label in ("Graph", "Report"))

    assert all(state in graph.read_text(encoding="utf-8") for state in STATES)
    html = report.read_text(encoding="utf-8")
    assert all(state in html for state in STATES)
    assert "SUCCEEDED" in html.upper()
    assert all(part in html for part in ("Metrics", "train:rmse", "Training curves", "Code and environment"))
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", html)


def test_folder_is_for_its_owner_only(finished: tuple[Path, str, str]) -> None:
    assert stat.S_IMODE(finished[0].stat().st_mode) == 0o700


def test_executions_and_show_read_what_the_demo_left(
    finished: tuple[Path, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(finished[0])

    assert main(["executions", "--root", root]) == 0
    listed = capsys.readouterr().out
    (name,) = set(re.findall(r"diabetes-\d{8}-\d{6}-\w{4}", listed))
    assert "SUCCEEDED" in listed.upper()

    assert main(["show", name, "--root", root]) == 0
    shown = capsys.readouterr().out
    assert [state for state in STATES if state not in shown] == []

    assert main(["show", name, "--root", root, "-o", str(tmp_path / "report.html")]) == 0
    assert name in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_show_of_an_unknown_execution_names_those_there_are(
    finished: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "absent", "--root", str(finished[0])]) == 2
    assert "diabetes-" in capsys.readouterr().err


def test_interrupted_demo_ends_cleanly_and_the_next_one_in_its_folder_succeeds(tmp_path: Path) -> None:
    process = start_demo(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if "Train model" in line:
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert "mlflowsteps: interrupted" in err

    again = start_demo(tmp_path)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, out + err


def test_missing_packages_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)

    assert main(["demo", "--root", str(tmp_path / "root")]) == 2
    assert capsys.readouterr().err == (
        'mlflowsteps: the demo needs scikit-learn and xgboost: pip install "mlflowsteps[demo]"\n'
    )
    assert not (tmp_path / "root").exists()


def test_root_that_is_a_file_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[Any]) -> None:
    path = tmp_path / "file"
    path.write_text("mine")

    assert main(["demo", "--root", str(path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == "mine"
