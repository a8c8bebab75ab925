"""A person deletes a day or an hour. The next load may restore it from the source."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from sales.choices import DayState
from sales.models import SalesByHour, SalesSummary


@transaction.atomic
def delete_day(day: SalesSummary, *, by: User) -> None:
    """Take a day's figures and its hours away; the row stays, marked missing."""
    SalesByHour.objects.filter(department=day.department_id, date=day.date).delete()
    now = timezone.now()
    SalesSummary.objects.filter(pk=day.pk).update(
        total_sales=None,
        revenue=None,
        gross=None,
        orders=None,
        guests=None,
        state=DayState.MISSING,
        updated_at=now,
        deleted_by=by,
    )


@transaction.atomic
def delete_hour(hour: SalesByHour, *, by: User) -> None:
    """Hours must add up to the day: with an hour the whole day goes."""
    day = SalesSummary.objects.select_for_update().get(department=hour.department_id, date=hour.date)
    delete_day(day, by=by)
