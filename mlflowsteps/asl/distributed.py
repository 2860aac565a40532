"""What is special of a Distributed Map: its reader, batcher and writer, compiled.

Owns what these fields become; carrying them out is the runtime's. The item processor and the ItemSelector are kept as
they stand in the definition, because executions of their own run them.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlflowsteps.asl import jsonata
from mlflowsteps.asl.fields import JSONATA
from mlflowsteps.asl.payloads import Closure, Json, compile_template
from mlflowsteps.asl.settings import Setting, compile_setting

__all__ = ["DistributedMap", "ItemBatcher", "ItemReader", "ResultWriter", "compile_distributed", "compile_payload"]


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Where items come from.

    Args:
        action: ``getObject`` or ``listObjectsV2``.
        arguments: makes the arguments of that action.
        config: makes the ReaderConfig.
        max_items: most items; None: no bound.
    """

    action: str
    arguments: Closure
    config: Closure
    max_items: Setting


@dataclass(frozen=True, slots=True)
class ItemBatcher:
    """How items are put into batches.

    Args:
        max_items: most items of a batch.
        max_bytes: most bytes of a child's input.
        batch_input: makes what each batch has beside its items; None: nothing.
    """

    max_items: Setting
    max_bytes: Setting
    batch_input: Closure | None


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Where results go.

    Args:
        arguments: makes the arguments of putObject; None: results stay in the state's output.
        config: makes the WriterConfig.
    """

    arguments: Closure | None
    config: Closure


@dataclass(frozen=True, slots=True)
class DistributedMap:
    """What is special of a Distributed Map.

    Args:
        execution_type: of its children, ``STANDARD`` or ``EXPRESS``.
        language: query language of the state.
        processor: the item processor as a definition of its own.
        selector: the ItemSelector's template; None where it has none.
        label: its Label.
        reader: None: the items are in the state's input.
        batcher: None: each item is a child's input.
        writer: None: results stay in the state's output.
    """

    execution_type: str
    language: str
    processor: dict[str, Json]
    selector: Json = None
    label: str | None = None
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None


def compile_distributed(source: dict[str, Json], processor: dict[str, Json], language: str) -> DistributedMap | None:
    """What is special of a Map state; None where it is inline.

    Args:
        source: the state.
        processor: its ItemProcessor, or Iterator.
        language: its query language.
    """
    config = processor.get("ProcessorConfig") or {}
    if config.get("Mode") != "DISTRIBUTED":
        return None
    own = {key: value for key, value in processor.items() if key != "ProcessorConfig"}
    return DistributedMap(
        execution_type=config.get("ExecutionType", "STANDARD"),
        language=language,
        processor={"QueryLanguage": language, **own},
        selector=source.get("ItemSelector", source.get("Parameters")),
        label=source.get("Label"),
        reader=_reader(source["ItemReader"], language) if "ItemReader" in source else None,
        batcher=_batcher(source["ItemBatcher"], language) if "ItemBatcher" in source else None,
        writer=_writer(source["ResultWriter"], language) if "ResultWriter" in source else None,
    )


def compile_payload(template: Json, where: str, language: str) -> Closure:
    """A template of either query language.

    Args:
        template: any JSON.
        where: the field, as errors name it.
        language: the query language.
    """
    return jsonata.compile_template(template, where) if language == JSONATA else compile_template(template)


def _reader(source: dict[str, Json], language: str) -> ItemReader:
    name = "Arguments" if language == JSONATA else "Parameters"
    config = dict(source.get("ReaderConfig", {}))
    max_items = compile_setting(config, "MaxItems", language)
    fixed = {key: value for key, value in config.items() if not key.startswith("MaxItems")}
    return ItemReader(
        action=source["Resource"].rpartition(":")[2],
        arguments=compile_payload(source.get(name, {}), f"ItemReader/{name}", language),
        config=compile_payload(fixed, "ItemReader/ReaderConfig", language),
        max_items=max_items,
    )


def _batcher(source: dict[str, Json], language: str) -> ItemBatcher:
    given = "BatchInput" in source
    return ItemBatcher(
        max_items=compile_setting(source, "MaxItemsPerBatch", language),
        max_bytes=compile_setting(source, "MaxInputBytesPerBatch", language),
        batch_input=compile_payload(source["BatchInput"], "ItemBatcher/BatchInput", language) if given else None,
    )


def _writer(source: dict[str, Json], language: str) -> ResultWriter:
    name = "Arguments" if language == JSONATA else "Parameters"
    arguments = compile_payload(source.get(name, {}), f"ResultWriter/{name}", language)
    return ResultWriter(
        arguments=arguments if "Resource" in source else None,
        config=compile_payload(source.get("WriterConfig", {}), "ResultWriter/WriterConfig", language),
    )
