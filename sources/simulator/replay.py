"""A server that answers as a transcript says another one did."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sources.simulator.delivery import reset
from sources.transcript import Transcript, answer_bytes


class ReplayServer:
    """Plays `transcript` until `stop()`; also a context manager. `url` has no path: add what the connection's had.

    Each request gets the next answer to the same method, path and body; the last one again when there are no more,
    the same path's where the body is another, and 404 where the path was never asked for.
    """

    def __init__(self, transcript: Transcript, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self._guard = threading.Lock()
        self._answers: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for exchange in transcript.exchanges:
            for key in _keys(exchange["method"], exchange["path"], exchange["body"]):
                self._answers.setdefault(key, []).append(exchange)
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _Handler)
        self._http.replay = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def exchange(self, method: str, path: str, body: str) -> dict[str, Any] | None:
        with self._guard:
            for key in _keys(method, path, body):
                if left := self._answers.get(key):
                    return left.pop(0) if len(left) > 1 else left[0]
        return None


def _keys(method: str, path: str, body: str) -> list[tuple[str, ...]]:
    path = "/" + "/".join(word for word in path.split("/") if word)
    return [(method, path, body), (method, path)]


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    replay: ReplayServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet, as the other servers are."""

    def do_GET(self) -> None:
        self._play("GET")

    def do_POST(self) -> None:
        self._play("POST")

    def _play(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        found = self.server.replay.exchange(method, self.path.split("?")[0], body)
        if found is not None and "error" in found:
            # Whatever kept the answer away then, none comes now.
            self.close_connection = True
            reset(self.connection)
            return
        answer = b"never asked in this transcript" if found is None else answer_bytes(found)
        self.send_response(404 if found is None else found["status"])
        self.send_header("Content-Type", "text/plain" if found is None else found["content_type"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
