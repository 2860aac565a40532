from __future__ import annotations

import base64
import html.parser
import io
import json
import re
import sys
import xml.etree.ElementTree as ET

import pytest

from mlflowsteps.display import GraphView, ProgressView
from mlflowsteps.display.html import block, iso, link, text
from mlflowsteps.display.links import execution_link, machine_link, resource_link
from tests.graph import histories, samples
from tests.graph.histories import BEGIN, MAPPED, History

ARN = "arn:aws:states:us-east-1:123456789012:execution:Churn:run-1"
NASTY = "</script><img src=x onerror=alert(1)> \"'&$x ${y} ]]> \u202e\x00\n"


class Page(html.parser.HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data
        else:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


ALLOWED = {"div", "span", "img", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre"}
ALLOWED |= {"a", "br", "b", "script"}


def assert_harmless(markup: str, scripts: int = 1) -> Page:
    page = Page(markup)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert len(page.scripts) == scripts
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert all(value is None or "javascript:" not in value for value in attributes.values())
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", markup)
    return page


def pictures(page: Page) -> list[str]:
    found = [attributes["src"] for attributes in page.all("img")]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found)
    return [base64.b64decode(source.split(",", 1)[1]).decode() for source in found]


def running() -> ProgressView:
    description = {
        "name": "run-1",
        "status": "RUNNING",
        "startDate": BEGIN,
        "executionArn": ARN,
        "input": '{"round": 0}',
    }
    return ProgressView(samples.TARGET, description, histories.target_running(), now=BEGIN + 140)


def failed(**fields) -> ProgressView:
    events = histories.target_failed()
    description = {
        "name": "run-2",
        "status": "FAILED",
        "startDate": BEGIN,
        "stopDate": events[-1]["timestamp"],
        "executionArn": ARN,
        **fields,
    }
    return ProgressView(samples.TARGET, description, events, now=BEGIN + 9999)


def test_repr_is_a_line_with_name_size_and_status():
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    progress = ProgressView(definition, {"name": "run-1", "status": "RUNNING"}, [])

    assert repr(GraphView(definition, title="Churn")) == "<GraphView 'Churn': 1 state>"
    assert repr(progress) == "<ProgressView 'run-1': 1 state, RUNNING>"
    assert repr(GraphView({"States": 5})) == "<GraphView '': 0 states>"


def test_bundle_has_html_markdown_and_plain_text():
    for view in (GraphView(samples.TARGET), running()):
        bundle = view._repr_mimebundle_()
        assert set(bundle) == {"text/html", "text/markdown", "text/plain"}
        assert bundle["text/plain"] == str(view)
        assert "| Validate input |" in bundle["text/markdown"]


def test_picture_is_an_image_with_words_for_those_who_do_not_see_it():
    page = assert_harmless(running().to_html())
    image = page.all("img")[0]
    assert image["alt"].startswith("Graph of execution run-1: running; states: 4 succeeded, 3 running")
    for picture in pictures(page):
        ET.fromstring(picture)


def test_views_make_no_request_and_need_no_library():
    for markup in (GraphView(samples.TARGET).to_html(), running().to_html()):
        page = Page(markup)
        assert not page.all("link")
        assert not [script for script in page.all("script") if "src" in script]
        assert "require" not in page.scripts[0]
        assert len(page.scripts[0]) < 5000


def test_ids_differ_between_two_outputs_of_one_view():
    view = GraphView(samples.S1)
    ids = {attributes["id"] for _ in range(2) for _, attributes in Page(view.to_html()).tags if "id" in attributes}
    assert len(ids) == 2
    assert all(re.fullmatch("mlflowsteps-[0-9a-f]{32}", name) for name in ids)


def test_click_on_a_state_has_a_fold_to_open():
    page = Page(failed().to_html())
    folds = [fold["data-state"] for fold in page.all("details") if "data-state" in fold]
    svg = ET.fromstring(pictures(page)[0])
    states = {group.attrib.get("data-state") for group in svg.iter("{http://www.w3.org/2000/svg}g")}
    assert "Train candidates/1/Train LightGBM" in folds
    assert set(folds) <= states


def test_cells_leave_colours_to_the_page():
    page = Page(running().to_html())
    for tag in ("td", "th", "table", "tr"):
        for attributes in page.all(tag):
            style = attributes.get("style") or ""
            assert "background" not in style
            assert not re.search(r"(^|;)color:", style)
    assert "var(" not in running().to_html().split("<script>")[0]


@pytest.mark.parametrize("kind", ["graph", "progress"])
def test_hostile_names_run_nothing(kind):
    if kind == "graph":
        view = GraphView(samples.HOSTILE, title=NASTY)
    else:
        history = History()
        history.start({NASTY: NASTY})
        at = 0
        for name in samples.HOSTILE_NAMES:
            at = history.task(name, at, value={NASTY: NASTY})
        at = history.fail(at, NASTY, NASTY)
        history.add("ExecutionFailed", at, {"error": NASTY, "cause": NASTY})
        description = {"name": NASTY, "status": NASTY, "startDate": BEGIN, "executionArn": NASTY, "input": NASTY}
        view = ProgressView(samples.HOSTILE, description, history.events, notes=[NASTY], now=BEGIN + 60)
    page = assert_harmless(view.to_html())
    for picture in pictures(page):
        ET.fromstring(picture)
    markdown = view.to_markdown()
    assert not re.search(r"(?<!\\)<(?!br)", markdown.replace("&nbsp;", ""))
    assert "\u202e" not in str(view)
    assert "\x1b" not in str(view)
    for maker in (view.to_dot, view.to_mermaid, view.to_svg):
        assert "\u202e" not in maker()


def test_banner_names_state_error_cause_and_log():
    view = failed()
    assert view.failure().splitlines() == [
        "State: Failed",
        "Error: NotGoodEnough",
        "Cause: AlgorithmError: out of memory, exit code 137",
        "Log: jobs/lgbm/log.txt",
        "Earlier: Train candidates / Train LightGBM: States.TaskFailed: AlgorithmError: out of memory, exit code 137",
    ]
    words = "".join(Page(view.to_html()).words)
    assert "jobs/lgbm/log.txt" in words
    assert view.log_file == "jobs/lgbm/log.txt"
    assert view.failed_state == "Failed"


def test_succeeded_execution_has_no_banner():
    assert running().failure() == ""
    assert "alert" not in [attributes.get("role") for _, attributes in Page(running().to_html()).tags]


def test_steps_table_has_a_row_for_every_state_and_a_bar_for_every_started_one():
    page = Page(running().to_html())
    images = page.all("img")[1:]
    assert len(images) == 7
    assert images[-1]["alt"] == "from 1 m 6 s, 24 s"
    assert page.words.count("Tune hyperparameters") == 1
    assert [cell for cell in page.all("th") if cell.get("scope") == "col"]
    assert len([cell for cell in page.all("th") if cell.get("scope") == "row"]) == 19


def test_finished_execution_is_timed_to_its_end_and_not_to_now():
    view = failed()
    assert view.finished
    assert view.elapsed == view.description["stopDate"] - BEGIN
    assert not running().finished
    assert running().elapsed == 140


def test_digest_changes_with_what_is_told_and_not_with_time():
    description = {"name": "x", "status": "RUNNING", "startDate": BEGIN}
    events = histories.target_running()

    def digest(count, now):
        return ProgressView(samples.TARGET, description, events[:count], now=now).digest()

    assert digest(20, BEGIN + 60) == digest(20, BEGIN + 90)
    assert digest(20, BEGIN + 60) != digest(len(events), BEGIN + 60)


def test_long_values_are_cut_with_their_size_and_the_call_for_all():
    markup = block("x" * 10_000, more="execution.list_events()")
    assert "cut at 4,096 of 10,000 characters; all of it: execution.list_events()" in markup
    assert len(markup) < 4600
    assert "cut" not in block({"a": 1})


def test_console_link_only_where_asked_for():
    def links(view):
        return [a["href"] for a in Page(view.to_html()).all("a")]

    assert links(running()) == [
        "https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/" + ARN
    ]
    local = ProgressView(samples.TARGET, {"executionArn": ARN, "status": "RUNNING"}, [], links=False)
    assert links(local) == []


@pytest.mark.parametrize(
    ("address", "start"),
    [
        (execution_link(ARN.replace("arn:aws:", "arn:aws-us-gov:")), "https://us-east-1.console.amazonaws-us-gov.com/"),
        (machine_link("arn:aws-cn:states:cn-north-1:1:stateMachine:m"), "https://cn-north-1.console.amazonaws.cn/"),
        (
            resource_link("arn:aws:sagemaker:eu-west-1:1:training-job/a"),
            "https://eu-west-1.console.aws.amazon.com/sage",
        ),
        (resource_link("arn:aws:lambda:eu-west-1:1:function:f:3"), "https://eu-west-1.console.aws.amazon.com/lambda"),
    ],
)
def test_links_follow_the_partition(address, start):
    assert address.startswith(start)


@pytest.mark.parametrize(
    "arn", ["", "x", "arn:evil:states:us-east-1:1:execution:a:b", "arn:aws:states:a/b:1:execution:a:b"]
)
def test_no_link_for_what_is_no_arn(arn):
    assert execution_link(arn) == resource_link(arn) == ""


def test_link_refuses_other_schemes():
    assert link("javascript:alert(1)", "x") == "x"
    assert 'href="https://a/&quot;' in link('https://a/"', "x")


def test_text_escapes_everything_but_markup():
    assert text(NASTY) == (
        "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &quot;&#x27;&amp;$x ${y} ]]&gt; \\u202e\\x00\n"
    )
    assert text(None) == ""


def test_times_have_a_zone():
    assert iso(BEGIN) == "2025-10-09 08:53:20Z"
    assert iso(1e30) == "1e+30"


@pytest.mark.parametrize("suffix", ["svg", "html", "txt", "md", "dot", "mmd", "json"])
@pytest.mark.parametrize("make", [lambda: GraphView(samples.TARGET, title="Churn"), running])
def test_every_format_can_be_saved(tmp_path, suffix, make):
    path = make().save(tmp_path / f"picture.{suffix}")
    content = path.read_text(encoding="utf-8")
    assert "Validate input" in content
    if suffix == "svg":
        ET.fromstring(content)
    if suffix == "json":
        assert len(json.loads(content)["nodes"]) == 21
    if suffix == "html":
        page = Page(content)
        assert content.startswith("<!DOCTYPE html>")
        assert not page.all("link")
        policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
        assert policy.startswith("default-src 'none'; img-src data:")


def test_png_is_made_by_the_optional_package(tmp_path):
    pytest.importorskip("resvg_py")
    path = GraphView(samples.TARGET).save(tmp_path / "x.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_png_without_its_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ImportError, match=r"pip install 'mlflowsteps\[png\]'"):
        GraphView(samples.S1).save(tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("name", ["x.pdf", "x", ".svg2"])
def test_unknown_suffix_lists_the_known(tmp_path, name):
    with pytest.raises(ValueError, match=r"known: \.svg, \.png, \.html"):
        GraphView(samples.S1).save(tmp_path / name)


def test_exports_to_other_libraries():
    view = GraphView(samples.TARGET)
    graph = view.to_networkx()
    assert graph.number_of_nodes() == 21
    source = view.to_graphviz().source
    assert source.startswith("digraph {")
    assert "cluster_" in source
    assert source.count("{") == source.count("}")
    assert json.loads(json.dumps(view.to_dict()))["edges"][0]["kind"] == "start"


def test_json_text_is_a_definition_too():
    assert str(GraphView(json.dumps(samples.S1))) == str(GraphView(samples.S1))


def test_progress_of_an_unknown_definition_still_lists_its_steps():
    view = ProgressView({}, {"name": "x", "status": "RUNNING"}, histories.map_run(), now=BEGIN + 60)
    assert "Score" in "".join(Page(view.to_html()).words)


def test_map_row_counts_iterations():
    view = ProgressView(
        MAPPED, {"name": "m", "status": "RUNNING", "startDate": BEGIN}, histories.map_run(), now=BEGIN + 99
    )
    words = "".join(Page(view.to_html()).words)
    assert "1 running, 1 failed, 3 succeeded" in words
    assert "3/5, 1 failed" in words


def test_notes_stand_in_the_header():
    view = ProgressView(samples.S1, {"name": "x", "status": "RUNNING"}, [], notes=["throttled: trying again"])
    assert "throttled: trying again" in view.to_html()
    assert "throttled: trying again" in str(view)


def test_printing_needs_no_terminal():
    stream = io.StringIO()
    print(running(), file=stream)
    assert stream.getvalue().startswith("run-1: ▶")


def test_long_causes_are_shortened_in_the_banner_and_nothing_is_told_twice():
    tail = [f"epoch {number}" for number in range(30)]
    cause = json.dumps({"FailureReason": "\n".join(["Exit Code: 3", "Log: /jobs/1/log.txt", *tail]), "LocalRun": {}})
    history = History()
    history.start()
    at = history.fail(history.schedule(history.enter("Train Step", 0)), "States.TaskFailed", cause)
    history.add("ExecutionFailed", at, {"error": "States.TaskFailed", "cause": cause})
    logs = {"Train Step": [*tail, "[job] ended with exit code 3"]}
    lines = ProgressView(samples.S1, {"name": "n"}, history.events, logs=logs).failure().splitlines()
    assert lines[2:6] == ["Cause: Exit Code: 3", "Log: /jobs/1/log.txt", "epoch 0", "… 21 lines …"]
    assert lines[-2:] == ["epoch 29", "  [job] ended with exit code 3"]
    assert lines.count("epoch 29") == 1
