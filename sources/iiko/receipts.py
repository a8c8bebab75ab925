"""Answers about receipts into their lines and heads: money exactly, in the manner of `parse`."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache, lru_cache
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from sources.errors import SourceError
from sources.iiko.parse import EXACT, absurd, decode, four_places, refuse_repeated_keys, whole
from sources.iiko.query import (
    AMOUNT,
    CLOSED,
    DEPARTMENT,
    DISH,
    DISH_CODE,
    DISH_NAME,
    GROSS,
    GUESTS,
    NUMBER,
    ORDER,
    REVENUE,
    SESSION,
    Asked,
)
from sources.iiko.types import RemoteDish, RemoteHead, RemoteLine

Word = str | int | float | None
KINDS: dict[str, Any] = {AMOUNT: Decimal, REVENUE: Decimal, GROSS: Decimal, GUESTS: int | float | None}
MOST_ID = 80
THREE_PLACES = Decimal("0.001")
# Beside the ISO forms (with T or a blank, with any fraction of a second or none).
OLD_TIME = re.compile(r"^(\d\d)\.(\d\d)\.(\d{4}) ", re.ASCII)
_Key = tuple[str | None, str, datetime | None, str | None]
_Sums = dict[str, Decimal]


def lines(bodies: Iterable[bytes], asked: Iterable[Asked], day: date) -> list[RemoteLine]:
    """The lines of `day` from the answers to all questions of one way of asking, each dish of a receipt once.

    Raises SourceError truncated, not_json, empty_body, or bad_data naming the field.
    """
    cells: dict[_Key, _Sums] = {}
    with localcontext(EXACT):
        for body, question in zip(bodies, asked, strict=True):
            for row in _rows(body, question):
                cell = cells.setdefault(_key(row), {})
                for name in question.aggregates:
                    cell[name] = cell.get(name, Decimal(0)) + _exact(row[name], name)
        return [
            RemoteLine(
                department_id=department,
                date=day,
                order=order,
                product_id=dish,
                closed_at=closed,
                hour=None if closed is None else closed.hour,
                quantity=_of(cell, AMOUNT).quantize(THREE_PLACES, ROUND_HALF_UP),
                revenue=_of(cell, REVENUE),
                gross=_of(cell, GROSS),
            )
            for (department, order, closed, dish), cell in cells.items()
        ]


def heads(body: bytes, asked: Asked) -> list[RemoteHead]:
    """Each receipt once; of one that the server numbers twice the first number counts, guests are added up."""
    found: dict[tuple[str | None, str], RemoteHead] = {}
    for row in _rows(body, asked):
        department, order, _closed, _dish = _key(row)
        head = RemoteHead(department, order, _text(row.get(NUMBER)), whole(row[GUESTS], GUESTS))
        if known := found.get((department, order)):
            guests = None if None in (known.guests, head.guests) else known.guests + head.guests  # type: ignore[operator]
            head = known._replace(guests=guests)
        found[department, order] = head
    return list(found.values())


def dishes(body: bytes, asked: Asked) -> dict[str, RemoteDish]:
    """Of a dish that was sold under several names the last one told."""
    found = {}
    for row in _rows(body, asked):
        if id := _id(row[DISH]):
            found[id] = RemoteDish(id, _text(row[DISH_NAME]), _text(row[DISH_CODE]))
    return found


def _rows(body: bytes, asked: Asked) -> Iterator[dict[str, Any]]:
    raw = decode(_decoder(asked), body).data
    refuse_repeated_keys(body, len(raw), asked.fields)
    names = asked.fields
    return (dict(zip(names, msgspec.structs.astuple(row), strict=True)) for row in raw)


@cache
def _decoder(asked: Asked) -> msgspec.json.Decoder[Any]:
    fields = [(f"f{n}", KINDS.get(name, Word), msgspec.field(name=name)) for n, name in enumerate(asked.fields)]
    row = msgspec.defstruct("Row", fields, gc=False)
    return msgspec.json.Decoder(msgspec.defstruct("Answer", [("data", list[row])]))  # type: ignore[valid-type]


def _key(row: dict[str, Any]) -> _Key:
    department, closed = _id(row[DEPARTMENT]), _time(row.get(CLOSED))
    if ORDER in row:
        order = _id(row[ORDER])
    else:
        # An id like the server's own would be: numbers begin anew in every department.
        known = (_text(row[SESSION]), _text(row[NUMBER]), str(closed))
        order = str(uuid5(NAMESPACE_OID, " ".join((department, *known)))) if known[1] else ""
    return department or None, order, closed, _id(row.get(DISH)) or None


def _text(value: Word) -> str:
    if isinstance(value, float):
        value = int(value) if value == int(value) else value
    return "" if value is None else str(value).replace("\0", "").strip()


def _id(value: Word) -> str:
    if len(text := _text(value)) > MOST_ID:
        raise SourceError("bad_data", what=f"id {text:.40}")
    return text


@lru_cache(maxsize=4096)
def _time(value: Word) -> datetime | None:
    if not (text := _text(value)):
        return None
    try:
        return datetime.fromisoformat(OLD_TIME.sub(r"\3-\2-\1T", text)).replace(tzinfo=None)
    except ValueError:
        raise SourceError("bad_data", what=f"{CLOSED} {text!r:.40}") from None


def _exact(value: Decimal, name: str) -> Decimal:
    if absurd(value):
        raise SourceError("bad_data", what=name)
    return value if name == AMOUNT else four_places(value, name)


def _of(cell: _Sums, name: str) -> Decimal:
    """What only one of two answers tells was sold between them: the day is asked for once more."""
    if name not in cell:
        raise SourceError("truncated")
    return cell[name]
