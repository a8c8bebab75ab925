"""Nobody sees, counts, filters by or changes what lies outside their departments; elsewhere begins nothing at all."""

import csv
import io
from decimal import Decimal

import pytest

from runs.ledger import open_run
from runs.models import Run
from sales.choices import DayState
from sales.models import AutoSyncLog, SalesByHour, SalesSummary
from tests.world import World, restate

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NAMED = (
    "sales/summary", "sales/hourly", "sales/restatements", "sales/stats",
    "forecast/batch", "forecast/comparison", "forecast/export/csv", "forecast/accuracy", "forecast/aggregate",
)  # fmt: skip


def seen(client, path, name="department_id"):
    return {row[name] for row in client.get(f"/api/{path}").json()}


def ids(*departments):
    return {str(department.pk) for department in departments}


def test_lists_end_at_the_scope(world: World):
    whole, own, foreign = ids(*world.departments), ids(world.cafe, world.bar), ids(world.foreign)
    for department in (*world.departments, world.foreign):
        restate(department, world.days[0], by=Decimal("10.5"))
    for path in ("sales/summary", "sales/hourly", "sales/restatements", "forecast/batch", "forecast/comparison"):
        assert seen(world.client("administrator"), path) == whole, path
        assert seen(world.client("analyst"), path) == whole, path
        assert seen(world.client("manager"), path) == own, path
        assert seen(world.api(world.manager_key), path) == own, path
        assert seen(world.client("staff"), path) == ids(world.cafe), path
        assert seen(world.client("stranger"), path) == foreign, path
    assert seen(world.client("manager"), "departments/", "id") == own
    assert len(seen(world.client("administrator"), "departments/", "id")) == 5


def test_a_scope_covers_what_lies_below_it(world: World):
    scope = world.manager.memberships.get().scopes
    scope.all().delete()
    scope.create(department=world.coffee_company)
    assert seen(world.client("manager"), "departments/", "id") == ids(world.coffee_company, world.cafe, world.bar)


@pytest.mark.parametrize("path", NAMED)
def test_a_department_outside_the_scope_does_not_exist(world: World, path):
    client = world.client("manager")
    assert client.get(f"/api/{path}?department_id={world.cafe.pk}").status_code == 200
    for department in (world.bakery, world.foreign):
        response = client.get(f"/api/{path}?department_id={department.pk}")
        assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


def test_nor_does_it_in_a_path(world: World):
    client = world.client("manager")
    for department in (world.bakery, world.foreign):
        for path in (f"departments/{department.pk}", f"forecast/{world.today}/{department.pk}",
                     f"forecast/hourly/{world.today}/{department.pk}"):  # fmt: skip
            response = client.get(f"/api/{path}")
            assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")


def test_stats_and_the_export_end_at_the_scope(world: World):
    stats = world.client("manager").get("/api/sales/stats").json()
    assert (stats["summary_records"], stats["hourly_records"]) == (14, 3 * 13)
    text = world.client("manager").get("/api/forecast/export/csv").getvalue().decode("utf-8-sig")
    assert {row["department_id"] for row in csv.DictReader(io.StringIO(text))} == ids(world.cafe, world.bar)


def test_loading_a_foreign_department_is_404_and_opens_no_run(world: World):
    for department in (world.bakery, world.foreign):
        response = world.client("manager").post(f"/api/sales/sync?department_id={department.pk}")
        assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")
    assert not Run.objects.exists()


def test_a_foreign_row_cannot_be_deleted(world: World):
    for model, path in ((SalesSummary, "summary"), (SalesByHour, "hourly")):
        row = model.objects.filter(department=world.foreign).first()
        assert world.client("administrator").delete(f"/api/sales/{path}/{row.pk}").status_code == 404
        assert model.objects.filter(pk=row.pk).exclude(**{_amount(model): None}).exists()


def test_deleting_a_day_takes_its_hours_and_marks_it_missing(world: World):
    day = SalesSummary.objects.get(department=world.cafe, date=world.days[0])
    response = world.client("administrator").delete(f"/api/sales/summary/{day.pk}")
    assert (response.status_code, response.json()["state"]) == (200, "missing")
    assert "Cafe on Abay" in response.json()["message"]
    day.refresh_from_db()
    assert (day.state, day.total_sales, day.deleted_by) == (DayState.MISSING, None, world.administrator)
    assert not SalesByHour.objects.filter(department=world.cafe, date=world.days[0]).exists()
    assert SalesByHour.objects.filter(department=world.cafe, date=world.days[1]).count() == 3


def test_deleting_an_hour_takes_its_day(world: World):
    hour = SalesByHour.objects.filter(department=world.cafe, date=world.days[0]).first()
    assert world.client("administrator").delete(f"/api/sales/hourly/{hour.pk}").status_code == 200
    assert SalesSummary.objects.get(department=world.cafe, date=world.days[0]).state == DayState.MISSING


def test_runs_and_logs_of_another_organisation_are_not_there(world: World):
    run, _created = open_run("train", organisation=world.other_organisation)
    AutoSyncLog.objects.create(
        organisation=world.other_organisation, sync_date=world.today, sync_type="daily", status="error",
        message="theirs", executed_at=run.created_at,
    )  # fmt: skip
    client = world.client("administrator")
    assert client.get("/api/runs/").json() == []
    assert client.get(f"/api/runs/{run.pk}").status_code == 404
    assert client.post(f"/api/runs/{run.pk}/cancel").status_code == 404
    assert client.get("/api/sales/auto-sync/status").json()["statistics"]["total_logs"] == 0
    assert world.client("stranger").get("/api/sales/auto-sync/status").json()["statistics"]["error_count_30d"] == 1


def test_work_is_started_for_ones_own_organisation(world: World, settings):
    settings.RUN_ANSWER_SECONDS = 0
    world.client("stranger").post("/api/departments/sync")
    world.api().post("/api/departments/sync")
    assert list(Run.objects.order_by("id").values_list("organisation", flat=True)) == [
        world.other_organisation.pk,
        world.organisation.pk,
    ]


def _amount(model):
    return "total_sales" if model is SalesSummary else "sales_amount"
