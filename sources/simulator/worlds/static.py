"""Worlds made of what a test or benchmark hands over."""

import uuid
from collections.abc import Iterable
from datetime import date, timedelta

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
    """Answers every sales question with the same bytes, whatever is asked: the server then costs nothing."""

    def __init__(self, body: bytes, departments: list[Node] | None = None) -> None:
        super().__init__([], departments or [])
        self.body = body


def prerendered(body: bytes, departments: list[Node] | None = None) -> PrerenderedWorld:
    return PrerenderedWorld(body, departments)


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
