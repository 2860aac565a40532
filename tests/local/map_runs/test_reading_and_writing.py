"""Readers, batches and writers of Distributed Maps on a runtime, end to end."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from .conftest import BUCKET, PASS, Bench, call, over, reader, writer

SELECT = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source"}


def listing(**config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": BUCKET, "Prefix": "in/"},
        "ReaderConfig": config,
    }


def test_selector_sees_index_value_and_source(bench: Bench) -> None:
    bench.put("rows.csv", "a\nx\ny\n")
    state = over(PASS, ItemReader=reader("rows.csv", "CSV", CSVHeaderLocation="FIRST_ROW"), ItemSelector=SELECT)
    assert bench.run(state) == [
        {"i": 0, "v": {"a": "x"}, "s": "S3://bucket/rows.csv"}, {"i": 1, "v": {"a": "y"}, "s": "S3://bucket/rows.csv"},
    ]  # fmt: skip
    assert bench.run(over(PASS, ItemSelector=SELECT), [7]) == [{"i": 0, "v": 7, "s": "STATE_DATA"}]


def test_members_of_an_object_are_items_with_keys(bench: Bench) -> None:
    assert bench.run(over(PASS), {"a": 1, "b": 2}) == [{"Key": "a", "Value": 1}, {"Key": "b", "Value": 2}]
    select = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value"}
    bench.put("o.json", '{"x": {"a": [1]}}')
    state = over(PASS, ItemReader=reader("o.json", "JSON", ItemsPointer="/x"), ItemSelector=select)
    assert bench.run(state) == [{"k": "a", "v": [1]}]


def test_jsonata_selector_sees_the_item_and_the_input(bench: Bench) -> None:
    state = over(PASS, Items="{% $states.input.list %}",
                 ItemSelector={"v": "{% $states.context.Map.Item.Value + $states.input.add %}"})  # fmt: skip
    assert bench.run(state, {"list": [1, 2], "add": 10}, QueryLanguage="JSONata") == [{"v": 11}, {"v": 12}]


def test_selector_that_fails_fails_the_map_run(bench: Bench) -> None:
    arn = bench.start(over(PASS, ItemSelector={"v.$": "$$.Map.Item.Value.none"}), [{}])
    assert bench.end(arn)["status"] == "FAILED"
    events = bench.states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in events][-2:] == ["MapRunFailed", "ExecutionFailed"]


def test_listed_objects_are_items_in_pages(bench: Bench) -> None:
    for number in range(5):
        bench.put(f"in/{number}", "x" * number)
    state = over({"Type": "Pass", "Parameters": {"k.$": "$.Key", "n.$": "$.Size"}, "End": True},
                 ItemReader=listing())  # fmt: skip
    state["ItemReader"]["Parameters"]["MaxKeys"] = 2
    assert bench.run(state) == [{"k": f"in/{number}", "n": number} for number in range(5)]


def test_listed_objects_are_loaded_and_flattened(bench: Bench) -> None:
    bench.put("in/a.jsonl", "1\n2\n")
    bench.put("in/b.jsonl", "3\n")
    state = over(PASS, ItemReader=listing(InputType="JSONL", Transformation="LOAD_AND_FLATTEN"), ItemSelector=SELECT)
    assert [(item["i"], item["v"], item["s"]) for item in bench.run(state)] == [
        (0, 1, "S3://bucket/in/a.jsonl"), (1, 2, "S3://bucket/in/a.jsonl"), (2, 3, "S3://bucket/in/b.jsonl"),
    ]  # fmt: skip


def test_inventory_lists_objects(bench: Bench) -> None:
    bench.put("data/1.csv.gz", gzip.compress(b'"bucket","a%20b.txt","12"\n"bucket","c.txt","3"\n'))
    manifest = {"sourceBucket": "bucket", "destinationBucket": "arn:aws:s3:::bucket", "fileFormat": "CSV",
                "fileSchema": "Bucket, Key, Size", "files": [{"key": "data/1.csv.gz", "size": 1}]}  # fmt: skip
    bench.put("manifest.json", json.dumps(manifest))
    assert bench.run(over(PASS, ItemReader=reader("manifest.json", "MANIFEST"))) == [
        {"Bucket": "bucket", "Key": "a b.txt", "Size": "12"}, {"Bucket": "bucket", "Key": "c.txt", "Size": "3"},
    ]  # fmt: skip


def test_athena_manifest_names_files_of_items(bench: Bench) -> None:
    bench.put("u/1", '{"a":1}\n')
    bench.put("u/2.gz", gzip.compress(b'{"a":2}\n'))
    bench.put("m.csv", "s3://bucket/u/1\ns3://bucket/u/2.gz\n")
    state = over(PASS, ItemReader=reader("m.csv", "JSONL", ManifestType="ATHENA_DATA"))
    assert bench.run(state) == [{"a": 1}, {"a": 2}]


def test_rows_of_parquet_are_items(bench: Bench) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"n": [1, 2, 3]}), file)
    bench.put("rows.parquet", file.getvalue())
    assert bench.run(over(PASS, ItemReader=reader("rows.parquet", "PARQUET", MaxItems=2))) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Key": "none"}, "The key 'none' does not exist"),
        ({"Key": "k", "Nope": 1}, "The ItemReader has no argument 'Nope'"),
        ({"Bucket": "no-such-bucket", "Key": "k"}, "bucket' does not exist"),
    ],
)
def test_reader_that_cannot_read_fails_the_map_run(bench: Bench, fields: dict[str, Any], text: str) -> None:
    item_reader = reader("none", "JSON")
    item_reader["Parameters"] = {"Bucket": BUCKET, **fields}
    error, cause = bench.fail(over(PASS, ItemReader=item_reader))
    assert error == "States.ItemReaderFailed"
    assert text in cause


def test_reader_that_fails_midway_fails_after_what_it_read(bench: Bench) -> None:
    bench.put("bad.jsonl", "1\n2\n{\n")
    arn = bench.start(over(PASS, "EXPRESS", ItemReader=reader("bad.jsonl", "JSONL")))
    found = bench.end(arn)
    assert (found["error"], bench.map_run(arn)["itemCounts"]["succeeded"]) == ("States.ItemReaderFailed", 2)


def test_batches_hold_so_many_items(bench: Bench) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"of.$": "$.name"}}
    arn = bench.start(over(PASS, ItemsPath="$.l", ItemBatcher=batcher), {"name": "x", "l": [1, 2, 3]})
    found = bench.end(arn)
    assert json.loads(found["output"]) == [
        {"BatchInput": {"of": "x"}, "Items": [1, 2]}, {"BatchInput": {"of": "x"}, "Items": [3]},
    ]  # fmt: skip
    map_run = bench.map_run(arn)
    assert (map_run["itemCounts"]["succeeded"], map_run["executionCounts"]["succeeded"]) == (3, 2)
    children = bench.states.list_executions(mapRunArn=map_run["mapRunArn"])["executions"]
    assert sorted(child["itemCount"] for child in children) == [1, 2]


def test_batches_hold_so_many_bytes(bench: Bench) -> None:
    items = ["é" * 10] * 7
    found = bench.run(over(PASS, ItemBatcher={"MaxInputBytesPerBatch": 60}), items)
    assert [item for batch in found for item in batch["Items"]] == items
    sizes = [len(json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode()) for batch in found]
    assert max(sizes) <= 60
    assert len(found) == 4


def test_item_larger_than_a_batch_fails(bench: Bench) -> None:
    error, _ = bench.fail(over(PASS, ItemBatcher={"MaxInputBytesPerBatch": 20}), ["x" * 30])
    assert error == "States.DataLimitExceeded"


# --- results


def failing(event: Any, _context: Any) -> Any:
    if event == -1:
        raise ValueError("negative")
    return event


def written(bench: Bench, output: Any) -> dict[str, list[str]]:
    """The keys that a manifest names."""
    manifest = bench.get(output["ResultWriterDetails"]["Key"])
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (BUCKET, output["MapRunArn"])
    for files in manifest["ResultFiles"].values():
        for file in files:
            assert bench.s3.head_object(Bucket=BUCKET, Key=file["Key"])["ContentLength"] == file["Size"]
    return {kind: [file["Key"] for file in files] for kind, files in manifest["ResultFiles"].items()}


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_results_are_written_in_the_shape_of_the_service(bench: Bench, kind: str) -> None:
    bench.runtime.register_function("failing", failing)
    output = bench.run(over(call("failing"), kind, ToleratedFailureCount=1, ResultWriter=writer()), [[1], -1])
    run = output["MapRunArn"].rpartition(":")[2]
    assert output["ResultWriterDetails"] == {"Bucket": BUCKET, "Key": f"out/{run}/manifest.json"}
    keys = written(bench, output)
    assert keys == {
        "SUCCEEDED": [f"out/{run}/SUCCEEDED_0.json"], "FAILED": [f"out/{run}/FAILED_0.json"], "PENDING": [],
    }  # fmt: skip
    (good,), (bad,) = bench.get(keys["SUCCEEDED"][0]), bench.get(keys["FAILED"][0])
    assert (good["Input"], good["Output"], good["Status"]) == ("[1]", "[1]", "SUCCEEDED")
    assert list(good) == sorted(good)
    assert good["StateMachineArn"].endswith(":stateMachine:m0/Rows")
    assert (bad["Input"], bad["Status"], bad["Error"]) == ("-1", "FAILED", "ValueError")
    assert "Output" not in bad


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"Transformation": "COMPACT", "OutputType": "JSON"}, "[[1,2],3]"),
        ({"Transformation": "FLATTEN", "OutputType": "JSON"}, "[1,2,3]"),
        ({"Transformation": "COMPACT", "OutputType": "JSONL"}, "[1,2]\n3\n"),
    ],
)
def test_results_are_transformed(bench: Bench, config: dict[str, str], text: str) -> None:
    state = over(PASS, "EXPRESS", ResultWriter=writer(**config))
    (key,) = written(bench, bench.run(state, [[1, 2], 3]))["SUCCEEDED"]
    assert key.endswith(f".{config['OutputType'].lower()}")
    assert bench.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() == text


def test_results_are_transformed_without_being_written(bench: Bench) -> None:
    flat = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert bench.run(over(PASS, ResultWriter=flat), [[1, 2], [], 3]) == [1, 2, 3]
    whole = {"WriterConfig": {"Transformation": "NONE", "OutputType": "JSON"}}
    (entry,) = bench.run(over(PASS, ResultWriter=whole), [1])
    assert (entry["Output"], entry["Status"]) == ("1", "SUCCEEDED")


def test_failed_map_run_writes_what_failed_and_what_never_started(bench: Bench) -> None:
    bench.runtime.register_function("failing", failing)
    arn = bench.start(over(call("failing"), MaxConcurrency=1, ResultWriter=writer()), [0, -1, 2, 3])
    assert bench.end(arn)["error"] == "States.ExceedToleratedFailureThreshold"
    map_run = bench.map_run(arn)
    key = f"out/{map_run['mapRunArn'].rpartition(':')[2]}/manifest.json"
    keys = written(bench, {"MapRunArn": map_run["mapRunArn"], "ResultWriterDetails": {"Key": key}})
    found = {kind: [entry["Input"] for name in names for entry in bench.get(name)] for kind, names in keys.items()}
    assert found == {"SUCCEEDED": ["0"], "FAILED": ["-1"], "PENDING": ["2", "3"]}
    assert map_run["executionCounts"]["pending"] == 2


def test_results_that_cannot_be_written_fail_the_state(bench: Bench) -> None:
    state = over(PASS, ResultWriter=writer())
    state["ResultWriter"]["Parameters"]["Bucket"] = "no-such-bucket"
    error, cause = bench.fail(state, [1])
    assert error == "States.ResultWriterFailed"
    assert "no-such-bucket" in cause


def test_fault_made_on_purpose_reaches_the_reader(bench: Bench) -> None:
    bench.put("k", "[1]")
    bench.runtime.fail_next("s3", "GetObject", "SlowDown")
    state = over(PASS, ItemReader=reader("k", "JSON"), Retry=[{"ErrorEquals": ["States.ItemReaderFailed"]}])
    assert bench.run(state) == [1]


def test_result_files_are_followed_by_others_when_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlflowsteps.local.map_runs.results.MAX_FILE_BYTES", 10)
    state = over(PASS, "EXPRESS", ResultWriter=writer(Transformation="COMPACT", OutputType="JSON"))
    keys = written(bench, bench.run(state, list(range(12))))["SUCCEEDED"]
    assert len(keys) == 3
    assert [item for key in keys for item in bench.get(key)] == list(range(12))


def test_nothing_is_left_in_the_folder_of_the_runtime(bench: Bench) -> None:
    bench.run(over(PASS, ResultWriter=writer()), [1])
    folder = bench.runtime.root / "map-runs"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
