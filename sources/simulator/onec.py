"""A 1C exchange service over real HTTP: `GET /v1/objects` behind a key, and troubles."""

import argparse
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any, Self

import orjson

from sources.simulator.audit import has_left
from sources.simulator.delivery import deliver, reset
from sources.simulator.faults import REFUSALS, Faults
from sources.simulator.worlds.demo_onec import Object, demo_objects

JSON, TEXT = "application/json", "text/plain;charset=utf-8"
PATH = "/v1/objects"


class OnecServer:
    """Serves `objects` until `stop()`; also a context manager. Port 0 takes a free one; `url` is what API_BASE_URL is.

    `faults.plan("objects", ...)` strikes as on an iiko server; the faults of sales rows do nothing here.
    `refusal`: status and body of the answer to a wrong key. An empty `key` asks for none.
    """

    def __init__(
        self,
        objects: list[Object],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        key: str = "demo",
        header: str = "X-API-Key",
    ) -> None:
        self.objects: Any = objects
        self.key, self.header = key, header
        self.refusal: tuple[int, bytes] = (401, b'{"error":"Invalid API Key"}')
        self.faults = Faults()
        self.requests = 0
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _Handler)
        self._http.onec = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}/v1"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, path: str, key: str | None, struck: set[str]) -> tuple[int, str, bytes]:
        for fault in struck & REFUSALS.keys():
            status, content_type, text = REFUSALS[fault]
            return status, content_type, text.encode()
        if path.split("?")[0].rstrip("/") != PATH:
            return 404, JSON, b'{"detail":"Not Found"}'
        if self.key and key != self.key:
            return self.refusal[0], JSON, self.refusal[1]
        return 200, JSON, orjson.dumps(self.objects)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    onec: OnecServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet, as the iiko server is."""

    def do_GET(self) -> None:
        onec = self.server.onec
        onec.requests += 1
        struck = onec.faults.strike("objects")
        pause = onec.faults.slow + (struck["slow"].seconds if "slow" in struck else 0.0)
        if not self._wait(float("inf") if "hang" in struck else pause) or "closed" in struck:
            self.close_connection = True
            return
        if "reset" in struck:
            self.close_connection = True
            reset(self.connection)
            return
        answer = onec.answer(self.path, self.headers.get(onec.header), set(struck))
        headers = ["Location: http://192.0.2.1/elsewhere"] if "redirect" in struck else []
        packed = onec.faults.gzip and "gzip" in self.headers.get("Accept-Encoding", "")
        if not deliver(self.connection, self._wait, answer, headers, struck, packed=packed):
            self.close_connection = True

    def _wait(self, seconds: float) -> bool:
        """False if the client left before the time was over or the service stops."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if has_left(self.connection) or self.server.onec.stopping.wait(min(left, 0.05)):
                return False
        return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--departments", type=int, default=14, help="branches of the demo chain")
    parser.add_argument("--key", default="demo", help="an empty one asks for none")
    parser.add_argument("--header", default="X-API-Key")


def run(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises OSError if the port is taken."""
    objects = demo_objects(options.departments)
    server = OnecServer(objects, port=options.port, host=options.host, key=options.key, header=options.header).start()

    def stop(_: int, __: FrameType | None) -> None:
        server.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(f"simulated 1C service on {server.url}, {len(objects)} objects\n")
    sys.stdout.flush()
    server.stopping.wait()
    server.stop()
