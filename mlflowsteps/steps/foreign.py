"""Steps of the real ``stepfunctions`` package, taken wherever ours are.

They are told by the module of their class, so that the package is never imported here. A step is made anew as one of
ours when it is given, with all that it links to; later changes of the original are not seen, as they were not by the
original's own workflows.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlflowsteps.inputs.placeholders import ExecutionInput
from mlflowsteps.inputs.rules import BaseRule
from mlflowsteps.inputs.syntax import Json

if TYPE_CHECKING:
    from mlflowsteps.steps.chain import Chain
    from mlflowsteps.steps.state import State, Step

__all__ = ["KINDS", "ForeignRule", "adopted", "adopted_input", "adopted_rule", "handlers_of", "is_foreign"]

_ROOT = "stepfunctions"
KINDS: dict[str, Callable[..., Any]] = {}
"""Our classes by the names that the language or the old SDK has for them; their modules put them in."""
_made: weakref.WeakKeyDictionary[Any, State] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def is_foreign(given: object) -> bool:
    """True for objects of the real ``stepfunctions`` package."""
    return type(given).__module__.partition(".")[0] == _ROOT


def adopted(step: Any) -> Step:
    """A state or chain of the real package as one of ours; the same one each time.

    Args:
        step: the state or chain; stays as it is.

    Raises:
        TypeError: it is neither, or of a kind that we do not know.
    """
    with _lock:
        if _is_chain(step):
            chain: Chain = KINDS["Chain"]([_state(item) for item in step.steps])
            return chain
        return _state(step)


def _is_chain(step: Any) -> bool:
    return "steps" in vars(step)


def _state(step: Any) -> State:
    """One state and all that it links to, without recursion along the links."""
    if step in _made:
        return _made[step]
    fresh = [item for item in _reachable(step) if item not in _made]
    for item in fresh:
        _made[item] = _bare(item)
    for item in fresh:
        _link(item, _made[item])
    return _made[step]


def _reachable(step: Any) -> Iterator[Any]:
    """A state and all that follow it or stand in it."""
    pending, seen = [step], set()
    while pending:
        item = pending.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        if _is_chain(item):
            pending.extend(item.steps)
            continue
        yield item
        pending.append(item.next_step)
        pending.extend(catch.next_step for catch in item.catches)
        pending.extend(target for _, target in item.choices or ())
        pending.extend([item.default, item.iterator, *(item.branches or ())])


_OTHERWISE = ("type", "next_step", "iterator", "default", "choices", "branches", "retries", "catches")


def _bare(step: Any) -> State:
    """A state without its links."""
    kind = KINDS.get(str(getattr(step, "state_type", None)))
    if kind is None:
        raise TypeError(f"{step!r} is no state or chain, or of a type that the language does not have")
    fields = {key: value for key, value in step.fields.items() if key not in _OTHERWISE}
    state: State = kind(step.state_id, **fields)
    return state


def _link(step: Any, made: Any) -> None:
    made.retries.extend(handlers_of(step.retries))
    made.catches.extend(handlers_of(step.catches))
    made.next_step = None if step.next_step is None else adopted(step.next_step)
    for rule, target in step.choices or ():
        made.add_choice(ForeignRule(rule), adopted(target))
    if step.default is not None:
        made.default = adopted(step.default)
    for branch in step.branches or ():
        made.add_branch(adopted(branch))
    if step.state_type == "Map" and step.iterator is not None:
        made.attach_iterator(adopted(step.iterator))


def handlers_of(given: list[Any]) -> list[Any]:
    """Retriers and catchers of the real package as ours; ours stay what they are."""

    def ours(item: Any) -> Any:
        if not is_foreign(item):
            return item
        fields = dict(item.fields)
        if type(item).__name__ == "Retry":
            return KINDS["Retry"](**fields)
        fields.pop("next_step", None)
        return KINDS["Catch"](adopted(item.next_step), **fields)

    return [ours(item) for item in given]


class ForeignRule(BaseRule):
    """A choice rule of the real package.

    Args:
        rule: the rule.
    """

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def to_dict(self) -> dict[str, Json]:
        """The rule as it stands in a Choice state of the query language JSONPath."""
        found: dict[str, Json] = self.rule.to_dict()
        return found

    def to_jsonata(self) -> str:
        """There is none.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self!r} comes from the package stepfunctions, which knows no JSONata; write the rule anew")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.to_dict()!r})"


def adopted_rule(rule: Any) -> Any:
    """A choice rule of the real package as one of ours; anything else as it is."""
    return ForeignRule(rule) if is_foreign(rule) and hasattr(rule, "to_dict") else rule


def adopted_input(given: Any) -> Any:
    """An ExecutionInput of the real package as one of ours, with its keys and types; anything else as it is."""
    if not is_foreign(given):
        return given
    made = ExecutionInput()
    _take_keys(made, given.store)
    if given.immutable:
        made._make_immutable()  # noqa: SLF001 - as its own schema does
    return made


def _take_keys(target: ExecutionInput, store: Mapping[str | int, Any]) -> None:
    for key, value in store.items():
        _take_keys(target[key] if value.type is None else target.get(key, value.type), value.store)
