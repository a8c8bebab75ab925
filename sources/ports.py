"""What a client needs from the world around it, and the in-memory forms the command line tools and tests use."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True)
class StoredToken:
    token: str = field(repr=False)
    obtained_at: datetime


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class TokenStore(Protocol):
    """Keeps the one token of each server where a killed worker's successor finds it."""

    def load(self, server_key: str) -> StoredToken | None: ...

    def save(self, server_key: str, token: str, obtained_at: datetime) -> None: ...

    def clear(self, server_key: str) -> None: ...


class ServerLock(Protocol):
    """One user of a server at a time, over all workers. A lease: `renew` is called before every request."""

    def acquire(self, server_key: str, wait_seconds: float) -> bool: ...

    def renew(self, server_key: str) -> None: ...

    def release(self, server_key: str) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class MemoryTokens:
    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}

    def load(self, server_key: str) -> StoredToken | None:
        return self._tokens.get(server_key)

    def save(self, server_key: str, token: str, obtained_at: datetime) -> None:
        self._tokens[server_key] = StoredToken(token, obtained_at)

    def clear(self, server_key: str) -> None:
        self._tokens.pop(server_key, None)


class MemoryLock:
    """Holds within one process only."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def acquire(self, server_key: str, wait_seconds: float) -> bool:
        with self._guard:
            lock = self._locks.setdefault(server_key, threading.Lock())
        return lock.acquire(timeout=max(0.0, wait_seconds))

    def renew(self, server_key: str) -> None:
        """A lock of this process cannot lapse."""

    def release(self, server_key: str) -> None:
        self._locks[server_key].release()
