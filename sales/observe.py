"""From a source's answer to the observations: what this source said of its days, whole and exact."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from departments.models import Connection
from sales import sql
from sales.models import ObservedDay
from sales.staging import StagedDay, staged

_TABLE = ObservedDay._meta.db_table
_VALUES = ["department_id", "state", "revenue", "gross", "orders", "guests", "hours", "doubt"]


@dataclass(frozen=True)
class Changes:
    """How many observed days were inserted, updated or deleted; `fresh`: nothing had been observed of the dates."""

    rows: int
    fresh: bool


def store_observations(
    source: Connection,
    dates: Collection[dt.date],
    days: Sequence[StagedDay],
    *,
    run: int | None,
    text: str | None = None,
    only: Collection[str] | None = None,
) -> Changes:
    """Replace what `source` said of `dates` by `days`; what is equal is not touched. Needs a transaction.

    `only`: source ids the load was limited to; all others stay. `text`: the days as COPY text, if they were written
    out already.
    """
    with staged(days, text) as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {_TABLE} WHERE connection_id = %s AND date IN ({sql.marks(dates)})",
            [source.pk, *sql.dates(dates)],
        )
        stood = int(cursor.fetchone()[0])
        changed = _upsert(cursor, source, run, fresh=stood == 0)
        if stood:
            changed += _delete_vanished(cursor, source, dates, only)
        return Changes(changed, fresh=stood == 0)


def _upsert(cursor: Any, source: Connection, run: int | None, *, fresh: bool) -> int:
    """Write what differs; on `fresh` dates, where nothing stands, there is nothing to compare with."""
    compared = f"""
        LEFT JOIN {_TABLE} o ON o.connection_id = %s AND o.date = s.date AND o.external_id = s.external_id
        WHERE (o.date IS NULL OR {sql.differ("o", "s", _VALUES)})
        ON CONFLICT (connection_id, date, external_id) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in [*_VALUES, "run_id", "observed_at"])}"""
    cursor.execute(
        f"""
        INSERT INTO {_TABLE} (organisation_id, connection_id, external_id, date, {", ".join(_VALUES)},
                              run_id, observed_at)
        SELECT %s, %s, s.external_id, s.date, {", ".join(f"s.{name}" for name in _VALUES)}, {sql.cast("%s", "bigint")}, %s
        FROM staged_sales s {"" if fresh else compared}
        """,
        [sql.uuid(source.organisation_id), source.pk, run, sql.now(), *([] if fresh else [source.pk])],
    )
    return int(cursor.rowcount)


def _delete_vanished(
    cursor: Any,
    source: Connection,
    dates: Collection[dt.date],
    only: Collection[str] | None,
) -> int:
    conditions, params = [f"date IN ({sql.marks(dates)})"], sql.dates(dates)
    if only is not None:
        conditions.append(f"external_id IN ({sql.marks(only)})" if only else "1 = 0")
        params += list(only)
    cursor.execute(
        f"""
        DELETE FROM {_TABLE} WHERE connection_id = %s AND {" AND ".join(conditions)} AND NOT EXISTS (
            SELECT 1 FROM staged_sales s WHERE s.date = {_TABLE}.date AND s.external_id = {_TABLE}.external_id)
        """,
        [source.pk, *params],
    )
    return int(cursor.rowcount)
