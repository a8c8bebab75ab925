"""The catalogue of a server, as its lists tell it, comes through the client whole, and nonsense is refused by name."""

import json
from datetime import date
from decimal import Decimal

import pytest
import requests

from sources.errors import SourceError
from sources.iiko import catalogue
from sources.iiko.types import RemoteModifier, RemotePrice
from sources.simulator import IikoServer
from sources.simulator.worlds.menu import demo_menu
from sources.simulator.worlds.static import StaticWorld
from sources.tests.conftest import ABAY, DAY, SAIN, week

pytestmark = pytest.mark.unit
LISTS = {
    "products": lambda iiko: iiko.products().rows,
    "product_groups": lambda iiko: iiko.product_groups(),
    "categories": lambda iiko: iiko.categories(),
    "entities": lambda iiko: iiko.units(),
    "stores": lambda iiko: iiko.stores(),
    "prices": lambda iiko: iiko.prices(DAY, DAY),
}
# S9 of the protocol notes: what a server is known to answer.
PLOV = {
    "id": "aa01", "deleted": False, "name": "Плов", "description": "", "num": "00123", "code": "123", "parent": "gg01",
    "modifiers": [], "taxCategory": None, "category": None, "accountingCategory": "cc01", "mainUnit": "uu01",
    "color": {"red": 170, "green": 170, "blue": 170}, "defaultSalePrice": 2400, "type": "DISH", "unitWeight": 0.35,
}  # fmt: skip


def asked(iiko, name):
    with iiko.session():
        return LISTS[name](iiko)


def read(*rows, **wrapped):
    document = {**wrapped, "response": rows} if wrapped else list(rows)
    return catalogue.products(json.dumps(document, ensure_ascii=False).encode(), is_full=True)


def test_a_product_as_it_is_documented():
    [plov] = read(PLOV).rows
    assert (plov.external_id, plov.name, plov.num, plov.code, plov.type) == ("aa01", "Плов", "00123", "123", "DISH")
    assert (plov.parent_id, plov.category_id, plov.tax_category_id) == ("gg01", None, None)
    assert (plov.accounting_category_id, plov.unit_id, plov.deleted) == ("cc01", "uu01", False)
    assert str(plov.default_price) == "2400.0000"
    assert plov.extra == {"color": {"red": 170, "green": 170, "blue": 170}, "unitWeight": 0.35}
    json.dumps(plov.extra)


def test_what_a_version_leaves_out_or_adds_is_no_error():
    [bare] = read({"id": "aa01"}).rows
    assert (bare.name, bare.code, bare.type, bare.default_price, bare.modifiers) == ("", "", "", None, ())
    [odd] = read({"id": "aa01", "code": 123, "mainUnit": {"id": "uu01", "name": "kg"}, "new": [{"deep": 1.5}]}).rows
    assert (odd.code, odd.unit_id, odd.extra) == ("123", "uu01", {"new": [{"deep": 1.5}]})


def test_modifiers_come_from_trees_of_choices():
    group = {"modifier": "milk", "minimumAmount": 0, "maximumAmount": 1, "required": True, "defaultAmount": 0}
    tree = [
        {"modifier": "sugar", "minimumAmount": 1, "maximumAmount": 3, "defaultAmount": 1, "required": True, "splittable": False},
        group | {"childModifiers": [{"modifier": "oat", "maximumAmount": 2}, {"modifier": "soy", "maximumAmount": None}]},
        {"modifier": "oat"},
    ]  # fmt: skip
    [coffee] = read(PLOV | {"modifiers": tree}).rows
    limits = {"id": "milk", "at_least": 0, "at_most": 1, "by_default": 0, "required": True}
    assert coffee.modifiers == (
        RemoteModifier("sugar", 1, 3, 1, True, {"splittable": False}),
        RemoteModifier("oat", 0, 2, 0, False, {"group": limits}),
        RemoteModifier("soy", 0, None, 0, False, {"group": limits}),
    )
    assert read(PLOV | {"modifiers": None}).rows[0].modifiers == ()


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"name": "Плов"}, "a row without id"),
        (PLOV | {"name": ["Плов"]}, "name is no text"),
        (PLOV | {"deleted": "perhaps"}, "deleted"),
        (PLOV | {"defaultSalePrice": "2400"}, "defaultSalePrice"),
        (PLOV | {"defaultSalePrice": 1e300}, "defaultSalePrice"),
        (PLOV | {"defaultSalePrice": 0.12345}, "defaultSalePrice"),
        (PLOV | {"modifiers": [{"minimumAmount": 1}]}, "a modifier without id"),
        (PLOV | {"modifiers": [{"modifier": "x", "minimumAmount": 0.5}]}, "minimumAmount"),
        (PLOV | {"modifiers": "none"}, "modifiers"),
    ],
)
def test_nonsense_is_refused_by_name(row, what):
    with pytest.raises(SourceError) as caught:
        read(row)
    assert (caught.value.code, caught.value.params["what"]) == ("bad_data", what)


