"""Sales that may have been recorded twice: the same product, quantity and total within five minutes. Never dropped."""

import datetime as dt
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, Window
from django.db.models.functions import Lag

from items.lines import Line
from items.models import SaleLine
from items.querysets import LineQuerySet

CLOSE = dt.timedelta(minutes=5)
_COMPARED = ("transaction_id", "channel", "payment_method", "customer", "location")


class Pair(NamedTuple):
    """`position`: of the line in question; `match_confidence`: from 0 to 1."""

    position: int
    existing: UUID
    match_confidence: float


def like_stored(ids: Sequence[UUID], lines: Sequence[Line]) -> list[Pair]:
    """Which of these lines look like another one that stands, or like one before them among these; the likest of each.

    `ids`: what each line is called in the store, whether it is there already or not.
    """
    timed = [line for line in lines if line.sold_at]
    if not timed:
        return []
    rows = SaleLine.objects.standing().filter(
        department__in={line.department for line in timed},
        date__in={line.date for line in timed},
        product__in={line.product for line in timed},
        sold_at__isnull=False,
    )
    positions = {pk: position for position, pk in enumerate(ids)}
    found: dict[tuple[Any, ...], list[Any]] = {}
    named = ("id", "department_id", "product_id", "quantity", "total", "sold_at", *_COMPARED)
    for row in rows.values_list(*named, named=True):
        found.setdefault((row.department_id, row.product_id, row.quantity, row.total), []).append(row)
    pairs = []
    for position, (pk, line) in enumerate(zip(ids, lines, strict=True)):
        others = found.get((line.department, line.product, line.quantity, line.total), []) if line.sold_at else []
        likest = [
            (confidence(line, other), other.id)
            for other in others
            if other.id != pk and positions.get(other.id, -1) < position and _close(line, other)
        ]
        if likest:
            sure, existing = max(likest)
            pairs.append(Pair(position, existing, sure))
    return pairs


def stored_pairs(rows: LineQuerySet) -> Any:
    """Those of `rows` that come within five minutes after another one like them, with that one's id and instant.

    Rows as dicts: id, department_id, product_id, date, quantity, total, sold_at, existing_id, existing_sold_at and what
    `confidence` compares, of both.
    """
    same = ["department_id", "product_id", "quantity", "total"]

    def before(name: str) -> Window:
        return Window(Lag(name), partition_by=[F(one) for one in same], order_by=[F("sold_at").asc(), F("id").asc()])

    known = rows.standing().filter(sold_at__isnull=False, total__isnull=False)
    found = known.annotate(
        existing_id=before("id"),
        existing_sold_at=before("sold_at"),
        **{f"existing_{name}": before(name) for name in _COMPARED},
    ).filter(
        Q(existing_transaction_id="") | ~Q(transaction_id=F("existing_transaction_id")),
        existing_id__isnull=False,
        sold_at__lte=F("existing_sold_at") + CLOSE,
    )
    return found.order_by("-sold_at", "id").values(
        "id", *same, "date", "sold_at", "existing_id", "existing_sold_at", *_COMPARED,
        *(f"existing_{name}" for name in _COMPARED),
    )  # fmt: skip


def pair_confidence(row: dict[str, Any]) -> float:
    """Of a row of `stored_pairs`."""
    one, other = (
        SimpleNamespace(sold_at=row[f"{which}sold_at"], **{name: row[which + name] for name in _COMPARED})
        for which in ("", "existing_")
    )
    return confidence(one, other)


def confidence(one: Any, other: Any) -> float:
    """How likely two sales that are alike are one: how close they are, and what else is the same."""
    seconds = abs((one.sold_at - other.sold_at).total_seconds())
    sure = 0.5 + 0.3 * (1 - seconds / CLOSE.total_seconds())
    if one.transaction_id and other.transaction_id:
        sure -= 0.4  # two receipts: two customers, or one that was sent twice under two numbers
    sure += 0.05 * sum(getattr(one, name) == getattr(other, name) for name in ("channel", "payment_method", "location"))
    sure += 0.05 * (bool(one.customer) and one.customer == other.customer)
    return float(round(min(max(sure, 0.05), 1.0), 2))


def _close(line: Line, other: Any) -> bool:
    assert line.sold_at
    same_receipt = line.transaction_id and line.transaction_id == other.transaction_id
    return not same_receipt and abs(line.sold_at - other.sold_at) <= CLOSE
