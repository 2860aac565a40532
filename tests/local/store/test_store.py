import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StoreVersionError
from mlflowsteps.local.store import Database, Entry, Store
from mlflowsteps.local.store.database import MIGRATIONS

ARN = "arn:aws:states:us-east-1:123456789012:execution:m:{}"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
HOSTILE = ["", "a/b", "../../x", "a'; DROP TABLE resources; --", "名前", "nul\x00nul", "x" * 10_000, "%", "_"]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


def add(store: Store, name: str = "e", machine: str = MACHINE) -> int:
    number = store.executions.add(ARN.format(name), machine, "{}", {"start_time": 1.5, "name": name})
    assert number is not None
    return number


# The file


def test_the_file_is_the_owners_alone(store, tmp_path):
    store.resources.put("k", "n", {})
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_file_that_was_open_to_others_is_closed_to_them(tmp_path):
    path = tmp_path / "store.sqlite"
    path.touch(0o644)
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_schema_has_a_version_and_opening_again_changes_nothing(tmp_path):
    for _ in range(2):
        Store(tmp_path / "store.sqlite").close()
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_newer_store_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "store.sqlite"
    Store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(StoreVersionError, match="store version 99"):
            Store(path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_store_that_is_refused_leaves_no_connection_open(tmp_path, monkeypatch, read_only):
    opened = []
    connect = Database._connect

    def recorded(*given, **named):
        opened.append(connect(*given, **named))
        return opened[-1]

    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    monkeypatch.setattr(Database, "_connect", staticmethod(recorded))
    with pytest.raises(StoreVersionError):
        Database(other, read_only=read_only)

    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path):
    text, other = tmp_path / "text", tmp_path / "other.sqlite"
    text.write_text("this is not a database, however long it may be\n" * 50)
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    for path in (text, other):
        before = path.read_bytes()
        for read_only in (False, True):
            with pytest.raises(StoreVersionError, match="is not a store"):
                Store(path, read_only=read_only)
        assert path.read_bytes() == before


