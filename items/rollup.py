"""What lines come to: per source and day, per product and day, month, and in all. Only what was touched is added up.

Each level is added up from the one below, compared with what stands, and only the difference is written: equal rows
keep their bytes. Writing needs a transaction that holds `lock_rollups`.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection as database

from departments.models import Authority
from items.models import ItemDay, ProductDay, ProductMonth, SaleLine, SalesProduct
from items.staging import empty_table, stage_days
from sales import sql

_LINES = SaleLine._meta.db_table
_AUTHORITY = Authority._meta.db_table
_MEASURES = ["lines", "receipts", "quantity", "revenue", "gross"]
_KINDS = {
    **dict.fromkeys(("department_id", "product_id"), "uuid"),
    **dict.fromkeys(("date", "month", "last_sale_date"), "date"),
    **dict.fromkeys(("connection_id", "lines", "receipts", "total_sales_count"), "bigint"),
}


@dataclass(frozen=True)
class Level:
    """A table of sums; `stamped`: it keeps when a row changed."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    stamped: bool = False

    @property
    def names(self) -> list[str]:
        return [*self.key, *self.values]

    def same(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{name} = {right}.{name}" for name in self.key)


ITEM_DAYS = Level(ItemDay._meta.db_table, ("department_id", "date", "connection_id"), tuple(_MEASURES), stamped=True)
DAYS = Level(ProductDay._meta.db_table, ("department_id", "date", "product_id"), ("connection_id", *_MEASURES))
MONTHS = Level(ProductMonth._meta.db_table, ("department_id", "month", "product_id"), tuple(_MEASURES))
PRODUCTS = Level(
    SalesProduct._meta.db_table,
    ("product_id",),
    ("last_sale_date", "total_sales_count", "total_quantity", "total_revenue", "average_price"),
    stamped=True,
)
_TOUCHED = "IN (SELECT department_id, date FROM touched_days)"


def refresh_rollups(organisation: UUID, days: Collection[tuple[UUID, dt.date]], *, connection: int | None) -> int:
    """Add up again what `connection` (None: every one) sold on these (department, date)s; returns changed rows."""
    with database.cursor() as cursor:
        stage_days(cursor, "touched_days", days)
        changed = 0
        for level, scope, params in _steps(cursor, connection):
            found = _compare(cursor, level, scope, params)
            if found:
                _write(cursor, level, organisation)
            if level is ITEM_DAYS:
                changed += _count_one(cursor)
            changed += found
            if level is DAYS and not found:
                break
        return changed


def _steps(cursor: Any, connection: int | None) -> Any:
    """Level by level, each when those below it stand: its new rows in `new_...`, and what part of it they replace."""
    _fill_item_days(cursor, connection)
    ours = "" if connection is None else "o.connection_id = %s AND "
    yield ITEM_DAYS, f"{ours}(o.department_id, o.date) {_TOUCHED}", [] if connection is None else [connection]
    _fill_days(cursor)
    yield DAYS, f"(o.department_id, o.date) {_TOUCHED}", []
    _fill_months(cursor)
    yield MONTHS, "(o.department_id, o.month, o.product_id) IN (SELECT * FROM touched_months)", []
    _fill_products(cursor)
    yield PRODUCTS, f"o.product_id IN (SELECT product_id FROM changed_{DAYS.table})", []


def _fill_item_days(cursor: Any, connection: int | None) -> None:
    _empty(cursor, ITEM_DAYS)
    receipt = "NULLIF(l.transaction_id, '')"
    cursor.execute(
        f"""
        INSERT INTO new_{ITEM_DAYS.table} SELECT l.department_id, l.date, l.connection_id, COUNT(*),
            CASE WHEN COUNT({receipt}) = COUNT(*) THEN COUNT(DISTINCT {receipt}) END,
            {sql.money_sum("l.quantity")}, {_known_sum("l.total")}, {_known_sum("l.gross")}
        FROM touched_days t JOIN {_LINES} l ON l.department_id = t.department_id AND l.date = t.date
        WHERE {"" if connection is None else "l.connection_id = %s AND"} NOT l.is_deleted
        GROUP BY l.department_id, l.date, l.connection_id
        """,
        [] if connection is None else [connection],
    )


def _fill_days(cursor: Any) -> None:
    """Of the counted source of each touched day."""
    _empty(cursor, DAYS)
    receipt = "NULLIF(l.transaction_id, '')"
    cursor.execute(
        f"""
        INSERT INTO new_{DAYS.table} SELECT l.department_id, l.date, l.product_id, l.connection_id, COUNT(*),
            CASE WHEN COUNT({receipt}) = COUNT(*) THEN COUNT(DISTINCT {receipt}) END,
            {sql.money_sum("l.quantity")}, {_known_sum("l.total")}, {_known_sum("l.gross")}
        FROM touched_days t
        JOIN {ITEM_DAYS.table} d ON d.department_id = t.department_id AND d.date = t.date AND d.is_counted
        JOIN {_LINES} l ON l.department_id = t.department_id AND l.date = t.date AND l.connection_id = d.connection_id
        WHERE NOT l.is_deleted GROUP BY l.department_id, l.date, l.product_id, l.connection_id
        """
    )


def _fill_months(cursor: Any) -> None:
    """Of the products whose days changed; `touched_months` says which."""
    _empty(cursor, MONTHS)
    empty_table(cursor, "touched_months", _columns(MONTHS.key))
    cursor.execute(
        f"INSERT INTO touched_months SELECT DISTINCT department_id, {_month('date')}, product_id FROM changed_{DAYS.table}"
    )
    _analyze(cursor, "touched_months")
    cursor.execute("SELECT DISTINCT month FROM touched_months ORDER BY month")
    for (month,) in cursor.fetchall():
        first = month if isinstance(month, dt.date) else dt.date.fromisoformat(month)
        after = (first + dt.timedelta(days=31)).replace(day=1)
        cursor.execute(
            f"""
            INSERT INTO new_{MONTHS.table} SELECT d.department_id, m.month, d.product_id, SUM(d.lines),
                CASE WHEN COUNT(d.receipts) = COUNT(*) THEN SUM(d.receipts) END,
                {sql.money_sum("d.quantity")}, {_known_sum("d.revenue")}, {_known_sum("d.gross")}
            FROM touched_months m
            JOIN {DAYS.table} d ON d.department_id = m.department_id AND d.product_id = m.product_id
            WHERE m.month = %s AND d.date >= %s AND d.date < %s
            GROUP BY d.department_id, m.month, d.product_id
            """,
            sql.dates([first, first, after]),
        )


def _fill_products(cursor: Any) -> None:
    """Of the products whose days changed, from their months."""
    _empty(cursor, PRODUCTS)
    known = "m.revenue IS NOT NULL"
    sold = sql.money_sum(f"CASE WHEN {known} THEN m.quantity END")
    cursor.execute(
        f"""
        INSERT INTO new_{PRODUCTS.table} SELECT m.product_id,
            (SELECT MAX(d.date) FROM {DAYS.table} d WHERE d.product_id = m.product_id),
            SUM(m.lines), {sql.money_sum("m.quantity")}, {_known_sum("m.revenue")},
            ROUND({sql.money_sum("m.revenue")} / NULLIF({sold}, 0), 4)
        FROM {MONTHS.table} m WHERE m.product_id IN (SELECT product_id FROM changed_{DAYS.table}) GROUP BY m.product_id
        """
    )


def _count_one(cursor: Any) -> int:
    """Of each touched day the source with authority counts, or where that has no lines the first; changed rows."""
    cursor.execute(
        f"""
        UPDATE {ITEM_DAYS.table} SET is_counted = NOT is_counted
        WHERE (department_id, date) {_TOUCHED} AND is_counted <> (connection_id = {counted(ITEM_DAYS.table)})
        """
    )
    return int(cursor.rowcount)


def counted(day: str) -> str:
    """The id of the connection that counts on the (department_id, date) of the row `day`."""
    same = f"i.department_id = {day}.department_id AND i.date = {day}.date"
    return f"""COALESCE(
        (SELECT i.connection_id FROM {ITEM_DAYS.table} i WHERE {same} AND i.connection_id = (
            SELECT a.connection_id FROM {_AUTHORITY} a
            WHERE a.department_id = i.department_id AND a.from_date <= i.date ORDER BY a.from_date DESC LIMIT 1)),
        (SELECT MIN(i.connection_id) FROM {ITEM_DAYS.table} i WHERE {same}))"""


def _compare(cursor: Any, level: Level, scope: str, params: list[Any]) -> int:
    """Put into `changed_...` the keys of rows that are new, differ, or within `scope` (of rows `o`) have vanished."""
    new, changed = f"new_{level.table}", f"changed_{level.table}"
    _analyze(cursor, new)
    empty_table(cursor, changed, _columns(level.key))
    cursor.execute(
        f"""
        INSERT INTO {changed}
        SELECT {", ".join(f"n.{name}" for name in level.key)}
        FROM {new} n LEFT JOIN {level.table} o ON {level.same("o", "n")}
        WHERE o.{level.key[0]} IS NULL OR {sql.differ("o", "n", level.values)}
        UNION ALL
        SELECT {", ".join(f"o.{name}" for name in level.key)} FROM {level.table} o
        WHERE {scope} AND NOT EXISTS (SELECT 1 FROM {new} n WHERE {level.same("n", "o")})
        """,
        params,
    )
    return int(cursor.rowcount)


def _write(cursor: Any, level: Level, organisation: UUID) -> None:
    """Delete what vanished, insert and update what differs."""
    new, changed = f"new_{level.table}", f"changed_{level.table}"
    _analyze(cursor, changed)
    key = ", ".join(level.key)
    cursor.execute(
        f"""
        DELETE FROM {level.table} WHERE ({key}) IN (SELECT {key} FROM {changed})
        AND NOT EXISTS (SELECT 1 FROM {new} n WHERE {level.same("n", level.table)})
        """
    )
    stamp = ["updated_at"] if level.stamped else []
    more = ["is_counted"] if level is ITEM_DAYS else []
    cursor.execute(
        f"""
        INSERT INTO {level.table} ({", ".join(["organisation_id", *stamp, *more, *level.names])})
        SELECT {", ".join(["%s", *("%s" for _ in stamp), *("TRUE" for _ in more), *(f"n.{n}" for n in level.names)])}
        FROM {new} n JOIN {changed} c ON {level.same("c", "n")} WHERE TRUE
        ON CONFLICT ({key}) DO UPDATE SET {", ".join(f"{n} = excluded.{n}" for n in [*level.values, *stamp])}
        """,
        [sql.uuid(organisation), *([sql.now()] if stamp else [])],
    )


def _known_sum(column: str) -> str:
    """The sum, unknown if a part of it is."""
    return f"CASE WHEN COUNT({column}) = COUNT(*) THEN {sql.money_sum(column)} END"


def _month(column: str) -> str:
    return f"date_trunc('month', {column})::date" if sql.is_postgresql() else f"date({column}, 'start of month')"


def _columns(names: Collection[str]) -> str:
    """Columns of a temporary table; SQLite needs no types for them."""
    return ", ".join(f"{name} {_KINDS.get(name, 'numeric')}" if sql.is_postgresql() else name for name in names)


def _empty(cursor: Any, level: Level) -> None:
    empty_table(cursor, f"new_{level.table}", _columns(level.names))


def _analyze(cursor: Any, table: str) -> None:
    """Temporary tables have no statistics of their own, and joins go wrong without."""
    if sql.is_postgresql():
        cursor.execute(f"ANALYZE {table}")
