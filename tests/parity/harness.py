"""Two ways to one request: what an SDK sends by itself, recorded at the wire, and what a step holds.

The SDK's side runs under a plain session, not under a PipelineSession, so that it is not the code that is judged.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/parity"
BUCKET, REGION, JOB = "parity-bucket", "us-east-1", "parity-job"
PAGE = Path(__file__).parents[2] / "docs" / "sagemaker-parity.md"
REGENERATE = "MLFLOWSTEPS_REGENERATE"

_ANSWERS: dict[str, dict[str, Any]] = {
    "GetCallerIdentity": {"Account": "123456789012", "Arn": ROLE, "UserId": "u"},
    "CreateTrainingJob": {"TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/parity-job"},
    "CreateProcessingJob": {"ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/parity-job"},
    "CreateTransformJob": {"TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/parity-job"},
    "CreateHyperParameterTuningJob": {
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/parity-job"
    },
    "CreateModel": {"ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/parity-job"},
    "ListBuckets": {"Buckets": []},
    "DescribeAlgorithm": {
        "AlgorithmName": "a",
        "ProductId": "p",
        "TrainingSpecification": {
            "SupportedTrainingInstanceTypes": ["ml.m5.xlarge", "ml.m5.4xlarge"],
            "SupportsDistributedTraining": True,
            "TrainingChannels": [
                {"Name": "train", "SupportedInputModes": ["File", "Pipe"]},
                {"Name": "plain", "SupportedInputModes": ["File", "Pipe"]},
            ],
            "SupportedHyperParameters": [
                {"Name": name, "Type": "FreeText", "IsTunable": False, "IsRequired": False, "DefaultValue": "0"}
                for name in "abcd"
            ],
        },
    },
    "DescribeModelPackage": {"InferenceSpecification": {"Containers": [{}]}, "ModelApprovalStatus": "Approved"},
}
_NAMES = (
    "TrainingJobName", "ProcessingJobName", "TransformJobName", "HyperParameterTuningJobName", "ModelName",
)  # fmt: skip
_TIMED = re.compile(
    r"^(parity-job|mlflowsteps|[0-9a-f]{32}|mlflowsteps-job-name|.*-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}|.*-\d{14}|.*-\d{10}(-[0-9a-f]{4})?)$"
)


class Sent(Exception):
    """The request that was waited for has come."""


class Wire:
    """A boto session that sends nothing, answers what the SDKs need, and keeps every request.

    Args:
        answers: more answers, by operation.
    """

    def __init__(self, answers: Mapping[str, dict[str, Any]] | None = None) -> None:
        import boto3
        import botocore.session

        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.uploads: dict[str, Any] = {}
        self.answers = {**_ANSWERS, **(answers or {})}
        core: Any = botocore.session.Session()
        core.set_credentials("PARITY", "parity")
        core.set_config_variable("region", REGION)
        core.register("provide-client-params", self._keep)
        core.register("before-call", self._answer)
        session: Any = boto3.Session(botocore_session=core, region_name=REGION)
        session.client = lru_cache(maxsize=16)(session.client)  # 20 ms each, and each SDK object makes some
        self.session = session

    def _keep(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.calls.append((model.name, dict(params)))
        if model.name == "PutObject":
            found = contents(_bytes_of(params.get("Body", b"")))
            self.uploads[f"s3://{params['Bucket']}/{params['Key']}"] = [found, encryption(params)]

    def _answer(self, model: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse
        from botocore.compat import HTTPHeaders

        if model.service_model.service_name == "sagemaker" and model.name.startswith("Create"):
            raise Sent(model.name)
        answer = {**self.answers.get(model.name, {}), "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}
        return AWSResponse("", 200, HTTPHeaders(), None), answer

    def sent(self, operation: str, send: Callable[[], Any]) -> dict[str, Any]:
        """The request of an operation that ``send`` makes the SDK send."""
        self.calls.clear()
        self.uploads.clear()
        with contextlib.suppress(Sent):
            send()
        return next(dict(params) for name, params in self.calls if name == operation)


def _bytes_of(body: Any) -> bytes:
    if not hasattr(body, "read"):
        return body.encode() if isinstance(body, str) else bytes(body)
    found: bytes = body.read()
    body.seek(0)
    return found


def encryption(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """How an upload is encrypted, of the arguments of it."""
    return {name: value for name, value in sorted(arguments.items()) if name.startswith(("SSE", "ServerSide"))}


def contents(data: bytes) -> Any:
    """What an upload holds: a file's text, or an archive's members with theirs."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = [(member.name, archive.extractfile(member)) for member in archive if member.isfile()]
            return sorted(
                [name, stream.read().decode(errors="backslashreplace") if stream else ""] for name, stream in members
            )
    except tarfile.TarError:
        return data.decode(errors="backslashreplace")


