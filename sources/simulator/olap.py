"""The SALES report of a simulated server: what it knows, what it refuses, how it groups."""

import math
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson

from sources.simulator.worlds.base import Cell, Node, Receipt
from sources.simulator.worlds.edited import EditedWorld

GroupOf = Callable[[Cell, Receipt | None], Any]
NO_DATE_FILTER = (
    "OLAP-запрос отклонен, поскольку в запросе не найден ни один из необходимых фильтров: Учетный день (OpenDate.Typed)"
)
EMPTY_RANGE = "Конечная дата должна быть больше начальной"
NO_NUMBERS = {"nan_money": b"NaN", "infinite_money": b"Infinity", "absurd_money": b"1e309"}
UNKNOWN_DEPARTMENT = "99999999-9999-4999-8999-999999999999"


class Refusal(Exception):
    """The server's answer to a question it does not take: a status and its text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Field:
    title: str
    type: str
    flags: str
    """Of g (grouping), a (aggregation) and f (filtering) those allowed."""
    tag: str
    value: Callable[..., Any]


def fields(names: dict[str, Node]) -> dict[str, Field]:
    """The fields this server knows; `names` maps department ids to nodes."""

    def name(cell: Cell, _: object = None) -> str | None:
        return names[cell.department_id].name if cell.department_id in names else None

    def code(cell: Cell, _: object = None) -> str | None:
        return names[cell.department_id].code if cell.department_id in names else None

    def entity(cell: Cell, _: object = None) -> str | None:
        parent = names[cell.department_id].parent_id if cell.department_id in names else None
        return names[parent].name if parent in names else None

    def hour(cell: Cell, _: object = None) -> str | None:
        return None if cell.hour is None else f"{cell.hour:02d}"

    def closed(cell: Cell, receipt: Receipt) -> str:
        return receipt.closed_at.isoformat(timespec="milliseconds")

    return {
        "Department.Id": Field("Ид. подразделения", "ID", "gf", "Организация", lambda cell, _: cell.department_id),
        "Department": Field("Торговое предприятие", "STRING", "gf", "Организация", name),
        "Department.Code": Field("Код подразделения", "STRING", "gf", "Организация", code),
        "JurName": Field("Юридическое лицо", "STRING", "gf", "Организация", entity),
        "OpenDate.Typed": Field("Учетный день", "DATE", "gf", "Дата и время", lambda cell, _: str(cell.date)),
        "HourClose": Field("Час закрытия", "STRING", "gf", "Дата и время", hour),
        "HourOpen": Field("Час открытия", "STRING", "gf", "Дата и время", hour),
        "CloseTime": Field("Время закрытия", "DATETIME", "g", "Дата и время", closed),
        "OpenTime": Field("Время открытия", "DATETIME", "g", "Дата и время", closed),
        "OrderNum": Field("Номер чека", "INTEGER", "ga", "Заказ", lambda _, receipt: receipt.number),
        "OrderDeleted": Field("Заказ удален", "ENUM", "gf", "Удаление", lambda cell, _: cell.order_deleted),
        "DeletedWithWriteoff": Field(
            "Удалено со списанием", "ENUM", "gf", "Удаление", lambda cell, _: cell.dish_deleted
        ),
        "Storned": Field("Возврат чека", "ENUM", "gf", "Оплата", lambda cell, _: "TRUE" if cell.storned else "FALSE"),
        "DishDiscountSumInt": Field("Сумма со скидкой", "MONEY", "a", "Оплата", lambda cell: cell.revenue),
        "DishSumInt": Field("Сумма без скидки", "MONEY", "a", "Оплата", lambda cell: cell.gross),
        "DiscountSum": Field("Сумма скидки", "MONEY", "a", "Оплата", lambda cell: cell.gross - cell.revenue),
        "UniqOrderId": Field("Чеков", "INTEGER", "a", "Заказ", lambda cell: cell.orders),
        "UniqOrderId.OrdersCount": Field("Заказов", "INTEGER", "a", "Заказ", lambda cell: cell.orders),
        "GuestNum": Field("Количество гостей", "INTEGER", "a", "Заказ", lambda cell: cell.guests),
    }


def columns(known: dict[str, Field]) -> bytes:
    return orjson.dumps(
        {
            name: {
                "name": field.title,
                "type": field.type,
                "aggregationAllowed": "a" in field.flags,
                "groupingAllowed": "g" in field.flags,
                "filteringAllowed": "f" in field.flags,
                "tags": [field.tag],
            }
            for name, field in known.items()
        }
    )


def date_range(question: dict[str, Any]) -> tuple[date, date]:
    """First and last business date asked for, both included. Raises Refusal."""
    spec = question.get("filters", {}).get("OpenDate.Typed")
    if not isinstance(spec, dict) or spec.get("filterType") != "DateRange":
        raise Refusal(409, NO_DATE_FILTER)
    if spec.get("periodType", "CUSTOM") != "CUSTOM":
        raise Refusal(400, f"Period {spec['periodType']} is not simulated")
    first, last = _date(spec.get("from")), _date(spec.get("to"))
    if spec.get("includeLow", True) is False:
        first += timedelta(days=1)
    if spec.get("includeHigh", False) is not True:
        last -= timedelta(days=1)
    if first > last:
        raise Refusal(409, EMPTY_RANGE)
    return first, last


def _date(text: object) -> date:
    try:
        day, _, clock = str(text).partition("T")
        if clock.strip("0:.") or len(day) != 10:
            raise ValueError
        return date.fromisoformat(day)
    except ValueError:
        raise Refusal(400, f"Wrong date format: {text}") from None


def check(question: dict[str, Any], known: dict[str, Field]) -> None:
    """Raises Refusal as a real server words it."""
    if question.get("reportType") != "SALES":
        raise Refusal(400, f"Unknown report type: {question.get('reportType')}")
    uses = [(name, "g", "Grouping is not allowed for field '{}'") for name in question.get("groupByRowFields") or []]
    uses += [(name, "a", "Aggregation is not allowed for field '{}'") for name in question.get("aggregateFields") or []]
    uses += [(name, "f", "Filtering is not allowed for field {}") for name in question.get("filters") or {}]
    for name, flag, text in uses:
        if name not in known:
            raise Refusal(400, f"java.lang.IllegalArgumentException: Unknown OLAP field '{name}'")
        if flag not in known[name].flags:
            raise Refusal(400, text.format(name))


def rows(question: dict[str, Any], world: EditedWorld, known: dict[str, Field]) -> list[dict[str, Any]]:
    """The grouped rows; money as Decimal. Raises Refusal."""
    check(question, known)
    first, last = date_range(question)
    wanted = _filters(question, known)
    cells = (cell for cell in world.cells(first, last) if all(keep(cell) for keep in wanted))
    group_names, sum_names = question.get("groupByRowFields") or [], question.get("aggregateFields") or []
    groups = [known[name].value for name in group_names]
    sums = [known[name].value for name in sum_names if "g" not in known[name].flags]
    sum_names = [name for name in sum_names if "g" not in known[name].flags]
    totals: dict[tuple[Any, ...], list[Any]] = {}
    pairs: Iterable[tuple[Cell, Receipt | None]]
    if {"CloseTime", "OpenTime", "OrderNum"} & set(group_names):
        pairs = ((bill.cell, bill) for bill in world.receipts(first, last) if all(keep(bill.cell) for keep in wanted))
    else:
        pairs = ((cell, None) for cell in cells)
    for cell, bill in pairs:
        key = tuple([value(cell, bill) for value in groups])
        values = [value(cell) for value in sums]
        have = totals.get(key)
        totals[key] = values if have is None else [a + b for a, b in zip(have, values, strict=True)]
    names = [*group_names, *sum_names]
    return [dict(zip(names, (*key, *values), strict=True)) for key, values in totals.items()]


def _filters(question: dict[str, Any], known: dict[str, Field]) -> list[Callable[[Cell], bool]]:
    keeps: list[Callable[[Cell], bool]] = []
    for name, spec in question.get("filters", {}).items():
        if name == "OpenDate.Typed":
            continue
        if spec.get("filterType") not in {"IncludeValues", "ExcludeValues"}:
            raise Refusal(400, f"Unknown filter type: {spec.get('filterType')}")
        keeps.append(_keep(known[name].value, set(spec.get("values", [])), spec["filterType"] == "IncludeValues"))
    return keeps


def _keep(value: GroupOf, values: set[Any], include: bool) -> Callable[[Cell], bool]:
    return lambda cell: (value(cell, None) in values) is include


def render(found: list[dict[str, Any]], faults: Iterable[str] = ()) -> bytes:
    """The JSON answer; `faults` of the SHAPES are done to it."""
    shapes = set(faults)
    found = _misshape(found, shapes)
    if "data_missing" in shapes:
        return b'{"summary":[]}'
    if "data_null" in shapes:
        return b'{"data":null,"summary":[]}'
    number = _number_as(shapes)
    body = orjson.dumps(
        {"data": [{k: number(n, v) for k, v in row.items()} for n, row in enumerate(found)], "summary": []}
    )
    for shape, text in NO_NUMBERS.items():
        if shape in shapes and found:
            body = body.replace(b'"DishDiscountSumInt":', b'"DishDiscountSumInt":%b,"was":' % text, 1)
    if "double_keys" in shapes:
        # The reader that takes the last of two equal keys takes the wrong one.
        body = re.sub(rb'("DishDiscountSumInt":)[^,}]+', rb"\g<0>,\g<1>77777", body, count=1)
    if "wrong_charset" in shapes:
        body = body.replace(b'"Department.Id":"', '"Department.Id":"Кафе '.encode(), 1)
    if "double_data" in shapes:
        body = body.replace(b'"data":', b'"data":[],"data":', 1)
    return body


def _number_as(shapes: set[str]) -> Callable[[int, Any], Any]:
    def plain(_: int, value: Any) -> Any:
        return orjson.Fragment(digits(value)) if isinstance(value, Decimal) else value

    def mixed(place: int, value: Any) -> Any:
        if isinstance(value, Decimal | int) and place % 2 and value == int(value):
            return orjson.Fragment(f"{int(value)}.0")
        return plain(place, value)

    def noisy(place: int, value: Any) -> Any:
        if isinstance(value, Decimal):
            return math.nextafter(float(value), math.inf if place % 2 else -math.inf)
        return value

    return noisy if "binary_noise" in shapes else mixed if "number_mix" in shapes else plain


def digits(money: Decimal) -> str:
    text = f"{money:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _misshape(found: list[dict[str, Any]], shapes: set[str]) -> list[dict[str, Any]]:
    if "no_rows" in shapes:
        return []
    if not found or not shapes:
        return found
    found = [dict(row) for row in found]
    money = next((name for name in found[0] if isinstance(found[0][name], Decimal)), "")
    changes: dict[str, dict[str, Any]] = {
        "null_money": {money: None},
        "null_hour": {"HourClose": None},
        "empty_hour": {"HourClose": ""},
        "null_department": {"Department.Id": None},
        "unknown_department": {"Department.Id": UNKNOWN_DEPARTMENT},
        "foreign_date": {"OpenDate.Typed": "1999-12-31"},
    }
    for shape, change in changes.items():
        if shape in shapes:
            found[0] |= {name: value for name, value in change.items() if name in found[0]}
    if "missing_field" in shapes:
        found[0].popitem()
    if "double_rows" in shapes:
        found.append(found[0])
    if "negative" in shapes:
        found.append({k: -2 * abs(v) if isinstance(v, Decimal) else v for k, v in found[-1].items()})
    if "vanishing_hours" in shapes:
        gone = max(str(row.get("HourClose")) for row in found)
        found = [row for row in found if str(row.get("HourClose")) != gone]
    if "mixed_fractions" in shapes:
        for place, row in enumerate(found):
            for name in {"CloseTime", "OpenTime"} & row.keys():
                row[name] = row[name][: (19, 21, 22, 23)[place % 4]]
    if "shuffled" in shapes:
        random.Random(len(found)).shuffle(found)
    return found
