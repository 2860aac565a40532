"""What the API's callers hand in, checked: names, ARNs, sizes, pages."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from mlflowsteps.asl.arns import NAME_LENGTH, Arn, is_name, parse_arn
from mlflowsteps.asl.payloads import Json, dumps, loads
from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.services.stepfunctions.refusals import refuse, validation_error

__all__ = [
    "MAX_PAYLOAD_BYTES",
    "check_choice",
    "check_description",
    "check_included",
    "check_json",
    "check_name",
    "check_role",
    "check_worker",
    "machine_parts",
    "page_size",
    "page_token",
    "read_page_token",
    "resource_parts",
]

MAX_PAYLOAD_BYTES = 262_144
DEFAULT_PAGE, MAX_PAGE = 100, 1000
MAX_DESCRIPTION = 256
TOKEN_SECONDS = 86_400.0


def check_name(name: str, most: int = NAME_LENGTH) -> str:
    """The name of a state machine, execution or activity of at most so many characters, if it is one.

    Raises:
        ServiceError: InvalidName.
    """
    if not is_name(name, most):
        raise refuse("InvalidName", name.encode("utf-8", "backslashreplace").decode())
    return name


def _parsed(arn: str) -> Arn:
    try:
        return parse_arn(arn)
    except ValueError:
        raise refuse("InvalidArn", f"Invalid ARN prefix: {arn[:300]}") from None


def resource_parts(arn: str, *kinds: str) -> list[str]:
    """What stands behind the account in an ARN of Step Functions, split at the colons.

    Args:
        arn: such as ``arn:aws:states:us-east-1:123456789012:stateMachine:Demo``.
        kinds: what it may name, such as ``stateMachine``.

    Returns:
        Such as ``["stateMachine", "Demo"]``.

    Raises:
        ServiceError: InvalidArn.
    """
    found = _parsed(arn)
    parts = found.resource.split(":")
    if found.service != "states" or parts[0] not in kinds or len(parts) < 2 or not parts[1]:
        raise refuse("InvalidArn", f"Resource type not valid in this context: {parts[0][:300]}")
    return parts


def check_included(params: dict[str, Any]) -> bool:
    """Whether definitions and payloads are wanted, not metadata alone.

    Raises:
        ServiceError: ValidationException.
    """
    wanted = check_choice(params.get("includedData", "ALL_DATA"), "includedData", ("ALL_DATA", "METADATA_ONLY"))
    return wanted == "ALL_DATA"


def check_worker(name: str | None) -> str | None:
    """The name of an activity's worker, if it is one.

    Raises:
        ServiceError: ValidationException.
    """
    if name is not None and not 1 <= len(name) <= NAME_LENGTH:
        raise validation_error("workerName", name, f"Member must have length between 1 and {NAME_LENGTH}")
    return name


def machine_parts(arn: str) -> tuple[str, str | None]:
    """Name and qualifier (a version's number or an alias; None) of a state machine's ARN.

    Raises:
        ServiceError: InvalidArn; ValidationException where a Map Run's label is named.
    """
    parts = resource_parts(arn, "stateMachine")
    if "/" in parts[1]:
        reason = "This operation does not support the ARN of a Distributed Map state"
        raise refuse("ValidationException", reason, reason_code="API_DOES_NOT_SUPPORT_LABELED_ARNS")
    if len(parts) > 3 or (len(parts) == 3 and not parts[2]):
        raise refuse("InvalidArn", arn)
    return parts[1], parts[2] if len(parts) == 3 else None


def check_description(text: str | None) -> str | None:
    """The description of a version or alias, if it is short enough.

    Raises:
        ServiceError: ValidationException.
    """
    if text is not None and len(text) > MAX_DESCRIPTION:
        limit = f"Member must have length less than or equal to {MAX_DESCRIPTION}"
        raise validation_error("description", text, limit)
    return text


def check_role(arn: str) -> str:
    """The ARN of an IAM role, if it is one; whether the role exists nobody asks here.

    Raises:
        ServiceError: InvalidArn.
    """
    found = _parsed(arn)
    if found.service != "iam" or not found.resource.startswith("role/"):
        raise refuse("InvalidArn", f"Resource type not valid in this context: {found.resource[:300]}")
    return arn


def check_json(text: str, member: str, code: str, most: int = MAX_PAYLOAD_BYTES) -> Json:
    """The value of a JSON text that is small enough.

    Args:
        text: the text.
        member: the parameter it came in.
        code: the refusal's code where it is no JSON.
        most: bytes it may have.

    Raises:
        ServiceError: no JSON, or more bytes.
    """
    try:
        size = len(text.encode())
        value = loads(text)
    except (ValueError, RecursionError) as error:
        raise refuse(code, f"{error}") from None
    if size > most:
        limit = f"Member must have length less than or equal to {most}"
        raise validation_error(member, text, f"{limit} (it has {size} bytes of UTF-8)")
    return value


def check_choice(value: str, member: str, choices: tuple[str, ...]) -> str:
    """A value that is one of the API model's.

    Raises:
        ServiceError: ValidationException.
    """
    if value not in choices:
        raise validation_error(member, value, f"Member must satisfy enum value set: [{', '.join(choices)}]")
    return value


def page_size(params: dict[str, Any]) -> int:
    """How many items a page may have; 0, or left out, gives 100.

    Raises:
        ServiceError: ValidationException.
    """
    wanted: int = params.get("maxResults") or 0
    if not 0 <= wanted <= MAX_PAGE:
        bound = "less than or equal to 1000" if wanted > 0 else "greater than or equal to 0"
        raise validation_error("maxResults", wanted, f"Member must have value {bound}")
    return wanted or DEFAULT_PAGE


def page_token(listing: str, position: str | int, now: float) -> str:
    """The token of the page that follows.

    Args:
        listing: what is listed, so that a token of another listing is refused.
        position: where the next page begins.
        now: when it is given out, epoch seconds.
    """
    return base64.urlsafe_b64encode(dumps([listing, position, now]).encode("utf-8", "surrogatepass")).decode()


def read_page_token(params: dict[str, Any], listing: str, now: float, kind: type) -> Any:
    """Where the page asked for begins; None for the first.

    Args:
        params: the request's.
        listing: what is listed.
        now: the time, epoch seconds: a token is good for 24 hours.
        kind: type of a position.

    Raises:
        ServiceError: InvalidToken.
    """
    token = params.get("nextToken")
    if token is None:
        return None
    try:
        of, position, given = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
        good = of == listing and type(position) is kind and 0 <= now - given <= TOKEN_SECONDS
    except (binascii.Error, ValueError, TypeError, RecursionError):
        good = False
    if not good:
        raise _bad_token()
    return position


def _bad_token() -> ServiceError:
    return refuse("InvalidToken", "Invalid token")
