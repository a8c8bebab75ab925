"""Are the sums still the sums of the lines: all of them added up once more, and brought in line if asked to."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Organisation
from departments.models import Authority
from items.days import refresh_stale
from items.locks import lock_lines, lock_rollups
from items.models import ItemDay, ItemSource
from items.observe import observe
from items.rollup import check_rollups, refresh_rollups
from sales.models import ObservedDay
from sales.publish import publish


@transaction.atomic
def check_items(organisation: Organisation, *, repair: bool = False) -> dict[str, int]:
    """{what: rows that are not what the lines say} of every roll-up and of the observed days; `repair` mends them.

    Days that a delivery left behind are brought up to date first: they are late, not wrong.
    """
    sources = ItemSource.objects.filter(organisation=organisation).select_related("connection", "organisation")
    for source in sources.order_by("pk"):
        lock_lines(source.pk)
    refresh_stale(organisation)
    lock_rollups(organisation.pk)
    found = check_rollups(organisation.pk, repair=repair)
    unobserved = 0
    for source in sources:
        days = _unobserved(source) if source.is_observed else frozenset()
        unobserved += len(days)
        if repair and days:
            observe(source, days, run=None)
    return found | {"observed": unobserved}


def rebuild_rollups(organisation: Organisation) -> dict[str, int]:
    """Add up every line of the organisation again and write what differs; {what: rows that did}."""
    return check_items(organisation, repair=True)


def _unobserved(source: ItemSource) -> frozenset[tuple[UUID, dt.date]]:
    """Days whose revenue is known and was not observed as it is, and observed days without lines."""
    days = {
        (department, date): figures
        for department, date, *figures in ItemDay.objects.filter(connection=source.pk).values_list(
            "department", "date", "revenue", "gross", "receipts"
        )
    }
    seen = {
        (department, date): figures
        for department, date, *figures in ObservedDay.objects.filter(connection=source.pk).values_list(
            "department", "date", "revenue", "gross", "orders"
        )
    }
    late = {day for day, figures in days.items() if figures[0] is not None and seen.get(day) != figures}
    return frozenset(late | (seen.keys() - days.keys()))


def count_again(sender: Any, instance: Authority, **kwargs: Any) -> None:
    """Receiver of changes of an authority: another source may count now, and what it observed is published."""
    days = ItemDay.objects.filter(department=instance.department_id, date__gte=instance.from_date)
    touched = frozenset(days.values_list("department", "date"))
    if not touched:
        return
    with transaction.atomic():
        lock_rollups(instance.organisation_id)
        refresh_rollups(instance.organisation_id, touched, connection=None)
        sources = ItemSource.objects.filter(pk__in=days.values("connection")).select_related("connection")
        for source in sources:
            if source.is_observed:
                dates = {date for _one, date in touched}
                publish(source.connection, dates, run=None, departments=[instance.department_id])
