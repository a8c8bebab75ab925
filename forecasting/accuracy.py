"""How promises came out: readings of the accuracy log. The first figure is always WAPE, with bias and intervals beside.

Formulas: Hyndman & Athanasopoulos, FPP3, ch. 5.8-5.9, as in engine.metrics.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Case, Count, F, FloatField, Q, Sum, When
from django.db.models.functions import Abs, Cast
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


@dataclass(frozen=True)
class Cell:
    """Sums over the rows of one combination of groups: `keys` {By: its group}."""

    keys: dict[str, Any]
    sums: dict[str, float]


def readings(rows: AccuracyQuerySet, by: str = By.NOTHING) -> list[Reading]:
    """One reading per group in the order of its key; without grouping exactly one, which may be empty."""
    return read(cells(rows, by), by)


def cells(rows: AccuracyQuerySet, *by: str, brief: bool = False) -> list[Cell]:
    """The rows added up for every combination of the groups: read once, they can be read by each of them.

    `brief`: only what tables show, without pinball loss, MASE, the width of 95 % intervals and how the days came about.
    """
    groups = [By(one) for one in by if one]
    columns = list(dict.fromkeys(column for group in groups for column in _COLUMNS[group]))
    sums = _SUMS if brief else _SUMS | _MORE_SUMS
    # Databases are slow at weekdays and holidays: they add up by date, and a date is looked up here.
    found = list(rows.order_by().values(*columns).annotate(**sums)) if columns else [rows.aggregate(**sums)]
    feasts = _feasts(found) if By.HOLIDAY in groups else set()
    return [
        Cell({group: _key(group, row, feasts) for group in groups}, {name: _number(row[name]) for name in sums})
        for row in found
        if row["n"] or row["left_out"] or not columns
    ]


def read(found: Iterable[Cell], by: str = By.NOTHING) -> list[Reading]:
    """One reading per group of `by`, one of those the cells were made with, in the order of its key."""
    groups: dict[Any, dict[str, float]] = {} if by else {None: {}}
    for cell in found:
        sums = groups.setdefault(cell.keys[By(by)] if by else None, {})
        for name, value in cell.sums.items():
            sums[name] = sums.get(name, 0) + value
    return [_reading(key, groups[key]) for key in (sorted(groups) if by else groups)]


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


_COLUMNS = {
    By.HORIZON: ["horizon"],
    By.DEPARTMENT: ["department"],
    By.WEEKDAY: ["date"],
    By.HOLIDAY: ["organisation", "date"],
    By.SEGMENT: ["department__segment_type"],
    By.RULE: ["rule"],
}


def _number(value: Any) -> float:
    """Counts stay whole; the sum of nothing is nothing."""
    return value if isinstance(value, int) else float(value or 0)


def _feasts(found: Iterable[dict[str, Any]]) -> set[tuple[Any, Any]]:
    """(organisation, date) of the holidays among what was added up."""
    dates = {row["date"] for row in found}
    feasts = Holiday.objects.filter(
        organisation__in={row["organisation"] for row in found},
        date__range=(min(dates), max(dates)) if dates else (None, None),
        effect__in=[Holiday.Effect.FEAST, Holiday.Effect.DAY_OFF],
    )
    return set(feasts.values_list("organisation", "date")) if dates else set()


def _key(group: By, row: dict[str, Any], feasts: set[tuple[Any, Any]]) -> Any:
    if group == By.WEEKDAY:
        return row["date"].isoweekday()
    if group == By.HOLIDAY:
        return "holiday" if (row["organisation"], row["date"]) in feasts else "ordinary"
    return row[_COLUMNS[group][0]]


def _float(expression: Any) -> Cast:
    return Cast(expression, FloatField())


def _pinball(lower: str, upper: str, tail: float) -> Any:
    """Sum of the quantile loss of both ends of an interval."""

    def loss(quantile: str, level: float) -> Any:
        error = _float(F("actual") - F(quantile))
        return Case(When(actual__gte=F(quantile), then=level * error), default=(level - 1) * error)

    return Sum((loss(lower, tail) + loss(upper, 1 - tail)) / 2, output_field=FloatField())


_SCORED = Q(actual__isnull=False)
_ERROR = F("predicted_sales") - F("actual")


def _sum(expression: Any, **only: Any) -> Sum:
    """A sum of money. PostgreSQL adds decimals faster than it makes floats of them: the sums become floats here."""
    return Sum(expression, output_field=FloatField(), **only)


# A sum leaves out rows without an actual by itself; a count, and a sum of other columns, must be told.
_SUMS: dict[str, Any] = {
    "n": Count("actual"),
    "left_out": Count("pk", filter=~_SCORED & ~Q(state="", rule=Rule.CLOSED)),
    "sold": _sum(Abs("actual")),
    "missed": _sum(Abs(_ERROR)),
    "off": _sum(_ERROR),
    "naive_missed": _sum(Abs(F("naive") - F("actual"))),
    "naive_sold": _sum(Abs("actual"), filter=Q(naive__isnull=False)),
    "inside_80": Count("pk", filter=Q(actual__gte=F("lower_80"), actual__lte=F("upper_80"))),
    "inside_95": Count("pk", filter=Q(actual__gte=F("lower_95"), actual__lte=F("upper_95"))),
    "wide_80": _sum(F("upper_80") - F("lower_80"), filter=_SCORED),
}
_MORE_SUMS: dict[str, Any] = {
    "unsettled": Count("pk", filter=_SCORED & Q(is_settled=False)),
    "replayed": Count("pk", filter=_SCORED & Q(origin=Origin.REPLAY)),
    "naive_n": Count("pk", filter=_SCORED & Q(naive__isnull=False)),
    "scaled": Sum(Abs(_float(_ERROR)) / F("scale"), filter=Q(scale__gt=0), output_field=FloatField()),
    "scaled_n": Count("pk", filter=_SCORED & Q(scale__gt=0)),
    "pinball_80": _pinball("lower_80", "upper_80", 0.1),
    "pinball_95": _pinball("lower_95", "upper_95", 0.025),
    "wide_95": _sum(F("upper_95") - F("lower_95"), filter=_SCORED),
}


def _reading(key: Any, sums: dict[str, Any]) -> Reading:
    n, sold = sums.get("n", 0), sums.get("sold")
    return Reading(
        key=key,
        n=n,
        left_out=sums.get("left_out", 0),
        unsettled=sums.get("unsettled", 0),
        replayed=sums.get("replayed", 0),
        wape=_over(sums.get("missed"), sold),
        bias=_over(sums.get("off"), sold),
        mase=_over(sums.get("scaled"), sums.get("scaled_n")),
        naive_wape=_over(sums.get("naive_missed"), sums.get("naive_sold")),
        naive_n=sums.get("naive_n", 0),
        pinball_80=_over(sums.get("pinball_80"), n),
        pinball_95=_over(sums.get("pinball_95"), n),
        coverage_80=_over(sums.get("inside_80"), n),
        width_80=_over(sums.get("wide_80"), sold),
        coverage_95=_over(sums.get("inside_95"), n),
        width_95=_over(sums.get("wide_95"), sold),
    )


def _over(top: float | None, bottom: float | None) -> float | None:
    return top / bottom if top is not None and bottom else None
