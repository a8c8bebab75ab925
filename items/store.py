"""The one entrance for lines of item sales: stored by their natural keys, added up, observed and published.

Everything a delivery changes is one transaction. What is equal keeps its bytes.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from departments.models import Department
from items.coded import distinct, pairs
from items.days import mark_stale, refresh_days
from items.lines import Columns, Line, columns_of
from items.locks import lock_lines
from items.models import ItemSource, SaleLine
from items.rollup import cleaned_before
from items.staging import COLUMNS, FEW, day_of, empty_table, insert_lines, read_days, stage_days, stage_lines
from items.undo import keep_absent, keep_replaced
from runs.models import Run
from sales import sql

Day = tuple[UUID, dt.date]
_LINES = SaleLine._meta.db_table
_IDENTITY = ("external_id", "date")
_VALUES = [name for name in COLUMNS if name not in _IDENTITY]


class TooOld(ValueError):
    """A line of a date whose lines were cleaned up: nobody could say what the day comes to with it."""


@dataclass(frozen=True)
class Stored:
    """How many lines were added, changed, found equal and taken away; `touched`: the (department, date)s of these."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    touched: frozenset[Day] = frozenset()

    def __add__(self, other: "Stored") -> "Stored":
        return Stored(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.deleted + other.deleted,
            self.touched | other.touched,
        )


def store_lines(
    source: ItemSource,
    lines: Iterable[Line] | Columns,
    *,
    run: Run | None = None,
    user: User | None = None,
    job: UUID | None = None,
    whole: Collection[Day] | None = None,
    refresh: bool = True,
) -> Stored:
    """Upsert lines by (connection, date, external_id); the last of several with one key counts.

    Of the (department, date)s in `whole` the lines are all there is: what did not come is deleted. A line that had been
    deleted and comes again stands again. `lines` may be columns named like the fields of `Line`.
    `refresh=False` leaves roll-ups and published sales to `refresh_days`, which knows the days even after a crash.
    Raises TypeError and ValueError for what `items.lines.columns_of` refuses, and TooOld for dates whose lines were
    cleaned up; then nothing is stored.
    """
    columns = columns_of(lines)
    with transaction.atomic():
        lock_lines(source.pk)
        _refuse_cleaned(source, columns)
        with database.cursor() as cursor:
            if _is_new_ground(cursor, source, columns, whole or ()):
                stored = _write_new(cursor, source, columns, run=run, user=user, job=job)
                if whole and job:
                    stage_days(cursor, "whole_days", whole)
                    keep_absent(cursor, "whole_days", job=job)
            else:
                staged = stage_lines(cursor, source.pk, columns)
                stored = _upsert(cursor, source, staged, run=run, user=user, job=job)
                if whole:
                    stored += _delete_vanished(cursor, source, whole, job)
        if refresh:
            refresh_days(source, stored.touched, run=run)
        else:
            mark_stale(source, stored.touched)
    return stored


def remove_lines(source: ItemSource, ids: Collection[UUID], *, user: User | None, run: Run | None = None) -> Stored:
    """Take lines of the source away (kept as deleted where ENABLE_SOFT_DELETE says so); ids it does not have are none."""
    with transaction.atomic():
        lock_lines(source.pk)
        standing = SaleLine.objects.filter(connection=source.pk, pk__in=ids).standing()
        touched = frozenset(standing.order_by().values_list("department", "date").distinct())
        if settings.ENABLE_SOFT_DELETE:
            now = timezone.now()
            removed = standing.update(is_deleted=True, deleted_at=now, deleted_by=user, updated_at=now)
        else:
            removed = standing.delete()[0]
        refresh_days(source, touched, run=run)
    return Stored(deleted=removed, touched=touched)


def _refuse_cleaned(source: ItemSource, columns: Columns) -> None:
    kept_from = cleaned_before(source.organisation_id)
    if kept_from and columns and (first := min(distinct(columns["date"]))) < kept_from:
        raise TooOld(f"{first} < {kept_from}")


def _is_new_ground(cursor: Any, source: ItemSource, columns: Columns, whole: Collection[Day]) -> bool:
    """Whether of many lines none can stand already: their source has none, not even a deleted one, on their dates.

    The date is part of a line's identity, the department is not: all departments are looked at.
    """
    if not columns or len(columns["date"]) <= FEW:
        return False
    dates = {*distinct(columns["date"]), *(date for _department, date in whole)}
    departments = Department.objects.filter(organisation=source.organisation_id).values_list("pk", flat=True)
    stage_days(cursor, "new_days", [(department, date) for department in departments for date in dates])
    # OFFSET keeps PostgreSQL from joining: each day is looked up in the index, and the first line found is enough.
    cursor.execute(
        f"""
        SELECT EXISTS (SELECT 1 FROM new_days t WHERE EXISTS (
            SELECT 1 FROM {_LINES} o WHERE o.department_id = t.department_id AND o.date = t.date
            AND o.connection_id = %s LIMIT 1 OFFSET 0))
        """,
        [source.pk],
    )
    return not cursor.fetchone()[0]


