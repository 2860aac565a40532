"""What a plain file cannot hold of an object: ETag, content type, user metadata. One SQLite file beside the buckets.

A row counts only while size and modification time of the file are those it was written with. A file that a person put
or changed has no row, and needs none: its ETag is made from size and time, its content type guessed from its name. So
losing the index loses headers, never data.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from pathlib import Path

__all__ = ["Headers", "Index"]

_log = logging.getLogger(__name__)

Headers = tuple[str, str, dict[str, str]]
"""ETag (without quotes), content type, user metadata."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  etag TEXT NOT NULL, content_type TEXT NOT NULL, metadata TEXT NOT NULL,
  PRIMARY KEY (bucket, key, size, mtime_ns)
) WITHOUT ROWID
"""


class Index:
    """Headers of objects, by bucket, key, size and modification time.

    Args:
        path: the SQLite file; made where it is missing.
        read_only: never write; a missing file is an empty index.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._lock = threading.Lock()
        self._read_only = read_only
        try:
            self._connection = self._open(path)
        except sqlite3.DatabaseError as error:
            if read_only:
                self._connection = self._open(None)
                return
            broken = path.with_name(path.name + ".broken")
            path.replace(broken)
            _log.warning("The index %s could not be read (%s) and begins anew; the old one is %s", path, error, broken)
            self._connection = self._open(path)

    def _open(self, path: Path | None) -> sqlite3.Connection:
        if path is None or (self._read_only and not path.exists()):
            target = ":memory:"
        else:
            target = path.as_uri() + ("?mode=ro" if self._read_only else "")
        connection = sqlite3.connect(target, uri=True, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            if not self._read_only:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=OFF")  # a kill loses nothing; a power cut at most headers
            if not self._read_only or target == ":memory:":
                connection.execute(_SCHEMA)
            connection.execute("SELECT 1 FROM objects LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def get(self, bucket: str, key: str, size: int, mtime_ns: int) -> Headers | None:
        """The headers of this very file; None where they were not kept or the file has changed since."""
        with self._lock:
            row = self._connection.execute(
                "SELECT etag, content_type, metadata FROM objects WHERE bucket=? AND key=? AND size=? AND mtime_ns=?",
                (bucket, key, size, mtime_ns),
            ).fetchone()
        return None if row is None else (row[0], row[1], json.loads(row[2]))

    def put(self, bucket: str, key: str, size: int, mtime_ns: int, headers: Headers) -> None:
        """Keep headers; called before the file gets its name, so that a kill in between harms neither old nor new."""
        etag, content_type, metadata = headers
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO objects VALUES (?,?,?,?,?,?,?)",
                (bucket, key, size, mtime_ns, etag, content_type, json.dumps(metadata)),
            )

    def forget(self, bucket: str, key: str, *, but: tuple[int, int] = (-1, -1)) -> None:
        """Drop a key's rows, but the one of this size and time."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM objects WHERE bucket=? AND key=? AND NOT (size=? AND mtime_ns=?)", (bucket, key, *but)
            )

    def forget_bucket(self, bucket: str) -> None:
        """Drop all rows of a bucket."""
        with self._lock:
            self._connection.execute("DELETE FROM objects WHERE bucket=?", (bucket,))

    def close(self) -> None:
        """Let the file go; may be called twice."""
        with self._lock:
            self._connection.close()
