"""What was sold of each product over a period: how much, which share of all, and where it is going."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, F, QuerySet, When

from items.models import Product, ProductDay
from sales.money import MoneySum


@dataclass(frozen=True)
class Sold:
    """`revenue` is None when a part of it is unknown or in another currency, `share` then tells of the quantity.

    `trend`: by how much more (0.1 is ten percent) was sold in the second half of the period than in the first; None
    when nothing was sold in the first.
    """

    product: UUID
    name: str
    code: str
    quantity: Decimal
    revenue: Decimal | None
    share: float | None
    trend: float | None


@dataclass(frozen=True)
class Day:
    date: dt.date
    quantity: Decimal
    revenue: Decimal | None


@dataclass(frozen=True)
class History:
    """Products by what they brought in, days in their order. `revenue` as of `Sold`."""

    products: list[Sold]
    days: list[Day]
    quantity: Decimal
    revenue: Decimal | None


def read_history(
    days: QuerySet[ProductDay], first: dt.date, last: dt.date, currencies: Mapping[UUID, str] | None = None
) -> History:
    """What the product days come to from `first` to `last`, both included. `currencies`: {department: currency}."""
    rows: Any = days.filter(date__range=(first, last)).order_by()
    one_currency = currencies is None or _one(rows, currencies)
    half = ((last - first).days + 1) // 2
    sums = {
        "quantity_sum": MoneySum("quantity"),
        "revenue_sum": MoneySum("revenue"),
        "known": Count("revenue"),
        "rows": Count("pk"),
    }
    by_product = rows.values("product").annotate(
        **sums,
        before=MoneySum(_when(date__lt=first + dt.timedelta(days=half))),
        after=MoneySum(_when(date__gt=last - dt.timedelta(days=half))),
    )
    by_product = [row | {"revenue_sum": _known(row, one_currency)} for row in by_product]
    by_day = [
        Day(row["date"], row["quantity_sum"], _known(row, one_currency))
        for row in rows.values("date").annotate(**sums).order_by("date")
    ]
    quantity = sum((row["quantity_sum"] for row in by_product), Decimal(0))
    amounts = [row["revenue_sum"] for row in by_product]
    revenue = None if None in amounts or not amounts else sum(amounts, Decimal(0))
    names = Product.objects.in_bulk([row["product"] for row in by_product])
    measure, whole = ("quantity_sum", quantity) if revenue is None else ("revenue_sum", revenue)
    products = [
        Sold(
            product=row["product"],
            name=names[row["product"]].name,
            code=names[row["product"]].code,
            quantity=row["quantity_sum"],
            revenue=row["revenue_sum"],
            share=float(row[measure] / whole) if whole else None,
            trend=_trend(row["before"], row["after"]),
        )
        for row in by_product
    ]
    products.sort(key=lambda sold: (-(sold.quantity if revenue is None else sold.revenue or 0), sold.name))
    return History(products, by_day, quantity, revenue)


def _when(**condition: dt.date) -> Case:
    return Case(When(**condition, then=F("quantity")))


def _one(rows: Any, currencies: Mapping[UUID, str]) -> bool:
    """Whether the departments that sold share a currency."""
    if len(set(currencies.values())) < 2:
        return True
    return len({currencies.get(pk) for pk in rows.values_list("department", flat=True).distinct()}) < 2


def _known(row: Mapping[str, Any], one_currency: bool) -> Decimal | None:
    return row["revenue_sum"] if one_currency and row["known"] == row["rows"] else None


def _trend(before: Decimal | None, after: Decimal | None) -> float | None:
    return float((after or Decimal(0)) / before - 1) if before and before > 0 else None
