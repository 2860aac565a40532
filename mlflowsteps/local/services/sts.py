"""AWS STS, as far as SDKs ask it who they are."""

from __future__ import annotations

from mlflowsteps.local.records import Json

__all__ = ["Sts"]


class Sts:
    """One method per operation played.

    Args:
        account_id: the runtime's account.
    """

    def __init__(self, *, account_id: str) -> None:
        self._account_id = account_id

    def get_caller_identity(self, params: dict[str, Json]) -> dict[str, Json]:
        """Who the caller is: the runtime's one user."""
        del params
        account = self._account_id
        return {"UserId": "AIDALOCAL", "Account": account, "Arn": f"arn:aws:iam::{account}:user/local"}
