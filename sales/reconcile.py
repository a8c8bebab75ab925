"""Does what stands here say what the source says? Every day and hour, to the last place, in both directions."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from departments.models import Connection
from sales.choices import DayState, Where
from sales.models import ObservedDay, SalesByHour, SalesSummary, Verdict
from sales.publish import authorised
from sources.iiko.client import IikoClient
from sources.iiko.types import DayTotal, SalesRow

FIGURES = ("revenue", "gross", "orders", "guests")
# Receipts are counted anew by each question; only money of the two must agree.
MONEY = FIGURES[:2]
NO_MONEY = (Decimal(0), Decimal(0))
# Key: hour (None: the day); values in the order of FIGURES.
Figures = tuple[Any, ...]
Cells = dict[int | None, Figures]
Pair = tuple[str, dt.date]


@dataclass(frozen=True)
class Found:
    """One figure that differs. `ours` or `theirs` None: there is no such figure on that side."""

    external_id: str
    department: UUID | None
    date: dt.date
    hour: int | None
    where: str
    what: str
    ours: Decimal | None
    theirs: Decimal | None


@dataclass
class Comparison:
    """`still_open`: days of branches that are being sold, not compared with the source.

    `unsteady`: dates for which the source did not say twice the same.
    """

    found: list[Found] = field(default_factory=list)
    still_open: int = 0
    unsteady: list[dt.date] = field(default_factory=list)


def compare(connection: Connection, client: IikoClient, first: dt.date, last: dt.date) -> Comparison:
    """What differs on the business dates between the source, what was observed of it, and what is published.

    Both dates included, at most 31. What differs is asked for again: a load or a sale in between is no difference.
    Days that are kept though the source says otherwise are named once each, until a person has decided. Needs the
    client's open session. Raises SourceError.
    """
    told = _told(client.sales(first, last).rows)
    comparison = _compare(connection, told, client.day_totals(first, last), first, last)
    if comparison.found:
        again = _told(client.sales(first, last).rows)
        comparison = _compare(connection, again, client.day_totals(first, last), first, last)
        moved = {key[1] for key in told.keys() | again.keys() if told.get(key) != again.get(key)}
        comparison.unsteady = sorted(moved)
    return comparison


def _compare(
    connection: Connection,
    told: Mapping[Pair, Cells],
    totals: Mapping[Pair, DayTotal],
    first: dt.date,
    last: dt.date,
) -> Comparison:
    days = {
        (day.external_id, day.date): day
        for day in ObservedDay.objects.filter(connection=connection, date__range=(first, last))
    }
    observed = {key: _cells(day) for key, day in days.items()}
    verdicts = Verdict.objects.filter(connection=connection, date__range=(first, last), keeps=True)
    kept = {(one.external_id, one.date): one for one in verdicts}
    comparison = Comparison()
    for key in sorted(told.keys() | observed.keys() | totals.keys()):
        external_id, date = key
        day = days.get(key)
        department = day.department_id if day else None
        if day and day.state == DayState.OPEN_SHIFT:
            comparison.still_open += 1
            continue
        theirs = told.get(key, {})
        for what, sum_of_hours, total in _contradictions(theirs, totals.get(key)):
            comparison.found.append(Found(external_id, department, date, None, Where.SOURCE, what, sum_of_hours, total))
        differing = [
            Found(external_id, department, date, hour, Where.OBSERVED, what, one, other)
            for hour, what, one, other in _differing(observed.get(key, {}), theirs, FIGURES)
        ]
        if verdict := kept.get(key):
            # A person keeps what was known, as long as the source says no third thing.
            differing = [] if verdict.said == (theirs[None][0] if theirs else None) else differing
        if differing and day and day.state == DayState.SUSPICIOUS:
            differing = [replace(differing[0], where=Where.KEPT)]
        comparison.found += differing
    comparison.found += _unpublished(connection, days.values(), observed, first, last)
    return comparison


def _told(rows: Iterable[SalesRow]) -> dict[Pair, Cells]:
    told: dict[Pair, Cells] = defaultdict(dict)
    for row in rows:
        cells = told[row.external_id or "", row.date]
        figures = (row.revenue, row.gross, row.orders, row.guests)
        cells[None] = _add(cells.get(None), figures)
        if row.hour is not None:
            cells[row.hour] = figures
    return told


def _cells(day: ObservedDay) -> Cells:
    cells: Cells = {None: (day.revenue, day.gross, day.orders, day.guests)}
    for hour, revenue, gross, orders, guests in day.hours:
        cells[hour] = _add(cells.get(hour), (Decimal(revenue), Decimal(gross), orders, guests))
    return cells


def _add(known: Figures | None, more: Figures) -> Figures:
    if known is None:
        return more
    return tuple(None if a is None or b is None else a + b for a, b in zip(known, more, strict=True))


def _contradictions(told: Cells, total: DayTotal | None) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Where the hours of a day do not come to what the same source says of the whole day. No row at all is no money."""
    ours = told[None][: len(MONEY)] if told else NO_MONEY
    theirs = (total.revenue, total.gross) if total else NO_MONEY
    for name, one, other in zip(MONEY, ours, theirs, strict=True):
        if one != other:
            yield name, one, other


