"""SDK 2: for every class and argument of its constructor, the step holds what the SDK itself sends.

Classes and how they are asked are ``cases``; what is set is ``samples``, and why something is not, ``reasons``.
``docs/sagemaker-parity.md`` is printed of what is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from mlflowsteps.exceptions import DefinitionError
from tests.parity.harness import compare_page, kept_by_family
from tests.sdk2.cases import (
    ESTIMATORS,
    MODELS,
    PARTS,
    PROCESSORS,
    ROWS,
    WIRE,
    Arguments,
    Row,
    arguments_of,
    both,
    class_of,
    made,
    quick,
)
from tests.sdk2.reasons import LEFT_OUT, REFUSED, UNTRIED, reason_unsent
from tests.sdk2.samples import sample

REPACKED = "refused, with the fix: the SDK would download the model and put the script into it"
FOUND: dict[str, list[tuple[str, str, str]]] = {}
"""Rows of the table by class, as the tests find them."""


@pytest.fixture(scope="module", autouse=True)
def quick_sdk() -> Iterator[None]:
    with quick():
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    for name in ("train.py", "other.py", "lib.py", "lib.jar", "flow.flow", "src/train.py", "src/other.py"):
        (tmp_path / name).write_text(f"print('{name}')\n")


@pytest.mark.parametrize("name", ROWS)
def test_step_holds_what_the_sdk_sends(name: str) -> None:
    row, cls = ROWS[name], class_of(name)
    plain, mine = both(row, cls, row.arguments)
    assert mine == plain
    FOUND[name] = [(name, argument, verdict(name, argument, row, cls, plain)) for argument in arguments_of(cls)]


def verdict(name: str, argument: str, row: Row, cls: Any, plain: Any) -> str:
    """What becomes of one argument; fails where the step does not hold what the SDK sends."""
    if argument in UNTRIED:
        return UNTRIED[argument]
    set_ = sample(name, argument, cls, row.arguments)
    assert set_, f"{name} has no sample of {argument}"
    given = {**row.arguments, **set_}
    if (name, argument) in REFUSED:
        with pytest.raises((ValueError, AttributeError, ParamValidationError)):
            row.ask(made(cls, given), True)
        return REFUSED[name, argument]
    try:
        own, mine = both(row, cls, given)
    except KeyError as error:  # the answer to HeadObject has no length
        if error.args != ("ContentLength",):
            raise
        return refused(row, cls, given)
    assert mine == own, f"{name}({argument})"
    reason = reason_unsent(name, argument)
    assert (own == plain) == (reason is not None) or argument == "name", f"{name}({argument}): {reason}"
    return reason or "kept"


def refused(row: Row, cls: Any, given: Arguments) -> str:
    assert any(operation == "HeadObject" for operation, _ in WIRE.calls)
    with pytest.raises(DefinitionError) as error:
        row.ask(made(cls, given), False)
    assert {each.code for each in error.value.diagnostics} <= {"MODEL_IS_REPACKED", "AWS_CALL_WHILE_BUILDING"}
    assert "code/inference.py" in str(error.value)
    return REPACKED


def test_the_documented_table_is_what_was_found() -> None:
    if set(FOUND) != set(ROWS):
        pytest.skip("needs the rows of every class: run the whole file")
    families = {"estimator": ESTIMATORS, "processor": PROCESSORS, "model": MODELS}
    rows = kept_by_family([row for name in ROWS for row in FOUND[name]], families)
    compare_page("SDK 2", told_once(rows + [(name, "the class", reason) for name, reason in LEFT_OUT.items()]))


def told_once(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The rows with what is the same of several classes told once."""
    verdicts: dict[str, set[str]] = {}
    for name, setting, found in rows:
        if name not in PARTS:
            verdicts.setdefault(setting, set()).add(found)
    same = {setting: found.pop() for setting, found in verdicts.items() if len(found) == 1 and "kept" not in found}
    settings: dict[tuple[str, str], list[str]] = {}
    for name, setting, found in rows:
        if name in PARTS or setting not in same:
            settings.setdefault((name, found), []).append(setting)
    classes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (name, found), of_class in settings.items():
        classes.setdefault((found, tuple(of_class)), []).append(name)
    return [("every class that has it", setting, found) for setting, found in same.items()] + [
        (", ".join(names), setting, found) for (found, of_class), names in classes.items() for setting in of_class
    ]
