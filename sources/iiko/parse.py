"""Bodies of an iiko server into dataclasses: strict where money is concerned, tolerant where versions differ."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from xml.etree.ElementTree import Element, ParseError

import msgspec
import orjson
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeXml

from sources.errors import SourceError
from sources.iiko.query import DATE, DEPARTMENT, GROSS, GUESTS, HOUR, ORDERS, REVENUE
from sources.iiko.types import Column, RemoteDepartment, SalesAnswer, SalesRow

LIMIT = Decimal("1e13")
MOST_COUNT = 10**13
PLACES = Decimal("0.0001")
# Wide enough that no sum below is ever rounded.
EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
# A double prints 15 to 17 digits when its binary noise shows; real decimals that long do not exist in money.
NOISE_DIGITS, NOISE = 15, Decimal("1e-6")
BUSINESS_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T00:00:00(\.0+)?)?", re.ASCII)
TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{7,199}", re.ASCII)


class _Row(msgspec.Struct, gc=False):
    department: str | None = msgspec.field(name=DEPARTMENT)
    date: str | None = msgspec.field(name=DATE)
    hour: str | int | float | None = msgspec.field(name=HOUR)
    revenue: Decimal = msgspec.field(name=REVENUE)
    gross: Decimal = msgspec.field(name=GROSS)
    orders: int | float | None = msgspec.field(name=ORDERS)
    guests: int | float | None = msgspec.field(name=GUESTS)


class _Answer(msgspec.Struct):
    data: list[_Row]


_answers = msgspec.json.Decoder(_Answer)
_Key = tuple[str | None, str | None, str | int | float | None]
_Cell = list[Decimal | int | float | None]


def token(body: str) -> str:
    """The token in the answer to a login; some servers quote it."""
    text = body.strip().strip("\"'").strip()
    if not text:
        raise SourceError("empty_body")
    if not TOKEN.fullmatch(text):
        raise SourceError("bad_data", what="token")
    return text


def sales(body: bytes, first: date, last: date) -> SalesAnswer:
    """The rows of an OLAP answer summed to one per department, business date and hour.

    Raises SourceError truncated, not_json, empty_body, or bad_data naming the field and row.
    """
    raw = _decode(body)
    with localcontext(EXACT):
        cells = _sum(raw)
        dates = {text: _date(text, first, last) for text in {day for _, day, _ in cells}}
        rows = [_row(key, cell, dates) for key, cell in _merge(cells, raw).items()]
    rows.sort(key=lambda row: (row.external_id or "", row.date, -1 if row.hour is None else row.hour))
    return SalesAnswer(rows=rows, raw_rows=len(raw), first=first, last=last)


def _decode(body: bytes) -> list[_Row]:
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise SourceError("empty_body")
    try:
        return _answers.decode(body).data
    except msgspec.ValidationError as error:
        raise SourceError("bad_data", what=_place(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceError("truncated" if "truncated" in str(error) else "not_json") from None


def _place(problem: str) -> str:
    """msgspec's words name types and paths, never a value: "Expected `decimal`, got `null` - at `$.data[3]`"."""
    return problem.replace("`", "")[:200]


def _sum(raw: Iterable[_Row]) -> dict[_Key, _Cell]:
    cells: dict[_Key, _Cell] = {}
    low, high = -LIMIT, LIMIT
    for row in raw:
        revenue, gross, orders, guests = row.revenue, row.gross, row.orders, row.guests
        try:
            sane = low < revenue < high and low < gross < high
        except ArithmeticError:  # NaN cannot be compared
            sane = False
        if not sane:
            raise SourceError("bad_data", what=REVENUE if _absurd(revenue) else GROSS)
        key = (row.department, row.date, row.hour)
        cell = cells.get(key)
        if cell is None:
            cells[key] = [revenue, gross, orders, guests]
            continue
        cell[0] += revenue  # type: ignore[operator]
        cell[1] += gross  # type: ignore[operator]
        cell[2] = None if orders is None or cell[2] is None else cell[2] + orders  # type: ignore[operator]
        cell[3] = None if guests is None or cell[3] is None else cell[3] + guests  # type: ignore[operator]
    return cells


def _absurd(money: Decimal) -> bool:
    return not money.is_finite() or abs(money) >= LIMIT


def _merge(cells: dict[_Key, _Cell], raw: Iterable[_Row]) -> dict[tuple[str | None, str | None, int | None], _Cell]:
    """Keys as we know them ("05" and 5 are one hour), money with 4 places.

    Adding keeps every digit: a total with more than 4 places tells that a row had them, and only then each is looked at.
    """
    if any(_is_long(sum(cell[column] for cell in cells.values())) for column in (0, 1)):  # type: ignore[misc]
        for row in raw:
            row.revenue, row.gross = four_places(row.revenue, REVENUE), four_places(row.gross, GROSS)
        cells = _sum(raw)
    merged: dict[tuple[str | None, str | None, int | None], _Cell] = {}
    hours = {hour: _hour(hour) for _, _, hour in cells}
    for (department, day, hour), cell in cells.items():
        key = ((department or "").strip() or None, day, hours[hour])
        other = merged.get(key)
        merged[key] = (
            cell
            if other is None
            else [
                None if a is None or b is None else a + b  # type: ignore[operator]
                for a, b in zip(other, cell, strict=True)
            ]
        )
    return merged


