"""Old lines go, what they came to stays; what was only kept in case goes too."""

import datetime as dt
import json
import uuid
from io import StringIO

import pytest
from django.core.management import call_command

from items.models import ItemDay, ProductMonth, ReplacedLine, SaleLine, SalesProduct, StaleDay
from items.repair import check_items
from items.retention import clean, oldest_kept, tidy
from items.sources import item_source
from items.store import TooOld, store_lines
from items.tests.shop import open_shop
from sales.models import SalesSummary

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

OLD = dt.date(2012, 2, 29)


@pytest.fixture
def shop(monkeypatch):
    from runs import clock

    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC))
    shop = open_shop()
    store_lines(
        shop.till, [shop.line("old", "3", "30", date=OLD), shop.line("new", "1", "10", date=dt.date(2026, 2, 1))]
    )
    return shop


def sums(shop):
    return [
        list(table.objects.order_by("pk").values()) for table in (ItemDay, ProductMonth, SalesProduct, SalesSummary)
    ]


def test_a_dry_run_only_counts(shop):
    assert clean(shop.organisation, dry_run=True).lines == 1
    assert SaleLine.objects.count() == 2


def test_old_lines_go_and_their_sums_stay(shop, monkeypatch):
    monkeypatch.setattr("items.retention.ROWS_OF_A_BATCH", 1)
    other = open_shop()
    store_lines(other.till, [other.line("old", "3", "30", date=OLD)])
    before = sums(shop)
    cleaned = clean(shop.organisation)
    assert (cleaned.lines, cleaned.kept_from) == (1, dt.date(2016, 2, 28))
    assert SaleLine.objects.filter(organisation=shop.organisation).get().external_id == "new"
    assert SaleLine.objects.filter(organisation=other.organisation).exists()
    assert sums(shop) == before
    assert not any(check_items(shop.organisation, repair=True).values())
    assert sums(shop) == before
    assert clean(shop.organisation).lines == 0


def test_a_cleaned_date_takes_no_lines_any_more(shop):
    clean(shop.organisation)
    for source in (shop.till, item_source(shop.organisation, "another")):
        with pytest.raises(TooOld):
            store_lines(source, [shop.line("x", "1", "1", date=OLD), shop.line("y", "1", "1")])
    assert SaleLine.objects.count() == 1
    assert SalesSummary.objects.filter(date=OLD).exists()


def test_years_are_counted_from_today(shop, settings):
    assert oldest_kept(shop.organisation) == dt.date(2016, 2, 28)
    settings.SALES_DATA_RETENTION_YEARS = 3
    assert oldest_kept(shop.organisation) == dt.date(2023, 2, 28)


def test_what_an_interrupted_delivery_left_behind_is_done_and_forgotten_memories_go(shop, monkeypatch):
    store_lines(shop.till, [shop.line("new", "2", "20", date=dt.date(2026, 2, 1))], job=uuid.uuid4(), refresh=False)
    assert StaleDay.objects.exists() and ReplacedLine.objects.exists()
    assert tidy() > 0
    assert not StaleDay.objects.exists() and ReplacedLine.objects.exists()
    assert SalesSummary.objects.get(date=dt.date(2026, 2, 1)).total_sales == 20
    ReplacedLine.objects.update(kept_at=dt.datetime(2025, 11, 1, tzinfo=dt.UTC))
    assert tidy() == 1 and not ReplacedLine.objects.exists()


def test_the_commands_say_what_they_found(shop):
    def told(*arguments, code=0):
        out = StringIO()
        try:
            call_command(*arguments, "--json", stdout=out)
            ended = 0
        except SystemExit as left:
            ended = left.code
        assert ended == code
        return json.loads(out.getvalue())[str(shop.organisation.pk)]

    assert told("clean_items", "--dry-run")["lines"] == 1
    assert told("check_items")["item_days"] == 0
    ItemDay.objects.filter(date=OLD).update(lines=7)
    assert told("check_items", code=1)["item_days"] == 1
    assert told("check_items", "--repair")["item_days"] == 1
    assert told("check_items")["item_days"] == 0
    assert told("clean_items")["lines"] == 1
