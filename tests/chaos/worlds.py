"""A till with very many bills that costs the test next to nothing to answer for."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson

from sources.simulator import olap
from sources.simulator.worlds.base import Cell, Node
from sources.simulator.worlds.static import PrerenderedWorld

ROOT = "00000000-0000-4000-8000-000000000000"


class BillsWorld(PrerenderedWorld):
    """`rows` bills over `days` business dates ending with `last`; a question gets one row per bill, not per hour."""

    def __init__(self, last: date, *, days: int, departments: int, rows: int) -> None:
        self.ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"bills {n}")) for n in range(departments)]
        nodes = [*(Node(id, ROOT, f"Branch {n}", "DEPARTMENT") for n, id in enumerate(self.ids, 1))]
        super().__init__(b'{"data":[],"summary":[]}', [*nodes, Node(ROOT, None, "Chain", "CORPORATION")])
        dates = [last - timedelta(days=back) for back in range(days)]
        bills: dict[date, list[dict[str, Any]]] = defaultdict(list)
        sums: dict[tuple[str, date, int], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        for n in range(rows):
            # Every department sells on every date, whatever the numbers.
            number, day = n % departments, dates[n // departments % days]
            hour = (8 + n * 31 // 7 % 18) % 24
            revenue, gross = Decimal(n * 37 % 9000 * 10) + Decimal(n % 4) / 4, Decimal(n * 37 % 9000 * 10 + 150)
            self._add(bills[day], number, day, hour, revenue, gross, n % 4)
            cell = sums[self.ids[number], day, hour]
            cell[:] = [cell[0] + revenue, cell[1] + gross, cell[2] + 1, cell[3] + n % 4]
        self.rows = [
            Cell(who, day, hour, revenue, gross, int(orders), int(guests))
            for (who, day, hour), (revenue, gross, orders, guests) in sums.items()
        ]
        self._bills = {day: orjson.dumps(of_day)[1:-1] for day, of_day in bills.items()}
        self._days: dict[date, list[dict[str, Any]]] = defaultdict(list)
        by_day: dict[tuple[str, date], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        for (who, day, _hour), cell in sums.items():
            by_day[who, day] = [known + more for known, more in zip(by_day[who, day], cell, strict=True)]
        for (who, day), (revenue, gross, orders, guests) in by_day.items():
            self._add(self._days[day], self.ids.index(who), day, None, revenue, gross, int(guests), int(orders))

    def _add(
        self,
        rows: list[dict[str, Any]],
        number: int,
        day: date,
        hour: int | None,
        revenue: Decimal,
        gross: Decimal,
        guests: int,
        orders: int = 1,
    ) -> None:
        row: dict[str, Any] = {"Department.Id": self.ids[number], "OpenDate.Typed": str(day)}
        if hour is not None:
            row["HourClose"] = f"{hour:02d}"
        row |= {
            "DishDiscountSumInt": float(revenue),
            "DishSumInt": float(gross),
            "UniqOrderId": orders,
            "GuestNum": guests,
        }
        rows.append(row)

    def answer(self, question: dict[str, Any]) -> bytes:
        first, last = olap.date_range(question)
        dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if "HourClose" in question["groupByRowFields"]:
            return b'{"data":[' + b",".join(filter(None, map(self._bills.get, dates))) + b'],"summary":[]}'
        return orjson.dumps({"data": [row for day in dates for row in self._days.get(day, [])], "summary": []})

    def cells(self, first: date, last: date) -> list[Cell]:
        return [cell for cell in self.rows if first <= cell.date <= last]


def replaced(rows: Iterable[Cell], key: tuple[str, date, int], **values: Any) -> list[Cell]:
    """The cells with one of them changed."""
    return [row._replace(**values) if (row.department_id, row.date, row.hour) == key else row for row in rows]
