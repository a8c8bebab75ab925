"""From observations to the published daily and hourly sales: only where a source has authority, whole days at once.

The only place that writes `sales_summary` and `sales_by_hour`. What came is inserted, what changed is updated and
its old value kept as a restatement, what vanished is deleted, what is equal is not touched. Every function needs a
transaction.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from departments.models import Authority, Connection
from sales import sql
from sales.choices import DayState
from sales.models import ObservedDay, Restatement, SalesByHour, SalesSummary

_OBSERVED = ObservedDay._meta.db_table
_DAYS = SalesSummary._meta.db_table
_RESTATEMENTS = Restatement._meta.db_table
_FIGURES = ("revenue", "gross", "orders", "guests")
_TYPES = {"revenue": "numeric", "gross": "numeric", "orders": "integer", "guests": "integer"}
# A day that was still being sold is not restated when it gets its figures.
_UNFINISHED = f"'{DayState.OPEN_SHIFT}'"


@dataclass(frozen=True)
class _Target:
    table: str
    amount: str
    hourly: bool

    @property
    def figures(self) -> list[str]:
        return [self.amount, *_FIGURES]

    @property
    def key(self) -> list[str]:
        return ["date", "department_id", "hour"] if self.hourly else ["department_id", "date"]

    def observed(self, measure: str, *, add: bool) -> str:
        """What the source's observations come to, by key. `add`: a department may have several source ids."""
        position = {name: number for number, name in enumerate(_FIGURES, 1)}

        def figure(name: str) -> str:
            column = sql.element(position[name], _TYPES[name]) if self.hourly else f"o.{name}"
            if not add:
                return column
            return sql.money_sum(column) if _TYPES[name] == "numeric" else f"SUM({column})"

        hour = sql.element(0, "smallint")
        state = f"COALESCE(MAX(CASE WHEN o.state <> '{DayState.COMPLETE}' THEN o.state END), '{DayState.COMPLETE}')"
        columns = [
            "o.department_id",
            "o.date",
            f"{hour} AS hour" if self.hourly else f"{state if add else 'o.state'} AS state",
            f"{figure(measure)} AS {self.amount}",
            *(f"{figure(name)} AS {name}" for name in _FIGURES),
        ]
        group = f"GROUP BY o.department_id, o.date, {hour}" if self.hourly else "GROUP BY o.department_id, o.date"
        return f"""
            SELECT {", ".join(columns)}
            FROM {_OBSERVED} o {f"CROSS JOIN {sql.elements('o.hours')}" if self.hourly else ""}
            WHERE o.connection_id = %s AND o.date IN ({{dates}}) AND o.department_id IN ({{departments}})
            {group if add else ""}"""

    def differ(self) -> str:
        """Whether the published row `p` is not what `n` says of it."""
        figures = sql.differ("p", "n", self.figures)
        if self.hourly:
            return figures
        # A complete day that changes is restated, and stays so; any other state gives way to the new one.
        restated = f"p.state = '{DayState.RESTATED}' AND n.state = '{DayState.COMPLETE}'"
        return f"({figures} OR (p.state <> n.state AND NOT ({restated})))"


_HOUR = _Target(SalesByHour._meta.db_table, "sales_amount", hourly=True)
_DAY = _Target(_DAYS, "total_sales", hourly=False)
# Hours first: while they change, the day still shows the state it had.
_TARGETS = (_HOUR, _DAY)


@dataclass(frozen=True)
class _Scope:
    """Dates on which `source` has authority over `departments`."""

    source: Connection
    dates: list[dt.date]
    departments: list[UUID]
    run: int | None

    def fill(self, statement: str) -> str:
        return statement.format(dates=sql.marks(self.dates), departments=sql.marks(self.departments))

    @property
    def params(self) -> list[Any]:
        return [*sql.dates(self.dates), *sql.uuids(self.departments)]


def publish(
    source: Connection,
    dates: Collection[dt.date],
    *,
    run: int | None,
    departments: Collection[UUID] | None = None,
    withdraw: bool = True,
) -> int:
    """Bring the published sales of `dates` in line with the observations of `source`, where it has authority.

    `departments` limits it; `withdraw` may be False where no observed hour or day can have vanished.
    Returns how many published rows changed; equal rows keep their bytes.
    """
    changed = 0
    with database.cursor() as cursor:
        for same, allowed in authorised(source, dates, departments):
            scope = _Scope(source, same, allowed, run)
            add, fresh = _has_doubles(cursor, scope), _is_fresh(cursor, scope)
            for target in _TARGETS:
                changed += _bring(cursor, scope, target, add=add, fresh=fresh)
                if withdraw and not fresh:
                    changed += _withdraw(cursor, scope, target)
    return changed


