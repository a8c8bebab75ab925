"""The catalogue over the API: lists with filters, one product with all that is known of it, each within the reader's scope."""

import datetime as dt
from decimal import Decimal

import pytest

from departments.models import Connection, SourceDepartment
from items.catalogue.lists import store_categories, store_groups, store_stores
from items.catalogue.prices import store_prices
from items.catalogue.products import store_products
from items.catalogue.sync import LISTS
from items.lines import Line
from items.models import Product
from items.sources import by_hand
from items.store import store_lines
from items.tests.test_catalogue import dish, group, price
from runs.models import Run
from sources.iiko.types import RemoteCategory, RemoteModifier, RemoteStore
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def till(world: World):
    """Coffee and bread; a store and a price in each branch; a latte sold in the cafe and the bakery."""
    till = Connection.objects.create(organisation=world.organisation, name="till")
    for department in world.departments:
        SourceDepartment.objects.create(
            organisation=world.organisation, connection=till, external_id=department.name, department=department
        )
    names = [department.name for department in world.departments]
    store_groups(till, [group("drinks"), group("coffee", "drinks"), group("bread")])
    store_categories(till, [RemoteCategory("c", kind, f"{kind} c", "", False) for kind in ("product", "tax")])
    stores = [RemoteStore(f"s {name}", name, f"Store of {name}", "") for name in names]
    store_stores(till, [*stores, RemoteStore("s", None, "Store of nobody", "")])
    rows = [
        dish("1", "L-1", name="Latte", parent_id="coffee", category_id="c", default_price=Decimal("1200.5"),
             modifiers=(RemoteModifier("3", 0, 2, 0, False),), extra={"color": "brown"}),
        dish("2", "B-1", name="Bun", parent_id="bread", deleted=True),
        dish("3", "M-1", name="Milk", type="MODIFIER", parent_id="drinks"),
    ]  # fmt: skip
    store_products(till, rows, whole=True)
    store_prices(till, [price("1", 1000 + n, department=name) for n, name in enumerate(names)], dt.date(2026, 1, 1))
    latte = Product.objects.get(code="L-1")
    sold = [(world.cafe, "2", "2401.5"), (world.cafe, "1", "1200.5"), (world.bakery, "5", None)]
    for number, (department, quantity, total) in enumerate(sold):
        money = total and Decimal(total)
        line = Line(str(number), department.pk, latte.pk, world.days[number], quantity=Decimal(quantity), total=money)
        store_lines(by_hand(world.organisation), [line])
    return till


def listed(client, address):
    answer = client.get(f"/api/{address}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()]


def test_products_by_every_filter(world: World, till):
    staff, groups = (
        world.client("staff"),
        {row["name"]: row["id"] for row in world.api().get("/api/product-groups/").json()},
    )
    assert listed(staff, "products/") == ["Bun", "Latte", "Milk"]
    assert listed(staff, "products?is_active=false") == ["Bun"]
    assert listed(staff, "products?search=LAT") == ["Latte"]
    assert listed(staff, "products?code=M-1&type=MODIFIER") == ["Milk"]
    assert listed(staff, f"products?group_id={groups['group drinks']}") == ["Latte", "Milk"]
    assert listed(staff, f"products?connection_id={till.pk}&ordering=-name&limit=1") == ["Milk"]
    category = world.api().get("/api/categories?kind=product").json()[0]
    assert (category["name"], listed(staff, f"products?category_id={category['id']}")) == ("product c", ["Latte"])
    page = staff.get("/api/products?page_size=2").json()
    assert [row["name"] for row in page["results"]] == ["Bun", "Latte"]
    assert [row["name"] for row in staff.get(page["next"]).json()["results"]] == ["Milk"]
    assert listed(world.client("stranger"), "products") == []
    assert staff.get("/api/products?is_active=perhaps").status_code == 400


def test_a_product_with_all_that_is_known_of_it(world: World, till):
    latte = Product.objects.get(code="L-1")
    told = world.client("administrator").get(f"/api/products/{latte.pk}/").json()
    assert (told["name"], told["default_price"], told["said_by_id"]) == ("Latte", 1200.5, till.pk)
    assert told["additional_info"] == {"color": "brown"}
    assert [(row["connection_name"], row["external_id"]) for row in told["sources"]] == [("till", "1")]
    assert [(row["name"], row["at_most"]) for row in told["modifiers"]] == [("Milk", 2)]
    assert sorted(row["amount"] for row in told["prices"]) == [1000, 1001, 1002, 1200.5]
    sold = {row["department_name"]: (row["quantity"], row["revenue"]) for row in told["sold"]}
    assert sold == {"Cafe on Abay": (3, 3602), "Bakery": (5, None)}


def test_who_sees_some_branches_sees_prices_sales_and_stores_of_these(world: World, till):
    latte = Product.objects.get(code="L-1")
    told = world.client("manager").get(f"/api/products/{latte.pk}").json()
    assert {row["department_id"] for row in told["prices"]} == {str(world.cafe.pk), str(world.bar.pk), None}
    assert [row["department_name"] for row in told["sold"]] == ["Cafe on Abay"]
    assert listed(world.client("manager"), "stores") == ["Store of Bar 22", "Store of Cafe on Abay"]
    assert len(listed(world.client("administrator"), "stores/")) == 4
    assert listed(world.client("administrator"), f"stores?department_id={world.bakery.pk}") == ["Store of Bakery"]
    assert world.client("manager").get(f"/api/stores?department_id={world.bakery.pk}").status_code == 404
    for address in ("product-groups", "categories", "stores"):
        assert listed(world.client("stranger"), address) == []
    assert world.client("stranger").get(f"/api/products/{latte.pk}").status_code == 404
    assert world.client("manager").get("/api/products/latte").status_code == 400


def test_a_synchronisation_is_started_once_and_told_of_again(world: World, till, settings):
    settings.RUN_ANSWER_SECONDS = 0
    api, address = world.client("manager"), "/api/catalogue/sync"
    first = api.post(address)
    run = Run.objects.get(pk=first.json()["id"])
    assert (first.status_code, first["Location"]) == (202, f"/api/runs/{run.pk}")
    assert (run.kind, run.trigger, run.started_by.username) == ("sync_catalogue", "api", "manager")
    assert (run.params["lists"], run.params["receipts"], run.params["full"]) == (list(LISTS["catalogue"]), [], False)
    assert api.post(address).json()["id"] == run.pk
    other = api.post(address, {"entity": "stores", "full": True}, content_type="application/json").json()["id"]
    params = Run.objects.get(pk=other).params
    assert (other != run.pk, params["lists"], params["full"]) == (True, ["stores"], True)


def test_a_synchronisation_of_what_is_no_catalogue_or_by_a_stranger_to_it_is_not_started(world: World, till):
    assert world.client("manager").post("/api/catalogue/sync?entity=sales").status_code == 400
    assert world.api().post("/api/catalogue/sync").status_code == 403
    assert not Run.objects.filter(kind="sync_catalogue").exists()
