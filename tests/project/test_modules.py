"""Every module says what it owns, its public names exist, and importing stays light."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import mlflowsteps

PACKAGE = Path(mlflowsteps.__file__).parent
SCRIPTS = PACKAGE / "demo" / "scripts"  # run as programs, never imported
HEAVY = {"IPython", "boto3", "botocore", "networkx", "numpy", "graphviz", "rich", "sklearn", "xgboost"}
PURE_ROOMS = ["asl", "graph", "inputs", "local.interpreter", "local.records"]
FORBIDDEN_IN_PURE_ROOMS = {"IPython", "boto3", "botocore", "networkx", "numpy", "socket", "sqlite3", "subprocess"}


def module_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(SCRIPTS))


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_loaded_by(*names: str) -> set[str]:
    """Names in ``sys.modules`` of a fresh interpreter after importing ``names``."""
    program = f"import sys, {', '.join(names)}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("path", module_files(), ids=module_name)
def test_module_opens_with_its_charter(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    assert docstring, "no module docstring"
    assert docstring.splitlines()[0].endswith((".", ":")), docstring.splitlines()[0]


@pytest.mark.parametrize("path", [path for path in module_files() if path.name != "__main__.py"], ids=module_name)
def test_public_names_exist(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    names = getattr(module, "__all__", [])

    assert [name for name in names if not hasattr(module, name)] == []
    assert len(names) == len(set(names))


@pytest.mark.parametrize("room", ["", ".steps", ".inputs", ".workflow", ".local", ".display", ".template"])
def test_completion_offers_every_public_name(room: str) -> None:
    module = importlib.import_module(f"mlflowsteps{room}")

    assert set(module.__all__) - {"__version__"} <= set(dir(module))


@pytest.mark.parametrize("path", module_files(), ids=module_name)
def test_module_is_no_longer_than_700_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 700


def functions_of(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{module_name(path)}.{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in module_files()
        for function in functions_of(path)
    }

    assert {name: length for name, length in lengths.items() if length > 60} == {}


@pytest.mark.parametrize("room", ["", ".steps", ".inputs", ".workflow", ".local", ".display", ".graph", ".cli"])
def test_import_loads_no_heavy_package(room: str) -> None:
    assert modules_loaded_by(f"mlflowsteps{room}") & HEAVY == set()


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_pure_room_loads_nothing_that_reads_or_waits(room: str) -> None:
    standard_library = modules_loaded_by("dataclasses", "typing", "importlib")
    loaded = modules_loaded_by(f"mlflowsteps.{room}") - standard_library

    assert loaded & FORBIDDEN_IN_PURE_ROOMS == set()


def test_importing_the_runtime_starts_no_thread() -> None:
    program = "import threading, mlflowsteps.local.runtime; print(threading.active_count())"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert result.stdout == "1\n"


def test_nothing_in_the_tree_names_a_place_of_one_machine() -> None:
    tree = PACKAGE.parent
    pattern = "/" + "work/", "/" + "root/"
    folders = ["mlflowsteps", "tests", "docs", "notebooks", ".ci"]
    files = [
        path
        for folder in folders
        for path in (tree / folder).rglob("*")
        if path.suffix in {".py", ".md", ".ipynb", ".toml"}
    ]
    named = [
        str(path.relative_to(tree)) for path in files if any(p in path.read_text(encoding="utf-8") for p in pattern)
    ]

    assert named == []
