"""Quantities that a person types, by product and day: lines of the source "By hand"."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts.models import User
from departments.models import Department
from items.choices import Channel, MadeFor
from items.keys import line_id
from items.lines import Line
from items.models import ItemDay, ItemSource, Product, ProductDay, SaleLine
from items.sources import by_hand
from items.store import Stored, remove_lines, store_lines

SUGGESTED_DAYS = 28


@transaction.atomic
def enter_quantities(
    department: Department, date: dt.date, quantities: Mapping[UUID, Decimal | None], *, user: User
) -> Stored:
    """Store what was sold of each product on the date; None takes back what had been entered."""
    source = by_hand(department.organisation)
    lines = [
        Line(
            external_id=_external_id(department, product),
            department=department.pk,
            product=product,
            date=date,
            quantity=quantity,
            channel=Channel.MANUAL,
        )
        for product, quantity in quantities.items()
        if quantity is not None
    ]
    gone = [
        line_id(source.pk, date, _external_id(department, product))
        for product, quantity in quantities.items()
        if quantity is None
    ]
    return store_lines(source, lines, user=user) + remove_lines(source, gone, user=user)


def entered(department: Department, date: dt.date) -> dict[UUID, Decimal]:
    """{product: quantity} as typed for the date."""
    rows = SaleLine.objects.standing().filter(
        connection__items__made_for=MadeFor.HAND, department=department, date=date
    )
    return {row.product_id: row.quantity for row in rows if row.external_id == _external_id(department, row.product_id)}


def delivered(department: Department, date: dt.date) -> tuple[str, dict[UUID, Decimal]]:
    """The name of the source that counts on the date, if it is another, and its {product: quantity}."""
    day = ItemDay.objects.filter(department=department, date=date).counted().select_related("connection").first()
    if day is None or ItemSource.objects.filter(pk=day.connection_id, made_for=MadeFor.HAND).exists():
        return "", {}
    rows = ProductDay.objects.filter(department=department, date=date)
    return str(day.connection), dict(rows.values_list("product", "quantity"))


def usual_products(department: Department, date: dt.date) -> list[Product]:
    """Active products the department sold in the last weeks, by name."""
    since = date - dt.timedelta(days=SUGGESTED_DAYS)
    sold = ProductDay.objects.filter(department=department).between(since, date).values("product")
    return list(Product.objects.filter(organisation=department.organisation_id, pk__in=sold).active())


def _external_id(department: Department, product: UUID) -> str:
    return f"{department.pk}|{product}"
