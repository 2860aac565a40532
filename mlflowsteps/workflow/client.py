"""Which Step Functions client a workflow speaks to: the one given, the active runtime's, or boto3's.

It owns that choice and nothing of what is said. boto3 is loaded only where its own client is the answer.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from mlflowsteps.local import LocalRuntime

__all__ = ["RUNTIME_VARIABLE", "Connection", "StepFunctionsClient", "connect", "resolve"]

RUNTIME_VARIABLE = "MLFLOWSTEPS_RUNTIME"
"""Environment variable that names the runtime of a whole program: ``local``, or ``local:<folder>``."""

_LOCAL_ENDPOINT = ".mlflowsteps.invalid"


class StepFunctionsClient(Protocol):
    """The methods of boto3's Step Functions client that this package calls."""

    @property
    def exceptions(self) -> Any:
        """The service's exceptions, such as ``StateMachineAlreadyExists``."""

    def create_state_machine(self, **request: Any) -> dict[str, Any]:
        """CreateStateMachine."""

    def update_state_machine(self, **request: Any) -> dict[str, Any]:
        """UpdateStateMachine."""

    def delete_state_machine(self, **request: Any) -> dict[str, Any]:
        """DeleteStateMachine."""

    def describe_state_machine(self, **request: Any) -> dict[str, Any]:
        """DescribeStateMachine."""

    def start_execution(self, **request: Any) -> dict[str, Any]:
        """StartExecution."""

    def stop_execution(self, **request: Any) -> dict[str, Any]:
        """StopExecution."""

    def describe_execution(self, **request: Any) -> dict[str, Any]:
        """DescribeExecution."""

    def describe_map_run(self, **request: Any) -> dict[str, Any]:
        """DescribeMapRun."""

    def publish_state_machine_version(self, **request: Any) -> dict[str, Any]:
        """PublishStateMachineVersion."""

    def delete_state_machine_version(self, **request: Any) -> dict[str, Any]:
        """DeleteStateMachineVersion."""

    def create_state_machine_alias(self, **request: Any) -> dict[str, Any]:
        """CreateStateMachineAlias."""

    def update_state_machine_alias(self, **request: Any) -> dict[str, Any]:
        """UpdateStateMachineAlias."""

    def delete_state_machine_alias(self, **request: Any) -> dict[str, Any]:
        """DeleteStateMachineAlias."""

    def describe_state_machine_for_execution(self, **request: Any) -> dict[str, Any]:
        """DescribeStateMachineForExecution."""

    def start_sync_execution(self, **request: Any) -> dict[str, Any]:
        """StartSyncExecution."""

    def redrive_execution(self, **request: Any) -> dict[str, Any]:
        """RedriveExecution."""

    def list_tags_for_resource(self, **request: Any) -> dict[str, Any]:
        """ListTagsForResource."""

    def tag_resource(self, **request: Any) -> dict[str, Any]:
        """TagResource."""

    def untag_resource(self, **request: Any) -> dict[str, Any]:
        """UntagResource."""

    def get_paginator(self, operation_name: str) -> Any:
        """The paginator of an operation."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client, and what is known of who answers it.

    Args:
        client: boto3's Step Functions client, or an object with its methods.
        runtime: the local runtime it belongs to; None: not known to be one's.
    """

    client: StepFunctionsClient
    runtime: LocalRuntime | None = None

    @property
    def local(self) -> bool:
        """True where a local runtime answers, so that links to the AWS console lead nowhere."""
        if self.runtime is not None:
            return True
        endpoint = getattr(getattr(self.client, "meta", None), "endpoint_url", None)
        return isinstance(endpoint, str) and _LOCAL_ENDPOINT in endpoint


def resolve(client: object = None) -> StepFunctionsClient:
    """The Step Functions client that ``client`` stands for.

    Args:
        client: an object with boto3's methods, or a LocalRuntime; None: the active runtime's, else that of the runtime
            that ``MLFLOWSTEPS_RUNTIME`` names, else a new client of boto3's.

    Raises:
        TypeError: ``client`` is neither.
        ValueError: ``MLFLOWSTEPS_RUNTIME`` names no runtime.
    """
    return connect(client).client


def connect(client: object = None) -> Connection:
    """As ``resolve``, with the runtime where there is one."""
    if client is None:
        from mlflowsteps.local.active import active

        client = active() or _environment_runtime()
    if client is None:
        return Connection(_boto3_client())
    if hasattr(client, "start_execution"):
        return Connection(cast("StepFunctionsClient", client))
    if callable(getattr(client, "client", None)) and callable(getattr(client, "wait", None)):
        runtime = cast("LocalRuntime", client)
        return Connection(runtime.client("stepfunctions"), runtime)
    raise TypeError(
        f"client must be a LocalRuntime, or have the methods of boto3.client('stepfunctions'); it is {client!r} "
        f"({type(client).__name__})"
    )


_lock = threading.Lock()
_runtimes: list[LocalRuntime] = []  # the one of the process, once it is made


def _environment_runtime() -> LocalRuntime | None:
    """The runtime that the environment names: made once, kept for the life of the process."""
    value = os.environ.get(RUNTIME_VARIABLE, "")
    if not value:
        return None
    kind, _, folder = value.partition(":")
    if kind != "local":
        raise ValueError(f"{RUNTIME_VARIABLE} must be 'local' or 'local:<folder>', not {value!r}")
    with _lock:
        if not _runtimes:
            from mlflowsteps.local import LocalRuntime

            _runtimes.append(LocalRuntime(folder) if folder else LocalRuntime())
        return _runtimes[0]


def _boto3_client() -> StepFunctionsClient:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    import mlflowsteps

    config = Config(user_agent_extra=f"mlflowsteps/{mlflowsteps.__version__}")
    try:
        return cast("StepFunctionsClient", boto3.client("stepfunctions", config=config))
    except NoRegionError as error:
        error.add_note(
            "To use AWS, set AWS_DEFAULT_REGION or pass client=boto3.client('stepfunctions', region_name=...); to run "
            f"on this machine, pass client=LocalRuntime(...), or set {RUNTIME_VARIABLE}=local."
        )
        raise
