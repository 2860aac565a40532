from __future__ import annotations

import json
import os
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.layout import Layout, layout
from mlflowsteps.graph.svg import draw
from tests.graph import samples
from tests.graph.compare import DOCS, RECORDED, our_layout
from tests.graph.definitions import machines
from tests.graph.figures import Figures, bezier, crossings, of_layout
from tests.graph.shapes import SHAPES

CONFORMANCE = Path(os.environ.get("MLFLOWSTEPS_SHARED", Path(__file__).parents[3] / "shared")) / "conformance"


def rectangle(thing):
    return thing.x, thing.y, thing.x + thing.width, thing.y + thing.height


def overlap(one, two, slack=0.5):
    a, b = rectangle(one), rectangle(two)
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def contains(outer, inner):
    a, b = rectangle(outer), rectangle(inner)
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]


def points(curve):
    """Points along a curve, its ends included."""
    return bezier(curve.start, curve.controls, curve.end, 12)


def holds(box, keys):
    return any(key.startswith(f"{box.node.key}/") for key in keys)


def check(drawing: Layout) -> None:
    boxes = {box.node.key: box for box in drawing.boxes}
    siblings: dict[str | None, list] = {}
    for box in drawing.boxes:
        siblings.setdefault(box.node.parent, []).append(box)
        if box.node.parent is not None:
            assert contains(boxes[box.node.parent], box), f"{box.node.key} leaves its container"
        left, top, right, bottom = rectangle(box)
        assert left >= 0 and top >= 0 and right <= drawing.width and bottom <= drawing.height  # noqa: PT018
    for group in siblings.values():
        for one, two in combinations(group, 2):
            assert not overlap(one, two), f"{one.node.key} and {two.node.key} overlap"
    solid = [box for box in drawing.boxes if not box.container]
    for label in drawing.labels:
        left, top, right, bottom = rectangle(label)
        assert left >= 0 and top >= 0 and right <= drawing.width and bottom <= drawing.height  # noqa: PT018
        assert not any(overlap(label, box) for box in solid), f"label {label.text} covers a box"
        for box in drawing.boxes:
            assert not box.container or contains(box, label) or not overlap(label, box), f"{label.text} on a frame"
    for one, two in combinations(drawing.labels, 2):
        assert not overlap(one, two), f"labels {one.text} and {two.text} overlap"
    for route in drawing.routes:
        ends = {edge.source for edge in route.edges}
        foreign = [box for box in drawing.boxes if box.container and not holds(box, ends)] if ends else []
        for curve in route.curves:
            for x, y in points(curve):
                for box in [*solid, *foreign]:
                    left, top, right, bottom = rectangle(box)
                    inside = left + 1 < x < right - 1 and top + 1 < y < bottom - 1
                    assert not inside, f"a line to {route.edges} runs through {box.node.key}"


@pytest.mark.parametrize("name", samples.EVERY)
@pytest.mark.parametrize("portrait", [True, False])
@pytest.mark.parametrize("status_lines", [True, False])
def test_nothing_overlaps_in_the_samples(name, portrait, status_lines):
    check(layout(read_model(samples.EVERY[name]), portrait=portrait, status_lines=status_lines))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(machines(), st.booleans())
def test_nothing_overlaps_in_any_definition(definition, portrait):
    check(layout(read_model(definition), portrait=portrait))


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the recorded conformance cases are not beside this checkout")
def test_nothing_overlaps_in_the_recorded_definitions():
    seen = 0
    for file in sorted(CONFORMANCE.glob("*.json")):
        for case in json.loads(file.read_text()):
            if isinstance(case.get("definition"), dict):
                check(layout(read_model(case["definition"])))
                seen += 1
    assert seen > 400


def test_every_edge_is_drawn_and_reaches_its_target():
    for definition in samples.EVERY.values():
        model = read_model(definition)
        drawing = layout(model)
        drawn = {(edge.source, edge.target, edge.kind) for route in drawing.routes for edge in route.edges}
        assert drawn == {(edge.source, edge.target, edge.kind) for edge in model.edges()}
        boxes = {box.node.key: box for box in drawing.boxes}
        tips = [route for route in drawing.routes if route.tip and route.edges]
        for route in tips:
            x, y = route.curves[-1].end
            target = boxes[route.edges[0].target]
            assert target.x - 1 <= x <= target.x + target.width + 1
            assert target.y - 1 <= y <= target.y + target.height + 1


