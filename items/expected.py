"""What clients should have delivered and did not, and whose deliveries are refused again and again."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Q

from accounts.models import Organisation
from departments.choices import Kind
from departments.timing import connection_today
from items.models import Delivery, ItemDay, ItemSource
from runs import clock
from runs.sentences import known

# Refusals of longer ago are nobody's trouble any more.
RECENT = dt.timedelta(days=7)


@dataclass(frozen=True)
class Silence:
    """`newest`: the last business date of which there are sales; `due`: the one that should be there."""

    source: ItemSource
    due: dt.date
    newest: dt.date | None


@dataclass(frozen=True)
class Refusals:
    """`why`: a code with parameters, or words."""

    source: ItemSource
    times: int
    why: Any


def silences(organisation: Organisation) -> Iterator[Silence]:
    """Clients of whom yesterday is due since `expected_by` and not there. A night without sales may be told, too."""
    waited_for = _clients(organisation).exclude(expected_by=None)
    for source in waited_for:
        now = clock.now() - dt.timedelta(hours=source.expected_by)
        due = connection_today(source.connection, now) - dt.timedelta(days=1)
        newest = ItemDay.objects.filter(connection=source.pk).aggregate(newest=Max("date"))["newest"]
        if (newest is None or newest < due) and not _told_of_nothing(source, due):
            yield Silence(source, due, newest)


def refusals(organisation: Organisation) -> Iterator[Refusals]:
    """Clients whose last ALARM_FAILURES_IN_A_ROW deliveries were refused, wholly or in part."""
    wanted, since = settings.ALARM_FAILURES_IN_A_ROW, clock.now() - RECENT
    for source in _clients(organisation).filter(connection__deliveries__at__gte=since).distinct():
        last = list(Delivery.objects.filter(connection=source.pk, at__gte=since).order_by("-id")[:wanted])
        if len(last) == wanted and all(one.refused or (one.status_code or 0) >= 400 for one in last):
            yield Refusals(source, wanted, why(last[0].errors[0]) if last[0].errors else "")


def clients_of(organisations: Any) -> Any:
    """Sources that programs deliver to."""
    return ItemSource.objects.filter(organisation__in=organisations).exclude(client="")


def _clients(organisation: Organisation) -> Any:
    rows = clients_of([organisation]).filter(connection__kind=Kind.PUSH, connection__is_active=True)
    return rows.select_related("connection__organisation").order_by("pk")


def _told_of_nothing(source: ItemSource, due: dt.date) -> bool:
    """Whether the client came after the end of that day and had nothing to tell."""
    over = dt.datetime.combine(due + dt.timedelta(days=1), dt.time(), ZoneInfo(source.connection.zone_name))
    came = Delivery.objects.filter(connection=source.pk, at__gte=over, from_date=None, refused=0)
    return came.filter(Q(status_code__gte=200) & Q(status_code__lt=300)).exists()


def why(error: dict[str, Any]) -> Any:
    """An error of the log as a code with parameters, or as the words the client was told."""
    if not known(error["code"]):
        return str(error.get("detail", error["code"]))
    what = {"code": error["code"], "params": error.get("params", {})}
    if "product_code" in error:
        return {"code": "item_of_product", "params": {"product": error["product_code"], "what": what}}
    return what
