"""Waiting for what SageMaker does by asking it again and again, where no integration waits.

A Parallel state with one branch holds the loop: call, wait, describe, choose. To the workflow it is one state, whose
retriers and catchers count for the whole, and which fails with the description as its cause, as ``.sync`` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack, cast

from mlflowsteps.inputs import intrinsics
from mlflowsteps.inputs.expressions import Variable
from mlflowsteps.inputs.placeholders import StepInput
from mlflowsteps.inputs.schema import Schema
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.inputs.templates import Place, Template
from mlflowsteps.steps.chain import Chain
from mlflowsteps.steps.compile import Nest, reachable
from mlflowsteps.steps.integration_resources import get_service_integration_arn
from mlflowsteps.steps.keywords import ParallelFields
from mlflowsteps.steps.retries import Catch, Retry
from mlflowsteps.steps.states import Choice, Fail, Parallel, Pass, State, Task, Wait

__all__ = [
    "POLL_SECONDS",
    "Poll",
    "PollingStep",
    "aws_sdk_resource",
    "composite",
    "inner_name",
    "kept",
    "loop",
    "patience",
]

POLL_SECONDS = 30
"""Seconds between two questions."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What is asked, and what its answers mean.

    Args:
        describe: the action that is asked, such as ``describeTrainingJob``.
        name_key: the parameter that names the resource.
        status: member of the answer that holds the status.
        succeeded: statuses of success.
        failed: statuses of failure; any other means that it goes on.
        seconds: between two questions.
    """

    describe: str
    name_key: str
    status: str
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    seconds: int = POLL_SECONDS


def aws_sdk_resource(action: str) -> str:
    """The Resource that calls an action of SageMaker as any API of AWS is called."""
    return get_service_integration_arn("aws-sdk:sagemaker", action)


def inner_name(state_id: str, what: str) -> str:
    """Name of a state inside the one of a given name: unique where that is, and no longer than names may be.

    >>> inner_name("Deploy", "ask")
    'Deploy: ask'
    """
    if len(state_id) > _LONGEST:
        state_id = f"{state_id[: _LONGEST - 9]}~{_digest(state_id)[:8]}"
    return f"{state_id}: {what}"


_LONGEST = 60
"""Characters of the outer name in an inner one; names have 80."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def patience(max_attempts: int = 4) -> Retry:
    """A retrier for questions: asking again costs nothing, and SageMaker throttles who asks often.

    Args:
        max_attempts: most retries; the last of four comes within half a minute.
    """
    return Retry(
        error_equals=["States.TaskFailed"],
        interval_seconds=2,
        max_attempts=max_attempts,
        backoff_rate=2.0,
        jitter_strategy="FULL",
    )


def loop(
    state_id: str,
    name: Json,
    poll: Poll,
    before: Iterable[State] = (),
    *,
    expected: Mapping[str, Variable] | None = None,
    credentials: dict[str, Any] | None = None,
) -> Chain:
    """The states of one wait: they end with the description, or fail with it.

    Args:
        state_id: name of the whole, which the names of the states begin with.
        name: name of the resource; a Variable, or text.
        poll: what is asked.
        before: states that go before the first question.
        expected: members of the answer and what they must be at a success; else it is a failure.
        credentials: the role that the questions are asked with.
    """
    wait = Wait(inner_name(state_id, "wait"), seconds=poll.seconds)
    ask = Task(
        inner_name(state_id, "ask"),
        retry=patience(),
        resource=aws_sdk_resource(poll.describe),
        parameters={poll.name_key: name},
        credentials=credentials,
    )
    choice = Choice(inner_name(state_id, "done?"))
    done = Pass(inner_name(state_id, "done"))
    cause = intrinsics.json_to_string(StepInput())
    failed = Fail(inner_name(state_id, "failed"), error="States.TaskFailed", cause=cause)
    status = StepInput().get(poll.status, str)
    for value in poll.succeeded:
        for member, variable in (expected or {}).items():
            other = ~StepInput().get(member, str).equals(variable)
            choice.when(status.equals(value) & other, failed)
        choice.when(status.equals(value), done)
    for value in poll.failed:
        choice.when(status.equals(value), failed)
    choice.otherwise(wait)
    return Chain([*before, wait, ask, choice])


def kept(state_id: str, value: Json) -> tuple[Pass, Variable]:
    """A state that keeps a value in a variable of its branch, and the variable: a name may be made by States.UUID.

    Args:
        state_id: name of the whole.
        value: the value, or an expression.
    """
    variable = f"kept_{_digest(state_id)[:12]}"
    return Pass(inner_name(state_id, "name"), assign={variable: value}), Variable(variable)


