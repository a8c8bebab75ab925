"""Days on their way into the database: a temporary table, filled by COPY or one executemany."""

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from sales.sql import is_postgresql


class StagedDay(NamedTuple):
    """What a source said of one id and business date. `hours` as text: see `hours_text`."""

    external_id: str
    department: UUID | None
    date: dt.date
    state: str
    revenue: Decimal | None
    gross: Decimal | None
    orders: int | None
    guests: int | None
    hours: str
    doubt: str | None = None  # JSON; see sales.trust


COLUMNS = "external_id, department_id, date, state, revenue, gross, orders, guests, hours, doubt"
_POSTGRESQL = (
    "external_id text, department_id uuid, date date, state text, revenue numeric, gross numeric, orders integer,"
    " guests integer, hours jsonb, doubt jsonb"
)
_SQLITE = (
    "external_id text, department_id char(32), date date, state text, revenue decimal, gross decimal, orders integer,"
    " guests integer, hours text, doubt text"
)
_NULL = "\\N"


def hours_text(hours: Iterable[tuple[int, Decimal | None, Decimal | None, int | None, int | None]]) -> str:
    """The JSON of hours in their order: hour, revenue, gross, orders, guests. Money is text, no digit is lost."""
    texts = [f'[{hour},"{revenue}","{gross}",{orders},{guests}]' for hour, revenue, gross, orders, guests in hours]
    return f"[{','.join(texts)}]".replace('"None"', "null").replace("None", "null")


@contextmanager
def staged(days: Sequence[StagedDay], text: str | None = None) -> Iterator[Any]:
    """A cursor in whose session the table `staged_sales` holds exactly `days`. Needs a transaction.

    `text` is `copy_text(days)` for who has it already.
    """
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_sales ({_POSTGRESQL}); TRUNCATE staged_sales")
            copied = io.StringIO(copy_text(days) if text is None else text)
            cursor.copy_expert(f"COPY staged_sales ({COLUMNS}) FROM STDIN", copied)
        else:
            cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_sales ({_SQLITE})")
            cursor.execute("DELETE FROM staged_sales")
            cursor.executemany(
                f"INSERT INTO staged_sales ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    day._replace(
                        department=day.department.hex if day.department else None,  # type: ignore[arg-type]
                        date=day.date.isoformat(),  # type: ignore[arg-type]
                        revenue=_text(day.revenue),  # type: ignore[arg-type]
                        gross=_text(day.gross),  # type: ignore[arg-type]
                    )
                    for day in days
                ],
            )
        yield cursor


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def copy_text(days: Iterable[StagedDay]) -> str:
    """COPY's text format; source ids are the only free text in it. Equal days in equal order give equal texts."""
    return "".join(
        "\t".join([_escape(day[0]), *(_NULL if value is None else str(value) for value in day[1:])]) + "\n"
        for day in days
    )


def _escape(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text
