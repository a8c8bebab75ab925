"""Single sales as people and tills send them: read, checked, given an identity."""

import datetime as dt
import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from accounts.models import Organisation
from items.checks import (
    MONEY,
    QUANTITY,
    Unfit,
    date,
    extra,
    identifier,
    instant,
    not_negative,
    number,
    positive,
    present,
    storable,
    text,
)
from items.choices import Channel
from items.lines import Line
from items.models import Product
from items.places import Places
from runs import clock

MOST_RECORDS = 10_000
LONGEST_METADATA = 10_000
# A till's clock may be ahead of ours by so much.
AHEAD = dt.timedelta(minutes=5)
_TEXTS = {"location": 255, "customer_id": 100, "transaction_id": 100, "payment_method": 50, "notes": 2000}


@dataclass(frozen=True)
class Read:
    """What became of one record: a line, or why it is none."""

    line: Line | None = None
    errors: list[Unfit] = field(default_factory=list)


class Reader:
    """Reads the records of one request. `products` are looked up once for all of them."""

    def __init__(self, organisation: Organisation, places: Places, records: Iterable[Any]) -> None:
        self._organisation, self._places = organisation, places
        ids, codes = (_texts_of(records, name) for name in ("product_id", "product_code"))
        rows = Product.objects.filter(organisation=organisation)
        self._by_id = set(rows.filter(pk__in=_uuids(ids)).values_list("pk", flat=True))
        self._by_code: dict[str, UUID] = dict(rows.filter(code__in=codes).values_list("code", "pk"))
        self._occurrences: Counter[tuple[dt.date, str]] = Counter()
        self._now = clock.now()

    def read(self, record: Any, *, kept: tuple[str, dt.date] | None = None) -> Read:
        """`kept`: the identity and date of the line that the record replaces."""
        if not isinstance(record, Mapping):
            return Read(errors=[Unfit("item_not_an_object", "record")])
        errors: list[Unfit] = []

        def take(check: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            try:
                return check(*arguments, **named)
            except Unfit as no:
                errors.append(no)
                return None

        texts = {name: take(text, record.get(name), name, most) or "" for name, most in _TEXTS.items()}
        department = take(self._places.find, record.get("department_id"), texts["location"])
        product = take(self._product, record)
        today = self._places.today(department) if department else dt.date.max
        day = take(lambda: date(present(record, "sale_date"), "sale_date", today=today, since=self._places.since))
        take(self._same_organisation, record.get("tenant_id"))
        quantity = take(lambda: positive(present(record, "quantity"), "quantity", QUANTITY))
        amounts = self._amounts(record, quantity, take)
        sold_at = None
        if department and day and record.get("sale_timestamp") not in (None, ""):
            sold_at = take(self._instant, record["sale_timestamp"], day, self._places.zone(department))
        currency = take(_currency, record.get("currency"))
        channel = take(text, record.get("channel"), "channel", 50)
        metadata = take(extra, record.get("metadata"), "metadata", LONGEST_METADATA)
        if kept and day and day != kept[1]:
            errors.append(Unfit("item_date_stays", "sale_date"))
        name = None if kept else take(self._name, record, department, product, day, texts["transaction_id"])
        if errors:
            return Read(errors=errors)
        line = Line(
            external_id=kept[0] if kept else str(name),
            department=department.pk,
            product=product,
            date=day,
            sold_at=sold_at,
            hour=sold_at and sold_at.astimezone(self._places.zone(department)).hour,
            quantity=quantity,
            currency=currency or department.currency or self._organisation.currency,
            channel=channel or Channel.POS.value,
            location=texts["location"],
            customer=texts["customer_id"],
            transaction_id=texts["transaction_id"],
            payment_method=texts["payment_method"],
            notes=texts["notes"],
            metadata=metadata,
            **amounts,
        )
        return Read(line)

    def _product(self, record: Mapping[str, Any]) -> UUID:
        if record.get("product_id") in (None, "") and record.get("product_code"):
            code = record["product_code"]
            if not isinstance(code, str) or code not in self._by_code:
                raise Unfit("item_unknown_code", "product_code")
            return self._by_code[code]
        product = identifier(present(record, "product_id"), "product_id")
        if product not in self._by_id:
            raise Unfit("item_unknown_product", "product_id")
        return product

    def _same_organisation(self, value: Any) -> None:
        if value is not None and identifier(value, "tenant_id") != self._organisation.pk:
            raise Unfit("item_other_tenant", "tenant_id")

    def _amounts(self, record: Mapping[str, Any], quantity: Decimal | None, take: Any) -> dict[str, Decimal | None]:
        """What it cost: `total` after the discount, `gross` before it. A total that is not told is worked out."""

        def given(name: str) -> Decimal | None:
            value = record.get(name)
            return None if value is None or value == "" else take(not_negative, value, name)

        price = take(lambda: not_negative(present(record, "unit_price"), "unit_price"))
        discount, tax, total = given("discount_amount") or Decimal(0), given("tax_amount"), given("total_amount")
        told = record.get("total_amount") not in (None, "")
        if not told and price is not None and quantity is not None:
            total = (price * quantity - discount).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        gross = None if total is None else total + discount
        if total is not None and (discount > total if told else total < 0):
            take(_refuse, Unfit("item_discount_too_large", "discount_amount"))
        elif gross is not None:
            take(number, gross, "total_amount", MONEY)
        return {"unit_price": price, "discount": discount, "tax": tax, "total": total, "gross": gross}

    def _instant(self, value: Any, day: dt.date, zone: Any) -> dt.datetime:
        found = instant(value, "sale_timestamp", zone)
        if found > self._now + AHEAD:
            raise Unfit("item_future", "sale_timestamp")
        # A bill of after midnight belongs to the business date before.
        if found.astimezone(zone).date() - day not in (dt.timedelta(0), dt.timedelta(days=1)):
            raise Unfit("item_other_day", "sale_timestamp")
        return found

    def _name(self, record: Any, department: Any, product: Any, day: dt.date | None, receipt: str) -> str:
        """What the record is called among those of its date, so that it is known when it comes again.

        Its own `external_id`; else its receipt and `line_number`; else the receipt and the how-manieth of its product.
        A record without any of these is new each time it comes.
        """
        own = text(record.get("external_id"), "external_id", 100)
        line = record.get("line_number")
        if line is not None and (isinstance(line, bool) or not isinstance(line, int) or not 0 <= line < 10**6):
            raise Unfit("item_not_a_number", "line_number")
        if own:
            return f"={own}"
        if not receipt:
            return uuid.uuid4().hex
        branch = department.pk.hex[:12] if department else ""
        if line is not None:
            return _short(f"{branch}|{receipt}/{line}")
        name = f"{branch}|{receipt}/{product}"
        self._occurrences[day or dt.date.min, name] += 1
        return _short(f"{name}.{self._occurrences[day or dt.date.min, name]}")


def records_of(body: Any) -> list[Any]:
    """The records of a body: a list of them, or an object whose `records` are one. Raises Unfit."""
    records = body.get("records") if isinstance(body, Mapping) else body
    if records is None:
        raise Unfit("item_required", "records")
    if not isinstance(records, list):
        raise Unfit("item_not_a_list", "records")
    if len(records) > MOST_RECORDS:
        raise Unfit("item_too_many", "records", most=MOST_RECORDS)
    return records


def _texts_of(records: Iterable[Any], name: str) -> set[str]:
    values = {
        record.get(name) for record in records if isinstance(record, Mapping) and isinstance(record.get(name), str)
    }
    return {value for value in values if value and storable(value)}


def _short(name: str) -> str:
    """As long as an identity may be."""
    return name if len(name) <= 120 else hashlib.sha256(name.encode()).hexdigest()


def _currency(value: Any) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise Unfit("item_bad_currency", "currency")
    return value


def _refuse(no: Unfit) -> None:
    raise no


def _uuids(texts: Iterable[str]) -> set[UUID]:
    found = set()
    for one in texts:
        try:
            found.add(UUID(one))
        except ValueError:
            continue
    return found
