"""A sum that is not the sum of its lines is found and mended; a new authority moves what counts."""

from decimal import Decimal

import pytest
from django.db.models import F

from departments.models import Authority
from items.models import ItemDay, ProductDay, ProductMonth, SaleLine, SalesProduct
from items.repair import check_items, rebuild_rollups
from items.sources import item_source
from items.store import store_lines
from items.tests.shop import DAY, NEXT, disagreements, open_shop
from sales.models import ObservedDay, SalesSummary

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

RIGHT = {"item_days": 0, "product_days": 0, "product_months": 0, "sales_products": 0, "observed": 0}


@pytest.fixture
def shop():
    shop = open_shop()
    store_lines(shop.till, [shop.line("a", "1", "10"), shop.line("b", "2", "21", product=shop.bun.pk, date=NEXT)])
    return shop


@pytest.mark.parametrize(
    ("table", "change", "wrong"),
    [
        (ItemDay, {"revenue": F("revenue") + 1}, {"item_days": 1, "observed": 1}),
        (ItemDay, {"is_counted": False}, {"item_days": 1}),
        (ProductDay, {"quantity": F("quantity") + 1}, {"product_days": 1, "product_months": 1}),
        (ProductMonth, {"lines": 7}, {"product_months": 1, "sales_products": 1}),
        (SalesProduct, {"average_price": Decimal(1)}, {"sales_products": 1}),
        (ObservedDay, {"revenue": Decimal(1)}, {"observed": 1}),
    ],
)
def test_a_tampered_row_is_found_and_mended(shop, table, change, wrong):
    assert check_items(shop.organisation) == RIGHT
    row = table.objects.order_by("pk").first()
    table.objects.filter(pk=row.pk).update(**change)
    found = check_items(shop.organisation)
    if "is_counted" in change:  # nothing counts on that day, so its products are missing too
        assert found["item_days"] == 1
    else:
        assert found == RIGHT | wrong
    assert check_items(shop.organisation) == found
    rebuild_rollups(shop.organisation)
    assert check_items(shop.organisation) == RIGHT and disagreements(shop.organisation) == []


def test_sums_of_lines_that_are_gone_and_lost_sums_are_found(shop):
    other = open_shop()
    store_lines(other.till, [other.line("a", "1", "10")])
    SaleLine.objects.filter(connection=shop.till.pk, external_id="a").delete()
    ProductMonth.objects.filter(organisation=shop.organisation).delete()
    found = check_items(shop.organisation)
    assert found["item_days"] == 1 and found["product_days"] == 1 and found["product_months"] == 2
    rebuild_rollups(shop.organisation)
    assert check_items(shop.organisation) == RIGHT and disagreements(shop.organisation) == []
    assert check_items(other.organisation) == RIGHT


def test_a_new_authority_moves_what_counts_and_what_is_published(shop):
    second = item_source(shop.organisation, "second")
    store_lines(second, [shop.line("x", "5", "500"), shop.line("y", "6", "600", date=NEXT)])
    later = Authority.objects.create(
        organisation=shop.organisation, department=shop.cafe, connection=second.connection, from_date=NEXT
    )
    assert dict(SalesSummary.objects.values_list("date", "total_sales")) == {DAY: 10, NEXT: 600}
    assert dict(ProductDay.objects.values_list("date", "quantity")) == {DAY: 1, NEXT: 6}
    later.delete()
    assert dict(SalesSummary.objects.values_list("date", "total_sales")) == {DAY: 10, NEXT: 21}
    assert disagreements(shop.organisation) == []


def test_money_of_two_currencies_comes_to_no_sum(shop):
    shop.bar.currency = "USD"
    shop.bar.save()
    store_lines(shop.till, [shop.line("c", "2", "3", department=shop.bar.pk)])
    latte = SalesProduct.objects.get(product=shop.latte)
    assert (latte.total_quantity, latte.total_revenue, latte.average_price) == (3, None, None)
    assert SalesProduct.objects.get(product=shop.bun).total_revenue == 21


def test_money_of_another_currency_is_not_the_department_s(shop):
    store_lines(shop.till, [shop.line("c", "1", "5", hour=9, currency="KZT")])
    assert SalesSummary.objects.get(date=DAY).total_sales == 15
    store_lines(shop.till, [shop.line("c", "1", "5", hour=9, currency="EUR")])
    day = SalesSummary.objects.get(date=DAY)
    assert (day.total_sales, day.state) == (None, "partial")
    assert ProductDay.objects.get(date=DAY).revenue is None and ProductDay.objects.get(date=DAY).quantity == 2
    assert check_items(shop.organisation) == RIGHT
