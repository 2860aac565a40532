"""Logging configurations, judged as the service does; what they ask for is written by ``scheduler.logs``."""

from __future__ import annotations

from mlflowsteps.asl.arns import parse_arn
from mlflowsteps.local.services.stepfunctions.base import Record
from mlflowsteps.local.services.stepfunctions.refusals import refuse

__all__ = ["DEFAULT_LOGGING", "check_logging"]

DEFAULT_LOGGING: Record = {"level": "OFF", "includeExecutionData": False}
LEVELS = ("ALL", "ERROR", "FATAL", "OFF")


def check_logging(given: Record | None) -> Record:
    """A logging configuration, if it is one, with the defaults of what it leaves out; the default where there is none.

    Raises:
        ServiceError: InvalidLoggingConfiguration.
    """
    configuration = DEFAULT_LOGGING | (given or {})
    if configuration["level"] not in LEVELS:
        raise refuse("InvalidLoggingConfiguration", f"level is one of {', '.join(LEVELS)}")
    destinations = configuration.get("destinations") or []
    if len(destinations) > 1 or (not destinations and configuration["level"] != "OFF"):
        raise refuse("InvalidLoggingConfiguration", "Must specify exactly one Log Destination.")
    for one in destinations:
        arn = (one.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
        if not _is_log_group(arn):
            raise refuse("InvalidLoggingConfiguration", f"The destination is no ARN of a log group (:*): {arn}")
    return configuration


def _is_log_group(arn: str) -> bool:
    try:
        found = parse_arn(arn)
    except ValueError:
        return False
    return found.service == "logs" and found.resource.startswith("log-group:") and found.resource.endswith(":*")