def composite(state: State, resource: str, request: Json, name_key: str, poll: Poll) -> PollingStep:
    """A state that calls an action and waits for its end, as one Parallel state with the given one's links.

    Args:
        state: the state that it stands for.
        resource: what is called.
        request: with what.
        name_key: the member of the request that names the resource.
        poll: how it is asked.
    """
    _refuse_limits(state)
    given = dict(request)
    name = given.pop(name_key, None)
    value = f"⟦{given.pop(f'{name_key}.$')}⟧" if name is None else name
    keep, variable = kept(state.state_id, value)
    credentials = state.fields.get("credentials")
    call = Task(
        inner_name(state.state_id, "call"),
        resource=resource,
        parameters={**given, name_key: variable},
        credentials=credentials,
    )
    # What SageMaker refuses is told by the name that the optimized integration has for it: retriers need only that.
    refused = Fail(inner_name(state.state_id, "refused"), error=_OPTIMIZED, cause=StepInput().get("Cause", str))
    call.add_catch(Catch(refused, error_equals=[_AWS_SDK]))
    fields = {key: value for key, value in state.fields.items() if key in Parallel.known and key != "parameters"}
    if fields.get("input_path") is not None:
        keep.fields["input_path"] = fields.pop("input_path")
    branch = loop(state.state_id, variable, poll, [keep, call], credentials=credentials)
    whole = PollingStep(state.state_id, branch, **fields)
    whole.retries, whole.catches, whole.next_step = state.retries, state.catches, state.next_step
    return whole


_AWS_SDK, _OPTIMIZED = "SageMaker.SageMakerException", "SageMaker.AmazonSageMakerException"
"""What the two integrations call an error that SageMaker's model of its API has no name for, such as throttling."""

_LIMITS = ("timeout_seconds", "timeout_seconds_path", "heartbeat_seconds", "heartbeat_seconds_path")


def _refuse_limits(state: State) -> None:
    given = [name for name in _LIMITS if state.fields.get(name) is not None]
    if given:
        raise ValueError(
            f"Step {state.state_id!r}: a step that polls is no Task and cannot keep {', '.join(given)}; give the job "
            "its own StoppingCondition, or the workflow a timeout_seconds"
        )


_SELECTING = ("result_selector", "output_path", "output", "input_path")


class PollingStep(Parallel):
    """One state to the workflow, a loop of questions inside; its output is the last answer.

    Args:
        state_id: name of the state.
        branch: the loop.
        retry: a retrier, or several.
        catch: a catcher, or several.
        output_schema: schema of what ``output()`` gives.
        fields: the fields of a Parallel state, by keyword.

    Raises:
        ValueError: a field that selects another input or output is given, or a ``result_path`` that is no single name.
    """

    def __init__(
        self,
        state_id: str,
        branch: Chain,
        retry: Retry | list[Retry] | None = None,
        catch: Catch | list[Catch] | None = None,
        *,
        output_schema: Schema = None,
        **fields: Unpack[ParallelFields],
    ) -> None:
        super().__init__(state_id, retry, catch, branches=[branch], output_schema=output_schema, **fields)
        self._unwrap()

    def _unwrap(self) -> None:
        """Give the branch's output itself, not the list of one that Parallel makes of it."""
        unknown = [name for name in _SELECTING if self.fields.get(name) is not None]
        if unknown:
            raise ValueError(
                f"Step {self.state_id!r}: a step that polls takes result_path, but not {' and '.join(unknown)}; select "
                "in a state of its own"
            )
        path = self.fields.pop("result_path", "$")
        name = str(path).removeprefix("$.")
        if path not in (None, "$") and not name.isidentifier():
            raise ValueError(
                f"Step {self.state_id!r}: a step that polls takes a result_path such as '$.job', not {path!r}"
            )
        merged = f'{{% $merge([$states.input, {{"{name}": $states.result[0]}}]) %}}'
        outputs = {None: "{% $states.input %}", "$": "{% $states.result[0] %}"}
        self.fields |= {"query_language": "JSONata", "output": outputs.get(path, merged)}
        if self.fields.get("assign") is not None:  # what they read is the result, as in any state
            place = Place(f"state {self.state_id!r}, Assign")
            self.fields["assign"] = Template("JSONata", "$states.result[0]").render(self.fields["assign"], place)

    def render_state(self, language: str, nest: Nest) -> dict[str, Json]:
        """The state as it stands in a machine; only its own output is JSONata, whatever the machine's language."""
        for branch in self.branches:
            for state in reachable(branch):
                cast("State", state).fields["query_language"] = language
        return super().render_state(language, nest)
