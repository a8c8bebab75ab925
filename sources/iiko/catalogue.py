"""The server's catalogue into dataclasses: ids and amounts strictly, everything else as it comes.

The lists differ by version, so what is not known by name is kept in `extra`; a row without an id, an id told twice with
different words, an amount that is none and anything that is not the list asked for are SourceError bad_data.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sources.errors import SourceError
from sources.iiko.parse import BUSINESS_DATE, absurd, corporate_nodes, four_places, json_document
from sources.iiko.types import (
    ProductList,
    RemoteCategory,
    RemoteGroup,
    RemoteModifier,
    RemotePrice,
    RemoteProduct,
    RemoteStore,
    RemoteUnit,
)

Row = dict[str, Any]
T = TypeVar("T")
WRAPPERS = ("response", "items", "data", "products")
"""Under one of these names a server of another version hands out the list."""
# Beyond it a limit of a modifier means none.
MOST_PIECES = 1_000_000


def products(body: bytes, *, is_full: bool) -> ProductList:
    document = _document(body)
    rows = _rows(document, "products")
    return ProductList(_once(rows, _product, "a product"), _revision(document, rows), is_full)


def groups(body: bytes) -> list[RemoteGroup]:
    def group(row: Row) -> RemoteGroup:
        known = _named(row)
        return RemoteGroup(parent_id=_ref(row, "parent"), **known, extra=_extra(row, *NAMED, "parent"))

    return _once(_rows(_document(body), "product groups"), group, "a product group")


def categories(body: bytes, kind: str) -> list[RemoteCategory]:
    def category(row: Row) -> RemoteCategory:
        return RemoteCategory(kind=kind, **_named(row), extra=_extra(row, *NAMED))

    return _once(_rows(_document(body), f"{kind} categories"), category, f"a {kind} category")


def units(body: bytes) -> list[RemoteUnit]:
    def unit(row: Row) -> RemoteUnit:
        return RemoteUnit(**_named(row), extra=_extra(row, *NAMED))

    return _once(_rows(_document(body), "units"), unit, "a unit")


def stores(body: bytes, content_type: str) -> list[RemoteStore]:
    """XML as documented, JSON of some installations. The list may hold other nodes of the corporation; stores count."""

    def store(node: Row) -> RemoteStore:
        return RemoteStore(
            external_id=_id(node),
            parent_id=_ref(node, "parentId"),
            name=_text(node, "name"),
            code=_text(node, "code"),
            extra=_extra(node, "id", "parentId", "name", "code"),
        )

    nodes = [node for node in corporate_nodes(body, content_type) if node["type"] in ("", "STORE", "CENTRALSTORE")]
    return _once([{name: value for name, value in node.items() if value} for node in nodes], store, "a store")


def prices(body: bytes) -> list[RemotePrice]:
    """Of orders to the menu, each from its date on. Prices of sizes are left out: no line of sales names a size.

    Raises SourceError refused with the server's words if it says that it did not succeed.
    """
    document = _document(body)
    if isinstance(document, dict) and document.get("result", "SUCCESS") not in ("SUCCESS", None):
        raise SourceError(
            "refused", status=200, text=json.dumps(_plain(document.get("errors")), ensure_ascii=False)[:200]
        )
    found: dict[tuple[str, str | None, date], RemotePrice] = {}
    for row in _rows(document, "prices"):
        product, department = _text(row, "productId"), _ref(row, "departmentId")
        if not product:
            raise SourceError("bad_data", what="a price without productId")
        if row.get("productSizeId"):
            continue
        for one in _rows(row.get("prices") if "prices" in row else [row], "prices of a product"):
            amount = _money(one, "price")
            if amount is not None:
                price = RemotePrice(product, department, _date(one, "dateFrom"), amount)
                found[price[:3]] = price
    return sorted(found.values(), key=lambda price: (price.product_id, price.department_id or "", price.from_date))


# -- one row ----------------------------------------------------------------------------------------------------

NAMED = ("id", "name", "code", "deleted")
PRODUCT = (*NAMED, "num", "type", "parent", "category", "taxCategory", "accountingCategory", "mainUnit",
           "defaultSalePrice", "description", "modifiers")  # fmt: skip
MODIFIER = ("modifier", "minimumAmount", "maximumAmount", "defaultAmount", "required", "childModifiers")


def _named(row: Row) -> Row:
    return {
        "external_id": _id(row),
        "name": _text(row, "name"),
        "code": _text(row, "code"),
        "deleted": _flag(row, "deleted"),
    }


def _product(row: Row) -> RemoteProduct:
    modifiers: dict[str, RemoteModifier] = {}
    for modifier in _modifiers(row.get("modifiers"), {}):
        modifiers.setdefault(modifier.product_id, modifier)
    return RemoteProduct(
        **_named(row),
        num=_text(row, "num"),
        type=_text(row, "type"),
        parent_id=_ref(row, "parent"),
        category_id=_ref(row, "category"),
        tax_category_id=_ref(row, "taxCategory"),
        accounting_category_id=_ref(row, "accountingCategory"),
        unit_id=_ref(row, "mainUnit"),
        default_price=_money(row, "defaultSalePrice"),
        description=_text(row, "description"),
        modifiers=tuple(modifiers.values()),
        extra=_extra(row, *PRODUCT),
    )


def _modifiers(value: object, group: Row) -> Iterator[RemoteModifier]:
    """The leaves of a tree of choices: a node with members is a group and names no product."""
    if value is None:
        return
    for row in _rows(value, "modifiers"):
        id = _ref(row, "modifier") or _ref(row, "id")
        if id is None:
            raise SourceError("bad_data", what="a modifier without id")
        known: Row = {
            "at_least": _pieces(row, "minimumAmount") or 0,
            "at_most": _pieces(row, "maximumAmount"),
            "by_default": _pieces(row, "defaultAmount") or 0,
            "required": _flag(row, "required"),
        }
        if row.get("childModifiers"):
            yield from _modifiers(row["childModifiers"], {"group": {"id": id, **known}})
        else:
            yield RemoteModifier(product_id=id, **known, extra=_extra(row, *MODIFIER, "id") | group)


def _once(rows: Iterable[Row], made: Callable[[Row], T], what: str) -> list[T]:
    """Each id once, in the order told."""
    found: dict[str, T] = {}
    for row in rows:
        told = made(row)
        if found.setdefault(told.external_id, told) != told:  # type: ignore[attr-defined]
            raise SourceError("bad_data", what=f"{what} told twice")
    return list(found.values())


# -- values -----------------------------------------------------------------------------------------------------


def _document(body: bytes) -> Any:
    """The JSON with every number that is not whole as Decimal."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    json_document(text)
    return json.loads(text, parse_float=Decimal)


