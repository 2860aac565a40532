"""Tags of anything that has an ARN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlflowsteps.local.store.database import Database

__all__ = ["Tags"]


class Tags:
    """Tags by ARN. Safe to use from several threads.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, arn: str) -> dict[str, str]:
        """The tags of ``arn``, ordered by key; empty where it has none."""
        with self._database.read() as connection:
            return dict(connection.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,)).fetchall())

    def add(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags; those of the same key are replaced."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO tags (arn, key, value) VALUES (?, ?, ?) "
                "ON CONFLICT (arn, key) DO UPDATE SET value = excluded.value",
                [(arn, key, value) for key, value in tags.items()],
            )

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags; keys that are not there are ignored."""
        with self._database.write() as connection:
            connection.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])

    def clear(self, arn: str) -> None:
        """Remove every tag of ``arn``."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM tags WHERE arn = ?", (arn,))
