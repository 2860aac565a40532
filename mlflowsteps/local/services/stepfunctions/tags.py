"""Tags of state machines and activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlflowsteps.exceptions import ServiceError
from mlflowsteps.local.quotas import Quotas
from mlflowsteps.local.services.stepfunctions.base import ACTIVITIES, MACHINES, Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import resource_parts
from mlflowsteps.local.services.stepfunctions.refusals import refuse, validation_error

__all__ = ["TagOperations", "check_tags"]

MAX_TAGS = Quotas().tags
_TAGGED = {"stateMachine": MACHINES, "activity": ACTIVITIES}


class TagOperations(Operations):
    """Operations on tags."""

    def tag_resource(self, params: Record) -> Record:
        """TagResource."""
        arn = self._tagged(params["resourceArn"])
        with self._store.database.write():
            self._store.tags.add(arn, check_tags(params["tags"], self._store.tags.get(arn), most=self._quotas.tags))
        return {}

    def untag_resource(self, params: Record) -> Record:
        """UntagResource."""
        self._store.tags.remove(self._tagged(params["resourceArn"]), params["tagKeys"])
        return {}

    def list_tags_for_resource(self, params: Record) -> Record:
        """ListTagsForResource."""
        tags = self._store.tags.get(self._tagged(params["resourceArn"]))
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

    def _tagged(self, arn: str) -> str:
        """The ARN, if it names something that there is and that can have tags."""
        parts = resource_parts(arn, *_TAGGED)
        record = self._store.resources.get(_TAGGED[parts[0]], parts[1])
        if record is None or record["arn"] != arn:
            raise refuse("ResourceNotFound", arn)
        return arn


def check_tags(tags: Sequence[Mapping[str, str]], known: Mapping[str, str], *, most: int = MAX_TAGS) -> dict[str, str]:
    """Tags by key, if they may be added to those known, and are at most ``most`` then.

    Raises:
        ServiceError: ValidationException or TooManyTags.
    """
    found = {tag.get("key", ""): tag.get("value", "") for tag in tags}
    for key, value in found.items():
        fault = _fault(key, value)
        if fault is not None:
            raise fault
    if len(found.keys() | known.keys()) > most:
        raise refuse("TooManyTags", f"a resource has at most {most} tags")
    return found


def _fault(key: str, value: str) -> ServiceError | None:
    if not 1 <= len(key) <= 128:
        return validation_error("tags.member.key", key, "Member must have length between 1 and 128")
    if len(value) > 256:
        return validation_error("tags.member.value", value, "Member must have length less than or equal to 256")
    if key.lower().startswith("aws:"):
        return refuse("ValidationException", f"The tag key {key!r} begins with 'aws:', which is reserved")
    try:
        (key + value).encode()
    except UnicodeEncodeError:
        return validation_error("tags.member", ascii(key), "Member must be text: it holds a lone surrogate")
    return None
