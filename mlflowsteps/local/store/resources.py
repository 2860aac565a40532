"""Records by kind and name: jobs, models, endpoints, state machines, activities; anything with a JSON description."""

from __future__ import annotations

import json
from typing import Any

from mlflowsteps.local.store.database import Database

__all__ = ["Resources"]


class Resources:
    """Records kept by kind and name, each a JSON object. Safe to use from several threads.

    What is handed in is copied (as JSON), what is handed out is the caller's own.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, kind: str, name: str, record: dict[str, Any]) -> None:
        """Store ``record``, in place of the one of this kind and name if there is one (which keeps its rank)."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO resources (kind, name, serial, record) VALUES (?, ?, "
                "(SELECT coalesce(max(serial), 0) + 1 FROM resources WHERE kind = ?), ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record",
                (kind, name, kind, _dump(record)),
            )

    def insert(self, kind: str, name: str, record: dict[str, Any]) -> bool:
        """Store ``record`` unless the name is taken.

        Returns:
            False where the name is taken; nothing was changed then.
        """
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO resources (kind, name, serial, record) VALUES (?, ?, "
                "(SELECT coalesce(max(serial), 0) + 1 FROM resources WHERE kind = ?), ?) "
                "ON CONFLICT (kind, name) DO NOTHING",
                (kind, name, kind, _dump(record)),
            )
            return cursor.rowcount == 1

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The record of this kind and name; None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT record FROM resources WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return None if row is None else _load(row[0])

    def delete(self, kind: str, name: str) -> bool:
        """Remove a record.

        Returns:
            False where there was none.
        """
        with self._database.write() as connection:
            cursor = connection.execute("DELETE FROM resources WHERE kind = ? AND name = ?", (kind, name))
            return cursor.rowcount == 1

    def count(self, kind: str) -> int:
        """How many records of a kind there are."""
        with self._database.read() as connection:
            found: int = connection.execute("SELECT count(*) FROM resources WHERE kind = ?", (kind,)).fetchone()[0]
        return found

    def list(self, kind: str) -> list[dict[str, Any]]:
        """Every record of a kind, in the order in which their names were first stored (oldest first)."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT record FROM resources WHERE kind = ? ORDER BY serial", (kind,)).fetchall()
        return [_load(row[0]) for row in rows]


def _dump(record: dict[str, Any]) -> str:
    # ASCII, because a lone surrogate, which JSON can hold, has no UTF-8.
    return json.dumps(record, separators=(",", ":"))


def _load(text: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(text)
    return record
