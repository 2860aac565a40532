"""Short, readable words for parts of a definition: choice rules, resources, retries, waits, numbers.

Owns no layout and no escaping for a format; ``visible`` makes a text harmless to print (controls become escapes), and
each drawing room still escapes for its own format. Never raises on any JSON.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, TypeAlias

__all__ = [
    "Json",
    "as_text",
    "cut",
    "duration",
    "error_names",
    "reason",
    "resource_label",
    "rule_text",
    "state_label",
    "visible",
]

Json: TypeAlias = Any
"""A JSON document."""

# Deeper rules than this are cut: a label is read by a person, and a hostile rule must not exhaust the stack.
_DEEPEST_RULE = 6

_REASONS = ("FailureReason", "errorMessage", "ErrorMessage")  # keys of jobs' descriptions and functions' errors

_OPERATORS = {"Equals": "=", "LessThan": "<", "LessThanEquals": "≤", "GreaterThan": ">", "GreaterThanEquals": "≥"}
_KINDS = ("String", "Numeric", "Boolean", "Timestamp")
_COMPARATORS = {f"{kind}{name}": sign for kind in _KINDS for name, sign in _OPERATORS.items()}
_COMPARATORS["StringMatches"] = "matches"
_TESTS = {
    "IsPresent": "present",
    "IsNull": "null",
    "IsNumeric": "a number",
    "IsString": "a string",
    "IsBoolean": "a boolean",
    "IsTimestamp": "a timestamp",
}

_RESOURCES = {
    ("sagemaker", "createtrainingjob"): "SageMaker training job",
    ("sagemaker", "createtransformjob"): "SageMaker batch transform",
    ("sagemaker", "createprocessingjob"): "SageMaker processing job",
    ("sagemaker", "createhyperparametertuningjob"): "SageMaker tuning job",
    ("sagemaker", "createlabelingjob"): "SageMaker labeling job",
    ("sagemaker", "createmodel"): "SageMaker model",
    ("sagemaker", "createendpointconfig"): "SageMaker endpoint configuration",
    ("sagemaker", "createendpoint"): "SageMaker endpoint",
    ("sagemaker", "updateendpoint"): "SageMaker endpoint update",
    ("lambda", "invoke"): "Lambda",
    ("sns", "publish"): "SNS publish",
    ("sqs", "sendmessage"): "SQS message",
    ("states", "startexecution"): "Step Functions execution",
    ("glue", "startjobrun"): "Glue job",
    ("ecs", "runtask"): "ECS task",
    ("batch", "submitjob"): "Batch job",
    ("dynamodb", "getitem"): "DynamoDB get item",
    ("dynamodb", "putitem"): "DynamoDB put item",
    ("dynamodb", "updateitem"): "DynamoDB update item",
    ("dynamodb", "deleteitem"): "DynamoDB delete item",
    ("events", "putevents"): "EventBridge events",
    ("http", "invoke"): "HTTP request",
}
_SERVICES = {
    "apigateway": "API Gateway",
    "athena": "Athena",
    "aws-sdk": "AWS",
    "bedrock": "Bedrock",
    "codebuild": "CodeBuild",
    "databrew": "DataBrew",
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "eks": "EKS",
    "elasticmapreduce": "EMR",
    "emr-containers": "EMR on EKS",
    "emr-serverless": "EMR Serverless",
    "glue": "Glue",
    "lambda": "Lambda",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "Step Functions",
}
_SENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Bidirectional controls reorder the text round them; surrogates and the two non-characters are no XML.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_UNSAFE_BUT_LINES = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with every control character written as an escape, so that it can neither break nor reorder a view.

    Args:
        text: any text.
        lines: keep line feeds, for texts shown in several lines.

    >>> visible("a\nb\u202ec")
    'a\\nb\\u202ec'
    """
    return (_UNSAFE_BUT_LINES if lines else _UNSAFE).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def as_text(value: Json) -> str:
    """A value as one line: text as it is, anything else as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def cut(text: str, length: int) -> str:
    """The text, at most this many characters, its end replaced by an ellipsis where it is longer.

    >>> cut("abcdef", 4)
    'abc…'
    """
    if len(text) <= length:
        return text
    kept = text[: max(0, length - 1)]
    while kept and unicodedata.combining(text[len(kept)]):
        kept = kept[:-1]
    return kept.rstrip() + "…"


def reason(cause: Json) -> str:
    """What a person should read of an error's cause: a job's failure reason, a function's message, else all of it.

    >>> reason('{"errorMessage": "no such column", "stackTrace": []}'), reason("plain")
    ('no such column', 'plain')
    """
    text = "" if cause is None else as_text(cause)
    if not text.startswith("{"):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = (document.get(key) for key in _REASONS)
    return next((words for words in found if isinstance(words, str)), text)


def brief(cause: Json) -> str:
    r"""The reason on one line: of several lines the first, which says what, and the last, which often says why.

    >>> brief('{"FailureReason": "Exit Code: 1\\nLog: /l\\nTraceback\\nKeyError: 3"}')
    'Exit Code: 1 … KeyError: 3'
    """
    lines = [line for line in reason(cause).splitlines() if line.strip()]
    return f"{lines[0]} … {lines[-1]}" if len(lines) > 1 else "".join(lines)


def duration(seconds: float | None) -> str:
    """A span of time for a person; empty for None.

    >>> duration(0.25), duration(4.2), duration(90.25), duration(7200), duration(180000)
    ('0.250 s', '4.2 s', '1 m 30 s', '2 h', '2 d 2 h')
    """
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{seconds:.3f} s" if seconds else "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    rest = round(seconds)
    for size, unit, smaller, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if rest >= size:
            large, small = rest // size, rest % size // smaller
            return f"{large} {unit} {small} {small_unit}" if small else f"{large} {unit}"
    return f"{rest} s"


def rule_text(rule: Json, depth: int = 0) -> str:
    """A choice rule in one readable line.

    >>> rule_text({"Variable": "$.auc", "NumericGreaterThanEquals": 0.9, "Next": "Deploy"})
    'auc ≥ 0.9'
    >>> rule_text({"Not": {"Variable": "$.a", "IsNull": True}})
    'not (a is null)'
    >>> rule_text({"Condition": "{% $x > 1 %}", "Next": "B"})
    '$x > 1'
    """
    if not isinstance(rule, dict) or depth > _DEEPEST_RULE:
        return "…"
    for key, joiner in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(key), list):
            return joiner.join(_bracketed(part, depth) for part in rule[key]) or "…"
    if "Not" in rule:
        return f"not ({rule_text(rule['Not'], depth + 1)})"
    if "Condition" in rule:
        return _expression(rule["Condition"])
    return _comparison(rule)


def _bracketed(rule: Json, depth: int) -> str:
    text = rule_text(rule, depth + 1)
    compound = isinstance(rule, dict) and ("And" in rule or "Or" in rule)
    return f"({text})" if compound else text


def _comparison(rule: dict[str, Json]) -> str:
    variable = _path(rule.get("Variable", "?"))
    for key, value in rule.items():
        name = key.removesuffix("Path")
        if name in _COMPARATORS:
            return f"{variable} {_COMPARATORS[name]} {_path(value) if name != key else as_text(_quoted(value))}"
        if key in _TESTS:
            return f"{variable} is {_TESTS[key]}" if value is True else f"{variable} is not {_TESTS[key]}"
    return f"{variable} ?"


def _quoted(value: Json) -> Json:
    return f'"{value}"' if isinstance(value, str) else value


def _path(value: Json) -> str:
    text = as_text(value)
    return text[2:] if text.startswith("$.") and len(text) > 2 else text


def _expression(value: Json) -> str:
    text = as_text(value).strip()
    if text.startswith("{%") and text.endswith("%}"):
        text = text[2:-2]
    return " ".join(text.replace("$states.input.", "").split())


def error_names(catcher: Json) -> str:
    """The errors a catcher names, without the prefix ``States.``.

    >>> error_names({"ErrorEquals": ["States.ALL"], "Next": "Failed"})
    'ALL'
    """
    names = catcher.get("ErrorEquals") if isinstance(catcher, dict) else None
    if not isinstance(names, list) or not names:
        return "?"
    return ", ".join(as_text(name).removeprefix("States.") for name in names)


def resource_label(resource: Json) -> str:
    """What a Task's Resource is, in few words.

    >>> resource_label("arn:aws:states:::sagemaker:createTrainingJob.sync")
    'SageMaker training job'
    >>> resource_label("arn:aws:states:::aws-sdk:s3:listBuckets")
    'S3 list buckets'
    """
    parts = resource.split(":") if isinstance(resource, str) else []
    if len(parts) < 6 or parts[0] != "arn":
        return "Task"
    if parts[2] == "lambda":
        return "Lambda"
    if parts[2] != "states":
        return f"{_service(parts[2])} task"
    if parts[5] == "activity":
        return f"Activity {parts[6]}" if len(parts) > 6 else "Activity"
    words = parts[6:] if parts[5] == "aws-sdk" else parts[5:]
    if len(words) < 2:
        return "Task"
    action, _, pattern = words[1].partition(".")
    label = _RESOURCES.get((words[0].lower(), action.lower())) or f"{_service(words[0])} {_spaced(action)}"
    return f"{label}, waits for token" if pattern == "waitForTaskToken" else label


def _service(name: str) -> str:
    return _SERVICES.get(name.lower()) or (name[:1].upper() + name[1:])


def _spaced(action: str) -> str:
    return _SENDS.sub(" ", action).lower()


def state_label(state: dict[str, Json]) -> str:
    """The line under a state's name: what it does, and how often it is retried.

    >>> state_label({"Type": "Wait", "Seconds": 30})
    'Wait 30 s'
    """
    kind = as_text(state.get("Type", "no Type"))
    label = _LABELS.get(kind, lambda _: kind)(state)
    retries = _retries(state.get("Retry"))
    return f"{label} · retry ≤ {retries}" if retries else label


def _retries(retriers: Json) -> int:
    if not isinstance(retriers, list):
        return 0
    counts = (retrier.get("MaxAttempts", 3) for retrier in retriers if isinstance(retrier, dict))
    return sum(count for count in counts if isinstance(count, int) and count > 0)


def _wait_label(state: dict[str, Json]) -> str:
    seconds = state.get("Seconds")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return f"Wait {duration(seconds)}"
    for key, word in (("Timestamp", "until"), ("TimestampPath", "until"), ("SecondsPath", "for"), ("Seconds", "for")):
        if key in state:
            return f"Wait {word} {cut(_expression(_path(state[key])), 24)}"
    return "Wait"


def _map_label(state: dict[str, Json]) -> str:
    processor = state.get("ItemProcessor")
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    distributed = isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"
    limit = state.get("MaxConcurrency")
    bound = f" · ≤ {limit} at a time" if isinstance(limit, int) and limit > 0 else ""
    return ("Distributed Map" if distributed else "Map") + bound


def _fail_label(state: dict[str, Json]) -> str:
    error = state.get("Error")
    return f"Fail · {cut(error, 32)}" if isinstance(error, str) and error else "Fail"


_LABELS = {
    "Task": lambda state: resource_label(state.get("Resource")),
    "Wait": _wait_label,
    "Map": _map_label,
    "Fail": _fail_label,
}
