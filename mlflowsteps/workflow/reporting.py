"""What an execution's report holds beyond its picture: metrics, training curves, environment, the code's version.

Owns gathering: from the history's outputs, the jobs' logs, this process and this folder's git checkout. Asks SageMaker
nothing. How it is shown is ``display.report``'s.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from mlflowsteps.display.links import job_arn, resource_link
from mlflowsteps.display.report import JobFacts, Report
from mlflowsteps.graph.visits import Visit
from mlflowsteps.workflow.polling import is_passing

if TYPE_CHECKING:
    from mlflowsteps.display import ProgressView
    from mlflowsteps.workflow.job_logs import JobLogs

__all__ = ["make_report"]

_LINES = 200_000  # most lines of a log that are read for curves
_MOST_JOBS = 200
_GIT_SECONDS = 5.0


def make_report(view: ProgressView, logs: JobLogs) -> Report:
    """The report of what a view shows.

    Args:
        view: the execution; its tracker has read the whole history.
        logs: reads the jobs' logs, for the training curves.
    """
    jobs = [_job(view, path, visit, logs) for path, visit in _worked(view)]
    return Report(view, jobs=jobs, environment=_environment(), packages=_packages(), code=_code())


def _worked(view: ProgressView) -> list[tuple[str, Visit]]:
    """Visits that ran a job, in the order they began."""
    found = [
        (path, visit)
        for path, state in view.status.states.items()
        for visit in state.visits
        if ":training-job/" in job_arn(visit)
    ]
    return sorted(found, key=lambda entry: entry[1].started_id)[:_MOST_JOBS]


def _job(view: ProgressView, path: str, visit: Visit, logs: JobLogs) -> JobFacts:
    arn = job_arn(visit)
    answer, request = _object(visit.result), _object(visit.parameters)
    index = visit.iteration
    step = view.place_of(path) + ("" if index is None else f" [{index}]")
    given = answer.get("HyperParameters") or request.get("HyperParameters") or {}
    return JobFacts(
        step,
        arn.rpartition("/")[2],
        resource_link(arn) if view.links else "",
        dict(_final(answer.get("FinalMetricDataList"))),
        _curves(arn, {**request, **answer}, logs),
        {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {},
    )


def _final(rows: Any) -> Iterator[tuple[str, float]]:
    for row in rows if isinstance(rows, list) else ():
        name, value = (row.get("MetricName"), row.get("Value")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and isinstance(value, int | float):
            yield name, float(value)


def _curves(arn: str, job: Mapping[str, Any], logs: JobLogs) -> dict[str, Sequence[float]]:
    """Every value that the log tells, by the request's regexes and by XGBoost's own lines."""
    from mlflowsteps.local.jobs.metrics import metric_series, xgboost_series

    try:
        lines = logs.lines(arn, _LINES)
    except Exception as error:
        from botocore.exceptions import ClientError

        if is_passing(error) or isinstance(error, ClientError):  # without the log there are no curves, but all the rest
            return {}
        raise
    algorithm = job.get("AlgorithmSpecification")
    wanted = algorithm.get("MetricDefinitions") if isinstance(algorithm, dict) else None
    return {**xgboost_series(lines), **metric_series(lines, wanted or [])}


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, str):
        return {}
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _environment() -> dict[str, str]:
    import mlflowsteps

    return {
        "mlflowsteps": mlflowsteps.__version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Platform": platform.platform(),
        "Processor": platform.machine(),
    }


def _packages() -> dict[str, str]:
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a damaged installation has none
            found[name] = distribution.version
    return found


def _code() -> dict[str, str]:
    """Commit, branch and state of the git checkout round the current folder; nothing where there is none."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return {"Program": sys.argv[0]} if sys.argv and sys.argv[0] else {}
    changed = _git("status", "--porcelain", "--untracked-files=no")
    count = len(changed.splitlines()) if changed is not None else None
    state = {None: "not known", 0: "as committed"}.get(count, f"{count} files differ from the commit")
    return {"Commit": commit, "Branch": _git("rev-parse", "--abbrev-ref", "HEAD") or "", "Checkout": state}


def _git(*arguments: str) -> str | None:
    """What git answers; None where there is no git, or it fails."""
    git = shutil.which("git")
    if git is None:
        return None
    # A checkout's own configuration may name programs to start: none of them is needed here.
    command = [git, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            command, capture_output=True, timeout=_GIT_SECONDS, check=False, text=True, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
