"""Single sales over HTTP: what is sent is what is answered, counted and published, once."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from items.lines import Line
from items.models import Delivery, ItemDay, ItemSource, Product, SaleLine
from items.store import store_lines
from items.tests.shop import disagreements
from sales.models import SalesByHour, SalesSummary
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
URL = "/api/v1/sales"


@pytest.fixture
def latte(world: World):
    SalesByHour.objects.all().delete()
    SalesSummary.objects.all().delete()
    Product.objects.create(organisation=world.other_organisation, code="L-1", name="Their latte")
    return Product.objects.create(organisation=world.organisation, code="L-1", name="Latte")


@pytest.fixture
def till(world: World, latte):
    """The integrator's key, that delivers for all departments."""
    return world.api()


def send(client, path="", data=None, method="POST", **headers):
    headers = {"accept-language": "en", **headers}
    return client.generic(method, URL + path, json.dumps(data), content_type="application/json", headers=headers)


def record(world: World, **changes):
    """Two lattes of 09:30 on the newest day, but for the changes; None leaves a field out."""
    found = {
        "tenant_id": str(world.organisation.pk), "department_id": str(world.cafe.pk), "product_code": "L-1",
        "sale_date": str(world.days[-1]), "sale_timestamp": f"{world.days[-1]}T09:30:00", "quantity": 2,
        "unit_price": 650.5, "discount_amount": 1, "transaction_id": "17", "line_number": 1,
    } | changes  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def test_a_record_is_answered_as_it_was_sent(world: World, till, latte):
    sent = record(world, channel="online", location="Terrace", customer_id="c-1", payment_method="card", tax_amount=7,
                  notes="no sugar", metadata={"table": 4, "tip": 0.1, "tags": ["a"]}, total_amount="1300.00")  # fmt: skip
    answer = send(till, data=sent)
    assert answer.status_code == 201, answer.content
    found = answer.json()
    line = SaleLine.objects.get()
    assert {name: found[name] for name in ("created_at", "updated_at")} == {
        name: getattr(line, name).isoformat().replace("+00:00", "Z") for name in ("created_at", "updated_at")
    }
    nine = dt.datetime.combine(world.days[-1], dt.time(9, 30), ZoneInfo("Asia/Almaty")).astimezone(dt.UTC)
    assert send(till, f"/{line.pk}", method="GET").json() == found
    for name in ("created_at", "updated_at"):
        found.pop(name)
    assert found == {
        "id": str(line.pk), "tenant_id": str(world.organisation.pk), "product_id": str(latte.pk),
        "product_code": "L-1", "product_name": "Latte", "department_id": str(world.cafe.pk),
        "sale_date": str(world.days[-1]), "sale_timestamp": nine.isoformat().replace("+00:00", "Z"), "quantity": 2,
        "unit_price": 650.5, "total_amount": 1300.0, "currency": "KZT", "channel": "online", "location": "Terrace",
        "customer_id": "c-1", "transaction_id": "17", "payment_method": "card", "discount_amount": 1.0,
        "tax_amount": 7.0, "notes": "no sugar", "metadata": {"table": 4, "tip": 0.1, "tags": ["a"]},
        "is_deleted": False, "deleted_at": None, "created_by": line.created_by_id,
    }  # fmt: skip
    assert line.created_by.username == "key-till"


def test_it_is_published_as_sales_of_the_day_and_the_hour(world: World, till):
    send(till, data=record(world, unit_price="650.3333"))
    send(till, data=record(world, transaction_id="18", sale_timestamp=f"{world.days[-1]}T21:10:00+05:00"))
    day = SalesSummary.objects.get()
    assert (day.total_sales, day.gross, day.orders) == (Decimal("2599.6666"), Decimal("2601.6666"), 2)
    assert list(SalesByHour.objects.order_by("hour").values_list("hour", "sales_amount")) == [
        (9, Decimal("1299.6666")), (21, Decimal(1300)),
    ]  # fmt: skip
    assert disagreements(world.organisation) == []