def normal(value: Any, top: bool = True) -> Any:
    """A request without what is documented to differ: the job's name, and the keys of uploads and times in paths."""
    if isinstance(value, str):
        return re.sub(r"s3://[^\s\"',]+", _path, value).replace("parity-job", "*")
    if isinstance(value, Mapping):
        return {
            key: normal(item, False)
            for key, item in sorted(value.items())
            if not (top and key in (*_NAMES, "Tags.$") and key != "Tags" and not _is_model_of_transform(key, value))
        }
    return [normal(item, False) for item in value] if isinstance(value, list | tuple) else value


def _is_model_of_transform(key: str, request: Mapping[str, Any]) -> bool:
    return key == "ModelName" and "TransformOutput" in request


def _path(match: re.Match[str]) -> str:
    return "/".join(part for part in match[0].split("/") if not _TIMED.match(part)).rstrip("/")


@contextlib.contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuse whatever a botocore client or anything else would send; gives the list of what was tried."""
    import socket

    import botocore.httpsession

    tried: list[str] = []
    send, connect = botocore.httpsession.URLLib3Session.send, socket.socket.connect

    def refuse_send(self: Any, request: Any) -> Any:
        tried.append(str(request.url))
        raise AssertionError(f"{request.url} was called")

    def refuse_connect(self: Any, address: Any) -> Any:
        tried.append(str(address))
        raise AssertionError(f"{address} was called")

    botocore.httpsession.URLLib3Session.send = refuse_send  # type: ignore[method-assign]
    socket.socket.connect = refuse_connect  # type: ignore[method-assign]
    try:
        yield tried
    finally:
        botocore.httpsession.URLLib3Session.send = send  # type: ignore[method-assign]
        socket.socket.connect = connect  # type: ignore[method-assign]


def kept_by_family(
    rows: list[tuple[str, str, str]], families: Mapping[str, Collection[str]]
) -> list[tuple[str, str, str]]:
    """The rows with what several classes of a family keep told once, under a name that lists the family's classes."""
    labels = {
        name: f"every {family} that has it ({', '.join(names)})" for family, names in families.items() for name in names
    }
    keeping = Counter((labels.get(name), setting) for name, setting, found in rows if found == "kept")
    told: dict[tuple[str, str, str], None] = {}
    for name, setting, found in rows:
        label = labels.get(name)
        shared = label is not None and found == "kept" and keeping[label, setting] > 1
        told[label if label and shared else name, setting, found] = None
    return list(told)


_PARTS = {
    "Kept": ("Class", "Settings", "Note"),
    "Refused": ("Class", "Setting", "What to do, or why"),
    "Beside the request": ("Class", "Setting", "What it is, or why"),
    "Not compared": ("Class", "Setting", "Why"),
}
_FIRST_WORDS = {"kept": "Kept", "refused": "Refused", "not tried": "Not compared"}
_LEADS = re.compile(r"^(kept(: |, |; |$)|not tried: |refused(, with the fix)?: |not in the SDK's request: )")


def page_part(rows: list[tuple[str, str, str]]) -> str:
    """The tables of one SDK: what is kept, what is refused, what the request does not hold, what was not compared."""
    grouped: dict[str, dict[tuple[str, str], list[str]]] = {part: {} for part in _PARTS}
    for name, setting, verdict in rows:
        part = next((part for words, part in _FIRST_WORDS.items() if verdict.startswith(words)), "Beside the request")
        named = re.sub(r"\b(?:[a-z_0-9]+\.)*([A-Z]\w+(?:\.[a-z]+)?)", r"`\1`", name)
        grouped[part].setdefault((named, _LEADS.sub("", verdict)), []).append(
            "the whole class" if setting in ("all", "the class") else f"`{setting}`"
        )
    lines = []
    for part, found in ((part, found) for part, found in grouped.items() if found):
        lines += ["", f"### {part}", "", f"| {' | '.join(_PARTS[part])} |", "|---|---|---|"]
        lines += [f"| {name} | {', '.join(settings)} | {note} |" for (name, note), settings in found.items()]
    return "\n".join(lines) + "\n\n"


def compare_page(section: str, rows: list[tuple[str, str, str]]) -> None:
    """Hold the documented tables against what was found; written anew where ``MLFLOWSTEPS_REGENERATE`` is set."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {section}: begin -->\n", f"<!-- {section}: end -->"
    head, rest = text.split(begin)
    found, tail = rest.split(end)
    made = page_part(rows)
    print(made)  # noqa: T201 - the table is what the test is asked for
    if not found and not os.environ.get(REGENERATE):
        pytest.skip(f"the page holds no table yet; set {REGENERATE}=1 to write it")
    if os.environ.get(REGENERATE):
        PAGE.write_text(head + begin + made + end + tail, encoding="utf-8")
    else:
        assert found == made, f"set {REGENERATE}=1 to write docs/sagemaker-parity.md anew"
