"""The log of deliveries and the clients behind it, on pages."""

import json
import re

import pytest

from departments.choices import Kind
from departments.models import Connection
from items.models import Delivery, ItemSource, Product
from tests.reading import reader
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LOG, CLIENTS = "/admin/items/delivery/", "/admin/items/itemsource/"


@pytest.fixture
def pushed(world: World):
    Product.objects.create(organisation=world.organisation, code="A", name="Latte")
    sales = [{"sale_date": str(world.days[-1]), "quantity_sold": 5}]
    for codes in (["A"], ["A", "GONE"], None):
        data = {"department_id": str(world.cafe.pk), "sales_by_product_code": codes and dict.fromkeys(codes, sales)}
        world.api().post("/api/sales/bulk-import", json.dumps(data), content_type="application/json")
    return world


def text(page) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_the_log_says_what_became_of_each_attempt(pushed: World):
    page = reader(pushed, "analyst", "en").get(LOG)
    shown = text(page)
    assert "200 · taken" in shown and "200 · in part" in shown and "400 · refused" in shown
    assert f"{pushed.days[-1]:%d.%m.%Y}" in shown
    assert text(reader(pushed, "analyst", "en").get(LOG + "?refused=none")).count("200 ·") == 1


def test_an_attempt_says_why_sales_were_refused(pushed: World):
    attempt = Delivery.objects.get(refused=1)
    shown = text(reader(pushed, "analyst", "en").get(f"{LOG}{attempt.pk}/change/"))
    assert "GONE: Product code not found." in shown
    assert "Answer 200 · in part" in shown
    assert "added 0, changed 0, unchanged 1, refused 1" in shown


def test_an_administrator_says_by_when_a_client_is_expected(pushed: World):
    source = ItemSource.objects.get()
    person = reader(pushed, "administrator", "en")
    assert "till" in text(person.get(CLIENTS))
    address = f"{CLIENTS}{source.pk}/change/"
    assert person.get(address).status_code == 200
    person.post(address, {"expected_by": "6", "department": str(pushed.cafe.pk)})
    source.refresh_from_db()
    assert (source.expected_by, source.department) == (6, pushed.cafe)
    for wrong in ({"expected_by": "24"}, {"expected_by": "6", "department": str(pushed.foreign.pk)}):
        person.post(address, wrong)
    source.refresh_from_db()
    assert (source.expected_by, source.department) == (6, pushed.cafe)
    assert reader(pushed, "manager").get(CLIENTS).status_code == 403


def test_who_sees_some_branches_sees_only_what_they_delivered(pushed: World):
    assert "200 ·" not in text(reader(pushed, "manager", "en").get(LOG))
    assert reader(pushed, "manager").get(f"{LOG}{Delivery.objects.first().pk}/change/").status_code == 302


def test_another_chain_sees_nothing_of_it(pushed: World):
    assert "till" not in text(reader(pushed, "stranger", "en").get(LOG)).split("Deliveries")[-1]
    assert reader(pushed, "stranger").get(f"{LOG}{Delivery.objects.first().pk}/change/").status_code == 302


def test_the_filter_offers_own_clients_only(pushed: World):
    connection = Delivery.objects.first().connection
    Connection.objects.create(organisation=pushed.foreign.organisation, name="Their till", kind=Kind.PUSH)
    person = reader(pushed, "analyst", "en")
    assert "Their till" not in text(person.get(LOG))
    assert text(person.get(f"{LOG}?connection={connection.pk}")).count("200 ·") == 2
    assert text(person.get(f"{LOG}?connection={connection.pk + 1000}")).count("200 ·") == 0
