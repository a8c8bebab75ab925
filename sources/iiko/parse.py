"""Bodies of an iiko server into dataclasses: strict where money is concerned, tolerant where versions differ."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError

import msgspec
import numpy as np
import orjson
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeXml

from sources.errors import SourceError
from sources.iiko.query import DATE, DEPARTMENT, FIELDS, GROSS, GUESTS, HOUR, ORDERS, REVENUE
from sources.iiko.types import Column, DayTotal, RemoteDepartment, SalesAnswer, SalesRow, Shift

T = TypeVar("T")

LIMIT = Decimal("1e13")
MOST_COUNT = 10**13
PLACES = Decimal("0.0001")
# Wide enough that no sum below is ever rounded.
EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
# A double prints 15 to 17 digits when its binary noise shows; real decimals that long do not exist in money.
NOISE_DIGITS, NOISE = 15, Decimal("1e-6")
BUSINESS_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T00:00:00(\.0+)?)?", re.ASCII)
TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{7,199}", re.ASCII)
CUT_GUID = re.compile(r"(?!.{36})[0-9a-f]{8}-[0-9a-f-]*", re.ASCII | re.IGNORECASE)
NOT_A_NUMBER = re.compile(rb"[:,\[]\s*[-+]?(NaN|Infinity)\b")
XML_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"'](?!utf-8[\"'])", re.IGNORECASE)


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


class _DayRow(_Row, gc=False, kw_only=True):
    """A row of the question that does not ask for hours."""

    hour: None = msgspec.field(name=HOUR, default=None)


class _DayAnswer(msgspec.Struct):
    data: list[_DayRow]


class _Shift(msgspec.Struct):
    id: str
    openDate: str
    sessionStatus: str = ""
    closeDate: str | None = None
    payOrders: Decimal | None = None
    departmentId: str | None = None
    pointOfSaleId: str | None = None
    pointOfSale: str | None = None


_answers = msgspec.json.Decoder(_Answer)
_day_answers = msgspec.json.Decoder(_DayAnswer)
_shifts = msgspec.json.Decoder(list[_Shift])
DAY_FIELDS = tuple(name for name in FIELDS if name != HOUR)
_Key = tuple[str | None, str | None, str | int | float | None]
_Cell = list[Any]  # revenue, gross: Decimal; orders, guests: int, float or None


def server_version(body: bytes) -> str:
    """The version in `/resto/get_server_info.jsp` (`<r><version>8.9.5</version>...</r>`), empty if there is none."""
    found = re.search(rb"<version>\s*([\w.\-]{1,40})\s*</version>", body)
    return found[1].decode() if found else ""


def token(body: str) -> str:
    """The token in the answer to a login; some servers quote it."""
    text = body.strip().strip("\"'").strip()
    if not text:
        raise SourceError("empty_body")
    if CUT_GUID.fullmatch(text):
        raise SourceError("truncated")
    if not TOKEN.fullmatch(text):
        raise SourceError("bad_data", what="token")
    return text


def day_totals(body: bytes, first: date, last: date) -> dict[tuple[str, date], DayTotal]:
    """An OLAP answer without hours, by department ("": none named) and business date. Raises as `sales` does.

    A server groups by what it was asked for: a department and date told twice is bad_data.
    """
    raw = decode(_day_answers, body).data
    refuse_repeated_keys(body, len(raw), DAY_FIELDS)
    rows = _answer(raw, first, last).rows
    if len(rows) < len(raw):
        raise SourceError("bad_data", what="a department and date twice")
    return {(row.external_id or "", row.date): DayTotal(row.revenue, row.gross, row.orders, row.guests) for row in rows}


def sales(body: bytes, first: date, last: date) -> SalesAnswer:
    """The rows of an OLAP answer summed to one per department, business date and hour.

    Bills told one by one are summed too; that no row came twice is for `day_totals` to tell.
    Raises SourceError truncated, not_json, empty_body, or bad_data naming the field and row.
    """
    raw = decode(_answers, body).data
    refuse_repeated_keys(body, len(raw), FIELDS)
    return _answer(raw, first, last)


def _answer(raw: Sequence[_Row], first: date, last: date) -> SalesAnswer:
    with localcontext(EXACT):
        cells = _sum(raw)
        if any(_is_long(sum(cell[column] for cell in cells.values())) for column in (0, 1)):
            # Adding keeps every digit: such a total tells that a row had more than 4 places.
            for row in raw:
                row.revenue, row.gross = four_places(row.revenue, REVENUE), four_places(row.gross, GROSS)
            cells = _sum(raw)
        departments: dict[Any, Any] = {name: (name or "").strip() or None for name in {key[0] for key in cells}}
        dates: dict[Any, Any] = {text: _date(text, first, last) for text in {key[1] for key in cells}}
        hours: dict[Any, Any] = {hour: _hour(hour) for hour in {key[2] for key in cells}}
        if any(len(set(known.values())) < len(known) for known in (departments, dates, hours)):
            cells = _merge(cells, departments, dates, hours)
            departments, dates, hours = (
                {value: value for value in known.values()} for known in (departments, dates, hours)
            )
        rows = [
            SalesRow(
                departments[department],
                dates[day],
                hours[hour],
                revenue.quantize(PLACES),
                gross.quantize(PLACES),
                orders if type(orders) is int and -MOST_COUNT < orders < MOST_COUNT else whole(orders, ORDERS),
                guests if type(guests) is int and -MOST_COUNT < guests < MOST_COUNT else whole(guests, GUESTS),
            )
            for (department, day, hour), (revenue, gross, orders, guests) in cells.items()
        ]
    gaps = None in departments.values() or None in hours.values()
    rows.sort(key=_order if gaps else None)
    return SalesAnswer(rows=rows, raw_rows=len(raw), first=first, last=last)


def _order(row: SalesRow) -> tuple[str, date, int]:
    return row.external_id or "", row.date, -1 if row.hour is None else row.hour


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise SourceError("empty_body")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise SourceError("bad_data", what=_place(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if "truncated" in str(error):
            raise SourceError("truncated") from None
        raise _unreadable(body) from None


def _unreadable(body: bytes) -> SourceError:
    """Why no JSON can be read from a body that is not cut."""
    if found := NOT_A_NUMBER.search(body):
        return SourceError("bad_data", what=found[1].decode())
    try:
        body.decode()
    except UnicodeDecodeError:
        return SourceError("bad_data", what="charset")
    return SourceError("not_json")


def refuse_repeated_keys(body: bytes, rows: int, keys: Sequence[str]) -> None:
    """A key told twice in one object says two things, and every reader of JSON silently takes one of them.

    Counting colons proves that there is none in most answers; where values hold some as well, keys are counted.
    """
    expected = rows * len(keys) + 1 + (b'"summary"' in body[:64] + body[-64:])
    if _colons(body) == expected:
        return
    if body.count(b'"data"') > 1 or any(body.count(b'"%b"' % key.encode()) != rows for key in keys):
        _refuse_any_repeated_key(body)


def _colons(body: bytes) -> int:
    # In pieces that fit the cache: a tenth of the time of bytes.count.
    characters, step = np.frombuffer(body, np.uint8), 1 << 17
    return sum(
        int(np.count_nonzero(characters[start : start + step] == 58)) for start in range(0, len(characters), step)
    )


def _refuse_any_repeated_key(text: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        known = dict(pairs)
        if len(known) < len(pairs):
            names = [name for name, _value in pairs]
            raise SourceError("bad_data", what=f"{next(name for name in names if names.count(name) > 1)!r:.40} twice")
        return known

    try:
        json.loads(text.decode("utf-8", "replace").removeprefix("\ufeff"), object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise SourceError("not_json") from None


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
            raise SourceError("bad_data", what=REVENUE if absurd(revenue) else GROSS)
        key = (row.department, row.date, row.hour)
        cell = cells.get(key)
        if cell is None:
            cells[key] = [revenue, gross, orders, guests]
            continue
        cell[0] += revenue
        cell[1] += gross
        cell[2] = None if orders is None or cell[2] is None else cell[2] + orders
        cell[3] = None if guests is None or cell[3] is None else cell[3] + guests
    return cells


def absurd(money: Decimal) -> bool:
    return not money.is_finite() or abs(money) >= LIMIT


def _merge(
    cells: dict[_Key, _Cell], departments: dict[Any, Any], dates: dict[Any, Any], hours: dict[Any, Any]
) -> dict[Any, _Cell]:
    """Cells under the keys as we know them: "05" and 5 are one hour."""
    merged: dict[Any, _Cell] = {}
    for (department, day, hour), cell in cells.items():
        key = departments[department], dates[day], hours[hour]
        if (other := merged.get(key)) is not None:
            cell = [None if a is None or b is None else a + b for a, b in zip(other, cell, strict=True)]
        merged[key] = cell
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


def whole(number: object, what: str) -> int | None:
    if number is None:
        return None
    assert isinstance(number, int | float)
    if not abs(number) < MOST_COUNT or number != int(number):
        raise SourceError("bad_data", what=what)
    return int(number)


def shifts(body: bytes) -> list[Shift]:
    """Cash shifts; `department_id` only where the server tells it. Raises as `sales` does.

    Times come with or without a fraction and never with a zone; a shift told twice in the same words is one.
    """
    found: dict[str, Shift] = {}
    raw = decode(_shifts, body)
    _refuse_any_repeated_key(body)
    for shift in raw:
        point = shift.pointOfSaleId or shift.pointOfSale
        opened, closed = _instant(shift.openDate), _instant(shift.closeDate) if shift.closeDate else None
        told = Shift(
            external_id=shift.id,
            department_id=shift.departmentId,
            opened_at=opened,
            closed_at=closed,
            business_date=opened.date(),
            pay_orders=None if shift.payOrders is None else _paid(shift.payOrders),
            status=shift.sessionStatus,
            point_of_sale=point,
        )
        if found.setdefault(shift.id, told) != told:
            raise SourceError("bad_data", what="a cash shift told twice")
    return list(found.values())


def _paid(money: Decimal) -> Decimal:
    if absurd(money):
        raise SourceError("bad_data", what="payOrders")
    return four_places(money, "payOrders")


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise SourceError("bad_data", what=f"cash shift date {text!r:.40}") from None


def points_of_sale(body: bytes) -> dict[str, str]:
    """Point of sale to department, from the list of groups (XML)."""
    return {
        (point.findtext("id") or "").strip(): department
        for group in _xml(body.removeprefix(b"\xef\xbb\xbf").strip(), "groupDtoes").iter("groupDto")
        if (department := (group.findtext("departmentId") or "").strip())
        for point in group.iter("pointOfSaleDto")
    }


def departments(body: bytes, content_type: str) -> list[RemoteDepartment]:
    """The corporation tree in the order given. XML as documented; some installations answer JSON."""
    found: dict[str, RemoteDepartment] = {}
    for node in corporate_nodes(body, content_type):
        if not node["id"]:
            raise SourceError("bad_data", what="department id")
        told = RemoteDepartment(
            external_id=node["id"],
            parent_id=node["parentId"] or None,
            name=node["name"],
            type=node["type"],
            code=node["code"],
            taxpayer_id=node["taxpayerIdNumber"] or node["taxpayerId"],
        )
        if found.setdefault(node["id"], told) != told:
            raise SourceError("bad_data", what="a department told twice")
    return list(found.values())


def corporate_nodes(body: bytes, content_type: str) -> list[dict[str, str]]:
    """Nodes of the corporation by the names of NODE_FIELDS and `taxpayerId`, from XML or JSON."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise SourceError("empty_body")
    is_json = "json" in content_type or ("xml" not in content_type and text[:1] in b"[{")
    return _json_nodes(text) if is_json else _xml_nodes(text)


