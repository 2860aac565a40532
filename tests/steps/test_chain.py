from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.exceptions import DuplicateStatesInChain


def passes(*names: str) -> list[steps.Pass]:
    return [steps.Pass(name) for name in names]


def test_three_ways_of_chaining_make_one_definition() -> None:
    def compiled(link: Any) -> Any:
        return steps.Graph(link(*passes("a", "b", "c"))).to_dict()

    def by_next(a: steps.Pass, b: steps.Pass, c: steps.Pass) -> steps.Pass:
        a.next(b).next(c)
        return a

    expected = compiled(lambda a, b, c: steps.Chain([a, b, c]))
    assert compiled(by_next) == expected
    assert compiled(lambda a, b, c: a >> b >> c) == expected
    assert compiled(lambda a, b, c: a >> (b >> c)) == expected
    assert compiled(lambda a, b, c: steps.Chain([a, steps.Chain([b, c])])) == expected


def test_appending_links_and_next_leaves_the_chain_as_it_is() -> None:
    a, b, c, d = passes("a", "b", "c", "d")
    chain = steps.Chain([a])
    chain.append(b)
    chain.append(steps.Chain([c]))

    assert chain.next(d) is d
    assert (a.next_step, b.next_step, c.next_step) == (b, c, d)
    assert list(chain) == [a, b, c]
    assert (len(chain), chain.state_id) == (3, "a")


def test_joining_leaves_the_first_chain_as_it_is() -> None:
    a, b, c = passes("a", "b", "c")
    first = a >> b
    second = first >> c

    assert [s.state_id for s in first] == ["a", "b"]
    assert [s.state_id for s in second] == ["a", "b", "c"]


def test_a_state_can_stand_in_a_chain_once() -> None:
    a, b, c = passes("a", "b", "c")
    with pytest.raises(DuplicateStatesInChain, match="'a' is already inside"):
        steps.Chain([a, b, a])
    chain = steps.Chain([b, c])
    with pytest.raises(DuplicateStatesInChain):
        chain.append(b)
    with pytest.raises(DuplicateStatesInChain):
        steps.Chain([chain, steps.Chain([c])])
    with pytest.raises(DuplicateStatesInChain):
        _ = chain >> b


@pytest.mark.parametrize("wrong", [(1, 2), "ab", steps.Pass("a"), iter([])])
def test_a_chain_takes_a_list(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Chain takes a 'list' of steps"):
        steps.Chain(wrong)


def test_a_chain_takes_steps_only() -> None:
    with pytest.raises(TypeError, match="made of states and chains, not of 'b'"):
        steps.Chain([steps.Pass("a"), "b"])  # type: ignore[list-item]


def test_nothing_can_be_put_after_the_end() -> None:
    with pytest.raises(ValueError, match="does not support"):
        steps.Chain([steps.Fail("f"), steps.Pass("a")])


def test_an_empty_chain_has_no_beginning() -> None:
    with pytest.raises(ValueError, match="The chain is empty"):
        _ = steps.Chain().state_id
    with pytest.raises(ValueError, match="The chain is empty"):
        steps.Pass("a").next(steps.Chain())
    with pytest.raises(ValueError, match="The chain is empty"):
        steps.Chain().next(steps.Pass("a"))
    with pytest.raises(ValueError, match="The chain is empty"):
        steps.Graph(steps.Chain()).to_dict()


def test_relinking_warns_and_names_both_targets() -> None:
    a, b, c = passes("a", "b", "c")
    a.next(b)
    with pytest.warns(UserWarning, match="State 'a' went to 'b' and now goes to 'c'") as caught:
        steps.Chain([a, c])
    assert a.next_step is c
    assert caught[0].filename == __file__


def test_the_default_of_a_choice_warns_as_well() -> None:
    choice, (a, b) = steps.Choice("C"), passes("a", "b")
    choice.default_choice(a)
    with pytest.warns(UserWarning, match="The default of Choice 'C' went to 'a' and now goes to 'b'"):
        _ = choice >> b


def test_linking_to_the_same_target_again_is_silent() -> None:
    a, b = passes("a", "b")
    a.next(b)
    a.next(b)
    a.next(steps.Chain([b]))
    assert a.to_dict()["Next"] == "b"