def test_a_product_told_twice_must_be_told_the_same():
    assert len(read(PLOV, PLOV).rows) == 1
    with pytest.raises(SourceError, match="told twice"):
        read(PLOV, PLOV | {"name": "Манты"})


def test_the_revision_is_what_the_server_says_and_nothing_else():
    assert read(PLOV).revision is None
    assert read(PLOV, revision=17).revision == 17
    assert read(PLOV | {"revision": 3}, PLOV | {"id": "aa02", "revision": 5}).revision == 5


def test_a_price_of_a_size_and_a_position_without_price_are_none():
    def row(**fields):
        one = {"dateFrom": "2025-03-01", "dateTo": "2500-01-01", "price": 1500.5, "included": True}
        return {"departmentId": ABAY, "productId": "aa01", "productSizeId": None, "prices": [one]} | fields

    def told(*rows, **also):
        return catalogue.prices(json.dumps({"result": "SUCCESS", "errors": None, "response": rows} | also).encode())

    assert told(row()) == [RemotePrice("aa01", ABAY, date(2025, 3, 1), Decimal("1500.5"))]
    assert told(row(productSizeId="xl"), row(prices=[{"dateFrom": "2025-03-01", "price": None}])) == []
    for broken in (row(productId=None), row(prices=[{"dateFrom": "01.03.2025", "price": 1}]), row(prices="free")):
        with pytest.raises(SourceError, match="bad_data"):
            told(broken)
    with pytest.raises(SourceError, match="refused"):
        told(result="ERROR", errors=[{"code": "X"}], response=[])


def test_all_lists_of_the_demonstration_come_through(server, client):
    menu = demo_menu()
    iiko = client()
    with iiko.session():
        listed = iiko.products()
        groups, categories, units = iiko.product_groups(), iiko.categories(), iiko.units()
        stores, prices = iiko.stores(), iiko.prices(DAY, DAY)
    assert (listed.is_full, listed.revision) == (True, None)
    assert {row.external_id: (row.name, row.default_price, row.deleted) for row in listed.rows} == {
        article.id: (article.name, article.price, article.deleted) for article in menu.articles.values()
    }
    assert sum(row.deleted for row in listed.rows) == sum(row.deleted for row in categories) == 1
    assert {row.parent_id for row in listed.rows} <= {group.external_id for group in groups}
    assert {group.parent_id for group in groups} - {None} <= {group.external_id for group in groups}
    assert {row.unit_id for row in listed.rows} == {unit.external_id for unit in units}
    for kind, ids in (
        ("product", {row.category_id for row in listed.rows} - {None}),
        ("tax", {row.tax_category_id for row in listed.rows}),
        ("accounting", {row.accounting_category_id for row in listed.rows}),
    ):
        assert ids <= {row.external_id for row in categories if row.kind == kind}
    offered = {modifier.product_id for row in listed.rows for modifier in row.modifiers}
    assert offered <= {row.external_id for row in listed.rows if row.type == "MODIFIER"}
    assert {store.parent_id for store in stores} == {ABAY, SAIN}
    assert {(price.product_id, price.department_id) for price in prices} == {
        (row.external_id, department) for row in listed.rows for department in (ABAY, SAIN)
    }


