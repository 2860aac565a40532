"""A definition as text: an indented tree for terminals, Graphviz's and Mermaid's languages for other programs.

Each format has its own escaping, applied to every value; control characters are shown as escapes first.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflowsteps.graph.build import Edge, Level, Model, Node
from mlflowsteps.graph.visits import STATUSES, GraphStatus
from mlflowsteps.graph.words import brief, cut, visible

__all__ = ["dot", "mermaid", "ordered", "tree"]

_ICONS = {
    "Task": "□",
    "Choice": "◇",
    "Wait": "◷",
    "Pass": "→",
    "Succeed": "●",
    "Fail": "✕",
    "Parallel": "∥",
    "Map": "⟳",
}
_LONGEST = 160


def ordered(model: Model) -> list[tuple[int, Node]]:
    """The nodes that are states or missing, in the order of the flow, each with its depth of nesting.

    A container is followed by what it holds; unreachable states come last in their level.
    """
    found: list[tuple[int, Node]] = []
    waiting = [(0, node) for node in reversed(_flow(model, model.levels[""]))]
    while waiting:
        depth, node = waiting.pop()
        found.append((depth, node))
        for key in reversed(node.inside):
            waiting.extend((depth + 1, inner) for inner in reversed(_flow(model, model.levels[key])))
    return found


def _flow(model: Model, level: Level) -> list[Node]:
    """A level's nodes, depth first along its transitions from its first state; then those not reached."""
    onward: dict[str, list[str]] = {}
    for edge in level.edges:
        onward.setdefault(edge.source, []).append(edge.target)
    keys = level.nodes if level.owner is None else sorted(level.nodes, key=lambda key: not _first(model, level, key))
    seen: set[str] = set()
    order: list[Node] = []
    for root in keys:
        waiting = [root]
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            order.append(model.nodes[key])
            waiting.extend(reversed(onward.get(key, [])))
    return [node for node in order if node.kind in {"state", "missing"}]


def _first(model: Model, level: Level, key: str) -> bool:
    return bool(model.nodes[key].name == level.start_at)


def tree(model: Model, status: GraphStatus | None = None, *, now: float | None = None) -> str:
    """One line for each state: icon, name, what it is or how it went, and where it leads.

    Args:
        model: the definition.
        status: an execution's; None for the definition alone.
        now: epoch seconds until which running states are timed.
    """
    onward: dict[str, list[Edge]] = {}
    for edge in model.edges():
        onward.setdefault(edge.source, []).append(edge)
    lines = []
    for depth, node in ordered(model):
        state = status.states.get(node.key) if status else None
        icon = STATUSES[state.status].icon if state else _ICONS.get(node.type, "?")
        parts = [f"{'   ' * depth}{icon} {cut(visible(node.name), _LONGEST)}"]
        label = visible(node.label) + (f" · {node.problem}" if node.problem and node.label else node.problem)
        parts += [f"[{label}]"] if label else []
        if state:
            parts.append(state.summary(now))
            parts += [cut(visible(f"{state.error}: {brief(state.cause)}"), _LONGEST)] if state.error else []
        ways = ", ".join(_way(model, edge) for edge in onward.get(node.key, []))
        lines.append("  ".join(parts) + (f"  → {ways}" if ways and not status else ""))
    return "\n".join(lines)


def _way(model: Model, edge: Edge) -> str:
    label = f" ({cut(visible(edge.label), 60)})" if edge.label else ""
    return visible(model.nodes[edge.target].name) + label


# Graphviz

_DOT_SHAPES = {"Choice": "hexagon", "Succeed": "oval", "Fail": "oval"}
_DOT_EDGES = {"default": "style=dotted", "catch": 'style=dashed color="#9a6300"'}


def _quoted(text: str) -> str:
    body = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{body}"'


