"""The receipts of real shops arrive by CSV, by workbook and over the API, and add up to the cent by day, hour and product."""

import csv
import datetime as dt
import gzip
import io
import json
from collections import Counter, defaultdict
from decimal import Decimal

import pytest
from rest_framework.views import APIView

from departments.models import Department
from items.files.layout import Layout
from items.imports.receive import receive, start_import
from items.models import Product, ProductDay, SaleLine
from items.tests.books import book
from runs.choices import State
from runs.ledger import run_now
from sales.models import SalesByHour, SalesSummary
from tests.world import World

pytestmark = [pytest.mark.long, pytest.mark.integration, pytest.mark.django_db]
SETS = {"maven_coffee": "America/New_York", "french_bakery": "Europe/Paris"}
# Of one request.
RECORDS, PUSHED = 10_000, 50_000


def taken_over(world: World, content: bytes, name: str) -> dict[str, int]:
    wish = Layout(returns=True)
    job, look = receive(io.BytesIO(content), name=name, organisation=world.organisation, user=None, wish=wish)
    assert (look.unsure, look.missing) == ([], [])
    run = run_now(start_import(job, user=None))
    errors = [error for error in run.errors if not error.get("warning")]
    assert (run.state, errors) == (State.DONE, [])
    return run.counts


def read(shared_data, world: World, name: str, rows: int) -> tuple[list[str], list[list[str]]]:
    """Header and the first rows of a set, whose shops the world has then."""
    with gzip.open(shared_data / f"{name}_transactions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        head, *body = list(csv.reader(file))
    # A ticket is not cut in two: its lines follow each other.
    body = body[:rows]
    while len(body) == rows and body[-1][2] == body[-2][2]:
        body.pop()
    Department.objects.filter(pk=world.bakery.pk).update(name="Patisserie")  # a name of the file's own
    for store in sorted({row[0] for row in body}):
        Department.objects.create(organisation=world.organisation, name=store, time_zone=SETS[name])
    return head, body


@pytest.mark.parametrize("rows", [4_000, pytest.param(10**9, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SETS)
def test_every_sum_is_that_of_the_file_whichever_way_it_came(world: World, shared_data, settings, name, rows):
    settings.MAX_IMPORT_ROWS, settings.IMPORT_BATCH_SIZE = 10**6, 5000
    head, body = read(shared_data, world, name, rows)
    text = io.StringIO()
    csv.writer(text).writerows([head, *body])
    counts = taken_over(world, text.getvalue().encode(), "sales.csv")
    assert (counts["inserted"], counts["refused"], counts["repeated"]) == (len(body), 0, 0)
    check(body)

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
    check(body)


def sold(shared_data, world: World, name: str, rows: int) -> list[list[str]]:
    """What can be sent over the API, where nothing is taken back; its products are known by a code."""
    _head, body = read(shared_data, world, name, rows)
    items = {row[3] for row in body}
    Product.objects.bulk_create(
        Product(organisation=world.organisation, code=code_of(item), name=item) for item in items
    )
    return [row for row in body if Decimal(row[5]) > 0]


def code_of(item: str) -> str:
    return f"c {item}"[:60]


def send(world: World, monkeypatch, address: str, bodies):
    """The counts of all requests together."""
    monkeypatch.setattr(APIView, "throttle_classes", [])
    counts: Counter[str] = Counter()
    for body in bodies:
        answer = world.api().post(address, json.dumps(body), content_type="application/json").json()
        counts.update((answer.get("results") or answer)["counts"])
    return counts


@pytest.mark.parametrize("rows", [1_500, pytest.param(10**9, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SETS)
def test_single_sales_over_the_api_come_to_the_same(world: World, shared_data, monkeypatch, name, rows):
    body = sold(shared_data, world, name, rows)
    stores = dict(Department.objects.values_list("name", "pk"))
    lines: Counter[tuple[str, str]] = Counter()
    records = []
    for store, at, ticket, item, _category, quantity, price in body:
        lines[at[:10], ticket] += 1
        records.append({
            "department_id": str(stores[store]), "sale_date": at[:10], "sale_timestamp": at.replace(" ", "T"),
            "product_code": code_of(item), "quantity": quantity, "unit_price": price, "transaction_id": ticket,
            "line_number": lines[at[:10], ticket],
        })  # fmt: skip
    requests = [{"records": records[first : first + RECORDS]} for first in range(0, len(records), RECORDS)]
    counts = send(world, monkeypatch, "/api/v1/sales/batch", requests)
    assert (counts["inserted"], counts["refused"], counts["repeated"]) == (len(body), 0, 0)
    check(body)
    again = send(world, monkeypatch, "/api/v1/sales/batch", requests)
    assert (again["unchanged"], again["inserted"], again["updated"]) == (len(body), 0, 0)
    check(body)


@pytest.mark.parametrize("rows", [1_500, pytest.param(10**9, marks=pytest.mark.deep)])
@pytest.mark.parametrize("name", SETS)
def test_pushed_by_product_and_day_the_quantities_are_the_same_and_no_money_is_made_up(
    world: World, shared_data, monkeypatch, name, rows
):
    body = sold(shared_data, world, name, rows)
    stores = dict(Department.objects.values_list("name", "pk"))
    wanted = {key: quantity for key, (quantity, _amount) in sums(body)[2].items()}
    pushed = list(wanted.items())
    requests = []
    for first in range(0, len(pushed), PUSHED):
        sales = defaultdict(list)
        for (store, date, item), quantity in pushed[first : first + PUSHED]:
            record = {"sale_date": str(date), "quantity_sold": str(quantity), "department_id": str(stores[store])}
            sales[code_of(item)].append(record)
        requests.append({"sales_by_product_code": sales})
    published = SalesSummary.objects.count()
    counts = send(world, monkeypatch, "/api/sales/bulk-import", requests)
    assert (counts["inserted"], counts["refused"]) == (len(wanted), 0)
    again = send(world, monkeypatch, "/api/sales/bulk-import", requests)
    assert (again["unchanged"], again["inserted"], again["updated"]) == (len(wanted), 0, 0)
    found = ProductDay.objects.values_list("department__name", "date", "product__name", "quantity", "revenue")
    assert {row[:3]: row[3:] for row in found} == {key: (quantity, None) for key, quantity in wanted.items()}
    assert SalesSummary.objects.count() == published


def sums(body):
    """Money by (shop, date) and by (shop, date, hour), quantity and money by (shop, date, product)."""
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
    return days, hours, products


def check(body):
    """Published days and hours, and the products' days, are the sums of the rows."""
    days, hours, products = sums(body)
    stores = {row[0] for row in body}
    published = SalesSummary.objects.filter(department__name__in=stores)
    assert {(row.department.name, row.date): row.revenue for row in published.select_related("department")} == days
    by_hour = SalesByHour.objects.filter(department__name__in=stores).select_related("department")
    assert {(row.department.name, row.date, row.hour): row.revenue for row in by_hour} == hours
    found = ProductDay.objects.filter(department__name__in=stores)
    rows = found.values_list("department__name", "date", "product__name", "quantity", "revenue")
    assert {row[:3]: row[3:] for row in rows} == products
