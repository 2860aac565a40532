"""The HTTP server of a serving container: /ping, /invocations and /execution-parameters on 127.0.0.1.

Source:
    Amazon SageMaker developer guide, "Use Your Own Inference Code with Hosting Services".
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import TypeAlias

__all__ = ["HttpError", "Predict", "Request", "Response", "serve"]

_MAX_BODY = 1 << 30


@dataclass(frozen=True, slots=True)
class Request:
    """What /invocations is asked.

    Args:
        body: the bytes.
        content_type: Content-Type, empty where there is none.
        accept: Accept, empty where there is none.
    """

    body: bytes
    content_type: str
    accept: str


@dataclass(frozen=True, slots=True)
class Response:
    """What /invocations answers.

    Args:
        body: the bytes.
        content_type: its type.
    """

    body: bytes
    content_type: str


class HttpError(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status, such as 415.
        text: why, for the caller.
    """

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


Predict: TypeAlias = Callable[[Request], Response]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    predict: Predict
    lock: threading.Lock

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._send(200, b"", "text/plain")
        elif self.path == "/execution-parameters":
            megabytes = int(
                os.environ.get("SAGEMAKER_MAX_PAYLOAD_IN_MB") or os.environ.get("MAX_CONTENT_LENGTH_MB") or 6
            )
            values = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": megabytes}
            self._send(200, json.dumps(values).encode(), "application/json")
        else:
            self._send(404, b"", "text/plain")

    def do_POST(self) -> None:
        if self.path != "/invocations":
            self._send(404, b"", "text/plain")
            return
        try:
            response = self._answer()
            self._send(200, response.body, response.content_type)
        except HttpError as error:
            if error.status >= 400:
                print(f"{error.status}: {error.text}", file=sys.stderr, flush=True)  # noqa: T201 - the container's log
            self._send(error.status, error.text.encode(), "text/plain")
        except Exception as error:  # noqa: BLE001 - the user's code: what it raises is logged and answered
            traceback.print_exc()
            self._send(500, f"{type(error).__name__}: {error}".encode(), "text/plain")

    def _answer(self) -> Response:
        request = Request(self._body(), self.headers.get("Content-Type", ""), self.headers.get("Accept", ""))
        with self.lock:  # toolkits run one request at a time in a worker, and scripts rely on it
            return type(self).predict(request)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MAX_BODY:
            raise HttpError(413, f"the body has {length} bytes; at most {_MAX_BODY} are read")
        return self.rfile.read(length)

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
            if len(found) > _MAX_BODY:
                raise HttpError(413, f"the body has more than {_MAX_BODY} bytes")
        self.rfile.readline()
        return found

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own name
        """Say nothing of requests that went well."""


def serve(predict: Predict) -> None:
    """Answer until SIGTERM; the model is loaded before this is called, so that /ping means that it is.

    Args:
        predict: answers one request; raises HttpError for what is the caller's fault.
    """
    handler = type("Handler", (_Handler,), {"predict": staticmethod(predict), "lock": threading.Lock()})
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