def test_changes_since_a_revision_where_the_server_states_one(server, client):
    server.faults.states_revision = True
    iiko, some = client(), next(iter(demo_menu().articles))
    with iiko.session():
        before = iiko.products()
        orders = {"do": "rename_product", "product": some, "name": "Плов праздничный"}
        assert requests.post(server.url + "/__control__", json={"edit": [orders]}, timeout=5).status_code == 200
        server.edited.add_product("new", "Новинка", Decimal(990))
        server.edited.delete_product("new")
        changed = iiko.products(since=before.revision)
        assert iiko.products(since=changed.revision).rows == []
    assert (changed.is_full, changed.revision) == (False, before.revision + 3)
    assert [(row.external_id, row.name, row.deleted) for row in changed.rows] == [
        (some, "Плов праздничный", False),
        ("new", "Новинка", True),
    ]


def test_a_server_that_cannot_tell_changes_tells_all(server, client):
    server.faults.no_revisions = True
    iiko = client()
    with iiko.session():
        listed = iiko.products(since=5)
    assert (listed.is_full, len(listed.rows)) == (True, len(demo_menu().articles))


def test_a_price_holds_from_its_date_on_in_its_department(server, client):
    some = next(iter(demo_menu().articles))
    server.edited.set_price(some, Decimal("1999.5"), DAY, ABAY)
    server.edited.delete_product(some)
    iiko = client()
    with iiko.session():
        told = [price for price in iiko.prices(DAY, DAY) if price.product_id == some]
        earlier = [price for price in iiko.prices(date(2025, 1, 1), date(2025, 1, 31)) if price.product_id == some]
        assert [row.deleted for row in iiko.products().rows if row.external_id == some] == [True]
    since = date(2020, 1, 1)
    old = demo_menu().articles[some].price
    assert told == [(some, ABAY, DAY, Decimal("1999.5")), (some, SAIN, since, old)]
    assert earlier == [(some, ABAY, since, old), (some, SAIN, since, old)]


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_is_empty_and_a_wrong_label_is_no_trouble(server, client, name):
    server.faults.plan(name, "wrong_type", count=None)
    whole = asked(client(), name)
    server.faults.plan(name, "empty_list", count=None)
    assert len(whole) > 0
    left = asked(client(), name)
    assert [row for row in left if name != "categories" or row.kind == "product"] == []


NO_LIST = {"not_json": "not_json", "truncated": "truncated", "html_200": "html", "empty": "empty_body"}


@pytest.mark.parametrize(
    ("name", "fault", "code"),
    [
        *((name, fault, code) for name in LISTS for fault, code in NO_LIST.items()),
        *((name, "row_without_id", "bad_data") for name in LISTS if name != "prices"),
        *((name, "no_list", "bad_data") for name in LISTS if name != "stores"),
        ("products", "row_twice", "bad_data"),
        ("products", "absurd_price", "bad_data"),
    ],
)
def test_what_is_no_list_is_an_error_by_name(server, client, name, fault, code):
    server.faults.plan(name, fault, count=None)
    with pytest.raises(SourceError) as caught:
        asked(client(patience=0), name)
    assert caught.value.code == code


@pytest.mark.parametrize("fault", ["circle", "orphan"])
def test_groups_in_a_circle_or_without_their_parent_are_told_as_they_are(server, client, fault):
    server.faults.plan("product_groups", fault)
    first, second, *_ = asked(client(), "product_groups")
    if fault == "circle":
        assert (first.parent_id, second.parent_id) == (second.external_id, first.external_id)
    else:
        assert first.parent_id.endswith("dead")


def test_stores_as_json_and_of_a_tree_without_any(client):
    with IikoServer(StaticWorld(week())) as other:
        other.faults.json_departments = True
        names = [store.name for store in asked(client(url=other.url), "stores")]
    assert names == ["Склад: Branch 1", "Склад: Branch 2"]
