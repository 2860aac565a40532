"""A definition's graph as an object that a notebook shows, a terminal prints and a file keeps.

Owns ``GraphView`` and what it shares with ``ProgressView``: exports, saving and the notebook's bundle. What an
execution adds is ``progress``'s.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflowsteps.display.html import FONT, Markup, block, data_uri, details, markdown, page, table, text
from mlflowsteps.display.script import script
from mlflowsteps.graph.build import Model, Node, build_graph, read_definition, read_model
from mlflowsteps.graph.layout import Layout, layout
from mlflowsteps.graph.svg import draw
from mlflowsteps.graph.text import dot, mermaid, ordered, tree
from mlflowsteps.graph.visits import GraphStatus
from mlflowsteps.graph.words import Json, visible

if TYPE_CHECKING:
    import graphviz  # type: ignore[import-untyped]
    import networkx as nx

__all__ = ["GraphView", "View", "cell_number"]

_SCALE = 2  # of a PNG against the SVG's pixels: sharp on dense screens
_HIGHEST = 1.6  # times the scrolling box's height
_LARGEST_PNG = 16_000  # pixels a side; above it renderers give up


def cell_number() -> int | None:
    """Execution count of the notebook's cell that runs; None outside of IPython, which is not loaded to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    number = getattr(shell, "execution_count", None)
    return number if isinstance(number, int) else None


