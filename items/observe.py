"""Lines with money are observations as well: their days and hours are published wherever the source has authority."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from departments.models import Authority, Connection, Department
from departments.timing import local_date
from items.models import ItemDay, ItemSource, SaleLine
from items.staging import day_of
from items.touched import OF_HOUR, stage_touched
from runs import clock
from runs.models import Run
from sales.choices import TRUSTED, DayState
from sales.models import DepartmentCutoff, ObservedDay, SalesSummary, SourceDay
from sales.money import PLACES
from sales.observe import store_observations
from sales.publish import publish
from sales.staging import StagedDay, hours_text

Day = tuple[UUID, dt.date]
LOOK_BACK = 92  # days
Hour = tuple[int, Decimal | None, Decimal | None, int | None, None]


def observe(source: ItemSource, days: Collection[Day], *, run: Run | None, staged: bool = False) -> int:
    """Publish what the roll-ups of `source` say of these (department, date)s; returns changed published rows.

    `staged`: their sums stand in `touched_sums` already.

    Needs a transaction, and roll-ups that stand. Days without any known amount are not observed: nothing is published
    of them. A day is believed as it was delivered; one of which some line lacks its amount is partial.
    """
    connection, number = source.connection, run.pk if run else None
    ids = {department for department, _date in days}
    today = {row.pk: local_date(row.zone_name) for row in _departments(ids)}
    if source.has_hours and not staged:
        with database.cursor() as cursor:
            stage_touched(cursor, days)
    said = _said(source, days, today)
    _authorise(connection, {department for department, _date in said})
    changed = 0
    for departments, dates in _groups(days).items():
        told = [said[department, date] for date in dates for department in departments if (department, date) in said]
        names = {str(department) for department in departments}
        store_observations(connection, dates, told, run=number, only=names)
        changed += publish(connection, dates, run=number, departments=departments)
    _note(connection, {date for _department, date in days}, run, min(today.values()))
    _move_cutoffs(connection, today)
    return changed


def left_open(source: ItemSource) -> frozenset[Day]:
    """Days that were not over when the source last spoke of them, and are now."""
    since = clock.now().date() - dt.timedelta(days=LOOK_BACK)
    rows = ObservedDay.objects.filter(connection=source.pk, date__gte=since, state=DayState.OPEN_SHIFT)
    days = list(rows.exclude(department=None).values_list("department", "date"))
    if not days:
        return frozenset()
    today = {row.pk: local_date(row.zone_name) for row in _departments({department for department, _date in days})}
    return frozenset((department, date) for department, date in days if date < today[department])


def _departments(ids: Collection[UUID]) -> QuerySet[Department]:
    return Department.objects.filter(pk__in=ids).select_related("organisation")


def _said(source: ItemSource, days: Collection[Day], today: dict[UUID, dt.date]) -> dict[Day, StagedDay]:
    """The days of which the source knows an amount, as observations. Their hours stand in `touched_sums`."""
    wanted = frozenset(days)
    hours = _hours(source) if source.has_hours else {}
    rows = ItemDay.objects.filter(
        connection=source.pk,
        department__in={department for department, _date in wanted},
        date__in={date for _department, date in wanted},
    )
    said = {}
    for row in rows:
        day = row.department_id, row.date
        if day not in wanted or (row.revenue is None and not _has_amount(row)):
            continue
        state = DayState.COMPLETE if row.revenue is not None else DayState.PARTIAL
        said[day] = StagedDay(
            external_id=str(row.department_id),
            department=row.department_id,
            date=row.date,
            state=DayState.OPEN_SHIFT if row.date >= today[row.department_id] else state,
            revenue=row.revenue,
            gross=row.gross,
            orders=row.receipts,
            guests=None,
            hours=hours_text(hours.get(day, []) if row.revenue is not None else []),
        )
    return said


def _has_amount(day: ItemDay) -> bool:
    """Whether at least one line of the day knows what it came to."""
    lines = SaleLine.objects.filter(connection=day.connection_id, department=day.department_id, date=day.date)
    return lines.standing().filter(total__isnull=False).exists()


def _hours(source: ItemSource) -> dict[Day, list[Hour]]:
    """The hours of the touched days whose every line knows its hour, in their order."""
    with database.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT department_id, date, hour, revenue, gross, receipts FROM touched_sums
            WHERE of = {OF_HOUR} AND connection_id = %s
            """,
            [source.pk],
        )
        rows = cursor.fetchall()
    found: dict[Day, list[Hour]] = defaultdict(list)
    without: set[Day] = set()
    for department, date, hour, revenue, gross, orders in rows:
        day = day_of(department, date)
        if hour is None:
            without.add(day)
        else:
            found[day].append((hour, _amount(revenue), _amount(gross), orders, None))
    return {day: sorted(hours) for day, hours in found.items() if day not in without}


