"""What branches are expected to sell on some days: the newest forecasts, and their sums by day and by branch.

Only forecasts add up. The ends of intervals do not: a bad day of one branch is no bad day of all, so that a sum has an
interval of its own.
"""

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from departments.querysets import DepartmentQuerySet
from forecasting.aggregate import Part, ends_of_sums
from forecasting.models import Forecast


class Expected(NamedTuple):
    """The newest forecast of a department's business date."""

    date: dt.date
    department_id: UUID
    department_name: str
    predicted: Decimal
    lower_80: Decimal
    upper_80: Decimal
    lower_95: Decimal
    upper_95: Decimal
    rule: str
    made_at: dt.datetime
    cutoff: dt.date
    version: int
    currency: str


@dataclass
class Sum:
    """The exact sum of `n` forecasts of one day or one branch in one currency, and how many of them each rule made.

    `bounds`, of `with_intervals`: {"lower_80", ...}.
    """

    key: Any
    name: Any
    currency: str
    predicted: Decimal = Decimal(0)
    n: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    bounds: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: Expected) -> None:
        self.predicted += row.predicted
        self.n += 1
        self.parts.append(Part(row.department_id, row.cutoff, row.date, *row[3:8]))
        self.rules[row.rule] = self.rules.get(row.rule, 0) + 1


def expected(departments: DepartmentQuerySet, first: dt.date, last: dt.date) -> list[Expected]:
    """The newest forecast of each department and date, by date and department name."""
    money = departments.currencies()
    rows = Forecast.objects.filter(department__in=list(money)).between(first, last).newest()
    amounts = ("predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95")
    columns = (*amounts, "rule", "issue__made_at", "cutoff", "issue__version_id")
    found = rows.values_list("date", "department_id", "department__name", *columns)
    return sorted(
        (Expected._make((*row, money[row[1]])) for row in found),
        key=lambda row: (row.date, row.department_name, row.department_id),
    )


def by_day(rows: Iterable[Expected]) -> list[Sum]:
    """One for each currency of a day."""
    return _sums(rows, lambda row: (row.date, row.date))


def by_branch(rows: Iterable[Expected]) -> list[Sum]:
    sums = _sums(rows, lambda row: (row.department_id, row.department_name))
    return sorted(sums, key=lambda line: (line.name, str(line.key)))


def together(rows: Iterable[Expected]) -> list[Sum]:
    """One for each currency, the one of most forecasts first; none without any."""
    return sorted(_sums(rows, lambda row: (None, None)), key=lambda line: (-line.n, line.currency))


def with_intervals(rows: Iterable[Expected], *tables: Iterable[Sum]) -> None:
    """Give the sums of `rows` their intervals."""
    sums = [line for table in tables for line in table]
    ends = ends_of_sums({place: line.parts for place, line in enumerate(sums)}, {row.version for row in rows})
    for place, line in enumerate(sums):
        line.bounds = ends[place]


def _sums(rows: Iterable[Expected], group: Callable[[Expected], tuple[Hashable, Any]]) -> list[Sum]:
    sums: dict[Hashable, Sum] = {}
    for row in rows:
        key, name = group(row)
        sums.setdefault((key, row.currency), Sum(key, name, row.currency)).add(row)
    return list(sums.values())