def disagreeing(
    source: Connection, dates: Collection[dt.date], departments: Collection[UUID] | None = None
) -> list[dt.date]:
    """The dates on which a published day, or the sum of its hours, is not what `source` observed.

    A quarter of the price of publishing, for days that should be as they are. What adds up to the same goes unseen.
    """
    found: set[dt.date] = set()
    sums = ", ".join(
        f"{sql.money_sum(name) if kind == 'numeric' else f'SUM({name})'} AS {name}" for name, kind in _TYPES.items()
    )
    with database.cursor() as cursor:
        for same, allowed in authorised(source, dates, departments):
            scope = _Scope(source, same, allowed, None)
            observed = _DAY.observed(source.measure, add=_has_doubles(cursor, scope))
            cursor.execute(
                scope.fill(f"""
                SELECT DISTINCT n.date FROM ({observed}) n
                LEFT JOIN {_DAYS} p ON p.department_id = n.department_id AND p.date = n.date
                LEFT JOIN (
                    SELECT department_id, date, {sql.money_sum("sales_amount")} AS total, {sums} FROM {_HOUR.table}
                    WHERE date IN ({{dates}}) AND department_id IN ({{departments}}) GROUP BY department_id, date
                ) h ON h.department_id = n.department_id AND h.date = n.date
                WHERE p.id IS NULL OR {_DAY.differ()} OR {sql.differ("h", "n", _FIGURES)}
                    OR {sql.any_differs(["h.total"], ["n.total_sales"])}
                """),
                [source.pk, *scope.params, *scope.params],
            )
            found |= {
                row[0] if isinstance(row[0], dt.date) else dt.date.fromisoformat(row[0]) for row in cursor.fetchall()
            }
    return sorted(found)


def authorised(
    source: Connection, dates: Collection[dt.date], only: Collection[UUID] | None
) -> list[tuple[list[dt.date], list[UUID]]]:
    """The dates, grouped by the departments over which `source` has authority on them; without the empty groups."""
    if not dates:
        return []
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


def _has_doubles(cursor: Any, scope: _Scope) -> bool:
    """Whether a department was observed under more than one source id on one of the dates."""
    cursor.execute(
        scope.fill(f"""SELECT 1 FROM {_OBSERVED} WHERE connection_id = %s AND date IN ({{dates}})
            AND department_id IS NOT NULL GROUP BY department_id, date HAVING COUNT(*) > 1 LIMIT 1"""),
        [scope.source.pk, *sql.dates(scope.dates)],
    )
    return cursor.fetchone() is not None


def _is_fresh(cursor: Any, scope: _Scope) -> bool:
    """Whether nothing at all is published of the departments on the dates."""
    same = "WHERE date IN ({dates}) AND department_id IN ({departments})"
    cursor.execute(
        scope.fill(f"SELECT EXISTS (SELECT 1 FROM {_DAYS} {same}) OR EXISTS (SELECT 1 FROM {_HOUR.table} {same})"),
        scope.params * 2,
    )
    return not cursor.fetchone()[0]


def _bring(cursor: Any, scope: _Scope, target: _Target, *, add: bool, fresh: bool) -> int:
    source, observed = scope.source, target.observed(scope.source.measure, add=add)
    # The dates once more: nobody can foresee how many hours there are, and PostgreSQL would read the whole table.
    joined = f"""
        FROM ({observed}) n LEFT JOIN {target.table} p
            ON {" AND ".join(f"p.{name} = n.{name}" for name in target.key)} AND p.date IN ({{dates}})
        WHERE (p.id IS NULL OR {target.differ()})"""
    observed_params = [source.pk, *scope.params, *([] if fresh else sql.dates(scope.dates))]
    if not fresh:
        cursor.execute(scope.fill(f"SELECT COUNT(*) {joined}"), observed_params)
        if cursor.fetchone()[0] == 0:
            return 0
        _keep_old(
            cursor,
            scope,
            target,
            f"SELECT n.department_id, n.date, {_old_and_new(target)} {joined}",
            observed_params,
        )
    written = [*target.figures, "connection_id", "updated_at", "synced_at", "changed_by_id"]
    extra = "hour" if target.hourly else "state"
    new_state = (
        ""
        if target.hourly
        else f""", deleted_by_id = NULL, state = CASE WHEN excluded.state = '{DayState.COMPLETE}' AND {target.table}.state IN
                 ('{DayState.COMPLETE}', '{DayState.RESTATED}') THEN '{DayState.RESTATED}' ELSE excluded.state END"""
    )
    update = f"""
        ON CONFLICT ({", ".join(target.key)}) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in written)}{new_state}"""
    now = sql.now()
    cursor.execute(
        scope.fill(f"""
        INSERT INTO {target.table} (organisation_id, connection_id, created_at, updated_at, synced_at, changed_by_id,
                                    department_id, date, {extra}, {", ".join(target.figures)})
        SELECT %s, %s, %s, %s, %s, {sql.cast("%s", "bigint")},
               n.department_id, n.date, n.{extra}, {", ".join(f"n.{name}" for name in target.figures)}
        {f"FROM ({observed}) n" if fresh else joined + update}
        """),
        [sql.uuid(source.organisation_id), source.pk, now, now, now, scope.run, *observed_params],
    )
    return int(cursor.rowcount)