def _amount(value: Any) -> Decimal | None:
    """A sum as Python's own exact number; SQLite gives the nearest binary one, which says all places of it."""
    return value if value is None or isinstance(value, Decimal) else round(Decimal(repr(value)), PLACES)


def _groups(days: Collection[Day]) -> dict[frozenset[UUID], list[dt.date]]:
    """The dates by their departments."""
    of_date: dict[dt.date, set[UUID]] = defaultdict(set)
    for department, date in days:
        of_date[date].add(department)
    groups: dict[frozenset[UUID], list[dt.date]] = defaultdict(list)
    for date, departments in sorted(of_date.items()):
        groups[frozenset(departments)].append(date)
    return groups


def _authorise(connection: Connection, departments: Collection[UUID]) -> None:
    """Who is the first to know what a department sold is the truth for it, until a person says otherwise."""
    taken = set(Authority.objects.filter(department__in=departments).values_list("department", flat=True))
    Authority.objects.bulk_create(
        [
            Authority(organisation_id=connection.organisation_id, department_id=department, connection=connection)
            for department in sorted(departments)
            if department not in taken
        ],
        ignore_conflicts=True,
    )


def _note(connection: Connection, dates: Collection[dt.date], run: Run | None, today: dt.date) -> None:
    """The units of the source: a date that is over is complete, and no load will look at it again by itself."""
    rows: Any = ItemDay.objects.filter(connection=connection, date__in=dates).order_by().values_list("date")
    lines = dict(rows.annotate(Sum("lines")))
    units = []
    for date in sorted(dates):
        over = date in lines and date < today
        state = DayState.COMPLETE if over else DayState.OPEN_SHIFT if date in lines else DayState.MISSING
        units.append(
            SourceDay(
                organisation_id=connection.organisation_id,
                connection=connection,
                date=date,
                state=state,
                is_settled=over,
                raw_rows=lines.get(date, 0),
                run=run,
                loaded_at=timezone.now(),
            )
        )
    SourceDay.objects.bulk_create(
        units,
        update_conflicts=True,
        unique_fields=["organisation", "connection", "date"],
        update_fields=["state", "is_settled", "raw_rows", "run", "loaded_at"],
    )


def _move_cutoffs(connection: Connection, today: dict[UUID, dt.date]) -> None:
    """The last complete date of each department whose newest believed day this source brought."""
    newest = (
        SalesSummary.objects.filter(department=OuterRef("pk"), total_sales__isnull=False, state__in=TRUSTED)
        .filter(date__lt=min(today.values()))
        .order_by("-date")
    )
    found = Department.objects.filter(pk__in=today).annotate(
        newest=Subquery(newest.values("date")[:1]), brought_by=Subquery(newest.values("connection")[:1])
    )
    DepartmentCutoff.objects.bulk_create(
        [
            DepartmentCutoff(
                department=row,
                organisation_id=row.organisation_id,
                date=row.newest,
                updated_at=timezone.now(),
            )
            for row in found.exclude(newest=None)
            .filter(brought_by=connection.pk)
            .exclude(sales_cutoff__date=F("newest"))
        ],
        update_conflicts=True,
        unique_fields=["department"],
        update_fields=["date", "updated_at"],
    )
