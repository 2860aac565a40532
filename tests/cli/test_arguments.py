"""Arguments in, exit code out: what needs no runtime."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mlflowsteps import __version__
from mlflowsteps.cli import build_parser, commands, main
from mlflowsteps.exceptions import ExecutionFailed, RuntimeBusy

TREE = Path(__file__).parents[2]
GOOD = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}}
FAULTY = {"StartAt": "Nowhere", "States": {"A": {"Type": "Pass", "Next": "Gone"}, "B": {"Type": "Succeed"}}}


@pytest.fixture
def write(tmp_path: Path):
    def write_file(content: object, name: str = "pipeline.asl.json") -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    return write_file


def test_module_can_be_run_and_tells_its_version() -> None:
    command = [sys.executable, "-W", "error", "-m", "mlflowsteps", "--version"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)

    assert result.stdout == f"mlflowsteps {__version__}\n"


@pytest.mark.parametrize("name", sorted(commands.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])

    assert stop.value.code == 0
    assert f"mlflowsteps {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["deploy"], ["render"], ["demo", "--rot", "x"]])
def test_wrong_arguments_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == 2
    assert "usage: mlflowsteps" in capsys.readouterr().err


def test_every_command_in_the_documentation_is_one_the_parser_takes() -> None:
    table = re.findall(r"^\| `mlflowsteps (.+?)` \|", (TREE / "docs/command-line.md").read_text("utf-8"), re.MULTILINE)
    parsed = [build_parser().parse_args(shlex.split(line)).command for line in table]

    assert sorted(parsed) == sorted(commands.COMMANDS)


def test_validate_accepts_a_good_definition(write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", write(GOOD)]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_validate_tells_every_fault_and_exits_with_1(write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", write(FAULTY)]) == 1

    told = capsys.readouterr().out
    assert "Nowhere" in told
    assert "Gone" in told
    assert "2 errors" in told


def test_definition_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(GOOD)))

    assert main(["validate", "-"]) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "line 1, column 2"), ("[" * 100_000, "nested too deeply"), ('{"a": 1,}', "line 1")],
)
def test_file_that_is_no_json_is_refused_with_its_place(
    write, capsys: pytest.CaptureFixture[str], content: str, told: str
) -> None:
    assert main(["validate", write(content)]) == 2

    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["validate", "render", "run"])
def test_missing_file_is_told_in_one_line(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path / "absent.json")]) == 2
    assert (
        capsys.readouterr().err == f"mlflowsteps: cannot read {tmp_path / 'absent.json'}: No such file or directory\n"
    )


def test_file_that_is_no_text_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "binary.json"
    path.write_bytes(b"\xff\xfe\x00")

    assert main(["validate", str(path)]) == 2
    assert "no UTF-8 text" in capsys.readouterr().err


def test_render_draws_a_definition_as_text(write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", write(GOOD)]) == 0

    drawn = capsys.readouterr().out
    assert "A" in drawn
    assert "B" in drawn


@pytest.mark.parametrize(("suffix", "begin"), [(".svg", "<svg"), (".html", "<"), (".dot", "digraph")])
def test_render_writes_the_format_that_the_name_asks_for(write, tmp_path: Path, suffix: str, begin: str) -> None:
    output = tmp_path / f"graph{suffix}"

    assert main(["render", write(GOOD), "-o", str(output)]) == 0
    assert begin in output.read_text(encoding="utf-8")


def test_render_draws_a_definition_with_faults(write, tmp_path: Path) -> None:
    output = tmp_path / "graph.svg"

    assert main(["render", write(FAULTY), "-o", str(output)]) == 0
    assert "Gone" in output.read_text(encoding="utf-8")


def test_run_refuses_a_definition_with_faults_before_anything_is_made(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"

    assert main(["run", write(FAULTY), "--root", str(root)]) == 1
    assert "2 faults" in capsys.readouterr().err
    assert not root.exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [("-", "stdin"), ("a/train.asl.json", "train"), ("my flow.json", "my-flow"), ("ü.json", "-"), ("x" * 99, "x" * 80)],
)
def test_state_machine_is_named_after_the_file(file: str, name: str) -> None:
    assert commands._machine_name(file) == name


@pytest.mark.parametrize("command", [["executions"], ["show", "first"]])
def test_reading_a_folder_that_is_not_there_makes_none(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "absent"

    assert main([*command, "--root", str(root)]) == 2
    assert str(root) in capsys.readouterr().err
    assert not root.exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (RuntimeBusy("here", 42), 2),
        (ExecutionFailed("FAILED", "Oops", "a cause", "arn:execution:first", "Train"), 1),
        (PermissionError(13, "Permission denied", "there"), 2),
    ],
)
def test_expected_errors_are_told_without_a_traceback(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setitem(commands.COMMANDS, "demo", fail)

    assert main(["demo"]) == code
    told = capsys.readouterr().err
    assert told.startswith("mlflowsteps: ")
    assert "Traceback" not in told
