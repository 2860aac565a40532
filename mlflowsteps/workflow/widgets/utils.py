"""Times, console addresses and the frame of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from mlflowsteps.steps.integration_resources import current_region

__all__ = [
    "AWS_SAGEMAKER_URL",
    "AWS_SFN_EXECUTIONS_DETAIL_URL",
    "AWS_SFN_STATE_MACHINE_URL",
    "cell",
    "create_sfn_execution_url",
    "create_sfn_workflow_url",
    "format_time",
    "get_elapsed_ms",
    "get_timestamp",
    "link",
    "row",
    "sagemaker_console_link",
    "table",
]

AWS_SAGEMAKER_URL = "https://console.aws.amazon.com/sagemaker/home?region={region}#/{resource_type}/{resource}"
AWS_SFN_EXECUTIONS_DETAIL_URL = (
    "https://console.aws.amazon.com/states/home?region={region}#/executions/details/{execution_arn}"
)
AWS_SFN_STATE_MACHINE_URL = (
    "https://console.aws.amazon.com/states/home?region={region}#/statemachines/view/{state_machine_arn}"
)
_CONSOLE = "console.aws.amazon.com"
_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def format_time(timestamp: datetime | None) -> str:
    """A time as the tables show it; ``-`` for None.

    >>> format_time(datetime(2020, 1, 2, 13, 30, 45, 123000))
    'Jan 02, 2020 01:30:45.123 PM'
    """
    if timestamp is None:
        return "-"
    return timestamp.strftime("%b %d, %Y %I:%M:%S.%f")[:-3] + timestamp.strftime(" %p")


def get_timestamp(date: datetime) -> float:
    """Seconds since 1970."""
    return date.timestamp()


def get_elapsed_ms(start_datetime: datetime, end_datetime: datetime) -> float:
    """Milliseconds between two times, whole seconds included."""
    return (end_datetime - start_datetime).total_seconds() * 1000


def create_sfn_execution_url(execution_arn: str) -> str:
    """The console's page of an execution, in its partition."""
    return _of_arn(AWS_SFN_EXECUTIONS_DETAIL_URL, execution_arn, "execution_arn")


def create_sfn_workflow_url(state_machine_arn: str) -> str:
    """The console's page of a state machine, in its partition."""
    return _of_arn(AWS_SFN_STATE_MACHINE_URL, state_machine_arn, "state_machine_arn")


def sagemaker_console_link(resource_type: str, resource: str) -> str:
    """The console's page of a SageMaker resource in the current region."""
    region = current_region() or ""
    return AWS_SAGEMAKER_URL.format(region=region, resource_type=resource_type, resource=resource)


def _of_arn(template: str, arn: str, name: str) -> str:
    parts = [*arn.split(":", 5), *[""] * 5]
    address = template.format(**{"region": parts[3], name: arn})
    return address.replace(_CONSOLE, _CONSOLES.get(parts[1], _CONSOLE), 1)


# ----------------------------------------------------------------------------------------------------------- markup


def table(headings: Sequence[str], rows: Iterable[str]) -> str:
    """A table of ready rows."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "\n".join(rows)
    return f'<table class="table-widget">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def row(cells: Iterable[str]) -> str:
    """A row of ready cells."""
    return f'<tr class="awsui-table-row">{"".join(cells)}</tr>'


def cell(value: Any) -> str:
    """A cell with text in it, escaped."""
    return f"<td>{escape(str(value))}</td>"


def link(address: str, text: str) -> str:
    """A cell with a link in it, both escaped; without an address, the text alone in the same place."""
    where = f'href="{escape(address)}"' if address else "class='disabled'"
    return f'<td><a {where} target="_blank">{escape(text)}</a></td>'
