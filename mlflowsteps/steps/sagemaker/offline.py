"""A boto session that calls nobody: uploads go to a plan, every other call is refused and remembered.

SageMaker's SDKs are run under it while they make a request. Loaded only with an SDK's object, since it imports boto3.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.steps.sagemaker.staging import Stage

__all__ = ["Offline", "Refused"]

_REPACK = (
    "The SDK reads the object to change it; of a model, it puts the script into the archive. Put code/inference.py "
    "into model.tar.gz when it is made, and leave entry_point and source_dir out."
)
_FIXES = {
    ("sts", "GetCallerIdentity"): "Give the session its bucket: Session(default_bucket='...'); the SDK asks for the "
    "account to make up its name.",
    ("s3", "ListBuckets"): "Give the session its bucket: Session(default_bucket='...').",
    ("s3", "HeadObject"): _REPACK,
    ("s3", "GetObject"): _REPACK,
    ("iam", "GetRole"): "Give the role as an ARN, not as a name.",
    ("sagemaker", "ListMlflowApps"): "Give the trainer its mlflow_resource_arn.",
    ("sagemaker", "DescribeModelPackageGroup"): "Give model_package_group as an ARN.",
    ("sagemaker", "DescribeHubContent"): "The hub is asked for a recipe: leave compute and data_mixing_config out, or "
    "write the request as a dict.",
    ("sagemaker", "DescribeModel"): "Give the step a job_name.",
    ("sagemaker", "DescribeModelPackage"): "Give ModelStep a request with Containers: [{'ModelPackageName': arn}].",
    ("sagemaker", "DescribeAlgorithm"): "Write the request as a dict, with AlgorithmSpecification.AlgorithmName.",
    ("sagemaker", "DescribeTrainingJob"): "An attached object asks SageMaker for its settings; write the request, or "
    "make the object anew.",
}
_FIX = "Write this request as a dict in boto3's shape, or give the SDK what it asks AWS for."

_ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    # SDK 3 asks whether the role may write to the default bucket, and takes no answer for yes.
    ("iam", "SimulatePrincipalPolicy"): {"EvaluationResults": []},
    ("s3", "HeadBucket"): {},
}
"""Questions whose answer changes nothing in the request."""


class Refused(Exception):
    """A call to AWS while a request was made; it never left the process."""


class Offline:
    """The session, and what it was asked.

    Args:
        region: region of its clients.
    """

    def __init__(self, region: str) -> None:
        import boto3
        import botocore.session

        self.region = region
        # One object is asked at a time (extraction holds a lock), but boto3 downloads in threads of its own.
        self._stage, self._refused = Stage(), list[tuple[str, str]]()
        core: Any = botocore.session.Session()
        core.set_credentials("OFFLINE", "offline")
        core.set_config_variable("region", region)
        self.boto_session = boto3.Session(botocore_session=core, region_name=region)
        core.register("before-parameter-build.s3.PutObject", _remember)
        core.register("before-call", self._before_call)
        core.get_component("event_emitter").register_last("creating-client-class.s3", self._take_uploads)
        # A client takes longer to make than all else, and these hold nothing of their own: each is made once.
        session: Any = self.boto_session
        session.client = lru_cache(maxsize=16)(session.client)

    def begin(self, told: AbstractSet[str] = frozenset()) -> Stage:
        """A new plan, for the calls from now on.

        Args:
            told: names in paths that the user has given.
        """
        self._stage, self._refused = Stage(told), []
        return self._stage

    @property
    def stage(self) -> Stage:
        """The plan."""
        return self._stage

    def check(self, what: str) -> None:
        """Say which calls were refused, if any.

        Args:
            what: the object, for the message.

        Raises:
            DefinitionError: there were some; each is named with its fix.
        """
        if not self._refused:
            return
        raise DefinitionError(
            Diagnostic(
                "AWS_CALL_WHILE_BUILDING",
                "",
                f"{what} asked AWS for {service}:{operation} to make its request, which is refused: building a step "
                "makes no AWS call.",
                _FIXES.get((service, operation), _FIX),
            )
            for service, operation in dict.fromkeys(self._refused)
        )

    def _before_call(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        from botocore.awsrequest import AWSResponse
        from botocore.compat import HTTPHeaders

        service, operation = model.service_model.service_name, model.name
        if (service, operation) == ("s3", "PutObject"):
            self._take_body(params)
        elif (service, operation) not in _ANSWERS:
            self._refused.append((service, operation))
            raise Refused(f"{service}:{operation} is not called while a step is built")
        answer = {**_ANSWERS.get((service, operation), {}), "ResponseMetadata": {"HTTPStatusCode": 200}}
        return AWSResponse("", 200, HTTPHeaders(), None), answer

    def _take_body(self, params: Mapping[str, Any]) -> None:
        """An upload by PutObject: what is sent becomes a planned file."""
        given = dict(params["context"]["mlflowsteps"])
        body, bucket, key = given.pop("Body", b""), given.pop("Bucket"), given.pop("Key")
        content = body.read() if hasattr(body, "read") else body
        self._plan(bucket, key, content.encode() if isinstance(content, str) else bytes(content), given)

    def _plan(self, bucket: str, key: str, content: bytes, extra: Mapping[str, Any] | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(key).name
            file.write_bytes(content)
            self.stage.add(bucket, key, file, extra)

    def _take_uploads(self, class_attributes: dict[str, Any], **_: Any) -> None:
        """Clients of S3 plan what they are told to upload."""

        def upload_file(client: Any, filename: str, bucket: str, key: str, **keywords: Any) -> None:  # noqa: ARG001 - a method
            self.stage.add(bucket, key, Path(filename), keywords.get("ExtraArgs"))

        def upload_fileobj(client: Any, stream: Any, bucket: str, key: str, **keywords: Any) -> None:  # noqa: ARG001 - a method
            self._plan(bucket, key, stream.read(), keywords.get("ExtraArgs"))

        takers: dict[str, Callable[..., None]] = {"upload_file": upload_file, "upload_fileobj": upload_fileobj}
        for name, taker in takers.items():
            class_attributes[name] = _with_names(taker)


def _remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Keep the arguments of a call beside the request that is made of them."""
    context["mlflowsteps"] = dict(params)


def _with_names(taker: Callable[..., None]) -> Callable[..., None]:
    """Take boto3's argument names, too: ``Filename``, ``Fileobj``, ``Bucket``, ``Key``."""

    def method(client: Any, *arguments: Any, **keywords: Any) -> None:
        given = list(arguments[:3])
        rest = dict(zip(("ExtraArgs", "Callback", "Config"), arguments[3:], strict=False))
        given += [keywords.pop(name) for name in ("Filename", "Fileobj", "Bucket", "Key") if name in keywords]
        taker(client, *given, **rest, **keywords)

    return method