def test_a_bill_of_after_midnight_belongs_to_the_evening(world: World, till):
    night = world.days[-2] + dt.timedelta(days=1)
    send(till, data=record(world, sale_date=str(world.days[-2]), sale_timestamp=f"{night}T00:40:00"))
    line = SaleLine.objects.get()
    assert (line.date, line.hour) == (world.days[-2], 0)


def test_a_receipt_and_line_that_come_again_are_one(world: World, till):
    first, again = send(till, data=record(world)), send(till, data=record(world))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    corrected = send(till, data=record(world, quantity=3))
    assert (corrected.status_code, corrected.json()["id"]) == (200, first.json()["id"])
    assert (corrected.json()["quantity"], SaleLine.objects.count()) == (3, 1)
    assert send(till, data=record(world, line_number=2)).status_code == 201
    # Without a line number it is the how-manieth of its product in the receipt; elsewhere "17" is another receipt.
    bar = str(world.bar.pk)
    for _ in range(2):
        send(till, "/batch", {"records": [record(world, line_number=None, department_id=bar)] * 2})
    assert SaleLine.objects.filter(department=world.bar).count() == 2
    assert disagreements(world.organisation) == []


def test_an_own_id_does_the_same_and_nothing_makes_it_new(world: World, till):
    plain = record(world, transaction_id=None, line_number=None)
    for _ in range(2):
        send(till, data=plain | {"external_id": "abc"})
    assert SaleLine.objects.count() == 1
    for _ in range(2):
        send(till, data=plain)
    assert SaleLine.objects.count() == 3
    for _ in range(2):
        send(till, data=plain, **{"idempotency-key": "7"})
    assert SaleLine.objects.count() == 4


@pytest.mark.parametrize(("changes", "attr", "words"), [
    ({"sale_date": None}, "sale_date", "sale_date is required"),
    ({"product_code": None}, "product_id", "product_id is required"),
    ({"quantity": None}, "quantity", "quantity is required"),
    ({"quantity": 0}, "quantity", "quantity must be positive"),
    ({"quantity": -1}, "quantity", "quantity must be positive"),
    ({"quantity": True}, "quantity", "quantity must be a number"),
    ({"unit_price": None}, "unit_price", "unit_price is required"),
    ({"unit_price": -0.01}, "unit_price", "unit_price cannot be negative"),
    ({"unit_price": 10**14}, "unit_price", "unit_price is too large"),
    ({"unit_price": 1e13, "quantity": 10**10}, "total_amount", "total_amount is too large"),
    ({"discount_amount": 5, "total_amount": 4}, "discount_amount", "discount cannot exceed total amount"),
    ({"discount_amount": 1302}, "discount_amount", "discount cannot exceed total amount"),
    ({"sale_date": "2090-01-01"}, "sale_date", "sale_date cannot be in the future"),
    ({"sale_timestamp": "2026-01-05T10:00:00"}, "sale_timestamp", "sale_timestamp lies neither on sale_date"),
    ({"sale_timestamp": "yesterday"}, "sale_timestamp", "sale_timestamp must be an instant"),
    ({"sale_timestamp": "9999-12-31T23:59:59-12:00"}, "sale_timestamp", "sale_timestamp"),
    ({"product_code": "l-1"}, "product_code", "Product code not found"),
    ({"product_code": None, "product_id": str(uuid.UUID(int=1))}, "product_id", "There is no such product"),
    ({"department_id": str(uuid.UUID(int=1))}, "department_id", "There is no such department"),
    ({"department_id": None}, "department_id", "Add department_id"),
    ({"currency": "eur"}, "currency", "currency must be a currency code"),
    ({"customer_id": 5}, "customer_id", "customer_id must be a text"),
    ({"transaction_id": "x" * 101}, "transaction_id", "transaction_id may have at most 100 characters"),
    ({"metadata": [1]}, "metadata", "metadata must be an object"),
    ({"metadata": {"x": "\0"}}, "metadata", "metadata holds characters"),
    ({"line_number": -1}, "line_number", "line_number must be a number"),
])  # fmt: skip
def test_each_mistake_has_its_sentence_and_field(world: World, till, changes, attr, words):
    wrong = record(world, **changes)
    answer = send(till, data=wrong)
    assert answer.status_code == 400
    assert [(error["attr"], error["detail"].startswith(words)) for error in answer.json()["errors"]] == [(attr, True)]
    checked = send(till, "/validate", {"records": [record(world), wrong]}).json()
    assert (checked["is_valid"], checked["valid_records"], checked["records"][1]["errors"]) == (
        False, 1, answer.json()["errors"],
    )  # fmt: skip
    assert not SaleLine.objects.exists()


