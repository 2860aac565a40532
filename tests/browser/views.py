"""Every view, with hostile text in every place that takes text."""

from __future__ import annotations

import json
from typing import Any

from mlflowsteps.display import EventList, ExecutionList, GraphView, JobFacts, ProgressView, Report, WorkflowList
from tests.graph import histories, samples
from tests.graph.histories import BEGIN, History

RUNS = "window.__ran=(window.__ran||0)+1"
HOSTILE = (
    f"<script>{RUNS}</script>",
    f"</title></style></script></svg><img src=x onerror={RUNS}>",
    f"\" onmouseover={RUNS} autofocus onfocus={RUNS} tabindex=1 x='",
    f"javascript:{RUNS}",
    f"<svg onload={RUNS}><style>@import 'http://hostile.invalid/a.css'</style>",
    f"]]><script src=http://hostile.invalid/x.js></script><!-- ${{{RUNS}}} {{{{{RUNS}}}}} $$.x -->",
    f"<iframe srcdoc='<script>{RUNS}</script>'>",
    "<link rel=stylesheet href=http://hostile.invalid/x.css><a href='http://hostile.invalid/'>a</a>",
    "\u202eright to left\x00\x1b[31m\nsecond line",
)
ALL = " ".join(HOSTILE)
EVIL_ARN = f"arn:aws:states:us-east-1:123456789012:execution:{ALL}:{ALL}"


def definition() -> dict[str, Any]:
    """Hostile names, comments, error names and rules."""
    states: dict[str, Any] = {}
    for name, after in zip(HOSTILE, [*HOSTILE[1:], "Choose"], strict=True):
        catch = [{"ErrorEquals": [ALL], "Next": "Choose"}]
        retry = [{"ErrorEquals": [ALL]}]
        states[name] = samples.task(f"arn:aws:states:::{ALL}", Next=after, Comment=ALL, Catch=catch, Retry=retry)
    rule = {"Variable": f"$['{ALL}']", "StringEquals": ALL, "Next": ALL}
    states["Choose"] = {"Type": "Choice", "Choices": [rule], "Default": f"P{ALL}"}
    inner = samples.chain(f"inner {ALL}")
    states[f"P{ALL}"] = {"Type": "Parallel", "Comment": ALL, "Branches": [inner, inner], "End": True}
    return {"Comment": ALL, **samples.machine(states)}


def events() -> list[dict[str, Any]]:
    history = History()
    history.start({ALL: ALL})
    at = 0
    for name in HOSTILE[:-1]:
        at = history.task(name, at, value={ALL: [ALL]})
    at = history.enter(HOSTILE[-1], at, value=ALL)
    at = history.schedule(at, ALL, ALL)
    at = history.fail(at, ALL, json.dumps({"FailureReason": ALL, "LogFile": ALL}))
    history.add("ExecutionFailed", at, {"error": ALL, "cause": json.dumps({"FailureReason": ALL, "LogFile": ALL})})
    history.add(ALL, at, {ALL: ALL, "resource": ALL, "resourceType": ALL})
    return history.events


def execution() -> dict[str, Any]:
    values = {"name": ALL, "executionArn": EVIL_ARN, "error": ALL, "cause": ALL, "input": ALL, "output": ALL}
    return {**values, "status": "FAILED", "startDate": BEGIN, "stopDate": BEGIN + 90}


def progress() -> ProgressView:
    return ProgressView(definition(), execution(), events(), notes=[ALL], logs={HOSTILE[-1]: [ALL, ALL]})


def report() -> Report:
    curves = {f"train:{ALL}": [1.0, 0.5], f"validation:{ALL}": [1.0, 0.7]}
    jobs = [JobFacts(ALL, ALL, f"javascript:{RUNS}", {ALL: 1.0}, curves, {ALL: value}) for value in (ALL, "b")]
    return Report(progress(), jobs=jobs, environment={ALL: ALL}, packages={ALL: ALL}, code={ALL: ALL})


def hostile_views() -> dict[str, str]:
    """Markup of every view, by its name."""
    machine = {"stateMachineArn": EVIL_ARN, "name": ALL, "type": ALL, "creationDate": ALL}
    return {
        "graph": GraphView(definition(), title=ALL).to_html(),
        "graph, closed": GraphView(definition(), title=ALL, collapse=True, portrait=False).to_html(),
        "progress": progress().to_html(),
        "events": EventList(events(), definition=definition(), note=ALL).to_html(),
        "executions": ExecutionList([execution(), {**execution(), "status": ALL}], note=ALL, title=ALL).to_html(),
        "workflows": WorkflowList([machine], note=ALL).to_html(),
    }


def failed() -> ProgressView:
    """A failed execution of the sample with containers, with a log's last lines."""
    shown = histories.target_failed()
    ended = {"name": "churn-1", "status": "FAILED", "startDate": BEGIN, "stopDate": shown[-1]["timestamp"]}
    lines = ["[0]\ttrain-auc:0.71", "MemoryError: cannot allocate 3.2 GiB"]
    return ProgressView(samples.TARGET, ended, shown, links=False, logs={"Train candidates/1/Train LightGBM": lines})


def running() -> ProgressView:
    ongoing = {"name": "churn-2", "status": "RUNNING", "startDate": BEGIN}
    return ProgressView(samples.TARGET, ongoing, histories.target_running(), now=BEGIN + 140, links=False)
