"""Workflows of many states stay usable: closed containers, a field that finds a state, addresses of states."""

from __future__ import annotations

import pytest

from mlflowsteps.display import GraphView
from tests.browser import views
from tests.graph import samples


def blocks(count: int) -> dict:
    states = {
        f"Block {number}": {
            "Type": "Parallel",
            "Branches": [samples.chain(f"Left {number}", f"学習 {number}"), samples.chain(f"a/b~c {number}")],
            **({"Next": f"Block {number + 1}"} if number + 1 < count else {"End": True}),
        }
        for number in range(count)
    }
    return samples.machine(states)


def find(seen, words):
    field = seen.page.get_by_label("Find a state")
    field.fill(words)
    return field


def told(seen):
    return seen.page.get_by_role("status").inner_text()


def in_view(seen, key):
    box = seen.page.locator(f'.n[data-state="{key}"]').bounding_box()
    return 0 <= box["y"] <= 1000


def test_a_state_is_found_by_a_part_of_its_name(opened):
    seen = opened(GraphView(samples.large(400)).to_html())
    assert not in_view(seen, "State 321")
    field = find(seen, "state 32")
    assert told(seen).startswith("11 found")
    for _ in range(3):
        field.press("Enter")
    assert told(seen) == "3 of 11: State 321"
    assert in_view(seen, "State 321")
    assert seen.page.locator(".hit").count() == 11
    field.press("Shift+Enter")
    assert told(seen) == "2 of 11: State 320"
    find(seen, "no such state")
    assert told(seen) == "0 found"
    assert seen.page.locator(".hit").count() == 0
    seen.assert_quiet()


@pytest.mark.parametrize(("words", "key"), [("学習 40", "Block 40/0/学習 40"), ("a/b~c 40", "Block 40/1/a~1b~0c 40")])
def test_a_state_inside_a_closed_container_is_found_at_its_container(opened, words, key):
    seen = opened(GraphView(blocks(60)).to_html())
    assert seen.page.locator(".n").count() == 60
    find(seen, words).press("Enter")
    assert told(seen).startswith("1 of 1: Block 40/")
    assert seen.page.locator(".hit").get_attribute("data-state") == "Block 40"
    assert in_view(seen, "Block 40")
    assert seen.page.locator(f'details[data-state="{key}"]').evaluate("fold => fold.open")
    seen.assert_quiet()


def test_small_pictures_have_no_field(opened):
    seen = opened(GraphView(samples.S3).to_html())
    assert seen.page.get_by_label("Find a state").count() == 0


def test_what_was_looked_for_stays_when_a_live_view_is_replaced(opened):
    seen = opened(f"<div id=output>{views.failed().to_html()}</div>")
    find(seen, "train")
    replace = """markup => { const output = document.getElementById('output'); output.innerHTML = markup;
      for (const old of output.querySelectorAll('script')) { const fresh = document.createElement('script');
        fresh.textContent = old.textContent; old.replaceWith(fresh); } }"""
    seen.page.evaluate(replace, views.failed().to_html())
    assert seen.page.get_by_label("Find a state").input_value() == "train"
    assert seen.page.locator(".hit").count() > 0


def test_a_page_opens_the_state_that_its_address_names(opened, tmp_path):
    path = views.failed().save(tmp_path / "run.html")
    seen = opened(path)
    fold = seen.page.locator("details[data-state='Prepare data']")
    assert not fold.evaluate("fold => fold.open")
    seen.page.evaluate("location.hash = '#state=Prepare%20data'")
    fold.locator("pre").first.wait_for(state="visible")
    seen.page.evaluate("location.hash = '#state=%E0%A4%A'")  # no UTF-8: nothing happens
    seen.assert_quiet()


def test_two_thousand_states_are_drawn_and_found(opened):
    seen = opened(GraphView(samples.large(2000)).to_html())
    find(seen, "State 1987").press("Enter")
    assert in_view(seen, "State 1987")
    seen.assert_quiet()
