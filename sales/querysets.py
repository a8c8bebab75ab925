from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, Max, Min

from accounts.models import Organisation
from departments.models import Department
from sales.choices import TRUSTED
from sales.money import MoneySum

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class SalesQuerySet(models.QuerySet[Any]):
    """Reads of daily and hourly sales."""

    def visible_to(self, user: User | AnonymousUser) -> SalesQuerySet:
        if user.is_active and user.is_superuser:
            return self
        return self.filter(department__in=Department.objects.visible_to(user))

    def between(self, first: dt.date | None, last: dt.date | None) -> SalesQuerySet:
        """Both days included; an open end is open."""
        rows = self
        if first:
            rows = rows.filter(date__gte=first)
        if last:
            rows = rows.filter(date__lte=last)
        return rows

    def trusted(self) -> SalesQuerySet:
        """Days whose figures a forecast may learn from."""
        return self.filter(state__in=TRUSTED)

    def totals(self, measure: str = "total_sales") -> dict[str, Any]:
        """{"sum", "rows", "first", "last"} of the selection; the sum is exact."""
        found = self.order_by().aggregate(sum=MoneySum(measure), rows=Count("pk"), first=Min("date"), last=Max("date"))
        return {**found, "sum": found["sum"] or Decimal(0)}


class AutoSyncLogQuerySet(models.QuerySet["AutoSyncLog"]):
    def visible_to(self, user: User | AnonymousUser) -> AutoSyncLogQuerySet:
        return self.filter(organisation__in=Organisation.objects.visible_to(user))
