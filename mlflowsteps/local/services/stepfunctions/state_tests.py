"""TestState: one state run on its own, with its work mocked or done.

Owns what a request may ask for, the context object a tested state sees, and the response's form. The state itself is
run by ``interpreter.probe``, a task that is not mocked by its handler.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from io import BytesIO

from mlflowsteps.asl.arns import REQUEST_RESPONSE, execution_arn, parse_resource, state_machine_arn
from mlflowsteps.asl.dataflow import iso_time
from mlflowsteps.asl.definition import Machine, State, compile_machine
from mlflowsteps.asl.fields import JSONATA, JSONPATH
from mlflowsteps.asl.payloads import Json, dumps, loads
from mlflowsteps.asl.validate import invalid_definition_message, validate
from mlflowsteps.exceptions import ServiceError, StatesError
from mlflowsteps.local.interpreter import RunHeader
from mlflowsteps.local.interpreter.probe import Mock, Probe, ProbeSettings
from mlflowsteps.local.map_runs.formats import FORMATS
from mlflowsteps.local.map_runs.inputs import batches
from mlflowsteps.local.scheduler.live import request_of
from mlflowsteps.local.services.stepfunctions.base import Operations, Record
from mlflowsteps.local.services.stepfunctions.checks import check_choice, check_json, check_role
from mlflowsteps.local.services.stepfunctions.mocks import MODES, check_mock_result
from mlflowsteps.local.services.stepfunctions.refusals import refuse

__all__ = ["StateTestOperations"]

LEVELS = ("INFO", "DEBUG", "TRACE")
NAME = "StateName"  # what the service calls a state that is tested on its own
MOCKABLE = frozenset({"Task", "Map", "Parallel"})
MAX_SECONDS = 300.0

_PATH_PHASES = frozenset({"afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath", "result"})
_RESULT_PHASES = frozenset({"afterResultSelector", "afterResultPath"})
_MAP_PHASES = frozenset(
    {"afterItemsPath", "afterItemSelector", "afterItemBatcher", "afterItemsPointer", "maxConcurrency",
     "toleratedFailureCount", "toleratedFailurePercentage"}
)  # fmt: skip
_SHOWN: dict[str, dict[str, frozenset[str]]] = {
    JSONPATH: {
        "Pass": _PATH_PHASES,
        "Task": _PATH_PHASES,
        "Parallel": _RESULT_PHASES,
        "Map": _RESULT_PHASES | _MAP_PHASES | {"afterInputPath"},
    },
    JSONATA: {"Task": frozenset({"afterArguments", "result"}), "Map": _MAP_PHASES},
}
"""What an inspection shows of a state's phases, as recorded; others show InputPath's."""
_OTHERS = {JSONPATH: frozenset({"afterInputPath"}), JSONATA: frozenset[str]()}
_NUMBERS = frozenset({"maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage"})


class StateTestOperations(Operations):
    """The operation that tests a state."""

    def test_state(self, params: Record) -> Record:
        """TestState."""
        level = check_choice(params.get("inspectionLevel", "INFO"), "inspectionLevel", LEVELS)
        if params.get("revealSecrets") and level != "TRACE":
            raise refuse("ValidationException", "revealSecrets needs the inspectionLevel TRACE")
        if "roleArn" in params:
            check_role(params["roleArn"])
        source, machine, state, in_map = _state_under_test(params)
        text = params.get("input", "{}")
        given = check_json(text, "input", "InvalidExecutionInput")
        _check_mock(params, source, state)
        variables = _object(params, "variables")
        reader_items, pointed = _reader_items(params, source)
        configuration = params.get("stateConfiguration") or {}
        header = self._header(params, text)
        settings = ProbeSettings(
            context=_context(params, header, state, given, in_map=in_map),
            variables=variables,
            mock=_mock(params),
            retries=configuration.get("retrierRetryCount") or 0,
            failed_items=configuration.get("mapIterationFailureCount") or 0,
            reader_items=reader_items,
        )
        probe = Probe(machine, state, header, settings)
        if pointed:
            probe.seen.phases["afterItemsPointer"] = reader_items
        exchange = self._run(probe)
        _note_batches(probe)
        response = _outcome(probe)
        if level != "INFO":
            response["inspectionData"] = _inspection(probe, text)
            if level == "TRACE" and exchange:  # no connection adds anything, so nothing is left out as a secret
                response["inspectionData"] |= exchange
        return response

    def _header(self, params: Record, text: str) -> RunHeader:
        machine, name = str(uuid.uuid4()), str(uuid.uuid4())
        arn = state_machine_arn(self._region, self._account_id, machine)
        return RunHeader(
            execution_arn=execution_arn(arn, name).replace(":execution:", ":express:"),
            name=name,
            role_arn=params.get("roleArn", ""),
            machine_arn=arn,
            machine_name=machine,
            start_time=self._now(),
            seed=uuid.uuid4().int >> 64,
            input_text=text,
            machine_type="EXPRESS",
        )

    def _run(self, probe: Probe) -> Record:
        """Run the state; returns what went over the wire."""
        task = probe.start()
        exchange: Record = {}
        while task is not None:
            event, exchange = self._scheduler.try_task(request_of(task, probe.header.execution_arn), MAX_SECONDS)
            task = probe.tell(event)
        return exchange


# --- the state


def _state_under_test(params: Record) -> tuple[Record, Machine, State, bool]:
    """The state as it stands, what holds it, its compiled form, and whether it is inside a Map."""
    definition = _definition(params["definition"])
    name = params.get("stateName")
    if name is None:
        if "Type" not in definition and "States" in definition:
            raise refuse("ValidationException", "A stateName is required where the definition is a state machine")
        definition, name = _alone(definition), NAME
    elif "States" not in definition:
        raise refuse("ValidationException", "A stateName needs the definition of a whole state machine")
    faults = validate(definition)
    if faults:
        raise ServiceError("InvalidDefinition", invalid_definition_message(params["definition"], faults))
    for source, machine, state, in_map in _states(definition, compile_machine(definition)):
        if state.name == name:
            return source, machine, state, in_map
    raise refuse("ValidationException", f"State not found in definition: {name}")


def _definition(text: str) -> Record:
    try:
        definition = loads(text)
    except ValueError:
        definition = None
    if not isinstance(definition, dict):
        raise ServiceError("InvalidDefinition", invalid_definition_message(text, validate(text)))
    return definition


def _alone(state: Record) -> Record:
    """A state machine of a state alone, and of ends for whatever it leads to."""
    ways = [state.get("Next"), state.get("Default")]
    for key in ("Choices", "Catch"):
        rules = state.get(key)
        ways += [rule.get("Next") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    ends: Record = {way: {"Type": "Succeed"} for way in ways if isinstance(way, str)}
    return {"StartAt": NAME, "States": {**ends, NAME: state}}


def _states(definition: Record, machine: Machine) -> Iterator[tuple[Record, Machine, State, bool]]:
    waiting: list[tuple[Record, Machine, bool]] = [(definition, machine, False)]
    while waiting:
        source, machine, in_map = waiting.pop()
        for name, state in machine.states.items():
            own = source["States"][name]
            yield own, machine, state, in_map
            if state.type == "Parallel":
                branches = zip(own["Branches"], state.work.branches, strict=True)  # type: ignore[union-attr]
                waiting.extend((branch, compiled, in_map) for branch, compiled in branches)
            elif state.type == "Map":
                processor = own["ItemProcessor"] if "ItemProcessor" in own else own["Iterator"]
                waiting.append((processor, state.work.processor, True))  # type: ignore[union-attr]


# --- what the request gives


def _object(params: Record, member: str) -> Record:
    if member not in params:
        return {}
    value = check_json(params[member], member, "ValidationException")
    if not isinstance(value, dict):
        raise refuse("ValidationException", f"The {member} must be a JSON object")
    return value


def _mock(params: Record) -> Mock | None:
    mock = params.get("mock")
    if mock is None:
        return None
    if "result" in mock:
        return Mock(result_text=mock["result"])
    return Mock(error=mock["errorOutput"].get("error"), cause=mock["errorOutput"].get("cause"))


def _check_mock(params: Record, source: Record, state: State) -> None:
    """Whether this state can be mocked so, or needs no mock."""
    mock = params.get("mock")
    if mock is None:
        _check_unmocked(params, state)
        return
    if state.type not in MOCKABLE:
        raise refuse("ValidationException", f"State type '{state.type}' is not supported when a mock is specified")
    if ("result" in mock) == ("errorOutput" in mock):
        raise refuse(
            "ValidationException", "A test mock should have only one of the following fields: [result, errorOutput]."
        )
    mode = check_choice(mock.get("fieldValidationMode", "STRICT"), "mock.fieldValidationMode", MODES)
    if "result" in mock:
        _check_result(check_json(mock["result"], "mock.result", "ValidationException"), source, state, mode)
    elif not mock["errorOutput"].get("error"):
        raise refuse("ValidationException", "A mocked error needs the name of an error: mock.errorOutput.error")
    _check_cause(params, source, state)


def _check_unmocked(params: Record, state: State) -> None:
    if "context" in params:
        raise refuse("ValidationException", "A context may be given only together with a mock")
    if state.type in ("Map", "Parallel"):
        raise refuse("ValidationException", f"State type '{state.type}' needs a mock to be tested")
    if state.type != "Task":
        return
    resource = state.work.resource  # type: ignore[union-attr]
    if resource.kind == "activity" or resource.pattern != REQUEST_RESPONSE:
        raise refuse("ValidationException", f"A task of {resource.text} needs a mock to be tested")
    if "roleArn" not in params:
        raise refuse("ValidationException", "A roleArn is needed to test a Task state without a mock")


def _check_result(result: Json, source: Record, state: State, mode: str) -> None:
    if state.type == "Task":
        check_mock_result(parse_resource(source["Resource"]), result, mode)
    elif not isinstance(result, list) and "ResultWriter" not in source:
        raise refuse("ValidationException", f"The mocked result of a {state.type} state must be an array")


def _check_cause(params: Record, source: Record, state: State) -> None:
    """ErrorCausedByState names a state inside the Map or Parallel."""
    name = (params.get("stateConfiguration") or {}).get("errorCausedByState")
    if name is None or state.type not in ("Map", "Parallel"):
        return
    alone = _alone({**source})
    inside = [found.name for _, _, found, _ in _states(alone, compile_machine(alone)) if found.name != NAME]
    if name not in inside:
        raise refuse("ValidationException", f"errorCausedByState names no state of this {state.type} state: {name}")


def _reader_items(params: Record, source: Record) -> tuple[list[Json] | None, bool]:
    """What the ItemReader is taken to have read, and whether an ItemsPointer led to it."""
    text = (params.get("stateConfiguration") or {}).get("mapItemReaderData")
    reader = source.get("ItemReader")
    if reader is None:
        return None, False
    if text is None:
        return [], False
    config = reader.get("ReaderConfig") or {}
    if config.get("InputType") in ("CSV", "JSONL"):
        return _read(text, config), False
    data = check_json(text, "stateConfiguration.mapItemReaderData", "ValidationException")
    pointer = config.get("ItemsPointer")
    for part in str(pointer).split("/")[1:] if pointer is not None else ():
        data = _step(data, part.replace("~1", "/").replace("~0", "~"), str(pointer))
    if isinstance(data, dict):
        data = [{"Key": key, "Value": value} for key, value in data.items()]
    if not isinstance(data, list):
        raise refuse("ValidationException", "mapItemReaderData must hold an array or an object")
    return data, pointer is not None


def _read(text: str, config: Record) -> list[Json]:
    """The rows or lines of a text, as the ItemReader would have read them."""
    stream = BytesIO(text.encode("utf-8", "surrogatepass"))
    try:
        return [item for item, _ in FORMATS[config["InputType"]](stream, config)]
    except StatesError as error:
        raise refuse("ValidationException", f"mapItemReaderData is no {config['InputType']}: {error.cause}") from error


def _step(data: Json, part: str, pointer: str) -> Json:
    if isinstance(data, dict) and part in data:
        return data[part]
    if isinstance(data, list) and part.isdecimal() and int(part) < len(data):
        return data[int(part)]
    raise refuse("ValidationException", f"mapItemReaderData has nothing at ItemsPointer {pointer}")


def _context(params: Record, header: RunHeader, state: State, given: Json, *, in_map: bool) -> Record:
    """The context object: the service's for a test, with what the request gives in place of its members."""
    now = iso_time(header.start_time)
    entered: Record = {"Name": NAME, "EnteredTime": now}
    if state.type in MOCKABLE:
        entered["RetryCount"] = (params.get("stateConfiguration") or {}).get("retrierRetryCount") or 0
    context: Record = {
        "Execution": {
            "Id": header.execution_arn,
            "Input": given,
            "Name": header.name,
            "RoleArn": header.role_arn or None,
            "StartTime": now,
        },
        "StateMachine": {"Id": header.machine_arn, "Name": header.machine_name},
        "State": entered,
    }
    if in_map:
        context["Map"] = {"Item": {"Index": 0, "Value": given}}
    return context | _object(params, "context")


