"""The ports of the wire in the database: one token and one lock per server, shared by all workers."""

import datetime as dt
import time
import uuid
from math import inf

from django.db import transaction
from django.db.models import Q

from departments.models import SourceSession
from runs import clock
from runs.choices import State
from runs.models import Run
from sources.ports import StoredToken

POLL = 0.5  # seconds between two tries for a lock


RUN = "run "


def owned_by(run: Run) -> str:
    """The name under which a run holds the lock of a server; whoever takes the run over finds it its own."""
    return f"{RUN}{run.pk}"


def unlocked() -> Q:
    """Servers that nobody alive uses. Of a run its own lease tells so, long before that of the lock has lapsed."""
    return Q(locked_by="") | Q(locked_until=None) | Q(locked_until__lt=clock.database_now()) | Q(locked_by__in=_dead())


def _dead() -> list[str]:
    owners = SourceSession.objects.filter(locked_by__startswith=RUN).values_list("locked_by", flat=True)
    runs = {int(owner.removeprefix(RUN)): owner for owner in owners}
    alive = Run.objects.filter(pk__in=runs, state=State.RUNNING, lease_until__gte=clock.database_now())
    return [runs[pk] for pk in runs.keys() - set(alive.values_list("pk", flat=True))]


class DatabaseTokens:
    """The token of a server, encrypted at rest, where the successor of a killed worker finds it."""

    def load(self, server_key: str) -> StoredToken | None:
        row = SourceSession.objects.filter(server=server_key).first()
        if row is None or not row.token or row.obtained_at is None:
            return None
        return StoredToken(row.token, row.obtained_at)

    def save(self, server_key: str, token: str, obtained_at: dt.datetime) -> None:
        SourceSession.objects.update_or_create(server=server_key, defaults={"token": token, "obtained_at": obtained_at})

    def clear(self, server_key: str) -> None:
        SourceSession.objects.filter(server=server_key).update(token=None, obtained_at=None)


class DatabaseLock:
    """A lease on a server: whoever stops renewing it loses it after `seconds`."""

    def __init__(self, seconds: float, owner: str = "") -> None:
        self.seconds = seconds
        self.owner = owner or uuid.uuid4().hex
        self._renewed: dict[str, float] = {}

    def acquire(self, server_key: str, wait_seconds: float) -> bool:
        SourceSession.objects.get_or_create(server=server_key)
        deadline = time.monotonic() + wait_seconds
        while not self._take(server_key):
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(POLL, max(0.0, deadline - time.monotonic())))
        return True

    def renew(self, server_key: str) -> None:
        """Asked for before every request; a lease that was just renewed has time enough."""
        if time.monotonic() - self._renewed.get(server_key, -inf) > self.seconds / 10:
            self._take(server_key)

    def release(self, server_key: str) -> None:
        SourceSession.objects.filter(server=server_key, locked_by=self.owner).update(locked_by="", locked_until=None)

    def _take(self, server_key: str) -> bool:
        free = Q(locked_by=self.owner) | unlocked()
        with transaction.atomic():
            taken = SourceSession.objects.filter(free, server=server_key).update(
                locked_by=self.owner, locked_until=clock.database_now(self.seconds)
            )
        if taken:
            self._renewed[server_key] = time.monotonic()
        return bool(taken)
