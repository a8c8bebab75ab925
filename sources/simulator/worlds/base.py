"""What a simulated server tells about: a tree of nodes and cells of sales."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

KEPT, DELETED, WRITTEN_OFF = "NOT_DELETED", "DELETED", "DELETED_WITH_WRITEOFF"
# Sales up to this hour belong to the evening before.
FIRST_HOUR_OF_DAY = 5


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    parent_id: str | None
    name: str
    type: str
    code: str | None = None
    taxpayer_id: str = ""


class Cell(NamedTuple):
    """Sales of one department, business date and local hour of closing with one set of flags."""

    department_id: str | None
    date: date
    hour: int | None
    revenue: Decimal
    gross: Decimal
    orders: int
    guests: int
    order_deleted: str = KEPT
    dish_deleted: str = KEPT
    storned: bool = False


class Receipt(NamedTuple):
    """One bill: its share of a cell, the time it was closed (naive, local; None: unknown) and its number.

    `key` tells it from all others. Of a bill's line `cell` is the share of the `dish`, an article's id.
    """

    cell: Cell
    closed_at: datetime | None
    number: int
    key: str = ""
    dish: str | None = None
    quantity: Decimal = Decimal(0)


class World(Protocol):
    def departments(self) -> list[Node]: ...

    def cells(self, first: date, last: date) -> Iterable[Cell]:
        """Everything recorded of the business dates `first`..`last`, deleted and returned bills with their flags."""


Sums = tuple[Decimal, Decimal, int, int]
"""revenue, gross, orders, guests"""


def sums(cells: Iterable[Cell]) -> dict[tuple[str | None, date, int | None], Sums]:
    """What counts (returns do, deleted bills do not) by department, business date and hour: the truth to compare with."""
    found: dict[tuple[str | None, date, int | None], Sums] = {}
    for cell in cells:
        if cell.order_deleted == cell.dish_deleted == KEPT:
            key = cell.department_id, cell.date, cell.hour
            revenue, gross, orders, guests = found.get(key, (Decimal(0), Decimal(0), 0, 0))
            found[key] = revenue + cell.revenue, gross + cell.gross, orders + cell.orders, guests + cell.guests
    return found


def receipts(cells: Iterable[Cell]) -> Iterator[Receipt]:
    """Bills that add up to the cells: equal shares, the remainder on the last, spread over the hour.

    Numbers begin anew for each department and date. Money that no bill was counted for belongs to the day's last bill.
    """
    numbers: Counter[tuple[str | None, date]] = Counter()
    within: Counter[tuple[str | None, date, int | None]] = Counter()
    before: dict[tuple[object, ...], tuple[int, str]] = {}
    for cell in sorted(cells, key=lambda cell: not cell.orders):
        day, hour = (cell.department_id, cell.date), (cell.department_id, cell.date, cell.hour)
        same = (*day, cell.order_deleted, cell.dish_deleted, cell.storned)
        count = max(1, cell.orders)
        share = Cell(*cell)._replace(
            revenue=_share(cell.revenue, count),
            gross=_share(cell.gross, count),
            orders=1,
            guests=cell.guests // count,
        )
        for place in range(count):
            if cell.orders or same not in before:
                numbers[day] += 1
                within[hour] += 1
                before[same] = 1000 + numbers[day], f"{cell.department_id} {cell.date} {cell.hour} {within[hour]}"
            number, key = before[same]
            if place == count - 1:
                share = share._replace(
                    revenue=cell.revenue - share.revenue * place,
                    gross=cell.gross - share.gross * place,
                    orders=cell.orders - place,
                    guests=cell.guests - share.guests * place,
                )
            seconds = place * 3599.382 / count
            yield Receipt(share, closing_time(cell.date, cell.hour, seconds), number, key)


def session_number(day: date) -> int:
    """Of the one cash shift of a department's business date."""
    return day.toordinal() - 730_000


def _share(money: Decimal, count: int) -> Decimal:
    return (money / count).quantize(Decimal(1))


def closing_time(day: date, hour: int | None, seconds: float) -> datetime | None:
    if hour is None:
        return None
    after_midnight = timedelta(days=1) if hour < FIRST_HOUR_OF_DAY else timedelta()
    return datetime.combine(day, time(hour)) + after_midnight + timedelta(seconds=seconds)
