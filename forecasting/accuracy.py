"""How promises came out: readings of the accuracy log. The first figure is always WAPE, with bias and intervals beside.

Formulas: Hyndman & Athanasopoulos, FPP3, ch. 5.8-5.9, as in engine.metrics.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import Avg, Case, Count, F, FloatField, Q, Sum, Value, When
from django.db.models.functions import Abs, Cast, ExtractIsoWeekDay
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext, ngettext

from departments.choices import Segment
from departments.models import Department, Holiday
from departments.querysets import DepartmentQuerySet
from forecasting.choices import Origin, Rule
from forecasting.querysets import AccuracyQuerySet


class By(StrEnum):
    """What readings may be grouped by; the values are those of the API."""

    NOTHING = ""
    HORIZON = "horizon"
    DEPARTMENT = "department"
    WEEKDAY = "weekday"
    HOLIDAY = "holiday"
    SEGMENT = "segment"
    RULE = "rule"


@dataclass(frozen=True)
class Reading:
    """Measures of one group. Shares are fractions of what was sold; None where nothing is known.

    `key`: the group's value, None without grouping. `n`: department-days; `left_out`: those not believed or not there;
    `unsettled`: those of `n` that may still change; `replayed`: those forecast later from what was known then.
    `naive_wape` is that of repeating last week on the days where that is known, `naive_n` of them. `mase`: mean error
    over the usual change from week to week. `pinball`: money per day.
    """

    key: Any
    n: int
    left_out: int
    unsettled: int
    replayed: int
    wape: float | None
    bias: float | None
    mase: float | None
    naive_wape: float | None
    naive_n: int
    pinball_80: float | None
    pinball_95: float | None
    coverage_80: float | None
    width_80: float | None
    coverage_95: float | None
    width_95: float | None


def readings(rows: AccuracyQuerySet, by: str = By.NOTHING) -> list[Reading]:
    """One reading per group in the order of its key; without grouping exactly one, which may be empty."""
    grouped = _grouped(rows, by)
    left_out = dict(_grouped(rows.left_out(), by).values_list("group").annotate(n=Count("pk")).order_by())
    found = grouped.scored().order_by().values("group").annotate(**_SUMS)
    groups = {row["group"]: row for row in found}
    keys: list[Any] = sorted(groups.keys() | left_out.keys()) if by else [""]
    return [_reading(key if by else None, groups.get(key, {}), left_out.get(key, 0)) for key in keys]


def rows_by_currency(rows: AccuracyQuerySet, departments: DepartmentQuerySet) -> list[tuple[str, AccuracyQuerySet]]:
    """[(currency, the rows of the departments that sell in it)], that of most departments first."""
    money = departments.selling().currencies()
    codes = most_common(money.values())
    if len(codes) < 2:
        return [(codes[0] if codes else "", rows)]
    return [(code, rows.filter(department__in=[pk for pk, own in money.items() if own == code])) for code in codes]


def most_common(codes: Iterable[str]) -> list[str]:
    """Each once, that of most departments first."""
    return [code for code, _n in sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0]))]


def group_names(by: str, keys: Iterable[Any]) -> dict[Any, str]:
    """What the keys of readings are called."""
    if by == By.DEPARTMENT:
        return dict(Department.objects.filter(pk__in=list(keys)).values_list("pk", "name"))
    named: dict[str, dict[Any, str]] = {
        By.WEEKDAY: {number + 1: str(name).capitalize() for number, name in WEEKDAYS.items()},
        By.HOLIDAY: {"holiday": gettext("Holidays"), "ordinary": gettext("Ordinary days")},
        By.SEGMENT: {choice.value: str(choice.label).capitalize() for choice in Segment},
        By.RULE: {choice.value: str(choice.label).capitalize() for choice in Rule},
    }
    names = named.get(by, {})
    return {
        key: ngettext("%(n)s day before", "%(n)s days before", key) % {"n": key}
        if by == By.HORIZON
        else names.get(key, str(key or ""))
        for key in keys
    }


def _grouped(rows: AccuracyQuerySet, by: str) -> Any:
    """The rows with their `group`."""
    feasts = Holiday.objects.filter(
        organisation=models.OuterRef("organisation"),
        date=models.OuterRef("date"),
        effect__in=[Holiday.Effect.FEAST, Holiday.Effect.DAY_OFF],
    )
    group: Any = {
        By.HORIZON: F("horizon"),
        By.DEPARTMENT: F("department"),
        By.WEEKDAY: ExtractIsoWeekDay("date"),
        By.HOLIDAY: Case(When(models.Exists(feasts), then=Value("holiday")), default=Value("ordinary")),
        By.SEGMENT: F("department__segment_type"),
        By.RULE: F("rule"),
    }.get(By(by), Value(""))
    return rows.annotate(group=group)


def _float(expression: Any) -> Cast:
    return Cast(expression, FloatField())


def _pinball(lower: str, upper: str, tail: float) -> Any:
    """Mean quantile loss of both ends of an interval."""

    def loss(quantile: str, level: float) -> Any:
        error = _float(F("actual") - F(quantile))
        return Case(When(actual__gte=F(quantile), then=level * error), default=(level - 1) * error)

    return Avg((loss(lower, tail) + loss(upper, 1 - tail)) / 2, output_field=FloatField())


_ERROR = _float(F("predicted_sales") - F("actual"))
_SUMS: dict[str, Any] = {
    "n": Count("pk"),
    "unsettled": Count("pk", filter=Q(is_settled=False)),
    "replayed": Count("pk", filter=Q(origin=Origin.REPLAY)),
    "sold": Sum(_float(Abs("actual"))),
    "missed": Sum(Abs(_ERROR)),
    "off": Sum(_ERROR),
    "mase": Avg(Abs(_ERROR) / F("scale"), filter=Q(scale__gt=0), output_field=FloatField()),
    "naive_n": Count("pk", filter=Q(naive__isnull=False)),
    "naive_missed": Sum(_float(Abs(F("naive") - F("actual"))), filter=Q(naive__isnull=False)),
    "naive_sold": Sum(_float(Abs("actual")), filter=Q(naive__isnull=False)),
    "pinball_80": _pinball("lower_80", "upper_80", 0.1),
    "pinball_95": _pinball("lower_95", "upper_95", 0.025),
    "inside_80": Count("pk", filter=Q(actual__gte=F("lower_80"), actual__lte=F("upper_80"))),
    "inside_95": Count("pk", filter=Q(actual__gte=F("lower_95"), actual__lte=F("upper_95"))),
    "wide_80": Sum(_float(F("upper_80") - F("lower_80"))),
    "wide_95": Sum(_float(F("upper_95") - F("lower_95"))),
}


def _reading(key: Any, sums: dict[str, Any], left_out: int) -> Reading:
    n, sold = sums.get("n") or 0, sums.get("sold")
    return Reading(
        key=key,
        n=n,
        left_out=left_out,
        unsettled=sums.get("unsettled") or 0,
        replayed=sums.get("replayed") or 0,
        wape=_over(sums.get("missed"), sold),
        bias=_over(sums.get("off"), sold),
        mase=sums.get("mase"),
        naive_wape=_over(sums.get("naive_missed"), sums.get("naive_sold")),
        naive_n=sums.get("naive_n") or 0,
        pinball_80=sums.get("pinball_80"),
        pinball_95=sums.get("pinball_95"),
        coverage_80=_over(sums.get("inside_80"), n),
        width_80=_over(sums.get("wide_80"), sold),
        coverage_95=_over(sums.get("inside_95"), n),
        width_95=_over(sums.get("wide_95"), sold),
    )


def _over(top: float | None, bottom: float | None) -> float | None:
    return top / bottom if top is not None and bottom else None