def _rows(document: Any, what: str) -> list[Row]:
    if isinstance(document, dict):
        document = next((document[name] for name in WRAPPERS if name in document), None)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise SourceError("bad_data", what=what)
    return document


def _revision(document: Any, rows: list[Row]) -> int | None:
    """What the answer, or the newest of its rows, says of itself."""
    told = [document.get("revision")] if isinstance(document, dict) else []
    known = [number for number in (*told, *(row.get("revision") for row in rows)) if type(number) is int]
    return max(known, default=None)


def _id(row: Row) -> str:
    if not (id := _text(row, "id")):
        raise SourceError("bad_data", what="a row without id")
    return id


def _ref(row: Row, name: str) -> str | None:
    """An id; some versions name the thing itself."""
    value = row.get(name)
    return _text(value if isinstance(value, dict) else row, "id" if isinstance(value, dict) else name) or None


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise SourceError("bad_data", what=f"{name} is no text")
    return str(value).replace("\0", "").strip()


def _flag(row: Row, name: str) -> bool:
    value: Any = row.get(name)
    if value not in (None, True, False, "true", "false"):
        raise SourceError("bad_data", what=name)
    return value in (True, "true")


def _money(row: Row, name: str) -> Decimal | None:
    value: Any = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or absurd(Decimal(value)):
        raise SourceError("bad_data", what=name)
    return four_places(Decimal(value), name)


def _pieces(row: Row, name: str) -> int | None:
    """None: no limit."""
    value: Any = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value):
        raise SourceError("bad_data", what=name)
    number = int(value)
    return number if 0 <= number < MOST_PIECES else None


def _date(row: Row, name: str) -> date:
    text = _text(row, name)
    try:
        return date.fromisoformat(found[1]) if (found := BUSINESS_DATE.fullmatch(text)) else date.fromisoformat("")
    except ValueError:
        raise SourceError("bad_data", what=f"{name} {text!r:.40}") from None


def _extra(row: Row, *known: str) -> Row:
    return {name: _plain(value) for name, value in row.items() if name not in known}


def _plain(value: Any) -> Any:
    """As JSON keeps it: nobody adds up other fields, and a number that a double cannot hold stays as it was written."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return float(value) if value == Decimal(repr(float(value))) else str(value)
    return value.replace("\0", "") if isinstance(value, str) else value
