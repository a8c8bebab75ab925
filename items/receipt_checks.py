"""Whether the receipts of an iiko server, line by line, come to what the server's own sums say."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from departments.models import Connection, Department
from departments.timing import connection_today
from items.models import ItemDay, SaleLine
from sales.choices import DayState
from sales.models import ObservedDay, SourceDay
from sales.money import MoneySum

Day = tuple[UUID, dt.date]
Hours = dict[int | None, Decimal]
Figures = tuple[Decimal | None, Decimal | None, int | None]
ZERO = Decimal(0)
FIGURES = ("receipts_revenue", "receipts_gross", "receipts_orders")
"""What is said of a difference in revenue, gross or the number of receipts."""
IN_OTHER_HOURS = "receipts_hours"


@dataclass(frozen=True)
class Difference:
    """`code`: of FIGURES, the first figure in which lines and server differ, or IN_OTHER_HOURS."""

    department: str
    date: dt.date
    code: str
    lines: Decimal
    server: Decimal


def check_receipts(connection: Connection, dates: Collection[dt.date]) -> list[Difference]:
    """Where the lines of these dates do not come to what the server said of the department's day, by date.

    Compared are days that are over and whose sums were loaded and are believed. Of days that agree the hours are
    compared as well: `lines` is then the revenue that falls into another hour.
    """
    today = connection_today(connection)
    over = [date for date in dates if date < today]
    loaded = SourceDay.objects.filter(connection=connection, date__in=over).exclude(loaded_at=None)
    server, hours, passed_over = _observed(connection, set(loaded.values_list("date", flat=True)))
    rows = ItemDay.objects.filter(connection=connection, date__in=loaded.values("date"))
    lines = {row[:2]: row[2:] for row in rows.values_list("department", "date", "revenue", "gross", "receipts")}
    nothing: Figures = (ZERO, ZERO, 0)
    wrong: list[tuple[Day, str, Decimal, Decimal]] = []
    for day in (server.keys() | lines.keys()) - passed_over:
        ours, theirs = lines.get(day, nothing), server.get(day, nothing)
        for code, one, other in zip(FIGURES, ours, theirs, strict=True):
            if one is not None and other is not None and one != other:
                wrong.append((day, code, Decimal(one), Decimal(other)))
                break
    agreeing = (hours.keys() & lines.keys()) - passed_over - {day for day, *_rest in wrong}
    sold = _hours_of_lines(connection, agreeing)
    for day in agreeing:
        if moved := sum((max(sold[day][hour] - hours[day][hour], ZERO) for hour in sold[day]), ZERO):
            wrong.append((day, IN_OTHER_HOURS, moved, sum(hours[day].values(), ZERO)))
    names = dict(Department.objects.filter(pk__in={day[0] for day, *_rest in wrong}).values_list("pk", "name"))
    found = [Difference(names[day[0]], day[1], code, one, other) for day, code, one, other in wrong]
    return sorted(found, key=lambda one: (one.date, one.department))


def _observed(
    connection: Connection, dates: Collection[dt.date]
) -> tuple[dict[Day, Figures], dict[Day, Hours], set[Day]]:
    """What the server said of days and of their hours, and days that are not over or not believed.

    Several ids of the server may mean one department: what they say is added up.
    """
    observed = ObservedDay.objects.filter(connection=connection, date__in=dates).exclude(department=None)
    days: dict[Day, Figures] = {}
    hours: dict[Day, Hours] = {}
    passed_over: set[Day] = set()
    names = ("department", "date", "state", "hours", "revenue", "gross", "orders")
    for department, date, state, told, *figures in observed.values_list(*names):
        day = department, date
        before = days.get(day, (ZERO, ZERO, 0))
        days[day] = tuple(None if None in pair else sum(pair) for pair in zip(before, figures, strict=True))  # type: ignore
        of_day = hours.setdefault(day, defaultdict(Decimal))
        for hour, revenue, *_rest in told:
            of_day[hour] += Decimal(revenue or 0)
        if state in (DayState.SUSPICIOUS, DayState.OPEN_SHIFT):
            passed_over.add(day)
    return days, hours, passed_over


def _hours_of_lines(connection: Connection, days: Collection[Day]) -> dict[Day, Hours]:
    """The revenue of the lines of each day by their hour."""
    lines = SaleLine.objects.standing().filter(
        connection=connection.pk,
        department__in={department for department, _date in days},
        date__in={date for _department, date in days},
    )
    found: dict[Day, Hours] = {day: defaultdict(Decimal) for day in days}
    rows = lines.order_by().values_list("department", "date", "hour").annotate(MoneySum("total"))
    for department, date, hour, revenue in rows:
        if (department, date) in found:
            found[department, date][hour] = revenue
    return found
