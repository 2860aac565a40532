"""The table of the old SDK's names in docs/migrating.md: made from its API as data, and from our code by introspection.

``python -m tests.parity.table --write`` writes it into the page; the test compares. A difference that has no reason in
``CHANGES`` is an error, and so is a reason without a difference.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

OLD_API = Path(__file__).with_name("stepfunctions-2.3.0.json")
PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"
BEGIN, END = "<!-- parity table: begin -->", "<!-- parity table: end -->"

_PATTERN = "`integration_pattern=None` stands for the class's own default, which is the same"

CHANGES: dict[str, str] = {
    "steps.Chain": "no list shared as a default; the same behaviour",
    "steps.states.Block": "not made by itself: its fields are one mapping",
    "template.InferencePipeline.pipeline_model_config": "an inner step of the old class; see `input_template`",
    "template.InferencePipeline.replace_sagemaker_job_name": "an inner step of the old class; `execute` does it",
    "workflow.Execution.render_progress": "`portrait=None`: whichever suits",
    "workflow.Workflow": "no list shared as a default for `tags`; the client is found at the first call to the service",
    "workflow.Workflow.render_graph": "`portrait=None`: whichever suits",
    **{
        f"workflow.stepfunctions.{name}": "a list with `to_html`, as before"
        for name in ("EventsList", "ExecutionsList", "WorkflowList")
    },
    **{
        f"steps.{name}Step": _PATTERN
        for name in (
            "EksCall",
            "EksCreateCluster",
            "EksCreateFargateProfile",
            "EksCreateNodegroup",
            "EksDeleteCluster",
            "EksDeleteFargateProfile",
            "EksDeleteNodegroup",
            "EksRunJob",
            "GlueDataBrewStartJobRun",
            "StepFunctionsStartExecution",
        )
    },
}
"""Deliberate differences by module and name, with their reasons."""


class Row(NamedTuple):
    """One name of the old SDK."""

    name: str
    signature: str
    here: str


def old_api() -> dict[str, dict[str, dict[str, Any]]]:
    """Names and signatures of the old SDK, by module and name."""
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(OLD_API.read_text(encoding="utf-8"))
    return found


def rows() -> Iterator[Row]:
    """Every row of the table; names that a class has from ``State`` are told with ``State`` alone.

    Raises:
        AssertionError: a difference has no reason.
    """
    api = old_api()
    of_state = api["steps.states"]["State"]["methods"]
    for module, names in api.items():
        ours = importlib.import_module(f"mlflowsteps.{module}".rstrip("."))
        for name, old in names.items():
            qualified = f"{module}.{name}".lstrip(".")
            thing = getattr(ours, name, None)
            yield Row(qualified, _shown(old), _compared(qualified, thing, old))
            for method, signature in old.get("methods", {}).items():
                here = _compared(f"{qualified}.{method}", getattr(thing, method, None), {"signature": signature})
                if not (module == "steps" and of_state.get(method) == signature and here == "kept"):
                    yield Row(f"{qualified}.{method}", signature, here)


def _shown(old: dict[str, Any]) -> str:
    members: list[str] | None = old.get("members")
    if members is None:
        return str(old["signature"])
    return ", ".join(members) if len(members) <= 8 else f"{len(members)} members"


def _compared(name: str, thing: Any, old: dict[str, Any]) -> str:
    differences = list(_differences(thing, old))
    reason = CHANGES.get(name)
    assert bool(differences) == bool(reason), f"{name}: {differences or 'no difference'}; reason: {reason}"
    return f"changed: {reason}" if reason else "kept"


def _differences(thing: Any, old: dict[str, Any]) -> Iterator[str]:
    if thing is None:
        yield "missing"
    elif "members" in old:
        assert issubclass(thing, Enum)
        yield from (f"member {member} missing" for member in old["members"] if member not in thing.__members__)
    else:
        yield from _of_parameters(_parameters(thing), _parsed(old["signature"]))


def _parameters(thing: Any) -> list[inspect.Parameter]:
    call = thing.__init__ if isinstance(thing, type) and not issubclass(thing, Exception) else thing
    if isinstance(thing, type) and issubclass(thing, Exception):
        return [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
    return [p for p in inspect.signature(call).parameters.values() if p.name not in ("self", "cls")]


def _parsed(signature: str) -> list[tuple[str, str | None]]:
    """Names and defaults of an old signature."""
    inner = signature[1:-1]
    parts = [part.partition("=") for part in inner.split(", ") if part]
    return [(name, default if sep else None) for name, sep, default in parts if name != "self"]


def _of_parameters(ours: list[inspect.Parameter], old: list[tuple[str, str | None]]) -> Iterator[str]:
    positional = [p for p in ours if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    kinds = {p.kind for p in ours}
    for index, (name, default) in enumerate(old):
        if name.startswith("**"):
            if not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
                yield f"takes no {name}"
        elif name.startswith("*"):
            if inspect.Parameter.VAR_POSITIONAL not in kinds:
                yield f"takes no {name}"
        elif index >= len(positional) or positional[index].name != name:
            yield f"{name} is not parameter {index + 1}"
        elif default is not None and _text(positional[index].default) != default:
            yield f"{name}={default} is {_text(positional[index].default)}"
    needed = [p.name for p in positional[len(old) :] if p.default is p.empty]
    yield from (f"needs {name}" for name in needed)


def _text(default: Any) -> str:
    return str(default) if isinstance(default, Enum) and not isinstance(default, str) else repr(default)


def markdown() -> str:
    """The tables: what is changed, and what is kept; names of one owner with the same signature share a row."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for row in rows():
        owner = row.name.rpartition(".")[0]
        grouped.setdefault((owner, row.signature, row.here), []).append(row.name)
    changed = ["### Changed", "", "| Name in `stepfunctions` 2.3.0 | Signature or members | Here |", "|---|---|---|"]
    kept = ["### Kept", "", "| Name in `stepfunctions` 2.3.0 | Signature or members |", "|---|---|"]
    for (owner, signature, here), names in grouped.items():
        first, *others = names
        cell = ", ".join([f"`{first}`", *(f"`{name.removeprefix(owner)}`" for name in others)])
        if here == "kept":
            kept.append(f"| {cell} | `{signature}` |")
        else:
            changed.append(f"| {cell} | `{signature}` | {here.removeprefix('changed: ')} |")
    return "\n".join(["", *changed, "", *kept, ""])


def page_with_table(text: str) -> str:
    """The page with the table made anew between its markers."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n{markdown()}\n{END}{tail}"


if __name__ == "__main__" and "--write" in sys.argv:
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
