"""Bodies of requests and responses as streams: never a whole object in memory. Knows no service and no file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from mlflowsteps.exceptions import ServiceError

__all__ = ["ResponseBody", "request_body"]

_CHUNK = 1 << 18
_HEADER_LIMIT = 16_384


class ResponseBody(io.RawIOBase):
    """What botocore reads a response from, in place of urllib3's response. It closes its source once read or dropped.

    Args:
        source: where the bytes come from, from where it stands.
        length: how many of them.
    """

    def __init__(self, source: BinaryIO, length: int) -> None:
        self._source = source
        self._left = length

    def readable(self) -> bool:
        """True: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into ``buffer``; 0 at the end."""
        view = memoryview(buffer).cast("B")[: self._left]
        data = self._source.read(len(view)) if len(view) else b""
        view[: len(data)] = data
        self._left -= len(data)
        if self._left == 0:
            self._source.close()
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes; the rest where it is None or negative."""
        return super().read(-1 if size is None else size) or b""

    def stream(self, amt: int = _CHUNK, **_: object) -> Iterator[bytes]:
        """The bytes, in pieces; botocore reads whole responses so."""
        while piece := self.read(amt):
            yield piece

    def close(self) -> None:
        """Let the source go."""
        self._source.close()
        super().close()


def request_body(body: object, headers: dict[str, str]) -> BinaryIO:
    """The body of a prepared request as a stream, without the framing of ``aws-chunked``.

    Args:
        body: None, text, bytes or an object with ``read``.
        headers: the request's, names in lower case.
    """
    if body is None:
        return io.BytesIO()
    if isinstance(body, str):
        return io.BytesIO(body.encode())
    if isinstance(body, bytes | bytearray | memoryview):
        stream: BinaryIO = io.BytesIO(body)
    else:
        stream = cast("BinaryIO", body)
    if "aws-chunked" in headers.get("content-encoding", "") or headers.get("x-amz-content-sha256", "").startswith(
        "STREAMING-"
    ):
        return cast("BinaryIO", _Unchunked(stream))
    return stream


class _Unchunked(io.RawIOBase):
    """Takes the chunk headers and trailers of ``Content-Encoding: aws-chunked`` away."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._buffer = b""
        self._left = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._left == 0 and not self._ended:
            self._next_chunk()
        data = self._take(min(len(view), self._left))
        self._left -= len(data)
        if self._left == 0 and not self._ended:
            self._line()  # the line break that ends a chunk
        view[: len(data)] = data
        return len(data)

    def _next_chunk(self) -> None:
        header = self._line().split(b";")[0]
        try:
            self._left = int(header, 16)
        except ValueError as error:
            raise ServiceError(
                "IncompleteBody", f"The aws-chunked body has no chunk size in {header[:40]!r}."
            ) from error
        if self._left == 0:
            self._ended = True
            while self._line():  # trailing checksums
                pass

    def _take(self, size: int) -> bytes:
        if size and not self._buffer:
            self._buffer = self._source.read(max(size, _CHUNK))
            if not self._buffer:
                raise ServiceError("IncompleteBody", f"The body ended {self._left} bytes before its chunk did.")
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            more = self._source.read(_CHUNK)
            if not more or len(self._buffer) > _HEADER_LIMIT + _CHUNK:
                line, self._buffer = self._buffer, b""
                return line
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line
