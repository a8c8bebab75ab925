"""Messages of the outbox going out: by e-mail, Telegram or a webhook, whichever is configured.

Sent at least once. A message may have gone out although its sender died or heard no answer: it is sent again, under
the same identity, and says that it may be a repeat.
"""

import datetime as dt
import hashlib
import hmac
import json
import logging
import smtplib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from zoneinfo import ZoneInfo

import requests
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from urllib3.exceptions import NewConnectionError

from accounts.models import Membership
from accounts.roles import Role
from runs.models import Outbox

log = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
PAUSES = (60, 300, 900, 3600)  # seconds until the next attempt; the last one again and again
GIVE_UP_AFTER = dt.timedelta(hours=24)
TIMEOUT = (5, 15)
# Of a whole request: a receiver may send its answer byte by byte. Shorter than the lease.
DEADLINE = 40
MOST_AT_ONCE = 50


class NotDelivered(Exception):
    """The channel did not take the message, or (`perhaps`) did not say that it did; the text names no secret."""

    def __init__(self, trouble: str, *, perhaps: bool = False) -> None:
        super().__init__(trouble)
        self.perhaps = perhaps


def deliver_due() -> int:
    """Send what is due; returns how many messages went out. A channel that fails is left alone until the next round."""
    sent = 0
    failed: set[str] = set()
    for message in due_messages()[:MOST_AT_ONCE]:
        if message.channel in failed:
            continue
        if deliver(message):
            sent += 1
        else:
            failed.add(message.channel)
    return sent


def due_messages() -> QuerySet[Outbox]:
    """Oldest first; that a trouble is over is told after the trouble."""
    waiting = Q(status=Outbox.Status.WAITING, not_before__lte=timezone.now())
    orphaned = Q(status=Outbox.Status.SENDING, lease_until__lt=Now())
    first = Outbox.objects.filter(
        alarm=OuterRef("alarm"),
        channel=OuterRef("channel"),
        event=Outbox.Event.BEGAN,
        status__in=[Outbox.Status.WAITING, Outbox.Status.SENDING],
    )
    due = Outbox.objects.filter(waiting | orphaned).exclude(Q(event=Outbox.Event.ENDED) & Exists(first))
    return due.select_related("alarm__organisation").order_by("id")


def deliver(message: Outbox) -> bool:
    """Send one message if nobody else does; False if it did not go out."""
    orphaned = message.status == Outbox.Status.SENDING
    taken = Outbox.objects.filter(pk=message.pk, status=message.status, attempts=message.attempts).update(
        status=Outbox.Status.SENDING,
        attempts=F("attempts") + 1,
        may_have_gone=orphaned or message.may_have_gone,
        lease_until=Now() + LEASE,
    )
    if not taken:
        return False
    message.refresh_from_db()
    over = timezone.now() - message.created_at > GIVE_UP_AFTER
    trouble = NotDelivered("every sender died", perhaps=True) if orphaned and over else _send(message)
    mine = Outbox.objects.filter(pk=message.pk, attempts=message.attempts)
    if trouble is None:
        mine.update(status=Outbox.Status.SENT, sent_at=timezone.now(), lease_until=None, error="")
        return True
    log.warning("alarm %s did not go out by %s: %s", message.alarm_id, message.channel, trouble)
    pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
    mine.update(
        status=Outbox.Status.FAILED if over else Outbox.Status.WAITING,
        not_before=timezone.now() + dt.timedelta(seconds=pause),
        may_have_gone=message.may_have_gone or trouble.perhaps,
        lease_until=None,
        error=str(trouble)[:200],
    )
    return False


def _send(message: Outbox) -> NotDelivered | None:
    try:
        with translation.override(settings.LANGUAGE_CODE):
            CHANNELS[message.channel](message, text_of(message))
    except NotDelivered as refusal:
        return refusal
    except Exception as error:  # whatever it is, the other messages go on; its words may hold a token
        return NotDelivered(type(error).__name__, perhaps=True)
    return None


