"""Rules about likely mistakes: nothing here is a fault, all of it is a warning.

Each warns only where it is sure of what it says: a state whose output is not known in full silences what depends on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mlflowsteps.asl.rules.view import Level, State, fault, pointer
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = ["LEVEL_WARNINGS", "STATE_WARNINGS"]

Found = Iterator[Diagnostic]

MAX_PAYLOAD = 262_144
NEAR = 0.8
"""The part of the limit from which on a payload is said to be near it."""

_JOB_NAMES = {
    "createTrainingJob": "TrainingJobName",
    "createProcessingJob": "ProcessingJobName",
    "createTransformJob": "TransformJobName",
    "createHyperParameterTuningJob": "HyperParameterTuningJobName",
    "createLabelingJob": "LabelingJobName",
}
_JOB = re.compile(r"arn:[^:]*:states:::sagemaker:(\w+)\.sync")
_CHANGING = re.compile(r"RetryCount|States\.UUID|States\.MathRandom|\$uuid|\$random|\$millis|\$now")
_AFTER_WORK = frozenset({"States.ALL", "States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout"})


def repeated_job_names(state: State) -> Found:
    """A job that has begun keeps its name: a retry after it failed needs another one."""
    resource = state.body.get("Resource")
    job = _JOB.fullmatch(resource) if isinstance(resource, str) else None
    payload = state.body.get("Arguments" if state.jsonata else "Parameters")
    if job is None or job[1] not in _JOB_NAMES or not isinstance(payload, dict) or not _retries_work(state):
        return
    key = _JOB_NAMES[job[1]]
    for name in (key, f"{key}.$"):
        value = payload.get(name)
        if isinstance(value, str) and not _CHANGING.search(value):
            where = pointer(state.pointer, "Arguments" if state.jsonata else "Parameters", name)
            message = f"A retry after the job failed would use its name again, which is taken: {value[:100]}"
            hint = "Add $$.State.RetryCount to the name; in Python: unique_job_name(...)"
            yield fault(where, message, hint, code="REPEATED_JOB_NAME", severity="WARNING")


def _retries_work(state: State) -> bool:
    """True where a retrier is for errors that come after the job has begun."""
    return any(
        _AFTER_WORK.intersection(_names(entry)) and entry.get("MaxAttempts") != 0 for entry in _entries(state, "Retry")
    )


def _entries(state: State, field: str) -> list[dict[str, Json]]:
    entries = state.body.get(field)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _names(entry: dict[str, Json]) -> list[str]:
    names = entry.get("ErrorEquals")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def never_matching(state: State) -> Found:
    """A retrier or catcher after one that matches all of its errors is never used."""
    for field in ("Retry", "Catch"):
        entries = state.body.get(field)
        seen: set[str] = set()
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            names = _names(entry) if isinstance(entry, dict) else []
            if names and all(_is_taken(name, seen) for name in names):
                where = pointer(state.pointer, field, index, "ErrorEquals")
                message = f"An earlier entry of {field} matches {', '.join(names)[:200]} already; this one never does"
                hint = "Remove it, or put it first"
                yield fault(where, message, hint, code="NEVER_MATCHES", severity="WARNING")
            seen.update(names)


def _is_taken(name: str, seen: set[str]) -> bool:
    return name in seen or ("States.TaskFailed" in seen and not name.startswith("States."))


def large_payloads(state: State) -> Found:
    """What stands in a state is part of a payload, which has a limit."""
    for field in ("Result", "Parameters", "Arguments", "Output", "ItemSelector", "ResultSelector"):
        value = state.body.get(field)
        if not isinstance(value, dict | list | str):
            continue
        try:
            size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        except (RecursionError, ValueError):
            continue  # told by the rules of expressions
        if size > NEAR * MAX_PAYLOAD:
            message = f"{field} alone has {size} bytes of the {MAX_PAYLOAD} that a payload may have"
            hint = "Put the data into S3 and pass its place on"
            where = pointer(state.pointer, field)
            yield fault(where, message, hint, code="PAYLOAD_NEAR_LIMIT", severity="WARNING")


# --- paths that nothing produces

_Keys = frozenset[str] | None  # the keys of an object that are known to be all; None: anything may be there

_FIRST = re.compile(r"\$(?:\.([A-Za-z_][A-Za-z_0-9]*)|\['([^'\\]+)'\])")
_READS = ("InputPath", "ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath")
_TEMPLATES = ("Parameters", "ItemSelector")
_RESULTS = {"Pass": ("Result", "Parameters"), "Task": ("ResultSelector",), "Parallel": ("ResultSelector",),
            "Map": ("ResultSelector",)}  # fmt: skip


def paths_without_source(level: Level) -> Found:
    """A path into the input names what no state before can have produced, where those are all known."""
    inputs = _inputs_of(level)
    for name, state in level.states.items():
        known = inputs.get(name)
        if known is None or state.jsonata:
            continue
        for where, text in _read_paths(state):
            match = _FIRST.match(text)
            key = match and (match[1] or match[2])
            if key and key not in known:
                message = f"No state before {name!r} puts {key!r} into its input: {text[:100]}"
                hint = state.hints.near(key, known, f"There is: {', '.join(sorted(known))[:200] or 'nothing'}")
                yield fault(where, message, hint, code="PATH_NOT_PRODUCED", severity="WARNING")


def _inputs_of(level: Level) -> dict[str, _Keys]:
    """What is known of each state's input. Keys are only ever added, so that this ends after few rounds."""
    inputs: dict[str, _Keys] = {}
    start = level.body.get("StartAt")
    waiting: list[tuple[str, _Keys]] = [(start, None)] if isinstance(start, str) else []
    visits = 0
    while waiting and visits < 50 * len(level.states) + 50:
        visits += 1
        name, keys = waiting.pop()
        if name not in level.states:
            continue
        merged = keys if name not in inputs else _either(inputs[name], keys)
        if name in inputs and merged == inputs[name]:
            continue
        inputs[name] = merged
        waiting.extend(_passed_on(level.states[name], merged))
    return {} if waiting else inputs


