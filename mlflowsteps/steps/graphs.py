"""State machines: what is made of a start state, and definitions that are given ready."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from mlflowsteps.asl.fields import JSONPATH, TEXT, Field
from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.inputs.syntax import TOKEN, Json
from mlflowsteps.inputs.templates import Place, Template
from mlflowsteps.steps.block import Block
from mlflowsteps.steps.chain import Chain
from mlflowsteps.steps.compile import compile_machine
from mlflowsteps.steps.foreign import adopted, is_foreign
from mlflowsteps.steps.state import State

if TYPE_CHECKING:
    from mlflowsteps.steps.state import Step

__all__ = ["FrozenGraph", "Graph", "GraphFields"]

_NONE: frozenset[str] = frozenset()


class GraphFields(TypedDict, total=False):
    """Keywords of Graph."""

    comment: str | None
    """A remark for people; it has no effect."""
    version: str | None
    """Version of the language, 1.0."""
    timeout_seconds: int | None
    """Longest time an execution may run, in seconds, before it ends TIMED_OUT."""
    query_language: str | None
    """JSONPath (the default) or JSONata; for states that name none."""


class Graph(Block):
    """A state machine: a start state and all that follows.

    Args:
        branch: the start state, or a chain.
        fields: ``comment``, ``version``, ``timeout_seconds``, ``query_language``.

    Raises:
        ValueError: ``branch`` is no step.
    """

    known: ClassVar[dict[str, Field]] = {
        row.keyword: row
        for row in (
            Field("Comment", TEXT, _NONE, "A remark for people; it has no effect."),
            Field("Version", TEXT, _NONE, "Version of the language."),
            Field("TimeoutSeconds", TEXT, _NONE, "Longest time an execution may run, in seconds."),
            Field("QueryLanguage", TEXT, _NONE, "JSONPath or JSONata."),
        )
    }
    comment: str | None
    version: str | None
    timeout_seconds: int | None
    query_language: str | None

    def __init__(self, branch: Step, **fields: Unpack[GraphFields]) -> None:
        if is_foreign(branch):
            branch = adopted(branch)
        if not isinstance(branch, State | Chain):
            raise ValueError(  # noqa: TRY004 - the old SDK's
                f"Expected branch to be a State or a Chain, but got `{branch}` ({type(branch).__name__}). Give a step, "
                "Chain([...]) of several, or for a whole workflow a definition as a dict."
            )
        super().__init__(fields)
        self.branch: Step = branch

    @property
    def states(self) -> dict[str, Json]:
        """The states of the machine as they stand in its definition, by name."""
        states: dict[str, Json] = self.to_dict()["States"]
        return states

    def contains(self, state: State) -> bool:
        """True where the machine has a state of this state's name."""
        return state.state_id in self.states

    def to_dict(self) -> dict[str, Json]:
        """The machine's definition, made anew at each call.

        Raises:
            DefinitionError: names, nesting or outputs that cannot be; a token that is left in a text.
            TypeError: a value is no JSON, or a placeholder stands where there is no place for one.
        """
        fields = self.render(Template(), Place("the workflow"))
        return compile_machine(self.branch, self.query_language or JSONPATH, **fields)


class FrozenGraph(Graph):
    """A definition that is given ready, as a dict; it is taken as it stands.

    Args:
        definition: the definition.

    Raises:
        ValueError: it is no dict.
        DefinitionError: a placeholder's token stands in it.
    """

    def __init__(self, definition: Mapping[str, Json]) -> None:
        if not isinstance(definition, Mapping):
            raise ValueError(f"Expected definition to be a dict, but got `{type(definition)}`.")  # noqa: TRY004 - the old SDK's
        self.fields = {keyword: definition[row.name] for keyword, row in self.known.items() if row.name in definition}
        self.definition = _copied(definition)
        if token := TOKEN.search(json.dumps(self.definition, ensure_ascii=False)):
            raise DefinitionError(
                [
                    Diagnostic(
                        "UNRESOLVED_PLACEHOLDER",
                        "",
                        f"The definition holds the text of a placeholder: {token[0]}.",
                        f"Write 'key.$': {token[1]!r}.",
                    )
                ]
            )

    def to_dict(self) -> dict[str, Json]:
        """The definition; a copy at each call."""
        return _copied(self.definition)

    @classmethod
    def from_json(cls, json_definition: str) -> FrozenGraph:
        """The definition that JSON text holds.

        Raises:
            ValueError: the text is no JSON, or no object.
        """
        return cls(json.loads(json_definition))


def _copied(document: Mapping[str, Json]) -> dict[str, Json]:
    """A copy of a JSON object, however deep it is."""
    copy: dict[str, Json] = dict(document)
    pending: list[Any] = [copy]
    while pending:
        node = pending.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, Mapping | list | tuple):
                made: Any = dict(value) if isinstance(value, Mapping) else list(value)
                node[key] = made
                pending.append(made)
    return copy
