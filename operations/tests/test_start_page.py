"""The start page: the figures of the database, only of what its reader may see, and what to do on a fresh machine."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.formats import amount
from accounts.models import Organisation, User
from departments.models import Connection
from forecasting.models import Forecast
from operations.schedules import setup_schedules
from operations.start import unsettled_runs
from runs.choices import State
from runs.models import Run
from sales.models import SalesSummary, SourceDay
from tests.reading import content, reader, rows, words
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def till(world: World) -> Connection:
    return Connection.objects.create(organisation=world.organisation, name="till 1", url="http://till.example")


def shown(value: Decimal) -> str:
    return words(amount(value))


def test_who_is_not_signed_in_is_asked_to(client):
    response = client.get("/")
    assert (response.status_code, response.url) == (302, "/admin/login/?next=/")


def test_a_fresh_installation_says_what_to_do_next(client, db):
    Organisation.objects.main()
    client.force_login(User.objects.create_superuser("root", password="x"), backend="accounts.backends.RoleBackend")
    page = client.get("/", headers={"accept-language": "en"})
    assert "No connection yet" in content(page)
    assert "/admin/departments/connection/add/" in page.content.decode()


def test_who_belongs_nowhere_reads_a_sentence(client, world):
    world.nobody.is_staff = True
    world.nobody.save()
    page = reader(world, "nobody").get("/")
    assert "You belong to no organisation yet" in content(page)
    assert "Cafe on Abay" not in content(page)


def test_yesterday_is_what_the_database_says(world: World, till):
    page = reader(world, "administrator").get("/")
    lines = "\n".join(rows(page, "sf-compact"))
    for department in world.departments:
        sold = SalesSummary.objects.get(department=department, date=world.days[-1]).total_sales
        promised = Forecast.objects.get(department=department, date=world.days[-1]).predicted_sales
        line = next(line for line in lines.splitlines() if line.startswith(department.name))
        assert shown(promised) in line and shown(sold) in line
        assert words(amount(abs(promised - sold))) in line
    assert "suspicious" in next(line for line in lines.splitlines() if line.startswith("Bar 22"))
    total = sum(
        SalesSummary.objects.filter(department__in=world.departments, date=world.days[-1]).values_list(
            "total_sales", flat=True
        )
    )
    assert shown(total) in content(page)


def test_yesterdays_total_counts_a_department_without_a_forecast_too(world: World, till):
    Forecast.objects.filter(department=world.bakery).delete()
    text = content(reader(world, "administrator").get("/"))
    sold = SalesSummary.objects.filter(department__in=world.departments, date=world.days[-1])
    assert f"Yesterday {world.days[-1]:%a, %d.%m} {shown(sum(sold.values_list('total_sales', flat=True)))}" in text
    compared = sold.exclude(department=world.bakery).values_list("total_sales", flat=True)
    assert "Together, where both are known" in text and shown(sum(compared)) in text


def test_a_department_of_which_nothing_came_is_missing_and_not_yet_to_come(world: World, till):
    SalesSummary.objects.filter(department=world.bakery, date=world.days[-1]).delete()
    line = next(
        line for line in rows(reader(world, "administrator").get("/"), "sf-compact") if line.startswith("Bakery")
    )
    assert "missing" in line and "—" in line


def test_today_and_tomorrow_are_the_sums_of_the_newest_forecasts(world: World, till):
    page = content(reader(world, "administrator").get("/"))
    for date in (world.today, world.today + dt.timedelta(days=1)):
        forecasts = Forecast.objects.filter(department__in=world.departments, date=date)
        assert shown(sum(forecasts.values_list("predicted_sales", flat=True))) in page


def test_a_manager_sees_his_departments_and_their_sums_only(world: World, till):
    page = reader(world, "manager").get("/")
    text = content(page)
    assert "Cafe on Abay" in text and "Bar 22" in text
    assert "Bakery" not in text and "Foreign cafe" not in text
    mine = SalesSummary.objects.filter(department__in=[world.cafe, world.bar], date=world.days[-1])
    assert shown(sum(mine.values_list("total_sales", flat=True))) in text


def test_each_source_says_how_far_behind_it_is(world: World, till):
    text = content(reader(world, "staff").get("/"))
    assert "till 1" in text and "never loaded" in text
    for back, state in ((1, "missing"), (2, "missing"), (3, "complete")):
        SourceDay.objects.create(
            organisation=world.organisation,
            connection=till,
            date=world.today - dt.timedelta(days=back),
            state=state,
            loaded_at=timezone.now(),
        )
    line = rows(reader(world, "staff").get("/"))[0]
    assert "2 days" in line and f"{world.today - dt.timedelta(days=3):%d.%m.%Y}" in line and "missing" in line


def test_work_under_way_and_failed_work_is_shown_with_its_sentence(world: World, till):
    error = {"code": "wrong_password", "params": {"source": "<b>till</b>"}}
    now = timezone.now()
    failed = Run.objects.create(
        organisation=world.organisation,
        kind="sync_sales",
        unit="1",
        state=State.FAILED,
        errors=[error],
        finished_at=now,
    )
    Run.objects.create(
        organisation=world.organisation, kind="train", state=State.RUNNING, progress_done=1, progress_total=4
    )
    Run.objects.create(organisation=world.other_organisation, kind="nightly", state=State.RUNNING)
    page = reader(world, "administrator").get("/")
    text = content(page)
    assert "<b>till</b>: the server refused login and password" in text
    assert "<b>till</b>" not in page.content.decode()
    assert "Train the model" in text and "25 %" in text and "Nightly chain" not in text
    assert "Train the model" not in content(reader(world, "staff").get("/"))
    # What was done since is no longer worth a line.
    Run.objects.create(organisation=world.organisation, kind="sync_sales", unit="2", state=State.DONE, finished_at=now)
    assert f"run-{failed.pk}" not in reader(world, "administrator").get("/").content.decode()


def test_the_last_check_of_a_connection_says_how_it_is(world: World, till):
    def checked(unit: str, state: str) -> Run:
        common = {"organisation": world.organisation, "kind": "check_connection", "finished_at": timezone.now()}
        return Run.objects.create(unit=unit, state=state, **common)

    old, other = checked("1", State.FAILED), checked("2", State.FAILED)
    partial = checked("1", State.PARTIAL)
    checked("3", State.DONE)
    assert set(unsettled_runs(world.administrator)) == {other, partial}
    checked("2", State.DONE)
    checked("1", State.CANCELLED)
    assert unsettled_runs(world.administrator) == [partial]
    assert old.pk < partial.pk


def test_the_next_night_is_shown_in_the_organisations_own_time(world: World, till):
    setup_schedules()
    world.organisation.time_zone = "Asia/Tashkent"
    world.organisation.save()
    text = content(reader(world, "administrator").get("/"))
    assert "02:00" in text and "Asia/Tashkent" in text
