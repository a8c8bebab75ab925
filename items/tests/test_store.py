"""Lines are stored by their natural keys, and everything that is said of them adds up to them."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from accounts.models import User
from departments.models import Authority
from items.days import refresh_days, refresh_stale
from items.keys import line_id
from items.lines import Line
from items.models import ItemDay, ProductDay, SaleLine, SalesProduct, StaleDay
from items.sources import item_source
from items.store import remove_lines, store_lines
from items.tests.shop import APRIL, DAY, NEXT, disagreements, few_are, open_shop
from sales.models import DepartmentCutoff, SalesByHour, SalesSummary, SourceDay

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def shop():
    return open_shop()


def counts(stored):
    return stored.inserted, stored.updated, stored.unchanged, stored.deleted


def receipts(shop):
    """Three lines of two receipts in the cafe, one in the bar the next day."""
    return [
        shop.line("r1/1", "2", "2400", hour=9, transaction_id="r1", gross=Decimal("2500")),
        shop.line("r1/2", "1", "350.50", hour=9, transaction_id="r1", gross=Decimal("350.50"), product=shop.bun.pk),
        shop.line("r2/1", "1", "1200", hour=18, transaction_id="r2", gross=Decimal("1250")),
        shop.line(
            "r3/1",
            "0.250",
            "99.99",
            hour=0,
            transaction_id="r3",
            gross=Decimal("99.99"),
            department=shop.bar.pk,
            date=NEXT,
        ),
    ]


def test_lines_arrive_with_all_their_sums(shop):
    stored = store_lines(shop.till, receipts(shop))
    assert counts(stored) == (4, 0, 0, 0)
    assert stored.touched == {(shop.cafe.pk, DAY), (shop.bar.pk, NEXT)}
    assert disagreements(shop.organisation) == []
    day = SalesSummary.objects.get(department=shop.cafe, date=DAY)
    assert (day.total_sales, day.gross, day.orders, day.guests, day.state) == (
        Decimal("3950.5"), Decimal("4100.5"), 2, None, "complete",
    )  # fmt: skip
    hours = dict(SalesByHour.objects.filter(department=shop.cafe).values_list("hour", "sales_amount"))
    assert hours == {9: Decimal("2750.5"), 18: Decimal("1200")}
    latte = SalesProduct.objects.get(product=shop.latte)
    assert (latte.last_sale_date, latte.total_sales_count, latte.total_quantity, latte.total_revenue) == (
        NEXT, 3, Decimal("3.25"), Decimal("3699.99"),
    )  # fmt: skip
    assert latte.average_price == Decimal("1138.4585")


def test_the_primary_key_is_the_natural_key(shop):
    store_lines(shop.till, receipts(shop))
    assert SaleLine.objects.get(pk=line_id(shop.till.pk, DAY, "r1/2")).product_id == shop.bun.pk


def test_twice_is_once(shop):
    store_lines(shop.till, receipts(shop))
    tables = [SaleLine, ItemDay, ProductDay, SalesProduct, SalesSummary, SalesByHour]
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    again = store_lines(shop.till, receipts(shop))
    assert counts(again) == (0, 0, 4, 0) and not again.touched
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_more_places_than_are_kept_are_the_same_line(shop):
    lines = [shop.line("r1/1", "0.33333", "10.00005")]
    assert counts(store_lines(shop.till, lines)) == (1, 0, 0, 0)
    assert counts(store_lines(shop.till, lines)) == (0, 0, 1, 0)
    line = SaleLine.objects.get()
    assert (line.quantity, line.total) == (Decimal("0.333"), Decimal("10.0001"))


def test_the_last_of_several_lines_with_one_key_counts(shop):
    assert counts(store_lines(shop.till, [shop.line("a", "1"), shop.line("b", "5"), shop.line("a", "3")])) == (
        2,
        0,
        0,
        0,
    )
    assert ProductDay.objects.get().quantity == 8


def test_a_corrected_line_corrects_every_sum_and_tells_the_old_one(shop):
    store_lines(shop.till, receipts(shop))
    stored = store_lines(
        shop.till, [shop.line("r2/1", "1", "1000", hour=18, transaction_id="r2", gross=Decimal("1250"))]
    )
    assert counts(stored) == (0, 1, 0, 0)
    assert disagreements(shop.organisation) == []
    assert SalesSummary.objects.get(department=shop.cafe).state == "restated"


def test_a_line_that_moves_to_another_department_leaves_the_first(shop):
    store_lines(shop.till, receipts(shop))
    moved = store_lines(shop.till, [receipts(shop)[0]._replace(department=shop.bar.pk)])
    assert moved.touched == {(shop.cafe.pk, DAY), (shop.bar.pk, DAY)}
    assert disagreements(shop.organisation) == []
    store_lines(shop.till, [line._replace(department=shop.bar.pk) for line in receipts(shop)])
    assert disagreements(shop.organisation) == []
    assert not SalesSummary.objects.filter(department=shop.cafe).exists()


def test_of_whole_days_what_did_not_come_is_deleted(shop):
    store_lines(shop.till, receipts(shop))
    other_source = item_source(shop.organisation, "other")
    store_lines(other_source, receipts(shop))
    stored = store_lines(shop.till, receipts(shop)[:1], whole={(shop.cafe.pk, DAY)})
    assert counts(stored) == (0, 0, 1, 2)
    assert disagreements(shop.organisation) == []
    assert SaleLine.objects.filter(connection=shop.till.pk).count() == 2  # the bar's day was not said to be whole
    assert SaleLine.objects.filter(connection=other_source.pk).count() == 4


def test_an_empty_whole_day_takes_all_of_it_away(shop):
    store_lines(shop.till, receipts(shop))
    assert counts(store_lines(shop.till, [], whole={(shop.cafe.pk, DAY)})) == (0, 0, 0, 3)
    assert disagreements(shop.organisation) == []
    assert not SalesSummary.objects.filter(department=shop.cafe).exists()
    assert SourceDay.objects.get(connection=shop.till.pk, date=DAY).state == "missing"


def test_a_deleted_line_is_kept_and_counts_no_more(shop):
    user = User.objects.create_user("boss")
    store_lines(shop.till, receipts(shop))
    key = line_id(shop.till.pk, DAY, "r1/1")
    assert counts(remove_lines(shop.till, [key, uuid.uuid4()], user=user)) == (0, 0, 0, 1)
    assert counts(remove_lines(shop.till, [key], user=user)) == (0, 0, 0, 0)
    line = SaleLine.objects.get(pk=key)
    assert line.is_deleted and line.deleted_by == user and line.deleted_at
    assert disagreements(shop.organisation) == []
    assert counts(store_lines(shop.till, receipts(shop))) == (0, 1, 3, 0)
    assert disagreements(shop.organisation) == []
    assert ItemDay.objects.get(department=shop.cafe).lines == 3


def test_a_deleted_line_is_gone_where_nothing_is_kept(shop, settings):
    settings.ENABLE_SOFT_DELETE = False
    store_lines(shop.till, receipts(shop))
    remove_lines(shop.till, [line_id(shop.till.pk, DAY, "r1/1")], user=None)
    assert SaleLine.objects.count() == 3
    assert disagreements(shop.organisation) == []


def test_a_source_cannot_remove_the_lines_of_another(shop):
    store_lines(shop.till, receipts(shop))
    other_source = item_source(shop.organisation, "other")
    assert counts(remove_lines(other_source, [line_id(shop.till.pk, DAY, "r1/1")], user=None)) == (0, 0, 0, 0)


def test_quantities_without_money_publish_nothing(shop):
    store_lines(shop.till, [shop.line("L-1", "15")])
    assert ProductDay.objects.get().revenue is None and ProductDay.objects.get().quantity == 15
    assert SalesProduct.objects.get().total_revenue is None
    assert not SalesSummary.objects.exists() and not Authority.objects.exists()


def test_a_day_with_an_unpriced_line_is_partial_and_has_no_revenue(shop):
    store_lines(shop.till, [shop.line("a", "1", "10", hour=9), shop.line("b", "1", hour=9)])
    day = SalesSummary.objects.get()
    assert (day.total_sales, day.state) == (None, "partial")
    assert not SalesByHour.objects.exists() and not DepartmentCutoff.objects.exists()
    store_lines(shop.till, [shop.line("b", "1", "5", hour=9)])
    assert SalesSummary.objects.get().total_sales == 15
    assert disagreements(shop.organisation) == []


def test_a_day_with_a_line_of_unknown_hour_has_no_hours(shop):
    store_lines(shop.till, [shop.line("a", "1", "10", hour=9), shop.line("b", "1", "5")])
    assert SalesSummary.objects.get().total_sales == 15 and not SalesByHour.objects.exists()


def test_an_unknown_gross_stays_unknown_also_by_the_hour(shop):
    store_lines(shop.till, [shop.line("a", "1", "10", hour=9)])
    assert SalesSummary.objects.get().gross is None
    assert SalesByHour.objects.get().gross is None and SalesByHour.objects.get().sales_amount == 10


def test_the_first_to_bring_money_has_authority_and_the_second_only_checks(shop):
    store_lines(shop.till, receipts(shop))
    second = item_source(shop.organisation, "second")
    store_lines(second, [shop.line("x", "100", "100000")])
    assert SalesSummary.objects.get(department=shop.cafe).total_sales == Decimal("3950.5")
    assert ProductDay.objects.get(department=shop.cafe, product=shop.latte).quantity == 3
    assert ItemDay.objects.get(connection=second.pk).is_counted is False
    assert disagreements(shop.organisation) == []


def test_who_has_authority_counts_for_products_too(shop):
    second = item_source(shop.organisation, "second")
    Authority.objects.create(organisation=shop.organisation, department=shop.cafe, connection=second.connection)
    store_lines(shop.till, receipts(shop))
    assert not SalesSummary.objects.filter(department=shop.cafe).exists()
    assert ProductDay.objects.filter(department=shop.cafe).first().connection_id == shop.till.pk
    store_lines(second, [shop.line("x", "100", "100000")])
    assert ProductDay.objects.get(department=shop.cafe).quantity == 100
    assert disagreements(shop.organisation) == []
    remove_lines(second, [line_id(second.pk, DAY, "x")], user=None)
    assert ProductDay.objects.filter(department=shop.cafe).count() == 2
    assert disagreements(shop.organisation) == []


def test_lines_of_an_iiko_server_check_its_aggregates_and_publish_nothing(shop):
    server = item_source(shop.organisation, "server", kind="iiko")
    store_lines(server, receipts(shop))
    assert ProductDay.objects.count() == 3
    assert not SalesSummary.objects.exists() and not Authority.objects.exists()


def test_the_cutoff_is_the_last_day_that_is_over_and_known(shop):
    store_lines(shop.till, receipts(shop))
    cutoffs = dict(DepartmentCutoff.objects.values_list("department", "date"))
    assert cutoffs == {shop.cafe.pk: DAY, shop.bar.pk: NEXT}
    store_lines(shop.till, [shop.line("april", "1", "10", date=APRIL)])
    assert DepartmentCutoff.objects.get(department=shop.cafe).date == APRIL
    store_lines(shop.till, [], whole={(shop.cafe.pk, APRIL)})
    assert DepartmentCutoff.objects.get(department=shop.cafe).date == DAY


def test_today_is_open_until_the_source_speaks_again_after_it(shop, monkeypatch):
    from runs import clock

    at = dt.datetime(2026, 3, 18, 12, tzinfo=dt.UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    store_lines(shop.till, [shop.line("a", "1", "10")])
    assert SalesSummary.objects.get().state == "open_shift"
    assert SourceDay.objects.get().state == "open_shift" and not DepartmentCutoff.objects.exists()
    monkeypatch.setattr(clock, "now", lambda: at + dt.timedelta(days=1))
    store_lines(shop.till, [shop.line("a", "1", "10")])
    assert SalesSummary.objects.get().state == "complete"
    assert SourceDay.objects.get().state == "complete" and DepartmentCutoff.objects.get().date == DAY


def test_what_was_left_to_later_is_known_and_done_later(shop):
    stored = store_lines(shop.till, receipts(shop), refresh=False)
    assert not ItemDay.objects.exists() and StaleDay.objects.count() == 2
    assert refresh_days(shop.till, {(shop.cafe.pk, DAY)}) > 0
    assert StaleDay.objects.count() == 1
    assert refresh_stale(shop.organisation) > 0
    assert not StaleDay.objects.exists() and disagreements(shop.organisation) == []
    assert refresh_days(shop.till, stored.touched) == 0


KEY = ("external_id", "department", "product", "date")


def columns(lines, *names):
    return {name: [getattr(line, name) for line in lines] for name in names}


def test_columns_are_stored_like_their_lines(shop):
    lines = receipts(shop)
    assert counts(store_lines(shop.till, columns(lines, *Line._fields))) == (4, 0, 0, 0)
    assert counts(store_lines(shop.till, lines)) == (0, 0, 4, 0)
    few = columns(lines, *KEY) | {"quantity": ["1", "2", "3", "4.5"]}
    assert counts(store_lines(shop.till, few)) == (0, 4, 0, 0)
    assert disagreements(shop.organisation) == []


@pytest.mark.parametrize("value", [1.5, Decimal("NaN"), Decimal("Infinity"), "nan", "-inf", "sNaN"])
def test_what_is_no_exact_number_is_refused_whole(shop, value):
    lines = [shop.line("a"), shop.line("b")._replace(total=value)]
    with pytest.raises((TypeError, ValueError)):
        store_lines(shop.till, lines)
    assert not SaleLine.objects.exists()


def test_a_float_column_and_an_instant_without_zone_are_refused(shop):
    key = columns([shop.line("a")], *KEY)
    with pytest.raises(TypeError):
        store_lines(shop.till, key | {"quantity": [1.5]})
    with pytest.raises(ValueError):
        store_lines(shop.till, key | {"quantity": ["1"], "sold_at": [dt.datetime(2026, 3, 18, 9)]})
    with pytest.raises(ValueError):
        store_lines(shop.till, key | {"quantity": ["1"], "sold_at": ["2026-03-18T09:00:00"]})
    with pytest.raises(ValueError):
        store_lines(shop.till, key)
    with pytest.raises(ValueError):
        store_lines(shop.till, key | {"quantity": ["1"], "price": ["5"]})


@pytest.mark.parametrize("where", ["cafe", "bar"])
def test_many_lines_are_written_straight_only_where_their_source_has_none(shop, where):
    """A line's date is part of what it is, its department is not: the old one may stand in another department."""
    lines = receipts(shop)
    with few_are(0):
        store_lines(item_source(shop.organisation, "other"), lines)
        assert counts(store_lines(shop.till, [*lines[:2], lines[0]])) == (2, 0, 0, 0)
        moved = lines[0]._replace(department=getattr(shop, where).pk)
        assert counts(store_lines(shop.till, [moved, *lines[1:]])) == (
            2,
            int(where == "bar"),
            2 - int(where == "bar"),
            0,
        )
        remove_lines(shop.till, [line_id(shop.till.pk, NEXT, "r3/1")], user=None)
        assert counts(store_lines(shop.till, lines[3:])) == (0, 1, 0, 0)
    assert disagreements(shop.organisation) == []


