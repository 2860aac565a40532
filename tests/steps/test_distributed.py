"""Distributed Maps: typed readers, batchers and writers, in both query languages."""

from __future__ import annotations

from typing import Any

import pytest

from mlflowsteps import steps
from mlflowsteps.asl.validate import validate
from mlflowsteps.inputs import ExecutionInput, MapItemIndex, MapItemValue

READERS = {
    "csv": steps.S3CsvReader("b", "k.csv", max_items=5),
    "csv with headers": steps.S3CsvReader("b", "k.csv", headers=["a", "b"], delimiter="TAB", version_id="1"),
    "json": steps.S3JsonReader("b", "k.json", items_pointer="/rows"),
    "lines": steps.S3JsonLinesReader("b", "k.jsonl"),
    "parquet": steps.S3ParquetReader("b", "k.parquet"),
    "inventory": steps.S3ManifestReader("b", "manifest.json"),
    "athena": steps.S3ManifestReader("b", "m.csv", manifest_type="ATHENA_DATA", input_type="CSV", delimiter="PIPE"),
    "objects": steps.S3ObjectsReader("b", "data/"),
    "all objects": steps.S3ObjectsReader("b", max_items=9),
    "flattened": steps.S3ObjectsReader("b", "data/", flatten="CSV"),
}


def each(**fields: Any) -> steps.Map:
    return steps.Map("Each", iterator=lambda item: steps.Pass("Work", parameters={"name": item["name"]}), **fields)


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize("name", READERS)
def test_every_reader_makes_a_valid_distributed_map_in_both_languages(name: str, language: str) -> None:
    definition = steps.Graph(each(item_reader=READERS[name]), query_language=language).to_dict()

    state = definition["States"]["Each"]
    assert validate(definition) == []
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert ("Arguments" if language == "JSONata" else "Parameters") in state["ItemReader"]


def test_placeholders_stand_in_readers_batchers_writers_and_selectors() -> None:
    inputs = ExecutionInput()
    definition = steps.Graph(
        each(
            item_reader=steps.S3CsvReader(inputs["bucket"], f"{inputs['day']}.csv", max_items=inputs["most"]),
            item_batcher=steps.ItemBatcher(inputs["size"], batch_input={"day": inputs["day"]}),
            item_selector={"row": MapItemValue(), "n": MapItemIndex()},
            result_writer=steps.ResultWriter(inputs["bucket"], "out", transformation="FLATTEN", output_type="JSONL"),
        )
    ).to_dict()

    state = definition["States"]["Each"]
    assert state["ItemReader"]["Parameters"] == {
        "Bucket.$": "$$.Execution.Input['bucket']",
        "Key.$": "States.Format('{}.csv', $$.Execution.Input['day'])",
    }
    assert state["ItemReader"]["ReaderConfig"]["MaxItemsPath"] == "$$.Execution.Input['most']"
    assert state["ItemBatcher"] == {
        "MaxItemsPerBatchPath": "$$.Execution.Input['size']",
        "BatchInput": {"day.$": "$$.Execution.Input['day']"},
    }
    assert state["ItemSelector"] == {"row.$": "$$.Map.Item.Value", "n.$": "$$.Map.Item.Index"}
    assert state["ResultWriter"]["WriterConfig"] == {"Transformation": "FLATTEN", "OutputType": "JSONL"}
    assert validate(definition) == []


def test_a_function_is_given_the_child_executions_input_in_a_distributed_map_and_the_item_in_an_inline_one() -> None:
    inline, distributed = each().to_dict(), each(item_reader=READERS["json"]).to_dict()
    assert inline["Iterator"]["States"]["Work"]["Parameters"] == {"name.$": "$$.Map.Item.Value['name']"}
    assert distributed["ItemProcessor"]["States"]["Work"]["Parameters"] == {"name.$": "$$.Execution.Input['name']"}


def test_a_given_configuration_stays_and_an_iterator_may_come_later() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    later = steps.Map("Each", item_reader=READERS["json"], processor_config=config)
    later.attach_iterator(lambda item: steps.Pass("Work", parameters={"x": item}))
    processor = later.to_dict()["ItemProcessor"]
    assert processor["ProcessorConfig"] == config
    assert processor["States"]["Work"]["Parameters"] == {"x.$": "$$.Execution.Input"}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="ItemBatcher needs"):
        steps.ItemBatcher(batch_input={})
    with pytest.raises(ValueError, match="ResultWriter needs a bucket"):
        steps.ResultWriter(prefix="out")
    with pytest.raises(ValueError, match="input_type"):
        steps.S3ManifestReader("b", "k", input_type="CSV")


def test_a_distributed_map_of_readers_and_writers_runs_on_the_runtime(tmp_path: Any) -> None:
    from mlflowsteps.local import LocalRuntime, VirtualClock
    from mlflowsteps.workflow import Workflow

    with LocalRuntime(tmp_path / "runtime", clock=VirtualClock()) as runtime:
        s3 = runtime.client("s3")
        s3.create_bucket(Bucket="rows")
        s3.put_object(Bucket="rows", Key="rows.csv", Body=b"name,size\nfirst,1\nsecond,2\nthird,3\n")
        state = each(item_reader=steps.S3CsvReader("rows", "rows.csv", max_items=2))
        workflow = Workflow("Rows", state, role="arn:aws:iam::123456789012:role/w", client=runtime)
        workflow.create()
        assert workflow.execute(inputs={}).get_output(wait=True) == [{"name": "first"}, {"name": "second"}]