def test_reading_where_there_is_nothing_makes_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Store(tmp_path / "store.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_synchronous_is_normal_or_full(tmp_path):
    with pytest.raises(ValueError, match="'NORMAL' or 'FULL'"):
        Store(tmp_path / "store.sqlite", synchronous="OFF")
    for text, number in (("NORMAL", 1), ("FULL", 2)):
        database = Database(tmp_path / "store.sqlite", synchronous=text)
        with database.write() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (number,)
        database.close()


def test_a_transaction_is_stored_whole_or_not_at_all(store):
    def both() -> None:
        with store.database.write():
            store.resources.put("k", "one", {})
            store.resources.put("k", "two", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        both()
    assert store.resources.list("k") == []
    store.resources.put("k", "three", {})  # and the store goes on
    assert len(store.resources.list("k")) == 1


def test_a_closed_store_says_so(store):
    store.close()
    store.close()
    with pytest.raises(RuntimeClosed):
        store.resources.get("k", "n")
    with pytest.raises(RuntimeClosed):
        store.resources.put("k", "n", {})


# Reading beside the owner


def test_a_reader_sees_what_the_owner_writes_meanwhile(store):
    reader = Store(store.database.path, read_only=True)
    store.resources.put("k", "n", {"v": 1})
    assert reader.resources.get("k", "n") == {"v": 1}
    store.resources.put("k", "n", {"v": 2})
    assert reader.resources.get("k", "n") == {"v": 2}
    reader.close()


def test_a_reader_is_not_held_up_by_an_open_transaction(store):
    reader = Store(store.database.path, read_only=True)
    with store.database.write():
        store.resources.put("k", "n", {})
        assert reader.resources.get("k", "n") is None
    assert reader.resources.get("k", "n") == {}
    reader.close()


def test_another_process_reads_while_the_owner_has_the_store_open(store):
    store.resources.put("k", "n", {"v": 1})
    script = (
        "import sys, pathlib; from mlflowsteps.local.store import Store;"
        "print(Store(pathlib.Path(sys.argv[1]), read_only=True).resources.get('k', 'n'))"
    )
    command = [sys.executable, "-c", script, str(store.database.path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == "{'v': 1}\n"


def test_a_reader_writes_nothing_and_says_why(store, tmp_path):
    reader = Store(store.database.path, read_only=True)
    assert reader.read_only
    for change in (
        lambda: reader.resources.put("k", "n", {}),
        lambda: reader.resources.delete("k", "n"),
        lambda: reader.tags.add("arn", {"k": "v"}),
        lambda: reader.executions.commit([]),
        lambda: add(reader),
    ):
        with pytest.raises(ServiceError, match="open for reading only"):
            change()
    reader.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_store_at_rest_can_be_read_in_a_folder_that_cannot_be_written(tmp_path):
    path = tmp_path / "store.sqlite"
    owner = Store(path)
    owner.resources.put("k", "n", {"v": 1})
    owner.close()
    tmp_path.chmod(0o500)
    reader = Store(path, read_only=True)
    assert reader.resources.get("k", "n") == {"v": 1}
    reader.close()
    tmp_path.chmod(0o700)


# Resources


def test_insert_refuses_a_taken_name_and_put_replaces(store):
    assert store.resources.insert("job", "a", {"v": 1})
    assert not store.resources.insert("job", "a", {"v": 2})
    assert store.resources.get("job", "a") == {"v": 1}
    store.resources.put("job", "a", {"v": 3})
    assert store.resources.get("job", "a") == {"v": 3}
    assert store.resources.get("model", "a") is None
    assert store.resources.delete("job", "a")
    assert not store.resources.delete("job", "a")


def test_resources_are_listed_in_the_order_of_their_first_storing(store):
    for name in ("c", "a", "b"):
        store.resources.put("job", name, {"name": name})
    store.resources.put("job", "c", {"name": "c", "changed": True})
    store.resources.put("other", "z", {"name": "z"})
    assert [record["name"] for record in store.resources.list("job")] == ["c", "a", "b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_just_a_name(store, name):
    assert store.resources.insert(name, name, {"name": name})
    assert store.resources.get(name, name) == {"name": name}
    assert store.resources.list(name) == [{"name": name}]
    store.tags.add(name, {name: name})
    assert store.tags.get(name) == {name: name}


@pytest.mark.parametrize("value", [None, 1.5, 2**70, "\ud800", {"\ud800": []}, [True, [None]], "é\x00"])
def test_any_json_comes_back_as_it_was(store, value):
    store.resources.put("k", "n", {"v": value})
    assert store.resources.get("k", "n") == {"v": value}


def test_of_many_who_insert_one_name_at_once_one_wins(store):
    won, barrier = [], threading.Barrier(8)

    def insert(number: int) -> None:
        barrier.wait(30)
        if store.resources.insert("job", "same", {"by": number}):
            won.append(number)

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.resources.get("job", "same") == {"by": won[0]}


# Executions


def test_an_execution_is_stored_with_its_definition(store):
    number = store.executions.add(ARN.format("e"), MACHINE, '{"x": "\ud800"}', {"start_time": 1.5, "name": "e"})
    record = store.executions.get(ARN.format("e"))
    assert (record.id, record.status, record.start_time, record.stop_time) == (number, "RUNNING", 1.5, None)
    assert (record.header, record.result) == ({"start_time": 1.5, "name": "e"}, {})
    assert store.executions.definition(record.digest) == '{"x": "\ud800"}'
    assert store.executions.add(ARN.format("e"), MACHINE, "{}", {"start_time": 2.0}) is None
    assert store.executions.get(ARN.format("none")) is None
    with pytest.raises(KeyError):
        store.executions.definition("none")


def test_a_group_is_stored_in_one_transaction(store):
    one, other = add(store, "one"), add(store, "other")
    bad = Entry(other, journal=[(1, "{}"), (1, "{}")])  # an id twice, which no table takes
    with pytest.raises(sqlite3.IntegrityError):
        store.executions.commit([Entry(one, journal=[(1, '{"n":1}')], end=("SUCCEEDED", 2.0, "{}")), bad])
    assert list(store.executions.journal(one)) == []
    assert store.executions.get(ARN.format("one")).status == "RUNNING"


def test_journal_history_and_end_come_back(store):
    number = add(store)
    events = [(n, f'{{"id":{n}}}') for n in range(1, 6)]
    end = ("FAILED", 9.25, '{"error":"E"}')
    store.executions.commit([Entry(number, journal=[(1, '{"n":1}'), (2, '{"n":2}')], history=events, end=end)])
    record = store.executions.get(ARN.format("e"))
    assert (record.status, record.stop_time, record.result) == ("FAILED", 9.25, {"error": "E"})
    assert [event["n"] for event in store.executions.journal(number)] == [1, 2]
    ids = [[event["id"] for event in store.executions.history(number, **bounds)] for bounds in (
        {}, {"after": 3}, {"limit": 2}, {"reverse": True, "before": 4}, {"reverse": True, "limit": 1},
    )]  # fmt: skip
    assert ids == [[1, 2, 3, 4, 5], [4, 5], [1, 2], [3, 2, 1], [5]]
    assert store.executions.last_event_id(number) == 5
    assert store.executions.last_event_id(999) == 0


def test_pages_go_from_new_to_old(store):
    for number in range(5):
        add(store, f"e{number}")
    add(store, "elsewhere", MACHINE + "2")
    store.executions.commit([Entry(2, end=("SUCCEEDED", 1.0, "{}"))])
    first = store.executions.page(MACHINE, limit=2)
    assert [record.header["name"] for record in first] == ["e4", "e3"]
    rest = store.executions.page(MACHINE, before=first[-1].id)
    assert [record.header["name"] for record in rest] == ["e2", "e1", "e0"]
    assert [record.id for record in store.executions.page(MACHINE, status="SUCCEEDED")] == [2]
    assert len(store.executions.running()) == 5
    assert len(store.executions.running(MACHINE)) == 4


def test_purge_forgets_the_executions_of_one_state_machine(store):
    number, other = add(store, "e"), add(store, "other", MACHINE + "2")
    for execution in (number, other):
        store.executions.commit([Entry(execution, journal=[(1, "{}")], history=[(1, '{"id":1}')])])
    store.executions.purge(MACHINE)
    assert store.executions.get(ARN.format("e")) is None
    assert store.executions.history(number) == []
    assert len(store.executions.history(other)) == 1
    assert add(store, "e") > other  # an id is never used twice


def test_the_store_opens_without_the_rest_of_the_package():
    script = (
        "import sys, mlflowsteps.local.store; print([m for m in ('boto3', 'networkx', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_a_read_only_path_with_odd_characters_opens(tmp_path):
    folder = tmp_path / "a b?c#d%41"
    folder.mkdir()
    Store(folder / "store.sqlite").close()
    Store(folder / "store.sqlite", read_only=True).close()
    assert [file.name for file in Path(tmp_path).iterdir()] == ["a b?c#d%41"]
