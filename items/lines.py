"""Lines on their way into the store: what a caller hands in, as columns of plain values."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pandas as pd

Columns = dict[str, Sequence[Any]]


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


def columns_of(lines: Iterable[Line] | pd.DataFrame) -> Columns:
    """The columns of lines or of a frame whose columns are named like the fields of `Line`; a frame may lack some.

    Amounts and quantities are Decimal, int or decimal text, never float; raises TypeError for a float and ValueError
    for NaN, for an instant without a zone and for a column that is missing or unknown.
    """
    columns = _of_frame(lines) if isinstance(lines, pd.DataFrame) else _of_lines(lines)
    if not columns:
        return columns
    if (missing := set(NEEDED) - set(columns)) or (missing := set(columns) - set(Line._fields)):
        raise ValueError(f"columns: {', '.join(sorted(missing))}")
    for name in EXACT:
        if name in columns:
            _check_exact(name, columns[name])
    if any(instant is not None and instant.tzinfo is None for instant in columns.get("sold_at", ())):
        raise ValueError("sold_at needs a zone")
    return columns


def _of_lines(lines: Iterable[Line]) -> Columns:
    columns: Columns = dict(zip(Line._fields, zip(*lines, strict=True), strict=False))
    return columns


def _of_frame(frame: pd.DataFrame) -> Columns:
    if frame.empty:
        return {}
    return {str(name): _values(frame[name]) for name in frame}


def _values(column: pd.Series) -> list[Any]:
    """The values as Python's own, None for what is missing."""
    if column.dtype.kind == "M" and column.name == "date":
        column = column.dt.date
    if column.dtype.kind == "f" and not column.isna().all():
        if column.name != "hour":
            raise TypeError(f"{column.name} is a float")
        column = column.astype("Int64")
    values: list[Any] = column.tolist()
    if column.isna().any():
        return [None if gone else value for value, gone in zip(values, column.isna().tolist(), strict=True)]
    return values


def _check_exact(name: str, values: Sequence[Any]) -> None:
    if float in set(map(type, values)):
        raise TypeError(f"{name} is a float")
    if any(str(value).lower().lstrip("+-s") in ("nan", "inf", "infinity") for value in _odd(values)):
        raise ValueError(f"{name} is not a number")


def _odd(values: Sequence[Any]) -> list[Any]:
    """Values that do not end in a digit."""
    return [value for value in values if value is not None and str(value)[-1:] not in "0123456789"]
