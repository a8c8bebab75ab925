"""Sales by product and day, as a program pushes them every night: what came replaces what stood of product and date."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import User
from items.checks import QUANTITY, Unfit, date, number, positive, present, showable, storable, text
from items.lines import Line
from items.models import ItemSource, Product
from items.places import Places
from items.products import resolve
from items.store import Stored, store_lines

MOST_RECORDS = 100_000
LONGEST_CODE = 60
LONGEST_NOTES = 2000
SALES = "sales_by_product_code"

# Department and date of a sale.
Place = tuple[UUID, dt.date]


@dataclass(frozen=True)
class Sale:
    """What one record says: how many pieces were sold."""

    department: UUID
    date: dt.date
    quantity: Decimal
    notes: str


@dataclass(frozen=True)
class Taken:
    """The records of a product that are fit to be stored."""

    code: str
    product: UUID
    name: str
    sales: list[Sale]


@dataclass(frozen=True)
class Refused:
    code: str
    records: int
    why: Unfit


@dataclass(frozen=True)
class Push:
    """A body that was read: the products that are taken, and those that are refused as a whole."""

    taken: list[Taken] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(len(one.sales) for one in self.taken)

    @property
    def refused_records(self) -> int:
        return sum(one.records for one in self.refused)

    @property
    def dates(self) -> list[dt.date]:
        return [sale.date for one in self.taken for sale in one.sales]

    def lines(self) -> list[Line]:
        """One per product, department and date; what came of the same adds up."""
        found: dict[tuple[UUID, Place], list[Sale]] = {}
        for one in self.taken:
            for sale in one.sales:
                found.setdefault((one.product, (sale.department, sale.date)), []).append(sale)
        return [
            Line(
                # Of the product, not of its code: a product that gets another code stays one line.
                external_id=f"{product}|{department}",
                department=department,
                product=product,
                date=day,
                quantity=sum((sale.quantity for sale in sales), Decimal(0)),
                notes="; ".join(dict.fromkeys(filter(None, (sale.notes for sale in sales))))[:LONGEST_NOTES],
            )
            for (product, (department, day)), sales in found.items()
        ]


def read_push(body: Any, source: ItemSource, places: Places) -> Push:
    """What a body says. Raises Unfit for one that is no push at all; a product with an unfit record is refused whole.

    Needs a transaction: what the source calls its products is remembered.
    """
    if not isinstance(body, Mapping):
        raise Unfit("item_not_an_object", SALES)
    given = body.get(SALES)
    if not isinstance(given, Mapping):
        raise Unfit("item_required" if given is None else "item_not_an_object", SALES)
    counts = {code: len(records) if isinstance(records, list) else 1 for code, records in given.items()}
    if sum(counts.values()) > MOST_RECORDS:
        raise Unfit("item_too_many", SALES, most=MOST_RECORDS)
    products = _products(source, given)
    push = Push()
    for code, records in given.items():
        try:
            product = products.get(code)
            if product is None:
                raise Unfit("item_unknown_code", "product_code", product=showable(code)[:LONGEST_CODE])
            sales = list(_sales(records, body.get("department_id"), places))
            push.taken.append(Taken(code, product.pk, product.name, sales))
        except Unfit as no:
            push.refused.append(Refused(showable(code), counts[code], no))
    return push


def store_push(source: ItemSource, push: Push, *, user: User) -> Stored:
    """Raises Unfit where the records of a product and date add up to more than can be kept."""
    lines = push.lines()
    for line in lines:
        number(line.quantity, "quantity_sold", QUANTITY)
    return store_lines(source, lines, user=user)


def _products(source: ItemSource, codes: Mapping[str, Any]) -> dict[str, Product]:
    known = resolve(source, [code for code in codes if code and len(code) <= LONGEST_CODE and storable(code)])
    rows = Product.objects.in_bulk(set(known.values()))
    return {code: rows[product] for code, product in known.items()}


def _sales(records: Any, department: Any, places: Places) -> Iterator[Sale]:
    if not isinstance(records, list):
        raise Unfit("item_not_a_list", SALES)
    for position, record in enumerate(records, 1):
        try:
            yield read_sale(record, department, places)
        except Unfit as no:
            what = {"code": no.code, "params": no.params}
            raise Unfit("item_in_record", no.field, what=what, number=position) from None


def read_sale(record: Any, department: Any, places: Places) -> Sale:
    """`department`: of a record that names none. Raises Unfit."""
    if not isinstance(record, Mapping):
        raise Unfit("item_not_an_object", "sale")
    place = places.find(record.get("department_id", department))
    return Sale(
        department=place.pk,
        date=date(present(record, "sale_date"), "sale_date", today=places.today(place), since=places.since),
        quantity=positive(present(record, "quantity_sold"), "quantity_sold"),
        notes=text(record.get("notes"), "notes", LONGEST_NOTES),
    )
