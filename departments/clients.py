"""A client of the wire for a configured connection."""

import datetime as dt
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from departments.choices import Kind
from departments.models import Connection, SourceSession
from departments.sessions import DatabaseLock, DatabaseTokens, unlocked
from runs import clock
from sources.iiko.client import Heard, IikoClient, Server
from sources.iiko.types import SalesAnswer, ServerFacts
from sources.onec.client import OnecClient, Service
from sources.onec.types import ServiceFacts
from sources.ports import Clock, SystemClock
from sources.transcript import Transcript

TOKEN_LIFE = 2 * 3600  # seconds: twice what a server lets a token live
CHECK_PATIENCE = 15  # seconds a person waits for an answer to a check
CHECK_READ_TIMEOUT = 60  # none of a check's questions is a long one
KEPT_FACTS = ("departments", "nodes", "fields_missing", "free_slots", "version", "sees_shifts")


def allowed_hosts(url: str) -> frozenset[str]:
    """SOURCE_ALLOWED_HOSTS when it is set, else the connection's own host only."""
    return frozenset(settings.SOURCE_ALLOWED_HOSTS or filter(None, [urlsplit(url).hostname]))


def iiko_client(
    connection: Connection,
    *,
    patience: float | None = None,
    read_timeout: float | None = None,
    owner: str = "",
    clock: Clock | None = None,
    transcript: Transcript | None = None,
) -> IikoClient:
    """`owner` names who holds the server's lock: a run that is taken over then finds it its own."""
    server = Server(
        url=connection.url,
        login=connection.login or settings.IIKO_API_LOGIN,
        password=connection.password or settings.IIKO_API_PASSWORD,
        allowed_hosts=allowed_hosts(connection.url),
        patience=settings.SOURCE_PATIENCE if patience is None else patience,
        connect_timeout=settings.SOURCE_CONNECT_TIMEOUT,
        read_timeout=read_timeout or settings.SOURCE_READ_TIMEOUT,
        max_bytes=settings.SOURCE_ANSWER_MB * 1024 * 1024,
        include_returns=connection.include_returns,
        password_proven=bool(connection.facts.get("password_proven")),
    )
    # A request that drips may last three read timeouts, and the lease is renewed between requests.
    lock = DatabaseLock(settings.SOURCE_CONNECT_TIMEOUT + 3 * settings.SOURCE_READ_TIMEOUT + 30, owner)
    return IikoClient(server, tokens=DatabaseTokens(), lock=lock, clock=clock or SystemClock(), transcript=transcript)


def onec_client(
    connection: Connection,
    *,
    patience: float | None = None,
    read_timeout: float | None = None,
    clock: Clock | None = None,
    transcript: Transcript | None = None,
) -> OnecClient:
    service = Service(
        url=connection.url,
        api_key=connection.api_key or "",
        auth_header=connection.auth_header or "X-API-Key",
        allowed_hosts=allowed_hosts(connection.url),
        patience=settings.SOURCE_PATIENCE if patience is None else patience,
        connect_timeout=settings.SOURCE_CONNECT_TIMEOUT,
        read_timeout=read_timeout or settings.SOURCE_READ_TIMEOUT,
        max_bytes=settings.SOURCE_ANSWER_MB * 1024 * 1024,
    )
    return OnecClient(service, clock=clock or SystemClock(), transcript=transcript)


def note_success(connection: Connection) -> None:
    """The password has worked: a refused login is taken for a starting server from now on."""
    if not connection.facts.get("password_proven"):
        connection.facts = {**connection.facts, "password_proven": True}
        connection.save(update_fields=["facts"])


def ask_for_sales(connection: Connection, date: dt.date, transcript: Transcript | None = None) -> SalesAnswer:
    """The sales of one business date as the server tells them; nothing is stored. Raises SourceError."""
    patience = min(settings.SOURCE_PATIENCE, CHECK_PATIENCE)
    client = iiko_client(connection, patience=patience, transcript=transcript)
    with client.session():
        return client.sales(date, date)


def return_lost_tokens() -> int:
    """Give back the licence slots of workers that died and have no successor; returns how many tokens are gone."""
    keys = set(SourceSession.objects.exclude(token=None).filter(unlocked()).values_list("server", flat=True))
    if not keys:
        return 0
    for connection in Connection.objects.tills().select_related("organisation"):
        client = iiko_client(connection, patience=0, owner="keeper")
        if client.server.key in keys:
            client.give_back()
    # A token of a connection that is gone, or of a server that never came back, is dead by now.
    dead = clock.database_now(-TOKEN_LIFE)
    SourceSession.objects.filter(unlocked(), server__in=keys, obtained_at__lt=dead).update(token=None, obtained_at=None)
    return len(keys) - SourceSession.objects.filter(server__in=keys).exclude(token=None).count()


def check_connection(
    connection: Connection,
    transcript: Transcript | None = None,
    *,
    heard: Heard = lambda step, facts: None,
    owner: str = "",
    clock: Clock | None = None,
) -> ServerFacts | ServiceFacts:
    """Ask the server who we are to it; keeps what it said. Raises SourceError, after a short patience.

    `heard` is told each step before it is asked, with what is known by then as `connection.facts` will hold it.
    """
    asking: dict[str, Any] = {
        "patience": min(settings.SOURCE_PATIENCE, CHECK_PATIENCE),
        "read_timeout": min(settings.SOURCE_READ_TIMEOUT, CHECK_READ_TIMEOUT),
        "clock": clock,
        "transcript": transcript,
    }
    facts: ServerFacts | ServiceFacts
    if connection.kind == Kind.ONEC:
        heard("objects", {})
        facts = onec_client(connection, **asking).check()
        connection.facts = asdict(facts)
    else:
        client = iiko_client(connection, owner=owner, **asking)
        facts = client.check(lambda step, known: heard(step, {} if step == "login" else _kept(known)))
        connection.facts = _kept(asdict(facts))
    connection.checked_at = timezone.now()
    Connection.objects.filter(pk=connection.pk).update(facts=connection.facts, checked_at=connection.checked_at)
    return facts


def _kept(known: dict[str, Any]) -> dict[str, Any]:
    """Of a server's facts those that are stored; whoever was told any has got past the login."""
    kept = {name: known[name] for name in KEPT_FACTS if name in known}
    if "fields_missing" in kept:
        kept["fields_missing"] = list(kept["fields_missing"])
    return kept | {"password_proven": True}
