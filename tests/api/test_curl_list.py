"""The commands the users' scripts have always sent, now with a key: the same paths, parameters and field names."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.keys import create_api_key
from accounts.models import Organisation
from accounts.roles import Role
from departments.models import Connection, Department
from departments.timing import organisation_today
from sources.simulator import IikoServer
from sources.simulator.worlds.base import Cell, Node
from sources.simulator.worlds.static import StaticWorld
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

BRANCH = "0d30c200-87b5-45a5-89f0-eb76e2892b4a"
COMPANY = "5a1b0f5e-1111-4222-8333-444455556666"
SYNCED = {
    "status",
    "message",
    "from_date",
    "to_date",
    "summary_records",
    "hourly_records",
    "total_raw_records",
    "details",
}


@pytest.fixture
def organisation():
    return Organisation.objects.main()


@pytest.fixture
def client(organisation, client):
    _row, key = create_api_key(organisation=organisation, name="script", role=Role.MANAGER)
    client.defaults["HTTP_AUTHORIZATION"] = f"Api-Key {key}"
    return client


@pytest.fixture
def yesterday(organisation):
    return organisation_today(organisation) - dt.timedelta(days=1)


@pytest.fixture
def till(organisation, yesterday, settings):
    settings.SOURCE_PATIENCE = 0
    cells = [
        Cell(BRANCH, yesterday - dt.timedelta(days=back), hour, Decimal("1000.10"), Decimal("1100"), 3, 4)
        for back in range(20)
        for hour in (9, 13, 18)
    ]
    nodes = [Node(COMPANY, None, "Company", "JURPERSON"), Node(BRANCH, COMPANY, "Plaza", "DEPARTMENT", "1")]
    with IikoServer(StaticWorld(cells, nodes), login="api", password="secret") as server:
        Connection.objects.create(
            organisation=organisation, name="till", url=server.url, login="api", password="secret"
        )
        yield server


def test_loading_and_reading_sales_as_the_scripts_do(client, till, worker, yesterday):
    departments = client.post("/api/departments/sync")
    assert (departments.status_code, departments.json()["status"]) == (200, "success")
    assert Department.objects.get(pk=BRANCH).parent_id is not None
    first = yesterday - dt.timedelta(days=6)

    synced = client.post(f"/api/sales/sync?from_date={first}&to_date={yesterday}")
    answer = synced.json()
    assert synced.status_code == 200, answer
    assert answer.keys() >= SYNCED
    assert (answer["status"], answer["summary_records"], answer["hourly_records"]) == ("success", 7, 21)
    assert (answer["from_date"], answer["to_date"]) == (f"{first}", f"{yesterday}")

    summary = client.get("/api/sales/summary").json()
    assert [row["date"] for row in summary] == [f"{yesterday - dt.timedelta(days=back)}" for back in range(7)]
    assert summary[0].keys() >= {"id", "department_id", "date", "total_sales", "created_at", "updated_at", "synced_at"}
    assert (summary[0]["department_id"], summary[0]["total_sales"]) == (BRANCH, 3000.3)
    hourly = client.get("/api/sales/hourly").json()
    assert hourly[0].keys() >= {"id", "department_id", "date", "hour", "sales_amount", "created_at", "synced_at"}
    assert {row["hour"] for row in hourly} == {9, 13, 18}
    stats = client.get("/api/sales/stats").json()
    assert stats.keys() >= {"summary_records", "hourly_records", "total_sales_amount", "latest_sync", "date_range"}
    assert (stats["summary_records"], stats["total_sales_amount"]) == (7, 21002.1)


def test_the_test_of_the_nightly_load_leaves_a_line_in_its_log(client, till, worker):
    client.post("/api/departments/sync")
    tested = client.post("/api/sales/auto-sync/test")
    assert tested.status_code == 200, tested.content
    assert tested.json()["result"].keys() >= SYNCED
    status = client.get("/api/sales/auto-sync/status").json()
    line = status["logs"][0]
    assert line.keys() >= {
        "id", "sync_date", "sync_type", "status", "message", "summary_records", "hourly_records", "total_raw_records",
        "error_details", "executed_at",
    }  # fmt: skip
    assert (line["sync_type"], line["status"]) == ("test", "success")
    assert status["statistics"].keys() >= {
        "total_logs", "success_count_30d", "error_count_30d", "success_rate_30d", "latest_success", "latest_error",
    }  # fmt: skip
    assert (status["statistics"]["success_count_30d"], status["statistics"]["success_rate_30d"]) == (1, 100.0)
    assert status["statistics"]["latest_error"] is None


def test_reading_forecasts_as_the_scripts_do(world: World):
    client, today, cafe = world.client("manager"), world.today, world.cafe.pk
    one = client.get(f"/api/forecast/{today}/{cafe}").json()
    assert one.keys() >= {
        "date", "branch_id", "department_name", "predicted_sales", "lower_80", "upper_80", "lower_95", "upper_95",
        "model_version", "cutoff",
    }  # fmt: skip
    assert (one["branch_id"], one["predicted_sales"], one["model_version"]) == (str(cafe), 60800.5, "v1")

    week = f"from_date={today}&to_date={today + dt.timedelta(days=6)}"
    batch = client.get(f"/api/forecast/batch?{week}").json()
    assert len(batch) == 2 * 7
    assert batch[0].keys() >= {"date", "department_id", "department_name", "predicted_sales"}

    compared = client.get(
        f"/api/forecast/comparison?from_date={world.days[0]}&to_date={world.days[-1]}&department_id={cafe}"
    ).json()
    assert [row["date"] for row in compared] == [str(day) for day in world.days]
    row = compared[0]
    assert row.keys() >= {"actual_sales", "error", "error_percentage", "predicted_sales", "department_name"}
    assert (row["predicted_sales"], row["actual_sales"], row["error"]) == (60100.5, 60000.75, 99.75)
    assert row["error_percentage"] == 0.17

    export = client.get(f"/api/forecast/export/csv?{week}")
    assert export["Content-Type"].startswith("text/csv")
    lines = export.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0].startswith("date,department_id,department_name,predicted_sales,lower_80,upper_80")
    assert len(lines) == 1 + 2 * 7

    info = client.get("/api/forecast/model/info").json()
    assert info.keys() >= {"status", "model_type", "n_features", "feature_names", "training_metrics", "version"}
    assert (info["status"], info["n_features"], info["version"]) == ("ready", 3, "v1")


def test_the_hours_of_a_forecast_add_up_to_its_day(world: World):
    answer = world.client("staff").get(f"/api/forecast/hourly/{world.today}/{world.cafe.pk}").json()
    assert [row["hour"] for row in answer["hours"]] == list(range(24))
    assert sum(Decimal(str(row["predicted_sales"])) for row in answer["hours"]) == Decimal(
        str(answer["predicted_sales"])
    )


@pytest.mark.parametrize(
    "path", ["departments", "sales/summary", "sales/hourly", "sales/stats", "forecast/batch", "runs"]
)
def test_a_path_answers_with_and_without_the_slash_at_its_end(world: World, path):
    client = world.client("administrator")
    plain, slashed = client.get(f"/api/{path}"), client.get(f"/api/{path}/")
    assert (plain.status_code, plain.json()) == (200, slashed.json())
