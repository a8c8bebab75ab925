"""Days are brought up to date at the price of these days, however many others there are."""

import datetime as dt

import pytest
from django.db import connection
from django.db.transaction import TransactionManagementError

from items.days import refresh_days
from items.models import Product, ProductDay
from items.rollup import refresh_rollups
from items.store import store_lines
from items.tests.shop import DAY, disagreements, few_are, open_shop

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
DAYS, PRODUCTS = 60, 20


@pytest.fixture
def shop():
    return open_shop()


@pytest.fixture
def lines(shop):
    """By date: a line of each product in both departments."""
    made = Product.objects.bulk_create(
        Product(organisation=shop.organisation, name=f"P{number}") for number in range(PRODUCTS)
    )
    dates = [DAY - dt.timedelta(days=number) for number in range(DAYS)]
    return {
        date: [
            shop.line(f"{where.name}|{product.name}", 1, 100, date=date, department=where.pk, product=product.pk)
            for where in (shop.cafe, shop.bar)
            for product in made
        ]
        for date in dates
    }


def rows_read(table):
    """(one after another, by an index) in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return cursor.fetchone()


@pytest.mark.postgres
@pytest.mark.parametrize("days", [1, 7])
def test_lines_and_sums_of_other_days_are_not_read(shop, lines, days):
    store_lines(shop.till, [line for of_day in lines.values() for line in of_day])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sales_data, product_days, product_months, sales_products")
    touched = [line for date in list(lines)[20 : 20 + days] for line in lines[date]]
    store_lines(shop.till, [line._replace(total=line.total + 1) for line in touched], refresh=False)

    before = {table: rows_read(table) for table in ("sales_data", "product_days")}
    assert refresh_days(shop.till) > 0

    read = {table: [now - then for now, then in zip(rows_read(table), before[table], strict=True)] for table in before}
    assert read["sales_data"][0] == read["product_days"][0] == 0, "a table was read from end to end"
    assert read["sales_data"][1] <= 2 * len(touched)
    months = 2 * 31 * 2 * PRODUCTS  # a product's month is the sum of its days
    assert read["product_days"][1] <= 6 * len(touched) + months


def temporary_files():
    """The file of each temporary table that lines pass through."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'"
            " AND relname <> 'staged_sales'"
        )
        return dict(cursor.fetchall())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_delivery_leaves_temporary_tables_empty_and_makes_no_files_for_them(shop):
    store_lines(shop.till, [shop.line("1", "1", "100")])
    before = temporary_files()
    store_lines(shop.till, [shop.line("1", "2", "200"), shop.line("2", "1", "100")])
    assert temporary_files() == before and len(before) > 10
    with connection.cursor() as cursor:
        for table in before:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), table


def test_many_rows_are_replaced_and_equal_ones_left_alone(shop, lines):
    """Of each of six days all products change but one, whose rows are the very same afterwards."""
    delivered = [line for of_day in list(lines.values())[:6] for line in of_day]
    store_lines(shop.till, delivered)
    same = ProductDay.objects.filter(product=delivered[0].product)
    kept = dict(same.values_list("pk", "revenue"))
    others = [line._replace(total=line.total + 1) for line in delivered if line.product != delivered[0].product]
    store_lines(shop.till, others)
    assert dict(same.values_list("pk", "revenue")) == kept
    assert set(ProductDay.objects.exclude(pk__in=kept).values_list("revenue", flat=True)) == {101}
    assert ProductDay.objects.count() == len(delivered)
    assert disagreements(shop.organisation) == []


@pytest.mark.parametrize("few", [0, 100])
def test_of_a_month_the_products_that_were_not_sold_stand(shop, lines, few):
    """Half of the products change: the months of the others are looked at, or not, and found right."""
    of_day = lines[DAY]
    with few_are(few):
        store_lines(shop.till, of_day)
        store_lines(shop.till, [line._replace(total=line.total + 1) for line in of_day[::2]])
        assert disagreements(shop.organisation) == []


@pytest.mark.django_db(transaction=True)
def test_days_are_not_added_up_outside_of_a_transaction(shop):
    """Rows on their way would be gone before they are read, and nothing would seem to have been sold."""
    store_lines(shop.till, [shop.line("1", 1, 100)])

    with pytest.raises(TransactionManagementError):
        refresh_rollups(shop.organisation.pk, {(shop.cafe.pk, DAY)}, connection=shop.till.pk)
