"""The old SDK's names: all here, and the table in the migration guide says so."""

from __future__ import annotations

import inspect

import pytest

from tests.parity import table


def test_the_page_holds_the_table_as_the_code_makes_it():
    page = table.PAGE.read_text(encoding="utf-8")
    assert table.page_with_table(page) == page, "run: python -m tests.parity.table --write"


def test_every_reason_belongs_to_a_difference():
    told = {row.name for row in table.rows() if row.here.startswith("changed: ")}
    assert told == set(table.CHANGES)


def test_a_difference_without_a_reason_is_an_error(monkeypatch):
    monkeypatch.delitem(table.CHANGES, "workflow.Workflow")
    with pytest.raises(AssertionError, match="tags"):
        list(table.rows())


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ("(a, b=1)", []),
        ("(b, a)", ["b is not parameter 1", "a is not parameter 2"]),
        ("(a, b=2)", ["b=2 is 1"]),
        ("(a)", []),
        ("()", ["needs a"]),
        ("(a, b=1, **kwargs)", ["takes no **kwargs"]),
    ],
)
def test_signatures_are_compared_by_place_name_and_default(old, told):
    def ours(a, b=1): ...

    parameters = list(inspect.signature(ours).parameters.values())
    assert list(table._of_parameters(parameters, table._parsed(old))) == told
