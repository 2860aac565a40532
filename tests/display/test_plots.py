from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest

from mlflowsteps.display.plots import line_plot

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def points(line: ET.Element) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]


def test_each_line_is_drawn_with_a_look_of_its_own_and_named_with_its_last_value():
    root = drawn(line_plot("Train: rmse", {"train:rmse": [3.0, 2.0, 1.25], "validation:rmse": [3.5, 3.0, 2.5]}))
    lines = root.findall(f"{NAMESPACE}polyline")
    assert len({(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}) == 2
    texts = [text.text for text in root.iter(f"{NAMESPACE}text")]
    assert {"Train: rmse", "round", "train:rmse: 1.25", "validation:rmse: 2.5"} <= set(texts)
    (_, first), *_, (_, last) = points(lines[0])
    assert first < last  # values fall, y grows downwards


def test_no_two_lines_look_alike():
    root = drawn(line_plot("t", {f"line {number}": [0.0, number] for number in range(20)}))
    looks = [(line.get("stroke"), line.get("stroke-dasharray")) for line in root.findall(f"{NAMESPACE}polyline")]
    assert len(looks) == len(set(looks)) == 8


def test_everything_stands_inside_the_picture():
    root = drawn(line_plot("t", {"a": [1e-9, 1e9, -1e9], "b": [5.0] * 1000}))
    width, height = float(root.get("width")), float(root.get("height"))
    for line in root.findall(f"{NAMESPACE}polyline"):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points(line))


def test_long_series_are_thinned_and_keep_their_ends():
    svg = line_plot("t", {"a": [float(value) for value in range(100_000)]})
    trail = points(drawn(svg).find(f"{NAMESPACE}polyline"))
    assert len(trail) <= 402
    assert trail[-1] == (426.0, 30.0)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0],
        [0.0, 0.0],
        [1e308, -1e308, 1.0, 2.0],
        [5e-324, 0.0],
        [1.0, math.nan, 2.0],
        [math.inf, 1.0, 2.0],
        [-3.0, -3.0],
    ],
)
def test_any_values_give_a_picture(values):
    svg = line_plot("t", {"a": values})
    assert drawn(svg).find(f"{NAMESPACE}polyline") is not None
    assert not re.search(r"\b(nan|inf)\b", svg)


@pytest.mark.parametrize("lines", [{}, {"a": []}, {"a": [1.0]}, {"a": [math.nan, math.nan, 1.0]}])
def test_without_two_values_there_is_no_picture(lines):
    assert line_plot("t", lines) == ""


def test_names_are_escaped():
    root = drawn(line_plot("</svg><script>x()</script>", {'"><script>\x00': [1.0, 2.0]}))
    assert not list(root.iter(f"{NAMESPACE}script"))
