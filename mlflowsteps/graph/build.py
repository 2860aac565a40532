"""A definition read into nodes and edges, faults and all.

Owns what a graph holds: one node for each state, in containers for Parallel and Map, and one edge for each transition.
Reads any JSON without raising: a transition to a state that is not there gets a node ``missing: X``, a state that
nothing leads to is marked. Does not judge (that is ``asl.validate``) and knows no coordinates.

``read_model`` gives the plain records that the drawing rooms use; ``build_graph`` the same as a networkx graph.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlflowsteps.graph.words import Json, as_text, error_names, rule_text, state_label

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Edge", "Level", "Model", "Node", "build_graph", "path_of", "read_definition", "read_model"]

END = "~end"
START = "~start"
_TERMINAL = ("Succeed", "Fail")


@dataclass(slots=True)
class Node:
    """One node of the picture.

    Args:
        key: the state's path; unique in the graph.
        name: the state's name; ``Start``, ``End`` or ``missing: X`` for the others.
        kind: ``state``, ``start``, ``end`` or ``missing``.
        type: the state's Type; empty for the other kinds.
        label: the line under the name, such as ``SageMaker training job · retry ≤ 3``.
        level: key of the level the node stands in.
        parent: key of the container round it; None at the top.
        inside: keys of the levels a Parallel or Map holds, one for each branch.
        definition: the state as it stands in the definition.
        reachable: whether a transition path leads here from the level's StartAt.
        problem: what is wrong with it, in few words; empty where nothing is.
        states: number of states inside a container, at any depth.
    """

    key: str
    name: str
    kind: str
    type: str = ""
    label: str = ""
    level: str = ""
    parent: str | None = None
    inside: tuple[str, ...] = ()
    definition: Json = None
    reachable: bool = True
    problem: str = ""
    states: int = 0


@dataclass(slots=True, frozen=True)
class Edge:
    """One transition.

    Args:
        source: key of the node it leaves.
        target: key of the node it enters.
        kind: ``next``, ``choice``, ``default``, ``catch``, ``start`` or ``end``.
        label: the choice rule, ``default`` or ``catch`` and the error names; empty for the others.
    """

    source: str
    target: str
    kind: str
    label: str = ""


@dataclass(slots=True)
class Level:
    """One ``States`` object: the top of the definition, a branch of a Parallel or the processor of a Map.

    Args:
        key: prefix of its nodes' keys; empty at the top.
        owner: key of the container that holds it; None at the top.
        start_at: the value of StartAt.
        nodes: keys of its nodes, in the definition's order.
        edges: its transitions; none crosses a level's border.
    """

    key: str
    owner: str | None
    start_at: Json = None
    nodes: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """A definition as records; ``levels`` stand parents first, so that their reverse is bottom-up."""

    nodes: dict[str, Node] = field(default_factory=dict)
    levels: dict[str, Level] = field(default_factory=dict)

    def edges(self) -> Iterator[Edge]:
        """All transitions, level by level."""
        for level in self.levels.values():
            yield from level.edges

    def states(self) -> Iterator[Node]:
        """The nodes that are states, in the definition's order, parents before what they hold."""
        return (node for node in self.nodes.values() if node.kind == "state")


def path_of(prefix: str, name: str) -> str:
    """The key of a state: its level's key and its name, ``~`` and ``/`` written as ``~0`` and ``~1``.

    >>> path_of("Train/0/", "A/B")
    'Train/0/A~1B'
    """
    return prefix + name.replace("~", "~0").replace("/", "~1")


def read_definition(definition: Json) -> Json:
    """The definition as a dict where it was handed in as JSON text, as it is otherwise.

    Raises:
        ValueError: it is text, but no JSON; says where.
    """
    if not isinstance(definition, str):
        return definition
    try:
        return json.loads(definition)
    except ValueError as error:
        raise ValueError(f"the definition is a text that is not JSON: {error}") from error


