"""How the automatic loads went, and testing one."""

import datetime as dt

import pytest
from django.utils import timezone

from runs.models import Run
from sales.models import AutoSyncLog
from tests.reading import content, reader, rows
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
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
    assert len(rows(page)) == 5 and "40 500" in rows(page)[0]


def test_it_is_tested_by_those_who_may_load_every_department(world: World):
    assert reader(world, "analyst").post(TEST).status_code == 403
    # His load would be the whole chain's; his departments he loads on the page for that.
    assert reader(world, "manager").post(TEST).status_code == 403
    assert reader(world, "administrator").get(TEST).status_code == 405
    response = reader(world, "administrator").post(TEST)
    run = Run.objects.get()
    assert (run.kind, run.params["log_as"], run.to_date) == ("sync_sales", "test", world.today - dt.timedelta(days=1))
    assert f"run-{run.pk}" in reader(world, "administrator").get(response.url).content.decode()
