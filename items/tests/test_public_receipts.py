"""The receipts of real shops, told by a till server, come to what their files say and to what the same files import."""

import csv
import datetime as dt
import gzip
import io
from collections import defaultdict
from decimal import Decimal

import pytest

from departments.models import Connection, Department
from items.models import ProductDay, SaleLine
from items.receipts import load_receipts
from items.tests.test_public_files import SETS, taken_over
from runs.choices import State
from runs.ledger import run_now
from sales.models import SalesByHour, SalesSummary
from sales.sync import start_sync
from sources.simulator import IikoServer
from sources.simulator.worlds.transactions import TransactionsWorld
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.integration, pytest.mark.django_db]


@pytest.mark.parametrize("days", [1, pytest.param(10**4, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SETS)
def test_receipts_of_a_server_come_to_the_file_and_to_its_import(
    world: World, shared_data, settings, tmp_path, name, days
):
    settings.MAX_IMPORT_ROWS, settings.IMPORT_BATCH_SIZE = 10**6, 5000
    with gzip.open(shared_data / f"{name}_transactions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        head, *body = list(csv.reader(file))
    dates = sorted({row[1][:10] for row in body})[:days]
    body = [row for row in body if row[1][:10] in set(dates)]
    text = io.StringIO()
    csv.writer(text).writerows([head, *body])
    path = tmp_path / "till.csv"
    path.write_text(text.getvalue(), encoding="utf-8")

    by_day, by_hour = defaultdict(Decimal), defaultdict(Decimal)
    by_product = defaultdict(lambda: (Decimal(0), Decimal(0)))
    tickets = defaultdict(set)
    for store, instant, ticket, item, _category, quantity, price in body:
        when = dt.datetime.fromisoformat(instant)
        amount = Decimal(quantity) * Decimal(price)
        by_day[store, when.date()] += amount
        by_hour[store, when.date(), when.hour] += amount
        before = by_product[store, when.date(), item]
        by_product[store, when.date(), item] = before[0] + Decimal(quantity), before[1] + amount
        tickets[store, when.date()].add(ticket)

    def product_sums(stores):
        rows = ProductDay.objects.filter(department__in=stores).values_list(
            "department__name", "date", "product__name", "quantity", "revenue", "receipts"
        )
        return {row[:3]: row[3:] for row in rows}

    with IikoServer(TransactionsWorld(path)) as server:
        till = Connection.objects.create(
            organisation=world.organisation, name="till", url=server.url, login="demo", password="demo"
        )
        first, last = dt.date.fromisoformat(dates[0]), dt.date.fromisoformat(dates[-1])
        load, _new = start_sync(organisation=world.organisation, from_date=first, to_date=last, trigger="command")
        assert run_now(load).state == State.DONE
        brought = load_receipts(till, first, last)
        assert brought.errors("till") == []
        again = load_receipts(till, first, min(last, first + dt.timedelta(days=5)))
        assert not (again.stored.touched or again.changed_receipts)
    ours = list(Department.objects.filter(sources__connection=till))
    assert brought.counts()["receipts"] == sum(map(len, tickets.values()))

    days_told, hours_told = defaultdict(Decimal), defaultdict(Decimal)
    for store, date, hour, total in SaleLine.objects.values_list("department", "date", "hour", "total"):
        days_told[store, date] += total
        hours_told[store, date, hour] += total
    names = {one.pk: one.name for one in ours}
    assert {(names[store], date): total for (store, date), total in days_told.items()} == by_day
    assert {(names[store], date, hour): total for (store, date, hour), total in hours_told.items()} == by_hour
    told = product_sums(ours)
    assert {key: row[:2] for key, row in told.items()} == by_product
    # What is published of the server's own sums is the same: its lines changed nothing of it.
    published = SalesSummary.objects.filter(department__in=ours).select_related("department")
    assert {(row.department.name, row.date): row.revenue for row in published} == by_day
    assert {(row.department.name, row.date): row.orders for row in published} == {k: len(v) for k, v in tickets.items()}
    hourly = SalesByHour.objects.filter(department__in=ours).select_related("department")
    assert {(row.department.name, row.date, row.hour): row.revenue for row in hourly} == by_hour

    # The same file, imported for departments of the same names, comes to the same roll-ups.
    Department.objects.filter(organisation=world.organisation).update(name="Somewhere else")
    theirs = [
        Department.objects.create(organisation=world.organisation, name=store, time_zone=SETS[name])
        for store in sorted({row[0] for row in body})
    ]
    taken_over(world, text.getvalue().encode(), "sales.csv")
    assert product_sums(theirs) == told
