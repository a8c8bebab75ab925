"""From rows to observations, from observations to the published daily and hourly sales.

The only place that writes `sales_summary` and `sales_by_hour`. Whole sets at once: what came is inserted, what
changed is updated, what vanished is deleted, and what is equal is not touched. Every function needs a transaction.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from departments.models import Authority, Connection
from sales.choices import DayState
from sales.models import ObservedDay, ObservedHour, SalesByHour, SalesSummary
from sales.staging import WHOLE_DAY, StagedRow, staged

_FIGURES = ("revenue", "gross", "orders", "guests")


@dataclass(frozen=True)
class Changes:
    """Observations inserted or updated, and observations that are gone."""

    written: int
    vanished: int


NOTHING = Changes(0, 0)


def store_observations(
    source: Connection,
    dates: Collection[dt.date],
    rows: Sequence[StagedRow],
    *,
    run: int | None,
    text: str | None = None,
    only: Collection[str] | None = None,
    keep: Collection[tuple[str, dt.date]] = (),
) -> Changes:
    """Replace what `source` said of `dates` by `rows`.

    `only`: source ids the load was limited to; all others stay. `keep`: (source id, date) pairs whose old
    observations stay although nothing came for them. `text`: the rows as COPY text, if they were written out already.
    """
    whole_days = sum(row.hour == WHOLE_DAY for row in rows)
    written = vanished = 0
    with staged(rows, text) as cursor:
        for model, hourly, came in ((ObservedDay, False, whole_days), (ObservedHour, True, len(rows) - whole_days)):
            table = model._meta.db_table
            fresh = _count(cursor, table, source, dates) == 0
            written += _upsert_observations(cursor, table, hourly, source, run, fresh=fresh)
            if not fresh and _count(cursor, table, source, dates) != came:
                vanished += _delete_vanished(cursor, table, hourly, source, dates, only, keep)
    return Changes(written, vanished)


def _count(cursor: Any, table: str, source: Connection, dates: Collection[dt.date]) -> int:
    cursor.execute(
        f"SELECT COUNT(*) FROM {table} WHERE connection_id = %s AND date IN ({_marks(dates)})",
        [source.pk, *_dates(dates)],
    )
    return int(cursor.fetchone()[0])


def _upsert_observations(
    cursor: Any, table: str, hourly: bool, source: Connection, run: int | None, *, fresh: bool
) -> int:
    """Write what differs; on `fresh` dates, where nothing stands, there is nothing to compare with."""
    key = ["connection_id", "date", "external_id"] + (["hour"] if hourly else [])
    hour = "hour, " if hourly else ""
    values = ["department_id", *_FIGURES]
    compared = f"""
        LEFT JOIN {table} o ON o.connection_id = %s AND o.date = s.date AND o.external_id = s.external_id
             {"AND o.hour = s.hour" if hourly else ""}"""
    changed = f"AND (o.date IS NULL OR {_differ('o', 's', values)})"
    update = f"""
        ON CONFLICT ({", ".join(key)}) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in [*values, "run_id", "observed_at"])}"""
    cursor.execute(
        f"""
        INSERT INTO {table} (organisation_id, connection_id, external_id, date, {hour}department_id,
                             revenue, gross, orders, guests, run_id, observed_at)
        SELECT %s, %s, s.external_id, s.date, {"s.hour, " if hourly else ""}s.department_id,
               s.revenue, s.gross, s.orders, s.guests, {_cast("%s")}, %s
        FROM staged_sales s {"" if fresh else compared}
        WHERE s.hour {"<>" if hourly else "="} {WHOLE_DAY} {"" if fresh else changed + update}
        """,
        [_uuid(source.organisation_id), source.pk, run, _instant(), *([] if fresh else [source.pk])],
    )
    return int(cursor.rowcount)


def _delete_vanished(
    cursor: Any,
    table: str,
    hourly: bool,
    source: Connection,
    dates: Collection[dt.date],
    only: Collection[str] | None,
    keep: Collection[tuple[str, dt.date]],
) -> int:
    conditions, params = [f"date IN ({_marks(dates)})"], [*_dates(dates)]
    if only is not None:
        conditions.append(f"external_id IN ({_marks(only)})" if only else "1 = 0")
        params += list(only)
    for external_id, date in keep:
        conditions.append("NOT (external_id = %s AND date = %s)")
        params += [external_id, *_dates([date])]
    cursor.execute(
        f"""
        DELETE FROM {table} WHERE connection_id = %s AND {" AND ".join(conditions)} AND NOT EXISTS (
            SELECT 1 FROM staged_sales s WHERE s.date = {table}.date AND s.external_id = {table}.external_id
            AND {f"s.hour = {table}.hour" if hourly else f"s.hour = {WHOLE_DAY}"})
        """,
        [source.pk, *params],
    )
    return int(cursor.rowcount)


def publish(
    source: Connection,
    dates: Collection[dt.date],
    *,
    run: int | None,
    state: str = DayState.COMPLETE,
    departments: Collection[UUID] | None = None,
    withdraw: bool = True,
) -> int:
    """Bring the published sales of `dates` in line with the observations of `source`, where it has authority.

    `departments` limits it; `withdraw` may be False when no observation has vanished. Returns how many published rows
    changed; equal rows keep their bytes.
    """
    if not dates:
        return 0
    changed = 0
    with database.cursor() as cursor:
        add = _has_doubles(cursor, source, dates)
        for same, allowed in _authorised(source, dates, departments):
            for hourly in (True, False):
                changed += _publish_table(cursor, source, same, run, allowed, hourly=hourly, state=state, add=add)
                if withdraw:
                    changed += _withdraw(cursor, source, same, allowed, hourly=hourly)
    return changed


def _authorised(
    source: Connection, dates: Collection[dt.date], only: Collection[UUID] | None
) -> list[tuple[list[dt.date], list[UUID]]]:
    """The dates, grouped by the departments over which `source` has authority on them; without the empty groups."""
    asked = Authority.objects.filter(organisation=source.organisation_id).order_by("from_date")
    if only is not None:
        asked = asked.filter(department__in=only)
    rows = list(asked.values_list("department", "from_date", "connection"))
    groups: dict[tuple[UUID, ...], list[dt.date]] = {}
    for date in dates:
        newest = {department: connection for department, start, connection in rows if start <= date}
        allowed = tuple(department for department, connection in newest.items() if connection == source.pk)
        groups.setdefault(allowed, []).append(date)
    return [(same, list(allowed)) for allowed, same in groups.items() if allowed]


def _has_doubles(cursor: Any, source: Connection, dates: Collection[dt.date]) -> bool:
    """Whether a department was observed under more than one source id on one of the dates."""
    cursor.execute(
        f"""SELECT 1 FROM {ObservedDay._meta.db_table} WHERE connection_id = %s AND date IN ({_marks(dates)})
            AND department_id IS NOT NULL GROUP BY department_id, date HAVING COUNT(*) > 1 LIMIT 1""",
        [source.pk, *_dates(dates)],
    )
    return cursor.fetchone() is not None


def _publish_table(
    cursor: Any,
    source: Connection,
    dates: Collection[dt.date],
    run: int | None,
    allowed: Collection[UUID],
    *,
    hourly: bool,
    state: str,
    add: bool,
) -> int:
    """`add`: departments may have several source ids, whose figures are added up."""
    observed = (ObservedHour if hourly else ObservedDay)._meta.db_table
    target = (SalesByHour if hourly else SalesSummary)._meta.db_table
    amount = "sales_amount" if hourly else "total_sales"
    hour = "hour, " if hourly else ""
    figures = [amount, *_FIGURES]
    money, number = (_money_sum, "SUM({})".format) if add else (str, str)
    differ = _differ("p", "n", figures)
    state_column = "" if hourly else ", state"
    if not hourly:
        # A complete day that changes is restated, and stays so; any other state gives way to the new one.
        differ = (
            f"({differ} OR (p.state <> %s AND NOT (p.state = '{DayState.RESTATED}' AND %s = '{DayState.COMPLETE}')))"
        )
    new_state = (
        ""
        if hourly
        else f""", state = CASE WHEN excluded.state = '{DayState.COMPLETE}' AND {target}.state IN
                 ('{DayState.COMPLETE}', '{DayState.RESTATED}') THEN '{DayState.RESTATED}' ELSE excluded.state END"""
    )
    cursor.execute(
        f"SELECT 1 FROM {target} WHERE date IN ({_marks(dates)}) AND department_id IN ({_marks(allowed)}) LIMIT 1",
        [*_dates(dates), *_uuids(allowed)],
    )
    fresh = cursor.fetchone() is None
    written = [*figures, "connection_id", "updated_at", "synced_at", "changed_by_id"]
    compared = f"""
        LEFT JOIN {target} p ON p.department_id = n.department_id AND p.date = n.date
             {"AND p.hour = n.hour" if hourly else ""}
        WHERE p.id IS NULL OR {differ}
        ON CONFLICT ({"date, department_id, hour" if hourly else "department_id, date"}) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in written)}{new_state}"""
    now = _instant()
    cursor.execute(
        f"""
        INSERT INTO {target} (organisation_id, department_id, date, {hour}{amount}, revenue, gross, orders, guests,
                              connection_id, created_at, updated_at, synced_at, changed_by_id{state_column})
        SELECT %s, n.department_id, n.date, {"n.hour, " if hourly else ""}n.{amount}, n.revenue, n.gross, n.orders,
               n.guests, %s, %s, %s, %s, {_cast("%s")}{"" if hourly else ", %s"}
        FROM (
            SELECT o.department_id, o.date, {"o.hour, " if hourly else ""}
                   {money(f"o.{source.measure}")} AS {amount}, {money("o.revenue")} AS revenue,
                   {money("o.gross")} AS gross, {number("o.orders")} AS orders, {number("o.guests")} AS guests
            FROM {observed} o
            WHERE o.connection_id = %s AND o.date IN ({_marks(dates)}) AND o.department_id IN ({_marks(allowed)})
            {f"GROUP BY o.department_id, o.date{', o.hour' if hourly else ''}" if add else ""}
        ) n {"" if fresh else compared}
        """,
        [
            _uuid(source.organisation_id),
            source.pk,
            now,
            now,
            now,
            run,
            *([] if hourly else [state]),
            source.pk,
            *_dates(dates),
            *_uuids(allowed),
            *([] if fresh or hourly else [state, state]),
        ],
    )
    return int(cursor.rowcount)


def _withdraw(
    cursor: Any, source: Connection, dates: Collection[dt.date], allowed: Collection[UUID], *, hourly: bool
) -> int:
    """Delete published rows that `source` has authority for and no longer observes."""
    observed = (ObservedHour if hourly else ObservedDay)._meta.db_table
    target = (SalesByHour if hourly else SalesSummary)._meta.db_table
    # A day whose state is "missing" stands for a deletion by a person and is not the source's to withdraw.
    standing = "" if hourly else f"AND {target}.state <> '{DayState.MISSING}'"
    cursor.execute(
        f"""
        DELETE FROM {target} WHERE {target}.date IN ({_marks(dates)}) AND {target}.department_id IN ({_marks(allowed)})
        {standing} AND NOT EXISTS (
            SELECT 1 FROM {observed} o WHERE o.connection_id = %s AND o.department_id = {target}.department_id
            AND o.date = {target}.date {f"AND o.hour = {target}.hour" if hourly else ""})
        """,
        [*_dates(dates), *_uuids(allowed), source.pk],
    )
    return int(cursor.rowcount)


def mark(
    source: Connection, dates: Collection[dt.date], state: str, departments: Collection[UUID] | None = None
) -> int:
    """Set the state of published days that `source` has authority for, without touching a figure."""
    return sum(
        SalesSummary.objects.filter(date__in=same, department__in=allowed)
        .exclude(state=state)
        .update(state=state, updated_at=timezone.now())
        for same, allowed in _authorised(source, dates, departments)
    )


def adopt(source: Connection, external_ids: Sequence[str]) -> int:
    """Give observations of source ids that have a department now to it, and publish them. Returns changed rows."""
    links = source.source_departments.filter(external_id__in=external_ids, valid_to=None).exclude(department=None)
    changed = 0
    for external_id, department in links.values_list("external_id", "department"):
        orphaned = ObservedDay.objects.filter(connection=source, external_id=external_id, department=None)
        if dates := set(orphaned.values_list("date", flat=True)):
            orphaned.update(department=department)
            ObservedHour.objects.filter(connection=source, external_id=external_id, department=None).update(
                department=department
            )
            changed += publish(source, dates, run=None, departments=[department])
    return changed


def publish_adopted(connection: Connection, new_ids: Sequence[str], **kwargs: Any) -> None:
    """Receiver of `departments_synced`: sales that waited for their department are published once it is known."""
    if new_ids:
        with transaction.atomic():
            adopt(connection, new_ids)


def _differ(left: str, right: str, names: Sequence[str]) -> str:
    operator = "IS DISTINCT FROM" if database.vendor == "postgresql" else "IS NOT"
    return "(" + " OR ".join(f"{left}.{name} {operator} {right}.{name}" for name in names) + ")"


def _money_sum(column: str) -> str:
    """An exact sum: numeric on PostgreSQL, whole 1/10000ths on SQLite, whose own SUM adds binary floats."""
    if database.vendor == "postgresql":
        return f"SUM({column})"
    return f"SUM(CAST(ROUND({column} * 10000) AS INTEGER)) / 10000.0"


def _marks(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _cast(mark: str) -> str:
    return f"CAST({mark} AS bigint)" if database.vendor == "postgresql" else mark


def _uuid(value: UUID) -> Any:
    return value if database.vendor == "postgresql" else value.hex


def _uuids(values: Iterable[UUID]) -> list[Any]:
    return [_uuid(value) for value in values]


def _dates(dates: Iterable[dt.date]) -> list[Any]:
    return [date if database.vendor == "postgresql" else date.isoformat() for date in dates]


def _instant() -> Any:
    return database.ops.adapt_datetimefield_value(timezone.now())
