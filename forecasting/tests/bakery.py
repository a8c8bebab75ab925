"""Two branches that sell items, straight in the database, for tests of the bake list."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Connection, Department
from forecasting.choices import Origin
from forecasting.engine.item_levels import HORIZON
from forecasting.models import ItemAgreement, ItemForecast, ItemIssue
from forecasting.tests.chain import CUTOFF, make_chain
from items.models import ItemDay, Product, ProductDay
from items.sources import item_source

UNITS = {"Baguette": 40, "Croissant": 12, "Eclair": 3, "Quiche": 0.6}
PRICES = {"Baguette": 300, "Croissant": 450, "Eclair": 600, "Quiche": 900}
DAYS = 120


@dataclass
class Bakery:
    organisation: Organisation
    departments: list[Department]
    products: dict[str, Product]
    connection: Connection


def open_bakery(days: int = DAYS, departments: int = 2, seed: int = 3) -> Bakery:
    """A chain whose branches sold products on each day up to CUTOFF, the second twice as much; more on weekends."""
    organisation = make_chain(departments=departments, days=days, hourly_days=0)
    branches = list(organisation.departments.order_by("name"))
    products = {
        name: Product.objects.create(organisation=organisation, code=f"P-{number}", name=name)
        for number, name in enumerate(UNITS)
    }
    bakery = Bakery(organisation, branches, products, item_source(organisation, "items").connection)
    draw = np.random.default_rng(seed)
    for number, department in enumerate(branches):
        for back in range(days):
            date = CUTOFF - dt.timedelta(days=back)
            busy = (number + 1) * (1.5 if date.weekday() >= 5 else 1.0)
            sell_items(bakery, department, date, {name: int(draw.poisson(n * busy)) for name, n in UNITS.items()})
    return bakery


def sell_items(bakery: Bakery, department: Department, date: dt.date, units: dict[str, int]) -> None:
    """What the lines of a day come to; what was not sold has no row."""
    sold = {name: n for name, n in units.items() if n}
    common = {"organisation": bakery.organisation, "department": department, "date": date, "lines": len(sold)}
    common["connection"] = bakery.connection
    money = {name: Decimal(PRICES[name] * n) for name, n in sold.items()}
    ItemDay.objects.create(
        quantity=sum(sold.values()), revenue=sum(money.values(), Decimal(0)), updated_at=timezone.now(), **common
    )
    ProductDay.objects.bulk_create(
        ProductDay(product=bakery.products[name], quantity=n, revenue=money[name], **common) for name, n in sold.items()
    )


def promise_items(
    department: Department,
    promised_on: dt.date,
    products: dict[Product, tuple[float, list[float]]],
    *,
    agreed: tuple[str, str] | None = None,
) -> ItemIssue:
    """An issue of the department alone, the same {product: (expected, quantiles)} on each of its days."""
    issue = ItemIssue.objects.create(
        organisation=department.organisation,
        made_at=timezone.make_aware(dt.datetime.combine(promised_on, dt.time(3))),
        promised_on=promised_on,
        data_as_of=promised_on - dt.timedelta(days=1),
        horizon=HORIZON,
        origin=Origin.NIGHTLY,
    )
    ItemForecast.objects.bulk_create(
        ItemForecast(
            issue=issue, department=department, product=product, expected=[mean] * HORIZON, quantiles=[levels] * HORIZON
        )
        for product, (mean, levels) in products.items()
    )
    wanted, found = agreed or (None, None)
    ItemAgreement.objects.create(
        issue=issue,
        department=department,
        cutoff=issue.data_as_of,
        wanted=[wanted] * HORIZON,
        found=[found] * HORIZON,
        factor=[1.0] * HORIZON,
    )
    return issue
