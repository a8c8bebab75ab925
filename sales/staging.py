"""Rows on their way into the database: a temporary table, filled by COPY or one executemany."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

WHOLE_DAY = -1  # `hour` of a row that is its day's total


class StagedRow(NamedTuple):
    """A day's (hour = WHOLE_DAY) or an hour's figures of one source id."""

    external_id: str
    department: UUID | None
    date: Any
    hour: int
    revenue: Decimal | None
    gross: Decimal | None
    orders: int | None
    guests: int | None


COLUMNS = "external_id, department_id, date, hour, revenue, gross, orders, guests"
_TYPES = {
    "postgresql": "external_id text, department_id uuid, date date, hour smallint, revenue numeric, gross numeric,"
    " orders integer, guests integer",
    "sqlite": "external_id text, department_id char(32), date date, hour smallint, revenue decimal, gross decimal,"
    " orders integer, guests integer",
}


@contextmanager
def staged(rows: Sequence[StagedRow], text: str | None = None) -> Iterator[Any]:
    """A cursor in whose session the table `staged_sales` holds exactly `rows`. Needs a transaction.

    `text` is `copy_text(rows)` for who has it already.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_sales ({_TYPES[connection.vendor]})")
        cursor.execute("TRUNCATE staged_sales" if connection.vendor == "postgresql" else "DELETE FROM staged_sales")
        if connection.vendor == "postgresql":
            cursor.copy_expert(
                f"COPY staged_sales ({COLUMNS}) FROM STDIN", io.StringIO(copy_text(rows) if text is None else text)
            )
        else:
            cursor.executemany(
                f"INSERT INTO staged_sales ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        row.external_id,
                        row.department.hex if row.department else None,
                        row.date.isoformat(),
                        row.hour,
                        None if row.revenue is None else str(row.revenue),
                        None if row.gross is None else str(row.gross),
                        row.orders,
                        row.guests,
                    )
                    for row in rows
                ],
            )
        yield cursor


def copy_text(rows: Sequence[StagedRow]) -> str:
    """COPY's text format; source ids are the only free text in it. Equal rows in equal order give equal texts."""
    null = "\\N"
    # Thousands of rows share a few ids and dates: each is written out once.
    names: dict[Any, str] = {None: null}
    for row in rows:
        for value in (row.department, row.date):
            if value not in names:
                names[value] = str(value)
    return "".join(
        f"{_escape(external_id)}\t{names[department]}\t{names[date]}\t{hour}\t{null if revenue is None else revenue!s}\t"
        f"{null if gross is None else gross!s}\t{null if orders is None else orders}\t{null if guests is None else guests}\n"
        for external_id, department, date, hour, revenue, gross, orders, guests in rows
    )


def _escape(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text
