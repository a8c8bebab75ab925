"""Who asked what, and which of iiko's rules were broken by it."""

import socket
import threading
import time
import uuid
from collections import Counter
from typing import Any

MAX_FIELDS, MAX_DAYS = 7, 31


def has_left(client: socket.socket) -> bool:
    """Whether the other end of the connection is closed."""
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class Tokens:
    """Licence slots: each login takes one until logout, expiry or a restart."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._issued: dict[str, float] = {}
        self.expired = 0
        """Tokens whose time ran out before they were returned."""

    def live(self, ttl: float) -> list[str]:
        with self._guard:
            now, before = time.monotonic(), len(self._issued)
            self._issued = {token: at for token, at in self._issued.items() if now - at < ttl}
            self.expired += before - len(self._issued)
            return list(self._issued)

    def issue(self, slots: int, ttl: float) -> str | None:
        """A new token, None if no slot is free."""
        if len(self.live(ttl)) >= slots:
            return None
        token = str(uuid.uuid4())
        with self._guard:
            self._issued[token] = time.monotonic()
        return token

    def give_back(self, token: str) -> bool:
        with self._guard:
            return self._issued.pop(token, None) is not None

    def drop(self) -> None:
        """A restart: every token is forgotten."""
        with self._guard:
            self._issued.clear()


class Audit:
    """Counts requests by kind and those in progress at once; `broken` lists the rules broken, in words."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._guard:
            self.requests: Counter[str] = Counter()
            self.questions: list[dict[str, Any]] = []
            self.broken: list[str] = []
            self.max_overlap = 0
            self._inside: list[socket.socket] = []

    def enter(self, kind: str, client: socket.socket) -> None:
        with self._guard:
            self.requests[kind] += 1
            # A request its client has given up is over, also while its thread has yet to notice.
            self._inside = [other for other in self._inside if not has_left(other)] + [client]
            self.max_overlap = max(self.max_overlap, len(self._inside))
            if len(self._inside) > 1:
                self.broken.append(f"{kind} while another request was in progress")

    def leave(self, client: socket.socket) -> None:
        with self._guard:
            self._inside = [other for other in self._inside if other is not client]

    def breach(self, what: str) -> None:
        with self._guard:
            self.broken.append(what)

    def question(self, question: dict[str, Any], days: int | None) -> None:
        with self._guard:
            self.questions = [*self.questions[-99:], question]
        names = [
            *(question.get("groupByRowFields") or []),
            *(question.get("groupByColFields") or []),
            *(question.get("aggregateFields") or []),
        ]
        if len(names) > MAX_FIELDS:
            self.breach(f"{len(names)} fields in one question")
        if str(question.get("buildSummary", False)).lower() == "true":
            self.breach("buildSummary true")
        if days is not None and days > MAX_DAYS:
            self.breach(f"{days} days in one question")
