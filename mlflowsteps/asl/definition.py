"""A definition compiled: frozen states whose expressions are closures, made once and run often.

Owns what the fields of a state become. It expects a definition that ``validate`` accepts; what is wrong all the same
raises DefinitionError with the place. Nested state machines (Parallel, Map) are compiled once each, by an explicit
list: neither a long chain nor deep nesting recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from mlflowsteps.asl import jsonata
from mlflowsteps.asl.arns import Resource, parse_resource
from mlflowsteps.asl.choices import compile_rule
from mlflowsteps.asl.dataflow import CatchFlow, Flow, JsonataFlow, PathFlow, Place
from mlflowsteps.asl.distributed import DistributedMap, compile_distributed
from mlflowsteps.asl.events import ENTERED
from mlflowsteps.asl.fields import JSONATA, JSONPATH
from mlflowsteps.asl.paths import compile_path, compile_reference_path
from mlflowsteps.asl.payloads import Closure, Json, Scope, compile_template, compile_value, dumps
from mlflowsteps.asl.settings import Number, Setting, compile_setting
from mlflowsteps.asl.timestamps import parse_timestamp
from mlflowsteps.exceptions import DefinitionError, Diagnostic, LocatedError, PathError, StatesError

__all__ = [
    "Catcher",
    "ChoiceRule",
    "ChoiceWork",
    "FailWork",
    "Machine",
    "MapWork",
    "ParallelWork",
    "PassWork",
    "Retrier",
    "State",
    "TaskWork",
    "WaitWork",
    "compile_machine",
]

_DEFAULT_MAX_DELAY = 99_999_999.0


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of a Retry list.

    Args:
        errors: the names in ErrorEquals.
        interval_seconds: wait before the first retry.
        max_attempts: most retries, 0 or more.
        backoff_rate: factor from one wait to the next, at least 1.
        max_delay_seconds: longest wait.
        full_jitter: True: the wait is drawn between 0 and what it would be.
    """

    errors: frozenset[str]
    interval_seconds: float = 1.0
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: float = _DEFAULT_MAX_DELAY
    full_jitter: bool = False


@dataclass(frozen=True, slots=True)
class Catcher:
    """One entry of a Catch list: the errors it names, where it leads, and what it makes of the error."""

    errors: frozenset[str]
    next: str
    flow: CatchFlow


@dataclass(frozen=True, slots=True)
class PassWork:
    """What a Pass state does: gives a literal result, where it has one."""

    has_result: bool = False
    result: Json = None


@dataclass(frozen=True, slots=True)
class TaskWork:
    """What a Task state does: the resource it calls, its limits and its role."""

    resource: Resource
    resource_text: str
    timeout_seconds: Setting
    heartbeat_seconds: Setting
    role_arn: Closure | None


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    """One rule of a Choice state, or its default (whose test is None).

    Args:
        test: the condition; None: it always holds.
        next: name of the state that follows.
        flow: what the state passes on and sets when this rule holds.
    """

    test: Callable[[Scope], bool] | None
    next: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class ChoiceWork:
    """What a Choice state does: its rules in order, the default last."""

    rules: tuple[ChoiceRule, ...]


@dataclass(frozen=True, slots=True)
class WaitWork:
    """What a Wait state does; ``due`` gives the time to wait for, from the scope and the time it is now."""

    due: Callable[[Scope, float], float]


@dataclass(frozen=True, slots=True)
class FailWork:
    """What a Fail state does: its error's name and cause, each text or an expression or None."""

    error: Closure | None
    cause: Closure | None


@dataclass(frozen=True, slots=True)
class ParallelWork:
    """What a Parallel state does: its branches."""

    branches: tuple[Machine, ...]


@dataclass(frozen=True, slots=True)
class MapWork:
    """What a Map state does.

    Args:
        processor: the state machine run for each item.
        items: makes the items; None: the effective input.
        items_text: ItemsPath, for error texts.
        selector: makes the input of an iteration; None: the item.
        max_concurrency: most iterations at a time; 0 or None: no bound of its own.
        tolerated_count: ToleratedFailureCount.
        tolerated_percentage: ToleratedFailurePercentage.
        distributed: None: the Map is inline.
    """

    processor: Machine
    items: Closure | None
    items_text: str
    selector: Closure | None
    max_concurrency: Setting
    tolerated_count: Setting
    tolerated_percentage: Setting
    distributed: DistributedMap | None = None


