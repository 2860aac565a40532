"""What each command of the command line does; ``COMMANDS`` lists them.

Owns the way from parsed arguments to the other rooms and back to text. It holds no logic of its own: what is judged,
drawn or run here is judged, drawn and run by ``asl``, ``display`` and ``local``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflowsteps.exceptions import DefinitionError, FolderVersionError, StoreVersionError

if TYPE_CHECKING:
    from mlflowsteps.local import LocalRuntime

__all__ = ["COMMANDS", "CommandError"]

ROLE = "arn:aws:iam::123456789012:role/WorkflowRole"
"""The role that state machines are made with here: the embedded runtime takes any."""


class CommandError(Exception):
    """A command could not be tried; the message says why and what to do."""


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo."""
    from mlflowsteps.demo.run import missing_packages, run_demo

    missing = missing_packages()
    if missing:
        raise CommandError(f'the demo needs {" and ".join(missing)}: pip install "mlflowsteps[demo]"')
    with _open(arguments.root) as runtime:
        run_demo(runtime)
    return 0


def validate(arguments: argparse.Namespace) -> int:
    """Print every diagnostic; 1 where one of them is an error."""
    from mlflowsteps.asl.validate import validate as judge

    diagnostics = judge(read_definition(arguments.file))
    for diagnostic in diagnostics:
        print(f"{diagnostic.severity}: {diagnostic}")
    errors = sum(diagnostic.severity == "ERROR" for diagnostic in diagnostics)
    print(f"{arguments.file}: {_count(errors, 'error')}, {_count(len(diagnostics) - errors, 'warning')}")
    return 1 if errors else 0


def render(arguments: argparse.Namespace) -> int:
    """Draw a definition, faults and all."""
    from mlflowsteps.display import GraphView

    title = "" if arguments.file == "-" else Path(arguments.file).stem
    return _show_or_save(GraphView(read_definition(arguments.file), title=title), arguments.output)


def run(arguments: argparse.Namespace) -> int:
    """Run a definition on the embedded runtime and print its output as JSON."""
    from botocore.exceptions import BotoCoreError, ClientError

    from mlflowsteps.asl.validate import validate as judge
    from mlflowsteps.workflow import Workflow

    definition = read_definition(arguments.file)
    inputs = read_input(arguments.input)
    faults = [diagnostic for diagnostic in judge(definition) if diagnostic.severity == "ERROR"]
    if faults:  # before the folder is made
        raise DefinitionError(faults)
    with _open(arguments.root) as runtime:
        workflow = Workflow(_machine_name(arguments.file), definition, role=ROLE, client=runtime)
        workflow.upsert()
        try:
            execution = workflow.execute(name=arguments.name, inputs=inputs)
        except (BotoCoreError, ClientError) as error:  # such as a name that is taken or that the service refuses
            raise CommandError(str(error)) from error
        sys.stderr.write(f"running; to look: mlflowsteps show {execution.name} --root {arguments.root}\n")
        print(json.dumps(execution.get_output(wait=True), indent=2, ensure_ascii=False))
    return 0


def _machine_name(file: str) -> str:
    """A state machine's name after the file's: what the service does not take becomes ``-``."""
    stem = "stdin" if file == "-" else Path(file).name.removesuffix(".json").removesuffix(".asl")
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem)[:80] or "definition"


def executions(arguments: argparse.Namespace) -> int:
    """List the executions of every state machine in the folder, newest first."""
    from mlflowsteps.display import ExecutionList

    with _reading(arguments.root) as runtime:
        client = runtime.client("stepfunctions")
        machines = list(_pages(client, "list_state_machines"))
        for machine in machines:
            rows = list(_pages(client, "list_executions", stateMachineArn=machine["stateMachineArn"]))
            print(f"{machine['name']}: {_count(len(rows), 'execution')}")
            if rows:
                print(ExecutionList(rows, links=False).to_text())
        if not machines:
            print(f"no workflow was created in {arguments.root}")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Show one execution, the newest of the name where there are several."""
    from mlflowsteps.display import ProgressView

    with _reading(arguments.root) as runtime:
        client = runtime.client("stepfunctions")
        arn = _find_execution(client, arguments.execution, arguments.root)
        machine = client.describe_state_machine_for_execution(executionArn=arn)
        events = list(_pages(client, "get_execution_history", executionArn=arn))
        view = ProgressView(
            json.loads(machine["definition"]), client.describe_execution(executionArn=arn), events, links=False
        )
        return _show_or_save(view, arguments.output)


def _find_execution(client: Any, wanted: str, root: Path) -> str:
    rows = sorted(_executions(client), key=lambda row: row["startDate"])
    found: list[str] = [row["executionArn"] for row in rows if wanted in (row["name"], row["executionArn"])]
    if not found:
        names = ", ".join(row["name"] for row in rows[-5:]) or "none"
        raise CommandError(f"no execution {wanted!r} in {root}; the latest there: {names}")
    return found[-1]


def _executions(client: Any) -> Iterator[dict[str, Any]]:
    for machine in _pages(client, "list_state_machines"):
        yield from _pages(client, "list_executions", stateMachineArn=machine["stateMachineArn"])


def _pages(client: Any, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
    """The items of every page of a list operation of Step Functions."""
    key = {
        "list_state_machines": "stateMachines",
        "list_executions": "executions",
        "get_execution_history": "events",
    }[operation]
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[key]


def _reading(root: Path) -> LocalRuntime:
    """A runtime that only reads ``root``, whoever owns it."""
    if not root.is_dir():
        raise CommandError(f"there is no runtime folder {root}; name one with --root DIR")
    return _open(root, read_only=True)


def _open(root: Path, *, read_only: bool = False) -> LocalRuntime:
    """Open the runtime in ``root``; what is wrong with the folder is told as a command's error."""
    from mlflowsteps.local import LocalRuntime

    try:
        return LocalRuntime(root, read_only=read_only)
    except (FolderVersionError, StoreVersionError) as error:
        raise CommandError(str(error)) from error


def read_definition(file: str) -> Any:
    """Read the JSON of a definition.

    Args:
        file: a path; ``-`` is standard input.

    Raises:
        CommandError: the file cannot be read or is no JSON; the message names the line.
    """
    text = sys.stdin.read() if file == "-" else _read_text(Path(file))
    return _parse(text, file)


def read_input(text: str) -> Any:
    """Read an execution's input: JSON, or ``@FILE`` for the JSON in a file."""
    if text.startswith("@"):
        return _parse(_read_text(Path(text[1:])), text[1:])
    return _parse(text, "--input")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise CommandError(f"cannot read {path}: {reason}") from error


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"{place} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise CommandError(f"{place} is nested too deeply to be read") from error


def _show_or_save(view: Any, output: Path | None) -> int:
    if output is None:
        print(view.to_text())
    else:
        print(view.save(output))
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": demo,
    "validate": validate,
    "render": render,
    "run": run,
    "executions": executions,
    "show": show,
}
