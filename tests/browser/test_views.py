"""What a person sees, in a real browser: nothing runs that should not, the picture is there, and it can be used."""

from __future__ import annotations

import re

import pytest

from mlflowsteps.display import GraphView, JobFacts, Report
from tests.browser import views
from tests.graph import samples

HOSTILE_VIEWS = views.hostile_views()
STRIPPED = re.compile(r"<script.*?</script>|<style.*?</style>|<svg.*?</svg>", re.DOTALL)

# All of the page, the shadow root too: every text with its colour and what is painted behind it.
CONTRASTS = r"""() => {
  const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parse = colour => {
    probe.clearRect(0, 0, 1, 1); probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05); };
  const paper = element => { for (let e = element; e; e = e.parentElement || (e.getRootNode().host)) {
    const colour = parse(getComputedStyle(e).backgroundColor); if (colour[3] > 0.5) return colour; }
    return parse('Canvas'); };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
    found.push([n.data.trim().slice(0, 40), ratio(parse(getComputedStyle(e).color), paper(e))]); }
  for (const host of document.querySelectorAll('*')) {
    const svg = host.shadowRoot && host.shadowRoot.querySelector('svg'); if (!svg) continue;
    const shapes = [...svg.querySelectorAll('rect,path,circle')].map(s => [s, s.getBoundingClientRect()]);
    for (const t of svg.querySelectorAll('text')) {
      const box = t.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
      let behind = paper(host);
      for (const [shape, area] of shapes) {
        if (!(shape.compareDocumentPosition(t) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
        const fill = getComputedStyle(shape).fill;
        const under = area.x <= x && x <= area.right && area.y <= y && y <= area.bottom;
        if (fill !== 'none' && under) behind = parse(fill); }
      found.push([t.textContent.slice(0, 40), ratio(parse(getComputedStyle(t).fill), behind)]); } }
  return found; }"""


def untrusted(markup: str) -> str:
    """What a notebook's sanitiser leaves: no script, style or inline SVG."""
    return STRIPPED.sub("", markup)