def test_ids_and_instants_may_come_as_texts(shop):
    noon = dt.datetime(2026, 3, 18, 12, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    lines = [shop.line("a", sold_at=noon)]
    told = columns(lines, *KEY) | {"quantity": ["1"], "department": [shop.cafe.pk.hex], "product": [shop.latte.pk.hex]}
    assert counts(store_lines(shop.till, told | {"sold_at": [noon.isoformat()]})) == (1, 0, 0, 0)
    assert counts(store_lines(shop.till, lines)) == (0, 0, 1, 0)
    assert SaleLine.objects.get().sold_at == noon


def test_odd_texts_come_back_as_they_were(shop):
    text = "a\tb\\N\nc\r\\t \N{SNOWMAN} '\";--"
    line = shop.line(
        text, "1", notes=text, customer="\\N", metadata={text: [text, None, 1.5]},
        sold_at=dt.datetime(2026, 3, 18, 23, 59, 59, 123456, tzinfo=dt.UTC),
    )  # fmt: skip
    store_lines(shop.till, [line])
    stored = SaleLine.objects.get()
    assert (stored.external_id, stored.notes, stored.customer) == (text, text, "\\N")
    assert stored.metadata == {text: [text, None, 1.5]} and stored.sold_at == line.sold_at
    assert stored.pk == line_id(shop.till.pk, DAY, text)
    assert counts(store_lines(shop.till, [line])) == (0, 0, 1, 0)
