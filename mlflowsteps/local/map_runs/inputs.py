"""Inputs of child executions: items, selected and put into batches, as JSON texts.

Owns ItemSelector and ItemBatcher. Everything is a stream; a batch is the most that is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mlflowsteps.asl.dataflow import MAX_PAYLOAD_BYTES, payload_text
from mlflowsteps.asl.distributed import compile_payload
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import Entropy, Scope, dumps, size_of
from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.map_runs.sources import Item
from mlflowsteps.local.records import Json

__all__ = ["ChildInput", "batches", "child_inputs"]

ChildInput: TypeAlias = tuple[str, int]
"""The input's JSON text, and how many items are in it."""


def child_inputs(spec: dict[str, Json], items: Iterator[Item], seed: str) -> Iterator[ChildInput]:
    """The inputs of the children of a Map Run, in order.

    Args:
        spec: the Map Run's, as ``StartMapRun`` has it.
        items: its items.
        seed: where what ItemSelector draws comes from.

    Raises:
        StatesError: ItemSelector failed, or an input is too large.
    """
    values = _selected(spec, items, seed) if spec["selector"] is not None else _values(items)
    if spec["batcher"] is not None:
        return batches(values, spec["batcher"], spec["state"])
    return ((payload_text(value, spec["state"]), 1) for value in values)


def _values(items: Iterator[Item]) -> Iterator[Json]:
    for value, key, _ in items:
        yield value if key is None else {"Key": key, "Value": value}


def _selected(spec: dict[str, Json], items: Iterator[Item], seed: str) -> Iterator[Json]:
    language, entropy = spec["language"], Entropy(seed)
    select = compile_payload(spec["selector"], "ItemSelector", language)
    context = dict(spec["context"])
    effective = {"input": spec["input"], "context": context} if language == JSONATA else spec["input"]
    scope = Scope(effective, context, spec["variables"], entropy)
    for index, (value, key, source) in enumerate(items):
        item = {"Index": index, "Value": value, "Source": source}
        if key is not None:
            item["Key"] = key
        context["Map"] = {"Item": item}
        yield select(scope)


def batches(values: Iterator[Json], batcher: dict[str, Json], state: str) -> Iterator[ChildInput]:
    """Batches of items, each as large as it may be.

    Args:
        values: what is put into batches.
        batcher: ``max_items``, ``max_bytes`` (None: no bound) and perhaps ``batch_input``.
        state: name of the Map state, for errors.

    Raises:
        StatesError: States.DataLimitExceeded: an item is larger than a batch may be.
    """
    most = batcher["max_items"] or MAX_PAYLOAD_BYTES
    bytes_at_most = min(batcher["max_bytes"] or MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES)
    head = f'{{"BatchInput":{dumps(batcher["batch_input"])},"Items":[' if "batch_input" in batcher else '{"Items":['
    least = size_of(head) + len("]}")
    texts: list[str] = []
    size = least
    for value in values:
        text = dumps(value)
        added = size_of(text) + 1
        if texts and (len(texts) >= most or size + added > bytes_at_most):
            yield f"{head}{','.join(texts)}]}}", len(texts)
            texts, size = [], least
        if size + added - 1 > bytes_at_most:
            cause = f"An item of the state '{state}' is larger than a batch may be ({bytes_at_most} bytes)."
            raise StatesError("States.DataLimitExceeded", cause)
        texts.append(text)
        size += added
    if texts:
        yield f"{head}{','.join(texts)}]}}", len(texts)
