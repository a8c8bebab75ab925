"""The catalogue of a simulated server as its lists tell it: products, groups, categories, units, stores, prices."""

import uuid
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

import orjson

from sources.simulator.olap import Refusal, digits
from sources.simulator.worlds.base import Node
from sources.simulator.worlds.edited import EditedWorld
from sources.simulator.worlds.menu import Article, Choice, Entry, Menu, Order

Row = dict[str, Any]
ROOTS = {"TaxCategory": "tax", "AccountingCategory": "accounting"}
ENDLESS = "2500-01-01"


def products(menu: Menu, since: int = -1) -> list[Row]:
    return [_product(article) for article in menu.articles.values() if article.revision > since]


def _product(article: Article) -> Row:
    return {
        "id": article.id,
        "deleted": article.deleted,
        "name": article.name,
        "description": "",
        "num": article.code.zfill(6),
        "code": article.code,
        "parent": article.group_id,
        "modifiers": [_choice(choice) for choice in article.choices],
        "taxCategory": article.tax_id,
        "category": article.category_id,
        "accountingCategory": article.accounting_id,
        "color": {"red": 170, "green": 170, "blue": 170},
        "fontColor": {"red": 0, "green": 0, "blue": 0},
        "frontImageId": None,
        "position": None,
        "modifierSchemaId": None,
        "mainUnit": article.unit_id,
        "excludedSections": [],
        "defaultSalePrice": orjson.Fragment(digits(article.price)),
        "placeType": None,
        "defaultIncludedInMenu": True,
        "type": article.type,
        "unitWeight": 1 if article.by_weight else 0.35,
        "unitCapacity": 0,
        "notInStoreMovement": False,
        "storeBalanceLevels": [],
    }


def _choice(choice: Choice) -> Row:
    return {
        "modifier": choice.id,
        "defaultAmount": choice.default,
        "freeOfChargeAmount": 0,
        "minimumAmount": choice.least,
        "maximumAmount": choice.most,
        "hideIfDefaultAmount": False,
        "required": choice.least > 0,
        "childModifiersHaveMinMaxRestrictions": False,
        "splittable": False,
        "childModifiers": [_choice(member) for member in choice.members],
    }


def groups(menu: Menu) -> list[Row]:
    more: Row = {"description": "", "taxCategory": None, "modifiers": []}
    return [_entry(entry) | {"num": entry.code, "parent": entry.parent_id, **more} for entry in menu.groups]


def categories(menu: Menu, kind: str = "product") -> list[Row]:
    return [_entry(entry) for entry in menu.kinds.get(kind, [])]


def entities(menu: Menu, root: str) -> list[Row]:
    """What `/v2/entities/list` tells of a rootType. Raises Refusal."""
    if root == "MeasureUnit":
        found = [_entry(entry) for entry in menu.units]
    elif root in ROOTS:
        found = categories(menu, ROOTS[root])
    else:
        raise Refusal(400, f"Unknown root type: {root}")
    return [{"rootType": root, **row} for row in found]


def _entry(entry: Entry) -> Row:
    return {"id": entry.id, "deleted": entry.deleted, "name": entry.name, "code": entry.code}


def stores(nodes: Iterable[Node]) -> list[Node]:
    """The stores of the tree, and one of each department that has none."""
    nodes = list(nodes)
    found = [node for node in nodes if node.type == "STORE"]
    has = {node.parent_id for node in found}
    return found + [
        Node(
            str(uuid.uuid5(uuid.NAMESPACE_OID, f"store of {node.id}")),
            node.id,
            f"Склад: {node.name}",
            "STORE",
            node.code,
        )
        for node in nodes
        if node.type == "DEPARTMENT" and node.id not in has
    ]


def as_dict(node: Node) -> dict[str, Any]:
    item: dict[str, Any] = {"id": node.id, "parentId": node.parent_id, "name": node.name, "type": node.type}
    if node.code is not None:
        item["code"] = node.code
    if node.taxpayer_id and node.type == "JURPERSON":
        item["jurPersonAdditionalPropertiesDto"] = {"taxpayerId": node.taxpayer_id}
    elif node.taxpayer_id:
        item["taxpayerIdNumber"] = node.taxpayer_id
    return item


def as_xml(nodes: list[Node]) -> bytes:
    def element(name: str, value: Any) -> str:
        if isinstance(value, dict):
            value, text = None, "".join(element(*pair) for pair in value.items())
        else:
            text = escape(str(value))
        return f"<{name}>{text}</{name}>"

    items = (
        "<corporateItemDto>"
        + "".join(element(name, value) for name, value in as_dict(node).items() if value is not None)
        + "</corporateItemDto>"
        for node in nodes
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f"{head}<corporateItemDtoes>{''.join(items)}</corporateItemDtoes>".encode()


def prices(world: EditedWorld, first: date, last: date, department: str | None) -> Row:
    """What holds on some day of `first`..`last` by the orders to the menu, for each department and product."""
    departments = [
        node.id for node in world.departments() if node.type == "DEPARTMENT" and department in (None, node.id)
    ]
    rows = []
    for product in world.menu.articles:
        every = [order for order in world.orders if order.product_id == product]
        for one in departments:
            if told := _in_force(every, one, first, last):
                rows.append({"departmentId": one, "productId": product, "productSizeId": None, "prices": told})
    return {"result": "SUCCESS", "errors": None, "response": rows, "revision": world.revision}


def _in_force(orders: list[Order], department: str, first: date, last: date) -> list[Row]:
    # Of one date the order for this very department counts, then the newest.
    ours = sorted(
        (order for order in orders if order.department_id in (None, department)),
        key=lambda order: (order.from_date, order.department_id is not None),
    )
    of_date = {order.from_date: order for order in ours}
    dates = sorted(of_date)
    return [
        {
            "dateFrom": str(since),
            "dateTo": str(until) if until else ENDLESS,
            "price": orjson.Fragment(digits(of_date[since].amount)),
            "type": "BASE",
            "included": True,
            "dishOfDay": False,
        }
        for since, until in zip(dates, [*dates[1:], None], strict=True)
        if since <= last and (until is None or until > first)
    ]


# -- troubles ---------------------------------------------------------------------------------------------------


def misshape(rows: list[Row], shapes: set[str]) -> list[Any]:
    """`shapes` of `faults.LISTS` done to a list."""
    for shape, change in _CHANGES.items():
        if shape in shapes and rows:
            rows = change([dict(row) for row in rows])
    return rows


def _circle(rows: list[Row]) -> list[Row]:
    if len(rows) > 1:
        rows[0]["parent"], rows[1]["parent"] = rows[1]["id"], rows[0]["id"]
    return rows


def _orphan(rows: list[Row]) -> list[Row]:
    rows[0]["parent"] = str(uuid.UUID(int=0xDEAD))
    return rows


_CHANGES: dict[str, Callable[[list[Row]], list[Any]]] = {
    "no_list": lambda rows: ["OK"],
    "row_without_id": lambda rows: [rows[0] | {"id": None}, *rows[1:]],
    "row_twice": lambda rows: [*rows, rows[0] | {"name": "Другое имя"}],
    "circle": _circle,
    "orphan": _orphan,
    "absurd_price": lambda rows: [rows[0] | {"defaultSalePrice": 1e300}, *rows[1:]],
    "empty_list": lambda rows: [],
}