def test_pieces_of_a_route_join_without_a_gap():
    for definition in samples.EVERY.values():
        drawing = layout(read_model(definition), portrait=True)
        for route in drawing.routes:
            for before in route.before:
                end, start = drawing.routes[before].curves[-1].end, route.curves[0].start
                assert end == pytest.approx(start, abs=1.0)


def test_the_main_path_is_a_straight_line():
    drawing = layout(read_model(samples.EVERY["catches"]), portrait=True)
    middles = {box.x + box.width / 2 for box in drawing.boxes if box.node.name.startswith(("Step", "Start"))}
    assert max(middles) - min(middles) < 1


def test_catches_to_one_handler_share_a_trunk():
    drawing = layout(read_model(samples.EVERY["catches"]), portrait=True)
    catches = [route for route in drawing.routes if route.kind == "catch"]
    assert sum(route.tip for route in catches) == 2  # the trunk's, and that of the step right above the handler
    assert any(len(route.before) == 2 for route in catches)


def test_short_chains_lie_flat_and_long_ones_stand():
    assert not layout(read_model(samples.S1)).portrait
    assert layout(read_model(samples.TARGET)).portrait
    assert layout(read_model(samples.S1), portrait=True).portrait


def test_containers_of_large_definitions_are_closed_unless_asked_for():
    large = samples.machine(
        {"P": {"Type": "Parallel", "End": True, "Branches": [samples.chain(*map(str, range(200)))]}}
    )
    closed = layout(read_model(large))
    assert [box.node.name for box in closed.boxes if box.collapsed] == ["P"]
    assert len(closed.boxes) == 3
    assert closed.boxes[1].label == "Parallel · 200 states"
    assert len(layout(read_model(large), collapse=False).boxes) == 203


def test_progress_keeps_the_shape_of_the_picture():
    model = read_model(samples.TARGET)
    plain, running = layout(model), layout(model, status_lines=True)
    assert [box.node.key for box in plain.boxes] == [box.node.key for box in running.boxes]
    assert running.status_lines


@pytest.mark.parametrize(
    ("name", "most"), [("s1", 0), ("s3", 0), ("target", 1), ("loop", 0), ("nested", 0), ("catches", 0)]
)
def test_lines_hardly_cross(name, most):
    assert of_layout(layout(read_model(samples.EVERY[name]), portrait=True)).crossings <= most


def test_a_long_flow_does_not_drift_to_a_side():
    drawing = layout(read_model(samples.large(400)), portrait=True)
    assert drawing.width < 500


def test_number_of_cells_is_linear_in_the_catches_of_one_handler():
    def routes(states):
        drawing = layout(read_model(samples.large(states)))
        return sum(len(route.curves) for route in drawing.routes)

    assert routes(800) < 2.3 * routes(400)


def graphviz_figures() -> dict[str, Figures]:
    """Those of Graphviz's pictures of the same boxes, as ``tests.graph.compare`` recorded them."""
    return {name: Figures(**found) for name, found in json.loads(RECORDED.read_text()).items()}


def test_lines_cross_no_more_often_than_in_graphviz_pictures():
    theirs = graphviz_figures()
    ours = {name: of_layout(our_layout(name)) for name in SHAPES}
    assert theirs.keys() == ours.keys()
    assert all(found.crossings <= theirs[name].crossings + 1 for name, found in ours.items())
    assert sum(found.crossings for found in ours.values()) < sum(found.crossings for found in theirs.values())


def test_lines_are_about_as_long_as_in_graphviz_pictures():
    theirs = graphviz_figures()
    ours = {name: of_layout(our_layout(name)) for name in SHAPES}
    # A container is entered above and left below here, which is longer than leaving it at any side.
    assert all(found.length < 1.8 * theirs[name].length for name, found in ours.items())
    assert sum(found.length for found in ours.values()) < 1.1 * sum(found.length for found in theirs.values())


@pytest.mark.parametrize("name", SHAPES)
def test_picture_in_the_documentation_is_what_is_drawn_today(name):
    committed = (DOCS / "images" / "shapes" / f"{name}.svg").read_text(encoding="utf-8")
    drawn = draw(our_layout(name), title=SHAPES[name][0]) + "\n"
    assert drawn == committed, "run: python -m tests.graph.compare"


def test_crossing_lines_are_counted():
    cross = [[(0.0, 0.0), (2.0, 2.0)], [(0.0, 2.0), (2.0, 0.0)], [(2.0, 2.0), (3.0, 0.0)]]
    assert crossings(cross) == 1
    assert crossings(cross[1:]) == 0