def text_of(message: Outbox) -> str:
    """What a person reads, in the active language: what happened, since when, whether it is over."""
    alarm = message.alarm
    zone = ZoneInfo(alarm.organisation.time_zone)
    lines = [f"{alarm.organisation.name}: {alarm}"]
    since = f"{alarm.began_at.astimezone(zone):%d.%m.%Y %H:%M}"
    if message.event == Outbox.Event.ENDED and alarm.ended_at:
        until = f"{alarm.ended_at.astimezone(zone):%d.%m.%Y %H:%M}"
        lines = [
            _("Over: %(what)s") % {"what": lines[0]},
            _("From %(since)s to %(until)s.") % {"since": since, "until": until},
        ]
    else:
        lines.append(_("Since %(since)s.") % {"since": since})
    if message.may_have_gone:
        lines.append(_("You may have had this message before: an earlier attempt was interrupted."))
    return "\n".join(lines)


def _identity(message: Outbox) -> str:
    """The same for every attempt, so that a receiver can tell a repeat."""
    return f"salesforecast-{message.alarm_id}-{message.event}"


def _email(message: Outbox, text: str) -> None:
    people = settings.ALARM_EMAILS or list(
        Membership.objects.filter(
            organisation=message.alarm.organisation, role=Role.ADMINISTRATOR, all_departments=True, user__is_active=True
        )
        .exclude(user__email="")
        .values_list("user__email", flat=True)
    )
    if not people:
        raise NotDelivered("no administrator has an e-mail address, and ALARM_EMAILS is not set")
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"
    subject = text.splitlines()[0]
    mail = EmailMessage(
        subject if len(subject) <= 120 else subject[:119] + "…",
        text,
        to=people,
        headers={"Message-ID": f"<{_identity(message)}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        mail.connection = get_connection()
        mail.connection.open()
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(type(error).__name__) from None
    try:
        mail.send()
    except (smtplib.SMTPException, OSError) as error:
        refused = isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused)
        raise NotDelivered(type(error).__name__, perhaps=not refused) from None
    finally:
        mail.connection.close()


def _telegram(message: Outbox, text: str) -> None:
    _post(
        f"{settings.ALARM_TELEGRAM_API}/bot{settings.ALARM_TELEGRAM_TOKEN}/sendMessage",
        json.dumps({"chat_id": settings.ALARM_TELEGRAM_CHAT, "text": text[:4000]}).encode(),
        {},
    )


def _webhook(message: Outbox, text: str) -> None:
    alarm = message.alarm
    body = json.dumps(
        {
            "id": _identity(message),
            "event": message.event,
            "code": alarm.code,
            "key": alarm.key,
            "severity": alarm.severity,
            "organisation": alarm.organisation.name,
            "text": text,
            "params": alarm.params,
            "began_at": alarm.began_at.isoformat(),
            "ended_at": alarm.ended_at.isoformat() if alarm.ended_at else None,
        },
        ensure_ascii=False,
    ).encode()
    headers = {"Idempotency-Key": _identity(message)}
    if settings.ALARM_WEBHOOK_SECRET:
        digest = hmac.new(settings.ALARM_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Signature-SHA256"] = digest
    _post(settings.ALARM_WEBHOOK_URL, body, headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Raises NotDelivered with the kind of trouble only: the address may hold a token."""
    answers: SimpleQueue[int | NotDelivered] = SimpleQueue()
    threading.Thread(target=lambda: answers.put(_status(url, body, headers)), daemon=True).start()
    try:
        status = answers.get(timeout=DEADLINE)
    except Empty:
        raise NotDelivered("no answer in time", perhaps=True) from None
    if isinstance(status, NotDelivered):
        raise status
    if not 200 <= status < 300:
        raise NotDelivered(f"HTTP {status}", perhaps=status >= 500)


def _status(url: str, body: bytes, headers: dict[str, str]) -> int | NotDelivered:
    """What the receiver answered; its words are not read."""
    try:
        with requests.post(
            url,
            data=body,
            headers={"Content-Type": "application/json; charset=utf-8", **headers},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        ) as answer:
            return answer.status_code
    except requests.RequestException as error:
        return NotDelivered(type(error).__name__, perhaps=not _unconnected(error))
    except Exception as error:
        return NotDelivered(type(error).__name__, perhaps=True)


def _unconnected(error: requests.RequestException) -> bool:
    """Whether the receiver cannot have seen anything of the message."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout | ValueError) or isinstance(reason, NewConnectionError)


CHANNELS: dict[str, Callable[[Outbox, str], None]] = {"email": _email, "telegram": _telegram, "webhook": _webhook}
