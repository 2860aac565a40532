"""``run``, ``executions`` and ``show`` on a runtime of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlflowsteps.cli import main
from mlflowsteps.local import LocalRuntime

ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
FAIL = {"StartAt": "Broken", "States": {"Broken": {"Type": "Fail", "Error": "TooWeak", "Cause": "auc is 0.4"}}}


class Cli:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.root, self._capsys = folder, folder / "root", capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--root", str(self.root)])
        told = self._capsys.readouterr()
        return code, told.out, told.err

    def definition(self, content: Any, name: str = "flow.asl.json") -> str:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


def test_run_prints_the_output_as_json(cli: Cli) -> None:
    code, out, _ = cli("run", cli.definition(ECHO), "--input", '{"rows": [1, 2], "name": "ü"}')

    assert code == 0
    assert json.loads(out) == {"rows": [1, 2], "name": "ü"}


def test_input_can_come_from_a_file(cli: Cli) -> None:
    (cli.folder / "input.json").write_text('{"rows": 3}')

    assert json.loads(cli("run", cli.definition(ECHO), "--input", f"@{cli.folder / 'input.json'}")[1]) == {"rows": 3}


def test_failed_execution_names_state_error_and_cause_and_exits_with_1(cli: Cli) -> None:
    code, out, err = cli("run", cli.definition(FAIL))

    assert (code, out) == (1, "")
    assert all(word in err for word in ("'Broken'", "TooWeak", "auc is 0.4"))
    assert "Traceback" not in err


def test_changed_file_updates_its_state_machine(cli: Cli) -> None:
    assert cli("run", cli.definition(FAIL))[0] == 1
    assert cli("run", cli.definition(ECHO))[0] == 0

    assert cli("executions")[1].count("flow: 2 executions") == 1


def test_name_that_is_taken_is_told_in_a_line(cli: Cli) -> None:
    file = cli.definition(ECHO)
    assert cli("run", file, "--name", "first", "--input", '{"a": 1}')[0] == 0

    code, _, err = cli("run", file, "--name", "first", "--input", '{"a": 2}')

    assert code == 2
    assert "first" in err
    assert "Traceback" not in err


def test_folder_in_use_is_told_with_its_owner_and_can_still_be_read(cli: Cli) -> None:
    file = cli.definition(ECHO)
    assert cli("run", file, "--name", "first")[0] == 0

    with LocalRuntime(cli.root):
        code, _, err = cli("run", file)
        assert code == 2
        assert "is open in this process" in err

        assert "first" in cli("executions")[1]
        assert "Echo" in cli("show", "first")[1]


def test_folder_of_something_else_is_left_alone(cli: Cli) -> None:
    cli.root.mkdir()
    (cli.root / "thesis.tex").write_text("mine")

    code, _, err = cli("run", cli.definition(ECHO))

    assert code == 2
    assert "thesis.tex" in err
    assert [path.name for path in cli.root.iterdir()] == ["thesis.tex"]


def test_empty_runtime_lists_no_executions(cli: Cli) -> None:
    LocalRuntime(cli.root).close()

    assert cli("executions")[:2] == (0, f"no workflow was created in {cli.root}\n")
