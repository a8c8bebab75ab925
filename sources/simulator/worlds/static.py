"""Worlds made of what a test or benchmark hands over."""

import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson

from sources.simulator.worlds.base import Cell, Node


class StaticWorld:
    """Exactly these cells. Without `departments` a tree is made of the ids the cells name."""

    def __init__(self, rows: Iterable[Cell], departments: list[Node] | None = None) -> None:
        self.rows = list(rows)
        self._departments = departments

    def departments(self) -> list[Node]:
        if self._departments is not None:
            return self._departments
        ids = sorted({row.department_id for row in self.rows if row.department_id})
        root = str(uuid.UUID(int=0))
        return [
            *(Node(id, root, f"Branch {n}", "DEPARTMENT", str(n)) for n, id in enumerate(ids, 1)),
            Node(root, None, "Chain", "CORPORATION"),
        ]

    def cells(self, first: date, last: date) -> list[Cell]:
        return [row for row in self.rows if first <= row.date <= last]


class PrerenderedWorld(StaticWorld):
    """Answers every sales question with the same bytes, whatever is asked: the server then costs nothing.

    `totals` answers the questions that do not ask for hours.
    """

    def __init__(self, body: bytes, departments: list[Node] | None = None, totals: bytes = b"") -> None:
        super().__init__([], departments or [])
        self.body = body
        self.totals = totals or day_totals(body)

    def answer(self, question: dict[str, Any]) -> bytes:
        return self.body if "HourClose" in question.get("groupByRowFields", ()) else self.totals


def day_totals(body: bytes) -> bytes:
    """The answer to the question without hours that agrees with `body`, an answer with them."""
    keys = ("DishDiscountSumInt", "DishSumInt", "UniqOrderId", "GuestNum")
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in orjson.loads(body)["data"]:
        total = sums.setdefault((row["Department.Id"], row["OpenDate.Typed"]), [Decimal(0)] * 4)
        total[:] = [known + Decimal(str(row[key])) for known, key in zip(total, keys, strict=True)]
    return orjson.dumps(
        {
            "data": [
                {"Department.Id": department, "OpenDate.Typed": day}
                | {key: float(value) if value % 1 else int(value) for key, value in zip(keys, values, strict=True)}
                for (department, day), values in sums.items()
            ],
            "summary": [],
        }
    )


def row_level_body(first: date, *, days: int = 7, departments: int = 50, rows: int = 135_000) -> bytes:
    """A large answer with one row per bill: `rows` rows (135,000 are about 25 MB) over `days` and `departments`."""
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"row-level {n}")) for n in range(departments)]
    dates = [str(first + timedelta(days=n)) for n in range(days)]
    data = [
        {
            "Department.Id": ids[n * 7919 % departments],
            "OpenDate.Typed": dates[n * 104_729 % days],
            "HourClose": f"{8 + n * 31 % 15:02d}",
            "DishDiscountSumInt": n * 37 % 9000 * 10 + (0.5 if n % 5 == 0 else 0),
            "DishSumInt": n * 37 % 9000 * 10 + 150,
            "UniqOrderId": 1,
            "GuestNum": n % 4,
        }
        for n in range(rows)
    ]
    return orjson.dumps({"data": data, "summary": []})
