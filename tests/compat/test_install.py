"""The alias: ``import stepfunctions`` gives this package."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from collections.abc import Iterator

import pytest

import mlflowsteps
from mlflowsteps import compat


@pytest.fixture
def alias() -> Iterator[None]:
    compat.install()
    yield
    compat.uninstall()


@pytest.mark.usefixtures("alias")
def test_old_imports_give_the_very_same_modules_and_classes():
    import stepfunctions
    from stepfunctions import steps, template
    from stepfunctions.inputs import ExecutionInput
    from stepfunctions.steps.states import Pass
    from stepfunctions.workflow.widgets import EventsTableWidget

    from mlflowsteps import steps as our_steps
    from mlflowsteps import template as our_template
    from mlflowsteps.inputs import ExecutionInput as OurInput
    from mlflowsteps.workflow.widgets import EventsTableWidget as OurWidget

    assert stepfunctions is mlflowsteps
    assert steps is our_steps
    assert template is our_template
    assert (ExecutionInput, Pass, EventsTableWidget) == (OurInput, our_steps.Pass, OurWidget)


@pytest.mark.usefixtures("alias")
def test_modules_keep_their_own_names_and_specs():
    importlib.import_module("stepfunctions.steps.choice_rule")
    module = sys.modules["mlflowsteps.steps.choice_rule"]
    assert sys.modules["stepfunctions.steps.choice_rule"] is module
    assert module.__name__ == module.__spec__.name == "mlflowsteps.steps.choice_rule"
    assert mlflowsteps.__spec__.name == "mlflowsteps"


@pytest.mark.usefixtures("alias")
@pytest.mark.parametrize("name", compat.SHIMS)
def test_every_listed_shim_can_be_imported_by_its_old_name(name):
    assert importlib.import_module(f"stepfunctions.{name}") is importlib.import_module(f"mlflowsteps.{name}")


@pytest.mark.usefixtures("alias")
def test_a_module_that_neither_has_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"stepfunctions\.nothing"):
        importlib.import_module("stepfunctions.nothing")


def test_installing_twice_changes_nothing_and_uninstalling_takes_all_back():
    before = list(sys.meta_path)
    compat.install()
    compat.install()
    assert len(sys.meta_path) == len(before) + 1
    importlib.import_module("stepfunctions.inputs")
    compat.uninstall()
    assert sys.meta_path == before
    assert not [name for name in sys.modules if name.partition(".")[0] == "stepfunctions"]


def test_a_real_package_that_is_imported_already_is_refused_with_the_fix(monkeypatch):
    monkeypatch.setitem(sys.modules, "stepfunctions", types.ModuleType("stepfunctions"))
    with pytest.raises(RuntimeError, match="before the first 'import stepfunctions'"):
        compat.install()


def test_an_old_program_runs_as_it_is_in_a_process_of_its_own():
    program = """
import mlflowsteps.compat
mlflowsteps.compat.install()
import logging
import stepfunctions
from stepfunctions import steps
from stepfunctions.inputs import ExecutionInput
from stepfunctions.workflow import Workflow
stepfunctions.set_stream_logger(level=logging.INFO)
given = ExecutionInput(schema={"Name": str})
chain = steps.Chain([steps.Pass("Begin", parameters={"Name": given["Name"]}), steps.Succeed("End")])
workflow = Workflow(name="Old", definition=chain, role="role", execution_input=given)
print(workflow.definition.to_json())
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"Name.$": "$$.Execution.Input[\'Name\']"' in done.stdout
