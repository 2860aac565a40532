"""Retriers and catchers: what a state does about errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from mlflowsteps.asl.fields import INTEGER, LIST, NUMBER, REFERENCE_PATH, TEMPLATE, TEXT, Field
from mlflowsteps.inputs.syntax import Json
from mlflowsteps.inputs.templates import Place, Template
from mlflowsteps.steps.block import Block
from mlflowsteps.steps.foreign import KINDS, adopted, is_foreign
from mlflowsteps.steps.keywords import CatchFields, RetryFields

if TYPE_CHECKING:
    from mlflowsteps.steps.state import Step

__all__ = ["Catch", "Retry"]

_NONE: frozenset[str] = frozenset()


def _rows(*rows: Field) -> dict[str, Field]:
    return {row.keyword: row for row in rows}


class Retry(Block):
    """A retrier: which errors a state is tried again for, how often and after how long.

    Args:
        fields: ``error_equals`` (needed), ``interval_seconds``, ``max_attempts``, ``backoff_rate``,
            ``max_delay_seconds``, ``jitter_strategy``, ``comment``; see ``keywords.RetryFields``.
    """

    known = _rows(
        Field("Comment", TEXT, _NONE, "A remark for people; it has no effect."),
        Field("ErrorEquals", LIST, _NONE, "Names of the errors it is for."),
        Field("IntervalSeconds", INTEGER, _NONE, "Seconds before the first retry."),
        Field("MaxAttempts", INTEGER, _NONE, "Most retries."),
        Field("BackoffRate", NUMBER, _NONE, "What the interval is multiplied by after each retry."),
        Field("MaxDelaySeconds", INTEGER, _NONE, "Longest interval in seconds."),
        Field("JitterStrategy", TEXT, _NONE, "FULL or NONE."),
    )
    comment: str | None
    error_equals: list[str] | None
    interval_seconds: int | None
    max_attempts: int | None
    backoff_rate: float | None
    max_delay_seconds: int | None
    jitter_strategy: str | None

    def __init__(self, **fields: Unpack[RetryFields]) -> None:
        super().__init__(fields)


class Catch(Block):
    """A catcher: where a state goes on when it has failed.

    Args:
        next_step: state or chain to go on with.
        fields: ``error_equals`` (needed), ``result_path``, ``output``, ``assign``, ``comment``; see
            ``keywords.CatchFields``.
    """

    known = _rows(
        Field("Comment", TEXT, _NONE, "A remark for people; it has no effect."),
        Field("ErrorEquals", LIST, _NONE, "Names of the errors it is for."),
        Field("ResultPath", REFERENCE_PATH, _NONE, "Where {Error, Cause} goes in the state's input."),
        Field("Output", TEMPLATE, _NONE, "What the next state is given."),
        Field("Assign", TEMPLATE, _NONE, "Variables to set, by name."),
    )
    comment: str | None
    error_equals: list[str] | None
    result_path: Json
    output: Json
    assign: Json

    def __init__(self, next_step: Step, **fields: Unpack[CatchFields]) -> None:
        super().__init__(fields)
        self.next_step: Step = adopted(next_step) if is_foreign(next_step) else next_step

    def render(self, template: Template, place: Place) -> dict[str, Json]:
        """The catcher as it stands in a definition."""
        return {**super().render(template, place), "Next": self.next_step.state_id}


KINDS.update(Retry=Retry, Catch=Catch)
