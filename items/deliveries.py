"""The log of what clients sent, and the promise that a request sent again has one effect and one answer."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.api.rendering import dump
from accounts.models import User
from items.locks import lock_lines
from items.models import Delivery, ItemSource
from runs import clock

# A key is known, and an attempt is shown, for so long.
KEPT_DAYS = 180
# Of one attempt; the answer told the client of all.
MOST_ERRORS = 50


class KeyReused(Exception):
    """The key came with another request before."""


@dataclass(frozen=True)
class Attempt:
    """A request of a client. `digest` stands for all that was asked; `key` is what names it, if it has a name."""

    source: ItemSource
    what: str
    user: User
    digest: str
    key: str | None = None


@dataclass(frozen=True)
class Effect:
    """What a request came to: the answer, how many lines of each kind, and which sales were refused and why."""

    status: int
    answer: Any
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    dates: list[dt.date] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes
    replayed: bool = False


def digest_of(*parts: str | bytes) -> str:
    """One number for a request: equal requests have the same one."""
    lengths = ",".join(str(len(part)) for part in parts)
    return hashlib.sha256(
        lengths.encode() + b"".join(p if isinstance(p, bytes) else p.encode() for p in parts)
    ).hexdigest()


def once(attempt: Attempt, work: Callable[[], Effect]) -> Answer:
    """Do `work` and note what it came to, in one transaction; a request that was answered before is answered the same.

    Requests of one client follow each other: of many equal ones that come at once the first has the effect.
    Raises KeyReused; what `work` raises undoes all of it, and its key stays free.
    """
    if answer := _answered(attempt):
        return answer
    with transaction.atomic():
        lock_lines(attempt.source.pk)
        if answer := _answered(attempt):
            return answer
        effect = work()
        content = dump(effect.answer)
        _note(attempt, effect, content if attempt.key else b"")
    return Answer(effect.status, content)


def note_refusal(attempt: Attempt, status: int, errors: list[dict[str, Any]]) -> None:
    """Remember a request that was refused as a whole. Its key may be used again for a better one."""
    _note(attempt, Effect(status, None, errors=errors), b"", idempotency_key=None)


def forget_old() -> int:
    """Delete attempts that are too old to be asked for; returns how many."""
    return Delivery.objects.filter(at__lt=clock.now() - dt.timedelta(days=KEPT_DAYS)).delete()[0]


def _answered(attempt: Attempt) -> Answer | None:
    if attempt.key is None:
        return None
    same = Delivery.objects.filter(connection=attempt.source.pk, idempotency_key=attempt.key)
    kept = same.values_list("body_sha256", "status_code", "answer").first()
    if kept is None:
        return None
    digest, status, content = kept
    if digest != attempt.digest:
        raise KeyReused
    return Answer(status or 200, content.encode(), replayed=True)


def _note(attempt: Attempt, effect: Effect, content: bytes, **instead: Any) -> None:
    Delivery.objects.create(
        **{
            "organisation": attempt.source.organisation,
            "connection": attempt.source.connection,
            "user": attempt.user,
            "what": attempt.what,
            "idempotency_key": attempt.key,
            "body_sha256": attempt.digest,
            "status_code": effect.status,
            "answer": content.decode(),
            "inserted": effect.inserted,
            "updated": effect.updated,
            "unchanged": effect.unchanged,
            "refused": effect.refused,
            "from_date": min(effect.dates, default=None),
            "to_date": max(effect.dates, default=None),
            "errors": effect.errors[:MOST_ERRORS],
            **instead,
        }
    )
