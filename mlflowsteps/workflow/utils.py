"""The old SDK's helpers of this module's name: the user agent of clients, and coloured log lines."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

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


class CustomColorFormatter(logging.Formatter):
    """Log lines in the colour of their level."""

    GREY = "\x1b[0m"
    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"
    RED = "\x1b[31m"
    BOLD_RED = "\x1b[31;1m"
    RESET = "\x1b[0m"
    FORMAT = "[%(levelname)s] %(message)s"

    LEVEL_FORMATS: ClassVar[dict[int, str]] = {
        logging.DEBUG: f"{GREY}{FORMAT}{RESET}",
        logging.INFO: f"{GREEN}{FORMAT}{RESET}",
        logging.WARNING: f"{YELLOW}{FORMAT}{RESET}",
        logging.ERROR: f"{RED}{FORMAT}{RESET}",
        logging.CRITICAL: f"{BOLD_RED}{FORMAT}{RESET}",
    }

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        return logging.Formatter(self.LEVEL_FORMATS.get(record.levelno, self.FORMAT)).format(record)