def _note_batches(probe: Probe) -> None:
    if probe.seen.batching is not None:
        inputs, batcher = probe.seen.batching
        made = batches(iter(inputs), batcher, probe.state.name)
        probe.note("afterItemBatcher", [loads(text) for text, _ in made])


# --- the response


def _outcome(probe: Probe) -> Record:
    seen = probe.seen
    response: Record = {"status": seen.status}
    if seen.status in ("SUCCEEDED", "CAUGHT_ERROR"):
        response["output"] = seen.output_text
    if seen.status != "SUCCEEDED":
        response |= {key: value for key, value in (("error", seen.error), ("cause", seen.cause)) if value is not None}
    if seen.next is not None:
        response["nextState"] = seen.next
    return response


def _inspection(probe: Probe, text: str) -> Record:
    seen, state = probe.seen, probe.state
    shown = _SHOWN[state.language].get(state.type, _OTHERS[state.language])
    data: Record = {"input": text}
    for name, value in seen.phases.items():
        if name in shown:
            data[name] = value if name in _NUMBERS else dumps(value)
    details = _error_details(probe)
    if details:
        data["errorDetails"] = details
    if probe.frame.variables:
        data["variables"] = dumps(probe.frame.variables)
    return data


def _error_details(probe: Probe) -> Record:
    seen = probe.seen
    if seen.retry is not None:
        return {"retryIndex": seen.retry[0], "retryBackoffIntervalSeconds": int(seen.retry[1])}
    return {"catchIndex": seen.phases["catchIndex"]} if "catchIndex" in seen.phases else {}
