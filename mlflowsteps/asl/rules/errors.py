"""Rules about Retry and Catch."""

from __future__ import annotations

from collections.abc import Iterator

from mlflowsteps.asl.rules.view import State, fault, pointer, shown, wrong_language
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = ["ERROR_NAMES", "ERROR_RULES"]

Found = Iterator[Diagnostic]

ERROR_NAMES = frozenset(
    "States." + name
    for name in (
        "ALL", "Timeout", "HeartbeatTimeout", "TaskFailed", "Permissions", "ResultPathMatchFailure",
        "ParameterPathFailure", "BranchFailed", "NoChoiceMatched", "IntrinsicFailure",
        "ExceedToleratedFailureThreshold", "ItemReaderFailed", "ResultWriterFailed", "QueryEvaluationError", "Runtime",
        "DataLimitExceeded", "ReferencePathConflict", "Http.Socket",
    )
)  # fmt: skip
_RETRY_FIELDS = {
    "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment",
}  # fmt: skip
_CATCH_FIELDS = {"ErrorEquals", "Next", "ResultPath", "Output", "Assign", "Comment"}
_NUMBERS: dict[str, tuple[bool, float, float]] = {
    # whole, least, most
    "IntervalSeconds": (True, 1, 99_999_999),
    "MaxAttempts": (True, 0, 99_999_999),
    "BackoffRate": (False, 1.0, float("inf")),
    "MaxDelaySeconds": (True, 1, 31_622_400),
}
_HINTS = {
    "ErrorEquals": 'ErrorEquals: a list of names of errors, such as ["States.ALL"]',
    "Next": "Next: name of the state to go on with",
    "IntervalSeconds": "Seconds before the first retry, 1 or more; left out it is 1",
    "MaxAttempts": "Number of retries, 0 for none; left out it is 3",
    "BackoffRate": "What the wait is multiplied by after each retry, 1 or more; left out it is 2",
    "MaxDelaySeconds": "Longest wait between retries, greater than IntervalSeconds",
}
_ALL = "States.ALL"


def _entries(state: State, field: str) -> Iterator[tuple[str, dict[str, Json], bool]]:
    """Place, entry, and whether it is the last, of the entries that are objects."""
    entries = state.body.get(field)
    found = entries if isinstance(entries, list) else []
    for index, entry in enumerate(found):
        if isinstance(entry, dict):
            yield pointer(state.pointer, field, index), entry, index == len(found) - 1


def entry_frames(state: State) -> Found:
    """Retriers and catchers are objects with the fields they may have."""
    for field, known, needed in (("Retry", _RETRY_FIELDS, ()), ("Catch", _CATCH_FIELDS, ("Next",))):
        entries = state.body.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            where = pointer(state.pointer, field, index)
            if not isinstance(entry, dict):
                yield fault(where, f"Expected value of type Object, found {shown(entry)}")
                continue
            missing = [name for name in ("ErrorEquals", *needed) if name not in entry]
            if missing:
                hint = "; ".join(_HINTS[name] for name in missing)
                yield fault(where, f"These fields are required: [{', '.join(missing)}]", hint)
            for name in entry:
                if name not in known:
                    yield fault(where, f"Field '{name}' is not supported", state.hints.near(name, known))


def error_names(state: State) -> Found:
    """ErrorEquals lists names; States.ALL stands alone in the last entry."""
    for field in ("Retry", "Catch"):
        for where, entry, last in _entries(state, field):
            if "ErrorEquals" not in entry:
                continue
            names, place = entry["ErrorEquals"], pointer(where, "ErrorEquals")
            if not isinstance(names, list):
                yield fault(place, f"Expected value of type Array, found {shown(names)}", 'Write ["..."]')
                continue
            if not names:
                yield fault(place, "Value cannot be empty", 'Name an error, or ["States.ALL"]')
            for index, name in enumerate(names):
                if not isinstance(name, str):
                    yield fault(pointer(place, index), f"Expected value of type String, found {shown(name)}")
            if _ALL in names and (len(names) > 1 or not last):
                hint = f"Give it an entry of its own at the end of {field}"
                yield fault(place, "States.ALL must appear alone and at end of list", hint)


def retry_numbers(state: State) -> Found:
    """The numbers of a retrier are numbers within their bounds."""
    for where, entry, _ in _entries(state, "Retry"):
        for name, (whole, least, most) in _NUMBERS.items():
            if name not in entry:
                continue
            value, place = entry[name], pointer(where, name)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                kind = "Integer" if whole else "Number"
                yield fault(place, f"Expected value of type {kind}, found {shown(value)}", _HINTS[name])
            elif value < least:
                yield fault(place, f"{name} must be at least {least:g}, found {value}", _HINTS[name])
            elif value > most:
                yield fault(place, f"{name} must be at most {most:.0f}, found {value}", _HINTS[name])


def retry_delays(state: State) -> Found:
    """MaxDelaySeconds is greater than IntervalSeconds."""
    for where, entry, _ in _entries(state, "Retry"):
        most, first = entry.get("MaxDelaySeconds"), entry.get("IntervalSeconds", 1)
        if type(most) is int and type(first) is int and 1 <= most <= first:
            message = f"MaxDelaySeconds must be greater than IntervalSeconds, found {most} and {first}"
            yield fault(pointer(where, "MaxDelaySeconds"), message, _HINTS["MaxDelaySeconds"])


def jitter(state: State) -> Found:
    """JitterStrategy is NONE or FULL."""
    for where, entry, _ in _entries(state, "Retry"):
        if "JitterStrategy" in entry and entry["JitterStrategy"] not in ("NONE", "FULL"):
            message = "Value should be one of the following: [NONE, FULL]"
            found = shown(entry["JitterStrategy"])
            yield fault(pointer(where, "JitterStrategy"), f"{message}, found {found}", "FULL waits a random part")


def catch_targets(state: State) -> Found:
    """A catcher's Next is text; ResultPath belongs to JSONPath, Output to JSONata."""
    for where, entry, _ in _entries(state, "Catch"):
        if "Next" in entry and not isinstance(entry["Next"], str):
            yield fault(pointer(where, "Next"), f"Expected value of type String, found {shown(entry['Next'])}")
        name, other = ("ResultPath", "JSONPath") if state.jsonata else ("Output", "JSONata")
        if name in entry:
            yield fault(where, wrong_language(state, name, other), f"Use {'Output' if state.jsonata else 'ResultPath'}")


def reserved_names(state: State) -> Found:
    """A name that begins with States. is one of the language's (a warning)."""
    for field in ("Retry", "Catch"):
        for where, entry, _ in _entries(state, field):
            names = entry.get("ErrorEquals")
            for index, name in enumerate(names if isinstance(names, list) else []):
                if isinstance(name, str) and name.startswith("States.") and not _is_known(name):
                    place = pointer(where, "ErrorEquals", index)
                    hint = state.hints.near(name, ERROR_NAMES, "No error of the language has this name")
                    yield fault(place, f"Unknown error name {shown(name)}", hint, severity="WARNING")


def _is_known(name: str) -> bool:
    return name in ERROR_NAMES or name.startswith("States.Http.")


ERROR_RULES = (entry_frames, error_names, retry_numbers, retry_delays, jitter, catch_targets, reserved_names)
