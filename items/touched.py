"""The lines of the days to add up, read once: every sum of these days is made from the same rows.

Temporary tables: `touched_days` (department_id, date) and `touched_lines`, the standing lines of all sources on them.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from accounts.models import Organisation
from departments.models import Department
from items.models import SaleLine
from items.staging import empty_table, stage_days
from sales import sql

_LINES = SaleLine._meta.db_table
_DEPARTMENTS = Department._meta.db_table
_ORGANISATIONS = Organisation._meta.db_table
_TYPES = {
    "department_id": "uuid",
    "date": "date",
    "connection_id": "bigint",
    "product_id": "uuid",
    "hour": "smallint",
    "receipt": "text",
    **dict.fromkeys(("quantity", "revenue", "gross"), "numeric"),
}


def stage_touched(cursor: Any, days: Collection[tuple[UUID, dt.date]]) -> None:
    """Fill both tables. Needs a transaction."""
    stage_days(cursor, "touched_days", days)
    stage_lines_of_touched(cursor)


def stage_lines_of_touched(cursor: Any) -> None:
    """Fill `touched_lines` with the lines of `touched_days`.

    `receipt` is NULL where the source knows none, an amount where it is not in the money of the department.
    """
    empty_table(cursor, "touched_lines", columns_of_table(_TYPES))
    cursor.execute(
        f"""
        INSERT INTO touched_lines SELECT l.department_id, l.date, l.connection_id, l.product_id, l.hour,
            NULLIF(l.transaction_id, ''), l.quantity, {_in_own_money("total")}, {_in_own_money("gross")}
        FROM touched_days t JOIN {_LINES} l ON l.department_id = t.department_id AND l.date = t.date
        JOIN {_DEPARTMENTS} own ON own.id = l.department_id JOIN {_ORGANISATIONS} common ON common.id = l.organisation_id
        WHERE NOT l.is_deleted
        """
    )


def columns_of_table(types: dict[str, str]) -> str:
    """Columns of a temporary table; SQLite needs no types for them."""
    return ", ".join(f"{name} {kind}" if sql.is_postgresql() else name for name, kind in types.items())


def _in_own_money(column: str) -> str:
    return f"CASE WHEN l.currency IN ('', COALESCE(NULLIF(own.currency, ''), common.currency)) THEN l.{column} END"
