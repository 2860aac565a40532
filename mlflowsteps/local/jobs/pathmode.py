"""How a job comes by its ``/opt/ml``: by a mount namespace where this machine allows one, else by rewriting.

Owns the probe, the rewriting of arguments and environment, and the search for scripts that would be half run: those
that name ``/opt/ml`` literally where there is none.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from mlflowsteps.local.jobs.failures import JobFailure

__all__ = ["LAUNCHER", "NAMESPACE", "REWRITTEN", "namespaces_work", "refuse_literal_paths", "rewrite", "rewrite_json"]

NAMESPACE, REWRITTEN = "namespace", "rewritten"
LAUNCHER = Path(__file__).with_name("launcher.py")
_PATH = re.compile(r"(?<![\w.-])/opt/ml(?![\w.-])")
_MAX_SCRIPT_BYTES = 4 << 20


@cache
def namespaces_work() -> bool:
    """Whether a real mount in a child process works here; tried once per process."""
    if sys.platform != "linux":
        return False
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe"
        probe.touch()
        look = [sys.executable, "-I", "-S", "-c", "import os, sys; sys.exit(not os.path.exists('/opt/ml/probe'))"]
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), "/", folder, "-", "--", *look]
        try:
            found = subprocess.run(  # noqa: S603 - our own script
                command, check=False, timeout=30, input=b"g", capture_output=True
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return found.returncode == 0


def rewrite(text: str, opt_ml: Path) -> str:
    """``/opt/ml`` in ``text`` replaced by the folder that stands for it.

    >>> rewrite("--data=/opt/ml/input /opt/mlx", Path("/j"))
    '--data=/j/input /opt/mlx'
    """
    return _PATH.sub(lambda _: str(opt_ml), text)


def rewrite_json(value: object, opt_ml: Path) -> object:
    """``rewrite`` in every text of a JSON document."""
    if isinstance(value, str):
        return rewrite(value, opt_ml)
    if isinstance(value, list):
        return [rewrite_json(item, opt_ml) for item in value]
    if isinstance(value, dict):
        return {key: rewrite_json(item, opt_ml) for key, item in value.items()}
    return value


def refuse_literal_paths(files: Iterable[Path], environment: Mapping[str, str]) -> None:
    """Refuse scripts that name ``/opt/ml`` literally; called only where it is rewritten.

    Docstrings, comments and defaults of environment variables that the job does have are no such names.

    Raises:
        JobFailure: with the file, the line, and what to write instead.
    """
    for file in files:
        for line, text in _literals(file, environment):
            raise JobFailure(
                f"ClientError: {file.name}, line {line}, names {text!r} literally, and this machine gives jobs no "
                "/opt/ml of their own (path mode 'rewritten'). Nothing was run. Fix, good on AWS too: build the path "
                'from os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") or the SM_* variables; in a shell script, '
                "${SAGEMAKER_BASE_DIR:-/opt/ml}."
            )


def _literals(file: Path, environment: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    if file.suffix not in (".py", ".sh") or not file.is_file() or file.stat().st_size > _MAX_SCRIPT_BYTES:
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    if not _PATH.search(text):
        return
    tree = _parse(text) if file.suffix == ".py" else None
    yield from _python_literals(tree, environment) if tree else _shell_literals(text)


def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _shell_literals(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        kept = line.split("#", 1)[0].replace("${SAGEMAKER_BASE_DIR:-/opt/ml}", "")
        if _PATH.search(kept):
            yield number, kept.strip()


def _python_literals(tree: ast.Module, environment: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    harmless = {id(node) for parent in ast.walk(tree) for node in _harmless(parent, environment)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in harmless:
            continue
        if isinstance(node.value, str) and _PATH.search(node.value):
            yield node.lineno, node.value


def _harmless(node: ast.AST, environment: Mapping[str, str]) -> list[ast.AST]:
    """Constants below ``node`` that are not used as a path: docstrings, defaults of variables that are set."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return [node.value]
    if isinstance(node, ast.Call) and len(node.args) == 2 and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if called.endswith(("environ.get", "getenv")) and node.args[0].value in environment:
            return [node.args[1]]
    return []
