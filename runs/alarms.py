"""One alarm per trouble, and word of it to whoever is to know: a message when it begins and one when it is over.

The messages are rows of the outbox, written in the transaction of the alarm: a crash loses none of them.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Organisation
from runs.choices import Severity
from runs.models import Alarm, Outbox


def raise_alarm(
    organisation: Organisation,
    code: str,
    key: str,
    *,
    params: dict[str, Any] | None = None,
    severity: str = Severity.WARNING,
    department: UUID | None = None,
) -> bool:
    """Open the alarm `key`; True if it is new. Of one that stands only the parameters change, and nobody is told.

    `code` names the sentence (see runs.sentences), `department` the branch, for whoever sees only some of them.
    """
    standing = Alarm.objects.filter(organisation=organisation, key=key, ended_at=None)
    if standing.update(params=params or {}, severity=severity):
        return False
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(
                organisation=organisation,
                code=code,
                key=key,
                params=params or {},
                severity=severity,
                department=department,
            )
            _tell(alarm, Outbox.Event.BEGAN)
    except IntegrityError:  # somebody else was quicker
        return False
    return True


def end_alarm(organisation: Organisation, key: str) -> bool:
    """Close the alarm `key` if it stands; True if it did."""
    with transaction.atomic():
        alarm = Alarm.objects.select_for_update().filter(organisation=organisation, key=key, ended_at=None).first()
        if alarm is None:
            return False
        alarm.ended_at = timezone.now()
        alarm.save(update_fields=["ended_at"])
        _tell(alarm, Outbox.Event.ENDED)
    return True


def _tell(alarm: Alarm, event: str) -> None:
    Outbox.objects.bulk_create(Outbox(alarm=alarm, event=event, channel=channel) for channel in settings.ALARM_CHANNELS)
