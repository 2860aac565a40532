"""Rules about Parallel and Map: branches, processors, readers, batches and writers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflowsteps.asl.rules.fields import is_expression
from mlflowsteps.asl.rules.view import State, fault, pointer, shown
from mlflowsteps.asl.values import Json
from mlflowsteps.exceptions import Diagnostic

__all__ = ["CONTAINER_RULES"]

Found = Iterator[Diagnostic]

MAX_LABEL = 40
MAX_ITEMS = 100_000_000
MAX_BATCH_BYTES = 262_144
_NO_LABEL = re.compile(r"[\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]")
_DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter", "Label")
_READERS = re.compile(r"arn:[^:]+:states:::s3:(getObject|listObjectsV2)")
_WRITERS = re.compile(r"arn:[^:]+:states:::s3:putObject")

_ONE_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "ReaderConfig": {
        "InputType": ("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"),
        "Transformation": ("NONE", "LOAD_AND_FLATTEN"),
        "ManifestType": ("ATHENA_DATA", "S3_INVENTORY"),
        "CSVDelimiter": ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"),
        "CSVHeaderLocation": ("FIRST_ROW", "GIVEN"),
    },
    "WriterConfig": {"Transformation": ("NONE", "COMPACT", "FLATTEN"), "OutputType": ("JSON", "JSONL")},
    "ProcessorConfig": {"Mode": ("INLINE", "DISTRIBUTED"), "ExecutionType": ("STANDARD", "EXPRESS")},
}
_FIELDS: dict[str, frozenset[str]] = {
    "ItemReader": frozenset({"Resource", "Parameters", "Arguments", "ReaderConfig"}),
    "ReaderConfig": frozenset({*_ONE_OF["ReaderConfig"], "CSVHeaders", "ItemsPointer", "MaxItems", "MaxItemsPath"}),
    "ItemBatcher": frozenset(
        {"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput"}
    ),
    "ResultWriter": frozenset({"Resource", "Parameters", "Arguments", "WriterConfig"}),
    "WriterConfig": frozenset(_ONE_OF["WriterConfig"]),
    "ProcessorConfig": frozenset(_ONE_OF["ProcessorConfig"]),
}


def branches(state: State) -> Found:
    """A Parallel has one branch at least, and each is an object."""
    entries = state.body.get("Branches")
    if state.type != "Parallel" or not isinstance(entries, list):
        return
    where = pointer(state.pointer, "Branches")
    if not entries:
        yield fault(where, "Value cannot be empty", "Add a branch: an object with StartAt and States")
    for index, branch in enumerate(entries):
        if not isinstance(branch, dict):
            yield fault(pointer(where, index), f"Expected value of type Object, found {shown(branch)}")


def processor_config(state: State) -> Found:
    """Mode and ExecutionType of a processor are values there are, and go together."""
    if state.type != "Map":
        return
    for name in ("ItemProcessor", "Iterator"):
        processor = state.body.get(name)
        config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
        where = pointer(state.pointer, name, "ProcessorConfig")
        yield from _shape(state, where, "ProcessorConfig", config)
        if not isinstance(config, dict):
            continue
        if config.get("Mode") == "DISTRIBUTED":
            if "ExecutionType" not in config:
                yield fault(where, "These fields are required: [ExecutionType]", "STANDARD or EXPRESS")
            if state.level.express:
                message = "Express state machine does not support Distributed Map"
                yield fault(where, message, 'Write "Mode": "INLINE", or make the state machine STANDARD')
        elif "ExecutionType" in config:
            yield fault(where, "Field 'ExecutionType' is not supported", 'It belongs to "Mode": "DISTRIBUTED"')


def distributed_only(state: State) -> Found:
    """Reader, batcher, writer and label belong to a Distributed Map."""
    if state.type == "Map" and state.mode != "DISTRIBUTED":
        for name in _DISTRIBUTED_ONLY:
            if name in state.body:
                hint = 'Set "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} in ItemProcessor'
                yield fault(state.pointer, f"Field '{name}' is not supported", hint)


def label(state: State) -> Found:
    """A Label has 1 to 40 characters that may stand in an ARN."""
    value = state.body.get("Label")
    if state.type != "Map" or not isinstance(value, str):
        return
    where = pointer(state.pointer, "Label")
    if not value:
        yield fault(
            where, "Label cannot be empty", "Leave it out, or give it 1 to 40 characters", code="INVALID_LABEL_NAME"
        )
    elif len(value) > MAX_LABEL:
        message = f"Label '{value[:MAX_LABEL]}...' exceeds the {MAX_LABEL}-character limit allowed by the service"
        yield fault(where, message, code="INVALID_LABEL_NAME")
    elif bad := _NO_LABEL.search(value):
        message = f"Label {shown(value)} contains the invalid character {bad[0]!r}"
        yield fault(where, message, "Use letters, digits, - and _", code="INVALID_LABEL_NAME")


def reader(state: State) -> Found:
    """An ItemReader names an action of S3 and describes what it reads."""
    if "ItemReader" not in state.body or state.type != "Map":
        return
    value, where = state.body["ItemReader"], pointer(state.pointer, "ItemReader")
    yield from _shape(state, where, "ItemReader", value)
    if not isinstance(value, dict):
        return
    yield from _resource(where, value, _READERS, "s3:getObject or s3:listObjectsV2")
    config, place = value.get("ReaderConfig", {}), pointer(where, "ReaderConfig")
    yield from _shape(state, place, "ReaderConfig", config)
    if isinstance(config, dict):
        yield from _csv(place, config)
        yield from _count(state, place, config, "MaxItems", MAX_ITEMS, least=0)


def _csv(where: str, config: dict[str, Json]) -> Found:
    kind, location = config.get("InputType"), config.get("CSVHeaderLocation")
    # A manifest may list CSV files, so the header's place may stand there, too.
    if kind == "CSV" and location is None:
        yield fault(where, "The field 'CSVHeaderLocation' is required", "FIRST_ROW, or GIVEN with CSVHeaders")
    if kind in {"JSON", "JSONL", "PARQUET"}:
        for name in ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"):
            if name in config:
                yield fault(where, f"Field '{name}' is not supported", f"It belongs to InputType CSV, not {kind}")
    headers = config.get("CSVHeaders")
    if location == "GIVEN" and "CSVHeaders" not in config:
        yield fault(where, "These fields are required: [CSVHeaders]", "List the names of the columns")
    elif headers is not None and not _are_texts(headers):
        yield fault(pointer(where, "CSVHeaders"), f"Expected a list of names, found {shown(headers)}")


def _are_texts(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def batcher(state: State) -> Found:
    """An ItemBatcher bounds its batches by items or bytes."""
    if "ItemBatcher" not in state.body or state.type != "Map":
        return
    value, where = state.body["ItemBatcher"], pointer(state.pointer, "ItemBatcher")
    yield from _shape(state, where, "ItemBatcher", value)
    if not isinstance(value, dict):
        return
    if not any(name.startswith("Max") for name in value):
        message = "At least one of the following fields is required: [MaxItemsPerBatch, MaxInputBytesPerBatch]"
        yield fault(where, message)
    yield from _count(state, where, value, "MaxItemsPerBatch", MAX_ITEMS)
    yield from _count(state, where, value, "MaxInputBytesPerBatch", MAX_BATCH_BYTES)


def writer(state: State) -> Found:
    """A ResultWriter names S3's putObject, or only how results are written."""
    if "ResultWriter" not in state.body or state.type != "Map":
        return
    value, where = state.body["ResultWriter"], pointer(state.pointer, "ResultWriter")
    yield from _shape(state, where, "ResultWriter", value)
    if not isinstance(value, dict):
        return
    if "Resource" in value or "WriterConfig" not in value:
        yield from _resource(where, value, _WRITERS, "s3:putObject")
    yield from _shape(state, pointer(where, "WriterConfig"), "WriterConfig", value.get("WriterConfig", {}))