def test_all_mistakes_of_a_record_are_named_at_once(world: World, till):
    answer = send(till, data=record(world, quantity=0, unit_price=-1, currency="?")).json()
    assert {error["attr"] for error in answer["errors"]} == {"quantity", "unit_price", "currency"}
    assert (Delivery.objects.get().status_code, Delivery.objects.get().what) == (400, "record")


def test_a_branch_may_be_named_by_its_location(world: World, till):
    assert send(till, data=record(world, department_id=None, location="Bar 22")).status_code == 201
    assert SaleLine.objects.get().department_id == world.bar.pk


def test_a_batch_stores_what_is_right_and_its_counts_add_up(world: World, till):
    send(till, data=record(world))
    records = [record(world), record(world, transaction_id="18"), record(world, transaction_id="18", quantity=5),
               record(world, quantity=0), "nonsense", record(world, transaction_id="19")]  # fmt: skip
    answer = send(till, "/batch", {"records": records})
    found = answer.json()
    assert answer.status_code == 200
    assert found["counts"] == {
        "received": 6, "inserted": 2, "updated": 0, "unchanged": 1, "repeated": 1, "refused": 2,
    }  # fmt: skip
    assert found["message"] == "4 of 6 records are stored."
    assert [one["index"] for one in found["errors"]] == [3, 4]
    assert [one["index"] for one in found["records"]] == [0, 1, 2, 5]
    assert found["records"][1]["id"] == found["records"][2]["id"]
    assert SaleLine.objects.get(pk=found["records"][1]["id"]).quantity == 5  # the last of a request counts
    assert {str(pk) for pk in SaleLine.objects.values_list("pk", flat=True)} == {
        one["id"] for one in found["records"]
    }  # fmt: skip
    attempt = Delivery.objects.latest("id")
    assert (attempt.inserted, attempt.unchanged, attempt.refused, attempt.what) == (2, 1, 2, "batch")
    assert disagreements(world.organisation) == []


def test_a_batch_of_all_or_nothing_and_a_bare_list(world: World, till):
    records = [record(world), record(world, quantity=0)]
    answer = send(till, "/batch?mode=all_or_nothing", {"records": records})
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "records.1.quantity")
    assert not SaleLine.objects.exists()
    assert send(till, "/batch", records).json()["counts"]["inserted"] == 1
    for nonsense in ({}, {"records": {}}, 5, None):
        assert send(till, "/batch", nonsense).status_code == 400


def test_what_looks_like_another_sale_is_named_with_how_likely_it_is(world: World, till):
    def at(time, **changes):
        return record(world, line_number=None, sale_timestamp=f"{world.days[-1]}T{time}", **changes)

    stands = send(till, data=at("09:30:00", transaction_id=None)).json()["id"]
    batch = [
        at("09:31:00", transaction_id=None), at("09:34:59", transaction_id="5"), at("09:36:30", transaction_id="6"),
        at("09:31:00", transaction_id="7", quantity=1), at("09:31:00", transaction_id="8", department_id=str(world.bar.pk)),
    ]  # fmt: skip
    before = send(till, "/validate", batch).json()["duplicates"]
    found = send(till, "/batch", batch).json()
    assert found["counts"]["inserted"] == 5  # none is dropped
    named = {one["index"]: one for one in found["duplicates"]}
    assert set(named) == {0, 1, 2} and {one["index"] for one in before} == {0, 1}
    assert named[0]["existing_record_id"] == stands
    assert named[0]["match_confidence"] > named[1]["match_confidence"] > named[2]["match_confidence"] > 0
    listed = send(till, f"/duplicates?from_date={world.days[-1]}", method="GET").json()
    assert {(one["id"], one["existing_record_id"]) for one in listed} == {
        (found["records"][index]["id"], existing)
        for index, existing in ((0, stands), (1, found["records"][0]["id"]), (2, found["records"][1]["id"]))
    }  # fmt: skip
    sure = send(till, f"/duplicates?min_confidence=0.7&department_id={world.cafe.pk}", method="GET").json()
    assert 0 < len(sure) < 3 and all(one["match_confidence"] >= 0.7 for one in sure)
    assert send(world.client("stranger"), "/duplicates", method="GET").json() == []


