"""JSON values, their text, draws and scopes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.asl.payloads import Entropy, Scope, dumps, loads, same_value, size_of
from mlflowsteps.exceptions import StatesError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def test_text_is_compact_and_keeps_characters_outside_ascii():
    assert dumps({"a": [1, 2.5, "é"], "b": None}) == '{"a":[1,2.5,"é"],"b":null}'


@given(JSON)
def test_what_is_written_reads_the_same(value):
    assert same_value(loads(dumps(value)), value)


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "1e999", '{"a":-1e999}', "[1,]", "{'a':1}", "1 2", ""]
)
def test_text_that_the_service_refuses_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON|Expecting|Extra|range|Illegal"):
        loads(text)


def test_deep_text_is_refused_and_does_not_crash():
    with pytest.raises(ValueError, match="nested too deeply"):
        loads("[" * 200_000 + "]" * 200_000)


def test_a_deep_value_cannot_be_written_and_says_so():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(StatesError) as caught:
        dumps(value)
    assert caught.value.error == "States.Runtime"


def test_bytes_are_read_as_utf8():
    assert loads('"é"'.encode()) == "é"
    with pytest.raises(UnicodeDecodeError):
        loads(b'"\xff"')


def test_a_lone_surrogate_becomes_a_question_mark():
    assert loads(r'"a\ud800b"') == "a?b"
    assert loads(r'"\ud83c\udd97"') == "🆗"


def test_sizes_are_bytes_of_utf8():
    assert (size_of("abc"), size_of("é"), size_of("🆗")) == (3, 2, 4)


def test_equality_is_that_of_json():
    assert same_value({"a": [1]}, {"a": [1.0]})
    assert not same_value(True, 1)
    assert not same_value([0], [False])
    assert not same_value({"a": 1}, {"a": 1, "b": 2})
    assert not same_value([1], [1, 2])
    assert not same_value("1", 1)


def test_equality_of_deep_values_does_not_recurse():
    left: list = []
    right: list = []
    for _ in range(100_000):
        left, right = [left], [right]
    assert same_value(left, right)


@given(st.text(), st.integers(0, 10**9))
def test_draws_repeat_and_lie_in_the_half_open_interval(seed, counter):
    draws = [Entropy(seed, counter).draw() for _ in range(2)]
    assert draws[0] == draws[1]
    assert 0 <= draws[0] < 1


def test_a_counter_carries_a_sequence_on():
    whole = Entropy("seed")
    first, second = whole.uuid(), whole.uuid()
    assert Entropy("seed", 1).uuid() == second != first
    assert whole.counter == 2


def test_ids_have_the_form_of_a_version_4_uuid():
    import uuid

    assert uuid.UUID(Entropy("s").uuid()).version == 4


def test_draws_are_spread_evenly():
    entropy = Entropy("spread")
    draws = [entropy.draw() for _ in range(10_000)]
    assert math.isclose(sum(draws) / len(draws), 0.5, abs_tol=0.02)
    assert len(set(draws)) == len(draws)


def test_a_scope_has_defaults():
    scope = Scope(1)
    assert (scope.input, scope.context, scope.variables) == (1, {}, {})
    assert json.dumps(scope.entropy.counter) == "0"