def _differing(
    ours: Mapping[int | None, Figures], theirs: Mapping[int | None, Figures], names: tuple[str, ...]
) -> Iterator[tuple[int | None, str, Any, Any]]:
    """The day first, then its hours."""
    for hour in sorted(ours.keys() | theirs.keys(), key=lambda hour: -1 if hour is None else hour):
        our, their = ours.get(hour), theirs.get(hour)
        if our is None or their is None:
            yield hour, names[0], our and our[0], their and their[0]
            continue
        for name, one, other in zip(names, our, their, strict=True):
            if one != other:
                yield hour, name, one, other


def _unpublished(
    connection: Connection,
    days: Collection[ObservedDay],
    observed: Mapping[Pair, Cells],
    first: dt.date,
    last: dt.date,
) -> Iterator[Found]:
    """Published days and hours of the departments this source is the truth for, against what was observed."""
    dates = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    allowed = {
        (department, date) for same, ids in authorised(connection, dates, None) for department in ids for date in same
    }
    wanted: dict[tuple[UUID, dt.date], Cells] = defaultdict(dict)
    names: dict[tuple[UUID, dt.date], str] = {}
    for day in days:
        if day.department_id is None or (day.department_id, day.date) not in allowed:
            continue
        key = day.department_id, day.date
        names[key] = day.external_id
        for hour, figures in observed[day.external_id, day.date].items():
            total = figures[FIGURES.index(connection.measure)]
            wanted[key][hour] = _add(wanted[key].get(hour), (total, *figures))
    published = _published(allowed, first, last)
    for key in sorted(wanted.keys() | published.keys()):
        department, date = key
        differing = _differing(published.get(key, {}), wanted.get(key, {}), ("total", *FIGURES))
        for hour, what, our, their in differing:
            yield Found(names.get(key, ""), department, date, hour, Where.PUBLISHED, what, our, their)


def _published(
    allowed: Collection[tuple[UUID, dt.date]], first: dt.date, last: dt.date
) -> dict[tuple[UUID, dt.date], Cells]:
    found: dict[tuple[UUID, dt.date], Cells] = defaultdict(dict)
    scope = {"department__in": {department for department, _date in allowed}, "date__range": (first, last)}
    # A day that a person deleted stands as missing, without figures, until the next load.
    days = SalesSummary.objects.filter(**scope).exclude(state=DayState.MISSING)
    for department, date, *figures in days.values_list("department", "date", "total_sales", *FIGURES):
        found[department, date][None] = tuple(figures)
    hours = SalesByHour.objects.filter(**scope)
    for department, date, hour, *figures in hours.values_list("department", "date", "hour", "sales_amount", *FIGURES):
        found[department, date][hour] = tuple(figures)
    return {key: cells for key, cells in found.items() if key in allowed}
