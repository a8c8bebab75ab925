"""Taking an import back: what stood before it stands again, unless somebody has changed it since."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from items.days import refresh_days
from items.locks import lock_lines
from items.models import ImportJob, ReplacedLine, SaleLine
from items.staging import read_days
from runs.models import Run
from sales import sql

_LINES = SaleLine._meta.db_table
_KEPT = ReplacedLine._meta.db_table
# How long an import can be undone; what it replaced is forgotten then.
UNDO_DAYS = 92
_VALUES = [str(field.column) for field in SaleLine._meta.concrete_fields if not field.primary_key]


@dataclass(frozen=True)
class Undone:
    """How many lines were removed as the import had added them, and restored as it had changed or deleted them.

    `kept`: lines of the import that somebody changed or deleted since; they stay as they are.
    """

    removed: int = 0
    restored: int = 0
    kept: int = 0
    touched: frozenset[tuple[UUID, dt.date]] = frozenset()


def keep_replaced(cursor: Any, lines: str, *, job: UUID | None, deleted: bool) -> None:
    """Remember lines (a FROM clause with `o` for the lines' table) as they are, before they are changed or deleted.

    Only where an import is involved: it does it, or what it had brought is changed by others. What an import does to
    its own lines is not worth remembering.
    """
    by = None if job is None else sql.uuid(job)
    cursor.execute(
        f"""
        INSERT INTO {_KEPT} (line, by_job, was_deleted, kept_at, {", ".join(_VALUES)})
        SELECT o.id, {sql.cast("%s", "uuid")}, {"TRUE" if deleted else "FALSE"}, %s, {", ".join(f"o.{n}" for n in _VALUES)}
        FROM {lines} AND {sql.any_differs(["o.job"], [sql.cast("%s", "uuid")])}
        ON CONFLICT DO NOTHING
        """,
        [by, sql.now(), by],
    )


def keep_absent(cursor: Any, days: str, *, job: UUID) -> None:
    """An import of whole days (rows of the table `days`) that leaves out a line an earlier one took away as well.

    Such a line comes back when the last import that leaves it out is undone.
    """
    cursor.execute(
        f"""
        INSERT INTO {_KEPT} (line, by_job, was_deleted, kept_at, {", ".join(_VALUES)})
        SELECT k.line, {sql.cast("%s", "uuid")}, TRUE, %s, {", ".join(f"k.{n}" for n in _VALUES)}
        FROM {_KEPT} k JOIN {days} d ON d.department_id = k.department_id AND d.date = k.date
        WHERE k.was_deleted AND NOT EXISTS (SELECT 1 FROM {_LINES} o WHERE o.id = k.line)
        AND NOT EXISTS (SELECT 1 FROM {_KEPT} r WHERE r.line = k.line AND r.id > k.id)
        ON CONFLICT DO NOTHING
        """,
        [sql.uuid(job), sql.now()],
    )


@transaction.atomic
def undo_job(job: ImportJob, *, run: Run | None = None) -> Undone:
    """Take back what the import brought, in one transaction; the second time there is nothing left to undo.

    What the import found standing as its file says was never its own and stays. Later imports keep what they brought,
    and can be undone as if this one had never been.
    """
    source = job.connection.items
    lock_lines(source.pk)
    with database.cursor() as cursor:
        undone = _undo(cursor, sql.uuid(job.pk))
    refresh_days(source, undone.touched, run=run)
    ImportJob.objects.filter(pk=job.pk, undone_at=None).update(undone_at=timezone.now())
    return undone


def _undo(cursor: Any, job: Any) -> Undone:
    unchanged = f"""
        FROM {_KEPT} k JOIN {_LINES} o ON o.id = k.line AND o.job = k.by_job AND NOT o.is_deleted
        WHERE k.by_job = %s"""
    gone = f"""
        FROM {_KEPT} k WHERE k.by_job = %s AND k.was_deleted
        AND NOT EXISTS (SELECT 1 FROM {_LINES} o WHERE o.id = k.line)
        AND NOT EXISTS (
            SELECT 1 FROM {_KEPT} r WHERE r.line = k.line AND r.was_deleted
            AND (r.id > k.id OR (r.id < k.id AND r.updated_at = k.updated_at)))"""
    added = f"""
        FROM {_LINES} WHERE job = %s
        AND NOT EXISTS (SELECT 1 FROM {_KEPT} k WHERE k.line = {_LINES}.id AND k.by_job = {_LINES}.job)"""
    cursor.execute(
        f"""
        SELECT k.department_id, k.date {unchanged} UNION SELECT o.department_id, o.date {unchanged}
        UNION SELECT k.department_id, k.date {gone} UNION SELECT department_id, date {added}
        """,
        [job] * 4,
    )
    touched = read_days(cursor)
    cursor.execute(f"DELETE {added}", [job])
    removed = int(cursor.rowcount)
    cursor.execute(f"SELECT COUNT(DISTINCT line) FROM {_KEPT} WHERE by_job = %s OR job = %s", [job, job])
    involved = int(cursor.fetchone()[0])
    restored = _restore(cursor, job, gone)
    _pass_on(cursor, job)
    return Undone(removed, restored, involved - restored, touched)


def _restore(cursor: Any, job: Any, gone: str) -> int:
    cursor.execute(
        f"INSERT INTO {_LINES} (id, {', '.join(_VALUES)}) SELECT k.line, {', '.join(f'k.{n}' for n in _VALUES)} {gone}",
        [job],
    )
    inserted = int(cursor.rowcount)
    cursor.execute(
        f"""
        UPDATE {_LINES} SET {", ".join(f"{n} = k.{n}" for n in _VALUES)} FROM {_KEPT} k
        WHERE k.by_job = %s AND k.line = {_LINES}.id AND {_LINES}.job = k.by_job AND NOT {_LINES}.is_deleted
        """,
        [job],
    )
    return inserted + int(cursor.rowcount)


def _pass_on(cursor: Any, job: Any) -> None:
    """Later changes replaced what was this import's: now they replaced what had stood before it, if anything did."""
    later = f"r.line = {_KEPT}.line AND r.id > {_KEPT}.id"
    brought_back = f"""COALESCE(
        (SELECT CASE WHEN r.updated_at <> {_KEPT}.updated_at THEN r.job END FROM {_KEPT} r WHERE {later}
         ORDER BY r.id LIMIT 1),
        (SELECT o.job FROM {_LINES} o WHERE o.id = {_KEPT}.line AND o.updated_at <> {_KEPT}.updated_at
         AND NOT EXISTS (SELECT 1 FROM {_KEPT} r WHERE {later})))"""
    cursor.execute(
        f"""
        UPDATE {_KEPT} SET by_job = {brought_back}, was_deleted = FALSE
        WHERE by_job = %s AND was_deleted AND {brought_back} IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {_KEPT} r WHERE r.line = {_KEPT}.line AND (r.by_job = {brought_back}
            OR (r.was_deleted AND r.id < {_KEPT}.id AND r.updated_at = {_KEPT}.updated_at)))
        """,
        [job],
    )
    values = ", ".join(f"{n} = m.{n}" for n in _VALUES)
    cursor.execute(
        f"""
        UPDATE {_KEPT} SET {values} FROM {_KEPT} m WHERE {_KEPT}.job = %s AND m.by_job = %s AND m.line = {_KEPT}.line
        AND ({_KEPT}.by_job IS NOT NULL OR m.job IS NOT NULL)
        """,
        [job, job],
    )
    # Nothing stood before, as an earlier import had taken it away: this one leaves it out as well, see `keep_absent`.
    cursor.execute(
        f"""
        UPDATE {_KEPT} SET {values} FROM {_KEPT} m
        WHERE {_KEPT}.job = %s AND {_KEPT}.was_deleted AND {_KEPT}.by_job IS NOT NULL AND m.id = (
            SELECT MAX(e.id) FROM {_KEPT} e WHERE e.line = {_KEPT}.line AND e.id < {_KEPT}.id AND e.was_deleted)
        """,
        [job],
    )
    cursor.execute(f"DELETE FROM {_KEPT} WHERE job = %s OR by_job = %s", [job, job])