def read_model(definition: Json) -> Model:
    """Read a definition into nodes, edges and levels; time and space linear in its size, no recursion.

    Args:
        definition: a state machine definition as a dict (or JSON text); left unchanged. Anything that is not what
            it should be is drawn as far as it can be read.

    Raises:
        ValueError: the definition is a text, but no JSON.
    """
    model = Model()
    waiting: list[tuple[str, str | None, Json]] = [("", None, read_definition(definition))]
    while waiting:
        key, owner, machine = waiting.pop()
        waiting.extend(reversed(_read_level(model, key, owner, machine)))
    _count_states(model)
    return model


def _read_level(model: Model, key: str, owner: str | None, machine: Json) -> list[tuple[str, str | None, Json]]:
    """Read one States object; returns the levels inside it, still to be read."""
    machine = machine if isinstance(machine, dict) else {}
    states = machine.get("States")
    states = states if isinstance(states, dict) else {}
    level = model.levels[key] = Level(key, owner, machine.get("StartAt"))
    if owner is None:
        _add(model, level, Node(START, "Start", "start"))
    inner: list[tuple[str, str | None, Json]] = []
    for name, state in states.items():
        inner.extend(_read_state(model, level, str(name), state))
    if owner is None:
        _add(model, level, Node(END, "End", "end"))
    _read_edges(model, level, states)
    _mark_unreachable(model, level)
    return inner


def _add(model: Model, level: Level, node: Node) -> None:
    node.level, node.parent = level.key, level.owner
    model.nodes[node.key] = node
    level.nodes.append(node.key)


def _read_state(model: Model, level: Level, name: str, state: Json) -> list[tuple[str, str | None, Json]]:
    key = path_of(level.key, name)
    body = state if isinstance(state, dict) else {}
    kind = body.get("Type")
    node = Node(key, name, "state", kind if isinstance(kind, str) else "", state_label(body), definition=state)
    if not isinstance(state, dict):
        node.problem = "not an object"
    inner: list[tuple[str, str | None, Json]] = []
    if kind == "Parallel":
        branches = body.get("Branches")
        branches = branches if isinstance(branches, list) else []
        inner = [(f"{key}/{index}/", key, branch) for index, branch in enumerate(branches)]
    elif kind == "Map":
        inner = [(f"{key}/", key, body.get("ItemProcessor", body.get("Iterator")))]
    node.inside = tuple(entry[0] for entry in inner)
    _add(model, level, node)
    return inner


def _read_edges(model: Model, level: Level, states: dict[str, Json]) -> None:
    if level.owner is None:
        _connect(model, level, START, level.start_at, "start", "")
    elif not isinstance(level.start_at, str) or path_of(level.key, level.start_at) not in model.nodes:
        _missing(model, level, level.start_at)
    for name, state in states.items():
        body = state if isinstance(state, dict) else {}
        source = path_of(level.key, str(name))
        before = len(level.edges)
        for kind, target, label in _transitions(body):
            _connect(model, level, source, target, kind, label)
        _finish(level, model.nodes[source], body, before)


def _transitions(state: dict[str, Json]) -> Iterator[tuple[str, Json, str]]:
    """The transitions a state names: kind, target, label."""
    terminal = state.get("Type") in _TERMINAL
    if "Next" in state and not terminal and state.get("Type") != "Choice":
        yield "next", state["Next"], ""
    if state.get("Type") == "Choice":
        choices = state.get("Choices")
        for rule in choices if isinstance(choices, list) else []:
            yield "choice", rule.get("Next") if isinstance(rule, dict) else None, rule_text(rule)
        if "Default" in state:
            yield "default", state["Default"], "default"
    catchers = state.get("Catch")
    for catcher in catchers if isinstance(catchers, list) else []:
        yield "catch", catcher.get("Next") if isinstance(catcher, dict) else None, f"catch {error_names(catcher)}"