def test_two_lines_of_one_receipt_are_no_duplicates(world: World, till):
    lines = [record(world, line_number=number) for number in (1, 2)]
    assert send(till, "/batch", lines).json()["duplicates"] == []
    assert send(till, "/duplicates", method="GET").json() == []


def test_a_correction_replaces_the_record_and_its_sums(world: World, till):
    pk = send(till, data=record(world)).json()["id"]
    manager = world.client("manager")
    corrected = send(manager, f"/{pk}", record(world, quantity=1, discount_amount=None, notes="one only"), "PUT")
    assert (corrected.status_code, corrected.json()["total_amount"], corrected.json()["id"]) == (200, 650.5, pk)
    assert SalesSummary.objects.get().total_sales == Decimal("650.5")
    assert (Delivery.objects.latest("id").user, Delivery.objects.latest("id").what) == (world.manager, "correction")
    assert disagreements(world.organisation) == []
    other_day = send(manager, f"/{pk}", record(world, sale_date=str(world.days[-2]), sale_timestamp=None), "PUT")
    assert other_day.json()["errors"][0]["code"] == "item_date_stays"
    assert send(manager, f"/{pk}", record(world, department_id=str(world.bakery.pk)), "PUT").status_code == 400
    assert send(till, f"/{pk}", record(world), "PUT").status_code == 403


def test_a_deleted_record_counts_no_more_and_can_come_again(world: World, till):
    pk = send(till, data=record(world)).json()["id"]
    send(till, data=record(world, line_number=2))
    manager = world.client("manager")
    answer = send(manager, f"/{pk}", method="DELETE")
    assert (answer.status_code, answer.json()["status"]) == (200, "deleted")
    assert send(manager, method="GET").json()[0]["id"] != pk
    shown = send(manager, f"/{pk}", method="GET").json()
    assert (shown["is_deleted"], shown["deleted_at"] is not None) == (True, True)
    assert SalesSummary.objects.get().total_sales == Decimal(1300)
    assert len(send(manager, "?include_deleted=true", method="GET").json()) == 2
    for method in ("DELETE", "PUT"):
        assert send(manager, f"/{pk}", record(world), method).status_code == 404
    send(till, data=record(world))
    assert (SaleLine.objects.standing().count(), SalesSummary.objects.get().total_sales) == (2, Decimal(2600))
    assert disagreements(world.organisation) == []


def test_what_a_till_server_or_a_nightly_push_said_is_corrected_there(world: World, till):
    pk = send(till, data=record(world)).json()["id"]
    source = ItemSource.objects.get()
    source.connection.kind = "iiko"
    source.connection.save()
    administrator = world.client("administrator")
    for method in ("PUT", "DELETE"):
        answer = send(administrator, f"/{pk}", record(world), method)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "item_of_source")


def test_records_of_a_person_are_those_typed_by_hand(world: World, latte):
    send(world.client("manager"), data=record(world))
    send(world.client("administrator"), data=record(world))
    assert ItemSource.objects.get().made_for == "hand"
    assert SaleLine.objects.get().created_by == world.manager


