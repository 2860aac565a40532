"""The cursor that the parsers of the language read with."""

from __future__ import annotations

import re

import pytest

from mlflowsteps.asl.cursor import Cursor
from mlflowsteps.exceptions import InvalidExpression


def test_a_mark_is_taken_behind_blanks_and_left_where_another_stands():
    cursor = Cursor(" \n ,a")
    assert (cursor.take("]"), cursor.at) == (False, 3)
    assert (cursor.take(","), cursor.at) == (True, 4)


def test_a_pattern_is_looked_for_here_and_nowhere_further_on():
    cursor = Cursor("ab12")
    assert cursor.match(re.compile(r"\d+")) is None
    assert cursor.match(re.compile(r"[a-z]+"))
    found = cursor.match(re.compile(r"\d+"))
    assert (found and found[0], cursor.at) == ("12", 4)


def test_a_fault_names_the_text_the_place_and_the_hint():
    cursor = Cursor("$.a x", 3)
    with pytest.raises(InvalidExpression, match=r"'\$\.a x': expected ']' at character 4") as caught:
        cursor.expect("]")
    assert caught.value.position == 4
    assert cursor.fault("no", "do this").hint == "do this"
