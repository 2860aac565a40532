"""What the SageMaker steps share: the request becomes the state's parameters, the action its Resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, TypeAlias, cast

from mlflowsteps.catalog.integrations import find_integration
from mlflowsteps.exceptions import Diagnostic
from mlflowsteps.inputs.expressions import Expression
from mlflowsteps.inputs.placeholders import StepInput
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.steps.compile import Nest
from mlflowsteps.steps.integration_resources import IntegrationPattern
from mlflowsteps.steps.integrations import ServiceStep
from mlflowsteps.steps.keywords import TaskFields
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.sagemaker.check import check_request, request_faults, warn_of_local_mode, warn_of_unproven
from mlflowsteps.steps.sagemaker.objects import is_sdk_object
from mlflowsteps.steps.sagemaker.polling import Poll, aws_sdk_resource, composite
from mlflowsteps.steps.sagemaker.requests import checked, merged, named, stringified, take_overrides
from mlflowsteps.steps.sagemaker.staging import Upload
from mlflowsteps.steps.state import State, Step

__all__ = ["Integration", "SageMakerStep", "Tags"]

Tags: TypeAlias = "Mapping[str, Any] | list[dict[str, Any]] | Expression | None"
"""Tags as a dict, or as a list of Key and Value; or a placeholder for the list."""

Integration: TypeAlias = Literal["optimized", "aws-sdk"]
"""How a step calls SageMaker: by the integration that knows its jobs, or as any API of AWS."""

_STRING_MAPS = ("HyperParameters", "Environment")


class SageMakerStep(ServiceStep):
    """A Task state that calls SageMaker; ``fields["parameters"]`` holds the request."""

    integration: Integration = "optimized"
    """How the service is called."""
    polls: bool = False
    """True where the step asks again and again how the job goes, since the integration cannot wait."""
    name_argument: ClassVar[str] = "job_name"
    """The argument that gives the resource its name, for messages."""

    def request_faults(self) -> list[Diagnostic]:
        """What SageMaker would refuse in the request for its shape; botocore's model is loaded for it."""
        return request_faults(self.fields.get("parameters"), self.operation, self.state_id, complete=False)

    @property
    def operation(self) -> str:
        """The API operation, such as ``CreateTrainingJob``."""
        action = str(self.resource).rsplit(":", 1)[-1].split(".", 1)[0]
        return action[0].upper() + action[1:]

    def _result(self) -> StepInput:
        """What SageMaker answers, in the step's output: all of it, or what lies at the step's ``result_path``."""
        found, path = self.output(), self.fields.get("result_path")
        if isinstance(path, str):
            from mlflowsteps.asl.paths import compile_reference_path

            for key in compile_reference_path(path).keys:
                found = found[key]
        return found

    def _waiting(self, wait: bool, integration: Integration) -> bool:
        """Note how the service is called; True where the integration itself waits for the job's end.

        Args:
            wait: True: the step is to wait.
            integration: ``optimized`` or ``aws-sdk``.

        Raises:
            ValueError: there is no such integration.
        """
        if integration not in ("optimized", "aws-sdk"):
            raise ValueError(f"integration must be 'optimized' or 'aws-sdk', not {integration!r}")
        self.integration: Integration = integration
        self.polls = wait and integration == "aws-sdk"
        return wait and not self.polls

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
        self.uploads: tuple[Upload, ...] = getattr(request, "uploads", ())
        if isinstance(final, dict):
            final = named(final, name_key)
            for key in _STRING_MAPS:
                if key in final:
                    final[key] = stringified(final[key])
        action = action or self.action
        operation = action[0].upper() + action[1:]
        keywords["parameters"] = checked(final, operation, state_id, name_key, self.name_argument)
        if getattr(request, "complete", False):
            check_request(final, operation, state_id)
        warn_of_local_mode(final, state_id)
        if self.integration == "optimized":
            warn_of_unproven(final, operation, state_id)
        pattern = IntegrationPattern.WaitForCompletion if wait else IntegrationPattern.CallAndContinue
        keywords["resource"] = self.resource_of(pattern, action)
        if self.integration == "aws-sdk":
            keywords["resource"] = aws_sdk_resource(action)
        self._name_key = name_key
        super().__init__(state_id, retry, catch, output_schema=output_schema, **fields)
        if self.polls:
            self._composite()  # refuses fields that a loop cannot have

    def foreign(self) -> Iterable[object]:
        """The object of an SDK that the step was made of."""
        return [value for value in vars(self).values() if is_sdk_object(value)]

    def __getstate__(self) -> dict[str, Any]:
        """Without that object when pickled: its clients cannot be, and the request is made already."""
        return {name: None if is_sdk_object(value) else value for name, value in vars(self).items()}

    def poll(self) -> Poll:
        """How the end of what the step starts is asked for.

        Raises:
            ValueError: SageMaker has no such question for this action.
        """
        action = self.operation[0].lower() + self.operation[1:]
        row = find_integration("sagemaker", action)
        if row is None or row.job is None:
            raise ValueError(f"Step {self.state_id!r}: nothing tells when {self.operation} is done")
        describe = row.job.describe[0].lower() + row.job.describe[1:]
        return Poll(
            describe, self._name_key, row.job.status, tuple(sorted(row.job.succeeded)), tuple(sorted(row.job.failed))
        )

    def _composite(self) -> State:
        return composite(self, str(self.resource), self.fields["parameters"], self._name_key, self.poll())

    def render_state(self, language: str, nest: Nest) -> dict[str, Json]:
        """The state as it stands in a machine; one that polls is a Parallel state with the loop in it."""
        return self._composite().render_state(language, nest) if self.polls else super().render_state(language, nest)

    def nested(self) -> Iterable[Step]:
        """What the machines nested in this state begin with."""
        return self._composite().nested() if self.polls else ()
