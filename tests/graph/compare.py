"""Pictures of ten workflows, ours beside Graphviz's, with their figures.

::

    python -m tests.graph.compare

writes ``docs/pictures.md``, ``docs/images/shapes/*.svg`` and ``tests/graph/dot_figures.json``. Needs Graphviz: ``dot``
on PATH, or the package graphviz-pure. It is given our boxes' sizes and texts, so that lengths can be compared.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import asdict
from pathlib import Path

from mlflowsteps.graph.build import Model, read_model
from mlflowsteps.graph.layout import Layout, layout
from mlflowsteps.graph.svg import draw
from mlflowsteps.graph.text import dot
from tests.graph.figures import Figures, Point, Trail, bezier, crossings, length, of_layout
from tests.graph.shapes import SHAPES

RECORDED = Path(__file__).with_name("dot_figures.json")
DOCS = Path(__file__).parents[2] / "docs"
_POINTS = 72.0  # an inch: Graphviz's lengths are points, its nodes' sizes inches

INTRODUCTION = """# Pictures

`workflow.render_graph()` lays a workflow out by itself: it needs neither Graphviz nor a browser extension. Here are ten
workflows of different shape, ours on the left, [Graphviz](https://graphviz.org)'s `dot` on the right; Graphviz was
given the same boxes and texts, so that the numbers compare. *Crossings* are lines that cross; *length* is that of all
lines together, in pixels, shared stretches counted once. `python -m tests.graph.compare` makes this page.

In the Amazon States Language no transition crosses a container's border. Our layout uses that: each container is laid
out by itself and becomes one box of the level round it; the main path stays straight; catches to one handler share a
trunk. `to_dot()` and `to_mermaid()` export the graph for other programs.
"""


def our_layout(name: str) -> Layout:
    return layout(read_model(SHAPES[name][1]), portrait=True)


def graphviz() -> str:
    """Path of Graphviz's program.

    Raises:
        SystemExit: there is none.
    """
    beside = f"{sysconfig.get_path('scripts')}:"
    found = shutil.which("dot") or shutil.which("graphviz-pure") or shutil.which("graphviz-pure", path=beside)
    if found is None:
        sys.exit("no Graphviz: apt-get install graphviz, or pip install graphviz-pure")
    return found


def dot_text(model: Model, drawing: Layout) -> str:
    """The graph in Graphviz's language, its boxes as large as ours."""
    ids = {key: f"n{index}" for index, key in enumerate(model.nodes)}
    sizes = [
        f"{ids[box.node.key]} [fixedsize=true width={box.width / _POINTS:.3f} height={box.height / _POINTS:.3f}];"
        for box in drawing.boxes
        if not box.container
    ]
    head = 'graph [fontname="Helvetica" fontsize=14];\nnode [fontsize=14];\nedge [fontsize=11.5 arrowsize=0.8];'
    return f"digraph {{\n{head}\n{dot(model, body_only=True)}\n" + "\n".join(sizes) + "\n}\n"


def run(text: str, form: str) -> str:
    done = subprocess.run([graphviz(), f"-T{form}"], input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode()


def dot_figures(text: str) -> Figures:
    """Of Graphviz's picture of such a text."""
    drawn = json.loads(run(text, "json"))
    trails = [_trail(edge["pos"]) for edge in drawn["edges"] if "pos" in edge]
    _, _, width, height = map(float, drawn["bb"].split(","))
    return Figures(crossings(trails), round(sum(map(length, trails))), round(width), round(height))


def _trail(text: str) -> Trail:
    """The points along an edge: ``e,x,y`` is its arrow's tip, the others are Bézier's."""
    tip: list[Point] = []
    points: list[Point] = []
    for word in text.split():
        *mark, x, y = word.split(",")
        (tip if mark == ["e"] else points).append((float(x), float(y)))
    trail: Trail = []
    for index in range(0, len(points) - 3, 3):
        trail += bezier(points[index], points[index + 1 : index + 3], points[index + 3])
    return trail + tip


def plain(svg: str) -> str:
    """Graphviz's SVG without its comments and prologue, ready for a page."""
    svg = re.sub(r"<!--.*?-->\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"<title>.*?</title>\n?", "", svg, flags=re.DOTALL)
    # In pixels as ours, and on paper, for pages that are dark.
    svg = re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', svg, count=2)
    return svg.replace('fill="none" stroke="none" points', 'fill="white" stroke="none" points', 1)


def main() -> None:
    folder = DOCS / "images" / "shapes"
    folder.mkdir(parents=True, exist_ok=True)
    recorded, parts = {}, [INTRODUCTION]
    for name, (title, definition) in SHAPES.items():
        model, drawing = read_model(definition), our_layout(name)
        text = dot_text(model, drawing)
        ours, theirs = of_layout(drawing), dot_figures(text)
        recorded[name] = asdict(theirs)
        (folder / f"{name}.svg").write_text(draw(drawing, title=title) + "\n", encoding="utf-8")
        (folder / f"{name}-dot.svg").write_text(plain(run(text, "svg")), encoding="utf-8")
        parts.append(_section(name, title, ours, theirs))
    RECORDED.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")
    (DOCS / "pictures.md").write_text("\n".join(parts), encoding="utf-8")


def _section(name: str, title: str, ours: Figures, theirs: Figures) -> str:
    rows = [
        f"| {who} | {found.crossings} | {found.length:,} | {found.width} × {found.height} |"  # noqa: RUF001
        for who, found in (("mlflowsteps", ours), ("dot", theirs))
    ]
    table = "\n".join(["| | Crossings | Length | Size |", "|---|---|---|---|", *rows])
    pictures = (
        f"| mlflowsteps | dot |\n|---|---|\n| ![{title}, by mlflowsteps](images/shapes/{name}.svg) "
        f"| ![{title}, by dot](images/shapes/{name}-dot.svg) |"
    )
    return f"## {title}\n\n{table}\n\n{pictures}\n"


if __name__ == "__main__":
    main()