Work: TypeAlias = (
    PassWork | TaskWork | ChoiceWork | WaitWork | FailWork | ParallelWork | MapWork | None  # None: Succeed
)


@dataclass(frozen=True, slots=True)
class State:
    """A compiled state.

    Args:
        name: its name.
        type: its type.
        language: its query language.
        next: name of the state that follows; None at an end, and in Choice, Succeed and Fail.
        flow: its phases.
        work: what it does, by type.
        retriers: its Retry list.
        catchers: its Catch list.
        plain: True: its result is its output and nothing is assigned.
        entered_type: type of the event with which it is entered.
    """

    name: str
    type: str
    language: str
    next: str | None
    flow: Flow
    work: Work
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    plain: bool = False
    entered_type: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A compiled state machine, or a branch or item processor of one.

    Args:
        start_at: name of its first state.
        states: its states by name.
        timeout_seconds: the whole execution's time-out; None where there is none.
    """

    start_at: str
    states: dict[str, State] = field(repr=False)
    timeout_seconds: Number | None = None


# --- compiling


def compile_machine(definition: dict[str, Json]) -> Machine:
    """Compile a definition.

    Args:
        definition: an Amazon States Language state machine that ``validate`` accepts.

    Raises:
        DefinitionError: it lacks something, or an expression in it cannot be compiled; names the state.

    >>> machine = compile_machine({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    >>> machine.start_at, machine.states["A"].type
    ('A', 'Succeed')
    """
    order: list[tuple[dict[str, Json], str, str]] = []
    waiting = [(definition, JSONPATH, "")]
    while waiting:
        found = waiting.pop()
        order.append(found)
        waiting.extend(_nested(*found))
    made: dict[int, Machine] = {}
    for one, language, pointer in reversed(order):  # what is nested comes first
        made[id(one)] = _machine(one, language, pointer, made)
    return made[id(definition)]


def _fault(pointer: str, message: str) -> DefinitionError:
    return DefinitionError([Diagnostic("SCHEMA_VALIDATION_FAILED", pointer, message)])


def _nested(definition: dict[str, Json], language: str, pointer: str) -> Iterator[tuple[dict[str, Json], str, str]]:
    language = definition.get("QueryLanguage", language)
    try:
        for name, state in definition["States"].items():
            place, own = f"{pointer}/States/{name}", state.get("QueryLanguage", language)
            for at, branch in enumerate(state.get("Branches", ())):
                yield branch, own, f"{place}/Branches/{at}"
            for key in ("ItemProcessor", "Iterator"):
                if key in state:
                    yield state[key], own, f"{place}/{key}"
    except (KeyError, AttributeError, TypeError) as error:
        raise _fault(pointer, f"This is no state machine: {error}") from error


def _machine(definition: dict[str, Json], language: str, pointer: str, made: dict[int, Machine]) -> Machine:
    language = definition.get("QueryLanguage", language)
    states: dict[str, State] = {}
    for name, source in definition["States"].items():
        place = f"{pointer}/States/{name}"
        try:
            states[name] = _state(name, source, source.get("QueryLanguage", language), made)
        except KeyError as error:
            raise _fault(place, f"The field {error} is missing, or its value is unknown") from error
        except (TypeError, AttributeError, ValueError) as error:
            raise _fault(place, str(error)) from error
    _check_targets(definition.get("StartAt"), states, pointer)
    return Machine(definition["StartAt"], states, definition.get("TimeoutSeconds"))


def _check_targets(start_at: Json, states: dict[str, State], pointer: str) -> None:
    """Every transition leads to a state: the engine looks names up without asking.

    Raises:
        DefinitionError: one does not.
    """
    targets = [("", start_at)]
    for state in states.values():
        rules = state.work.rules if isinstance(state.work, ChoiceWork) else ()
        names = [state.next, *(catcher.next for catcher in state.catchers), *(rule.next for rule in rules)]
        targets.extend((f"/States/{state.name}", name) for name in names if name is not None)
    for place, target in targets:
        if target not in states:
            raise _fault(pointer + place, f"There is no state {target!r} to go to")


def _state(name: str, source: dict[str, Json], language: str, made: dict[int, Machine]) -> State:
    kind = source["Type"]
    flow = _FLOWS[language](source)
    work: Work = _WORKS[kind](source, language, made)
    catchers = source.get("Catch", ())
    return State(
        name=name,
        type=kind,
        language=language,
        next=source.get("Next"),
        flow=flow,
        work=work,
        retriers=tuple(map(_retrier, source.get("Retry", ()))),
        catchers=tuple(_catcher(one, language, at) for at, one in enumerate(catchers)),
        plain=flow.plain,
        entered_type=ENTERED[kind],
    )


def _retrier(source: dict[str, Json]) -> Retrier:
    return Retrier(
        errors=frozenset(source["ErrorEquals"]),
        interval_seconds=source.get("IntervalSeconds", 1),
        max_attempts=source.get("MaxAttempts", 3),
        backoff_rate=source.get("BackoffRate", 2.0),
        max_delay_seconds=source.get("MaxDelaySeconds", _DEFAULT_MAX_DELAY),
        full_jitter=source.get("JitterStrategy") == "FULL",
    )


def _catcher(source: dict[str, Json], language: str, at: int) -> Catcher:
    flow = _FLOWS[language](source, f"Catch[{at}]/")
    return Catcher(frozenset(source["ErrorEquals"]), source["Next"], flow)


# --- phases


def _path_flow(source: dict[str, Json], where: str = "") -> PathFlow:  # noqa: ARG001 - both languages take a place
    # A Map's Parameters is the old name of its ItemSelector.
    parameters = source.get("Parameters") if source.get("Type") != "Map" else None
    return PathFlow(
        input_path=_optional_path(source, "InputPath"),
        parameters=None if parameters is None else compile_template(parameters),
        selector=compile_template(source["ResultSelector"]) if "ResultSelector" in source else None,
        place=_result_path(source),
        assign=compile_template(source["Assign"]) if "Assign" in source else None,
        output_path=_optional_path(source, "OutputPath"),
    )


def _optional_path(source: dict[str, Json], name: str) -> Closure | None:
    text = source.get(name, "$")
    if text is None:
        return _constant({})
    if text == "$":
        return None
    return compile_path(text).read


def _constant(value: Json) -> Closure:
    return lambda _scope: value


def _result_path(source: dict[str, Json]) -> Place | None:
    text = source.get("ResultPath", "$")
    if text is None:
        return lambda document, _result: document
    return None if text == "$" else compile_reference_path(text).write


def _jsonata_flow(source: dict[str, Json], where: str = "") -> JsonataFlow:
    def template(name: str) -> Closure | None:
        return jsonata.compile_template(source[name], where + name) if name in source else None

    return JsonataFlow(template("Arguments"), template("Output"), template("Assign"))


_FLOWS: dict[str, Callable[..., Flow]] = {JSONPATH: _path_flow, JSONATA: _jsonata_flow}


# --- work by type


def _pass_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> PassWork:  # noqa: ARG001
    return PassWork("Result" in source, source.get("Result"))


def _task_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> TaskWork:  # noqa: ARG001
    return TaskWork(
        resource=parse_resource(source["Resource"]),
        resource_text=source["Resource"],
        timeout_seconds=compile_setting(source, "TimeoutSeconds", language),
        heartbeat_seconds=compile_setting(source, "HeartbeatSeconds", language),
        role_arn=_role(source.get("Credentials"), language),
    )


def _role(credentials: Json, language: str) -> Closure | None:
    if credentials is None:
        return None
    make = (
        jsonata.compile_template(credentials, "Credentials") if language == JSONATA else compile_template(credentials)
    )
    return lambda scope: make(scope).get("RoleArn")


def _choice_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> ChoiceWork:  # noqa: ARG001
    rules = [_rule(one, language, at, source) for at, one in enumerate(source["Choices"])]
    if "Default" in source:
        rules.append(ChoiceRule(None, source["Default"], _FLOWS[language](source)))
    return ChoiceWork(tuple(rules))


def _rule(rule: dict[str, Json], language: str, at: int, state: dict[str, Json]) -> ChoiceRule:
    """A rule's own Assign and Output replace the state's, which are for the default alone."""
    paths = {key: state[key] for key in ("InputPath", "OutputPath") if key in state}
    flow = _FLOWS[language](
        {**paths, **{key: rule[key] for key in ("Assign", "Output") if key in rule}}, f"Choices[{at}]/"
    )
    if language == JSONATA:
        test: Callable[[Scope], bool] = jsonata.compile_expression(
            rule["Condition"], f"Choices[{at}]/Condition", "boolean"
        )
    else:
        test = compile_rule(rule)
    return ChoiceRule(test, rule["Next"], flow)


def _wait_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> WaitWork:  # noqa: ARG001
    name = next((key for key in ("SecondsPath", "TimestampPath", "Seconds", "Timestamp") if key in source), None)
    if name is None:
        raise ValueError("A Wait state needs Seconds, SecondsPath, Timestamp or TimestampPath")
    value = source[name]
    if name.endswith("Path"):
        read = _wait_value(value, name)
    elif isinstance(value, str) and language == JSONATA and value.startswith("{%"):
        read = jsonata.compile_expression(value, name, "number" if name == "Seconds" else "string")
    else:
        read = _constant(value)
    due = _seconds_from_now if name.startswith("Seconds") else _instant
    return WaitWork(lambda scope, now: due(read(scope), now, name, value))


def _wait_value(text: str, name: str) -> Closure:
    read = compile_path(text).read

    def value(scope: Scope) -> Json:
        try:
            return read(scope)
        except PathError:
            cause = f"The {name} parameter does not reference an input value: {text}"
            raise StatesError("States.Runtime", cause) from None

    return value


def _seconds_from_now(value: Json, now: float, name: str, source: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _DEFAULT_MAX_DELAY:
        return now + value
    if name.endswith("Path"):
        cause = f"The {name} parameter does not reference a valid number of seconds: {source} == {dumps(value)}"
        raise StatesError("States.Runtime", cause)
    raise LocatedError(
        "States.QueryEvaluationError", f"The {name} field is not a valid number of seconds: {dumps(value)}", name
    )


def _instant(value: Json, now: float, name: str, source: str) -> float:  # noqa: ARG001 - as _seconds_from_now
    instant = parse_timestamp(value) if isinstance(value, str) else None
    if instant is not None:
        return instant[0] + instant[1] / 1_000_000_000
    shown = value if isinstance(value, str) else dumps(value)
    what = "a valid ISO-8601 extended offset date-time format"
    if name.endswith("Path"):
        cause = f"The {name} parameter does not reference {what} string: {source} == {shown}"
        raise StatesError("States.Runtime", cause)
    cause = f"The {name} field cannot be parsed as {what.replace('a valid', 'an')} string: {shown}"
    raise LocatedError("States.QueryEvaluationError", cause, name)


def _fail_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> FailWork:  # noqa: ARG001
    return FailWork(_text(source, "Error", language), _text(source, "Cause", language))


def _text(source: dict[str, Json], name: str, language: str) -> Closure | None:
    if name + "Path" in source:
        return compile_value(source[name + "Path"], name + "Path")
    value = source.get(name)
    if value is None:
        return None
    if language == JSONATA:
        return jsonata.compile_template(value, name)
    return _constant(value)


def _parallel_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> ParallelWork:  # noqa: ARG001
    return ParallelWork(tuple(made[id(branch)] for branch in source["Branches"]))


def _map_work(source: dict[str, Json], language: str, made: dict[int, Machine]) -> MapWork:
    processor = source["ItemProcessor"] if "ItemProcessor" in source else source["Iterator"]
    return MapWork(
        processor=made[id(processor)],
        items=_items(source, language),
        items_text=source.get("ItemsPath", "$"),
        selector=_selector(source, language),
        max_concurrency=compile_setting(source, "MaxConcurrency", language),
        tolerated_count=compile_setting(source, "ToleratedFailureCount", language),
        tolerated_percentage=compile_setting(source, "ToleratedFailurePercentage", language, "float"),
        distributed=compile_distributed(source, processor, language),
    )


def _items(source: dict[str, Json], language: str) -> Closure | None:
    if language == JSONATA:
        return _jsonata_items(source["Items"]) if "Items" in source else None
    text = source.get("ItemsPath", "$")
    return None if text == "$" else compile_path(text).read


def _jsonata_items(items: Json) -> Closure:
    return (
        jsonata.compile_expression(items, "Items", "array")
        if isinstance(items, str)
        else jsonata.compile_template(items, "Items")
    )


def _selector(source: dict[str, Json], language: str) -> Closure | None:
    for name in ("ItemSelector", "Parameters"):
        if name in source:
            template = source[name]
            return jsonata.compile_template(template, name) if language == JSONATA else compile_template(template)
    return None


_WORKS: dict[str, Callable[[dict[str, Json], str, dict[int, Machine]], Work]] = {
    "Pass": _pass_work,
    "Task": _task_work,
    "Choice": _choice_work,
    "Wait": _wait_work,
    "Fail": _fail_work,
    "Parallel": _parallel_work,
    "Map": _map_work,
    "Succeed": lambda _source, _language, _made: None,
}
