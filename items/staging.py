"""Lines in a temporary table: by COPY on PostgreSQL, by executemany on SQLite."""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Collection, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection as database

from items.lines import EXACT, Columns
from sales import sql

_NULL = "\\N"
# So many rows are joined well without statistics of them.
FEW = 500
_ROWS_OF_A_COPY = 20_000
_PLACES = {name: Decimal("0.001") if name == "quantity" else Decimal("0.0001") for name in EXACT}
# Field of `Line`: column of the table, type on PostgreSQL, type on SQLite. Types that round as the real table does.
_MONEY = ("numeric(18, 4)", "decimal")
STAGED: dict[str, tuple[str, str, str]] = {
    "external_id": ("external_id", "text", "text"),
    "department": ("department_id", "uuid", "char(32)"),
    "product": ("product_id", "uuid", "char(32)"),
    "date": ("date", "date", "date"),
    "sold_at": ("sold_at", "timestamptz", "datetime"),
    "hour": ("hour", "smallint", "smallint"),
    "quantity": ("quantity", "numeric(14, 3)", "decimal"),
    **{name: (name, *_MONEY) for name in EXACT if name != "quantity"},
    "currency": ("currency", "text DEFAULT ''", "text DEFAULT ''"),
    "channel": ("channel", "text DEFAULT 'pos'", "text DEFAULT 'pos'"),
    **{
        name: (name, "text DEFAULT ''", "text DEFAULT ''")
        for name in ("location", "customer", "transaction_id", "payment_method", "notes")
    },
    "metadata": ("metadata", "jsonb", "text"),
}
COLUMNS = [column for column, _postgresql, _sqlite in STAGED.values()]


def stage_lines(cursor: Any, connection: int, columns: Columns) -> int:
    """Fill the temporary table `staged_lines` with the lines, the last of several with one identity; returns how many.

    Needs a transaction.
    """
    _create(cursor)
    if not columns:
        return 0
    ids = _ids(connection, columns["date"], columns["external_id"])
    newest = dict(zip(ids, range(len(ids)), strict=True))
    if len(newest) < len(ids):
        kept = sorted(newest.values())
        ids, columns = [ids[i] for i in kept], {name: [column[i] for i in kept] for name, column in columns.items()}
    names = ["id", *(STAGED[name][0] for name in columns)]
    convert = _text if sql.is_postgresql() else _value
    values = [ids, *(convert(name, column) for name, column in columns.items())]
    if sql.is_postgresql():
        rows = map("\t".join, zip(*values, strict=True))
        while part := list(islice(rows, _ROWS_OF_A_COPY)):
            cursor.copy_expert(f"COPY staged_lines ({', '.join(names)}) FROM STDIN", io.StringIO("\n".join(part)))
        if len(ids) > FEW:
            cursor.execute("ANALYZE staged_lines")
    else:
        statement = f"INSERT INTO staged_lines ({', '.join(names)}) VALUES ({sql.marks(names)})"
        cursor.executemany(statement, zip(*values, strict=True))
    return len(ids)


def stage_days(cursor: Any, table: str, days: Collection[tuple[UUID, dt.date]]) -> None:
    """Fill the temporary table `table` (department_id, date)."""
    kinds = ("uuid", "date") if sql.is_postgresql() else ("char(32)", "date")
    empty_table(cursor, table, f"department_id {kinds[0]}, date {kinds[1]}")
    if not days:
        return
    if sql.is_postgresql():
        text = "\n".join(f"{department}\t{date}" for department, date in days)
        cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))
        if len(days) > FEW:
            cursor.execute(f"ANALYZE {table}")
    else:
        rows = [(department.hex, date.isoformat()) for department, date in days]
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", rows)


def empty_table(cursor: Any, table: str, columns: str) -> None:
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({columns})")
    cursor.execute(f"TRUNCATE {table}" if sql.is_postgresql() else f"DELETE FROM {table}")


def read_days(cursor: Any) -> frozenset[tuple[UUID, dt.date]]:
    """The rows (department, date) of the statement just executed."""
    return frozenset(day_of(department, date) for department, date in cursor.fetchall())


def day_of(department: Any, date: Any) -> tuple[UUID, dt.date]:
    """The two as Python's own: SQLite gives ids as text and knows a date only where it comes from a column."""
    return (
        department if isinstance(department, UUID) else UUID(department),
        date if isinstance(date, dt.date) else dt.date.fromisoformat(date),
    )


def _create(cursor: Any) -> None:
    position = 1 if sql.is_postgresql() else 2
    columns = ", ".join(f"{kinds[0]} {kinds[position]}" for kinds in STAGED.values())
    empty_table(cursor, "staged_lines", f"id {'uuid' if sql.is_postgresql() else 'char(32)'}, {columns}")


def _ids(connection: int, dates: Sequence[dt.date], external_ids: Sequence[str]) -> list[str]:
    """`items.keys.line_id` of each line, as 32 hexadecimal digits."""
    prefixes = {date: f"{connection}|{date.isoformat()}|" for date in set(dates)}
    md5 = hashlib.md5
    return [
        md5((prefixes[date] + external_id).encode(), usedforsecurity=False).hexdigest()
        for date, external_id in zip(dates, external_ids, strict=True)
    ]


def _text(name: str, column: Sequence[Any]) -> list[str]:
    """A column in COPY's text format."""
    if name == "metadata":
        return [_NULL if value is None else _escaped(json.dumps(value)) for value in column]
    if name in EXACT or name == "sold_at":
        return [_NULL if value is None else str(value) for value in column]
    return _mapped(column, lambda value: _NULL if value is None else _escaped(str(value)))


def _value(name: str, column: Sequence[Any]) -> Sequence[Any]:
    """A column as SQLite keeps it."""
    if name == "metadata":
        return [None if value is None else json.dumps(value) for value in column]
    if name in EXACT:
        places = _PLACES[name]
        return _mapped(
            column, lambda value: None if value is None else str(Decimal(value).quantize(places, ROUND_HALF_UP))
        )
    if name == "sold_at":
        return [database.ops.adapt_datetimefield_value(value) for value in column]
    if name in ("department", "product"):
        return _mapped(column, lambda value: value.hex)
    if name == "date":
        return _mapped(column, lambda value: value.isoformat())
    return column


def _mapped(column: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """Each different value is converted once."""
    converted = {value: convert(value) for value in set(column)}
    return [converted[value] for value in column]


def _escaped(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text
