"""Two shapes of a list: a bare array, and pages that neither skip nor repeat a row, whatever the order."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runs.ledger import open_run
from sales.models import SalesByHour, SalesSummary
from tests.world import World, restate, sell

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LISTS = ("departments/", "sales/summary", "sales/hourly", "sales/restatements", "forecast/batch", "runs/")
ORDERINGS = {
    "departments/": ("name", "-name", "type,-name", "-created_at", "id"),
    "sales/summary": ("date", "-date", "total_sales", "-total_sales", "department_id,-date", "-id", "-updated_at"),
    "sales/hourly": ("hour", "-hour,date", "sales_amount", "-sales_amount", "-date,department_id,hour"),
    "sales/restatements": ("-changed_at", "changed_at", "date,-department_id", "-id"),
    "forecast/batch": ("date", "-date,department_name", "-predicted_sales", "department_name,-date"),
    "runs/": ("id", "-id"),
}


@pytest.fixture
def client(world: World):
    for number in range(7):
        open_run("train", organisation=world.organisation, unit=str(number))
        restate(world.cafe, world.days[number], by=Decimal(number + 1))
    return world.client("administrator")


def walk(client, url, follow="next"):
    """All rows of all pages, in the order of the pages as they were read."""
    pages = []
    while url:
        body = client.get(url).json()
        assert body.keys() == {"next", "previous", "results"}
        pages.append(body)
        url = body[follow]
        assert len(pages) < 200
    return pages


@pytest.mark.parametrize("path", LISTS)
def test_an_array_for_skip_and_limit_or_nothing(client, path):
    rows = client.get(f"/api/{path}").json()
    assert isinstance(rows, list)
    assert len(rows) >= 5
    assert client.get(f"/api/{path}?skip=2&limit=2").json() == rows[2:4]
    assert client.get(f"/api/{path}?skip=10000").json() == []


@pytest.mark.parametrize("path", LISTS)
def test_every_order_pages_through_all_rows_forth_and_back(client, path):
    for ordering in ORDERINGS[path]:
        whole = client.get(f"/api/{path}?ordering={ordering}&limit=10000").json()
        for size in (2, 100) if len(whole) < 20 else (17,):
            pages = walk(client, f"/api/{path}?ordering={ordering}&page_size={size}")
            assert [row for page in pages for row in page["results"]] == whole, (ordering, size)
            assert [len(page["results"]) for page in pages[:-1]] == [size] * (len(pages) - 1)
            assert pages[0]["previous"] is None
            if len(pages) > 1:
                back = walk(client, pages[-1]["previous"], "previous")
                assert [row for page in reversed(back) for row in page["results"]] == whole[
                    : -len(pages[-1]["results"])
                ]


def test_rows_that_come_meanwhile_shift_no_page(world: World, client):
    first = client.get("/api/sales/summary?page_size=5").json()
    sell(world.cafe, [world.today + dt.timedelta(days=1)])
    rest = [row for page in walk(client, first["next"]) for row in page["results"]]
    ids = [row["id"] for row in first["results"] + rest]
    assert len(ids) == len(set(ids)) == 21


def test_a_cursor_belongs_to_its_ordering(client):
    cursor = client.get("/api/sales/summary?page_size=2&ordering=date").json()["next"]
    response = client.get(cursor.replace("ordering=date", "ordering=-date"))
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "invalid_cursor")


def test_unknown_figures_come_last_in_either_direction(client):
    for ordering in ("total_sales", "-total_sales"):
        rows = client.get(f"/api/sales/summary?ordering={ordering}").json()
        assert rows[-1]["total_sales"] is None
        known = [row["total_sales"] for row in rows[:-1]]
        assert known == sorted(known, reverse=ordering.startswith("-"))


def test_filters(world: World, client):
    cafe, first, last = world.cafe.pk, world.days[2], world.days[4]
    query = f"from_date={first}&to_date={last}&department_id={cafe}"
    assert [row["date"] for row in client.get(f"/api/sales/summary?{query}").json()] == [
        str(world.days[number]) for number in (4, 3, 2)
    ]
    hours = client.get(f"/api/sales/hourly?{query}&hour=13").json()
    assert {(row["hour"], row["department_id"]) for row in hours} == {(13, str(cafe))}
    assert len(hours) == 3
    assert {row["department_id"] for row in client.get("/api/sales/restatements?hours=false").json()} == {str(cafe)}
    assert len(client.get(f"/api/sales/restatements?{query}").json()) == 6
    assert len(client.get(f"/api/sales/restatements?{query}&hours=false").json()) == 3
    suspicious = client.get("/api/sales/summary?state=suspicious").json()
    assert [row["department_id"] for row in suspicious] == [str(world.bar.pk)]
    assert len(client.get(f"/api/forecast/batch?{query}").json()) == 3
    assert {row["segment_type"] for row in client.get("/api/departments/?segment_type=bar").json()} == {"bar"}
    assert [row["id"] for row in client.get("/api/runs/?kind=forecast").json()] == []


@pytest.fixture
def years(world: World):
    """1100 days of the bakery, long ago."""
    sell(world.bakery, [dt.date(2001, 1, 1) + dt.timedelta(days=number) for number in range(1100)])


def test_many_rows_cost_one_query_and_no_instances(world: World, years, monkeypatch):
    client = world.client("administrator")

    def built(*args, **kwargs):
        pytest.fail("a model instance was built for a row of a list")

    monkeypatch.setattr(SalesSummary, "from_db", built)
    monkeypatch.setattr(SalesByHour, "from_db", built)
    for path, table in (("summary", "sales_summary"), ("hourly", "sales_by_hour")):
        for query in ("limit=1100", "page_size=1100"):
            with CaptureQueriesContext(connection) as queries:
                body = client.get(f"/api/sales/{path}?{query}").json()
            assert len(body if isinstance(body, list) else body["results"]) == 1100
            about_sales = [query["sql"] for query in queries if table in query["sql"]]
            assert len(about_sales) == 1
            assert "COUNT" not in about_sales[0]


def test_thousand_rows_are_the_most_without_a_limit(world: World, years):
    client = world.client("administrator")
    assert len(client.get("/api/sales/summary").json()) == 1000
    assert len(client.get("/api/sales/hourly").json()) == 1000
    assert len(client.get("/api/sales/summary?limit=10000").json()) == 1100 + 21


def test_money_keeps_its_digits(world: World):
    SalesSummary.objects.filter(department=world.cafe, date=world.days[0]).update(
        total_sales=Decimal("12345678901.235")
    )
    answer = world.client("administrator").get(
        f"/api/sales/summary?to_date={world.days[0]}&department_id={world.cafe.pk}"
    )
    assert b'"total_sales":12345678901.24' in answer.content
    assert b'"gross":61000.75' in answer.content
