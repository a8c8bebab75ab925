"""What the two databases write differently, for the statements that move whole days at once."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.utils import timezone


def is_postgresql() -> bool:
    return database.vendor == "postgresql"


def differ(left: str, right: str, names: Sequence[str]) -> str:
    """Whether one of the columns of two tables differs, NULL being equal to NULL."""
    return any_differs([f"{left}.{name}" for name in names], [f"{right}.{name}" for name in names])


def any_differs(left: Sequence[str], right: Sequence[str]) -> str:
    operator = "IS DISTINCT FROM" if is_postgresql() else "IS NOT"
    return "(" + " OR ".join(f"{one} {operator} {other}" for one, other in zip(left, right, strict=True)) + ")"


def money_sum(column: str) -> str:
    """An exact sum: numeric on PostgreSQL, whole 1/10000ths on SQLite, whose own SUM adds binary floats."""
    return f"SUM({column})" if is_postgresql() else f"SUM(CAST(ROUND({column} * 10000) AS INTEGER)) / 10000.0"


def elements(column: str) -> str:
    """A joinable set `e` with the elements of a JSON array, to be read by `element`."""
    return f"jsonb_array_elements({column}) e" if is_postgresql() else f"json_each({column}) e"


def element(index: int, kind: str) -> str:
    """Item `index` of the inner array `e`, as `kind` (smallint, integer, numeric)."""
    return (
        f"(e.value->>{index})::{kind}" if is_postgresql() else f"CAST(json_extract(e.value, '$[{index}]') AS NUMERIC)"
    )


def marks(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def cast(value: str, kind: str) -> str:
    """For PostgreSQL, which cannot tell the type of a NULL."""
    return f"CAST({value} AS {kind})" if is_postgresql() else value


def uuid(value: UUID) -> Any:
    return value if is_postgresql() else value.hex


def uuids(values: Iterable[UUID]) -> list[Any]:
    return [uuid(value) for value in values]


def dates(values: Iterable[dt.date]) -> list[Any]:
    return [value if is_postgresql() else value.isoformat() for value in values]


def now() -> Any:
    return database.ops.adapt_datetimefield_value(timezone.now())
