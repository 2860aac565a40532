"""A runtime's folder: made, recognised, and owned by one process at a time.

::

    <root>/             mode 0700
      VERSION           version of this layout, a number
      .gitignore        keeps the folder out of git
      lock, pid         who has it open; the lock is the system's, so that the owner's death frees it
      store.sqlite      state machines, executions and their histories, descriptions of jobs
      s3/<bucket>/<key> objects as plain files (see ``objects``)
      jobs/<kind>/<name>/   log, inputs, outputs of a job (see ``jobs``)

It refuses a folder that holds other things than these, so that nothing of the user's is hidden from git or mixed up.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from filelock import FileLock, Timeout

from mlflowsteps.exceptions import FolderVersionError, RuntimeBusy

__all__ = ["VERSION", "Folder"]

VERSION = 1

_OURS = frozenset({"VERSION", ".gitignore", "lock", "pid", "s3", "jobs"})
_GITIGNORE = "# A local runtime of mlflowsteps; none of it belongs in version control.\n*\n"


class Folder:
    """An open folder.

    Args:
        root: the folder; made where it is missing.
        read_only: only look; it must exist, and another process may own it.

    Raises:
        RuntimeBusy: another runtime, of this process or another, owns the folder.
        FolderVersionError: it holds other things, or a newer release wrote it.
        FileNotFoundError: read_only, and there is none.
    """

    def __init__(self, root: Path, *, read_only: bool) -> None:
        self.root = root
        self._lock: FileLock | None = None
        if read_only:
            self._check(must_exist=True)
            return
        self._check(must_exist=False)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        self._take()
        try:
            self._check(must_exist=False)  # again: another process may have written it meanwhile
            _write(root / "VERSION", f"{VERSION}\n")
            _write(root / ".gitignore", _GITIGNORE)
            (root / "pid").write_text(f"{os.getpid()}\n")
        except BaseException:
            self.close()
            raise

    def _check(self, *, must_exist: bool) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise FolderVersionError(f"{self.root} is no folder. Choose another root for the local runtime.")
        try:
            text = (self.root / "VERSION").read_text().strip()
        except FileNotFoundError:
            if must_exist:
                raise FileNotFoundError(f"{self.root} holds no local runtime that could be read.") from None
            self._check_ours()
            return
        except UnicodeDecodeError:
            text = "no text"
        if not text.isdigit():
            raise FolderVersionError(f"{self.root / 'VERSION'} holds {text[:40]!r} and no version's number.")
        if int(text) > VERSION:
            raise FolderVersionError(
                f"The local runtime in {self.root} has version {text}; this release reads up to {VERSION}. Update "
                "mlflowsteps, or choose another folder."
            )

    def _check_ours(self) -> None:
        if not self.root.exists():
            return
        others = [path.name for path in self.root.iterdir() if not _is_ours(path.name)]
        if others:
            raise FolderVersionError(
                f"{self.root} is no local runtime's folder and holds other things ({', '.join(sorted(others)[:3])}). "
                f"Choose an empty or a new folder, such as {self.root / '.mlflowsteps'}."
            )

    def _take(self) -> None:
        lock = FileLock(self.root / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RuntimeBusy(str(self.root), _owner(self.root / "pid")) from None
        self._lock = lock

    def close(self) -> None:
        """Let another process have the folder; closing twice does nothing more."""
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(FileNotFoundError):
                (self.root / "pid").unlink()
            lock.release()


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("store.sqlite") or name == ".DS_Store"


def _write(path: Path, text: str) -> None:
    """Write a small file whole or not at all, unless it holds that already."""
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if path.read_text() == text:
            return
    aside = path.with_name(path.name + ".new")
    aside.write_text(text)
    aside.replace(path)


def _owner(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
