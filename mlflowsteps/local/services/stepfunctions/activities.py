"""Activities: create, describe, list, delete, and the long poll by which workers get tasks."""

from __future__ import annotations

from mlflowsteps.asl.arns import activity_arn
from mlflowsteps.local.services.stepfunctions.base import ACTIVITIES, Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import (
    check_name,
    check_worker,
    resource_parts,
)
from mlflowsteps.local.services.stepfunctions.encryption import check_encryption
from mlflowsteps.local.services.stepfunctions.refusals import refuse
from mlflowsteps.local.services.stepfunctions.tags import check_tags
from mlflowsteps.local.tasks.activities import TooManyWorkers

__all__ = ["ActivityOperations"]


class ActivityOperations(Operations):
    """Operations on activities."""

    def create_activity(self, params: Record) -> Record:
        """CreateActivity. The same name again gives the activity that is there; its tags stay as they are."""
        name = check_name(params["name"], self._quotas.name_length)
        tags = check_tags(params.get("tags", []), {}, most=self._quotas.tags)
        encryption = check_encryption(params.get("encryptionConfiguration"))
        arn = activity_arn(self._region, self._account_id, name)
        record: Record = {"arn": arn, "name": name, "creationDate": self._now(), "encryptionConfiguration": encryption}
        with self._store.database.write():
            if self._store.resources.insert(ACTIVITIES, name, record):
                if self._store.resources.count(ACTIVITIES) >= self._quotas.activities:  # this one not counted yet
                    raise refuse("ActivityLimitExceeded", f"There are at most {self._quotas.activities} activities")
                self._store.tags.clear(arn)
                self._store.tags.add(arn, tags)
            known = self._store.resources.get(ACTIVITIES, name) or record
        if known["encryptionConfiguration"] != encryption:
            raise refuse("ActivityAlreadyExists", arn)
        return {"activityArn": arn, "creationDate": known["creationDate"]}

    def describe_activity(self, params: Record) -> Record:
        """DescribeActivity."""
        record = self._activity(params["activityArn"])
        return {"activityArn": record["arn"]} | {key: value for key, value in record.items() if key != "arn"}

    def delete_activity(self, params: Record) -> Record:
        """DeleteActivity. One that is not there is no fault."""
        arn = params["activityArn"]
        name = resource_parts(arn, "activity")[1]
        with self._store.database.write():
            known = self._store.resources.get(ACTIVITIES, name)
            if known is not None and known["arn"] == arn:
                self._store.resources.delete(ACTIVITIES, name)
                self._store.tags.clear(arn)
        return {}

    def list_activities(self, params: Record) -> Record:
        """ListActivities, by name."""
        size, after = self._page(params, "ListActivities", str)
        records = sorted(self._store.resources.list(ACTIVITIES), key=lambda record: str(record["name"]))
        rest = [record for record in records if after is None or record["name"] > str(after)]
        rows = [
            {"activityArn": one["arn"], "name": one["name"], "creationDate": one["creationDate"]} for one in rest[:size]
        ]
        response: Record = {"activities": rows}
        if len(rest) > size:
            response["nextToken"] = self._next_page("ListActivities", rows[-1]["name"])
        return response

    def get_activity_task(self, params: Record) -> Record:
        """GetActivityTask. Waits up to a minute for a task, with a virtual clock up to a second; else no token."""
        arn, worker = self._activity(params["activityArn"])["arn"], check_worker(params.get("workerName"))
        seconds = self._clock.patience(self._quotas.poll_seconds)
        try:
            task = self._activities.take(arn, worker, seconds)
        except TooManyWorkers as error:
            raise refuse("ActivityWorkerLimitExceeded", str(error)) from None
        return {} if task is None else {"taskToken": task[0], "input": task[1]}

    def _activity(self, arn: str) -> Record:
        record = self._store.resources.get(ACTIVITIES, resource_parts(arn, "activity")[1])
        if record is None or record["arn"] != arn:
            raise refuse("ActivityDoesNotExist", arn)
        return record
