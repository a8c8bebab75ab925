"""What the API says of how far a figure is to be believed, and of what changed after it had been told."""

import csv
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from departments.models import Connection
from sales.choices import DayState
from sales.models import Restatement, SalesSummary, SourceDay
from tests.world import HOURS, World, restate

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def client(world: World):
    return world.client("analyst")


@pytest.fixture
def settled(world: World):
    """The oldest day of the cafe is settled, and nothing else."""
    till = Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test")
    SalesSummary.objects.filter(department__in=[world.cafe, world.bar]).update(connection=till)
    for day in world.days[:2]:
        SourceDay.objects.create(
            organisation=world.organisation, connection=till, date=day, is_settled=day == world.days[0]
        )
    SalesSummary.objects.exclude(department=world.cafe).update(connection=None)
    return (str(world.cafe.pk), str(world.days[0]))


def key(row):
    return row["department_id"], row["date"]


def test_the_state_goes_with_every_figure(world: World, client):
    states = {
        (str(day.department_id), str(day.date)): day.state
        for day in SalesSummary.objects.filter(department__in=world.departments)
    }
    assert {DayState.COMPLETE, DayState.SUSPICIOUS, DayState.MISSING} == set(states.values())
    assert {key(row): row["state"] for row in client.get("/api/sales/summary").json()} == states
    past = f"from_date={world.days[0]}&to_date={world.days[-1]}"
    assert {key(row): row["state"] for row in client.get(f"/api/forecast/comparison?{past}").json()} == states
    hours = client.get("/api/sales/hourly").json()
    assert hours and all(row["state"] == states[key(row)] for row in hours)
    text = client.get(f"/api/forecast/export/csv?{past}&include_actual=true").getvalue().decode("utf-8-sig")
    assert {key(row): row["state"] for row in csv.DictReader(io.StringIO(text))} == states


def test_so_does_whether_it_is_settled(world: World, client, settled):
    for path in ("sales/summary", "sales/hourly", "forecast/comparison"):
        assert {key(row) for row in client.get(f"/api/{path}").json() if row["settled"]} == {settled}, path
    assert [key(row) for row in client.get("/api/sales/summary?settled=true").json()] == [settled]
    assert len(client.get("/api/sales/summary?settled=false").json()) == 20
    past = f"from_date={world.days[0]}&to_date={world.days[-1]}&include_actual=true"
    text = client.get(f"/api/forecast/export/csv?{past}").getvalue().decode("utf-8-sig")
    assert {row["settled"] for row in csv.DictReader(io.StringIO(text))} == {"true", "false"}


def test_days_ahead_have_no_state(world: World, client):
    rows = client.get(f"/api/forecast/comparison?from_date={world.today}&to_date={world.today}").json()
    assert rows and {(row["state"], row["settled"]) for row in rows} == {(None, None)}


def test_a_restatement_says_what_stood_and_what_stands(world: World, client):
    restate(world.cafe, world.days[3], by=Decimal("-99.9999"))
    hour, day = client.get("/api/sales/restatements?ordering=-id").json()
    assert (day["department_id"], day["date"], day["hour"]) == (str(world.cafe.pk), str(world.days[3]), None)
    assert (day["old_total"], day["new_total"]) == (60000.75, 59900.75)
    assert (day["old_orders"], day["new_orders"]) == (60, 61)
    assert (hour["hour"], hour["old_total"]) == (13, float(round(HOURS[13], 2)))
    assert hour["old_guests"] is None and hour["changed_by"] is None
    deleted = client.get("/api/sales/summary").json()[0]["id"]
    world.client("administrator").delete(f"/api/sales/summary/{deleted}")
    newest = client.get("/api/sales/restatements?ordering=-id&limit=1").json()[0]
    assert (newest["changed_by"], newest["new_total"]) == ("administrator", None)


def test_more_rows_are_no_more_queries(world: World, client, settled):
    def queries(path):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/api/{path}").json()
        return len(seen)

    restate(world.cafe, world.days[0], by=Decimal(1))
    paths = ("sales/summary", "sales/hourly", "sales/restatements", "forecast/comparison")
    few = [queries(f"{path}?from_date={world.days[0]}&to_date={world.days[0]}") for path in paths]
    for day in world.days[1:]:
        restate(world.cafe, day, by=Decimal(1))
    assert [queries(f"{path}?from_date={world.days[0]}&to_date={world.days[-1]}") for path in paths] == few
    assert Restatement.objects.count() == 14
