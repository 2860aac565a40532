"""The old SDK's helpers of this module's name: the user agent of clients, and coloured log lines."""

from __future__ import annotations

from typing import Any

from mlflowsteps.logs import CustomColorFormatter

__all__ = ["CustomColorFormatter", "append_user_agent_to_client"]


def append_user_agent_to_client(boto_client: Any) -> None:
    """Let a boto3 client say who it works for; a second call changes nothing.

    Args:
        boto_client: changed in place.
    """
    import mlflowsteps

    suffix = f" {mlflowsteps.__useragent__}/{mlflowsteps.__version__}"
    config = boto_client._client_config  # noqa: SLF001 - where botocore keeps it
    if suffix not in config.user_agent:
        config.user_agent += suffix
