"""A chain of 200 departments with three years of sales by day and hour, promises, and the log of how they came out.

One department is written out, the database copies it to the others: every page then works with a large chain's rows.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from departments.models import Department
from forecasting.choices import Origin, Rule
from forecasting.models import Accuracy, Forecast, ForecastIssue
from sales.choices import DayState
from sales.models import SalesByHour, SalesSummary
from tests.world import World

DEPARTMENTS, DAYS = 200, 1096
AHEAD = 35
KEPT_WHOLE = 30  # the newest issues keep all their days, older ones those below
KEPT = (1, 7, 28)
LOGGED = (1, 7, 14, 28)
HOURS = range(9, 21)


def enlarge(world: World, departments: int = DEPARTMENTS, days: int = DAYS) -> None:
    """Give the small world's chain `departments` branches with `days` of everything."""
    first = world.departments[0]
    parents = [world.coffee_company, world.bread_company]
    for rows in (Accuracy.objects, Forecast.objects, SalesSummary.objects, SalesByHour.objects):
        rows.filter(department__in=world.departments).delete()
    more = Department.objects.bulk_create(
        Department(
            organisation=world.organisation, parent=parents[number % 2], name=f"Branch {number:03}",
            segment_type=("bakery", "cafe")[number % 2],
        )
        for number in range(departments - 3)
    )  # fmt: skip
    _sales(world, first, days)
    _forecasts(world, first, days)
    others = [department.pk for department in (*world.departments[1:], *more)]
    for model in (SalesSummary, SalesByHour, Forecast, Accuracy):
        _copy(model, first, others)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _amount(date: dt.date) -> Decimal:
    return Decimal(100_000 + 10_000 * date.weekday() + date.day) + Decimal("0.0001")


def _sales(world: World, department: Department, days: int) -> None:
    now = timezone.now()
    common: dict[str, Any] = {"organisation": world.organisation, "department": department}
    common |= {"created_at": now, "updated_at": now, "synced_at": now, "orders": 60, "guests": 70}
    dates = [world.today - dt.timedelta(days=back) for back in range(1, days + 1)]
    SalesSummary.objects.bulk_create(
        SalesSummary(date=date, total_sales=_amount(date), revenue=_amount(date), gross=_amount(date), **common)
        for date in dates
    )
    SalesByHour.objects.bulk_create(
        SalesByHour(date=date, hour=hour, sales_amount=_amount(date) / 12, revenue=0, gross=0, **common)
        for date in dates
        for hour in HOURS
    )


def _forecasts(world: World, department: Department, days: int) -> None:
    mornings = [world.today - dt.timedelta(days=back) for back in range(days)]
    issues = ForecastIssue.objects.bulk_create(
        ForecastIssue(
            organisation=world.organisation, version=world.version, promised_on=date, origin=Origin.NIGHTLY,
            made_at=timezone.make_aware(dt.datetime.combine(date, dt.time(2, 30))),
            data_as_of=date - dt.timedelta(days=1),
        )
        for date in mornings
    )  # fmt: skip
    Forecast.objects.bulk_create(
        Forecast(
            issue=issue, department=department, date=date, cutoff=issue.data_as_of, horizon=lead + 1, lead_days=lead,
            rule=Rule.BLEND, hours=[str(_amount(date) / 24)] * 24, **_figures(date),
        )
        for back, issue in enumerate(issues)
        for lead in (range(AHEAD) if back < KEPT_WHOLE else KEPT)
        for date in [issue.promised_on + dt.timedelta(days=lead)]
    )  # fmt: skip
    Accuracy.objects.bulk_create(
        Accuracy(
            organisation=world.organisation, department=department, date=date, horizon=lead, version=world.version,
            origin=Origin.NIGHTLY, rule=Rule.BLEND, cutoff=date - dt.timedelta(days=lead + 1), actual=_amount(date),
            naive=_amount(date) - 500, scale=2000.0, state=DayState.COMPLETE, is_settled=True,
            measured_at=timezone.now(), **_figures(date),
        )
        for date in mornings[1:]
        for lead in LOGGED
    )  # fmt: skip


def _figures(date: dt.date) -> dict[str, Decimal]:
    value = _amount(date) + 1000
    shares = {"lower_80": "0.9", "upper_80": "1.1", "lower_95": "0.8", "upper_95": "1.2"}
    return {"predicted_sales": value, **{name: value * Decimal(share) for name, share in shares.items()}}


def _copy(model: type[Model], source: Department, others: list[Any]) -> None:
    names = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    values = [f"d.{name}" if name == "id" else f"t.{name}" for name in names]
    values[names.index("department_id")] = "d.id"
    table, branches = model._meta.db_table, Department._meta.db_table
    keys = [Department._meta.pk.get_db_prep_value(pk, connection) for pk in others]
    quoted = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM {table} t, {branches} d"
            f" WHERE t.department_id = %s AND d.id IN ({marks})",
            [Department._meta.pk.get_db_prep_value(source.pk, connection), *keys],
        )
