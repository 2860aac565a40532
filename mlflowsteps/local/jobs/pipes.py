"""Pipe mode: a channel's data as named pipes ``<channel>_0``, ``<channel>_1``, ..., one an epoch.

A thread for each channel and instance writes; it goes on to the next epoch when the reader has closed the present one.

Source:
    Amazon SageMaker developer guide, "Access Training Data".
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["Pipe"]

_LOOK_SECONDS = 0.01


class Pipe:
    """The pipes of one channel.

    Args:
        base: their path without the number of the epoch.
        chunks: the bytes of an epoch, given its number.
    """

    def __init__(self, base: Path, chunks: Callable[[int], Iterable[bytes]]) -> None:
        self._base, self._chunks = base, chunks
        self._closing = False
        self._epoch = 0
        self.error: str | None = None
        os.mkfifo(self._path(0))
        self._thread = threading.Thread(target=self._feed, name=f"pipe-{base.name}", daemon=True)
        self._thread.start()

    def _path(self, epoch: int) -> Path:
        return self._base.with_name(f"{self._base.name}_{epoch}")

    def _feed(self) -> None:
        try:
            while not self._closing:
                self._feed_one(self._epoch)
                self._epoch += 1
        except (OSError, EOFError) as error:  # the data, such as what is no gzip; the reader finds the pipe's end
            self.error = f"{type(error).__name__}: {error}"

    def _feed_one(self, epoch: int) -> None:
        path = self._path(epoch)
        with contextlib.suppress(BrokenPipeError), path.open("wb", buffering=0) as out:  # opens with the reader
            os.mkfifo(self._path(epoch + 1))  # now: who has read this one to its end looks for it at once
            for chunk in self._chunks(epoch):
                _write(out.fileno(), chunk)
                if self._closing:
                    break
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the thread: what it waits for, a reader, is played until it has noticed."""
        self._closing = True
        readers: dict[Path, int] = {}
        try:
            while self._thread.is_alive():
                path = self._path(self._epoch)
                if path not in readers:
                    with contextlib.suppress(FileNotFoundError):
                        readers[path] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                for reader in readers.values():
                    _drain(reader)
                self._thread.join(_LOOK_SECONDS)
        finally:
            for reader in readers.values():
                os.close(reader)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 1 << 16):
            pass
