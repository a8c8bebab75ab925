"""The door of a simulated server: it can be shut while the process lives, at once or by the clock."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

HOW = ("refused", "silent", "reset")
"""refused: nobody listens. silent: a connection is never made (the client's connect timeout). reset: it is made and
broken off at once; only /__control__ is still answered."""


@dataclass(frozen=True)
class Closure:
    """Shut from `start` (None: already) to `until` (None: till further notice), both aware."""

    how: str
    start: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise ValueError(f"no way to be down {self.how!r}; there are {', '.join(HOW)}")

    def covers(self, now: datetime) -> bool:
        return (self.start is None or self.start <= now) and (self.until is None or now < self.until)

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until


class Gate:
    """Runs `listener` in a thread and takes it off its port and back again; the port stays ours meanwhile."""

    def __init__(self, listener: socketserver.TCPServer, now: Callable[[], datetime]) -> None:
        self._listener, self._now = listener, now
        self._address: tuple[str, int] = listener.server_address[:2]  # type: ignore[assignment]
        self._thread: threading.Thread | None = None
        self._watch: threading.Thread | None = None
        self._ended = threading.Event()
        self._guard = threading.RLock()
        self._closures: list[Closure] = []
        self._waiting: list[socket.socket] = []
        self.state: str | None = None
        """How it is shut at present; None: it is open."""
        self.connections: set[socket.socket] = set()

    def open(self) -> None:
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """For good."""
        self._ended.set()
        with self._guard:
            self._stop_serving()
            self._forget_waiting()
            self._listener.server_close()

    def shut(self, closure: Closure) -> None:
        """At once, or when its time comes: then a thread watches the clock."""
        with self._guard:
            self._closures.append(closure)
            self.obey()
            if (closure.start or closure.until) and (self._watch is None or not self._watch.is_alive()):
                self._watch = threading.Thread(target=self._obey_the_clock, daemon=True)
                self._watch.start()

    def reopen(self) -> None:
        """Whatever was planned."""
        with self._guard:
            self._closures.clear()
            self.obey()

    def obey(self) -> None:
        """Be open or shut as the closures say for now."""
        with self._guard:
            now = self._now()
            self._closures = [closure for closure in self._closures if not closure.is_over(now)]
            wanted = next((closure.how for closure in self._closures if closure.covers(now)), None)
            if wanted == self.state or self._ended.is_set():
                return
            self._leave(self.state)
            self.state = wanted
            self._enter(wanted)

    def _obey_the_clock(self) -> None:
        while self._closures and not self._ended.wait(0.03):
            self.obey()

    def _enter(self, how: str | None) -> None:
        if how in ("refused", "silent"):
            self._stop_serving()
            self._listener.socket.close()
            # Bound, so that nobody takes the port, and deaf: the kernel refuses for it.
            self._listener.socket = self._bound()
            if how == "silent":
                self._fill_backlog()
        if how is not None:
            for connection in list(self.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _leave(self, how: str | None) -> None:
        if how == "silent":
            self._forget_waiting()
            self._listener.socket.close()
            self._listener.socket = self._bound()
        if how in ("refused", "silent"):
            self._listener.socket.listen(self._listener.request_queue_size)
            self.open()

    def _bound(self) -> socket.socket:
        made = socket.socket(self._listener.address_family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(self._address)
        return made

    def _fill_backlog(self) -> None:
        """Nobody accepts, and the queue is full: the kernel drops every further attempt without a word."""
        self._listener.socket.listen(0)
        for _ in range(3):
            knocking = socket.socket(self._listener.address_family, socket.SOCK_STREAM)
            knocking.setblocking(False)
            knocking.connect_ex(self._address)
            self._waiting.append(knocking)

    def _forget_waiting(self) -> None:
        for knocking in self._waiting:
            knocking.close()
        self._waiting.clear()

    def _stop_serving(self) -> None:
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
