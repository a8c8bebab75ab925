"""Fact against forecast: what was promised some days before beside what was sold."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from departments.querysets import DepartmentQuerySet
from forecasting.choices import MOST_DAYS_BEFORE, PROMISES_KEPT
from forecasting.models import Accuracy, Forecast
from forecasting.querysets import AccuracyQuerySet
from sales.models import SalesSummary
from sales.money import CENT

HUNDRED = Decimal(100)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Comparison:
    """One department and date. `error` = forecast - actual, `error_percentage` = 100 error / actual.

    `state` and `settled` are those of the actual; None where nothing was loaded.
    """

    date: dt.date
    department_id: UUID
    department_name: str
    currency: str
    predicted: Decimal | None
    actual: Decimal | None
    lower_80: Decimal | None
    upper_80: Decimal | None
    state: str | None
    settled: bool | None
    rule: str | None

    @property
    def error(self) -> Decimal | None:
        return None if self.predicted is None or self.actual is None else self.predicted - self.actual

    @property
    def error_percentage(self) -> Decimal | None:
        if self.error is None or not self.actual:
            return None
        return (HUNDRED * self.error / self.actual).quantize(CENT)


def compare(
    *,
    departments: DepartmentQuerySet,
    first: dt.date,
    last: dt.date,
    days_before: int = 1,
    known_on: dt.date | None = None,
    today: dt.date | None = None,
) -> list[Comparison]:
    """Every date and department with a forecast or a figure, by date and department name.

    A past date shows what was promised `days_before` days before it, however much later issues knew; today and the
    days ahead show the newest forecast there is. With `known_on` every date shows what was forecast that morning.
    """
    names = dict(departments.values_list("pk", "name"))
    currencies = departments.currencies()
    today = today or timezone.localdate()
    within = Forecast.objects.between(first, last).filter(department__in=names)
    columns = ("date", "department_id", "predicted_sales", "lower_80", "upper_80", "rule")
    chosen: list[QuerySet[Any]] = []
    if known_on or days_before not in PROMISES_KEPT:
        chosen.append(_logged(first, min(last, today - DAY), days_before, known_on).filter(department__in=names))
    if known_on:
        chosen.append(within.known_on(known_on))
    else:
        chosen += [within.filter(date__lt=today).as_promised(days_before)] if first < today else []
        chosen += [within.filter(date__gte=today).newest()] if last >= today else []
    forecasts = {(row[0], row[1]): row[2:] for rows in chosen for row in rows.values_list(*columns)}
    sold = {
        (date, department): (amount, state, settled)
        for date, department, amount, state, settled in SalesSummary.objects.between(first, last)
        .filter(department__in=names)
        .with_settled()
        .values_list("date", "department_id", "total_sales", "state", "settled")
    }
    nothing = (None, None, None, None)
    return [
        Comparison(
            date=key[0],
            department_id=key[1],
            department_name=names[key[1]],
            currency=currencies[key[1]],
            predicted=forecast[0],
            actual=actual[0],
            lower_80=forecast[1],
            upper_80=forecast[2],
            state=actual[1],
            settled=actual[2],
            rule=forecast[3],
        )
        for key in sorted(forecasts.keys() | sold.keys(), key=lambda key: (key[0], names[key[1]], str(key[1])))
        for forecast, actual in [(forecasts.get(key, nothing), sold.get(key, (None, None, None)))]
    ]


def _logged(first: dt.date, last: dt.date, days_before: int, known_on: dt.date | None) -> AccuracyQuerySet:
    """The same promises from the accuracy log, which has those of thinned dates too."""
    rows = Accuracy.objects.between(first, last)
    if known_on is None:
        return rows.filter(horizon=days_before)
    mornings = [(known_on + dt.timedelta(days=ahead), ahead) for ahead in range(1, MOST_DAYS_BEFORE + 1)]
    return rows.filter(reduce(or_, (Q(date=date, horizon=ahead) for date, ahead in mornings)))


def by_currency(rows: Sequence[Comparison]) -> list[tuple[str, list[Comparison]]]:
    """[(currency, its rows)], the one with most rows first: money of two currencies is never added up."""
    groups: dict[str, list[Comparison]] = {}
    for row in rows:
        groups.setdefault(row.currency, []).append(row)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))


def summary(rows: Sequence[Comparison]) -> dict[str, Any]:
    """WAPE and bias (shares, None without a pair) and the sums over rows of one currency that have both figures."""
    pairs = [row for row in rows if row.error is not None]
    predicted = sum((row.predicted or Decimal(0) for row in pairs), Decimal(0))
    actual = sum((row.actual or Decimal(0) for row in pairs), Decimal(0))
    scale = sum((abs(row.actual or Decimal(0)) for row in pairs), Decimal(0))
    missed = sum((abs(row.error or Decimal(0)) for row in pairs), Decimal(0))
    return {
        "n": len(pairs),
        "predicted": predicted,
        "actual": actual,
        "wape": float(missed / scale) if scale else None,
        "bias": float((predicted - actual) / scale) if scale else None,
    }


def by_department(rows: Sequence[Comparison]) -> list[dict[str, Any]]:
    """`summary` and `error` of each department with its `name` and `department_id`, the largest mean miss first."""
    groups: dict[UUID, list[Comparison]] = {}
    for row in rows:
        groups.setdefault(row.department_id, []).append(row)
    lines = [
        {"department_id": pk, "name": own[0].department_name, "currency": own[0].currency, **(total := summary(own))}
        | {"error": total["predicted"] - total["actual"] if total["n"] else None}
        for pk, own in groups.items()
    ]
    return sorted(lines, key=lambda line: (line["wape"] is None, -(line["wape"] or 0), line["name"]))