def _either(first: _Keys, second: _Keys) -> _Keys:
    return None if first is None or second is None else first | second


def _passed_on(state: State, keys: _Keys) -> Iterator[tuple[str, _Keys]]:
    """The states that follow, with what is known of what each is given."""
    output = _output(state, keys)
    for field in ("Next", "Default"):
        if isinstance(state.body.get(field), str):
            yield state.body[field], output
    for choice in _entries(state, "Choices"):
        if isinstance(choice.get("Next"), str):
            yield choice["Next"], None if "Output" in choice else output
    for catcher in _entries(state, "Catch"):
        if isinstance(catcher.get("Next"), str):
            caught = None if state.jsonata else _placed(catcher, keys, frozenset({"Error", "Cause"}))
            yield catcher["Next"], caught


def _output(state: State, keys: _Keys) -> _Keys:
    body = state.body
    if state.jsonata or "InputPath" in body or body.get("OutputPath", "$") != "$":
        return None
    if state.type not in _RESULTS:
        return keys
    made = next((body[field] for field in _RESULTS[state.type] if field in body), None)
    if made is None:
        result = keys if state.type == "Pass" else None
    else:
        result = frozenset(str(key).removesuffix(".$") for key in made) if isinstance(made, dict) else None
    return _placed(body, keys, result)


def _placed(body: dict[str, Json], keys: _Keys, result: _Keys) -> _Keys:
    """What is known once a result is put at ResultPath."""
    path = body.get("ResultPath", "$")
    if path == "$":
        return result
    if path is None:
        return keys
    match = _FIRST.match(path) if isinstance(path, str) else None
    return None if keys is None or match is None else keys | {match[1] or match[2]}


def _read_paths(state: State) -> Iterator[tuple[str, str]]:
    """Place and text of each path that is read from the state's input as it came in."""
    for field in _READS:
        value = state.body.get(field)
        if isinstance(value, str) and (field == "InputPath" or "InputPath" not in state.body):
            yield pointer(state.pointer, field), value
    pending = [
        (pointer(state.pointer, field), state.body.get(field)) for field in _TEMPLATES if "InputPath" not in state.body
    ]
    while pending:
        where, value = pending.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if key.endswith(".$") and isinstance(item, str):
                    yield pointer(where, key), item
                elif isinstance(item, dict | list):
                    pending.append((pointer(where, key), item))
        elif isinstance(value, list):
            pending.extend((pointer(where, index), item) for index, item in enumerate(value))


STATE_WARNINGS = (repeated_job_names, never_matching, large_payloads)
LEVEL_WARNINGS = (paths_without_source,)
