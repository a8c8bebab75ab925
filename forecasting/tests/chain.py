"""A small chain with a year of sales, straight in the database, for tests of what stands above it."""

import datetime as dt
from decimal import Decimal

import numpy as np
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Authority, Connection, Department
from sales.models import DepartmentCutoff, SalesByHour, SalesSummary

CUTOFF = dt.date(2026, 3, 31)
DAYS = 300
HOURLY_DAYS = 70


def make_chain(departments: int = 3, days: int = DAYS, seed: int = 1, hourly_days: int = HOURLY_DAYS) -> Organisation:
    """Departments with a weekday pattern and noise up to CUTOFF; the last weeks also by the hour."""
    organisation = Organisation.objects.create(name=f"Chain {seed}")
    till = Connection.objects.create(organisation=organisation, name="till", url="http://till.test")
    rng, now = np.random.default_rng(seed), timezone.now()
    week = np.array([0.8, 0.85, 0.9, 1.0, 1.3, 1.5, 1.1])
    for number in range(departments):
        department = Department.objects.create(organisation=organisation, name=f"Branch {number}")
        Authority.objects.create(organisation=organisation, department=department, connection=till)
        DepartmentCutoff.objects.create(organisation=organisation, department=department, date=CUTOFF)
        dates = [CUTOFF - dt.timedelta(days=back) for back in range(days - 1, -1, -1)]
        level = 100_000 * (number + 1)
        noise = rng.normal(1, 0.08, days)
        amounts = [
            Decimal(round(level * week[date.weekday()] * factor)) for date, factor in zip(dates, noise, strict=True)
        ]
        common = {"organisation": organisation, "department": department, "connection": till}
        stamps = {"created_at": now, "updated_at": now, "synced_at": now}
        SalesSummary.objects.bulk_create(
            SalesSummary(date=date, total_sales=amount, revenue=amount, gross=amount, **common, **stamps)
            for date, amount in zip(dates, amounts, strict=True)
        )
        SalesByHour.objects.bulk_create(
            SalesByHour(date=date, hour=hour, sales_amount=amount * share / 10, **common, **stamps)
            for date, amount in list(zip(dates, amounts, strict=True))[max(days - hourly_days, 0) :]
            for hour, share in ((9, 3), (13, 5), (19, 2))
        )
    return organisation
