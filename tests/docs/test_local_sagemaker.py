"""The page on local SageMaker names every member of the requests that botocore knows, refused as in the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from mlflowsteps.local.jobs.unplayed import UNPLAYED

PAGE = Path(__file__).parents[2] / "docs" / "local-sagemaker.md"
KINDS = {
    "CreateTrainingJob": "training-job",
    "CreateProcessingJob": "processing-job",
    "CreateTransformJob": "transform-job",
    "CreateModel": "model",
    "CreateEndpointConfig": "endpoint-config",
    "CreateEndpoint": "endpoint",
    "UpdateEndpoint": "",
    "CreateHyperParameterTuningJob": "hyper-parameter-tuning-job",
}
ALIKE = ("Containers[]", "ShadowProductionVariants[]", "TrainingJobDefinition.", "TrainingJobDefinitions[]")
STATUS = re.compile(r"honoured|no effect|refused|honoured; refused: (\w+(?:, \w+)*)")
Shape = Any


def shapes(operation: str) -> dict[str, Shape]:
    """Every member of an operation's request by its path; lists have ``[]`` after their name."""
    found: dict[str, Shape] = {}

    def walk(shape: Shape, place: str) -> None:
        if shape.type_name == "structure":
            for name, member in shape.members.items():
                path = f"{place}.{name}" if place else name
                found[path] = member
                walk(member, path)
        elif shape.type_name == "list":
            found[f"{place}[]"] = shape.member
            walk(shape.member, f"{place}[]")

    walk(botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape, "")
    return found


def rows(operation: str) -> dict[str, re.Match[str]]:
    """The page's members of an operation, each with what it says of them."""
    text = PAGE.read_text(encoding="utf-8").split(f"### {operation}\n", 1)[1].split("\n#", 1)[0]
    found: dict[str, re.Match[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        paths = re.findall(r"`([^`]+)`", cells[0])
        if not paths:
            continue
        status = STATUS.fullmatch(cells[1])
        assert status, line
        twice = found.keys() & set(paths)
        assert not twice, f"{operation} names {twice} twice"
        found |= dict.fromkeys(paths, status)
    return found


@pytest.mark.parametrize("operation", KINDS)
def test_every_member_of_the_request_has_its_row_and_every_row_its_member(operation: str) -> None:
    known, told = shapes(operation), rows(operation)
    assert told.keys() <= known.keys(), "the page names what botocore's model has not"
    leaves = [path for path in known if not any(other.startswith((f"{path}.", f"{path}[]")) for other in known)]
    untold = [
        path for path in leaves if not any(path == row or path.startswith((f"{row}.", f"{row}[]")) for row in told)
    ]
    assert not untold, "the page does not say what these do on the embedded runtime"


def refused_by_the_code(operation: str) -> dict[str, set[str]]:
    """By path the values that are refused; ``*`` where all are."""
    known, found = shapes(operation), {}
    for row in UNPLAYED.get(KINDS[operation], ()):
        if not row.path.startswith(ALIKE):
            possible = set(getattr(known[row.path], "enum", ())) or {True, False}
            found[row.path] = {str(value).lower() for value in possible - set(row.played)} if row.played else {"*"}
    return {path: values for path, values in found.items() if values}  # of some, all that there is is played


def refused_by_the_page(operation: str) -> dict[str, set[str]]:
    return {
        path: {value.lower() for value in status[1].split(", ")} if status[1] else {"*"}
        for path, status in rows(operation).items()
        if "refused" in status[0]
    }


@pytest.mark.parametrize("operation", KINDS)
def test_what_the_page_calls_refused_is_what_the_code_refuses(operation: str) -> None:
    assert refused_by_the_page(operation) == refused_by_the_code(operation)


@pytest.mark.parametrize("kind", UNPLAYED)
def test_the_table_of_what_is_refused_names_members_that_there_are(kind: str) -> None:
    operation = next(name for name, of in KINDS.items() if of == kind)
    assert {row.path for row in UNPLAYED[kind]} <= shapes(operation).keys()