def test_the_list_is_read_in_pages_whose_rows_are_each_there_once(world: World, till):
    batch = [
        record(world, transaction_id=f"{day}-{number}", sale_date=str(day), sale_timestamp=None, quantity=number + 1)
        for day in world.days for number in range(5)
    ]  # fmt: skip
    assert send(till, "/batch", batch).json()["counts"]["inserted"] == 35
    everything = send(till, method="GET").json()
    assert len(everything) == 35 and everything[0]["sale_date"] == str(world.days[-1])
    assert send(till, "?limit=7&skip=3", method="GET").json() == everything[3:10]
    seen, path = [], "?page_size=4"
    while path:
        page = send(till, path, method="GET").json()
        seen += page["results"]
        path = page["next"] and "?" + page["next"].split("?")[1]
    assert seen == everything
    back = send(till, "?page_size=4&cursor=" + send(till, "?page_size=4", method="GET").json()["next"].split("cursor=")[1],
                method="GET").json()["previous"]  # fmt: skip
    assert send(till, "?" + back.split("?")[1], method="GET").json()["results"] == everything[:4]
    assert [row["quantity"] for row in send(till, "?ordering=-quantity&limit=2", method="GET").json()] == [5, 5]
    # Even where the sums by day are not there yet.
    ItemDay.objects.all().delete()
    assert len(send(till, "?limit=20", method="GET").json()) == 20
    ItemDay.objects.create(
        organisation=world.organisation, connection_id=SaleLine.objects.first().connection_id, department=world.cafe,
        date=world.days[-1], lines=1000, quantity=1, updated_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    assert len(send(till, "?limit=20", method="GET").json()) == 20


def test_filters(world: World, till, latte):
    bun = Product.objects.create(organisation=world.organisation, code="B-1", name="Bun")
    send(till, data=record(world, channel="online"))
    send(till, data=record(world, product_code="B-1", sale_date=str(world.days[0]), sale_timestamp=None))
    send(till, data=record(world, department_id=str(world.bar.pk), transaction_id="99"))
    for query, count in (
        ("channel=online", 1), (f"product_id={bun.pk}", 1), ("product_code=L-1", 2), ("transaction_id=99", 1),
        (f"department_id={world.cafe.pk}", 2), (f"to_date={world.days[1]}", 1), (f"from_date={world.days[1]}", 2),
        (f"tenant_id={world.organisation.pk}", 3),
    ):  # fmt: skip
        assert len(send(till, f"?{query}", method="GET").json()) == count, query
    assert send(till, "?from_date=1.1.2026", method="GET").status_code == 400


def test_nobody_sees_or_changes_what_lies_outside_the_scope(world: World, till):
    pk = send(till, data=record(world, department_id=str(world.bakery.pk))).json()["id"]
    manager, stranger = world.client("manager"), world.client("stranger")
    for client in (manager, stranger):
        assert send(client, method="GET").json() == []
        for method in ("GET", "PUT", "DELETE"):
            assert send(client, f"/{pk}", record(world), method).status_code == 404, method
    assert send(manager, f"?department_id={world.bakery.pk}", method="GET").status_code == 404
    assert send(manager, data=record(world, department_id=str(world.bakery.pk))).status_code == 400
    for path, data in (("", record(world)), ("/batch", [record(world)]), ("/validate", [record(world)])):
        answer = send(stranger, path, data)
        assert (answer.status_code, answer.json()["type"]) == (403, "client_error"), path
    assert send(stranger, f"?tenant_id={world.organisation.pk}", method="GET").status_code == 403
    assert SaleLine.objects.count() == 1


def test_the_order_of_lines_with_unknown_hours_and_amounts(world: World, till, latte):
    send(till, data=record(world, sale_timestamp=None))
    source = ItemSource.objects.get()
    nothing = Line("x", world.cafe.pk, latte.pk, world.days[-1], quantity=Decimal("1.250"))
    store_lines(source, [nothing])
    rows = send(till, "?ordering=-total_amount", method="GET").json()
    assert [(row["total_amount"], row["quantity"], row["sale_timestamp"]) for row in rows] == [
        (1300.0, 2, None), (None, 1.25, None),
    ]  # fmt: skip
