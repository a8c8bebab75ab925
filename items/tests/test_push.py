"""A nightly push: what came replaces what stood of a product and date, what is wrong is refused and named."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from accounts.keys import create_api_key
from accounts.models import Membership
from accounts.roles import Role
from departments.models import Connection
from departments.scopes import limit_to
from items.choices import Grain
from items.models import Delivery, ItemDay, ItemSource, Product, ProductDay, SaleLine
from sales.models import SalesSummary
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

BULK, ONE = "/api/sales/bulk-import", "/api/sales"


@pytest.fixture
def products(world: World):
    """The two products of the guide, and a key that delivers for the cafe alone."""
    rows = [
        Product.objects.create(organisation=world.organisation, code=code, name=name)
        for code, name in (("TRIG-001", "Trigger Assembly - Type A"), ("TRIG-002", "Trigger Assembly - Type B"))
    ]
    Product.objects.create(organisation=world.other_organisation, code="THEIRS", name="Theirs")
    return rows


@pytest.fixture
def client(world: World, products):
    row, key = create_api_key(organisation=world.organisation, name="mrp", role=Role.INTEGRATOR, all_departments=False)
    limit_to(Membership.objects.get(user=row.user), [world.cafe])
    return world.api(key)


def body(**products):
    return {"sales_by_product_code": {code.replace("_", "-"): sales for code, sales in products.items()}}


def sale(date, quantity, **more):
    return {"sale_date": str(date), "quantity_sold": quantity, **more}


def push(client, data, path=BULK, **headers):
    content = data if isinstance(data, bytes | str) else json.dumps(data)
    return client.generic("POST", path, content, content_type="application/json", headers=headers)


def quantities(**only):
    rows = SaleLine.objects.filter(**only).standing().order_by("product__code", "date")
    return [(row.product.code, row.date, row.quantity) for row in rows.select_related("product")]


def test_the_body_and_the_answer_of_the_guide(world: World, client):
    first, second = world.days[-2:]
    data = body(
        TRIG_001=[sale(first, 15, notes="Regular sales"), sale(second, 8)],
        TRIG_002=[sale(first, 22)],
    )  # fmt: skip
    answer = push(client, data)
    assert answer.status_code == 200
    found = answer.json()
    counts = found["results"].pop("counts")
    assert found == {
        "message": "Import complete. 3 records imported.",
        "results": {
            "success": [
                {"product_code": "TRIG-001", "product_name": "Trigger Assembly - Type A", "records_imported": 2},
                {"product_code": "TRIG-002", "product_name": "Trigger Assembly - Type B", "records_imported": 1},
            ],
            "errors": [],
            "total_records": 3,
        },
    }
    assert counts == {"received": 3, "added_up": 0, "inserted": 3, "updated": 0, "unchanged": 0, "refused": 0}
    assert quantities() == [("TRIG-001", first, 15), ("TRIG-001", second, 8), ("TRIG-002", first, 22)]
    line = SaleLine.objects.get(product__code="TRIG-001", date=first)
    assert (line.notes, line.total, line.hour, line.department_id) == ("Regular sales", None, None, world.cafe.pk)


def test_it_counts_for_products_at_once_and_publishes_no_revenue(world: World, client):
    before = list(SalesSummary.objects.order_by("pk").values())
    push(client, body(TRIG_001=[sale(world.days[-1], 15)]))
    day = ProductDay.objects.get()
    assert (day.department_id, day.quantity, day.revenue) == (world.cafe.pk, 15, None)
    assert list(SalesSummary.objects.order_by("pk").values()) == before


def test_the_same_again_writes_nothing_and_another_quantity_replaces(world: World, client):
    day = world.days[-1]
    push(client, body(TRIG_001=[sale(day, 15)], TRIG_002=[sale(day, 3)]))
    stood = list(SaleLine.objects.order_by("pk").values())
    again = push(client, body(TRIG_001=[sale(day, 15)], TRIG_002=[sale(day, 3)])).json()["results"]["counts"]
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 2)
    assert list(SaleLine.objects.order_by("pk").values()) == stood
    changed = push(client, body(TRIG_001=[sale(day, 7)])).json()["results"]["counts"]
    assert (changed["inserted"], changed["updated"], changed["unchanged"]) == (0, 1, 0)
    assert quantities() == [("TRIG-001", day, 7), ("TRIG-002", day, 3)]


def test_equal_dates_in_one_list_add_up(world: World, client):
    day = world.days[-1]
    data = body(TRIG_001=[sale(day, 1.5, notes="a"), sale(day, "0.25"), sale(day, 2, notes="b")])
    counts = push(client, data).json()["results"]["counts"]
    assert (counts["received"], counts["added_up"], counts["inserted"]) == (3, 2, 1)
    assert quantities() == [("TRIG-001", day, Decimal("3.75"))]
    assert SaleLine.objects.get().notes == "a; b"
    assert push(client, data).json()["results"]["counts"]["unchanged"] == 1


def test_a_product_that_gets_another_code_stays_one_line(world: World, client, products):
    day = world.days[-1]
    push(client, body(TRIG_001=[sale(day, 15)]))
    Product.objects.filter(pk=products[0].pk).update(code="NEW-001")
    push(client, body(NEW_001=[sale(day, 16)]))
    assert quantities() == [("NEW-001", day, 16)]
    push(client, body(TRIG_001=[sale(day, 17)]))  # what the source has always called it is known
    assert quantities() == [("NEW-001", day, 17)]


def test_a_wrong_product_is_named_and_the_others_are_taken(world: World, client):
    day = world.days[-1]
    tomorrow = world.today + dt.timedelta(days=1)
    data = body(
        TRIG_001=[sale(day, 15)], trig_001=[sale(day, 1)], THEIRS=[sale(day, 1)],
        TRIG_002=[sale(day, 2), sale(tomorrow, 3)],
    )  # fmt: skip
    answer = push(client, data)
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [one["product_code"] for one in results["success"]] == ["TRIG-001"]
    assert {one["product_code"]: one["error"] for one in results["errors"]} == {
        "trig-001": "Product code not found",
        "THEIRS": "Product code not found",
        "TRIG-002": "sale_date cannot be in the future (record 2)",
    }
    assert answer.json()["message"] == "Import complete. 1 records imported, 4 refused."
    assert results["counts"]["received"] == 5 and results["counts"]["refused"] == 4
    assert quantities() == [("TRIG-001", day, 15)]


def test_all_or_nothing(world: World, client):
    day = world.days[-1]
    data = body(TRIG_001=[sale(day, 15)], GONE=[sale(day, 1)])
    answer = push(client, data, f"{BULK}?mode=all_or_nothing")
    assert answer.status_code == 400
    assert answer.json() == {
        "type": "validation_error",
        "errors": [
            {"code": "item_unknown_code", "detail": "Product code not found", "attr": "sales_by_product_code.GONE"}
        ],
    }
    assert not SaleLine.objects.exists()
    assert push(client, body(TRIG_001=[sale(day, 15)]), f"{BULK}?mode=all_or_nothing").status_code == 200
    assert push(client, data, f"{BULK}?mode=some").status_code == 400


@pytest.mark.parametrize(("record", "words"), [
    ({"quantity_sold": 1}, "sale_date is required"),
    ({"sale_date": "2026-01-05"}, "quantity_sold is required"),
    ({"sale_date": "05.01.2026", "quantity_sold": 1}, "sale_date must be a date"),
    ({"sale_date": "2026-02-30", "quantity_sold": 1}, "sale_date must be a date"),
    ({"sale_date": 20260105, "quantity_sold": 1}, "sale_date must be a date"),
    ({"sale_date": "1999-12-31", "quantity_sold": 1}, "sale_date must lie between 2000 and 2100"),
    ({"sale_date": "2026-01-05", "quantity_sold": 0}, "quantity_sold must be positive"),
    ({"sale_date": "2026-01-05", "quantity_sold": -3}, "quantity_sold must be positive"),
    ({"sale_date": "2026-01-05", "quantity_sold": True}, "quantity_sold must be a number"),
    ({"sale_date": "2026-01-05", "quantity_sold": "many"}, "quantity_sold must be a number"),
    ({"sale_date": "2026-01-05", "quantity_sold": [1]}, "quantity_sold must be a number"),
    ({"sale_date": "2026-01-05", "quantity_sold": 10**11}, "quantity_sold is too large"),
    ({"sale_date": "2026-01-05", "quantity_sold": 10**400}, "quantity_sold is too large"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1.2345}, "quantity_sold may have at most 3 digits after the point"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1, "notes": 5}, "notes must be a text"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1, "notes": "x" * 2001}, "notes may have at most 2000 characters"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1, "notes": "\0"}, "notes holds characters that cannot be kept"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1, "notes": "\ud800"}, "notes holds characters"),
    ({"sale_date": "2026-01-05", "quantity_sold": 1, "department_id": "7"}, "department_id must be an id"),
    ("a text", "sale must be an object"),
])  # fmt: skip
def test_each_mistake_has_its_sentence(client, record, words):
    error = push(client, body(TRIG_001=[record])).json()["results"]["errors"][0]["error"]
    assert error.startswith(words) and error.endswith("(record 1)")
    assert not SaleLine.objects.exists()
    single = record if isinstance(record, str) else {"product_code": "TRIG-001", **record}
    answer = push(client, single, ONE)
    assert answer.status_code == 400
    assert not SaleLine.objects.exists()


def test_a_day_whose_sales_are_not_kept_any_more_is_refused_in_words(world: World, client):
    push(client, body(TRIG_001=[sale(world.days[0], 5)]))
    ItemSource.objects.update(kept_from=world.days[-1])
    answer = push(client, body(TRIG_001=[sale(world.days[0], 6)])).json()["results"]
    assert answer["errors"][0]["error"] == "sale_date is older than sales are kept (record 1)"
    assert push(client, body(TRIG_001=[sale(world.days[-1], 5)])).json()["results"]["errors"] == []


def test_what_a_sum_of_floats_leaves_behind_is_no_mistake(world: World, client):
    push(client, body(TRIG_001=[sale(world.days[-1], 0.1 + 0.2)]))
    assert quantities() == [("TRIG-001", world.days[-1], Decimal("0.3"))]


@pytest.mark.parametrize(("content", "status"), [
    (b"", 400),
    (b"[]", 400),
    (b"null", 400),
    (b"{}", 400),
    (b'{"sales_by_product_code": []}', 400),
    (b'{"sales_by_product_code": {"TRIG-001": [{"sale_date": "2026-01-05", "quantity_sold": NaN}]}}', 400),
    (b'{"sales_by_product_code": {"TRIG-001": [], "TRIG-001": []}}', 400),
    (b'{"sales_by_product_code": ' + b"[" * 100_000 + b"}", 400),
    (b'{"sales_by_product_code": {"TRIG-001": [{"quantity_sold": ' + b"1" * 5000 + b"}]}}", 400),
    ('{"sales_by_product_code": {"Капучино": []}}'.encode("cp1251"), 400),
    (b'{"sales_by_product_code": {"\\ud800": [], "\\ud800": []}}', 400),
    (b" " * (2**20 + 1), 413),
])  # fmt: skip
def test_a_body_that_is_none_changes_nothing_and_is_noted(client, settings, content, status):
    settings.API_BODY_MB = 1
    answer = push(client, content)
    assert answer.status_code == status, answer.content
    assert answer.json()["errors"][0]["detail"]
    assert not SaleLine.objects.exists()
    attempt = Delivery.objects.get()
    assert (attempt.status_code, attempt.what, len(attempt.errors)) == (status, "bulk-import", 1)


def test_odd_numbers_and_codes_are_refused_by_product(client):
    data = (
        b'{"sales_by_product_code": {"TRIG-001": [{"sale_date": "2026-01-05", "quantity_sold": 1e309}],'
        b' "\\ud800": [], "\\u0000": [], "": [], "TRIG-002": {"sale_date": "2026-01-05", "quantity_sold": 1}}}'
    )
    results = push(client, data).json()["results"]
    assert [one["error"] for one in results["errors"]] == [
        "quantity_sold is too large (record 1)", "Product code not found", "Product code not found",
        "Product code not found", "sales_by_product_code must be a list of sales",
    ]  # fmt: skip
    assert len(Delivery.objects.get().errors) == 5


def test_an_empty_night_is_no_mistake(client):
    answer = push(client, body())
    assert (answer.status_code, answer.json()["results"]["total_records"]) == (200, 0)


def test_more_records_than_fit_are_refused_as_a_whole(client, monkeypatch):
    monkeypatch.setattr("items.push.MOST_RECORDS", 3)
    day = "2026-01-05"
    answer = push(client, body(TRIG_001=[sale(day, 1)] * 2, TRIG_002=[sale(day, 1)] * 2))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "item_too_many")


def test_another_media_type_is_415(client):
    assert client.post(BULK, {"sales_by_product_code": "{}"}).status_code == 415


def test_one_product(world: World, client):
    day = world.days[-1]
    sent = {"product_code": "TRIG-002", "sale_date": str(day), "quantity_sold": 3.5, "notes": "by hand"}
    answer = push(client, sent, ONE)
    assert answer.status_code == 201
    line = SaleLine.objects.get()
    assert answer.json() == {
        "id": str(line.pk), "product_id": str(line.product_id), "product_code": "TRIG-002",
        "product_name": "Trigger Assembly - Type B", "department_id": str(world.cafe.pk), "sale_date": str(day),
        "quantity_sold": 3.5, "notes": "by hand", "status": "inserted",
    }  # fmt: skip
    assert push(client, sent, ONE).json()["status"] == "unchanged"
    replaced = push(client, sent | {"quantity_sold": 15}, ONE)
    assert (replaced.status_code, replaced.json()["status"]) == (201, "updated")
    assert b'"quantity_sold":15,' in replaced.content
    assert push(client, body(TRIG_002=[sale(day, 4)])).json()["results"]["counts"]["updated"] == 1
    unknown = push(client, sent | {"product_code": "GONE"}, ONE).json()["errors"][0]
    assert (unknown["attr"], unknown["detail"]) == ("product_code", "Product code not found")


def test_a_program_that_names_no_language_gets_the_words_of_the_guide(client):
    assert push(client, body())["Content-Language"] == "en"
    assert push(client, body(), **{"accept-language": "ru"})["Content-Language"] == "ru"


def test_a_department_is_asked_for_where_there_are_several(world: World, products):
    client, day = world.api(), world.days[-1]
    error = push(client, body(TRIG_001=[sale(day, 1)])).json()["results"]["errors"][0]
    assert (error["code"], "department_id" in error["error"]) == ("item_in_record", True)
    named = push(client, body(TRIG_001=[sale(day, 1, department_id=str(world.bar.pk)), sale(day, 2)])
                 | {"department_id": str(world.bakery.pk)})  # fmt: skip
    assert named.json()["results"]["total_records"] == 2
    assert set(SaleLine.objects.values_list("department", "quantity")) == {(world.bar.pk, 1), (world.bakery.pk, 2)}
    ItemSource.objects.update(department=world.cafe)
    assert push(client, body(TRIG_001=[sale(day, 5)])).json()["results"]["total_records"] == 1
    assert SaleLine.objects.filter(department=world.cafe).get().quantity == 5


def test_what_lies_outside_the_scope_of_a_key_does_not_exist(world: World, client):
    for department in (world.bakery, world.foreign, world.coffee_company):
        record = sale(world.days[-1], 1, department_id=str(department.pk))
        error = push(client, body(TRIG_001=[record])).json()["results"]["errors"][0]["error"]
        assert error == "There is no such department (record 1)"
    assert not SaleLine.objects.exists()


def test_each_client_is_a_connection_of_its_own(world: World, client, products):
    day = world.days[-1]
    push(client, body(TRIG_001=[sale(day, 1)]))
    push(world.client("staff"), body(TRIG_001=[sale(day, 9)]))  # may not
    push(world.client("administrator"), body(TRIG_001=[sale(day, 2)]) | {"department_id": str(world.cafe.pk)})
    sources = ItemSource.objects.order_by("pk")
    assert [(one.connection.name, one.connection.kind, one.grain, one.has_money) for one in sources] == [
        ("mrp", "push", Grain.PRODUCT_DAY, False), ("administrator", "push", Grain.PRODUCT_DAY, False),
    ]  # fmt: skip
    assert ItemDay.objects.count() == 2 and ProductDay.objects.get().quantity == 1
    Connection.objects.filter(name="mrp").update(name="The old MRP")
    push(client, body(TRIG_001=[sale(day, 3)]))
    assert ItemSource.objects.count() == 2 and ProductDay.objects.get().quantity == 3


def test_a_till_of_the_same_name_is_not_taken_for_the_client(world: World, client):
    till = Connection.objects.create(organisation=world.organisation, name="mrp", kind="iiko", url="https://till.test")
    push(client, body(TRIG_001=[sale(world.days[-1], 1)]))
    source = ItemSource.objects.get()
    assert source.connection_id != till.pk and source.connection.name == "mrp 2"


def test_a_client_that_is_switched_off_is_told_so(world: World, client):
    push(client, body())
    Connection.objects.update(is_active=False)
    answer = push(client, body(TRIG_001=[sale(world.days[-1], 1)]))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "item_client_off")
    assert not SaleLine.objects.exists()


def test_every_attempt_is_noted(world: World, client):
    first, second = world.days[-2:]
    push(client, body(TRIG_001=[sale(first, 1), sale(second, 2)], GONE=[sale(first, 1)]))
    attempt = Delivery.objects.get()
    assert (attempt.inserted, attempt.refused, attempt.from_date, attempt.to_date) == (2, 1, first, second)
    assert attempt.errors == [
        {"code": "item_unknown_code", "field": "product_code", "product_code": "GONE",
         "params": {"field": "product_code", "product": "GONE"}}
    ]  # fmt: skip
    assert (attempt.status_code, attempt.answer, attempt.user.username) == (200, "", "key-mrp")
