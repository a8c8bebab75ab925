"""From checked columns to lines with an identity of their own."""

import datetime as dt
from typing import Any
from uuid import UUID

import numpy as np

from items.choices import Channel
from items.coded import Coded, count_up, pairs, together
from items.imports.spool import Columns

Day = tuple[UUID, dt.date]
Lines = dict[str, Any]
CLOSE = 5 * 60  # seconds
_KEPT = (
    "department", "product", "date", "sold_at", "hour", "quantity", "unit_price", "gross", "discount", "tax", "total",
)  # fmt: skip
_TEXTS = ("currency", "location", "customer", "transaction_id", "payment_method", "notes")


def lines_of(columns: Columns) -> Lines:
    """Lines as `items.store.store_lines` takes them, those of a department's day together: so they are read back."""
    dates, departments = (columns[name].numbers(_rank(columns[name])) for name in ("date", "department"))
    order = np.lexsort((dates, departments))
    names = identities(columns)
    lines: Lines = {"external_id": [names[place] for place in order.tolist()]}
    for name, column in columns.items():
        if name in _TEXTS:
            column = column.mapped(lambda text: text or "")
        elif name == "channel":
            column = column.mapped(lambda text: text or Channel.POS.value)
        elif name not in _KEPT:
            continue
        lines[name] = Coded(column.values, column.codes[order])
    return lines


def _rank(column: Coded) -> Any:
    """Of a value, its place in the order of all."""
    return {value: place for place, value in enumerate(sorted(column.values))}.__getitem__


def identities(columns: Columns) -> list[str]:
    """What a line is called within its business date.

    Receipt and line number, where there are receipts; otherwise the n-th occurrence of the product in the department.
    """
    rows = len(columns["date"])
    receipts, numbers = _texts(columns, "transaction_id", rows), _texts(columns, "line", rows)
    departments = columns["department"]
    by_receipt, numbered = receipts.numbers(bool) == 1, numbers.numbers(bool) == 1
    # A line that says its number is not counted among the others of its receipt.
    shops = departments.mapped(lambda text: text[:12])
    of_receipt = together([columns["date"], shops, receipts, numbers.mapped(bool)])
    of_product = together([columns["date"], departments, columns["product"]])
    counted = count_up(np.where(by_receipt, of_receipt, -1 - of_product)).tolist()
    shown = [text if has else count for text, has, count in zip(numbers, numbered.tolist(), counted, strict=True)]
    if by_receipt.all():
        return [f"{shop}|{receipt}/{number}" for shop, receipt, number in zip(shops, receipts, shown, strict=True)]
    return [
        f"{department[:12]}|{receipt}/{number}" if receipt else f"{department}|{product}|{count}"
        for department, product, receipt, number, count in zip(
            departments, columns["product"], receipts, shown, counted, strict=True
        )
    ]


def _texts(columns: Columns, name: str, rows: int) -> Coded:
    return columns[name].mapped(lambda text: text or "") if name in columns else Coded.all_one("", rows)


def days_of(columns: Columns) -> set[Day]:
    """The (department, date)s of the lines."""
    return {(UUID(department), date) for department, date in pairs(columns["department"], columns["date"])}


def possible_repeats(columns: Columns) -> int:
    """How many lines are like another one, of another receipt and less than five minutes before."""
    if "sold_at" not in columns:
        return 0
    moments = columns["sold_at"].numbers(_seconds)
    receipts = _texts(columns, "transaction_id", len(moments))
    alike = together([columns[name] for name in ("department", "product", "quantity", "total") if name in columns])
    order = np.lexsort((moments, alike))  # stable: of one moment in the order of the file
    order = order[moments[order] != NEVER]
    before, after = order[:-1], order[1:]
    close = (alike[before] == alike[after]) & (moments[after] - moments[before] <= CLOSE)
    nameless = receipts.numbers(bool)[after] == 0
    return int(np.count_nonzero(close & (nameless | (receipts.codes[before] != receipts.codes[after]))))


NEVER = -(1 << 62)


def _seconds(moment: str | None) -> int:
    return int(dt.datetime.fromisoformat(moment).timestamp()) if moment else NEVER
