"""The receipts of real shops arrive by CSV and by workbook, and add up to the cent by day, hour and product."""

import csv
import datetime as dt
import gzip
import io
from collections import defaultdict
from decimal import Decimal

import pytest

from departments.models import Department
from items.files.layout import Layout
from items.imports.receive import receive, start_import
from items.models import ProductDay, SaleLine
from items.tests.books import book
from runs.choices import State
from runs.ledger import run_now
from sales.models import SalesByHour, SalesSummary
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
SETS = {"maven_coffee": "America/New_York", "french_bakery": "Europe/Paris"}


def taken_over(world: World, content: bytes, name: str) -> dict[str, int]:
    wish = Layout(returns=True)
    job, look = receive(io.BytesIO(content), name=name, organisation=world.organisation, user=None, wish=wish)
    assert (look.unsure, look.missing) == ([], [])
    run = run_now(start_import(job, user=None))
    errors = [error for error in run.errors if not error.get("warning")]
    assert (run.state, errors) == (State.DONE, [])
    return run.counts


@pytest.mark.parametrize("rows", [8_000, pytest.param(10**9, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SETS)
def test_every_sum_is_that_of_the_file_whichever_way_it_came(world: World, shared_data, settings, name, rows):
    settings.MAX_IMPORT_ROWS, settings.IMPORT_BATCH_SIZE = 10**6, 5000
    with gzip.open(shared_data / f"{name}_transactions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        head, *body = list(csv.reader(file))
    # A ticket is not cut in two: its lines follow each other.
    body = body[:rows]
    while len(body) == rows and body[-1][2] == body[-2][2]:
        body.pop()
    Department.objects.filter(pk=world.bakery.pk).update(name="Patisserie")  # a name of the file's own
    stores = sorted({row[0] for row in body})
    for store in stores:
        Department.objects.create(organisation=world.organisation, name=store, time_zone=SETS[name])

    days: dict[object, Decimal] = defaultdict(Decimal)
    hours: dict[object, Decimal] = defaultdict(Decimal)
    products: dict[object, tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for store, instant, _ticket, item, _category, quantity, price in body:
        when = dt.datetime.fromisoformat(instant)
        amount = Decimal(quantity) * Decimal(price)
        days[store, when.date()] += amount
        hours[store, when.date(), when.hour] += amount
        before = products[store, when.date(), item]
        products[store, when.date(), item] = before[0] + Decimal(quantity), before[1] + amount

    text = io.StringIO()
    csv.writer(text).writerows([head, *body])
    counts = taken_over(world, text.getvalue().encode(), "sales.csv")
    assert (counts["inserted"], counts["refused"], counts["repeated"]) == (len(body), 0, 0)
    check(stores, days, hours, products)

    typed = [
        [store, dt.datetime.fromisoformat(at), int(ticket), item, category, float(quantity), float(price)]
        for store, at, ticket, item, category, quantity, price in body
    ]
    half = len(typed) // 2
    workbook = book(
        {"First": [head, *typed[:half]], "Second": [head, *typed[half:]]},
        dates="yyyy-mm-dd hh:mm:ss",
    )
    again = taken_over(world, workbook, "sales.xlsx")
    assert (again["inserted"], again["updated"], again["unchanged"], again["deleted"]) == (0, 0, len(body), 0)
    SaleLine.objects.all().delete()
    ProductDay.objects.all().delete()
    assert taken_over(world, workbook, "sales.xlsx")["inserted"] == len(body)
    check(stores, days, hours, products)


def check(stores, days, hours, products):
    published = SalesSummary.objects.filter(department__name__in=stores)
    assert {(row.department.name, row.date): row.revenue for row in published.select_related("department")} == days
    by_hour = SalesByHour.objects.filter(department__name__in=stores).select_related("department")
    assert {(row.department.name, row.date, row.hour): row.revenue for row in by_hour} == hours
    found = ProductDay.objects.filter(department__name__in=stores)
    rows = found.values_list("department__name", "date", "product__name", "quantity", "revenue")
    assert {row[:3]: row[3:] for row in rows} == products
