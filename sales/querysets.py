from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import Case, Count, F, Func, Max, Min, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Abs
from django.utils import timezone

from accounts.models import Membership, Organisation
from departments.models import Department
from departments.querysets import scopes_of
from sales.choices import TRUSTED
from sales.money import MoneySum

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from sales.models import AutoSyncLog, Difference, ObservedDay

# Over how many days the success of automatic loads is told.
PERIODS = (7, 30, 90)
LOG_STATUSES = ("success", "partial", "error")


class Settled(Func):
    """Whether the source's day behind a row is settled. Said in SQL, as a subquery costs more to put together than to run."""

    template = (
        "EXISTS (SELECT 1 FROM sales_sourceday known"
        " WHERE (known.organisation_id, known.connection_id, known.date) = (%(expressions)s) AND known.is_settled)"
    )
    output_field = models.BooleanField()
    conditional = True

    def __init__(self) -> None:
        super().__init__("organisation_id", "connection_id", "date")


class SalesQuerySet(models.QuerySet[Any]):
    """Reads of daily and hourly sales."""

    def visible_to(self, user: User | AnonymousUser) -> SalesQuerySet:
        """Rows carry their organisation, so that the database may walk its index for who sees all of it."""
        if not user.is_active:
            return self.none()
        if user.is_superuser:
            return self
        whole, some = scopes_of(user)
        if not some:
            return self.filter(organisation__in=whole)
        return self.filter(Q(organisation__in=whole) | Q(department__in=some))

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

    def with_settled(self) -> SalesQuerySet:
        """`settled`: whether no load will look at the day again by itself, as nothing is expected to change it."""
        found: SalesQuerySet = self.annotate(settled=Settled())
        return found

    def with_day(self) -> SalesQuerySet:
        """Hours with the `state` of their day, and whether it is `settled`."""
        from sales.models import SalesSummary

        day = SalesSummary.objects.filter(department=OuterRef("department"), date=OuterRef("date")).with_settled()
        found: SalesQuerySet = self.annotate(**{name: Subquery(day.values(name)[:1]) for name in ("state", "settled")})
        return found

    def totals(self, currencies: Mapping[UUID, str], measure: str = "total_sales") -> dict[str, Any]:
        """{"sums", "rows", "first", "last"} of the selection; `sums` are {currency: exact sum}, that of most branches first.

        `currencies`: those of all departments the selection may hold. Without rows the sum is nothing of any of them.
        """
        departments = Counter(currencies.values())
        codes = sorted(departments, key=lambda code: (-departments[code], code))
        figures = {"sum": MoneySum(measure), "rows": Count("pk"), "first": Min("date"), "last": Max("date")}
        if len(codes) < 2:
            found = self.order_by().aggregate(**figures)
            return {**found, "sums": dict.fromkeys(codes, found.pop("sum") or Decimal(0))}
        parts = {
            code: self.filter(department__in=[pk for pk, own in currencies.items() if own == code])
            .order_by()
            .aggregate(**figures)
            for code in codes
        }
        known = {code: part for code, part in parts.items() if part["rows"]}
        return {
            "sums": {code: part["sum"] or Decimal(0) for code, part in known.items()},
            "rows": sum(part["rows"] for part in known.values()),
            "first": min((part["first"] for part in known.values()), default=None),
            "last": max((part["last"] for part in known.values()), default=None),
        }


class RestatementQuerySet(SalesQuerySet):
    def days(self) -> RestatementQuerySet:
        return self.filter(hour=None)

    def of_at_least(self, percent: int) -> RestatementQuerySet:
        """Changes of the total by so much of what it was; what appeared or vanished is always large enough."""
        change, was = Abs(F("new_total") - F("old_total")), Abs(F("old_total"))
        large = Q(change__gt=0, change__gte=was * Decimal(percent) / 100)
        one_sided = Q(old_total=None, new_total__isnull=False) | Q(old_total__isnull=False, new_total=None)
        found: RestatementQuerySet = self.alias(change=change).filter(large | one_sided)
        return found


class DifferenceQuerySet(models.QuerySet["Difference"]):
    def visible_to(self, user: User | AnonymousUser) -> DifferenceQuerySet:
        """Those of the branches one sees; what no department is known of, for whoever sees the whole organisation."""
        if user.is_active and user.is_superuser:
            return self
        whole = Membership.objects.filter(user=user.pk, all_departments=True).values("organisation")
        mine = Q(department__in=Department.objects.visible_to(user))
        return self.filter(mine | Q(department=None, organisation__in=whole))


class ObservedDayQuerySet(models.QuerySet["ObservedDay"]):
    def hours(self) -> dict[tuple[str, dt.date], dict[int, list[Any]]]:
        """Per source id and date: hour -> [revenue, gross, orders, guests]."""
        return {
            (external_id, date): {
                hour: [Decimal(revenue), Decimal(gross), *counts] for hour, revenue, gross, *counts in hours
            }
            for external_id, date, hours in self.values_list("external_id", "date", "hours")
        }


class AutoSyncLogQuerySet(models.QuerySet["AutoSyncLog"]):
    def visible_to(self, user: User | AnonymousUser) -> AutoSyncLogQuerySet:
        """Lines with `words`: what went wrong, for whoever sees the organisation as a whole, as it may name any branch."""
        whole = Q(organisation__in=Membership.objects.filter(user=user.pk, all_departments=True).values("organisation"))
        if user.is_active and user.is_superuser:
            whole = Q(pk__isnull=False)
        words = Case(When(whole, then=F("error_details")), default=Value(""), output_field=models.TextField())
        found: AutoSyncLogQuerySet = self.filter(organisation__in=Organisation.objects.visible_to(user))
        return found.annotate(words=words)

    def statistics(self) -> dict[str, Any]:
        """Of `visible_to` lines: counts by status and the share of complete loads (percent) of each of PERIODS.

        Also the latest of each kind.
        """
        now = timezone.now()
        wanted = {
            f"{status}_{days}": Count("pk", filter=Q(status=status, executed_at__gte=now - dt.timedelta(days=days)))
            for status in LOG_STATUSES
            for days in PERIODS
        }
        counts = self.order_by().aggregate(total=Count("pk"), **wanted)
        periods = [_period(days, *(counts[f"{status}_{days}"] for status in LOG_STATUSES)) for days in PERIODS]
        month = next(period for period in periods if period["days"] == 30)
        good = self.filter(status="success").order_by("-executed_at").first()
        bad = self.filter(status="error").order_by("-executed_at").first()
        return {
            "total_logs": counts["total"],
            **{f"{name}_30d": value for name, value in month.items() if name != "days"},
            "periods": periods,
            "latest_success": good
            and {
                "date": good.sync_date,
                "executed_at": good.executed_at,
                "message": good.message,
                "records": good.summary_records + good.hourly_records,
            },
            "latest_error": bad
            and {
                "date": bad.sync_date,
                "executed_at": bad.executed_at,
                "message": bad.message,
                "error_details": bad.words,  # type: ignore[attr-defined]
            },
        }


def _period(days: int, success: int, partial: int, error: int) -> dict[str, Any]:
    return {
        "days": days,
        "success_count": success,
        "partial_count": partial,
        "error_count": error,
        "success_rate": round(100 * success / max(success + partial + error, 1), 1),
    }
