"""A request that is sent again has one effect and one answer; of many at once the end is one of them, whole."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from rest_framework.views import APIView

from accounts.keys import create_api_key
from accounts.models import Membership
from accounts.roles import Role
from departments.scopes import limit_to
from items.deliveries import forget_old
from items.models import Delivery, ItemDay, Product, ProductDay, ProductMonth, SaleLine, SalesProduct
from runs import clock
from tests.world import World, build_world

BULK = "/api/sales/bulk-import"
PUSHERS = 32


def opened(world: World) -> str:
    """The secret of a key that delivers for the cafe."""
    Product.objects.create(organisation=world.organisation, code="A", name="Latte")
    row, key = create_api_key(organisation=world.organisation, name="mrp", role=Role.INTEGRATOR, all_departments=False)
    limit_to(Membership.objects.get(user=row.user), [world.cafe])
    return key


@pytest.fixture
def at_once():
    """Asks in one moment from as many threads; as those of a web server, each keeps its connection to the database."""
    together = Barrier(PUSHERS, timeout=60)

    def alone(ask, number):
        together.wait()
        return ask(number)

    with ThreadPoolExecutor(PUSHERS) as pool:

        def asked(ask):
            return list(pool.map(lambda number: alone(ask, number), range(PUSHERS)))

        yield asked
        asked(lambda _number: connection.close())


def push(secret, data, key=None, path=BULK):
    headers = {"authorization": f"Api-Key {secret}"} | ({"idempotency-key": key} if key else {})
    return Client().generic("POST", path, json.dumps(data), content_type="application/json", headers=headers)


def of(world: World, *quantities):
    records = [{"sale_date": str(world.days[-1]), "quantity_sold": quantity} for quantity in quantities]
    return {"sales_by_product_code": {"A": records}}


@pytest.mark.integration
@pytest.mark.django_db
class TestAgain:
    @pytest.mark.parametrize("times", [50, pytest.param(1000, marks=pytest.mark.deep)])
    def test_one_effect_and_the_same_bytes(self, world: World, monkeypatch, times):
        monkeypatch.setattr(APIView, "throttle_classes", [])
        secret = opened(world)
        answers = [push(secret, of(world, 5), "night 1") for _ in range(times)]
        assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
        assert answers[0].json()["results"]["counts"]["inserted"] == 1
        assert [answer.get("Idempotency-Replayed") for answer in answers] == [None] + ["true"] * (times - 1)
        assert Delivery.objects.count() == 1
        # A later push is not undone by the first one coming again.
        push(secret, of(world, 6), "night 2")
        assert push(secret, of(world, 5), "night 1").content == answers[0].content
        assert SaleLine.objects.get().quantity == 6

    def test_another_request_with_the_key_is_422_and_changes_nothing(self, world: World):
        secret = opened(world)
        push(secret, of(world, 5), "night 1")
        for other, path in ((of(world, 6), BULK), (of(world, 5), f"{BULK}?mode=all_or_nothing")):
            answer = push(secret, other, "night 1", path)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "item_key_reused")
        assert SaleLine.objects.get().quantity == 5

    def test_a_refused_request_leaves_its_key_free(self, world: World):
        secret = opened(world)
        path = f"{BULK}?mode=all_or_nothing"
        assert push(secret, of(world, 0), "night 1", path).status_code == 400
        assert push(secret, of(world, 1), "night 1", path).status_code == 200
        assert list(Delivery.objects.order_by("id").values_list("status_code", "idempotency_key")) == [
            (400, None), (200, "night 1"),
        ]  # fmt: skip

    def test_keys_of_two_clients_have_nothing_to_do_with_each_other(self, world: World):
        secret = opened(world)
        _row, other = create_api_key(organisation=world.organisation, name="other", role=Role.INTEGRATOR)
        push(secret, of(world, 5), "1")
        answer = push(other, of(world, 6) | {"department_id": str(world.bar.pk)}, "1")
        assert answer.json()["results"]["counts"]["inserted"] == 1

    def test_a_key_that_is_none_is_refused(self, world: World):
        for key in ("x" * 201, "ключ"):
            answer = push(opened_once(world), of(world, 5), key)
            assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "Idempotency-Key")
        assert not SaleLine.objects.exists()

    def test_old_attempts_are_forgotten(self, world: World, monkeypatch):
        push(opened(world), of(world, 5), "1")
        assert forget_old() == 0
        Delivery.objects.update(at=clock.now() - dt.timedelta(days=181))
        assert forget_old() == 1
        assert SaleLine.objects.exists()


def opened_once(world: World) -> str:
    return world.manager_key


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_equal_requests_at_once_one_has_the_effect(at_once):
    world = build_world()
    secret = opened(world)
    answers = at_once(lambda number: push(secret, of(world, 5), "night 1"))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert [answer.get("Idempotency-Replayed") for answer in answers].count(None) == 1
    assert (Delivery.objects.count(), SaleLine.objects.get().quantity) == (1, 5)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [3, pytest.param(500, marks=pytest.mark.deep)])
def test_of_different_pushes_at_once_one_stands_whole(at_once, rounds, monkeypatch):
    """Each push is two products that belong together: n of the one and 1000 + n of the other."""
    monkeypatch.setattr(APIView, "throttle_classes", [])
    world = build_world()
    secret = opened(world)
    Product.objects.create(organisation=world.organisation, code="B", name="Bun")
    day = str(world.days[-1])

    def pair(number):
        sales = {code: [{"sale_date": day, "quantity_sold": more + number}] for code, more in (("A", 1), ("B", 1001))}
        return push(secret, {"sales_by_product_code": sales})

    for turn in range(rounds):
        answers = at_once(lambda number, turn=turn: pair(turn + number))
        assert {answer.status_code for answer in answers} == {200}
        one, other = SaleLine.objects.order_by("product__code").values_list("quantity", flat=True)
        assert (other - one, turn < one <= turn + PUSHERS) == (1000, True)
        assert ItemDay.objects.get().quantity == one + other
        assert sum(ProductDay.objects.values_list("quantity", flat=True)) == one + other
    assert Delivery.objects.count() == rounds * PUSHERS
    assert sum(ProductMonth.objects.values_list("quantity", flat=True)) == one + other
    assert sum(SalesProduct.objects.values_list("total_quantity", flat=True)) == one + other
