"""A server's catalogue becomes ours: found again by its ids and by the article, never deleted, quiet the second time."""

import datetime as dt
import random
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation
from departments.models import Connection, Department, SourceDepartment
from departments.timing import organisation_today
from items.catalogue.lists import store_categories, store_groups, store_stores, store_units
from items.catalogue.prices import store_prices
from items.catalogue.products import store_products
from items.models import Category, Price, Product, ProductGroup, ProductModifier, SourceProduct, Store, Unit
from sources.iiko.types import (
    RemoteCategory,
    RemoteGroup,
    RemoteModifier,
    RemotePrice,
    RemoteProduct,
    RemoteStore,
    RemoteUnit,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def group(id, parent=None, deleted=False, **extra):
    return RemoteGroup(id, parent, f"group {id}", "", deleted, extra)


def dish(id, num="", **fields):
    plain = RemoteProduct(id, f"dish {id}", "", num, "DISH", None, None, None, None, None, None, "", False)
    return replace(plain, **fields)


def price(product, amount, first="2026-03-01", department=None):
    return RemotePrice(product, department, dt.date.fromisoformat(first), Decimal(amount))


def figures(counted):
    return counted.created, counted.changed, counted.unchanged


def codes(counted):
    return {note["code"] for note in counted.notes}


@pytest.fixture
def till():
    return Connection.objects.create(organisation=Organisation.objects.main(), name="till")


@pytest.fixture
def other(till):
    return Connection.objects.create(organisation=till.organisation, name="other till")


def ours(till, external_id):
    return SourceProduct.objects.get(connection=till, external_id=external_id).product


def everything(till):
    """All there is, but for when it was seen."""
    return [
        sorted(map(str, model.objects.exclude(pk=None).values_list(*[
            field.attname for field in model._meta.concrete_fields if field.attname not in ("synced_at", "seen_at")
        ])))
        for model in (Product, SourceProduct, ProductGroup, Category, Unit, Store, Price, ProductModifier)
    ]  # fmt: skip


class TestLists:
    def test_groups_stand_whatever_the_order(self, till):
        rows = [group("a"), group("b", "a"), group("c", "b"), group("d", "a")]
        counted = store_groups(till, random.Random(1).sample(rows, 4))
        parents = {row.name: row.parent and row.parent.name for row in ProductGroup.objects.select_related("parent")}
        assert parents == {"group a": None, "group b": "group a", "group c": "group b", "group d": "group a"}
        assert (figures(counted), counted.notes) == ((4, 0, 0), [])

    def test_a_circle_and_a_missing_parent_are_survived_and_told(self, till):
        counted = store_groups(till, [group("a", "c"), group("b", "a"), group("c", "b"), group("d", "nowhere")])
        assert ProductGroup.objects.count() == 4
        assert ProductGroup.objects.filter(parent=None).count() == 2
        assert codes(counted) == {"catalogue_groups_in_a_circle", "catalogue_groups_without_parent"}
        assert figures(
            store_groups(till, [group("a", "c"), group("b", "a"), group("c", "b"), group("d", "nowhere")])
        ) == (0, 0, 4)

    def test_moving_under_another_group_is_a_change(self, till):
        store_groups(till, [group("a"), group("b"), group("c", "a")])
        assert figures(store_groups(till, [group("a"), group("b"), group("c", "b")])) == (0, 1, 2)

    def test_what_vanishes_or_is_flagged_is_deactivated_and_comes_back(self, till):
        store_groups(till, [group("a"), group("b"), group("c")])
        counted = store_groups(till, [group("a"), group("b", deleted=True)])
        assert (figures(counted), counted.deactivated) == ((0, 2, 1), 2)
        assert set(ProductGroup.objects.filter(is_active=True).values_list("external_id", flat=True)) == {"a"}
        store_groups(till, [group("a"), group("b"), group("c")])
        assert ProductGroup.objects.filter(is_active=True).count() == 3

    def test_an_empty_list_deactivates_nothing_and_says_so(self, till):
        assert store_groups(till, []).notes == []  # nothing was known: nothing is lost
        store_groups(till, [group("a")])
        counted = store_groups(till, [])
        assert ProductGroup.objects.get().is_active
        assert counted.notes == [{"code": "catalogue_empty_groups", "params": {"source": "till"}}]

    def test_each_kind_of_category_is_a_list_of_its_own(self, till):
        both = [RemoteCategory("1", kind, kind, "", False) for kind in ("product", "tax")]
        store_categories(till, both)
        counted = store_categories(till, both[:1])
        assert Category.objects.filter(is_active=True).count() == 2
        assert codes(counted) == {"catalogue_empty_tax"}

    def test_unknown_fields_are_kept(self, till):
        store_units(till, [RemoteUnit("u", "кг", "166", False, {"mainUnit": True})])
        assert Unit.objects.get().additional_info == {"mainUnit": True}
        assert figures(store_units(till, [RemoteUnit("u", "кг", "166", False, {"mainUnit": False})])) == (0, 1, 0)

    def test_two_servers_may_use_one_id(self, till, other):
        store_groups(till, [group("a")])
        store_groups(other, [group("a", deleted=True)])
        assert list(ProductGroup.objects.order_by("pk").values_list("is_active", flat=True)) == [True, False]

    def test_a_store_belongs_to_its_department_until_a_person_says_otherwise(self, till):
        cafe, bar = (Department.objects.create(organisation=till.organisation, name=name) for name in ("Cafe", "Bar"))
        for department, id in ((cafe, "c"), (bar, "b")):
            SourceDepartment.objects.create(
                organisation=till.organisation, connection=till, external_id=id, department=department
            )
        rows = [RemoteStore("s1", "c", "Store 1", ""), RemoteStore("s2", "nobody", "Store 2", "")]
        counted = store_stores(till, rows)
        assert codes(counted) == {"catalogue_stores_of_nobody"}
        assert [store.department for store in Store.objects.order_by("name")] == [cafe, None]
        Store.objects.update(department=bar, is_matched_by_hand=True)
        assert figures(store_stores(till, rows)) == (0, 0, 2)
        assert {store.department for store in Store.objects.all()} == {bar}


class TestProducts:
    def test_all_a_server_says_of_a_product(self, till):
        store_groups(till, [group("g")])
        store_units(till, [RemoteUnit("u", "pc", "", False)])
        store_categories(
            till, [RemoteCategory("c", kind, kind, "", False) for kind in ("product", "tax", "accounting")]
        )
        row = dish(
            "1", "00123", code="77", parent_id="g", unit_id="u", category_id="c", tax_category_id="c",
            accounting_category_id="c", default_price=Decimal("2400.5"), description="with carrots", extra={"color": {"red": 1}},
        )  # fmt: skip
        assert figures(store_products(till, [row], whole=True)) == (1, 0, 0)
        product = Product.objects.get()
        assert (product.code, product.name, product.group.name, product.unit.name) == (
            "00123",
            "dish 1",
            "group g",
            "pc",
        )
        assert [one.kind for one in (product.category, product.tax_category, product.accounting_category)] == [
            "product", "tax", "accounting",
        ]  # fmt: skip
        assert product.default_price == Decimal("2400.5")
        assert product.additional_info == {"color": {"red": 1}, "code": "77"}
        assert (product.said_by, product.is_active, product.description) == (till, True, "with carrots")

    def test_the_second_time_nothing_changes(self, till):
        rows = [
            dish("1", "5", default_price=Decimal(100), modifiers=(RemoteModifier("2", 0, 3, 1, False),)),
            dish("2", "6", deleted=True),
            dish("3", "5"),
            dish("4", "5", deleted=True),
        ]
        store_products(till, rows, whole=True)
        before = everything(till)
        counted = store_products(till, rows[::-1], whole=True)
        assert (figures(counted), counted.deactivated, everything(till)) == ((0, 0, 4), 0, before)

    def test_a_product_known_by_its_code_is_the_same(self, till):
        pushed = Product.objects.create(organisation=till.organisation, code="L-1", name="L-1")
        store_products(till, [dish("1", "L-1"), dish("2", "", code="L-2")], whole=True)
        pushed.refresh_from_db()
        assert (pushed.name, ours(till, "1")) == ("dish 1", pushed)
        assert Product.objects.count() == 2
        assert ours(till, "2").code == "L-2"

    def test_a_product_known_by_its_id_keeps_its_sales_and_gets_its_name(self, till):
        sold = Product.objects.create(organisation=till.organisation, name="1")
        SourceProduct.objects.create(organisation=till.organisation, connection=till, external_id="1", product=sold)
        store_products(till, [dish("1", "L-1")], whole=True)
        sold.refresh_from_db()
        assert (sold.code, sold.name, Product.objects.count()) == ("L-1", "dish 1", 1)

    def test_a_deleted_product_claims_no_code(self, till):
        pushed = Product.objects.create(organisation=till.organisation, code="5", name="latte")
        store_products(till, [dish("1", "5", deleted=True)], whole=True)
        pushed.refresh_from_db()
        assert pushed.is_active
        assert ours(till, "1") != pushed
        assert not ours(till, "1").is_active

    def test_the_live_one_of_two_bears_the_code_and_two_live_ones_are_told(self, till):
        store_products(till, [dish("1", "5")], whole=True)
        counted = store_products(till, [dish("1", "5", deleted=True), dish("2", "5")], whole=True)
        assert (ours(till, "1").code, ours(till, "2").code, counted.notes) == ("", "5", [])
        counted = store_products(till, [dish("1", "5"), dish("2", "5")], whole=True)
        assert (ours(till, "1").code, ours(till, "2").code) == ("", "5")
        assert codes(counted) == {"catalogue_codes_twice"}

    def test_a_code_passes_to_its_heir_when_only_changes_are_told(self, till):
        store_products(till, [dish("1", "5"), dish("2", "6")], whole=True)
        store_products(till, [dish("1", "5", deleted=True)], whole=False)
        store_products(till, [dish("3", "5")], whole=False)
        assert [ours(till, id).code for id in "123"] == ["", "6", "5"]

    def test_codes_may_be_exchanged(self, till):
        store_products(till, [dish("1", "5"), dish("2", "6"), dish("3", "7")], whole=True)
        counted = store_products(till, [dish("1", "6"), dish("2", "7"), dish("3", "5")], whole=True)
        assert [ours(till, id).code for id in "123"] == ["6", "7", "5"]
        assert figures(counted) == (0, 3, 0)

    def test_what_a_whole_list_lacks_is_deactivated_and_a_list_of_changes_proves_nothing(self, till):
        rows = [dish("1"), dish("2")]
        store_products(till, rows, whole=True)
        assert figures(store_products(till, rows[:1], whole=False)) == (0, 0, 1)
        assert Product.objects.active().count() == 2
        counted = store_products(till, rows[:1], whole=True)
        assert (counted.deactivated, ours(till, "2").is_active) == (1, False)
        store_products(till, [dish("2")], whole=False)
        assert ours(till, "2").is_active

    def test_an_empty_list_deactivates_nothing_and_says_so(self, till):
        store_products(till, [dish("1")], whole=True)
        assert store_products(till, [], whole=False).notes == []
        assert codes(store_products(till, [], whole=True)) == {"catalogue_empty_products"}
        assert Product.objects.get().is_active

    def test_what_a_person_keeps_stays(self, till):
        store_products(till, [dish("1", "5")], whole=True)
        Product.objects.update(name="Latte, large", code="L", overridden=["name", "code", "is_active"])
        counted = store_products(till, [dish("1", "5", name="latte", deleted=True, description="new")], whole=True)
        product = Product.objects.get()
        assert (product.name, product.code, product.is_active, product.description) == (
            "Latte, large",
            "L",
            True,
            "new",
        )
        assert figures(counted) == (0, 1, 0)

    def test_the_first_of_two_servers_has_the_say_until_it_drops_the_product(self, till, other):
        store_products(till, [dish("1", "5", name="latte")], whole=True)
        store_products(other, [dish("x", "5", name="LATTE")], whole=True)
        assert Product.objects.get().name == "latte"
        store_products(till, [dish("2")], whole=True)
        assert ours(till, "1").is_active  # the other one still sells it
        store_products(other, [dish("x", "5", name="LATTE")], whole=True)
        assert ours(till, "1").name == "LATTE"
        before = everything(till)
        store_products(till, [dish("2")], whole=True)
        store_products(other, [dish("x", "5", name="LATTE")], whole=True)
        assert everything(till) == before

    def test_of_a_product_that_both_servers_dropped_the_last_to_have_the_say_keeps_it(self, till, other):
        store_products(till, [dish("1", "5", name="latte")], whole=True)
        store_products(other, [dish("x", "5", name="LATTE")], whole=True)
        store_products(other, [dish("x", "5", name="LATTE", deleted=True)], whole=True)
        store_products(till, [dish("1", "5", name="latte", deleted=True)], whole=True)
        before = everything(till)
        counted = store_products(other, [dish("x", "5", name="LATTE", deleted=True)], whole=True)
        product = Product.objects.get()
        assert (product.name, product.said_by, product.is_active, counted.changed) == ("latte", till, False, 0)
        store_products(till, [dish("1", "5", name="latte", deleted=True)], whole=True)
        assert everything(till) == before

    def test_ids_of_two_servers_never_mix(self, till, other):
        store_products(till, [dish("1", "5")], whole=True)
        store_products(other, [dish("1", "6")], whole=True)
        assert ours(till, "1") != ours(other, "1")

    def test_a_stranger_s_catalogue_is_left_alone(self, till):
        theirs = Organisation.objects.create(name="Other Chain")
        stranger = Product.objects.create(organisation=theirs, code="5", name="theirs")
        store_products(till, [dish("1", "5")], whole=True)
        assert ours(till, "1") != stranger

    def test_modifiers_follow_the_server(self, till):
        milk, syrup = RemoteModifier("m", 0, 2, 1, False), RemoteModifier("s", 1, None, 0, True, {"group": {"id": "g"}})
        rows = [dish("1", modifiers=(milk, syrup)), dish("m"), dish("s")]
        store_products(till, rows, whole=True)
        stored = ProductModifier.objects.get(modifier=ours(till, "s"))
        assert (stored.at_least, stored.at_most, stored.is_required) == (1, None, True)
        assert stored.additional_info == {"group": {"id": "g"}}
        store_products(
            till, [dish("1", modifiers=(replace(milk, at_most=5), RemoteModifier("gone", 0, 1, 0, False)))], whole=False
        )
        assert list(ProductModifier.objects.values_list("modifier", "at_most")) == [(ours(till, "m").pk, 5)]

    def test_a_name_longer_than_its_column_and_none_at_all(self, till):
        store_products(till, [dish("1", name="x" * 400), dish("2", name="", type="")], whole=True)
        assert len(ours(till, "1").name) == 300
        assert (ours(till, "2").name, ours(till, "2").type) == ("2", "DISH")


class TestPrices:
    def test_the_card_s_price_counts_from_the_day_it_was_seen(self, till):
        store_products(till, [dish("1", default_price=Decimal(100))], whole=True)
        store_products(till, [dish("1", default_price=Decimal("100.0000"))], whole=True)
        today = organisation_today(till.organisation)
        assert list(Price.objects.values_list("from_date", "amount")) == [(today, Decimal(100))]
        Price.objects.update(from_date=today - dt.timedelta(days=9))
        store_products(till, [dish("1", default_price=Decimal(120))], whole=True)
        assert set(Price.objects.values_list("amount", flat=True)) == {Decimal(100), Decimal(120)}

    def test_price_lists_by_department_and_date(self, till):
        cafe = Department.objects.create(organisation=till.organisation, name="Cafe")
        SourceDepartment.objects.create(
            organisation=till.organisation, connection=till, external_id="c", department=cafe
        )
        store_products(till, [dish("1")], whole=True)
        rows = [price("1", 100), price("1", 110, department="c"), price("1", 120, "2026-03-20", "c"), price("?", 1)]
        first = dt.date(2026, 3, 5)
        counted = store_prices(till, rows, first)
        assert figures(counted) == (3, 0, 0)
        assert codes(counted) == {"catalogue_prices_of_nobody"}
        assert figures(store_prices(till, rows, first)) == (0, 0, 3)
        assert figures(store_prices(till, rows[:2], first)) == (0, 1, 2)  # the planned one was called off
        assert figures(store_prices(till, [], first)) == (0, 0, 0)
        assert Price.objects.count() == 2

    def test_a_person_s_price_stays(self, till):
        store_products(till, [dish("1")], whole=True)
        Price.objects.create(
            organisation=till.organisation, product=ours(till, "1"), from_date=dt.date(2026, 3, 1), amount=90
        )
        assert figures(store_prices(till, [price("1", 100)], dt.date(2026, 2, 1))) == (0, 0, 1)
        assert Price.objects.get().amount == 90


def test_a_large_catalogue_is_stored_with_few_questions(till, django_assert_max_num_queries):
    store_groups(till, [group(str(n), str(n // 10) if n else None) for n in range(50)])
    rows = [dish(str(uuid.UUID(int=n)), str(n), parent_id=str(n % 50)) for n in range(1200)]
    store_products(till, rows, whole=True)
    with django_assert_max_num_queries(40):
        assert figures(store_products(till, rows, whole=True)) == (0, 0, 1200)


def test_renaming_all_products_writes_rows_and_not_a_case_for_each(till):
    """Of such cases SQLite makes heavy weather, and lets nobody else write meanwhile."""
    rows = [dish(str(n), str(n)) for n in range(1500)]
    store_products(till, rows, whole=True)
    with CaptureQueriesContext(connection) as asked:
        changed = store_products(till, [replace(row, name=f"{row.name} new") for row in rows], whole=True)
    assert figures(changed)[1] == 1500
    assert not [query["sql"][:200] for query in asked if "CASE" in query["sql"]]
    assert ours(till, "7").name == "dish 7 new"
