"""Moto as a server process on 127.0.0.1, for the services that the runtime does not play itself.

A process of its own, because importing Moto hooks into every boto3 client of the process that does, the user's too. It
ends with the runtime, and with the runtime's process however that ends: it reads its standard input, whose other end
closes with us.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO, Any

from mlflowsteps.exceptions import ServiceError

__all__ = ["MotoServer"]

_START_SECONDS = 60.0
_CHILD = """
import os, sys, threading
def watch():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


class MotoServer:
    """A Moto server that starts when its first client is asked for.

    Args:
        region: of the clients.
        account_id: of what Moto makes.
    """

    def __init__(self, *, region: str, account_id: str) -> None:
        if importlib.util.find_spec("moto") is None:
            raise ValueError("aws=\"moto\" needs Moto: pip install 'moto[server]'.")
        self._region, self._account_id = region, account_id
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    def client(self, name: str) -> Any:
        """A boto3 client that Moto answers; None where boto3 knows no such service."""
        with self._lock:
            if self._session is None:
                self._session = self._start()
            if name not in self._clients:
                if name not in self._session.get_available_services():
                    return None
                self._clients[name] = self._session.client(name)
            return self._clients[name]

    def _start(self) -> Any:
        from mlflowsteps.local.services.session import make_loopback_session

        port = _free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in close()
        self._process = subprocess.Popen(  # noqa: S603 -- our own script
            [sys.executable, "-c", _CHILD, str(port)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # an interrupt typed in the terminal is for us; we end the server
            env=kept
            | {
                "MOTO_ACCOUNT_ID": self._account_id,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )
        self._wait_for(port)
        return make_loopback_session(self._region, f"http://127.0.0.1:{port}")

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline and self._process is not None and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                pause.wait(0.05)
            else:
                return
        text = self._tail()
        self._stop()
        raise ServiceError("ServiceUnavailable", f"Moto's server did not start. Its output: {text}", 503)

    def _tail(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:].decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End the server; closing twice does nothing more."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            process.kill()
            process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
