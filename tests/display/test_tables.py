from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mlflowsteps.display import EventList, ExecutionList, WorkflowList
from tests.display.test_views import ARN, NASTY, Page, assert_harmless
from tests.graph import histories, samples
from tests.graph.histories import BEGIN, MAPPED


def execution(**fields):
    return {
        "executionArn": ARN,
        "name": "run-1",
        "status": "FAILED",
        "startDate": BEGIN,
        "stopDate": BEGIN + 90.25,
        **fields,
    }


def test_lists_are_real_lists_of_what_was_put_in():
    rows = [execution(), execution(name="run-2")]
    listed = ExecutionList(rows)
    assert isinstance(listed, list)
    assert listed == rows
    assert listed[0] is rows[0]
    assert len(listed[:1]) == 1


def test_duration_of_ninety_seconds_and_a_quarter_is_right():
    assert "1 m 30 s" in ExecutionList([execution()]).to_text()
    assert "250.0" not in ExecutionList([execution()]).to_html()


def test_rows_may_be_objects():
    @dataclass
    class Execution:
        execution_arn: str
        name: str
        status: str
        start_date: datetime
        stop_date: datetime | None = None

    row = Execution(ARN, "run-9", "RUNNING", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    text = ExecutionList([row]).to_text()
    assert "run-9" in text
    assert "2026-01-02 03:04:05Z" in text
    assert "Running" in text


def test_tables_have_caption_headers_and_badges_with_words():
    page = Page(ExecutionList([execution()], title="Churn").to_html())
    assert len(page.all("caption")) == 1
    assert {cell["scope"] for cell in page.all("th")} == {"col", "row"}
    assert "✕ Failed" in page.words
    assert "Executions of Churn" in page.words


def test_note_and_empty_list_say_so():
    assert "no executions" in ExecutionList([]).to_html()
    assert "no workflows" in WorkflowList([]).to_text()
    listed = ExecutionList([execution()], note="showing 1 of more: raise max_items")
    assert "showing 1 of more: raise max_items" in listed.to_html()
    assert listed.to_text().endswith("showing 1 of more: raise max_items")


def test_names_link_to_the_console_unless_local():
    assert [a["href"] for a in Page(ExecutionList([execution()]).to_html()).all("a")]
    assert not Page(ExecutionList([execution()], links=False).to_html()).all("a")
    machine = {"stateMachineArn": "arn:aws-cn:states:cn-north-1:1:stateMachine:m", "name": "m", "type": "EXPRESS"}
    assert "console.amazonaws.cn" in WorkflowList([machine]).to_html()


def test_events_name_step_iteration_and_time_since_start():
    listed = EventList(histories.map_run(), definition=MAPPED)
    text = listed.to_text()
    assert "Each[3] / Score" in text
    assert "✕ TaskFailed" in text
    assert "✕ MapIterationFailed" in text
    assert "0.000 s" in text


def test_interleaved_branches_keep_their_names():
    rows = EventList(histories.target_running(), definition=samples.TARGET).to_text().splitlines()
    succeeded = [row for row in rows if "TaskSucceeded" in row]
    assert "Train candidates[2] / Train linear baseline" in succeeded[2]
    assert "Train candidates[0] / Train XGBoost" in succeeded[3]


def test_events_in_reverse_order_keep_it_and_their_steps():
    events = histories.target_running()
    backwards = EventList(reversed(events), definition=samples.TARGET).to_text().splitlines()
    forwards = EventList(events, definition=samples.TARGET).to_text().splitlines()
    assert backwards[2:] == forwards[:1:-1]


def test_events_without_a_definition_still_name_their_steps():
    text = EventList(histories.map_run()).to_text()
    assert "Score" in text


def test_events_are_never_modified_and_todays_details_are_no_trouble():
    events = histories.target_failed()
    before = copy.deepcopy(events)
    listed = EventList(events, definition=samples.TARGET)
    listed.to_html()
    listed.to_text()
    assert events == before
    assert "truncated" not in listed.to_html()


def test_unknown_resources_are_shown_as_they_are():
    event = {
        "id": 1,
        "type": "TaskScheduled",
        "taskScheduledEventDetails": {"resourceType": "new", "resource": "doIt.sync"},
    }
    assert "new:doIt.sync" in EventList([event]).to_html()


def test_known_resources_link():
    arn = "arn:aws:lambda:us-east-1:1:function:f"
    event = {"id": 1, "type": "LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails": {"resource": arn}}
    assert Page(EventList([event]).to_html()).all("a")
    assert not Page(EventList([event], links=False).to_html()).all("a")


@pytest.mark.parametrize("links", [True, False])
def test_hostile_values_run_nothing_in_any_table(links):
    events = [
        {"id": 1, "type": NASTY, "previousEventId": NASTY, "timestamp": NASTY, "xEventDetails": {NASTY: NASTY}},
        {
            "id": 2,
            "type": "TaskStateEntered",
            "stateEnteredEventDetails": {"name": NASTY, "input": '{"a": "$$.x $js"}'},
        },
    ]
    tables = [
        EventList(events, links=links),
        ExecutionList([execution(name=NASTY, executionArn=NASTY, status=NASTY, error=NASTY)], links=links, title=NASTY),
        WorkflowList([{"name": NASTY, "stateMachineArn": NASTY, "type": NASTY, "creationDate": NASTY}], links=links),
    ]
    for table in tables:
        assert_harmless(table.to_html(), scripts=0)
        assert "\u202e" not in table.to_text()
    assert "$$.x $js" in "".join(Page(tables[0].to_html()).words)


def test_text_columns_are_aligned_also_for_wide_characters():
    lines = WorkflowList(
        [{"name": "機械", "stateMachineArn": "a"}, {"name": "abcdef", "stateMachineArn": "b"}]
    ).to_text()
    first, second = lines.splitlines()[2:]
    assert first.index("STANDARD") + 2 == second.index("STANDARD")


def test_html_flag_is_kept_for_callers_that_ask():
    assert ExecutionList([], html=True).html
    assert ExecutionList([])._repr_html_() == ExecutionList([]).to_html()


def test_ipython_shows_the_table_where_there_is_no_html():
    class Printer:
        said = ""

        def text(self, words):
            self.said += words

    printer, rows = Printer(), ExecutionList([{"name": "run-1", "status": "FAILED"}])
    rows._repr_pretty_(printer, cycle=False)
    assert printer.said == rows.to_text()
    assert "run-1" in printer.said


def test_time_since_the_start_counts_from_the_execution_s_start_where_it_is_known():
    late = [{"id": 9, "previousEventId": 8, "type": "ExecutionSucceeded", "timestamp": 90.25}]
    assert "1 m 30.250 s" in EventList(late, start=0.0).to_text()
    assert "0.000 s" in EventList(late).to_text()
