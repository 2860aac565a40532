"""Pipe mode: a channel's data as named pipes ``<channel>_0``, ``<channel>_1``, ..., one an epoch.

A thread for each channel and instance writes; it goes on to the next epoch when the reader has closed the present one.
It never blocks for good: a job may take a pipe away, stop reading half way, or be killed.

Source:
    Amazon SageMaker developer guide, "Access Training Data".
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["Pipe"]

_LOOK_SECONDS = 0.01  # for a reader
_CLOSED_MILLISECONDS = 100  # for ``close``, while the reader is slow


class Pipe:
    """The pipes of one channel.

    Args:
        base: their path without the number of the epoch.
        chunks: the bytes of an epoch, given its number.

    Attributes:
        error: why the data ended early; None while all is well. Readers of further epochs would wait for ever.
    """

    def __init__(self, base: Path, chunks: Callable[[int], Iterable[bytes]]) -> None:
        self._base, self._chunks = base, chunks
        self._closing = threading.Event()
        self.error: str | None = None
        os.mkfifo(self._path(0))
        self._thread = threading.Thread(target=self._feed, name=f"pipe-{base.name}", daemon=True)
        self._thread.start()

    def _path(self, epoch: int) -> Path:
        return self._base.with_name(f"{self._base.name}_{epoch}")

    def _feed(self) -> None:
        epoch = 0
        try:
            while self._feed_one(epoch):
                epoch += 1
        except Exception as error:  # noqa: BLE001 - the data, such as what is no gzip: told by whoever runs the job
            self.error = f"channel {self._base.name!r}: the pipe ended early: {type(error).__name__}: {error}"
        finally:
            for left in (epoch, epoch + 1):
                self._path(left).unlink(missing_ok=True)

    def _feed_one(self, epoch: int) -> bool:
        """Write one epoch to its reader; False where there is none any more."""
        path = self._path(epoch)
        out = self._open(path)
        if out is None:
            return False
        try:
            os.mkfifo(self._path(epoch + 1))  # now: who has read this one to its end looks for it at once
            for chunk in self._chunks(epoch):
                self._write(out, chunk)
                if self._closing.is_set():
                    return False
        except BrokenPipeError:
            pass  # the reader has had enough of this epoch
        finally:
            os.close(out)
        path.unlink(missing_ok=True)
        return True

    def _open(self, path: Path) -> int | None:
        """The pipe, once it has a reader; None where it is to be closed, or the job took it away."""
        while not self._closing.is_set():
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno != errno.ENXIO:  # no reader yet
                    raise
            self._closing.wait(_LOOK_SECONDS)
        return None

    def _write(self, out: int, data: bytes) -> None:
        room = select.poll()
        room.register(out, select.POLLOUT)
        rest = memoryview(data)
        while rest and not self._closing.is_set():
            try:
                rest = rest[os.write(out, rest) :]
            except BlockingIOError:
                room.poll(_CLOSED_MILLISECONDS)

    def close(self) -> None:
        """End the thread, and take away the pipes that nobody has read."""
        self._closing.set()
        self._thread.join()