def dot(model: Model, *, body_only: bool = False) -> str:
    """The graph in Graphviz's language; containers are clusters.

    Args:
        model: the definition.
        body_only: the statements alone, without ``digraph { }``.
    """
    ids = {key: f"n{index}" for index, key in enumerate(model.nodes)}
    lines = ["compound=true;", 'node [shape=box fontname="Helvetica"];', 'edge [fontname="Helvetica"];']
    for opens, node in _nested(model):
        if not opens:
            lines.append("}")
        elif node.inside:
            lines.append(f"subgraph cluster_{ids[node.key]} {{ label={_quoted(node.name)} style=dashed;")
            # An edge of Graphviz needs nodes: an invisible one stands for the whole container.
            lines.append(f'{ids[node.key]} [shape=point style=invis label=""];')
        else:
            lines.append(f"{ids[node.key]} [{_dot_node(node)}];")
    lines.extend(_dot_edge(model, edge, ids) for edge in model.edges())
    body = "\n".join(lines)
    return body if body_only else f"digraph {{\n{body}\n}}\n"


def _nested(model: Model) -> Iterator[tuple[bool, Node]]:
    """Every node as (True, node), what a container holds after it, and then (False, container)."""
    waiting = [(True, model.nodes[key]) for key in reversed(model.levels[""].nodes)]
    while waiting:
        opens, node = waiting.pop()
        yield opens, node
        if opens and node.inside:
            waiting.append((False, node))
            for level in reversed(node.inside):
                waiting.extend((True, model.nodes[key]) for key in reversed(model.levels[level].nodes))


def _dot_node(node: Node) -> str:
    if node.kind in {"start", "end"}:
        return f"shape=circle label={_quoted(node.name)}"
    shape = _DOT_SHAPES.get(node.type, "box")
    style = "dashed" if node.kind == "missing" else "rounded"
    return f"shape={shape} style={style} label={_quoted(node.name)} tooltip={_quoted(node.label)}"


def _dot_edge(model: Model, edge: Edge, ids: dict[str, str]) -> str:
    attributes = [_DOT_EDGES.get(edge.kind, "style=solid")]
    attributes += [f"label={_quoted(cut(edge.label, 40))}"] if edge.label else []
    attributes += [f"ltail=cluster_{ids[edge.source]}"] if model.nodes[edge.source].inside else []
    attributes += [f"lhead=cluster_{ids[edge.target]}"] if model.nodes[edge.target].inside else []
    return f"{ids[edge.source]} -> {ids[edge.target]} [{' '.join(attributes)}];"


# Mermaid

_MERMAID_SHAPES = {"Choice": ("{{", "}}"), "Succeed": ("([", "])"), "Fail": ("([", "])")}
_MERMAID_EDGES = {"default": "-.->", "catch": "-.->"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,_-?!=≥≤/+")


def _entities(text: str) -> str:
    """Mermaid's text: everything that could be markup as a numbered entity."""
    return "".join(
        character if character in _PLAIN or (character.isalpha() and ord(character) > 127) else f"#{ord(character)};"
        for character in visible(text)
    )


def mermaid(model: Model) -> str:
    """The graph in Mermaid's language, which code hosts draw in Markdown; containers are subgraphs."""
    ids = {key: f"n{index}" for index, key in enumerate(model.nodes)}
    lines = ["flowchart TD"]
    for opens, node in _nested(model):
        if not opens:
            lines.append("end")
        elif node.inside:
            lines.append(f'subgraph {ids[node.key]}["{_entities(node.name)}"]')
        else:
            left, right = ("((", "))") if node.kind in {"start", "end"} else _MERMAID_SHAPES.get(node.type, ("[", "]"))
            lines.append(f'{ids[node.key]}{left}"{_entities(cut(node.name, 80))}"{right}')
    for edge in model.edges():
        label = f'|"{_entities(cut(edge.label, 40))}"|' if edge.label else ""
        lines.append(f"{ids[edge.source]} {_MERMAID_EDGES.get(edge.kind, '-->')}{label} {ids[edge.target]}")
    return "\n".join(lines) + "\n"