def open_all(page) -> None:
    """Unfold everything, move over everything and press keys, as a curious reader would."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.mouse.move(300, 200)
    page.mouse.wheel(0, 500)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", HOSTILE_VIEWS)
def test_no_value_runs_a_script_or_asks_a_network(opened, name, dark):
    seen = opened(HOSTILE_VIEWS[name], dark=dark)
    open_all(seen.page)
    seen.assert_quiet()
    assert seen.page.locator("img, svg, table").count() > 0
    assert seen.page.locator("iframe, link, object, a[href^='http://'], a[href^='javascript']").count() == 0


def test_no_value_runs_a_script_in_a_saved_page(opened, tmp_path):
    made = {"graph": GraphView(views.definition(), title=views.ALL), "run": views.progress(), "report": views.report()}
    for name, view in made.items():
        seen = opened(view.save(tmp_path / f"{name}.html"))
        open_all(seen.page)
        seen.assert_quiet()
        assert seen.page.locator(".n[data-state]").first.is_visible()
        widths = seen.page.locator("img").evaluate_all("all => all.map(image => image.naturalWidth)")
        assert 0 not in widths


@pytest.mark.parametrize("dark", [False, True])
def test_report_can_be_read_in_both_themes(opened, tmp_path, dark):
    jobs = [JobFacts("Train", "job-1", metrics={"auc": 0.9}, curves={"train:auc": [0.5, 0.9]})]
    made = Report(views.failed(), jobs=jobs, environment={"Python": "3.12"}, packages={"a": "1"}, code={"Commit": "0"})
    seen = opened(made.save(tmp_path / "report.html"), dark=dark)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert [entry for entry in seen.page.evaluate(CONTRASTS) if entry[1] < 4.5] == []
    seen.assert_quiet()


@pytest.mark.parametrize("name", HOSTILE_VIEWS)
def test_untrusted_view_still_shows_the_picture_and_runs_nothing(opened, name):
    seen = opened(untrusted(HOSTILE_VIEWS[name]))
    open_all(seen.page)
    seen.assert_quiet()
    for image in seen.page.locator("img[data-graph]").all():
        assert image.is_visible()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200


@pytest.mark.parametrize("dark", [False, True])
def test_untrusted_picture_brings_its_own_paper_where_the_page_names_no_theme(opened, dark):
    seen = opened(untrusted(GraphView(samples.TARGET).to_html()), system_dark=dark)
    seen.page.evaluate("document.body.style.colorScheme = 'normal'")
    corner = """image => image.decode().then(() => { const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 4; const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0);
      return [...pen.getImageData(2, 2, 1, 1).data]; })"""
    assert seen.page.locator("img[data-graph]").evaluate(corner)[3] == 255


def test_saved_svg_is_drawn_and_runs_nothing(opened, tmp_path):
    for view in (views.progress(), GraphView(views.definition(), title=views.ALL)):
        seen = opened(view.save(tmp_path / "picture.svg"))
        seen.assert_quiet()
        assert seen.page.evaluate("document.documentElement.querySelectorAll('text').length") > 10


def test_click_on_a_state_opens_its_details(opened):
    seen = opened(views.failed().to_html())
    fold = seen.page.locator("details[data-state='Train candidates/1/Train LightGBM']")
    assert not fold.evaluate("fold => fold.open")
    seen.page.locator(".n[data-state='Train candidates/1/Train LightGBM']").click()
    assert fold.evaluate("fold => fold.open")
    assert fold.get_by_text("cannot allocate").is_visible()
    seen.assert_quiet()


def test_keyboard_reaches_every_state_and_opens_it(opened):
    seen = opened(views.failed().to_html())
    focused = "document.querySelector('div').getRootNode().activeElement.shadowRoot?.activeElement?.dataset.state"
    reached = []
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        state = seen.page.evaluate(focused)
        if state:
            reached.append(state)
    assert len(set(reached)) == len(views.failed().status.states)
    seen.page.locator(".n[data-state='Validate input']").focus()
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("details[data-state='Validate input']").evaluate("fold => fold.open")
    assert seen.page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_what_was_opened_stays_open_when_a_live_view_is_replaced(opened):
    seen = opened(f"<div id=output>{views.failed().to_html()}</div>")
    seen.page.locator(".n[data-state='Validate input']").click()
    replace = """markup => { const output = document.getElementById('output'); output.innerHTML = markup;
      for (const old of output.querySelectorAll('script')) { const fresh = document.createElement('script');
        fresh.textContent = old.textContent; old.replaceWith(fresh); } }"""
    seen.page.evaluate(replace, views.failed().to_html())
    assert seen.page.locator("details[data-state='Validate input']").evaluate("fold => fold.open")
    assert not seen.page.locator("details[data-state='Prepare data']").evaluate("fold => fold.open")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["graph", "failed", "running", "executions", "events"])
def test_text_can_be_read_in_both_themes_though_the_system_prefers_the_other(opened, name, dark):
    made = {
        "graph": lambda: GraphView(samples.TARGET).to_html(),
        "failed": lambda: views.failed().to_html(),
        "running": lambda: views.running().to_html(),
    }
    markup = made[name]() if name in made else HOSTILE_VIEWS[name]
    seen = opened(markup, dark=dark, system_dark=not dark)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    contrasts = seen.page.evaluate(CONTRASTS)
    assert len(contrasts) >= 20
    assert [entry for entry in contrasts if entry[1] < 4.5] == []


def test_picture_is_never_shrunk_below_what_can_be_read(opened):
    wide = samples.machine(
        {
            "P": {
                "Type": "Parallel",
                "End": True,
                "Branches": [samples.chain(f"A fairly long name {n}") for n in range(9)],
            }
        }
    )
    seen = opened(GraphView(wide).to_html())
    sizes = seen.page.locator(".n text").evaluate_all("all => all.map(text => text.getBoundingClientRect().height)")
    assert len(sizes) > 18
    assert min(sizes) > 11
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1200