def _is_long(money: object) -> bool:
    return isinstance(money, Decimal) and int(money.as_tuple().exponent) < -4


def four_places(money: Decimal, what: str) -> Decimal:
    """`money` with 4 places: exact, or freed of a double's binary noise (0.30000000000000004). Else bad_data."""
    rounded = money.quantize(PLACES, context=EXACT)
    noisy = len(money.as_tuple().digits) >= NOISE_DIGITS and abs(money - rounded) <= NOISE
    if rounded != money and not noisy:
        raise SourceError("bad_data", what=what)
    return rounded


def _row(key: tuple[str | None, str | None, int | None], cell: _Cell, dates: dict[str | None, date]) -> SalesRow:
    department, day, hour = key
    revenue, gross, orders, guests = cell
    assert isinstance(revenue, Decimal) and isinstance(gross, Decimal)
    return SalesRow(
        department,
        dates[day],
        hour,
        revenue.quantize(PLACES),
        gross.quantize(PLACES),
        _whole(orders, ORDERS),
        _whole(guests, GUESTS),
    )


def _date(text: str | None, first: date, last: date) -> date:
    found = BUSINESS_DATE.fullmatch(text or "")
    try:
        day = date.fromisoformat(found[1]) if found else None
    except ValueError:
        day = None
    if day is None or not first <= day <= last:
        raise SourceError("bad_data", what=f"{DATE} {text!r:.40}")
    return day


def _hour(value: str | float | None) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        number = int(value) if len(value) <= 2 and value.isascii() and value.isdigit() else -1
    else:
        number = int(value) if 0 <= value < 24 and value == int(value) else -1
    if not 0 <= number < 24:
        raise SourceError("bad_data", what=f"{HOUR} {value!r:.40}")
    return number


def _whole(number: object, what: str) -> int | None:
    if number is None:
        return None
    if type(number) is int and -MOST_COUNT < number < MOST_COUNT:
        return number
    assert isinstance(number, int | float)
    if not abs(number) < MOST_COUNT or number != int(number):
        raise SourceError("bad_data", what=what)
    return int(number)


def departments(body: bytes, content_type: str) -> list[RemoteDepartment]:
    """The corporation tree in the order given. XML as documented; some installations answer JSON."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise SourceError("empty_body")
    is_json = "json" in content_type or ("xml" not in content_type and text[:1] in b"[{")
    nodes = _json_nodes(text) if is_json else _xml_nodes(text)
    found: dict[str, RemoteDepartment] = {}
    for node in nodes:
        if not node["id"]:
            raise SourceError("bad_data", what="department id")
        found[node["id"]] = RemoteDepartment(
            external_id=node["id"],
            parent_id=node["parentId"] or None,
            name=node["name"],
            type=node["type"],
            code=node["code"],
            taxpayer_id=node["taxpayerIdNumber"] or node["taxpayerId"],
        )
    return list(found.values())


NODE_FIELDS = ("id", "parentId", "name", "type", "code", "taxpayerIdNumber")


def _xml_nodes(text: bytes) -> list[dict[str, str]]:
    try:
        root: Element = SafeXml.fromstring(text)
    except ParseError:
        cut = b"<corporateItemDtoes" in text[:500] and not text.endswith(b"</corporateItemDtoes>")
        raise (SourceError("truncated") if cut else SourceError("bad_data", what="departments XML")) from None
    except DefusedXmlException:
        raise SourceError("bad_data", what="departments XML") from None
    if root.tag != "corporateItemDtoes":
        raise SourceError("bad_data", what="departments XML")
    return [
        {name: (item.findtext(name) or "").strip() for name in NODE_FIELDS}
        | {"taxpayerId": (item.findtext("jurPersonAdditionalPropertiesDto/taxpayerId") or "").strip()}
        for item in root.iter("corporateItemDto")
    ]


def _json_nodes(text: bytes) -> list[dict[str, str]]:
    document = _json(text)
    if isinstance(document, dict):
        document = document.get("corporateItemDtoes")
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise SourceError("bad_data", what="departments JSON")
    nodes = []
    for item in document:
        node = {name: "" if item.get(name) is None else str(item[name]).strip() for name in NODE_FIELDS}
        person = item.get("jurPersonAdditionalPropertiesDto") or {}
        node["taxpayerId"] = str(person.get("taxpayerId") or "").strip() if isinstance(person, dict) else ""
        nodes.append(node)
    return nodes


def columns(body: bytes) -> dict[str, Column]:
    """The fields of the SALES report by name."""
    document = _json(body.removeprefix(b"\xef\xbb\xbf").strip())
    if not isinstance(document, dict) or not all(isinstance(item, dict) for item in document.values()):
        raise SourceError("bad_data", what="columns")
    return {
        name: Column(
            name=name,
            title=str(item.get("name", "")),
            type=str(item.get("type", "")),
            grouping=item.get("groupingAllowed") is not False,
            aggregation=item.get("aggregationAllowed") is not False,
            filtering=item.get("filteringAllowed") is not False,
        )
        for name, item in document.items()
    }


def _json(text: bytes) -> object:
    if not text:
        raise SourceError("empty_body")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        cut = text[:1] in b"[{" and error.pos >= len(text.decode("utf-8", "replace"))
        raise SourceError("truncated" if cut else "not_json") from None