def _resource(where: str, body: dict[str, Json], allowed: re.Pattern[str], names: str) -> Found:
    if "Resource" not in body:
        yield fault(where, "These fields are required: [Resource]", f"arn:aws:states:::{names}")
        return
    text = body["Resource"]
    if not isinstance(text, str) or not allowed.fullmatch(text):
        message = f"The field 'Resource' does not match any of the allowed values, found {shown(text)}"
        yield fault(pointer(where, "Resource"), message, f"arn:aws:states:::{names}")


def _shape(state: State, where: str, name: str, value: Json) -> Found:
    """An object with the fields it may have, each with a value it may have."""
    if not isinstance(value, dict):
        yield fault(where, f"Expected value of type Object, found {shown(value)}")
        return
    for field, item in value.items():
        if field not in _FIELDS[name]:
            yield fault(where, f"Field '{field}' is not supported", state.hints.near(field, _FIELDS[name]))
        choices = _ONE_OF.get(name, {}).get(field)
        if choices and item not in choices and not (state.jsonata and is_expression(item)):
            message = f"Value should be one of the following: [{', '.join(choices)}], found {shown(item)}"
            yield fault(pointer(where, field), message)
    other = "Parameters" if state.jsonata else "Arguments"
    if other in value and other in _FIELDS[name]:
        own = "Arguments" if state.jsonata else "Parameters"
        yield fault(where, f"Field '{other}' is not supported", f"With {state.language} it is called {own}")


def _count(state: State, where: str, body: dict[str, Json], name: str, most: int, least: int = 1) -> Found:
    """An integer within bounds, or its path twin."""
    if name in body and name + "Path" in body:
        yield fault(where, f"There should only be one of the following fields: [{name}, {name}Path]", "Remove one")
    if name not in body:
        return
    value = body[name]
    if state.jsonata and is_expression(value):
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        yield fault(pointer(where, name), f"{name} must be an integer, {least} to {most}, found {shown(value)}")


CONTAINER_RULES = (branches, processor_config, distributed_only, label, reader, batcher, writer)
