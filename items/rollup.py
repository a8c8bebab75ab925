"""What lines come to: per source and day, per product and day, month, and in all. Only what was touched is added up.

Each level is added up from the one below, compared with what stands, and only the difference is written: equal rows
keep their bytes. Writing needs a transaction that holds `lock_rollups`.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import Max

from accounts.models import Organisation
from departments.models import BEGINNING, Authority, Department
from items.models import ItemDay, ItemSource, ProductDay, ProductMonth, SaleLine, SalesProduct
from items.staging import FEW, empty_table, stage_days
from items.touched import OF_DAY, OF_PRODUCT, add_up_touched, columns_of_table, known_sum, stage_touched
from sales import sql

_LINES = SaleLine._meta.db_table
_DEPARTMENTS = Department._meta.db_table
_ORGANISATIONS = Organisation._meta.db_table
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

    @property
    def stamps(self) -> list[str]:
        return ["updated_at"] if self.stamped else []

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

Day = tuple[UUID, dt.date]
_TOUCHED = "IN (SELECT department_id, date FROM touched_days)"


def refresh_rollups(organisation: UUID, days: Collection[Day], *, connection: int | None) -> int:
    """Add up again what `connection` (None: every one) sold on these (department, date)s; returns changed rows.

    Days whose lines were cleaned up keep what they came to. What the others come to stays in `touched_sums`.
    """
    if kept_from := cleaned_before(organisation):
        days = [day for day in days if day[1] >= kept_from]
    ours = "" if connection is None else f" AND o.connection_id = {connection:d}"
    day = "o.department_id = t.department_id AND o.date = t.date"
    with database.cursor() as cursor:
        stage_touched(cursor, days)
        _fill_item_days(cursor, connection)
        changed = _bring(cursor, ITEM_DAYS, organisation, _look_up(ITEM_DAYS, "touched_days", day + ours))
        changed += _count_one(cursor)
        fresh = _is_new_ground(cursor)
        _fill_days(cursor, compared=not fresh)
        if different := _bring(cursor, DAYS, organisation, _look_up(DAYS, "touched_days", day), fresh=fresh):
            changed += _bring(cursor, MONTHS, organisation, _fill_months(cursor))
            _fill_products(cursor)
            touched = f"(SELECT DISTINCT product_id FROM changed_{DAYS.table})"
            changed += _bring(cursor, PRODUCTS, organisation, _look_up(PRODUCTS, touched, PRODUCTS.same("o", "t")))
        return changed + different


def cleaned_before(organisation: UUID) -> dt.date | None:
    """Lines of dates before this one were deleted as too old, their sums were not."""
    sources = ItemSource.objects.filter(organisation=organisation)
    newest: dt.date | None = sources.aggregate(newest=Max("kept_from"))["newest"]
    return newest


def check_rollups(organisation: UUID, *, repair: bool = False) -> dict[str, int]:
    """Add up all lines of the organisation and compare: {table: rows that are missing, differ or should not be}.

    `repair` brings them in line. Each table is compared with the one below it. Needs `lock_rollups`.
    """
    ours = f"o WHERE o.organisation_id = '{sql.uuid(organisation)}'"
    kept = f"o.date >= '{(cleaned_before(organisation) or BEGINNING).isoformat()}'"
    bring = partial(_bring, organisation=organisation, write=repair)
    with database.cursor() as cursor:
        stage_days(cursor, "touched_days", ())
        cursor.execute(
            f"INSERT INTO touched_days SELECT DISTINCT department_id, date FROM {_LINES} {ours} AND {kept}"
            f" UNION SELECT department_id, date FROM {ITEM_DAYS.table} {ours} AND {kept}"
        )
        _analyze(cursor, "touched_days", cursor.rowcount)
        add_up_touched(cursor)
        _fill_item_days(cursor, None)
        found = {ITEM_DAYS.table: bring(cursor, ITEM_DAYS, standing=f"{ITEM_DAYS.table} {ours} AND {kept}")}
        found[ITEM_DAYS.table] += _count_one(cursor, write=repair)
        _fill_days(cursor)
        cursor.execute("DROP TABLE touched_sums")  # those of all days need room
        found[DAYS.table] = bring(cursor, DAYS, standing=f"{DAYS.table} {ours} AND {kept}")
        # Every month and product is looked at, not only those whose days were wrong.
        key = ", ".join(DAYS.key)
        cursor.execute(f"DELETE FROM changed_{DAYS.table}")
        cursor.execute(f"INSERT INTO changed_{DAYS.table} ({key}) SELECT {key} FROM {DAYS.table} {ours}")
        _analyze(cursor, f"changed_{DAYS.table}", cursor.rowcount)
        _fill_months(cursor)
        found[MONTHS.table] = bring(cursor, MONTHS, standing=f"{MONTHS.table} {ours}")
        _fill_products(cursor)
        found[PRODUCTS.table] = bring(cursor, PRODUCTS, standing=f"{PRODUCTS.table} {ours}")
    return found


def _fill_item_days(cursor: Any, connection: int | None) -> None:
    _empty(cursor, ITEM_DAYS)
    cursor.execute(
        f"""
        INSERT INTO new_{ITEM_DAYS.table} SELECT {", ".join(ITEM_DAYS.names)} FROM touched_sums
        WHERE of = {OF_DAY} {"" if connection is None else f"AND connection_id = {connection:d}"}
        """
    )
    _analyze(cursor, f"new_{ITEM_DAYS.table}", cursor.rowcount, ITEM_DAYS.key)


def _fill_days(cursor: Any, *, compared: bool = True) -> None:
    """Of the counted source of each touched day."""
    _empty(cursor, DAYS)
    cursor.execute(
        f"""
        INSERT INTO new_{DAYS.table} SELECT {", ".join(f"s.{name}" for name in DAYS.names)}
        FROM touched_sums s JOIN {ITEM_DAYS.table} d
        ON d.department_id = s.department_id AND d.date = s.date AND d.connection_id = s.connection_id AND d.is_counted
        WHERE s.of = {OF_PRODUCT}
        ORDER BY s.department_id, s.date, s.product_id
        """
    )
    if compared:
        _analyze(cursor, f"new_{DAYS.table}", cursor.rowcount, DAYS.key)


def _fill_months(cursor: Any) -> str:
    """Of the products whose days changed, `touched_months` says which; returns what to look up to find their rows."""
    _empty(cursor, MONTHS)
    empty_table(cursor, "touched_months", _columns(MONTHS.key))
    cursor.execute(
        f"INSERT INTO touched_months SELECT DISTINCT department_id, {_month('date')}, product_id FROM changed_{DAYS.table}"
    )
    touched = cursor.rowcount
    _analyze(cursor, "touched_months", touched)
    # Of few products the days are looked up; of many all days of the month are read at once, also of untouched products.
    months, key = "touched_months", MONTHS.key
    if touched > FEW:
        months, key = "(SELECT DISTINCT department_id, month FROM touched_months)", MONTHS.key[:2]
    same = [f"o.{name} = t.{name}" for name in key]
    within = " AND ".join([f"o.date >= t.month AND o.date < {_next_month('t.month')}", *same[:1], *same[2:]])
    cursor.execute(
        f"""
        INSERT INTO new_{MONTHS.table} SELECT o.department_id, t.month, o.product_id, SUM(o.lines),
            CASE WHEN COUNT(o.receipts) = COUNT(*) THEN SUM(o.receipts) END,
            {sql.money_sum("o.quantity")}, {known_sum("o.revenue")}, {known_sum("o.gross")}
        FROM {_look_up(DAYS, months, within)} GROUP BY o.department_id, t.month, o.product_id
        """
    )
    _analyze(cursor, f"new_{MONTHS.table}", touched, MONTHS.key)
    return _look_up(MONTHS, months, " AND ".join(same))


def _fill_products(cursor: Any) -> None:
    """Of the products whose days changed, from their months. Money of two currencies comes to no sum."""
    _empty(cursor, PRODUCTS)
    sold = sql.money_sum("CASE WHEN m.revenue IS NOT NULL THEN m.quantity END")
    one_currency = "COUNT(DISTINCT COALESCE(NULLIF(d.currency, ''), g.currency)) = 1"
    cursor.execute(
        f"""
        INSERT INTO new_{PRODUCTS.table} SELECT m.product_id,
            (SELECT MAX(t.date) FROM {DAYS.table} t WHERE t.product_id = m.product_id),
            SUM(m.lines), {sql.money_sum("m.quantity")}, CASE WHEN {one_currency} THEN {known_sum("m.revenue")} END,
            CASE WHEN {one_currency} THEN ROUND({sql.money_sum("m.revenue")} / NULLIF({sold}, 0), 4) END
        FROM {MONTHS.table} m
        JOIN {_DEPARTMENTS} d ON d.id = m.department_id JOIN {_ORGANISATIONS} g ON g.id = m.organisation_id
        WHERE m.product_id IN (SELECT product_id FROM changed_{DAYS.table}) GROUP BY m.product_id
        """
    )
    _analyze(cursor, f"new_{PRODUCTS.table}", cursor.rowcount, PRODUCTS.key)


def _count_one(cursor: Any, *, write: bool = True) -> int:
    """Of each touched day the source with authority counts, or where that has no lines the first; changed rows."""
    wrong = f"WHERE (department_id, date) {_TOUCHED} AND is_counted <> (connection_id = {_counted(ITEM_DAYS.table)})"
    if not write:
        cursor.execute(f"SELECT COUNT(*) FROM {ITEM_DAYS.table} {wrong}")
        return int(cursor.fetchone()[0])
    cursor.execute(f"UPDATE {ITEM_DAYS.table} SET is_counted = NOT is_counted {wrong}")
    return int(cursor.rowcount)


def _counted(day: str) -> str:
    """The id of the connection that counts on the (department_id, date) of the row `day`."""
    same = f"i.department_id = {day}.department_id AND i.date = {day}.date"
    return f"""COALESCE(
        (SELECT i.connection_id FROM {ITEM_DAYS.table} i WHERE {same} AND i.connection_id = (
            SELECT a.connection_id FROM {_AUTHORITY} a
            WHERE a.department_id = i.department_id AND a.from_date <= i.date ORDER BY a.from_date DESC LIMIT 1)),
        (SELECT MIN(i.connection_id) FROM {ITEM_DAYS.table} i WHERE {same}))"""


def _is_new_ground(cursor: Any) -> bool:
    """Whether no product of any touched day has a row yet."""
    # OFFSET keeps PostgreSQL from joining: each day is looked up in the index.
    cursor.execute(
        f"""
        SELECT EXISTS (SELECT 1 FROM touched_days t WHERE EXISTS (
            SELECT 1 FROM {DAYS.table} o WHERE o.department_id = t.department_id AND o.date = t.date LIMIT 1 OFFSET 0))
        """
    )
    return not cursor.fetchone()[0]


def _look_up(level: Level, touched: str, within: str) -> str:
    """For a FROM: the rows `o` of the level that stand `within` each row `t` of `touched`.

    They are looked up in the index: left to itself PostgreSQL would rather read the whole table.
    """
    if sql.is_postgresql():
        return f"{touched} t CROSS JOIN LATERAL (SELECT o.ctid, o.* FROM {level.table} o WHERE {within} OFFSET 0) o"
    return f"{touched} t JOIN {level.table} o ON {within}"


def _bring(
    cursor: Any, level: Level, organisation: UUID, standing: str, *, write: bool = True, fresh: bool = False
) -> int:
    """Bring the rows `o` of `standing` (what may follow a FROM) in line with the `new_...` rows, which are all there is.

    `fresh`: nothing stands there. Returns how many rows are new, differ or have vanished; their keys are in
    `changed_...`.
    """
    new, changed = f"new_{level.table}", f"changed_{level.table}"
    empty_table(cursor, changed, f"{_columns(level.key)}, stands boolean")
    new_key = ", ".join(f"n.{name}" for name in level.key)
    if fresh:
        cursor.execute(f"INSERT INTO {changed} SELECT {new_key}, FALSE FROM {new} n")
        found = int(cursor.rowcount)
        _insert(cursor, level, organisation, f"FROM {new} n")
        _analyze(cursor, changed, found, level.key)
        return found
    cursor.execute(
        f"""
        INSERT INTO {changed} SELECT {new_key}, o.{level.key[0]} IS NOT NULL
        FROM {new} n LEFT JOIN (SELECT o.* FROM {standing}) o ON {level.same("o", "n")}
        WHERE o.{level.key[0]} IS NULL OR {sql.differ("o", "n", level.values)}
        """
    )
    different = int(cursor.rowcount)
    cursor.execute(
        f"""
        INSERT INTO {changed} SELECT {", ".join(level.key)}, TRUE FROM (SELECT o.* FROM {standing}) o
        WHERE NOT EXISTS (SELECT 1 FROM {new} n WHERE {level.same("n", "o")})
        """
    )
    vanished = int(cursor.rowcount)
    _analyze(cursor, changed, different + vanished, level.key)
    # Many rows cost less replaced than updated, which looks in full pages of every index for room. Few that change
    # again and again, as today's do, stay where they are. A stamped row says more than its sums: it is updated.
    replaced = different > FEW and not level.stamped
    if write and (vanished or replaced):
        _delete(cursor, level, only_vanished=not replaced)
    if write and different:
        update = ", ".join(f"{name} = excluded.{name}" for name in [*level.values, *level.stamps])
        upsert = "" if replaced else f"ON CONFLICT ({', '.join(level.key)}) DO UPDATE SET {update}"
        rows = f"FROM {new} n JOIN {changed} c ON {level.same('c', 'n')} WHERE TRUE ORDER BY {new_key}"
        _insert(cursor, level, organisation, f"{rows} {upsert}")
    return different + vanished


def _delete(cursor: Any, level: Level, *, only_vanished: bool) -> None:
    """Delete the changed rows that stand."""
    gone = f"SELECT o.{{}} FROM {_look_up(level, f'changed_{level.table}', level.same('o', 't'))} WHERE t.stands"
    if only_vanished:
        gone += f" AND NOT EXISTS (SELECT 1 FROM new_{level.table} n WHERE {level.same('n', 't')})"
    gone = gone.format("ctid" if sql.is_postgresql() else "rowid")
    place = f"ctid = ANY (ARRAY({gone}))" if sql.is_postgresql() else f"rowid IN ({gone})"
    cursor.execute(f"DELETE FROM {level.table} WHERE {place}")


def _insert(cursor: Any, level: Level, organisation: UUID, rows: str) -> None:
    """Insert rows of `new_...`, which is `n` in the clauses `rows`."""
    more = ["is_counted"] if level is ITEM_DAYS else []
    cursor.execute(
        f"""
        INSERT INTO {level.table} ({", ".join(["organisation_id", *level.stamps, *more, *level.names])})
        SELECT {", ".join(["%s", *("%s" for _ in level.stamps), *("TRUE" for _ in more), *(f"n.{n}" for n in level.names)])}
        {rows}
        """,
        [sql.uuid(organisation), *(sql.now() for _ in level.stamps)],
    )


def _month(column: str) -> str:
    return f"date_trunc('month', {column})::date" if sql.is_postgresql() else f"date({column}, 'start of month')"


def _next_month(first: str) -> str:
    return f"({first} + INTERVAL '1 month')::date" if sql.is_postgresql() else f"date({first}, '+1 month')"


def _columns(names: Collection[str]) -> str:
    return columns_of_table({name: _KINDS.get(name, "numeric") for name in names})


def _empty(cursor: Any, level: Level) -> None:
    empty_table(cursor, f"new_{level.table}", _columns(level.names))


def _analyze(cursor: Any, table: str, rows: int, columns: Collection[str] = ()) -> None:
    """Temporary tables have no statistics of their own, and joins of many rows go wrong without.

    `columns` are those joined by, if not all are; the others' statistics cost more than all of the joins.
    """
    if rows > FEW and sql.is_postgresql():
        cursor.execute(f"ANALYZE {table} {'(' + ', '.join(columns) + ')' if columns else ''}")
