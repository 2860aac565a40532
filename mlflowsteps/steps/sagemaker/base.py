"""What the SageMaker steps share: the request becomes the state's parameters, the action its Resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias, cast

from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.integration_resources import IntegrationPattern
from mlflowsteps.steps.integrations import ServiceStep
from mlflowsteps.steps.keywords import TaskFields
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.requests import checked, merged, stringified, take_overrides

__all__ = ["SageMakerStep", "Tags"]

Tags: TypeAlias = "Mapping[str, Any] | list[dict[str, Any]] | Expression | None"
"""Tags as a dict, or as a list of Key and Value; or a placeholder for the list."""

_STRING_MAPS = ("HyperParameters", "Environment")


class SageMakerStep(ServiceStep):
    """A Task state that calls SageMaker; ``fields["parameters"]`` holds the request."""

    name_argument: ClassVar[str] = "job_name"
    """The argument that gives the resource its name, for messages."""

    def _start(
        self,
        state_id: str,
        request: dict[str, Json],
        name_key: str,
        wait: bool,
        retry: Retry | list[Retry] | None,
        catch: Catch | list[Catch] | None,
        output_schema: Schema,
        fields: TaskFields,
        action: str | None = None,
    ) -> None:
        """Put ``parameters`` over the request, check it, and set the state up.

        Args:
            state_id: name of the state.
            request: the request with the step's keywords in it.
            name_key: the member that names the resource.
            wait: True: wait until the job has ended.
            retry: a retrier, or several.
            catch: a catcher, or several.
            output_schema: schema of the output.
            fields: the fields of the Task.
            action: the action, where it is not the class's.
        """
        keywords = cast("dict[str, Json]", fields)
        over = take_overrides(keywords)
        final = merged(request, over) if over is not None else request
        if isinstance(final, dict):
            for key in _STRING_MAPS:
                if key in final:
                    final[key] = stringified(final[key])
        action = action or self.action
        operation = action[0].upper() + action[1:]
        keywords["parameters"] = checked(final, operation, state_id, name_key, self.name_argument)
        pattern = IntegrationPattern.WaitForCompletion if wait else IntegrationPattern.CallAndContinue
        keywords["resource"] = self.resource_of(pattern, action)
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)