def _old_and_new(target: _Target) -> str:
    hour = "n.hour" if target.hourly else "NULL"
    return ", ".join([hour, *(f"{side}.{name}" for side in "pn" for name in target.figures)])


def _keep_old(cursor: Any, scope: _Scope, target: _Target, changes: str, params: Sequence[Any]) -> None:
    """Write a restatement per row of `changes` (department, date, hour, old figures, new figures) that had been told."""
    names = [f"{age}_{name}" for age in ("old", "new") for name in ("total", *_FIGURES)]
    types = ["numeric", *_TYPES.values()] * 2
    figures = [sql.cast(f"c.{name}", kind) for name, kind in zip(names, types, strict=True)]
    changed = sql.any_differs(figures[: len(figures) // 2], figures[len(figures) // 2 :])
    cursor.execute(
        scope.fill(f"""
        WITH c(department_id, date, hour, {", ".join(names)}) AS ({changes})
        INSERT INTO {_RESTATEMENTS} (organisation_id, connection_id, run_id, changed_at,
                                     department_id, date, hour, {", ".join(names)})
        SELECT %s, %s, {sql.cast("%s", "bigint")}, %s, c.department_id, c.date, {sql.cast("c.hour", "smallint")},
               {", ".join(figures)}
        FROM c JOIN {_DAYS} d ON d.department_id = c.department_id AND d.date = c.date
        WHERE d.state <> {_UNFINISHED} AND {changed}
        """),
        [*params, sql.uuid(scope.source.organisation_id), scope.source.pk, scope.run, sql.now()],
    )


def _withdraw(cursor: Any, scope: _Scope, target: _Target) -> int:
    """Delete published rows that the source has authority for and no longer observes."""
    # A day whose state is "missing" stands for a deletion by a person and is not the source's to withdraw.
    standing = "" if target.hourly else f"AND p.state <> '{DayState.MISSING}'"
    hour = f"CROSS JOIN {sql.elements('o.hours')}" if target.hourly else ""
    same_hour = f"AND {sql.element(0, 'smallint')} = p.hour" if target.hourly else ""
    gone = f"""
        FROM {target.table} p WHERE p.date IN ({{dates}}) AND p.department_id IN ({{departments}}) {standing}
        AND NOT EXISTS (
            SELECT 1 FROM {_OBSERVED} o {hour} WHERE o.connection_id = %s AND o.date IN ({{dates}})
            AND o.department_id = p.department_id AND o.date = p.date {same_hour})"""
    params = [*scope.params, scope.source.pk, *sql.dates(scope.dates)]
    nothing = ", ".join(["NULL"] * len(target.figures))
    old = ", ".join(f"p.{name}" for name in target.figures)
    hour_column = "p.hour" if target.hourly else "NULL"
    _keep_old(cursor, scope, target, f"SELECT p.department_id, p.date, {hour_column}, {old}, {nothing} {gone}", params)
    # An array is found first: where statistics are old PostgreSQL would look for the rows once per row of the table.
    found = f"= ANY(ARRAY(SELECT p.id {gone}))" if sql.is_postgresql() else f"IN (SELECT p.id {gone})"
    cursor.execute(scope.fill(f"DELETE FROM {target.table} WHERE id {found}"), params)
    return int(cursor.rowcount)


def adopt(source: Connection, external_ids: Sequence[str]) -> int:
    """Give observations of source ids that have a department now to it, and publish them. Returns changed rows."""
    links = source.source_departments.filter(external_id__in=external_ids, valid_to=None).exclude(department=None)
    changed = 0
    for external_id, department in links.values_list("external_id", "department"):
        orphaned = ObservedDay.objects.filter(connection=source, external_id=external_id, department=None)
        if dates := set(orphaned.values_list("date", flat=True)):
            orphaned.update(department=department)
            changed += publish(source, dates, run=None, departments=[department])
    return changed


def publish_adopted(connection: Connection, new_ids: Sequence[str], **kwargs: Any) -> None:
    """Receiver of `departments_synced`: sales that waited for their department are published once it is known."""
    if new_ids:
        with transaction.atomic():
            adopt(connection, new_ids)
