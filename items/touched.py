"""What the lines of the days to add up come to, read once: every sum of these days begins with the same rows.

Temporary tables: `touched_days` (department_id, date), and `touched_sums` of all sources on them, where `of` says what
a row is the sum of: a day, one of its hours, one of its products.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any
from uuid import UUID

from accounts.models import Organisation
from departments.models import Department
from items.models import SaleLine
from items.staging import FEW, empty_table, stage_days
from sales import sql

_LINES = SaleLine._meta.db_table
# In the column `of`: what GROUPING(hour, product_id) says.
OF_HOUR, OF_PRODUCT, OF_DAY = 1, 2, 3
_KEYS = {OF_DAY: ("connection_id",), OF_HOUR: ("connection_id", "hour"), OF_PRODUCT: ("connection_id", "product_id")}
_TYPES = {
    "department_id": "uuid",
    "date": "date",
    "connection_id": "bigint",
    "hour": "smallint",
    "product_id": "uuid",
    "of": "smallint",
    **dict.fromkeys(("lines", "receipts"), "bigint"),
    **dict.fromkeys(("quantity", "revenue", "gross"), "numeric"),
}
# An amount is unknown if it is not in the currency of its department; nothing but the day is joined line by line.
_DAYS = f"""
    SELECT t.department_id, t.date, COALESCE(NULLIF(own.currency, ''), common.currency) AS currency
    FROM touched_days t JOIN {Department._meta.db_table} own ON own.id = t.department_id
    JOIN {Organisation._meta.db_table} common ON common.id = own.organisation_id"""
_LINE = """o.connection_id, o.hour, o.product_id, NULLIF(o.transaction_id, '') AS receipt, o.quantity,
    CASE WHEN o.currency IN ('', t.currency) THEN o.total END AS revenue,
    CASE WHEN o.currency IN ('', t.currency) THEN o.gross END AS gross"""
_HERE = "o.department_id = t.department_id AND o.date = t.date AND NOT o.is_deleted"


def stage_touched(cursor: Any, days: Collection[tuple[UUID, dt.date]]) -> None:
    """Fill both tables. Needs a transaction."""
    if sql.is_postgresql():
        # It takes the sums of a few days for more than they are: compiling them would cost more than adding up.
        cursor.execute("SET LOCAL jit = off")
    stage_days(cursor, "touched_days", days)
    add_up_touched(cursor)


def add_up_touched(cursor: Any) -> None:
    """Fill `touched_sums` with what the standing lines of `touched_days` come to."""
    empty_table(cursor, "touched_sums", columns_of_table(_TYPES))
    if sql.is_postgresql():
        _in_one_pass(cursor)
    else:
        for of in _KEYS:
            _in_a_pass(cursor, of)


def _in_one_pass(cursor: Any) -> None:
    """Each day's lines are looked up in the index once and sorted by themselves: they fit into the cache."""
    groups = ", ".join(f"({', '.join(key)})" for key in _KEYS.values())
    cursor.execute(
        f"""
        INSERT INTO touched_sums SELECT t.department_id, t.date, s.* FROM ({_DAYS} OFFSET 0) t CROSS JOIN LATERAL (
            SELECT connection_id, hour, product_id, GROUPING(hour, product_id), {_measures('COLLATE "C"')}
            FROM (SELECT {_LINE} FROM {_LINES} o WHERE {_HERE}) l
            GROUP BY GROUPING SETS ({groups}) OFFSET 0) s
        """
    )
    if cursor.rowcount > FEW:
        cursor.execute("ANALYZE touched_sums (department_id, date, connection_id, of)")


def _in_a_pass(cursor: Any, of: int) -> None:
    """For SQLite, which groups by one key at a time."""
    hour, product = (name if name in _KEYS[of] else "NULL" for name in ("hour", "product_id"))
    cursor.execute(
        f"""
        INSERT INTO touched_sums SELECT department_id, date, connection_id, {hour}, {product}, {of}, {_measures()}
        FROM (SELECT t.department_id, t.date, {_LINE} FROM ({_DAYS}) t JOIN {_LINES} o ON {_HERE})
        GROUP BY department_id, date, {", ".join(_KEYS[of])}
        """
    )


def _measures(collation: str = "") -> str:
    """Lines, receipts, quantity, revenue, gross. `collation`: bytes are compared faster than letters."""
    return f"""COUNT(*), CASE WHEN COUNT(receipt) = COUNT(*) THEN COUNT(DISTINCT receipt {collation}) END,
        {sql.money_sum("quantity")}, {known_sum("revenue")}, {known_sum("gross")}"""


def known_sum(column: str) -> str:
    """The sum, unknown if a part of it is."""
    return f"CASE WHEN COUNT({column}) = COUNT(*) THEN {sql.money_sum(column)} END"


def columns_of_table(types: dict[str, str]) -> str:
    """Columns of a temporary table; SQLite needs no types for them."""
    return ", ".join(f"{name} {kind}" if sql.is_postgresql() else name for name, kind in types.items())
