"""A world whose past can be changed: what people do at the tills after the fact."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sources.simulator.worlds.base import KEPT, Cell, Node, Receipt, World, receipts
from sources.simulator.worlds.menu import SINCE, Article, Menu, Order, demo_menu

EDITS = (
    "set_hour",
    "delete_hour",
    "delete_day",
    "add_bill",
    "delete_bill",
    "move_bill",
    "open_shift",
    "close_shift",
    "rename_product",
    "delete_product",
    "add_product",
    "set_price",
)


class EditedWorld:
    """`world` with corrections, in memory. A department's date is as it was when it was first corrected, and from then
    on only corrections change it. All edits raise ValueError for what is not there.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.shifts: dict[tuple[str, date], datetime | None] = {}
        """When a shift was closed, None: it is open; shifts not named here are closed at their usual time."""
        self._days: dict[tuple[str | None, date], list[Cell]] = {}
        self._guard = threading.RLock()
        served: Menu | None = getattr(world, "menu", None)
        self._sold = served or demo_menu()
        self.menu = replace(self._sold, articles=dict(self._sold.articles))
        """The catalogue as it is now; what was sold before stays what it was."""
        self.orders = [Order(id, None, SINCE, article.price) for id, article in self.menu.articles.items()]
        self.revision = 1

    def departments(self) -> list[Node]:
        return self.world.departments()

    def cells(self, first: date, last: date) -> Iterator[Cell]:
        with self._guard:
            edited = {key: list(cells) for key, cells in self._days.items() if first <= key[1] <= last}
        if not edited:
            yield from self.world.cells(first, last)
            return
        yield from (cell for cell in self.world.cells(first, last) if (cell.department_id, cell.date) not in edited)
        for cells in edited.values():
            yield from cells

    def receipts(self, first: date, last: date) -> Iterator[Receipt]:
        own: Callable[[date, date], Iterable[Receipt]] | None = getattr(self.world, "receipts", None)
        if own is None:
            yield from receipts(self.cells(first, last))
            return
        for bill in own(first, last):
            if (bill.cell.department_id, bill.cell.date) not in self._days:
                yield bill
        for key, cells in list(self._days.items()):
            if first <= key[1] <= last:
                yield from receipts(cells)

    def lines(self, first: date, last: date) -> Iterator[Receipt]:
        """The bills dish by dish."""
        own: Callable[[date, date], Iterable[Receipt]] | None = getattr(self.world, "lines", None)
        if own is None:
            for bill in self.receipts(first, last):
                yield from self._sold.split(bill)
            return
        for line in own(first, last):
            if (line.cell.department_id, line.cell.date) not in self._days:
                yield line
        for key, cells in list(self._days.items()):
            if first <= key[1] <= last:
                for bill in receipts(cells):
                    yield from self._sold.split(bill)

    def edit(self, do: str, **what: Any) -> None:
        """An edit by its name, dates and money as texts: what came over the wire."""
        if do not in EDITS:
            raise ValueError(f"no edit {do!r}; there are {', '.join(EDITS)}")
        read: dict[str, Callable[[Any], Any]] = {
            "day": date.fromisoformat,
            "to": date.fromisoformat,
            "at": datetime.fromisoformat,
            "revenue": lambda text: Decimal(str(text)),
            "gross": lambda text: Decimal(str(text)),
            "price": lambda text: Decimal(str(text)),
            "from_date": date.fromisoformat,
        }
        getattr(self, do)(**{name: read[name](value) if name in read else value for name, value in what.items()})

    def set_hour(
        self,
        department: str,
        day: date,
        hour: int,
        *,
        revenue: Decimal,
        gross: Decimal | None = None,
        orders: int = 1,
        guests: int = 1,
    ) -> None:
        """All that is sold in the hour, whatever was before."""
        self._put(department, day, hour, [self._cell(department, day, hour, revenue, gross, orders, guests)])

    def delete_hour(self, department: str, day: date, hour: int) -> None:
        self._taken(department, day, hour)
        self._put(department, day, hour, [])

    def delete_day(self, department: str, day: date) -> None:
        with self._guard:
            self._days[department, day] = []

    def add_bill(
        self, department: str, day: date, hour: int, *, revenue: Decimal, gross: Decimal | None = None, guests: int = 1
    ) -> None:
        with self._guard:
            self._day(department, day).append(self._cell(department, day, hour, revenue, gross, 1, guests))

    def delete_bill(self, department: str, day: date, hour: int, *, revenue: Decimal | None = None) -> None:
        """One bill of the hour less: its average one, or one of that `revenue`. The last bill takes the hour with it."""
        self._take_bill(department, day, hour, revenue)

    def move_bill(
        self,
        department: str,
        day: date,
        hour: int,
        *,
        to: date,
        to_hour: int | None = None,
        revenue: Decimal | None = None,
    ) -> None:
        """The bill that `delete_bill` would delete is one of the date `to`."""
        with self._guard:
            bill = self._take_bill(department, day, hour, revenue)
            self._day(department, to).append(bill._replace(date=to, hour=hour if to_hour is None else to_hour))

    def open_shift(self, department: str, day: date) -> None:
        self.shifts[department, day] = None

    def close_shift(self, department: str, day: date, *, at: datetime | None = None) -> None:
        """At its usual time, or `at` (naive, local)."""
        if at is None:
            self.shifts.pop((department, day), None)
        else:
            self.shifts[department, day] = at

    # -- the catalogue ------------------------------------------------------------------------------------------

    def rename_product(self, product: str, name: str) -> None:
        self._change(product, name=name)

    def delete_product(self, product: str) -> None:
        """It stays in the catalogue, marked as deleted."""
        self._change(product, deleted=True)

    def add_product(self, product: str, name: str, price: Decimal, group: str | None = None) -> None:
        with self._guard:
            self.revision += 1
            number = f"{len(self.menu.articles) + 1:05d}"
            self.menu.articles[product] = Article(
                product, name, number, "DISH", group, None, None, None, None, price, revision=self.revision
            )
            self.orders.append(Order(product, None, SINCE, price))

    def set_price(self, product: str, price: Decimal, from_date: date, department: str | None = None) -> None:
        with self._guard:
            self._change(product)
            self.orders.append(Order(product, department, from_date, price))

    def _change(self, product: str, **fields: Any) -> None:
        with self._guard:
            if product not in self.menu.articles:
                raise ValueError(f"no product {product}")
            self.revision += 1
            self.menu.articles[product] = replace(self.menu.articles[product], **fields, revision=self.revision)

    # -- the cells of a date ------------------------------------------------------------------------------------

    def _cell(
        self,
        department: str,
        day: date,
        hour: int,
        revenue: Decimal,
        gross: Decimal | None,
        orders: int,
        guests: int,
    ) -> Cell:
        return Cell(department, day, hour, revenue, revenue if gross is None else gross, orders, guests)

    def _day(self, department: str, day: date) -> list[Cell]:
        key = department, day
        if key not in self._days:
            self._days[key] = [cell for cell in self.world.cells(day, day) if cell.department_id == department]
        return self._days[key]

    def _put(self, department: str, day: date, hour: int, cells: list[Cell]) -> None:
        with self._guard:
            rest = [cell for cell in self._day(department, day) if not _counts(cell, hour)]
            self._days[department, day] = rest + cells

    def _taken(self, department: str, day: date, hour: int) -> Cell:
        """All of the hour in one cell."""
        cells = [cell for cell in self._day(department, day) if _counts(cell, hour)]
        if not cells:
            raise ValueError(f"{department} sold nothing on {day} at {hour}")
        total = cells[0]._replace(storned=False)
        for cell in cells[1:]:
            total = total._replace(
                revenue=total.revenue + cell.revenue,
                gross=total.gross + cell.gross,
                orders=total.orders + cell.orders,
                guests=total.guests + cell.guests,
            )
        return total

    def _take_bill(self, department: str, day: date, hour: int, revenue: Decimal | None) -> Cell:
        with self._guard:
            total = self._taken(department, day, hour)
            bill = next(receipts([total])).cell
            if revenue is not None:
                bill = bill._replace(revenue=revenue, gross=revenue)
            left = total._replace(
                revenue=total.revenue - bill.revenue,
                gross=total.gross - bill.gross,
                orders=total.orders - bill.orders,
                guests=total.guests - bill.guests,
            )
            self._put(department, day, hour, [left] if left.orders > 0 or left.revenue else [])
        return bill


def _counts(cell: Cell, hour: int) -> bool:
    return cell.hour == hour and cell.order_deleted == cell.dish_deleted == KEPT
