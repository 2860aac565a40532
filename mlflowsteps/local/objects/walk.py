"""Lists the files of a bucket in the order of their keys' UTF-8 bytes, from any key on, in time linear in what is read.

Folders are read once per listing, not once per page: a folder's sorted names are kept while the folder has not changed.
Symbolic links, devices and names that are no UTF-8 are no objects.
"""

from __future__ import annotations

import heapq
import os
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from mlflowsteps.local.objects.names import ESCAPED, KEY_SUFFIX

__all__ = ["Walker"]

_KEPT_FOLDERS = 64
_SETTLED_NS = 2_000_000_000  # a folder changed so shortly ago may change again within one tick of its time stamp
_ESCAPED_FOLDER = ESCAPED.encode() + b"/"

Names = list[tuple[bytes, str]]
"""Sorted: (name as it stands in keys, folders with ``/`` after it; name on disk)."""


class Walker:
    """Finds the keys of buckets; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, Names]] = OrderedDict()

    def keys(self, bucket: Path, prefix: str, after: bytes) -> Iterator[tuple[str, Path]]:
        """Every (key, file) whose key begins with ``prefix`` and is above ``after``, ascending by UTF-8 bytes."""
        start = prefix.encode()
        plain = self._plain(bucket, b"", start, after)
        escaped = self._escaped(bucket, start, after)
        if not escaped:
            found: Iterator[tuple[bytes, Path]] = plain
        else:
            hidden = {key for key, _ in escaped}  # an escaped object stands before a file that a person put beside it
            found = heapq.merge(escaped, (item for item in plain if item[0] not in hidden))
        return ((key.decode(), path) for key, path in found)

    def _plain(self, folder: Path, above: bytes, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, Path]]:
        stack = [self._entries(folder, above, prefix, after)]
        while stack:
            for key, path in stack[-1]:
                if key.endswith(b"/"):
                    stack.append(self._entries(path, key, prefix, after))
                    break
                if key > after and key.startswith(prefix):
                    yield key, path
            else:
                stack.pop()

    def _entries(self, folder: Path, above: bytes, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, Path]]:
        names = self._names(folder)
        wanted = prefix[len(above) :] if prefix.startswith(above) else b""
        low = max(wanted, after[len(above) :] if after.startswith(above) else b"")
        # A folder sorts as "name/" but may hold keys above ``low``: begin one entry earlier.
        for name, entry in names[max(0, bisect_left(names, (low, "")) - 1) :]:
            if not above and name == _ESCAPED_FOLDER:
                continue
            if wanted and not (name.startswith(wanted) or (name.endswith(b"/") and wanted.startswith(name))):
                if name > wanted:
                    return
                continue
            if above + name <= after and not (name.endswith(b"/") and after.startswith(above + name)):
                continue
            yield above + name, folder / entry

    def _names(self, folder: Path) -> Names:
        where = os.fspath(folder)
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        with self._lock:
            kept = self._kept.get(where)
            if kept is not None and kept[0] == changed:
                self._kept.move_to_end(where)
                return kept[1]
        names = _read(where)
        if time.time_ns() - changed > _SETTLED_NS:
            self._keep(where, changed, names)
        return names

    def _keep(self, where: str, changed: int, names: Names) -> None:
        with self._lock:
            self._kept[where] = (changed, names)
            while len(self._kept) > _KEPT_FOLDERS:
                self._kept.popitem(last=False)

    def forget(self, folder: Path) -> None:
        """Drop what is kept of a folder, because a name in it was added or taken away."""
        with self._lock:
            self._kept.pop(os.fspath(folder), None)

    def _escaped(self, bucket: Path, prefix: bytes, after: bytes) -> list[tuple[bytes, Path]]:
        found = []
        folder = bucket / ESCAPED
        for name, entry in self._names(folder):
            data = folder / entry.removesuffix(KEY_SUFFIX)
            if name.endswith(KEY_SUFFIX.encode()) and data.is_file():
                key = (folder / entry).read_bytes()
                if key > after and key.startswith(prefix):
                    found.append((key, data))
        return sorted(found)


def _read(folder: str) -> Names:
    names: Names = []
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return names
    with entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.is_file(follow_symlinks=False):
                continue
            try:
                name = entry.name.encode()
            except UnicodeEncodeError:
                continue
            names.append((name + b"/" if is_folder else name, entry.name))
    names.sort()
    return names
