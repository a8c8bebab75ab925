"""Lines on their way into the store: what a caller hands in, as columns of plain values."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from items.coded import Coded, distinct

Columns = Mapping[str, Sequence[Any]]


class Line(NamedTuple):
    """What one line of a source says. What the source does not know is None, or empty for a text.

    `external_id` together with connection and date is the line's identity; `hour` is the department's clock hour,
    `sold_at` an instant with a zone; `total` after discounts, `gross` before.
    """

    external_id: str
    department: UUID
    product: UUID
    date: dt.date
    sold_at: dt.datetime | None = None
    hour: int | None = None
    quantity: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    gross: Decimal | None = None
    discount: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None
    currency: str = ""
    channel: str = "pos"
    location: str = ""
    customer: str = ""
    transaction_id: str = ""
    payment_method: str = ""
    notes: str = ""
    metadata: dict[str, Any] | None = None


NEEDED = ("external_id", "department", "product", "date", "quantity")
EXACT = ("quantity", "unit_price", "gross", "discount", "tax", "total")


def columns_of(lines: Iterable[Line] | Columns) -> Columns:
    """The columns of lines, or columns named like the fields of `Line`, of which some may be missing.

    Amounts and quantities are Decimal, int or decimal text, never float; in columns an id may be its 32 hexadecimal
    digits and an instant the ISO text with its offset, where a million objects would be too slow, and a column may be
    `Coded`. Raises TypeError for a float and ValueError for NaN, for an instant without a zone and for a column that is
    missing or unknown.
    """
    columns = lines if isinstance(lines, Mapping) else _of_lines(lines)
    if not columns:
        return columns
    if (missing := set(NEEDED) - set(columns)) or (missing := set(columns) - set(Line._fields)):
        raise ValueError(f"columns: {', '.join(sorted(missing))}")
    for name in EXACT:
        if name in columns:
            _check_exact(name, columns[name])
    if any(instant is not None and not _has_zone(instant) for instant in distinct(columns.get("sold_at", ()))):
        raise ValueError("sold_at needs a zone")
    return columns


def instant_of(value: dt.datetime | str) -> dt.datetime:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def _has_zone(instant: dt.datetime | str) -> bool:
    return instant[-6:-5] in ("+", "-") if isinstance(instant, str) else instant.tzinfo is not None


def _of_lines(lines: Iterable[Line]) -> Columns:
    return dict(zip(Line._fields, zip(*lines, strict=True), strict=False))


def _check_exact(name: str, column: Sequence[Any]) -> None:
    values = column.values if isinstance(column, Coded) else column
    if float in set(map(type, values)):
        raise TypeError(f"{name} is a float")
    if any(str(value).lower().lstrip("+-s") in ("nan", "inf", "infinity") for value in _odd(values)):
        raise ValueError(f"{name} is not a number")


def _odd(values: Sequence[Any]) -> list[Any]:
    """Values that do not end in a digit."""
    return [value for value in values if value is not None and str(value)[-1:] not in "0123456789"]
