"""Parallel and Map states: each fault is found, at its place."""

from __future__ import annotations

import pytest

from .machines import DISTRIBUTED, PASS, READER, assert_one_fault_with_a_fix, assert_told, machine, mapped, one, reading

FAULTS = {
    "no branch": (
        one({"Type": "Parallel", "Branches": [], "End": True}),
        "/States/A/Branches",
        "Value cannot be empty",
    ),
    "branch no object": (
        one({"Type": "Parallel", "Branches": [1], "End": True}),
        "/States/A/Branches/0",
        "type Object",
    ),
    "branch without StartAt": (
        one({"Type": "Parallel", "Branches": [{"States": {"B": PASS}}], "End": True}),
        "/States/A/Branches/0",
        "required: [StartAt]",
    ),
    "branch with QueryLanguage": (
        one({"Type": "Parallel", "Branches": [{**machine(B=PASS), "QueryLanguage": "JSONata"}], "End": True}),
        "/States/A/Branches/0",
        "Field 'QueryLanguage' is not supported",
    ),
    "processor with QueryLanguage": (
        mapped({"QueryLanguage": "JSONata"}),
        "/States/A/ItemProcessor",
        "Field 'QueryLanguage' is not supported",
    ),
    "distributed without type": (
        mapped({"ProcessorConfig": {"Mode": "DISTRIBUTED"}}),
        "/States/A/ItemProcessor/ProcessorConfig",
        "required: [ExecutionType]",
    ),
    "inline with type": (
        mapped({"ProcessorConfig": {"Mode": "INLINE", "ExecutionType": "STANDARD"}}),
        "/States/A/ItemProcessor/ProcessorConfig",
        "Field 'ExecutionType'",
    ),
    "unknown mode": (
        mapped({"ProcessorConfig": {"Mode": "BATCH"}}),
        "/States/A/ItemProcessor/ProcessorConfig/Mode",
        "[INLINE, DISTRIBUTED]",
    ),
    "reader in an inline map": (mapped(ItemReader=READER), "/States/A", "Field 'ItemReader' is not supported"),
    "label in an inline map": (mapped(Label="a"), "/States/A", "Field 'Label' is not supported"),
    "empty label": (mapped(DISTRIBUTED, Label=""), "/States/A/Label", "empty"),
    "long label": (mapped(DISTRIBUTED, Label="a" * 41), "/States/A/Label", "40-character limit"),
    "label with a colon": (mapped(DISTRIBUTED, Label="a:b"), "/States/A/Label", "invalid character ':'"),
    "reader of something else": (
        mapped(DISTRIBUTED, ItemReader={"Resource": "arn:aws:states:::sqs:sendMessage"}),
        "/States/A/ItemReader/Resource",
        "allowed values",
    ),
    "reader without Resource": (mapped(DISTRIBUTED, ItemReader={}), "/States/A/ItemReader", "required: [Resource]"),
    "input type": (
        reading(InputType="XML"),
        "/States/A/ItemReader/ReaderConfig/InputType",
        "[CSV, JSON, JSONL, PARQUET, MANIFEST]",
    ),
    "CSV without header": (
        reading(InputType="CSV"),
        "/States/A/ItemReader/ReaderConfig",
        "The field 'CSVHeaderLocation' is required",
    ),
    "given header without names": (
        reading(InputType="CSV", CSVHeaderLocation="GIVEN"),
        "/States/A/ItemReader/ReaderConfig",
        "required: [CSVHeaders]",
    ),
    "header of JSON": (
        reading(InputType="JSON", CSVHeaderLocation="FIRST_ROW"),
        "/States/A/ItemReader/ReaderConfig",
        "Field 'CSVHeaderLocation'",
    ),
    "MaxItems and its path": (
        reading(InputType="JSON", MaxItems=1, MaxItemsPath="$.a"),
        "/States/A/ItemReader/ReaderConfig",
        "[MaxItems, MaxItemsPath]",
    ),
    "too many items": (
        reading(InputType="JSON", MaxItems=10**9),
        "/States/A/ItemReader/ReaderConfig/MaxItems",
        "0 to 100000000",
    ),
    "batch without a bound": (
        mapped(DISTRIBUTED, ItemBatcher={"BatchInput": {}}),
        "/States/A/ItemBatcher",
        "At least one",
    ),
    "path in a batcher": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxItemsPerBatchPath": "a"}),
        "/States/A/ItemBatcher/MaxItemsPerBatchPath",
        "Value must be a valid JSONPath.",
    ),
    "batch of 0": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxItemsPerBatch": 0}),
        "/States/A/ItemBatcher/MaxItemsPerBatch",
        "1 to",
    ),
    "batch too large": (
        mapped(DISTRIBUTED, ItemBatcher={"MaxInputBytesPerBatch": 262_145}),
        "/States/A/ItemBatcher/MaxInputBytesPerBatch",
        "262144",
    ),
    "writer of something else": (
        mapped(DISTRIBUTED, ResultWriter={"Resource": "arn:aws:states:::s3:getObject"}),
        "/States/A/ResultWriter/Resource",
        "allowed values",
    ),
    "writer's transformation": (
        mapped(DISTRIBUTED, ResultWriter={"WriterConfig": {"Transformation": "ZIP"}}),
        "/States/A/ResultWriter/WriterConfig/Transformation",
        "[NONE, COMPACT, FLATTEN]",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_at_its_place(name):
    assert_told(*FAULTS[name])


MENDED = ["reader in an inline map"]


@pytest.mark.parametrize("name", MENDED)
def test_one_mistake_is_one_fault_with_a_fix(name):
    assert_one_fault_with_a_fix(*FAULTS[name][:2])
