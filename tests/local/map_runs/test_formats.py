"""Item files: CSV, JSON, JSON Lines, Parquet; what is no such file fails as an ItemReader does."""

from __future__ import annotations

import gzip
import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflowsteps.exceptions import StatesError
from mlflowsteps.local.map_runs.formats import FORMATS, open_stream
from mlflowsteps.local.map_runs.pointers import json_items


def read(kind: str, data: bytes | str, **config: Any) -> list[Any]:
    raw = data.encode() if isinstance(data, str) else data
    return [value for value, _ in FORMATS[kind](open_stream(io.BytesIO(raw)), config)]


def refused(kind: str, data: bytes | str, **config: Any) -> str:
    with pytest.raises(StatesError) as caught:
        read(kind, data, **config)
    assert caught.value.error == "States.ItemReaderFailed"
    return caught.value.cause or ""


@pytest.mark.parametrize(
    ("name", "character"), [("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t")]
)
def test_csv_of_every_delimiter(name: str, character: str) -> None:
    data = f'a{character}b\n1{character}"x{character}y"\n'
    found = read("CSV", data, CSVDelimiter=name, CSVHeaderLocation="FIRST_ROW")
    assert found == [{"a": "1", "b": f"x{character}y"}]


def test_csv_headers_of_the_definition_take_the_first_row_as_an_item() -> None:
    assert read("CSV", "1,2,3\n4\n", CSVHeaderLocation="GIVEN", CSVHeaders=["a", "b"]) == [
        {"a": "1", "b": "2"}, {"a": "4", "b": ""},
    ]  # fmt: skip


def test_csv_quotes_line_ends_and_blank_lines() -> None:
    data = '\ufeffa,b\r\n"say ""hi""","two\nlines"\r\n\r\n3,4'
    assert read("CSV", data) == [{"a": 'say "hi"', "b": "two\nlines"}, {"a": "3", "b": "4"}]


def test_csv_columns_come_in_the_order_of_the_service() -> None:
    (row,) = read("CSV", "0,True,{}\n1,2,3\n")
    assert list(row) == ["0", "{}", "True"]


def test_csv_of_duplicate_headers_is_refused() -> None:
    assert refused("CSV", "a,a\n1,2\n") == "CSV headers cannot contain duplicates."


def test_csv_that_is_no_utf8_is_refused() -> None:
    assert "cannot be read" in refused("CSV", b"a\n\xff\xfe\n")


def test_empty_csv_has_no_items() -> None:
    assert read("CSV", "") == []


def test_packed_files_are_unpacked() -> None:
    assert read("JSONL", gzip.compress(b'1\n{"a":2}\n')) == [1, {"a": 2}]


def test_json_lines_name_the_line_that_is_none() -> None:
    assert read("JSONL", '{"a":1}\n\n[2]\n') == [{"a": 1}, [2]]
    assert "Line 2" in refused("JSONL", "1\n{\n")


@pytest.mark.parametrize(
    ("text", "pointer", "found"),
    [
        ("[1, [2], {}]", "", [(1, None), ([2], None), ({}, None)]),
        ('{"a": 1, "b": null}', "", [(1, "a"), (None, "b")]),
        ('{"x": {"y/z": [0, 1]}}', "/x/y~1z", [(0, None), (1, None)]),
        ('[9, {"k": {"m": true}}]', "/1/k", [(True, "m")]),
        (" [ ] ", "", []),
        ("{}", "", []),
        ("[123, -4.5e1]", "", [(123, None), (-45.0, None)]),
    ],
)
def test_json_items_are_found(text: str, pointer: str, found: list[Any]) -> None:
    assert list(json_items(io.BytesIO(text.encode()), pointer)) == found


class Dripping(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_json_is_the_same_however_it_arrives(values: list[Any]) -> None:
    text = json.dumps(values).encode()
    assert [value for value, _ in json_items(Dripping(text))] == values


@pytest.mark.parametrize(
    "text", ["", "1", '"a"', "[1", "[1,]", "[1 2]", '{"a" 1}', "{1: 2}", "[1] 2", "[NaN]", "[1e999]"]
)
def test_json_that_is_none_is_refused(text: str) -> None:
    assert "cannot be read" in refused("JSON", text)


def test_value_nested_without_end_is_refused() -> None:
    assert "nested too deeply" in refused("JSON", "[" + "[" * 100_000)


@pytest.mark.parametrize("pointer", ["a", "/b", "/a/9", "/a/x", "/a/0/0"])
def test_pointer_that_leads_nowhere_is_refused(pointer: str) -> None:
    assert "ItemsPointer" in refused("JSON", '{"a": [1]}', ItemsPointer=pointer)


def test_rows_of_parquet_are_items() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from datetime import date
    from decimal import Decimal

    from pyarrow import parquet

    table = pyarrow.table({"n": [1, 2], "d": [date(2026, 1, 2), None], "m": [Decimal("1.5"), Decimal("2.5")],
                           "l": [[1], []]})  # fmt: skip
    file = io.BytesIO()
    parquet.write_table(table, file)
    assert read("PARQUET", file.getvalue()) == [
        {"n": 1, "d": "2026-01-02", "m": "1.5", "l": [1]}, {"n": 2, "d": None, "m": "2.5", "l": []},
    ]  # fmt: skip
    assert "cannot be read" in refused("PARQUET", b"no parquet at all")


def test_parquet_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'mlflowsteps[parquet]'" in refused("PARQUET", b"PAR1")
