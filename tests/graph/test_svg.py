from __future__ import annotations

import xml.etree.ElementTree as ET  # our own output, not outside input

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflowsteps.graph.build import read_model
from mlflowsteps.graph.layout import layout
from mlflowsteps.graph.status import execution_status
from mlflowsteps.graph.svg import _INK, _MUTED, _PAINTS, COLOURS, draw
from mlflowsteps.graph.visits import STATUSES
from tests.graph import histories, samples
from tests.graph.definitions import machines

SVG = "{http://www.w3.org/2000/svg}"


def picture(definition, **options):
    return draw(layout(read_model(definition)), **options)


def parse(text):
    return ET.fromstring(text)


@pytest.mark.parametrize("name", samples.EVERY)
@pytest.mark.parametrize("flavour", ["file", "notebook"])
def test_every_picture_is_xml_without_ids_scripts_or_references(name, flavour):
    root = parse(picture(samples.EVERY[name], flavour=flavour))
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "g", "rect", "path", "circle", "text", "title", "style"}
        assert "id" not in element.attrib
        assert not [key for key in element.attrib if key.startswith("on") or key.endswith("href")]


def test_hostile_names_stand_as_text():
    root = parse(picture(samples.HOSTILE, title="</svg><script>"))
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert any(title.startswith("<script>alert(1)</script>") for title in titles)
    assert any("right\\u202eot" in title for title in titles)
    assert any("two\\nlines" in title for title in titles)
    assert root.attrib["aria-label"] == "</svg><script>"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(machines(), st.text())
def test_any_definition_and_title_give_xml(definition, title):
    for flavour in ("file", "notebook"):
        parse(picture(definition, flavour=flavour, title=title))


def test_file_has_literal_colours_only():
    text = picture(samples.TARGET)
    assert "light-dark" not in text
    assert "var(" not in text
    assert "class=" not in text.replace('class="n"', "")


def test_notebook_has_a_literal_colour_before_each_themed_one():
    text = picture(samples.TARGET, flavour="notebook")
    style = parse(text).find(f"{SVG}style").text
    for declaration in style.split(";"):
        if "light-dark(" in declaration:
            name, light = declaration.split(":light-dark(")[0], declaration.split("light-dark(")[1].split(",")[0]
            assert f"{name.rpartition('{')[2]}:{light};" in style


def test_states_can_be_reached_by_keyboard_in_a_notebook():
    root = parse(picture(samples.S2, flavour="notebook"))
    reachable = [group.attrib for group in root.iter(f"{SVG}g") if group.attrib.get("tabindex") == "0"]
    assert [group["data-state"] for group in reachable] == list(samples.S2["States"])
    assert all(group["aria-label"] for group in reachable)


def test_status_is_told_in_words_and_icons():
    model = read_model(samples.TARGET)
    status = execution_status(samples.TARGET, histories.target_failed())
    root = parse(draw(layout(model, status_lines=True), status))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for word in ("Succeeded · 7 s", "Failed · 39 s", "Caught · 45 s", "Aborted · 36 s", "Not started"):
        assert word in texts


def test_taken_edges_are_heavier_from_where_the_way_joins_the_trunk():
    model = read_model(samples.TARGET)
    status = execution_status(samples.TARGET, histories.target_failed())
    root = parse(draw(layout(model, status_lines=True), status))
    heavy = [path for path in root.iter(f"{SVG}path") if path.attrib.get("stroke-width") == "2.8"]
    light = [path for path in root.iter(f"{SVG}path") if path.attrib.get("stroke-dasharray") == "6 4"]
    assert len(heavy) == 2  # from the Parallel to the trunk, and the trunk from there on
    assert light


def test_unknown_flavour_is_refused():
    with pytest.raises(ValueError, match="neither 'file' nor 'notebook'"):
        picture(samples.S1, flavour="pdf")


def contrast(one, two):
    def luminance(colour):
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize("status", STATUSES)
def test_texts_have_a_contrast_of_at_least_four_and_a_half(status, dark):
    fill = COLOURS[status][0][dark]
    assert contrast(_INK[dark], fill) >= 4.5
    assert contrast(_MUTED[dark], fill) >= 4.5
    assert contrast(COLOURS[status][1][dark], ("#ffffff", "#14181d")[dark]) >= 3
    assert contrast(_INK[0], COLOURS[status][0][0]) >= 4.5  # badges are light in both themes


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize("role", ["box", "frame", "missing", "lost", "dot", "paper"])
def test_labels_can_be_read_on_every_ground(role, dark):
    assert contrast(_MUTED[dark], _PAINTS[role]["fill"][dark]) >= 4.5


def test_two_hundred_states_stay_below_four_hundred_kilobytes():
    assert len(picture(samples.large(200), flavour="notebook")) < 400_000


def test_closed_container_tells_how_many_states_failed_inside():
    status = execution_status(samples.TARGET, histories.target_failed())
    closed = draw(layout(read_model(samples.TARGET), collapse=True, status_lines=True), status)
    assert "1 failed inside" in closed
    assert "failed inside" not in draw(layout(read_model(samples.TARGET), collapse=False, status_lines=True), status)
