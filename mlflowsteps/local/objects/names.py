"""How a key is named on disk: its own path wherever a file can have it, an escaped name elsewhere.

A key is escaped where its path would leave the bucket's folder, mean something else than the key, or not be possible at
all. Escaped objects lie flat in ``<bucket>/.escaped/``: ``<readable tail>~<hash>`` holds the data and, beside it,
``<readable tail>~<hash>.key`` the key itself, so that nothing but the folder is needed to read it back.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

__all__ = ["ESCAPED", "KEY_LIMIT", "KEY_SUFFIX", "escaped_name", "fold", "plain_parts"]

ESCAPED = ".escaped"
KEY_SUFFIX = ".key"
KEY_LIMIT = 1024  # bytes of UTF-8; S3's own limit

_SEGMENT_LIMIT = 255  # bytes; of every file system in use
_PATH_LIMIT = 255 if os.name == "nt" else 1000  # bytes below the runtime's folder and with it; macOS stops at 1,024
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')


def plain_parts(key: str, folder_length: int, *, windows: bool = os.name == "nt") -> tuple[str, ...] | None:
    """The path of a key below its bucket's folder; None where the key must be escaped whatever lies on the disk.

    Args:
        key: an object's key.
        folder_length: length in bytes of the bucket's folder's own path.
        windows: judge by the rules of Windows, where device names and some characters are not to be had.

    >>> plain_parts("train/a.csv", 20)
    ('train', 'a.csv')
    >>> plain_parts("../etc/passwd", 20) is None
    True
    """
    parts = tuple(key.split("/"))
    if "\0" in key or parts[0] == ESCAPED or folder_length + 1 + len(key.encode()) > _PATH_LIMIT:
        return None
    if any(part in ("", ".", "..") or len(part.encode()) > _SEGMENT_LIMIT for part in parts):
        return None
    if windows and any(_DEVICES.fullmatch(part) or _NOT_ON_WINDOWS.search(part) for part in parts):
        return None
    return parts


def escaped_name(key: str) -> str:
    """Name of the file in ``.escaped`` that holds the object of this key; different for different keys.

    >>> escaped_name("logs/")
    'logs_~a5e9...'  # doctest: +SKIP
    """
    readable = re.sub(r"[^A-Za-z0-9._=-]", "_", key)[-60:].lstrip(".")
    return f"{readable}~{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def fold(name: str) -> str:
    """What a file system that ignores case (and Unicode forms) takes a name for."""
    return unicodedata.normalize("NFD", name).casefold()
