"""Item forecasts beside what was sold, as it becomes known; and old issues make room once they are measured."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Department
from departments.timing import organisation_today
from forecasting.choices import WHOLE_ISSUES
from forecasting.engine.item_levels import LEVELS
from forecasting.models import ItemAccuracy, ItemAgreement, ItemForecast, ItemIssue
from items.models import ItemDay, ProductDay
from sales.choices import TRUSTED
from sales.models import SalesSummary

PROMISES = (1, 7)  # days before
LOOK_BACK = 35  # days in which a changed day is measured again, while the issues that promised it are kept
FOOT_DAYS = 28
_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)
Sold = dict[UUID, Decimal]


def measure_items(organisation: Organisation) -> int:
    """Measure the days that are new or changed since; returns how many rows of the log were written."""
    today = organisation_today(organisation)
    written = 0
    for horizon in PROMISES:
        for date, departments in sorted(_unmeasured(organisation, horizon, today).items()):
            rows = _measured(organisation, date, departments, horizon)
            with transaction.atomic():
                ItemAccuracy.objects.filter(
                    department__in=[row.department_id for row in rows], date=date, horizon=horizon
                ).delete()
                ItemAccuracy.objects.bulk_create(rows)
            written += len(rows)
    return written


def forget_old_issues(organisation: Organisation, *, before_commit: Callable[[], None] | None = None) -> int:
    """Delete all but the newest issues, each in a transaction of its own; measured promises stay in the log."""
    issues = ItemIssue.objects.filter(organisation=organisation).order_by("-made_at", "-pk")
    due = organisation_today(organisation) - dt.timedelta(days=max(PROMISES) + 1)
    old = [issue.pk for issue in issues[WHOLE_ISSUES:] if issue.promised_on < due]
    for pk in old:
        with transaction.atomic():
            ItemForecast.objects.filter(issue=pk).delete()
            ItemIssue.objects.filter(pk=pk).delete()
            if before_commit:
                before_commit()
    return len(old)


def accuracy_of(department: Department, *, days_before: int = 1) -> dict[str, Any] | None:
    """{"days", "wape", "naive", "bias", "coverage80"} of the last four weeks that were measured; None without any."""
    since = organisation_today(department.organisation) - dt.timedelta(days=FOOT_DAYS)
    rows = ItemAccuracy.objects.filter(department=department, horizon=days_before, date__gte=since)
    sums = rows.aggregate(
        days=Count("pk"), sold=Sum("sold"), expected=Sum("expected"), missed=Sum("missed"),
        naive=Sum("naive_missed"), counted=Sum("counted"), held=Sum("held"),
    )  # fmt: skip
    if not sums["days"] or not sums["sold"]:
        return None
    return {
        "days": sums["days"],
        "wape": float(sums["missed"] / sums["sold"]),
        "naive": float(sums["naive"] / sums["sold"]),
        "bias": float(sums["expected"] / sums["sold"] - 1),
        "coverage80": sums["held"] / sums["counted"] if sums["counted"] else None,
    }


def _unmeasured(organisation: Organisation, horizon: int, today: dt.date) -> dict[dt.date, list[UUID]]:
    """{date: departments} whose items are complete and changed after they were measured, or were never."""
    first, last = today - dt.timedelta(days=LOOK_BACK), today - dt.timedelta(days=1)
    measured = {
        (row.department_id, row.date): row.measured_at
        for row in ItemAccuracy.objects.filter(organisation=organisation, horizon=horizon, date__range=(first, last))
    }
    promised = set(ItemAgreement.objects.filter(issue__organisation=organisation).values_list("department", flat=True))
    doubted = SalesSummary.objects.filter(organisation=organisation).between(first, last).exclude(state__in=TRUSTED)
    left_out = set(doubted.values_list("department", "date"))
    days = ItemDay.objects.filter(organisation=organisation, department__in=promised).counted().between(first, last)
    found: dict[dt.date, list[UUID]] = defaultdict(list)
    for department, date, changed in days.values_list("department", "date", "updated_at"):
        before = measured.get((department, date))
        if (before is None or changed > before) and (department, date) not in left_out:
            found[date].append(department)
    return found


def _measured(organisation: Organisation, date: dt.date, departments: list[UUID], horizon: int) -> list[ItemAccuracy]:
    """Rows of the departments that were promised something `horizon` days before."""
    issues = ItemIssue.objects.filter(
        organisation=organisation, promised_on__lte=date - dt.timedelta(days=horizon), data_as_of__lt=date
    ).order_by("-promised_on", "-made_at", "-pk")
    issue = issues.first()
    if issue is None or (ahead := (date - issue.data_as_of).days - 1) >= issue.horizon:
        return []
    cutoffs = dict(ItemAgreement.objects.filter(issue=issue).values_list("department", "cutoff"))
    sold = _sold(departments, date)
    now, rows = timezone.now(), []
    for department in departments:
        if department not in cutoffs:
            continue
        back = -(-(date - cutoffs[department]).days // 7) * 7
        naive = _sold([department], date - dt.timedelta(days=back))[department]
        rows.append(
            ItemAccuracy(
                organisation=organisation,
                department_id=department,
                date=date,
                horizon=horizon,
                measured_at=now,
                **_sums(issue, department, ahead, sold[department], naive),
            )
        )
    return rows


def _sums(issue: ItemIssue, department: UUID, ahead: int, sold: Sold, naive: Sold) -> dict[str, Any]:
    forecasts = ItemForecast.objects.filter(issue=issue, department=department)
    expected, counted, held = {}, 0, 0
    for product, by_day, quantiles in forecasts.values_list("product", "expected", "quantiles"):
        expected[product] = Decimal(str(by_day[ahead]))
        low, high = quantiles[ahead][_LOW], quantiles[ahead][_HIGH]
        counted += 1
        held += low <= float(sold.get(product, 0)) <= high
    # What sold without having been forecast was missed as a whole.
    products = {*expected, *sold}
    none = Decimal(0)
    return {
        "counted": counted,
        "held": held,
        "sold": sum(sold.values(), none),
        "expected": sum(expected.values(), none),
        "missed": sum((abs(expected.get(key, none) - sold.get(key, none)) for key in products), none),
        "naive_missed": sum((abs(naive.get(key, none) - sold.get(key, none)) for key in {*naive, *sold}), none),
    }


def _sold(departments: list[UUID], date: dt.date) -> dict[UUID, Sold]:
    """{department: {product: units, at least none}}"""
    found: dict[UUID, Sold] = {department: {} for department in departments}
    rows = ProductDay.objects.filter(department__in=departments, date=date)
    for department, product, quantity in rows.values_list("department", "product", "quantity"):
        found[department][product] = max(quantity, Decimal(0))
    return found
