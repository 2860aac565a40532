"""The old SDK's visitors: what ``state.accept(visitor)`` shows each state to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflowsteps.inputs.syntax import Json

if TYPE_CHECKING:
    from mlflowsteps.steps.state import State

__all__ = ["GraphVisitor", "ValidationVisitor"]


class GraphVisitor:
    """Collects the definitions of the states that it is shown, by name."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Json]] = {}

    def is_visited(self, state: State) -> bool:
        """True for a state of a name that was shown already."""
        return state.state_id in self.states

    def visit(self, state: State) -> None:
        """Take a state's definition."""
        self.states[state.state_id] = state.to_dict()


class ValidationVisitor:
    """Refuses two states of one name. ``Workflow.validate`` finds this and all else."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}

    def is_visited(self, state: State) -> bool:
        """True for a state that was shown already."""
        return self.states.get(state.state_id) is state

    def visit(self, state: State) -> None:
        """Take a state.

        Raises:
            ValueError: another one of its name was shown before.
        """
        if state.state_id in self.states:
            raise ValueError(
                "Each state in a workflow must have a unique state id. Found duplicate state id "
                f"{state.state_id!r} in workflow. Give one of them another name."
            )
        self.states[state.state_id] = state
