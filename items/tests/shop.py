"""A small chain that sells items, and the sums of its lines added up by Python alone."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organisation
from departments.models import Department
from items.lines import Line
from items.models import ItemDay, ItemSource, Product, ProductDay, ProductMonth, SaleLine, SalesProduct
from items.sources import item_source
from sales.models import ObservedDay, SalesByHour, SalesSummary

DAY = dt.date(2026, 3, 18)
NEXT = dt.date(2026, 3, 19)
APRIL = dt.date(2026, 4, 2)


@dataclass
class Shop:
    organisation: Organisation
    till: ItemSource
    cafe: Department
    bar: Department
    latte: Product
    bun: Product

    def line(self, external_id: str, quantity: Any = "1", total: Any = None, **other: Any) -> Line:
        """A line of the cafe's latte on DAY unless told otherwise."""
        known = {"department": self.cafe.pk, "product": self.latte.pk, "date": DAY, **other}
        money = None if total is None else Decimal(total)
        return Line(external_id=external_id, quantity=Decimal(quantity), total=money, **known)


@contextmanager
def few_are(number: int) -> Iterator[None]:
    """More lines or days than these are written as many are."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("staging", "store", "rollup"):
            patch.setattr(f"items.{module}.FEW", number)
        yield


def open_shop() -> Shop:
    organisation = Organisation.objects.create(name=f"Chain {uuid.uuid4()}")
    cafe, bar = (Department.objects.create(organisation=organisation, name=name) for name in ("Cafe", "Bar"))
    latte, bun = (
        Product.objects.create(organisation=organisation, code=code, name=name)
        for code, name in (("L-1", "Latte"), ("B-1", "Bun"))
    )
    return Shop(organisation, item_source(organisation, "till"), cafe, bar, latte, bun)


def disagreements(organisation: Organisation) -> list[str]:
    """Where roll-ups, observations or published sales are not the sums of the standing lines. Nothing of it is SQL."""
    lines = list(SaleLine.objects.filter(organisation=organisation, is_deleted=False))
    item_days = _summed(lines, lambda line: (line.department_id, line.date, line.connection_id))
    found = _compared(
        "item_days",
        item_days,
        {
            (r.department_id, r.date, r.connection_id): _figures(r)
            for r in ItemDay.objects.filter(organisation=organisation)
        },
    )
    counted = {
        (r.department_id, r.date): r.connection_id for r in ItemDay.objects.filter(organisation=organisation).counted()
    }
    if set(counted) != {(line.department_id, line.date) for line in lines}:
        found.append("counted: not one source a day")
    told = [line for line in lines if counted.get((line.department_id, line.date)) == line.connection_id]
    days = _summed(told, lambda line: (line.department_id, line.date, line.product_id))
    rows = ProductDay.objects.filter(organisation=organisation)
    found += _compared("product_days", days, {(r.department_id, r.date, r.product_id): _figures(r) for r in rows})
    months: dict[Any, Any] = {}
    for (department, date, product), figures in days.items():
        _add(months, (department, date.replace(day=1), product), figures)
    rows = ProductMonth.objects.filter(organisation=organisation)
    found += _compared("product_months", months, {(r.department_id, r.month, r.product_id): _figures(r) for r in rows})
    products: dict[Any, Any] = {}
    for (_department, _month, product), (count, _receipts, quantity, revenue, _gross) in months.items():
        _add(products, product, (count, None, quantity, revenue, None))
    last = {product: max(d for _dep, d, p in days if p == product) for _dep, _date, product in days}
    found += _compared(
        "sales_products",
        {product: (last[product], figures[0], figures[2], figures[3]) for product, figures in products.items()},
        {
            r.product_id: (r.last_sale_date, r.total_sales_count, r.total_quantity, r.total_revenue)
            for r in SalesProduct.objects.filter(organisation=organisation)
        },
    )
    return found + _unpublished(organisation, item_days)


def _unpublished(organisation: Organisation, item_days: dict[Any, Any]) -> list[str]:
    """Of sources whose lines are all priced."""
    observed = {
        (r.department_id, r.date, r.connection_id): (r.orders, r.revenue, r.gross)
        for r in ObservedDay.objects.filter(organisation=organisation)
    }
    wanted = {key: (f[1], f[3], f[4]) for key, f in item_days.items() if f[3] is not None}
    found = _compared("observed", wanted, {key: f for key, f in observed.items() if f[1] is not None})
    for day in SalesSummary.objects.filter(organisation=organisation):
        if observed.get((day.department_id, day.date, day.connection_id)) != (day.orders, day.revenue, day.gross):
            found.append(f"published {day}: {day.revenue}")
        hours = list(SalesByHour.objects.filter(department=day.department_id, date=day.date))
        if hours and sum(hour.sales_amount for hour in hours) != day.total_sales:
            found.append(f"hours of {day}")
    return found


def _summed(lines: list[SaleLine], key: Any) -> dict[Any, Any]:
    grouped = defaultdict(list)
    for line in lines:
        grouped[key(line)].append(line)
    return {
        key: (
            len(rows),
            len({row.transaction_id for row in rows}) if all(row.transaction_id for row in rows) else None,
            sum((row.quantity for row in rows), Decimal(0)),
            _all([row.total for row in rows]),
            _all([row.gross for row in rows]),
        )
        for key, rows in grouped.items()
    }


def _all(amounts: list[Decimal | None]) -> Decimal | None:
    return None if None in amounts else sum(amounts, Decimal(0))


def _add(sums: dict[Any, Any], key: Any, figures: Any) -> None:
    old = sums.get(key)
    sums[key] = (
        figures
        if old is None
        else tuple(None if None in pair else sum(pair) for pair in zip(old, figures, strict=True))
    )


def _figures(row: Any) -> tuple[Any, ...]:
    return row.lines, row.receipts, row.quantity, row.revenue, row.gross


def _compared(what: str, wanted: dict[Any, Any], stands: dict[Any, Any]) -> list[str]:
    return [
        f"{what} {key}: {stands.get(key)}, should be {wanted.get(key)}"
        for key in {**wanted, **stands}
        if wanted.get(key) != stands.get(key)
    ]
