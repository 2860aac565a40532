"""Encryption configurations: judged as the service does; nothing here is encrypted by them."""

from __future__ import annotations

from mlflowsteps.local.services.stepfunctions.base import Record
from mlflowsteps.local.services.stepfunctions.refusals import refuse

__all__ = ["DEFAULT_ENCRYPTION", "check_encryption"]

DEFAULT_ENCRYPTION: Record = {"type": "AWS_OWNED_KEY"}
OWN_KEY = "CUSTOMER_MANAGED_KMS_KEY"


def check_encryption(given: Record | None) -> Record:
    """An encryption configuration, if it is one; the default where there is none.

    Raises:
        ServiceError: InvalidEncryptionConfiguration.
    """
    if given is None:
        return DEFAULT_ENCRYPTION
    kind, key, period = given.get("type"), given.get("kmsKeyId"), given.get("kmsDataKeyReusePeriodSeconds")
    if kind not in ("AWS_OWNED_KEY", OWN_KEY):
        raise refuse("InvalidEncryptionConfiguration", f"type is AWS_OWNED_KEY or {OWN_KEY}, not {kind!r}")
    if kind != OWN_KEY and (key is not None or period is not None):
        raise refuse(
            "InvalidEncryptionConfiguration", f"kmsKeyId and kmsDataKeyReusePeriodSeconds need the type {OWN_KEY}"
        )
    if kind == OWN_KEY and not key:
        raise refuse("InvalidEncryptionConfiguration", f"The type {OWN_KEY} needs a kmsKeyId")
    if period is not None and not 60 <= period <= 900:
        raise refuse("InvalidEncryptionConfiguration", "kmsDataKeyReusePeriodSeconds must be from 60 to 900")
    return given
