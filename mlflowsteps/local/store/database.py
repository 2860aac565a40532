"""The SQLite file itself: opening, schema and its versions, one writing connection and a pool of reading ones.

Owns every connection and every transaction. It knows tables, not what they mean.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from mlflowsteps.exceptions import RuntimeClosed, ServiceError, StoreVersionError

__all__ = ["Database", "StoreVersionError"]

APPLICATION_ID = 0x6D6C6673  # "mlfs": tells our file from any other SQLite file
READERS_KEPT = 4

SCHEMA_1 = """
CREATE TABLE resources (
    kind TEXT NOT NULL, name TEXT NOT NULL, serial INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE INDEX resources_by_serial ON resources (kind, serial);

CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (arn, key)) WITHOUT ROWID;

CREATE TABLE definitions (digest TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE executions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL UNIQUE, machine_arn TEXT NOT NULL, status TEXT NOT NULL,
    start_time REAL NOT NULL, stop_time REAL, digest TEXT NOT NULL, header TEXT NOT NULL, result TEXT);
CREATE INDEX executions_by_machine ON executions (machine_arn, id);
CREATE INDEX executions_running ON executions (id) WHERE status = 'RUNNING';

CREATE TABLE journal (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (execution, id)) WITHOUT ROWID;

CREATE TABLE history (
    execution INTEGER NOT NULL, id INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (execution, id)) WITHOUT ROWID;
"""

# Children of Map Runs are listed by theirs.
SCHEMA_2 = """
ALTER TABLE executions ADD COLUMN map_run TEXT;
CREATE INDEX executions_by_map_run ON executions (map_run, id) WHERE map_run IS NOT NULL;
"""

# Redrives: how many, when the last one was, and the client's token of it.
SCHEMA_3 = """
ALTER TABLE executions ADD COLUMN redrives INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN redrive_time REAL;
ALTER TABLE executions ADD COLUMN redrive_token TEXT;
"""

MIGRATIONS: tuple[str, ...] = (SCHEMA_1, SCHEMA_2, SCHEMA_3)
"""Scripts in order; the n-th brings a file of version n-1 to version n. A published one is never edited."""


class Database:
    """An open SQLite file: ``write()`` is one transaction, ``read()`` one consistent view.

    Args:
        path: the file; made with mode 0600 where absent.
        read_only: never write; another process may own the file and be writing it.
        synchronous: ``NORMAL`` (a loss of power may take the last transactions, a killed process none) or ``FULL``
            (every transaction is on disk before it counts).

    Raises:
        StoreVersionError: the file is no store, or a newer release wrote it.
        FileNotFoundError: read_only, and there is no file.
    """

    def __init__(self, path: Path, *, read_only: bool = False, synchronous: str = "NORMAL") -> None:
        if synchronous not in ("NORMAL", "FULL"):
            raise ValueError(f"synchronous is 'NORMAL' or 'FULL', not {synchronous!r}")
        self.path, self.read_only, self._synchronous = Path(path), read_only, synchronous
        self._lock = threading.RLock()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._closed = False
        self._writer: sqlite3.Connection | None = None
        if read_only:
            try:
                with self.read() as connection:
                    self._check_version(connection)
            except BaseException:
                self.close()
                raise
        else:
            self._writer = self._open_writer()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block is stored, or (an exception, a kill) nothing of it.

        Raises:
            ServiceError: the store was opened for reading only.
            RuntimeClosed: it was closed.
        """
        self.require_writable()
        with self._lock:
            writer = self._writer
            if writer is None:
                raise RuntimeClosed("The local runtime was closed; open a new LocalRuntime on the same folder.")
            if writer.in_transaction:  # a block within a block is part of the outer one
                yield writer
                return
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
            except BaseException:
                writer.execute("ROLLBACK")
                raise
            writer.execute("COMMIT")

    def require_writable(self) -> None:
        """Raise ServiceError where the store was opened for reading only."""
        if self.read_only:
            raise ServiceError(
                "AccessDeniedException",
                f"The local runtime in {self.path.parent} is open for reading only: nothing can be created, started, "
                "changed or deleted. Open it without read_only=True where no other process owns it.",
            )

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, this thread's own for the length of the block; sees what was committed."""
        connection = self._borrow()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close every connection; what comes after raises RuntimeClosed. Closing twice does nothing more."""
        with self._lock, self._readers_lock:
            self._closed = True
            for connection in self._readers:
                connection.close()
            self._readers.clear()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _borrow(self) -> sqlite3.Connection:
        with self._readers_lock:
            if self._closed:
                raise RuntimeClosed("The local runtime was closed; open a new LocalRuntime on the same folder.")
            connection = self._readers.pop() if self._readers else None
        if connection is None:
            connection = self._open_reader()
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._readers_lock:
            if self._closed or len(self._readers) >= READERS_KEPT:
                connection.close()
            else:
                self._readers.append(connection)

    def _open_writer(self) -> sqlite3.Connection:
        # SQLite gives the -wal and -shm files the mode of the main one.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self.path.chmod(0o600)
        connection = self._connect(self.path.as_posix(), uri=False)
        try:
            self._migrate(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_reader(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise FileNotFoundError(f"There is no store at {self.path}")
        uri = f"file:{quote(self.path.absolute().as_posix())}?mode=ro"
        connection = self._connect(uri, uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            # A folder that cannot be written cannot hold SQLite's shared memory file; without a log beside it, the
            # file is at rest and may be read as it is.
            connection.close()
            if self.path.with_name(self.path.name + "-wal").exists():
                raise
            connection = self._connect(uri + "&immutable=1", uri=True)
        except sqlite3.DatabaseError as error:
            connection.close()
            raise StoreVersionError(f"{self.path} is not a store of mlflowsteps ({error})") from None
        connection.execute("PRAGMA query_only = ON")
        return connection

    @staticmethod
    def _connect(target: str, *, uri: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            target, uri=uri, timeout=30.0, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.execute("PRAGMA busy_timeout = 30000")
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        try:
            found = self._check_version(connection)
        except sqlite3.DatabaseError as error:
            raise StoreVersionError(f"{self.path} is not a store of mlflowsteps ({error})") from None
        for version in range(found + 1, len(MIGRATIONS) + 1):
            # executescript would commit by itself; the script carries its own transaction, so that a kill leaves
            # either the old version or the new one.
            connection.executescript(
                f"BEGIN IMMEDIATE;{MIGRATIONS[version - 1]}"
                f"PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = {version};COMMIT;"
            )

    def _check_version(self, connection: sqlite3.Connection) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if owner != APPLICATION_ID and (tables or owner):
            raise StoreVersionError(f"{self.path} is not a store of mlflowsteps")
        if version > len(MIGRATIONS):
            raise StoreVersionError(
                f"{self.path} was written by a newer mlflowsteps (store version {version}, this one knows "
                f"{len(MIGRATIONS)}): upgrade mlflowsteps, or choose another folder"
            )
        return version