def _write_new(
    cursor: Any, source: ItemSource, columns: Columns, *, run: Run | None, user: User | None, job: UUID | None
) -> Stored:
    """Insert lines without looking for what they may replace."""
    now, run_id, job_id = _stamp(run, job)
    same = {
        "organisation_id": sql.uuid(source.organisation_id),
        "connection_id": source.pk,
        "created_at": now,
        "updated_at": now,
        "run_id": run_id,
        "job": job_id,
        "created_by_id": user and user.pk,
        "is_deleted": False,
    }
    written = insert_lines(cursor, _LINES, source.pk, columns, same)
    touched = pairs(columns["department"], columns["date"])
    return Stored(written, touched=frozenset(day_of(department, date) for department, date in touched))


def _stamp(run: Run | None, job: UUID | None) -> list[Any]:
    return [sql.now(), run and run.pk, None if job is None else sql.uuid(job)]


def _upsert(
    cursor: Any, source: ItemSource, staged: int, *, run: Run | None, user: User | None, job: UUID | None
) -> Stored:
    """Write what is new or differs."""
    kind = "uuid" if sql.is_postgresql() else "char(32)"
    empty_table(cursor, "changed_lines", f"id {kind}, is_new boolean, old_department {kind}")
    cursor.execute(
        f"""
        INSERT INTO changed_lines SELECT s.id, o.id IS NULL, o.department_id
        FROM staged_lines s LEFT JOIN {_LINES} o ON o.id = s.id
        WHERE o.id IS NULL OR o.is_deleted OR {sql.differ("o", "s", _VALUES)}
        """
    )
    changed = int(cursor.rowcount)
    if not changed:
        return Stored(unchanged=staged)
    cursor.execute("SELECT COUNT(*) FROM changed_lines WHERE is_new")
    new = int(cursor.fetchone()[0])
    stamp = _stamp(run, job)
    if new:
        _insert(cursor, source, stamp, user, some=new < staged)
    if new < changed:
        keep_replaced(
            cursor, f"changed_lines c JOIN {_LINES} o ON o.id = c.id WHERE NOT c.is_new", job=job, deleted=False
        )
        _update(cursor, stamp)
    cursor.execute(
        """
        SELECT s.department_id, s.date FROM staged_lines s JOIN changed_lines c ON c.id = s.id
        UNION SELECT c.old_department, s.date FROM staged_lines s JOIN changed_lines c ON c.id = s.id
        WHERE c.old_department IS NOT NULL
        """
    )
    return Stored(new, changed - new, staged - changed, touched=read_days(cursor))


def _insert(cursor: Any, source: ItemSource, stamp: list[Any], user: User | None, *, some: bool) -> None:
    """Insert the staged lines, all or only `some` that are new."""
    now, run, job = stamp
    cursor.execute(
        f"""
        INSERT INTO {_LINES} (id, organisation_id, connection_id, created_at, updated_at, run_id, job, created_by_id,
                              is_deleted, {", ".join(COLUMNS)})
        SELECT s.id, %s, %s, %s, %s, {sql.cast("%s", "bigint")}, {sql.cast("%s", "uuid")}, {sql.cast("%s", "bigint")},
               FALSE, {", ".join(f"s.{name}" for name in COLUMNS)}
        FROM staged_lines s {"JOIN changed_lines c ON c.id = s.id AND c.is_new" if some else ""}
        """,
        [sql.uuid(source.organisation_id), source.pk, now, now, run, job, user and user.pk],
    )


def _update(cursor: Any, stamp: list[Any]) -> None:
    cursor.execute(
        f"""
        UPDATE {_LINES} SET {", ".join(f"{name} = s.{name}" for name in _VALUES)},
               is_deleted = FALSE, deleted_at = NULL, deleted_by_id = NULL,
               updated_at = %s, run_id = {sql.cast("%s", "bigint")}, job = {sql.cast("%s", "uuid")}
        FROM staged_lines s JOIN changed_lines c ON c.id = s.id AND NOT c.is_new WHERE s.id = {_LINES}.id
        """,
        stamp,
    )


def _delete_vanished(cursor: Any, source: ItemSource, whole: Collection[Day], job: UUID | None) -> Stored:
    """Delete the standing lines of whole days that were not staged."""
    stage_days(cursor, "whole_days", whole)
    gone = f"""{_LINES} o WHERE o.connection_id = {source.pk:d} AND NOT o.is_deleted
        AND (o.department_id, o.date) IN (SELECT department_id, date FROM whole_days)
        AND NOT EXISTS (SELECT 1 FROM staged_lines s WHERE s.id = o.id)"""
    if job is not None:
        keep_absent(cursor, "whole_days", job=job)
    cursor.execute(f"SELECT DISTINCT o.department_id, o.date FROM {gone}")
    touched = read_days(cursor)
    if not touched:
        return Stored()
    keep_replaced(cursor, gone, job=job, deleted=True)
    cursor.execute(f"DELETE FROM {_LINES} WHERE id IN (SELECT o.id FROM {gone})")
    return Stored(deleted=int(cursor.rowcount), touched=touched)
