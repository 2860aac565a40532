"""What SageMaker steps need before their workflow is created: requests judged, and planned uploads carried out.

It owns the choice of the S3 client: the one given, the local runtime's, or boto3's in the region of the Step Functions
client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflowsteps.exceptions import DefinitionError, Diagnostic
from mlflowsteps.steps.graphs import Graph
from mlflowsteps.steps.sagemaker.base import SageMakerStep
from mlflowsteps.steps.sagemaker.staging import Upload, all_states, carry_out, uploads_of
from mlflowsteps.workflow.client import Connection

if TYPE_CHECKING:
    from mlflowsteps.local import LocalRuntime

__all__ = ["check_requests", "request_faults", "upload_sources"]


def request_faults(graph: Graph) -> list[Diagnostic]:
    """What SageMaker would refuse in the requests of a graph's steps, for their shape."""
    steps = [state for state in all_states(graph) if isinstance(state, SageMakerStep)]
    return [fault for step in steps for fault in step.request_faults()]


def check_requests(graph: Graph) -> None:
    """Refuse a graph in whose steps SageMaker would refuse a request for its shape.

    Raises:
        DefinitionError: there are such requests; all faults are told.
    """
    if faults := request_faults(graph):
        raise DefinitionError(faults)


def upload_sources(graph: Graph, connection: Connection, s3_client: Any = None) -> list[str]:
    """Put into S3 what the steps of a graph need there; nothing is called where they need nothing.

    Args:
        graph: the graph.
        connection: the Step Functions client with what is known of it.
        s3_client: the S3 client to use; None: the local runtime's, else boto3's.

    Returns:
        URIs of what was uploaded; what was there already is not uploaded again.
    """
    uploads = uploads_of(graph)
    if not uploads:
        return []
    if s3_client is None:
        runtime = connection.runtime or (_runtime_of(connection.client) if connection.local else None)
        s3_client = _local_client(runtime, uploads) if runtime is not None else _boto3_client(connection)
    return carry_out(uploads, s3_client)


def _local_client(runtime: LocalRuntime, uploads: tuple[Upload, ...]) -> Any:
    """The runtime's client; buckets come into being with what is put into them."""
    client = runtime.client("s3")
    existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    for bucket in sorted({upload.place[0] for upload in uploads} - existing):
        client.create_bucket(Bucket=bucket)
    return client


def _runtime_of(client: object) -> LocalRuntime | None:
    from mlflowsteps.local.runtime import runtime_of

    return runtime_of(client)


def _boto3_client(connection: Connection) -> Any:
    import boto3

    region = getattr(getattr(connection.client, "meta", None), "region_name", None)
    return boto3.client("s3", region_name=region if isinstance(region, str) else None)
