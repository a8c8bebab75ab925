"""Whatever is delivered, corrected, deleted and delivered again, every sum is that of the standing lines."""

import threading
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from departments.models import Authority
from items.keys import line_id
from items.models import ItemDay, ProductDay, ProductMonth, SaleLine, SalesProduct
from items.sources import item_source
from items.store import remove_lines, store_lines
from items.tests.shop import APRIL, DAY, NEXT, disagreements, few_are, open_shop
from sales.models import SalesByHour, SalesSummary

money = st.none() | st.decimals(-9999, 99999, places=4)
line = st.fixed_dictionaries(
    {
        "external_id": st.sampled_from("abcd"),
        "quantity": st.decimals(-99, 999, places=3),
        "total": money,
        "gross": money,
        "hour": st.none() | st.sampled_from([0, 9, 23]),
        "transaction_id": st.sampled_from(["", "r1", "r2"]),
        "date": st.sampled_from([DAY, NEXT, APRIL]),
        "where": st.sampled_from(["cafe", "bar"]),
        "what": st.sampled_from(["latte", "bun"]),
    }
)
step = st.one_of(
    st.tuples(st.just("store"), st.sampled_from([0, 1]), st.lists(line, max_size=4), st.booleans()),
    st.tuples(st.just("remove"), st.sampled_from([0, 1]), st.sets(st.sampled_from("abcd")), st.just(False)),
)


def lines_of(shop, drawn):
    return [
        shop.line(**{name: value for name, value in one.items() if name not in ("where", "what")},
                  department=getattr(shop, one["where"]).pk, product=getattr(shop, one["what"]).pk)
        for one in drawn
    ]  # fmt: skip


@pytest.mark.integration
@pytest.mark.django_db
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=1, max_size=5), checks=st.booleans(), few=st.sampled_from([0, 100]))
def test_every_sum_is_that_of_the_standing_lines(steps, checks, few):
    with few_are(few):
        every_sum_is_that_of_the_standing_lines(steps, checks)


def every_sum_is_that_of_the_standing_lines(steps, checks):
    shop = open_shop()
    sources = [shop.till, item_source(shop.organisation, "second")]
    if checks:  # the second has the say over the bar, from the second day on
        Authority.objects.create(
            organisation=shop.organisation, department=shop.bar, connection=sources[1].connection, from_date=NEXT
        )
    for what, number, drawn, whole in steps:
        if what == "store":
            days = {(shop.cafe.pk, DAY), (shop.bar.pk, NEXT)}
            store_lines(sources[number], lines_of(shop, drawn), whole=days if whole else None)
            again = store_lines(sources[number], lines_of(shop, drawn), whole=days if whole else None)
            assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)
        else:
            ids = [line_id(sources[number].pk, date, name) for name in drawn for date in (DAY, NEXT, APRIL)]
            remove_lines(sources[number], ids, user=None)
        assert disagreements(shop.organisation) == []


def figures(organisation):
    """All sums without what says when they were written."""
    return [
        sorted(map(str, table.objects.filter(organisation=organisation).values_list(*names)))
        for table, names in (
            (ItemDay, ["date", "lines", "receipts", "quantity", "revenue", "gross", "is_counted"]),
            (ProductDay, ["date", "product__name", "lines", "receipts", "quantity", "revenue", "gross"]),
            (ProductMonth, ["month", "product__name", "lines", "receipts", "quantity", "revenue", "gross"]),
            (SalesProduct, ["product__name", "last_sale_date", "total_quantity", "total_revenue", "average_price"]),
            (SalesSummary, ["date", "total_sales", "gross", "orders"]),
            (SalesByHour, ["date", "hour", "sales_amount", "gross", "orders"]),
        )
    ]


@pytest.mark.integration
@pytest.mark.django_db
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(line, min_size=2, max_size=8, unique_by=lambda one: one["external_id"] + str(one["date"])),
    data=st.data(),
)
def test_the_order_of_deliveries_and_deleting_between_them_change_nothing(drawn, data):
    one, other = open_shop(), open_shop()
    with few_are(0):
        assert store_lines(one.till, lines_of(one, drawn)).inserted == len(drawn)
    order = data.draw(st.permutations(drawn))
    for delivered in order:
        store_lines(other.till, lines_of(other, [delivered]))
    gone = order[: data.draw(st.integers(0, len(order)))]
    remove_lines(other.till, [line_id(other.till.pk, row["date"], row["external_id"]) for row in gone], user=None)
    store_lines(other.till, lines_of(other, drawn))
    assert figures(one.organisation) == figures(other.organisation)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_pushes_at_the_same_time_one_whole_input_stands():
    """32 clients push the same product-days of two departments, in different orders, and another connection as well."""
    shop = open_shop()
    second = item_source(shop.organisation, "second")
    start = threading.Barrier(32)
    failed = []

    def push(number):
        lines = [
            shop.line(f"{where}|{what}", number + 1, number + 1, department=getattr(shop, where).pk, product=getattr(shop, what).pk)
            for where in ("cafe", "bar") for what in ("latte", "bun")
        ]  # fmt: skip
        try:
            start.wait(30)
            store_lines(second if number % 4 == 0 else shop.till, lines[:: (-1) ** number])
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=push, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    for source in (shop.till, second):
        values = set(SaleLine.objects.filter(connection=source.pk).values_list("quantity", "total"))
        assert len(values) == 1 and SaleLine.objects.filter(connection=source.pk).count() == 4
    assert disagreements(shop.organisation) == []
    assert SalesSummary.objects.count() == 2
    assert Decimal(0) < SalesSummary.objects.first().total_sales <= 64
