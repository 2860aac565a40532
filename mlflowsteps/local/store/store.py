"""The store: one open database and the tables' owners over it."""

from __future__ import annotations

from pathlib import Path

from mlflowsteps.local.store.database import Database
from mlflowsteps.local.store.executions import Executions
from mlflowsteps.local.store.resources import Resources
from mlflowsteps.local.store.tags import Tags

__all__ = ["Store"]


class Store:
    """Everything a runtime keeps beside its files of objects and jobs.

    Args:
        path: the SQLite file; made with mode 0600 where absent.
        read_only: never write; another process may own the file and be writing it.
        synchronous: ``NORMAL`` or ``FULL``, see ``Database``.
    """

    def __init__(self, path: Path, *, read_only: bool = False, synchronous: str = "NORMAL") -> None:
        self.database = Database(path, read_only=read_only, synchronous=synchronous)
        self.resources = Resources(self.database)
        self.executions = Executions(self.database)
        self.tags = Tags(self.database)

    @property
    def read_only(self) -> bool:
        """Whether the store refuses to write."""
        return self.database.read_only

    def close(self) -> None:
        """Close the file; closing twice does nothing more."""
        self.database.close()
