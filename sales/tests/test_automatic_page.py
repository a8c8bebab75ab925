"""How the automatic loads went, and testing one."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from operations.schedules import setup_schedules
from runs.models import Run
from runs.timetable import NIGHT, next_start
from sales.models import AutoSyncLog
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/admin/sales/salessummary/automatic/"
TEST = f"{PAGE}test/"


def line(world: World, status: str, days_ago: int, **more: object) -> None:
    at = timezone.now() - dt.timedelta(days=days_ago)
    fields = {"organisation": world.organisation, "sync_type": "daily", "sync_date": at.date(), "executed_at": at}
    AutoSyncLog.objects.create(status=status, **fields | more)


def test_thirty_days_in_figures_and_line_by_line(world: World):
    for days_ago in (1, 2, 4):
        line(world, "success", days_ago, summary_records=40, hourly_records=500)
    line(world, "error", 3, error_details="till 2: <script>the server</script> refused")
    line(world, "success", 40)
    line(world, "error", 1, organisation=world.other_organisation)
    page = reader(world, "analyst").get(PAGE)
    text = content(page)
    assert "Complete 3" in text and "Failed 1" in text and "75.0 %" in text
    assert "till 2: <script>the server</script> refused" in text and b"<script>the server" not in page.content
    assert len(rows(page)) == 4 and "40 500" in rows(page)[0]


def test_what_went_wrong_is_told_to_those_who_see_every_branch(world: World):
    line(world, "error", 1, error_details="till 1: nothing of Bakery")
    for who, told in (("analyst", True), ("administrator", True), ("manager", False)):  # he does not see the bakery
        page, answer = reader(world, who).get(PAGE), world.client(who).get("/api/sales/auto-sync/status")
        assert ("Bakery" in content(page)) == told
        assert ("Bakery" in answer.content.decode()) == told
        assert [one["status"] for one in answer.json()["logs"]] == ["error"]
        assert "words" not in answer.json()["logs"][0]


def test_seven_thirty_or_ninety_days(world: World):
    for days_ago, status in ((1, "success"), (10, "error"), (40, "partial"), (100, "error")):
        line(world, status, days_ago)
    analyst = reader(world, "analyst")
    for asked, failed, lines in (("7", 0, 1), ("30", 1, 2), ("90", 1, 3), ("1000", 1, 2), ("x", 1, 2)):
        page = analyst.get(PAGE, {"days": asked})
        assert f"Failed {failed}" in content(page), asked
        assert len(rows(page)) == lines, asked


def test_the_next_night_is_told_in_the_organisations_own_time(world: World):
    world.organisation.time_zone = "Europe/Madrid"
    world.organisation.save()
    assert "The schedule is switched off" in content(reader(world, "analyst").get(PAGE))
    setup_schedules()
    coming = next_start(NIGHT).astimezone(ZoneInfo("Europe/Madrid"))
    assert f"{coming:%d.%m.%Y %H:%M} Europe/Madrid" in content(reader(world, "analyst").get(PAGE))
    told = world.client("analyst").get("/api/sales/auto-sync/status").json()
    assert (told["next_run"], told["time_zone"]) == (coming.isoformat(), "Europe/Madrid")


def test_every_period_is_in_the_answer_of_the_api(world: World):
    for days_ago, status in ((1, "success"), (2, "success"), (10, "error"), (40, "partial"), (100, "error")):
        line(world, status, days_ago)
    line(world, "error", 1, organisation=world.other_organisation)
    statistics = world.client("analyst").get("/api/sales/auto-sync/status").json()["statistics"]
    assert [(p["days"], p["success_count"], p["partial_count"], p["error_count"]) for p in statistics["periods"]] == [
        (7, 2, 0, 0),
        (30, 2, 0, 1),
        (90, 2, 1, 1),
    ]
    assert (statistics["total_logs"], statistics["success_rate_30d"]) == (5, 66.7)


def test_the_users_sql_is_answered(world: World):
    """The statements of the system's users, word for word."""
    line(world, "error", 2, error_details="refused")
    line(world, "success", 1, summary_records=3, hourly_records=9, total_raw_records=27)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM auto_sync_log ORDER BY executed_at DESC LIMIT 10;")
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        assert set(names) >= {
            "id", "sync_date", "sync_type", "status", "message", "summary_records", "hourly_records",
            "total_raw_records", "error_details", "executed_at",
        }  # fmt: skip
        assert [(row["status"], row["total_raw_records"], row["error_details"]) for row in found] == [
            ("success", 27, ""),
            ("error", 0, "refused"),
        ]
        counted = []
        for table in ("departments", "sales_summary", "sales_by_hour"):
            cursor.execute(f"SELECT COUNT(*) FROM {table};")
            counted.append(cursor.fetchone()[0])
    assert counted == [6, 28, 81]


def test_it_is_tested_by_those_who_may_load_every_department(world: World):
    assert reader(world, "analyst").post(TEST).status_code == 403
    # His load would be the whole chain's; his departments he loads on the page for that.
    assert reader(world, "manager").post(TEST).status_code == 403
    assert reader(world, "administrator").get(TEST).status_code == 405
    response = reader(world, "administrator").post(TEST)
    run = Run.objects.get()
    assert (run.kind, run.params["log_as"], run.to_date) == ("sync_sales", "test", world.today - dt.timedelta(days=1))
    assert f"run-{run.pk}" in reader(world, "administrator").get(response.url).content.decode()
