"""A world replayed from a file of real till lines: `store,ts,ticket,item,category,qty,unit_price` (csv or csv.gz)."""

import csv
import gzip
import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TextIO

from sources.simulator.worlds.base import Cell, Node, Receipt
from sources.simulator.worlds.menu import item_id, items_menu

STORES = uuid.uuid5(uuid.NAMESPACE_DNS, "transactions.salesforecast")
COLUMNS = {"store", "ts", "ticket", "qty", "unit_price"}


def department_id(store: str) -> str:
    return str(uuid.uuid5(STORES, store))


class _Line(NamedTuple):
    at: datetime
    item: str
    quantity: Decimal
    money: Decimal


class TransactionsWorld:
    """Department per store, business date and hour of `ts`; revenue = gross = the exact sum of qty * unit_price.

    A ticket with several times counts as one order at its first line's hour. Lines of negative quantity stay in
    their hour as negative money. An `item` is a dish, in the group of its `category`. Raises ValueError naming what is
    wrong with the file.
    """

    def __init__(self, path: str | Path) -> None:
        money: dict[tuple[str, date, int], Decimal] = defaultdict(Decimal)
        bills: dict[tuple[str, date, str], list[_Line]] = {}
        items: dict[str, tuple[str, str, Decimal]] = {}
        lines = 0
        with _open(Path(path)) as file:
            reader = csv.DictReader(file)
            if missing := COLUMNS - set(reader.fieldnames or ()):
                raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}")
            for line in reader:
                lines += 1
                try:
                    at = datetime.fromisoformat(line["ts"])
                    quantity, price = Decimal(line["qty"]), Decimal(line["unit_price"])
                except (ValueError, ArithmeticError):
                    raise ValueError(f"{path}, line {lines + 1}: not a till line") from None
                money[line["store"], at.date(), at.hour] += quantity * price
                item = line.get("item") or ""
                items[item] = item, line.get("category") or "", price
                bills.setdefault((line["store"], at.date(), line["ticket"]), []).append(
                    _Line(at, item, quantity, quantity * price)
                )
        if not money:
            raise ValueError(f"{path} has no lines")
        self.stores = sorted({store for store, _, _ in money})
        self.menu = items_menu(STORES, sorted(items.values()))
        self._bills: dict[date, list[tuple[str, str, list[_Line]]]] = defaultdict(list)
        orders: dict[tuple[str, date, int], int] = defaultdict(int)
        for (store, day, ticket), told in bills.items():
            orders[store, day, told[0].at.hour] += 1
            self._bills[day].append((store, ticket, told))
        self._days: dict[date, list[Cell]] = defaultdict(list)
        for (store, day, hour), sum_ in sorted(money.items()):
            count = orders[store, day, hour]
            self._days[day].append(Cell(department_id(store), day, hour, sum_, sum_, count, count))
        self.first, self.last = min(self._days), max(self._days)

    def departments(self) -> list[Node]:
        root = str(uuid.uuid5(STORES, "chain root"))
        return [
            *(Node(department_id(store), root, store, "DEPARTMENT", str(n)) for n, store in enumerate(self.stores, 1)),
            Node(root, None, "Chain", "CORPORATION"),
        ]

    def cells(self, first: date, last: date) -> list[Cell]:
        return [cell for day in sorted(self._days) if first <= day <= last for cell in self._days[day]]

    def receipts(self, first: date, last: date) -> Iterable[Receipt]:
        """The real bills, numbered anew each day."""
        for day in sorted(self._bills):
            if first <= day <= last:
                for number, (store, ticket, told) in enumerate(self._bills[day], 1):
                    at, total = told[0].at, sum((line.money for line in told), Decimal())
                    cell = Cell(department_id(store), day, at.hour, total, total, 1, 1)
                    yield Receipt(cell, at, number, f"{store} {day} {ticket}")

    def lines(self, first: date, last: date) -> Iterable[Receipt]:
        """The real lines of the bills, each at its own time."""
        told = (lines for day in sorted(self._bills) if first <= day <= last for _, _, lines in self._bills[day])
        for bill, lines in zip(self.receipts(first, last), told, strict=True):
            for at, item, quantity, money in lines:
                cell = bill.cell._replace(hour=at.hour, revenue=money, gross=money)
                yield bill._replace(cell=cell, closed_at=at, dish=item_id(STORES, item), quantity=quantity)


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
