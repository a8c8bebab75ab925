"""From checked columns to lines with an identity of their own."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from items.choices import Channel
from items.imports.spool import Columns

Day = tuple[UUID, dt.date]
CLOSE = dt.timedelta(minutes=5)
_KEPT = (
    "department", "product", "date", "sold_at", "hour", "quantity", "unit_price", "gross", "discount", "tax", "total",
)  # fmt: skip
_TEXTS = ("currency", "location", "customer", "transaction_id", "payment_method", "notes")


def lines_of(columns: Columns) -> Columns:
    """Lines as `items.store.store_lines` takes them."""
    lines: Columns = {name: columns[name] for name in _KEPT if name in columns}
    lines |= {name: [text or "" for text in columns[name]] for name in _TEXTS if name in columns}
    if "channel" in columns:
        lines["channel"] = [text or Channel.POS.value for text in columns["channel"]]
    return lines | {"external_id": identities(columns)}


def identities(columns: Columns) -> list[str]:
    """What a line is called within its business date.

    Receipt and line number, where there are receipts; otherwise the n-th occurrence of the product in the department.
    """
    rows = len(columns["date"])
    receipts, numbers = _texts(columns, "transaction_id", rows), _texts(columns, "line", rows)
    counts: Counter[Any] = Counter()
    found = []
    for date, department, product, receipt, number in zip(
        columns["date"], columns["department"], columns["product"], receipts, numbers, strict=True
    ):
        if not receipt:
            name = f"{department.hex}|{product.hex}|"
        else:
            name = f"{department.hex[:12]}|{receipt}/"
            if number:
                found.append(name + number)
                continue
        key = (date, name)
        counts[key] += 1
        found.append(f"{name}{counts[key]}")
    return found


def _texts(columns: Columns, name: str, rows: int) -> Sequence[str]:
    return columns.get(name) or [""] * rows


def days_of(columns: Columns) -> set[Day]:
    """The (department, date)s of the lines."""
    return set(zip(columns["department"], columns["date"], strict=True))


def possible_repeats(columns: Columns) -> int:
    """How many lines are like another one, of another receipt and less than five minutes before."""
    if "sold_at" not in columns:
        return 0
    rows = len(columns["date"])
    receipts, totals = _texts(columns, "transaction_id", rows), columns.get("total") or [None] * rows
    newest: dict[tuple[Any, ...], tuple[dt.datetime, str]] = {}
    found = 0
    moments = columns["sold_at"]
    for row in sorted((row for row in range(rows) if moments[row]), key=lambda row: moments[row]):
        key = (columns["department"][row], columns["product"][row], columns["quantity"][row], totals[row])
        before = newest.get(key)
        if before and moments[row] - before[0] <= CLOSE and (not receipts[row] or receipts[row] != before[1]):
            found += 1
        newest[key] = (moments[row], receipts[row] or "")
    return found
