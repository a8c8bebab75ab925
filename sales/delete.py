"""A person deletes a day or an hour: the log keeps what stood there. The next load may restore it from the source."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from sales.choices import DayState
from sales.models import Restatement, SalesByHour, SalesSummary

GONE: dict[str, Any] = dict.fromkeys(("total_sales", "revenue", "gross", "orders", "guests"))


@transaction.atomic
def delete_day(day: SalesSummary, *, by: User) -> None:
    """Take a day's figures and its hours away; the row stays, marked missing."""
    stored = SalesSummary.objects.select_for_update().get(pk=day.pk)
    hours = SalesByHour.objects.filter(department=day.department_id, date=day.date)
    now = timezone.now()
    log = [_gone(hour, hour.sales_amount, hour.hour) for hour in hours]
    if any(getattr(stored, name) is not None for name in GONE):
        log.append(_gone(stored, stored.total_sales, None))
    for row in log:
        row.changed_at, row.by = now, by
    Restatement.objects.bulk_create(log)
    hours.delete()
    SalesSummary.objects.filter(pk=day.pk).update(
        **GONE, state=DayState.MISSING, updated_at=now, changed_by=None, deleted_by=by
    )


def _gone(row: SalesSummary | SalesByHour, total: Any, hour: int | None) -> Restatement:
    return Restatement(
        organisation_id=row.organisation_id,
        department_id=row.department_id,
        connection_id=row.connection_id,
        date=row.date,
        hour=hour,
        old_total=total,
        old_revenue=row.revenue,
        old_gross=row.gross,
        old_orders=row.orders,
        old_guests=row.guests,
    )


@transaction.atomic
def delete_hour(hour: SalesByHour, *, by: User) -> None:
    """Hours must add up to the day: with an hour the whole day goes."""
    day = SalesSummary.objects.select_for_update().get(department=hour.department_id, date=hour.date)
    delete_day(day, by=by)
