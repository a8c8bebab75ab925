"""The history of sales by product: what it shows to whom, and what typing a quantity does."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from items.history import read_history
from items.models import Product, ProductDay, SaleLine
from items.sources import item_source
from items.store import store_lines
from items.tests.shop import Shop, disagreements
from sales.models import SalesSummary

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def shop(world):
    """The world's cafe and bar sold lattes and buns on two days; another chain sold a secret."""
    latte, bun = (
        Product.objects.create(organisation=world.organisation, code=code, name=name)
        for code, name in (("L-1", "Latte"), ("B-1", "Bun <b>"))
    )
    shop = Shop(world.organisation, item_source(world.organisation, "till"), world.cafe, world.bar, latte, bun)
    early, late = world.today - dt.timedelta(days=10), world.days[-1]
    store_lines(
        shop.till,
        [
            shop.line("a", "10", "1000", date=early),
            shop.line("b", "15", "1500", date=late),
            shop.line("c", "4", "500", date=late, product=bun.pk),
            shop.line("d", "7", "700", date=late, department=world.bar.pk),
        ],
    )
    secret = Product.objects.create(organisation=world.other_organisation, name="Secret cake")
    store_lines(
        item_source(world.other_organisation, "till"),
        [shop.line("z", "99", "9900", date=late, department=world.foreign.pk, product=secret.pk)],
    )
    return shop


def page(world, who, name, **query):
    client = world.client(who)
    return client.get(reverse(f"admin:items_{name}"), query, headers={"accept-language": "en"})


def test_products_have_quantity_revenue_share_and_trend(world, shop):
    rows = ProductDay.objects.filter(organisation=world.organisation)
    history = read_history(rows, world.today - dt.timedelta(days=28), world.today - dt.timedelta(days=1))
    assert [(one.name, one.quantity, one.revenue) for one in history.products] == [
        ("Latte", 32, 3200),
        ("Bun <b>", 4, 500),
    ]
    assert history.products[0].share == pytest.approx(3200 / 3700)
    assert history.products[0].trend is None  # nothing in the first half of the four weeks
    week = read_history(rows, world.today - dt.timedelta(days=12), world.today - dt.timedelta(days=1))
    assert week.products[0].trend == pytest.approx(22 / 10 - 1) and week.products[1].trend is None
    assert [(day.quantity, day.revenue) for day in week.days] == [(10, 1000), (26, 2700)]
    assert (week.quantity, week.revenue) == (36, 3700)


def test_a_revenue_that_is_partly_unknown_is_not_told(world, shop):
    store_lines(shop.till, [shop.line("e", "1", date=world.days[-1], product=shop.bun.pk)])
    rows = ProductDay.objects.filter(organisation=world.organisation)
    history = read_history(rows, world.days[0], world.today)
    assert history.revenue is None and history.days[0].revenue is None
    assert {one.name: one.revenue for one in history.products} == {"Latte": 2200, "Bun <b>": None}
    assert sum(one.share for one in history.products) == pytest.approx(1)


def test_the_page_shows_one_s_own_departments(world, shop):
    text = page(world, "analyst", "history").content.decode()
    assert "Latte" in text and "Bun &lt;b&gt;" in text and "Secret cake" not in text
    assert 'id="quantity">36<' in text
    assert 'id="quantity">29<' in page(world, "staff", "history").content.decode()  # the cafe alone
    one = page(world, "analyst", "history", product="b-1").content.decode()
    assert "Latte" not in one and 'id="quantity">4<' in one
    foreign = page(world, "analyst", "history", department=str(world.foreign.pk)).content.decode()
    assert "Secret cake" not in foreign and 'id="quantity"' not in foreign


def test_too_long_a_period_is_refused_in_a_sentence(world, shop):
    answer = page(world, "analyst", "history", from_date="2020-01-01", to_date="2026-01-01")
    assert answer.status_code == 200 and "at most 400 days" in answer.content.decode()


def test_the_lines_are_listed_for_who_sees_the_department(world, shop):
    text = page(world, "staff", "saleline_changelist").content.decode()
    assert "Latte" in text and "Bar 22" not in text and "Secret cake" not in text
    assert page(world, "nobody", "saleline_changelist").status_code in (302, 403)


def enter(world, who, department, date, **fields):
    return world.client(who).post(
        reverse("admin:items_entry"),
        {"department": str(department.pk), "date": date.isoformat(), **fields},
        headers={"accept-language": "en"},
    )


def test_a_quantity_is_typed_corrected_and_taken_back(world, shop):
    date = world.days[0]
    assert enter(world, "manager", world.bar, date, **{f"quantity-{shop.bun.pk}": "1 012,5"}).status_code == 302
    line = SaleLine.objects.get(department=world.bar, date=date)
    assert (line.quantity, line.total, line.channel, line.created_by) == (
        Decimal("1012.5"),
        None,
        "manual",
        world.manager,
    )
    enter(world, "manager", world.bar, date, added_product=str(shop.bun.pk), added_quantity="3")
    assert ProductDay.objects.get(department=world.bar, date=date).quantity == 3
    shown = page(world, "manager", "entry", department=str(world.bar.pk), date=date.isoformat()).content.decode()
    assert f'name="quantity-{shop.bun.pk}" value="3"' in shown
    enter(world, "manager", world.bar, date, **{f"quantity-{shop.bun.pk}": ""})
    assert not ProductDay.objects.filter(department=world.bar, date=date).exists()
    assert [row for row in disagreements(shop.organisation) if not row.startswith("published")] == []


def test_what_is_typed_beside_a_till_counts_nowhere_and_the_page_says_so(world, shop):
    date = world.days[-1]
    shown = page(world, "manager", "entry", department=str(world.cafe.pk), date=date.isoformat()).content.decode()
    assert "the sales of «till» count" in shown
    enter(world, "manager", world.cafe, date, **{f"quantity-{shop.latte.pk}": "99"})
    assert ProductDay.objects.get(department=world.cafe, date=date, product=shop.latte).quantity == 15
    assert SalesSummary.objects.get(department=world.cafe, date=date).connection_id == shop.till.pk


@pytest.mark.parametrize("text", ["-1", "1e999", "NaN", "many", "1.2.3", "999999999999"])
def test_what_is_no_quantity_is_said_and_nothing_is_stored(world, shop, text):
    before = SaleLine.objects.count()
    answer = enter(
        world,
        "manager",
        world.bar,
        world.days[0],
        **{f"quantity-{shop.bun.pk}": text, f"quantity-{shop.latte.pk}": "2"},
    )
    assert answer.status_code == 400 and "A quantity is a number" in answer.content.decode()
    assert SaleLine.objects.count() == before


def test_nobody_types_for_others_departments_products_or_days_to_come(world, shop):
    before = SaleLine.objects.count()
    secret = Product.objects.get(name="Secret cake")
    one = {f"quantity-{shop.bun.pk}": "1"}
    assert enter(world, "staff", world.cafe, world.days[0], **one).status_code in (302, 403)
    assert enter(world, "manager", world.bakery, world.days[0], **one).status_code == 200
    assert enter(world, "manager", world.bar, world.today + dt.timedelta(days=1), **one).status_code == 200
    assert enter(world, "manager", world.bar, world.days[0], **{f"quantity-{secret.pk}": "1"}).status_code == 302
    assert enter(world, "manager", world.bar, world.days[0], **{"quantity-x": "1"}).status_code == 302
    assert SaleLine.objects.count() == before
