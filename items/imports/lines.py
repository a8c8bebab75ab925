"""From checked columns to lines with an identity of their own."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
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
    """Lines as `items.store.store_lines` takes them, those of a department's day together: so they are read back."""
    lines: Columns = {name: columns[name] for name in _KEPT if name in columns}
    lines |= {name: [text or "" for text in columns[name]] for name in _TEXTS if name in columns}
    if "channel" in columns:
        lines["channel"] = [text or Channel.POS.value for text in columns["channel"]]
    lines["external_id"] = identities(columns)
    places = list(zip(lines["department"], lines["date"], strict=True))
    in_order = sorted(range(len(places)), key=places.__getitem__)
    return {name: list(map(values.__getitem__, in_order)) for name, values in lines.items()}


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
            name = f"{department}|{product}|"
        else:
            name = f"{department[:12]}|{receipt}/"
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
    return {
        (UUID(department), date) for department, date in set(zip(columns["department"], columns["date"], strict=True))
    }


def possible_repeats(columns: Columns) -> int:
    """How many lines are like another one, of another receipt and less than five minutes before."""
    if "sold_at" not in columns:
        return 0
    rows = len(columns["date"])
    receipts, totals = _texts(columns, "transaction_id", rows), columns.get("total") or [None] * rows
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    said = zip(columns["department"], columns["product"], columns["quantity"], totals, columns["sold_at"], strict=True)
    for row, (*key, moment) in enumerate(said):
        if moment:
            alike[tuple(key)].append(row)
    found = 0
    for same in alike.values():
        if len(same) == 1:
            continue
        moments = sorted((dt.datetime.fromisoformat(columns["sold_at"][row]), row) for row in same)
        for (before, first), (after, second) in pairwise(moments):
            if after - before <= CLOSE and (not receipts[second] or receipts[second] != receipts[first]):
                found += 1
    return found
