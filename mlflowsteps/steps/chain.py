"""Chains: steps one after the other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from mlflowsteps.exceptions import DuplicateStatesInChain
from mlflowsteps.steps.foreign import KINDS, adopted, is_foreign
from mlflowsteps.steps.remarks import warn_author

if TYPE_CHECKING:
    from mlflowsteps.steps.state import State, Step

__all__ = ["Chain", "head_of", "warn_of_relinking"]


class Chain:
    """Steps one after the other; ``a >> b >> c`` makes one, too.

    Args:
        steps: the steps, in order; the steps of a chain in it take its place.

    Raises:
        TypeError: ``steps`` is not a list.
        DuplicateStatesInChain: a step stands in it twice.
        ValueError: a step follows one that ends the workflow.
    """

    def __init__(self, steps: list[Step] | None = None) -> None:
        if steps is not None and not isinstance(steps, list):
            raise TypeError(f"Chain takes a 'list' of steps. You provided {steps!r}, which is not a list.")
        self._own([])
        for step in [step for item in steps or [] for step in _steps_of(item)]:
            self._check_new(step)
            self._link(step)

    @property
    def steps(self) -> list[State]:
        """The steps, in order."""
        return self._items if len(self._items) == self._length else self._items[: self._length]

    @classmethod
    def linked(cls, steps: list[State]) -> Self:
        """A chain of steps that go on with one another already; their links stay as they are."""
        chain = cls()
        chain._own(list(steps))
        return chain

    def append(self, step: Step) -> None:
        """Put a step, or all of a chain's, at the end.

        Raises:
            DuplicateStatesInChain: it is in the chain already.
            ValueError: the last step ends the workflow.
        """
        if len(self._items) != self._length:
            self._own(self.steps)
        added = list(_steps_of(step))
        for item in added:
            self._check_new(item)
        for item in added:
            self._link(item)

    def next(self, next_step: Step) -> Step:
        """Let the last step go on with ``next_step``, which is returned; the chain itself stays as it is."""
        return self._last().next(next_step)

    @property
    def state_id(self) -> str:
        """Name of the first state.

        Raises:
            ValueError: the chain is empty.
        """
        return head_of(self).state_id

    def _last(self) -> State:
        if not self._length:
            raise ValueError("The chain is empty. Give it one step at least.")
        return self._items[self._length - 1]

    def _own(self, steps: list[State]) -> None:
        """Hold these steps in a list of its own."""
        self._items = steps
        self._length = len(steps)
        self._members = {id(step) for step in steps}

    def _check_new(self, step: State) -> None:
        if id(step) in self._members:
            raise DuplicateStatesInChain(
                f"State {step.state_id!r} is already inside this chain. A chain cannot have duplicate states; to do "
                "the same work twice, make a second step with a name of its own."
            )

    def _link(self, step: State) -> None:
        if self._items:
            self._items[-1].next(step)
        self._items.append(step)
        self._members.add(id(step))
        self._length += 1

    def __rshift__(self, other: Step) -> Chain:
        # The longer chain goes on in the list of the shorter one, which knows how much of it is its own: a chain of
        # n steps written with >> is made in n steps, not n * n.
        joined = Chain()
        joined._items, joined._members, joined._length = self._items, self._members, self._length
        joined.append(other)
        return joined

    def accept(self, visitor: Any) -> None:
        """Show a visitor the steps, and all that follow."""
        for step in self.steps:
            if not visitor.is_visited(step):
                step.accept(visitor)

    def __iter__(self) -> Iterator[State]:
        return iter(self.steps)

    def __len__(self) -> int:
        return self._length

    def __bool__(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        # The last step first: when a step is pickled, the one it goes on with has been, and nothing recurses.
        return {"last_first": self.steps[::-1], "steps": self.steps}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._own(state["steps"])

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = self.__class__.__new__(self.__class__)
        memo[id(self)] = twin
        twin.__setstate__({"steps": [copy.deepcopy(step, memo) for step in self.steps]})
        return twin

    def __repr__(self) -> str:
        return f"{type(self).__name__}(steps={[step.state_id for step in self.steps]!r})"


def _steps_of(step: Step) -> list[State]:
    """The steps of a chain, or the one step itself."""
    step = adopted(step) if is_foreign(step) else step
    if isinstance(step, Chain):
        return step.steps
    if not hasattr(step, "next") or not hasattr(step, "state_id"):
        raise TypeError(f"A chain is made of states and chains, not of {step!r} ({type(step).__name__})")
    return [step]


def head_of(step: Step) -> State:
    """The state that a step begins with: itself, or the first one of a chain.

    Raises:
        ValueError: the chain is empty.
    """
    if not isinstance(step, Chain):
        return step
    if not len(step):
        raise ValueError("The chain is empty. Give it one step at least.")
    return step.steps[0]


def warn_of_relinking(what: str, old: Step | None, new: Step) -> None:
    """Say that a link was replaced, which is seldom meant; name both of its targets."""
    if old is not None and head_of(old) is not head_of(new):
        warn_author(
            f"{what} went to {old.state_id!r} and now goes to {new.state_id!r}: a step that is put into a second "
            "chain leaves the first one. For the same work in two places, make two steps."
        )


KINDS["Chain"] = Chain.linked