def _finish(level: Level, node: Node, state: dict[str, Json], before: int) -> None:
    """Lead a last state to End, and mark one that leads nowhere."""
    if state.get("End") is True or node.type in _TERMINAL:
        if level.owner is None:
            level.edges.append(Edge(node.key, END, "end"))
    elif all(edge.kind == "catch" for edge in level.edges[before:]) and not node.problem:
        node.problem = "no way out" if node.type == "Choice" else "no Next or End"


def _connect(model: Model, level: Level, source: str, target: Json, kind: str, label: str) -> None:
    key = path_of(level.key, target) if isinstance(target, str) else ""
    if key not in model.nodes or not isinstance(target, str):
        key = _missing(model, level, target)
    level.edges.append(Edge(source, key, kind, label))


def _missing(model: Model, level: Level, target: Json) -> str:
    name = "nothing" if target is None else as_text(target)
    key = path_of(f"{level.key}~missing/", name)
    if key not in model.nodes:
        _add(model, level, Node(key, f"missing: {name}", "missing", problem="no such state"))
    return key


def _mark_unreachable(model: Model, level: Level) -> None:
    onward: dict[str, list[str]] = {}
    for edge in level.edges:
        onward.setdefault(edge.source, []).append(edge.target)
    first = START if level.owner is None else path_of(level.key, as_text(level.start_at))
    seen, waiting = {first}, [first]
    while waiting:
        for target in onward.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    for key in level.nodes:
        node = model.nodes[key]
        node.reachable = key in seen or node.kind != "state"
        if not node.reachable and not node.problem:
            node.problem = "unreachable"


def _count_states(model: Model) -> None:
    for level in reversed(model.levels.values()):
        if level.owner is not None:
            nodes = (model.nodes[key] for key in level.nodes)
            model.nodes[level.owner].states += sum(1 + node.states for node in nodes if node.kind == "state")


def build_graph(definition: Json) -> nx.MultiDiGraph[str]:
    """A definition as a networkx graph.

    Node keys are state paths: ``"A"`` at the top, ``"P/0/B"`` in the first branch of Parallel P, ``"M/B"`` in Map M;
    ``~`` and ``/`` in a name stand as ``~0`` and ``~1``. ``"~start"`` and ``"~end"`` are the machine's ends,
    ``"~missing/X"`` a target that does not exist. Attributes of a node: ``name``, ``kind`` (state, start, end,
    missing), ``type``, ``label``, ``parent`` (key of the container, or None), ``branch`` (index in a Parallel, or
    None), ``entry`` (True for its level's first state), ``reachable``, ``problem``, ``definition``. Of an edge:
    ``kind`` (next, choice, default, catch, start, end) and ``label``. Of the graph: ``comment``.

    Args:
        definition: a state machine definition, valid or not; left unchanged.

    Raises:
        ValueError: the definition is a text, but no JSON.

    >>> graph = build_graph({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
    >>> sorted(graph.nodes)
    ['A', '~end', '~missing/B', '~start']
    """
    import networkx as nx

    document = read_definition(definition)
    model = read_model(document)
    comment = document.get("Comment", "") if isinstance(document, dict) else ""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(comment=comment)
    for key, node in model.nodes.items():
        level = model.levels[node.level]
        graph.add_node(
            key,
            name=node.name,
            kind=node.kind,
            type=node.type,
            label=node.label,
            parent=node.parent,
            branch=_branch(model, node),
            entry=node.kind == "state" and node.name == level.start_at,
            reachable=node.reachable,
            problem=node.problem,
            definition=node.definition,
        )
    for edge in model.edges():
        graph.add_edge(edge.source, edge.target, kind=edge.kind, label=edge.label)
    return graph


def _branch(model: Model, node: Node) -> int | None:
    if node.parent is None or model.nodes[node.parent].type != "Parallel":
        return None
    return model.nodes[node.parent].inside.index(node.level)
