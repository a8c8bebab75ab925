"""Lines on their way into a table, temporary or their own: by COPY on PostgreSQL, by executemany on SQLite."""

import datetime as dt
import hashlib
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice, repeat
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.transaction import TransactionManagementError

from items.coded import Coded
from items.lines import EXACT, Columns, Line, instant_of
from sales import sql

_NULL = "\\N"
# So many rows are joined well without statistics of them.
FEW = 100
_ROWS_OF_A_PIECE = 500
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
    ids, columns = _last_of_each(connection, columns)
    _write(cursor, "staged_lines", {}, ids, columns)
    if sql.is_postgresql() and len(ids) > FEW:
        cursor.execute("ANALYZE staged_lines")
    return len(ids)


def insert_lines(cursor: Any, table: str, connection: int, columns: Columns, same: Mapping[str, Any]) -> int:
    """Write the lines right into their table, as `stage_lines` would stage them. None of them may stand there.

    `same`: columns of the table that have one value in all the rows.
    """
    ids, columns = _last_of_each(connection, columns)
    silent = {STAGED[name][0]: value for name, value in Line._field_defaults.items() if name not in columns}
    _write(cursor, table, {**silent, **same}, ids, columns)
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
    """On PostgreSQL the rows go with the transaction's end. Raises TransactionManagementError outside of one."""
    if not database.in_atomic_block:
        raise TransactionManagementError(f"{table}: rows on their way need a transaction")
    create = f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({columns})"
    if not sql.is_postgresql():
        cursor.execute(create)
        cursor.execute(f"DELETE FROM {table}")
        return
    cursor.execute(f"{create} ON COMMIT DELETE ROWS")
    # TRUNCATE writes to the catalogue, which takes longer than all else that is done with a few rows.
    cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")
    if cursor.fetchone():
        cursor.execute(f"TRUNCATE {table}")


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


def _last_of_each(connection: int, columns: Columns) -> tuple[list[str], Columns]:
    """The ids of the lines and their columns, of several lines with one id only the last."""
    ids = _ids(connection, columns["date"], columns["external_id"])
    if len(set(ids)) == len(ids):
        return ids, columns
    kept = sorted(dict(zip(ids, range(len(ids)), strict=True)).values())
    return [ids[i] for i in kept], {name: [column[i] for i in kept] for name, column in columns.items()}


def _write(cursor: Any, table: str, same: Mapping[str, Any], ids: Sequence[str], columns: Columns) -> None:
    names = ", ".join([*same, "id", *(STAGED[name][0] for name in columns)])
    if sql.is_postgresql():
        # Column by column, not to be done again for each row: what is the same in all rows is one text.
        head = "".join(f"{_NULL if value is None else _escaped(str(value))}\t" for value in same.values())
        texts = [[head + id_ for id_ in ids] if head else ids, *(_text(*column) for column in columns.items())]
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", _Pieces(map("\t".join, zip(*texts, strict=True))))
    else:
        values = [
            *(repeat(value, len(ids)) for value in same.values()), ids, *(_value(*column) for column in columns.items())
        ]  # fmt: skip
        statement = f"INSERT INTO {table} ({names}) VALUES ({sql.marks(values)})"
        cursor.executemany(statement, zip(*values, strict=True))


class _Pieces:
    """Rows as the file that COPY reads: while the server takes one piece, the next one is made."""

    def __init__(self, rows: Iterator[str]) -> None:
        self._rows = rows

    def read(self, _size: int = -1) -> str:
        part = list(islice(self._rows, _ROWS_OF_A_PIECE))
        return "\n".join([*part, ""])


def _ids(connection: int, dates: Sequence[dt.date], external_ids: Sequence[str]) -> list[str]:
    """`items.keys.line_id` of each line, as 32 hexadecimal digits."""
    prefixes = _mapped(dates, lambda date: f"{connection}|{date.isoformat()}|")
    md5 = hashlib.md5
    return [
        md5((prefix + external_id).encode(), usedforsecurity=False).hexdigest()
        for prefix, external_id in zip(prefixes, external_ids, strict=True)
    ]


def _text(name: str, column: Sequence[Any]) -> list[str]:
    """A column in COPY's text format."""
    if name == "metadata":
        return [_NULL if value is None else _escaped(json.dumps(value)) for value in column]
    if not isinstance(column, Coded) and (name in EXACT or name == "sold_at"):
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
        return _mapped(column, lambda value: value and database.ops.adapt_datetimefield_value(instant_of(value)))
    if name in ("department", "product"):
        return _mapped(column, lambda value: value if isinstance(value, str) else value.hex)
    if name == "date":
        return _mapped(column, lambda value: value.isoformat())
    return column


def _mapped(column: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """Each different value is converted once."""
    if isinstance(column, Coded):
        return list(map([convert(value) for value in column.values].__getitem__, column.codes.tolist()))
    converted = {value: convert(value) for value in set(column)}
    return [converted[value] for value in column]


def _escaped(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text
