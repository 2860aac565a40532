"""Executions: what each was born with, the journal it is rebuilt from, its history, and how it ended.

A group of events goes in by one transaction: journal entries, the history events they made, and ends. Definitions are
kept by digest, so that an execution keeps the one it was started with when its state machine is updated or deleted.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlflowsteps.local.store.database import Database

__all__ = ["Entry", "ExecutionRecord", "Executions", "digest_of"]

# One encoder for all: json.dumps with arguments builds a new one at each call, which costs more than the encoding.
# ASCII, because a lone surrogate, which JSON can hold, has no UTF-8.
encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

COLUMNS = (
    "id, arn, machine_arn, status, start_time, stop_time, digest, header, result, redrives, redrive_time, redrive_token"
)


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """An execution as it stands in the store.

    Args:
        id: rank in the order of starting, unique in the store.
        arn: its ARN.
        machine_arn: ARN of its state machine, without version or alias.
        status: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        start_time: seconds since the epoch.
        stop_time: seconds since the epoch; None while it runs.
        digest: which definition it runs.
        header: what it was born with, as a JSON object.
        result: ``output``, ``error``, ``cause`` of its end, those that there are.
        redrives: how often it was redriven.
        redrive_time: when last; None where it never was.
        redrive_token: the client's token of that redrive.
    """

    id: int
    arn: str
    machine_arn: str
    status: str
    start_time: float
    stop_time: float | None
    digest: str
    header: dict[str, Any]
    result: dict[str, Any]
    redrives: int = 0
    redrive_time: float | None = None
    redrive_token: str | None = None


@dataclass(slots=True)
class Entry:
    """What one execution adds in a group: texts ready to be stored.

    Args:
        execution: id of the execution.
        journal: (id, event) pairs, ids counting from 1.
        history: (id, event) pairs, ids counting from 1.
        end: (status, stop time, result) where the execution ended in this group.
        redrive: (time, client's token) where it was redriven in this group, before any end.
    """

    execution: int
    journal: list[tuple[int, str]] = field(default_factory=list)
    history: list[tuple[int, str]] = field(default_factory=list)
    end: tuple[str, float, str] | None = None
    redrive: tuple[float, str | None] | None = None


def digest_of(definition: str) -> str:
    """The key under which a definition is kept."""
    return hashlib.sha256(definition.encode("utf-8", "surrogatepass")).hexdigest()


class Executions:
    """The executions of a store. Safe to use from several threads.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, arn: str, machine_arn: str, definition: str, header: dict[str, Any], *, map_run: str | None = None
    ) -> int | None:
        """Store a new execution as RUNNING.

        Args:
            arn: its ARN.
            machine_arn: ARN of the state machine, without version or alias.
            definition: the definition's text.
            header: JSON object with ``start_time`` and all else it is born with.
            map_run: ARN of the Map Run that it is a child of.

        Returns:
            Its id; None where the ARN is taken, nothing was changed then.
        """
        digest = digest_of(definition)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO definitions (digest, definition) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (digest, encode(definition)),
            )
            cursor = connection.execute(
                "INSERT INTO executions (arn, machine_arn, status, start_time, digest, header, map_run) "
                "VALUES (?, ?, 'RUNNING', ?, ?, ?, ?) ON CONFLICT (arn) DO NOTHING",
                (arn, machine_arn, header["start_time"], digest, encode(header), map_run),
            )
            return cursor.lastrowid if cursor.rowcount == 1 else None

    def commit(self, entries: Iterable[Entry]) -> None:
        """Store a group: all of it, or (a kill, a full disk) nothing."""
        with self._database.write() as connection:
            for entry in entries:
                _append(connection, "journal", entry.execution, entry.journal)
                _append(connection, "history", entry.execution, entry.history)
                if entry.redrive is not None:
                    connection.execute(
                        "UPDATE executions SET status = 'RUNNING', stop_time = NULL, result = NULL, "
                        "redrives = redrives + 1, redrive_time = ?, redrive_token = ? WHERE id = ?",
                        (*entry.redrive, entry.execution),
                    )
                if entry.end is not None:
                    connection.execute(
                        "UPDATE executions SET status = ?, stop_time = ?, result = ? WHERE id = ?",
                        (*entry.end, entry.execution),
                    )

    def await_redrive(self, map_run: str) -> None:
        """The children of a Map Run that did not succeed wait for its redrive."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE executions SET status = 'PENDING_REDRIVE' "
                "WHERE map_run = ? AND status IN ('FAILED', 'TIMED_OUT', 'ABORTED')",
                (map_run,),
            )

    def get(self, arn: str) -> ExecutionRecord | None:
        """The execution of this ARN; None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(f"SELECT {COLUMNS} FROM executions WHERE arn = ?", (arn,)).fetchone()  # noqa: S608 columns are ours
        return None if row is None else _record(row)

    def running(self, machine_arn: str | None = None) -> list[ExecutionRecord]:
        """Those that have not ended, in the order of starting; of one state machine, or of all."""
        query = f"SELECT {COLUMNS} FROM executions WHERE status = 'RUNNING' ORDER BY id"  # noqa: S608 columns are ours
        with self._database.read() as connection:
            rows = connection.execute(query).fetchall()
        return [_record(row) for row in rows if machine_arn in (None, row[2])]

    def page(
        self,
        machine_arn: str | None = None,
        *,
        map_run: str | None = None,
        status: str | None = None,
        before: int | None = None,
        limit: int = 100,
        extra: tuple[str, str] | None = None,
    ) -> list[ExecutionRecord]:
        """Executions of a state machine, or children of a Map Run, newest first.

        Args:
            machine_arn: the state machine's ARN.
            map_run: the Map Run's ARN, in place of it.
            status: only those of this status.
            before: only those of a lower id, for the next page.
            limit: how many at most.
            extra: only those whose header has this value for this name in its ``extra``.
        """
        conditions = ["machine_arn = ?" if map_run is None else "map_run = ?"]
        values: list[str | int | None] = [machine_arn if map_run is None else map_run]
        if status is not None:
            conditions.append("status = ?")
            values.append(status)
        if before is not None:
            conditions.append("id < ?")
            values.append(before)
        if extra is not None:
            conditions.append("json_extract(header, '$.extra.' || ?) = ?")
            values.extend(extra)
        query = f"SELECT {COLUMNS} FROM executions WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"  # noqa: S608 all ours
        with self._database.read() as connection:
            rows = connection.execute(query, (*values, limit)).fetchall()
        return [_record(row) for row in rows]

    def definition(self, digest: str) -> str:
        """The text of a definition.

        Raises:
            KeyError: there is none of this digest.
        """
        with self._database.read() as connection:
            row = connection.execute("SELECT definition FROM definitions WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise KeyError(digest)
        text: str = json.loads(row[0])
        return text

    def journal(self, execution: int) -> Iterator[dict[str, Any]]:
        """The events an execution received, in order."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT event FROM journal WHERE execution = ? ORDER BY id", (execution,))
            for row in rows:
                yield json.loads(row[0])

    def history(
        self, execution: int, *, after: int = 0, before: int | None = None, limit: int = -1, reverse: bool = False
    ) -> list[dict[str, Any]]:
        """History events of an execution.

        Args:
            execution: its id.
            after: only events of a higher id.
            before: only events of a lower id; None: no bound.
            limit: how many at most; -1: all.
            reverse: newest first.
        """
        bound = 2**62 if before is None else before
        order = "DESC" if reverse else "ASC"
        query = f"SELECT event FROM history WHERE execution = ? AND id > ? AND id < ? ORDER BY id {order} LIMIT ?"  # noqa: S608 order is ours
        with self._database.read() as connection:
            rows = connection.execute(query, (execution, after, bound, limit)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def last_event_id(self, execution: int) -> int:
        """Id of the newest history event; 0 where there is none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT max(id) FROM history WHERE execution = ?", (execution,)).fetchone()
        return row[0] or 0

    def purge(self, machine_arn: str) -> None:
        """Forget every execution of a state machine, with journal and history."""
        with self._database.write() as connection:
            for table in ("journal", "history"):
                connection.execute(
                    f"DELETE FROM {table} WHERE execution IN (SELECT id FROM executions WHERE machine_arn = ?)",  # noqa: S608 table is ours
                    (machine_arn,),
                )
            connection.execute("DELETE FROM executions WHERE machine_arn = ?", (machine_arn,))


def _append(connection: sqlite3.Connection, table: str, execution: int, rows: Sequence[tuple[int, str]]) -> None:
    if rows:
        connection.executemany(
            f"INSERT INTO {table} (execution, id, event) VALUES (?, ?, ?)",  # noqa: S608 table is ours
            [(execution, number, text) for number, text in rows],
        )


def _record(row: tuple[Any, ...]) -> ExecutionRecord:
    header, result = json.loads(row[7]), json.loads(row[8]) if row[8] else {}
    return ExecutionRecord(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], header, result, row[9], row[10], row[11]
    )