NODE_FIELDS = ("id", "parentId", "name", "type", "code", "taxpayerIdNumber")


def _xml_nodes(text: bytes) -> list[dict[str, str]]:
    return [
        {name: (item.findtext(name) or "").strip() for name in NODE_FIELDS}
        | {"taxpayerId": (item.findtext("jurPersonAdditionalPropertiesDto/taxpayerId") or "").strip()}
        for item in _xml(text, "corporateItemDtoes").iter("corporateItemDto")
    ]


def _xml(text: bytes, tag: str) -> Element:
    """The root of an XML answer, which is a `tag`."""
    if not text:
        raise SourceError("empty_body")
    if XML_ENCODING.match(text) and _is_utf8(text):
        raise SourceError("bad_data", what="charset")
    try:
        root: Element = SafeXml.fromstring(text)
    except ParseError:
        cut = b"<%b" % tag.encode() in text[:500] and not text.endswith(b"</%b>" % tag.encode())
        raise (SourceError("truncated") if cut else SourceError("bad_data", what=f"{tag} XML")) from None
    except DefusedXmlException:
        raise SourceError("bad_data", what=f"{tag} XML") from None
    if root.tag != tag:
        raise SourceError("bad_data", what=f"{tag} XML")
    return root


def _is_utf8(text: bytes) -> bool:
    """No other encoding of words looks like this by chance."""
    try:
        return not text.isascii() and bool(text.decode())
    except UnicodeDecodeError:
        return False


def _json_nodes(text: bytes) -> list[dict[str, str]]:
    document = json_document(text)
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
    document = json_document(body.removeprefix(b"\xef\xbb\xbf").strip())
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


def json_document(text: bytes) -> object:
    """Raises SourceError empty_body, truncated, not_json, or bad_data for a key told twice and for NaN."""
    if not text:
        raise SourceError("empty_body")
    try:
        document: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        cut = text[:1] in b"[{" and error.pos >= len(text.decode("utf-8", "replace"))
        raise (SourceError("truncated") if cut else _unreadable(text)) from None
    _refuse_any_repeated_key(text)
    return document
