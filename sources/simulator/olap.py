"""The SALES report of a simulated server: what it knows, what it refuses, how it groups."""

import math
import random
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson

from sources.simulator.worlds.base import Cell, Node, Receipt, session_number
from sources.simulator.worlds.edited import EditedWorld
from sources.simulator.worlds.menu import Article, Menu

Keep = Callable[[Cell, Receipt | None], bool]
GroupOf = Callable[[Cell, Receipt | None], Any]
OF_BILLS = {"CloseTime", "OpenTime", "OrderNum", "UniqOrderId.Id"}
OF_DISHES = {
    "DishId",
    "DishName",
    "DishCode",
    "DishGroup",
    "DishCategory",
    "DishType",
    "DishMeasureUnit",
    "DishAmountInt",
}
ONCE = {"UniqOrderId", "UniqOrderId.OrdersCount", "GuestNum"}
"""Of a bill they count once in each group, however many of its dishes are there."""
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


def fields(names: dict[str, Node], menu: Menu) -> dict[str, Field]:
    """The fields this server knows; `names` maps department ids to nodes."""
    groups = {entry.id: entry.name for entry in menu.groups}
    categories = {entry.id: entry.name for entry in menu.kinds.get("product", ())}
    units = {entry.id: entry.name for entry in menu.units}

    def name(cell: Cell, _: object = None) -> str | None:
        return names[cell.department_id].name if cell.department_id in names else None

    def code(cell: Cell, _: object = None) -> str | None:
        return names[cell.department_id].code if cell.department_id in names else None

    def entity(cell: Cell, _: object = None) -> str | None:
        parent = names[cell.department_id].parent_id if cell.department_id in names else None
        return names[parent].name if parent in names else None

    def hour(cell: Cell, _: object = None) -> str | None:
        return None if cell.hour is None else f"{cell.hour:02d}"

    def closed(_: Cell, receipt: Receipt) -> str | None:
        return receipt.closed_at.isoformat(timespec="milliseconds") if receipt.closed_at else None

    def order(_: Cell, receipt: Receipt) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, receipt.key))

    def dish(what: Callable[[Article], Any]) -> Callable[..., Any]:
        return lambda _, receipt: what(menu.articles[receipt.dish])

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
        "OrderNum": Field("Номер чека", "INTEGER", "gaf", "Заказ", lambda _, receipt: receipt.number),
        "SessionNum": Field("Номер смены", "INTEGER", "gf", "Заказ", lambda cell, _: session_number(cell.date)),
        "UniqOrderId.Id": Field("Ид. заказа", "ID", "gf", "Заказ", order),
        "DishId": Field("Ид. блюда", "ID", "gf", "Блюдо", lambda _, receipt: receipt.dish),
        "DishName": Field("Блюдо", "STRING", "gf", "Блюдо", dish(lambda article: article.name)),
        "DishCode": Field("Код блюда", "STRING", "gf", "Блюдо", dish(lambda article: article.code)),
        "DishGroup": Field("Группа блюда", "STRING", "gf", "Блюдо", dish(lambda a: groups.get(a.group_id or ""))),
        "DishCategory": Field(
            "Категория блюда", "STRING", "gf", "Блюдо", dish(lambda a: categories.get(a.category_id or ""))
        ),
        "DishType": Field("Тип товара", "ENUM", "gf", "Блюдо", dish(lambda article: article.type)),
        "DishMeasureUnit": Field(
            "Единица измерения", "STRING", "gf", "Блюдо", dish(lambda a: units.get(a.unit_id or ""))
        ),
        "DishAmountInt": Field("Количество блюд", "AMOUNT", "a", "Блюдо", lambda _, receipt: receipt.quantity),
        "OrderDeleted": Field("Заказ удален", "ENUM", "gf", "Удаление", lambda cell, _: cell.order_deleted),
        "DeletedWithWriteoff": Field(
            "Удалено со списанием", "ENUM", "gf", "Удаление", lambda cell, _: cell.dish_deleted
        ),
        "Storned": Field("Возврат чека", "ENUM", "gf", "Оплата", lambda cell, _: "TRUE" if cell.storned else "FALSE"),
        "DishDiscountSumInt": Field("Сумма со скидкой", "MONEY", "a", "Оплата", lambda cell, _: cell.revenue),
        "DishSumInt": Field("Сумма без скидки", "MONEY", "a", "Оплата", lambda cell, _: cell.gross),
        "DiscountSum": Field("Сумма скидки", "MONEY", "a", "Оплата", lambda cell, _: cell.gross - cell.revenue),
        "UniqOrderId": Field("Чеков", "INTEGER", "a", "Заказ", lambda cell, _: cell.orders),
        "UniqOrderId.OrdersCount": Field("Заказов", "INTEGER", "a", "Заказ", lambda cell, _: cell.orders),
        "GuestNum": Field("Количество гостей", "INTEGER", "a", "Заказ", lambda cell, _: cell.guests),
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
    group_names, sum_names = question.get("groupByRowFields") or [], question.get("aggregateFields") or []
    groups = [known[name].value for name in group_names]
    sum_names = [name for name in sum_names if "g" not in known[name].flags]
    sums = [known[name].value for name in sum_names]
    once = [place for place, name in enumerate(sum_names) if name in ONCE]
    used = {*group_names, *sum_names, *question.get("filters", {})}
    totals: dict[tuple[Any, ...], list[Any]] = {}
    counted: set[tuple[Any, ...]] = set()
    pairs: Iterable[tuple[Cell, Receipt | None]]
    if used & OF_DISHES:
        pairs = ((line.cell, line) for line in world.lines(first, last))
    elif used & OF_BILLS:
        pairs = ((bill.cell, bill) for bill in world.receipts(first, last))
    else:
        pairs = ((cell, None) for cell in world.cells(first, last))
    for cell, bill in pairs:
        if not all(keep(cell, bill) for keep in wanted):
            continue
        key = tuple([value(cell, bill) for value in groups])
        values = [value(cell, bill) for value in sums]
        if bill is not None and bill.dish is not None and once:
            if (*key, bill.key) in counted:
                for place in once:
                    values[place] = 0
            counted.add((*key, bill.key))
        have = totals.get(key)
        totals[key] = values if have is None else [a + b for a, b in zip(have, values, strict=True)]
    names = [*group_names, *sum_names]
    return [dict(zip(names, (*key, *values), strict=True)) for key, values in totals.items()]


def _filters(question: dict[str, Any], known: dict[str, Field]) -> list[Keep]:
    keeps: list[Keep] = []
    for name, spec in question.get("filters", {}).items():
        if name == "OpenDate.Typed":
            continue
        if spec.get("filterType") not in {"IncludeValues", "ExcludeValues"}:
            raise Refusal(400, f"Unknown filter type: {spec.get('filterType')}")
        keeps.append(_keep(known[name].value, set(spec.get("values", [])), spec["filterType"] == "IncludeValues"))
    return keeps


def _keep(value: GroupOf, values: set[Any], include: bool) -> Keep:
    return lambda cell, bill: (value(cell, bill) in values) is include


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