class View:
    """What every picture can do: be shown in a notebook, exported and saved.

    Args:
        definition: a state machine definition, as a dict or JSON text; valid or not, left unchanged.
        portrait: True: downwards; False: to the right; None: to the right where that stays short, else downwards.
        title: what the picture shows.
        collapse: draw containers closed; None: only in definitions of more than 150 states.

    Raises:
        ValueError: the definition is a text, but no JSON.
    """

    def __init__(
        self, definition: Json, *, portrait: bool | None = None, title: str = "", collapse: bool | None = None
    ) -> None:
        self.definition: Json = read_definition(definition)
        self.title = title
        self._portrait, self._collapse = portrait, collapse
        self._shown_by: int | None = None

    @cached_property
    def model(self) -> Model:
        """The definition as nodes, edges and levels."""
        return read_model(self.definition)

    @property
    def status(self) -> GraphStatus | None:
        """The execution's status; None for a definition alone."""
        return None

    @property
    def _now(self) -> float | None:
        return None

    @cached_property
    def _layout(self) -> Layout:
        lines = self.status is not None
        return layout(self.model, portrait=self._portrait, collapse=self._collapse, status_lines=lines)

    def to_svg(self, *, dark: bool = False) -> str:
        """The picture as a self-contained SVG text with literal colours, for any renderer.

        Args:
            dark: light on dark.
        """
        return draw(self._layout, self.status, dark=dark, title=self._alternative(), now=self._now)

    def to_dot(self) -> str:
        """The graph in Graphviz's language."""
        return dot(self.model)

    def to_mermaid(self) -> str:
        """The graph in Mermaid's language."""
        return mermaid(self.model)

    def to_graphviz(self) -> graphviz.Digraph:
        """The graph as a ``graphviz.Digraph``; drawing it needs Graphviz's ``dot``, making it does not."""
        import graphviz

        drawing = graphviz.Digraph()
        drawing.body.append(dot(self.model, body_only=True) + "\n")
        return drawing

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """The graph as a ``networkx.MultiDiGraph``; attributes as ``graph.build_graph`` describes them."""
        return build_graph(self.definition)

    def to_dict(self) -> dict[str, Json]:
        """The graph as JSON: ``nodes`` and ``edges``, with the same keys and attributes as the networkx graph."""
        graph = self.to_networkx()
        nodes = [{"key": key, **attributes} for key, attributes in graph.nodes(data=True)]
        edges = [
            {"source": source, "target": target, **attributes} for source, target, attributes in graph.edges(data=True)
        ]
        return {"title": self.title, "nodes": nodes, "edges": edges}

    def to_text(self) -> str:
        """The states as an indented tree, one on a line."""
        return tree(self.model, self.status, now=self._now)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        count = sum(1 for _ in self.model.states())
        status = f", {self.status.status}" if self.status is not None else ""
        return f"<{type(self).__name__} {self.title!r}: {count} state{'' if count == 1 else 's'}{status}>"

    def to_markdown(self) -> str:
        """The states as a Markdown table."""
        raise NotImplementedError

    def to_html(self) -> str:
        """The view as a piece of HTML for a notebook or page, with a new element id each time."""
        return self._html(760)

    def whole_html(self) -> str:
        """The same for a page of its own: the picture in its full height."""
        return self._html(None)

    def _html(self, height: int | None) -> str:
        element = f"mlflowsteps-{uuid.uuid4().hex}"
        body = Markup("".join([self._header(), self._picture(height), self._below()]))
        return f'<div id="{element}" style="{FONT}">{body}{script(element, self._key())}</div>'

    def shown_by_cell(self, number: int | None) -> None:
        """Note that a notebook's cell shows this view already.

        Args:
            number: the cell's execution count; None: no cell does.
        """
        self._shown_by = number

    def _ipython_display_(self) -> None:
        """Show nothing where the cell that runs shows this view already; else leave it to the bundle."""
        if self._shown_by is None or self._shown_by != cell_number():
            raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook takes what it can show
        return {"text/html": self.to_html(), "text/markdown": self.to_markdown(), "text/plain": self.to_text()}

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the view to a file; its suffix says as what.

        Args:
            path: ``.svg``, ``.png`` (needs the extra ``png``), ``.html`` (a report in one file), ``.txt``, ``.md``,
                ``.dot``, ``.mmd`` or ``.json``. An existing file is replaced; its folder must exist.

        Returns:
            The path.

        Raises:
            ValueError: another suffix.
            ImportError: a ``.png`` without the package that makes it.
            OSError: the file cannot be written.
        """
        target = Path(path)
        makers: dict[str, Callable[[], str | bytes]] = {
            ".svg": self.to_svg,
            ".png": self._to_png,
            ".html": self._to_page,
            ".txt": lambda: self.to_text() + "\n",
            ".md": lambda: self.to_markdown() + "\n",
            ".dot": self.to_dot,
            ".mmd": self.to_mermaid,
            ".json": lambda: json.dumps(self.to_dict(), indent=2, default=str) + "\n",
        }
        maker = makers.get(target.suffix.lower())
        if maker is None:
            raise ValueError(
                f"cannot save as {target.suffix or 'a file without a suffix'!r}; known: {', '.join(makers)}"
            )
        content = maker()
        if isinstance(content, str):
            target.write_text(content, encoding="utf-8")
        else:
            target.write_bytes(content)
        return target

    def _to_png(self) -> bytes:
        try:
            import resvg_py
        except ImportError as error:
            raise ImportError(
                "saving a .png needs the package resvg-py: pip install 'mlflowsteps[png]'; .svg and .html need nothing"
            ) from error
        largest = max(self._layout.width, self._layout.height)
        zoom = min(_SCALE, _LARGEST_PNG / largest)
        width = max(1, round(self._layout.width * zoom))
        return bytes(resvg_py.svg_to_bytes(svg_string=self.to_svg(), width=width))

    def _to_page(self) -> str:
        return page(self.title or "Workflow", Markup(self.whole_html()))

    # What the two kinds of view fill in.

    def _alternative(self) -> str:
        """The picture in words, for those who do not see it."""
        states = sum(1 for _ in self.model.states())
        return f"Graph of {visible(self.title) or 'a workflow'}: {states} states"

    def _key(self) -> str:
        """What unfolded states are remembered under: the same for each frame of one live view."""
        return uuid.uuid4().hex

    def _header(self) -> Markup:
        return Markup(f'<div style="font-weight:bold;padding:4px 0">{text(self.title)}</div>' if self.title else "")

    def _picture(self, limit: int | None) -> Markup:
        """The graph as an image in a scrolling box, at its own size: smaller, it could not be read."""
        # A picture a little higher than the box is shown whole: a second scroll bar is worse than a longer page.
        boxed = limit is not None and self._layout.height > _HIGHEST * limit
        style = "overflow:auto;max-width:100%" + (f";max-height:{limit}px" if boxed else "")
        svg = draw(self._layout, self.status, flavour="notebook", title=self._alternative(), now=self._now)
        width, height = round(self._layout.width), round(self._layout.height)
        return Markup(
            f'<div style="{style}">'
            f'<img data-graph="1" alt="{text(self._alternative())}" width="{width}" height="{height}" '
            f'style="max-width:none;width:{width}px;height:{height}px" src="{data_uri(svg)}"></div>'
        )

    def _below(self) -> Markup:
        raise NotImplementedError

    def _indented(self, depth: int, node: Node) -> Markup:
        """A state's name as the steps' table shows it: shifted by its depth, a click opens its details."""
        name = text(node.name)
        if node.kind == "state":
            name = Markup(f'<span data-show="{text(node.key)}" style="cursor:pointer">{name}</span>')
        return Markup(f'<span style="padding-left:{18 * depth}px">{name}</span>')


class GraphView(View):
    """The graph of a definition, as ``Workflow.render_graph`` gives it.

    A notebook shows it; ``str()`` is an indented tree; ``save()`` writes SVG, PNG, an HTML page, text, Markdown, dot,
    Mermaid or JSON. Drawing needs no AWS, network, IPython or optional package.

    >>> print(GraphView({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 5, "End": True}}}))
    ◷ A  [Wait 5 s]  → End
    """

    def to_markdown(self) -> str:
        """The states as a Markdown table: name, type, what it does, where it leads."""
        lines = [f"**{markdown(self.title)}**", ""] if self.title else []
        lines += ["| State | Type | Details | Then |", "| --- | --- | --- | --- |"]
        for depth, node in ordered(self.model):
            cells = [
                "&nbsp;" * 4 * depth + markdown(node.name),
                markdown(node.type),
                markdown(_does(node)),
                markdown(self._then(node)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def _below(self) -> Markup:
        nodes = ordered(self.model)
        rows = [[self._indented(depth, node), node.type, _does(node), self._then(node)] for depth, node in nodes]
        steps = table(["State", "Type", "Details", "Then"], rows, empty="no states")
        folds = [_definition_fold(node) for _, node in nodes if node.kind == "state"]
        count = sum(1 for _ in self.model.states())
        body = Markup(f'{steps}<div style="padding-top:8px">{"".join(folds)}</div>')
        return details(f"{count} state{'' if count == 1 else 's'}: table and definitions", body)

    def _then(self, node: Node) -> str:
        ways = []
        for edge in self._onward.get(node.key, ()):
            name = self.model.nodes[edge.target].name
            ways.append(f"{name} ({edge.label})" if edge.label else name)
        return ", ".join(ways)

    @cached_property
    def _onward(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for edge in self.model.edges():
            found.setdefault(edge.source, []).append(edge)
        return found


def _does(node: Node) -> str:
    parts = [part for part in (node.label if node.label != node.type else "", node.problem) if part]
    return " · ".join(parts)


def _definition_fold(node: Node) -> Markup:
    body = dict(node.definition) if isinstance(node.definition, dict) else node.definition
    comment = Markup()
    if isinstance(body, dict):
        if "Comment" in body:
            comment = Markup(f"<div>{text(body['Comment'])}</div>")
        # What a container holds has folds of its own.
        for key in {"Branches", "ItemProcessor", "Iterator"} & body.keys():
            if node.inside:
                body[key] = f"… {node.states} states"
    return details(node.name, Markup(f"{comment}{block(body)}"), state=node.key)
