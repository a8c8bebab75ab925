"""What a source answers to every question it is asked, by structure: which fields, how often filled, with what."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from departments.choices import Kind
from departments.clients import iiko_client, onec_client
from departments.models import Connection
from departments.timing import connection_today
from sources.errors import SourceError

DAYS = 7


@dataclass(frozen=True)
class FieldSeen:
    """`filled`: the share of rows in which it holds anything, 0 to 1; `types`: what was seen in it."""

    name: str
    filled: float
    types: tuple[str, ...]


@dataclass(frozen=True)
class EntitySeen:
    """`error`: why there is nothing of it; else `rows` and what they hold."""

    name: str
    rows: int
    fields: tuple[FieldSeen, ...] = ()
    error: SourceError | None = None


def analyze(connection: Connection, heard: Callable[[str], None] = lambda name: None) -> list[EntitySeen]:
    """Ask for every list and for the sales of the last week; nothing is stored. Raises SourceError if nobody answers.

    `heard` is told each list before it is asked for. Values are not kept: a structure holds no secret.
    """
    if connection.kind == Kind.ONEC:
        heard("objects")
        return [seen("objects", onec_client(connection).objects())]
    client = iiko_client(connection)
    yesterday = connection_today(connection) - timedelta(days=1)
    first = yesterday - timedelta(days=DAYS - 1)
    questions: dict[str, Callable[[], Iterable[Any]]] = {
        "departments": client.departments,
        "stores": client.stores,
        "categories": client.categories,
        "units": client.units,
        "product_groups": client.product_groups,
        "products": lambda: client.products().rows,
        "prices": lambda: client.prices(first, yesterday),
        "sales_fields": lambda: client.columns().values(),
        "sales": lambda: client.sales(first, yesterday).rows,
        "shifts": lambda: client.shifts(first, yesterday),
    }
    found = []
    with client.session():
        for name, ask in questions.items():
            heard(name)
            try:
                found.append(seen(name, ask()))
            except SourceError as error:
                if error.transient:
                    raise
                found.append(EntitySeen(name, 0, error=error))
    return found


def seen(name: str, rows: Iterable[Any]) -> EntitySeen:
    """The structure of rows of the wire; what the client does not know by name counts as fields, too."""
    filled: Counter[str] = Counter()
    types: dict[str, set[str]] = {}
    total = 0
    for row in rows:
        total += 1
        for field, value in _values(row):
            types.setdefault(field, set())
            if value not in (None, "", [], {}, ()):
                filled[field] += 1
                types[field].add(_type(value))
    return EntitySeen(
        name, total, tuple(FieldSeen(field, filled[field] / total, tuple(sorted(types[field]))) for field in types)
    )


def _values(row: Any) -> Iterable[tuple[str, Any]]:
    names = [field.name for field in fields(row)] if is_dataclass(row) else row._fields
    for name in names:
        value = getattr(row, name)
        if name == "extra" and isinstance(value, Mapping):
            yield from ((f"extra.{key}", part) for key, part in value.items())
        else:
            yield name, value


def _type(value: Any) -> str:
    if isinstance(value, Decimal):
        return "number"
    if isinstance(value, tuple | list):
        return "list"
    return {"str": "text", "int": "number", "float": "number", "bool": "yes/no", "dict": "object"}.get(
        type(value).__name__, type(value).__name__
    )
