"""Metrics read from a job's log: by the request's regexes, or, for the built-in XGBoost, from its own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["all_metrics", "final_metrics", "metric_series", "quality_metrics", "xgboost_metrics", "xgboost_series"]

_ROUND = re.compile(r"\[\d+\]((?:[\t ]+(?:train|validation)-[\w@.-]+:[-+.\w]+)+)\s*$")
_QUALITY = re.compile(r"#quality_metric: host=\S+ (train|validation|test) (\S+) <\w+>=(\S+)")
_PAIR = re.compile(r"(train|validation)-([\w@.-]+):([-+.\w]+)")


def final_metrics(log: Path, definitions: Sequence[dict[str, str]]) -> dict[str, float]:
    """The last value of each metric; as ``all_metrics`` otherwise."""
    return {name: values[-1] for name, values in all_metrics(log, definitions).items()}


def all_metrics(log: Path, definitions: Sequence[dict[str, str]]) -> dict[str, list[float]]:
    """Every value of each metric.

    Args:
        log: the job's log.
        definitions: MetricDefinitions of the request: Name and Regex, whose group 1 is the value. A regex may write a
            tab as such or as ``#011``, as it stands in CloudWatch's logs.

    Returns:
        Values by name, in the log's order; metrics that never matched a number are absent.
    """
    return metric_series(_lines(log), definitions) if definitions else {}


def xgboost_metrics(log: Path) -> dict[str, list[float]]:
    """Every ``train:<metric>`` and ``validation:<metric>`` of XGBoost's lines, as the built-in algorithm reports."""
    return xgboost_series(_lines(log))


def quality_metrics(log: Path) -> dict[str, list[float]]:
    """Every ``<channel>:<metric>`` of the lines ``#quality_metric: host=algo-1, <channel> <metric> <score>=...``."""
    found: dict[str, list[float]] = {}
    for line in _lines(log):
        match = _QUALITY.match(line)
        value = _number(match[3]) if match else None
        if match and value is not None:
            found.setdefault(f"{match[1]}:{match[2]}", []).append(value)
    return found


def metric_series(lines: Iterable[str], definitions: Sequence[dict[str, str]]) -> dict[str, list[float]]:
    """Every value of each metric, in the order of the lines; as ``all_metrics`` otherwise."""
    patterns = [(item["Name"], re.compile(item["Regex"])) for item in definitions]
    found: dict[str, list[float]] = {}
    for line in lines:
        forms = {line, line.replace("\t", "#011")}
        for name, pattern in patterns:
            match = next((m for m in map(pattern.search, forms) if m), None)
            value = _number(match[1] if match and pattern.groups else None)
            if value is not None:
                found.setdefault(name, []).append(value)
    return found


def xgboost_series(lines: Iterable[str]) -> dict[str, list[float]]:
    """Every value of ``train:<metric>`` and ``validation:<metric>`` in XGBoost's lines, one for each round."""
    found: dict[str, list[float]] = {}
    for line in lines:
        match = _ROUND.search(line.replace("#011", "\t"))
        for channel, name, text in _PAIR.findall(match[1]) if match else ():
            value = _number(text)
            if value is not None:
                found.setdefault(f"{channel}:{name}", []).append(value)
    return found


def _lines(log: Path) -> Iterable[str]:
    with log.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.startswith("[mlflowsteps]"):
                yield line.rstrip("\n")


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
