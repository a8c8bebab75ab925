"""What products cost, by the date from which they do."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from departments.models import Connection, SourceDepartment
from departments.timing import organisation_today
from items.catalogue.counted import Counted
from items.catalogue.lists import BATCH, write_changed
from items.choices import PriceKind
from items.models import Price, Product, SourceProduct
from sources.iiko.types import RemotePrice

Key = tuple[UUID, Any, date]


def note_default_prices(connection: Connection, products: Iterable[Product]) -> None:
    """The price in a product's card has no date of its own: it counts from the day on which it was first seen."""
    today = organisation_today(connection.organisation)
    wanted = {(product.pk, None, today): product.default_price for product in products}
    _write(connection, wanted, Counted())


@transaction.atomic
def store_prices(connection: Connection, remote: Sequence[RemotePrice], first: date) -> Counted:
    """What the server's price lists say of the days from `first` on.

    What a list from `first` on no longer names is taken back, unless there is no list at all: a server may keep prices
    in the cards of products alone. A person's price, and another server's, stays.
    """
    counted = Counted()
    products = dict(SourceProduct.objects.filter(connection=connection).values_list("external_id", "product"))
    places = SourceDepartment.objects.filter(connection=connection, valid_to=None).exclude(department=None)
    departments: dict[str | None, UUID | None] = {None: None, **dict(places.values_list("external_id", "department"))}
    wanted: dict[Key, Any] = {}
    lost = 0
    for row in remote:
        if row.product_id in products and row.department_id in departments:
            wanted[products[row.product_id], departments[row.department_id], row.from_date] = row.amount
        else:
            lost += 1
    if lost:
        counted.note("catalogue_prices_of_nobody", source=connection.name, n=lost)
    counted.found += len(wanted)
    _write(connection, wanted, counted)
    if remote:
        standing = Price.objects.filter(connection=connection, kind=PriceKind.SALE, from_date__gte=first)
        rows = standing.exclude(department=None).values_list("pk", "product", "department", "from_date")
        gone = [pk for pk, *key in rows if tuple(key) not in wanted]
        Price.objects.filter(pk__in=gone).delete()
        counted.changed += len(gone)
    return counted


def _write(connection: Connection, wanted: dict[Key, Any], counted: Counted) -> None:
    known: dict[Key, Price] = {}
    products = list({key[0] for key in wanted})
    for start in range(0, len(products), BATCH):
        for row in Price.objects.filter(product__in=products[start : start + BATCH], kind=PriceKind.SALE):
            known[row.product_id, row.department_id, row.from_date] = row
    fresh, moved = [], []
    for key, amount in wanted.items():
        row = known.get(key)
        if row is None:
            product, department, from_date = key
            fresh.append(
                Price(
                    organisation_id=connection.organisation_id,
                    connection=connection,
                    product_id=product,
                    department_id=department,
                    from_date=from_date,
                    amount=amount,
                )
            )
        elif row.connection_id == connection.pk and row.amount != amount:
            row.amount = amount
            moved.append(row)
    Price.objects.bulk_create(fresh, batch_size=BATCH)
    write_changed(moved, ["amount"])
    counted.created += len(fresh)
    counted.changed += len(moved)
    counted.unchanged += len(wanted) - len(fresh) - len(moved)
